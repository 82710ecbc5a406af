//! The header fields CKAN gives each kind of answer. Not the answers themselves.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE, VARY};
use http::{HeaderValue, Response, StatusCode};

/// What CKAN says of everything by default: keep it, and never use it without asking.
const PUBLIC: &str = "public, max-age=0, must-revalidate";

/// The page around every HTML error; `{code}` and `{reason}` are filled in.
const PAGE: &str = include_str!("../../fixtures/demo/page.html");

/// CKAN starts a session for every HTML error. This one opens nothing.
const SESSION: &str =
    "ckan=demonstration.session.of-nobody; Domain=; HttpOnly; Path=/; SameSite=Lax";

/// An answer of the action API as it is.
pub(super) fn json(status: StatusCode, body: String) -> Response<Bytes> {
    build(status, "application/json;charset=utf-8", PUBLIC, body.into())
}

/// A padded answer of the action API.
pub(super) fn script(body: String) -> Response<Bytes> {
    build(StatusCode::OK, "application/javascript;charset=utf-8", PUBLIC, body.into())
}

/// A dump: always `application/octet-stream`, whatever is inside.
pub(super) fn octets(body: String) -> Response<Bytes> {
    build(StatusCode::OK, "application/octet-stream", PUBLIC, body.into())
}

/// The empty answer to `OPTIONS`; without CORS, as CKAN is delivered.
pub(super) fn options() -> Response<Bytes> {
    let mut answer = build(StatusCode::OK, "text/html; charset=utf-8", PUBLIC, Bytes::new());
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static("OPTIONS, HEAD, GET, POST"));
    answer
}

/// An HTML error page with its cookie.
pub(super) fn page(status: StatusCode) -> Response<Bytes> {
    let body = PAGE
        .replace("{code}", status.as_str())
        .replace("{reason}", status.canonical_reason().unwrap_or_default());
    let mut answer = build(status, "text/html; charset=utf-8", "private", body.into());
    answer.headers_mut().insert(SET_COOKIE, HeaderValue::from_static(SESSION));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        // RFC 9110 §15.5.6: a 405 MUST say what is allowed.
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("OPTIONS, HEAD, GET, POST"));
    }
    answer
}

/// Any answer: `Vary: Cookie` is on all of them.
pub(super) fn build(
    status: StatusCode,
    media_type: &'static str,
    cache_control: &'static str,
    body: Bytes,
) -> Response<Bytes> {
    let length = HeaderValue::from(body.len());
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let fields = answer.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    fields.insert(CONTENT_LENGTH, length);
    fields.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
    fields.insert(VARY, HeaderValue::from_static("Cookie"));
    answer
}
