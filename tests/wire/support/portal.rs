//! A fake portal that does as it is told, byte by byte, and remembers what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

/// One step of an answer.
#[derive(Debug, Clone)]
enum Step {
    Send(Vec<u8>),
    /// Sends the bytes so many times.
    Repeat(Vec<u8>, usize),
    /// Waits until the test opens the gate.
    Gate(Gate),
    /// Closes with a reset instead of a proper end.
    Reset,
    /// Keeps the connection open and says nothing more.
    Silence,
}

/// What the portal does with one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    steps: Vec<Step>,
}

/// Holds answers back until the test opens it.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    pub(crate) fn closed() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    pub(crate) fn open(&self) {
        self.0.send_replace(true);
    }
}

impl Reply {
    /// Exactly these bytes, then the end of the connection.
    pub(crate) fn raw(bytes: impl AsRef<[u8]>) -> Self {
        Self::default().send(bytes)
    }

    /// A response with a length.
    pub(crate) fn http(status: u16, fields: &str, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{fields}\r\n",
            content.len()
        );
        Self::raw(head).send(content)
    }

    /// What CKAN sends for JSONP, with all of its fields.
    pub(crate) fn ckan(padded: impl AsRef<[u8]>) -> Self {
        let fields = "Content-Type: application/javascript;charset=utf-8\r\n\
             Cache-Control: public, max-age=0, must-revalidate\r\nVary: Cookie\r\n";
        Self::http(200, fields, padded)
    }

    /// An error as CKAN sends it: bare JSON.
    pub(crate) fn ckan_error(status: u16, json: &str) -> Self {
        let fields = "Content-Type: application/json;charset=utf-8\r\n\
             Cache-Control: public, max-age=0, must-revalidate\r\nVary: Cookie\r\n";
        Self::http(status, fields, json)
    }

    pub(crate) fn html(status: u16, html: &str) -> Self {
        Self::http(status, "Content-Type: text/html; charset=utf-8\r\nSet-Cookie: ckan=1\r\n", html)
    }

    pub(crate) fn send(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.steps.push(Step::Send(bytes.as_ref().to_vec()));
        self
    }

    pub(crate) fn repeat(mut self, bytes: impl AsRef<[u8]>, times: usize) -> Self {
        self.steps.push(Step::Repeat(bytes.as_ref().to_vec(), times));
        self
    }

    pub(crate) fn behind(mut self, gate: &Gate) -> Self {
        self.steps.insert(0, Step::Gate(gate.clone()));
        self
    }

    pub(crate) fn then_gate(mut self, gate: &Gate) -> Self {
        self.steps.push(Step::Gate(gate.clone()));
        self
    }

    pub(crate) fn then_reset(mut self) -> Self {
        self.steps.push(Step::Reset);
        self
    }

    pub(crate) fn then_silence(mut self) -> Self {
        self.steps.push(Step::Silence);
        self
    }
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// The whole head.
    pub head: String,
    /// The target of its first line.
    pub target: String,
    /// The content, as long as its `Content-Length` says.
    pub content: String,
}

