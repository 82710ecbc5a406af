//! The memory tier: moka, weighed in bytes. It decides nothing about freshness: stale responses
//! stay until they are pushed out, because they are what a dead portal is served from.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Instant;

use moka::sync::Cache;

use super::inventory::{Listed, Visitor};
use super::{CacheKey, Entry};

/// What a stored response costs beside its content, fields and key: the response, its reference
/// counts and moka's bookkeeping. Measured with a million of 200 B (`cargo bench --bench mass`).
const ENTRY_OVERHEAD: usize = 700;

/// Stored responses in memory, up to a number of bytes.
#[derive(Debug, Clone)]
pub struct Memory {
    entries: Cache<u128, Entry, Folding>,
}

/// Hashes what is a digest already: it is folded with a secret, so that nobody can choose keys that
/// lie in one place, and no more is done.
#[derive(Debug, Clone)]
struct Folding {
    secret: (u64, u64),
}

#[derive(Debug)]
struct Fold {
    secret: (u64, u64),
    hash: u64,
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
            .weigher(|_, entry: &Entry| {
                u32::try_from(entry.size() + ENTRY_OVERHEAD).unwrap_or(u32::MAX)
            })
            .build_with_hasher(Folding::new());
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

    /// What is stored for a key.
    pub(super) fn load(&self, key: &CacheKey) -> Option<Entry> {
        // The whole key is compared, so that a collision of the short id is only a miss.
        self.entries.get(&key.id()).filter(|found| found.key() == key)
    }

    pub(super) fn store(&self, entry: Entry) {
        self.entries.insert(entry.key().id(), entry);
    }

    pub(super) fn remove(&self, key: &CacheKey) {
        self.entries.invalidate(&key.id());
    }

    /// Shows all that is stored, of one owner or of all, as it is at `now`.
    pub(super) async fn visit(&self, owner: Option<Arc<str>>, now: Instant, each: Visitor) {
        let entries = self.entries.clone();
        // Hundreds of thousands of entries take longer than other requests should wait.
        let visits = tokio::task::spawn_blocking(move || {
            for (_, entry) in &entries {
                if owner.as_ref().is_none_or(|owner| **owner == *entry.key().owner()) {
                    each(&Listed::of(&entry, now, "memory"));
                }
            }
        });
        // A visitor that panics has seen what it has seen.
        let _ = visits.await;
    }
}

impl Folding {
    fn new() -> Self {
        let random = RandomState::new();
        Self { secret: (random.hash_one(0), random.hash_one(1)) }
    }
}

impl BuildHasher for Folding {
    type Hasher = Fold;

    fn build_hasher(&self) -> Fold {
        Fold { secret: self.secret, hash: 0 }
    }
}

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u128(u128::from(*byte));
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
    fn write_u128(&mut self, id: u128) {
        let (low, high) = (id as u64, (id >> 64) as u64);
        let product =
            u128::from(low ^ self.secret.0 ^ self.hash) * u128::from(high ^ self.secret.1);
        self.hash = product as u64 ^ (product >> 64) as u64;
    }

    fn finish(&self) -> u64 {
        self.hash
    }
}
