//! What is known of all entries in memory: id, blocks, last use; and the budget. It touches no
//! file: it says who has to go, and is told when they are gone.
//!
//! An entry costs a slot of 28 bytes and a place of 20 in a table, with the growth of both at
//! most about 110 bytes.
//!
//! **Invariant:** what the entries take and what is reserved is never over the budget, except
//! between the start and the end of the scan, where the budget may have been lowered.

mod victim;

use std::collections::HashMap;
use std::sync::Arc;

use super::layout::ObjectName;

/// What an entry costs in memory, in bytes: a slot, and a place in the table.
#[cfg(test)]
pub(super) const SLOT_BYTES: usize = size_of::<Slot>();
#[cfg(test)]
pub(super) const PLACE_BYTES: usize = size_of::<(Id, u32)>();

/// The bytes of an id: an array is packed more tightly than a number.
type Id = [u8; 16];

#[derive(Debug, Clone, Copy)]
struct Slot {
    id: Id,
    /// Blocks of all its files.
    blocks: u32,
    /// Seconds of the wall clock, as counted since the start.
    used: u32,
    /// Whether it has objects beside its head.
    objects: bool,
}

#[derive(Debug)]
struct Owner {
    name: Arc<str>,
    slots: Vec<Slot>,
    places: HashMap<Id, u32>,
    /// Blocks of its entries.
    stored: u64,
    /// Blocks promised to what is being written.
    reserved: u64,
}

/// All entries, by owner.
#[derive(Debug)]
pub(super) struct Index {
    owners: Vec<Owner>,
    names: HashMap<Arc<str>, usize>,
    /// Objects that are finished and that no head refers to yet, with their owners.
    loose: Vec<(usize, ObjectName)>,
    budget: u64,
    share: u64,
    total: u64,
    random: u64,
    scanned: bool,
}

/// An entry, named.
pub(super) type Named = (Arc<str>, u128);

/// What comes of asking for room.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// The blocks are reserved.
    Granted,
    /// This entry has to go first.
    Evict(Named),
    /// There is nothing left that could go.
    Refused,
}

impl Index {
    /// An index for a budget and a share of it, in blocks.
    pub(super) fn new(budget: u64, share: u64) -> Self {
        Self {
            owners: Vec::new(),
            names: HashMap::new(),
            loose: Vec::new(),
            budget,
            share,
            total: 0,
            random: 0x9e37_79b9_7f4a_7c15,
            scanned: false,
        }
    }

    pub(super) fn end_scan(&mut self) {
        self.scanned = true;
    }

    pub(super) fn scanned(&self) -> bool {
        self.scanned
    }

    /// Entries, and blocks of them and of what is being written.
    pub(super) fn usage(&self) -> (u64, u64) {
        (self.owners.iter().map(|owner| owner.slots.len() as u64).sum(), self.total)
    }

    /// The blocks that one entry of an owner may take, by the owner's share.
    pub(super) fn limit(&self, owner: &str) -> u64 {
        let others = self.owners.iter().any(|other| &*other.name != owner && other.is_active());
        if others { self.share } else { self.budget }
    }

    pub(super) fn has(&self, owner: &str, id: u128) -> bool {
        self.slot(owner, id).is_some()
    }

    /// Whether it is sure that there is no such entry.
    pub(super) fn lacks(&self, owner: &str, id: u128) -> bool {
        self.scanned && !self.has(owner, id)
    }

    /// Whether an entry may have objects: one that is not known may.
    pub(super) fn may_have_objects(&self, owner: &str, id: u128) -> bool {
        self.slot(owner, id).is_none_or(|slot| slot.objects)
    }

    /// Marks an entry as used.
    pub(super) fn touch(&mut self, owner: &str, id: u128, now: u32) {
        let Some(owner) = self.names.get(owner).and_then(|at| self.owners.get_mut(*at)) else {
            return;
        };
        if let Some(place) = owner.places.get(&id.to_be_bytes()) {
            owner.slots[*place as usize].used = now;
        }
    }

    /// Enters an entry, or replaces what is known of it.
    pub(super) fn put(&mut self, owner: &str, id: u128, blocks: u64, objects: bool, used: u32) {
        self.forget(owner, id);
        let at = self.owner_of(owner);
        let owner = &mut self.owners[at];
        // 4 Gi blocks are 16 TiB: no entry is larger.
        let blocks = u32::try_from(blocks).unwrap_or(u32::MAX);
        let Ok(place) = u32::try_from(owner.slots.len()) else { return };
        owner.places.insert(id.to_be_bytes(), place);
        owner.slots.push(Slot { id: id.to_be_bytes(), blocks, used, objects });
        owner.stored += u64::from(blocks);
        self.total += u64::from(blocks);
    }

