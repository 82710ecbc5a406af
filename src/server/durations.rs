//! A histogram of durations that costs two additions for each: every answer is counted in it, on all
//! processors at once. It does not lock, so that what is read may be an answer apart.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// Upper bounds in milliseconds: from a memory hit to the longest time limit.
const BOUNDS: [u32; 10] = [1, 5, 20, 100, 250, 500, 1000, 5000, 15_000, 30_000];

/// How many took how long.
#[derive(Debug, Default)]
pub(super) struct Durations {
    /// By the first bound that is not exceeded; the last is for those that exceed all.
    counts: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

impl Durations {
    /// Counts one.
    pub(super) fn observe(&self, took: Duration) {
        let within = |bound: &u32| took <= Duration::from_millis(u64::from(*bound));
        let at = BOUNDS.iter().position(within).unwrap_or(BOUNDS.len());
        self.counts[at].fetch_add(1, Ordering::Relaxed);
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }
}

/// Writes it down.
#[derive(Debug)]
pub(super) struct DurationMetrics(pub(super) std::sync::Arc<Durations>);

impl Collector for DurationMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let bounds = BOUNDS.iter().map(|bound| f64::from(*bound) / 1000.0).chain([f64::INFINITY]);
        let counts = self.0.counts.iter().map(|count| count.load(Ordering::Relaxed));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let all = buckets.iter().map(|(_, count)| count).sum();
        let sum = Duration::from_micros(self.0.microseconds.load(Ordering::Relaxed));
        let (name, help) = ("answer_duration_seconds", "Time to the first byte of an answer");
        encoder
            .encode_descriptor(name, help, None, MetricType::Histogram)?
            .encode_histogram::<NoLabelSet>(sum.as_secs_f64(), all, &buckets, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    #[test]
    fn each_is_counted_within_its_bound_and_all_above() {
        let durations = std::sync::Arc::new(Durations::default());
        for milliseconds in [0, 1, 2, 100, 101, 40_000] {
            durations.observe(Duration::from_millis(milliseconds));
        }
        let mut registry = Registry::default();
        registry.register_collector(Box::new(DurationMetrics(durations)));
        let mut text = String::new();
        encode(&mut text, &registry).expect("text");
        for line in [
            "answer_duration_seconds_sum 40.204",
            "answer_duration_seconds_count 6",
            "answer_duration_seconds_bucket{le=\"0.001\"} 2",
            "answer_duration_seconds_bucket{le=\"0.1\"} 4",
            "answer_duration_seconds_bucket{le=\"30.0\"} 5",
            "answer_duration_seconds_bucket{le=\"+Inf\"} 6",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }
}
