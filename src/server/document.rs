//! A problem as a document (RFC 9457) that is CKAN-shaped at the same time: CKAN's clients decide by
//! `success` and `error.__type`. Which problems there are is in `problem`.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::gateway::Error;

use super::metrics::Account;
use super::proxy_status::{Cause, PROXY_STATUS};
use super::{SANDBOX, Service};

/// A problem document.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct Document<'a> {
    /// Where the problem type is explained; its fragment is the type's name.
    r#type: String,
    /// The type in words.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What happened, and what can be done about it.
    detail: &'a str,
    /// Always false, as in CKAN's errors.
    success: bool,
    error: CkanError<'a>,
    /// The request's id, as in `X-Request-Id` and in the gateway's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    /// What else is known, such as `portal`, `portal_url` and `portal_status`.
    #[serde(flatten)]
    members: &'a Map<String, Value>,
}

/// The same for CKAN's clients.
#[derive(Debug, Serialize, JsonSchema)]
struct CkanError<'a> {
    /// By which clients decide what to raise.
    #[serde(rename = "__type")]
    r#type: &'static str,
    message: &'a str,
}

/// A problem, before it is written down.
#[derive(Debug)]
pub(super) struct Problem {
    /// The heading in `docs/problems.md`; `None` for `about:blank`.
    slug: Option<&'static str>,
    status: StatusCode,
    title: &'static str,
    detail: String,
    members: Map<String, Value>,
    retry_after: Option<std::time::Duration>,
    allow: Option<HeaderValue>,
    cause: Option<Cause>,
}

/// A problem whose document is still to be written: by the outermost, which knows the request's id.
#[derive(Debug, Clone)]
struct Unwritten(Arc<Problem>);

impl Problem {
    pub(super) fn new(
        slug: &'static str,
        status: u16,
        title: &'static str,
        detail: String,
    ) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let members = Map::new();
        Self {
            slug: Some(slug),
            status,
            title,
            detail,
            members,
            retry_after: None,
            allow: None,
            cause: None,
        }
    }

    /// RFC 9457 §4.2.1: a problem that the status says all about.
    pub(super) fn blank(status: u16, title: &'static str, detail: String) -> Self {
        Self { slug: None, ..Self::new("", status, title, detail) }
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Says what the portal was asked for, if the error is about its answer.
    pub(super) fn of_target(self, error: &Error, target: impl Fn() -> Option<String>) -> Self {
        match target().filter(|_| error.is_of_the_portal()) {
            Some(url) => self.with("portal_url", url),
            None => self,
        }
    }

    pub(super) fn after(mut self, wait: std::time::Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    pub(super) fn allowing(self, methods: HeaderValue) -> Self {
        Self { allow: Some(methods), ..self }
    }

    /// Says what came between the request and its answer.
    pub(super) fn caused_by(self, cause: Cause) -> Self {
        Self { cause: Some(cause), ..self }
    }

    /// The document.
    pub(super) fn document<'a>(
        &'a self,
        service: &Service,
        request_id: Option<&'a str>,
    ) -> Document<'a> {
        Document {
            r#type: match self.slug {
                Some(slug) => service.link(&format!("/problems#{slug}")),
                None => "about:blank".to_owned(),
            },
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            success: false,
            error: CkanError { r#type: self.ckan_type(), message: &self.detail },
            request_id,
            members: &self.members,
        }
    }

    /// What else is known.
    pub(super) fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// Title and detail.
    pub(super) fn told(self) -> (&'static str, String) {
        (self.title, self.detail)
    }

    /// The status.
    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }

    /// The problem as an answer, of which [`write`] makes the content.
    pub(super) fn response(mut self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        let fields = response.headers_mut();
        fields.insert(CONTENT_SECURITY_POLICY, SANDBOX);
        fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(cause) = self.cause {
            let received = self.member("portal_status").and_then(Value::as_u64);
            fields.insert(PROXY_STATUS, cause.field(received, self.slug));
        }
        fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(allow) = self.allow.take() {
            fields.insert(ALLOW, allow);
        }
        if self.slug == Some("bad-request") {
            // What follows on the connection may not be what the client means by it.
            fields.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(wait) = self.retry_after {
            // Rounded up: a client that comes back a moment early would be refused again.
            fields.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
        }
        let problem = Some(self.slug.unwrap_or("about:blank"));
        response.extensions_mut().insert(Account { problem, ..Account::default() });
        response.extensions_mut().insert(Unwritten(Arc::new(self)));
        response
    }

    /// CKAN's own type where it has one, so that its clients raise what they would raise.
    fn ckan_type(&self) -> &'static str {
        match self.status.as_u16() {
            404 => "Not Found Error",
            403 => "Authorization Error",
            _ => self.title,
        }
    }
}

/// Writes the document, if the response is a problem.
pub(super) fn write(response: &mut Response, service: &Service, request_id: &str) {
    if response.status().as_u16() < 400 {
        return;
    }
    if let Some(Unwritten(problem)) = response.extensions_mut().remove::<Unwritten>() {
        *response.body_mut() = super::written(&problem.document(service, Some(request_id)));
    }
}
