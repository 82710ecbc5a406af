//! Deadlines on a client's connection: for a request to arrive, for the next one to begin, for the
//! client to take what it asked for. It sees bytes only; hyper sees requests.
//!
//! hyper's own timer would not do: it has one time for silent, slow and idle connections alike,
//! and none for a client that stops reading.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

use super::Limits;

/// Bytes that a client takes in `stall_time`, on average, while it takes its time: 64 KiB. A line that is
/// slower than a kilobyte a second is taken for one that wants to hold the connection.
const TAKEN: u32 = 64 << 10;

/// The requests that are being answered, counted by the service and seen by the connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Busy(Arc<Requests>);

#[derive(Debug, Default)]
struct Requests {
    under_way: AtomicUsize,
    are_many: AtomicBool,
    begun: AtomicBool,
    first: Notify,
}

/// An answer under way; dropped when its content has been handed over.
#[derive(Debug)]
pub(super) struct Answering(Busy);

impl Busy {
    /// A request has arrived.
    pub(super) fn begin(&self) -> Answering {
        self.0.under_way.fetch_add(1, Ordering::Release);
        if !self.0.begun.swap(true, Ordering::Relaxed) {
            self.0.first.notify_one();
        }
        Answering(self.clone())
    }

    /// From now on there may be several at once, and bytes that belong to none.
    pub(super) fn multiplex(&self) {
        self.0.are_many.store(true, Ordering::Release);
    }

    /// Resolves when the first has arrived; to be awaited once.
    pub(super) async fn first_request(&self) {
        self.0.first.notified().await;
    }

    fn is_set(&self) -> bool {
        self.0.under_way.load(Ordering::Acquire) > 0
    }

    fn are_many(&self) -> bool {
        self.0.are_many.load(Ordering::Acquire)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.0.under_way.fetch_sub(1, Ordering::Release);
    }
}

/// Content that keeps its connection busy until it has been handed over or dropped.
#[derive(Debug)]
pub(super) struct Held {
    /// The content.
    pub body: Body,
    /// The answer it belongs to.
    pub _answering: Answering,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What the connection waits for from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaiting {
    /// A request head, begun or not, on a new connection or after its first byte.
    Head,
    /// The first byte of another request.
    Next,
    /// The rest of a head that has just begun. Most arrive whole, so its time begins when there is
    /// something to wait for.
    Rest,
    /// Nothing: a request is being answered.
    Nothing,
}

/// A client's connection with deadlines.
#[derive(Debug)]
pub(super) struct Deadlined {
    stream: TcpStream,
    limits: Arc<Limits>,
    busy: Busy,
    awaiting: Awaiting,
    reading: Pin<Box<Sleep>>,
    writing: Option<Pin<Box<Sleep>>>,
    is_stalled: bool,
    /// How long the client may still take nothing.
    patience: Duration,
}

impl Deadlined {
    /// A new connection, of which a request is due.
    pub(super) fn new(stream: TcpStream, limits: &Arc<Limits>, busy: Busy) -> Self {
        let reading = Box::pin(tokio::time::sleep(limits.header_time));
        let awaiting = Awaiting::Head;
        let (limits, patience) = (Arc::clone(limits), limits.stall_time);
        let (writing, is_stalled) = (None, false);
        Self { stream, limits, busy, awaiting, reading, writing, is_stalled, patience }
    }

    /// Notes the end of an answer: from then on the next request is awaited.
    fn notice_end_of_answer(&mut self) {
        match (self.busy.is_set(), self.awaiting) {
            (true, _) => self.awaiting = Awaiting::Nothing,
            (false, Awaiting::Nothing) => {
                self.patience = self.limits.stall_time;
                self.expect(Awaiting::Next, self.limits.idle_time);
            }
            (false, _) => {}
        }
    }

    fn expect(&mut self, awaiting: Awaiting, within: Duration) {
        self.awaiting = awaiting;
        self.reading.as_mut().reset(Instant::now() + within);
    }

    /// Notes how much of what is written the client takes. Time counts only while it takes nothing, and
    /// comes back with what it takes: who takes less than [`TAKEN`] in `stall_time` runs out of it.
    fn watch_write(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let limit = self.limits.stall_time;
        if let Poll::Ready(taken) = &result {
            if let (true, Some(timer)) = (self.is_stalled, &self.writing) {
                self.patience = timer.deadline().saturating_duration_since(Instant::now());
                self.is_stalled = false;
            }
            if self.patience < limit {
                let taken = u32::try_from(*taken.as_ref().unwrap_or(&0)).unwrap_or(u32::MAX);
                let earned = limit.saturating_mul(taken) / TAKEN;
                self.patience = self.patience.saturating_add(earned).min(limit);
            }
            return result;
        }
        let patience = self.patience;
        let timer = self.writing.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        if !self.is_stalled {
            timer.as_mut().reset(Instant::now() + patience);
            self.is_stalled = true;
        }
        match timer.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Deadlined {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.notice_end_of_answer();
        let filled = buffer.filled().len();
        if Pin::new(&mut this.stream).poll_read(cx, buffer)?.is_ready() {
            let is_of_a_request = this.awaiting == Awaiting::Next && !this.busy.are_many();
            if is_of_a_request && buffer.filled().len() > filled {
                this.awaiting = Awaiting::Rest;
            }
            return Poll::Ready(Ok(()));
        }
        if this.awaiting == Awaiting::Rest {
            this.expect(Awaiting::Head, this.limits.header_time);
        }
        if this.awaiting != Awaiting::Nothing && this.reading.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl AsyncWrite for Deadlined {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch_write(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.watch_write(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.notice_end_of_answer();
        if self.awaiting == Awaiting::Next {
            // After an answer hyper waits for the read it began before; the timer must wake it.
            let _ = self.reading.as_mut().poll(cx);
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
