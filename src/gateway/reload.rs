//! From one registry to the next while requests go on: what stayed the same keeps its place on the
//! network, with its connections, its turns and its record. The cache stays whole.

use std::sync::Arc;

use crate::portal::Registry;
use crate::upstream::{Clients, Limits};

use super::{Gateway, Place};

/// How two registries differ, as ids in the order of the newer one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Portals that are new.
    pub added: Vec<String>,
    /// Portals that are gone.
    pub removed: Vec<String>,
    /// Portals with another definition.
    pub changed: Vec<String>,
}

impl Gateway {
    /// The gateway to the portals of another registry, over the same cache.
    #[must_use]
    pub fn reloaded(&self, registry: &Registry, clients: &Clients, buffer: usize) -> Self {
        let cache = Arc::clone(&self.cache);
        let clock = Arc::clone(&self.clock);
        let mut next = Self::new(registry, clients, cache, clock, buffer, self.offline);
        for (id, place) in &mut next.places {
            if let Some(old) = self.places.get(id)
                && is_at_the_same_site(old, place)
            {
                place.site = Arc::clone(&old.site);
                place.record = Arc::clone(&old.record);
            }
        }
        next
    }

    /// How the registry of this gateway differs from the one before.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Changes {
        let mut changes = Changes::default();
        for place in self.places() {
            let id = place.portal.id.as_str();
            match before.places.get(id) {
                None => changes.added.push(id.to_owned()),
                Some(old) if old.portal != place.portal => changes.changed.push(id.to_owned()),
                Some(_) => {}
            }
        }
        let gone = before.order.iter().filter(|id| !self.places.contains_key(*id));
        changes.removed = gone.cloned().collect();
        changes
    }
}

/// Whether all that a site is made of is the same. A portal with another title or lifetime keeps
/// its site.
fn is_at_the_same_site(old: &Place, new: &Place) -> bool {
    let of_site = |limits: &Limits| {
        let queue = (limits.queue, limits.queue_time, limits.rate);
        (limits.connect_time, limits.concurrency, queue, limits.failures)
    };
    old.portal.site_rules() == new.portal.site_rules()
        && of_site(&old.portal.terms.limits) == of_site(&new.portal.terms.limits)
}
