//! A client that writes requests as they are given and reads answers as they come.

use std::fmt;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Speaks HTTP/1.1 to the gateway, one connection a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    pub address: SocketAddr,
}

/// An answer as it came.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub status: u16,
    pub fields: Vec<(String, String)>,
    pub content: Vec<u8>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.request("GET", target, "").await
    }

    /// A request; `fields` are whole lines that end in CRLF.
    pub(crate) async fn request(&self, method: &str, target: &str, fields: &str) -> Answer {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n{fields}\r\n"
        );
        self.raw(request).await
    }

    /// Writes these bytes and reads until the end of the connection.
    pub(crate) async fn raw(&self, bytes: impl AsRef<[u8]>) -> Answer {
        self.try_raw(bytes).await.expect("an answer")
    }

    /// A GET on a connection that is there.
    pub(crate) async fn on(&self, stream: TcpStream, target: &str) -> Answer {
        self.on_with(stream, target, "").await
    }

    /// As `on`, with more fields.
    pub(crate) async fn on_with(&self, stream: TcpStream, target: &str, fields: &str) -> Answer {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n{fields}\r\n"
        );
        exchange(stream, request.as_bytes()).await.expect("an answer")
    }

    /// As `raw`; `None` if the connection ended without an answer.
    pub(crate) async fn try_raw(&self, bytes: impl AsRef<[u8]>) -> Option<Answer> {
        let stream = TcpStream::connect(self.address).await.expect("a connection");
        exchange(stream, bytes.as_ref()).await
    }
}

/// Writes these bytes and reads until the end of the connection.
pub(crate) async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    bytes: &[u8],
) -> Option<Answer> {
    stream.write_all(bytes).await.ok()?;
    let mut all = Vec::new();
    // A reset after the answer does not take the answer back.
    let _ = stream.read_to_end(&mut all).await;
    Answer::parse(&all)
}

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let fields = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect();
        let mut answer = Self { status, fields, content: bytes[end + 4..].to_vec() };
        if answer.field("transfer-encoding") == Some("chunked") {
            answer.content = dechunked(&answer.content);
        }
        Some(answer)
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.content).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.content).expect("JSON")
    }

    /// The problem's name: what follows the `#` of its type.
    pub(crate) fn problem(&self) -> String {
        let json = self.json();
        let uri = json["type"].as_str().unwrap_or_default();
        uri.rsplit('#').next().unwrap_or_default().to_owned()
    }
}

/// Everything, for snapshots: fields sorted by name.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        let mut fields = self.fields.clone();
        fields.sort();
        for (name, value) in fields {
            writeln!(f, "{name}: {value}")?;
        }
        write!(f, "\n{}", self.text())
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The content of a chunked message; what a cut message has of it.
fn dechunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    while let Some(end) = bytes.windows(2).position(|w| w == b"\r\n") {
        let size = std::str::from_utf8(&bytes[..end]).ok();
        let Some(size) = size.and_then(|s| usize::from_str_radix(s, 16).ok()) else { break };
        let rest = &bytes[end + 2..];
        if size == 0 || rest.len() < size {
            content.extend_from_slice(&rest[..size.min(rest.len())]);
            break;
        }
        content.extend_from_slice(&rest[..size]);
        bytes = rest.get(size + 2..).unwrap_or_default();
    }
    content
}
