//! HTTP in and out: sockets, routes, problem documents and what every answer carries. The only
//! room with axum. It decides nothing about portals or caching; it asks the gateway.
//!
//! A request passes, outermost first: the accept loop (`listen`: deadlines, connection cap,
//! draining), `outermost` (checks that hold for every request, CORS, fields of every answer, the
//! access log, metrics, panics), `router`, a handler.
//!
//! **Invariant:** CORS is applied to every answer to the public whatsoever, so that a page can read why a
//! request failed.
//!
//! **Invariant:** `problem` is the only place where an error becomes a status.
//!
//! **Invariant:** `Host` is checked and never used: absolute links come from the operator's public
//! URL.
//!
//! The administration listener (`admin`) is another door to the same service, with a token and
//! without CORS; it shares the accept loop and nothing else of the way in.

mod admin;
mod bridge;
mod client;
mod connection;
mod deadline;
mod disk_metrics;
mod document;
mod drop_in;
mod endpoint;
mod listen;
mod live;
mod metrics;
mod openapi;
mod operations;
mod outermost;
mod peer;
mod places;
mod problem;
mod redirect;
mod registry;
mod resolve;
mod router;
mod shown;
mod status;
mod streams;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use ipnet::IpNet;
use serde::Serialize;
use url::Url;

use crate::allowance::{self, Allowances};
use crate::cache::Tiers;
use crate::clock::Clock;
use crate::cors;
use crate::gateway::{Gateway, Place};
use crate::portal::{Dialect, Portal, Terms};

pub use admin::{Admin, Reload, Reloaded, Token, TokenError};
use endpoint::{AtRoot, Endpoint, Name};
pub use listen::{Ending, Handler, Limits, Socket, serve};
pub use live::Live;
use metrics::Metrics;
pub use peer::Peer;
pub use redirect::ToTls;
pub use tls::{CertificateFiles, Tls};

/// What the server serves. A reload makes another one over the same counters ([`Live`]); a request
/// keeps the one it began with.
#[derive(Debug)]
pub struct Service {
    gateway: Gateway,
    allowances: Arc<Allowances>,
    tiers: Tiers,
    clock: Arc<dyn Clock>,
    options: Options,
    metrics: Arc<Metrics>,
    started: Instant,
    draining: Arc<AtomicBool>,
}

/// How it is served.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where clients reach this gateway, for absolute links; its path is a prefix that a front
    /// server may or may not take off.
    pub public_url: Option<Url>,
    /// Networks of front servers whose word for a client's address is taken: none.
    pub trusted_proxies: Vec<IpNet>,
    /// What each client is allowed.
    pub clients: allowance::Options,
    /// For how long browsers are told to come by TLS alone (RFC 6797).
    pub hsts: Option<Duration>,
    /// The CORS policy of everything that is not a portal's.
    pub cors: cors::Policy,
    /// The id of the portal that is served at `/` with its own paths.
    pub at_root: Option<String>,
    /// Bytes of a request's content, which only a transparent portal gets: 8 MiB, because it is held
    /// in memory. Over it: 413.
    pub content_bytes: usize,
    /// Time for that content to arrive: 30 s. Over it: 408.
    pub content_time: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            public_url: None,
            trusted_proxies: Vec::new(),
            clients: allowance::Options::default(),
            hsts: None,
            cors: cors::Policy::default(),
            at_root: None,
            content_bytes: 8 << 20,
            content_time: Duration::from_secs(30),
        }
    }
}

