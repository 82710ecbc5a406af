//! Forgetting on request. A purge holds for what is stored and for what is under way: an answer
//! that was asked for before the purge is handed on to those who wait for it, and not stored.
//!
//! **Invariant:** a purge first dooms the fetches under way and then removes what is stored; a fetch
//! looks whether it is doomed after it has stored. So whichever comes first, nothing that was asked
//! for before the purge stays.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Cache, CacheKey, Listed};

/// Which keys are meant. Owned, so that a tier can ask it on a thread of its own.
pub type Matches = Arc<dyn Fn(&CacheKey) -> bool + Send + Sync>;

/// The fetches under way whose answers may be stored.
#[derive(Debug, Default)]
pub(super) struct Fetches {
    next: AtomicU64,
    under_way: Mutex<HashMap<u64, (CacheKey, Arc<AtomicBool>)>>,
}

/// A fetch whose answer may be stored; under way until it is dropped.
#[derive(Debug)]
pub(super) struct Fetching {
    number: u64,
    doomed: Arc<AtomicBool>,
    fetches: Arc<Fetches>,
}

impl Fetches {
    /// A fetch begins.
    pub(super) fn begin(self: &Arc<Self>, key: &CacheKey) -> Fetching {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let doomed = Arc::new(AtomicBool::new(false));
        self.under_way().insert(number, (key.clone(), Arc::clone(&doomed)));
        Fetching { number, doomed, fetches: Arc::clone(self) }
    }

    fn doom(&self, matches: &dyn Fn(&CacheKey) -> bool) {
        for (key, doomed) in self.under_way().values() {
            if matches(key) {
                doomed.store(true, Ordering::SeqCst);
            }
        }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<u64, (CacheKey, Arc<AtomicBool>)>> {
        // The map is valid after every statement, so a panic elsewhere cannot have broken it.
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fetching {
    /// Whether what the fetch brings must not be stored.
    pub(super) fn is_doomed(&self) -> bool {
        self.doomed.load(Ordering::SeqCst)
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        self.fetches.under_way().remove(&self.number);
    }
}

impl<E: Clone + Send + Sync + 'static> Cache<E> {
    /// Forgets what matches, of one owner or of all, stored or under way; says how many keys had
    /// something stored.
    pub async fn purge(&self, owner: Option<Arc<str>>, matches: Matches) -> u64 {
        self.fetches.doom(&*matches);
        self.flights.close(&*matches);
        let mut found = HashMap::new();
        let now = self.clock.now();
        // The disk first, so that it cannot hand an entry back to memory.
        if let Some(disk) = &self.disk {
            // What has not been found yet, soon after the start, is meant too.
            disk.flush().await;
            let seen = Mutex::new(Vec::new());
            disk.visit(owner.as_deref(), now, &|entry| keep(&seen, &matches, entry)).await;
            for key in seen.into_inner().unwrap_or_else(PoisonError::into_inner) {
                disk.remove(&key).await;
                found.insert(key.id(), key);
            }
        }
        let seen: Arc<Mutex<Vec<_>>> = Arc::default();
        let visitor = Arc::clone(&seen);
        let each = Arc::new(move |entry: &Listed| keep(&visitor, &matches, entry));
        self.memory.visit(owner, now, each).await;
        let in_memory = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        for key in in_memory {
            self.invalidate(&key).await;
            found.insert(key.id(), key);
        }
        // What was promoted to memory while it was being removed from the disk.
        for key in found.values() {
            self.memory.remove(key);
        }
        found.len() as u64
    }

    /// Forgets one key, stored or under way; says whether something was stored for it.
    pub async fn purge_key(&self, key: &CacheKey) -> bool {
        let (wanted, is_stored) = (key.clone(), self.load(key).await.is_some());
        self.fetches.doom(&|other| *other == wanted);
        self.flights.close(&|other| *other == wanted);
        self.invalidate(key).await;
        is_stored
    }
}

fn keep(seen: &Mutex<Vec<CacheKey>>, matches: &Matches, entry: &Listed) {
    if matches(&entry.key) {
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(entry.key.clone());
    }
}
