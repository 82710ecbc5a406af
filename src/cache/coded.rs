//! The coded variants of stored content: made once each, off the request path, when first asked for.
//! It does not negotiate and does not code; it remembers what has been made.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::{Accepted, Cache, Coding, Entry, StoredResponse, coding};

/// How many variants are made at once, each on a thread of its own: more would take the processors
/// from those who ask. While all are busy, requests get the content as it is.
pub(super) const CODERS: usize = 2;

/// The variants of one content.
#[derive(Debug, Default)]
pub(super) struct Coded {
    gzip: Variant,
    brotli: Variant,
}

/// One variant: begun, and what it came to; `None` where coding saves too little.
#[derive(Debug, Default)]
struct Variant {
    begun: AtomicBool,
    made: OnceLock<Option<Bytes>>,
}

impl Coded {
    /// Bytes of all variants.
    pub(super) fn size(&self) -> usize {
        [&self.gzip, &self.brotli].iter().filter_map(|v| Some(v.made.get()?.as_ref()?.len())).sum()
    }

    /// Whether coding the content proved to be of no use.
    fn is_useless(&self) -> bool {
        [&self.gzip, &self.brotli].iter().any(|v| matches!(v.made.get(), Some(None)))
    }

    const fn variant(&self, coding: Coding) -> Option<&Variant> {
        match coding {
            Coding::Identity => None,
            Coding::Gzip => Some(&self.gzip),
            Coding::Brotli => Some(&self.brotli),
        }
    }
}

impl StoredResponse {
    /// Whether its content is sent in one coding or another, as a request accepts.
    #[must_use]
    pub fn is_negotiated(&self) -> bool {
        self.coded.as_ref().is_some_and(|coded| !coded.is_useless())
    }
}

impl<E: Send + Sync + 'static> Cache<E> {
    /// The most preferred variant that has been made, if it is preferred to the content as it is.
    /// The first request that prefers one has it made, for those that come later.
    #[must_use]
    pub fn variant(
        self: &Arc<Self>,
        stored: &Arc<StoredResponse>,
        accepted: &Accepted,
    ) -> Option<(Coding, Bytes)> {
        let coded = stored.coded.as_ref().filter(|coded| !coded.is_useless())?;
        for coding in accepted.iter() {
            let variant = coded.variant(coding)?;
            match variant.made.get() {
                Some(Some(bytes)) => return Some((coding, bytes.clone())),
                Some(None) => return None,
                None => self.begin(stored, coded, coding),
            }
        }
        None
    }

    /// Has a variant made, unless that has begun or all coders are busy.
    fn begin(self: &Arc<Self>, stored: &Arc<StoredResponse>, coded: &Arc<Coded>, coding: Coding) {
        let Some(variant) = coded.variant(coding) else { return };
        let (super::stored::Kept::Buffer(content), false) =
            (&stored.content, variant.begun.load(Ordering::Relaxed))
        else {
            return;
        };
        let Ok(turn) = Arc::clone(&self.coders).try_acquire_owned() else { return };
        if variant.begun.swap(true, Ordering::Relaxed) {
            return;
        }
        let (cache, coded, content) = (Arc::clone(self), Arc::clone(coded), content.clone());
        let key = stored.key.clone();
        tokio::task::spawn_blocking(move || {
            let made = coding::encode(coding, &content).map(Bytes::from);
            if let Some(variant) = coded.variant(coding) {
                // Begun once, so set once.
                let _ = variant.made.set(made);
            }
            // Stored again, so that it is weighed with its variants.
            let holds = |entry: &Entry| {
                entry.variants().any(|stored| {
                    stored.coded.as_ref().is_some_and(|other| Arc::ptr_eq(other, &coded))
                })
            };
            if let Some(entry) = cache.memory.load(&key).filter(|entry| holds(entry)) {
                cache.memory.store(entry);
            }
            drop(turn);
        });
    }
}
