//! The story of one body: size, padding, JSON, padding, UTF-8.
//! Not the grammar of any of them.

use std::borrow::Cow;
use std::ops::Range;

use super::callback::CallbackName;
use super::error::{Error, Reason};
use super::limits::Limits;
use super::padding::{self, Opening};
use super::shape::Shape;
use super::{closing, foreign, json, non_finite, scan};

/// Whether the JSON came as the argument of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// `callback(JSON);`
    Padded,
    /// JSON alone, although a call was asked for.
    Bare,
}

/// Where the JSON text stands in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The bytes of the JSON text, without whitespace around it: valid JSON and valid UTF-8,
    /// except where `non_finite` says otherwise.
    pub range: Range<usize>,
    /// How it was wrapped.
    pub form: Form,
    /// The status that a second argument said, from 100 to 599.
    pub status: Option<u16>,
    /// How many `NaN`, `Infinity` and `-Infinity` stand in the range. If there are any, it is JSON
    /// only after [`Payload::json`].
    pub non_finite: usize,
}

impl Payload {
    /// The JSON in `body`, the body this payload was found in: its own bytes, with `null` in place
    /// of each `NaN`, `Infinity` and `-Infinity`.
    ///
    /// Allocates only where there are such, and then at most a third more than the range.
    #[must_use]
    pub fn json<'a>(&self, body: &'a [u8]) -> Cow<'a, [u8]> {
        let text = &body[self.range.clone()];
        if self.non_finite == 0 {
            return Cow::Borrowed(text);
        }
        Cow::Owned(non_finite::replaced(text, self.non_finite))
    }
}

/// Finds the JSON in a body that was asked for with `callback`, padded or bare, and in the `shape`
/// that its portal is known to send.
///
/// # Errors
///
/// An [`Error`] with any [`Reason`]; see the essay of this module for the grammar.
pub fn unwrap(
    body: &[u8],
    callback: &CallbackName,
    shape: &Shape,
    limits: &Limits,
) -> Result<Payload, Error> {
    check_size(body, limits)?;
    let found = match padding::opening(body, callback.as_str().as_bytes(), shape, limits.prefix) {
        Ok(Opening::Call { start, tried }) => argument(body, start, tried, shape, limits),
        Ok(Opening::Bare(start)) => bare(body, start, shape, limits),
        Err(error) => Err(error),
    };
    settle(body, found)
}

/// Checks a body that is to be JSON and nothing else, with an optional byte order mark and
/// whitespace around it. Of the `shape`, prefixes and numbers that are not finite count.
///
/// # Errors
///
/// An [`Error`] with one of the reasons [`Reason::Empty`], [`Reason::NotJson`],
/// [`Reason::InvalidUtf8`], [`Reason::TrailingData`], [`Reason::Truncated`], [`Reason::TooDeep`],
/// [`Reason::PrefixTooLong`] and [`Reason::TooLarge`].
pub fn validate(body: &[u8], shape: &Shape, limits: &Limits) -> Result<Payload, Error> {
    check_size(body, limits)?;
    let found = match padding::blank_start(body, shape, limits.prefix) {
        Ok(start) if start == body.len() => Err(Error::new(Reason::Empty, start)),
        Ok(start) => bare(body, start, shape, limits),
        Err(error) => Err(error),
    };
    settle(body, found)
}

fn check_size(body: &[u8], limits: &Limits) -> Result<(), Error> {
    if body.len() > limits.bytes {
        return Err(Error::new(Reason::TooLarge, limits.bytes));
    }
    Ok(())
}

/// A payload whose bytes of 0x80 and above nobody has looked at yet.
struct Found {
    payload: Payload,
    ascii: bool,
}

fn argument(
    body: &[u8],
    start: usize,
    tried: bool,
    shape: &Shape,
    limits: &Limits,
) -> Result<Found, Error> {
    match scan::byte(body, start) {
        Some(b')') => return Err(Error::new(Reason::NoArgument, start)),
        Some(b'u') if is_undefined(body, start) => {
            let sentence = "the argument is undefined: the portal said nothing";
            return Err(Error::because(Reason::NoArgument, start, sentence));
        }
        _ => {}
    }
    let text = json::text(body, start, limits.depth, shape.non_finite)?;
    let status = closing::closing(body, text.end, tried, shape, limits.prefix)?;
    Ok(found(start, text, Form::Padded, status))
}

/// Whether the one argument is `undefined`, as Express writes for a handler that sent nothing.
#[cold]
fn is_undefined(body: &[u8], start: usize) -> bool {
    let end = foreign::expression(body, start).unwrap_or(start);
    let closing = scan::skip_space(body, end);
    body[start..end] == *b"undefined" && scan::byte(body, closing) == Some(b')')
}

fn found(start: usize, text: json::Text, form: Form, status: Option<u16>) -> Found {
    let payload = Payload { range: start..text.end, form, status, non_finite: text.non_finite };
    Found { payload, ascii: text.ascii }
}

fn bare(body: &[u8], start: usize, shape: &Shape, limits: &Limits) -> Result<Found, Error> {
    let text = json::text(body, start, limits.depth, shape.non_finite)?;
    let end = scan::skip_space(body, text.end);
    if end < body.len() {
        return Err(Error::because(
            Reason::TrailingData,
            end,
            "more follows after the JSON, which is not wrapped in a call",
        ));
    }
    Ok(found(start, text, Form::Bare, None))
}

/// Says the last word: a body that is not UTF-8 was refused, or taken, for the wrong reason.
fn settle(body: &[u8], found: Result<Found, Error>) -> Result<Payload, Error> {
    let refused = match found {
        Ok(Found { payload, ascii: true }) => return Ok(payload),
        // RFC 8259 §8.1: "JSON text exchanged between systems that are not part of a closed
        // ecosystem MUST be encoded using UTF-8".
        Ok(Found { payload, ascii: false }) => {
            if simdutf8::basic::from_utf8(&body[payload.range.clone()]).is_ok() {
                return Ok(payload);
            }
            None
        }
        Err(error) => Some(error),
    };
    Err(blame(body, refused))
}

/// The reason to report for a body that is refused, or whose payload is not UTF-8 (`None`).
#[cold]
fn blame(body: &[u8], refused: Option<Error>) -> Error {
    let utf8 = simdutf8::compat::from_utf8(body).err();
    match (refused, utf8) {
        (Some(error), _) if error.reason().is_limit() => error,
        (Some(error), None) => error,
        (Some(error), Some(utf8))
            if error.reason() == Reason::Truncated && utf8.error_len().is_none() =>
        {
            error
        }
        (_, utf8) => Error::new(Reason::InvalidUtf8, utf8.map_or(0, |utf8| utf8.valid_up_to())),
    }
}
