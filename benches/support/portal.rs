//! A portal on loopback that counts what it is asked and answers as it is told. One request a
//! connection: a portal's own speed is not what is measured.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A portal.
pub(crate) struct Portal {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    asked: Arc<watch::Sender<u64>>,
}

/// What the portal does with a request.
pub(crate) enum Reply {
    /// Sends these bytes and closes.
    Send(Vec<u8>),
    /// Breaks the connection.
    Reset,
}

/// A request for a target.
pub(crate) struct Question {
    target: String,
}

impl Question {
    /// The value of a query parameter, not decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let query = self.target.split_once('?')?.1;
        query.split('&').find_map(|p| p.strip_prefix(name)?.strip_prefix('='))
    }

    /// The padded answer as CKAN sends it; `fields` are whole lines that end in CRLF.
    pub(crate) fn padded(&self, json: &str, fields: &str) -> Reply {
        let padded = format!("{}({json});", self.parameter("callback").unwrap_or_default());
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/javascript;charset=utf-8\r\n\
             Content-Length: {}\r\nConnection: close\r\n{fields}\r\n",
            padded.len()
        );
        Reply::Send((head + &padded).into_bytes())
    }
}

impl Portal {
    /// A portal that answers with what `answer` makes of a request.
    pub(crate) async fn start<A, F>(answer: A) -> Self
    where
        A: Fn(Question) -> F + Send + Sync + 'static,
        F: Future<Output = Reply> + Send,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(watch::Sender::new(0));
        let (counter, answer) = (Arc::clone(&asked), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (counter, answer) = (Arc::clone(&counter), Arc::clone(&answer));
                tokio::spawn(async move {
                    let Some(question) = read(&mut stream).await else { return };
                    counter.send_modify(|count| *count += 1);
                    converse(stream, answer(question).await).await;
                });
            }
        });
        Self { address, asked }
    }

    /// Requests so far.
    pub(crate) fn asked(&self) -> u64 {
        *self.asked.borrow()
    }

    /// Waits for so many requests.
    pub(crate) async fn has_been_asked(&self, count: u64) {
        let mut asked = self.asked.subscribe();
        let _ = asked.wait_for(|so_far| *so_far >= count).await;
    }
}

async fn converse(mut stream: TcpStream, reply: Reply) {
    // A gateway that hung up is the gateway's business.
    match reply {
        Reply::Send(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Reply::Reset => {
            #[expect(deprecated, reason = "a reset is the point; nothing is left to linger for")]
            let _ = stream.set_linger(Some(std::time::Duration::ZERO));
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Question> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let target = std::str::from_utf8(&head).ok()?.split(' ').nth(1)?.to_owned();
    Some(Question { target })
}
