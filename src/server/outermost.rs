//! What holds for every request, whatever it asks for: the checks before a handler sees it, CORS,
//! the fields of every answer, the access log, the metrics, and that a panic costs one request.

use std::mem;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::response::Response;
use futures_util::FutureExt as _;
use http::header::{
    ALLOW, CONNECTION, CONTENT_LENGTH, HOST, STRICT_TRANSPORT_SECURITY, TRANSFER_ENCODING,
    X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};

use crate::cors;
use crate::portal::Terms;

use super::document::Problem;
use super::drop_in::{self, DropIn};
use super::metrics::{Account, Labels};
use super::peer::{Inbound, Peer};
use super::shown::{loggable, without_user_information};
use super::{Located, Service, problem, router};

const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");
const NOINDEX: HeaderValue = HeaderValue::from_static("noindex");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Answers any request.
pub(super) async fn answer(service: &Service, mut request: Parts, inbound: Inbound) -> Response {
    let (started, peer) = (service.clock.now(), inbound.peer);
    // What the client wrote, for the log, where it stands for something else.
    let (mut written, mut open, mut file, mut refused) = (None, None, None, None);
    match drop_in::read(service, &request.uri) {
        DropIn::Not => {}
        DropIn::Refused(problem) => refused = Some(problem),
        DropIn::Registered(uri) => written = Some(mem::replace(&mut request.uri, uri)),
        DropIn::File(place, url) => file = Some((place, url)),
        DropIn::Open(place, uri) => {
            written = Some(mem::replace(&mut request.uri, uri));
            open = Some(place);
        }
    }
    let path = request.uri.path();
    let located = match (&open, &file) {
        (Some(place), _) => Located::bridge(place, path.strip_prefix('/').unwrap_or(path)),
        (None, Some((place, url))) => Located::file(place, url),
        (None, None) if refused.is_some() => Located::Nothing,
        (None, None) => service.locate(path),
    };
    let policy = match located {
        Located::Bridge { terms, .. } => &terms.cors,
        Located::Entry(place) => &place.portal.terms.cors,
        Located::UnknownPortal | Located::Own(..) | Located::Nothing => &service.options.cors,
    };
    let is_preflight = cors::is_preflight(&request.method, &request.headers);
    let checked = check(&request, located).and_then(|()| refused.map_or(Ok(()), Err));
    let answers_preflight = is_preflight && checked.is_ok();
    let mut response = match checked {
        Err(refusal) => refusal.response(service),
        Ok(()) if is_preflight => {
            let mut response = no_content(located);
            *response.headers_mut() = policy.preflight(&request.headers);
            response
        }
        Ok(()) if request.method == Method::OPTIONS && !located.is_transparent() => {
            no_content(located)
        }
        Ok(()) => {
            let handled = router::route(service, located, &request, inbound);
            AssertUnwindSafe(handled)
                .catch_unwind()
                .await
                .unwrap_or_else(|_| problem::internal().response(service))
        }
    };
    if request.method == Method::HEAD {
        response = without_content(response);
    }
    if !answers_preflight {
        let terms = response.extensions().get::<Arc<Terms>>().cloned();
        let policy = terms.as_ref().map_or(policy, |terms| &terms.cors);
        policy.apply(&request.headers, response.headers_mut());
    }
    finish(service, located, &request, peer, response.headers_mut());
    let path = written.as_ref().map_or(path, |uri| uri.path());
    let path = &*without_user_information(path);
    account(service, &request.method, path, located, &response, started);
    response
}

/// What every request must be.
fn check(request: &Parts, located: Located<'_>) -> Result<(), Problem> {
    check_host(request)?;
    if located.is_transparent() {
        // RFC 9110 §9.3.6, §9.3.8: CONNECT asks for a tunnel, TRACE reflects what was sent.
        return match request.method {
            Method::CONNECT | Method::TRACE => Err(problem::method_not_allowed(allowed(located))),
            _ => Ok(()),
        };
    }
    match request.method {
        Method::GET | Method::HEAD | Method::OPTIONS => {}
        Method::POST if located.takes_post() => return Ok(()),
        _ => return Err(problem::method_not_allowed(allowed(located))),
    }
    let has_content = request.headers.contains_key(TRANSFER_ENCODING)
        || request.headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
    if has_content {
        // Content of a GET has no meaning (RFC 9110 §9.3.1), and what one cache ignores another
        // server may read.
        return Err(problem::bad_request("a request with this method has no content"));
    }
    Ok(())
}

/// RFC 9112 §3.2: a server MUST respond with 400 to any HTTP/1.1 request message that lacks a Host
/// header field and to any request message that contains more than one Host header field line or a
/// Host header field with an invalid field value.
fn check_host(request: &Parts) -> Result<(), Problem> {
    let mut hosts = request.headers.get_all(HOST).iter();
    if request.version == Version::HTTP_2 {
        // RFC 9113 §8.3.1: `:authority` stands for it, and a Host beside it must not differ.
        let (host, another) = (hosts.next(), hosts.next());
        return match (request.uri.authority(), host) {
            (Some(authority), None) if is_host_with_port(authority) => Ok(()),
            (Some(authority), Some(host)) if *host == *authority.as_str() && another.is_none() => {
                Ok(())
            }
            (None, Some(host)) if is_name_with_port(host.as_bytes()) && another.is_none() => Ok(()),
            _ => Err(problem::bad_request("a request has exactly one host")),
        };
    }
    if request.version == Version::HTTP_10 && !request.headers.contains_key(HOST) {
        return Ok(());
    }
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(problem::bad_request("a request has exactly one Host field"));
    };
    if is_name_with_port(host.as_bytes()) {
        return Ok(());
    }
    let valid = host.to_str().ok().and_then(|text| text.parse::<Authority>().ok());
    match valid {
        Some(authority) if is_host_with_port(&authority) => Ok(()),
        _ => Err(problem::bad_request("the Host field is not a host with an optional port")),
    }
}

