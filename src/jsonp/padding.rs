//! What stands around the JSON: byte order mark, comments, semicolons, guard, callback, brackets.
//! Not the JSON, and not other calls: `foreign` recognises those.

use memchr::{memchr, memmem};

use super::error::{Error, Reason};
use super::foreign;
use super::scan::{byte, is_space, skip_space};

/// Where the JSON starts, and in which form.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opening {
    Call(usize),
    Bare(usize),
}

/// Reads everything before the JSON.
pub(super) fn opening(body: &[u8], callback: &[u8], limit: usize) -> Result<Opening, Error> {
    let start = blank_start(body)?;
    if start == body.len() {
        return Err(Error::new(Reason::Empty, start));
    }
    let prefix = Prefix { body, callback, limit };
    if prefix.starts_bare(start)? {
        return Ok(Opening::Bare(start));
    }
    let at = prefix.skip_fillers(start)?;
    let at = prefix.call(at).map_err(|miss| match miss {
        Miss::End => Error::new(Reason::Truncated, body.len()),
        Miss::At(at) => refused(body, at),
        Miss::Foreign(at) => Error::new(Reason::CallbackMismatch, at),
        Miss::TooLong => Error::new(Reason::PrefixTooLong, limit),
    })?;
    Ok(Opening::Call(skip_space(body, at)))
}

/// Reads everything after the JSON, which ended at `at`.
pub(super) fn closing(body: &[u8], at: usize) -> Result<(), Error> {
    let at = skip_space(body, at);
    match byte(body, at) {
        None => return Err(Error::new(Reason::Truncated, at)),
        Some(b')') => {}
        Some(b',') if is_between_digits(body, at) => {
            let sentence = "a number has a comma in it: a decimal comma, or a second number";
            return Err(Error::because(Reason::NotJson, at, sentence));
        }
        Some(b',') => return Err(Error::new(Reason::MultipleArguments, at)),
        Some(_) => {
            let sentence = "the argument goes on where the JSON has ended";
            return Err(Error::because(Reason::NotJson, at, sentence));
        }
    }
    let mut at = at + 1;
    while let Some(one) = byte(body, at) {
        if one != b';' && !is_space(one) {
            return Err(Error::new(Reason::TrailingData, at));
        }
        at += 1;
    }
    Ok(())
}

/// Whether a comma stands between digits: `cb(1,5)` is how software that formats numbers for
/// people writes 1.5, and no portal sends two numbers as two arguments.
fn is_between_digits(body: &[u8], comma: usize) -> bool {
    let digit = |at: Option<usize>| {
        at.and_then(|at| byte(body, at)).is_some_and(|one| one.is_ascii_digit())
    };
    digit(comma.checked_sub(1)) && digit(comma.checked_add(1))
}

/// The offset behind the byte order mark and the blanks after it.
///
/// RFC 8259 §8.1: parsers "MAY ignore the presence of a byte order mark rather than treating it as
/// an error".
pub(super) fn blank_start(body: &[u8]) -> Result<usize, Error> {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    if body.starts_with(MARK) {
        return Ok(skip_space(body, MARK.len()));
    }
    if !body.is_empty() && MARK.starts_with(body) {
        return Err(Error::new(Reason::Truncated, body.len()));
    }
    Ok(skip_space(body, 0))
}

struct Prefix<'a> {
    body: &'a [u8],
    callback: &'a [u8],
    limit: usize,
}

/// Why what follows is not what the grammar asks for.
enum Miss {
    /// The body ends, and what there is could begin it.
    End,
    /// Something else stands here.
    At(usize),
    /// A call of another function, whose name starts here.
    Foreign(usize),
    /// The callback name, if it comes, comes too late.
    TooLong,
}

