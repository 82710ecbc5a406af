//! A server in a process of its own, so that it has its own descriptors and its memory and time
//! can be told apart from the bench's. It ends with the value that stands for it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Clock ticks in a second as `/proc` counts them (`USER_HZ`): 100 wherever Linux has `/proc`.
const TICKS: u64 = 100;

/// A server that runs until this is dropped.
pub(crate) struct Server {
    child: Child,
    /// Kept open: a server that cannot write to its standard output may end.
    _stdout: BufReader<ChildStdout>,
    config: Option<PathBuf>,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

/// Resident memory in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// At the moment.
    pub(crate) now: u64,
    /// The most there ever was.
    pub(crate) peak: u64,
}

impl Server {
    /// The gateway in front of one CKAN portal, `/p/city`, whose answers stay fresh for an hour.
    pub(crate) fn gateway(portal: SocketAddr) -> Self {
        let yaml = format!(
            "portals:\n  city:\n    base: http://{portal}\n    allow_cidr: [\"127.0.0.1/32\"]\n    \
             freshness:\n      default: 1h\n"
        );
        Self::with(&yaml, &["--no-disk"])
    }

    /// A gateway with this registry and these options beside.
    pub(crate) fn with(yaml: &str, options: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("unpad-bench-{}-{number}.yaml", std::process::id());
        let config = std::env::temp_dir().join(name);
        std::fs::write(&config, yaml).expect("the configuration is written");
        let path = config.to_str().expect("a path of text").to_owned();
        let mut server = Self::serving(&[&["--config", &path][..], options].concat());
        server.config = Some(config);
        server
    }

    /// A gateway with these options.
    pub(crate) fn serving(options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unpad"));
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "warn"])
            .args(options)
            .env_remove("UNPAD_PUBLIC_URL")
            .env_remove("UNPAD_LOG_FORMAT");
        Self::start(command, |_| ())
    }

    /// Starts a server that says `… http://ADDRESS/` in its first line, once `teach` has written
    /// to its standard input what it needs to know.
    pub(crate) fn start(mut command: Command, teach: impl FnOnce(&mut ChildStdin)) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the server starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        teach(&mut stdin);
        stdin.flush().expect("the server listens to what it is told");
        drop(stdin);
        let mut line = String::new();
        let read = stdout.read_line(&mut line);
        let address = line
            .split_once("http://")
            .and_then(|(_, rest)| rest.trim_end().trim_end_matches('/').parse().ok());
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let known = address.unwrap_or(nowhere);
        // Made first, so that a server that starts and says nonsense is ended as any other.
        let server = Self { child, _stdout: stdout, config: None, address: known };
        assert!(address.is_some(), "it says where it listens, not {line:?} ({read:?})");
        server
    }

    /// The process's number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its resident memory, where `/proc` tells.
    pub(crate) fn memory(&self) -> Option<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
        };
        Some(Memory { now: bytes("VmRSS:")?, peak: bytes("VmHWM:")? })
    }

    /// The time it has spent on processors, in its own code and in the kernel, where `/proc` tells.
    pub(crate) fn processor_time(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        // The name is in brackets and may itself contain blanks; utime and stime are the 12th and
        // 13th field behind it.
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
        let mut ticks = || fields.next()?.parse::<u64>().ok();
        Some(Duration::from_millis((ticks()? + ticks()?) * 1000 / TICKS))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(config) = &self.config {
            let _ = std::fs::remove_file(config);
        }
    }
}
