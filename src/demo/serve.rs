//! The portal on a socket: HTTP/1.1, loopback, as long as it is wanted. Not the gateway's server.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Demo, response};

/// How long a caller may take for the head of a request, and for its content.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest content of a `POST`, in bytes: as long as the longest URL, far above any question to
/// the portal. More is a 413.
const MAX_CONTENT: usize = 1 << 16;
/// Connections at once, well below a common limit on open files; more wait to be accepted.
const MAX_CONNECTIONS: usize = 512;
/// Before the next try when the system has no connection to give (no file descriptors, no memory).
const PAUSE: Duration = Duration::from_millis(100);

/// Answers on `listener` until `stop` resolves; connections that are open then are dropped.
///
/// # Errors
///
/// If the listener has no address, so that it cannot be a socket at all. A connection that fails
/// is no error of the portal's.
pub async fn serve(listener: TcpListener, stop: impl Future<Output = ()>) -> std::io::Result<()> {
    listener.local_addr()?;
    let demo = Arc::new(Demo::new());
    // Dropped at the end, and all connections with it.
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return Ok(()),
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(&demo)));
                }
                Err(_) => sleep(PAUSE).await,
            },
        }
    }
}

async fn converse(stream: TcpStream, demo: Arc<Demo>) {
    let service = service_fn(move |request| {
        let demo = Arc::clone(&demo);
        async move { Ok::<_, Infallible>(answer(&demo, request).await.map(Full::new)) }
    });
    // How a connection ends is the caller's business.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(demo: &Demo, request: Request<Incoming>) -> Response<Bytes> {
    let (head, body) = request.into_parts();
    let content = if head.method == Method::POST {
        match timeout(PATIENCE, Limited::new(body, MAX_CONTENT).collect()).await {
            Err(_) => return response::page(StatusCode::REQUEST_TIMEOUT),
            Ok(Err(_)) => return response::page(StatusCode::PAYLOAD_TOO_LARGE),
            Ok(Ok(content)) => content.to_bytes(),
        }
    } else {
        Bytes::new()
    };
    demo.answer_request(&Request::from_parts(head, content))
}
