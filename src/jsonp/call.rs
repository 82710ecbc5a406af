//! The call: guard, callback name and opening bracket, also with another function's name.
//! Not what stands before it, and not its arguments.

use super::foreign;
use super::scan::{byte, skip_space};

/// Why what follows is not what the grammar asks for.
pub(super) enum Miss {
    /// The body ends, and what there is could begin it.
    End,
    /// Something else stands here.
    At(usize),
    /// A call of another function, whose name starts here.
    Foreign(usize),
    /// The callback name, if it comes, comes too late.
    TooLong,
}

/// The offset behind `token`, if it stands at `at`.
pub(super) fn token(body: &[u8], at: usize, token: &[u8]) -> Result<usize, Miss> {
    let rest = &body[at..];
    if rest.starts_with(token) {
        Ok(at + token.len())
    } else if token.starts_with(rest) {
        Err(Miss::End)
    } else {
        Err(Miss::At(at))
    }
}

/// The offset behind `word`, if it stands at `at` and no identifier goes on there.
pub(super) fn word(body: &[u8], at: usize, word: &[u8]) -> Result<Option<usize>, Miss> {
    match token(body, at, word) {
        Ok(end) if !foreign::continues(body, end) => Ok(Some(end)),
        Err(Miss::End) => Err(Miss::End),
        _ => Ok(None),
    }
}

/// A call of `callback`, whose name starts within `limit` bytes.
pub(super) struct Call<'a> {
    pub(super) body: &'a [u8],
    pub(super) callback: &'a [u8],
    pub(super) limit: usize,
}

impl Call<'_> {
    /// Reads `[guard] callback *WS "("`, also with other names in place of the callback.
    pub(super) fn open(&self, at: usize) -> Result<usize, Miss> {
        let mut other = None;
        let end = self.guarded(at, &mut other);
        match (end, other) {
            (Ok(_), Some(other)) => Err(Miss::Foreign(other)),
            // With another name in it, this is no beginning that our callback could end.
            (Err(Miss::End | Miss::At(_)), Some(other)) => Err(Miss::At(other)),
            (end, _) => end,
        }
    }

    fn guarded(&self, at: usize, other: &mut Option<usize>) -> Result<usize, Miss> {
        if let Some(end) = word(self.body, at, b"if")? {
            let name = self.condition(at, end, other)?;
            return self.named(name, other);
        }
        let next = match word(self.body, at, b"typeof")? {
            // A test alone calls nothing: `&&` has to follow.
            Some(end) => self.type_test(at, end, other)?,
            None => {
                let next = skip_space(self.body, self.name(at, other)?);
                if byte(self.body, next) != Some(b'&') {
                    return self.bracket(at, next);
                }
                next
            }
        };
        let name = self.blank(token(self.body, next, b"&&")?)?;
        self.named(name, other)
    }

    fn named(&self, name: usize, other: &mut Option<usize>) -> Result<usize, Miss> {
        let end = self.name(name, other)?;
        self.bracket(name, skip_space(self.body, end))
    }

    /// Reads `( test )`, whose `if` started at `start`, and the blanks behind it. A condition calls
    /// nothing, so ours may also be spelt as a member of `window` there.
    fn condition(&self, start: usize, at: usize, other: &mut Option<usize>) -> Result<usize, Miss> {
        const WINDOW: &[u8] = b"window.";
        let here = |miss| if let Miss::At(_) = miss { Miss::At(start) } else { miss };
        let at = self.blank(token(self.body, self.blank(at)?, b"(").map_err(here)?)?;
        let at = if let Some(end) = word(self.body, at, b"typeof")? {
            self.type_test(at, end, other)
        } else {
            let at = match token(self.body, at, WINDOW) {
                Ok(end) if !self.callback.starts_with(WINDOW) => end,
                Err(Miss::End) => return Err(Miss::End),
                _ => at,
            };
            self.name(at, other).and_then(|end| self.blank(end))
        };
        self.blank(at.and_then(|at| token(self.body, at, b")")).map_err(here)?)
    }

    /// Reads `typeof callback === "function"`, whose first word started at `start`, and the blanks
    /// behind it.
    fn type_test(&self, start: usize, at: usize, other: &mut Option<usize>) -> Result<usize, Miss> {
        let name = self.blank(at)?;
        if name == at && name < self.body.len() {
            return Err(Miss::At(start));
        }
        let at = self.blank(self.name(name, other)?)?;
        let at = self.blank(token(self.body, at, b"===")?)?;
        let at = match byte(self.body, at) {
            Some(b'\'') => token(self.body, at, b"'function'")?,
            _ => token(self.body, at, b"\"function\"")?,
        };
        self.blank(at)
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
        token(self.body, at, b"(")
    }

    /// Skips blanks that stand before the callback name and so count towards the limit.
    fn blank(&self, at: usize) -> Result<usize, Miss> {
        let end = skip_space(self.body, at);
        if end > self.limit { Err(Miss::TooLong) } else { Ok(end) }
    }
}
