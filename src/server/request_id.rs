//! The id of a request: what a reader reports and an operator looks for in the log. It identifies, and
//! grants nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};
use ring::rand::{SecureRandom as _, SystemRandom};

/// The field that front servers, load balancers and log collectors use for it.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is kept, in bytes: as long as a SHA-256 in hexadecimal. Over it a new one is made.
const LONGEST: usize = 64;

/// The shortest id that is kept, in bytes: a shorter one would not be found again in a log.
const SHORTEST: usize = 8;

/// Random bytes in the ids of one process, so that those of two are told apart.
const RANDOM: usize = 6;

/// Makes ids.
#[derive(Debug)]
pub(super) struct RequestIds {
    prefix: [u8; 2 * RANDOM],
    made: AtomicU64,
}

/// An id: letters, digits, `-`, `_` and `.`, so that it can stand in a field, a log and a document as it
/// is. It lies where it is needed, because nearly every request has a new one.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestId {
    text: [u8; LONGEST],
    length: usize,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        let mut random = [0; RANDOM];
        // Without random numbers ids of two processes may be the same, which is no reason not to serve.
        let _ = SystemRandom::new().fill(&mut random);
        let mut prefix = [0; 2 * RANDOM];
        for (digits, byte) in prefix.chunks_exact_mut(2).zip(random) {
            digits.copy_from_slice(&[digit(u64::from(byte) >> 4), digit(u64::from(byte))]);
        }
        Self { prefix, made: AtomicU64::new(0) }
    }

    /// The id of a request: the one that a server in front gave it, if it can stand anywhere, else a new
    /// one.
    pub(super) fn of(&self, fields: &HeaderMap) -> RequestId {
        given(fields).unwrap_or_else(|| self.next())
    }

    fn next(&self) -> RequestId {
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        let mut text = [0; LONGEST];
        let prefix = self.prefix.len();
        text[..prefix].copy_from_slice(&self.prefix);
        text[prefix] = b'-';
        let digits = (u64::BITS - number.leading_zeros()).div_ceil(4).max(1);
        let mut length = prefix + 1;
        for place in (0..digits).rev() {
            text[length] = digit(number >> (4 * place));
            length += 1;
        }
        RequestId { text, length }
    }
}

impl RequestId {
    pub(super) fn as_str(&self) -> &str {
        // It is ASCII.
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    pub(super) fn field(&self) -> HeaderValue {
        // It is letters, digits and three signs.
        HeaderValue::from_bytes(self.bytes()).unwrap_or(HeaderValue::from_static("-"))
    }

    fn bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }
}

/// The id that a request has, if it is the only one, and short and harmless.
fn given(fields: &HeaderMap) -> Option<RequestId> {
    let given = fields.get(&X_REQUEST_ID)?.as_bytes();
    let is_kept = (SHORTEST..=LONGEST).contains(&given.len())
        && given.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && fields.get_all(&X_REQUEST_ID).iter().nth(1).is_none();
    is_kept.then(|| {
        let mut text = [0; LONGEST];
        text[..given.len()].copy_from_slice(given);
        RequestId { text, length: given.len() }
    })
}

/// The last hexadecimal digit of a number.
fn digit(number: u64) -> u8 {
    b"0123456789abcdef"[usize::try_from(number & 0xf).unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(lines: &[&'static str]) -> HeaderMap {
        let lines = lines.iter().map(|line| (X_REQUEST_ID, HeaderValue::from_static(line)));
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(name, value);
        }
        fields
    }

    #[test]
    fn ids_are_short_harmless_and_all_different() {
        let (one, other) = (RequestIds::new(), RequestIds::new());
        let made: Vec<_> =
            (0..300).map(|_| one.of(&HeaderMap::new()).as_str().to_owned()).collect();
        assert!(made[0].ends_with("-1") && made[299].ends_with("-12c"), "{made:?}");
        let mut all = made.clone();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 300);
        assert!(made.iter().all(|id| id.len() <= 29 && *id == RequestIds::kept(id)));
        assert_ne!(other.of(&HeaderMap::new()).as_str(), made[0]);
    }

    impl RequestIds {
        fn kept(id: &str) -> String {
            let mut fields = HeaderMap::new();
            fields.insert(X_REQUEST_ID, HeaderValue::from_str(id).expect("a value"));
            Self::new().of(&fields).as_str().to_owned()
        }
    }

    #[test]
    fn the_id_of_a_server_in_front_is_kept_if_it_can_stand_anywhere() {
        let ids = RequestIds::new();
        for id in ["6f1c2a4e-93b0-4d57-8f6a-2f0c1d7f9b3e", "a1b2c3d4", "front.7_0001"] {
            assert_eq!(ids.of(&with(&[id])).as_str(), id);
        }
        let long = "x".repeat(65).leak();
        for lines in [
            &["short"][..],
            &[long],
            &["a1b2c3d4 x"],
            &["a1b2c3d4\"x"],
            &["<script>a1b2"],
            &["a1b2c3d4", "a1b2c3d4"],
            &[""],
        ] {
            let id = ids.of(&with(lines));
            assert!(!lines.contains(&id.as_str()), "{lines:?}");
        }
    }
}
