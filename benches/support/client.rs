//! A keep-alive client for one request after another. It reads heads as far as needed and throws
//! content away; it follows nothing and knows only `Content-Length`.

use std::io;
use std::net::SocketAddr;

use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection to a server.
pub(crate) struct Connection {
    stream: TcpStream,
    /// The last answer's head; what follows it is content and is written over again and again.
    buffer: Vec<u8>,
    head: usize,
}

/// What matters of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// Bytes of content.
    pub(crate) length: usize,
}

/// A request for `target`.
pub(crate) fn request(target: &str) -> Vec<u8> {
    let origin = "Origin: https://class.example.org";
    format!("GET {target} HTTP/1.1\r\nHost: gateway.test\r\n{origin}\r\nAccept: */*\r\n\r\n").into()
}

impl Connection {
    /// Connects. `buffer` bytes are read at once; an answer's head must fit.
    pub(crate) async fn open(address: SocketAddr, buffer: usize) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; buffer], head: 0 })
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.send(request).await?;
        self.receive().await
    }

    /// Sends a request.
    pub(crate) async fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request).await
    }

    /// Reads one answer to its end.
    pub(crate) async fn receive(&mut self) -> io::Result<Answer> {
        let mut filled = 0;
        self.head = loop {
            filled += self.read(filled).await?;
            if let Some(end) = memmem::find(&self.buffer[..filled], b"\r\n\r\n") {
                break end + 4;
            }
        };
        let wrong = || io::Error::new(io::ErrorKind::InvalidData, "not an answer with a length");
        let status = self.buffer.get(9..12).and_then(parse).ok_or_else(wrong)?;
        let length = self.field("content-length").and_then(|v| parse(v.as_bytes()));
        let length = length.ok_or_else(wrong)?;
        let mut left = length.checked_sub(filled - self.head).ok_or_else(wrong)?;
        while left > 0 {
            left = left.checked_sub(self.read(self.head).await?).ok_or_else(wrong)?;
        }
        Ok(Answer { status: u16::try_from(status).map_err(|_| wrong())?, length })
    }

    /// The last answer's fields.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let head = std::str::from_utf8(&self.buffer[..self.head]).unwrap_or_default();
        head.split("\r\n").skip(1).filter_map(|line| line.split_once(": "))
    }

    /// A field of the last answer.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Reads something into the buffer from `start` on.
    async fn read(&mut self, start: usize) -> io::Result<usize> {
        match self.stream.read(&mut self.buffer[start..]).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => Ok(read),
        }
    }
}

fn parse(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.trim().parse().ok()
}
