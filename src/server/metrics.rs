//! What is counted. Labels come from fixed sets only (configured portals, known methods, status
//! classes, cache results, problem types), so that no request can add a series. How it is written down for
//! each portal is in `portal_metrics`; docs/operations.md explains every name.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::{Method, StatusCode};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::cache::{DiskTier, Tiers};
use crate::gateway::Place;

use super::disk_metrics::DiskMetrics;
use super::durations::{DurationMetrics, Durations};
use super::portal_metrics::{PortalMetrics, Portals};
use super::process_metrics::ProcessMetrics;

/// The label values.
const METHODS: [&str; 4] = ["GET", "HEAD", "OPTIONS", "other"];
pub(super) const STATUSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];
pub(super) const CACHE_RESULTS: [&str; 8] =
    ["hit", "stale", "collapsed", "uri-miss", "vary-miss", "request", "method", "bypass"];
/// The problem types; the first is for those that have none.
pub(super) const PROBLEMS: [&str; 21] = [
    "about:blank",
    "unknown-portal",
    "invalid-path",
    "target-not-allowed",
    "action-not-allowed",
    "invalid-content",
    "bad-request",
    "loop-detected",
    "address-prohibited",
    "portal-unresolvable",
    "portal-unreachable",
    "portal-timeout",
    "portal-failed",
    "response-too-large",
    "response-incomplete",
    "not-jsonp",
    "portal-suspended",
    "busy",
    "too-many-requests",
    "offline",
    "internal",
];

/// The label of what belongs to no portal.
pub(super) const NO_PORTAL: &str = "-";

/// How a request was answered: set by handlers, read for log, metrics and `Server-Timing`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Account {
    /// What the cache did, from a fixed set.
    pub cache: Option<&'static str>,
    /// The problem's name, from a fixed set.
    pub problem: Option<&'static str>,
    /// How long the portal took, if it was asked.
    pub portal_time: Option<Duration>,
}

/// What is counted of one portal, or of all that belongs to none.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub statuses: [AtomicU64; STATUSES.len()],
    pub cache_results: [AtomicU64; CACHE_RESULTS.len()],
    pub problems: [AtomicU64; PROBLEMS.len()],
    pub sent_bytes: AtomicU64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: Word,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MethodLabel {
    method: Word,
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
    counts: RwLock<HashMap<String, Arc<Counts>>>,
    methods: [Counter; METHODS.len()],
    durations: Arc<Durations>,
    memory: MemoryGauges,
    draining: Gauge,
    reloaded: Counter,
    not_reloaded: Counter,
    /// Connections open now.
    pub connections: Gauge,
    /// Requests that a bug of ours cost.
    pub panics: Counter,
    /// Requests to the administration without the right token.
    pub admin_failures: Counter,
}

#[derive(Debug, Default)]
struct MemoryGauges {
    entries: Gauge,
    bytes: Gauge,
    capacity: Gauge,
}

impl Counts {
    fn answered(&self, status: StatusCode, told: &Account, bytes: Option<u64>) {
        let class = usize::from(status.as_u16() / 100).clamp(2, 5) - 2;
        add(&self.statuses[class], 1);
        if let Some(at) = told.cache.and_then(|cache| position(&CACHE_RESULTS, cache)) {
            add(&self.cache_results[at], 1);
        }
        if let Some(problem) = told.problem {
            add(&self.problems[position(&PROBLEMS, problem).unwrap_or(0)], 1);
        }
        add(&self.sent_bytes, bytes.unwrap_or(0));
    }
}

impl Metrics {
    pub(super) fn new(disk: Option<&DiskTier>) -> Self {
        let mut registry = Registry::with_prefix("unpad");
        if let Some(disk) = disk {
            registry.register_collector(Box::new(DiskMetrics(disk.clone())));
        }
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program", build);
        let methods = Family::<MethodLabel, Counter>::default();
        registry.register("requests", "Requests answered", methods.clone());
        let methods = METHODS
            .map(|method| methods.get_or_create_owned(&MethodLabel { method: Word(method) }));
        let durations = Arc::<Durations>::default();
        registry.register_collector(Box::new(DurationMetrics(Arc::clone(&durations))));
        let memory = MemoryGauges::default();
        let help = "Stored responses in memory";
        registry.register("cache_memory_entries", help, memory.entries.clone());
        registry.register("cache_memory_bytes", "Their weight in bytes", memory.bytes.clone());
        let help = "Bytes that they may weigh";
        registry.register("cache_memory_capacity_bytes", help, memory.capacity.clone());
        let (connections, draining) = (Gauge::default(), Gauge::default());
        registry.register("connections", "Open client connections", connections.clone());
        let help = "Whether the process is ending";
        registry.register("draining", help, draining.clone());
        let reloads = Family::<ResultLabel, Counter>::default();
        registry.register("reloads", "Times the registry was read again", reloads.clone());
        // A series that begins with 1 would not be seen to rise.
        let [reloaded, not_reloaded] = ["ok", "refused"]
            .map(|result| reloads.get_or_create_owned(&ResultLabel { result: Word(result) }));
        let (panics, admin_failures) = (Counter::default(), Counter::default());
        registry.register("panics", "Requests that a bug of ours cost", panics.clone());
        let help = "Requests to the administration without the right token";
        registry.register("admin_failures", help, admin_failures.clone());
        let counts = RwLock::default();
        Self {
            registry,
            counts,
            methods,
            durations,
            memory,
            draining,
            reloaded,
            not_reloaded,
            connections,
            panics,
            admin_failures,
        }
    }

