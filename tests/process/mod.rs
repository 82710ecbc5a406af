//! The program as a process that serves: started on free ports, read line by line, ended on drop.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// The token that servers are started with.
pub(crate) const TOKEN: &str = "correct-horse-battery";

/// How long a test waits for what must happen before it fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server, and what it says.
pub(crate) struct Server {
    child: Child,
    said: Receiver<String>,
}

/// The program, without what the environment of the test may say.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unpad"));
    for name in [
        "UNPAD_ADMIN",
        "UNPAD_ADMIN_TOKEN",
        "UNPAD_ADMIN_TOKEN_FILE",
        "UNPAD_ADMIN_LISTEN",
        "UNPAD_CONFIG",
        "UNPAD_LISTEN",
    ] {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command, stdin: &str) -> Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().expect("the program starts");
    // A program that refuses its arguments does not read.
    let _ = child.stdin.take().expect("a pipe").write_all(stdin.as_bytes());
    child.wait_with_output().expect("the program ends")
}

/// A file of this test process.
pub(crate) fn file(name: &str, content: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("unpad-{}-{name}", std::process::id()));
    std::fs::write(&path, content).expect("a file");
    path
}

impl Server {
    /// Starts a command that serves, on free ports and with the token.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, TOKEN)
    }

    /// As `start`, with another token.
    pub(crate) fn start_with(arguments: &[&str], token: &str) -> Self {
        Self::start_in(arguments, token, &[])
    }

    /// As `start_with`, with more in its environment.
    pub(crate) fn start_in(arguments: &[&str], token: &str, more: &[(&str, &str)]) -> Self {
        let mut command = program();
        command
            .args(arguments)
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .args(no_disk(arguments))
            .env("UNPAD_ADMIN_TOKEN", token)
            .envs(more.iter().copied())
            .stdin(Stdio::null());
        Self::of(command)
    }

    /// Starts a command that serves at a socket that is handed over to it.
    pub(crate) fn start_at(socket: &TcpListener, arguments: &[&str]) -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\" 3<&0 0</dev/null"])
            .arg(program().get_program())
            .args(arguments)
            .stdin(OwnedFd::from(socket.try_clone().expect("another descriptor")));
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        let mut child = command
            .current_dir(Path::new("/"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (lines, said) = channel();
        let out: Box<dyn Read + Send> = Box::new(child.stdout.take().expect("a pipe"));
        let err: Box<dyn Read + Send> = Box::new(child.stderr.take().expect("a pipe"));
        for pipe in [out, err] {
            let lines = lines.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    let _ = lines.send(line);
                }
            });
        }
        Self { child, said }
    }

    /// Waits for a line with this text; what stands behind the text.
    pub(crate) fn says(&self, text: &str) -> String {
        loop {
            let line = self.said.recv_timeout(PATIENCE).expect("the server says it in time");
            if let Some(at) = line.find(text) {
                return line[at + text.len()..].to_owned();
            }
        }
    }

    /// Waits for the administration's address.
    pub(crate) fn admin(&self) -> String {
        self.says("Administration, with its token: ")
    }

    /// Sends the signal of this name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Waits for its end; its exit code, if no signal ended it.
    pub(crate) fn ends(&mut self) -> Option<i32> {
        // What it writes to ends with it.
        let end = loop {
            if let Err(end) = self.said.recv_timeout(PATIENCE) {
                break end;
            }
        };
        assert_eq!(end, RecvTimeoutError::Disconnected, "the server does not end");
        self.child.wait().expect("a state").code()
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().expect("a state").is_none()
    }
}

/// Nothing of a test's stays in the user's cache directory.
fn no_disk(arguments: &[&str]) -> &'static [&'static str] {
    let serves = arguments.contains(&"serve") && !arguments.contains(&"--cache-dir");
    if serves { &["--no-disk"] } else { &[] }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
