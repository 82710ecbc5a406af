//! What stands before the JSON: byte order mark, prefix, comments, semicolons, `try`.
//! Not the call itself, which `call` reads, and not what follows the JSON: that is in `closing`.

use super::call::{Call, Miss, word};
use super::comment::{Comment, comment};
use super::error::{Error, Reason};
use super::scan::{byte, is_space, skip_space};
use super::shape::{NonFinite, Shape};
use super::{fault, foreign};

/// Where the JSON starts, and in which form.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// As the argument of a call, which may stand in `try {`.
    Call { start: usize, tried: bool },
    /// Alone.
    Bare(usize),
}

/// Reads everything before the JSON.
pub(super) fn opening(
    body: &[u8],
    callback: &[u8],
    shape: &Shape,
    limit: usize,
) -> Result<Opening, Error> {
    let start = blank_start(body, shape, limit)?;
    if start == body.len() {
        return Err(Error::new(Reason::Empty, start));
    }
    let before = Before { body, callback, shape, limit };
    if before.starts_bare(start)? {
        return Ok(Opening::Bare(start));
    }
    let at = before.skip_fillers(start)?;
    if at == body.len() {
        return Err(Error::new(Reason::Empty, at));
    }
    let inside = before.inside_try(at)?;
    let call = Call { body, callback, limit };
    let at = call.open(inside.unwrap_or(at)).map_err(|miss| before.fault(&miss))?;
    Ok(Opening::Call { start: skip_space(body, at), tried: inside.is_some() })
}

/// The offset behind the byte order mark, a prefix that `shape` names, and the blanks around it.
///
/// RFC 8259 §8.1: parsers "MAY ignore the presence of a byte order mark rather than treating it as
/// an error".
pub(super) fn blank_start(body: &[u8], shape: &Shape, limit: usize) -> Result<usize, Error> {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    if !body.is_empty() && body.len() < MARK.len() && MARK.starts_with(body) {
        return Err(Error::new(Reason::Truncated, body.len()));
    }
    let start = skip_space(body, if body.starts_with(MARK) { MARK.len() } else { 0 });
    let rest = &body[start..];
    match shape.prefix(rest) {
        Some(length) if start + length > limit => Err(Error::new(Reason::PrefixTooLong, limit)),
        Some(length) => Ok(skip_space(body, start + length)),
        None if shape.begins_prefix(rest) => Err(Error::new(Reason::Truncated, body.len())),
        None => Ok(start),
    }
}

struct Before<'a> {
    body: &'a [u8],
    callback: &'a [u8],
    shape: &'a Shape,
    limit: usize,
}

impl Before<'_> {
    fn starts_bare(&self, at: usize) -> Result<bool, Error> {
        let rest = &self.body[at..];
        let non_finite = self.shape.non_finite == NonFinite::Null;
        let word: &[u8] = match rest[0] {
            b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' => return Ok(true),
            b't' => b"true",
            b'f' => b"false",
            b'n' => b"null",
            b'N' if non_finite => b"NaN",
            b'I' if non_finite => b"Infinity",
            _ => return Ok(false),
        };
        // `null` is bare JSON, `nullable(` is a call, and `null` at the end of the body may be
        // the start of a call of `nullable` or of the word itself.
        if self.callback.starts_with(rest) || (word.starts_with(rest) && rest != word) {
            return Err(Error::new(Reason::Truncated, self.body.len()));
        }
        Ok(rest.starts_with(word) && !foreign::continues(self.body, at + word.len()))
    }

    /// Skips blanks, comments and semicolons. Ends at a byte that is none of them, or with the body.
    fn skip_fillers(&self, start: usize) -> Result<usize, Error> {
        let mut at = start;
        while at <= self.limit {
            at = match byte(self.body, at) {
                Some(b';') => at + 1,
                Some(b'/') => match comment(self.body, at, self.limit) {
                    Comment::Ends(end) => end,
                    Comment::TooLong => break,
                    Comment::Cut => {
                        return Err(Error::new(Reason::Truncated, self.body.len()));
                    }
                    Comment::NotOne => return Err(fault::script(self.body, at)),
                },
                Some(one) if is_space(one) => at + 1,
                _ => return Ok(at),
            };
        }
        Err(Error::new(Reason::PrefixTooLong, self.limit))
    }

    /// The offset of what stands in `try {`, if the shape admits one and it starts at `at`.
    fn inside_try(&self, at: usize) -> Result<Option<usize>, Error> {
        let cut = || Error::new(Reason::Truncated, self.body.len());
        if !self.shape.try_catch {
            return Ok(None);
        }
        let Some(end) = word(self.body, at, b"try").map_err(|_| cut())? else {
            return Ok(None);
        };
        let brace = skip_space(self.body, end);
        match byte(self.body, brace) {
            None => Err(cut()),
            Some(b'{') => match self.skip_fillers(brace + 1)? {
                inside if inside == self.body.len() => Err(cut()),
                inside => Ok(Some(inside)),
            },
            Some(_) => Err(fault::script(self.body, brace)),
        }
    }

    #[cold]
    fn fault(&self, miss: &Miss) -> Error {
        match *miss {
            Miss::End => Error::new(Reason::Truncated, self.body.len()),
            Miss::At(at) => fault::script(self.body, at),
            Miss::Foreign(at) => Error::new(Reason::CallbackMismatch, at),
            Miss::TooLong => Error::new(Reason::PrefixTooLong, self.limit),
        }
    }
}
