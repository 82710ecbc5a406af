//! The server side of the Fetch standard's CORS protocol: which origins may read an answer, and
//! the response fields that say so. It does not route, and it never refuses a request.
//!
//! A disallowed origin is no error (Fetch §3.2.3): the answer simply lacks
//! `Access-Control-Allow-Origin`, and the browser withholds it from the page. Everything that is
//! not a browser is unaffected, so CORS is never access control for the data itself.
//!
//! **Invariant:** `Access-Control-Allow-Credentials` never stands beside `*`; [`Policy::new`]
//! cannot build such a policy.
//!
//! **Invariant:** an answer under a list of origins always carries `Vary: Origin`, with or without
//! an `Origin` in the request, so that no cache hands one origin's answer to another.

mod origin;

use std::time::Duration;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

pub use origin::{OriginRule, OriginRuleError};

/// How long a browser may reuse a preflight answer: 10 minutes. Chromium caps at two hours; a
/// policy change should reach an open notebook sooner than that.
pub const DEFAULT_MAX_AGE: Duration = Duration::from_secs(600);

/// The most requested header names a preflight answer repeats. Real clients ask for fewer than
/// ten; a longer list is answered as if none had been asked for.
const REQUESTED_HEADERS: usize = 32;

/// Response fields a page may read beyond the CORS-safelisted ones (Fetch §2.2.2).
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Accept-Ranges, Age, Allow, Cache-Status, Content-Digest, Content-Disposition, Content-Encoding, \
     Content-Length, Content-Range, Date, ETag, Link, Location, RateLimit, RateLimit-Policy, \
     Retry-After, Server-Timing, Unpad-Attribution, Unpad-Rewritten, Vary, X-SODA2-Fields, X-SODA2-Types",
);

/// Methods a page may use.
const READING: &str = "GET, HEAD, OPTIONS";
const READING_AND_POST: &str = "GET, HEAD, POST, OPTIONS";

/// The values of the fields that every answer carries. Constants are checked when this is compiled.
const ANY: HeaderValue = HeaderValue::from_static("*");
const CROSS_ORIGIN: HeaderValue = HeaderValue::from_static("cross-origin");

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");
const TIMING_ALLOW_ORIGIN: HeaderName = HeaderName::from_static("timing-allow-origin");

/// The origins that may read an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// Every origin, without credentials.
    Any,
    /// Only origins that match one of the rules.
    Listed(Vec<OriginRule>),
}

/// Why a policy cannot be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("credentials cannot be allowed for every origin (Fetch §3.2.5): list the origins")]
pub struct CredentialsWithAny;

/// The methods that pages may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Methods {
    /// GET, HEAD and OPTIONS.
    Reading,
    /// Those, and POST.
    ReadingAndPost,
    /// The one that a page asks for.
    Any,
}

/// Who may read an answer, and for how long a browser may remember that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    origins: Origins,
    credentials: bool,
    max_age: Duration,
    exposed: HeaderValue,
    methods: Methods,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            origins: Origins::Any,
            credentials: false,
            max_age: DEFAULT_MAX_AGE,
            exposed: EXPOSED,
            methods: Methods::Reading,
        }
    }
}

impl Policy {
    /// A policy for `origins`; `credentials` lets listed origins send cookies to a login in front
    /// of the gateway.
    ///
    /// # Errors
    /// [`CredentialsWithAny`] when credentials are asked for together with [`Origins::Any`].
    pub fn new(
        origins: Origins,
        credentials: bool,
        max_age: Duration,
    ) -> Result<Self, CredentialsWithAny> {
        if credentials && matches!(origins, Origins::Any) {
            return Err(CredentialsWithAny);
        }
        Ok(Self { origins, credentials, max_age, ..Self::default() })
    }

    /// The same policy for other origins, with all else that it opens.
    ///
    /// # Errors
    /// As [`Policy::new`].
    pub fn refined(
        &self,
        origins: Origins,
        credentials: bool,
        max_age: Duration,
    ) -> Result<Self, CredentialsWithAny> {
        let Self { methods, .. } = *self;
        // Fetch §3.2.4: `*` means every field only to requests without credentials.
        let literal = credentials && self.exposed == ANY;
        let exposed = if literal { EXPOSED } else { self.exposed.clone() };
        Ok(Self { exposed, methods, ..Self::new(origins, credentials, max_age)? })
    }

