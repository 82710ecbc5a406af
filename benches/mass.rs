//! Much of everything: a million entries in memory and on disk, a file of a gibibyte to slow clients,
//! and the memory of a gateway that does nothing.
//!
//! `cargo bench --bench mass`, about ten minutes and 6 GB of disk under the temporary directory. The
//! gateway is a process of its own; clients and portal are in this one. Figures with a bound that is
//! not kept are named at the end, and the exit status is 1.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures the time of the machine")]

mod support;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use support::client::{Connection, request};
use support::process::Server;
use support::table::{MEBIBYTE, Table, mebibytes};
use support::{document, float, is_trial};

/// Bytes of an entry's content.
const CONTENT: usize = 200;

/// Bytes a client reads at once.
const CLIENT_BUFFER: usize = 16 << 10;

/// Connections that ask at once.
const CONNECTIONS: u64 = 32;

/// Clients of the long file.
const SLOW_CLIENTS: u64 = 8;

/// Bytes a slow client reads in a second: slower than a portal on loopback by far.
const SLOWNESS: u64 = 48 * MEBIBYTE;

/// How long anything may take before it counts as hung.
const HUNG: Duration = Duration::from_secs(900);

/// What the bounds are: those of docs/performance.md.
const LEAST_RATIO: f64 = 0.8;
const MOST_OVERHEAD: u64 = 400;
const MOST_GROWTH: u64 = 32 * MEBIBYTE;
const MOST_IDLE: u64 = 40 * MEBIBYTE;
const MOST_START: Duration = Duration::from_secs(1);

/// Requests for the long file that reached the portal.
static ASKED_FOR_LONG: AtomicU64 = AtomicU64::new(0);

#[tokio::main]
async fn main() -> ExitCode {
    support::run(bench()).await
}

async fn bench() -> ExitCode {
    let plan = if is_trial() {
        Plan { few: 10, many: 100, span: Duration::from_millis(20), rounds: 1, file: 4 * MEBIBYTE }
    } else {
        Plan {
            few: 1_000,
            many: 1_000_000,
            span: Duration::from_secs(3),
            rounds: 5,
            file: 1024 * MEBIBYTE,
        }
    };
    let mut table = Table::default();
    let portal = portal(plan.file).await;
    plan.idle(&mut table);
    plan.long_file(&mut table, portal).await;
    plan.in_memory(&mut table, portal).await;
    plan.on_disk(&mut table, portal).await;
    table.end()
}

struct Plan {
    few: u64,
    many: u64,
    span: Duration,
    rounds: usize,
    file: u64,
}

impl Plan {
    /// A gateway with the shipped registry that nobody asks anything.
    fn idle(&self, table: &mut Table) {
        table.title("A gateway with the shipped registry, idle");
        let cache = Folder::new("idle");
        let server = Server::serving(&["--config", "portals.yaml", "--cache-dir", cache.text()]);
        let Some(memory) = server.memory() else { return };
        let kept = memory.now <= MOST_IDLE || self.many < 1_000;
        table.must("resident memory", mebibytes(memory.now), "at most 40 MiB", kept);
    }

    /// One long file to several slow clients at once.
    async fn long_file(&self, table: &mut Table, portal: SocketAddr) {
        table.title("A file of 1 GiB to 8 slow clients");
        let cache = Folder::new("file");
        let server = Server::with(&registry(portal, "256 MiB"), &["--cache-dir", cache.text()]);
        warm(&server).await;
        let before = server.memory();
        let mut clients = JoinSet::new();
        for _ in 0..SLOW_CLIENTS {
            clients.spawn(slowly(server.address, self.file));
        }
        let received = tokio::time::timeout(HUNG, clients.join_all()).await.expect("it ends");
        let whole = received.iter().filter(|bytes| **bytes == self.file).count();
        table.must("clients with all of it", whole, "8", whole == received.len());
        let again = slowly(server.address, self.file).await;
        table.must("and once more", mebibytes(again), "all of it", again == self.file);
        let asked = ASKED_FOR_LONG.load(Ordering::Relaxed);
        table.must("upstream requests", asked, "1", asked == 1);
        let (Some(before), Some(after)) = (before, server.memory()) else { return };
        let growth = after.peak.saturating_sub(before.now);
        table.must("growth of memory", mebibytes(growth), "at most 32 MiB", growth <= MOST_GROWTH);
    }

