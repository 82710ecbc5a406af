//! All that is stored for one key: the responses of which the request's own fields select one
//! (RFC 9111 §4.1). It decides nothing about freshness.

use std::sync::Arc;

use http::HeaderMap;

use super::{CacheKey, StoredResponse};

/// The most responses stored for one key: 16. A portal that varies by more is not cached by more;
/// the response stored longest ago makes room.
const VARIANTS: usize = 16;

/// The responses stored for a key, the newest first. Never empty.
#[derive(Debug)]
pub struct Entry {
    /// What they answer.
    pub key: CacheKey,
    variants: Vec<Arc<StoredResponse>>,
}

impl Entry {
    /// An entry of these variants, the newest first; `None` if there are none.
    pub(super) fn new(key: CacheKey, variants: Vec<Arc<StoredResponse>>) -> Option<Self> {
        (!variants.is_empty()).then_some(Self { key, variants })
    }

    /// RFC 9111 §4.1: the most recent response that the request's fields select.
    #[must_use]
    pub fn select(&self, request: &HeaderMap) -> Option<&Arc<StoredResponse>> {
        self.variants.iter().find(|stored| stored.selecting.matches(request))
    }

    /// The newest response.
    #[must_use]
    pub fn newest(&self) -> &Arc<StoredResponse> {
        &self.variants[0]
    }

    /// The responses, the newest first.
    #[must_use]
    pub fn variants(&self) -> impl ExactSizeIterator<Item = &Arc<StoredResponse>> {
        self.variants.iter()
    }

    /// The entry with one more response, which replaces what was selected by the same values.
    pub(super) fn with(old: Option<&Self>, response: &Arc<StoredResponse>) -> Self {
        let others = old.into_iter().flat_map(|entry| &entry.variants);
        let others = others.filter(|other| other.selecting != response.selecting);
        let all = std::iter::once(response).chain(others).take(VARIANTS);
        Self { key: response.key.clone(), variants: all.cloned().collect() }
    }

    /// The entry without one response; `None` if nothing is left.
    pub(super) fn without(&self, response: &Arc<StoredResponse>) -> Option<Self> {
        let rest = self.variants.iter().filter(|other| !Arc::ptr_eq(other, response));
        Self::new(self.key.clone(), rest.cloned().collect())
    }

    /// What it weighs in memory, in bytes.
    pub(super) fn size(&self) -> usize {
        self.variants.iter().map(|stored| stored.size()).sum()
    }
}
