//! Content as it arrives: bytes counted, time between pieces bounded, read whole or in pieces. Its
//! codings are taken off elsewhere, and what it says is not looked at.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use tokio::time::Instant;

use super::meter::Bounds;
use super::{Error, Excess, Fetch, Manner, Phase, Turn, coding};

/// The most that is reserved on the word of a `Content-Length`: 32 MiB. Untouched memory costs
/// nothing, but a length can be a lie.
const RESERVE: usize = 32 << 20;

/// What a buffer may have reserved beyond its content; more is given back, because the buffer may
/// be kept for days and is weighed by its content.
const SLACK: usize = 4096;

/// Content piece by piece.
pub(super) type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

/// The content of a response, not yet read.
pub struct Body {
    pieces: Pieces,
    turn: Turn,
    length: Option<u64>,
    coded: bool,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({:?} bytes)", self.length)
    }
}

impl Body {
    /// The body of a response; `turn` is given back when the body has been read or dropped. What is
    /// received is counted in `all`, too.
    pub(super) fn new(
        response: reqwest::Response,
        fetch: &Fetch,
        turn: Turn,
        all: Arc<AtomicU64>,
    ) -> Result<Self, Error> {
        let codings = match coding::codings(response.headers()) {
            _ if fetch.manner == Manner::Raw => Vec::new(),
            Err(_) if fetch.manner == Manner::Lenient => Vec::new(),
            codings => codings?,
        };
        let length = response.content_length().filter(|_| codings.is_empty());
        let received = Arc::new(AtomicU64::new(0));
        let wire = wire(response, fetch.limits.idle_time, fetch.most, [Arc::clone(&received), all]);
        let coded = !codings.is_empty();
        let pieces = if coded {
            let (most, ratio) = (fetch.most, fetch.limits.ratio);
            coding::decoded(wire, codings, &Bounds { most, ratio, received })
        } else {
            wire
        };
        Ok(Self { pieces, turn, length, coded })
    }

    /// The length in bytes, if the message says it and no coding was taken off.
    #[must_use]
    pub const fn length(&self) -> Option<u64> {
        self.length
    }

    /// Whether a content coding was taken off, so that validators of the coded form do not fit.
    #[must_use]
    pub const fn was_coded(&self) -> bool {
        self.coded
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// [`Error::TooLarge`] as soon as more than `limit` bytes are announced or read; else as the
    /// transfer fails.
    pub async fn read(self, limit: usize) -> Result<Bytes, Error> {
        match self.read_up_to(limit, None).await? {
            Read::All(content) => Ok(content),
            Read::More(..) => Err(Error::TooLarge(Excess::Content(limit as u64))),
        }
    }

    /// Reads up to `limit` bytes, and for `at_most` if a time is given; what is longer or takes
    /// longer is handed back as a body that begins with what was read.
    ///
    /// # Errors
    /// As the transfer fails.
    pub async fn read_up_to(
        mut self,
        limit: usize,
        at_most: Option<Duration>,
    ) -> Result<Read, Error> {
        let announced = self.length.unwrap_or(0);
        if announced > limit as u64 {
            return Ok(Read::More(self));
        }
        let reserve = usize::try_from(announced).unwrap_or(0).min(RESERVE);
        let mut content = BytesMut::with_capacity(reserve);
        let until = at_most.map(|time| Instant::now() + time);
        loop {
            let next = match until {
                None => self.pieces.next().await,
                // Nothing is lost when the wait ends: a piece that is half received stays in the
                // stream.
                Some(until) => match tokio::time::timeout_at(until, self.pieces.next()).await {
                    Ok(next) => next,
                    Err(_) => return Ok(self.beginning_with(content)),
                },
            };
            let Some(piece) = next.transpose()? else { return Ok(Read::All(fitted(content))) };
            let over = content.len() + piece.len() > limit;
            content.extend_from_slice(&piece);
            if over {
                return Ok(self.beginning_with(content));
            }
        }
    }

    fn beginning_with(mut self, content: BytesMut) -> Read {
        let begun = futures_util::stream::iter([Ok(content.freeze())]);
        self.pieces = Box::pin(begun.chain(self.pieces));
        Read::More(self)
    }

    /// The pieces, cut off with an error after `limit` bytes. They hold `turn` instead of the
    /// fetch's own, which is given back.
    pub fn into_stream(
        self,
        limit: u64,
        turn: Turn,
    ) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
        let mut passed = 0;
        drop(self.turn);
        self.pieces.map(move |piece| {
            let _held = &turn;
            let piece = piece?;
            passed += piece.len() as u64;
            if passed > limit {
                return Err(Error::TooLarge(Excess::Content(limit)));
            }
            Ok(piece)
        })
    }
}

/// The buffer without what it has reserved in vain.
fn fitted(content: BytesMut) -> Bytes {
    if content.capacity() - content.len() > SLACK {
        Bytes::copy_from_slice(&content)
    } else {
        content.freeze()
    }
}

/// What [`Body::read_up_to`] found.
#[derive(Debug)]
pub enum Read {
    /// The whole content.
    All(Bytes),
    /// It is longer: the body, with nothing lost.
    More(Body),
}

/// The bytes as received, counted for this message and for all; ends with an error if the message ends
/// early or is over `most`.
fn wire(
    response: reqwest::Response,
    idle_time: Duration,
    most: u64,
    counters: [Arc<AtomicU64>; 2],
) -> Pieces {
    Box::pin(futures_util::stream::try_unfold(response, move |mut response| {
        let [received, all] = counters.clone();
        async move {
            let piece = tokio::time::timeout(idle_time, response.chunk())
                .await
                .map_err(|_| Error::Timeout { phase: Phase::Idle, after: idle_time })?
                .map_err(|error| Error::of_body(&error))?;
            let Some(piece) = piece else { return Ok(None) };
            all.fetch_add(piece.len() as u64, Ordering::Relaxed);
            let before = received.fetch_add(piece.len() as u64, Ordering::Relaxed);
            if before.saturating_add(piece.len() as u64) > most {
                return Err(Error::TooLarge(Excess::Content(most)));
            }
            Ok(Some((piece, response)))
        }
    }))
}
