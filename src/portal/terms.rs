//! The terms under which a portal's answers are handed on: freshness, limits and CORS, for a whole
//! portal or one of its routes.

use std::time::Duration;

use crate::cache::freshness::Policy;
use crate::cors;
use crate::upstream::Limits;

use super::Dialect;

/// Freshness figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    /// How long an answer is fresh; `None` leaves it to the dialect.
    pub default: Option<Duration>,
    /// How long 404 and 410 are fresh: 30 s.
    pub not_found: Duration,
    /// How long other error answers are fresh: 5 s, so that recovery is seen soon.
    pub error: Duration,
    /// How long after that an answer is reused while it is validated (RFC 5861 §3): 60 s, or what
    /// the answer itself says where the origin server decides.
    pub stale_while_revalidate: Option<Duration>,
    /// How long after that an answer is reused while the portal fails (RFC 5861 §4): 7 days.
    pub stale_if_error: Duration,
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            default: None,
            not_found: Duration::from_secs(30),
            error: Duration::from_secs(5),
            stale_while_revalidate: None,
            stale_if_error: Duration::from_secs(7 * 24 * 3600),
        }
    }
}

/// Freshness, limits and CORS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// How long answers are kept and reused.
    pub freshness: Freshness,
    /// How far a fetch may go.
    pub limits: Limits,
    /// Who may read the answers.
    pub cors: cors::Policy,
}

impl Terms {
    /// What the cache needs to know for a path of a portal of this dialect.
    #[must_use]
    pub fn cache_policy(&self, dialect: Dialect, path: &str) -> Policy {
        let (freshness, traits) = (&self.freshness, dialect.traits());
        Policy {
            authority: traits.authority,
            lifetime: freshness.default.or_else(|| dialect.lifetime(path)),
            not_found: freshness.not_found,
            error: freshness.error,
            stale_while_revalidate: freshness
                .stale_while_revalidate
                .unwrap_or(traits.stale_while_revalidate),
            stale_if_error: freshness.stale_if_error,
            no_cache_pause: traits.no_cache_pause,
            may_code: dialect != Dialect::Transparent,
        }
    }
}
