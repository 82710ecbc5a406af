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
//!    alone; the others are let go at once to fetch for themselves, and for a while requests for
//!    that key do not wait for each other at all.
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
pub mod coding;
mod collapse;
mod control;
pub mod disk;
mod exchange;
pub mod freshness;
mod inventory;
mod key;
mod memory;
mod purge;
mod status;
mod stored;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use http::StatusCode;

use crate::clock::Clock;

pub use accepted::{Accepted, accepted};
use collapse::{Flights, Landing, Seat};
pub use control::Directives;
pub use exchange::{Answer, Ask, Failure, Fetched, Origin, Part, Passing, Reply, Whole};
pub use inventory::{Entry, List, Visitor};
pub use key::CacheKey;
pub use memory::{Memory, Usage};
pub use purge::Matches;
use purge::{Errand, Errands};
pub use status::{CacheStatus, Forward};
pub use stored::{Content, ContentError, ContentStream, StoredResponse, Validators};

/// A client's `no-cache` makes the gateway validate a key at most once in this time, so that a
/// held reload key cannot turn the cache off for a portal.
pub const NO_CACHE_PAUSE: Duration = Duration::from_secs(10);

/// How long requests for a key do not wait for each other after its answer proved not storable.
pub const UNSTORABLE_PAUSE: Duration = Duration::from_secs(120);

/// A place for stored responses. Tiers are asked nearest first.
pub trait Tier: Send + Sync {
    /// The stored response for a key, if this tier has it whole.
    fn load<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Option<Arc<StoredResponse>>>;
    /// Keeps a response; a tier that cannot is silent, for a lost entry is only a miss.
    fn store(&self, response: Arc<StoredResponse>) -> BoxFuture<'_, ()>;
    /// Forgets the response for a key.
    fn remove<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, ()>;
    /// Shows all that is stored, in any order, as it is at `now`.
    fn visit(&self, now: Instant, each: Visitor) -> BoxFuture<'_, ()>;
}

/// The shared cache: tiers, and the flights under way.
pub struct Cache<E> {
    tiers: Vec<Arc<dyn Tier>>,
    flights: Flights<E>,
    errands: Errands,
    clock: Arc<dyn Clock>,
}

impl<E> std::fmt::Debug for Cache<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("tiers", &self.tiers.len()).finish_non_exhaustive()
    }
}

