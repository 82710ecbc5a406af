//! `unpad cache ls`: what is stored.

use clap::{Args, ValueEnum};
use http::Method;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::client::{ANSWER_TIME, Client, Failure};
use super::table::{Column, table};
use super::{Listener, print_json, terminal_width};
use crate::cli::words;

/// The most that one request to the listener may ask for.
const PAGE: usize = 1000;

/// Options of `unpad cache ls`.
#[derive(Debug, Args)]
#[command(after_help = "LEFT is how long an answer is still fresh, or since when it is stale.\n\n\
    Examples:\n  \
    unpad cache ls --portal barcelona\n  \
    unpad cache ls --contains datastore_search --state stale --limit 1000\n  \
    unpad cache ls --pattern 'rows=[0-9]{4}' --json")]
pub(super) struct Ls {
    /// Of this portal
    #[arg(long, value_name = "ID")]
    portal: Option<String>,
    /// With this text in the portal's URL
    #[arg(long, value_name = "TEXT")]
    contains: Option<String>,
    /// With a portal's URL that this regular expression matches
    #[arg(long, value_name = "REGEX")]
    pattern: Option<String>,
    /// Fresh or stale ones
    #[arg(long, value_enum)]
    state: Option<State>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    #[command(flatten)]
    listener: Listener,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    /// Reused as they are
    Fresh,
    /// Validated before or while they are reused
    Stale,
}

impl Ls {
    pub(super) async fn run(self) -> Result<(), String> {
        let client = self.listener.client()?;
        let (mut items, more) = self.list(&client).await?;
        if self.listener.json {
            return print_json(&json!({ "items": items, "more": more }));
        }
        if items.is_empty() {
            return crate::cli::print(b"nothing is stored that matches\n");
        }
        items.sort_by_cached_key(|item| name(item).to_owned());
        let rows: Vec<_> = items.iter().map(row).collect();
        let columns = [
            Column::Right("STATUS"),
            Column::Right("SIZE"),
            Column::Right("AGE"),
            Column::Right("LEFT"),
            Column::Left("TYPE"),
            Column::Flexible("PATH"),
        ];
        let mut text = table(&columns, &rows, terminal_width());
        if more {
            text.push_str("There is more: --limit N shows N of them.\n");
        }
        crate::cli::print(text.as_bytes())
    }

    /// As many as were asked for, and whether there are more.
    async fn list(&self, client: &Client) -> Result<(Vec<Value>, bool), Failure> {
        let (mut items, mut after) = (Vec::new(), None);
        let limit = self.limit as usize;
        loop {
            let page = limit.saturating_sub(items.len()).min(PAGE);
            if page == 0 {
                return Ok((items, after.is_some()));
            }
            let target = self.target(page, after.as_deref());
            let mut answer = client.ask(Method::GET, &target, None, ANSWER_TIME).await?;
            if let Value::Array(found) = answer["items"].take() {
                items.extend(found);
            }
            after = answer["next"].as_str().map(str::to_owned);
            if after.is_none() {
                return Ok((items, false));
            }
        }
    }

    fn target(&self, limit: usize, after: Option<&str>) -> String {
        let state = self.state.map(|state| match state {
            State::Fresh => "fresh",
            State::Stale => "stale",
        });
        let mut query = Serializer::new(String::new());
        for (name, value) in [
            ("portal", self.portal.as_deref()),
            ("contains", self.contains.as_deref()),
            ("pattern", self.pattern.as_deref()),
            ("state", state),
            ("after", after),
        ] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        format!("/cache?{}", query.append_pair("limit", &limit.to_string()).finish())
    }
}

/// How a client asks for it, or its own URL where nobody can any more.
fn name(item: &Value) -> &str {
    item["path"].as_str().or_else(|| item["url"].as_str()).unwrap_or("-")
}

fn row(item: &Value) -> Vec<String> {
    let number = |name: &str| item[name].as_u64().unwrap_or_default();
    let left = item["ttl_s"].as_i64().unwrap_or_default();
    let time = words::time(left.unsigned_abs());
    let media_type = item["content_type"].as_str().unwrap_or("-");
    vec![
        number("status").to_string(),
        words::size(number("bytes")),
        words::time(number("age_s")),
        if left > 0 { time } else { format!("stale {time}") },
        media_type.split(';').next().unwrap_or(media_type).to_owned(),
        name(item).to_owned(),
    ]
}
