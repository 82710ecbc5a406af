//! What is wrong where JSON or a call was expected, in words a portal's operator understands.
//! Not on the path of a good body: everything here runs once, after the validator gave up.

use super::error::{Error, Kind, Reason};
use super::foreign;
use super::nesting::Bracket;
use super::scan::{is_space, skip_space};

/// Said of numbers that JSON cannot write.
const NAN: &str =
    "NaN is JavaScript, not JSON; the portal's entry can have null put there (non_finite: null)";
const INFINITY: &str = "Infinity is JavaScript, not JSON; \
    the portal's entry can have null put there (non_finite: null)";

/// What starts a body that is protected against being included as a script.
const HIJACKING: [&[u8]; 7] =
    [b")]}'", b"while(", b"while (", b"for(", b"for (", b"&&&START&&&", b"throw "];

/// `NaN` (`nan`) or `Infinity` stands at `at`.
#[cold]
pub(super) fn non_finite(at: usize, nan: bool) -> Error {
    Error::because(Reason::NotJson, at, if nan { NAN } else { INFINITY }).of(Kind::NonFinite)
}

/// JavaScript that is not JSON stands at `at`.
#[cold]
pub(super) fn javascript(at: usize, sentence: &'static str) -> Error {
    Error::because(Reason::NotJson, at, sentence).of(Kind::JavaScript)
}

/// A value was expected at `at`.
#[cold]
pub(super) fn value(body: &[u8], at: usize) -> Error {
    let Some(rest) = body.get(at..).filter(|rest| !rest.is_empty()) else {
        return Error::new(Reason::Truncated, body.len());
    };
    if let Some(error) = word(rest, at) {
        return error;
    }
    let digit = rest.get(1).is_some_and(u8::is_ascii_digit);
    let plain = |sentence| Error::because(Reason::NotJson, at, sentence);
    match rest[0] {
        b'\'' => javascript(at, "strings in single quotes are JavaScript, not JSON"),
        b'`' => javascript(at, "template strings are JavaScript, not JSON"),
        b'/' => javascript(at, "comments and regular expressions are JavaScript, not JSON"),
        b'(' => javascript(at, "a value in round brackets is JavaScript, not JSON"),
        b'+' if digit => javascript(at, "a number does not start with a plus sign"),
        b'.' if digit => javascript(at, "a number starts with a digit"),
        b'+' => plain("a number does not start with a plus sign"),
        b'.' => plain("a number starts with a digit"),
        b']' | b'}' | b')' if follows(body, at, b',') => {
            javascript(at, "a comma stands before a closing bracket: JavaScript, not JSON")
        }
        b',' if follows(body, at, b',') || follows(body, at, b'[') => {
            javascript(at, "an element is missing before a comma: JavaScript, not JSON")
        }
        _ => match named(body, at) {
            Some(sentence) => javascript(at, sentence),
            None => {
                plain("a value is expected: object, array, string, number, true, false or null")
            }
        },
    }
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
    match body.get(at) {
        None => Error::new(Reason::Truncated, at),
        Some(b'\'') => javascript(at, "strings in single quotes are JavaScript, not JSON"),
        Some(b'}') => {
            javascript(at, "a comma stands before a closing bracket: JavaScript, not JSON")
        }
        Some(b'/') => javascript(at, "comments are JavaScript, not JSON"),
        Some(b'[') => javascript(at, "computed names are JavaScript, not JSON"),
        Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') => {
            javascript(at, "names without quotation marks are JavaScript, not JSON")
        }
        Some(_) => {
            let sentence = "the name of a member, in quotation marks, is expected";
            Error::because(Reason::NotJson, at, sentence)
        }
    }
}

/// A colon was expected behind the name that ends at `end`.
#[cold]
pub(super) fn colon(body: &[u8], end: usize) -> Error {
    let at = skip_space(body, end);
    match body.get(at) {
        None => Error::new(Reason::Truncated, at),
        Some(b'/') => javascript(at, "comments are JavaScript, not JSON"),
        Some(_) => {
            Error::because(Reason::NotJson, at, "a colon is expected after the name of a member")
        }
    }
}

