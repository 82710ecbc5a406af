//! What an operator's program is told when its request is refused. Nothing of a portal's.

use std::time::Duration;

use axum::response::Response;
use http::header::{ALLOW, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use crate::server::document::Problem;

/// RFC 6750 §3.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"unpad admin\"");

/// The token is missing or wrong; which, is not told.
pub(super) fn unauthorized() -> Problem {
    let detail = "The request has no token, or not the right one. Send it as `Authorization: \
                  Bearer …`; it is in the gateway's token file or UNPAD_ADMIN_TOKEN.";
    Problem::blank(401, "Unauthorized", detail.to_owned())
}

/// RFC 6585 §4.
pub(super) fn too_many_guesses(wait: Duration) -> Problem {
    let detail = "Too many requests had a wrong token within a minute. The right one is accepted at \
                  any time.";
    Problem::blank(429, "Too Many Requests", detail.to_owned()).after(wait)
}

/// RFC 9110 §15.5.20.
pub(super) fn misdirected() -> Problem {
    let detail = "This listener is asked as localhost, 127.0.0.1 or [::1], and by no other name.";
    Problem::blank(421, "Misdirected Request", detail.to_owned())
}

/// RFC 9110 §15.5.6; `allowed` becomes the `Allow` field.
pub(super) fn method(allowed: &'static str) -> Problem {
    let detail = format!("This path answers to {allowed}.");
    Problem::blank(405, "Method Not Allowed", detail).with("allow", allowed)
}

/// No such path.
pub(super) fn no_such_path() -> Problem {
    let detail = "There is nothing at this path. The administration answers at /cache, \
                  /cache/stats, /cache/fill and /reload.";
    Problem::blank(404, "Not Found", detail.to_owned())
}

/// A parameter or the content is not right.
pub(super) fn bad(sentence: impl Into<String>) -> Problem {
    Problem::blank(400, "Bad Request", sentence.into())
}

/// RFC 9110 §15.5.14.
pub(super) fn too_long(most: usize) -> Problem {
    let detail = format!("The content is longer than {most} bytes.");
    Problem::blank(413, "Content Too Large", detail)
}

/// RFC 9110 §15.5.9.
pub(super) fn too_slow() -> Problem {
    let detail = "The content did not arrive in time.";
    Problem::blank(408, "Request Timeout", detail.to_owned())
}

/// The registry was not read again.
pub(super) fn not_reloaded(sentence: String) -> Problem {
    Problem::blank(409, "Conflict", sentence)
}

/// A refusal as an answer: without what the public's answers carry.
pub(super) fn response(problem: Problem) -> Response {
    let status = problem.status();
    let allowed = problem.member("allow").cloned();
    let mut response = problem.response();
    let fields = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        fields.insert(WWW_AUTHENTICATE, CHALLENGE);
    }
    let allowed = allowed.as_ref().and_then(|allowed| allowed.as_str());
    if let Some(Ok(allowed)) = allowed.map(HeaderValue::from_str) {
        fields.insert(ALLOW, allowed);
    }
    response
}