impl Service {
    /// A service over a gateway.
    #[must_use]
    pub fn new(
        gateway: Gateway,
        tiers: Tiers,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Arc<Self> {
        let metrics = Arc::new(Metrics::new(tiers.disk.as_ref()));
        let draining = Arc::new(AtomicBool::new(false));
        let started = clock.now();
        let allowances = Allowances::new(options.clients.clone(), Arc::clone(&clock));
        Arc::new(Self { gateway, allowances, tiers, clock, options, metrics, started, draining })
    }

    /// The same service with another gateway and other options.
    fn with(&self, gateway: Gateway, options: Options) -> Arc<Self> {
        Arc::new(Self {
            gateway,
            allowances: self.allowances.with(&options.clients),
            options,
            tiers: self.tiers.clone(),
            clock: Arc::clone(&self.clock),
            metrics: Arc::clone(&self.metrics),
            started: self.started,
            draining: Arc::clone(&self.draining),
        })
    }

    /// From now on `/readyz` says no, and connections are closed after their answer.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    fn uptime(&self) -> Duration {
        self.clock.now().saturating_duration_since(self.started)
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// The absolute form of a path of ours, or the path itself where no public URL is set.
    fn link(&self, path: &str) -> String {
        match &self.options.public_url {
            Some(url) => format!("{}{path}", url.as_str().trim_end_matches('/')),
            None => path.to_owned(),
        }
    }

    /// What a path stands for. The path is compared as received, without decoding.
    fn locate<'a>(&'a self, path: &'a str) -> Located<'a> {
        let path = self.without_prefix(path);
        if let Some(rest) = path.strip_prefix("/p/") {
            let (id, below) = match rest.split_once('/') {
                Some((id, below)) => (id, Some(below)),
                None => (rest, None),
            };
            return match (self.gateway.place(id), below) {
                (None, _) => Located::UnknownPortal,
                (Some(place), None) => Located::Entry(place),
                (Some(place), Some(path)) => Located::bridge(place, path),
            };
        }
        let at_root = self.options.at_root.as_deref().and_then(|id| self.gateway.place(id));
        match (endpoint::find(path), at_root) {
            (Some((endpoint, value)), None) => Located::Own(endpoint, value),
            (Some((endpoint, value)), Some(place)) if is_ours(endpoint, value, place) => {
                Located::Own(endpoint, value)
            }
            (_, Some(place)) => Located::bridge(place, path.strip_prefix('/').unwrap_or(path)),
            (None, None) => Located::Nothing,
        }
    }

    /// Takes the public URL's path off, for front servers that leave it on.
    fn without_prefix<'a>(&self, path: &'a str) -> &'a str {
        let prefix = self.options.public_url.as_ref().map_or("", |url| url.path());
        let prefix = prefix.trim_end_matches('/');
        match path.strip_prefix(prefix) {
            Some(rest) if rest.starts_with('/') => rest,
            _ => path,
        }
    }
}

/// Whether a path is ours where a portal has the root: of those with a parameter, only what is there.
fn is_ours(endpoint: &Endpoint, value: &str, place: &Place) -> bool {
    let is_there = match endpoint.name {
        Name::ClientFile => client::find(value).is_some(),
        Name::Project => value == client::PROJECT,
        _ => true,
    };
    match endpoint.at_root {
        AtRoot::Ours => true,
        AtRoot::OursUnlessTransparent => is_there && place.portal.dialect != Dialect::Transparent,
        AtRoot::Portals => false,
    }
}

/// What a path stands for.
#[derive(Debug, Clone, Copy)]
enum Located<'a> {
    /// Something of a portal's.
    Bridge { place: &'a Place, terms: &'a Arc<Terms>, path: &'a str, file: Option<&'a Url> },
    /// A portal's entry.
    Entry(&'a Place),
    /// A portal nobody knows.
    UnknownPortal,
    /// Something of ours, and the value of its parameter.
    Own(&'static Endpoint, &'a str),
    /// Nothing.
    Nothing,
}

impl<'a> Located<'a> {
    fn bridge(place: &'a Place, path: &'a str) -> Self {
        Self::Bridge { place, terms: place.portal.terms(path), path, file: None }
    }

    /// A file of a portal's that is not below its base.
    fn file(place: &'a Place, file: &'a Url) -> Self {
        let path = file.path().trim_start_matches('/');
        Self::Bridge { place, terms: place.portal.terms(path), path, file: Some(file) }
    }

    /// Whether everything passes, both ways.
    fn is_transparent(&self) -> bool {
        self.place().is_some_and(|place| place.portal.dialect == Dialect::Transparent)
            && matches!(self, Self::Bridge { .. })
    }

    /// Whether something may be asked for by POST here.
    fn takes_post(&self) -> bool {
        match self {
            Self::Bridge { place, path, file: None, .. } => {
                place.portal.action(&Portal::plain_path(path)).is_some()
            }
            Self::Bridge { .. }
            | Self::Entry(_)
            | Self::UnknownPortal
            | Self::Own(..)
            | Self::Nothing => false,
        }
    }

    fn place(&self) -> Option<&'a Place> {
        match self {
            Self::Bridge { place, .. } | Self::Entry(place) => Some(place),
            Self::UnknownPortal | Self::Own(..) | Self::Nothing => None,
        }
    }
}

/// JSON as an answer, which is of this moment.
fn json(value: &impl Serialize) -> Response {
    // Maps have strings as keys and nothing fails to be written: it cannot fail.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    let mut response = Response::new(Body::from(text));
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
