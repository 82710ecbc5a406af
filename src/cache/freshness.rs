//! Whether a response may be stored and reused: pure functions of the response, the request's
//! directives and the time. Nothing here reads a clock or a store.
//!
//! Two authorities exist. For JSONP dialects the *registry* decides: CKAN says `max-age=0` on
//! everything, and the operator knows better how often a catalogue changes. For everything else
//! the *origin server* decides, as RFC 9111 says.

use std::time::{Duration, Instant, SystemTime};

use http::header::{AGE, DATE, EXPIRES, HeaderName, LAST_MODIFIED, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::{Directives, StoredResponse, Validators, date, vary};

/// The longest heuristic lifetime: one day (RFC 9111 §4.2.2 leaves it to the cache; a file that
/// did not change for years may still change tomorrow).
const LONGEST_HEURISTIC: Duration = Duration::from_secs(24 * 3600);

/// Who decides how long a response is fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// The registry; the response may only refuse to be stored.
    Registry,
    /// The origin server, by RFC 9111.
    Origin,
}

/// Who decides, and the registry's figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Who decides.
    pub authority: Authority,
    /// Freshness lifetime of a good response; for [`Authority::Origin`], where the response says
    /// nothing itself.
    pub lifetime: Option<Duration>,
    /// Freshness lifetime of 404 and 410.
    pub not_found: Duration,
    /// Freshness lifetime of every other error answer.
    pub error: Duration,
    /// How long after that a response is reused while it is validated (RFC 5861 §3).
    pub stale_while_revalidate: Duration,
    /// How long after that a response is reused when the portal fails (RFC 5861 §4).
    pub stale_if_error: Duration,
    /// A client's `no-cache` validates a stored response at most once in this time.
    pub no_cache_pause: Duration,
    /// Whether content may be sent in codings of our own (RFC 9110 §7.7: a transformation).
    pub may_code: bool,
}

/// How long one response may be reused, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// The freshness lifetime (RFC 9111 §4.2.1).
    pub fresh: Duration,
    /// The corrected initial age (RFC 9111 §4.2.3).
    pub initial_age: Duration,
    /// The stale-while-revalidate window.
    pub while_revalidating: Duration,
    /// The stale-if-error window.
    pub if_error: Duration,
}

/// What to do with a stored response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Reuse it.
    Reuse,
    /// Reuse it, and validate it in the background.
    ReuseAndValidate,
    /// Validate it: it is stale.
    Validate,
    /// Validate it: the request's directives say so.
    ValidateForClient,
}

/// How long a response may be reused; `None` if it must not be stored. `authorized` says that the
/// request had an `Authorization` field.
#[must_use]
pub fn lifetime(
    policy: &Policy,
    authorized: bool,
    status: StatusCode,
    fields: &HeaderMap,
    validators: &Validators,
    received: SystemTime,
) -> Option<Lifetime> {
    let said = Directives::of_response(fields);
    // RFC 9111 §3: the response status code is final; 206 and 304 are not stored as they are.
    if status.is_informational() || matches!(status.as_u16(), 206 | 304) {
        return None;
    }
    // RFC 9111 §5.2.2.3: must-understand limits caching to a cache that understands the status
    // code; one that implements the directive ignores no-store if it does.
    let no_store = if said.must_understand { !is_understood(status) } else { said.no_store };
    // RFC 9111 §3: the no-store response directive is not present; if the cache is shared, the
    // private response directive is not present.
    if no_store || said.private || vary::by_everything(fields) {
        return None;
    }
    // RFC 9111 §3.5: a shared cache MUST NOT use a cached response to a request with an
    // Authorization field unless a directive allows it: must-revalidate, public and s-maxage do.
    if authorized && !(said.must_revalidate || said.public || said.s_maxage.is_some()) {
        return None;
    }
    match policy.authority {
        Authority::Registry => by_registry(policy, status),
        Authority::Origin => by_origin(policy, status, fields, &said, received)
            // What is always stale and cannot be validated is of no use.
            .filter(|l| !l.fresh.is_zero() || !l.if_error.is_zero() || !validators.is_empty()),
    }
}

