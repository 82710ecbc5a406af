//! Content that is being written, for those who do not wait until it is whole. They read from
//! the same file as far as it is written, and then wait; they hold up nobody.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{TryStreamExt as _, stream};
use tokio::sync::watch;

use super::changes::Reservation;
use super::engine::{Engine, lock};
use super::object::{PIECE, Pieces};

/// A file that is being written, and how far.
pub(super) struct Body {
    pub(super) engine: Arc<Engine>,
    pub(super) file: File,
    /// Its room. An abandoned file takes room until its last reader lets go of it.
    pub(super) room: Mutex<Option<Reservation>>,
    /// What could not be written any more, for one reader.
    rest: Mutex<Option<Pieces>>,
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Clone, Copy)]
struct Progress {
    written: u64,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Growing,
    Complete,
    Abandoned,
    /// No more is written; what follows is in `rest`.
    HandedOver,
}

/// Content that is being written.
#[derive(Clone)]
pub struct Growing(Arc<Body>);

impl Body {
    pub(super) fn new(engine: Arc<Engine>, file: File, room: Reservation) -> Self {
        let (progress, _) = watch::channel(Progress { written: 0, stage: Stage::Growing });
        let (room, rest) = (Mutex::new(Some(room)), Mutex::default());
        Self { engine, file, room, rest, progress }
    }

    pub(super) fn written(&self, length: u64) {
        self.progress.send_modify(|progress| progress.written = length);
    }

    pub(super) fn complete(&self) {
        self.progress.send_modify(|progress| progress.stage = Stage::Complete);
    }

    /// Ends it, unless it is complete.
    pub(super) fn abandon(&self) {
        self.end(Stage::Abandoned);
    }

    /// Ends what is written; the first reader of all of it that has read that far gets the rest.
    pub(super) fn hand_over(&self, rest: Pieces) {
        *lock(&self.rest) = Some(rest);
        self.end(Stage::HandedOver);
    }

    fn end(&self, stage: Stage) {
        self.progress.send_if_modified(|progress| {
            let growing = progress.stage == Stage::Growing;
            if growing {
                progress.stage = stage;
            }
            growing
        });
    }
}

impl Growing {
    pub(super) fn new(body: &Arc<Body>) -> Self {
        Self(Arc::clone(body))
    }

    /// The bytes of a range, as soon as they are written; `u64::MAX` as its end is the end of the
    /// content. Ends when the content is complete, with an error if it was abandoned.
    #[must_use]
    pub fn stream(&self, range: Range<u64>) -> Pieces {
        let follow = Follow {
            body: Arc::clone(&self.0),
            progress: self.0.progress.subscribe(),
            at: range.start,
            end: range.end,
            rest: None,
        };
        Box::pin(stream::try_unfold(follow, Follow::step))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({:?})", *self.progress.borrow())
    }
}

impl fmt::Debug for Growing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Growing({:?})", *self.0.progress.borrow())
    }
}

/// A reader that follows.
struct Follow {
    body: Arc<Body>,
    progress: watch::Receiver<Progress>,
    at: u64,
    end: u64,
    rest: Option<Pieces>,
}

impl Follow {
    async fn step(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if let Some(rest) = &mut self.rest {
            let piece = rest.try_next().await?;
            return Ok(piece.map(|piece| (piece, self)));
        }
        while self.at < self.end {
            let Progress { written, stage } = *self.progress.borrow_and_update();
            let broken = || io::Error::new(ErrorKind::UnexpectedEof, "the content broke off");
            if stage == Stage::Abandoned {
                return Err(broken());
            }
            let there = self.end.min(written).min(self.at.saturating_add(PIECE as u64));
            if self.at < there {
                let piece = read(Arc::clone(&self.body), self.at..there).await?;
                self.at = there;
                return Ok(Some((piece, self)));
            }
            if stage == Stage::Complete {
                break;
            }
            if stage == Stage::HandedOver {
                let rest = if self.end == u64::MAX { lock(&self.body.rest).take() } else { None };
                let mut rest = rest.ok_or_else(broken)?;
                let piece = rest.try_next().await?;
                self.rest = Some(rest);
                return Ok(piece.map(|piece| (piece, self)));
            }
            // The sender lives in the body, which is held here.
            self.progress.changed().await.map_err(io::Error::other)?;
        }
        Ok(None)
    }
}

async fn read(body: Arc<Body>, range: Range<u64>) -> io::Result<Bytes> {
    let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    // Allocated here and not on one of many threads, of which each would keep memory for more.
    let mut piece = vec![0; length];
    let reading = tokio::task::spawn_blocking(move || {
        body.file.read_exact_at(&mut piece, range.start).inspect_err(|error| {
            body.engine.faults.read_failed(body.engine.clock.now(), error);
        })?;
        Ok(Bytes::from(piece))
    });
    reading.await.map_err(io::Error::other)?
}
