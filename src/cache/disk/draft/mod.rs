//! Content that arrives piece by piece and becomes an object. It waits for the disk where it
//! must, and never on a thread of the runtime.

mod sink;

use std::fmt;
use std::fs::File;
use std::io::ErrorKind;
use std::sync::Arc;

use bytes::Bytes;

use super::engine::Engine;
use super::growing::{Body, Growing};
use super::object::{Object, PIECE, Pieces};
use super::options::blocks;
use super::seal::object_length;
use sink::Sink;

/// What may wait to be written, in bytes. Over it, [`Draft::write`] waits; with the piece that is
/// being written and the one that is handed in, a draft holds a megabyte at most.
const WAITING: usize = 512 * 1024;

/// Why content cannot be kept any longer. It may still be passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// It is longer than an entry may be.
    #[error("the content is longer than an entry of the disk cache may be")]
    TooLong,
    /// The budget is taken by what is being written at the same time.
    #[error("the disk cache has no room, and none can be made")]
    NoRoom,
    /// The disk failed.
    #[error("the disk cache cannot be written: {0}")]
    Disk(ErrorKind),
}

/// Content on its way to the disk. Dropped before it is finished, it leaves nothing there.
pub struct Draft {
    sink: Arc<Sink>,
    finished: bool,
}

impl Draft {
    /// Opens a file and makes room; `None` if there is none.
    pub(super) fn create(
        engine: &Arc<Engine>,
        owner: &Arc<str>,
        id: u128,
        announced: Option<u64>,
    ) -> Option<Self> {
        let length = object_length(announced.unwrap_or(0));
        let room = engine.changes().reserve(owner, blocks(length), id).ok()?;
        let path = engine.new_path();
        let file = engine
            .layout
            .within(&path, || File::options().read(true).write(true).create_new(true).open(&path));
        let failed = |error: &_| engine.faults.write_failed(engine.clock.now(), error);
        let body = Body::new(Arc::clone(engine), file.inspect_err(failed).ok()?, room);
        let sink = Arc::new(Sink::new(owner, id, path, body));
        // From here on, dropping it deletes the file.
        let draft = Self { sink, finished: false };
        sink::prepare(draft.sink.file(), length, announced.is_some())
            .inspect_err(failed)
            .ok()?
            .then_some(draft)
    }

    /// Takes a piece. Waits while the disk is behind. If it is cancelled, part of the piece may
    /// have been taken: the draft is then to be dropped.
    ///
    /// # Errors
    /// [`DraftError`] when the content cannot be kept, now and with every later piece.
    pub async fn write(&mut self, mut piece: Bytes) -> Result<(), DraftError> {
        while !piece.is_empty() {
            if let Err(error) = self.sink.wait_for_space(WAITING).await {
                self.sink.keep(piece);
                return Err(error);
            }
            self.sink.push(piece.split_to(piece.len().min(PIECE)));
        }
        Ok(())
    }

    /// Gives up keeping the content after a failure: what is not written, and the rest that is still
    /// to come, goes to the first reader that has read what is. Other readers see it break off.
    pub fn hand_over(self, rest: Pieces) {
        self.sink.hand_over(rest);
    }

    /// For those who read it while it grows.
    #[must_use]
    pub fn growing(&self) -> Growing {
        self.sink.growing()
    }

    /// Ends the content and makes an object of it. A record is to be stored with the object, or
    /// it goes when the object is dropped.
    ///
    /// # Errors
    /// [`DraftError`] when the content cannot be kept. A reader still gets all of it.
    pub async fn finish(self) -> Result<Arc<Object>, DraftError> {
        if let Err(error) = self.sink.wait_for_end().await {
            self.hand_over(Box::pin(futures_util::stream::empty()));
            return Err(error);
        }
        // The draft goes along, so that nothing discards its file while it is put in place.
        let ending = tokio::task::spawn_blocking(move || {
            let mut draft = self;
            let object = draft.sink.finish()?;
            draft.finished = true;
            Ok(object)
        });
        ending.await.map_err(|_| DraftError::Disk(ErrorKind::Other))?
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        self.sink.discard();
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("path", &self.sink.path()).finish_non_exhaustive()
    }
}
