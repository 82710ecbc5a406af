//! Whose turn it is at a site: how many fetches at once and a second, who waits, and who would wait in
//! vain. It does not fetch.
//!
//! **Invariant:** whoever cannot come to a turn in time is told so at once.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::{Clock, RateClock};

use super::Limits;

/// The turns at a site.
#[derive(Debug)]
pub(super) struct Turns {
    free: Arc<Semaphore>,
    at_once: usize,
    waiting: AtomicUsize,
    queue: usize,
    queue_time: Duration,
    /// How long a turn is held, on average over the last few, in microseconds.
    held: AtomicU64,
    rate: Option<Rate>,
    clock: Arc<dyn Clock>,
}

/// Fetches a second.
#[derive(Debug)]
struct Rate {
    limiter: RateLimiter<NotKeyed, InMemoryState, RateClock>,
    each: Duration,
}

/// A fetch's turn at the site, given back on drop.
#[derive(Debug)]
pub struct Turn {
    _permit: OwnedSemaphorePermit,
    pace: Option<(Arc<Turns>, Instant)>,
}

impl Turns {
    pub(super) fn new(limits: &Limits, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(limits.concurrency)),
            at_once: limits.concurrency.max(1),
            waiting: AtomicUsize::new(0),
            queue: limits.queue,
            queue_time: limits.queue_time,
            held: AtomicU64::new(0),
            rate: NonZeroU32::new(limits.rate).map(|rate| Rate::new(rate, Arc::clone(&clock))),
            clock,
        })
    }

    /// How many have a turn, and how many wait for one.
    pub(super) fn load(&self) -> (usize, usize) {
        let taken = self.at_once.saturating_sub(self.free.available_permits());
        (taken, self.waiting.load(Ordering::Relaxed))
    }

    /// Whether a fetch that came now would come to its turn.
    pub(super) fn would_come(&self) -> bool {
        let waiting = self.waiting.load(Ordering::Relaxed);
        let is_free = waiting == 0 && self.free.available_permits() > 0;
        (is_free || waiting < self.queue) && self.expected(waiting) <= self.queue_time
    }

    /// Waits for a turn; `None` when it does not come in time, or too many wait for theirs.
    pub(super) async fn next(self: &Arc<Self>) -> Option<Turn> {
        let place = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) if self.rate.is_none() => return Some(self.begin(permit)),
            Ok(permit) => Ok(permit),
            Err(_) => Err(Place::take(&self.waiting, self.queue)?),
        };
        let waiting = async {
            let permit = match place {
                Ok(permit) => permit,
                Err(_place) => Arc::clone(&self.free).acquire_owned().await.ok()?,
            };
            if let Some(rate) = &self.rate {
                // Whoever has the turn waits, so that nobody overtakes.
                rate.wait().await;
            }
            Some(self.begin(permit))
        };
        tokio::time::timeout(self.queue_time, waiting).await.ok()?
    }

    fn begin(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Turn {
        Turn { _permit: permit, pace: Some((Arc::clone(self), self.clock.now())) }
    }

    /// How long somebody would wait behind so many.
    fn expected(&self, waiting: usize) -> Duration {
        let behind = u32::try_from(waiting).unwrap_or(u32::MAX);
        let at_once = u32::try_from(self.at_once).unwrap_or(u32::MAX);
        let held = Duration::from_micros(self.held.load(Ordering::Relaxed));
        let by_rate = self.rate.as_ref().map_or(Duration::ZERO, |rate| rate.each);
        (held / at_once).max(by_rate).saturating_mul(behind)
    }

    /// Notes how long a turn was held: an eighth of it counts, so that one slow answer changes little.
    fn note(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let held = self.held.load(Ordering::Relaxed);
        // Two at once may lose one of the notes, which is one of many.
        self.held.store(held - held / 8 + took / 8, Ordering::Relaxed);
    }
}

impl Turn {
    /// A turn of which nobody waits for the end.
    pub(super) const fn unpaced(permit: OwnedSemaphorePermit) -> Self {
        Self { _permit: permit, pace: None }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some((turns, began)) = &self.pace {
            turns.note(turns.clock.now().saturating_duration_since(*began));
        }
    }
}

impl Rate {
    fn new(rate: NonZeroU32, clock: Arc<dyn Clock>) -> Self {
        let quota = Quota::per_second(rate);
        let each = quota.replenish_interval();
        Self { limiter: RateLimiter::direct_with_clock(quota, RateClock(clock)), each }
    }

    async fn wait(&self) {
        while let Err(too_early) = self.limiter.check() {
            let now = governor::clock::Clock::now(self.limiter.clock());
            tokio::time::sleep(too_early.wait_time_from(now)).await;
        }
    }
}

/// A place in the queue, given back on drop.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        let place = Self(waiting);
        // Counted first, so that two cannot take the last place; dropping `place` gives it back.
        (waiting.fetch_add(1, Ordering::Relaxed) < most).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::clock::ManualClock;

    fn turns(limits: &Limits) -> (Arc<Turns>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::starting_at(SystemTime::UNIX_EPOCH));
        (Turns::new(limits, clock.clone()), clock)
    }

    #[tokio::test]
    async fn who_would_wait_too_long_is_told_so_at_once() {
        let limits = Limits {
            concurrency: 1,
            queue: 100,
            queue_time: Duration::from_secs(10),
            ..Limits::default()
        };
        let (turns, clock) = turns(&limits);
        // Each takes four seconds.
        for _ in 0..50 {
            let turn = turns.next().await.expect("a turn");
            clock.advance(Duration::from_secs(4));
            drop(turn);
        }
        let _held = turns.next().await.expect("a turn");
        let places: Vec<_> = (0..2).map(|_| Place::take(&turns.waiting, 100)).collect();
        assert!(turns.would_come(), "eight seconds");
        let _third = Place::take(&turns.waiting, 100);
        assert!(!turns.would_come(), "twelve seconds");
        drop(places);
        assert!(turns.would_come());
    }

    #[tokio::test]
    async fn a_queue_that_is_full_takes_nobody() {
        let (turns, _) = turns(&Limits { concurrency: 1, queue: 0, ..Limits::default() });
        assert!(turns.would_come());
        let held = turns.next().await.expect("a turn");
        assert!(!turns.would_come() && turns.next().await.is_none());
        drop(held);
        assert!(turns.next().await.is_some());
    }

    #[tokio::test]
    async fn a_rate_is_kept() {
        let limits = Limits { rate: 2, queue_time: Duration::from_millis(1), ..Limits::default() };
        let (turns, clock) = turns(&limits);
        assert!(turns.next().await.is_some() && turns.next().await.is_some());
        assert!(turns.next().await.is_none());
        clock.advance(Duration::from_millis(500));
        assert!(turns.next().await.is_some());
        assert!(turns.next().await.is_none());
    }
}
