//! An object: content in a file of its own, opened when somebody wants it. It is never held
//! whole, and nothing of it is given out unverified.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::task::JoinHandle;

use super::changes::Loose;
use super::engine::{Engine, lock};
use super::layout::ObjectName;
use super::read::{Miss, read_verified};
use super::seal::{CHUNK, Mark};

/// What is read at once, in bytes: two chunks. A reader holds two at most, the one that it gave
/// out last and the next.
pub(super) const PIECE: usize = 2 * CHUNK;

/// Content as it is read, piece by piece.
pub type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Content that is a file.
pub struct Object {
    engine: Arc<Engine>,
    owner: Arc<str>,
    mark: Mark,
    loose: Mutex<Option<Loose>>,
}

/// An open object.
pub struct Reader(Arc<Open>);

struct Open {
    engine: Arc<Engine>,
    owner: Arc<str>,
    mark: Mark,
    file: File,
    table: Vec<u32>,
}

impl Object {
    pub(super) fn stored(engine: &Arc<Engine>, owner: &Arc<str>, mark: Mark) -> Self {
        let (engine, owner) = (Arc::clone(engine), Arc::clone(owner));
        Self { engine, owner, mark, loose: Mutex::default() }
    }

    pub(super) fn finished(self, loose: Loose) -> Self {
        Self { loose: Mutex::new(Some(loose)), ..self }
    }

    /// The length of the content in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.mark.length
    }

    /// The SHA-256 of the content.
    #[must_use]
    pub fn sha256(&self) -> &[u8; 32] {
        &self.mark.sha256
    }

    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    /// Whether it may stand in a record of this key.
    pub(super) fn is_of(&self, owner: &str, id: u128) -> bool {
        *self.owner == *owner && self.mark.id == id
    }

    /// A head refers to it now.
    pub(super) fn adopt(&self) {
        let loose = lock(&self.loose).take();
        if let Some(loose) = loose {
            loose.adopt();
        }
    }

    /// Opens it. `None` if the file has gone, does not verify, which deletes its entry, or the
    /// disk does not answer in time.
    pub async fn open(&self) -> Option<Reader> {
        let engine = Arc::clone(&self.engine);
        let (owner, mark) = (Arc::clone(&self.owner), self.mark);
        self.engine.patiently(move || Open::new(engine, owner, mark)).await?.map(Reader)
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = ObjectName::new(self.mark.id, &self.mark.sha256);
        write!(f, "Object({}/{name}, {} bytes)", self.owner, self.mark.length)
    }
}

impl Reader {
    /// The length of the content in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.0.mark.length
    }

    /// The bytes of a range, each verified before it is given out. What is beyond the end is not
    /// there; damage is an error, after which nothing follows, and deletes the entry.
    #[must_use]
    pub fn stream(&self, range: Range<u64>) -> Pieces {
        let end = range.end.min(self.length());
        let ahead = Ahead { open: Arc::clone(&self.0), at: range.start, end, next: None };
        Box::pin(stream::try_unfold(ahead, Ahead::step))
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({} bytes)", self.length())
    }
}

/// A range that is being read, one piece ahead.
struct Ahead {
    open: Arc<Open>,
    at: u64,
    end: u64,
    next: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Ahead {
    async fn step(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let Some(reading) = self.next.take().or_else(|| self.read_ahead()) else {
            return Ok(None);
        };
        let piece = reading.await.map_err(io::Error::other)??;
        self.next = self.read_ahead();
        Ok(Some((piece, self)))
    }

    fn read_ahead(&mut self) -> Option<JoinHandle<io::Result<Bytes>>> {
        if self.at >= self.end {
            return None;
        }
        let piece = PIECE as u64;
        let range = self.at..self.end.min((self.at / piece + 1) * piece);
        self.at = range.end;
        let open = Arc::clone(&self.open);
        // Allocated here and not on one of many threads, of which each would keep memory for more.
        let room = Vec::with_capacity(PIECE);
        Some(tokio::task::spawn_blocking(move || open.read(range, room)))
    }
}

impl Open {
    fn new(engine: Arc<Engine>, owner: Arc<str>, mark: Mark) -> Option<Arc<Self>> {
        let path = engine.layout.object(&owner, ObjectName::new(mark.id, &mark.sha256));
        let found = || -> Result<_, Miss> {
            let file = File::open(path)?;
            let table = mark.table(&file)?.ok_or(Miss::Doubt)?;
            Ok((file, table))
        };
        match found() {
            Ok((file, table)) => Some(Arc::new(Self { engine, owner, mark, file, table })),
            Err(Miss::Failed(error)) => {
                engine.faults.read_failed(engine.clock.now(), &error);
                None
            }
            Err(_) => {
                engine.doubt_object(&owner, &mark);
                None
            }
        }
    }

    /// Reads a range within one piece, for which there is room.
    fn read(self: &Arc<Self>, range: Range<u64>, room: Vec<u8>) -> io::Result<Bytes> {
        let chunk = CHUNK as u64;
        let start = range.start / chunk * chunk;
        let end = (range.end.div_ceil(chunk) * chunk).min(self.mark.length);
        // A piece is short; so is what is cut off it.
        let within = |offset: u64| usize::try_from(offset - start).map_err(io::Error::other);
        match read_verified(&self.file, &self.table, start, within(end)?, room) {
            Ok(bytes) => Ok(bytes.slice(within(range.start)?..within(range.end)?)),
            Err(Miss::Failed(error)) => {
                self.engine.faults.read_failed(self.engine.clock.now(), &error);
                Err(error)
            }
            Err(_) => {
                self.engine.doubt_object(&self.owner, &self.mark);
                Err(io::Error::new(ErrorKind::InvalidData, "the stored content is damaged"))
            }
        }
    }
}
