//! The shape of `portals.yaml`, as it is written. What it means is decided in `resolve`. The doc
//! comments become the JSON Schema's descriptions, which editors show.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use crate::portal::PortalId;
use crate::upstream::HostRule;

use super::entry::Portal;
use super::section::{CheckedCors, Freshness, PortalLimits};
use super::value::{Address, Link, Network, Ordered, Range, Size, Text, Time};

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
    /// Targets that may be asked for without an entry, by URLs such as `/https://host/path`. None
    /// if not said.
    pub open_targets: Option<OpenTargets>,
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
    /// Networks of front servers, whose `Forwarded` or `X-Forwarded-For` says who a client is, such as
    /// `127.0.0.1/32` (none).
    pub trusted_proxies: Vec<Text<Range>>,
    /// What each client is allowed: an IPv4 address, or a /64 of IPv6.
    pub clients: Clients,
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
    /// Time between SIGTERM and the moment from which nothing more is accepted, in which `/readyz` says
    /// no and connections end with their answer (5s).
    pub leave_time: Option<Time>,
    /// TLS for clients. Without it, plain HTTP is spoken.
    pub tls: Option<Tls>,
    /// Time for answers under way to end when the process is asked to (30s).
    pub drain_time: Option<Time>,
}

/// TLS for clients, with HTTP/2.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    /// A file with the certificate and those that lead to its root, in PEM; a relative path begins at
    /// this file's folder. Read again when it changes.
    pub certificate: PathBuf,
    /// A file with the certificate's private key, in PEM.
    pub key: PathBuf,
    /// Address and port at which plain HTTP is answered with a redirect to `public_url`, such as
    /// `0.0.0.0:80` (none).
    pub redirect: Option<Text<Address>>,
    /// For how long browsers are told to come by TLS alone (`Strict-Transport-Security`), such as `365d`
    /// (not at all).
    pub hsts: Option<Time>,
}

/// What each client is allowed.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Clients {
    /// Requests a second that go to a portal; what is stored costs nothing (50).
    #[schemars(range(min = 1))]
    pub rate: Option<u32>,
    /// Requests that may go to a portal at once after a quiet time (1000).
    #[schemars(range(min = 1))]
    pub burst: Option<u32>,
    /// Requests under way at portals at the same time (500).
    #[schemars(range(min = 1))]
    pub fetches: Option<u32>,
    /// Connections at once (1024).
    #[schemars(range(min = 1))]
    pub connections: Option<u32>,
    /// Networks whose clients are not bounded, such as `10.0.0.0/8` (this machine: `127.0.0.1`, `::1`).
    pub exempt: Option<Vec<Text<Network>>>,
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

/// Targets that may be asked for without an entry.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OpenTargets {
    /// Hosts: `data.example.org`, or `.example.org` for all below it.
    pub hosts: Vec<Text<HostRule>>,
    /// Every host with a public address, at the ports of http and https: an open proxy, which others
    /// will find and use.
    pub dangerous_any_public_host: bool,
    /// Address ranges they may be reached at beyond public space.
    pub allow_cidr: Vec<Text<Range>>,
    /// How long answers are kept and reused.
    pub freshness: Freshness,
    /// Which origins may read the answers.
    pub cors: CheckedCors,
    /// How far a fetch may go (files of 256 MiB, 8 fetches at once, 64 that wait).
    pub limits: PortalLimits,
}

/// The JSON Schema of the configuration file, for editors.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(File).to_value()
}
