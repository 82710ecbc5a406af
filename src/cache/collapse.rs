//! Collapsed forwarding (RFC 9111 §4): any number of requests for one key, one fetch. It does not
//! fetch; it seats requests as leader or waiter and carries the leader's result to the others.
//!
//! A flight has one leader. Where it has not landed for [`Flights::patience`], one of those who wait
//! becomes a second leader of the same flight, and so on: a fetch that hangs holds nobody up for
//! longer, and a portal that is only slow gets one more request at a time, not everybody's.
//!
//! **Invariant:** a flight ends when its last ticket does. A leader that panics drops the ticket,
//! which lets its waiters go; nobody waits for a flight that has no leader.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderMap;
use moka::sync::Cache as Bounded;
use tokio::sync::watch;

use super::exchange::ErrorAnswer;
use super::{CacheKey, StoredResponse, UNSTORABLE_PAUSE};

/// How many keys are remembered as not storable: 16 Ki keys of 16 bytes. An evicted one costs one
/// round of waiting.
const UNSTORABLE_KEYS: u64 = 16 * 1024;

/// What the leader brought for those who waited.
#[derive(Debug, Clone)]
pub(super) enum Landing<E> {
    /// A stored response, or one that is being stored and can be read meanwhile.
    Stored(Arc<StoredResponse>),
    /// The fetch failed, and a stale response may be reused.
    Stale(Arc<StoredResponse>),
    /// The fetch failed.
    Failed(E),
    /// The origin server answered with an error that is not kept; everyone is told the same.
    ErrorAnswer(Arc<ErrorAnswer>),
    /// The response may not be shared: everyone fetches alone.
    NotShared,
}

type Board<E> = watch::Sender<Option<Landing<E>>>;

/// A flight under way.
struct Open<E> {
    key: CacheKey,
    board: Board<E>,
    leaders: usize,
}

type Table<E> = Arc<Mutex<HashMap<u128, Open<E>>>>;

/// The flights under way, by key.
pub(super) struct Flights<E> {
    open: Table<E>,
    unstorable: Bounded<u128, Instant>,
    patience: Duration,
}

/// A request's place in a flight.
pub(super) enum Seat<E> {
    Leader(Ticket<E>),
    Waiter(Flight<E>),
}

/// A leader's duty to land.
pub(super) struct Ticket<E> {
    key: u128,
    open: Table<E>,
    board: Board<E>,
    /// Whether it was this leader who landed.
    landed: Arc<AtomicBool>,
}

/// What the other leaders of a flight bring.
pub(super) struct Others<E> {
    board: watch::Receiver<Option<Landing<E>>>,
    own: Arc<AtomicBool>,
}

/// A flight somebody else leads.
pub(super) struct Flight<E>(watch::Receiver<Option<Landing<E>>>);

/// What waiting for a flight came to.
pub(super) enum Waited<E> {
    /// The leader landed.
    Landed(Landing<E>),
    /// The leader ended without landing: a bug.
    Abandoned,
    /// It took too long; the flight goes on.
    TooLong(Flight<E>),
}

impl<E> Flights<E> {
    /// Flights whose waiters wait for `patience` before one of them leads too.
    pub(super) fn new(patience: Duration) -> Self {
        Self { open: Arc::default(), unstorable: Bounded::new(UNSTORABLE_KEYS), patience }
    }

    /// How long a waiter waits before it leads too.
    pub(super) const fn patience(&self) -> Duration {
        self.patience
    }

    /// Takes part in the key's flight, or opens one.
    pub(super) fn join(&self, key: &CacheKey) -> Seat<E> {
        let mut open = lock(&self.open);
        if let Some(flight) = open.get(&key.id()) {
            return Seat::Waiter(Flight(flight.board.subscribe()));
        }
        let board = watch::Sender::new(None);
        open.insert(key.id(), Open { key: key.clone(), board: board.clone(), leaders: 1 });
        Seat::Leader(Ticket::new(key, &self.open, board))
    }

    /// Leads the key's flight beside those who lead it already, unless `known` of them are no
    /// longer all: somebody else has become one meanwhile.
    pub(super) fn lead_too(&self, key: &CacheKey, known: usize) -> Option<Ticket<E>> {
        let mut open = lock(&self.open);
        let flight = open.get_mut(&key.id()).filter(|flight| flight.leaders == known)?;
        flight.leaders += 1;
        let board = flight.board.clone();
        Some(Ticket::new(key, &self.open, board))
    }

