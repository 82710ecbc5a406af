//! Forgetting on request. A purge holds for what is stored and for what is under way: an answer
//! that was asked for before the purge is handed on to those who wait for it, and not stored.
//!
//! **Invariant:** a purge first dooms the fetches under way and then removes what is stored; a fetch
//! looks whether it is doomed after it has stored. So whichever comes first, nothing that was asked
//! for before the purge stays.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Cache, CacheKey};

/// Which keys are meant. Owned, so that a tier can ask it on a thread of its own.
pub type Matches = Arc<dyn Fn(&CacheKey) -> bool + Send + Sync>;

/// The fetches under way whose answers may be stored.
#[derive(Debug, Default)]
pub(super) struct Errands {
    next: AtomicU64,
    under_way: Mutex<HashMap<u64, (CacheKey, Arc<AtomicBool>)>>,
}

/// A fetch whose answer may be stored; under way until it is dropped.
#[derive(Debug)]
pub(super) struct Errand<'a> {
    number: u64,
    doomed: Arc<AtomicBool>,
    errands: &'a Errands,
}

impl Errands {
    /// A fetch begins.
    pub(super) fn begin(&self, key: &CacheKey) -> Errand<'_> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let doomed = Arc::new(AtomicBool::new(false));
        self.under_way().insert(number, (key.clone(), Arc::clone(&doomed)));
        Errand { number, doomed, errands: self }
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

impl Errand<'_> {
    /// Whether what the fetch brings must not be stored.
    pub(super) fn is_doomed(&self) -> bool {
        self.doomed.load(Ordering::SeqCst)
    }
}

impl Drop for Errand<'_> {
    fn drop(&mut self) {
        self.errands.under_way().remove(&self.number);
    }
}

impl<E: Clone + Send + Sync + 'static> Cache<E> {
    /// Forgets what matches, stored or under way; says how many stored responses that were.
    pub async fn purge(&self, matches: Matches) -> u64 {
        self.errands.doom(&*matches);
        self.flights.close(&*matches);
        let found: Arc<Mutex<HashMap<u128, CacheKey>>> = Arc::default();
        let (seen, now) = (Arc::clone(&found), self.clock.now());
        // The farthest tier first, so that none can hand an entry back to a nearer one.
        for tier in self.tiers.iter().rev() {
            let (seen, matches) = (Arc::clone(&seen), Arc::clone(&matches));
            tier.visit(
                now,
                Arc::new(move |entry| {
                    if matches(&entry.key) {
                        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                        seen.insert(entry.key.id(), entry.key.clone());
                    }
                }),
            )
            .await;
            let keys: Vec<_> = {
                let found = found.lock().unwrap_or_else(PoisonError::into_inner);
                found.values().cloned().collect()
            };
            for key in &keys {
                tier.remove(key).await;
            }
        }
        found.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }
}
