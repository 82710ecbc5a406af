//! The cache key (RFC 9111 §2). It does not know which parts matter: its maker lists them.

use std::fmt;
use std::sync::Arc;

use ring::digest;

/// Names everything that decides which response is right.
///
/// The readable text is kept beside its digest, so that a person can ask a stored response what it
/// is. Parts are length-prefixed: no two lists of parts have the same text. Keys are compared by the
/// whole digest, which stands for the text: no two texts with the same SHA-256 are known.
#[derive(Clone)]
pub struct CacheKey {
    id: u128,
    other_half: u128,
    text: Arc<str>,
}

impl PartialEq for CacheKey {
    fn eq(&self, other: &Self) -> bool {
        (self.id, self.other_half) == (other.id, other.other_half)
    }
}

impl Eq for CacheKey {}

impl CacheKey {
    /// The key made of an owner and `parts`, in order. The owner is whose responses they are; what
    /// one owner may take of a tier is bounded.
    #[must_use]
    pub fn new(owner: &str, parts: &[&str]) -> Self {
        use fmt::Write as _;
        let mut text = String::with_capacity(parts.iter().map(|p| p.len() + 6).sum::<usize>() + 64);
        for part in std::iter::once(&owner).chain(parts) {
            // Writing to a String cannot fail.
            let _ = write!(text, "{}:{part},", part.len());
        }
        Self::of_text(text.into())
    }

    /// The key of a text that a key had.
    #[must_use]
    pub fn of_text(text: Arc<str>) -> Self {
        let sha256 = digest::digest(&digest::SHA256, text.as_bytes());
        let half = |from: usize| {
            let mut half = [0; 16];
            half.copy_from_slice(&sha256.as_ref()[from..from + 16]);
            u128::from_be_bytes(half)
        };
        Self { id: half(0), other_half: half(16), text }
    }

    /// The first 128 bits of the SHA-256 of the text.
    #[must_use]
    pub const fn id(&self) -> u128 {
        self.id
    }

    /// Whose response it names.
    #[must_use]
    pub fn owner(&self) -> &str {
        self.parts().next().unwrap_or_default()
    }

    /// The owner and the parts.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        let mut rest = &*self.text;
        std::iter::from_fn(move || {
            let (length, after) = rest.split_once(':')?;
            let (part, after) = after.split_at_checked(length.parse().ok()?)?;
            rest = after.strip_prefix(',')?;
            Some(part)
        })
    }

    /// The owner and the parts as text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheKey({})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cannot_flow_into_each_other() {
        assert_ne!(CacheKey::new("ab", &["c"]), CacheKey::new("a", &["bc"]));
        assert_ne!(CacheKey::new("a", &[""]), CacheKey::new("a", &[]));
        assert_ne!(CacheKey::new("1:a,", &[]), CacheKey::new("", &["a"]));
    }

    #[test]
    fn the_parts_are_read_back() {
        let key = CacheKey::new("city", &["1:a,", "", "ä"]);
        assert_eq!(
            (key.owner(), key.parts().collect::<Vec<_>>()),
            ("city", vec!["city", "1:a,", "", "ä"])
        );
        assert_eq!(CacheKey::of_text(key.text().into()), key);
        assert_eq!(CacheKey::of_text("9999:a,".into()).parts().count(), 0);
    }
}
