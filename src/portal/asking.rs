//! How one portal is asked: what its dialect says, with what its entry says otherwise. Data; what is
//! made of it is in `target`.

use std::borrow::Cow;
use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use regex::Regex;

use crate::jsonp::{CallbackName, Shape};

use super::dialect::{Ask, Call, Dialect};

/// How a portal is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// Whether for JSONP or for JSON.
    pub way: Ask,
    /// How a callback is asked for; the first way that brings JSON counts.
    pub calls: Cow<'static, [Call]>,
    /// The callback name that is asked for.
    pub callback: CallbackName,
    /// Parameters that are added to requests that do not have them.
    pub query: Vec<(String, String)>,
    /// Parameters that are removed.
    pub drop_query: Vec<String>,
    /// How paths are rewritten, one after the other.
    pub rewrite: Vec<Rewrite>,
    /// Whether CKAN's actions are asked for by POST, without a query and without padding.
    pub post: bool,
    /// Fields of every request to the portal, such as its own `User-Agent`.
    pub headers: HeaderMap,
    /// A key that the portal wants.
    pub api_key: Option<ApiKey>,
    /// Whether a client's `Authorization` is sent to the portal.
    pub authorization: bool,
    /// What is accepted beside one argument of plain JSON.
    pub shape: Shape,
}

/// Paths that the portal has under another name.
#[derive(Debug, Clone)]
pub struct Rewrite {
    /// What is replaced in the path behind `/p/{portal}`, with its leading slash.
    pub from: Regex,
    /// By what; `$1` is what the first group matched.
    pub to: String,
}

/// Rules are the same when they are written the same.
impl PartialEq for Rewrite {
    fn eq(&self, other: &Self) -> bool {
        self.from.as_str() == other.from.as_str() && self.to == other.to
    }
}

impl Eq for Rewrite {}

/// A key that goes to the portal's own origin and nowhere else: it is part of no log and of no answer, and
/// of a cache key only hashed.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Where it stands.
    pub place: KeyPlace,
    /// The key.
    pub secret: HeaderValue,
}

/// Where a portal looks for its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// In a field.
    Field(HeaderName),
    /// In a query parameter.
    Parameter(String),
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({:?})", self.place)
    }
}

impl Asking {
    /// As the dialect says.
    #[must_use]
    pub fn of(dialect: Dialect, callback: CallbackName) -> Self {
        let traits = dialect.traits();
        Self {
            way: dialect.ask(),
            calls: Cow::Borrowed(traits.calls),
            callback,
            query: Vec::new(),
            drop_query: traits.drop_query.iter().map(ToString::to_string).collect(),
            rewrite: Vec::new(),
            post: false,
            headers: HeaderMap::new(),
            api_key: None,
            authorization: false,
            shape: Shape { second_argument: traits.second_argument, ..Shape::default() },
        }
    }

    /// A path (without its leading slash) as the portal has it.
    #[must_use]
    pub fn rewritten<'a>(&self, path: &'a str) -> Cow<'a, str> {
        if self.rewrite.is_empty() {
            return Cow::Borrowed(path);
        }
        let mut whole = format!("/{path}");
        for rule in &self.rewrite {
            if let Cow::Owned(other) = rule.from.replace(&whole, &rule.to) {
                whole = other;
            }
        }
        Cow::Owned(whole.strip_prefix('/').unwrap_or(&whole).to_owned())
    }
}
