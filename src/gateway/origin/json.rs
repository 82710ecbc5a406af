//! JSON out of what the portal sent: asked for with a callback or without, transcoded, taken out of
//! its padding, checked, and read for a failure that it tells of.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use crate::cache::{Arrival, Content, Head, Received, Validators};
use crate::jsonp;
use crate::portal::{Ask, Portal};
use crate::upstream::{Body, Turn};

use super::super::error::{Limit, PortalFailure};
use super::super::web_page::WebPage;
use super::super::{Error, fields, provenance};
use super::in_band::tells_of_failure;
use super::{Digested, Errand, charset, failed};

/// Content over this is checked and hashed on a thread of its own, so that a 32 MiB answer does
/// not hold up every other request for tens of milliseconds.
const INLINE_WORK: usize = 256 << 10;

/// What may stand around a payload and be kept with it: a callback, blanks, a licence.
const SLACK: usize = 4096;

/// At most so many characters of what a portal said are told.
const FOUND: usize = 32;

/// RFC 6585 §4 and RFC 9110 §15.6.4: answers that ask to come back later.
const COME_BACK_LATER: [u16; 2] = [429, 503];

/// JSON as it is handed on.
struct Taken {
    json: Digested,
    /// The charset that it came in, if not UTF-8.
    charset: Option<&'static str>,
    /// How many values that are not JSON were replaced by `null`.
    non_finite: usize,
    status: Option<StatusCode>,
    failed: bool,
}

impl Errand {
    /// Fetches JSON, in its padding or bare.
    pub(super) async fn json(
        self: &Arc<Self>,
        turn: Turn,
        until: Instant,
    ) -> Result<Arrival<Error>, Error> {
        let way = &self.way;
        match way.portal.asking.way {
            Ask::Auto if way.target.padded().is_some() => self.either(turn, until).await,
            Ask::Auto | Ask::Jsonp | Ask::Json => self.one(turn, until, true).await,
        }
    }

    /// Asks for JSON, and for JSONP where none comes; or the other way round, where only that worked
    /// lately. Nothing is known before the content is.
    async fn either(self: &Arc<Self>, turn: Turn, until: Instant) -> Result<Arrival<Error>, Error> {
        let padded = self.way.ways.only_padded();
        let first = self.whole(turn, until, padded).await;
        if !matches!(first, Err(Error::NotJsonp { .. } | Error::PortalFailed { .. })) {
            return first;
        }
        let turn = self.way.site.turn().await?;
        let second = self.whole(turn, until, !padded).await;
        if second.is_err() {
            return first;
        }
        self.way.ways.note(!padded);
        second
    }

    /// One way of asking, to its end.
    async fn whole(
        self: &Arc<Self>,
        turn: Turn,
        until: Instant,
        padded: bool,
    ) -> Result<Arrival<Error>, Error> {
        match self.one(turn, until, padded).await? {
            Arrival::Response(head, rest) => {
                let received = rest.await?;
                Ok(Arrival::Response(head, Box::pin(std::future::ready(Ok(received)))))
            }
            confirmed @ Arrival::NotModified(_) => Ok(confirmed),
        }
    }

    /// One way of asking: `padded` where the target can be asked for so.
    async fn one(
        self: &Arc<Self>,
        turn: Turn,
        until: Instant,
        padded: bool,
    ) -> Result<Arrival<Error>, Error> {
        let way = &self.way;
        let longest = way.terms.limits.json_bytes;
        let (plain, padded) = (way.target.url(), way.target.padded().filter(|_| padded));
        let is_padded = padded.is_some();
        let response = self.fetch(turn, padded.unwrap_or_else(|| plain.clone()), longest as u64);
        let response = response.await?;
        let status = response.status;
        let fields = fields::of_json(&response.fields, &way.portal, &plain);
        if status == StatusCode::NOT_MODIFIED && self.validators.is_some() {
            way.site.note_success(status);
            return Ok(Arrival::NotModified(fields));
        }
        let error = status.is_client_error() || status.is_server_error();
        if !error && !matches!(status.as_u16(), 200 | 203) {
            return Err(failed(status, PortalFailure::Status, None));
        }
        let validators = Validators::of(&response.fields);
        let head = Head { status, fields: fields.clone(), validators };
        let errand = Arc::clone(self);
        let rest = async move {
            let taken = errand.payload(status, &response.fields, response.body, is_padded);
            let taken = errand.before(until, taken).await;
            let taken = errand.telling(taken)?;
            let mut fields = fields;
            provenance::add_digest(&mut fields, taken.json.digest.as_ref());
            if taken.charset.is_some() || taken.non_finite > 0 {
                errand.tell_rewriting(&taken);
                provenance::add_rewritten(&mut fields, taken.charset, taken.non_finite);
            }
            let Taken { json, status, failed, .. } = taken;
            Ok(Received { status, failed, ..Received::new(fields, Content::Buffer(json.content)) })
        };
        Ok(Arrival::Response(head, Box::pin(rest)))
    }