/// What to do with a stored response for a request with these directives.
#[must_use]
pub fn decide(
    stored: &StoredResponse,
    request: &Directives,
    policy: &Policy,
    now: Instant,
) -> Decision {
    let age = stored.age(now);
    let Lifetime { fresh, while_revalidating, .. } = stored.lifetime;
    let left = fresh.saturating_sub(age);
    let too_old = request.max_age.is_some_and(|most| age > most || most.is_zero())
        || request.min_fresh.is_some_and(|least| left < least);
    if (request.no_cache || too_old) && stored.resident(now) >= policy.no_cache_pause {
        return Decision::ValidateForClient;
    }
    let stale_for = age.saturating_sub(fresh);
    if age < fresh {
        Decision::Reuse
    } else if stale_for < while_revalidating {
        Decision::ReuseAndValidate
    } else if request.max_stale.is_some_and(|most| stale_for <= most && may_be_stale(stored)) {
        Decision::Reuse
    } else {
        Decision::Validate
    }
}

/// RFC 5861 §4: whether a response may be reused when the origin server fails.
#[must_use]
pub fn usable_on_error(stored: &StoredResponse, now: Instant) -> bool {
    let stale_for = stored.age(now).saturating_sub(stored.lifetime.fresh);
    stale_for < stored.lifetime.if_error
}

/// RFC 9111 §4.2.4: a cache that is disconnected may serve a stale response, unless a directive
/// prohibits it. Error answers are never served stale.
#[must_use]
pub fn usable_offline(stored: &StoredResponse) -> bool {
    !stored.lifetime.if_error.is_zero()
}

/// RFC 5861 §4: an error is any situation that would result in a 500, 502, 503, or 504. The other
/// server errors, such as those that content networks make up, and 429 say as little of the content.
#[must_use]
pub fn is_error(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// Whether an answer that is not stored may still be told to all who wait for it: an error that is
/// meant for nobody in particular.
#[must_use]
pub fn may_tell_all(status: StatusCode, fields: &HeaderMap) -> bool {
    let said = Directives::of_response(fields);
    status.as_u16() >= 400
        && !(said.no_store || said.private || vary::by_everything(fields))
        && !fields.contains_key(SET_COOKIE)
}

/// The `Cache-Control` with which the registry's decision is handed on.
#[must_use]
pub fn cache_control(lifetime: &Lifetime) -> HeaderValue {
    use std::fmt::Write as _;
    let mut text = format!("public, max-age={}", lifetime.fresh.as_secs());
    for (name, window) in [
        ("stale-while-revalidate", lifetime.while_revalidating),
        ("stale-if-error", lifetime.if_error),
    ] {
        if !window.is_zero() {
            // Writing to a String cannot fail.
            let _ = write!(text, ", {name}={}", window.as_secs());
        }
    }
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("no-cache"))
}

/// RFC 9111 §4.2.4: whether no directive of the response prohibits to serve it stale.
fn may_be_stale(stored: &StoredResponse) -> bool {
    let said = Directives::of_response(&stored.fields.to_map(0));
    !(said.must_revalidate || said.proxy_revalidate || said.no_cache || said.s_maxage.is_some())
}

/// Statuses whose meaning for a cache is known: those that RFC 9110 and its relatives define.
fn is_understood(status: StatusCode) -> bool {
    status.canonical_reason().is_some()
}

fn by_registry(policy: &Policy, status: StatusCode) -> Option<Lifetime> {
    let good = |fresh| Lifetime {
        fresh,
        initial_age: Duration::ZERO,
        while_revalidating: policy.stale_while_revalidate,
        if_error: policy.stale_if_error,
    };
    // An error answer is kept for seconds and never served stale: the next request must be able
    // to see the portal recover.
    let bad = |fresh| Lifetime {
        fresh,
        initial_age: Duration::ZERO,
        while_revalidating: Duration::ZERO,
        if_error: Duration::ZERO,
    };
    match status.as_u16() {
        200 | 203 => policy.lifetime.map(good),
        404 | 410 => Some(bad(policy.not_found)),
        // The portal wants something of this one client, or asks everybody to wait.
        401 | 407 | 429 | 503 => None,
        400..=599 => Some(bad(policy.error)),
        _ => None,
    }
    .filter(|lifetime| !lifetime.fresh.is_zero() || !lifetime.if_error.is_zero())
}

