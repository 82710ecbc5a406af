//! What holds for every request, whatever it asks for: its id, the checks before a handler sees it, CORS,
//! the fields of every answer, the access log, the metrics, and that a panic costs one request.
//!
//! **Invariant:** everything here happens where a panic is caught, so that wherever there is a bug, its
//! request is answered and no other one notices.

use std::any::Any;
use std::mem;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::response::Response;
use futures_util::FutureExt as _;
use http::header::{
    ALLOW, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use hyper::body::Incoming;

use crate::cors;
use crate::portal::Terms;

use super::document::{self, Problem};
use super::drop_in::{self, DropIn};
use super::endpoint::{Endpoint, Name};
use super::metrics::{Account, NO_PORTAL};
use super::proxy_status::PROXY_STATUS;
use super::request_id::{RequestId, X_REQUEST_ID};
use super::shown::{loggable, without_user_information};
use super::timing::{self, SERVER_TIMING};
use super::{Located, Service, problem, router};

const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");
const NOINDEX: HeaderValue = HeaderValue::from_static("noindex");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Answers any request.
pub(super) async fn answer(service: &Service, mut request: Parts, content: Incoming) -> Response {
    let id = service.ids.of(&request.headers);
    let answered = AssertUnwindSafe(answered(service, &id, &mut request, content)).catch_unwind();
    match answered.await {
        Ok(response) => response,
        Err(panic) => bare(service, &id, &request, &*panic),
    }
}

async fn answered(
    service: &Service,
    id: &RequestId,
    request: &mut Parts,
    content: Incoming,
) -> Response {
    let started = service.clock.now();
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
    let request = &*request;
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
    let checked = check(request, located).and_then(|()| refused.map_or(Ok(()), Err));
    let answers_preflight = is_preflight && checked.is_ok();
    let mut response = match checked {
        Err(refusal) => refused_response(refusal, located),
        Ok(()) if is_preflight => {
            let mut response = no_content(located);
            if !is_of_operators(located) {
                *response.headers_mut() = policy.preflight(&request.headers);
            }
            response
        }
        Ok(()) if request.method == Method::OPTIONS && !located.is_transparent() => {
            no_content(located)
        }
        Ok(()) => {
            let handled = router::route(service, located, request, content);
            // Caught here, where it is known who may read the answer; all else is caught further out.
            AssertUnwindSafe(handled)
                .catch_unwind()
                .await
                .unwrap_or_else(|panic| panicked(service, id, &*panic))
        }
    };
    document::write(&mut response, service, id.as_str());
    if request.method == Method::HEAD {
        response = without_content(response);
    }
    if is_of_operators(located) {
        // What is counted here is no page's business (Fetch: no field, no access).
        response.headers_mut().insert(RESOURCE_POLICY, SAME_ORIGIN);
    } else if !answers_preflight {
        let terms = response.extensions().get::<Arc<Terms>>().cloned();
        let policy = terms.as_ref().map_or(policy, |terms| &terms.cors);
        policy.apply(&request.headers, response.headers_mut());
    }
    let took = service.clock.now().saturating_duration_since(started);
    let told = response.extensions().get::<Account>().copied().unwrap_or_default();
    if !answers_preflight {
        response.headers_mut().append(SERVER_TIMING, timing::field(&told, took));
    }
    finish(service, id, located.is_transparent(), response.headers_mut());
    let path = written.as_ref().map_or(path, |uri| uri.path());
    let path = &*without_user_information(path);
    account(service, id, &request.method, path, located, &told, &response, took);
    response
}

/// Answers a request that a bug of ours cost, with nothing that could be at fault.
fn bare(service: &Service, id: &RequestId, request: &Parts, panic: &(dyn Any + Send)) -> Response {
    let mut response = panicked(service, id, panic);
    document::write(&mut response, service, id.as_str());
    if request.method == Method::HEAD {
        response = without_content(response);
    }
    service.options.cors.apply(&request.headers, response.headers_mut());
    finish(service, id, false, response.headers_mut());
    response
}

/// Counts and tells a panic.
pub(super) fn panicked(service: &Service, id: &RequestId, panic: &(dyn Any + Send)) -> Response {
    service.metrics.panics.inc();
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("-");
    tracing::error!(request_id = id.as_str(), reason = said, "a bug cost a request");
    problem::internal().response()
}

/// A refusal of what was asked. RFC 9209 §2: an origin server MUST NOT say how it handled a request as a
/// proxy does, and of what is ours we are the origin server.
fn refused_response(refusal: Problem, located: Located<'_>) -> Response {
    let mut response = refusal.response();
    if matches!(located, Located::Own(..)) {
        response.headers_mut().remove(PROXY_STATUS);
    }
    response
}

/// Whether it is for operators alone, though at a public address.
fn is_of_operators(located: Located<'_>) -> bool {
    matches!(located, Located::Own(Endpoint { name: Name::Metrics, .. }, _))
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
fn finish(service: &Service, id: &RequestId, is_transparent: bool, fields: &mut HeaderMap) {
    // Also instead of one that the portal sent: what is in our log is what can be looked for.
    fields.insert(X_REQUEST_ID, id.field());
    if !is_transparent {
        fields.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        fields.entry(ROBOTS).or_insert(NOINDEX);
    }
    if service.is_draining() {
        fields.insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// One line in the log and one count, without query and client: those can be personal.
#[expect(clippy::too_many_arguments, reason = "what there is to tell of an answer")]
fn account(
    service: &Service,
    id: &RequestId,
    method: &Method,
    path: &str,
    located: Located<'_>,
    told: &Account,
    response: &Response,
    took: Duration,
) {
    let portal = located.place().map_or(NO_PORTAL, |place| place.portal.id.as_str());
    let status = response.status();
    let bytes = response.body().size_hint().exact();
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        target: "unpad::access",
        request_id = id.as_str(),
        method = %loggable(method.as_str()),
        path = %loggable(path),
        status = status.as_u16(),
        portal,
        cache = told.cache.unwrap_or("-"),
        problem = told.problem.unwrap_or("-"),
        bytes,
        portal_ms = told.portal_time.map(milliseconds),
        duration_ms = milliseconds(took),
        "answered"
    );
    service.metrics.answered(portal, method, status, told, bytes, took);
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
