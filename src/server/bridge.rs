//! The bridge: a request for something of a portal's, and its answer as HTTP. The answer itself is
//! the gateway's.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_SECURITY_POLICY};
use http::request::Parts;
use http::{HeaderName, HeaderValue};

use crate::cache::Content;
use crate::gateway::{self, Place};
use crate::portal::Terms;

use super::metrics::Account;
use super::{Service, problem};

/// RFC 9211.
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// What a portal sends must not run as a page of our origin.
const SANDBOX: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

/// Answers a request for a path of a portal.
pub(super) async fn answer(
    service: &Service,
    place: &Place,
    terms: &Arc<Terms>,
    path: &str,
    request: &Parts,
) -> Response {
    let asked = gateway::Request {
        place,
        terms,
        method: &request.method,
        path,
        query: request.uri.query(),
        fields: &request.headers,
    };
    match service.gateway.answer(asked).await {
        Ok(answered) => respond(answered),
        Err(error) => problem::of(&error, place).response(service),
    }
}

fn respond(answered: gateway::Response) -> Response {
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
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, SANDBOX);
    let told = Account { cache: Some(answered.cache.label()), problem: None };
    response.extensions_mut().insert(told);
    response
}
