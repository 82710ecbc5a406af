//! From what a caller wrote to the URI a portal is asked for (RFC 9110 §7.1). The only place where
//! a caller's bytes meet a portal's URL; it decodes for judging, never for forwarding.

use std::borrow::Cow;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use url::Url;

use super::query::{Query, Written};
use super::{Ask, Dialect, Form, Portal};

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathRefusal {
    /// `.` or `..`, also percent-encoded: the portal would resolve it out of its base path.
    #[error("it has a dot segment (`.` or `..`), which could leave the portal's base path")]
    DotSegment,
    /// A control character, also percent-encoded.
    #[error("it has a control character")]
    Control,
    /// A backslash, also percent-encoded: some servers read it as a slash.
    #[error("it has a backslash, which some servers read as a slash")]
    Backslash,
    /// Joined to the base, it would ask another place.
    #[error("it does not stay below the portal's base URL")]
    LeavesBase,
}

/// Why a URL cannot be a portal's base.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseError {
    /// It is not an http or https URL with a host.
    #[error("`{0}` is not a base URL: write http or https, a host and, if need be, a path")]
    NotHttp(String),
    /// It has user information, a query or a fragment.
    #[error("a base URL has no user information, query or fragment")]
    Surplus,
    /// It goes into the API, so that every path would have it twice.
    #[error("`base` ends before `/api`: write `{0}`")]
    IntoApi(String),
}

/// Where a portal's paths begin: scheme, host, port and path prefix, without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    url: Url,
    text: String,
}

/// What to ask a portal for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// A URL below the portal's base, as the `url` crate writes it, without a callback.
    text: String,
    /// The same with the callback, where one is asked for.
    padded: Option<String>,
    /// What is expected there.
    pub form: Form,
}

impl Target {
    /// A file, wherever it is; whether it may be asked for is judged elsewhere.
    #[must_use]
    pub fn file(url: Url) -> Self {
        Self { text: url.into(), padded: None, form: Form::File }
    }

    /// The target URI as text, without a callback.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The target URI without a callback.
    #[must_use]
    pub fn url(&self) -> Url {
        parsed(&self.text)
    }

    /// The same target, to be asked for without a callback.
    #[must_use]
    pub fn unpadded(self) -> Self {
        Self { padded: None, ..self }
    }

    /// The target URI with the callback, where one may be asked for.
    #[must_use]
    pub fn padded(&self) -> Option<Url> {
        self.padded.as_deref().map(parsed)
    }
}

/// What a target's text is has been judged when the target was made.
fn parsed(text: &str) -> Url {
    Url::parse(text).expect("a target's text is a URL")
}

impl Base {
    /// The base as a URL.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Reads a base URL as people copy it, that is, also one that goes into the API.
    ///
    /// # Errors
    /// [`BaseError`], but never [`BaseError::IntoApi`].
    pub fn lenient(text: &str) -> Result<Self, BaseError> {
        match text.parse() {
            Err(BaseError::IntoApi(before)) => before.parse(),
            result => result,
        }
    }
}

impl std::fmt::Display for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Base {
    type Err = BaseError;

    fn from_str(written: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(written)
            .ok()
            .filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host())
            .ok_or_else(|| BaseError::NotHttp(written.to_owned()))?;
        let surplus = !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some();
        if surplus {
            return Err(BaseError::Surplus);
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        let path = &text[url[..url::Position::BeforePath].len()..];
        if let Some(before) = before_api(path) {
            let origin = &url[..url::Position::BeforePath];
            return Err(BaseError::IntoApi(format!("{origin}{before}")));
        }
        Ok(Self { url, text })
    }
}

/// The part of a base path before an API path at its end: `/api`, `/api/3`, `/api/3/action`,
/// `/api/action`, with or without an action's name.
fn before_api(path: &str) -> Option<&str> {
    let at = path.rfind("/api/").or_else(|| path.ends_with("/api").then(|| path.len() - 4))?;
    let mut rest = path[at..].trim_start_matches("/api").split('/').filter(|s| !s.is_empty());
    let known = match rest.next() {
        None | Some("action" | "util") => true,
        Some(version) => {
            version.len() == 1
                && version.bytes().all(|b| b.is_ascii_digit())
                && matches!(rest.next(), None | Some("action" | "util"))
        }
    };
    known.then(|| &path[..at])
}

