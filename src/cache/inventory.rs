//! What is stored, for operators: an account of each entry, and lists that can be paged through.
//! It reads and changes nothing, not even how often an entry was used.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use super::{Cache, CacheKey, Entry};

/// Is shown every entry of a tier, one after the other. It may be called on any thread.
pub type Visitor = Arc<dyn Fn(&Listed) + Send + Sync>;

/// What is stored for a key, as it is told of: its newest response.
#[derive(Debug, Clone)]
pub struct Listed {
    /// What it answers.
    pub key: CacheKey,
    /// The status.
    pub status: StatusCode,
    /// The media type.
    pub content_type: Option<HeaderValue>,
    /// Bytes of content, of all responses that are stored for the key.
    pub bytes: u64,
    /// How many responses are stored for the key.
    pub variants: usize,
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
    pub entries: Vec<Listed>,
    /// The id after which the next part begins; `None` if this is the last.
    pub next: Option<u128>,
}

impl Listed {
    /// The account of an entry.
    #[must_use]
    pub fn of(entry: &Entry, now: Instant, tier: &'static str) -> Self {
        let newest = entry.newest();
        Self {
            key: entry.key().clone(),
            status: newest.status,
            content_type: newest.fields.first(&CONTENT_TYPE),
            bytes: entry.variants().filter_map(|stored| stored.length()).sum(),
            variants: entry.variants().count(),
            age_s: newest.age(now).as_secs(),
            ttl_s: newest.lifetime_left(now),
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
    /// The entries of one owner, or of all, that match, at most `limit` of them, whose ids are greater than `after`. What
    /// several tiers have is told once, of the nearest.
    pub async fn list(
        &self,
        owner: Option<Arc<str>>,
        matches: impl Fn(&Listed) -> bool + Send + Sync + 'static,
        limit: usize,
        after: Option<u128>,
    ) -> List {
        // The lowest ids so far, and one more, which says that there is more.
        let lowest: Arc<Mutex<BTreeMap<u128, Listed>>> = Arc::default();
        let found = Arc::clone(&lowest);
        self.visit(
            owner,
            Arc::new(move |entry: &Listed| {
                let id = entry.key.id();
                if after.is_some_and(|after| id <= after) || !matches(entry) {
                    return;
                }
                let mut lowest = found.lock().unwrap_or_else(PoisonError::into_inner);
                lowest.entry(id).or_insert_with(|| entry.clone());
                if lowest.len() > limit.saturating_add(1) {
                    lowest.pop_last();
                }
            }),
        )
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

    /// Shows all that is stored, of one owner or of all, nearest tier first.
    pub async fn visit(&self, owner: Option<Arc<str>>, each: Visitor) {
        let now = self.clock.now();
        self.memory.visit(owner.clone(), now, Arc::clone(&each)).await;
        if let Some(disk) = &self.disk {
            disk.visit(owner.as_deref(), now, &*each).await;
        }
    }
}
