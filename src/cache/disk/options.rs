//! What an operator says about the disk tier, and why it cannot be opened. It opens nothing.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// What a file's size is rounded up to when it is counted: the block of the usual file systems.
/// A file system with larger blocks takes more than is counted.
pub(super) const BLOCK: u64 = 4 * 1024;

/// The longest head file: what one look-up may bring into memory. Contents that do not fit any
/// more become objects; a record whose heads alone are longer is not stored.
pub(super) const HEAD_LONGEST: usize = 4 * 1024 * 1024;

/// All contents within one head file together, so that many variants leave room for their heads
/// and a head file stays quick to replace. Over it, contents become objects, however short.
pub(super) const INLINE_TOTAL: usize = 2 * 1024 * 1024;

/// All objects that one look-up brings into memory, together. Over it they are handed out to be
/// opened, however short.
pub(super) const WHOLE_TOTAL: u64 = 4 * 1024 * 1024;

/// What of the budget one entry may take: a quarter, so that one file cannot push out all others.
/// What is larger is not stored.
pub(super) const LARGEST_PART: u64 = 4;

/// How long nothing is written after a write failed: a full disk is not asked with every
/// response, and one that has room again is used within seconds.
pub(super) const WRITE_PAUSE: Duration = Duration::from_secs(10);

/// At most one warning in this time: a dead disk must not fill the log, which may be on it.
pub(super) const WARNING_PAUSE: Duration = Duration::from_secs(60);

/// Where the disk tier lives and how much it may take.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory. It is made if it is missing; if it holds anything, it must be ours.
    pub path: PathBuf,
    /// The budget in bytes of disk blocks, each file rounded up to 4 KiB. It is never exceeded:
    /// what has no room is made room for, or not stored. What comes on top: directories, up to
    /// about 2 MiB for each owner; the file system's own blocks for where a large file lies; and
    /// deleted files until their last reader ends.
    pub size: u64,
    /// What one owner may have of the budget, in percent, as soon as there are several. Half, so
    /// that a portal that is crawled cannot push out all others; over it, its own entries go.
    pub share: u8,
    /// Content up to this many bytes lives in the head file: one file to open, and no second
    /// block wasted. 64 KiB are most answers of an API. Longer content is an object of its own.
    pub inline: usize,
    /// Content up to this many bytes is loaded at once. 2 MiB, as the memory tier would keep.
    /// Longer content is opened by its reader and never held whole.
    pub whole: u64,
    /// Stores that wait to be written: 1,024 are seconds of a slow disk. Over it, they are
    /// dropped and counted.
    pub queue_entries: usize,
    /// Bytes of the stores that wait, heads and contents: 64 MiB. Over it, they are dropped and
    /// counted.
    pub queue_bytes: usize,
    /// Look-ups that read at once: 64, so that a slow disk cannot take all threads for blocking
    /// work, of which there are 512. More of them wait within their patience.
    pub reads: usize,
    /// How long a look-up waits for the disk: 150 ms, about what asking a portal takes. After
    /// that it is a miss, and counted as slow.
    pub patience: Duration,
}

impl Options {
    /// The defaults for a directory and a budget in bytes.
    #[must_use]
    pub fn new(path: PathBuf, size: u64) -> Self {
        Self {
            path,
            size,
            share: 50,
            inline: 64 * 1024,
            whole: 2 * 1024 * 1024,
            queue_entries: 1024,
            queue_bytes: 64 * 1024 * 1024,
            reads: 64,
            patience: Duration::from_millis(150),
        }
    }
}

/// Why a directory cannot be a disk tier.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It holds something and lacks the marker.
    #[error(
        "`{}` is not empty and not a cache of unpad: name an empty directory, because what a cache \
         holds gets deleted",
        .0.display()
    )]
    Foreign(PathBuf),
    /// Its marker is of another format.
    #[error("`{}` is a cache of another format ({:?}): empty it, or name another", .0.display(), .1)]
    Format(PathBuf, String),
    /// Another process has it.
    #[error("`{}` is in use by another process: every process needs a directory of its own", .0.display())]
    InUse(PathBuf),
    /// The file system refused.
    #[error("`{}` cannot be used as a cache: {}", .0.display(), .1)]
    Io(PathBuf, #[source] io::Error),
}

/// Blocks that so many bytes take.
pub(super) const fn blocks(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK)
}