    /// How many lead the key's flight.
    pub(super) fn leaders(&self, key: &CacheKey) -> usize {
        lock(&self.open).get(&key.id()).map_or(0, |flight| flight.leaders)
    }

    /// What is being stored for the key and can be read meanwhile.
    pub(super) fn under_way(&self, key: &CacheKey) -> Option<Arc<StoredResponse>> {
        let open = lock(&self.open);
        match &*open.get(&key.id())?.board.borrow() {
            Some(Landing::Stored(response)) => Some(Arc::clone(response)),
            _ => None,
        }
    }

    /// Lets nobody join the flights of these keys any more: those who have joined get what is
    /// brought, and whoever comes next opens a flight of its own.
    pub(super) fn close(&self, matches: &dyn Fn(&CacheKey) -> bool) {
        lock(&self.open).retain(|_, flight| !matches(&flight.key));
    }

    /// Whether requests for the key should not wait for each other.
    pub(super) fn go_alone(&self, key: &CacheKey, now: Instant) -> bool {
        self.unstorable
            .get(&key.id())
            .is_some_and(|since| now.saturating_duration_since(since) < UNSTORABLE_PAUSE)
    }

    /// Remembers that the key's answer proved not storable.
    pub(super) fn mark_unstorable(&self, key: &CacheKey, now: Instant) {
        self.unstorable.insert(key.id(), now);
    }

    /// Forgets it: the answer has been stored after all.
    pub(super) fn mark_storable(&self, key: &CacheKey) {
        self.unstorable.invalidate(&key.id());
    }
}

impl<E> Ticket<E> {
    fn new(key: &CacheKey, open: &Table<E>, board: Board<E>) -> Self {
        Self { key: key.id(), open: Arc::clone(open), board, landed: Arc::default() }
    }

    /// What the other leaders bring.
    pub(super) fn others(&self) -> Others<E> {
        Others { board: self.board.subscribe(), own: Arc::clone(&self.landed) }
    }

    /// Tells those who wait, and those who join until the ticket is dropped.
    pub(super) fn announce(&self, landing: Landing<E>) {
        self.landed.store(true, Ordering::SeqCst);
        self.board.send_replace(Some(landing));
    }

    /// Ends the flight with a result for everyone who waits. A failure is theirs only if no other
    /// leader may still bring something.
    pub(super) fn land(self, landing: Landing<E>) {
        let alone = lock(&self.open).get(&self.key).is_none_or(|flight| flight.leaders < 2);
        if alone || !matches!(landing, Landing::Failed(_)) {
            self.announce(landing);
        }
    }
}

impl<E> Drop for Ticket<E> {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        let Some(flight) = open.get_mut(&self.key) else { return };
        if !flight.board.same_channel(&self.board) {
            return;
        }
        flight.leaders -= 1;
        // Once landed, later requests find what is stored; a leader still under way is nobody's.
        if flight.leaders == 0 || self.board.borrow().is_some() {
            open.remove(&self.key);
        }
    }
}

impl<E: Clone> Others<E> {
    /// Waits for a response that another leader brings and that these fields select; for ever, if
    /// none does.
    pub(super) async fn stored(mut self, request: &HeaderMap) -> Arc<StoredResponse> {
        let landed = self.board.wait_for(Option::is_some).await;
        let landing = landed.ok().and_then(|landing| landing.clone());
        match landing {
            Some(Landing::Stored(response))
                if !self.own.load(Ordering::SeqCst) && response.selecting.matches(request) =>
            {
                response
            }
            _ => std::future::pending().await,
        }
    }
}

impl<E: Clone> Flight<E> {
    /// Waits for what a leader brings, for so long.
    pub(super) async fn landing(mut self, patience: Duration) -> Waited<E> {
        let landed = tokio::time::timeout(patience, self.0.wait_for(Option::is_some)).await;
        match landed.map(|landed| landed.ok().and_then(|landing| landing.clone())) {
            Ok(landed) => landed.map_or(Waited::Abandoned, Waited::Landed),
            Err(_) => Waited::TooLong(self),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The map is valid after every statement, so a panic elsewhere cannot have broken it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
