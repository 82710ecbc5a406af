//! `NaN`, `Infinity` and `-Infinity` in place of values, and `null` in place of them.
//! Not numbers: those are RFC 8259's, in `number`.

use memchr::{memchr2, memchr3};

use super::error::{Error, Reason};
use super::shape::NonFinite;

const WORDS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];

/// The words that were taken so far, if any may be.
#[derive(Debug)]
pub(super) struct Words {
    taken: bool,
    pub(super) count: usize,
}

impl Words {
    pub(super) fn new(policy: NonFinite) -> Self {
        Self { taken: policy == NonFinite::Null, count: 0 }
    }

    /// The offset behind the word at `at`, if one stands there and may. Asked only where no value
    /// of JSON stands.
    #[cold]
    pub(super) fn end(&mut self, body: &[u8], at: usize) -> Result<Option<usize>, Error> {
        let rest = body.get(at..).unwrap_or_default();
        if !self.taken {
            return Ok(None);
        }
        if let Some(word) = WORDS.iter().find(|word| rest.starts_with(word)) {
            self.count += 1;
            return Ok(Some(at + word.len()));
        }
        if WORDS.iter().any(|word| word.starts_with(rest)) {
            return Err(Error::new(Reason::Truncated, body.len()));
        }
        Ok(None)
    }
}

/// A text with `null` in place of its `count` words. Every other byte stays.
///
/// The text is JSON but for the words. So outside of strings, an `N` or an `I` is nothing but the
/// start of one: a number has no capital but `E`.
pub(super) fn replaced(json: &[u8], count: usize) -> Vec<u8> {
    // The shortest word, NaN, is one byte shorter than null.
    let mut text = Vec::with_capacity(json.len() + count);
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = json.get(at..).and_then(|rest| memchr3(b'"', b'N', b'I', rest)) {
        at += found;
        let (start, end) = match json[at] {
            b'"' => {
                at = behind_string(json, at + 1);
                continue;
            }
            b'N' => (at, at + WORDS[0].len()),
            _ if json[copied..at].ends_with(b"-") => (at - 1, at + WORDS[1].len()),
            _ => (at, at + WORDS[1].len()),
        };
        text.extend_from_slice(&json[copied..start]);
        text.extend_from_slice(b"null");
        at = end.min(json.len());
        copied = at;
    }
    text.extend_from_slice(&json[copied..]);
    text
}

/// The offset behind the string whose content starts at `at`.
fn behind_string(json: &[u8], mut at: usize) -> usize {
    while let Some(found) = json.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found + 1;
        if json[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_taken_only_where_the_policy_says_so() {
        for (policy, expected) in [(NonFinite::Refuse, None), (NonFinite::Null, Some(10))] {
            let mut words = Words::new(policy);
            assert_eq!(words.end(b"[-Infinity]", 1), Ok(expected));
            assert_eq!(words.count, usize::from(expected.is_some()));
        }
        let mut words = Words::new(NonFinite::Null);
        assert_eq!(words.end(b"[Nan]", 1), Ok(None));
        assert_eq!(words.end(b"[-NaN]", 1), Ok(None));
        assert_eq!(words.end(b"[-Inf", 1), Err(Error::new(Reason::Truncated, 5)));
    }

    #[test]
    fn null_replaces_words_and_nothing_in_strings() {
        for (json, count, expected) in [
            ("NaN", 1, "null"),
            ("[NaN,NaN]", 2, "[null,null]"),
            ("[-Infinity, Infinity ]", 2, "[null, null ]"),
            (
                r#"{"NaN":"\"NaN, -Infinity\\","I":NaN,"-Infinity":-1E5}"#,
                1,
                r#"{"NaN":"\"NaN, -Infinity\\","I":null,"-Infinity":-1E5}"#,
            ),
            ("[-1,Infinity,\"I\"]", 1, "[-1,null,\"I\"]"),
        ] {
            let text = replaced(json.as_bytes(), count);
            assert_eq!(text, expected.as_bytes());
            assert!(text.capacity() <= json.len() + count, "one allocation");
        }
    }

    #[test]
    fn texts_that_were_never_checked_do_no_harm() {
        for text in ["", "I", "-I", "\"", "\"\\", "N", "\"\\\"", "INaN-"] {
            let _ = replaced(text.as_bytes(), 0);
        }
    }
}
