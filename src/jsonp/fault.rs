//! What is wrong where JSON was expected, in words a portal's operator understands.
//! Not on the path of a good body: everything here runs once, after the validator gave up.

use super::error::{Error, Reason};
use super::nesting::Bracket;
use super::scan::{is_space, skip_space};

/// A value was expected at `at`.
#[cold]
pub(super) fn value(body: &[u8], at: usize) -> Error {
    let Some(rest) = body.get(at..).filter(|rest| !rest.is_empty()) else {
        return Error::new(Reason::Truncated, body.len());
    };
    let sentence = word(rest).unwrap_or(match rest[0] {
        b'\'' => "strings in single quotes are JavaScript, not JSON",
        b'`' => "template strings are JavaScript, not JSON",
        b'/' => "comments and regular expressions are JavaScript, not JSON",
        b'+' => "a number does not start with a plus sign",
        b'.' => "a number starts with a digit",
        b']' | b'}' | b')' if follows_comma(body, at) => "a comma stands before a closing bracket",
        b',' if follows_comma(body, at) => "two commas stand in a row",
        _ => "a value is expected: object, array, string, number, true, false or null",
    });
    Error::because(Reason::NotJson, at, sentence)
}

/// A literal started at `at` and stopped being one at `stop`.
#[cold]
pub(super) fn literal(body: &[u8], at: usize, stop: usize) -> Error {
    if stop >= body.len() {
        return Error::new(Reason::Truncated, stop);
    }
    value(body, at)
}

/// The name of a member was expected at `at`.
#[cold]
pub(super) fn name(body: &[u8], at: usize) -> Error {
    let sentence = match body.get(at) {
        None => return Error::new(Reason::Truncated, at),
        Some(b'\'') => "strings in single quotes are JavaScript, not JSON",
        Some(b'}') => "a comma stands before a closing bracket",
        Some(b'/') => "comments are JavaScript, not JSON",
        Some(b'[') => "computed names are JavaScript, not JSON",
        Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') => {
            "names without quotation marks are JavaScript, not JSON"
        }
        Some(_) => "the name of a member, in quotation marks, is expected",
    };
    Error::because(Reason::NotJson, at, sentence)
}

/// A colon was expected behind the name that ends at `end`.
#[cold]
pub(super) fn colon(body: &[u8], end: usize) -> Error {
    let at = skip_space(body, end);
    if at >= body.len() {
        return Error::new(Reason::Truncated, at);
    }
    Error::because(Reason::NotJson, at, "a colon is expected after the name of a member")
}

/// A comma or the closing bracket of `innermost` was expected at `at`.
#[cold]
pub(super) fn separator(body: &[u8], at: usize, innermost: Bracket) -> Error {
    let sentence = match (body.get(at), innermost) {
        (None, _) => return Error::new(Reason::Truncated, at),
        (Some(b'/'), _) => "comments are JavaScript, not JSON",
        (Some(b'('), _) => "calls are JavaScript, not JSON",
        (Some(_), Bracket::Array) => "a comma or ] is expected after an element",
        (Some(_), Bracket::Object) => "a comma or } is expected after a member",
    };
    Error::because(Reason::NotJson, at, sentence)
}

fn word(rest: &[u8]) -> Option<&'static str> {
    let length = rest.iter().take(16).take_while(|byte| byte.is_ascii_alphabetic()).count();
    match &rest[..length] {
        b"NaN" => Some("NaN is JavaScript, not JSON"),
        b"Infinity" => Some("Infinity is JavaScript, not JSON"),
        b"undefined" => Some("undefined is JavaScript, not JSON"),
        b"function" => Some("functions are JavaScript, not JSON"),
        b"new" => Some("constructors are JavaScript, not JSON"),
        b"True" | b"False" | b"None" => Some("True, False and None are Python, not JSON"),
        _ => None,
    }
}

fn follows_comma(body: &[u8], at: usize) -> bool {
    body[..at].iter().rev().find(|&&byte| !is_space(byte)) == Some(&b',')
}
