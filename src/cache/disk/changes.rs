//! Changes to files that are in place: deleting, and making room. Who holds a [`Changes`] is the
//! only one who changes anything. What is written is `write`'s to say.

use std::io;
use std::sync::{Arc, MutexGuard};

use super::engine::Engine;
use super::faults::Event;
use super::index::Claim;
use super::layout::{ObjectName, unlink};
use super::queue::Job;
use super::read::Miss;

/// The right to change files that are in place.
pub(super) struct Changes<'a> {
    pub(super) engine: &'a Arc<Engine>,
    _turn: MutexGuard<'a, ()>,
}

/// Room promised to something that is being written; given back when dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    engine: Arc<Engine>,
    owner: Arc<str>,
    blocks: u64,
}

/// There is no room, and none can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoRoom;

/// A finished object that no head refers to yet: it has its room, and is not deleted. When it is
/// dropped before a record with it was written, its file goes.
#[derive(Debug)]
pub(super) struct Loose {
    engine: Arc<Engine>,
    owner: Arc<str>,
    name: ObjectName,
    room: Option<Reservation>,
    adopted: bool,
}

impl<'a> Changes<'a> {
    pub(super) fn new(engine: &'a Arc<Engine>, turn: MutexGuard<'a, ()>) -> Self {
        Self { engine, _turn: turn }
    }

    /// Deletes an entry, the head first: without it, nothing finds the rest.
    pub(super) fn delete(&self, owner: &str, id: u128) -> io::Result<()> {
        let engine = self.engine;
        let objects = engine.index().may_have_objects(owner, id);
        unlink(&engine.layout.head(owner, id))?;
        if objects {
            self.delete_objects(owner, id, |_| false)?;
        }
        engine.index().forget(owner, id);
        Ok(())
    }

    /// Deletes an entry that did not verify.
    pub(super) fn delete_damaged(&self, owner: &str, id: u128) {
        let engine = self.engine;
        let now = engine.clock.now();
        engine.faults.damaged(now, &format_args!("{owner}/{id:032x}"));
        if let Err(error) = self.delete(owner, id) {
            engine.faults.delete_failed(now, &error);
        }
    }

    /// Deletes the objects of a key that its head does not refer to.
    pub(super) fn sweep(&self, owner: &str, id: u128) -> io::Result<()> {
        match self.engine.front(owner, id) {
            Ok(front) => {
                let names: Vec<_> =
                    front.references().map(|(_, sha256)| ObjectName::new(id, sha256)).collect();
                self.delete_objects(owner, id, |name| names.contains(&name))
            }
            Err(Miss::Absent) => self.delete_objects(owner, id, |_| false),
            Err(Miss::Failed(error)) => Err(error),
            Err(Miss::Doubt | Miss::OtherKey) => {
                self.delete_damaged(owner, id);
                Ok(())
            }
        }
    }

    /// Deletes the objects of a key, except some and those that are held.
    pub(super) fn delete_objects(
        &self,
        owner: &str,
        id: u128,
        except: impl Fn(ObjectName) -> bool,
    ) -> io::Result<()> {
        let engine = self.engine;
        for name in engine.layout.objects_of(owner, id)? {
            if !except(name) && !engine.index().holds(owner, name) {
                unlink(&engine.layout.object(owner, name))?;
            }
        }
        Ok(())
    }

    /// Reserves blocks, and evicts until there is room. The entry `keep` of the owner stays.
    pub(super) fn reserve(
        &self,
        owner: &Arc<str>,
        blocks: u64,
        keep: u128,
    ) -> Result<Reservation, NoRoom> {
        loop {
            let claim = self.engine.index().claim(owner, blocks, keep);
            match claim {
                Claim::Granted => {
                    let (engine, owner) = (Arc::clone(self.engine), Arc::clone(owner));
                    return Ok(Reservation { engine, owner, blocks });
                }
                Claim::Evict((owner, id)) => self.evict(&owner, id)?,
                Claim::Refused => return Err(NoRoom),
            }
        }
    }

    /// Evicts what is over the budget, because that has been lowered.
    pub(super) fn settle(&self) {
        loop {
            let excess = self.engine.index().excess();
            let Some((owner, id)) = excess else { return };
            if self.evict(&owner, id).is_err() {
                return;
            }
        }
    }

    fn evict(&self, owner: &str, id: u128) -> Result<(), NoRoom> {
        self.delete(owner, id).map_err(|error| {
            // A disk that deletes nothing takes nothing either.
            self.engine.faults.write_failed(self.engine.clock.now(), &error);
            NoRoom
        })?;
        self.engine.faults.count(Event::Evicted);
        Ok(())
    }
}

impl Reservation {
    pub(super) fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Takes in another reservation of the same owner.
    pub(super) fn absorb(&mut self, mut other: Self) {
        self.blocks += std::mem::take(&mut other.blocks);
    }

    /// Gives back what is over a number of blocks.
    pub(super) fn shrink(&mut self, blocks: u64) {
        let over = self.blocks.saturating_sub(blocks);
        self.blocks -= over;
        self.engine.index().release(&self.owner, over);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.engine.index().release(&self.owner, self.blocks);
    }
}

impl Loose {
    pub(super) fn hold(
        engine: &Arc<Engine>,
        owner: &Arc<str>,
        name: ObjectName,
        room: Option<Reservation>,
    ) -> Self {
        engine.index().hold(owner, name);
        let (engine, owner) = (Arc::clone(engine), Arc::clone(owner));
        Self { engine, owner, name, room, adopted: false }
    }

    /// A head refers to it now, and its blocks are counted with the entry.
    pub(super) fn adopt(mut self) {
        self.adopted = true;
    }
}

impl Drop for Loose {
    fn drop(&mut self) {
        self.engine.index().let_go(&self.owner, self.name);
        if !self.adopted {
            let (owner, id) = (Arc::clone(&self.owner), self.name.id);
            self.engine.queue.push(Job::Sweep { owner, id, room: self.room.take() });
        }
    }
}
