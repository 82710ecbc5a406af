//! What the wire tests share: a world of a gateway and fake portals on loopback, and a client that
//! shows what went over the wire.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod client;
pub(crate) mod portal;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use unpad::cli::Composed;
use unpad::clock::ManualClock;
use unpad::config;

pub(crate) use client::{Answer, Client};
pub(crate) use portal::{FakePortal, Reply};

/// When the manual clock starts: Saturday, 21 November 2026, 09:00 UTC.
pub(crate) const START: Duration = Duration::from_secs(1_795_251_600);

/// A gateway on loopback with a clock that is moved by hand.
pub(crate) struct World {
    pub client: Client,
    pub clock: Arc<ManualClock>,
    stop: Option<oneshot::Sender<()>>,
    ended: tokio::task::JoinHandle<()>,
}

impl World {
    /// A gateway with this configuration.
    pub(crate) async fn with(yaml: &str) -> Self {
        Self::adjusted(yaml, |_| {}).await
    }

    /// A gateway with this configuration, changed by hand as flags would.
    pub(crate) async fn adjusted(yaml: &str, adjust: impl FnOnce(&mut config::Config)) -> Self {
        Self::composed(yaml, adjust, |composed| composed).await
    }

    /// A gateway with this configuration, of which more is made before it serves.
    pub(crate) async fn composed(
        yaml: &str,
        adjust: impl FnOnce(&mut config::Config),
        more: impl FnOnce(Composed) -> Composed,
    ) -> Self {
        let mut config = config::parse("portals.yaml", yaml).expect("a right configuration");
        adjust(&mut config);
        let clock = Arc::new(ManualClock::starting_at(SystemTime::UNIX_EPOCH + START));
        let composed = more(Composed::new(config, clock.clone()).expect("a gateway"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(composed.serve(listener, async {
            let _ = stopped.await;
        }));
        Self { client: Client::new(address), clock, stop: Some(stop), ended }
    }

    /// A gateway to one fake CKAN, as `/p/city`.
    pub(crate) async fn city(portal: &FakePortal) -> Self {
        Self::with(&city(portal)).await
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.client.get(target).await
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.client.address
    }

    /// Asks the gateway to end; the handle resolves when it has.
    pub(crate) fn stop(&mut self) -> &mut tokio::task::JoinHandle<()> {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        &mut self.ended
    }
}

/// A registry with one fake CKAN, under a path prefix as Barcelona's is.
pub(crate) fn city(portal: &FakePortal) -> String {
    format!(
        "portals:\n  city:\n    base: {}/data\n    allow_cidr: [\"127.0.0.1/32\"]\n",
        portal.origin()
    )
}

/// A registry with one plain portal.
pub(crate) fn files(portal: &FakePortal) -> String {
    format!(
        "portals:\n  files:\n    base: {}\n    dialect: plain\n    allow_cidr: [\"127.0.0.1/32\"]\n",
        portal.origin()
    )
}
