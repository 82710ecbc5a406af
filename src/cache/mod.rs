//! What was stored, and whether it may be reused: a shared HTTP cache (RFC 9111). It is handed a
//! way to fetch and never learns where answers come from; it speaks to no portal and no client.
//!
//! One look-up, in order:
//!
//! 1. The tiers are asked for the [`CacheKey`], nearest first.
//! 2. [`freshness`] decides from the stored response, the request's directives and the clock:
//!    reuse, reuse while validating in the background (RFC 5861 §3), validate, or fetch.
//! 3. Whoever must fetch joins the key's *flight* (`collapse`): the first request leads, in a
//!    task of its own that no hang-up can cancel, and the others wait for what it brings.
//! 4. A storable answer is stored and given to all. One that may not be shared goes to the leader
//!    alone; the others are let go as soon as its fields have arrived, to fetch for themselves, and
//!    for a while requests for that key do not wait for each other at all.
//! 5. Where fetching fails and a stored response is within its stale-if-error window (RFC 5861
//!    §4), that is reused, and `Cache-Status` says so.
//!
//! **Invariant:** a failure is never stored; an error *answer* of a portal is, for seconds.
//!
//! What an operator asks of it (`inventory`: what is stored; `purge`: forget it) goes past all this.
//!
//! **Invariant:** what depends on the asking client (CORS fields, `Age`, conditional answers) is
//! never part of a stored response.

mod accepted;
mod coded;
pub mod coding;
mod collapse;
mod control;
mod date;
pub mod disk;
mod entry;
mod exchange;
mod fetch;
mod fields;
pub mod freshness;
mod inventory;
mod key;
mod memory;
mod persist;
mod purge;
mod record;
mod status;
mod stored;
mod vary;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::clock::Clock;

pub use accepted::{Accepted, accepted};
pub use coding::Coding;
use collapse::{Flights, Landing, Seat, Waited};
pub use control::Directives;
pub use entry::Entry;
pub use exchange::{
    Answer, Arrival, Ask, Failure, Head, Origin, Part, Passing, Received, Reply, Rest,
};
pub use fields::Fields;
pub use inventory::{List, Listed, Visitor};
pub use key::CacheKey;
pub use memory::{Memory, Usage};
pub use persist::DiskTier;
use purge::Fetches;
pub use purge::Matches;
pub use status::{CacheStatus, Forward};
pub use stored::{Content, ContentError, ContentStream, StoredResponse, Validators};
pub use vary::Selecting;

/// How long requests for a key do not wait for each other after its answer proved not storable.
pub const UNSTORABLE_PAUSE: Duration = Duration::from_secs(120);

/// Where stored responses are, nearest first.
#[derive(Debug, Clone)]
pub struct Tiers {
    /// In memory.
    pub memory: Memory,
    /// On a disk, if there is one.
    pub disk: Option<DiskTier>,
}

/// The shared cache: tiers, and the flights under way.
pub struct Cache<E> {
    memory: Memory,
    disk: Option<DiskTier>,
    flights: Flights<E>,
    fetches: Arc<Fetches>,
    coders: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
}

/// What a look-up comes to.
enum Found {
    /// A response that answers the request.
    Reusable(Reply),
    /// One that answers it and is to be validated.
    ToValidate(Arc<StoredResponse>, Reply),
    /// One that does not answer it as it is, or none, and why.
    NotReusable(Option<Arc<StoredResponse>>, Forward),
}

impl<E> std::fmt::Debug for Cache<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("disk", &self.disk).finish_non_exhaustive()
    }
}

