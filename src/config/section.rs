//! The sections that stand in several places of the file, with their own checks: freshness, limits,
//! CORS, and path patterns. Checked where they stand, so that an error has its place in the file.

use regex::Regex;
use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, Error as _};

use crate::cors::{CredentialsWithAny, Origins};

use super::value::{OriginRules, Size, Time};

/// How long answers are kept and reused.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Freshness {
    /// How long an answer is fresh (CKAN: 5m, datastore 1m, status 1h).
    pub default: Option<Time>,
    /// How long 404 and 410 are fresh (30s).
    pub not_found: Option<Time>,
    /// How long other error answers are fresh (5s).
    pub error: Option<Time>,
    /// How long after that an answer is reused while it is validated (1m).
    pub stale_while_revalidate: Option<Time>,
    /// How long after that an answer is reused while the portal fails (7d).
    pub stale_if_error: Option<Time>,
}

/// How far a fetch may go.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    /// The longest JSON or JSONP content (32 MiB).
    pub json_bytes: Option<Size>,
    /// The longest file (16 GiB).
    pub file_bytes: Option<Size>,
    /// Decoded bytes per received byte (200).
    #[schemars(range(min = 1))]
    pub ratio: Option<u64>,
    /// Bytes of a response's header fields (32 KiB).
    pub field_bytes: Option<Size>,
    /// Time to a connection (5s). For a whole portal only.
    pub connect_time: Option<Time>,
    /// Time to the beginning of a response (15s).
    pub first_byte_time: Option<Time>,
    /// Time between two pieces of content (30s).
    pub idle_time: Option<Time>,
    /// Time for which a file is read before it is handed on as it comes (5s).
    pub buffer_time: Option<Time>,
    /// Time for everything up to the end of JSON content (30s).
    pub total_time: Option<Time>,
    /// Redirects followed (5).
    pub redirects: Option<usize>,
    /// Fetches from the portal at once (64). For a whole portal only.
    #[schemars(range(min = 1))]
    pub concurrency: Option<usize>,
    /// Fetches that wait for their turn (1000). For a whole portal only.
    pub queue: Option<usize>,
    /// The longest that one waits (10s). For a whole portal only.
    pub queue_time: Option<Time>,
    /// Fetches a second; 0 for as many as `concurrency` gives (0). For a whole portal only.
    pub rate: Option<u32>,
    /// Failures in a row after which the portal is left alone for a while; 0 for never (5;
    /// transparent: 0). For a whole portal only.
    pub failures: Option<u32>,
}

/// Which origins may read answers.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Cors {
    /// `"*"`, or a list of origins (`https://class.example.org`) and patterns
    /// (`~https://[a-z]+\.example\.org`, which must match the whole origin).
    pub origins: Option<OriginRules>,
    /// Whether listed origins may send credentials; never with `"*"` (false).
    pub credentials: Option<bool>,
    /// How long a browser may reuse a preflight answer (10m).
    pub max_age: Option<Time>,
}

/// A path pattern with a bounded size.
#[derive(Debug, Clone)]
pub(super) struct Pattern(pub Regex);

/// The largest compiled path pattern, in bytes: paths are simple, so more is a mistake.
const PATTERN_SIZE: usize = 256 << 10;

impl std::str::FromStr for Pattern {
    type Err = String;

    fn from_str(pattern: &str) -> Result<Self, String> {
        let compiled = regex::RegexBuilder::new(pattern).size_limit(PATTERN_SIZE).build();
        compiled.map(Self).map_err(|error| {
            let text = error.to_string();
            // The last line has the reason; those before draw the pattern.
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("`{pattern}` is not a regular expression: {reason}")
        })
    }
}

/// A CORS section whose own values fit together.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(transparent)]
pub(super) struct CheckedCors(pub Cors);

impl<'de> Deserialize<'de> for CheckedCors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let cors = Cors::deserialize(deserializer)?;
        let any = matches!(cors.origins, Some(OriginRules(Origins::Any)));
        if any && cors.credentials == Some(true) {
            return Err(D::Error::custom(CredentialsWithAny));
        }
        Ok(Self(cors))
    }
}

/// Checked limits of a portal, or of all of them.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(transparent)]
pub(super) struct PortalLimits(pub Limits);

impl<'de> Deserialize<'de> for PortalLimits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let limits = Limits::deserialize(deserializer)?;
        let size = |size: Option<Size>| size.is_some_and(|Size(bytes)| bytes == 0);
        let time = |time: Option<Time>| time.is_some_and(|Time(time)| time.is_zero());
        let zero = [
            ("json_bytes", size(limits.json_bytes)),
            ("file_bytes", size(limits.file_bytes)),
            ("field_bytes", size(limits.field_bytes)),
            ("ratio", limits.ratio == Some(0)),
            ("connect_time", time(limits.connect_time)),
            ("first_byte_time", time(limits.first_byte_time)),
            ("idle_time", time(limits.idle_time)),
            ("total_time", time(limits.total_time)),
            ("concurrency", limits.concurrency == Some(0)),
        ];
        match zero.iter().find(|(_, zero)| *zero) {
            None => Ok(Self(limits)),
            Some((name, _)) => {
                Err(D::Error::custom(format!("`{name}` is zero, which would let nothing through")))
            }
        }
    }
}

/// Checked limits of a route: without those that belong to a whole portal.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(transparent)]
pub(super) struct RouteLimits(pub Limits);

impl<'de> Deserialize<'de> for RouteLimits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let PortalLimits(limits) = PortalLimits::deserialize(deserializer)?;
        let of_the_portal = [
            ("connect_time", limits.connect_time.is_some()),
            ("concurrency", limits.concurrency.is_some()),
            ("queue", limits.queue.is_some()),
            ("queue_time", limits.queue_time.is_some()),
            ("rate", limits.rate.is_some()),
            ("failures", limits.failures.is_some()),
        ];
        match of_the_portal.iter().find(|(_, set)| *set) {
            None => Ok(Self(limits)),
            Some((name, _)) => Err(D::Error::custom(format!(
                "`{name}` holds for a whole portal: move it to the portal's `limits`"
            ))),
        }
    }
}
