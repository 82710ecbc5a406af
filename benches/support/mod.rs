//! What the benches over the wire share: the gateway as a process of its own, a portal that does as
//! it is told, and a client that reads no more of an answer than it must. Not a load tool.
#![expect(dead_code, reason = "each bench uses a part of it")]

pub(crate) mod client;
pub(crate) mod portal;
pub(crate) mod process;
pub(crate) mod table;

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

/// Runs a bench until it is done or the process is asked to end; what it started ends with it.
pub(crate) async fn run(bench: impl Future<Output = ExitCode>) -> ExitCode {
    let mut interrupt = signal(SignalKind::interrupt()).expect("a handler");
    let mut terminate = signal(SignalKind::terminate()).expect("a handler");
    tokio::select! {
        code = bench => code,
        _ = interrupt.recv() => ExitCode::FAILURE,
        _ = terminate.recv() => ExitCode::FAILURE,
    }
}

/// Whether this run is to see that the bench works, and to measure nothing: `cargo bench` passes
/// `--bench`, `cargo test --benches` does not, and `cargo bench -- --test` asks for it.
pub(crate) fn is_trial() -> bool {
    let has = |flag: &str| std::env::args().any(|argument| argument == flag);
    has("--test") || !has("--bench")
}

/// JSON of exactly `size` bytes (at least 100) that looks like an answer of CKAN's.
pub(crate) fn document(size: usize) -> String {
    const RECORD: &str = r#"{"_id": 1, "nom_barri": "Sant Martí", "x": 431.25, "alta": null}"#;
    const END: &str = r#""}}"#;
    let mut text = String::with_capacity(size);
    text.push_str(r#"{"success": true, "result": {"records": ["#);
    text.push_str(RECORD);
    while text.len() + RECORD.len() + 32 < size {
        text.push_str(", ");
        text.push_str(RECORD);
    }
    text.push_str(r#"], "note": ""#);
    while text.len() + END.len() < size {
        text.push('x');
    }
    text.push_str(END);
    text
}

/// A count as a factor. Counts of a bench are far below the 2^53 up to which this is exact.
#[expect(clippy::cast_precision_loss, reason = "a table with two decimals")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}
