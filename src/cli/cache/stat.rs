//! `unpad cache stat`: how much is stored, and how often it was used.

use std::fmt::Write as _;

use clap::Args;
use http::Method;
use serde_json::Value;

use super::client::ANSWER_TIME;
use super::table::{Column, table};
use super::{Listener, print_json, terminal_width};
use crate::cli::words;

/// Options of `unpad cache stat`.
#[derive(Debug, Args)]
#[command(
    after_help = "HITS were answered from what is stored, STALE from what is stale, SHARED by \
    waiting for another's fetch, MISSES by a fetch; since the gateway's start. SAVED is the share \
    that cost no fetch of its own.\n\nExamples:\n  \
    unpad cache stat\n  \
    unpad cache stat --json | jq .memory"
)]
pub(super) struct Stat {
    #[command(flatten)]
    listener: Listener,
}

impl Stat {
    pub(super) async fn run(self) -> Result<(), String> {
        let client = self.listener.client()?;
        let stats = client.ask(Method::GET, "/cache/stats", None, ANSWER_TIME).await?;
        if self.listener.json {
            return print_json(&stats);
        }
        let columns = [
            Column::Flexible("PORTAL"),
            Column::Right("ENTRIES"),
            Column::Right("FRESH"),
            Column::Right("SIZE"),
            Column::Right("HITS"),
            Column::Right("STALE"),
            Column::Right("SHARED"),
            Column::Right("MISSES"),
            Column::Right("SAVED"),
        ];
        let portals = stats["portals"].as_object().into_iter().flatten();
        let rows: Vec<_> = portals.map(|(id, portal)| row(id, portal)).collect();
        let text = table(&columns, &rows, terminal_width());
        crate::cli::print(format!("{text}\n{}", places(&stats)).as_bytes())
    }
}

fn row(id: &str, portal: &Value) -> Vec<String> {
    let number = |name: &str| portal[name].as_u64().unwrap_or_default();
    let answers = |name: &str| portal["answers"][name].as_u64().unwrap_or_default();
    let (hits, stale, shared) = (answers("hit"), answers("stale"), answers("collapsed"));
    let misses = answers("uri-miss") + answers("request") + answers("bypass");
    let saved = hits + stale + shared;
    vec![
        id.to_owned(),
        number("entries").to_string(),
        number("fresh").to_string(),
        words::size(number("bytes")),
        hits.to_string(),
        stale.to_string(),
        shared.to_string(),
        misses.to_string(),
        words::share(saved, saved + misses),
    ]
}

/// Where it is stored, and how full that is.
fn places(stats: &Value) -> String {
    let mut text = String::new();
    for place in ["memory", "disk"] {
        let Some(place_of) = stats[place].as_object() else { continue };
        let number = |name: &str| place_of.get(name).and_then(Value::as_u64).unwrap_or_default();
        let (bytes, capacity) = (number("bytes"), number("capacity_bytes"));
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{place}: {} of {} ({}), {}",
            words::size(bytes),
            words::size(capacity),
            words::share(bytes, capacity),
            words::count(number("entries"), "entry", "entries"),
        );
    }
    text
}
