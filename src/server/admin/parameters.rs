//! Query parameters of the administration: each known, each at most once, decoded as forms are.

use std::borrow::Cow;

use url::form_urlencoded;

use crate::gateway::Filter;
use crate::server::document::Problem;

use super::refusal;

/// The longest pattern, in bytes. Over it the request is refused.
const PATTERN_BYTES: usize = 1024;

/// The parameters of a request.
#[derive(Debug)]
pub(super) struct Parameters<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Parameters<'a> {
    /// Reads a query in which only `known` may stand.
    pub(super) fn read(query: &'a str, known: &[&str]) -> Result<Self, Problem> {
        let mut all: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !known.contains(&&*name) {
                return Err(refusal::bad(format!(
                    "A parameter is not known. Known are {}.",
                    known.join(", ")
                )));
            }
            if all.iter().any(|(other, _)| *other == name) {
                return Err(refusal::bad(format!("`{name}` stands twice: keep one of them.")));
            }
            all.push((name, value));
        }
        Ok(Self(all))
    }

    /// The value of a parameter.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| &**value)
    }

    /// The only parameter there is.
    pub(super) fn only(&self) -> Option<(&str, &str)> {
        match &self.0[..] {
            [(name, value)] => Some((name, value)),
            _ => None,
        }
    }
}

/// Reads a pattern.
pub(super) fn pattern(text: &str) -> Result<regex::Regex, Problem> {
    if text.len() > PATTERN_BYTES {
        return Err(refusal::bad(format!("`pattern` is longer than {PATTERN_BYTES} bytes.")));
    }
    Filter::pattern(text).map_err(|error| refusal::bad(format!("`pattern`: {error}.")))
}
