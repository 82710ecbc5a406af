//! One fetch from one site: its turn, its redirects, its limits. Content is read elsewhere.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, LOCATION, RETRY_AFTER, TRANSFER_ENCODING, VIA};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tokio::sync::Semaphore;
use url::Url;

use crate::clock::Clock;

use super::coding::ACCEPTED;
use super::suspend::{PAUSE, Record};
use super::turns::{Turn, Turns};
use super::{Body, Clients, Error, Excess, Health, Limits, Phase, RedirectRefusal, SiteRules};

/// RFC 8586: names the intermediaries a request went through, so that loops end.
const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");

/// A portal's place on the network: where it is, how it is doing, whose turn it is.
#[derive(Debug)]
pub struct Site {
    rules: SiteRules,
    client: reqwest::Client,
    turns: Arc<Turns>,
    streams: Arc<Semaphore>,
    failures: u32,
    record: Mutex<Record>,
    clock: Arc<dyn Clock>,
}

/// What to fetch.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// The method.
    pub method: Method,
    /// The target URI.
    pub url: Url,
    /// Fields beside our own, such as validators; one of the same name stands instead of ours.
    pub fields: HeaderMap,
    /// Fields for the origin of `url` alone, such as credentials: no redirect takes them elsewhere.
    pub own: HeaderMap,
    /// Content of the request.
    pub content: Option<Bytes>,
    /// How the response is taken.
    pub manner: Manner,
    /// The most bytes of content that are received.
    pub most: u64,
    /// The limits.
    pub limits: Limits,
}

/// How a response is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Redirects are followed, and content codings taken off; one that is unknown is an error.
    Decoded,
    /// Redirects are followed, and content codings taken off unless one is unknown.
    Lenient,
    /// As it is: no redirect is followed, no coding taken off, and none asked for.
    Raw,
}

/// A response whose content has not been read.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The fields as received.
    pub fields: HeaderMap,
    /// The content.
    pub body: Body,
    /// Whether it is of another URL than was asked for.
    pub is_redirected: bool,
}

