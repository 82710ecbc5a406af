//! RFC 8259 §7: strings. Not their values: escapes are checked, never decoded.

use super::chunk;
use super::error::{Error, Reason};
use super::scan;

/// The offset behind the closing quotation mark of the string whose content starts at `at`, or
/// the offset of the first byte that may not stand there (the length of the body, if it ends).
///
/// `high` collects whether a byte of 0x80 or above was seen. It may also be set by bytes behind
/// the string, which costs a check of UTF-8 and decides nothing.
#[inline(always)]
pub(super) fn string(body: &[u8], mut at: usize, stops: &mut super::stops::Stops) -> Result<usize, usize> {
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
    let before = |distance: usize| at.checked_sub(distance).map(|index| body[index]);
    let sentence = match body.get(at) {
        None => return Error::new(Reason::Truncated, at),
        // RFC 8259 §7: "the control characters (U+0000 through U+001F)" "MUST be escaped".
        Some(0..0x20) => "a control character stands unescaped in a string",
        Some(b'\'') if before(1) == Some(b'\\') => "the escape \\' is JavaScript, not JSON",
        Some(b'x' | b'v' | b'0') if before(1) == Some(b'\\') => {
            "the escapes \\x, \\v and \\0 are JavaScript, not JSON"
        }
        Some(_) if before(1) == Some(b'\\') => "a backslash starts no escape that JSON knows",
        Some(_) => "\\u takes four hexadecimal digits",
    };
    Error::because(Reason::NotJson, at, sentence)
}

/// The first quotation mark, backslash or control character from `at` on.
#[inline(always)]
fn stop(body: &[u8], mut at: usize, high: &mut u64) -> usize {
    while let Some(sixteen) = body.get(at..).and_then(|b| b.first_chunk::<{chunk::WIDE}>()) {
        let length = chunk::plain(sixteen, high);
        at += length;
        if length < chunk::WIDE {
            return at;
        }
    }
    stop_near_the_end(body, at, high)
}

#[cold]
fn stop_near_the_end(body: &[u8], mut at: usize, high: &mut u64) -> usize {
    while let Some(byte) = scan::byte(body, at) {
        if matches!(byte, 0..0x20 | b'"' | b'\\') {
            break;
        }
        *high |= u64::from(byte & 0x80);
        at += 1;
    }
    at
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

/// RFC 8259 §7: `%x75 4HEXDIG`. Surrogates need not come in pairs: §8.2 allows "bit sequences that
/// cannot encode Unicode characters", and they pass through as they came.
#[inline(always)]
fn hexadecimal(body: &[u8], at: usize) -> Result<usize, usize> {
    let digit = |n: usize| scan::byte(body, at + n).is_some_and(|byte| byte.is_ascii_hexdigit());
    match (0..4).find(|&n| !digit(n)) {
        None => Ok(at + 4),
        Some(n) => Err(at + n),
    }
}
