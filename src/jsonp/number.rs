//! RFC 8259 §6 and §3: numbers and the three literals. Not their values: a number may have any
//! length and any exponent, and passes through digit for digit.

use super::error::{Error, Reason};
use super::{fault as faults, scan};

/// The offset behind the number that starts at `at`, or the offset of the first byte that may not
/// stand there (the length of the body, if it ends too early).
///
/// RFC 8259 §6: `number = [ minus ] int [ frac ] [ exp ]`.
#[inline]
pub(super) fn number(body: &[u8], at: usize) -> Result<usize, usize> {
    let int = if scan::byte(body, at) == Some(b'-') { at + 1 } else { at };
    let mut end = digits(body, int)?;
    // RFC 8259 §6: "Leading zeros are not allowed."
    if end > int + 1 && scan::byte(body, int) == Some(b'0') {
        return Err(int + 1);
    }
    if scan::byte(body, end) == Some(b'.') {
        end = digits(body, end + 1)?;
    }
    if let Some(b'e' | b'E') = scan::byte(body, end) {
        let sign = matches!(scan::byte(body, end + 1), Some(b'+' | b'-'));
        end = digits(body, end + 1 + usize::from(sign))?;
    }
    Ok(end)
}

/// Tells what is wrong with the byte at an offset that `number` returned.
#[cold]
pub(super) fn fault(body: &[u8], at: usize) -> Error {
    let sentence = match body.get(at) {
        None => return Error::new(Reason::Truncated, body.len()),
        Some(b'0'..=b'9') => "a number has a leading zero",
        Some(word @ (b'I' | b'N')) => return faults::non_finite(at, *word == b'N'),
        Some(_) => "a digit is missing in a number",
    };
    Error::because(Reason::NotJson, at, sentence)
}

/// The offset behind the literal that starts at `at` with one of `t`, `f` and `n`, or the offset
/// of the first byte that is not of it.
///
/// RFC 8259 §3: "The literal names MUST be lowercase. No other literal names are allowed."
#[inline]
pub(super) fn literal(body: &[u8], at: usize) -> Result<usize, usize> {
    let (start, four) = match scan::byte(body, at) {
        Some(b't') => (at, b"true"),
        Some(b'f') => (at + 1, b"alse"),
        _ => (at, b"null"),
    };
    if scan::bytes(body, start) == Some(four) {
        return Ok(start + 4);
    }
    let same = (0..4).take_while(|&n| scan::byte(body, start + n) == Some(four[n])).count();
    Err(start + same)
}

/// The offset behind one or more digits.
#[inline]
fn digits(body: &[u8], start: usize) -> Result<usize, usize> {
    let mut at = start;
    while scan::byte(body, at).is_some_and(|byte| byte.is_ascii_digit()) {
        at += 1;
    }
    if at > start { Ok(at) } else { Err(at) }
}
