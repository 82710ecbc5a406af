//! The shape of `portals.yaml`, as it is written. What it means is decided in `resolve`. The doc
//! comments become the JSON Schema's descriptions, which editors show.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use crate::portal::{Base, PortalId};
use crate::upstream::HostRule;

use super::section::{CheckedCors, Freshness, Pattern, PortalLimits, RouteLimits};
use super::value::{Address, Link, Ordered, Range, Size, Text, Time};

/// The registry of an unpad gateway: server, cache, CORS, defaults and portals.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "portals.yaml")]
pub(super) struct File {
    /// Where and how the gateway listens.
    #[serde(default)]
    pub server: Server,
    /// What is kept, and how much.
    #[serde(default)]
    pub cache: Cache,
    /// Which origins may read the answers, unless a portal or route says otherwise.
    #[serde(default)]
    pub cors: CheckedCors,
    /// What holds for every portal that does not say otherwise.
    #[serde(default)]
    pub defaults: Defaults,
    /// The portals by id: lower-case letters, digits and hyphens.
    #[schemars(with = "BTreeMap<String, Portal>")]
    pub portals: Ordered<Text<PortalId>, Portal>,
}

/// Where and how the gateway listens.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Server {
    /// Address and port, such as `127.0.0.1:8080`.
    pub listen: Option<Text<Address>>,
    /// The URL at which clients reach the gateway, for absolute links; may end in a path.
    pub public_url: Option<Text<Link>>,
    /// The administration listener.
    pub admin: Option<Admin>,
    /// Connections at once (16384).
    #[schemars(range(min = 1))]
    pub connections: Option<u32>,
    /// Time for a request head to arrive (10s).
    pub header_time: Option<Time>,
    /// Time between an answer and the next request on its connection (75s).
    pub idle_time: Option<Time>,
    /// Time in which a client must take something of what was written (60s).
    pub stall_time: Option<Time>,
    /// Time after which a connection ends with the answer it is giving (1h).
    pub connection_time: Option<Time>,
    /// The longest content of a request to a `transparent` portal (8 MiB).
    pub content_bytes: Option<Size>,
    /// Time for that content to arrive (30s).
    pub content_time: Option<Time>,
    /// Time for answers under way to end when the process is asked to (30s).
    pub drain_time: Option<Time>,
}

/// The administration listener. It listens when there is a token.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Admin {
    /// Address and port (127.0.0.1:8081).
    pub listen: Option<Text<Address>>,
    /// A file with the token that every request must have, of at least 16 characters; a relative
    /// path begins at this file's folder.
    pub token_file: Option<PathBuf>,
}

/// What is kept, and how much.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Cache {
    /// Memory for stored responses (256 MiB).
    pub memory: Option<Size>,
    /// The longest file that is held whole in memory (2 MiB); longer ones are passed on as they come,
    /// and stored only on the disk.
    pub buffer: Option<Size>,
    /// How long requests wait for another's fetch of the same thing before one of them fetches too,
    /// and before a stale answer stands in for a portal that hangs (5s).
    pub patience: Option<Time>,
    /// The disk tier, or `false` for none. `unpad serve` has one if nothing is said.
    pub disk: Option<DiskOrNot>,
}

/// The disk tier, or `false`.
#[derive(Debug, Clone, JsonSchema)]
#[serde(untagged)]
pub(super) enum DiskOrNot {
    /// None.
    Not(bool),
    /// One.
    Disk(Disk),
}

// By hand, because of an untagged enum nobody is told which field was wrong, and where.
impl<'de> Deserialize<'de> for DiskOrNot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = DiskOrNot;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping, or `false` for no disk tier")
            }

            fn visit_bool<E: de::Error>(self, yes: bool) -> Result<DiskOrNot, E> {
                Ok(DiskOrNot::Not(yes))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<DiskOrNot, A::Error> {
                Disk::deserialize(MapAccessDeserializer::new(map)).map(DiskOrNot::Disk)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The disk tier.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Disk {
    /// A directory of its own; if not said, `unpad` in the user's cache directory.
    pub path: Option<PathBuf>,
    /// The most it may hold (10 GiB).
    pub size: Option<Size>,
    /// The most that one portal may have of it, in percent, if there are several (50).
    #[schemars(range(min = 1, max = 100))]
    pub share: Option<u8>,
}

/// What holds for every portal that does not say otherwise.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Defaults {
    /// How long answers are kept and reused.
    pub freshness: Freshness,
    /// How far a fetch may go.
    pub limits: PortalLimits,
}

/// A portal.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Portal {
    /// Its name for people.
    pub title: Option<String>,
    /// Its home page.
    pub home: Option<Text<Link>>,
    /// Where its paths begin; ends before `/api`.
    pub base: Text<Base>,
    /// The software it runs.
    #[serde(default)]
    pub dialect: Dialect,
    /// Whether it is asked for JSONP or JSON; the dialect's way if not said.
    pub ask: Option<Ask>,
    /// For `dialect: transparent`: says that its operator trusts this origin server with everything
    /// a client sends and with everything a browser obeys on the gateway's origin.
    #[serde(default)]
    pub dangerous_transparent: bool,
    /// Fields that are let through beside the usual ones; for `plain` portals.
    pub fields: Option<Fields>,
    /// Query parameters that are removed before it is asked (CKAN: `_`).
    pub drop_query: Option<Vec<String>>,
    /// Hosts its files may come from by redirect: `files.example.org`, or `.example.org` for all
    /// below it.
    #[serde(default)]
    pub downloads: Vec<Text<HostRule>>,
    /// Address ranges it may be reached at beyond public space, such as `10.1.0.0/16`.
    #[serde(default)]
    pub allow_cidr: Vec<Text<Range>>,
    /// An SPDX identifier (`CC-BY-4.0`) or a URL.
    pub licence: Option<String>,
    /// Whom to name as the source.
    pub attribution: Option<String>,
    /// How long its answers are kept and reused.
    #[serde(default)]
    pub freshness: Freshness,
    /// Which origins may read its answers.
    #[serde(default)]
    pub cors: CheckedCors,
    /// How far a fetch from it may go.
    #[serde(default)]
    pub limits: PortalLimits,
    /// Refinements for some paths; the first that matches counts.
    #[serde(default)]
    pub routes: Vec<Route>,
}

/// A refinement for some paths.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    /// A regular expression on the path after `/p/{portal}`, such as
    /// `^/api/3/action/datastore_search$`.
    pub path: Text<Pattern>,
    /// How long answers are kept and reused.
    #[serde(default)]
    pub freshness: Freshness,
    /// Which origins may read the answers.
    #[serde(default)]
    pub cors: CheckedCors,
    /// How far a fetch may go.
    #[serde(default)]
    pub limits: RouteLimits,
}

/// The software a portal runs.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Dialect {
    /// CKAN.
    #[default]
    Ckan,
    /// JSON or files without JSONP.
    Plain,
    /// The operator's own origin server: every method and every field passes, both ways. Needs
    /// `dangerous_transparent: true`.
    Transparent,
}

/// Fields that are let through beside the usual ones.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Fields {
    /// Of a client's request, such as `Accept-Language`: sent to the portal.
    pub request: Vec<String>,
    /// Of the portal's response, such as `X-Total-Count`; `"*"` for all but those that would act on
    /// this gateway's own origin (cookies, security policies, CORS).
    pub response: Vec<String>,
}

/// How a portal is asked.
#[derive(Debug, Clone, Copy, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Ask {
    /// With a callback.
    Jsonp,
    /// Without one.
    Json,
}

/// The JSON Schema of the configuration file, for editors.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(File).to_value()
}
