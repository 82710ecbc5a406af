//! What the wire tests share: a world of a gateway and fake portals on loopback, and a client that
//! shows what went over the wire.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod client;
pub(crate) mod directory;
pub(crate) mod origin;
pub(crate) mod portal;
pub(crate) mod stream;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use unpad::cli::Composed;
use unpad::clock::ManualClock;
use unpad::config;
use unpad::server::Ending;

pub(crate) use client::{Answer, Client};
pub(crate) use directory::Directory;
pub(crate) use portal::{FakePortal, Reply};

/// When the manual clock starts: Saturday, 21 November 2026, 09:00 UTC.
pub(crate) const START: Duration = Duration::from_secs(1_795_251_600);

/// How long a test waits for what must happen before it fails instead of hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway on loopback with a clock that is moved by hand.
pub(crate) struct World {
    pub client: Client,
    pub clock: Arc<ManualClock>,
    stop: Option<oneshot::Sender<Ending>>,
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
        let ended = tokio::spawn(
            composed.serve(listener, async { stopped.await.unwrap_or(Ending::AtOnce) }),
        );
        Self { client: Client::new(address), clock, stop: Some(stop), ended }
    }

    /// A gateway that starts so long after the usual start, in the place of one that has ended: its
    /// cache directory is taken as soon as the one before has let go of it.
    pub(crate) async fn later(
        after: Duration,
        yaml: &str,
        adjust: impl FnOnce(&mut config::Config),
        more: impl FnOnce(Composed) -> Composed,
    ) -> Self {
        let mut config = config::parse("portals.yaml", yaml).expect("a right configuration");
        adjust(&mut config);
        let clock = Arc::new(ManualClock::starting_at(SystemTime::UNIX_EPOCH + START + after));
        let taking = async {
            loop {
                match Composed::new(config.clone(), clock.clone()) {
                    Ok(composed) => return composed,
                    Err(why) => assert!(why.contains("in use"), "{why}"),
                }
                tokio::task::yield_now().await;
            }
        };
        let composed = tokio::time::timeout(PATIENCE, taking).await.expect("the directory is free");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(
            more(composed).serve(listener, async { stopped.await.unwrap_or(Ending::AtOnce) }),
        );
        Self { client: Client::new(address), clock, stop: Some(stop), ended }
    }

    /// Ends the gateway: what it stored is on disk.
    pub(crate) async fn end(mut self) {
        self.stop().await.expect("it ends");
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
        self.end_by(Ending::AtOnce)
    }

    /// Asks the gateway to end as a service manager does; the handle resolves when it has.
    pub(crate) fn leave(&mut self) -> &mut tokio::task::JoinHandle<()> {
        self.end_by(Ending::Announced)
    }

    fn end_by(&mut self, how: Ending) -> &mut tokio::task::JoinHandle<()> {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(how);
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

/// Repeats a question until it holds: for what happens soon and without an event that shows it.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    let held = tokio::time::timeout(PATIENCE, asking).await;
    assert!(held.is_ok(), "{what}");
}

/// Bytes that do not repeat and do not compress, the same for the same seed.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
