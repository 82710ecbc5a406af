//! What one client has left. The generic cell rate algorithm is governor's.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::clock::{Clock, RateClock};

use super::Options;

/// One client's allowance.
#[derive(Debug)]
pub(super) struct Bucket {
    requests: RateLimiter<NotKeyed, InMemoryState, RateClock, StateInformationMiddleware>,
    under_way: AtomicUsize,
    fetches: usize,
    quota: Quota,
}

/// How a client stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Requests it may make at once after a quiet time.
    pub quota: u32,
    /// The time in which all of them come back.
    pub window: Duration,
    /// Requests it may make at once now.
    pub remaining: u32,
    /// The time until it may make all of them again.
    pub reset: Duration,
}

impl Bucket {
    pub(super) fn new(options: &Options, clock: Arc<dyn Clock>) -> Self {
        let at_least_one = |figure| NonZeroU32::new(figure).unwrap_or(NonZeroU32::MIN);
        let quota =
            Quota::per_second(at_least_one(options.rate)).allow_burst(at_least_one(options.burst));
        Self {
            requests: RateLimiter::direct_with_clock(quota, RateClock(clock))
                .with_middleware::<StateInformationMiddleware>(),
            under_way: AtomicUsize::new(0),
            fetches: options.fetches,
            quota,
        }
    }

    /// Takes one request, or says how long to wait for it.
    pub(super) fn take(&self) -> Result<Standing, (Standing, Duration)> {
        match self.requests.check() {
            Ok(state) => Ok(self.standing(state.remaining_burst_capacity())),
            Err(too_early) => {
                let wait =
                    too_early.wait_time_from(governor::clock::Clock::now(self.requests.clock()));
                Err((self.standing(0), wait))
            }
        }
    }

    /// Begins a fetch, unless too many are under way.
    pub(super) fn begin(self: &Arc<Self>) -> Option<UnderWay> {
        let under_way = UnderWay(Arc::clone(self));
        // Counted first, so that two cannot take the last place; dropping it gives it back.
        (self.under_way.fetch_add(1, Ordering::Relaxed) < self.fetches).then_some(under_way)
    }

    fn standing(&self, remaining: u32) -> Standing {
        let quota = self.quota.burst_size().get();
        let each = self.quota.replenish_interval();
        Standing {
            quota,
            window: each * quota,
            remaining,
            reset: each * quota.saturating_sub(remaining),
        }
    }
}

/// A fetch under way, given back on drop.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Bucket>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}
