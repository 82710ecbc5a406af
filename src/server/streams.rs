//! Content on its way over a connection of HTTP/2, where one client's streams share everything: a
//! stream that is not taken lets go of where its content comes from, and the others go on.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use super::deadline::Answering;

/// The streams of one connection.
#[derive(Debug, Clone)]
pub(super) struct Streams {
    all: Arc<Mutex<Vec<Weak<Mutex<Content>>>>>,
    stall_time: Duration,
}

/// The content of one stream.
#[derive(Debug)]
struct Content {
    /// `None` when it has been let go.
    held: Option<(Body, Answering)>,
    /// Since when the client has been given something and has not asked for more.
    given: Option<Instant>,
}

/// Content as hyper takes it: when the client has room for more.
#[derive(Debug)]
pub(super) struct Taken(Arc<Mutex<Content>>);

/// The client took nothing for too long.
#[derive(Debug, thiserror::Error)]
#[error("the client took nothing for too long")]
struct Stalled;

impl Streams {
    pub(super) fn new(stall_time: Duration) -> Self {
        Self { all: Arc::default(), stall_time }
    }

    /// Holds content until it has been taken.
    pub(super) fn hold(&self, body: Body, answering: Answering) -> Taken {
        let content = Content { held: Some((body, answering)), given: Some(Instant::now()) };
        let content = Arc::new(Mutex::new(content));
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|stream| stream.strong_count() > 0);
        all.push(Arc::downgrade(&content));
        Taken(content)
    }

    /// Lets go of what is not taken; never resolves. Each look wakes the connection, too, which then
    /// sees that it has become idle.
    pub(super) async fn watch(&self) {
        let mut looks = tokio::time::interval(self.stall_time / 4);
        loop {
            looks.tick().await;
            let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
            for stream in all.iter().filter_map(Weak::upgrade) {
                let mut content = stream.lock().unwrap_or_else(PoisonError::into_inner);
                if content.given.is_some_and(|since| since.elapsed() > self.stall_time) {
                    content.held = None;
                }
            }
        }
    }
}

impl http_body::Body for Taken {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((body, _)) = &mut content.held else {
            return Poll::Ready(Some(Err(axum::Error::new(Stalled))));
        };
        let frame = Pin::new(body).poll_frame(cx);
        content.given = frame.is_ready().then(Instant::now);
        frame
    }

    fn is_end_stream(&self) -> bool {
        let content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        content.held.as_ref().is_some_and(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        content.held.as_ref().map(|(body, _)| body.size_hint()).unwrap_or_default()
    }
}
