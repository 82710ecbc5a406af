//! What crowds do to the gateway: many at once for one key, impatient ones, answers that cannot be
//! shared, and a portal that fails. Not about speed: it counts what reaches the portal, and memory.
//!
//! `cargo bench --bench crowd`. The gateway is a process of its own; clients and portal are in this
//! one. Some figures have a bound they must keep; if one does not, a line says so and the exit
//! status is 1.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures the time of the machine")]

mod support;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use support::client::{Connection, request};
use support::portal::{Portal, Reply};
use support::process::Server;
use support::table::{MEBIBYTE, Table, mebibytes};
use support::{document, float, is_trial};

/// What everybody asks for.
const TARGET: &str = "/p/city/api/3/action/package_search?q=aire";

/// Bytes of the answer's content.
const SIZE: usize = 20_000;

/// Bytes a client reads at once: a head fits, and ten thousand of them are no burden.
const CLIENT_BUFFER: usize = 8 << 10;

/// Connections being made at once: below the length of the gateway's queue for new ones.
const CONNECTING: usize = 128;

/// Descriptors for everything but clients: twice what the gateway keeps back, so that it has a
/// place for each of them and for the question whether they have arrived.
const SPARE_DESCRIPTORS: u64 = 512;

/// Requests that are answered after a crowd has sent its own, before it counts as arrived.
const ROUND_TRIPS: usize = 16;

/// How long anything may take before it counts as hung. The gateway's own limit is 30 s.
const HUNG: Duration = Duration::from_secs(60);

/// The most memory ten thousand clients may cost.
const MOST_GROWTH: u64 = 400 * MEBIBYTE;

#[tokio::main]
async fn main() -> ExitCode {
    support::run(bench()).await
}

async fn bench() -> ExitCode {
    let mut plan = if is_trial() { Plan::trial() } else { Plan::whole() };
    // The soft limit is often 1,024 for the sake of programs that use select(2); this is none.
    let descriptors = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1024);
    let most = descriptors.saturating_sub(SPARE_DESCRIPTORS);
    if plan.crowd > most {
        println!("only {most} of {} clients: there are {descriptors} descriptors", plan.crowd);
        plan.crowd = most;
    }
    let mut table = Table::default();
    plan.identical_misses(&mut table).await;
    plan.impatient(&mut table).await;
    plan.not_storable(&mut table).await;
    plan.failing(&mut table).await;
    table.end()
}

struct Plan {
    /// Clients that ask for the same at once.
    crowd: u64,
    /// Clients that do not wait.
    impatient: u32,
    /// The time between two of them.
    apart: Duration,
    /// How long each waits.
    patience: Duration,
    /// The time their portal needs.
    slow: Duration,
    /// Clients that ask for what may not be stored.
    uncacheable: u64,
    /// The time their portal needs.
    uncacheable_time: Duration,
    /// Clients whose portal fails.
    unlucky: u64,
}

impl Plan {
    const fn whole() -> Self {
        Self {
            crowd: 10_000,
            impatient: 100,
            apart: Duration::from_millis(50),
            patience: Duration::from_secs(1),
            slow: Duration::from_secs(3),
            uncacheable: 50,
            uncacheable_time: Duration::from_secs(1),
            unlucky: 200,
        }
    }

    const fn trial() -> Self {
        Self {
            crowd: 200,
            impatient: 20,
            apart: Duration::from_millis(20),
            patience: Duration::from_millis(100),
            slow: Duration::from_millis(200),
            uncacheable: 10,
            uncacheable_time: Duration::from_millis(50),
            unlucky: 20,
        }
    }

