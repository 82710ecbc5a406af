//! From what a caller wrote to the URI a portal is asked for (RFC 9110 §7.1). The only place where
//! a caller's bytes meet a portal's URL; it decodes for judging, never for forwarding.

use std::borrow::Cow;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use url::Url;

use super::{Form, Portal};

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathRefusal {
    /// `.` or `..`, also percent-encoded: the portal would resolve it out of its base path.
    #[error("it has a dot segment (`.` or `..`), which could leave the portal's base path")]
    DotSegment,
    /// A control character, also percent-encoded.
    #[error("it has a control character")]
    Control,
    /// A backslash, also percent-encoded: some servers read it as a slash.
    #[error("it has a backslash, which some servers read as a slash")]
    Backslash,
    /// Joined to the base, it would ask another place.
    #[error("it does not stay below the portal's base URL")]
    LeavesBase,
}

/// Why a URL cannot be a portal's base.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseError {
    /// It is not an http or https URL with a host.
    #[error("`{0}` is not a base URL: write http or https, a host and, if need be, a path")]
    NotHttp(String),
    /// It has user information, a query or a fragment.
    #[error("a base URL has no user information, query or fragment")]
    Surplus,
    /// It goes into the API, so that every path would have it twice.
    #[error("`base` ends before `/api`: write `{0}`")]
    IntoApi(String),
}

/// Where a portal's paths begin: scheme, host, port and path prefix, without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    url: Url,
    text: String,
}

/// What to ask a portal for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The target URI.
    pub url: Url,
    /// What is expected there.
    pub form: Form,
}

impl Base {
    /// The base as a URL.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Reads a base URL as people copy it, that is, also one that goes into the API.
    ///
    /// # Errors
    /// [`BaseError`], but never [`BaseError::IntoApi`].
    pub fn lenient(text: &str) -> Result<Self, BaseError> {
        match text.parse() {
            Err(BaseError::IntoApi(before)) => before.parse(),
            result => result,
        }
    }
}

impl std::fmt::Display for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Base {
    type Err = BaseError;

    fn from_str(written: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(written)
            .ok()
            .filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host())
            .ok_or_else(|| BaseError::NotHttp(written.to_owned()))?;
        let surplus = !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some();
        if surplus {
            return Err(BaseError::Surplus);
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        let path = &text[url[..url::Position::BeforePath].len()..];
        if let Some(before) = before_api(path) {
            let origin = &url[..url::Position::BeforePath];
            return Err(BaseError::IntoApi(format!("{origin}{before}")));
        }
        Ok(Self { url, text })
    }
}

/// The part of a base path before an API path at its end: `/api`, `/api/3`, `/api/3/action`,
/// `/api/action`, with or without an action's name.
fn before_api(path: &str) -> Option<&str> {
    let at = path.rfind("/api/").or_else(|| path.ends_with("/api").then(|| path.len() - 4))?;
    let mut rest = path[at..].trim_start_matches("/api").split('/').filter(|s| !s.is_empty());
    let known = match rest.next() {
        None | Some("action" | "util") => true,
        Some(version) => {
            version.len() == 1
                && version.bytes().all(|b| b.is_ascii_digit())
                && matches!(rest.next(), None | Some("action" | "util"))
        }
    };
    known.then(|| &path[..at])
}

impl Portal {
    /// The target for a caller's path (without its leading slash) and query, both as received.
    ///
    /// The path goes through byte for byte. Of the query, every parameter is removed whose
    /// once-decoded name is the callback parameter or one of `drop_query`; the callback we ask
    /// for comes last.
    ///
    /// # Errors
    /// [`PathRefusal`] when the path could lead elsewhere.
    pub fn target(&self, path: &str, query: Option<&str>) -> Result<Target, PathRefusal> {
        judge(path)?;
        let form = self.dialect.form(self.ask, path);
        let mut uri = format!("{}/{path}", self.base);
        let prefix_length = self.base.text.len();
        let mut separator = '?';
        let mut append = |parameter: &str| {
            uri.push(std::mem::replace(&mut separator, '&'));
            uri.push_str(parameter);
        };
        for parameter in query.filter(|q| !q.is_empty()).into_iter().flat_map(|q| q.split('&')) {
            if !self.removes(parameter) {
                append(parameter);
            }
        }
        if let (Form::Padded, Some(name)) = (form, self.dialect.callback_parameter()) {
            append(&format!("{name}={}", self.callback.as_str()));
        }
        let url = Url::parse(&uri).map_err(|_| PathRefusal::LeavesBase)?;
        // Whatever the parser made of the path: it must still be below the base.
        let stays = url
            .as_str()
            .get(..=prefix_length)
            .is_some_and(|start| start.strip_suffix('/') == Some(&self.base.text));
        if !stays || url.fragment().is_some() {
            return Err(PathRefusal::LeavesBase);
        }
        Ok(Target { url, form })
    }

    fn removes(&self, parameter: &str) -> bool {
        let name = parameter.split('=').next().unwrap_or(parameter);
        let name = decoded_name(name);
        self.dialect.callback_parameter().is_some_and(|callback| name == callback)
            || self.drop_query.iter().any(|dropped| name == *dropped)
    }
}

/// A parameter's name as a form decoder reads it: `+` is a space, escapes are decoded once.
fn decoded_name(name: &str) -> Cow<'_, str> {
    if !name.contains(['%', '+']) {
        return Cow::Borrowed(name);
    }
    let spaced = name.replace('+', " ");
    Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

/// Judges the path as a server might read it: decoded once, with an encoded slash as a slash.
fn judge(path: &str) -> Result<(), PathRefusal> {
    let decoded: Vec<u8> = percent_decode_str(path).collect();
    for byte in &decoded {
        match byte {
            b'\\' => return Err(PathRefusal::Backslash),
            0..=0x1f | 0x7f => return Err(PathRefusal::Control),
            _ => {}
        }
    }
    let dots = decoded.split(|b| *b == b'/').any(|segment| {
        // Some servers take what follows a semicolon off before they resolve the segment.
        let name = segment.split(|b| *b == b';').next().unwrap_or(segment);
        matches!(name, b"." | b"..")
    });
    if dots { Err(PathRefusal::DotSegment) } else { Ok(()) }
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
