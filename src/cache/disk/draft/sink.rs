//! The file of a draft: pieces wait, a thread writes them, and in the end the file is put in
//! place. It never waits on a thread of the runtime.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::sync::Notify;

use super::super::changes::{Loose, Reservation};
use super::super::engine::lock;
use super::super::growing::{Body, Growing};
use super::super::layout::ObjectName;
use super::super::object::{Object, Pieces};
use super::super::options::{BLOCK, blocks};
use super::super::queue::Job;
use super::super::seal::{Sealer, object_length};
use super::DraftError;

/// The room that a draft of unknown length asks for at once, in blocks: 1 MiB, so that room is
/// not asked for with every piece.
const STEP: u64 = 1024 * 1024 / BLOCK;

/// The file of a draft, shared with the thread that writes it.
pub(super) struct Sink {
    owner: Arc<str>,
    id: u128,
    path: PathBuf,
    body: Arc<Body>,
    pending: Mutex<Pending>,
    /// Something was written, or failed.
    news: Notify,
    sealer: Mutex<Option<Sealer>>,
}

#[derive(Default)]
struct Pending {
    pieces: VecDeque<Bytes>,
    bytes: usize,
    /// Whether a thread is writing.
    busy: bool,
    failed: Option<DraftError>,
}

impl Sink {
    pub(super) fn new(owner: &Arc<str>, id: u128, path: PathBuf, body: Body) -> Self {
        Self {
            owner: Arc::clone(owner),
            id,
            path,
            body: Arc::new(body),
            pending: Mutex::default(),
            news: Notify::new(),
            sealer: Mutex::new(Some(Sealer::new())),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self) -> &File {
        &self.body.file
    }

    pub(super) fn growing(&self) -> Growing {
        Growing::new(&self.body)
    }

    /// Waits until fewer than so many bytes wait.
    pub(super) async fn wait_for_space(&self, bytes: usize) -> Result<(), DraftError> {
        self.wait_until(|pending| pending.bytes < bytes).await
    }

    /// Waits until everything is written.
    pub(super) async fn wait_for_end(&self) -> Result<(), DraftError> {
        self.wait_until(|pending| !pending.busy).await
    }

    /// Writes no more, fails the readers, and lets the file be deleted.
    pub(super) fn discard(&self) {
        let mut pending = lock(&self.pending);
        pending.failed = Some(DraftError::Disk(ErrorKind::Interrupted));
        pending.pieces.clear();
        drop(pending);
        self.body.abandon();
        let (path, body) = (self.path.clone(), Arc::clone(&self.body));
        self.body.engine.queue.push(Job::Discard { path, body });
    }

    async fn wait_until(&self, ready: impl Fn(&Pending) -> bool) -> Result<(), DraftError> {
        loop {
            {
                let pending = lock(&self.pending);
                if let Some(error) = pending.failed {
                    return Err(error);
                }
                if ready(&pending) {
                    return Ok(());
                }
            }
            // A notice that comes in between is kept for one waiter, and there is only one.
            self.news.notified().await;
        }
    }

    /// Adds a piece, and lets a thread write if none does.
    pub(super) fn push(self: &Arc<Self>, piece: Bytes) {
        let mut pending = lock(&self.pending);
        pending.bytes += piece.len();
        pending.pieces.push_back(piece);
        if !std::mem::replace(&mut pending.busy, true) {
            let sink = Arc::clone(self);
            tokio::task::spawn_blocking(move || sink.write_all());
        }
    }

    /// Keeps a piece that is not to be written any more.
    pub(super) fn keep(&self, piece: Bytes) {
        lock(&self.pending).pieces.push_back(piece);
    }

    /// Gives what is not written, and what follows it, to a reader.
    pub(super) fn hand_over(&self, rest: Pieces) {
        let left = std::mem::take(&mut lock(&self.pending).pieces);
        self.body.hand_over(Box::pin(stream::iter(left.into_iter().map(Ok)).chain(rest)));
    }

    /// Writes until nothing waits.
    fn write_all(&self) {
        loop {
            let piece = {
                let mut pending = lock(&self.pending);
                let piece = pending.pieces.pop_front();
                pending.busy = piece.is_some();
                piece
            };
            let Some(piece) = piece else { break };
            let written = self.append(&piece);
            let mut pending = lock(&self.pending);
            pending.bytes = pending.bytes.saturating_sub(piece.len());
            if let Err(error) = written {
                pending.failed.get_or_insert(error);
                // It can still be passed on.
                pending.pieces.push_front(piece);
                pending.busy = false;
                break;
            }
            drop(pending);
            self.news.notify_one();
        }
        self.news.notify_one();
    }

    fn append(&self, piece: &[u8]) -> Result<(), DraftError> {
        let mut sealer = lock(&self.sealer);
        let sealer = sealer.as_mut().ok_or(DraftError::Disk(ErrorKind::Other))?;
        let length = sealer.length() + piece.len() as u64;
        self.make_room(object_length(length))?;
        self.body.file.write_all_at(piece, sealer.length()).map_err(|e| self.failed(&e))?;
        sealer.update(piece);
        self.body.written(length);
        Ok(())
    }

    fn make_room(&self, length: u64) -> Result<(), DraftError> {
        let mut room = lock(&self.body.room);
        let room = room.as_mut().ok_or(DraftError::NoRoom)?;
        let missing = blocks(length).saturating_sub(room.blocks());
        if missing == 0 {
            return Ok(());
        }
        let left = self.body.engine.largest(&self.owner).saturating_sub(room.blocks());
        if missing > left {
            return Err(DraftError::TooLong);
        }
        let more = self.reserve(missing.max(STEP).min(left)).or_else(|_| self.reserve(missing))?;
        room.absorb(more);
        Ok(())
    }

    fn reserve(&self, blocks: u64) -> Result<Reservation, DraftError> {
        let reserved = self.body.engine.changes().reserve(&self.owner, blocks, self.id);
        reserved.map_err(|_| DraftError::NoRoom)
    }

    /// Writes the end and puts the file in place.
    pub(super) fn finish(&self) -> Result<Arc<Object>, DraftError> {
        let engine = &self.body.engine;
        let sealer = lock(&self.sealer).take().ok_or(DraftError::Disk(ErrorKind::Other))?;
        // All of the content is there, whatever becomes of the object.
        self.body.complete();
        let (mark, end) = sealer.finish(self.id);
        let length = object_length(mark.length);
        self.make_room(length)?;
        let file = &self.body.file;
        file.write_all_at(&end, mark.length).map_err(|e| self.failed(&e))?;
        // What was allocated for a longer content goes back.
        file.set_len(length).map_err(|e| self.failed(&e))?;
        let mut room = lock(&self.body.room).take();
        if let Some(room) = &mut room {
            room.shrink(blocks(length));
        }
        let name = ObjectName::new(self.id, &mark.sha256);
        let path = engine.layout.object(&self.owner, name);
        let changes = engine.changes();
        let loose = Loose::hold(engine, &self.owner, name, room);
        let placed = engine.layout.within(&path, || fs::rename(&self.path, &path));
        drop(changes);
        placed.map_err(|error| self.failed(&error))?;
        Ok(Arc::new(Object::stored(engine, &self.owner, mark).finished(loose)))
    }

    fn failed(&self, error: &io::Error) -> DraftError {
        self.body.engine.faults.write_failed(self.body.engine.clock.now(), error);
        DraftError::Disk(error.kind())
    }
}

/// Whether the file system has room for so many bytes, which are allocated if they are sure to
/// come: a download that would fill the disk fails before it begins.
pub(super) fn prepare(file: &File, length: u64, sure: bool) -> io::Result<bool> {
    let found = rustix::fs::fstatvfs(file)?;
    if found.f_bavail.saturating_mul(found.f_frsize) < length {
        return Ok(false);
    }
    #[cfg(target_os = "linux")]
    if sure {
        use rustix::fs::{FallocateFlags, fallocate};
        // Not every file system can; then it is written without.
        let allocated = fallocate(file, FallocateFlags::KEEP_SIZE, 0, length);
        return Ok(allocated != Err(rustix::io::Errno::NOSPC));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = sure;
    Ok(true)
}