fn by_origin(
    policy: &Policy,
    status: StatusCode,
    fields: &HeaderMap,
    said: &Directives,
    received: SystemTime,
) -> Option<Lifetime> {
    let date = http_date(fields, &DATE, received).unwrap_or(received);
    let explicit = explicit_lifetime(fields, said, date);
    let fresh = match explicit {
        // RFC 9111 §5.2.2.4: no-cache, the response MUST NOT be used without validation.
        _ if said.no_cache => Duration::ZERO,
        Some(explicit) => explicit,
        None if !heuristically_cacheable(status) && !said.public => return None,
        None => policy
            .lifetime
            .or_else(|| heuristic_lifetime(fields, date))
            .unwrap_or_default()
            .min(longest_unsaid(policy, status)),
    };
    // RFC 9111 §4.2.4: a cache MUST NOT generate a stale response if it is prohibited by an
    // explicit in-protocol directive; s-maxage implies proxy-revalidate (§5.2.2.10).
    let never_stale = said.no_cache
        || said.must_revalidate
        || said.proxy_revalidate
        || said.s_maxage.is_some()
        || status.as_u16() >= 400;
    let window = |said: Option<Duration>, else_: Duration| {
        if never_stale { Duration::ZERO } else { said.unwrap_or(else_) }
    };
    Some(Lifetime {
        fresh,
        initial_age: initial_age(fields, date, received),
        while_revalidating: window(said.stale_while_revalidate, policy.stale_while_revalidate),
        if_error: window(said.stale_if_error, policy.stale_if_error),
    })
}

/// The longest lifetime of a response that says nothing itself: an error may be over soon.
fn longest_unsaid(policy: &Policy, status: StatusCode) -> Duration {
    match status.as_u16() {
        404 | 410 => policy.not_found,
        400..=599 => policy.error,
        _ => Duration::MAX,
    }
}

/// Whether a response says itself how long it is fresh.
#[must_use]
pub fn is_explicit(fields: &HeaderMap) -> bool {
    explicit_lifetime(fields, &Directives::of_response(fields), SystemTime::UNIX_EPOCH).is_some()
}

/// RFC 9111 §4.2.1: s-maxage for a shared cache, else max-age, else Expires minus Date.
fn explicit_lifetime(fields: &HeaderMap, said: &Directives, date: SystemTime) -> Option<Duration> {
    if let Some(seconds) = said.s_maxage.or(said.max_age) {
        return Some(seconds);
    }
    if said.targeted {
        return None;
    }
    fields.get(EXPIRES)?;
    // RFC 9111 §5.3: a cache recipient MUST interpret invalid date formats, especially the value
    // "0", as representing a time in the past.
    let expires = http_date(fields, &EXPIRES, date);
    Some(expires.and_then(|e| e.duration_since(date).ok()).unwrap_or(Duration::ZERO))
}

/// RFC 9111 §4.2.2: a typical setting is a tenth of the time since the last modification.
fn heuristic_lifetime(fields: &HeaderMap, date: SystemTime) -> Option<Duration> {
    let modified = http_date(fields, &LAST_MODIFIED, date)?;
    date.duration_since(modified).ok().map(|since| (since / 10).min(LONGEST_HEURISTIC))
}

/// RFC 9110 §15.1: the statuses that are heuristically cacheable; 206 is left out, because ranges
/// are not stored.
fn heuristically_cacheable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

/// RFC 9111 §4.2.3: the greater of the apparent age and the `Age` field's value.
fn initial_age(fields: &HeaderMap, date: SystemTime, received: SystemTime) -> Duration {
    let apparent = received.duration_since(date).unwrap_or(Duration::ZERO);
    let said = fields
        .get(AGE)
        .and_then(|age| age.to_str().ok())
        .and_then(|age| age.split(',').next())
        .map(str::trim)
        .filter(|age| !age.is_empty() && age.bytes().all(|b| b.is_ascii_digit()))
        .map_or(Duration::ZERO, |age| {
            Duration::from_secs(u64::from(age.parse::<u32>().unwrap_or(u32::MAX >> 1)))
        });
    apparent.max(said)
}

fn http_date(fields: &HeaderMap, name: &HeaderName, now: SystemTime) -> Option<SystemTime> {
    date::parse(fields.get(name)?.to_str().ok()?, now)
}

#[cfg(test)]
#[path = "freshness_tests.rs"]
mod tests;
