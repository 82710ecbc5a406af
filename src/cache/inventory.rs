//! What is stored, for operators: an account of each entry, and lists that can be paged through.
//! It reads and changes nothing, not even how often an entry was used.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use super::{Cache, CacheKey, StoredResponse};

/// Is shown every entry of a tier, one after the other. It may be called on any thread.
pub type Visitor = Arc<dyn Fn(&Entry) + Send + Sync>;

/// A stored response, as it is told of.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it answers.
    pub key: CacheKey,
    /// The status.
    pub status: StatusCode,
    /// The media type.
    pub content_type: Option<HeaderValue>,
    /// Bytes of content.
    pub bytes: u64,
    /// Its current age in seconds.
    pub age_s: u64,
    /// Seconds of freshness left; negative when stale.
    pub ttl_s: i64,
    /// The name of the tier that has it.
    pub tier: &'static str,
}

/// A part of what is stored.
#[derive(Debug, Clone)]
pub struct List {
    /// The entries, in the order of their keys' ids: the same order whatever comes and goes.
    pub entries: Vec<Entry>,
    /// The id after which the next part begins; `None` if this is the last.
    pub next: Option<u128>,
}

impl Entry {
    /// The account of a stored response.
    #[must_use]
    pub fn of(response: &StoredResponse, now: Instant, tier: &'static str) -> Self {
        Self {
            key: response.key.clone(),
            status: response.status,
            content_type: response.fields.get(CONTENT_TYPE).cloned(),
            bytes: response.content().length().unwrap_or_default(),
            age_s: response.age(now).as_secs(),
            ttl_s: response.lifetime_left(now),
            tier,
        }
    }

    /// Whether it is reused without being validated.
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        self.ttl_s > 0
    }
}

impl<E: Clone + Send + Sync + 'static> Cache<E> {
    /// The entries that match, at most `limit` of them, whose ids are greater than `after`. What
    /// several tiers have is told once, of the nearest.
    pub async fn list(
        &self,
        matches: impl Fn(&Entry) -> bool + Send + Sync + 'static,
        limit: usize,
        after: Option<u128>,
    ) -> List {
        // The lowest ids so far, and one more, which says that there is more.
        let lowest: Arc<Mutex<BTreeMap<u128, Entry>>> = Arc::default();
        let found = Arc::clone(&lowest);
        self.visit(Arc::new(move |entry| {
            let id = entry.key.id();
            if after.is_some_and(|after| id <= after) || !matches(entry) {
                return;
            }
            let mut lowest = found.lock().unwrap_or_else(PoisonError::into_inner);
            lowest.entry(id).or_insert_with(|| entry.clone());
            if lowest.len() > limit.saturating_add(1) {
                lowest.pop_last();
            }
        }))
        .await;
        let mut lowest =
            std::mem::take(&mut *lowest.lock().unwrap_or_else(PoisonError::into_inner));
        let more = lowest.len() > limit;
        if more {
            lowest.pop_last();
        }
        let next = lowest.last_key_value().map(|(id, _)| *id).filter(|_| more);
        List { entries: lowest.into_values().collect(), next }
    }

    /// Shows all that is stored, nearest tier first.
    pub async fn visit(&self, each: Visitor) {
        let now = self.clock.now();
        for tier in &self.tiers {
            tier.visit(now, Arc::clone(&each)).await;
        }
    }
}
