//! The shape of `portals.yaml`, as it is written. What it means is decided in `resolve`. The doc
//! comments become the JSON Schema's descriptions, which editors show.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;

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
    /// The longest file that is kept whole (2 MiB); longer ones pass through.
    pub buffer: Option<Size>,
    /// The disk tier.
    pub disk: Option<Disk>,
}

/// The disk tier.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Disk {
    /// A directory of its own.
    #[expect(dead_code, reason = "checked, and without effect in this version")]
    pub path: PathBuf,
    /// The most it may hold.
    #[expect(dead_code, reason = "checked, and without effect in this version")]
    pub size: Size,
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