impl Site {
    /// A site; `limits` gives its connection time, concurrency, queue and failures.
    #[must_use]
    pub fn new(
        clients: &Clients,
        rules: SiteRules,
        limits: &Limits,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            client: clients.client(&rules, limits),
            rules,
            turns: Turns::new(limits, Arc::clone(&clock)),
            streams: Arc::new(Semaphore::new(limits.concurrency)),
            failures: limits.failures,
            record: Mutex::default(),
            clock,
        }
    }

    /// How the site is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        self.record().health(self.clock.now())
    }

    /// How long a client is told to wait before it asks again.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        match self.health() {
            Health::Suspended(left) => left,
            Health::Ok | Health::Failing => PAUSE,
        }
    }

    /// Whether a fetch would come to its turn, as far as can be said: so that nobody waits for what will
    /// not come, and a refusal costs next to nothing.
    ///
    /// # Errors
    /// [`Error::Suspended`] while the site is left alone; [`Error::Busy`] when too many wait, or would
    /// wait for too long.
    pub fn admit(&self) -> Result<(), Error> {
        self.record().waiting(self.clock.now()).map_err(Error::Suspended)?;
        self.turns.would_come().then_some(()).ok_or(Error::Busy)
    }

    /// Waits for a turn at the site.
    ///
    /// # Errors
    /// [`Error::Suspended`] at once while the site is left alone; [`Error::Busy`] when too many
    /// wait, or the wait was too long.
    pub async fn turn(&self) -> Result<Turn, Error> {
        self.record().waiting(self.clock.now()).map_err(Error::Suspended)?;
        self.turns.next().await.ok_or(Error::Busy)
    }

    /// A turn for content that goes on at its client's pace: as many as there are for fetches, so
    /// that slow downloads never take those.
    ///
    /// # Errors
    /// [`Error::Busy`] when all are taken.
    pub fn stream_turn(&self) -> Result<Turn, Error> {
        Arc::clone(&self.streams).try_acquire_owned().map(Turn::unpaced).map_err(|_| Error::Busy)
    }

    /// Fetches one response; its content is still to be read. Whoever reads it tells with
    /// [`Site::note_success`] or [`Site::note_error`] how that went.
    ///
    /// # Errors
    /// [`Error`] as the fetch fails.
    pub async fn fetch(&self, fetch: &Fetch, turn: Turn) -> Result<Response, Error> {
        if !self.rules.may_dial_literal(&fetch.url) {
            return Err(Error::AddressProhibited);
        }
        self.record().pass(self.clock.now()).map_err(Error::Suspended)?;
        let fetched = self.follow(fetch).await.and_then(|response| {
            check_fields(response.headers(), fetch.limits.field_bytes)?;
            check_framing(response.headers(), fetch.manner)?;
            let status = response.status();
            let fields = response.headers().clone();
            let is_redirected = *response.url() != fetch.url;
            Ok(Response { status, fields, body: Body::new(response, fetch, turn)?, is_redirected })
        });
        match &fetched {
            Ok(response) => self.note_fields(response),
            Err(error) => self.note_error(error),
        }
        fetched
    }

    /// Notes that content was read, or handed over to be read.
    pub fn note_success(&self, status: StatusCode) {
        if !matches!(status.as_u16(), 429 | 502 | 503 | 504) {
            self.record().succeeded();
        }
    }

    /// Notes a failure, also one that only the content's reader sees.
    pub fn note_error(&self, error: &Error) {
        match error.is_sign_of_life() {
            Some(true) => self.record().succeeded(),
            Some(false) => self.record().failed(self.clock.now(), self.failures),
            None => {}
        }
    }

    /// Sends the request, and follows where the response leads.
    async fn follow(&self, fetch: &Fetch) -> Result<reqwest::Response, Error> {
        let mut url = fetch.url.clone();
        let mut followed = 0;
        loop {
            let response = self.send_with_retry(fetch, &url).await?;
            let status = response.status().as_u16();
            let leads_on = matches!(status, 301 | 302 | 303 | 307 | 308)
                && (fetch.manner == Manner::Decoded || response.headers().contains_key(LOCATION));
            if !leads_on || fetch.manner == Manner::Raw {
                return Ok(response);
            }
            let refuse = |why| Error::Redirect { status, why };
            if followed == fetch.limits.redirects {
                return Err(refuse(RedirectRefusal::TooMany));
            }
            followed += 1;
            let location = response
                .headers()
                .get(LOCATION)
                .and_then(|l| l.to_str().ok())
                .ok_or(refuse(RedirectRefusal::NoTarget))?;
            url = self.rules.follow(&url, location).map_err(refuse)?;
            if !self.rules.may_dial_literal(&url) {
                return Err(Error::AddressProhibited);
            }
        }
    }

    /// RFC 9110 §9.2.2: a request with a safe method may be sent once more where the connection
    /// broke; of others nobody knows whether they took effect.
    async fn send_with_retry(&self, fetch: &Fetch, url: &Url) -> Result<reqwest::Response, Error> {
        match self.send(fetch, url).await {
            Err(error) if error.is_worth_a_retry() && fetch.method.is_safe() => {
                self.send(fetch, url).await
            }
            result => result,
        }
    }

    async fn send(&self, fetch: &Fetch, url: &Url) -> Result<reqwest::Response, Error> {
        let mut fields = fetch.fields.clone();
        if url.origin() == fetch.url.origin() {
            fields.extend(fetch.own.clone());
        }
        // RFC 9110 §7.6.3: an HTTP-to-HTTP gateway MUST send an appropriate Via field.
        fields.append(VIA, HeaderValue::from_static("1.1 unpad"));
        fields.append(CDN_LOOP, HeaderValue::from_static("unpad"));
        if fetch.manner != Manner::Raw {
            fields.insert(ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED));
        }
        fields.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        let mut request = self.client.request(fetch.method.clone(), url.clone()).headers(fields);
        if let Some(content) = &fetch.content {
            request = request.body(content.clone());
        }
        let after = fetch.limits.first_byte_time;
        let response = tokio::time::timeout(after, request.send())
            .await
            .map_err(|_| Error::Timeout { phase: Phase::FirstByte, after })?
            .map_err(|error| Error::of_request(&error, &fetch.limits))?;
        // What was dialled is what was judged; this holds it even against a client that dials
        // something else.
        let dialled = response.remote_addr().map(|peer| peer.ip());
        if dialled.is_some_and(|ip| !super::address::may_dial(ip, &self.rules.allow_cidr)) {
            return Err(Error::AddressProhibited);
        }
        Ok(response)
    }

    /// Notes what the fields already say; success is only known when the content has been read.
    fn note_fields(&self, response: &Response) {
        let (now, mut record) = (self.clock.now(), self.record());
        match response.status.as_u16() {
            429 | 503 => match retry_after(&response.fields, self.clock.wall()) {
                Some(wait) if self.failures > 0 => record.asked_to_wait(wait, now),
                _ => record.failed(now, self.failures),
            },
            502 | 504 => record.failed(now, self.failures),
            _ => {}
        }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        // The record is valid after every statement, so a panic elsewhere cannot have broken it.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_fields(fields: &HeaderMap, most: usize) -> Result<(), Error> {
    let size: usize = fields.iter().map(|(n, v)| n.as_str().len() + v.len() + 4).sum();
    if size > most { Err(Error::TooLarge(Excess::Fields(most))) } else { Ok(()) }
}

/// RFC 9112 §6.1: only `chunked` has been asked for, and only it has been taken off. With any other
/// transfer coding the content would not be what the site means. A name that is no coding at all
/// changes nothing of content that is handed on as it is.
fn check_framing(fields: &HeaderMap, manner: Manner) -> Result<(), Error> {
    let mut lines = fields.get_all(TRANSFER_ENCODING).iter().peekable();
    let codes = |line: &HeaderValue| {
        let mut names =
            line.as_bytes().split(|b| b",; ".contains(b)).map(<[u8]>::to_ascii_lowercase);
        names.any(|name| {
            matches!(&*name, b"gzip" | b"x-gzip" | b"deflate" | b"compress" | b"x-compress")
        })
    };
    let right = match lines.peek() {
        None => true,
        Some(one) if one.as_bytes().eq_ignore_ascii_case(b"chunked") => lines.count() == 1,
        Some(_) => manner != Manner::Decoded && !lines.any(codes),
    };
    right.then_some(()).ok_or(Error::Malformed("it has a transfer coding that was not asked for"))
}

/// RFC 9110 §10.2.3: an HTTP-date or a number of seconds.
fn retry_after(fields: &HeaderMap, wall: SystemTime) -> Option<Duration> {
    let text = fields.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(wall).ok(),
    }
}
