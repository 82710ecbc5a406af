//! An origin server that reads the content of requests too, for portals that get all of them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub method: String,
    pub target: String,
    /// The lines of the head behind the first.
    pub fields: Vec<(String, String)>,
    pub content: Vec<u8>,
}

impl Message {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

/// An origin server on loopback.
#[derive(Clone)]
pub(crate) struct Origin {
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<Message>>>,
}

impl Origin {
    /// One that sends what `answer` makes of a request, and closes.
    pub(crate) async fn new(answer: impl Fn(&Message) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let origin = Self { address, received: Arc::default() };
        let (received, answer) = (Arc::clone(&origin.received), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (received, answer) = (Arc::clone(&received), Arc::clone(&answer));
                tokio::spawn(async move {
                    let Some(message) = read(&mut stream).await else { return };
                    let bytes = answer(&message);
                    received.lock().expect("not poisoned").push(message);
                    let _ = stream.write_all(bytes.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        origin
    }

    /// A registry with this origin server as the transparent portal `own`, with more lines of its
    /// entry.
    pub(crate) fn yaml(&self, more: &str) -> String {
        format!(
            "portals:\n  own:\n    base: http://{}\n    dialect: transparent\n    \
             dangerous_transparent: true\n    allow_cidr: [\"127.0.0.1/32\"]\n{more}",
            self.address
        )
    }

    /// All requests so far.
    pub(crate) fn received(&self) -> Vec<Message> {
        self.received.lock().expect("not poisoned").clone()
    }

    /// How many requests have come for a target, with any method.
    pub(crate) fn times(&self, target: &str) -> usize {
        self.received().iter().filter(|message| message.target == target).count()
    }
}

/// An answer with a length; `fields` are whole lines that end in CRLF.
pub(crate) fn http(status: u16, fields: &str, content: &str) -> String {
    let length = content.len();
    format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n{fields}\r\n{content}"
    )
}

async fn read(stream: &mut TcpStream) -> Option<Message> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let fields = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut message = Message { method, target, fields, content: Vec::new() };
    let length = message.field("content-length").and_then(|length| length.parse().ok());
    message.content = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut message.content).await.ok()?;
    Some(message)
}
