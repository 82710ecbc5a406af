//! The accept loop: how many connections, of whom, and how they end. `axum::serve` has no deadline
//! for a request to arrive and no cap on connections.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::connection::Connection;
use super::peer::Peer;
use super::places::{Free, Places};
use super::tls::Tls;

/// Limits of the server's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once: 16,384. Over it new ones wait in the kernel's queue.
    pub connections: usize,
    /// Connections of one client at once. Over it a new one is told so and closed.
    pub client_connections: usize,
    /// Networks whose clients may have as many as there are: front servers, and who is exempt.
    pub exempt: Vec<IpNet>,
    /// Time for a request head to arrive, and for a new connection to begin one, its TLS handshake
    /// included: 10 s. Then the connection is closed.
    pub header_time: Duration,
    /// Time between an answer and the next request on its connection: 75 s, longer than the front
    /// servers' own, so that they do not write into a closing connection.
    pub idle_time: Duration,
    /// Time in which a client must take 64 KiB of what was written, or all of it: 60 s. Then the
    /// connection is closed.
    pub stall_time: Duration,
    /// Time after which a connection ends with the answer it is giving: 1 h.
    pub connection_time: Duration,
    /// Bytes of a request head: 32 KiB. Over it: 431.
    pub head_bytes: usize,
    /// Field lines of a request: 64. Over it: 431.
    pub field_lines: usize,
    /// Time between the announcement that the process ends and the moment from which nothing more is
    /// accepted: 5 s, in which whoever distributes requests sees that it is not ready.
    pub leave_time: Duration,
    /// Time for answers under way to end after that: 30 s.
    pub drain_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            client_connections: 1024,
            exempt: Vec::new(),
            header_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            stall_time: Duration::from_secs(60),
            connection_time: Duration::from_secs(3600),
            head_bytes: 32 << 10,
            field_lines: 64,
            leave_time: Duration::from_secs(5),
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
        peer: Peer,
    ) -> impl Future<Output = Response> + Send + '_;
    /// A connection was opened.
    fn opened(&self) {}
    /// A connection was closed.
    fn closed(&self) {}
    /// The process is ending, and answers say so.
    fn drain(&self) {}
}

/// Where connections come in.
#[derive(Debug)]
pub struct Socket {
    /// The listener.
    pub listener: TcpListener,
    /// TLS, if it is spoken.
    pub tls: Option<Arc<Tls>>,
    /// Whether the listener belongs to whoever started the process. What waits in its queue is then
    /// for the next process.
    pub is_inherited: bool,
}

impl From<TcpListener> for Socket {
    fn from(listener: TcpListener) -> Self {
        Self { listener, tls: None, is_inherited: false }
    }
}

/// How a process is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// So that nobody's request fails: it is announced first (`leave_time`).
    Announced,
    /// Without announcement; answers under way are finished all the same.
    AtOnce,
}

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// It has not begun.
    Serving,
    /// It is announced.
    Leaving,
    /// Nothing more is accepted.
    Draining,
}

/// How long accepting pauses when descriptors ran out: the error would come back at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` resolves, then lets the answers under way end.
pub async fn serve<H: Handler>(
    handler: Arc<H>,
    socket: Socket,
    limits: Limits,
    stop: impl Future<Output = Ending>,
) {
    let Socket { listener, tls, is_inherited } = socket;
    let (stage, watched) = watch::channel(Stage::Serving);
    let places = Places::new(&limits);
    let door = Door { places, tls, handler, limits: Arc::new(limits), stage: watched };
    let mut stop = pin!(stop);
    let ending = loop {
        tokio::select! {
            biased;
            ending = &mut stop => break ending,
            () = door.let_in(&listener) => {}
        }
    };
    door.handler.drain();
    if ending == Ending::Announced {
        stage.send_replace(Stage::Leaving);
        let mut leaving = pin!(tokio::time::sleep(door.limits.leave_time));
        loop {
            tokio::select! {
                biased;
                () = &mut leaving => break,
                () = door.let_in(&listener), if !is_inherited => {}
            }
        }
    }
    if !is_inherited {
        door.let_last_in(listener);
    }
    stage.send_replace(Stage::Draining);
    let all_free = door.places.all_free();
    if tokio::time::timeout(door.limits.drain_time, all_free).await.is_err() {
        tracing::warn!("some answers were not finished in time and are cut off");
    }
}

/// Where connections come in, and what each of them gets.
struct Door<H> {
    places: Places,
    tls: Option<Arc<Tls>>,
    handler: Arc<H>,
    limits: Arc<Limits>,
    stage: watch::Receiver<Stage>,
}

impl<H: Handler> Door<H> {
    /// Lets the next connection in, once there is a place for it.
    async fn let_in(&self, listener: &TcpListener) {
        let place = self.places.next().await;
        match listener.accept().await {
            Ok((stream, address)) => self.welcome(stream, address, place),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }

    /// Lets in who has connected already, and closes the listener.
    fn let_last_in(&self, listener: TcpListener) {
        // Asked itself: the runtime may not have heard yet of those who wait.
        let Ok(listener) = listener.into_std() else { return };
        while let (Some(place), Ok((stream, address))) =
            (self.places.next().now_or_never(), listener.accept())
        {
            let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
            if let Ok(stream) = stream {
                self.welcome(stream, address, place);
            }
        }
    }

    /// Answers a connection's requests, unless its client has too many.
    fn welcome(&self, stream: TcpStream, address: SocketAddr, place: Free<'_>) {
        let peer = Peer::from(address);
        let place = match place.of(peer.address.into()) {
            Ok(place) => place,
            Err(refusal) => return refusal.tell(stream, self.tls.is_some()),
        };
        let connection = Connection {
            handler: Arc::clone(&self.handler),
            limits: Arc::clone(&self.limits),
            tls: self.tls.clone(),
            stage: self.stage.clone(),
            peer,
        };
        self.handler.opened();
        let handler = Arc::clone(&self.handler);
        tokio::spawn(async move {
            connection.run(stream).await;
            handler.closed();
            drop(place);
        });
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
