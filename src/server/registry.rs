//! The registry as JSON: what portals there are, under which terms, and how they are doing. It
//! tells nothing that an operator keeps to herself: no addresses, no secrets.

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::cache::freshness::Authority;
use crate::gateway::Place;
use crate::portal::{Portal, Terms};
use crate::upstream::Health;

use super::Service;

/// All portals.
pub(super) fn all(service: &Service) -> Response {
    let portals: Vec<_> = service.gateway.places().map(|place| describe(service, place)).collect();
    answer(&json!({ "portals": portals }))
}

/// One portal.
pub(super) fn entry(service: &Service, place: &Place) -> Response {
    answer(&describe(service, place))
}

fn answer(value: &Value) -> Response {
    let mut text = format!("{value:#}");
    text.push('\n');
    let mut response = Response::new(Body::from(text));
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // Health changes from one second to the next.
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn describe(service: &Service, place: &Place) -> Value {
    let portal = &place.portal;
    let traits = portal.dialect.traits();
    let url = service.link(&format!("/p/{}/", portal.id));
    let examples: Vec<_> = portal.examples().iter().map(|path| format!("{url}{path}")).collect();
    let routes: Vec<_> = portal
        .routes
        .iter()
        .map(|route| {
            let mut policy = policy(portal, &route.terms);
            policy["path"] = json!(route.path.as_str());
            policy
        })
        .collect();
    let mut policy = policy(portal, &portal.terms);
    policy["routes"] = json!(routes);
    json!({
        "id": portal.id.as_str(),
        "title": portal.title,
        "country": portal.country,
        "software": portal.software.as_deref().unwrap_or(traits.name),
        "dialect": traits.name,
        "unverified": !traits.recorded,
        "notes": portal.notes,
        "home": portal.home.as_ref().map(url::Url::as_str),
        "base": portal.folder.is_none().then(|| portal.base.to_string()),
        "ask": portal.asking.way.to_string(),
        "licence": portal.licence,
        "attribution": portal.attribution,
        "url": url,
        "policy": policy,
        "health": health(place.health()),
        "examples": examples,
    })
}

fn policy(portal: &Portal, terms: &Terms) -> Value {
    // The lifetime of an unnamed path: CKAN's own figures differ for a few actions.
    let cache = terms.cache_policy(portal.dialect, "");
    let decides = match portal.dialect.traits().authority {
        Authority::Registry => "registry",
        Authority::Origin => "portal",
    };
    json!({
        "freshness": {
            "decided_by": decides,
            "default_s": cache.lifetime.map(|lifetime| lifetime.as_secs()),
            "not_found_s": cache.not_found.as_secs(),
            "error_s": cache.error.as_secs(),
            "stale_while_revalidate_s": cache.stale_while_revalidate.as_secs(),
            "stale_if_error_s": cache.stale_if_error.as_secs(),
        },
        "cors": { "origins": terms.cors.describe() },
        "limits": {
            "json_bytes": terms.limits.json_bytes,
            "file_bytes": terms.limits.file_bytes,
            "total_time_s": terms.limits.total_time.as_secs_f64(),
        },
    })
}

fn health(health: Health) -> Value {
    match health {
        Health::Ok => json!({ "state": "ok" }),
        Health::Failing => json!({ "state": "failing" }),
        Health::Suspended(left) => {
            json!({ "state": "suspended", "retry_after_s": left.as_secs() + 1 })
        }
    }
}
