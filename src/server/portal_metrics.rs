//! What is known of each portal, as metrics: what was counted here, how it is doing and how much it is
//! asked for, read when somebody asks. It counts nothing itself.
//!
//! **Invariant:** a portal comes to 50 series at most. There is no histogram for each: the mean is the
//! seconds by the fetches, and `/status` has percentiles.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::gateway::{Fetches, Place};
use crate::portal::OpenTargets;
use crate::upstream::{Health, Load};

use super::metrics::{CACHE_RESULTS, Counts, NO_PORTAL, PROBLEMS, STATUSES};

/// Writes the figures of portals.
#[derive(Debug)]
pub(super) struct PortalMetrics(pub(super) Portals);

/// Portals, and what is known of them at a moment.
#[derive(Debug)]
pub(super) struct Portals(Vec<Portal>);

#[derive(Debug)]
struct Portal {
    id: String,
    counts: Arc<Counts>,
    /// `None` for what is no portal: requests that belong to none, or to targets without an entry.
    place: Option<(Health, Load, Fetches)>,
}

impl Portals {
    /// The portals of these places, and what belongs to none of them.
    pub(super) fn of<'a>(
        places: impl Iterator<Item = &'a Place>,
        counts: impl Fn(&str) -> Arc<Counts>,
    ) -> Self {
        let others = [NO_PORTAL, OpenTargets::ID].map(|id| Portal {
            id: id.to_owned(),
            counts: counts(id),
            place: None,
        });
        let portals = places.map(|place| Portal {
            id: place.portal.id.to_string(),
            counts: counts(place.portal.id.as_str()),
            place: Some((place.health(), place.load(), place.fetches())),
        });
        Self(portals.chain(others).collect())
    }

    #[cfg(test)]
    pub(super) fn example(id: &str, counts: Arc<Counts>) -> Self {
        let place = Some((Health::Failing, Load::default(), Fetches::default()));
        Self(vec![Portal { id: id.to_owned(), counts, place }])
    }
}

impl Collector for PortalMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.counted(&mut encoder)?;
        self.fetched(&mut encoder)?;
        self.gauges(&mut encoder)
    }
}

impl PortalMetrics {
    fn counted(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let name = ("answers", "Answers given, by status class");
        self.by_word(encoder, name, "status", &STATUSES, |counts| &counts.statuses)?;
        let name = ("cache_results", "Answers of portals, by what the cache did");
        self.by_word(encoder, name, "result", &CACHE_RESULTS, |counts| &counts.cache_results)?;
        let name = ("problems", "Problem documents given, by type");
        self.by_word(encoder, name, "problem", &PROBLEMS, |counts| &counts.problems)?;
        let help = "Bytes of content of answers whose length is known when they begin";
        let counter = MetricType::Counter;
        let mut family = encoder.encode_descriptor("sent_bytes", help, None, counter)?;
        for portal in &self.0.0 {
            count(&mut family, &[("portal", &portal.id)], read(&portal.counts.sent_bytes))?;
        }
        Ok(())
    }

    /// One counter by a word. What has not happened has no series.
    fn by_word<const N: usize>(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help): (&str, &str),
        label: &str,
        words: &[&'static str; N],
        counters: impl Fn(&Counts) -> &[AtomicU64; N],
    ) -> Result<(), std::fmt::Error> {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for portal in &self.0.0 {
            for (word, counter) in words.iter().zip(counters(&portal.counts)) {
                let counted = read(counter);
                if counted > 0 {
                    count(&mut family, &[("portal", &portal.id), (label, word)], counted)?;
                }
            }
        }
        Ok(())
    }

    fn fetched(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let counter = MetricType::Counter;
        let help = "Fetches from portals, by what became of them";
        let mut family = encoder.encode_descriptor("portal_fetches", help, None, counter)?;
        for (id, (_, _, fetches)) in self.places() {
            for (outcome, counted) in [
                ("answered", fetches.answered),
                ("failed", fetches.failed),
                ("refused", fetches.refused),
            ] {
                count(&mut family, &[("portal", id), ("outcome", outcome)], counted)?;
            }
        }
        let help = "Time that these fetches took";
        let mut family = encoder.encode_descriptor("portal_fetch_seconds", help, None, counter)?;
        for (id, (_, _, fetches)) in self.places() {
            let seconds = ConstCounter::new(fetches.time.as_secs_f64());
            seconds.encode(family.encode_family(&[("portal", id)])?)?;
        }
        let help = "Bytes of content received from portals";
        let name = "portal_received_bytes";
        let mut family = encoder.encode_descriptor(name, help, None, counter)?;
        for (id, (_, load, _)) in self.places() {
            count(&mut family, &[("portal", id)], load.received)?;
        }
        Ok(())
    }

    fn gauges(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        type Read = fn(&Health, &Load) -> usize;
        let gauges: [(&str, &str, Read); 5] = [
            ("portal_suspended", "Whether a portal is left alone because it fails", |health, _| {
                usize::from(matches!(health, Health::Suspended(_)))
            }),
            ("portal_failing", "Whether a portal's last fetch failed", |health, _| {
                usize::from(matches!(health, Health::Failing))
            }),
            ("portal_fetching", "Fetches under way", |_, load| load.fetching),
            ("portal_waiting", "Fetches that wait for their turn", |_, load| load.waiting),
            ("portal_streaming", "Long contents under way at their clients' pace", |_, load| {
                load.streaming
            }),
        ];
        for (name, help, read) in gauges {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (id, (health, load, _)) in self.places() {
                let gauge = ConstGauge::new(i64::try_from(read(health, load)).unwrap_or(i64::MAX));
                gauge.encode(family.encode_family(&[("portal", id)])?)?;
            }
        }
        Ok(())
    }

    fn places(&self) -> impl Iterator<Item = (&str, &(Health, Load, Fetches))> {
        self.0.0.iter().filter_map(|portal| Some((portal.id.as_str(), portal.place.as_ref()?)))
    }
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn count(
    family: &mut MetricEncoder<'_>,
    labels: &[(&str, &str)],
    counted: u64,
) -> Result<(), std::fmt::Error> {
    ConstCounter::new(counted).encode(family.encode_family(&labels)?)
}
