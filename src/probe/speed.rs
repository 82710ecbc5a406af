//! How fast a portal answers: a few samples, one after the other. No load test.

use std::time::Duration;

use url::Url;

use super::ask::Asker;

/// Samples: 5, the fewest that have a median which one slow answer does not move.
const SAMPLES: usize = 5;

/// How fast a portal answers, from asking to the last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speed {
    /// The one in the middle.
    pub median: Duration,
    /// The slowest.
    pub worst: Duration,
    /// How many there are.
    pub samples: usize,
}

/// Asks for the same a few times.
pub(super) async fn examine(asker: &Asker, url: &Url) -> Option<Speed> {
    let mut times = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        match asker.get(url).await {
            Ok(answer) => times.push(answer.took),
            Err(_) => break,
        }
    }
    of(times)
}

fn of(mut times: Vec<Duration>) -> Option<Speed> {
    times.sort_unstable();
    let samples = times.len();
    Some(Speed { median: *times.get(samples / 2)?, worst: *times.last()?, samples })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_and_the_worst_at_the_end() {
        let times = [9, 1, 500, 2, 3].map(Duration::from_millis).to_vec();
        let speed = of(times).expect("samples");
        assert_eq!((speed.median.as_millis(), speed.worst.as_millis()), (3, 500));
        assert_eq!(of(Vec::new()), None);
    }
}