    /// Everybody misses the same key at once: one fetch, and everybody is answered.
    async fn identical_misses(&self, table: &mut Table) {
        table.title(&format!("{} identical misses at once, {SIZE} B", self.crowd));
        let (release, released) = watch::channel(false);
        let portal = Portal::start(move |question| {
            let mut released = released.clone();
            async move {
                let _ = released.wait_for(|released| *released).await;
                question.padded(&document(SIZE), "")
            }
        })
        .await;
        let gateway = Server::gateway(portal.address);
        arrived(gateway.address).await;
        let before = gateway.memory();
        let clients = connect(gateway.address, self.crowd).await;
        arrived(gateway.address).await;
        let connected = gateway.memory();
        let crowd = Crowd::send(clients, TARGET).await;
        portal.has_been_asked(1).await;
        arrived(gateway.address).await;
        let waiting = gateway.memory();
        release.send_replace(true);
        let outcome = crowd.answers().await;
        let after = gateway.memory();

        table.must("upstream requests", portal.asked(), "1", portal.asked() == 1);
        let good = outcome.status("200");
        let enough = float(good) >= 0.999 * float(self.crowd);
        table.must("answered 200", good, "≥ 99.9 %", enough);
        table.row("all answers", &outcome);
        table.row("release to last answer", format!("{:.0} ms", millis(outcome.took)));
        if let (Some(before), Some(connected), Some(waiting), Some(after)) =
            (before, connected, waiting, after)
        {
            let growth = after.peak.saturating_sub(before.now);
            table.row("RSS before", mebibytes(before.now));
            table.row("RSS, all connected", mebibytes(connected.now));
            table.row("RSS, all waiting", mebibytes(waiting.now));
            table.row("RSS at peak", mebibytes(after.peak));
            table.must("growth to peak", mebibytes(growth), "≤ 400 MiB", growth <= MOST_GROWTH);
            let each = |memory: u64| memory.saturating_sub(before.now) / self.crowd.max(1);
            let (idle, busy, peak) = (each(connected.now), each(waiting.now), each(after.peak));
            table.row("per client", format!("{idle} B idle, {busy} B waiting, {peak} B at peak"));
        }
    }

    /// Clients that all hang up before the portal has answered: the fetch goes on without them.
    async fn impatient(&self, table: &mut Table) {
        table.title(&format!(
            "{} clients, one every {:?}, who give up after {:?}; the portal needs {:?}",
            self.impatient, self.apart, self.patience, self.slow
        ));
        let slow = self.slow;
        let portal = Portal::start(move |question| async move {
            sleep(slow).await;
            question.padded(&document(SIZE), "")
        })
        .await;
        let gateway = Server::gateway(portal.address);
        let (address, patience) = (gateway.address, self.patience);
        let mut clients = JoinSet::new();
        let mut next = tokio::time::interval(self.apart);
        for _ in 0..self.impatient {
            next.tick().await;
            clients.spawn(async move {
                match timeout(patience, ask(address)).await {
                    Ok(result) => word(&result),
                    Err(_) => "gave up".to_owned(),
                }
            });
        }
        let outcome = Outcome::count(clients.join_all().await);
        let asked = portal.asked();
        table.must("upstream requests", asked, "≤ 2", asked <= 2);
        table.row("all clients", &outcome);
        let afterwards = match timeout(HUNG, ask(address)).await {
            Ok(Ok((_, cache))) => cache,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "hung".to_owned(),
        };
        let hit = afterwards.contains("; hit");
        table.must("a request afterwards", afterwards, "a hit", hit);
    }

    /// Answers that may not be shared: nobody waits for another's longer than once.
    async fn not_storable(&self, table: &mut Table) {
        let (clients, time) = (self.uncacheable, self.uncacheable_time);
        table
            .title(&format!("{clients} at once for what is `no-store`; the portal needs {time:?}"));
        let portal = Portal::start(move |question| async move {
            sleep(time).await;
            question.padded(&document(SIZE), "Cache-Control: no-store\r\n")
        })
        .await;
        let gateway = Server::gateway(portal.address);
        for name in ["never asked before", "asked before"] {
            let before = portal.asked();
            let crowd = Crowd::send(connect(gateway.address, clients).await, TARGET).await;
            let outcome = crowd.answers().await;
            let asked = portal.asked() - before;
            let took = millis(outcome.took);
            table.row(name, format!("{took:.0} ms, {asked} upstream requests, {outcome}"));
            let all = outcome.status("200");
            table.must("answered 200", all, "all", all == clients);
        }
    }

    /// A fetch that fails fails once for everybody.
    async fn failing(&self, table: &mut Table) {
        table.title(&format!("{} at once; the portal breaks the connection", self.unlucky));
        let (release, released) = watch::channel(false);
        let portal = Portal::start(move |_| {
            let mut released = released.clone();
            async move {
                let _ = released.wait_for(|released| *released).await;
                Reply::Reset
            }
        })
        .await;
        let gateway = Server::gateway(portal.address);
        let crowd = Crowd::send(connect(gateway.address, self.unlucky).await, TARGET).await;
        portal.has_been_asked(1).await;
        arrived(gateway.address).await;
        release.send_replace(true);
        let outcome = crowd.answers().await;
        // One fetch is two requests, for a broken connection is tried once more. Whoever comes
        // after it has failed begins another, up to the five that suspend the portal.
        table.must("upstream requests", portal.asked(), "≤ 10", portal.asked() <= 10);
        let failed = outcome.status("502") + outcome.status("503");
        table.must("answered 502 or 503", failed, "all", failed == self.unlucky);
        table.row("all answers", &outcome);
        table.row("release to last answer", format!("{:.0} ms", millis(outcome.took)));
    }
}