    /// Counts one answer. `portal` is a configured id or [`NO_PORTAL`].
    pub(super) fn answered(
        &self,
        portal: &str,
        method: &Method,
        status: StatusCode,
        told: &Account,
        bytes: Option<u64>,
        took: Duration,
    ) {
        self.with(portal, |counts| counts.answered(status, told, bytes));
        let method = match *method {
            Method::GET => 0,
            Method::HEAD => 1,
            Method::OPTIONS => 2,
            _ => 3,
        };
        self.methods[method].inc();
        self.durations.observe(took);
    }

    /// Counts something of a portal's. Its id is copied once.
    fn with(&self, portal: &str, count: impl Fn(&Counts)) {
        if let Some(counts) = self.counts.read().unwrap_or_else(PoisonError::into_inner).get(portal)
        {
            return count(counts);
        }
        let mut all = self.counts.write().unwrap_or_else(PoisonError::into_inner);
        count(all.entry(portal.to_owned()).or_default());
    }

    /// What was counted of a portal.
    pub(super) fn of(&self, portal: &str) -> Arc<Counts> {
        let all = self.counts.read().unwrap_or_else(PoisonError::into_inner);
        all.get(portal).map(Arc::clone).unwrap_or_default()
    }

    /// How often a portal's answers came about in each way of the cache's.
    pub(super) fn answers_by_cache(&self, portal: &str) -> Vec<(&'static str, u64)> {
        let counts = self.of(portal);
        let all = CACHE_RESULTS.into_iter().zip(&counts.cache_results);
        all.map(|(cache, count)| (cache, count.load(Ordering::Relaxed))).collect()
    }

    /// Counts a reload.
    pub(super) fn reloaded(&self, done: bool) {
        if done {
            self.reloaded.inc()
        } else {
            self.not_reloaded.inc()
        };
    }

    /// The text format, with the gauges as they are now. Portals that are gone are not told of.
    pub(super) fn render<'a>(
        &self,
        tiers: &Tiers,
        draining: bool,
        places: impl Iterator<Item = &'a Place>,
    ) -> String {
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let usage = tiers.memory.usage();
        self.memory.entries.set(gauge(usage.entries));
        self.memory.bytes.set(gauge(usage.bytes));
        self.memory.capacity.set(gauge(usage.capacity));
        self.draining.set(i64::from(draining));
        let portals = Portals::of(places, |id| self.of(id));
        let mut ours = Registry::with_prefix("unpad");
        ours.register_collector(Box::new(PortalMetrics(portals)));
        let mut process = Registry::with_prefix("process");
        process.register_collector(Box::new(ProcessMetrics));
        let mut text = String::new();
        // Writing to a String cannot fail.
        for registry in [&self.registry, &ours, &process] {
            let _ = encode_registry(&mut text, registry);
        }
        let _ = encode_eof(&mut text);
        text
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

fn position(all: &[&str], word: &str) -> Option<usize> {
    all.iter().position(|other| *other == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_type_has_a_place() {
        let code = include_str!("problem.rs");
        let named = code.split("Problem::new(").skip(1).filter_map(|call| {
            let (name, _) = call.trim_start().strip_prefix('"')?.split_once('"')?;
            Some(name)
        });
        for name in named {
            assert!(PROBLEMS.contains(&name), "add `{name}` to PROBLEMS");
        }
    }

    #[test]
    fn a_portal_comes_to_fifty_series_at_most() {
        let metrics = Metrics::new(None);
        let methods = ["GET", "HEAD", "OPTIONS", "POST", "PURGE"];
        for method in methods.map(|method| method.parse().expect("a method")) {
            for status in [100, 200, 304, 404, 503, 999] {
                let status = StatusCode::from_u16(status).expect("a status");
                for cache in CACHE_RESULTS.map(Some).into_iter().chain([None]) {
                    for problem in PROBLEMS.map(Some).into_iter().chain([None]) {
                        let told = Account { cache, problem, portal_time: None };
                        metrics.answered("city", &method, status, &told, Some(1), Duration::ZERO);
                    }
                }
            }
        }
        let mut registry = Registry::with_prefix("unpad");
        let portals = Portals::example("city", metrics.of("city"));
        registry.register_collector(Box::new(PortalMetrics(portals)));
        let mut text = String::new();
        encode_registry(&mut text, &registry).expect("text");
        let series = text.lines().filter(|line| line.contains("portal=\"city\"")).count();
        assert!((20..=50).contains(&series), "{series} series:\n{text}");
    }
}
