//! What was stored, and whether it may be reused: a shared HTTP cache (RFC 9111). It is handed a
//! way to fetch and never learns where answers come from; it speaks to no portal and no client.
//!
//! One look-up, in order:
//!
//! 1. The tiers are asked for the [`CacheKey`], nearest first.
//! 2. [`freshness`] decides from the stored response, the request's directives and the clock:
//!    reuse, reuse while validating in the background (RFC 5861 §3), validate, or fetch.
//! 3. Whoever must fetch joins the key's *flight* ([`collapse`]): the first request leads, in a
//!    task of its own that no hang-up can cancel, and the others wait for what it brings.
//! 4. A storable answer is stored and given to all. One that may not be shared goes to the leader
//!    alone; the others are let go at once to fetch for themselves, and for a while requests for
//!    that key do not wait for each other at all.
//! 5. Where fetching fails and a stored response is within its stale-if-error window (RFC 5861
//!    §4), that is reused, and `Cache-Status` says so.
//!
//! **Invariant:** a failure is never stored; an error *answer* of a portal is, for seconds.
//!
//! **Invariant:** what depends on the asking client (CORS fields, `Age`, conditional answers) is
//! never part of a stored response.

mod collapse;
mod control;
pub mod freshness;
mod key;
mod memory;
mod status;
mod stored;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode};

use crate::clock::Clock;

use collapse::{Flights, Landing, Seat};
pub use control::Directives;
pub use key::CacheKey;
pub use memory::{Memory, Usage};
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
}

/// A way to the origin server for one key.
pub trait Origin: Send + Sync + 'static {
    /// Why a fetch failed. Cloned for everyone who waits.
    type Error: Clone + Send + Sync + 'static;
    /// Fetches the response, conditionally if validators are given.
    fn fetch(
        &self,
        validators: Option<&Validators>,
    ) -> impl Future<Output = Result<Fetched, Self::Error>> + Send + 'static;
}

/// What a fetch brings.
#[derive(Debug)]
pub enum Fetched {
    /// A complete response in a bounded buffer, which may be stored if the rules allow it.
    Whole(Whole),
    /// The origin server confirmed the stored response (304); its fields freshen it.
    NotModified(HeaderMap),
    /// A response that is too large to be buffered: it goes to one client and is not stored.
    Passing(Passing),
}

/// A complete response.
#[derive(Debug)]
pub struct Whole {
    /// The status the client will see.
    pub status: StatusCode,
    /// The fields to keep and to send; freshness is read from them.
    pub fields: HeaderMap,
    /// The content.
    pub content: bytes::Bytes,
    /// The origin server's own validators, for conditional requests to it.
    pub validators: Validators,
}

/// A response on its way to one client.
#[derive(Debug)]
pub struct Passing {
    /// The status.
    pub status: StatusCode,
    /// The fields to send.
    pub fields: HeaderMap,
    /// The content.
    pub content: Content,
}

/// What one request asks of the cache.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The key.
    pub key: CacheKey,
    /// Who decides freshness, and with which figures.
    pub policy: freshness::Policy,
    /// The request's own directives.
    pub directives: Directives,
    /// How far the request takes part in the cache.
    pub part: Part,
}

/// How far a request takes part in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Answered from what is stored, waits for others' fetches, and its answer is stored.
    Full,
    /// Answered from what is stored; what is fetched for it has no content (HEAD) and is not
    /// stored.
    LookUp,
    /// Neither answered from what is stored nor stored (RFC 9111 §3.5: `Authorization`).
    None,
}

/// A response with the account of where it came from.
#[derive(Debug)]
pub struct Reply {
    /// The response.
    pub answer: Answer,
    /// The account, for `Cache-Status`.
    pub status: CacheStatus,
}

/// A response, stored or passing.
#[derive(Debug)]
pub enum Answer {
    /// A response from the cache, or just put there.
    Stored(Arc<StoredResponse>),
    /// A response that only this request gets.
    Passing(Passing),
}

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure<E> {
    /// The fetch failed.
    Fetch(E),
    /// The request said `only-if-cached`, and nothing usable is stored (RFC 9111 §5.2.1.7).
    OnlyIfCached,
    /// The task that fetched ended without a result: a bug.
    Abandoned,
}

