//! What a URL is, and how it must be asked: software, prefix, version, JSONP, CORS, ranges, speed.
//! It asks and reports; it keeps nothing, and prints nothing.
//!
//! One probe is a walk with a purse: `ask` counts requests and time, and refuses when either is
//! spent. `place` says where a portal may begin, `software` is a table of what runs portals and
//! which cheap question each answers, `recognise` has a pure function for each answer, and `find`
//! goes through them. What was found is then looked at from five sides: `padding` (JSONP),
//! `crossing` (CORS), `files` (ranges and validators), `speed`, and `verdict` (what follows).
//! `entry` writes the registry entry, `remedy` what the portal's operator could do instead.
//!
//! **Invariant:** only GET and OPTIONS are sent, by `upstream` alone, at most
//! [`REQUESTS`] of them, for at most [`TOTAL_TIME`].
//!
//! **Invariant:** portals' bytes are hostile. No text of theirs enters a [`Report`] but through
//! `shown`, so that whoever prints a report prints no control character.
//!
//! **Invariant:** a failure is a part of the report. Only a portal of which nothing answered has
//! none.

mod ask;
mod crossing;
mod entry;
mod files;
mod find;
mod padding;
mod place;
mod recognise;
mod remedy;
mod shown;
mod software;
mod speed;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use crate::clock::Clock;
use crate::upstream::Clients;

use ask::Asker;

pub use ask::{REQUESTS, TOTAL_TIME};
pub use crossing::{Allowed, Cors, Preflight};
pub use entry::entry;
pub use files::{Files, Revalidated, Sliced};
pub use padding::{Jsonp, Names, Padded, Same};
pub use remedy::{Remedy, remedies};
pub use speed::Speed;
pub use verdict::Verdict;

/// How to probe.
#[derive(Debug, Clone)]
pub struct Options {
    /// Address ranges allowed beyond public space.
    pub allow_cidr: Vec<IpNet>,
    /// Time for one answer, with its content.
    pub answer_time: Duration,
}

/// What came of a probe.
#[derive(Debug, Clone)]
pub struct Report {
    /// The URL that was asked about.
    pub asked: Url,
    /// What was found, or a sentence that says why nothing was.
    pub found: Result<Findings, String>,
    /// Requests that were sent.
    pub requests: usize,
    /// How long it took.
    pub took: Duration,
}

/// What a portal is.
#[derive(Debug, Clone)]
pub struct Findings {
    /// The software's name; `None` if it was not recognised.
    pub software: Option<&'static str>,
    /// The registry's word for it.
    pub dialect: &'static str,
    /// The version it says it has.
    pub version: Option<String>,
    /// The title it gives itself.
    pub title: Option<String>,
    /// Where its paths begin, without a slash at the end.
    pub base: String,
    /// The URL that JSONP, CORS and speed were tried on.
    pub endpoint: String,
    /// Whether the answer there is JSON.
    pub is_json: bool,
    /// How JSONP does.
    pub jsonp: Jsonp,
    /// How CORS does.
    pub cors: Cors,
    /// How files do.
    pub files: Files,
    /// How fast it is.
    pub speed: Option<Speed>,
    /// Ranges that had to be allowed to reach it.
    pub allow_cidr: Vec<IpNet>,
}

impl Report {
    /// What follows from it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        Verdict::of(self)
    }
}

/// Probes one portal.
pub async fn probe(
    url: &Url,
    options: &Options,
    clients: &Clients,
    clock: Arc<dyn Clock>,
) -> Report {
    let start = clock.now();
    let asker = Asker::new(url, options, clients, Arc::clone(&clock));
    let found = examine(url, options, &asker).await;
    let took = clock.now().saturating_duration_since(start);
    Report { asked: url.clone(), found, requests: asker.requests(), took }
}

/// The five sides, one after the other: a portal is asked politely.
async fn examine(url: &Url, options: &Options, asker: &Asker) -> Result<Findings, String> {
    let found = find::find(url, asker).await?;
    let specimen = found.specimen(asker).await;
    let (cors, crossed) = crossing::examine(asker, &specimen.url, &found.error_url).await;
    let jsonp = padding::examine(asker, &specimen, crossed.as_ref()).await;
    let files = files::examine(asker, &found, &specimen).await;
    let speed = speed::examine(asker, &specimen.url).await;
    let is_literal =
        !matches!(found.base.host(), Some(url::Host::Domain(name)) if name.contains('.'));
    Ok(Findings {
        software: found.software.map(|software| software.name),
        dialect: found.dialect(&jsonp),
        version: found.traits.version,
        title: found.traits.title,
        base: found.base.as_str().trim_end_matches('/').to_owned(),
        endpoint: specimen.url.to_string(),
        is_json: specimen.is_json,
        jsonp,
        cors,
        files,
        speed,
        allow_cidr: if is_literal { options.allow_cidr.clone() } else { Vec::new() },
    })
}
