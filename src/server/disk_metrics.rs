//! The disk tier's figures as metrics, read when somebody asks. It counts nothing itself.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::cache::DiskTier;

/// Reads the figures of a disk tier.
#[derive(Debug)]
pub(super) struct DiskMetrics(pub(super) DiskTier);

impl Collector for DiskMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let (usage, counters) = (self.0.usage(), self.0.counters());
        let gauge = |value: u64| ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
        for (name, help, value) in [
            ("cache_disk_entries", "Entries on disk", usage.entries),
            ("cache_disk_bytes", "Bytes of disk blocks that they take", usage.bytes),
            ("cache_disk_budget_bytes", "Bytes that they may take", usage.budget),
        ] {
            let gauge = gauge(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        for (name, help, value) in [
            ("cache_disk_stored", "Entries written", counters.stored),
            (
                "cache_disk_dropped",
                "Entries not written: too many, too large, a failing disk",
                counters.dropped,
            ),
            ("cache_disk_evicted", "Entries deleted to make room", counters.evicted),
            ("cache_disk_damaged", "Entries deleted because they did not verify", counters.damaged),
            ("cache_disk_slow", "Look-ups that the disk did not answer in time", counters.slow),
            ("cache_disk_read_errors", "Reads that failed", counters.read_errors),
            ("cache_disk_write_errors", "Writes and deletions that failed", counters.write_errors),
        ] {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(
                name,
                help,
                None,
                counter.metric_type(),
            )?)?;
        }
        Ok(())
    }
}
