//! The service of the moment: the one door through which a reload puts another gateway in place.
//! It reads no configuration.
//!
//! **Invariant:** a request takes the service once and keeps it, so that it sees one registry from
//! beginning to end.

use std::sync::{Arc, PoisonError, RwLock};

use axum::response::Response;
use hyper::body::Incoming;

use crate::gateway::{Changes, Gateway};

use super::peer::Inbound;
use super::{Handler, Options, Peer, Service, outermost};

/// The service that new requests get.
#[derive(Debug)]
pub struct Live {
    // A lock that is held for the time of a reference count: nothing waits under it.
    service: RwLock<Arc<Service>>,
}

impl Live {
    /// Begins with this service.
    #[must_use]
    pub fn new(service: Arc<Service>) -> Arc<Self> {
        Arc::new(Self { service: RwLock::new(service) })
    }

    /// The service of the moment.
    pub(super) fn service(&self) -> Arc<Service> {
        Arc::clone(&self.service.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on requests get the gateway that `next` makes of the one they had, and how it is
    /// served changes with it.
    pub fn swap(&self, next: impl FnOnce(&Gateway) -> Gateway, options: Options) -> Changes {
        let before = self.service();
        let gateway = next(&before.gateway);
        let changes = gateway.changes_since(&before.gateway);
        let service = before.with(gateway, options);
        *self.service.write().unwrap_or_else(PoisonError::into_inner) = service;
        before.metrics.reloaded(true);
        changes
    }

    /// Notes that a reload was refused and everything is as it was.
    pub fn note_refused_reload(&self) {
        self.service().metrics.reloaded(false);
    }
}

impl Handler for Live {
    async fn answer(&self, request: hyper::Request<Incoming>, peer: Peer) -> Response {
        let (request, content) = request.into_parts();
        outermost::answer(&self.service(), request, Inbound { content, peer }).await
    }

    fn opened(&self) {
        self.service().metrics.connections.inc();
    }

    fn closed(&self) {
        self.service().metrics.connections.dec();
    }

    fn drain(&self) {
        self.service().drain();
    }
}
