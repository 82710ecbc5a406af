//! A client of the administration listener: plain HTTP/1.1, one connection a request, bounded in
//! bytes and time. Portals are not asked with it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::uri::Authority;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// The longest answer: a page of a thousand long URLs is a tenth of it.
const ANSWER_BYTES: usize = 64 << 20;

/// Time to a connection.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// Time for an answer that the gateway gives by itself.
pub(super) const ANSWER_TIME: Duration = Duration::from_secs(60);

/// The port where none is written.
const PORT: u16 = 8081;

/// Where the listener is, as it is dialled and named in `Host`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address(String);

/// Why there is no answer, as sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The listener does not answer, or not to us: another request would not fare better.
    Listener(String),
    /// This request was refused.
    Request(String),
}

/// Speaks to one listener.
#[derive(Debug)]
pub(super) struct Client {
    address: Address,
    token: String,
}

impl Address {
    /// The address at which a listener on `socket` is reached from this machine.
    pub(super) fn of_socket(socket: SocketAddr) -> Self {
        let ip = match socket.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        Self(SocketAddr::new(ip, socket.port()).to_string())
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("https:") {
            return Err("the administration listener speaks http; for another machine's, make an \
                        SSH tunnel to it"
                .to_owned());
        }
        let plain = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
        let authority = plain.parse::<Authority>().ok();
        let authority = authority.filter(|a| !a.host().is_empty() && !a.as_str().contains('@'));
        match authority {
            Some(authority) if authority.port_u16().is_some() => Ok(Self(authority.to_string())),
            Some(authority) if authority.as_str() == authority.host() => {
                Ok(Self(format!("{authority}:{PORT}")))
            }
            _ => Err("write an address and port, such as `127.0.0.1:8081`".to_owned()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}/", self.0)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listener(sentence) | Self::Request(sentence) => f.write_str(sentence),
        }
    }
}

impl From<Failure> for String {
    fn from(failure: Failure) -> Self {
        failure.to_string()
    }
}

impl Client {
    pub(super) fn new(address: Address, token: String) -> Self {
        Self { address, token }
    }

    /// Asks, and reads the JSON that is answered.
    pub(super) async fn ask(
        &self,
        method: Method,
        target: &str,
        content: Option<&Value>,
        within: Duration,
    ) -> Result<Value, Failure> {
        let asked = self.exchange(method, target, content);
        let (status, content) = tokio::time::timeout(within, asked).await.map_err(|_| {
            let after = within.as_secs();
            Failure::Request(format!("{} did not answer within {after} s", self.address))
        })??;
        let value = serde_json::from_slice::<Value>(&content);
        match (status, value) {
            (StatusCode::OK, Ok(value)) => Ok(value),
            (status, value) => Err(self.refusal(status, &value.unwrap_or_default())),
        }
    }

    async fn exchange(
        &self,
        method: Method,
        target: &str,
        content: Option<&Value>,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let broken = |error: hyper::Error| {
            Failure::Request(format!("{} broke the connection off: {error}", self.address))
        };
        let request = self.request(method, target, content)?;
        let stream = self.connect().await?;
        let (mut sender, connection) =
            http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await.map_err(broken)?;
        // It ends when the sender and the content are dropped.
        tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let content = Limited::new(response.into_body(), ANSWER_BYTES).collect().await;
        let content = content.map_err(|error| {
            Failure::Request(format!("the answer of {} cannot be read: {error}", self.address))
        })?;
        Ok((status, content.to_bytes()))
    }

    fn request(
        &self,
        method: Method,
        target: &str,
        content: Option<&Value>,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let bytes = content.map(|value| Bytes::from(value.to_string())).unwrap_or_default();
        Request::builder()
            .method(method)
            .uri(target)
            .header(HOST, &self.address.0)
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(bytes))
            .map_err(|_| {
                Failure::Listener("the token has characters that cannot be sent".to_owned())
            })
    }

    async fn connect(&self) -> Result<TcpStream, Failure> {
        let unreachable = |why: &str| {
            Failure::Listener(format!(
                "nothing answers at {} ({why}). Does `unpad serve` run there, and does it have a \
                 token? Without one, administration is off. Another address: --admin or \
                 UNPAD_ADMIN",
                self.address
            ))
        };
        match tokio::time::timeout(CONNECT_TIME, TcpStream::connect(&self.address.0)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(unreachable(&error.to_string())),
            Err(_) => Err(unreachable("no connection in time")),
        }
    }

    /// What an answer other than 200 means.
    fn refusal(&self, status: StatusCode, problem: &Value) -> Failure {
        let at = &self.address;
        let detail = problem["detail"].as_str();
        match (status.as_u16(), detail) {
            (401, _) => Failure::Listener(format!(
                "the gateway at {at} has another token: take the one it was started with (its \
                 --admin-token-file, UNPAD_ADMIN_TOKEN or `server.admin.token_file`)"
            )),
            (421, _) => Failure::Listener(format!(
                "the gateway refuses the name in {at}: ask it as 127.0.0.1 or localhost"
            )),
            (404 | 405, _) | (_, None) => Failure::Listener(format!(
                "what answers at {at} (status {}) is no administration listener; its port is 8081 \
                 unless somebody chose another. Name it with --admin",
                status.as_u16()
            )),
            (_, Some(detail)) => Failure::Request(detail.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_people_write_it() {
        for (written, dialled) in [
            ("127.0.0.1:9000", "127.0.0.1:9000"),
            ("localhost", "localhost:8081"),
            ("http://localhost:9000/", "localhost:9000"),
            ("[::1]:9000", "[::1]:9000"),
            ("[::1]", "[::1]:8081"),
        ] {
            assert_eq!(written.parse(), Ok(Address(dialled.to_owned())), "{written}");
        }
        for wrong in ["", "https://a.example", "a b", "http://u@a", "a:", "a:99999", "a/b"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
        let any = Address::of_socket(SocketAddr::from(([0, 0, 0, 0], 1)));
        assert_eq!(any.to_string(), "http://127.0.0.1:1/");
    }
}