impl Portal {
    /// The target for a caller's path (without its leading slash) and query, both as received.
    ///
    /// The path goes through byte for byte, unless the entry rewrites it. Of the query, every
    /// parameter is removed whose once-decoded name is the callback parameter or one of
    /// `drop_query`; what is added comes last.
    ///
    /// # Errors
    /// [`PathRefusal`] when the path could lead elsewhere.
    pub fn target(&self, path: &str, query: Option<&str>) -> Result<Target, PathRefusal> {
        judge(path)?;
        let rewritten = self.asking.rewritten(path);
        if let Cow::Owned(path) = &rewritten {
            judge(path)?;
        }
        let query = Query { text: query.unwrap_or_default(), asking: &self.asking };
        let plain_path = plain_spelling(&rewritten);
        let call = query.call(&plain_path);
        let form = match call {
            Some(_) => Form::Json,
            None if self.dialect == Dialect::Transparent => Form::Raw,
            None => Form::File,
        };
        let uri = |Written(query): Written| {
            let uri = format!("{}/{rewritten}{query}", self.base.text);
            if is_plain(&uri[self.base.text.len()..]) { Ok(uri) } else { self.checked(&uri) }
        };
        let padded = call.filter(|_| self.asking.way != Ask::Json && !self.asking.post);
        Ok(Target {
            text: uri(query.plain(call))?,
            padded: padded.map(|call| uri(query.padded(call))).transpose()?,
            form,
        })
    }

    /// A target URI as the `url` crate writes it.
    fn checked(&self, uri: &str) -> Result<String, PathRefusal> {
        let url = Url::parse(uri).map_err(|_| PathRefusal::LeavesBase)?;
        // Whatever the parser made of the path: it must still be below the base.
        let base = &self.base.text;
        let start = url.as_str().get(..=base.len());
        let stays = start.is_some_and(|start| start.strip_suffix('/') == Some(base));
        if !stays || url.fragment().is_some() {
            return Err(PathRefusal::LeavesBase);
        }
        Ok(url.into())
    }
}

/// Whether a path and query (of a path that has been judged) are already as the `url` crate would
/// write them, so that they need not be parsed to be compared and hashed. It is a matter of the
/// characters alone, because dot segments are refused before.
fn is_plain(path_and_query: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&()*+,;=:@/%?".contains(&b);
    path_and_query.bytes().all(plain)
}

/// A path as routes and dialects are to see it: escapes that need not be there are decoded (RFC 3986
/// §6.2.2.2) and empty segments left out, as servers do, so that another spelling of a path is not
/// another path. It is judged by; what was written is forwarded.
pub(super) fn plain_spelling(path: &str) -> Cow<'_, str> {
    if !path.contains('%') && !path.contains("//") && !path.starts_with('/') {
        return Cow::Borrowed(path);
    }
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(next) = rest.chars().next() {
        let unreserved = escaped_byte(rest)
            .map(char::from)
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~'));
        let (read, length) = unreserved.map_or((next, next.len_utf8()), |c| (c, 3));
        if read != '/' || !(plain.is_empty() || plain.ends_with('/')) {
            plain.push(read);
        }
        rest = &rest[length..];
    }
    Cow::Owned(plain)
}

/// The byte of an escape (`%5F`) at the beginning of a text.
fn escaped_byte(text: &str) -> Option<u8> {
    let digits = text.strip_prefix('%')?.get(..2)?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u8::from_str_radix(digits, 16).ok()
}

/// A parameter's name as a form decoder reads it: `+` is a space, escapes are decoded once.
pub(super) fn decoded_name(name: &str) -> Cow<'_, str> {
    if !name.contains(['%', '+']) {
        return Cow::Borrowed(name);
    }
    let spaced = name.replace('+', " ");
    Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

/// Judges the path as a server might read it: decoded once, with an encoded slash as a slash.
fn judge(path: &str) -> Result<(), PathRefusal> {
    let decoded: Cow<'_, [u8]> = percent_decode_str(path).into();
    for byte in decoded.iter() {
        match byte {
            b'\\' => return Err(PathRefusal::Backslash),
            0..=0x1f | 0x7f => return Err(PathRefusal::Control),
            _ => {}
        }
    }
    let dots = decoded.split(|b| *b == b'/').any(|segment| {
        // Some servers take what follows a semicolon off before they resolve the segment.
        let name = segment.split(|b| *b == b';').next().unwrap_or(segment);
        matches!(name, b"." | b"..")
    });
    if dots { Err(PathRefusal::DotSegment) } else { Ok(()) }
}

#[cfg(test)]
#[path = "target_tests.rs"]
pub(super) mod tests;
