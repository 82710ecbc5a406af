//! What an answer may look like beyond one call around JSON, as the operator of a gateway says of
//! a portal. Not how it is read, and nothing that is guessed from a body.

use std::fmt;

/// What a portal is known to do. The default is the strict form: one argument, no prefix, JSON.
///
/// Whatever is admitted here stands in the grammar of [this module](super); nothing is executed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// Texts against JSON hijacking that may stand before the call or the bare JSON. The longest
    /// that fits is taken off, once. They need not be there: errors often come without.
    pub prefixes: Vec<Prefix>,
    /// Whether a second argument may follow the JSON: an integer from 100 to 599, which is the
    /// status in [`Payload::status`](super::Payload::status) (WCF), or a string, which is an
    /// identifier of the request and dropped (Adobe Scene7). Anything else stays
    /// [`Reason::MultipleArguments`](super::Reason::MultipleArguments).
    pub second_argument: bool,
    /// Whether the call may stand in `try { … } catch (name) {}`.
    pub try_catch: bool,
    /// What becomes of numbers that JSON cannot write.
    pub non_finite: NonFinite,
}

/// What becomes of `NaN`, `Infinity` and `-Infinity`, which simplejson wrote before 3.19 and JSON
/// does not have (RFC 8259 §6: "Numeric values that cannot be represented in the grammar below
/// (such as Infinity and NaN) are not permitted").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum NonFinite {
    /// The body is refused.
    #[default]
    Refuse,
    /// They are taken where a value may stand, and [`Payload::json`](super::Payload::json) has
    /// `null` in their places.
    Null,
}

/// A text against JSON hijacking, such as `)]}',` or `while(1);`, compared byte for byte.
///
/// **Invariant:** 1 to [`Prefix::MAX_BYTES`] bytes, the first of them no whitespace, and no comment
/// starts in it. Blanks and byte order mark before it and blanks behind it are skipped anyway.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Prefix(Box<str>);

impl Prefix {
    /// The longest prefix taken, in bytes. The longest seen has 13 (`&&&START&&&` and a line end);
    /// a longer one is [`PrefixError::TooLong`].
    pub const MAX_BYTES: usize = 64;

    /// Checks a prefix.
    ///
    /// # Errors
    ///
    /// [`PrefixError`], naming the first thing that is wrong.
    pub fn new(text: &str) -> Result<Self, PrefixError> {
        match text.bytes().next() {
            None => Err(PrefixError::Empty),
            Some(first) if first.is_ascii_whitespace() => Err(PrefixError::Blank),
            Some(_) if text.len() > Self::MAX_BYTES => Err(PrefixError::TooLong),
            Some(_) if text.contains("/*") || text.contains("//") => Err(PrefixError::Comment),
            Some(_) => Ok(Self(text.into())),
        }
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a [`Prefix`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrefixError {
    /// The text is empty.
    Empty,
    /// The text starts with whitespace, which is skipped before prefixes are looked for.
    Blank,
    /// The text has more than [`Prefix::MAX_BYTES`] bytes.
    TooLong,
    /// A comment starts in the text. Comments need not be named.
    Comment,
}

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a prefix has at least one character"),
            Self::Blank => f.write_str("a prefix starts with no blank: blanks are skipped anyway"),
            Self::TooLong => write!(f, "a prefix has at most {} bytes", Prefix::MAX_BYTES),
            Self::Comment => f.write_str(
                "a prefix has no /* and no // in it: comments before a call are skipped anyway",
            ),
        }
    }
}

impl std::error::Error for PrefixError {}

impl Shape {
    /// How long the longest prefix at the start of `rest` is.
    pub(super) fn prefix(&self, rest: &[u8]) -> Option<usize> {
        let fitting = self.texts().filter(|text| rest.starts_with(text));
        fitting.map(<[u8]>::len).max()
    }

    /// Whether all of `rest` is the beginning of a prefix.
    pub(super) fn begins_prefix(&self, rest: &[u8]) -> bool {
        !rest.is_empty() && self.texts().any(|text| text.starts_with(rest))
    }

    fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.prefixes.iter().map(|prefix| prefix.0.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_strict() {
        let shape = Shape::default();
        assert!(shape.prefixes.is_empty() && !shape.second_argument && !shape.try_catch);
        assert_eq!(shape.non_finite, NonFinite::Refuse);
    }

    #[test]
    fn prefixes_in_use_are_taken() {
        for text in
            [")]}'", ")]}',\n", "while(1);", "for(;;);", "&&&START&&&", "{} && ", "throw 1;"]
        {
            assert_eq!(Prefix::new(text).unwrap().as_str(), text);
        }
        assert!(Prefix::new(&"x".repeat(64)).is_ok());
    }

    #[test]
    fn what_could_not_be_found_or_would_hide_a_comment_is_no_prefix() {
        for (text, error) in [
            ("", PrefixError::Empty),
            ("\nx", PrefixError::Blank),
            (&"x".repeat(65), PrefixError::TooLong),
            ("x/*", PrefixError::Comment),
            ("//x", PrefixError::Comment),
        ] {
            assert_eq!(Prefix::new(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn the_longest_prefix_that_fits_is_found() {
        let prefixes = [")]}'", ")]}',", "x"].map(|text| Prefix::new(text).unwrap()).to_vec();
        let shape = Shape { prefixes, ..Shape::default() };
        assert_eq!(shape.prefix(b")]}',1"), Some(5));
        assert_eq!(shape.prefix(b")]}'1"), Some(4));
        assert_eq!(shape.prefix(b")]}"), None);
        assert!(shape.begins_prefix(b")]}") && !shape.begins_prefix(b""));
    }
}
