//! Places that no entry names: what an open target's origin is and how it is doing, remembered between
//! requests. It judges no target.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use url::Url;

use crate::clock::Clock;
use crate::portal::{OpenTargets, Portal};
use crate::upstream::{Clients, Health};

use super::Place;

/// Origins that are remembered, with their connections and their records: 512. One more, and the one is
/// forgotten that nobody has asked for the longest; of those that fail, and that are asked just now, the
/// last.
const ORIGINS: usize = 512;

/// The open targets of a gateway.
#[derive(Debug)]
pub(super) struct Open {
    targets: OpenTargets,
    clients: Clients,
    clock: Arc<dyn Clock>,
    places: Mutex<Places>,
}

#[derive(Debug, Default)]
struct Places {
    kept: HashMap<String, Kept>,
    /// How often one was asked for.
    asked: u64,
}

#[derive(Debug)]
struct Kept {
    place: Place,
    /// When it was last asked for, as a count.
    last: u64,
}

impl Open {
    pub(super) fn new(targets: OpenTargets, clients: Clients, clock: Arc<dyn Clock>) -> Self {
        Self { targets, clients, clock, places: Mutex::default() }
    }

    /// The place of a URL's origin, if it may be asked for.
    pub(super) fn place(&self, url: &Url) -> Option<Place> {
        let portal: Portal = self.targets.portal(url)?;
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.asked += 1;
        let last = places.asked;
        let origin = portal.base.to_string();
        if let Some(kept) = places.kept.get_mut(&origin) {
            kept.last = last;
            return Some(kept.place.clone());
        }
        if places.kept.len() >= ORIGINS {
            places.forget_one();
        }
        let place = Place::new(&Arc::new(portal), &self.clients, &self.clock);
        places.kept.insert(origin, Kept { place: place.clone(), last });
        Some(place)
    }
}

impl Places {
    /// A record of failures is what keeps others from asking in vain, and limits hold for those who ask
    /// now: whoever chooses names must not be able to undo them.
    fn forget_one(&mut self) {
        let worth = |kept: &Kept| {
            let trouble = match kept.place.health() {
                Health::Ok => 0,
                Health::Failing => 1,
                Health::Suspended(_) => 2,
            };
            (Arc::strong_count(&kept.place.site) > 1, trouble, kept.last)
        };
        let least = self.kept.iter().min_by_key(|(_, kept)| worth(kept));
        if let Some(origin) = least.map(|(origin, _)| origin.clone()) {
            self.kept.remove(&origin);
        }
    }
}
