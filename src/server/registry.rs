//! The registry as JSON: what portals there are, under which terms, and how they are doing. It
//! tells nothing that an operator keeps to herself: no addresses, no secrets.

use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cache::freshness::Authority;
use crate::gateway::Place;
use crate::portal::{Portal, Terms};
use crate::upstream::Health as SiteHealth;

use super::{Service, json};

/// The registry.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Portals<'a> {
    /// All portals, in the order of the registry.
    portals: Vec<Entry<'a>>,
}

/// A portal.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Portal")]
pub(super) struct Entry<'a> {
    /// Its name in paths.
    id: &'a str,
    /// Its name for people.
    title: Option<&'a str>,
    /// Its country (ISO 3166-1).
    country: Option<&'a str>,
    /// The software it runs.
    software: &'a str,
    /// How it is asked.
    dialect: &'a str,
    /// Whether nobody has held this dialect against answers of the software.
    unverified: bool,
    /// What is known of it, for people.
    notes: Option<&'a str>,
    /// Its home page.
    home: Option<&'a str>,
    /// Where its own paths begin; null for a folder.
    base: Option<String>,
    /// `jsonp`, `json` or `auto`.
    ask: String,
    /// An SPDX identifier or a URL.
    licence: Option<&'a str>,
    /// Whom to name as the source.
    attribution: Option<&'a str>,
    /// Where its paths begin here.
    url: String,
    policy: Policy<'a>,
    health: Health,
    /// URLs to try.
    examples: Vec<String>,
}

/// The terms under which answers are handed on.
#[derive(Debug, Serialize, JsonSchema)]
struct Policy<'a> {
    #[serde(flatten)]
    terms: Conditions,
    /// Refinements, of which the first whose pattern a path matches counts.
    routes: Vec<Route<'a>>,
}

/// Terms for some paths.
#[derive(Debug, Serialize, JsonSchema)]
struct Route<'a> {
    #[serde(flatten)]
    terms: Conditions,
    /// A regular expression on the portal's path, with its leading slash.
    path: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Conditions {
    freshness: Freshness,
    cors: Cors,
    limits: Limits,
}

/// How long answers are fresh, in seconds.
#[derive(Debug, Serialize, JsonSchema)]
struct Freshness {
    /// `registry` or `portal`.
    decided_by: &'static str,
    /// Where nothing else is said; null where only the portal says.
    default_s: Option<u64>,
    not_found_s: u64,
    error_s: u64,
    stale_while_revalidate_s: u64,
    stale_if_error_s: u64,
}

/// Who may read answers from a page.
#[derive(Debug, Serialize, JsonSchema)]
struct Cors {
    /// Origins, or `*`.
    origins: Vec<String>,
}

/// What a portal's answer may have.
#[derive(Debug, Serialize, JsonSchema)]
struct Limits {
    json_bytes: usize,
    file_bytes: u64,
    total_time_s: f64,
}

/// How a portal is doing.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Health {
    /// `ok`, `failing` (its last fetches failed) or `suspended` (it is left alone for a while).
    state: &'static str,
    /// Seconds until a suspended portal is asked again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
}

/// All portals.
pub(super) fn all(service: &Service) -> Response {
    let places = service.gateway.places();
    json(&Portals { portals: places.map(|place| Entry::of(service, place)).collect() })
}

/// One portal.
pub(super) fn entry(service: &Service, place: &Place) -> Response {
    json(&Entry::of(service, place))
}

impl<'a> Entry<'a> {
    fn of(service: &Service, place: &'a Place) -> Self {
        let portal = &*place.portal;
        let traits = portal.dialect.traits();
        let url = service.link(&format!("/p/{}/", portal.id));
        let routes = portal.routes.iter().map(|route| Route {
            terms: Conditions::of(portal, &route.terms),
            path: route.path.as_str(),
        });
        Self {
            id: portal.id.as_str(),
            title: portal.title.as_deref(),
            country: portal.country.as_deref(),
            software: portal.software.as_deref().unwrap_or(traits.name),
            dialect: traits.name,
            unverified: !traits.recorded,
            notes: portal.notes.as_deref(),
            home: portal.home.as_ref().map(url::Url::as_str),
            base: portal.folder.is_none().then(|| portal.base.to_string()),
            ask: portal.asking.way.to_string(),
            licence: portal.licence.as_deref(),
            attribution: portal.attribution.as_deref(),
            policy: Policy {
                terms: Conditions::of(portal, &portal.terms),
                routes: routes.collect(),
            },
            health: Health::of(place),
            examples: portal.examples().iter().map(|path| format!("{url}{path}")).collect(),
            url,
        }
    }
}

impl Conditions {
    fn of(portal: &Portal, terms: &Terms) -> Self {
        // The lifetime of an unnamed path: CKAN's own figures differ for a few actions.
        let cache = terms.cache_policy(portal.dialect, "");
        Self {
            freshness: Freshness {
                decided_by: match portal.dialect.traits().authority {
                    Authority::Registry => "registry",
                    Authority::Origin => "portal",
                },
                default_s: cache.lifetime.map(|lifetime| lifetime.as_secs()),
                not_found_s: cache.not_found.as_secs(),
                error_s: cache.error.as_secs(),
                stale_while_revalidate_s: cache.stale_while_revalidate.as_secs(),
                stale_if_error_s: cache.stale_if_error.as_secs(),
            },
            cors: Cors { origins: terms.cors.describe() },
            limits: Limits {
                json_bytes: terms.limits.json_bytes,
                file_bytes: terms.limits.file_bytes,
                total_time_s: terms.limits.total_time.as_secs_f64(),
            },
        }
    }
}

impl Health {
    pub(super) fn of(place: &Place) -> Self {
        let (state, retry_after_s) = match place.health() {
            SiteHealth::Ok => ("ok", None),
            SiteHealth::Failing => ("failing", None),
            SiteHealth::Suspended(left) => ("suspended", Some(left.as_secs() + 1)),
        };
        Self { state, retry_after_s }
    }
}
