//! One probe's way to its portal: requests counted, time bounded, content cut. What is asked and
//! what an answer means is decided elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::time::Instant;
use url::Url;

use crate::clock::Clock;
use crate::upstream::{Clients, Error, Fetch, Limits, Manner, Phase, Site, SiteRules};

use super::Options;

/// The most requests of one probe: 90, that is at most 64 to find the software and some twenty to
/// look at it. Over it, what is left is reported as not asked.
pub const REQUESTS: usize = 90;

/// The longest that one probe takes: a minute and a half, which a portal that answers every question
/// in a second needs. Over it, what is left is reported as not asked.
pub const TOTAL_TIME: Duration = Duration::from_secs(90);

/// Requests to one portal at once: 4, fewer than a browser opens.
pub(super) const AT_ONCE: usize = 4;

/// The most that is read of one answer: 1 MiB, a page of a CKAN search with room. The rest is left
/// unread, and the answer counts as cut.
const ANSWER_BYTES: usize = 1 << 20;

/// What asks.
#[derive(Debug)]
pub(super) struct Asker {
    site: Site,
    limits: Limits,
    answer_time: Duration,
    until: Instant,
    asked: AtomicUsize,
    clock: Arc<dyn Clock>,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub status: u16,
    pub fields: HeaderMap,
    pub body: Bytes,
    /// Whether the body is all there, and not cut.
    pub whole: bool,
    /// From asking to the last byte that was read.
    pub took: Duration,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    Upstream(Error),
    Slow(Duration),
    OutOfTime,
    OutOfRequests,
}

impl Asker {
    pub(super) fn new(
        url: &Url,
        options: &Options,
        clients: &Clients,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let limits = Limits {
            connect_time: options.answer_time.min(Limits::default().connect_time),
            first_byte_time: options.answer_time,
            idle_time: options.answer_time,
            concurrency: AT_ONCE,
            // Each failure is to be told as it is, and not as the suspension that follows it.
            failures: 0,
            ..Limits::default()
        };
        let rules = SiteRules {
            base: url.clone(),
            downloads: Vec::new(),
            any_download: false,
            allow_cidr: options.allow_cidr.clone(),
        };
        Self {
            site: Site::new(clients, rules, &limits, Arc::clone(&clock)),
            limits,
            answer_time: options.answer_time,
            until: Instant::now() + TOTAL_TIME,
            asked: AtomicUsize::new(0),
            clock,
        }
    }

    /// Requests so far.
    pub(super) fn requests(&self) -> usize {
        self.asked.load(Ordering::Relaxed).min(REQUESTS)
    }

    /// Asks by GET, as a program does: redirects are followed, codings taken off.
    pub(super) async fn get(&self, url: &Url) -> Result<Answer, Failure> {
        self.ask(Method::GET, url, HeaderMap::new(), Manner::Lenient).await
    }

    /// Asks once.
    pub(super) async fn ask(
        &self,
        method: Method,
        url: &Url,
        fields: HeaderMap,
        manner: Manner,
    ) -> Result<Answer, Failure> {
        if self.asked.fetch_add(1, Ordering::Relaxed) >= REQUESTS {
            return Err(Failure::OutOfRequests);
        }
        let own = Instant::now() + self.answer_time;
        let fetch = Fetch {
            method,
            url: url.clone(),
            fields,
            own: HeaderMap::new(),
            content: None,
            manner,
            most: 2 * ANSWER_BYTES as u64,
            limits: self.limits.clone(),
        };
        match tokio::time::timeout_at(own.min(self.until), self.fetch(&fetch)).await {
            Ok(answer) => answer.map_err(Failure::Upstream),
            Err(_) if own < self.until => Err(Failure::Slow(self.answer_time)),
            Err(_) => Err(Failure::OutOfTime),
        }
    }

    async fn fetch(&self, fetch: &Fetch) -> Result<Answer, Error> {
        let turn = self.site.turn().await?;
        let start = self.clock.now();
        let response = self.site.fetch(fetch, turn).await?;
        let (status, fields) = (response.status.as_u16(), response.fields);
        let (mut body, mut whole) = (BytesMut::new(), true);
        let pieces = response.body.into_stream(u64::MAX, self.site.stream_turn()?);
        let mut pieces = std::pin::pin!(pieces);
        while let Some(piece) = pieces.next().await.transpose()? {
            body.extend_from_slice(&piece);
            if body.len() > ANSWER_BYTES {
                body.truncate(ANSWER_BYTES);
                whole = false;
                break;
            }
        }
        let took = self.clock.now().saturating_duration_since(start);
        Ok(Answer { status, fields, body: body.freeze(), whole, took })
    }
}

impl Answer {
    /// A field's value, if it is text.
    pub(super) fn field(&self, name: &HeaderName) -> Option<&str> {
        self.fields.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Failure {
    /// Whether it means that nobody is there, and not that this one question went wrong.
    pub(super) const fn is_of_the_host(&self) -> bool {
        matches!(
            self,
            Self::Upstream(
                Error::Unresolvable
                    | Error::Unreachable(_)
                    | Error::AddressProhibited
                    | Error::Timeout { phase: Phase::Connect, .. }
            )
        )
    }

    /// Whether it means that nothing came.
    pub(super) const fn is_silence(&self) -> bool {
        self.is_of_the_host()
            || matches!(self, Self::Slow(_) | Self::Upstream(Error::Timeout { .. }))
    }

    /// Whether the purse is empty.
    pub(super) const fn is_the_end(&self) -> bool {
        matches!(self, Self::OutOfTime | Self::OutOfRequests)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Slow(after)
            | Self::Upstream(Error::Timeout {
                phase: Phase::FirstByte | Phase::Idle | Phase::Total,
                after,
            }) => {
                write!(f, "no answer within {} s; --timeout gives it more", after.as_secs())
            }
            Self::OutOfTime => write!(f, "the probe's {} s were over", TOTAL_TIME.as_secs()),
            Self::OutOfRequests => write!(f, "the probe's {REQUESTS} requests were spent"),
            Self::Upstream(error) => f.write_str(match error {
                Error::AddressProhibited => {
                    "its address is not a public one; if you mean it, allow it by --allow-cidr or in \
                     the entry"
                }
                Error::Unresolvable => "its name has no address; is it spelt right?",
                Error::Timeout { .. } => "no connection within the time; is the port right?",
                Error::TooLarge(_) => "the answer is larger than a probe reads",
                Error::Redirect { .. } => "it redirects to another host, or without a target",
                Error::Suspended(_) | Error::Exhausted | Error::Busy => "too much was asked at once",
                Error::Unreachable(why) | Error::Malformed(why) => why,
                Error::Closed => "the connection was closed before the answer began",
                Error::Incomplete => "the answer broke off",
                Error::Coding => "the answer has a content coding that is unknown or broken",
            }),
        }
    }
}

/// Fields of a request.
pub(super) fn fields<const N: usize>(pairs: [(HeaderName, HeaderValue); N]) -> HeaderMap {
    pairs.into_iter().collect()
}