impl Received {
    /// The value of a query parameter, not decoded.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let query = self.target.split_once('?')?.1;
        query.split('&').find_map(|p| p.strip_prefix(name)?.strip_prefix('='))
    }

    pub(crate) fn callback(&self) -> &str {
        self.query("callback").unwrap_or("")
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (n, value) = line.split_once(':')?;
            n.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

type Programme = dyn Fn(&Received) -> Reply + Send + Sync;

/// A portal on loopback.
#[derive(Clone)]
pub(crate) struct FakePortal {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    connections: Arc<Mutex<usize>>,
    arrived: Arc<Notify>,
    ended: Arc<watch::Sender<usize>>,
    programme: Arc<Mutex<Arc<Programme>>>,
}

impl FakePortal {
    /// A portal that answers as `programme` says.
    pub(crate) async fn new(
        programme: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)), programme).await
    }

    /// Another portal at the same port of another loopback address.
    pub(crate) async fn beside(
        &self,
        address: [u8; 4],
        programme: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::at(SocketAddr::from((address, self.address.port())), programme).await
    }

    async fn at(
        address: SocketAddr,
        programme: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let portal = Self {
            address: listener.local_addr().expect("an address"),
            received: Arc::default(),
            connections: Arc::default(),
            arrived: Arc::default(),
            ended: Arc::new(watch::Sender::new(0)),
            programme: Arc::new(Mutex::new(Arc::new(programme))),
        };
        let accepting = portal.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *accepting.connections.lock().expect("not poisoned") += 1;
                let portal = accepting.clone();
                tokio::spawn(async move {
                    portal.clone().converse(stream).await;
                    portal.ended.send_modify(|count| *count += 1);
                });
            }
        });
        portal
    }

    /// A portal that pads this JSON, whatever it is asked.
    pub(crate) async fn padding(json: &'static str) -> Self {
        Self::new(move |request| Reply::ckan(format!("{}({json});", request.callback()))).await
    }

    /// From now on the portal answers otherwise.
    pub(crate) fn now(&self, programme: impl Fn(&Received) -> Reply + Send + Sync + 'static) {
        *self.programme.lock().expect("not poisoned") = Arc::new(programme);
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().expect("not poisoned").clone()
    }

    /// The targets of all requests so far.
    pub(crate) fn targets(&self) -> Vec<String> {
        self.received().into_iter().map(|r| r.target).collect()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().expect("not poisoned")
    }

    /// Waits until so many requests have arrived.
    pub(crate) async fn has_received(&self, count: usize) {
        loop {
            let arrived = self.arrived.notified();
            if self.received.lock().expect("not poisoned").len() >= count {
                return;
            }
            arrived.await;
        }
    }

    /// Waits until so many conversations have ended, on whichever side.
    pub(crate) async fn has_ended(&self, count: usize) {
        let ended = self.ended.subscribe().wait_for(|ended| *ended >= count).await.is_ok();
        assert!(ended, "the portal outlives its waiters");
    }

    async fn converse(self, mut stream: TcpStream) {
        let Some(request) = read_head(&mut stream).await else { return };
        // First, so that what a test says after the request has arrived is for the next one.
        let programme = Arc::clone(&self.programme.lock().expect("not poisoned"));
        self.received.lock().expect("not poisoned").push(request.clone());
        self.arrived.notify_waiters();
        for step in programme(&request).steps {
            let sent = match step {
                Step::Send(bytes) => stream.write_all(&bytes).await,
                Step::Repeat(bytes, times) => {
                    let mut result = Ok(());
                    for _ in 0..times {
                        result = stream.write_all(&bytes).await;
                        if result.is_err() {
                            break;
                        }
                    }
                    result
                }
                Step::Gate(gate) => {
                    let _ = gate.0.subscribe().wait_for(|open| *open).await;
                    Ok(())
                }
                Step::Reset => {
                    let _ = socket_reset(&stream);
                    return;
                }
                Step::Silence => {
                    let _ = stream.read_u8().await;
                    return;
                }
            };
            if sent.is_err() {
                return;
            }
        }
        let _ = stream.shutdown().await;
    }
}

/// Lets the close of the socket be a reset.
fn socket_reset(stream: &TcpStream) -> std::io::Result<()> {
    #[expect(deprecated, reason = "a reset is the point; nothing is left to linger for")]
    stream.set_linger(Some(std::time::Duration::ZERO))
}

async fn read_head(stream: &mut TcpStream) -> Option<Received> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1)?.to_owned();
    let mut received = Received { head, target, content: String::new() };
    let length = received.field("content-length").and_then(|length| length.parse().ok());
    let mut content = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut content).await.ok()?;
    received.content = String::from_utf8_lossy(&content).into_owned();
    Some(received)
}
