//! What holds for every request, whatever it asks for: its id, the checks before a handler sees it, CORS,
//! the fields of every answer, the access log, the metrics, and that a panic costs one request.
//!
//! **Invariant:** everything here happens where a panic is caught, so that wherever there is a bug, its
//! request is answered and no other one notices.

use std::any::Any;
use std::mem;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::response::Response;
use futures_util::FutureExt as _;
use http::header::{
    ALLOW, CONNECTION, CONTENT_LENGTH, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version};
use url::Url;

use crate::cors;
use crate::gateway::Place;
use crate::portal::Terms;

use super::check::check;
use super::document::{self, Problem};
use super::drop_in::{self, DropIn};
use super::endpoint::{Endpoint, Name};
use super::metrics::{Account, NO_PORTAL};
use super::peer::{Inbound, Peer};
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
pub(super) async fn answer(service: &Service, mut request: Parts, inbound: Inbound) -> Response {
    let (id, peer) = (service.ids.of(&request.headers), inbound.peer);
    let answered = {
        // Pinned first, so that it is not moved to be caught.
        let answering = pin!(answered(service, &id, &mut request, inbound));
        AssertUnwindSafe(answering).catch_unwind().await
    };
    let mut response = match answered {
        Ok(response) => response,
        Err(panic) => bare(service, &id, &request, &*panic),
    };
    tell_of_connection(service, request.version, peer, response.headers_mut());
    response
}

async fn answered(
    service: &Service,
    id: &RequestId,
    request: &mut Parts,
    inbound: Inbound,
) -> Response {
    let started = service.clock.now();
    let Meant { written, open, file, refused } = Meant::by(service, &mut request.uri);
    let request = &*request;
    let path = request.uri.path();
    let located = match (&open, &file) {
        (Some(place), _) => Located::bridge(place, path.strip_prefix('/').unwrap_or(path)),
        (None, Some((place, url))) => Located::file(place, url),
        (None, None) if refused.is_some() => Located::Nothing,
        (None, None) => service.locate(path),
    };
    let policy = policy(service, located);
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
            let handled = pin!(router::route(service, located, request, inbound));
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
    finish(id, located.is_transparent(), response.headers_mut());
    let path = written.as_ref().map_or(path, |uri| uri.path());
    let path = &*without_user_information(path);
    account(service, id, &request.method, path, located, &told, &response, took);
    response
}

/// Who may read an answer.
fn policy<'a>(service: &'a Service, located: Located<'a>) -> &'a cors::Policy {
    match located {
        Located::Bridge { terms, .. } => &terms.cors,
        Located::Entry(place) => &place.portal.terms.cors,
        Located::UnknownPortal | Located::Own(..) | Located::Nothing => &service.options.cors,
    }
}

/// What a request means that has a URL form of other gateways; nothing for any other.
#[derive(Default)]
struct Meant {
    /// What the client wrote, for the log, where it stands for something else.
    written: Option<Uri>,
    open: Option<Place>,
    file: Option<(Place, Url)>,
    refused: Option<Problem>,
}

impl Meant {
    /// Puts what is meant in the place of what was written.
    fn by(service: &Service, uri: &mut Uri) -> Self {
        let none = Self::default();
        match drop_in::read(service, uri) {
            DropIn::Not => none,
            DropIn::Refused(problem) => Self { refused: Some(problem), ..none },
            DropIn::Registered(meant) => Self { written: Some(mem::replace(uri, meant)), ..none },
            DropIn::File(place, url) => Self { file: Some((place, url)), ..none },
            DropIn::Open(place, meant) => {
                Self { written: Some(mem::replace(uri, meant)), open: Some(place), ..none }
            }
        }
    }
}

/// What every answer says of its connection.
fn tell_of_connection(service: &Service, version: Version, peer: Peer, fields: &mut HeaderMap) {
    if let (Some(time), true) = (service.options.hsts, peer.is_encrypted) {
        let value = format!("max-age={}", time.as_secs());
        // A figure behind a constant word is always a value.
        fields.extend(HeaderValue::try_from(value).ok().map(|v| (STRICT_TRANSPORT_SECURITY, v)));
    }
    // RFC 9113 §8.2.2: HTTP/2 has no such field; its connections are told otherwise.
    if service.is_draining() && version != Version::HTTP_2 {
        fields.insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// Answers a request that a bug of ours cost, with nothing that could be at fault.
fn bare(service: &Service, id: &RequestId, request: &Parts, panic: &(dyn Any + Send)) -> Response {
    let mut response = panicked(service, id, panic);
    document::write(&mut response, service, id.as_str());
    if request.method == Method::HEAD {
        response = without_content(response);
    }
    service.options.cors.apply(&request.headers, response.headers_mut());
    finish(id, false, response.headers_mut());
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

/// The methods that can be used.
pub(super) fn allowed(located: Located<'_>) -> HeaderValue {
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
fn finish(id: &RequestId, is_transparent: bool, fields: &mut HeaderMap) {
    // Also instead of one that the portal sent: what is in our log is what can be looked for.
    fields.insert(X_REQUEST_ID, id.field());
    if !is_transparent {
        fields.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        fields.entry(ROBOTS).or_insert(NOINDEX);
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
