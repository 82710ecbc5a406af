//! Comments, looked for no further than a limit. Not where they may stand.

use memchr::{memchr, memmem};

use super::scan::byte;

/// What a slash begins.
pub(super) enum Comment {
    /// A comment that ends before this offset.
    Ends(usize),
    /// A comment that ends behind the limit, if at all.
    TooLong,
    /// A comment that the body cuts off, or one `/` that may begin one.
    Cut,
    /// Something else.
    NotOne,
}

/// Reads the comment that starts with the slash at `at`.
pub(super) fn comment(body: &[u8], at: usize, limit: usize) -> Comment {
    let window = &body[..body.len().min(limit)];
    let inside = window.get(at + 2..).unwrap_or_default();
    let length = match byte(body, at + 1) {
        Some(b'*') => memmem::find(inside, b"*/").map(|length| length + 2),
        Some(b'/') => memchr(b'\n', inside).map(|length| length + 1),
        Some(_) => return Comment::NotOne,
        None => None,
    };
    match length {
        Some(length) => Comment::Ends(at + 2 + length),
        None if body.len() > limit => Comment::TooLong,
        None => Comment::Cut,
    }
}
