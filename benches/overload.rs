//! What is left of the gateway's work when five times as much is asked of it as it can do.
//!
//! `cargo bench --bench overload`. The gateway is pinned to one core, this process (clients and the
//! portal) to another. First it is asked by as many clients as it takes to keep it busy: that is its
//! peak. Then five times as many requests a second come, whether or not it keeps up. An answer within
//! a second is good. Bounds that are not kept make a line that says so, and the exit status 1.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures the time of the machine")]

mod support;

use std::net::SocketAddr;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use support::client::{Connection, request};
use support::portal::Portal;
use support::process::Server;
use support::table::{Table, mebibytes};
use support::{document, float, is_trial};

/// Bytes of an answer's content.
const SIZE: usize = 4000;

/// Clients that keep the gateway busy.
const BUSY: usize = 48;

/// Connections over which too much is asked.
const CONNECTIONS: usize = 2000;

/// Bytes a client reads at once.
const BUFFER: usize = 8 << 10;

/// An answer later than this is of no use to anybody.
const GOOD: Duration = Duration::from_secs(1);

/// How much more is asked than can be done.
const OVERLOAD: f64 = 5.0;

fn main() -> ExitCode {
    // One thread: it has one core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(support::run(bench()))
}

async fn bench() -> ExitCode {
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let time = if is_trial() { Duration::from_millis(300) } else { Duration::from_secs(8) };
    let mut table = Table::default();
    let pinned = pin(std::process::id(), 1);
    table.row("clients and portal on a core of their own", if pinned { "yes" } else { "no" });
    for kind in [Kind::Misses, Kind::Hits] {
        measure(kind, time, &mut table).await;
    }
    table.end()
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The same again.
    Hits,
    /// Always something new.
    Misses,
}

async fn measure(kind: Kind, time: Duration, table: &mut Table) {
    table.title(&format!("{kind:?}"));
    let document = document(SIZE);
    let portal = Portal::start(move |question| {
        let reply = question.padded(&document, "");
        async move { reply }
    })
    .await;
    let gateway = Server::gateway(portal.address);
    pin(gateway.id(), 0);
    let load = Load::new(gateway.address, kind);
    let quiet = load.clone().run(1, None, time / 4).await;
    let peak = load.clone().run(BUSY, None, time).await;
    let before = gateway.memory();
    let rate = OVERLOAD * peak.goodput();
    let over = load.clone().run(CONNECTIONS, Some(rate), time).await;
    let after = gateway.memory();
    let again = load.run(1, None, time / 4).await;

    table.row("peak", format!("{:.0} good answers a second", peak.goodput()));
    table.row("asked for, then sent", format!("{rate:.0}, {:.0} a second", over.sent_rate()));
    let kept = over.goodput() / peak.goodput().max(1.0);
    let told = format!("{:.0} a second, {:.0} % of the peak", over.goodput(), kept * 100.0);
    table.must("good answers under overload", told, "≥ 80 %", kept >= 0.8 || is_trial());
    let refused = over.quantile(&over.refused, 0.99);
    let told = format!("{} in all, 99 % within {refused:?}", over.refused.len());
    let bound = Duration::from_millis(100);
    table.must("refusals", told, "≤ 100 ms", refused <= bound || is_trial());
    table.row("answers, 99 % within", format!("{:?}", over.quantile(&over.answered, 0.99)));
    table.row("failed otherwise", over.failed);
    table.row("99 % within, before", format!("{:?}", quiet.quantile(&quiet.answered, 0.99)));
    table.row("99 % within, afterwards", format!("{:?}", again.quantile(&again.answered, 0.99)));
    if let (Some(before), Some(after)) = (before, after) {
        table.row("memory grew to a peak of", mebibytes(after.peak.saturating_sub(before.now)));
    }
}

/// Puts a process on one core, where the system has `taskset`.
fn pin(process: u32, core: usize) -> bool {
    let arguments = ["-a", "-c", "-p", &core.to_string(), &process.to_string()];
    let output = Command::new("taskset").args(arguments).output();
    output.is_ok_and(|output| output.status.success())
}

