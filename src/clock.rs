//! The only `now()` in the tree. It does not sleep and sets no timers: those belong to tokio.
//!
//! Two times exist and are kept apart: a monotonic instant for ages and lifetimes, which no
//! operator's clock step can change, and the wall clock for `Date` fields, which people read.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// A source of time, injected wherever time matters so that tests can move it by hand.
pub trait Clock: Send + Sync + Debug {
    /// A monotonic instant, for ages, lifetimes and suspensions.
    fn now(&self) -> Instant;
    /// The wall clock, for fields that carry an HTTP-date.
    fn wall(&self) -> SystemTime;
}

/// A clock as what counts a rate asks for it.
#[derive(Debug, Clone)]
pub struct RateClock(pub Arc<dyn Clock>);

impl governor::clock::Clock for RateClock {
    type Instant = Instant;

    fn now(&self) -> Instant {
        self.0.now()
    }
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one door to the clock")]
    fn now(&self) -> Instant {
        Instant::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the one door to the clock")]
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    start: Instant,
    start_wall: SystemTime,
    advanced: Mutex<Duration>,
}

impl ManualClock {
    /// A clock whose wall time starts at `wall`.
    #[must_use]
    pub fn starting_at(wall: SystemTime) -> Self {
        Self { start: SystemClock.now(), start_wall: wall, advanced: Mutex::default() }
    }

    /// Moves both times forward by `step`.
    pub fn advance(&self, step: Duration) {
        *self.lock() += step;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Duration> {
        self.advanced.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.start + *self.lock()
    }

    fn wall(&self) -> SystemTime {
        self.start_wall + *self.lock()
    }
}
