//! Places that no entry names: what an open target's origin is and how it is doing, remembered between
//! requests. It judges no target.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use url::Url;

use crate::clock::Clock;
use crate::portal::{OpenTargets, Portal};
use crate::upstream::Clients;

use super::Place;

/// Origins that are remembered, with their connections and their records: 512. One more, and all
/// begin anew.
const ORIGINS: usize = 512;

/// The open targets of a gateway.
#[derive(Debug)]
pub(super) struct Open {
    targets: OpenTargets,
    clients: Clients,
    clock: Arc<dyn Clock>,
    places: Mutex<HashMap<String, Place>>,
}

impl Open {
    pub(super) fn new(targets: OpenTargets, clients: Clients, clock: Arc<dyn Clock>) -> Self {
        Self { targets, clients, clock, places: Mutex::default() }
    }

    /// The place of a URL's origin, if it may be asked for.
    pub(super) fn place(&self, url: &Url) -> Option<Place> {
        let portal: Portal = self.targets.portal(url)?;
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let origin = portal.base.to_string();
        if let Some(place) = places.get(&origin) {
            return Some(place.clone());
        }
        if places.len() >= ORIGINS {
            places.clear();
        }
        let place = Place::new(&Arc::new(portal), &self.clients, &self.clock);
        places.insert(origin, place.clone());
        Some(place)
    }
}
