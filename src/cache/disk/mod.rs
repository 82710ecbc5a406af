//! Stored responses on disk: records with opaque heads, and contents from a hundred bytes to
//! gigabytes. It knows nothing of HTTP and decides nothing about freshness; whatever goes wrong
//! on the disk, its callers see a miss.
//!
//! ```text
//! unpad-cache                                  the marker: this directory is ours to delete in
//! lock                                         held by the process that has it open
//! new/                                         what is being written; emptied at the start
//! portals/{owner}/heads/{ab}/{id}              one for each key, with all its variants
//! portals/{owner}/objects/{ab}/{id}.{digest}   content that is too long for the head file
//! ```
//!
//! **Why plain files and no index database.** A database was considered: one damaged page can
//! take all of it, it grows by doubling, so that a budget is no promise, and it wants one writer
//! that syncs. Here damage to a file costs one entry; look-ups find a file by its name and work at
//! once after a start; writing beside and renaming covers a killed process; and the budget is
//! exact. Nothing is synchronised with the disk, because all that is read is verified: a power
//! loss can lose entries, not falsify them.
//!
//! **What is in memory.** Id, blocks and last use of each entry, in at most about 110 bytes,
//! filled by a scan of directory entries in the background. Until that has ended, the budget is
//! not known: nothing is written or evicted, and stores wait in the queue.
//!
//! **Who does what.** Look-ups read on threads for blocking work, bounded in number and time.
//! Stores and removals go to one writer thread, in order, through a bounded queue that look-ups
//! see into: what was stored is there, what was removed is not. Long content comes through a
//! [`Draft`], which can be read while it grows; its [`Object`] belongs to the key and stands in
//! the record that is stored next.
//!
//! **Objects** are named by their key and by the content's digest: equal content that is stored
//! again for its key is not written again, and each object has one entry that it goes with, so
//! that nothing counts references.
//!
//! **Invariant:** files in place are changed only by who holds `Changes`, and the budget is
//! claimed before a byte is written.
//!
//! **Invariant:** no byte is given out that did not match its checksum, except to readers of a
//! draft, who get what was just written.

mod changes;
mod draft;
mod engine;
mod faults;
mod growing;
mod head;
mod index;
mod layout;
mod object;
mod options;
mod queue;
mod read;
mod record;
mod scan;
mod seal;
#[cfg(test)]
mod tests;
mod write;
mod writer;

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;

use tokio::sync::oneshot;

use crate::clock::Clock;

pub use draft::{Draft, DraftError};
use engine::Engine;
pub use faults::Counters;
use faults::Event;
pub use growing::Growing;
use layout::{Layout, is_owner};
pub use object::{Object, Pieces, Reader};
pub use options::{OpenError, Options};
use queue::{Job, Pending};
pub use record::{Content, Listed, Outline, Record, Variant};
use seal::object_length;

/// The disk tier. Cheap to clone; its thread ends with the last one, and leaves what still waits
/// unwritten: [`Disk::flush`] first.
#[derive(Debug, Clone)]
pub struct Disk(Arc<Handle>);

#[derive(Debug)]
struct Handle(Arc<Engine>);

/// How full the disk tier is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Entries that are written.
    pub entries: u64,
    /// Bytes of disk blocks that they take, and what is being written.
    pub bytes: u64,
    /// Bytes that they may take.
    pub budget: u64,
    /// Whether the scan has ended, and the figures are complete.
    pub scanned: bool,
}

/// What is known of an id without asking the disk.
enum Known {
    Nothing,
    /// It waits to be written.
    Waiting(Arc<Record>),
    /// The disk has to be asked.
    Perhaps,
}

impl Disk {
    /// Takes a directory, and begins to look at what is there. It blocks for some system calls.
    ///
    /// # Errors
    /// [`OpenError`] when the directory is not ours, in use, or cannot be used.
    pub fn open(options: Options, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let layout = Layout::occupy(&options.path)?;
        let path = options.path.clone();
        let engine = Arc::new(Engine::new(options, layout, clock));
        let disk = Self(Arc::new(Handle(Arc::clone(&engine))));
        thread::Builder::new()
            .name("disk-cache".to_owned())
            .spawn(move || writer::run(engine))
            .map_err(|error| OpenError::Io(path, error))?;
        Ok(disk)
    }

