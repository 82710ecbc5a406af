//! Leaving a failing site alone: after several failures in a row, and when it asks for it. It
//! counts and remembers; it does not fetch.

use std::time::{Duration, Instant};

/// Failures further apart than this are not in a row.
const WINDOW: Duration = Duration::from_secs(60);

/// How long a failing site is left alone before one request may try it again: short enough that a
/// portal is used again within ten seconds of its return.
pub(super) const PAUSE: Duration = Duration::from_secs(5);

/// The longest a site's `Retry-After` is honoured.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// A site's record.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    failures: u32,
    last_failure: Option<Instant>,
    suspended_until: Option<Instant>,
    /// What the site itself asked for: a success in between does not end it.
    asked_until: Option<Instant>,
}

/// A site's state, as the registry tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Nothing is known against it.
    Ok,
    /// Its last fetches failed.
    Failing,
    /// It is left alone for so long.
    Suspended(Duration),
}

impl Record {
    /// Lets a fetch pass, or says how long to wait. The first fetch after a suspension is a probe:
    /// the others keep waiting until it has succeeded.
    pub(super) fn pass(&mut self, now: Instant) -> Result<(), Duration> {
        self.waiting(now)?;
        if self.suspended_until.is_some() {
            self.suspended_until = Some(now + PAUSE);
        }
        Ok(())
    }

    /// Whether a fetch would be told to wait, and how long; changes nothing.
    pub(super) fn waiting(&self, now: Instant) -> Result<(), Duration> {
        match self.suspended_until.max(self.asked_until) {
            Some(until) if until > now => Err(until - now),
            _ => Ok(()),
        }
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self { asked_until: self.asked_until, ..Self::default() };
    }

    /// Notes a failure; after `most` in a row the site is suspended.
    pub(super) fn failed(&mut self, now: Instant, most: u32) {
        let in_a_row =
            self.last_failure.is_some_and(|last| now.saturating_duration_since(last) <= WINDOW);
        self.failures = if in_a_row { self.failures.saturating_add(1) } else { 1 };
        self.last_failure = Some(now);
        if most > 0 && self.failures >= most {
            self.suspended_until = self.suspended_until.max(Some(now + PAUSE));
        }
    }

    /// RFC 9110 §10.2.3: the site asked to be left alone.
    pub(super) fn asked_to_wait(&mut self, wait: Duration, now: Instant) {
        self.asked_until = self.asked_until.max(Some(now + wait.min(LONGEST_WAIT)));
    }

    pub(super) fn health(&self, now: Instant) -> Health {
        match self.waiting(now) {
            Err(left) => Health::Suspended(left),
            Ok(()) if self.failures > 0 => Health::Failing,
            Ok(()) => Health::Ok,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, ManualClock};

    fn failing() -> (Record, ManualClock) {
        let clock = ManualClock::starting_at(std::time::SystemTime::UNIX_EPOCH);
        let mut record = Record::default();
        for _ in 0..5 {
            assert_eq!(record.pass(clock.now()), Ok(()));
            record.failed(clock.now(), 5);
        }
        (record, clock)
    }

    #[test]
    fn failures_in_a_row_suspend_and_one_probe_is_let_through_afterwards() {
        let (mut record, clock) = failing();
        assert_eq!(record.pass(clock.now()), Err(PAUSE));
        clock.advance(PAUSE);
        assert_eq!(record.pass(clock.now()), Ok(()));
        assert_eq!(record.pass(clock.now()), Err(PAUSE));
        record.succeeded();
        assert_eq!(record.pass(clock.now()), Ok(()));
        assert_eq!(record.health(clock.now()), Health::Ok);
    }

    #[test]
    fn a_success_between_failures_starts_the_count_again() {
        let clock = ManualClock::starting_at(std::time::SystemTime::UNIX_EPOCH);
        let mut record = Record::default();
        for _ in 0..20 {
            record.failed(clock.now(), 5);
            record.succeeded();
        }
        assert_eq!(record.pass(clock.now()), Ok(()));
    }

    #[test]
    fn a_site_that_is_never_to_be_suspended_is_not() {
        let clock = ManualClock::starting_at(std::time::SystemTime::UNIX_EPOCH);
        let mut record = Record::default();
        for _ in 0..20 {
            record.failed(clock.now(), 0);
        }
        assert_eq!(record.pass(clock.now()), Ok(()));
    }

    #[test]
    fn a_site_may_ask_for_an_hour_and_not_more() {
        let (mut record, clock) = (Record::default(), failing().1);
        record.asked_to_wait(Duration::from_secs(999_999), clock.now());
        assert_eq!(record.pass(clock.now()), Err(LONGEST_WAIT));
    }

    #[test]
    fn a_success_that_was_under_way_does_not_end_the_pause_a_site_asked_for() {
        let (mut record, clock) = (Record::default(), failing().1);
        record.asked_to_wait(Duration::from_secs(600), clock.now());
        record.succeeded();
        assert_eq!(record.pass(clock.now()), Err(Duration::from_secs(600)));
    }
}