impl<E: Clone + Send + Sync + 'static> Cache<E> {
    /// A cache over some tiers. Requests wait at most `patience` for another's fetch before one of
    /// them fetches too.
    #[must_use]
    pub fn new(tiers: Tiers, patience: Duration, clock: Arc<dyn Clock>) -> Arc<Self> {
        let Tiers { memory, disk } = tiers;
        let coders = Arc::new(Semaphore::new(coded::CODERS));
        let (flights, fetches) = (Flights::new(patience), Arc::default());
        Arc::new(Self { memory, disk, flights, fetches, coders, clock })
    }

    /// Answers one request from what is stored, or from the origin, which is made only then.
    ///
    /// # Errors
    /// [`Failure`] when nothing usable is stored and the origin gave nothing.
    pub async fn answer<O: Origin<Error = E>>(
        self: &Arc<Self>,
        ask: &Ask,
        origin: impl FnOnce() -> O + Send,
    ) -> Result<Reply, Failure<E>> {
        let (stale, why) = match self.look_up(ask).await {
            Found::Reusable(reply) => return Ok(reply),
            Found::ToValidate(stored, reply) => {
                if !ask.offline {
                    self.validate_in_background(ask.clone(), origin(), stored);
                }
                return Ok(reply);
            }
            Found::NotReusable(stale, why) => (stale, why),
        };
        // Boxed, so that a hit need not make room for all that a fetch takes.
        Box::pin(self.forward(ask.clone(), origin(), stale, why)).await
    }

    /// What is stored for a request.
    async fn look_up(&self, ask: &Ask) -> Found {
        if let Part::None(why) = ask.part {
            return Found::NotReusable(None, why);
        }
        let Some(entry) = self.load(&ask.key).await else {
            return Found::NotReusable(None, Forward::UriMiss);
        };
        let Some(stored) = entry.select(&ask.fields).cloned() else {
            return Found::NotReusable(None, Forward::VaryMiss);
        };
        let now = self.clock.now();
        match freshness::decide(&stored, &ask.directives, &ask.policy, now) {
            freshness::Decision::Reuse => Found::Reusable(Reply::hit(stored, now)),
            freshness::Decision::ReuseAndValidate => {
                let reply = Reply::hit(Arc::clone(&stored), now);
                Found::ToValidate(stored, reply.because("stale-while-revalidate"))
            }
            freshness::Decision::Validate => Found::NotReusable(Some(stored), Forward::Stale),
            freshness::Decision::ValidateForClient => {
                Found::NotReusable(Some(stored), Forward::Request)
            }
        }
    }

    async fn load(&self, key: &CacheKey) -> Option<Entry> {
        if let Some(found) = self.memory.load(key) {
            return Some(found);
        }
        let disk = self.disk.as_ref()?;
        // A purge meanwhile is to win, as with a fetch.
        let fetching = self.fetches.begin(key);
        // Boxed, so that a hit in memory need not make room for it.
        let found = Box::pin(disk.load(key)).await?;
        self.memory.store(found.clone());
        if fetching.is_doomed() {
            self.memory.remove(key);
        }
        Some(found)
    }

    /// Goes to the origin: leads the key's flight, waits for it, or goes alone.
    async fn forward<O: Origin<Error = E>>(
        self: &Arc<Self>,
        mut ask: Ask,
        origin: O,
        stale: Option<Arc<StoredResponse>>,
        why: Forward,
    ) -> Result<Reply, Failure<E>> {
        if ask.directives.only_if_cached {
            return Err(Failure::OnlyIfCached);
        }
        let now = self.clock.now();
        if ask.offline {
            return match stale.filter(|old| freshness::usable_offline(old)) {
                Some(old) => Ok(Reply::hit(old, now).because("offline")),
                None => Err(Failure::Offline),
            };
        }
        if stale.is_some() && ask.part == Part::LookUp {
            // All of the response is asked for again, so that it can be stored again.
            ask.part = Part::Full;
        }
        // Of what is being stored, a part or the head can be had too.
        if ask.part == Part::LookUp
            && let Some(response) = self.flights.under_way(&ask.key)
            && response.selecting.matches(&ask.fields)
        {
            return Ok(Reply::collapsed(response, now, why));
        }
        if let Err(error) = origin.admit() {
            // RFC 5861 §4: what cannot be asked for now is an error like any other.
            return match stale.filter(|old| freshness::usable_on_error(old, now)) {
                Some(old) => Ok(Reply::stale(old, now)),
                None => Err(Failure::Fetch(error)),
            };
        }
        if !ask.may_share() || self.flights.go_alone(&ask.key, now) {
            return self.fetch(&ask, &origin, stale, why, None).await.map_err(Failure::Fetch);
        }
        match self.flights.join(&ask.key) {
            Seat::Leader(ticket) => self.lead(ask, origin, stale, why, ticket).await,
            Seat::Waiter(flight) => self.wait(ask, origin, stale, why, flight).await,
        }
    }

    /// Fetches for everyone who waits, in a task of its own.
    async fn lead<O: Origin<Error = E>>(
        self: &Arc<Self>,
        ask: Ask,
        origin: O,
        stale: Option<Arc<StoredResponse>>,
        why: Forward,
        ticket: collapse::Ticket<E>,
    ) -> Result<Reply, Failure<E>> {
        let (own, mut received) = tokio::sync::oneshot::channel();
        let cache = Arc::clone(self);
        let (covered, others, fields) = (stale.clone(), ticket.others(), Arc::clone(&ask.fields));
        tokio::spawn(async move {
            // A client that hung up is no reason to fail: the others have the landing.
            let _ = own.send(cache.fetch(&ask, &origin, stale, why, Some(ticket)).await);
        });
        let reply = match covered.filter(|old| freshness::usable_on_error(old, self.clock.now())) {
            None => tokio::select! {
                biased;
                reply = &mut received => reply,
                // This fetch hangs, and another one did not.
                response = others.stored(&fields) => {
                    return Ok(Reply::collapsed(response, self.clock.now(), why));
                }
            },
            // What is stored is better than waiting for a portal that hangs.
            Some(old) => match tokio::time::timeout(self.flights.patience(), received).await {
                Ok(reply) => reply,
                Err(_) => return Ok(Reply::stale(old, self.clock.now())),
            },
        };
        match reply {
            Ok(reply) => reply.map_err(Failure::Fetch),
            Err(_) => Err(Failure::Abandoned),
        }
    }

    /// Waits for another's fetch; where that takes too long, fetches too.
    async fn wait<O: Origin<Error = E>>(
        self: &Arc<Self>,
        ask: Ask,
        origin: O,
        stale: Option<Arc<StoredResponse>>,
        why: Forward,
        mut flight: collapse::Flight<E>,
    ) -> Result<Reply, Failure<E>> {
        loop {
            let leaders = self.flights.leaders(&ask.key);
            let landing = match flight.landing(self.flights.patience()).await {
                Waited::Landed(landing) => landing,
                Waited::Abandoned => return Err(Failure::Abandoned),
                Waited::TooLong(waiting) => {
                    let now = self.clock.now();
                    let usable = |old: &Arc<StoredResponse>| freshness::usable_on_error(old, now);
                    if let Some(old) = stale.clone().filter(usable) {
                        return Ok(Reply::stale(old, now));
                    }
                    if let Some(ticket) = self.flights.lead_too(&ask.key, leaders) {
                        return self.lead(ask, origin, stale, why, ticket).await;
                    }
                    flight = waiting;
                    continue;
                }
            };
            let now = self.clock.now();
            return match landing {
                Landing::Stored(response) if response.selecting.matches(&ask.fields) => {
                    Ok(Reply::collapsed(response, now, why))
                }
                Landing::Stale(response) if response.selecting.matches(&ask.fields) => {
                    Ok(Reply::stale(response, now))
                }
                Landing::ErrorAnswer(answer) => Ok(Reply::shared_error(&answer, why)),
                Landing::Failed(error) => Err(Failure::Fetch(error)),
                Landing::NotShared | Landing::Stored(_) | Landing::Stale(_) => {
                    let fetched = self.fetch(&ask, &origin, stale, why, None).await;
                    fetched.map_err(Failure::Fetch)
                }
            };
        }
    }

    /// Starts a validation nobody waits for, unless one is under way.
    fn validate_in_background<O: Origin<Error = E>>(
        self: &Arc<Self>,
        mut ask: Ask,
        origin: O,
        stored: Arc<StoredResponse>,
    ) {
        if ask.part == Part::LookUp {
            ask.part = Part::Full;
        }
        if !ask.may_share() {
            return;
        }
        let Seat::Leader(ticket) = self.flights.join(&ask.key) else { return };
        let cache = Arc::clone(self);
        tokio::spawn(async move {
            let _ = cache.fetch(&ask, &origin, Some(stored), Forward::Stale, Some(ticket)).await;
        });
    }

    /// Keeps an entry in every tier.
    fn store(&self, entry: Entry) {
        if let Some(disk) = &self.disk {
            disk.store(&entry);
        }
        self.memory.store(entry);
    }

    /// RFC 9111 §4.4: forgets everything stored for a key.
    pub async fn invalidate(&self, key: &CacheKey) {
        self.memory.remove(key);
        if let Some(disk) = &self.disk {
            disk.remove(key).await;
            // What was promoted to memory while it was being removed.
            self.memory.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
