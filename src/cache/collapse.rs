//! Collapsed forwarding (RFC 9111 §4): any number of requests for one key, one fetch. It does not
//! fetch; it seats requests as leader or waiter and carries the leader's result to the others.
//!
//! **Invariant:** a flight ends when its ticket does. A leader that panics drops the ticket, which
//! lets its waiters go; nobody waits for a flight that has no leader.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

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
    /// A stored response.
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

type Board<E> = watch::Receiver<Option<Landing<E>>>;

/// Where flights can be joined, by the key's id.
type Open<E> = HashMap<u128, (CacheKey, Board<E>)>;

/// The flights under way, by key.
pub(super) struct Flights<E> {
    open: Arc<Mutex<Open<E>>>,
    unstorable: Bounded<u128, Instant>,
}

/// A request's place in a flight.
pub(super) enum Seat<E> {
    Leader(Ticket<E>),
    Waiter(Flight<E>),
}

/// The leader's duty to land.
pub(super) struct Ticket<E> {
    key: u128,
    open: Arc<Mutex<Open<E>>>,
    board: watch::Sender<Option<Landing<E>>>,
}

/// A flight somebody else leads.
pub(super) struct Flight<E>(Board<E>);

impl<E> Flights<E> {
    pub(super) fn new() -> Self {
        Self { open: Arc::default(), unstorable: Bounded::new(UNSTORABLE_KEYS) }
    }

    /// Takes part in the key's flight, or opens one.
    pub(super) fn join(&self, key: &CacheKey) -> Seat<E> {
        let mut open = lock(&self.open);
        if let Some((_, board)) = open.get(&key.id()) {
            return Seat::Waiter(Flight(board.clone()));
        }
        let (sender, board) = watch::channel(None);
        open.insert(key.id(), (key.clone(), board));
        Seat::Leader(Ticket { key: key.id(), open: Arc::clone(&self.open), board: sender })
    }

    /// Lets nobody join the flights of these keys any more: those who have joined get what is
    /// brought, and whoever comes next opens a flight of its own.
    pub(super) fn close(&self, matches: &dyn Fn(&CacheKey) -> bool) {
        lock(&self.open).retain(|_, (key, _)| !matches(key));
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
    /// Ends the flight with a result for everyone who waits.
    pub(super) fn land(self, landing: Landing<E>) {
        self.board.send_replace(Some(landing));
    }
}

impl<E> Drop for Ticket<E> {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        // After `close`, the key's flight may be another's.
        let own = |(_, board): &(CacheKey, Board<E>)| board.same_channel(&self.board.subscribe());
        if open.get(&self.key).is_some_and(own) {
            open.remove(&self.key);
        }
    }
}

impl<E: Clone> Flight<E> {
    /// What the leader brought; `None` if it ended without landing.
    pub(super) async fn landing(mut self) -> Option<Landing<E>> {
        match self.0.wait_for(Option::is_some).await {
            Ok(landing) => landing.clone(),
            Err(_) => None,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The map is valid after every statement, so a panic elsewhere cannot have broken it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