/// What nearly every `Host` is, and can be seen to be at a glance: a name or an IPv4 address, and a
/// port that exists if there is one.
fn is_name_with_port(host: &[u8]) -> bool {
    let end = host.iter().position(|b| *b == b':').unwrap_or(host.len());
    let (name, port) = (&host[..end], host.get(end + 1..).unwrap_or_default());
    let number = port.iter().map(|b| u32::from(b.wrapping_sub(b'0')));
    !name.is_empty()
        && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        && port.len() <= 5
        && port.iter().all(u8::is_ascii_digit)
        && u16::try_from(number.fold(0, |number, digit| number * 10 + digit)).is_ok()
}

/// RFC 9110 §7.2: `uri-host [ ":" port ]`, with a host, and a port that exists if there is one.
pub(super) fn is_host_with_port(authority: &Authority) -> bool {
    let after_host = authority.as_str().strip_prefix(authority.host());
    !authority.host().is_empty()
        && match after_host {
            Some("" | ":") => true,
            Some(_) => authority.port_u16().is_some(),
            // User information stands before the host.
            None => false,
        }
}

/// The methods that can be used.
fn allowed(located: Located<'_>) -> HeaderValue {
    HeaderValue::from_static(if located.takes_post() {
        "GET, HEAD, POST, OPTIONS"
    } else {
        "GET, HEAD, OPTIONS"
    })
}

fn no_content(located: Located<'_>) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, allowed(located));
    response
}

/// RFC 9110 §9.3.2: HEAD is answered with the fields of a GET and no content.
fn without_content(mut response: Response) -> Response {
    // RFC 9110 §8.6: a length in an answer to HEAD, or in a 304, is that of the content a GET gives.
    let says_length = response.status() != StatusCode::NOT_MODIFIED
        && response.status() != StatusCode::NO_CONTENT
        && !response.headers().contains_key(CONTENT_LENGTH);
    if let (Some(length), true) = (response.body().size_hint().exact(), says_length) {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    *response.body_mut() = Body::empty();
    response
}

/// The fields of every answer.
fn finish(
    service: &Service,
    located: Located<'_>,
    request: &Parts,
    peer: Peer,
    fields: &mut HeaderMap,
) {
    if !located.is_transparent() {
        fields.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        fields.entry(ROBOTS).or_insert(NOINDEX);
    }
    if let (Some(time), true) = (service.options.hsts, peer.is_encrypted) {
        let value = format!("max-age={}", time.as_secs());
        // A figure behind a constant word is always a value.
        fields.extend(HeaderValue::try_from(value).ok().map(|v| (STRICT_TRANSPORT_SECURITY, v)));
    }
    // RFC 9113 §8.2.2: HTTP/2 has no such field; its connections are told otherwise.
    if service.is_draining() && request.version != Version::HTTP_2 {
        fields.insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// One line in the log and one count, without query and client: those can be personal.
fn account(
    service: &Service,
    method: &Method,
    path: &str,
    located: Located<'_>,
    response: &Response,
    started: std::time::Instant,
) {
    let told = response.extensions().get::<Account>().copied().unwrap_or_default();
    let took = service.clock.now().saturating_duration_since(started);
    let portal = located.place().map_or("-", |place| place.portal.id.as_str());
    let status = response.status();
    let cache = told.cache.unwrap_or("-");
    tracing::info!(
        target: "unpad::access",
        method = %method,
        path = %loggable(path),
        status = status.as_u16(),
        portal,
        cache,
        problem = told.problem.unwrap_or("-"),
        bytes = response.body().size_hint().exact(),
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "answered"
    );
    service.metrics.answered(&Labels::new(portal, method, status, cache), took);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_at_a_glance_to_be_a_host_is_one_when_it_is_parsed_too() {
        for (host, expected) in [
            ("a", true),
            ("127.0.0.1:8080", true),
            ("data.city.example:", true),
            ("a:65535", true),
            ("a:00080", true),
            ("a:65536", false),
            ("a:99999", false),
            ("a:000080", false),
            ("a:+1", false),
            ("a:80:80", false),
            (":80", false),
            ("", false),
            ("[::1]:80", false),
            ("u@a", false),
            ("a_b", false),
            ("a/b", false),
        ] {
            assert_eq!(is_name_with_port(host.as_bytes()), expected, "{host}");
            let parsed = host.parse::<Authority>().ok();
            let valid = parsed.is_some_and(|authority| is_host_with_port(&authority));
            assert!(valid || !expected, "{host}");
        }
    }
}
