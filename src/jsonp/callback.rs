//! The name of the function a portal is asked to call.
//! Not a JavaScript identifier in full: no Unicode letters, no escapes, no computed members.

use std::fmt;

/// A callback name we ask for: ASCII identifiers joined by dots, and members in brackets, such as
/// `cb7`, `App.on_data`, `cb[0]` or `a["b"].c`.
///
/// **Invariant:** 1 to [`CallbackName::MAX_BYTES`] bytes. No identifier is empty, starts with a
/// digit or is a reserved word; in brackets stands an index without leading zeros, or in quotation
/// marks one or more of `A-Z a-z 0-9 _ $ . -`. So the name reads as one member expression in a
/// script, and nothing in it but brackets and quotation marks needs escaping in a query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallbackName(Box<str>);

impl CallbackName {
    /// The longest name taken, in bytes. 64 leaves room for the longest generated names seen
    /// (jQuery's have 42) and for every portal's own limit; a longer one is
    /// [`CallbackNameError::TooLong`].
    pub const MAX_BYTES: usize = 64;

    /// Checks a name.
    ///
    /// # Errors
    ///
    /// [`CallbackNameError`], naming the first thing that is wrong.
    pub fn new(name: &str) -> Result<Self, CallbackNameError> {
        if name.is_empty() {
            return Err(CallbackNameError::Empty);
        }
        if name.len() > Self::MAX_BYTES {
            return Err(CallbackNameError::TooLong);
        }
        let bytes = name.as_bytes();
        let mut at = identifier(bytes, 0)?;
        while let Some(&next) = bytes.get(at) {
            at = match next {
                b'.' => identifier(bytes, at + 1)?,
                b'[' => subscript(bytes, at + 1)?,
                _ => return Err(CallbackNameError::Character { offset: at }),
            };
        }
        Ok(Self(name.into()))
    }

    /// The name as it goes into the query and comes back in the body.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CallbackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a [`CallbackName`]. Offsets count bytes from the start of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallbackNameError {
    /// The text is empty.
    Empty,
    /// The text has more than [`CallbackName::MAX_BYTES`] bytes.
    TooLong,
    /// A character other than an ASCII letter, a digit, `_`, `$`, `.` or `[`.
    Character {
        /// Where it stands.
        offset: usize,
    },
    /// Nothing stands before, between or after the dots.
    EmptyPart {
        /// Where a part was expected.
        offset: usize,
    },
    /// A part starts with a digit.
    LeadingDigit {
        /// Where the part starts.
        offset: usize,
    },
    /// A part is a reserved word of JavaScript.
    Reserved {
        /// Where the part starts.
        offset: usize,
    },
    /// What stands in brackets is neither an index nor a name in quotation marks.
    Subscript {
        /// Where it stops being one.
        offset: usize,
    },
}

impl fmt::Display for CallbackNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a callback name has at least one character"),
            Self::TooLong => {
                write!(f, "a callback name has at most {} bytes", CallbackName::MAX_BYTES)
            }
            Self::Character { offset } => write!(
                f,
                "a callback name consists of ASCII letters, digits, _, $, dots and brackets; \
                 something else stands at offset {offset}"
            ),
            Self::EmptyPart { offset } => {
                write!(f, "an identifier is missing beside a dot at offset {offset}")
            }
            Self::LeadingDigit { offset } => {
                write!(f, "an identifier does not start with a digit (offset {offset})")
            }
            Self::Reserved { offset } => {
                write!(f, "a reserved word of JavaScript stands at offset {offset}")
            }
            Self::Subscript { offset } => write!(
                f,
                "in brackets stands an index such as [0] or a name such as [\"b\"]; \
                 something else stands at offset {offset}"
            ),
        }
    }
}

impl std::error::Error for CallbackNameError {}

/// ECMA-262 §12.7.2, `ReservedWord`, in full.
const RESERVED: &str = "await break case catch class const continue debugger default delete do \
    else enum export extends false finally for function if import in instanceof new null return \
    super switch this throw true try typeof var void while with yield";

pub(super) fn is_reserved(word: &[u8]) -> bool {
    RESERVED.split(' ').any(|reserved| reserved.as_bytes() == word)
}

