//! One connection from its first byte to its end: TLS, the version of HTTP, the requests on it.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::deadline::{Busy, Deadlined, Held};
use super::listen::{Handler, Limits, Stage};
use super::peer::Peer;
use super::streams::Streams;
use super::tls::Tls;

/// Requests at once on a connection of HTTP/2: 100, as RFC 9113 §6.5.2 recommends at least. Over it
/// a stream is refused, and the client may try again.
const STREAMS: u32 = 100;

/// Bytes of a request's fields in HTTP/2, as RFC 9113 §6.5.2 counts them: 16 KiB. Over it: 431.
const FIELD_BYTES: u32 = 16 << 10;

/// Bytes of content that wait for a stream's turn to be sent: 64 KiB.
const SEND_BYTES: usize = 64 << 10;

/// How often a silent connection of HTTP/2 is asked whether it is still there, and how long it may
/// take to say so: 20 s. Then it is closed.
const PING: Duration = Duration::from_secs(20);

/// How long the first request of a connection is waited for when it is to end: 1 s.
const FIRST: Duration = Duration::from_secs(1);

/// One connection and what it needs to know.
pub(super) struct Connection<H> {
    pub handler: Arc<H>,
    pub limits: Arc<Limits>,
    pub tls: Option<Arc<Tls>>,
    pub stage: watch::Receiver<Stage>,
    pub peer: Peer,
}

impl<H: Handler> Connection<H> {
    /// Answers its requests until it ends.
    pub(super) async fn run(mut self, stream: TcpStream) {
        // Answers are written whole; waiting for more to send would only delay them.
        let _ = stream.set_nodelay(true);
        let busy = Busy::default();
        let stream = Deadlined::new(stream, &self.limits, busy.clone());
        let Some(tls) = self.tls.take() else {
            return self.http1(stream, busy).await;
        };
        self.peer.is_encrypted = true;
        // Boxed, so that a connection need not make room for a handshake all its life.
        match Box::pin(tls.accept(stream)).await {
            Ok(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                Box::pin(self.http2(stream, busy)).await;
            }
            Ok(stream) => self.http1(stream, busy).await,
            Err(error) => tracing::debug!(%error, "a TLS handshake failed"),
        }
    }

    async fn http1<S: AsyncRead + AsyncWrite + Unpin>(self, stream: S, busy: Busy) {
        let (handler, peer, begun) = (self.handler, self.peer, busy.clone());
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let answering = busy.begin();
            let handler = Arc::clone(&handler);
            // Boxed, because hyper keeps room for the future in every connection, idle or not.
            Box::pin(async move {
                let response = handler.answer(request, peer).await;
                Ok::<_, Infallible>(response.map(|body| Held { body, _answering: answering }))
            })
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_buf_size(self.limits.head_bytes)
            .max_headers(self.limits.field_lines);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let mut stage = self.stage;
        let ending = async {
            tokio::select! {
                // Until then every answer says that it is the last one on its connection.
                _ = stage.wait_for(|stage| *stage == Stage::Draining) => {}
                () = tokio::time::sleep(self.limits.connection_time) => {}
            }
            // Who has just connected has a request on its way.
            let _ = tokio::time::timeout(FIRST, begun.first_request()).await;
        };
        let result = tokio::select! {
            // What has arrived is read before the connection is taken for idle.
            biased;
            result = connection.as_mut() => Some(result),
            () = ending => None,
        };
        tell(match result {
            Some(result) => result,
            None => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        });
    }

    async fn http2<S: AsyncRead + AsyncWrite + Unpin>(self, stream: S, busy: Busy) {
        busy.multiplex();
        let (handler, peer) = (self.handler, self.peer);
        let streams = Streams::new(self.limits.stall_time);
        let (counted, answers) = (busy.clone(), streams.clone());
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let answering = counted.begin();
            let (handler, answers) = (Arc::clone(&handler), answers.clone());
            Box::pin(async move {
                let response = handler.answer(request, peer).await;
                Ok::<_, Infallible>(response.map(|body| answers.hold(body, answering)))
            })
        });
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(FIELD_BYTES)
            .max_send_buf_size(SEND_BYTES)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let mut stage = self.stage;
        let ending = async {
            tokio::select! {
                _ = stage.wait_for(|stage| *stage >= Stage::Leaving) => {}
                () = tokio::time::sleep(self.limits.connection_time) => {}
            }
            // RFC 9113 §6.8: GOAWAY says which requests are still answered; before the first one
            // has come it would say none.
            let _ = tokio::time::timeout(FIRST, busy.first_request()).await;
        };
        let result = tokio::select! {
            biased;
            result = connection.as_mut() => Some(result),
            () = streams.watch() => None,
            () = ending => None,
        };
        tell(match result {
            Some(result) => result,
            None => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    biased;
                    result = connection => result,
                    () = streams.watch() => Ok(()),
                }
            }
        });
    }
}

fn tell(result: hyper::Result<()>) {
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended");
    }
}