/// Requests of one kind.
#[derive(Debug, Clone)]
struct Load {
    address: SocketAddr,
    kind: Kind,
    next: Arc<AtomicU64>,
}

/// What became of them.
#[derive(Debug, Default)]
struct Outcome {
    answered: Vec<Duration>,
    refused: Vec<Duration>,
    failed: u64,
    took: Duration,
}

impl Load {
    fn new(address: SocketAddr, kind: Kind) -> Self {
        Self { address, kind, next: Arc::default() }
    }

    /// Asks over so many connections: as often as they can, or so many times a second.
    async fn run(self, connections: usize, rate: Option<f64>, time: Duration) -> Outcome {
        let (due, stop) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicBool::new(false)));
        let mut clients = JoinSet::new();
        for _ in 0..connections {
            let (load, due, stop) = (self.clone(), Arc::clone(&due), Arc::clone(&stop));
            clients.spawn(async move { load.client(rate.map(|_| due), &stop).await });
            // Below the length of the gateway's queue for new ones.
            tokio::task::yield_now().await;
        }
        let started = Instant::now();
        match rate {
            None => tokio::time::sleep(time).await,
            Some(rate) => {
                let mut tick = tokio::time::interval(Duration::from_millis(1));
                let mut given = 0.0;
                while started.elapsed() < time {
                    tick.tick().await;
                    let wanted = started.elapsed().as_secs_f64() * rate;
                    let more = (wanted - given).floor().max(0.0);
                    given += more;
                    // What nobody could send is not sent later.
                    let waiting = due.available_permits();
                    let room = connections.saturating_sub(waiting);
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "small"
                    )]
                    due.add_permits((more as usize).min(room));
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
        due.close();
        let took = started.elapsed();
        let mut all = Outcome { took, ..Outcome::default() };
        while let Some(Ok(one)) = clients.join_next().await {
            all.answered.extend(one.answered);
            all.refused.extend(one.refused);
            all.failed += one.failed;
        }
        all
    }

    async fn client(self, due: Option<Arc<Semaphore>>, stop: &AtomicBool) -> Outcome {
        let mut outcome = Outcome::default();
        let mut connection = None;
        while !stop.load(Ordering::Relaxed) {
            if let Some(due) = &due {
                let Ok(permit) = due.acquire().await else { break };
                permit.forget();
            }
            let number = match self.kind {
                Kind::Hits => 0,
                Kind::Misses => self.next.fetch_add(1, Ordering::Relaxed),
            };
            let question = request(&format!("/p/city/api/3/action/package_search?q={number}"));
            let open = match connection.take() {
                Some(open) => Ok(open),
                None => Connection::open(self.address, BUFFER).await,
            };
            let Ok(mut open) = open else {
                outcome.failed += 1;
                continue;
            };
            let sent = Instant::now();
            let answer = open.ask(&question).await;
            match answer.map(|answer| answer.status) {
                Ok(200) => outcome.answered.push(sent.elapsed()),
                Ok(429 | 503) => outcome.refused.push(sent.elapsed()),
                Ok(_) | Err(_) => {
                    outcome.failed += 1;
                    continue;
                }
            }
            connection = Some(open);
        }
        outcome
    }
}

impl Outcome {
    fn goodput(&self) -> f64 {
        let good = self.answered.iter().filter(|took| **took <= GOOD).count();
        float(good as u64) / self.took.as_secs_f64()
    }

    fn sent_rate(&self) -> f64 {
        let all = self.answered.len() + self.refused.len();
        float(all as u64 + self.failed) / self.took.as_secs_f64()
    }

    fn quantile(&self, of: &[Duration], share: f64) -> Duration {
        let mut sorted = of.to_vec();
        sorted.sort_unstable();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let at = (float(sorted.len() as u64) * share) as usize;
        sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}
