//! What is counted. Labels come from fixed sets only (configured portals, known methods, status
//! classes, cache results), so that no request can add a series.

use std::time::Duration;

use http::{Method, StatusCode};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::cache::{DiskTier, Usage};
use crate::gateway::Place;
use crate::upstream::Health;

use super::disk_metrics::DiskMetrics;

/// Upper bounds of the duration histogram in seconds: from a memory hit to the longest time limit.
const BUCKETS: [f64; 10] = [0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 30.0];

/// The label values of methods, statuses and cache results.
const METHODS: [&str; 4] = ["GET", "HEAD", "OPTIONS", "other"];
const STATUSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const CACHE_RESULTS: [&str; 8] =
    ["hit", "stale", "collapsed", "uri-miss", "vary-miss", "request", "method", "bypass"];

/// How a request was answered: set by handlers, read for log and metrics.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Account {
    /// What the cache did, from a fixed set.
    pub cache: Option<&'static str>,
    /// The problem's name, from a fixed set.
    pub problem: Option<&'static str>,
}

/// The labels of one answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Labels {
    portal: String,
    method: Word,
    status: Word,
    cache: Word,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PortalLabel {
    portal: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: Word,
}

/// A label value from a fixed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Word(&'static str);

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.0, encoder)
    }
}

/// The counters.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    answers: Family<Labels, Counter>,
    durations: Histogram,
    entries: Gauge,
    bytes: Gauge,
    suspended: Family<PortalLabel, Gauge>,
    reloads: Family<ResultLabel, Counter>,
    /// Connections open now.
    pub connections: Gauge,
}

impl Labels {
    /// `portal` is a configured id or `-`; `cache` is a word of the cache's.
    pub(super) fn new(
        portal: &str,
        method: &Method,
        status: StatusCode,
        cache: &'static str,
    ) -> Self {
        let method = match *method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::OPTIONS => "OPTIONS",
            _ => "other",
        };
        let status = match status.as_u16() {
            ..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        let portal = portal.to_owned();
        Self { portal, method: Word(method), status: Word(status), cache: Word(cache) }
    }
}

impl Metrics {
    pub(super) fn new(disk: Option<&DiskTier>) -> Self {
        let mut registry = Registry::with_prefix("unpad");
        if let Some(disk) = disk {
            registry.register_collector(Box::new(DiskMetrics(disk.clone())));
        }
        let answers = Family::default();
        registry.register("answers", "Answers given", answers.clone());
        let durations = Histogram::new(BUCKETS);
        let help = "Time to the first byte of an answer";
        registry.register("answer_duration_seconds", help, durations.clone());
        let (entries, bytes, connections) = (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register("cache_entries", "Stored responses in memory", entries.clone());
        registry.register("cache_bytes", "Their weight in bytes", bytes.clone());
        registry.register("connections", "Open client connections", connections.clone());
        let suspended = Family::default();
        let help = "Whether a portal is left alone because it fails";
        registry.register("portal_suspended", help, suspended.clone());
        let reloads = Family::default();
        registry.register("reloads", "Times the registry was read again", reloads.clone());
        Self { registry, answers, durations, entries, bytes, suspended, reloads, connections }
    }

    /// Counts one answer.
    pub(super) fn answered(&self, labels: &Labels, took: Duration) {
        self.answers.get_or_create(labels).inc();
        self.durations.observe(took.as_secs_f64());
    }

    /// How often a portal's answers came about in each way of the cache's.
    pub(super) fn answers_by_cache(&self, portal: &str) -> Vec<(&'static str, u64)> {
        let count = |cache| {
            let of_cache = METHODS.iter().flat_map(|method| {
                STATUSES.iter().map(move |status| Labels {
                    portal: portal.to_owned(),
                    method: Word(method),
                    status: Word(status),
                    cache: Word(cache),
                })
            });
            let counts = of_cache.filter_map(|labels| Some(self.answers.get(&labels)?.get()));
            (cache, counts.sum())
        };
        CACHE_RESULTS.into_iter().map(count).collect()
    }

    /// Counts a reload. Portals that are gone are no longer told of.
    pub(super) fn reloaded(&self, done: bool) {
        let result = Word(if done { "ok" } else { "refused" });
        self.reloads.get_or_create(&ResultLabel { result }).inc();
        self.suspended.clear();
    }

    /// The text format, with the gauges as they are now.
    pub(super) fn render<'a>(
        &self,
        usage: Usage,
        places: impl Iterator<Item = &'a Place>,
    ) -> String {
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.entries.set(gauge(usage.entries));
        self.bytes.set(gauge(usage.bytes));
        for place in places {
            let portal = place.portal.id.to_string();
            let suspended = matches!(place.health(), Health::Suspended(_));
            self.suspended.get_or_create(&PortalLabel { portal }).set(i64::from(suspended));
        }
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
