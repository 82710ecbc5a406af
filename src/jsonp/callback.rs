//! The name of the function a portal is asked to call.
//! Not a JavaScript identifier in full: no Unicode letters, no escapes, no brackets.

use std::fmt;

/// A callback name we ask for: ASCII identifiers joined by dots, such as `cb7` or `App.on_data`.
///
/// **Invariant:** 1 to [`CallbackName::MAX_BYTES`] bytes of `A-Z a-z 0-9 _ $ .`; no part is
/// empty, starts with a digit or is a reserved word. So the name needs no escaping in a query
/// and reads as one member expression in a script.
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
        let mut offset = 0;
        for part in name.split('.') {
            check_part(part, offset)?;
            offset += part.len() + 1;
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
    /// A character other than an ASCII letter, a digit, `_`, `$` or `.`.
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
                "a callback name consists of ASCII letters, digits, _, $ and dots; \
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

fn check_part(part: &str, offset: usize) -> Result<(), CallbackNameError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
    if let Some(at) = part.bytes().position(|byte| !allowed(byte)) {
        return Err(CallbackNameError::Character { offset: offset + at });
    }
    match part.bytes().next() {
        None => Err(CallbackNameError::EmptyPart { offset }),
        Some(b'0'..=b'9') => Err(CallbackNameError::LeadingDigit { offset }),
        Some(_) if is_reserved(part.as_bytes()) => Err(CallbackNameError::Reserved { offset }),
        Some(_) => Ok(()),
    }
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
    fn everything_else_is_refused_with_its_offset() {
        use CallbackNameError::{Character, Empty, EmptyPart, LeadingDigit, Reserved, TooLong};
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
            ("a[0]", Character { offset: 1 }),
            ("null", Reserved { offset: 0 }),
            ("a.new", Reserved { offset: 2 }),
        ] {
            assert_eq!(CallbackName::new(name), Err(error), "{name:?}");
        }
    }
}
