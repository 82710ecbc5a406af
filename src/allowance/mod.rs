//! What one client may ask of the portals: how often, and how much at once, so that nobody can
//! starve anybody else. It knows neither HTTP nor portals; who a client is, the server finds out.
//!
//! Only what goes to a portal counts: answers from what is stored, validations that a client has not
//! asked for, preflights and pages of ours cost nothing.
//!
//! **Invariant:** the table of clients is bounded. Who is forgotten has been idle for long enough
//! to have all of the allowance back, or others came meanwhile in numbers that no table holds.

mod bucket;
mod claim;
mod client;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use moka::policy::EvictionPolicy;

use crate::clock::Clock;

use bucket::Bucket;
pub use bucket::Standing;
pub use claim::{Claim, Exceeded};
pub use client::Client;

/// The most clients that are remembered: 65,536, a few MiB. Over it, the one that was seen longest ago is
/// forgotten.
const CLIENTS: u64 = 65_536;

/// What each client is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Requests a second that go to a portal, on average: 50. Over it: `too-many-requests`.
    pub rate: u32,
    /// Requests that may go to a portal at once after a quiet time: 1,000, so that a class of thirty
    /// behind one address can begin a lesson together. Over it: `too-many-requests`.
    pub burst: u32,
    /// Requests that are under way at portals at the same time, long files being handed on among
    /// them: 500. Less than a portal's queue, so that one client cannot fill it. Over it:
    /// `too-many-requests`.
    pub fetches: usize,
    /// Connections at once: 1,024. Over it a new one is told so and closed.
    pub connections: usize,
    /// Networks whose clients are not bounded: 127.0.0.1 and `::1`, because whoever is on the machine itself
    /// starves nobody else.
    pub exempt: Vec<IpNet>,
}

impl Default for Options {
    fn default() -> Self {
        let itself = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
        let exempt = itself.map(IpNet::from).into();
        Self { rate: 50, burst: 1000, fetches: 500, connections: 1024, exempt }
    }
}

impl Options {
    /// Whether a client is bounded by nothing here.
    #[must_use]
    pub fn is_exempt(&self, client: Client) -> bool {
        self.exempt.iter().any(|network| network.contains(&client.address()))
    }

    /// How long an empty allowance takes to be whole again.
    fn whole_after(&self) -> Duration {
        Duration::from_secs(u64::from(self.burst.div_ceil(self.rate.max(1))))
    }
}

/// The allowances of all clients.
#[derive(Debug)]
pub struct Allowances {
    options: Options,
    clients: moka::sync::Cache<Client, Arc<Bucket>>,
    clock: Arc<dyn Clock>,
}

impl Allowances {
    /// Nobody has asked for anything yet.
    #[must_use]
    pub fn new(options: Options, clock: Arc<dyn Clock>) -> Arc<Self> {
        let clients = moka::sync::Cache::builder()
            .max_capacity(CLIENTS)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_idle(options.whole_after().max(Duration::from_secs(60)))
            .build();
        Arc::new(Self { options, clients, clock })
    }

    /// What was allowed goes on to be counted if the options are the same.
    #[must_use]
    pub fn with(self: &Arc<Self>, options: &Options) -> Arc<Self> {
        if self.options == *options {
            return Arc::clone(self);
        }
        Self::new(options.clone(), Arc::clone(&self.clock))
    }

    /// What a client has left; `None` if it is not bounded.
    fn bucket(&self, client: Client) -> Option<Arc<Bucket>> {
        if self.options.is_exempt(client) {
            return None;
        }
        let make = || Arc::new(Bucket::new(&self.options, Arc::clone(&self.clock)));
        Some(self.clients.get_with(client, make))
    }
}

#[cfg(test)]
mod tests;
