//! The administration listener: what is stored, forgetting it, asking ahead, reading the registry
//! again. A door of its own, for operators' programs and never for pages.
//!
//! A request passes, in order: `Host`, the token, the route, the handler.
//!
//! **Invariant:** no answer here has a CORS field, and nothing is answered without the token.
//!
//! **Invariant:** on a loopback address only loopback names are accepted as `Host`, so that a page
//! whose name was made to resolve here does not get as far as the token.

mod cache;
mod parameters;
mod refusal;
mod token;

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderValue, Method, StatusCode};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::gateway::Changes;

use super::document::Problem;
use super::{Handler, Live, Peer, Service, problem};

pub use token::{Token, TokenError};

/// What came of reading the registry again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Portals there are now.
    pub portals: usize,
    /// What is different.
    pub changes: Changes,
    /// What was understood and has no effect, or none before the next start, as sentences.
    pub notices: Vec<String>,
}

/// Reads the registry again, or says in a sentence why everything stays as it is.
pub type Reload = Arc<dyn Fn() -> BoxFuture<'static, Result<Reloaded, String>> + Send + Sync>;

/// The administration of a service.
pub struct Admin {
    live: Arc<Live>,
    token: Token,
    /// Whether it listens on a loopback address.
    local: bool,
    reload: Reload,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin").field("local", &self.local).finish_non_exhaustive()
    }
}

impl Admin {
    /// The administration of what `live` serves, for a listener at `address`.
    #[must_use]
    pub fn new(live: Arc<Live>, token: Token, address: SocketAddr, reload: Reload) -> Arc<Self> {
        Arc::new(Self { live, token, local: address.ip().to_canonical().is_loopback(), reload })
    }

    fn check(&self, request: &Parts) -> Result<(), Problem> {
        check_host(request, self.local)?;
        if self.token.is_in(&request.headers) { Ok(()) } else { Err(refusal::unauthorized()) }
    }

    async fn route(
        &self,
        service: &Service,
        request: &Parts,
        body: Incoming,
    ) -> Result<Value, Problem> {
        let query = request.uri.query().unwrap_or_default();
        match (request.uri.path(), &request.method) {
            ("/cache", &Method::GET) => cache::list(service, query).await,
            ("/cache", &Method::DELETE) => cache::purge(service, query).await,
            ("/cache", _) => Err(refusal::method("GET, DELETE")),
            ("/cache/stats", &Method::GET) => Ok(cache::stats(service).await),
            ("/cache/stats", _) => Err(refusal::method("GET")),
            ("/cache/fill", &Method::POST) => cache::fill(service, body).await,
            ("/reload", &Method::POST) => self.reload().await,
            ("/cache/fill" | "/reload", _) => Err(refusal::method("POST")),
            _ => Err(refusal::no_such_path()),
        }
    }

    async fn reload(&self) -> Result<Value, Problem> {
        let Reloaded { portals, changes, notices } =
            (self.reload)().await.map_err(refusal::not_reloaded)?;
        Ok(json!({
            "portals": portals,
            "added": changes.added,
            "removed": changes.removed,
            "changed": changes.changed,
            "notices": notices,
        }))
    }
}

impl Handler for Admin {
    async fn answer(&self, request: hyper::Request<Incoming>, _: Peer) -> Response {
        let (request, body) = request.into_parts();
        let service = self.live.service();
        let answered = match self.check(&request) {
            Err(problem) => Err(problem),
            Ok(()) => AssertUnwindSafe(self.route(&service, &request, body))
                .catch_unwind()
                .await
                .unwrap_or_else(|_| Err(problem::internal())),
        };
        let mut response = match answered {
            Ok(value) => answer(&value),
            Err(problem) => refusal::response(problem, &service),
        };
        let fields = response.headers_mut();
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let status = response.status().as_u16();
        // Operators' own requests, so that it can be told who purged what; without the query.
        tracing::info!(target: "unpad::admin", method = %request.method,
            path = %super::shown::loggable(request.uri.path()), status, "answered");
        response
    }
}

fn answer(value: &Value) -> Response {
    let mut response = Response::new(Body::from(format!("{value:#}\n")));
    *response.status_mut() = StatusCode::OK;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// RFC 9112 §3.2, and that the name is one of this machine's own where only those reach it.
fn check_host(request: &Parts, local: bool) -> Result<(), Problem> {
    let mut hosts = request.headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(problem::bad_request("a request has exactly one Host field"));
    };
    let authority = host.to_str().ok().and_then(|text| text.parse::<Authority>().ok());
    let authority = authority.filter(super::outermost::is_host_with_port);
    let Some(authority) = authority else {
        return Err(problem::bad_request("the Host field is not a host with an optional port"));
    };
    // A target in absolute form replaces Host (RFC 9112 §3.2.2), so it is judged too.
    let named = [Some(authority.host()), request.uri.host()];
    if local && !named.into_iter().flatten().all(is_loopback_name) {
        return Err(refusal::misdirected());
    }
    Ok(())
}

fn is_loopback_name(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "[::1]") || host.eq_ignore_ascii_case("localhost")
}