    /// Adds the blocks of an object that was found.
    pub(super) fn add_object(&mut self, owner: &str, id: u128, blocks: u64) {
        let Some(owner) = self.names.get(owner).and_then(|at| self.owners.get_mut(*at)) else {
            return;
        };
        if let Some(place) = owner.places.get(&id.to_be_bytes()) {
            let slot = &mut owner.slots[*place as usize];
            let more = u32::try_from(blocks).unwrap_or(u32::MAX).min(u32::MAX - slot.blocks);
            slot.blocks += more;
            slot.objects = true;
            owner.stored += u64::from(more);
            self.total += u64::from(more);
        }
    }

    /// Takes an entry out. Its files are gone, or never were.
    pub(super) fn forget(&mut self, owner: &str, id: u128) {
        let Some(owner) = self.names.get(owner).and_then(|at| self.owners.get_mut(*at)) else {
            return;
        };
        let Some(place) = owner.places.remove(&id.to_be_bytes()) else { return };
        let gone = owner.slots.swap_remove(place as usize);
        if let Some(moved) = owner.slots.get(place as usize) {
            owner.places.insert(moved.id, place);
        }
        owner.stored -= u64::from(gone.blocks);
        self.total -= u64::from(gone.blocks);
    }

    /// Asks for room, without touching `keep`.
    pub(super) fn claim(&mut self, owner: &str, blocks: u64, keep: u128) -> Claim {
        let at = self.owner_of(owner);
        let own = &self.owners[at];
        let own_total = own.stored + own.reserved;
        let keep = Some((at, keep));
        if own_total + blocks > self.limit(owner) {
            return self.oldest_of(at, keep).map_or(Claim::Refused, Claim::Evict);
        }
        if self.total + blocks > self.budget {
            return self.oldest(keep).map_or(Claim::Refused, Claim::Evict);
        }
        self.owners[at].reserved += blocks;
        self.total += blocks;
        Claim::Granted
    }

    /// The entry that has to go because the budget is exceeded.
    pub(super) fn excess(&mut self) -> Option<Named> {
        if self.total > self.budget { self.oldest(None) } else { None }
    }

    /// Gives reserved blocks back.
    pub(super) fn release(&mut self, owner: &str, blocks: u64) {
        let at = self.owner_of(owner);
        self.owners[at].reserved = self.owners[at].reserved.saturating_sub(blocks);
        self.total = self.total.saturating_sub(blocks);
    }

    /// Keeps an object that no head refers to yet from being deleted.
    pub(super) fn hold(&mut self, owner: &str, name: ObjectName) {
        let at = self.owner_of(owner);
        self.loose.push((at, name));
    }

    pub(super) fn let_go(&mut self, owner: &str, name: ObjectName) {
        let at = self.owner_of(owner);
        if let Some(found) = self.loose.iter().position(|held| *held == (at, name)) {
            self.loose.swap_remove(found);
        }
    }

    pub(super) fn holds(&self, owner: &str, name: ObjectName) -> bool {
        self.names.get(owner).is_some_and(|at| self.loose.contains(&(*at, name)))
    }

    /// Every entry, or every one of an owner, with its blocks.
    pub(super) fn list(&self, owner: Option<&str>) -> Vec<(Named, u64)> {
        let owners = self.owners.iter().filter(|o| owner.is_none_or(|name| &*o.name == name));
        let entries = owners.flat_map(|owner| {
            owner.slots.iter().map(|slot| (owner.named(slot), u64::from(slot.blocks)))
        });
        entries.collect()
    }

    fn slot(&self, owner: &str, id: u128) -> Option<&Slot> {
        let owner = &self.owners[*self.names.get(owner)?];
        owner.slots.get(*owner.places.get(&id.to_be_bytes())? as usize)
    }

    fn owner_of(&mut self, name: &str) -> usize {
        if let Some(at) = self.names.get(name) {
            return *at;
        }
        let name: Arc<str> = name.into();
        self.names.insert(Arc::clone(&name), self.owners.len());
        let (slots, places) = (Vec::new(), HashMap::new());
        self.owners.push(Owner { name, slots, places, stored: 0, reserved: 0 });
        self.owners.len() - 1
    }
}

impl Owner {
    fn is_active(&self) -> bool {
        !self.slots.is_empty() || self.reserved > 0
    }

    fn named(&self, slot: &Slot) -> Named {
        (Arc::clone(&self.name), u128::from_be_bytes(slot.id))
    }
}
