//! RFC 8259: one JSON text, checked in one pass without building anything.
//! Not a parser of values, and not a check of UTF-8: it tells whether that check is needed.

use super::error::{Error, Reason};
use super::nesting::{Bracket, Nesting};
use super::non_finite::Words;
use super::shape::NonFinite;
use super::stops::Stops;
use super::{fault, number, scan, string};

/// A JSON text that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Text {
    /// The offset behind its last byte.
    pub(super) end: usize,
    /// Whether it is ASCII throughout, so that it needs no check of UTF-8.
    pub(super) ascii: bool,
    /// How many of its values are `NaN` or infinite, so that it is not JSON yet.
    pub(super) non_finite: usize,
}

/// Checks the JSON text that starts at `start`, without whitespace before it.
///
/// Every turn of the loop takes one member or element, or the bracket that opens one, and the
/// brackets and the comma behind it; `at` only grows.
pub(super) fn text(
    body: &[u8],
    start: usize,
    depth: usize,
    policy: NonFinite,
) -> Result<Text, Error> {
    let mut words = Words::new(policy);
    let mut nesting = Nesting::new(depth);
    let mut stops = Stops::new(body, start);
    let mut at = start;
    loop {
        // Here starts an element of the innermost array, a member of the innermost object, or,
        // outside of both, the text.
        if nesting.innermost() == Some(Bracket::Object) {
            at = name(body, at, &mut stops)?;
        }
        at = match scan::byte(body, at) {
            Some(b'"') => string::string(body, at + 1, &mut stops)
                .map_err(|stop| string::fault(body, stop))?,
            Some(b'-' | b'0'..=b'9') => match number::number(body, at) {
                Ok(end) => end,
                Err(stop) => words.end(body, at)?.ok_or_else(|| number::fault(body, stop))?,
            },
            Some(b't' | b'f' | b'n') => {
                number::literal(body, at).map_err(|stop| fault::literal(body, at, stop))?
            }
            Some(open @ (b'{' | b'[')) => {
                let (bracket, close) =
                    if open == b'{' { (Bracket::Object, b'}') } else { (Bracket::Array, b']') };
                nesting.open(bracket).map_err(|_| Error::new(Reason::TooDeep, at))?;
                at = scan::skip_space(body, at + 1);
                if scan::byte(body, at) != Some(close) {
                    continue;
                }
                at
            }
            _ => words.end(body, at)?.ok_or_else(|| fault::value(body, at))?,
        };
        match separators(body, at, &mut nesting)? {
            Separated::Next(next) => at = next,
            Separated::End(end) => {
                return Ok(Text { end, ascii: stops.is_ascii(), non_finite: words.count });
            }
        }
    }
}

enum Separated {
    /// Another member or element starts here.
    Next(usize),
    /// The text has ended before this offset.
    End(usize),
}

/// Closes what is closed at `at` and behind it, and takes the comma after that.
#[inline]
fn separators(body: &[u8], mut at: usize, nesting: &mut Nesting) -> Result<Separated, Error> {
    while let Some(innermost) = nesting.innermost() {
        if let Some(next) = scan::behind(body, at, b',') {
            return Ok(Separated::Next(next));
        }
        at = scan::skip_space(body, at);
        match (scan::byte(body, at), innermost) {
            (Some(b']'), Bracket::Array) | (Some(b'}'), Bracket::Object) => nesting.close(),
            _ => return Err(fault::separator(body, at, innermost)),
        }
        at += 1;
    }
    Ok(Separated::End(at))
}

/// RFC 8259 §4: "A name is a string. A single colon comes after each name". Returns where the
/// value starts.
#[inline]
fn name(body: &[u8], at: usize, stops: &mut Stops) -> Result<usize, Error> {
    if scan::byte(body, at) != Some(b'"') {
        return Err(fault::name(body, at));
    }
    let end = string::string(body, at + 1, stops).map_err(|stop| string::fault(body, stop))?;
    scan::behind(body, end, b':').ok_or_else(|| fault::colon(body, end))
}
