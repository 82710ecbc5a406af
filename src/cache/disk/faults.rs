//! What went well and what went wrong, counted; and the pause after a failed write. It decides
//! nothing about entries.

use std::fmt::Display;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::engine::lock;
use super::options::{WARNING_PAUSE, WRITE_PAUSE};

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    Stored,
    Dropped,
    Evicted,
    Damaged,
    Slow,
    ReadError,
    WriteError,
}

/// How often each thing happened since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Records written.
    pub stored: u64,
    /// Records not written: the queue was full, they were too large, or the disk failed.
    pub dropped: u64,
    /// Entries deleted to make room.
    pub evicted: u64,
    /// Entries deleted because they did not verify.
    pub damaged: u64,
    /// Look-ups that the disk did not answer in time.
    pub slow: u64,
    /// Reads that failed.
    pub read_errors: u64,
    /// Writes and deletions that failed.
    pub write_errors: u64,
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    counts: [AtomicU64; 7],
    /// The instant of the last failed write, while writing pauses.
    failed: Mutex<Option<Instant>>,
    warned: Mutex<Option<Instant>>,
}

impl Faults {
    pub(super) fn count(&self, event: Event) {
        self.counts[event as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn counters(&self) -> Counters {
        let of = |event: Event| self.counts[event as usize].load(Ordering::Relaxed);
        Counters {
            stored: of(Event::Stored),
            dropped: of(Event::Dropped),
            evicted: of(Event::Evicted),
            damaged: of(Event::Damaged),
            slow: of(Event::Slow),
            read_errors: of(Event::ReadError),
            write_errors: of(Event::WriteError),
        }
    }

    /// Whether nothing is written just now.
    pub(super) fn paused(&self, now: Instant) -> bool {
        let mut failed = lock(&self.failed);
        let paused = failed.is_some_and(|at| now.saturating_duration_since(at) < WRITE_PAUSE);
        if !paused {
            *failed = None;
        }
        paused
    }

    /// A write failed: writing pauses.
    pub(super) fn write_failed(&self, now: Instant, error: &io::Error) {
        self.count(Event::WriteError);
        *lock(&self.failed) = Some(now);
        self.warn(now, "cannot be written", error);
    }

    /// A deletion failed; that stops no writing.
    pub(super) fn delete_failed(&self, now: Instant, error: &io::Error) {
        self.count(Event::WriteError);
        self.warn(now, "cannot be cleaned", error);
    }

    pub(super) fn read_failed(&self, now: Instant, error: &io::Error) {
        self.count(Event::ReadError);
        self.warn(now, "cannot be read", error);
    }

    /// An entry did not verify and has been deleted.
    pub(super) fn damaged(&self, now: Instant, what: &dyn Display) {
        self.count(Event::Damaged);
        self.warn(now, "had a damaged entry", what);
    }

    fn warn(&self, now: Instant, what: &str, why: &dyn Display) {
        let mut warned = lock(&self.warned);
        if warned.is_some_and(|at| now.saturating_duration_since(at) < WARNING_PAUSE) {
            return;
        }
        *warned = Some(now);
        drop(warned);
        tracing::warn!(reason = %why, "the disk cache {what}; its counters tell how often");
    }
}