/// The offset behind the identifier at `at`.
fn identifier(name: &[u8], at: usize) -> Result<usize, CallbackNameError> {
    let rest = &name[at..];
    let length = rest.iter().take_while(|byte| is_part(**byte)).count();
    let word = &rest[..length];
    match word.first() {
        None if rest.first().is_none_or(|next| *next == b'.') => {
            Err(CallbackNameError::EmptyPart { offset: at })
        }
        None => Err(CallbackNameError::Character { offset: at }),
        Some(b'0'..=b'9') => Err(CallbackNameError::LeadingDigit { offset: at }),
        Some(_) if is_reserved(word) => Err(CallbackNameError::Reserved { offset: at }),
        Some(_) => Ok(at + length),
    }
}

/// The offset behind the bracket that closes the index or name at `at`.
fn subscript(name: &[u8], at: usize) -> Result<usize, CallbackNameError> {
    let run = |from: usize, admits: fn(u8) -> bool| {
        from + name[from..].iter().take_while(|byte| admits(**byte)).count()
    };
    let wrong = |offset| Err(CallbackNameError::Subscript { offset });
    let end = match name.get(at) {
        Some(b'0') => at + 1,
        Some(b'1'..=b'9') => run(at, |byte| byte.is_ascii_digit()),
        Some(quote @ (b'"' | b'\'')) => {
            let end = run(at + 1, |byte| is_part(byte) || matches!(byte, b'.' | b'-'));
            if end == at + 1 || name.get(end) != Some(quote) {
                return wrong(end);
            }
            end + 1
        }
        _ => return wrong(at),
    };
    if name.get(end) == Some(&b']') { Ok(end + 1) } else { wrong(end) }
}

/// Whether an identifier may have this byte in it.
fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_ascii_identifiers_are_names() {
        for name in ["a", "$", "_", "cb7", "App.on_data", "jQuery.cb_1", "a.b.c", "typeof_"] {
            assert_eq!(CallbackName::new(name).unwrap().as_str(), name);
        }
        assert!(CallbackName::new(&"x".repeat(64)).is_ok());
    }

    #[test]
    fn members_in_brackets_belong_to_names() {
        for name in [
            "cb[0]",
            "cb[10][0]",
            "a[\"b\"][0].c",
            "a['b']",
            "a['new'].b",
            "a['x-1.2$']",
            "angular.callbacks._5",
            "google.visualization.Query.setResponse",
            "dojo.io.script.jsonp_dojoIoScript1._jsonpCallback",
        ] {
            assert_eq!(CallbackName::new(name).map(|name| name.to_string()), Ok(name.to_owned()));
        }
    }

    #[test]
    fn everything_else_is_refused_with_its_offset() {
        use CallbackNameError::{
            Character, Empty, EmptyPart, LeadingDigit, Reserved, Subscript, TooLong,
        };
        let long = "x".repeat(65);
        for (name, error) in [
            ("", Empty),
            (long.as_str(), TooLong),
            ("1a", LeadingDigit { offset: 0 }),
            ("a.1", LeadingDigit { offset: 2 }),
            (".a", EmptyPart { offset: 0 }),
            ("a.", EmptyPart { offset: 2 }),
            ("a..b", EmptyPart { offset: 2 }),
            ("a b", Character { offset: 1 }),
            ("a.é", Character { offset: 2 }),
            ("a[", Subscript { offset: 2 }),
            ("a[]", Subscript { offset: 2 }),
            ("a[b]", Subscript { offset: 2 }),
            ("a[0", Subscript { offset: 3 }),
            ("a[00]", Subscript { offset: 3 }),
            ("a[-1]", Subscript { offset: 2 }),
            ("a['b\"]", Subscript { offset: 4 }),
            ("a['b'", Subscript { offset: 5 }),
            ("a['']", Subscript { offset: 3 }),
            ("a['b c']", Subscript { offset: 4 }),
            ("a['\\'']", Subscript { offset: 3 }),
            ("a['é']", Subscript { offset: 3 }),
            ("a[0]b", Character { offset: 4 }),
            ("a[0].", EmptyPart { offset: 5 }),
            ("a]", Character { offset: 1 }),
            ("[0]", Character { offset: 0 }),
            ("null", Reserved { offset: 0 }),
            ("a.new", Reserved { offset: 2 }),
        ] {
            assert_eq!(CallbackName::new(name), Err(error), "{name:?}");
        }
    }
}
