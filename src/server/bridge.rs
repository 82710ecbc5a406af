//! The bridge: a request for something of a portal's, and its answer as HTTP. The answer itself is
//! the gateway's.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_SECURITY_POLICY};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use url::Url;

use crate::allowance::{Claim, Standing};
use crate::cache::Content;
use crate::gateway::{self, Place};
use crate::portal::{Dialect, Terms};

use super::document::Problem;
use super::metrics::Account;
use super::peer::Inbound;
use super::{Options, Service, problem};

/// RFC 9211.
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What a portal sends must not run as a page of our origin.
const SANDBOX: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

/// Answers a request for a path of a portal.
pub(super) async fn answer(
    service: &Service,
    place: &Place,
    terms: &Arc<Terms>,
    path: &str,
    file: Option<&Url>,
    request: &Parts,
    inbound: Inbound,
) -> Response {
    let client = inbound.peer.client(&request.headers, &service.options.trusted_proxies);
    let content = match read(service, request, inbound.content).await {
        Ok(content) => content,
        Err(problem) => return problem.response(service),
    };
    let claim = Claim::new(&service.allowances, client);
    let asked = gateway::Request {
        place,
        terms,
        method: &request.method,
        path,
        query: request.uri.query().filter(|_| file.is_none()),
        file,
        fields: &request.headers,
        content,
        claim: Some(&claim),
    };
    let (mut response, standing) = match service.gateway.answer(asked).await {
        Ok(answered) => {
            let response = respond(answered, place.portal.dialect == Dialect::Transparent);
            (response, claim.standing())
        }
        Err(error) => {
            let target = || match file {
                Some(url) => Some(gateway::told_url(url)),
                None => gateway::told(place, path, request.uri.query()),
            };
            let standing = match error {
                gateway::Error::TooManyRequests(exceeded) => Some(exceeded.standing),
                _ => claim.standing(),
            };
            let problem = problem::of(&error, place).of_target(&error, target);
            (problem.response(service), standing)
        }
    };
    if let Some(standing) = standing {
        tell(standing, response.headers_mut());
    }
    response
}

/// How the client stands, where the request counted: the IETF draft `RateLimit header fields for HTTP`.
fn tell(standing: Standing, fields: &mut HeaderMap) {
    let Standing { quota, window, remaining, reset } = standing;
    let (window, reset) = (whole_seconds(window), whole_seconds(reset));
    let policy = format!("\"client\";q={quota};w={window}");
    let left = format!("\"client\";r={remaining};t={reset}");
    for (name, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, left)] {
        // Figures between constant words are always a value.
        if let Ok(value) = HeaderValue::try_from(value) {
            fields.insert(name, value);
        }
    }
}

/// Rounded up, so that whoever waits that long has waited long enough.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// The content of a request, if it has any. Only requests to a transparent portal and for an action
/// may, which has been checked.
async fn read(
    service: &Service,
    request: &Parts,
    content: Incoming,
) -> Result<Option<Bytes>, Problem> {
    if content.is_end_stream() {
        // RFC 9110 §8.6: a length of 0 is content for methods that define it.
        let says_none = request.headers.contains_key(CONTENT_LENGTH);
        return Ok(says_none.then(Bytes::new));
    }
    let Options { content_bytes: most, content_time: time, .. } = service.options;
    // Boxed, so that requests without content need not make room for it.
    let collecting = Box::pin(Limited::new(content, most).collect());
    match tokio::time::timeout(time, collecting).await {
        Ok(Ok(collected)) => Ok(Some(collected.to_bytes())),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(problem::content_too_large(most)),
        Ok(Err(_)) => Err(problem::bad_request("its content broke off")),
        Err(_) => Err(problem::request_timeout(time)),
    }
}

fn respond(answered: gateway::Response, transparent: bool) -> Response {
    let (body, length) = match answered.content {
        Content::Buffer(bytes) => (Body::from(bytes), None),
        Content::Stream(stream, length) => (Body::from_stream(stream), length),
    };
    let mut response = Response::new(body);
    *response.status_mut() = answered.status;
    *response.headers_mut() = answered.fields;
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    response.headers_mut().insert(CACHE_STATUS, answered.cache.field());
    if !transparent {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, SANDBOX);
    }
    if let Some(terms) = answered.terms {
        response.extensions_mut().insert(terms);
    }
    let told = Account { cache: Some(answered.cache.label()), problem: None };
    response.extensions_mut().insert(told);
    response
}