    /// The same policy with more fields that a page may read.
    #[must_use]
    pub fn exposing(mut self, names: &[HeaderName]) -> Self {
        let mut all = self.exposed.to_str().unwrap_or_default().to_owned();
        for name in names {
            all.push_str(", ");
            all.push_str(name.as_str());
        }
        // Names and commas make a value.
        self.exposed = HeaderValue::try_from(all).unwrap_or(EXPOSED);
        self
    }

    /// The same policy with every field open to pages. Fetch §3.2.4: `*` has that meaning for
    /// requests without credentials alone, so with them the usual fields stay.
    #[must_use]
    pub fn exposing_all(mut self) -> Self {
        if !self.credentials {
            self.exposed = ANY;
        }
        self
    }

    /// The same policy with other methods.
    #[must_use]
    pub const fn with_methods(mut self, methods: Methods) -> Self {
        self.methods = methods;
        self
    }

    /// Who may read.
    #[must_use]
    pub const fn origins(&self) -> &Origins {
        &self.origins
    }

    /// Whether listed origins may send credentials.
    #[must_use]
    pub const fn credentials(&self) -> bool {
        self.credentials
    }

    /// How long a browser may reuse a preflight answer.
    #[must_use]
    pub const fn max_age(&self) -> Duration {
        self.max_age
    }

    /// The origins as an operator wrote them.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        match &self.origins {
            Origins::Any => vec!["*".to_owned()],
            Origins::Listed(rules) => rules.iter().map(ToString::to_string).collect(),
        }
    }

    /// Adds the fields that every answer carries, errors included.
    pub fn apply(&self, request: &HeaderMap, response: &mut HeaderMap) {
        self.allow_origin(request, response);
        response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, self.exposed.clone());
        response.insert(CROSS_ORIGIN_RESOURCE_POLICY, CROSS_ORIGIN);
        response.insert(TIMING_ALLOW_ORIGIN, ANY);
    }

    /// The fields that answer a CORS-preflight request.
    #[must_use]
    pub fn preflight(&self, request: &HeaderMap) -> HeaderMap {
        let mut response = HeaderMap::new();
        if self.allow_origin(request, &mut response) {
            let asked = request.get(ACCESS_CONTROL_REQUEST_METHOD);
            let asked = asked.filter(|name| Method::from_bytes(name.as_bytes()).is_ok());
            let methods = match (self.methods, asked) {
                (Methods::Any, Some(asked)) => asked.clone(),
                (Methods::ReadingAndPost, _) => HeaderValue::from_static(READING_AND_POST),
                (Methods::Any | Methods::Reading, _) => HeaderValue::from_static(READING),
            };
            response.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
            if let Some(names) = requested_headers(request) {
                response.insert(ACCESS_CONTROL_ALLOW_HEADERS, names);
            }
            response.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(self.max_age.as_secs()));
        }
        response
    }

    /// Adds `Access-Control-Allow-Origin` if the origin may read the answer, and says whether.
    fn allow_origin(&self, request: &HeaderMap, response: &mut HeaderMap) -> bool {
        let Origins::Listed(rules) = &self.origins else {
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
            return true;
        };
        response.append(VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = sole_origin(request) else { return false };
        let allowed = origin.to_str().is_ok_and(|o| rules.iter().any(|rule| rule.matches(o)));
        if allowed {
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            if self.credentials {
                response.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            }
        }
        allowed
    }
}