/// Clients whose requests have been sent.
struct Crowd {
    waiting: JoinSet<(String, Instant)>,
    sent: Instant,
}

impl Crowd {
    /// Sends everybody's request.
    async fn send(clients: Vec<Connection>, target: &str) -> Self {
        let request = request(target);
        let sent = Instant::now();
        let mut waiting = JoinSet::new();
        for mut client in clients {
            let sent = client.send(&request).await;
            waiting.spawn(async move {
                let received = match sent {
                    Ok(()) => timeout(HUNG, client.receive()).await,
                    Err(error) => Ok(Err(error)),
                };
                let answered = Instant::now();
                let word = match received {
                    Ok(result) => word(&result.map(|answer| {
                        let cache = client.field("cache-status").unwrap_or_default();
                        (answer.status, cache.to_owned())
                    })),
                    Err(_) => "hung".to_owned(),
                };
                (word, answered)
            });
        }
        Self { waiting, sent }
    }

    /// Waits for everybody's answer. The time counts from this call, or from the sending if all
    /// were answered before.
    async fn answers(self) -> Outcome {
        let released = Instant::now();
        let all = self.waiting.join_all().await;
        let last = all.iter().map(|(_, answered)| *answered).max().unwrap_or(released);
        let took = last.checked_duration_since(released).unwrap_or_else(|| last - self.sent);
        Outcome { took, ..Outcome::count(all.into_iter().map(|(word, _)| word)) }
    }
}

/// How clients fared, by kind.
struct Outcome {
    kinds: BTreeMap<String, u64>,
    took: Duration,
}

impl Outcome {
    fn count(words: impl IntoIterator<Item = String>) -> Self {
        let mut kinds = BTreeMap::new();
        for word in words {
            *kinds.entry(word).or_default() += 1;
        }
        Self { kinds, took: Duration::ZERO }
    }

    /// How many answers had the status.
    fn status(&self, status: &str) -> u64 {
        self.kinds.iter().filter(|(kind, _)| kind.starts_with(status)).map(|(_, n)| n).sum()
    }
}

impl Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<_> = self.kinds.iter().map(|(kind, n)| format!("{n} × {kind}")).collect();
        f.write_str(&parts.join(", "))
    }
}

/// An answer in a word or two: its status, and what the cache did.
fn word(result: &io::Result<(u16, String)>) -> String {
    match result {
        Ok((status, cache)) => {
            let did = ["hit", "collapsed", "fwd"].into_iter().find(|did| cache.contains(did));
            format!("{status} {}", did.unwrap_or("without cache"))
        }
        Err(error) => error.kind().to_string(),
    }
}

/// One request on a connection of its own: status and `Cache-Status`.
async fn ask(address: SocketAddr) -> io::Result<(u16, String)> {
    let mut client = Connection::open(address, CLIENT_BUFFER).await?;
    let answer = client.ask(&request(TARGET)).await?;
    Ok((answer.status, client.field("cache-status").unwrap_or_default().to_owned()))
}

/// Opens connections.
async fn connect(address: SocketAddr, count: u64) -> Vec<Connection> {
    let opened = futures_util::stream::iter(0..count)
        .map(|_| async move { Connection::open(address, CLIENT_BUFFER).await })
        .buffer_unordered(CONNECTING);
    opened.map(|result| result.expect("a connection")).collect().await
}

/// Waits until the gateway has had a look at what was sent before: it takes connections and readable
/// ones about in the order in which they became so, and these requests are the last of them. Under
/// load a few may still be overtaken; they show as `hit` where others show as `collapsed`.
async fn arrived(address: SocketAddr) {
    let mut client = Connection::open(address, CLIENT_BUFFER).await.expect("a connection");
    for _ in 0..ROUND_TRIPS {
        client.ask(&request("/healthz")).await.expect("an answer");
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
