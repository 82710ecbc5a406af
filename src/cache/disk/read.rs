//! Reading an entry, on a thread that may block. It deletes what does not verify, and only after
//! a second look while nothing changes: what looks damaged may be an entry that is just replaced.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::engine::{Engine, seconds_of};
use super::head::{Front, HEADER, Place};
use super::layout::ObjectName;
use super::object::Object;
use super::options::{HEAD_LONGEST, WHOLE_TOTAL};
use super::record::{Content, Outline, Record, Variant};
use super::seal::{CHUNK, Mark};

/// How far the time of use in the file system may lag behind. It is the order of eviction after
/// a restart; an hour costs one small write an hour for each entry in use.
const USE_LAG: Duration = Duration::from_secs(3600);

/// Why there is no entry.
#[derive(Debug)]
pub(super) enum Miss {
    /// There is none.
    Absent,
    /// There is one of another key with the same id.
    OtherKey,
    /// There is something that does not verify.
    Doubt,
    /// The disk failed. That says nothing about the entry.
    Failed(io::Error),
}

impl From<io::Error> for Miss {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::Absent,
            ErrorKind::UnexpectedEof => Self::Doubt,
            _ => Self::Failed(error),
        }
    }
}

impl Engine {
    /// The record of a key.
    pub(super) fn load(self: &Arc<Self>, owner: &str, id: u128, key: &str) -> Option<Record> {
        let record = self.surely(owner, id, || self.record(owner, id, key))?;
        self.index().touch(owner, id, self.seconds());
        Some(record)
    }

    /// The outline of whatever is stored under an id. That is no use of it.
    pub(super) fn peek(self: &Arc<Self>, owner: &str, id: u128) -> Option<Outline> {
        let front = self.surely(owner, id, || self.front(owner, id))?;
        let variants = front.variants.into_iter().map(|v| (v.head, v.place.length()));
        let variants = variants.collect();
        Some(Outline { id, owner: front.owner, key: front.key, variants })
    }

    /// An object of a key did not verify.
    pub(super) fn doubt_object(self: &Arc<Self>, owner: &str, mark: &Mark) {
        let changes = self.changes();
        match self.front(owner, mark.id) {
            Ok(front) if front.references().any(|(_, sha256)| *sha256 == mark.sha256) => {
                changes.delete_damaged(owner, mark.id);
            }
            Err(Miss::Doubt) => changes.delete_damaged(owner, mark.id),
            // It has been replaced or evicted, and that was not damage.
            _ => {}
        }
    }

    /// Reads, and where that leaves doubt reads again while nothing changes.
    fn surely<T>(
        self: &Arc<Self>,
        owner: &str,
        id: u128,
        read: impl Fn() -> Result<T, Miss>,
    ) -> Option<T> {
        let miss = match read() {
            Ok(found) => return Some(found),
            Err(miss) => miss,
        };
        match miss {
            Miss::OtherKey => return None,
            Miss::Absent if !self.index().has(owner, id) => return None,
            Miss::Failed(error) => {
                self.faults.read_failed(self.clock.now(), &error);
                return None;
            }
            Miss::Absent | Miss::Doubt => {}
        }
        let changes = self.changes();
        match read() {
            Ok(found) => return Some(found),
            Err(Miss::OtherKey) => {}
            Err(Miss::Failed(error)) => self.faults.read_failed(self.clock.now(), &error),
            // Somebody else deleted its head; its objects follow.
            Err(Miss::Absent) => {
                if let Err(error) = changes.delete(owner, id) {
                    self.faults.delete_failed(self.clock.now(), &error);
                }
            }
            Err(Miss::Doubt) => changes.delete_damaged(owner, id),
        }
        None
    }

    /// The front of a head file, and no more of it.
    pub(super) fn front(&self, owner: &str, id: u128) -> Result<Front, Miss> {
        let mut file = File::open(self.layout.head(owner, id))?;
        let mut bytes = vec![0; HEADER];
        file.read_exact(&mut bytes)?;
        let end = Front::end(&bytes).ok_or(Miss::Doubt)?;
        bytes.resize(end, 0);
        file.read_exact(&mut bytes[HEADER..])?;
        decode(&bytes, owner, id)
    }

