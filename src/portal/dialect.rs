//! How a portal speaks: how the callback is asked for, and what comes back where. It parses no
//! answers.

use std::fmt;
use std::time::Duration;

use crate::cache::freshness::Authority;

/// The software a portal runs, as far as asking it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// CKAN: the action API answers JSONP to GET; dumps and uploads are files.
    Ckan,
    /// Anything that answers JSON or files without a callback.
    Plain,
    /// The operator's own origin server: every method and every field passes, both ways.
    Transparent,
}

/// Whether a portal is asked for JSONP or for JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// With a callback.
    Jsonp,
    /// Without one.
    Json,
}

/// What is expected at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON in the padding that was asked for; bare JSON is accepted, because portals pad only
    /// what succeeded.
    Padded,
    /// JSON.
    Json,
    /// Bytes, handed on as they are, with their content codings taken off.
    File,
    /// A message, handed on as it is.
    Raw,
}

/// CKAN's default lifetimes: catalogues change daily at most, tables may be fed all the time, and
/// a version number hardly ever changes.
const METADATA: Duration = Duration::from_secs(300);
const DATASTORE: Duration = Duration::from_secs(60);
const STATUS: Duration = Duration::from_secs(3600);

impl Dialect {
    /// The query parameter that asks for a callback, if the dialect has one.
    #[must_use]
    pub const fn callback_parameter(self) -> Option<&'static str> {
        match self {
            Self::Ckan => Some("callback"),
            Self::Plain | Self::Transparent => None,
        }
    }

    /// Query parameters that are of no use to the portal. CKAN's `datastore_search` refuses
    /// jQuery's cache-busting `_`.
    #[must_use]
    pub const fn drop_query(self) -> &'static [&'static str] {
        match self {
            Self::Ckan => &["_"],
            Self::Plain | Self::Transparent => &[],
        }
    }

    /// How the portal is asked unless its entry says otherwise.
    #[must_use]
    pub const fn ask(self) -> Ask {
        match self {
            Self::Ckan => Ask::Jsonp,
            Self::Plain | Self::Transparent => Ask::Json,
        }
    }

    /// What is expected at a path.
    #[must_use]
    pub fn form(self, ask: Ask, path: &str) -> Form {
        match (self, ask) {
            (Self::Plain, _) => Form::File,
            (Self::Transparent, _) => Form::Raw,
            (Self::Ckan, _) if is_ckan_file(path) => Form::File,
            (Self::Ckan, Ask::Jsonp) => Form::Padded,
            (Self::Ckan, Ask::Json) => Form::Json,
        }
    }

    /// Who decides how long answers are fresh.
    #[must_use]
    pub const fn authority(self) -> Authority {
        match self {
            Self::Ckan => Authority::Registry,
            Self::Plain | Self::Transparent => Authority::Origin,
        }
    }

    /// The freshness lifetime at a path where nobody has said one.
    #[must_use]
    pub fn lifetime(self, path: &str) -> Option<Duration> {
        match self {
            Self::Ckan => {
                let last = path.rsplit('/').next().unwrap_or(path);
                Some(match last {
                    "status_show" => STATUS,
                    _ if last.starts_with("datastore_") => DATASTORE,
                    _ if path.contains("datastore/dump/") => DATASTORE,
                    _ => METADATA,
                })
            }
            Self::Plain | Self::Transparent => None,
        }
    }

    /// The stale-while-revalidate window where nobody has said one. Where the origin server
    /// decides freshness, it decides this too.
    #[must_use]
    pub const fn stale_while_revalidate(self) -> Duration {
        match self {
            Self::Ckan => Duration::from_secs(60),
            Self::Plain | Self::Transparent => Duration::ZERO,
        }
    }

    /// Paths to try.
    #[must_use]
    pub const fn examples(self) -> &'static [&'static str] {
        match self {
            Self::Ckan => &[
                "api/3/action/status_show",
                "api/3/action/package_search?q=*:*&rows=2",
                "api/3/action/organization_list",
            ],
            Self::Plain | Self::Transparent => &[],
        }
    }

    /// A client's `no-cache` validates a stored response at most once in this time, so that a held
    /// reload key cannot turn the cache off for a portal. An operator's own origin server gets what
    /// RFC 9111 says.
    #[must_use]
    pub const fn no_cache_pause(self) -> Duration {
        match self {
            Self::Ckan | Self::Plain => Duration::from_secs(10),
            Self::Transparent => Duration::ZERO,
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ckan => "ckan",
            Self::Plain => "plain",
            Self::Transparent => "transparent",
        })
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jsonp => "jsonp",
            Self::Json => "json",
        })
    }
}

/// CKAN's files: `datastore/dump/{id}`, and `…/resource/{id}/download[/{name}]`; both ignore the
/// callback. A language prefix may stand before them.
fn is_ckan_file(path: &str) -> bool {
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "datastore" if segments.peek() == Some(&"dump") => return true,
            "resource" => {
                let mut rest = segments.clone().skip(1);
                if rest.next() == Some("download") {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ckan_pads_everything_but_its_files() {
        let form = |path| Dialect::Ckan.form(Ask::Jsonp, path);
        assert_eq!(form("api/3/action/package_search"), Form::Padded);
        assert_eq!(form("anything/else"), Form::Padded);
        assert_eq!(form("datastore/dump/0b1c"), Form::File);
        assert_eq!(form("ca/dataset/a/resource/b/download/c.csv"), Form::File);
        assert_eq!(form("dataset/a/resource/b/download"), Form::File);
        assert_eq!(form("dataset/a/resource/b"), Form::Padded);
    }

    #[test]
    fn ckan_lifetimes_follow_what_changes_how_often() {
        let seconds = |path| Dialect::Ckan.lifetime(path).map(|l| l.as_secs());
        assert_eq!(seconds("api/3/action/status_show"), Some(3600));
        assert_eq!(seconds("api/action/package_show"), Some(300));
        assert_eq!(seconds("api/3/action/datastore_search"), Some(60));
        assert_eq!(seconds("api/3/action/datastore_search_sql"), Some(60));
    }
}