    /// Hits where few and where many entries are stored, alternately: of the same few, as of a
    /// catalogue's start page, and of any, where each one waits for memory that no processor cache
    /// holds.
    async fn in_memory(&self, table: &mut Table, portal: SocketAddr) {
        table.title("Hits in memory among 1,000 and among 1,000,000 entries of 200 B");
        let start = || Server::with(&registry(portal, "4 GiB"), &["--no-disk"]);
        let (few, many) = (start(), start());
        fill(few.address, self.few).await;
        fill(many.address, self.many).await;
        let (mut of_same, mut of_any) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            let alone = rate(few.address, self.few, self.span).await;
            let same = rate(many.address, self.few, self.span).await;
            let any = rate(many.address, self.many, self.span).await;
            println!("  {alone:>8.0}/s alone  {same:>8.0}/s of the same  {any:>8.0}/s of any");
            of_same.push(same / alone);
            of_any.push(any / alone);
        }
        for (name, mut ratios) in [("of the same", of_same), ("of any", of_any)] {
            ratios.sort_by(f64::total_cmp);
            let ratio = ratios[ratios.len() / 2];
            let kept = ratio >= LEAST_RATIO || self.many < 1_000;
            table.must(name, format!("{ratio:.2}"), "at least 0.8", kept);
        }
        if let Some(memory) = many.memory() {
            table.row("memory of the many", mebibytes(memory.now));
        }
    }

    /// What entries that are on disk alone cost in memory, and how soon a gateway starts with them.
    async fn on_disk(&self, table: &mut Table, portal: SocketAddr) {
        table.title("1,000,000 entries on disk, next to nothing in memory");
        let cache = Folder::new("disk");
        let registry = registry(portal, "8 MiB");
        let start = || Server::with(&registry, &["--cache-dir", cache.text()]);
        let server = start();
        // What memory holds is full by then, so that what grows from here on is for the disk.
        fill(server.address, self.many / 20).await;
        let before = server.memory();
        let began = Instant::now();
        fill(server.address, self.many).await;
        let more = self.many - self.many / 20;
        table.row("stored", format!("{:.0}/s", float(more) / began.elapsed().as_secs_f64()));
        if let (Some(before), Some(after)) = (before, server.memory()) {
            let each = after.now.saturating_sub(before.now) / more;
            let kept = each <= MOST_OVERHEAD || self.many < 1_000;
            table.must("memory for each", format!("{each} B"), "at most 400 B", kept);
        }
        let (hits, of) = known(server.address, self.many).await;
        table.row("of a sample, on disk", format!("{hits} of {of}"));
        drop(server);
        let began = Instant::now();
        let server = start();
        let (hits, of) = known(server.address, self.many).await;
        let took = began.elapsed();
        table.must(
            "started, and a sample read",
            format!("{} ms", took.as_millis()),
            "at most 1 s",
            took <= MOST_START,
        );
        table.row("of the sample, on disk", format!("{hits} of {of}"));
    }
}

/// A temporary directory that goes with this.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("unpad-mass-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn text(&self) -> &str {
        self.0.to_str().expect("a path of text")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn registry(portal: SocketAddr, memory: &str) -> String {
    let portal = |id: &str, more: &str| {
        format!(
            "  {id}:\n    base: http://{portal}\n    allow_cidr: [\"127.0.0.1/32\"]\n    \
             freshness: {{ default: 1h }}\n{more}"
        )
    };
    format!(
        "cache:\n  memory: {memory}\n  disk: {{ size: 40 GiB, share: 100 }}\nportals:\n{}{}",
        portal("city", ""),
        portal("files", "    dialect: plain\n")
    )
}

/// A portal that keeps connections: padded JSON, and one long file.
async fn portal(file: u64) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let json: Arc<str> = document(CONTENT).into();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, Arc::clone(&json), file));
        }
    });
    address
}

