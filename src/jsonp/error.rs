//! Why a body was refused, and where.
//! Not what is done about it: statuses and problem types belong to the caller.

use std::fmt;

/// A refused body: a [`Reason`], the offset at which it became certain, and a sentence.
///
/// The offset counts bytes from the start of the body, a byte order mark included. For
/// [`Reason::Truncated`] and [`Reason::Empty`] it is the length of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    reason: Reason,
    kind: Option<Kind>,
    offset: usize,
    sentence: &'static str,
}

impl Error {
    /// What kind of refusal this is.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// What stands there, where it is something that is known and the reason does not say it.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// The offset in bytes of what is wrong.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What is wrong, for a person: often more specific than the reason.
    #[must_use]
    pub fn sentence(&self) -> &'static str {
        self.sentence
    }

    #[cold]
    pub(super) fn new(reason: Reason, offset: usize) -> Self {
        Self::because(reason, offset, reason.sentence())
    }

    #[cold]
    pub(super) fn because(reason: Reason, offset: usize, sentence: &'static str) -> Self {
        Self { reason, kind: None, offset, sentence }
    }

    /// The same refusal of something that is known.
    #[cold]
    pub(super) fn of(self, kind: Kind) -> Self {
        Self { kind: Some(kind), ..self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at offset {}: {}", self.reason, self.offset, self.sentence)
    }
}

impl std::error::Error for Error {}

/// The reasons of refusal. The names are stable: they label metrics and appear in problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Nothing but blanks, comments and semicolons.
    Empty,
    /// Neither a call of the callback nor JSON, for example an HTML page.
    NotJsonp,
    /// A call of another function than the one asked for.
    CallbackMismatch,
    /// A call without an argument, or with `undefined`.
    NoArgument,
    /// A call with more than one argument, or a second one that
    /// [`Shape::second_argument`](super::Shape::second_argument) does not mean.
    MultipleArguments,
    /// The argument, or the bare body, is not JSON by RFC 8259.
    NotJson,
    /// The body is not UTF-8.
    InvalidUtf8,
    /// More follows after the call, or after the bare JSON.
    TrailingData,
    /// The body ends too early; everything up to there was right.
    Truncated,
    /// More open arrays and objects than [`Limits::depth`](super::Limits::depth).
    TooDeep,
    /// More before the callback name than [`Limits::prefix`](super::Limits::prefix).
    PrefixTooLong,
    /// More bytes than [`Limits::bytes`](super::Limits::bytes).
    TooLarge,
}

impl Reason {
    /// Every reason, in the order of the declaration.
    pub const ALL: [Self; 12] = [
        Self::Empty,
        Self::NotJsonp,
        Self::CallbackMismatch,
        Self::NoArgument,
        Self::MultipleArguments,
        Self::NotJson,
        Self::InvalidUtf8,
        Self::TrailingData,
        Self::Truncated,
        Self::TooDeep,
        Self::PrefixTooLong,
        Self::TooLarge,
    ];

    /// The stable name, such as `not-jsonp`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotJsonp => "not-jsonp",
            Self::CallbackMismatch => "callback-mismatch",
            Self::NoArgument => "no-argument",
            Self::MultipleArguments => "multiple-arguments",
            Self::NotJson => "not-json",
            Self::InvalidUtf8 => "invalid-utf8",
            Self::TrailingData => "trailing-data",
            Self::Truncated => "truncated",
            Self::TooDeep => "too-deep",
            Self::PrefixTooLong => "prefix-too-long",
            Self::TooLarge => "too-large",
        }
    }

    /// Whether a limit was hit, so that nothing is known about the rest of the body.
    #[must_use]
    pub fn is_limit(self) -> bool {
        matches!(self, Self::TooDeep | Self::PrefixTooLong | Self::TooLarge)
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Empty => "the body holds nothing but blanks, comments and semicolons",
            Self::NotJsonp => "neither a call of the callback asked for nor JSON",
            Self::CallbackMismatch => "another function is called than the one asked for",
            Self::NoArgument => "the call has no argument: the portal said nothing",
            Self::MultipleArguments => "the call has more than one argument",
            Self::NotJson => "this is not JSON",
            Self::InvalidUtf8 => "these bytes are not UTF-8",
            Self::TrailingData => "more follows after the call has ended",
            Self::Truncated => "the body ends before the call has ended",
            Self::TooDeep => "more arrays and objects are open than the limit allows",
            Self::PrefixTooLong => "more stands before the callback name than the limit allows",
            Self::TooLarge => "the body is longer than the limit allows",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a refused body is, finer than by its [`Reason`]. The names are stable.
///
/// The reason stays what the grammar says (mostly [`Reason::NotJson`] or [`Reason::NotJsonp`]), so
/// that who decides by reasons need not know the kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A JavaScript engine reads this, and JSON does not have it: single quotes, names without
    /// quotation marks, trailing commas, comments, `undefined`, calls, assignments and the like.
    JavaScript,
    /// `NaN`, `Infinity` or `-Infinity`, which [`NonFinite::Null`](super::NonFinite::Null) takes.
    NonFinite,
    /// A prefix against JSON hijacking, which [`Shape::prefixes`](super::Shape::prefixes) can name.
    HijackingPrefix,
    /// `try { … } catch (e) {}`, which [`Shape::try_catch`](super::Shape::try_catch) admits.
    TryCatch,
}

impl Kind {
    /// Every kind, in the order of the declaration.
    pub const ALL: [Self; 4] =
        [Self::JavaScript, Self::NonFinite, Self::HijackingPrefix, Self::TryCatch];

    /// The stable name, such as `javascript-not-json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::JavaScript => "javascript-not-json",
            Self::NonFinite => "non-finite",
            Self::HijackingPrefix => "hijacking-prefix",
            Self::TryCatch => "try-catch",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_reason_offset_and_sentence() {
        assert_eq!(
            Error::new(Reason::TrailingData, 17).to_string(),
            "trailing-data at offset 17: more follows after the call has ended"
        );
    }

    #[test]
    fn every_reason_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> =
            Reason::ALL.map(Reason::name).into_iter().chain(Kind::ALL.map(Kind::name)).collect();
        assert_eq!(names.len(), Reason::ALL.len() + Kind::ALL.len());
    }

    #[test]
    fn a_kind_is_told_beside_the_reason() {
        let error = Error::new(Reason::NotJson, 1);
        assert_eq!(error.kind(), None);
        assert_eq!(error.clone().of(Kind::NonFinite).kind(), Some(Kind::NonFinite));
        assert_eq!(error.clone().of(Kind::NonFinite).reason(), error.reason());
    }
}
