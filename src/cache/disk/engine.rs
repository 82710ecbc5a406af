//! What all parts of the disk tier share, and how work that blocks is done. It names nothing on
//! the disk and changes nothing there.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::Semaphore;

use crate::clock::Clock;

use super::changes::Changes;
use super::faults::{Event, Faults};
use super::index::Index;
use super::layout::Layout;
use super::options::{LARGEST_PART, Options, blocks};
use super::queue::Queue;

/// The parts of one open disk tier. The directory stays locked until the last user is gone.
pub(super) struct Engine {
    pub(super) options: Options,
    pub(super) layout: Layout,
    pub(super) queue: Queue,
    pub(super) faults: Faults,
    pub(super) clock: Arc<dyn Clock>,
    index: Mutex<Index>,
    /// Held by whoever changes files that are in place, so that no two changes of a key mix.
    changes: Mutex<()>,
    reads: Arc<Semaphore>,
    started: Instant,
    started_wall: SystemTime,
    serial: AtomicU64,
}

impl Engine {
    pub(super) fn new(options: Options, layout: Layout, clock: Arc<dyn Clock>) -> Self {
        // Rounded down: files are rounded up.
        let budget = options.size / super::options::BLOCK;
        let share = budget * u64::from(options.share.min(100)) / 100;
        Self {
            layout,
            queue: Queue::new(options.queue_entries, options.queue_bytes),
            faults: Faults::default(),
            index: Mutex::new(Index::new(budget, share)),
            changes: Mutex::default(),
            reads: Arc::new(Semaphore::new(options.reads)),
            started: clock.now(),
            started_wall: clock.wall(),
            serial: AtomicU64::new(0),
            clock,
            options,
        }
    }

    /// The index. Nothing that reserves or holds may be dropped while it is borrowed.
    pub(super) fn index(&self) -> MutexGuard<'_, Index> {
        lock(&self.index)
    }

    /// The right to change files that are in place. It blocks: never ask on a runtime's thread.
    pub(super) fn changes(self: &Arc<Self>) -> Changes<'_> {
        Changes::new(self, lock(&self.changes))
    }

    /// Does a read on a thread for blocking work, and waits for it as long as patience says. The
    /// read then goes on by itself, and what it brings is dropped.
    pub(super) async fn patiently<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let reads = Arc::clone(&self.reads);
        let answer = async move {
            let permit = reads.acquire_owned().await.ok()?;
            let reading = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                read()
            });
            reading.await.ok()
        };
        let answer = tokio::time::timeout(self.options.patience, answer).await;
        answer.unwrap_or_else(|_| {
            self.faults.count(Event::Slow);
            None
        })
    }

    /// The most that an entry of an owner may take, in blocks.
    pub(super) fn largest(&self, owner: &str) -> u64 {
        (self.options.size / super::options::BLOCK / LARGEST_PART).min(self.index().limit(owner))
    }

    /// Whether a file of so many bytes is too large for an owner's entry.
    pub(super) fn is_too_large(&self, owner: &str, bytes: u64) -> bool {
        blocks(bytes) > self.largest(owner)
    }

    /// A name beside everything else, for a file that is being written.
    pub(super) fn new_path(&self) -> PathBuf {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        self.layout.new_files().join(serial.to_string())
    }

    /// The time of use: seconds of the wall clock at the start, then of the monotonic clock, so
    /// that a step of the wall clock makes no entry old.
    pub(super) fn seconds(&self) -> u32 {
        let since = self.clock.now().saturating_duration_since(self.started);
        seconds_of(self.started_wall + since)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("root", &self.layout.root()).finish_non_exhaustive()
    }
}

/// Seconds since 1970, until 2106.
pub(super) fn seconds_of(time: SystemTime) -> u32 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind the locks of this folder is valid after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