async fn converse(mut stream: TcpStream, json: Arc<str>, file: u64) {
    let mut head = Vec::new();
    loop {
        head.clear();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let text = String::from_utf8_lossy(&head);
        let sent = if text.starts_with("GET /long") {
            ASKED_FOR_LONG.fetch_add(1, Ordering::Relaxed);
            long(&mut stream, file).await
        } else {
            let callback = text.split("callback=").nth(1).and_then(|rest| rest.split(' ').next());
            let padded = format!("{}({json});", callback.unwrap_or_default());
            let length = padded.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/javascript\r\n\
                 Content-Length: {length}\r\n\r\n{padded}"
            );
            stream.write_all(answer.as_bytes()).await
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn long(stream: &mut TcpStream, mut left: u64) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {left}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let piece = vec![b'x'; 1 << 20];
    while left > 0 {
        let length = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        stream.write_all(&piece[..length]).await?;
        left -= length as u64;
    }
    Ok(())
}

/// Asks once, so that the first request's own memory is not counted.
async fn warm(server: &Server) {
    fill(server.address, 100).await;
}

/// Asks for the long file and takes it slowly; says how many bytes came.
async fn slowly(gateway: SocketAddr, file: u64) -> u64 {
    let mut stream = TcpStream::connect(gateway).await.expect("a connection");
    stream.write_all(&request("/p/files/long")).await.expect("a request");
    let mut buffer = vec![0; 256 << 10];
    let (mut received, began) = (0_u64, Instant::now());
    let mut head = None;
    while head.is_none_or(|head| received < head + file) {
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        if read == 0 {
            break;
        }
        if head.is_none() {
            // The head comes in one piece and before any content.
            let end = buffer[..read].windows(4).position(|window| window == b"\r\n\r\n");
            head = end.map(|end| received + end as u64 + 4);
        }
        received += read as u64;
        let due = Duration::from_secs_f64(float(received) / float(SLOWNESS));
        tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
    }
    received.saturating_sub(head.unwrap_or(received))
}

fn target(number: u64) -> Vec<u8> {
    request(&format!("/p/city/api/3/action/package_show?id={number}"))
}

/// Asks for all entries up to a number, once each.
async fn fill(gateway: SocketAddr, most: u64) {
    let next = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let next = Arc::clone(&next);
        clients.spawn(async move {
            let mut connection = Connection::open(gateway, CLIENT_BUFFER).await.expect("one");
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= most {
                    return;
                }
                let answer = connection.ask(&target(number)).await.expect("an answer");
                assert_eq!(answer.status, 200);
            }
        });
    }
    tokio::time::timeout(HUNG, clients.join_all()).await.expect("it ends");
}

/// Numbers below `most` in an order without rhyme, the same each time.
fn scattered(most: u64) -> impl Iterator<Item = u64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % most
    })
}

/// Answers a second, of entries among `most`.
async fn rate(gateway: SocketAddr, most: u64, span: Duration) -> f64 {
    let until = Instant::now() + span;
    let mut clients = JoinSet::new();
    for number in 0..CONNECTIONS {
        clients.spawn(async move {
            let mut connection = Connection::open(gateway, CLIENT_BUFFER).await.expect("one");
            let mut count = 0_u64;
            for number in scattered(most).map(|n| (n + number * 7919) % most) {
                if Instant::now() >= until {
                    break;
                }
                connection.ask(&target(number)).await.expect("an answer");
                count += 1;
            }
            count
        });
    }
    let count: u64 = clients.join_all().await.into_iter().sum();
    float(count) / span.as_secs_f64()
}

/// How many of a hundred scattered entries are answered from what is stored.
async fn known(gateway: SocketAddr, most: u64) -> (u64, u64) {
    let mut connection = Connection::open(gateway, CLIENT_BUFFER).await.expect("a connection");
    let (mut hits, sample) = (0, 100);
    for number in scattered(most).take(sample) {
        connection.ask(&target(number)).await.expect("an answer");
        let status = connection.field("cache-status").unwrap_or_default();
        hits += u64::from(status.contains("; hit"));
    }
    (hits, sample as u64)
}
