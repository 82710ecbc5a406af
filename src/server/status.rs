//! How the portals are doing, in figures for people who look: the page's status view. What Prometheus
//! reads is in `metrics`.

use std::time::Duration;

use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cache::DiskTier;
use crate::gateway::Place;

use super::registry::Health;
use super::{Service, json, problem};

/// How the gateway and its portals are doing.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Status<'a> {
    /// The program's version.
    version: &'static str,
    /// Seconds since the start.
    uptime_s: f64,
    /// Whether portals are not asked at all.
    offline: bool,
    /// What is stored in memory.
    memory: Stored,
    /// What is stored on disk; null without a disk tier.
    disk: Option<Stored>,
    /// All portals, in the order of the registry.
    portals: Vec<PortalStatus<'a>>,
}

/// How much is stored.
#[derive(Debug, Serialize, JsonSchema)]
struct Stored {
    entries: u64,
    bytes: u64,
}

/// How a portal is doing, since the start.
#[derive(Debug, Serialize, JsonSchema)]
struct PortalStatus<'a> {
    id: &'a str,
    title: Option<&'a str>,
    /// Where its paths begin here.
    url: String,
    health: Health,
    /// Answers handed on: neither preflights nor problems.
    answers: u64,
    /// Those for which the portal was not asked anew: stored, or fetched for somebody else at the time.
    hits: u64,
    /// Hits by answers; null before the first answer.
    hit_ratio: Option<f64>,
    /// How long the portal took; null if it has not been asked.
    portal_ms: Option<Times>,
    /// What went wrong last; null if nothing has.
    last_error: Option<LastError>,
}

/// How long the portal took to begin its last 128 answers, in milliseconds.
#[derive(Debug, Serialize, JsonSchema)]
struct Times {
    median: u64,
    p95: u64,
    /// Answers since the start.
    count: u64,
}

/// What went wrong last with a portal.
#[derive(Debug, Serialize, JsonSchema)]
struct LastError {
    /// The problem type's name.
    r#type: &'static str,
    title: &'static str,
    detail: String,
    /// When (RFC 3339).
    at: String,
}

/// Tells it.
pub(super) fn answer(service: &Service) -> Response {
    let memory = service.tiers.memory.usage();
    let disk = service.tiers.disk.as_ref().map(DiskTier::usage);
    let places = service.gateway.places();
    json(&Status {
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: service.uptime().as_secs_f64(),
        offline: service.gateway.is_offline(),
        memory: Stored { entries: memory.entries, bytes: memory.bytes },
        disk: disk.map(|usage| Stored { entries: usage.entries, bytes: usage.bytes }),
        portals: places.map(|place| PortalStatus::of(service, place)).collect(),
    })
}

impl<'a> PortalStatus<'a> {
    fn of(service: &Service, place: &'a Place) -> Self {
        let portal = &*place.portal;
        let by_cache = service.metrics.answers_by_cache(portal.id.as_str());
        let answers: u64 = by_cache.iter().map(|(_, count)| count).sum();
        let is_hit = |word: &str| matches!(word, "hit" | "stale" | "collapsed");
        let hits = by_cache.iter().filter(|(word, _)| is_hit(word)).map(|(_, count)| count).sum();
        Self {
            id: portal.id.as_str(),
            title: portal.title.as_deref(),
            url: service.link(&format!("/p/{}/", portal.id)),
            health: Health::of(place),
            answers,
            hits,
            hit_ratio: ratio(hits, answers),
            portal_ms: place.times().map(|times| Times {
                median: milliseconds(times.median),
                p95: milliseconds(times.p95),
                count: times.answers,
            }),
            last_error: place.failure().map(|(error, at)| {
                let (title, detail) = problem::of(&error, place).told();
                let at = humantime::format_rfc3339_seconds(at).to_string();
                LastError { r#type: error.kind(), title, detail, at }
            }),
        }
    }
}

/// To three decimals, as nobody reads more.
fn ratio(part: u64, whole: u64) -> Option<f64> {
    let thousandths = (part * 1000).checked_div(whole)?;
    u32::try_from(thousandths).ok().map(|thousandths| f64::from(thousandths) / 1000.0)
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
