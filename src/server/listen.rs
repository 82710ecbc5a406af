//! The accept loop: how many connections, how long each, and how they end. `axum::serve` has no
//! deadline for a request to arrive and no cap on connections.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::deadline::{Busy, Deadlined, Held};

/// Limits of the server's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once: 16,384. Over it new ones wait in the kernel's queue.
    pub connections: usize,
    /// Time for a request head to arrive, and for a new connection to begin one: 10 s. Then the
    /// connection is closed.
    pub header_time: Duration,
    /// Time between an answer and the next request on its connection: 75 s, longer than the front
    /// servers' own, so that they do not write into a closing connection.
    pub idle_time: Duration,
    /// Time in which a client must take something of what was written: 60 s.
    pub stall_time: Duration,
    /// Time after which a connection ends with the answer it is giving: 1 h.
    pub connection_time: Duration,
    /// Bytes of a request head: 32 KiB. Over it: 431.
    pub head_bytes: usize,
    /// Field lines of a request: 64. Over it: 431.
    pub field_lines: usize,
    /// Time for answers under way to end when the process is asked to: 30 s.
    pub drain_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            header_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            stall_time: Duration::from_secs(60),
            connection_time: Duration::from_secs(3600),
            head_bytes: 32 << 10,
            field_lines: 64,
            drain_time: Duration::from_secs(30),
        }
    }
}

/// Who answers the requests of a listener.
pub trait Handler: Send + Sync + 'static {
    /// Answers any request.
    fn answer(
        &self,
        request: hyper::Request<Incoming>,
    ) -> impl Future<Output = Response> + Send + '_;
    /// A connection was opened.
    fn opened(&self) {}
    /// A connection was closed.
    fn closed(&self) {}
    /// Nothing more is accepted, and the answers under way are the last.
    fn drain(&self) {}
}

/// How long accepting pauses when descriptors ran out: the error would come back at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` resolves, then lets the answers under way end.
pub async fn serve<H: Handler>(
    handler: Arc<H>,
    listener: TcpListener,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let (draining, drain) = watch::channel(false);
    let mut stop = pin!(stop);
    loop {
        let (stream, place) = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let connection = Connection {
            handler: Arc::clone(&handler),
            limits: limits.clone(),
            drain: drain.clone(),
        };
        handler.opened();
        let handler = Arc::clone(&handler);
        tokio::spawn(async move {
            connection.run(stream).await;
            handler.closed();
            drop(place);
        });
    }
    drop(listener);
    handler.drain();
    draining.send_replace(true);
    let most = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    if tokio::time::timeout(limits.drain_time, places.acquire_many(most)).await.is_err() {
        tracing::warn!("some answers were not finished in time and are cut off");
    }
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        let Ok(place) = Arc::clone(places).acquire_owned().await else {
            // The semaphore is never closed.
            std::future::pending().await
        };
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// One connection and what it needs to know.
struct Connection<H> {
    handler: Arc<H>,
    limits: Limits,
    drain: watch::Receiver<bool>,
}

impl<H: Handler> Connection<H> {
    async fn run(mut self, stream: TcpStream) {
        // Answers are written whole; waiting for more to send would only delay them.
        let _ = stream.set_nodelay(true);
        let busy = Busy::default();
        let stream = TokioIo::new(Deadlined::new(stream, &self.limits, busy.clone()));
        let handler = self.handler;
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let answering = busy.begin();
            let handler = Arc::clone(&handler);
            // Boxed, because hyper keeps room for the future in every connection, idle or not.
            Box::pin(async move {
                let response = handler.answer(request).await;
                Ok::<_, std::convert::Infallible>(
                    response.map(|body| Held { body, _answering: answering }),
                )
            })
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_buf_size(self.limits.head_bytes)
            .max_headers(self.limits.field_lines);
        let mut connection = pin!(builder.serve_connection(stream, service));
        let finished = tokio::select! {
            result = connection.as_mut() => Some(result),
            _ = self.drain.wait_for(|draining| *draining) => None,
            () = tokio::time::sleep(self.limits.connection_time) => None,
        };
        let result = match finished {
            Some(result) => result,
            None => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            tracing::debug!(%error, "a connection ended");
        }
    }
}
