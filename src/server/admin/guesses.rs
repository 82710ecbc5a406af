//! How many wrong tokens were tried of late, by all together: on a loopback address everybody is the same
//! client. It does not know the right one.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong tokens that are answered with 401 within [`WITHIN`]: 5. Over it: 429. Whoever types a token
/// needs fewer, and whoever guesses gets nowhere.
const MOST: usize = 5;

/// The time in which they are counted.
const WITHIN: Duration = Duration::from_secs(60);

/// The last wrong tokens.
#[derive(Debug, Default)]
pub(super) struct Guesses(Mutex<[Option<Instant>; MOST]>);

impl Guesses {
    /// Notes one more; `Err` is how long to wait if there were too many, and then it does not count.
    pub(super) fn take(&self, now: Instant) -> Result<(), Duration> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // `None` is the least.
        last.sort_unstable();
        let left = |at: Instant| WITHIN.checked_sub(now.saturating_duration_since(at));
        match last[0].and_then(left).filter(|left| !left.is_zero()) {
            Some(left) => Err(left),
            None => {
                last[0] = Some(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, SystemClock};

    #[test]
    fn five_within_a_minute_are_enough() {
        let (guesses, start) = (Guesses::default(), SystemClock.now());
        let at = |seconds| guesses.take(start + Duration::from_secs(seconds));
        for second in 0..5 {
            assert_eq!(at(second), Ok(()));
        }
        assert_eq!(at(5), Err(Duration::from_secs(55)));
        assert_eq!(at(60), Ok(()));
        assert_eq!(at(60), Err(Duration::from_secs(1)));
        assert_eq!((at(61), at(1000)), (Ok(()), Ok(())));
    }
}
