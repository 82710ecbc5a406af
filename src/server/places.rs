//! How many connections there may be, in all and of one client. It accepts none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::allowance::Client;

use super::listen::Limits;
use super::peer;

/// Refusals that are being told at once: 64. Over it a connection is closed without a word, because
/// telling costs more than it is worth.
const TELLING: usize = 64;

/// How long telling may take.
const TELLING_TIME: Duration = Duration::from_secs(2);

/// What a connection over its client's cap is told: readable by pages too.
const TOO_MANY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\n\
    Access-Control-Allow-Origin: *\r\n\
    Connection: close\r\n\
    Content-Length: 106\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Retry-After: 1\r\n\
    \r\n\
    Your address has too many connections here. Close some, or use them for more than one request each (429).\n";

/// The places for connections.
#[derive(Debug)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    most: u32,
    clients: Arc<Clients>,
    telling: Arc<Semaphore>,
}

/// The connections of each client that has some.
#[derive(Debug)]
struct Clients {
    most: usize,
    exempt: Vec<IpNet>,
    // Held for the time of a look-up; as many entries as there are connections at most.
    count: Mutex<HashMap<Client, usize>>,
}

/// A place that nobody has yet.
#[derive(Debug)]
pub(super) struct Free<'a> {
    places: &'a Places,
    permit: OwnedSemaphorePermit,
}

/// A connection's place, given back on drop.
#[derive(Debug)]
pub(super) struct Place {
    clients: Arc<Clients>,
    counted: Option<Client>,
    _permit: OwnedSemaphorePermit,
}

/// A connection is refused, because its client has too many.
#[derive(Debug)]
pub(super) struct Refusal {
    turn: Option<OwnedSemaphorePermit>,
}

impl Places {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            all: Arc::new(Semaphore::new(limits.connections)),
            most: u32::try_from(limits.connections).unwrap_or(u32::MAX),
            clients: Arc::new(Clients {
                most: limits.client_connections,
                exempt: limits.exempt.clone(),
                count: Mutex::default(),
            }),
            telling: Arc::new(Semaphore::new(TELLING)),
        }
    }

    /// A place, once there is one.
    pub(super) async fn next(&self) -> Free<'_> {
        match Arc::clone(&self.all).acquire_owned().await {
            Ok(permit) => Free { places: self, permit },
            // The semaphore is never closed.
            Err(_) => std::future::pending().await,
        }
    }

    /// Resolves when nobody has a place.
    pub(super) async fn all_free(&self) {
        let _ = self.all.acquire_many(self.most).await;
    }
}

impl Free<'_> {
    /// Gives the place to a client, unless it has too many.
    pub(super) fn of(self, client: Client) -> Result<Place, Refusal> {
        let clients = Arc::clone(&self.places.clients);
        if peer::contains(&clients.exempt, client.address()) {
            return Ok(Place { clients, counted: None, _permit: self.permit });
        }
        if !clients.enter(client) {
            return Err(Refusal {
                turn: Arc::clone(&self.places.telling).try_acquire_owned().ok(),
            });
        }
        Ok(Place { clients, counted: Some(client), _permit: self.permit })
    }
}

impl Clients {
    fn enter(&self, client: Client) -> bool {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let has = count.entry(client).or_default();
        let enters = *has < self.most;
        *has += usize::from(enters);
        enters
    }

    fn leave(&self, client: Client) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(has) = count.get_mut(&client) {
            *has -= 1;
            if *has == 0 {
                count.remove(&client);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(client) = self.counted {
            self.clients.leave(client);
        }
    }
}

impl Refusal {
    /// Tells the client, unless too many are being told, or it speaks TLS and would not understand.
    pub(super) fn tell(self, mut stream: TcpStream, is_encrypted: bool) {
        let Some(turn) = self.turn.filter(|_| !is_encrypted) else { return };
        let telling = async move {
            stream.write_all(TOO_MANY).await?;
            stream.shutdown().await?;
            // A request that is still unread would make the kernel reset the connection, and the
            // answer with it.
            let mut rest = [0; 4096];
            while stream.read(&mut rest).await? > 0 {}
            Ok::<_, std::io::Error>(())
        };
        tokio::spawn(async move {
            let _ = tokio::time::timeout(TELLING_TIME, telling).await;
            drop(turn);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_refused_connection_is_told_is_a_whole_answer() {
        let text = std::str::from_utf8(TOO_MANY).expect("text");
        let (head, content) = text.split_once("\r\n\r\n").expect("a head");
        assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", content.len())), "{content}");
    }
}
