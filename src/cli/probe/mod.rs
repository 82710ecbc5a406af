//! `unpad probe`: what a portal is, and how it must be asked. The probing is the room `probe`'s; this
//! says to whom, and prints.

mod all;
mod json;
mod report;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ipnet::IpNet;
use url::Url;

use crate::clock::{Clock, SystemClock};
use crate::probe::{self, Options};
use crate::upstream::Clients;

use super::{print, print_json};

/// Options of `unpad probe`.
#[derive(Debug, Args)]
#[command(
    after_help = "It sends GET and OPTIONS only, at most 90 requests in at most 90 s, and says what \
    it found: the software and where its API begins, whether JSONP and CORS work, ranges, \
    validators, speed. Then it prints an entry for a registry. docs/probe.md explains each line.\n\n\
    Exit codes: 0 probed, 1 could not be reached (with --all: one of them), 2 usage.\n\n\
    Examples:\n  \
    unpad probe https://data.city.example\n  \
    unpad probe https://data.city.example/data/dataset/trees\n  \
    unpad probe --json https://data.city.example | jq -r .entry > city.yaml\n  \
    unpad probe --allow-cidr 10.1.0.0/16 https://ckan.inside.example\n  \
    unpad probe --all --config portals.yaml\n  \
    unpad probe --all --json | jq -r 'select(.verdict.word == \"failed\").id'"
)]
pub(super) struct Probe {
    /// A portal: its start page, a dataset's page, or a URL of its API
    ///
    /// An address literal or `localhost` in the URL is its own permission to be dialled.
    #[arg(value_name = "URL", required_unless_present = "all", value_parser = portal_url)]
    url: Option<Url>,
    /// Also allow this address range, such as 10.1.0.0/16
    #[arg(long, value_name = "CIDR", conflicts_with = "all")]
    allow_cidr: Vec<IpNet>,
    /// Probe every portal of the registry instead, and print a table
    #[arg(long, conflicts_with = "url")]
    all: bool,
    /// With --all: the registry
    #[arg(long, value_name = "FILE", default_value = "portals.yaml", env = "UNPAD_CONFIG")]
    config: PathBuf,
    /// With --all: so many portals at once
    #[arg(long, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u8).range(1..=16))]
    concurrency: u8,
    /// Seconds for one answer
    #[arg(long, value_name = "SECONDS", default_value_t = 10,
          value_parser = clap::value_parser!(u8).range(1..=60))]
    timeout: u8,
    /// Print JSON, for programs: one object, with --all one a line
    #[arg(long)]
    json: bool,
}

/// What all probes of one command share.
struct Prober {
    clients: Clients,
    clock: Arc<dyn Clock>,
    answer_time: Duration,
}

impl Probe {
    /// Probes, and prints what was found.
    pub(super) fn run(self) -> Result<(), String> {
        super::compose::run(async {
            let (clients, missing) = Clients::new(None);
            if let Some(missing) = missing {
                eprintln!("{missing}");
            }
            let answer_time = Duration::from_secs(self.timeout.into());
            let prober = Prober { clients, clock: Arc::new(SystemClock), answer_time };
            match &self.url {
                Some(url) => self.one(url, &prober).await,
                None => all::run(&self, &prober).await,
            }
        })
    }

    async fn one(&self, url: &Url, prober: &Prober) -> Result<(), String> {
        let mut allowed = self.allow_cidr.clone();
        // Whoever types an address means that address; nothing else becomes reachable.
        allowed.extend(super::serve::own_address(url));
        let report = prober.probe(url, allowed).await;
        if self.json {
            print_json(&json::object(&report))?;
        } else {
            print(report::text(&report).as_bytes())?;
        }
        report.found.map(|_| ()).map_err(|why| format!("{url}: {why}"))
    }
}

impl Prober {
    async fn probe(&self, url: &Url, allow_cidr: Vec<IpNet>) -> probe::Report {
        let options = Options { allow_cidr, answer_time: self.answer_time };
        probe::probe(url, &options, &self.clients, Arc::clone(&self.clock)).await
    }
}

/// A URL as people type it: without a scheme it is https.
fn portal_url(text: &str) -> Result<Url, String> {
    let parsed =
        if text.contains("://") { text.parse() } else { format!("https://{text}").parse() };
    let url: Url = parsed.map_err(|error| format!("{error}; write https://host/path"))?;
    match url.scheme() {
        "http" | "https" if url.username().is_empty() && url.password().is_none() => Ok(url),
        "http" | "https" => Err("a portal is asked without user name and password".to_owned()),
        _ => Err("write http:// or https://, a host and, if need be, a path".to_owned()),
    }
}
