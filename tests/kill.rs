//! `unpad serve`, killed while it writes to its cache directory: whatever is read back afterwards
//! is whole. A few rounds here; CONTRIBUTING.md has the command for the long run.

mod process;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ring::digest::{SHA256, digest};
use serde_json::Value;

use process::Server;
use unpad::clock::{Clock as _, SystemClock};

/// Clients that ask at once.
const CLIENTS: usize = 8;

/// One target in so many is a file that is longer than what is kept in memory.
const FILES: u64 = 25;

/// After each kill, what was asked in so many rounds is read back; in the end, everything. Else a
/// hundred rounds would mostly read.
const RECENT: usize = 10;

/// How long a start may take until it is ready.
const READY: Duration = Duration::from_secs(5);

/// How long a client waits for more of an answer before the test fails.
const STALL: Duration = Duration::from_secs(30);

/// What a run comes to.
#[derive(Debug, Default)]
struct Figures {
    answers: usize,
    cut: usize,
    read_back: usize,
    misses: usize,
    slowest_start: Duration,
    load: Duration,
}

/// The cache directory and the registry, removed in the end.
struct Place {
    cache: PathBuf,
    registry: PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.cache);
        let _ = std::fs::remove_file(&self.registry);
    }
}

#[test]
fn what_is_read_back_after_a_kill_is_whole() {
    let (rounds, requests) = (number("UNPAD_KILL_ROUNDS", 3), number("UNPAD_KILL_REQUESTS", 150));
    let portal = portal();
    let registry = process::file(
        "kill.yaml",
        &format!(
            "defaults: {{ freshness: {{ default: 1d }}, limits: {{ failures: 0 }} }}\n\
             portals:\n  city: {{ base: \"http://{portal}/data\", allow_cidr: [\"127.0.0.1/32\"] }}\n  \
             files: {{ base: \"http://{portal}\", dialect: plain, allow_cidr: [\"127.0.0.1/32\"] }}\n"
        ),
    );
    let cache = std::env::temp_dir().join(format!("unpad-kill-{}", std::process::id()));
    let place = Place { cache, registry };
    let (mut figures, mut asked) = (Figures::default(), Vec::<BTreeSet<u64>>::new());
    let mut next = 0;
    for _ in 0..rounds {
        let (server, address) = start(&place, &mut figures);
        let recent = asked.iter().rev().take(RECENT).flatten().copied().collect();
        read_back(&address, recent, &mut figures);
        is_tidy(&place.cache);
        asked.push(load_and_kill(server, &address, &mut next, requests, &mut figures));
    }
    let (_server, address) = start(&place, &mut figures);
    read_back(&address, asked.into_iter().flatten().collect(), &mut figures);
    println!("{rounds} rounds, {next} targets: {figures:?}");
    assert!(figures.answers >= rounds * requests, "{figures:?}");
    // Else nothing was tested: a directory that stays empty holds no wrong byte.
    assert!(figures.read_back > figures.misses / 4, "{figures:?}");
}

