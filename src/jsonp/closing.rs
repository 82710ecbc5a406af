//! What stands behind the JSON in a call: a second argument, the bracket, semicolons, comments,
//! `catch`. Not the end of bare JSON, behind which only whitespace may stand.

use super::call::{Miss, token};
use super::comment::{Comment, comment};
use super::error::{Error, Kind, Reason};
use super::scan::{byte, is_space, skip_space};
use super::shape::Shape;
use super::stops::Stops;
use super::{foreign, string};

/// The limits of what WCF puts there: RFC 9110 §15 has statuses "in the range of 100 to 599".
const STATUS: std::ops::RangeInclusive<u8> = b'1'..=b'5';

/// Reads everything behind the JSON, which ended at `at`. Returns the status, if one is said.
pub(super) fn closing(
    body: &[u8],
    at: usize,
    tried: bool,
    shape: &Shape,
    limit: usize,
) -> Result<Option<u16>, Error> {
    let at = skip_space(body, at);
    let (at, status) = match byte(body, at) {
        None => return Err(Error::new(Reason::Truncated, at)),
        Some(b')') => (at, None),
        Some(b',') if is_between_digits(body, at) => {
            let sentence = "a number has a comma in it: a decimal comma, or a second number";
            return Err(Error::because(Reason::NotJson, at, sentence));
        }
        Some(b',') if shape.second_argument => second(body, at)?,
        Some(b',') => return Err(unasked(body, at)),
        Some(_) => return Err(goes_on(body, at)),
    };
    let limit = limit.saturating_add(at + 1);
    let mut at = fillers(body, at + 1, limit)?;
    if tried {
        at = fillers(body, catch(body, at)?, limit)?;
    }
    if at < body.len() { Err(Error::new(Reason::TrailingData, at)) } else { Ok(status) }
}

/// Whether a comma stands between digits: `cb(1,5)` is how software that formats numbers for
/// people writes 1.5, and no portal sends two numbers as two arguments.
fn is_between_digits(body: &[u8], comma: usize) -> bool {
    let digit = |at: Option<usize>| {
        at.and_then(|at| byte(body, at)).is_some_and(|one| one.is_ascii_digit())
    };
    digit(comma.checked_sub(1)) && digit(comma.checked_add(1))
}

/// Reads the second argument behind the comma, up to the closing bracket.
fn second(body: &[u8], comma: usize) -> Result<(usize, Option<u16>), Error> {
    let cut = || Error::new(Reason::Truncated, body.len());
    let other = || {
        let sentence = "the second argument is neither a status (100 to 599) nor a string";
        Error::because(Reason::MultipleArguments, comma, sentence)
    };
    let start = skip_space(body, comma + 1);
    let (end, status) = match byte(body, start) {
        None => return Err(cut()),
        Some(b'"') => {
            let end = string::string(body, start + 1, &mut Stops::new(body, start + 1))
                .map_err(|stop| if stop < body.len() { other() } else { cut() })?;
            // RFC 8259 §8.1: what is not UTF-8 is no JSON, dropped or not.
            simdutf8::basic::from_utf8(&body[start..end]).map_err(|_| other())?;
            (end, None)
        }
        Some(first) if STATUS.contains(&first) => {
            let mut status = u16::from(first - b'0');
            for at in start + 1..start + 3 {
                let digit = byte(body, at).ok_or_else(cut)?;
                if !digit.is_ascii_digit() {
                    return Err(other());
                }
                status = 10 * status + u16::from(digit - b'0');
            }
            (start + 3, Some(status))
        }
        Some(_) => return Err(other()),
    };
    let at = skip_space(body, end);
    match byte(body, at) {
        None => Err(cut()),
        Some(b')') => Ok((at, status)),
        Some(b',') => Err(Error::because(
            Reason::MultipleArguments,
            at,
            "the call has more than two arguments",
        )),
        Some(_) => Err(other()),
    }
}

/// A second argument that the shape does not admit.
#[cold]
fn unasked(body: &[u8], comma: usize) -> Error {
    if second(body, comma).is_err() {
        return Error::new(Reason::MultipleArguments, comma);
    }
    let sentence = "the call has a status or an identifier as its second argument; \
        the portal's entry can allow that (second_argument)";
    Error::because(Reason::MultipleArguments, comma, sentence)
}

#[cold]
fn goes_on(body: &[u8], at: usize) -> Error {
    let (kind, sentence) = match body[at] {
        b'/' => (Some(Kind::JavaScript), "comments in the argument are JavaScript, not JSON"),
        b'+' | b'-' | b'*' | b'?' | b'|' | b'&' => {
            (Some(Kind::JavaScript), "a computed argument is JavaScript, not JSON")
        }
        b'(' | b'.' => (Some(Kind::JavaScript), "calls and members are JavaScript, not JSON"),
        b'x' | b'X' | b'o' | b'O' | b'b' | b'B' if body[..at].ends_with(b"0") => {
            (Some(Kind::JavaScript), "hexadecimal, octal and binary numbers are JavaScript")
        }
        _ => (None, "the argument goes on where the JSON has ended"),
    };
    let error = Error::because(Reason::NotJson, at, sentence);
    kind.map_or(error.clone(), |kind| error.of(kind))
}

/// Skips blanks, semicolons, and comments that end before `limit`. Ends at a byte that is none of
/// them, or with the body.
fn fillers(body: &[u8], mut at: usize, limit: usize) -> Result<usize, Error> {
    while let Some(one) = byte(body, at) {
        at = match one {
            b';' => at + 1,
            b'/' => match comment(body, at, limit) {
                Comment::Ends(end) => end,
                Comment::Cut if byte(body, at + 1) == Some(b'/') => body.len(),
                Comment::Cut => return Err(Error::new(Reason::Truncated, body.len())),
                Comment::TooLong => {
                    let sentence = "a comment after the call is longer than the limit allows";
                    return Err(Error::because(Reason::TrailingData, at, sentence));
                }
                Comment::NotOne => return Ok(at),
            },
            _ if is_space(one) => at + 1,
            _ => return Ok(at),
        };
    }
    Ok(at)
}

/// Reads `} catch (name) {}`.
fn catch(body: &[u8], at: usize) -> Result<usize, Error> {
    let steps = || {
        let at = skip_space(body, token(body, at, b"}")?);
        let at = skip_space(body, token(body, at, b"catch")?);
        let at = skip_space(body, token(body, at, b"(")?);
        let none = if at < body.len() { Miss::At(at) } else { Miss::End };
        let at = skip_space(body, foreign::identifier(body, at).ok_or(none)?);
        let at = skip_space(body, token(body, at, b")")?);
        let at = skip_space(body, token(body, at, b"{")?);
        token(body, at, b"}")
    };
    steps().map_err(|miss| match miss {
        Miss::At(at) | Miss::Foreign(at) => {
            let sentence = "a call in try is followed by something else than catch (name) {}";
            Error::because(Reason::TrailingData, at, sentence)
        }
        Miss::End | Miss::TooLong => Error::new(Reason::Truncated, body.len()),
    })
}