    /// Tells the log that JSON is not the portal's own bytes.
    fn tell_rewriting(&self, taken: &Taken) {
        let (portal, url) = (self.way.portal.id.as_str(), self.way.target.url());
        let (charset, non_finite) = (taken.charset.unwrap_or("UTF-8"), taken.non_finite);
        tracing::info!(portal, path = url.path(), charset, non_finite, "rewrote the portal's JSON");
    }

    /// Reads the content and takes the JSON out of it.
    async fn payload(
        &self,
        status: StatusCode,
        received: &HeaderMap,
        body: Body,
        padded: bool,
    ) -> Result<Taken, Error> {
        let way = &self.way;
        let longest = way.terms.limits.json_bytes;
        let content = self.noting(body.read(longest).await)?;
        way.site.note_success(status);
        let received = received.clone();
        let (portal, wait) = (Arc::clone(&way.portal), way.site.retry_after());
        let size = content.len();
        let work = move || {
            let (content, charset) = charset::to_utf8(content, &received);
            if content.len() > longest {
                return Err(Error::ResponseTooLarge(Limit::Content(longest as u64)));
            }
            let taken = take(&content, padded, &portal, longest)
                .map_err(|why| refusal(status, wait, &content, &why))?;
            // An error that has a status of its own is judged by that.
            Ok(Taken { charset, failed: taken.failed && status.is_success(), ..taken })
        };
        off_the_runtime(work, size).await
    }
}

/// Takes the JSON out of what the portal sent. The bytes are the portal's own.
fn take(
    content: &Bytes,
    padded: bool,
    portal: &Portal,
    bytes: usize,
) -> Result<Taken, jsonp::Error> {
    let limits = jsonp::Limits { bytes, ..jsonp::Limits::default() };
    let shape = &portal.asking.shape;
    let payload = if padded {
        jsonp::unwrap(content, &portal.asking.callback, shape, &limits)?
    } else {
        jsonp::validate(content, shape, &limits)?
    };
    let blanks = content.len() - payload.range.len();
    let json = if payload.non_finite > 0 {
        Bytes::from(payload.json(content).into_owned())
    } else if blanks > SLACK {
        // A slice would keep all that was around it for as long as it is stored.
        Bytes::copy_from_slice(&content[payload.range])
    } else {
        content.slice(payload.range)
    };
    Ok(Taken {
        failed: tells_of_failure(portal.dialect.traits().in_band, &json),
        json: Digested::of(json),
        charset: None,
        non_finite: payload.non_finite,
        // Only an error is news: the JSON is there.
        status: payload
            .status
            .and_then(|status| StatusCode::from_u16(status).ok())
            .filter(|status| status.as_u16() >= 400),
    })
}

/// What it means that the content is no JSON.
fn refusal(status: StatusCode, wait: Duration, content: &[u8], why: &jsonp::Error) -> Error {
    if COME_BACK_LATER.contains(&status.as_u16()) {
        return Error::PortalSuspended { retry_after: wait, status: Some(status.as_u16()) };
    }
    let page = WebPage::of(content);
    if status.is_client_error() || status.is_server_error() {
        let why = page.map_or(PortalFailure::NotJson, PortalFailure::Page);
        return failed(status, why, Some(excerpt(content)));
    }
    match why.reason() {
        jsonp::Reason::Truncated => Error::ResponseIncomplete { offset: Some(why.offset()) },
        reason => Error::NotJsonp {
            status: status.as_u16(),
            reason: reason.name(),
            kind: why.kind().map(jsonp::Kind::name),
            sentence: page.map_or(why.sentence(), WebPage::sentence),
            offset: why.offset(),
            found: excerpt(content.get(why.offset()..).unwrap_or_default()),
        },
    }
}

/// The beginning of some bytes, escaped, in at most [`FOUND`] characters.
fn excerpt(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes.iter().take(FOUND) {
        let escaped = std::ascii::escape_default(*byte).to_string();
        if text.len() + escaped.len() > FOUND {
            break;
        }
        text.push_str(&escaped);
    }
    text
}

/// Runs long work on a thread where it holds nobody up.
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    size: usize,
) -> Result<T, Error> {
    if size < INLINE_WORK {
        return work();
    }
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Error::Internal))
}
