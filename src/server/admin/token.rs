//! The administration token: what it must be, and how one is compared with it. It is never shown.

use std::fmt;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use ring::digest;

/// The shortest token, in characters: 32 of them are 128 bits and more, if they are random.
const SHORTEST: usize = 32;

/// The longest token, in characters: it has to stand in a request's head.
const LONGEST: usize = 1024;

/// Why a text is no token. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is nothing in it.
    #[error("it is empty: write a token of at least {SHORTEST} characters into it")]
    Empty,
    /// It can be guessed.
    #[error(
        "it has {0} characters, and a token has at least {SHORTEST}: take a random one, such as `openssl rand -hex 32` makes"
    )]
    Short(usize),
    /// It cannot be sent.
    #[error(
        "it has a character that cannot stand in a request, or more than {LONGEST} of them: use \
         letters and digits"
    )]
    Unsendable,
}

/// The token that every request must have, as its SHA-256.
#[derive(Clone)]
pub struct Token {
    sha256: digest::Digest,
}

impl Token {
    /// Reads a token; blanks around it are not part of it.
    ///
    /// # Errors
    /// [`TokenError`] if it is too short or cannot be sent.
    pub fn new(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        match text.chars().count() {
            0 => Err(TokenError::Empty),
            length if length < SHORTEST => Err(TokenError::Short(length)),
            length if length > LONGEST || !text.bytes().all(|b| b.is_ascii_graphic()) => {
                Err(TokenError::Unsendable)
            }
            _ => Ok(Self { sha256: sha256(text) }),
        }
    }

    /// RFC 6750 §2.1: whether a request has the token, in its only `Authorization` field.
    pub(super) fn is_in(&self, fields: &HeaderMap) -> bool {
        let mut lines = fields.get_all(AUTHORIZATION).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else { return false };
        let given = line.to_str().ok().and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        // Digests are compared: where two differ first says nothing of where the texts do.
        given.is_some_and(|given| sha256(given).as_ref() == self.sha256.as_ref())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

fn sha256(text: &str) -> digest::Digest {
    digest::digest(&digest::SHA256, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_token_is_long_enough_and_can_be_sent() {
        assert!(Token::new(&format!("\n {GOOD} \n")).is_ok());
        for (text, error) in [
            (" \n", TokenError::Empty),
            (&GOOD[1..], TokenError::Short(31)),
            (&GOOD.replace('a', " "), TokenError::Unsendable),
            (&GOOD.replace('a', "è"), TokenError::Unsendable),
        ] {
            assert_eq!(Token::new(text).err(), Some(error), "{text}");
        }
    }

    #[test]
    fn only_one_bearer_field_with_the_whole_token_counts() {
        let token = Token::new(GOOD).expect("a token");
        let fields = |lines: &[&'static str]| {
            let mut fields = HeaderMap::new();
            for line in lines {
                fields.append(AUTHORIZATION, http::HeaderValue::from_static(line));
            }
            fields
        };
        assert!(token.is_in(&fields(&["Bearer 0123456789abcdef0123456789abcdef"])));
        assert!(token.is_in(&fields(&["bearer  0123456789abcdef0123456789abcdef"])));
        for wrong in [
            &[][..],
            &["0123456789abcdef0123456789abcdef"],
            &["Basic 0123456789abcdef0123456789abcdef"],
            &["Bearer 0123456789abcdef0123456789abcde"],
            &["Bearer 0123456789abcdef0123456789abcdef0"],
            &["Bearer"],
            &["Bearer 0123456789abcdef0123456789abcdef", "Bearer 0123456789abcdef0123456789abcdef"],
        ] {
            assert!(!token.is_in(&fields(wrong)), "{wrong:?}");
        }
    }

    #[test]
    fn a_token_is_not_shown() {
        let token = Token::new(GOOD).expect("a token");
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
