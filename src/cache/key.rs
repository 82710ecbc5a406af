//! The cache key (RFC 9111 §2). It does not know which parts matter: its maker lists them.

use std::fmt;
use std::sync::Arc;

use ring::digest;

/// Names everything that decides which response is right.
///
/// The readable text is kept beside its digest, so that a stored response can be checked against
/// the whole key and a person can ask it what it is. Parts are length-prefixed: no two lists of
/// parts have the same text.
#[derive(Clone, PartialEq, Eq)]
pub struct CacheKey {
    id: u128,
    text: Arc<str>,
}

impl CacheKey {
    /// The key made of `parts`, in order.
    #[must_use]
    pub fn new(parts: &[&str]) -> Self {
        use fmt::Write as _;
        let mut text = String::with_capacity(parts.iter().map(|p| p.len() + 6).sum());
        for part in parts {
            // Writing to a String cannot fail.
            let _ = write!(text, "{}:{part},", part.len());
        }
        let sha256 = digest::digest(&digest::SHA256, text.as_bytes());
        let mut half = [0; 16];
        half.copy_from_slice(&sha256.as_ref()[..16]);
        Self { id: u128::from_be_bytes(half), text: text.into() }
    }

    /// The first 128 bits of the SHA-256 of the text.
    #[must_use]
    pub const fn id(&self) -> u128 {
        self.id
    }

    /// The parts as text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The parts that the key was made of, in order.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        let mut rest = &*self.text;
        std::iter::from_fn(move || {
            let (length, behind) = rest.split_once(':')?;
            let length: usize = length.parse().ok()?;
            let part = behind.get(..length)?;
            // A comma stands behind each part.
            rest = behind.get(length + 1..)?;
            Some(part)
        })
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
        assert_ne!(CacheKey::new(&["ab", "c"]), CacheKey::new(&["a", "bc"]));
        assert_ne!(CacheKey::new(&["a", ""]), CacheKey::new(&["a"]));
        assert_ne!(CacheKey::new(&["1:a,"]), CacheKey::new(&["", "a"]));
    }

    #[test]
    fn a_key_tells_its_parts() {
        for parts in [&["1", "city", "https://a.example/x?a:b,c"][..], &["", "1:a,", "è"], &[]] {
            assert_eq!(CacheKey::new(parts).parts().collect::<Vec<_>>(), parts);
        }
    }
}
