//! Terms laid over each other: built-in ones, the file's defaults, a portal's, one of its routes'.

use tokio::sync::Semaphore;

use crate::cache::freshness::Authority;
use crate::cors;
use crate::portal::{self, FieldRules, Terms};
use crate::upstream;

use super::section;
use super::value::{OriginRules, Size, Time};

/// The terms that a portal of a dialect begins with.
pub(super) fn dialect_terms(
    defaults: &Terms,
    dialect: portal::Dialect,
    fields: &FieldRules,
) -> Terms {
    let mut base = defaults.clone();
    if dialect.traits().authority == Authority::Origin {
        // Where the portal decides freshness, only what is said of this very portal may add to it.
        base.freshness.default = None;
        base.freshness.stale_while_revalidate = None;
    }
    if dialect == portal::Dialect::Transparent {
        // An operator's own origin server gets every request, and clients get what it says.
        base.limits.failures = 0;
    }
    // What passes is of no use to a page that may not read it.
    let cors = std::mem::take(&mut base.cors);
    base.cors = match dialect {
        portal::Dialect::Transparent => cors.exposing_all().with_methods(cors::Methods::Any),
        _ if dialect.takes_post() => cors.with_methods(cors::Methods::ReadingAndPost),
        _ if fields.any_response => cors.exposing_all(),
        _ => cors.exposing(&fields.response),
    };
    base
}

pub(super) fn terms(
    base: &Terms,
    over: &section::Freshness,
    limits_over: &section::Limits,
    cors_over: &section::Cors,
    at: &str,
) -> Result<Terms, String> {
    Ok(Terms {
        freshness: freshness(&base.freshness, over),
        limits: limits(&base.limits, limits_over),
        cors: cors(&base.cors, cors_over, &format!("{at}.cors"))?,
    })
}

pub(super) fn freshness(base: &portal::Freshness, over: &section::Freshness) -> portal::Freshness {
    let time = |over: Option<Time>| over.map(|time| time.0);
    portal::Freshness {
        default: time(over.default).or(base.default),
        not_found: time(over.not_found).unwrap_or(base.not_found),
        error: time(over.error).unwrap_or(base.error),
        stale_while_revalidate: time(over.stale_while_revalidate).or(base.stale_while_revalidate),
        stale_if_error: time(over.stale_if_error).unwrap_or(base.stale_if_error),
    }
}

pub(super) fn limits(base: &upstream::Limits, over: &section::Limits) -> upstream::Limits {
    let time = |over: Option<Time>, base| over.map_or(base, |time| time.0);
    upstream::Limits {
        json_bytes: size(over.json_bytes, base.json_bytes),
        file_bytes: over.file_bytes.map_or(base.file_bytes, |size| size.0),
        ratio: over.ratio.unwrap_or(base.ratio),
        field_bytes: size(over.field_bytes, base.field_bytes),
        connect_time: time(over.connect_time, base.connect_time),
        first_byte_time: time(over.first_byte_time, base.first_byte_time),
        idle_time: time(over.idle_time, base.idle_time),
        buffer_time: time(over.buffer_time, base.buffer_time),
        total_time: time(over.total_time, base.total_time),
        redirects: over.redirects.unwrap_or(base.redirects),
        // More permits than a semaphore has are as good as all of them.
        concurrency: over.concurrency.unwrap_or(base.concurrency).min(Semaphore::MAX_PERMITS),
        queue: over.queue.unwrap_or(base.queue),
        queue_time: time(over.queue_time, base.queue_time),
        rate: over.rate.unwrap_or(base.rate),
        failures: over.failures.unwrap_or(base.failures),
    }
}

pub(super) fn cors(
    base: &cors::Policy,
    over: &section::Cors,
    at: &str,
) -> Result<cors::Policy, String> {
    let origins = over.origins.as_ref().map_or(base.origins(), |OriginRules(rules)| rules);
    let credentials = over.credentials.unwrap_or(base.credentials());
    let max_age = over.max_age.map_or(base.max_age(), |time| time.0);
    base.refined(origins.clone(), credentials, max_age).map_err(|error| format!("{at}: {error}"))
}

pub(super) fn size(over: Option<Size>, base: usize) -> usize {
    over.map_or(base, |size| usize::try_from(size.0).unwrap_or(usize::MAX))
}