impl Prefix<'_> {
    fn starts_bare(&self, at: usize) -> Result<bool, Error> {
        let rest = &self.body[at..];
        let word: &[u8] = match rest[0] {
            b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' => return Ok(true),
            b't' => b"true",
            b'f' => b"false",
            b'n' => b"null",
            _ => return Ok(false),
        };
        // `null` is bare JSON, `nullable(` is a call, and `null` at the end of the body may be
        // the start of a call of `nullable` or of the word itself.
        if self.callback.starts_with(rest) || (word.starts_with(rest) && rest != word) {
            return Err(Error::new(Reason::Truncated, self.body.len()));
        }
        Ok(rest.starts_with(word) && !foreign::continues(self.body, at + word.len()))
    }

    /// Skips blanks, comments and semicolons. Ends at a byte that is none of them.
    fn skip_fillers(&self, start: usize) -> Result<usize, Error> {
        let mut at = start;
        while at <= self.limit {
            at = match byte(self.body, at) {
                None => return Err(Error::new(Reason::Empty, at)),
                Some(b';') => at + 1,
                Some(b'/') => self.comment(at)?,
                Some(one) if is_space(one) => at + 1,
                Some(_) => return Ok(at),
            };
        }
        Err(Error::new(Reason::PrefixTooLong, self.limit))
    }

    /// The offset behind the comment that starts at `at`, looking no further than the limit.
    fn comment(&self, at: usize) -> Result<usize, Error> {
        let window = &self.body[..self.body.len().min(self.limit)];
        let inside = window.get(at + 2..).unwrap_or_default();
        let length = match byte(self.body, at + 1) {
            Some(b'*') => memmem::find(inside, b"*/").map(|length| length + 2),
            Some(b'/') => memchr(b'\n', inside).map(|length| length + 1),
            Some(_) => return Err(refused(self.body, at)),
            None => None,
        };
        match length {
            Some(length) => Ok(at + 2 + length),
            None if self.body.len() > self.limit => {
                Err(Error::new(Reason::PrefixTooLong, self.limit))
            }
            None => Err(Error::new(Reason::Truncated, self.body.len())),
        }
    }

    /// Reads `[guard] callback *WS "("`, also with other names in place of the callback.
    fn call(&self, at: usize) -> Result<usize, Miss> {
        let mut other = None;
        let end = self.guarded_call(at, &mut other);
        match (end, other) {
            (Ok(_), Some(other)) => Err(Miss::Foreign(other)),
            // With another name in it, this is no beginning that our callback could end.
            (Err(Miss::End | Miss::At(_)), Some(other)) => Err(Miss::At(other)),
            (end, _) => end,
        }
    }

    fn guarded_call(&self, at: usize, other: &mut Option<usize>) -> Result<usize, Miss> {
        let end = match self.token(at, b"typeof") {
            Err(Miss::End) => return Err(Miss::End),
            Ok(end) if !foreign::continues(self.body, end) => self.type_test(at, end, other)?,
            _ => self.name(at, other)?,
        };
        let next = skip_space(self.body, end);
        if byte(self.body, next) != Some(b'&') {
            return self.bracket(at, next);
        }
        let name = self.blank(self.token(next, b"&&")?)?;
        let end = self.name(name, other)?;
        self.bracket(name, skip_space(self.body, end))
    }

    /// Reads `typeof callback === "function"`, whose first word started at `start`.
    fn type_test(&self, start: usize, at: usize, other: &mut Option<usize>) -> Result<usize, Miss> {
        let name = self.blank(at)?;
        if name == at && name < self.body.len() {
            return Err(Miss::At(start));
        }
        let at = self.blank(self.name(name, other)?)?;
        let at = self.blank(self.token(at, b"===")?)?;
        let at = match byte(self.body, at) {
            Some(b'\'') => self.token(at, b"'function'")?,
            _ => self.token(at, b"\"function\"")?,
        };
        let at = self.blank(at)?;
        // A test alone calls nothing.
        if byte(self.body, at).is_some_and(|next| next != b'&') {
            Err(Miss::At(at))
        } else {
            Ok(at)
        }
    }

    /// The offset behind the name at `at`, which is noted in `other` if it is not ours.
    fn name(&self, at: usize, other: &mut Option<usize>) -> Result<usize, Miss> {
        let rest = &self.body[at..];
        if rest.len() < self.callback.len() && self.callback.starts_with(rest) {
            return Err(Miss::End);
        }
        let end = foreign::expression(self.body, at).ok_or(Miss::At(at))?;
        if self.body[at..end] != *self.callback {
            other.get_or_insert(at);
        }
        Ok(end)
    }

    /// The offset behind the opening bracket of the call, whose name started at `name`.
    fn bracket(&self, name: usize, at: usize) -> Result<usize, Miss> {
        if name > self.limit {
            return Err(Miss::TooLong);
        }
        self.token(at, b"(")
    }

    fn token(&self, at: usize, token: &[u8]) -> Result<usize, Miss> {
        let rest = &self.body[at..];
        if rest.starts_with(token) {
            Ok(at + token.len())
        } else if token.starts_with(rest) {
            Err(Miss::End)
        } else {
            Err(Miss::At(at))
        }
    }

    /// Skips blanks that stand before the callback name and so count towards the limit.
    fn blank(&self, at: usize) -> Result<usize, Miss> {
        let end = skip_space(self.body, at);
        if end > self.limit { Err(Miss::TooLong) } else { Ok(end) }
    }
}

/// Words for a body that is no script of the kind we asked for.
#[cold]
fn refused(body: &[u8], at: usize) -> Error {
    let rest = &body[at..];
    let sentence = match rest.first() {
        Some(b'<') => "this is markup (HTML or XML), neither a call nor JSON",
        Some(b'{' | b'[' | b'"') => "bare JSON does not follow comments or semicolons",
        Some(b')') => "a prefix against JSON hijacking stands where a call is expected",
        _ if rest.starts_with(b"while(") || rest.starts_with(b"for(") => {
            "a loop against JSON hijacking stands where a call is expected"
        }
        _ if rest.starts_with(b"NaN") => "NaN is JavaScript, not JSON",
        _ => return Error::new(Reason::NotJsonp, at),
    };
    Error::because(Reason::NotJsonp, at, sentence)
}