impl<E: Clone + Send + Sync + 'static> Cache<E> {
    /// A cache over `tiers`, nearest first.
    #[must_use]
    pub fn new(tiers: Vec<Arc<dyn Tier>>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { tiers, flights: Flights::new(), errands: Errands::default(), clock })
    }

    /// Answers one request from what is stored, or from the origin.
    ///
    /// # Errors
    /// [`Failure`] when nothing usable is stored and the origin gave nothing.
    pub async fn answer<O: Origin<Error = E>>(
        self: &Arc<Self>,
        ask: Ask,
        origin: O,
    ) -> Result<Reply, Failure<E>> {
        if ask.part == Part::None {
            return self.fetch_alone(&ask, &origin, None, Forward::Bypass).await;
        }
        let Some(stored) = self.load(&ask.key).await else {
            return self.forward(ask, origin, None, Forward::UriMiss).await;
        };
        let now = self.clock.now();
        match freshness::decide(&stored, &ask.directives, now, NO_CACHE_PAUSE) {
            freshness::Decision::Reuse => Ok(Reply::hit(stored, now)),
            freshness::Decision::ReuseAndValidate => {
                let reply = Reply::hit(Arc::clone(&stored), now);
                if ask.part == Part::Full {
                    self.validate_in_background(ask, origin, stored);
                }
                Ok(reply.because("stale-while-revalidate"))
            }
            freshness::Decision::Validate => {
                self.forward(ask, origin, Some(stored), Forward::Stale).await
            }
            freshness::Decision::ValidateForClient => {
                self.forward(ask, origin, Some(stored), Forward::Request).await
            }
        }
    }

    async fn load(&self, key: &CacheKey) -> Option<Arc<StoredResponse>> {
        for tier in &self.tiers {
            if let Some(found) = tier.load(key).await {
                return Some(found);
            }
        }
        None
    }

    /// Goes to the origin: leads the key's flight, waits for it, or goes alone.
    async fn forward<O: Origin<Error = E>>(
        self: &Arc<Self>,
        ask: Ask,
        origin: O,
        stale: Option<Arc<StoredResponse>>,
        why: Forward,
    ) -> Result<Reply, Failure<E>> {
        if ask.directives.only_if_cached {
            return Err(Failure::OnlyIfCached);
        }
        let now = self.clock.now();
        if !ask.may_store() || self.flights.go_alone(&ask.key, now) {
            return self.fetch_alone(&ask, &origin, stale, why).await;
        }
        match self.flights.join(&ask.key) {
            Seat::Waiter(flight) => match flight.landing().await {
                Some(Landing::Stored(response)) => Ok(Reply::collapsed(response, now, why)),
                Some(Landing::Stale(response)) => Ok(Reply::stale(response, self.clock.now())),
                Some(Landing::ErrorAnswer(answer)) => Ok(Reply::shared_error(&answer, why)),
                Some(Landing::Failed(error)) => Err(Failure::Fetch(error)),
                Some(Landing::NotShared) => self.fetch_alone(&ask, &origin, stale, why).await,
                None => Err(Failure::Abandoned),
            },
            Seat::Leader(ticket) => {
                let (own, received) = tokio::sync::oneshot::channel();
                let cache = Arc::clone(self);
                tokio::spawn(async move {
                    let (landing, reply) = cache.lead(&ask, &origin, stale, why).await;
                    if matches!(landing, Landing::NotShared) {
                        cache.flights.mark_unstorable(&ask.key, cache.clock.now());
                    }
                    ticket.land(landing);
                    // A client that hung up is no reason to fail: the others have the landing.
                    let _ = own.send(reply);
                });
                received.await.unwrap_or(Err(Failure::Abandoned))
            }
        }
    }

    /// Fetches for everyone who waits: what they get, and what the leader itself gets.
    async fn lead<O: Origin<Error = E>>(
        &self,
        ask: &Ask,
        origin: &O,
        stale: Option<Arc<StoredResponse>>,
        why: Forward,
    ) -> (Landing<E>, Result<Reply, Failure<E>>) {
        // Another flight may have landed between our look-up and our turn to lead.
        if let Some(found) = self.load(&ask.key).await
            && stale.as_ref().is_none_or(|old| found.received > old.received)
        {
            let now = self.clock.now();
            return (Landing::Stored(Arc::clone(&found)), Ok(Reply::hit(found, now)));
        }
        let reply = match self.fetch_or_reuse(ask, origin, stale, why).await {
            Ok(reply) => reply,
            Err(error) => return (Landing::Failed(error.clone()), Err(Failure::Fetch(error))),
        };
        let landing = match &reply.answer {
            // What was purged meanwhile is not stored, and is still what those who waited asked for.
            Answer::Stored(kept) if reply.status.forward_status.is_some() => {
                Landing::Stored(Arc::clone(kept))
            }
            Answer::Stored(old) => Landing::Stale(Arc::clone(old)),
            Answer::Passing(passing) => match passing.as_error() {
                Some(answer) => Landing::ErrorAnswer(Arc::new(answer)),
                None => Landing::NotShared,
            },
        };
        (landing, Ok(reply))
    }

    /// Fetches, and stores what may be stored; where that fails, reuses what is stale.
    async fn fetch_or_reuse<O: Origin<Error = E>>(
        &self,
        ask: &Ask,
        origin: &O,
        stale: Option<Arc<StoredResponse>>,
        why: Forward,
    ) -> Result<Reply, E> {
        let errand = self.errands.begin(&ask.key);
        let asked = self.clock.now();
        let validators = stale.as_ref().map(|s| &s.validators).filter(|v| !v.is_empty());
        let mut fetched = origin.fetch(validators).await;
        if let (Ok(Fetched::NotModified(update)), Some(old)) = (&fetched, &stale) {
            if let Some(kept) = old.freshened(&ask.policy, update, asked, self.clock.wall()) {
                return Ok(self.keep(ask, kept, StatusCode::NOT_MODIFIED, why, &errand).await);
            }
            // The 304 is about another response than the one that is stored.
            fetched = origin.fetch(None).await;
        }
        let failed = match &fetched {
            Err(_) => true,
            Ok(Fetched::Whole(whole)) => freshness::is_error(whole.status),
            Ok(Fetched::Passing(passing)) => freshness::is_error(passing.status),
            Ok(Fetched::NotModified(_)) => false,
        };
        let usable = stale.filter(|old| freshness::usable_on_error(old, self.clock.now()));
        match (fetched, usable) {
            (_, Some(old)) if failed => Ok(Reply::stale(old, self.clock.now())),
            (Err(error), _) => Err(error),
            (Ok(fetched), _) => Ok(self.settle(ask, fetched, asked, why, &errand).await),
        }
    }

    /// Stores what may be stored, forgets what it replaces, and makes the reply.
    async fn settle(
        &self,
        ask: &Ask,
        fetched: Fetched,
        asked: Instant,
        why: Forward,
        errand: &Errand<'_>,
    ) -> Reply {
        let whole = match fetched {
            Fetched::Whole(whole) => whole,
            Fetched::Passing(passing) => {
                if !freshness::is_error(passing.status) {
                    self.remove(&ask.key).await;
                }
                return Reply::passing(passing, why);
            }
            // Only a validation can be answered so, and that has been dealt with.
            Fetched::NotModified(_) => {
                return Reply::passing(Passing::empty(StatusCode::BAD_GATEWAY), why);
            }
        };
        let status = whole.status;
        let received = match ask.policy.authority {
            // RFC 9111 §4.2.3: the response delay is part of the age.
            freshness::Authority::Origin => asked,
            freshness::Authority::Registry => self.clock.now(),
        };
        match StoredResponse::keep(&ask.key, &ask.policy, whole, received, self.clock.wall()) {
            Ok(response) => self.keep(ask, response, status, why, errand).await,
            Err(passing) => {
                if !freshness::is_error(status) {
                    // What was stored is no longer what the origin server says.
                    self.remove(&ask.key).await;
                }
                Reply::passing(passing, why)
            }
        }
    }

    async fn keep(
        &self,
        ask: &Ask,
        response: StoredResponse,
        forward_status: StatusCode,
        why: Forward,
        errand: &Errand<'_>,
    ) -> Reply {
        let response = Arc::new(response);
        if !errand.is_doomed() {
            for tier in &self.tiers {
                tier.store(Arc::clone(&response)).await;
            }
            if errand.is_doomed() {
                // Purged while it was being stored: a purge dooms first and removes then.
                self.remove(&ask.key).await;
            }
        }
        self.flights.mark_storable(&ask.key);
        let mut reply = Reply::stored(response, self.clock.now(), forward_status, why);
        reply.status.stored = !errand.is_doomed();
        reply
    }

    async fn remove(&self, key: &CacheKey) {
        for tier in &self.tiers {
            tier.remove(key).await;
        }
    }

    /// Fetches for one request, in that request's own task: a hang-up ends the fetch. The answer
    /// is stored only if the request allows it.
    async fn fetch_alone<O: Origin<Error = E>>(
        &self,
        ask: &Ask,
        origin: &O,
        stale: Option<Arc<StoredResponse>>,
        why: Forward,
    ) -> Result<Reply, Failure<E>> {
        if ask.may_store() {
            return self.fetch_or_reuse(ask, origin, stale, why).await.map_err(Failure::Fetch);
        }
        let usable = stale.filter(|old| freshness::usable_on_error(old, self.clock.now()));
        match (origin.fetch(None).await, usable) {
            (Err(_), Some(old)) => Ok(Reply::stale(old, self.clock.now())),
            (Err(error), None) => Err(Failure::Fetch(error)),
            (Ok(Fetched::Whole(whole)), Some(old)) if freshness::is_error(whole.status) => {
                Ok(Reply::stale(old, self.clock.now()))
            }
            (Ok(Fetched::Whole(whole)), _) => Ok(Reply::passing(Passing::unstored(whole), why)),
            (Ok(Fetched::Passing(passing)), _) => Ok(Reply::passing(passing, why)),
            (Ok(Fetched::NotModified(_)), _) => {
                Ok(Reply::passing(Passing::empty(StatusCode::BAD_GATEWAY), why))
            }
        }
    }

    /// Starts a validation nobody waits for, unless one is under way.
    fn validate_in_background<O: Origin<Error = E>>(
        self: &Arc<Self>,
        ask: Ask,
        origin: O,
        stored: Arc<StoredResponse>,
    ) {
        let Seat::Leader(ticket) = self.flights.join(&ask.key) else { return };
        let cache = Arc::clone(self);
        tokio::spawn(async move {
            let (landing, _) = cache.lead(&ask, &origin, Some(stored), Forward::Stale).await;
            ticket.land(landing);
        });
    }
}

#[cfg(test)]
mod tests;