/// The shared cache: tiers, and the flights under way.
pub struct Cache<E> {
    tiers: Vec<Arc<dyn Tier>>,
    flights: Flights<E>,
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
        Arc::new(Self { tiers, flights: Flights::new(), clock })
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
            return self.fetch_alone(&ask, &origin, Forward::Bypass).await;
        }
        let Some(stored) = self.load(&ask.key).await else {
            return self.forward(ask, origin, None, Forward::UriMiss).await;
        };
        let now = self.clock.now();
        match freshness::decide(&stored, &ask.directives, now, NO_CACHE_PAUSE) {
            freshness::Decision::Reuse => Ok(Reply::hit(stored, now)),
            freshness::Decision::ReuseAndValidate => {
                let reply = Reply::hit(Arc::clone(&stored), now);
                self.validate_in_background(ask, origin, stored);
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
            return self.fetch_alone(&ask, &origin, why).await;
        }
        match self.flights.join(&ask.key) {
            Seat::Waiter(flight) => match flight.landing().await {
                Some(Landing::Stored(response)) => Ok(Reply::collapsed(response, now, why)),
                Some(Landing::Stale(response)) => Ok(Reply::stale(response, self.clock.now())),
                Some(Landing::Failed(error)) => Err(Failure::Fetch(error)),
                Some(Landing::NotShared) => self.fetch_alone(&ask, &origin, why).await,
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
        let validators = stale.as_ref().map(|s| &s.validators).filter(|v| !v.is_empty());
        let fetched = origin.fetch(validators).await;
        let now = self.clock.now();
        let usable = stale.as_ref().filter(|s| freshness::usable_on_error(s, now)).cloned();
        match (fetched, usable) {
            (Err(_), Some(old)) => (Landing::Stale(Arc::clone(&old)), Ok(Reply::stale(old, now))),
            (Err(error), None) => (Landing::Failed(error.clone()), Err(Failure::Fetch(error))),
            (Ok(Fetched::Whole(whole)), Some(old)) if freshness::is_error(whole.status) => {
                (Landing::Stale(Arc::clone(&old)), Ok(Reply::stale(old, now)))
            }
            (Ok(fetched), _) => {
                let reply = self.settle(ask, fetched, stale, why).await;
                match &reply.answer {
                    Answer::Stored(kept) => (Landing::Stored(Arc::clone(kept)), Ok(reply)),
                    Answer::Passing(_) => (Landing::NotShared, Ok(reply)),
                }
            }
        }
    }

    /// Stores what may be stored, and makes the reply.
    async fn settle(
        &self,
        ask: &Ask,
        fetched: Fetched,
        stale: Option<Arc<StoredResponse>>,
        why: Forward,
    ) -> Reply {
        let (now, wall) = (self.clock.now(), self.clock.wall());
        let mut status = CacheStatus::forwarded(why);
        let kept = match fetched {
            Fetched::Whole(whole) => {
                status.forward_status = Some(whole.status);
                StoredResponse::keep(&ask.key, &ask.policy, whole, now, wall)
            }
            Fetched::NotModified(fields) => {
                status.forward_status = Some(StatusCode::NOT_MODIFIED);
                match stale {
                    Some(old) => Ok(old.freshened(&ask.policy, &fields, now, wall)),
                    // Without validators a 304 cannot be asked for; the gateway refuses it.
                    None => Err(Passing::empty(StatusCode::BAD_GATEWAY)),
                }
            }
            Fetched::Passing(passing) => {
                status.forward_status = Some(passing.status);
                Err(passing)
            }
        };
        match kept {
            Ok(response) => {
                let response = Arc::new(response);
                for tier in &self.tiers {
                    tier.store(Arc::clone(&response)).await;
                }
                status.stored = true;
                status.ttl = Some(response.lifetime_left(now));
                Reply { answer: Answer::Stored(response), status }
            }
            Err(passing) => Reply { answer: Answer::Passing(passing), status },
        }
    }

    /// Fetches for one request, in that request's own task: a hang-up ends the fetch. The answer
    /// is stored only if the request allows it.
    async fn fetch_alone<O: Origin<Error = E>>(
        &self,
        ask: &Ask,
        origin: &O,
        why: Forward,
    ) -> Result<Reply, Failure<E>> {
        let fetched = origin.fetch(None).await.map_err(Failure::Fetch)?;
        if ask.may_store() {
            return Ok(self.settle(ask, fetched, None, why).await);
        }
        let mut status = CacheStatus::forwarded(why);
        let passing = match fetched {
            Fetched::Whole(whole) => Passing::unstored(whole),
            Fetched::Passing(passing) => passing,
            Fetched::NotModified(_) => Passing::empty(StatusCode::BAD_GATEWAY),
        };
        status.forward_status = Some(passing.status);
        Ok(Reply { answer: Answer::Passing(passing), status })
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

impl Ask {
    /// RFC 9111 §5.2.1.5: no-store, a cache MUST NOT store any part of either this request or any
    /// response to it.
    fn may_store(&self) -> bool {
        self.part == Part::Full && !self.directives.no_store
    }
}

impl Reply {
    fn hit(response: Arc<StoredResponse>, now: Instant) -> Self {
        let status = CacheStatus::hit(response.lifetime_left(now));
        Self { answer: Answer::Stored(response), status }
    }

    fn collapsed(response: Arc<StoredResponse>, now: Instant, why: Forward) -> Self {
        let mut status = CacheStatus::forwarded(why);
        status.forward_status = Some(response.status);
        status.collapsed = true;
        status.ttl = Some(response.lifetime_left(now));
        Self { answer: Answer::Stored(response), status }
    }

    fn stale(response: Arc<StoredResponse>, now: Instant) -> Self {
        Self::hit(response, now).because("stale-if-error")
    }

    fn because(mut self, detail: &'static str) -> Self {
        self.status.detail = Some(detail);
        self
    }
}

impl Passing {
    /// A whole response that may not be stored by anybody.
    fn unstored(mut whole: Whole) -> Self {
        let no_store = http::HeaderValue::from_static("no-store");
        whole.fields.insert(http::header::CACHE_CONTROL, no_store);
        Self { status: whole.status, fields: whole.fields, content: Content::Buffer(whole.content) }
    }

    fn empty(status: StatusCode) -> Self {
        Self { status, fields: HeaderMap::new(), content: Content::Buffer(bytes::Bytes::new()) }
    }
}
