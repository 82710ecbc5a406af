//! Deadlines on a client's connection: for a request to arrive, for the next one to begin, for the
//! client to take what it asked for. It sees bytes only; hyper sees requests.
//!
//! hyper's own timer would not do: it has one time for silent, slow and idle connections alike,
//! and none for a client that stops reading.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::Limits;

/// Whether a request is being answered, set by the service and seen by the connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Busy(Arc<AtomicBool>);

/// An answer under way; dropped when its content has been handed over.
#[derive(Debug)]
pub(super) struct Answering(Busy);

impl Busy {
    /// A request has arrived.
    pub(super) fn begin(&self) -> Answering {
        self.0.store(true, Ordering::Release);
        Answering(self.clone())
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Release);
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
    limits: Limits,
    busy: Busy,
    awaiting: Awaiting,
    reading: Pin<Box<Sleep>>,
    writing: Option<Pin<Box<Sleep>>>,
}

impl Deadlined {
    /// A new connection, of which a request is due.
    pub(super) fn new(stream: TcpStream, limits: &Limits, busy: Busy) -> Self {
        let reading = Box::pin(tokio::time::sleep(limits.header_time));
        let awaiting = Awaiting::Head;
        Self { stream, limits: limits.clone(), busy, awaiting, reading, writing: None }
    }

    /// Notes the end of an answer: from then on the next request is awaited.
    fn notice_end_of_answer(&mut self) {
        match (self.busy.is_set(), self.awaiting) {
            (true, _) => self.awaiting = Awaiting::Nothing,
            (false, Awaiting::Nothing) => self.expect(Awaiting::Next, self.limits.idle_time),
            (false, _) => {}
        }
    }

    fn expect(&mut self, awaiting: Awaiting, within: Duration) {
        self.awaiting = awaiting;
        self.reading.as_mut().reset(Instant::now() + within);
    }

    /// Notes whether the client stops taking what is written.
    fn watch_write<T>(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.writing = None;
            return result;
        }
        let limit = self.limits.stall_time;
        let timer = self.writing.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
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
            if this.awaiting == Awaiting::Next && buffer.filled().len() > filled {
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
