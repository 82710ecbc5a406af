//! One answer read piece by piece, for what happens while it is being sent.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer under way.
pub(crate) struct Download {
    stream: TcpStream,
    bytes: Vec<u8>,
}

/// An answer as far as it came, with the account of whether all of it did.
pub(crate) struct Downloaded {
    pub head: String,
    pub content: Vec<u8>,
    /// Whether the message says that it ended, and did not only stop.
    pub complete: bool,
}

impl Download {
    /// Asks; `fields` are whole lines that end in CRLF.
    pub(crate) async fn begin(address: SocketAddr, target: &str, fields: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n{fields}\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        Self { stream, bytes: Vec::new() }
    }

    /// Reads until so many bytes have come, head and framing among them.
    pub(crate) async fn reach(&mut self, bytes: usize) {
        while self.bytes.len() < bytes {
            let read = self.stream.read_buf(&mut self.bytes).await.expect("more");
            assert_ne!(read, 0, "it ended after {} bytes", self.bytes.len());
        }
    }

    /// Reads until the connection ends.
    pub(crate) async fn rest(mut self) -> Downloaded {
        // A reset is an end too: what came before it is kept.
        while self.stream.read_buf(&mut self.bytes).await.is_ok_and(|read| read > 0) {}
        let end = self.bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&self.bytes[..end]).to_lowercase();
        let body = &self.bytes[end + 4..];
        if head.contains("transfer-encoding: chunked") {
            let (content, complete) = dechunked(body);
            return Downloaded { head, content, complete };
        }
        let said = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let complete = said.and_then(|length| length.parse().ok()) == Some(body.len());
        Downloaded { content: body.to_vec(), head, complete }
    }
}

/// The content of chunks, and whether the last chunk is among them.
fn dechunked(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut content = Vec::new();
    while let Some(end) = bytes.windows(2).position(|w| w == b"\r\n") {
        let size = std::str::from_utf8(&bytes[..end]).expect("a size");
        let size = usize::from_str_radix(size, 16).expect("a size");
        let rest = &bytes[end + 2..];
        if size == 0 {
            return (content, rest == b"\r\n");
        }
        content.extend_from_slice(&rest[..size.min(rest.len())]);
        bytes = rest.get(size + 2..).unwrap_or_default();
    }
    (content, false)
}
