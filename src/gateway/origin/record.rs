//! How a portal has answered since the start: how long it took, and what went wrong last. It decides
//! nothing; whether the portal is left alone is the site's matter.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::clock::Clock;
use crate::gateway::Error;

/// Answers of which the time is kept: the last 128. Enough that a percentile means something, few
/// enough that it is of now.
const KEPT: usize = 128;

/// A portal's record.
#[derive(Debug)]
pub(in crate::gateway) struct Record {
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    times: VecDeque<Duration>,
    fetches: Fetches,
    failure: Option<(Error, SystemTime)>,
}

/// What became of a portal's fetches since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fetches {
    /// Fetches that brought an answer.
    pub answered: u64,
    /// Fetches that the portal failed, or whose answer is of no use.
    pub failed: u64,
    /// Fetches that were not made: the portal is left alone, busy, or not where it may be asked.
    pub refused: u64,
    /// How long those that were made took, all together.
    pub time: Duration,
}

/// How long a portal took to begin its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Half of the last answers came sooner.
    pub median: Duration,
    /// 95 of 100 came sooner.
    pub p95: Duration,
    /// Answers since the start.
    pub answers: u64,
}

impl Record {
    pub(in crate::gateway) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, kept: Mutex::default() }
    }

    /// Notes what became of a fetch that was made at `started`; how long it took.
    pub(super) fn ended(&self, started: Instant, failure: Option<&Error>) -> Duration {
        let took = self.clock.now().saturating_duration_since(started);
        let mut kept = self.lock();
        kept.fetches.time += took;
        match failure {
            None => {
                if kept.times.len() == KEPT {
                    kept.times.pop_front();
                }
                kept.times.push_back(took);
                kept.fetches.answered += 1;
            }
            Some(error) if is_refusal(error) => kept.fetches.refused += 1,
            Some(_) => kept.fetches.failed += 1,
        }
        took
    }

    /// Notes a fetch that got no turn.
    pub(super) fn refused(&self) {
        self.lock().fetches.refused += 1;
    }

    /// Notes that there is no answer, or that nothing can be done with it.
    pub(super) fn failed(&self, error: &Error) {
        self.lock().failure = Some((error.clone(), self.clock.wall()));
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When a fetch starts.
    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// How long answers took; `None` if there were none.
    pub(in crate::gateway) fn times(&self) -> Option<Times> {
        let kept = self.lock();
        let mut times: Vec<_> = kept.times.iter().copied().collect();
        times.sort_unstable();
        // The nearest rank: the least that as many as asked for do not exceed.
        let at = |percent: usize| times.get((times.len() * percent).div_ceil(100).checked_sub(1)?);
        Some(Times { median: *at(50)?, p95: *at(95)?, answers: kept.fetches.answered })
    }

    /// What became of all fetches.
    pub(in crate::gateway) fn fetches(&self) -> Fetches {
        self.lock().fetches
    }

    /// What went wrong last, and when.
    pub(in crate::gateway) fn failure(&self) -> Option<(Error, SystemTime)> {
        self.lock().failure.clone()
    }
}

/// Whether the portal was not asked at all.
const fn is_refusal(error: &Error) -> bool {
    matches!(
        error,
        Error::Busy | Error::AddressProhibited | Error::PortalSuspended { status: None, .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn times_are_those_of_the_last_answers() {
        let clock = Arc::new(ManualClock::starting_at(SystemTime::UNIX_EPOCH));
        let record = Record::new(Arc::clone(&clock) as Arc<dyn Clock>);
        assert_eq!(record.times(), None);
        for took in 1..=100 {
            let started = record.now();
            clock.advance(Duration::from_millis(took));
            record.ended(started, None);
        }
        let (ms, times) = (Duration::from_millis, record.times().expect("times"));
        assert_eq!((times.median, times.p95, times.answers), (ms(50), ms(95), 100));
        for _ in 0..KEPT {
            record.ended(record.now(), None);
        }
        let times = record.times().expect("times");
        assert_eq!((times.p95, times.answers), (Duration::ZERO, 100 + KEPT as u64));
    }

    #[test]
    fn fetches_are_told_apart_by_what_became_of_them() {
        let clock = Arc::new(ManualClock::starting_at(SystemTime::UNIX_EPOCH));
        let record = Record::new(Arc::clone(&clock) as Arc<dyn Clock>);
        for failure in [None, Some(Error::ResponseIncomplete { offset: None }), Some(Error::Busy)] {
            let started = record.now();
            clock.advance(Duration::from_secs(1));
            assert_eq!(record.ended(started, failure.as_ref()), Duration::from_secs(1));
        }
        record.refused();
        let time = Duration::from_secs(3);
        assert_eq!(record.fetches(), Fetches { answered: 1, failed: 1, refused: 2, time });
    }
}
