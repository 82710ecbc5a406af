//! The limits of one body: how long, how deep, how much before the call.
//! Not time or memory: the room reads a slice once and allocates nothing.

/// What a body may cost before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest body, in bytes. CKAN's most for one question, 32 000 rows, came to 7 MB with
    /// narrow rows; 32 MiB leaves room for wide ones, and a body of this length is held whole in
    /// memory. A longer one is [`Reason::TooLarge`](super::Reason::TooLarge).
    pub bytes: usize,
    /// How many arrays and objects may be open at once. 512 is far above any real document and
    /// at least what other JSON parsers take by default (serde 128, PHP 512). One level more is
    /// [`Reason::TooDeep`](super::Reason::TooDeep). Values above [`Limits::MAX_DEPTH`] count as
    /// that maximum.
    pub depth: usize,
    /// The bytes that may stand before the callback name: byte order mark, blanks, comments,
    /// semicolons and guard together. The longest seen has 40; 4096 admits a licence header. More
    /// is [`Reason::PrefixTooLong`](super::Reason::PrefixTooLong). Blanks before bare JSON are
    /// not a prefix and only count towards `bytes`, unless a
    /// [`Prefix`](super::Prefix) stands among them. Comments after the call must end within as many
    /// bytes behind it; beyond, they are [`Reason::TrailingData`](super::Reason::TrailingData).
    pub prefix: usize,
}

impl Limits {
    /// The deepest nesting that can be asked for: the nesting is kept in a fixed field of one bit
    /// per level (128 bytes), so that no document makes us allocate.
    pub const MAX_DEPTH: usize = 1024;

    /// Limits with `depth` capped at [`Limits::MAX_DEPTH`].
    #[must_use]
    pub fn new(bytes: usize, depth: usize, prefix: usize) -> Self {
        Self { bytes, depth: depth.min(Self::MAX_DEPTH), prefix }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(32 * 1024 * 1024, 512, 4096)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_is_capped() {
        assert_eq!(Limits::new(1, usize::MAX, 1).depth, Limits::MAX_DEPTH);
        assert_eq!(Limits::default().depth, 512);
    }
}
