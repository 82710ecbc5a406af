//! How many answers a second come from memory, beside a minimal axum server with the same answers.
//! Not a load test of a network: client and servers share this machine's processors.
//!
//! `cargo bench --bench hits`. Gateway, minimal server and client are three processes in one;
//! keep-alive connections each send a request when the last one is answered. The rows of a size
//! are measured alternately, so that the ratio compares neighbours in time and survives a noisy
//! machine. The client's share of the processors is in every rate alike and so brings the ratio of
//! rates near 1; the ratio of processor time in the server alone is the sharper one.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures the time of the machine")]

mod support;

use std::collections::HashMap;
use std::io::{self, BufRead as _, Write as _};
use std::net::SocketAddr;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use support::client::{Answer, Connection, request};
use support::portal::Portal;
use support::process::Server;
use support::{document, float, is_trial};

/// The argument that makes this program the minimal server.
const MINIMAL: &str = "--as-minimal-server";

/// Bytes the client reads at once: more than the whole of most answers.
const CLIENT_BUFFER: usize = 64 << 10;

#[tokio::main]
async fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == MINIMAL) {
        minimal_server().await;
        return ExitCode::SUCCESS;
    }
    support::run(bench()).await
}

async fn bench() -> ExitCode {
    let plan = if is_trial() {
        Plan { rounds: 1, span: Duration::from_millis(20), connections: 4, sizes: &[200, 20_000] }
    } else {
        Plan {
            rounds: 3,
            span: Duration::from_secs(2),
            connections: 32,
            sizes: &[200, 2_000, 20_000, 200_000],
        }
    };
    plan.run().await;
    ExitCode::SUCCESS
}

struct Plan {
    rounds: usize,
    /// How long one row is measured in a round.
    span: Duration,
    connections: usize,
    /// Bytes of content.
    sizes: &'static [usize],
}

/// What was measured of one server at one size.
#[derive(Default)]
struct Row {
    /// Answers a second, by round.
    rates: Vec<f64>,
    /// Nanoseconds from request to the end of its answer, of all rounds.
    latencies: Vec<u32>,
    /// Processor time of the server, of all rounds.
    processor: Option<Duration>,
}

impl Plan {
    async fn run(&self) {
        let portal = Portal::start(|question| async move {
            let size = question.parameter("size").and_then(|s| s.parse().ok()).unwrap_or(100);
            question.padded(&document(size), "")
        })
        .await;
        let gateway = Server::gateway(portal.address);
        let mut answers = Vec::new();
        for size in self.sizes {
            answers.push((*size, warm(gateway.address, *size).await));
        }
        let minimal = Server::start(
            {
                let program = std::env::current_exe().expect("this program has a path");
                let mut command = Command::new(program);
                command.arg(MINIMAL);
                command
            },
            |stdin| teach(stdin, &answers).expect("the minimal server listens"),
        );
        let mut rows: HashMap<usize, [Row; 2]> = HashMap::new();
        for round in 0..self.rounds {
            for size in self.sizes {
                let [ours, least] = rows.entry(*size).or_default();
                let mut pair = [(&gateway, ours), (&minimal, least)];
                if round % 2 == 1 {
                    pair.reverse();
                }
                for (server, row) in pair {
                    self.measure(server, *size, row).await;
                }
            }
        }
        assert_eq!(portal.asked(), self.sizes.len() as u64, "every answer came from memory");
        self.print(&rows);
    }

    /// Measures one row for one round.
    async fn measure(&self, server: &Server, size: usize, row: &mut Row) {
        let request: Arc<[u8]> = request(&target(size)).into();
        let mut ready = Vec::new();
        for _ in 0..self.connections {
            let mut connection =
                Connection::open(server.address, CLIENT_BUFFER).await.expect("a connection");
            expect(connection.ask(&request).await.expect("an answer"), size);
            ready.push(connection);
        }
        let before = server.processor_time();
        let started = Instant::now();
        let end = started + self.span;
        let mut clients = JoinSet::new();
        for connection in ready {
            clients.spawn(ask_until(end, connection, Arc::clone(&request), size));
        }
        let mut answered = 0;
        for latencies in clients.join_all().await {
            let latencies = latencies.expect("answers to the end");
            answered += latencies.len() as u64;
            row.latencies.extend(latencies);
        }
        row.rates.push(float(answered) / started.elapsed().as_secs_f64());
        if let (Some(before), Some(after)) = (before, server.processor_time()) {
            *row.processor.get_or_insert_default() += after.saturating_sub(before);
        }
    }

