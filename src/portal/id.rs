//! A portal's id. It is compared byte for byte, never decoded.

use std::fmt;
use std::str::FromStr;

/// Why a text is no portal id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a portal id: use 1 to 63 of `a-z`, `0-9` and `-`, beginning with a letter or \
     digit"
)]
pub struct PortalIdError(String);

/// The name of a portal in paths, metrics and logs: `[a-z0-9][a-z0-9-]{0,62}`.
///
/// The alphabet needs no escaping in a path, a metric label or a file name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortalId(String);

impl PortalId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An id made of a host name: `data.city.example` is `data-city-example`.
    #[must_use]
    pub fn of_host(host: &str) -> Self {
        let name: String = host
            .to_ascii_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(63)
            .collect();
        let name = name.trim_matches('-');
        Self(if name.is_empty() { "portal".to_owned() } else { name.to_owned() })
    }
}

impl FromStr for PortalId {
    type Err = PortalIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let first = text.bytes().next().is_some_and(legal);
        let rest = text.bytes().all(|b| legal(b) || b == b'-');
        if first && rest && text.len() <= 63 {
            Ok(Self(text.to_owned()))
        } else {
            Err(PortalIdError(text.to_owned()))
        }
    }
}

impl fmt::Display for PortalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_lower_case_letters_digits_and_hyphens() {
        for good in ["a", "barcelona", "9", "us-noaa", &"a".repeat(63)] {
            assert!(good.parse::<PortalId>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "A", "a_b", "a.b", "à", "a/b", "a%62", &"a".repeat(64)] {
            assert!(bad.parse::<PortalId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_host_makes_an_id() {
        for host in ["data.city.example", "127.0.0.1", "[::1]", "", "..."] {
            let id = PortalId::of_host(host);
            assert!(id.as_str().parse::<PortalId>().is_ok(), "{host} → {id}");
        }
    }
}