    fn record(self: &Arc<Self>, owner: &str, id: u128, key: &str) -> Result<Record, Miss> {
        let file = File::open(self.layout.head(owner, id))?;
        let mut bytes = Vec::new();
        (&file).take(HEAD_LONGEST as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > HEAD_LONGEST {
            return Err(Miss::Doubt);
        }
        let front = decode(&bytes, owner, id)?;
        if *front.key != *key {
            return Err(Miss::OtherKey);
        }
        let contents = front.contents(&bytes).ok_or(Miss::Doubt)?;
        drop(bytes);
        let owner: Arc<str> = owner.into();
        let mut room = WHOLE_TOTAL;
        let mut variants = Vec::with_capacity(contents.len());
        for (placed, content) in front.variants.into_iter().zip(contents) {
            let content = match (content, placed.place) {
                (Some(bytes), _) => Content::Bytes(bytes),
                (None, Place::Inline { .. }) => return Err(Miss::Doubt),
                (None, Place::Object { length, sha256 }) => {
                    self.content(&owner, Mark { id, length, sha256 }, &mut room)?
                }
            };
            variants.push(Variant { head: placed.head, content });
        }
        self.keep_in_use(&file);
        Ok(Record { id, owner, key: front.key, variants })
    }

    /// The content of an object, in memory if it is short and there is room left.
    fn content(
        self: &Arc<Self>,
        owner: &Arc<str>,
        mark: Mark,
        room: &mut u64,
    ) -> Result<Content, Miss> {
        if mark.length > self.options.whole || mark.length > *room {
            return Ok(Content::Object(Arc::new(Object::stored(self, owner, mark))));
        }
        *room -= mark.length;
        let path = self.layout.object(owner, ObjectName::new(mark.id, &mark.sha256));
        let whole = || -> Result<Bytes, Miss> {
            let file = File::open(path)?;
            let table = mark.table(&file)?.ok_or(Miss::Doubt)?;
            let length = usize::try_from(mark.length).map_err(|_| Miss::Doubt)?;
            read_verified(&file, &table, 0, length, Vec::new())
        };
        match whole() {
            Ok(bytes) => Ok(Content::Bytes(bytes)),
            // The head refers to it, so it should be there.
            Err(Miss::Absent) => Err(Miss::Doubt),
            Err(miss) => Err(miss),
        }
    }

    fn keep_in_use(&self, file: &File) {
        let now = self.clock.wall();
        let used = file.metadata().and_then(|metadata| metadata.modified());
        if used.is_ok_and(|used| now.duration_since(used).is_ok_and(|lag| lag > USE_LAG)) {
            // On a disk that is read-only it fails, and the order after a restart is coarser.
            let _ = file.set_modified(now);
        }
    }

    /// The time of use of a file, not in the future.
    pub(super) fn used(&self, metadata: &std::fs::Metadata) -> u32 {
        metadata.modified().map_or(0, seconds_of).min(self.seconds())
    }
}

/// Reads whole chunks from `start`, a multiple of the chunk, and gives them out verified.
pub(super) fn read_verified(
    file: &File,
    table: &[u32],
    start: u64,
    length: usize,
    mut bytes: Vec<u8>,
) -> Result<Bytes, Miss> {
    bytes.resize(length, 0);
    file.read_exact_at(&mut bytes, start)?;
    let first = usize::try_from(start / CHUNK as u64).map_err(|_| Miss::Doubt)?;
    for (at, chunk) in bytes.chunks(CHUNK).enumerate() {
        if table.get(first + at) != Some(&crc32fast::hash(chunk)) {
            return Err(Miss::Doubt);
        }
    }
    Ok(bytes.into())
}

/// Reads a front that should be of this key.
fn decode(bytes: &[u8], owner: &str, id: u128) -> Result<Front, Miss> {
    let front = Front::decode(bytes).ok_or(Miss::Doubt)?;
    if front.id == id && *front.owner == *owner { Ok(front) } else { Err(Miss::Doubt) }
}
