//! How a portal speaks: how the callback is asked for, what comes back where, and how long that is
//! good for. All of it is data (`table`); it parses no answers and makes no URLs.

mod call;
mod table;

use std::fmt;
use std::time::Duration;

use crate::cache::freshness::Authority;

pub use call::{At, Call, Format, Missing, Text, Values};

/// The software a portal runs, as far as asking it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// CKAN: the action API answers JSONP to GET; dumps and uploads are files.
    Ckan,
    /// Socrata, SODA 1 and 2.
    Socrata,
    /// ArcGIS REST services.
    ArcGis,
    /// GeoServer's WFS.
    GeoServer,
    /// Nominatim.
    Nominatim,
    /// The Overpass API.
    Overpass,
    /// MediaWiki, Wikidata.
    MediaWiki,
    /// ERDDAP.
    Erddap,
    /// Other software that pads JSON; its entry says how it is asked.
    Generic,
    /// Anything that answers JSON or files without a callback.
    Plain,
    /// The operator's own origin server: every method and every field passes, both ways.
    Transparent,
    /// A folder of this machine.
    Files,
}

/// What is known of a dialect.
#[derive(Debug)]
pub struct Traits {
    /// Its name in an entry.
    pub name: &'static str,
    /// How a callback is asked for; the first way that brings JSON counts, and where none does, the
    /// answer is a file.
    pub calls: &'static [Call],
    /// Query parameters that are of no use to the portal.
    pub drop_query: &'static [&'static str],
    /// Who decides how long answers are fresh.
    pub authority: Authority,
    /// Freshness lifetimes of some paths, where nobody has said one; the first counts.
    pub lifetimes: &'static [Lifetime],
    /// The freshness lifetime of all other paths.
    pub lifetime: Option<Duration>,
    /// The stale-while-revalidate window where nobody has said one. Where the origin server decides
    /// freshness, it decides this too.
    pub stale_while_revalidate: Duration,
    /// What an answer with status 200 has in it that tells of a failure.
    pub in_band: &'static [InBand],
    /// Fields of its answers that its clients read, beside the usual ones.
    pub response_fields: &'static [&'static str],
    /// Whether the status of the answer, as a number (WCF), or the id of the request, as a string
    /// (Adobe), may follow the JSON as a second argument.
    pub second_argument: bool,
    /// The actions that read and change nothing, which may be asked for by POST; a `*` stands for
    /// anything at the beginning or the end.
    pub read_only: &'static [&'static str],
    /// Paths to try.
    pub examples: &'static [&'static str],
    /// Whether answers of the software itself have been recorded, and the row held against them.
    pub recorded: bool,
    /// A client's `no-cache` validates a stored response at most once in this time, so that a held
    /// reload key cannot turn the cache off for a portal.
    pub no_cache_pause: Duration,
}

/// How long answers from some paths are fresh.
#[derive(Debug)]
pub struct Lifetime {
    /// The paths.
    pub at: At,
    /// How long.
    pub lifetime: Duration,
}

/// A member at the top of a JSON object by which software tells of a failure in an answer with status
/// 200 (an in-band failure). Such an answer is handed on as it is, and kept as an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InBand {
    /// The member is there.
    Member(&'static str),
    /// The member is `false`.
    False(&'static str),
}

/// Whether a portal is asked for JSONP or for JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// With a callback.
    Jsonp,
    /// Without one.
    Json,
    /// Without one, and with one where that brings no JSON; what worked is remembered.
    Auto,
}

/// What is expected at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON, or JSON in the padding that was asked for.
    Json,
    /// Bytes, handed on as they are, with their content codings taken off.
    File,
    /// A message, handed on as it is.
    Raw,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Ckan,
        Self::Socrata,
        Self::ArcGis,
        Self::GeoServer,
        Self::Nominatim,
        Self::Overpass,
        Self::MediaWiki,
        Self::Erddap,
        Self::Generic,
        Self::Plain,
        Self::Transparent,
        Self::Files,
    ];

    /// How the portal is asked unless its entry says otherwise.
    #[must_use]
    pub fn ask(self) -> Ask {
        if self.traits().calls.is_empty() { Ask::Json } else { Ask::Jsonp }
    }

    /// The freshness lifetime at a path where nobody has said one.
    #[must_use]
    pub fn lifetime(self, path: &str) -> Option<Duration> {
        let traits = self.traits();
        let own = traits.lifetimes.iter().find(|own| own.at.covers(path));
        own.map_or(traits.lifetime, |own| Some(own.lifetime))
    }

    /// Whether something of it can be asked for by POST.
    #[must_use]
    pub fn takes_post(self) -> bool {
        !self.traits().read_only.is_empty()
    }

    /// Whether an action is known to change nothing.
    #[must_use]
    pub fn is_read_only(self, action: &str) -> bool {
        self.traits().read_only.iter().any(|pattern| match pattern.split_once('*') {
            Some((start, end)) => {
                action.len() > start.len() + end.len()
                    && action.starts_with(start)
                    && action.ends_with(end)
            }
            None => action == *pattern,
        })
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.traits().name)
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jsonp => "jsonp",
            Self::Json => "json",
            Self::Auto => "auto",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ckan_lifetimes_follow_what_changes_how_often() {
        let seconds = |path| Dialect::Ckan.lifetime(path).map(|l| l.as_secs());
        assert_eq!(seconds("api/3/action/status_show"), Some(3600));
        assert_eq!(seconds("api/action/package_show"), Some(300));
        assert_eq!(seconds("api/3/action/datastore_search"), Some(60));
        assert_eq!(seconds("api/3/action/datastore_search_sql"), Some(60));
        assert_eq!(seconds("datastore/dump/0b1c"), Some(60));
    }

    #[test]
    fn every_dialect_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> =
            Dialect::ALL.iter().map(ToString::to_string).collect();
        assert_eq!(names.len(), Dialect::ALL.len());
    }

    #[test]
    fn actions_that_write_are_not_among_those_that_read() {
        let reads = |action| Dialect::Ckan.is_read_only(action);
        for action in ["package_show", "datastore_search_sql", "tag_list", "am_following_user"] {
            assert!(reads(action), "{action}");
        }
        for action in ["package_create", "datastore_upsert", "_show", "package_show_x", ""] {
            assert!(!reads(action), "{action}");
        }
    }
}
