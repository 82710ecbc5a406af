//! What operators and newcomers ask for: is it alive, is it ready, how is it doing, what is here.

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use super::{SANDBOX, Service};

/// The problem types, as their `type` URIs lead to.
pub(super) const PROBLEMS: &str = include_str!("../../docs/problems.md");

/// Alive: the process answers.
pub(super) fn healthy() -> Response {
    text(StatusCode::OK, "ok\n".to_owned())
}

/// Ready: it takes new work. Not while draining.
pub(super) fn ready(service: &Service) -> Response {
    if service.is_draining() {
        text(StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned())
    } else {
        text(StatusCode::OK, "ready\n".to_owned())
    }
}

/// Prometheus' text format.
pub(super) fn metrics(service: &Service) -> Response {
    let text =
        service.metrics.render(&service.tiers, service.is_draining(), service.gateway.places());
    let mut response = self::text(StatusCode::OK, text);
    let open_metrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(open_metrics));
    response
}

/// The problem types, explained.
pub(super) fn problems() -> Response {
    let mut response = text(StatusCode::OK, PROBLEMS.to_owned());
    let markdown = HeaderValue::from_static("text/markdown; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, markdown);
    response
}

fn text(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    fields.insert(CONTENT_SECURITY_POLICY, SANDBOX);
    response
}