/// A comma or the closing bracket of `innermost` was expected at `at`.
#[cold]
pub(super) fn separator(body: &[u8], at: usize, innermost: Bracket) -> Error {
    let sentence = match (body.get(at), innermost) {
        (None, _) => return Error::new(Reason::Truncated, at),
        (Some(b'/'), _) => return javascript(at, "comments are JavaScript, not JSON"),
        (Some(b'('), _) => return javascript(at, "calls are JavaScript, not JSON"),
        (Some(b'+' | b'*'), _) => {
            return javascript(at, "computed values are JavaScript, not JSON");
        }
        (Some(b'x' | b'X' | b'o' | b'O' | b'b' | b'B'), _) if body[..at].ends_with(b"0") => {
            return javascript(at, "hexadecimal, octal and binary numbers are JavaScript");
        }
        (Some(_), Bracket::Array) => "a comma or ] is expected after an element",
        (Some(_), Bracket::Object) => "a comma or } is expected after a member",
    };
    Error::because(Reason::NotJson, at, sentence)
}

/// Words for a body that is no script of the kind we asked for, which became certain at `at`.
#[cold]
pub(super) fn script(body: &[u8], at: usize) -> Error {
    const ASSIGNMENT: &str =
        "a variable is assigned where a call is expected: JavaScript, not JSON";
    let rest = &body[at..];
    let because = |sentence| Error::because(Reason::NotJsonp, at, sentence);
    let is = |word: &[u8]| rest.starts_with(word) && !foreign::continues(body, at + word.len());
    if HIJACKING.iter().any(|prefix| rest.starts_with(prefix)) {
        let sentence = "a prefix against JSON hijacking stands where a call is expected; \
            the portal's entry can name it (prefix)";
        return because(sentence).of(Kind::HijackingPrefix);
    }
    if is(b"try") {
        let sentence = "the call stands in try { … } catch; \
            the portal's entry can allow that (try_catch)";
        return because(sentence).of(Kind::TryCatch);
    }
    if is(b"NaN") || is(b"Infinity") {
        let sentence = if is(b"NaN") { NAN } else { INFINITY };
        return because(sentence).of(Kind::NonFinite);
    }
    if [&b"var"[..], b"let", b"const"].into_iter().any(is) || assigns(body, at) {
        return because(ASSIGNMENT).of(Kind::JavaScript);
    }
    if is(b"function") {
        return because("a function is defined where a call is expected").of(Kind::JavaScript);
    }
    match rest.first() {
        Some(b'<') => because("this is markup (HTML or XML), neither a call nor JSON"),
        Some(b'{' | b'[' | b'"') => because("bare JSON does not follow comments or semicolons"),
        _ => Error::new(Reason::NotJsonp, at),
    }
}

/// Whether an assignment starts, or goes on, at `at`.
fn assigns(body: &[u8], at: usize) -> bool {
    let end = foreign::expression(body, at).map_or(at, |end| skip_space(body, end));
    body.get(end) == Some(&b'=') && !matches!(body.get(end + 1), Some(b'=' | b'>'))
}

fn word(rest: &[u8], at: usize) -> Option<Error> {
    let length = rest.iter().take(16).take_while(|byte| byte.is_ascii_alphabetic()).count();
    match &rest[..length] {
        b"NaN" => Some(non_finite(at, true)),
        b"Infinity" => Some(non_finite(at, false)),
        b"undefined" => Some(javascript(at, "undefined is JavaScript, not JSON")),
        b"function" => Some(javascript(at, "functions are JavaScript, not JSON")),
        b"new" => Some(javascript(at, "constructors (new …) are JavaScript, not JSON")),
        b"True" | b"False" | b"None" => {
            let sentence = "True, False and None are Python, not JSON";
            Some(Error::because(Reason::NotJson, at, sentence))
        }
        _ => None,
    }
}

/// What a name in place of a value is good for.
fn named(body: &[u8], at: usize) -> Option<&'static str> {
    let end = skip_space(body, foreign::expression(body, at)?);
    match body.get(end)? {
        b'(' => Some("calls are JavaScript, not JSON"),
        b'=' => Some("assignments and arrow functions are JavaScript, not JSON"),
        _ => None,
    }
}

fn follows(body: &[u8], at: usize, mark: u8) -> bool {
    body[..at].iter().rev().find(|&&byte| !is_space(byte)) == Some(&mark)
}
