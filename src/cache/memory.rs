//! The memory tier: moka, weighed in bytes. It decides nothing about freshness: stale responses
//! stay until they are pushed out, because they are what a dead portal is served from.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::{BoxFuture, ready};
use moka::sync::Cache;

use super::{CacheKey, Entry, StoredResponse, Tier, Visitor};

/// What a stored response costs beside its content, fields and key: the entry, its reference
/// counts and moka's bookkeeping, measured in the hundreds of bytes.
const ENTRY_OVERHEAD: usize = 512;

/// Stored responses in memory, up to a number of bytes.
#[derive(Debug, Clone)]
pub struct Memory {
    entries: Cache<u128, Arc<StoredResponse>>,
}

/// How full a tier is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Stored responses.
    pub entries: u64,
    /// Their weight in bytes.
    pub bytes: u64,
    /// The most they may weigh.
    pub capacity: u64,
}

impl Memory {
    /// A tier of at most `capacity` bytes.
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        let entries = Cache::builder()
            .max_capacity(capacity)
            .weigher(|_, response: &Arc<StoredResponse>| {
                u32::try_from(response.size() + ENTRY_OVERHEAD).unwrap_or(u32::MAX)
            })
            .build();
        Self { entries }
    }

    /// Evicts what is over the capacity. Without traffic nothing else would.
    pub fn upkeep(&self) {
        self.entries.run_pending_tasks();
    }

    /// How full the tier is, as of the last upkeep.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage {
            entries: self.entries.entry_count(),
            bytes: self.entries.weighted_size(),
            capacity: self.entries.policy().max_capacity().unwrap_or(u64::MAX),
        }
    }
}

impl Tier for Memory {
    fn load<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Option<Arc<StoredResponse>>> {
        // The whole key is compared, so that a collision of the short id is only a miss.
        Box::pin(ready(self.entries.get(&key.id()).filter(|found| found.key == *key)))
    }

    fn store(&self, response: Arc<StoredResponse>) -> BoxFuture<'_, ()> {
        self.entries.insert(response.key.id(), response);
        Box::pin(ready(()))
    }

    fn remove<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, ()> {
        self.entries.invalidate(&key.id());
        Box::pin(ready(()))
    }

    fn visit(&self, now: Instant, each: Visitor) -> BoxFuture<'_, ()> {
        let entries = self.entries.clone();
        Box::pin(async move {
            // Hundreds of thousands of entries take longer than other requests should wait.
            let visits = tokio::task::spawn_blocking(move || {
                for (_, response) in &entries {
                    each(&Entry::of(&response, now, "memory"));
                }
            });
            // A visitor that panics has seen what it has seen.
            let _ = visits.await;
        })
    }
}