/// A figure from the environment.
fn number(name: &str, otherwise: usize) -> usize {
    #[expect(clippy::disallowed_methods, reason = "a test has no command line of its own")]
    let said = std::env::var(name);
    said.map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Starts the gateway and waits until it is ready.
fn start(place: &Place, figures: &mut Figures) -> (Server, String) {
    let path = |path: &Path| path.to_str().expect("a path of text").to_owned();
    let begun = SystemClock.now();
    let server = Server::start(&[
        "serve",
        "--config",
        &path(&place.registry),
        "--cache-dir",
        &path(&place.cache),
        "--log-level",
        "warn",
    ]);
    let address = server.says("portals at http://").trim_end_matches('/').to_owned();
    let ready = ask(&address, "/readyz", "").expect("an answer");
    assert_eq!(ready.status, 200);
    let took = SystemClock.now().duration_since(begun);
    assert!(took <= READY, "it took {took:?} until it was ready");
    figures.slowest_start = figures.slowest_start.max(took);
    (server, address)
}

/// Asks for new and old targets until there have been so many answers, then kills the server in
/// the middle of others. The targets that were asked for.
fn load_and_kill(
    server: Server,
    address: &str,
    next: &mut u64,
    requests: usize,
    figures: &mut Figures,
) -> BTreeSet<u64> {
    let first = *next;
    let (new, killed) = (AtomicU64::new(first), AtomicBool::new(false));
    let (answers, cut) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let asked = Mutex::new(BTreeSet::new());
    let (enough, told) = channel();
    let begun = SystemClock.now();
    std::thread::scope(|scope| {
        for client in 1..=CLIENTS as u64 {
            let (new, killed, answers, cut, asked) = (&new, &killed, &answers, &cut, &asked);
            let enough = enough.clone();
            scope.spawn(move || {
                let mut dice = Dice((first << 8) + client);
                while !killed.load(Ordering::SeqCst) {
                    let known = new.load(Ordering::Relaxed);
                    let target = match dice.roll(2) {
                        0 if known > 0 => dice.roll(known),
                        _ => new.fetch_add(1, Ordering::Relaxed),
                    };
                    asked.lock().expect("not poisoned").insert(target);
                    match ask(address, &path(target), "").and_then(Answer::whole) {
                        Ok(answer) => {
                            assert_eq!(answer.status, 200, "{target}");
                            verify(target, &answer.content);
                            if answers.fetch_add(1, Ordering::Relaxed) + 1 == requests {
                                let _ = enough.send(());
                            }
                        }
                        Err(error) => {
                            // The flag is set before the kill.
                            assert!(killed.load(Ordering::SeqCst), "{target}: {error}");
                            cut.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
        drop(enough);
        let heard = told.recv();
        killed.store(true, Ordering::SeqCst);
        server.signal("KILL");
        // Waits for its end, which lets go of the directory.
        drop(server);
        heard.expect("so many answers");
    });
    figures.load += SystemClock.now().duration_since(begun);
    figures.answers += answers.into_inner();
    figures.cut += cut.into_inner();
    *next = new.into_inner();
    asked.into_inner().expect("not poisoned")
}

/// Reads what is stored of these targets. What is not stored is a miss; what is stored is whole.
fn read_back(address: &str, targets: BTreeSet<u64>, figures: &mut Figures) {
    let targets = Mutex::new(targets.into_iter());
    let (read, misses) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let Some(target) = targets.lock().expect("not poisoned").next() else { break };
                    let answer = ask(address, &path(target), "Cache-Control: only-if-cached\r\n");
                    let answer = answer.and_then(Answer::whole).expect("an answer that is whole");
                    if answer.status == 504 {
                        misses.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    assert_eq!(answer.status, 200, "{target}");
                    verify(target, &answer.content);
                    read.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    figures.read_back += read.into_inner();
    figures.misses += misses.into_inner();
}

/// What was being written when the process was killed is gone.
fn is_tidy(cache: &Path) {
    let begun = SystemClock.now();
    let left = || std::fs::read_dir(cache.join("new")).expect("a directory").count();
    while left() > 0 {
        // The directory is looked through beside the first requests.
        assert!(SystemClock.now().duration_since(begun) < STALL, "{} files are left", left());
        std::thread::yield_now();
    }
}

fn path(target: u64) -> String {
    if target % FILES == FILES - 1 {
        format!("/p/files/file/{target}")
    } else {
        format!("/p/city/api/3/action/show?n={target}")
    }
}

/// The SHA-256 in hexadecimal digits.
fn sum(content: &[u8]) -> String {
    let mut text = String::new();
    for byte in digest(&SHA256, content).as_ref() {
        write!(text, "{byte:02x}").expect("memory");
    }
    text
}

/// Holds content against what it says of itself.
fn verify(target: u64, content: &[u8]) {
    if target % FILES == FILES - 1 {
        let (said, rest) = content.split_at(64);
        assert_eq!(said, sum(rest).as_bytes(), "{target}");
        assert!(rest.starts_with(format!("\n{target}\n").as_bytes()), "{target}");
        return;
    }
    let json: Value = serde_json::from_slice(content).expect("JSON");
    let payload = json["payload"].as_str().expect("a payload");
    assert_eq!(json["sha256"], sum(payload.as_bytes()), "{target}");
    assert_eq!((&json["target"], &json["length"]), (&target.into(), &payload.len().into()));
}

/// Numbers that look random, the same in every run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn roll(&mut self, sides: u64) -> u64 {
        (self.next() >> 16) % sides
    }
}

/// An answer, and whether its message says that it is whole.
struct Answer {
    status: u16,
    content: Vec<u8>,
    whole: bool,
}

impl Answer {
    fn whole(self) -> io::Result<Self> {
        if self.whole { Ok(self) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

fn ask(address: &str, target: &str, fields: &str) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(STALL))?;
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n{fields}\r\n");
    stream.write_all(request.as_bytes())?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all)?;
    let no_answer = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let end = all.windows(4).position(|w| w == b"\r\n\r\n").ok_or_else(no_answer)?;
    let content = all.split_off(end + 4);
    let head = String::from_utf8_lossy(&all).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    let whole = length.and_then(|length| length.parse().ok()) == Some(content.len());
    Ok(Answer { status: status.ok_or_else(no_answer)?, content, whole })
}

/// A portal in this process: JSON in its padding and files, no two answers alike. Its address.
fn portal() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    let serial = Arc::new(AtomicU64::new(1));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serial = Arc::clone(&serial);
            std::thread::spawn(move || {
                // A gateway that was killed does not listen.
                let _ = converse(stream, serial.fetch_add(1, Ordering::Relaxed));
            });
        }
    });
    address
}

fn converse(mut stream: TcpStream, serial: u64) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head);
    let target = head.split(' ').nth(1).unwrap_or_default();
    let parameter = |name: &str| {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        query.split('&').find_map(|p| p.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
    };
    let (media_type, content) = match target.strip_prefix("/file/") {
        Some(number) => ("application/octet-stream", file(number, serial)),
        None => {
            let json = json(parameter("n"), serial);
            ("application/javascript", format!("{}({json});", parameter("callback")).into_bytes())
        }
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\
         Cache-Control: max-age=86400\r\nConnection: close\r\n\r\n",
        content.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&content)
}

/// JSON of 100 bytes to 300 kB, the short ones more often, as answers of an API are.
fn json(number: &str, serial: u64) -> String {
    let mut dice = Dice(serial);
    let size = dice.roll(11);
    let length = (100 << size) + dice.roll(100 << size);
    let mut payload = String::new();
    while (payload.len() as u64) < length {
        write!(payload, "{:016x}", dice.next()).expect("memory");
    }
    let sum = sum(payload.as_bytes());
    let length = payload.len();
    format!(
        "{{\"sha256\":\"{sum}\",\"target\":{number},\"length\":{length},\"payload\":\"{payload}\"}}"
    )
}

/// A file of 2 to 4 MiB: its own sum, its number, and noise.
fn file(number: &str, serial: u64) -> Vec<u8> {
    let mut dice = Dice(serial);
    let length = (2 << 20) + dice.roll(2 << 20);
    let mut rest = format!("\n{number}\n").into_bytes();
    while (rest.len() as u64) < length {
        rest.extend(dice.next().to_le_bytes());
    }
    let mut content = sum(&rest).into_bytes();
    content.extend(rest);
    content
}
