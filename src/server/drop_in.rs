//! URL forms of other gateways: `/https://host/path` (cors-anywhere), `/?url=` (corsproxy.io) and
//! `/raw?url=` (allOrigins). They are resolved to a registered portal, or to an open target. It
//! answers nothing.

use http::Uri;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::gateway::Place;

use super::Service;
use super::document::Problem;
use super::problem;

/// What a URL of such a form comes to.
pub(super) enum DropIn {
    /// It is no such form.
    Not,
    /// Its target is refused, and why.
    Refused(Problem),
    /// It is a registered portal's: the URI in our own form.
    Registered(Uri),
    /// It is a file at a host that a portal's entry names: the portal's place, and the file.
    File(Place, Url),
    /// It is an open target: its place, and the target's path and query.
    Open(Place, Uri),
}

/// Reads a URI.
pub(super) fn read(service: &Service, uri: &Uri) -> DropIn {
    let Some(written) = target(service, uri) else { return DropIn::Not };
    let Ok(url) = Url::parse(&written) else {
        return DropIn::Refused(problem::bad_target());
    };
    // A portal's path goes through as it was written, so it is cut out of the text.
    let (scheme, rest) = written.split_once("://").unwrap_or_default();
    let is_plain = matches!(url.scheme(), "http" | "https")
        // `https:/host/a://b` is a URL too, and its path is not `/b`.
        && scheme.trim_start().eq_ignore_ascii_case(url.scheme())
        && url.username().is_empty()
        && url.password().is_none()
        // What the parser reads otherwise than it is written would be cut in another place.
        && !rest.starts_with('/')
        && !written.contains(['\\', '\t', '\n', '\r']);
    if !is_plain {
        return DropIn::Refused(problem::bad_target());
    }
    let rest = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
    let rest = rest.split('#').next().unwrap_or_default();
    if let Some((id, below)) = service.gateway.place_of_target(&url, rest) {
        return match format!("/p/{id}/{below}").parse() {
            Ok(uri) => DropIn::Registered(uri),
            Err(_) => DropIn::Refused(problem::bad_target()),
        };
    }
    let below = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
    match (service.gateway.open_place(&url), below.parse()) {
        (Some(place), Ok(uri)) => DropIn::Open(place, uri),
        (Some(_), Err(_)) => DropIn::Refused(problem::bad_target()),
        (None, _) => match service.gateway.place_of_file(&url) {
            Some(place) => file(place, url),
            None => DropIn::Refused(problem::target_not_allowed(service)),
        },
    }
}

/// A file at a host that a portal's entry names, its path judged as the portal's own is.
fn file(place: Place, mut url: Url) -> DropIn {
    url.set_fragment(None);
    match place.portal.target(url.path().trim_start_matches('/'), url.query()) {
        Ok(_) => DropIn::File(place, url),
        Err(why) => DropIn::Refused(problem::invalid_path(why)),
    }
}

/// The target that a URI names, as text.
fn target(service: &Service, uri: &Uri) -> Option<String> {
    let path = service.without_prefix(uri.path());
    for scheme in ["https", "http"] {
        // Some servers in front make one slash of two.
        let rest = path.strip_prefix('/').and_then(|path| path.strip_prefix(scheme));
        let Some(rest) = rest.and_then(|rest| rest.strip_prefix(":/")) else { continue };
        let rest = rest.trim_start_matches('/');
        let query = uri.query().map_or(String::new(), |query| format!("?{query}"));
        return Some(format!("{scheme}://{rest}{query}"));
    }
    if service.options.at_root.is_some() || !matches!(path, "/" | "/raw") {
        return None;
    }
    url_parameter(uri.query()?)
}

/// The value of a query's parameter `url`.
pub(super) fn url_parameter(query: &str) -> Option<String> {
    // What follows stands in the value if its own separators were not escaped, as people forget.
    let at = if query.starts_with("url=") { 4 } else { query.find("&url=")? + 5 };
    let value = &query[at..];
    let is_escaped = !value.split('&').next().unwrap_or(value).contains("://");
    let value = if is_escaped { value.split('&').next().unwrap_or(value) } else { value };
    let decoded = percent_decode_str(value).decode_utf8().ok()?;
    Some(if is_escaped { decoded.into_owned() } else { value.to_owned() })
}
