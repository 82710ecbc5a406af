//! A reader that counts what passes, refuses too much, and lets others run in between. It does not
//! know what the bytes are.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

use super::{Error, Excess};

/// Up to here any compression ratio is accepted: a small message cannot hurt.
const RATIO_FREE: u64 = 1 << 20;

/// Bytes after which the reader pauses once: a decoder that is given input and has nothing to give
/// on would otherwise never return, and no deadline could end it. This much is decoded within a few
/// milliseconds, whatever it is.
const BURST: usize = 16 << 10;

/// What may pass one layer of content codings.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    /// Bytes.
    pub(super) most: u64,
    /// Bytes for each byte received.
    pub(super) ratio: u64,
    /// Bytes received so far.
    pub(super) received: Arc<AtomicU64>,
}

/// A reader with bounds.
#[derive(Debug)]
pub(super) struct Metered<R> {
    inner: Pin<Box<R>>,
    bounds: Option<Bounds>,
    passed: u64,
    since_pause: usize,
}

impl<R> Metered<R> {
    /// `inner`, with pauses and, if given, bounds.
    pub(super) fn new(inner: R, bounds: Option<Bounds>) -> Self {
        Self { inner: Box::pin(inner), bounds, passed: 0, since_pause: 0 }
    }
}

impl<R: AsyncRead> AsyncRead for Metered<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.since_pause >= BURST {
            self.since_pause = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let result = self.inner.as_mut().poll_read(cx, buffer);
        match &result {
            Poll::Pending => self.since_pause = 0,
            Poll::Ready(_) => {
                let length = buffer.filled().len() - before;
                self.since_pause += length;
                self.passed += length as u64;
            }
        }
        match self.bounds.as_ref().and_then(|bounds| bounds.excess(self.passed)) {
            None => result,
            Some(excess) => Poll::Ready(Err(io::Error::other(Error::TooLarge(excess)))),
        }
    }
}

impl Bounds {
    fn excess(&self, passed: u64) -> Option<Excess> {
        let by_ratio = self.received.load(Ordering::Relaxed).saturating_mul(self.ratio);
        if passed > self.most {
            Some(Excess::Content(self.most))
        } else if passed > RATIO_FREE && passed > by_ratio {
            Some(Excess::Ratio(self.ratio))
        } else {
            None
        }
    }
}
