//! All that is stored for one key: the responses of which the request's own fields select one
//! (RFC 9111 §4.1). It decides nothing about freshness.

use std::sync::Arc;

use http::HeaderMap;

use super::{CacheKey, StoredResponse};

/// The most responses stored for one key: 16. A portal that varies by more is not cached by more;
/// the response stored longest ago makes room.
const VARIANTS: usize = 16;

/// The responses stored for a key, the newest first. Never empty, and cheap to clone.
#[derive(Debug, Clone)]
pub struct Entry {
    newest: Arc<StoredResponse>,
    /// Most keys have none.
    older: Option<Arc<[Arc<StoredResponse>]>>,
}

impl Entry {
    /// An entry of these variants of one key, the newest first; `None` if there are none.
    pub(super) fn new(variants: impl IntoIterator<Item = Arc<StoredResponse>>) -> Option<Self> {
        let mut variants = variants.into_iter();
        Some(Self::of(variants.next()?, variants.collect()))
    }

    fn of(newest: Arc<StoredResponse>, older: Vec<Arc<StoredResponse>>) -> Self {
        Self { newest, older: (!older.is_empty()).then(|| older.into()) }
    }

    /// What they answer.
    #[must_use]
    pub fn key(&self) -> &CacheKey {
        &self.newest.key
    }

    /// RFC 9111 §4.1: the most recent response that the request's fields select.
    #[must_use]
    pub fn select(&self, request: &HeaderMap) -> Option<&Arc<StoredResponse>> {
        self.variants().find(|stored| stored.selecting.matches(request))
    }

    /// The newest response.
    #[must_use]
    pub fn newest(&self) -> &Arc<StoredResponse> {
        &self.newest
    }

    /// The responses, the newest first.
    pub fn variants(&self) -> impl Iterator<Item = &Arc<StoredResponse>> {
        std::iter::once(&self.newest).chain(self.older.iter().flat_map(|older| older.iter()))
    }

    /// The entry with one more response, which replaces what was selected by the same values.
    pub(super) fn with(old: Option<&Self>, response: &Arc<StoredResponse>) -> Self {
        let others = old.into_iter().flat_map(Self::variants);
        let others = others.filter(|other| other.selecting != response.selecting);
        let older = others.take(VARIANTS - 1).cloned().collect();
        Self::of(Arc::clone(response), older)
    }

    /// The entry without one response; `None` if nothing is left.
    pub(super) fn without(&self, response: &Arc<StoredResponse>) -> Option<Self> {
        let rest = self.variants().filter(|other| !Arc::ptr_eq(other, response));
        Self::new(rest.cloned())
    }

    /// What it weighs in memory, in bytes.
    pub(super) fn size(&self) -> usize {
        self.variants().map(|stored| stored.size()).sum()
    }
}