    fn print(&self, rows: &HashMap<usize, [Row; 2]>) {
        println!(
            "memory hits: {} connections, {} rounds of {:?}; rates are medians (min–max) of the \
             rounds;\nprocessor time is the server's alone; ratio = ours / minimal in the same round\n",
            self.connections, self.rounds, self.span
        );
        println!(
            "{:>9}  {:<8} {:>9} {:>19} {:>9} {:>9} {:>8} {:>11}",
            "size", "server", "req/s", "(min–max)", "p50 µs", "p99 µs", "MB/s", "CPU µs/req"
        );
        for size in self.sizes {
            let [ours, least] = &rows[size];
            ours.print(*size, "unpad");
            least.print(*size, "minimal");
            let ratios = ours.rates.iter().zip(&least.rates).map(|(a, b)| a / b).collect();
            let processor = match (ours.processor_per_answer(), least.processor_per_answer()) {
                (Some(ours), Some(least)) => format!("{:.2}", ours / least),
                _ => "-".to_owned(),
            };
            let rate = median(ratios);
            println!("{:>9}  {:<8} {rate:>9.2} {:>58} {processor:>2}", "", "ratio", "");
        }
    }
}

impl Row {
    fn print(&self, size: usize, name: &str) {
        let (least, most) = self
            .rates
            .iter()
            .fold((f64::MAX, f64::MIN), |(least, most), rate| (least.min(*rate), most.max(*rate)));
        let rate = median(self.rates.clone());
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let micros = |percent: usize| {
            sorted.get(sorted.len() * percent / 100).map_or(0.0, |ns| f64::from(*ns) / 1e3)
        };
        let processor =
            self.processor_per_answer().map_or("-".to_owned(), |micros| format!("{micros:.1}"));
        println!(
            "{size:>9}  {name:<8} {rate:>9.0} {:>19} {:>9.0} {:>9.0} {:>8.1} {processor:>11}",
            format!("({least:.0}–{most:.0})"),
            micros(50),
            micros(99),
            rate * float(size as u64) / 1e6,
        );
    }

    /// Microseconds of the server's processor time for one answer, if there was enough to tell:
    /// it is counted in hundredths of a second.
    fn processor_per_answer(&self) -> Option<f64> {
        let enough = |time: &Duration| *time >= Duration::from_millis(500);
        Some(
            self.processor.filter(enough)?.as_secs_f64() * 1e6 / float(self.latencies.len() as u64),
        )
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Asks again and again until `end`; the time each answer took.
async fn ask_until(
    end: Instant,
    mut connection: Connection,
    request: Arc<[u8]>,
    size: usize,
) -> io::Result<Vec<u32>> {
    let mut latencies = Vec::new();
    let mut asked = Instant::now();
    while asked < end {
        expect(connection.ask(&request).await?, size);
        let answered = Instant::now();
        let took = answered.duration_since(asked).as_nanos();
        latencies.push(u32::try_from(took).unwrap_or(u32::MAX));
        asked = answered;
    }
    Ok(latencies)
}

fn target(size: usize) -> String {
    let resource = "b64d32a1-7f3c-4b5f-9e2d-6b1c64ad2b26";
    format!("/p/city/api/3/action/datastore_search?resource_id={resource}&size={size}")
}

fn expect(answer: Answer, size: usize) {
    assert_eq!(answer, Answer { status: 200, length: size });
}

/// Has the answer of this size stored; the fields of a hit.
async fn warm(address: SocketAddr, size: usize) -> Vec<(String, String)> {
    let request = request(&target(size));
    let mut connection = Connection::open(address, CLIENT_BUFFER).await.expect("a connection");
    for _ in 0..2 {
        expect(connection.ask(&request).await.expect("an answer"), size);
    }
    let cache = connection.field("cache-status").unwrap_or_default();
    assert!(cache.contains("; hit"), "the second answer is a hit: {cache}");
    connection.fields().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Tells the minimal server, line by line, which fields it is to send with which size.
fn teach(stdin: &mut impl io::Write, answers: &[(usize, Vec<(String, String)>)]) -> io::Result<()> {
    for (size, fields) in answers {
        for (name, value) in fields {
            writeln!(stdin, "{size} {name} {value}")?;
        }
    }
    Ok(())
}

/// What the minimal server answers, by request target.
type Answers = HashMap<String, (HeaderMap, Bytes)>;

/// The yardstick: axum and hyper as the gateway uses them, one look-up by the target, an answer
/// made beforehand. No checks, no deadlines, no counting.
async fn minimal_server() {
    let mut answers = Answers::new();
    for line in io::stdin().lock().lines() {
        let line = line.expect("a line");
        let mut parts = line.splitn(3, ' ');
        let mut part = || parts.next().expect("size, name and value");
        let size = part().parse().expect("a size");
        let name = HeaderName::from_bytes(part().as_bytes()).expect("a field name");
        let value = HeaderValue::from_str(part()).expect("a field value");
        let new = || (HeaderMap::new(), Bytes::from(document(size)));
        answers.entry(target(size)).or_insert_with(new).0.append(name, value);
    }
    let router = Router::new().fallback(minimal_answer).with_state(Arc::new(answers));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    println!("minimal at http://{}/", listener.local_addr().expect("an address"));
    io::stdout().flush().expect("somebody reads where this listens");
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn minimal_answer(State(answers): State<Arc<Answers>>, request: Request) -> Response {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let mut response = Response::new(Body::empty());
    match answers.get(target) {
        Some((fields, content)) => {
            *response.headers_mut() = fields.clone();
            *response.body_mut() = Body::from(content.clone());
        }
        None => *response.status_mut() = StatusCode::NOT_FOUND,
    }
    response
}
