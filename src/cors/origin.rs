//! One rule of an origin list: an exact origin or a pattern. It knows nothing of requests.

use std::fmt;
use std::str::FromStr;

use regex::Regex;
use url::Url;

/// The largest compiled pattern, in bytes: origins are short, so a pattern over this is a mistake.
const PATTERN_SIZE: usize = 64 * 1024;

/// Why a text is no origin rule; each says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginRuleError {
    /// The text is neither an origin nor a pattern.
    #[error("`{0}` is not an origin: write scheme and host, such as `https://class.example.org`")]
    NotAnOrigin(String),
    /// The text has more than an origin, or another spelling of one.
    #[error("`{given}` is not how a browser writes that origin: write `{canonical}`")]
    NotCanonical {
        /// The text as written.
        given: String,
        /// How browsers serialise it.
        canonical: String,
    },
    /// A star stands among exact origins.
    #[error("`*` cannot stand in a list: write `origins: \"*\"` to let every origin read")]
    Star,
    /// `null` is the origin of sandboxed pages and local files of anybody.
    #[error("`null` is every sandboxed page and local file at once, and cannot be allowed")]
    Null,
    /// The pattern after `~` does not compile.
    #[error("the pattern after `~` is not a regular expression: {0}")]
    Pattern(String),
}

/// An exact origin (`https://class.example.org`) or a pattern (`~https://[a-z]+\.example\.org`)
/// that must match the whole origin.
#[derive(Debug, Clone)]
pub struct OriginRule {
    written: String,
    pattern: Option<Regex>,
}

/// Rules are the same when they are written the same.
impl PartialEq for OriginRule {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for OriginRule {}

impl OriginRule {
    /// Whether a serialised origin matches. `null` never does.
    #[must_use]
    pub fn matches(&self, origin: &str) -> bool {
        match &self.pattern {
            Some(pattern) => origin != "null" && pattern.is_match(origin),
            None => origin == self.written,
        }
    }
}

impl FromStr for OriginRule {
    type Err = OriginRuleError;

    fn from_str(written: &str) -> Result<Self, Self::Err> {
        let pattern = match written.strip_prefix('~') {
            Some(pattern) => Some(whole_match(pattern)?),
            None => {
                check_exact(written)?;
                None
            }
        };
        Ok(Self { written: written.to_owned(), pattern })
    }
}

impl fmt::Display for OriginRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// Compiles a pattern so that it must match the whole origin: an unanchored pattern would let
/// `https://class.example.org.evil.example` through.
fn whole_match(pattern: &str) -> Result<Regex, OriginRuleError> {
    let compile = |text: &str| {
        regex::RegexBuilder::new(text)
            .size_limit(PATTERN_SIZE)
            .build()
            .map_err(|e| OriginRuleError::Pattern(e.to_string()))
    };
    // Checked alone first, so that an unbalanced parenthesis cannot close the group.
    compile(pattern)?;
    compile(&format!("^(?:{pattern})$"))
}

fn check_exact(written: &str) -> Result<(), OriginRuleError> {
    match written {
        "*" => return Err(OriginRuleError::Star),
        "null" => return Err(OriginRuleError::Null),
        _ => {}
    }
    let not_an_origin = || OriginRuleError::NotAnOrigin(written.to_owned());
    let url = Url::parse(written).map_err(|_| not_an_origin())?;
    let origin = url.origin();
    if !origin.is_tuple() {
        return Err(not_an_origin());
    }
    let canonical = origin.ascii_serialization();
    if canonical == written {
        Ok(())
    } else {
        Err(OriginRuleError::NotCanonical { given: written.to_owned(), canonical })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_no_browser_would_send_is_refused_with_the_right_spelling() {
        let refuse = |text: &str| text.parse::<OriginRule>().expect_err(text).to_string();
        assert!(refuse("https://class.example.org/").ends_with("`https://class.example.org`"));
        assert!(refuse("https://Class.example.org").ends_with("`https://class.example.org`"));
        assert!(refuse("https://a.example:443").ends_with("`https://a.example`"));
        assert!(refuse("class.example.org").contains("not an origin"));
        assert!(refuse("null").contains("sandboxed"));
        assert!(refuse("*").contains("cannot stand in a list"));
        assert!(refuse("~(").contains("regular expression"));
        assert!(refuse("~a)|(b").contains("regular expression"));
    }
}