/// Whether a request is a CORS-preflight request (Fetch §3.2.2): `OPTIONS` with `Origin` and
/// `Access-Control-Request-Method`.
#[must_use]
pub fn is_preflight(method: &Method, request: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && request.contains_key(ORIGIN)
        && request.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The request's origin; a request with several has none that can be trusted.
fn sole_origin(request: &HeaderMap) -> Option<&HeaderValue> {
    let mut all = request.get_all(ORIGIN).iter();
    let first = all.next()?;
    all.next().is_none().then_some(first)
}

/// The requested header names, checked to be tokens: the answer repeats nothing else.
fn requested_headers(request: &HeaderMap) -> Option<HeaderValue> {
    let mut names = Vec::new();
    for line in request.get_all(ACCESS_CONTROL_REQUEST_HEADERS) {
        for name in line.to_str().ok()?.split(',').map(str::trim).filter(|n| !n.is_empty()) {
            HeaderName::from_bytes(name.as_bytes()).ok()?;
            names.push(name);
        }
    }
    if names.is_empty() || names.len() > REQUESTED_HEADERS {
        return None;
    }
    HeaderValue::from_str(&names.join(", ")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
        fields.iter().map(|(n, v)| (n.clone(), HeaderValue::from_static(v))).collect()
    }

    fn listed(rules: &[&str]) -> Policy {
        let rules = rules.iter().map(|r| r.parse().expect("a valid rule")).collect();
        Policy::new(Origins::Listed(rules), false, DEFAULT_MAX_AGE).expect("no credentials")
    }

    fn allowed(policy: &Policy, origin: &'static str) -> Option<String> {
        let mut response = HeaderMap::new();
        policy.apply(&request(&[(ORIGIN, origin)]), &mut response);
        response.get(ACCESS_CONTROL_ALLOW_ORIGIN).map(|v| v.to_str().unwrap_or("?").to_owned())
    }

    #[test]
    fn any_origin_is_answered_with_a_star_and_without_vary() {
        let mut response = HeaderMap::new();
        Policy::default().apply(&request(&[(ORIGIN, "https://a.example")]), &mut response);
        assert_eq!(response[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert!(!response.contains_key(VARY));
    }

    #[test]
    fn a_listed_origin_is_repeated_and_others_get_nothing() {
        let policy = listed(&["https://class.example.org", "~https://[a-z]+\\.school\\.example"]);
        assert_eq!(
            allowed(&policy, "https://class.example.org").as_deref(),
            Some("https://class.example.org")
        );
        assert_eq!(
            allowed(&policy, "https://north.school.example").as_deref(),
            Some("https://north.school.example")
        );
        for other in [
            "null",
            "http://class.example.org",
            "https://class.example.org.evil.example",
            "https://evil.example/https://class.example.org",
            "https://north.school.example.evil.example",
            "https://north-school.example",
            "https://class.example.org:8443",
        ] {
            assert_eq!(allowed(&policy, other), None, "{other}");
        }
    }

    #[test]
    fn a_list_always_varies_by_origin() {
        let mut response = HeaderMap::new();
        listed(&["https://a.example"]).apply(&HeaderMap::new(), &mut response);
        assert_eq!(response[VARY], "Origin");
    }

    #[test]
    fn credentials_are_refused_for_every_origin() {
        assert!(Policy::new(Origins::Any, true, DEFAULT_MAX_AGE).is_err());
    }

    #[test]
    fn two_origins_in_one_request_are_none() {
        let policy = listed(&["https://a.example"]);
        let mut both = request(&[(ORIGIN, "https://a.example")]);
        both.append(ORIGIN, HeaderValue::from_static("https://b.example"));
        let mut response = HeaderMap::new();
        policy.apply(&both, &mut response);
        assert!(!response.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    }

    #[test]
    fn a_preflight_repeats_the_requested_headers_only_if_they_are_names() {
        let good = request(&[
            (ORIGIN, "https://a.example"),
            (ACCESS_CONTROL_REQUEST_HEADERS, "x-one,Range"),
        ]);
        let answer = Policy::default().preflight(&good);
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_HEADERS], "x-one, Range");
        assert_eq!(answer[ACCESS_CONTROL_MAX_AGE], "600");
        let bad = request(&[(ACCESS_CONTROL_REQUEST_HEADERS, "x y")]);
        assert!(!Policy::default().preflight(&bad).contains_key(ACCESS_CONTROL_ALLOW_HEADERS));
    }

    #[test]
    fn options_is_a_preflight_only_with_origin_and_requested_method() {
        let full =
            request(&[(ORIGIN, "https://a.example"), (ACCESS_CONTROL_REQUEST_METHOD, "GET")]);
        assert!(is_preflight(&Method::OPTIONS, &full));
        assert!(!is_preflight(&Method::GET, &full));
        assert!(!is_preflight(&Method::OPTIONS, &request(&[(ORIGIN, "https://a.example")])));
    }
}
