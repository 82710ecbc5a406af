//! What an `ask: auto` portal answered lately: JSON, or nothing but JSONP. It asks nobody.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::Clock;

/// How long a portal that answered only JSONP is asked for that at once: an hour. Then JSON, which is
/// cheaper, is tried again, because portals change.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// How a portal is best asked.
#[derive(Debug)]
pub(in crate::gateway) struct Ways {
    clock: Arc<dyn Clock>,
    padded_until: Mutex<Option<Instant>>,
}

impl Ways {
    pub(in crate::gateway) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, padded_until: Mutex::default() }
    }

    /// Whether only JSONP worked lately.
    pub(super) fn only_padded(&self) -> bool {
        let until = self.padded_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| self.clock.now() < until)
    }

    /// Notes which way worked.
    pub(super) fn note(&self, padded: bool) {
        let until = padded.then(|| self.clock.now() + REMEMBERED);
        *self.padded_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}
