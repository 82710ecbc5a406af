//! What requests came to lately: the target, the key and the policy of a path and query, so that one
//! that is asked for again and again is judged, parsed and hashed once. It remembers and decides
//! nothing; what stands here is what was made without it.
//!
//! **Invariant:** what is remembered follows from the portal, its terms, the path and the query alone,
//! never from a field of a request. It is dropped with its gateway when the registry is read again.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::portal::{Portal, Terms};

use super::Request;
use super::aim::Aim;

/// Targets that are remembered: 4,096. Usual ones take half a kilobyte each. One whose place is taken
/// takes it over, for what is asked for often is soon back.
const PLACES: usize = 4096;

/// The longest path and query that are remembered, in bytes: 1 KiB, so that all together take 16 MiB
/// at most. For a longer one the work is done each time.
const LONGEST: usize = 1 << 10;

/// The aims of lately.
#[derive(Debug)]
pub(super) struct Recent {
    // Hashed with a secret, so that nobody can choose whose place a target takes.
    hasher: RandomState,
    places: Box<[Place]>,
}

/// Where one target may be remembered.
#[derive(Debug, Default)]
struct Place {
    /// Whose hit was the last here: a target is remembered when it is hit twice without another in
    /// between, so that many targets that are asked for once do not push each other out.
    last: AtomicU64,
    remembered: RwLock<Option<Box<Remembered>>>,
}

#[derive(Debug)]
struct Remembered {
    portal: Arc<Portal>,
    terms: Arc<Terms>,
    path: Box<str>,
    query: Option<Box<str>>,
    aim: Arc<Aim>,
}

impl Remembered {
    fn is_of(&self, request: &Request<'_>) -> bool {
        *self.path == *request.path
            && self.query.as_deref() == request.query
            && Arc::ptr_eq(&self.portal, &request.place.portal)
            && Arc::ptr_eq(&self.terms, request.terms)
    }
}

impl Recent {
    pub(super) fn new() -> Self {
        let places = std::iter::repeat_with(Place::default).take(PLACES).collect();
        Self { hasher: RandomState::new(), places }
    }

    /// What such a request came to before.
    pub(super) fn aim(&self, request: &Request<'_>) -> Option<Arc<Aim>> {
        let (place, _) = self.place(request)?;
        let remembered = place.remembered.read().unwrap_or_else(PoisonError::into_inner);
        let found = remembered.as_ref().filter(|found| found.is_of(request))?;
        Some(Arc::clone(&found.aim))
    }

    /// Remembers what a request came to.
    pub(super) fn remember(&self, request: &Request<'_>, aim: &Arc<Aim>) {
        let Some((place, hash)) = self.place(request) else { return };
        if place.last.swap(hash, Ordering::Relaxed) != hash {
            return;
        }
        let remembered = Box::new(Remembered {
            portal: Arc::clone(&request.place.portal),
            terms: Arc::clone(request.terms),
            path: request.path.into(),
            query: request.query.map(Into::into),
            aim: Arc::clone(aim),
        });
        *place.remembered.write().unwrap_or_else(PoisonError::into_inner) = Some(remembered);
    }

    /// Where a request's aim is remembered, if it may be, and the request's hash.
    fn place(&self, request: &Request<'_>) -> Option<(&Place, u64)> {
        if request.path.len() + request.query.map_or(0, str::len) > LONGEST {
            return None;
        }
        let portal = Arc::as_ptr(&request.place.portal).addr();
        let hash = self.hasher.hash_one((portal, request.path, request.query));
        // The remainder is below the number of places.
        Some((self.places.get(usize::try_from(hash % PLACES as u64).ok()?)?, hash))
    }
}
