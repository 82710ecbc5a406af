//! What waits to be done by the writer, in order; and what of it look-ups can already see. It
//! does none of it.
//!
//! **Invariant:** the last store or removal of a key that was enqueued is what look-ups see until
//! the writer has carried it out.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::changes::Reservation;
use super::engine::lock;
use super::growing::Body;
use super::record::Record;

/// One thing to do.
#[derive(Debug)]
pub(super) enum Job {
    /// Write a record.
    Store { serial: u64, record: Arc<Record> },
    /// Delete an entry, and say whether its files are gone.
    Remove { serial: u64, owner: Arc<str>, id: u128, done: oneshot::Sender<bool> },
    /// Delete the objects of a key that nothing refers to, and then give their room back.
    Sweep { owner: Arc<str>, id: u128, room: Option<Reservation> },
    /// Delete what an abandoned draft wrote, and then give its room back.
    Discard { path: PathBuf, body: Arc<Body> },
    /// Say when everything before it is done.
    Flush(oneshot::Sender<()>),
}

/// What the queue knows of a key.
#[derive(Debug, Clone)]
pub(super) enum Pending {
    Stored(Arc<Record>),
    Removed,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    latest: HashMap<(Arc<str>, u128), (u64, Pending)>,
    /// Stores that wait, and what they hold in memory.
    entries: usize,
    bytes: usize,
    serial: u64,
    closed: bool,
}

/// The writer's work.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    news: Condvar,
    entries: usize,
    bytes: usize,
}

impl Queue {
    /// A queue of so many stores, and so many bytes of them.
    pub(super) fn new(entries: usize, bytes: usize) -> Self {
        Self { state: Mutex::default(), news: Condvar::new(), entries, bytes }
    }

    /// Takes a record, if it has room.
    pub(super) fn store(&self, record: Record) -> bool {
        let held = record.held();
        let record = Arc::new(record);
        let mut state = lock(&self.state);
        let full = state.entries >= self.entries || state.bytes.saturating_add(held) > self.bytes;
        if state.closed || full {
            // The record may be the last that knows of its objects, which then need the queue.
            drop(state);
            return false;
        }
        state.entries += 1;
        state.bytes += held;
        let replaced = state.see(&record.owner, record.id, Pending::Stored(Arc::clone(&record)));
        let serial = state.serial;
        state.jobs.push_back(Job::Store { serial, record });
        drop(state);
        drop(replaced);
        self.news.notify_one();
        true
    }

    /// Takes a removal, however full it is.
    pub(super) fn remove(&self, owner: Arc<str>, id: u128) -> oneshot::Receiver<bool> {
        let (done, answer) = oneshot::channel();
        let mut state = lock(&self.state);
        if !state.closed {
            let replaced = state.see(&owner, id, Pending::Removed);
            let serial = state.serial;
            state.jobs.push_back(Job::Remove { serial, owner, id, done });
            drop(state);
            drop(replaced);
            self.news.notify_one();
        }
        answer
    }

    /// Takes any other work, however full it is.
    pub(super) fn push(&self, job: Job) {
        let mut state = lock(&self.state);
        let refused = if state.closed {
            Some(job)
        } else {
            state.jobs.push_back(job);
            None
        };
        drop(state);
        drop(refused);
        self.news.notify_one();
    }

    /// What waits to happen to a key.
    pub(super) fn pending(&self, owner: &str, id: u128) -> Option<Pending> {
        let state = lock(&self.state);
        if state.latest.is_empty() {
            return None;
        }
        state.latest.get(&(Arc::from(owner), id)).map(|(_, pending)| pending.clone())
    }

    /// The keys of the stores that wait.
    pub(super) fn stored(&self) -> Vec<(Arc<str>, u128)> {
        let state = lock(&self.state);
        let stored = state.latest.iter().filter(|(_, (_, p))| matches!(p, Pending::Stored(_)));
        stored.map(|(key, _)| key.clone()).collect()
    }

    /// The next thing to do; waits for one. `None` when the queue is closed.
    pub(super) fn next(&self) -> Option<Job> {
        let mut state = lock(&self.state);
        loop {
            if state.closed {
                return None;
            }
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A store has been carried out, or given up.
    pub(super) fn end_store(&self, serial: u64, record: &Record) {
        let mut state = lock(&self.state);
        state.entries -= 1;
        state.bytes -= record.held();
        let ended = state.end(serial, &record.owner, record.id);
        drop(state);
        drop(ended);
    }

    /// A removal has been carried out. One that failed is not ended: the key stays removed as far
    /// as look-ups can see.
    pub(super) fn end_remove(&self, serial: u64, owner: &Arc<str>, id: u128) {
        let ended = lock(&self.state).end(serial, owner, id);
        drop(ended);
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    /// Ends the writer; what waits is not done any more.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let jobs = std::mem::take(&mut state.jobs);
        let latest = std::mem::take(&mut state.latest);
        drop(state);
        drop((jobs, latest));
        self.news.notify_all();
    }
}

impl State {
    /// Makes look-ups see what is pending. What they saw is to be dropped without the lock.
    #[must_use]
    fn see(&mut self, owner: &Arc<str>, id: u128, pending: Pending) -> Option<(u64, Pending)> {
        self.serial += 1;
        self.latest.insert((Arc::clone(owner), id), (self.serial, pending))
    }

    #[must_use]
    fn end(&mut self, serial: u64, owner: &Arc<str>, id: u128) -> Option<(u64, Pending)> {
        let key = (Arc::clone(owner), id);
        let is_latest = self.latest.get(&key).is_some_and(|(latest, _)| *latest == serial);
        if is_latest { self.latest.remove(&key) } else { None }
    }
}
