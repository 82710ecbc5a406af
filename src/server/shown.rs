//! What of a caller's text may stand in a log or in an answer: nothing that a terminal would obey, and
//! nobody's password. It decides nothing else.

use std::borrow::Cow;

/// A path as it may stand in a log: printable ASCII, and not longer than a line.
pub(super) fn loggable(path: &str) -> Cow<'_, str> {
    const LONGEST: usize = 1024;
    if path.len() <= LONGEST && path.bytes().all(|b| b.is_ascii_graphic()) {
        return Cow::Borrowed(path);
    }
    let mut escaped: String = path.escape_default().take(LONGEST).collect();
    if path.len() > LONGEST {
        escaped.push_str("...");
    }
    Cow::Owned(escaped)
}

/// A path as it may be logged: a target's user information is somebody's password.
pub(super) fn without_user_information(path: &str) -> Cow<'_, str> {
    let authority = path.strip_prefix("/http").and_then(|_| {
        let start = path.find(":/")? + 2;
        let start = start + path[start..].len() - path[start..].trim_start_matches('/').len();
        let end = path[start..].find('/').map_or(path.len(), |at| start + at);
        Some((start, start + path[start..end].rfind('@')?))
    });
    match authority {
        Some((start, at)) => format!("{}REDACTED{}", &path[..start], &path[at..]).into(),
        None => Cow::Borrowed(path),
    }
}
