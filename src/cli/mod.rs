//! The commands, one file each, and where everything is put together. Every other room is used
//! here and none knows this one.

mod admin;
mod cache;
mod check;
mod compose;
mod demo;
mod log;
mod probe;
mod reload;
mod serve;
mod sockets;
mod table;
mod unwrap;
mod words;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use compose::Composed;

/// Exit code of a refusal: a configuration or a body that is not right.
const REFUSED: u8 = 1;

/// JSON with padding, without the padding: a gateway for open data.
///
/// unpad asks open-data portals that answer other web origins only by JSONP, takes the padding
/// off, checks and caches the JSON, and answers with CORS, so that any page or notebook can read
/// it with fetch.
#[derive(Debug, Parser)]
#[command(name = "unpad", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the portals of a registry
    Serve(serve::Serve),
    /// Serve a built-in portal to try things on, without a network
    Demo(demo::Demo),
    /// Check a registry
    Check(check::Check),
    /// Tell what a portal is, and how it must be asked
    Probe(probe::Probe),
    /// See, purge and fill the cache of a running gateway
    Cache(cache::Cache),
    /// Take the padding off a body: JSONP on stdin, JSON on stdout
    Unwrap(unwrap::Unwrap),
}

/// Writes to standard output. Whoever reads it may have read enough.
fn print(bytes: &[u8]) -> Result<(), String> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("standard output cannot be written: {error}"))
        }
        _ => Ok(()),
    }
}

/// Prints JSON.
fn print_json(value: &serde_json::Value) -> Result<(), String> {
    print(format!("{value:#}\n").as_bytes())
}

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Demo(demo) => demo.run(),
        Command::Check(check) => check.run(),
        Command::Probe(probe) => probe.run(),
        Command::Cache(cache) => cache.run(),
        Command::Unwrap(unwrap) => unwrap.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::from(REFUSED)
        }
    }
}
