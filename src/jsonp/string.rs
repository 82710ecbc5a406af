//! RFC 8259 §7: strings. Not their values: escapes are checked, never decoded.
#![expect(clippy::inline_always, reason = "a call for each string costs a quarter of the speed")]

use super::error::{Error, Reason};
use super::stops::Stops;
use super::{fault as faults, scan};

/// The offset behind the closing quotation mark of the string whose content starts at `at`, or
/// the offset of the first byte that may not stand there (the length of the body, if it ends).
#[inline(always)]
pub(super) fn string(body: &[u8], mut at: usize, stops: &mut Stops) -> Result<usize, usize> {
    loop {
        at = stops.next(body, at);
        match scan::byte(body, at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = escape(body, at)?,
            _ => return Err(at),
        }
    }
}

/// Tells what is wrong with the byte at an offset that `string` returned.
#[cold]
pub(super) fn fault(body: &[u8], at: usize) -> Error {
    let escaped = at.checked_sub(1).and_then(|before| body.get(before)) == Some(&b'\\');
    let sentence = match body.get(at) {
        None => return Error::new(Reason::Truncated, body.len()),
        Some(b'\n' | b'\r') if escaped => {
            return faults::javascript(at, "a string on several lines is JavaScript, not JSON");
        }
        // RFC 8259 §7: "the control characters (U+0000 through U+001F)" "MUST be escaped".
        Some(0..0x20) => "a control character stands unescaped in a string",
        Some(b'\'') if escaped => {
            return faults::javascript(at, "the escape \\' is JavaScript, not JSON");
        }
        Some(b'x' | b'v' | b'0') if escaped => {
            return faults::javascript(at, "\\x, \\v and \\0 are JavaScript, not JSON");
        }
        Some(b'{') if body[..at].ends_with(b"\\u") => {
            return faults::javascript(at, "\\u{…} is JavaScript, not JSON");
        }
        Some(_) if escaped => "a backslash starts no escape that JSON knows",
        Some(_) => "\\u takes four hexadecimal digits",
    };
    Error::because(Reason::NotJson, at, sentence)
}

/// The offset behind the escape whose backslash stands at `at`.
#[inline(always)]
fn escape(body: &[u8], at: usize) -> Result<usize, usize> {
    match scan::byte(body, at + 1) {
        Some(b'u') => hexadecimal(body, at + 2),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        _ => Err(at + 1),
    }
}

/// RFC 8259 §7: `%x75 4HEXDIG`. Surrogates need not come in pairs: §8.2 knows "bit sequences that
/// cannot encode Unicode characters", and they pass through as they came.
#[inline(always)]
fn hexadecimal(body: &[u8], at: usize) -> Result<usize, usize> {
    if scan::bytes(body, at).is_some_and(|four: &[u8; 4]| four.iter().all(u8::is_ascii_hexdigit)) {
        return Ok(at + 4);
    }
    let digit = |n: &usize| scan::byte(body, at + n).is_some_and(|byte| byte.is_ascii_hexdigit());
    Err(at + (0..4).take_while(digit).count())
}