    /// The record of a key. `None` if there is none, it is of another key with the same id, it did
    /// not verify, or the disk did not answer in time.
    pub async fn load(&self, owner: &str, id: u128, key: &str) -> Option<Record> {
        match self.known(owner, id) {
            Known::Nothing => None,
            Known::Waiting(record) => (*record.key == *key).then(|| Record::clone(&record)),
            Known::Perhaps => {
                let (engine, owner, key) = (self.shared(), owner.to_owned(), key.to_owned());
                self.engine().patiently(move || engine.load(&owner, id, &key)).await?
            }
        }
    }

    /// What is stored under an id, without contents. `None` as with [`Disk::load`].
    pub async fn peek(&self, owner: &str, id: u128) -> Option<Outline> {
        match self.known(owner, id) {
            Known::Nothing => None,
            Known::Waiting(record) => Some(record.outline()),
            Known::Perhaps => {
                let (engine, owner) = (self.shared(), owner.to_owned());
                self.engine().patiently(move || engine.peek(&owner, id)).await?
            }
        }
    }

    /// Lets a record be written in place of what is stored under its key. What cannot be written
    /// is dropped and counted, and what was stored before stays.
    pub fn store(&self, record: Record) {
        let engine = self.engine();
        let refused = !is_owner(&record.owner) || engine.faults.paused(engine.clock.now());
        if refused || !engine.queue.store(record) {
            engine.faults.count(Event::Dropped);
        }
    }

    /// Removes what is stored under an id, and what was about to be. Whether its files are gone;
    /// if not, it stays out of sight until the process ends.
    pub async fn remove(&self, owner: &str, id: u128) -> bool {
        is_owner(owner) && self.engine().queue.remove(owner.into(), id).await.unwrap_or(false)
    }

    /// The entries of an owner, or all, as they are now.
    #[must_use]
    pub fn ids(&self, owner: Option<&str>) -> Vec<Listed> {
        let mut waiting: HashSet<_> = self.engine().queue.stored().into_iter().collect();
        let written = self.engine().index().list(owner);
        let mut listed: Vec<_> = written
            .into_iter()
            .map(|((owner, id), blocks)| Listed { owner, id, bytes: blocks * options::BLOCK })
            .collect();
        for entry in &listed {
            waiting.remove(&(Arc::clone(&entry.owner), entry.id));
        }
        waiting.retain(|(name, _)| owner.is_none_or(|owner| **name == *owner));
        listed.extend(waiting.into_iter().map(|(owner, id)| Listed { owner, id, bytes: 0 }));
        listed
    }

    /// Begins to take content that arrives piece by piece, of a length in bytes if it is known.
    /// `None` when the disk cannot take it: it is too long, there is no room, the disk failed
    /// just now, or the scan has not ended. With a known length it may wait for evictions.
    pub async fn begin(&self, owner: &str, id: u128, announced: Option<u64>) -> Option<Draft> {
        let engine = self.shared();
        let length = object_length(announced.unwrap_or(0));
        if !is_owner(owner)
            || engine.faults.paused(engine.clock.now())
            || !engine.index().scanned()
            || engine.is_too_large(owner, length)
        {
            return None;
        }
        let owner = Arc::from(owner);
        let create = move || Draft::create(&engine, &owner, id, announced);
        tokio::task::spawn_blocking(create).await.ok()?
    }

    /// Waits until everything that was handed in before is done.
    pub async fn flush(&self) {
        let (done, answer) = oneshot::channel();
        self.engine().queue.push(Job::Flush(done));
        // A writer that ended has nothing left to do.
        let _ = answer.await;
    }

    /// How full it is.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let index = self.engine().index();
        let (entries, blocks) = index.usage();
        Usage {
            entries,
            bytes: blocks * options::BLOCK,
            budget: self.engine().options.size,
            scanned: index.scanned(),
        }
    }

    /// What happened since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.engine().faults.counters()
    }

    fn known(&self, owner: &str, id: u128) -> Known {
        if !is_owner(owner) {
            return Known::Nothing;
        }
        match self.engine().queue.pending(owner, id) {
            Some(Pending::Stored(record)) => Known::Waiting(record),
            Some(Pending::Removed) => Known::Nothing,
            None if self.engine().index().lacks(owner, id) => Known::Nothing,
            None => Known::Perhaps,
        }
    }

    fn engine(&self) -> &Arc<Engine> {
        &self.0.0
    }

    fn shared(&self) -> Arc<Engine> {
        Arc::clone(self.engine())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.queue.close();
    }
}
