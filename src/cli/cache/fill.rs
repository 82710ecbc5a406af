//! `unpad cache fill`: asking for URLs ahead. The gateway fetches; this tells it what, and what
//! came of it.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use futures_util::StreamExt as _;
use http::Method;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::client::{Client, Failure};
use super::table::{Column, table};
use super::{Listener, print_json, terminal_width};
use crate::cli::words;

/// The longest file of URLs: some hundred thousand.
const FILE_BYTES: u64 = 64 << 20;

/// Time for one URL: as long as the gateway keeps a connection.
const FILL_TIME: Duration = Duration::from_secs(3600);

/// Options of `unpad cache fill`.
#[derive(Debug, Args)]
#[command(
    after_help = "What is stored and fresh is not fetched again. Exit codes: 0 all are there, \
    1 some failed, 2 usage.\n\nExamples:\n  \
    unpad cache fill '/p/barcelona/api/3/action/package_search?q=aire'\n  \
    unpad cache fill -f class.txt --concurrency 2\n  \
    unpad cache ls --json | jq -r '.items[].path' | unpad cache fill -f -"
)]
pub(super) struct Fill {
    /// What to ask for: as a client does, or portals' own URLs
    #[arg(value_name = "URL", required_unless_present = "file")]
    urls: Vec<String>,
    /// Read URLs from a file, one a line (`-`: standard input); lines with `#` are comments
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// At most so many at once
    #[arg(long, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u8).range(1..=32))]
    concurrency: u8,
    #[command(flatten)]
    listener: Listener,
}

/// What came of one URL.
struct Filled {
    number: usize,
    outcome: Value,
}

impl Fill {
    pub(super) async fn run(self) -> Result<(), String> {
        let client = self.listener.client()?;
        let urls = self.urls()?;
        if urls.is_empty() {
            return Err("there are no URLs in what was given".to_owned());
        }
        let mut filled = self.fill(&client, &urls).await?;
        filled.sort_by_key(|filled| filled.number);
        let outcomes: Vec<_> = filled.into_iter().map(|filled| filled.outcome).collect();
        let failed: Vec<_> = outcomes.iter().filter(|outcome| has_failed(outcome)).collect();
        if self.listener.json {
            print_json(&json!(outcomes))?;
        } else {
            crate::cli::print(summary(&outcomes, &failed).as_bytes())?;
        }
        match failed.len() {
            0 => Ok(()),
            count => Err(format!("{count} of {} failed", outcomes.len())),
        }
    }

    /// All that was given, each once.
    fn urls(&self) -> Result<Vec<String>, String> {
        let text = self.file.as_deref().map(read).transpose()?.unwrap_or_default();
        let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
        let mut seen = BTreeSet::new();
        let given = self.urls.iter().map(String::as_str).chain(lines);
        Ok(given.filter(|url| seen.insert((*url).to_owned())).map(str::to_owned).collect())
    }

    async fn fill(&self, client: &Client, urls: &[String]) -> Result<Vec<Filled>, Failure> {
        let mut progress = Progress::new(urls.len());
        let mut filling = futures_util::stream::iter(urls.iter().enumerate())
            .map(|(number, url)| async move {
                let content = json!({ "url": url });
                let asked = client.ask(Method::POST, "/cache/fill", Some(&content), FILL_TIME);
                match asked.await {
                    Ok(outcome) => Ok(Filled { number, outcome }),
                    Err(Failure::Request(error)) => {
                        Ok(Filled { number, outcome: json!({ "url": url, "error": error }) })
                    }
                    Err(listener) => Err(listener),
                }
            })
            .buffer_unordered(usize::from(self.concurrency));
        let mut all = Vec::with_capacity(urls.len());
        while let Some(filled) = filling.next().await {
            let filled = filled?;
            progress.note(has_failed(&filled.outcome));
            all.push(filled);
        }
        progress.end();
        Ok(all)
    }
}

fn read(path: &Path) -> Result<String, String> {
    let name = path.display();
    let unreadable = |error: std::io::Error| format!("{name}: the URLs cannot be read: {error}");
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(FILE_BYTES + 1).read_to_string(&mut text)
    } else {
        let file = std::fs::File::open(path).map_err(unreadable)?;
        file.take(FILE_BYTES + 1).read_to_string(&mut text)
    };
    match read.map_err(unreadable)? as u64 {
        0..=FILE_BYTES => Ok(text),
        _ => Err(format!("{name}: it is longer than {}", words::size(FILE_BYTES))),
    }
}

fn has_failed(outcome: &Value) -> bool {
    outcome["error"].is_string()
        || outcome["problem"].is_object()
        || outcome["status"].as_u64().is_none_or(|status| status >= 400)
}

fn summary(outcomes: &[Value], failed: &[&Value]) -> String {
    let number = |outcome: &Value| outcome["bytes"].as_u64().unwrap_or_default();
    let filled = outcomes.iter().filter(|outcome| !has_failed(outcome));
    let bytes = filled.map(number).sum();
    let was_there = |outcome: &&Value| outcome["cache"].as_str().is_some_and(|c| c.contains("hit"));
    let hits = outcomes.iter().filter(was_there).count();
    let done = outcomes.len() - failed.len();
    let line = format!("{done} filled ({}), {hits} of them there already\n", words::size(bytes));
    if failed.is_empty() {
        return line;
    }
    let columns = [Column::Right("STATUS"), Column::Flexible("WHY"), Column::Flexible("URL")];
    let rows: Vec<_> = failed
        .iter()
        .map(|outcome| {
            let why = outcome["error"].as_str().or_else(|| outcome["problem"]["detail"].as_str());
            vec![
                outcome["status"].as_u64().map_or_else(|| "-".to_owned(), |s| s.to_string()),
                why.unwrap_or("the portal's own answer").to_owned(),
                outcome["url"].as_str().unwrap_or("-").to_owned(),
            ]
        })
        .collect();
    format!("{}{line}", table(&columns, &rows, terminal_width()))
}

/// How far it has come, on standard error: a bar on a terminal, else a line for every tenth.
struct Progress {
    all: usize,
    done: usize,
    failed: usize,
    bar: Option<ProgressBar>,
}

impl Progress {
    fn new(all: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(all as u64);
            let template = "{wide_bar} {pos} of {len}, {msg}{eta} left";
            match ProgressStyle::with_template(template) {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Self { all, done: 0, failed: 0, bar }
    }

    fn note(&mut self, failed: bool) {
        let tenths = |done: usize| done * 10 / self.all.max(1);
        let before = tenths(self.done);
        let after = tenths(self.done + 1);
        self.done += 1;
        self.failed += usize::from(failed);
        match &self.bar {
            Some(bar) => {
                if failed {
                    bar.set_message(format!("{} failed, ", self.failed));
                }
                bar.inc(1);
            }
            None if after > before => {
                let (done, all, failed) = (self.done, self.all, self.failed);
                eprintln!("{done} of {all} ({} %), {failed} failed", after * 10);
            }
            None => {}
        }
    }

    fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
