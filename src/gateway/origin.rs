//! From a portal's response to one that may be kept: the way the cache fetches. Redirects, limits
//! and codings are dealt with below; what remains is what the portal said.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use http::header::{CONTENT_LENGTH, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use http::{HeaderMap, Method, StatusCode};

use crate::cache::{Content, Fetched, Origin, Passing, Validators, Whole};
use crate::jsonp;
use crate::portal::{Form, Portal, Target, Terms};
use crate::upstream::{self, Fetch, Phase, Read, Response, Site, Turn};

use super::error::{Limit, PortalFailure};
use super::{Error, fields, provenance};

/// Content over this is checked and hashed on a thread of its own, so that a 32 MiB answer does
/// not hold up every other request for tens of milliseconds.
const INLINE_WORK: usize = 256 << 10;

/// What may stand around a payload and be kept with it: a callback, blanks, a licence.
const SLACK: usize = 4096;

/// At most so many characters of what a portal said are told.
const FOUND: usize = 32;

/// RFC 6585 §4 and RFC 9110 §15.6.4: answers that ask to come back later.
const COME_BACK_LATER: [u16; 2] = [429, 503];

/// The way to one target.
#[derive(Debug)]
pub(super) struct PortalOrigin {
    pub portal: Arc<Portal>,
    pub site: Arc<Site>,
    pub terms: Arc<Terms>,
    pub method: Method,
    pub target: Target,
    pub buffer: usize,
}

impl Origin for PortalOrigin {
    type Error = Error;

    fn fetch(
        &self,
        validators: Option<&Validators>,
    ) -> impl Future<Output = Result<Fetched, Error>> + Send + 'static {
        let errand = Errand {
            portal: Arc::clone(&self.portal),
            site: Arc::clone(&self.site),
            terms: Arc::clone(&self.terms),
            head: self.method == Method::HEAD && self.target.form == Form::File,
            target: self.target.clone(),
            validators: validators.cloned(),
            buffer: self.buffer,
        };
        errand.run()
    }
}

/// One fetch, owning what it needs.
struct Errand {
    portal: Arc<Portal>,
    site: Arc<Site>,
    terms: Arc<Terms>,
    head: bool,
    target: Target,
    validators: Option<Validators>,
    buffer: usize,
}

impl Errand {
    async fn run(self) -> Result<Fetched, Error> {
        let after = self.terms.limits.total_time;
        let result = match self.site.turn(after).await {
            Err(error) => Err(error.into()),
            Ok(turn) if self.target.form == Form::File => self.file(turn).await,
            Ok(turn) => match tokio::time::timeout(after, self.json(turn)).await {
                Ok(result) => result,
                Err(_) => self.noting(Err(upstream::Error::Timeout { phase: Phase::Total, after })),
            },
        };
        if let Err(error) = &result {
            let portal = self.portal.id.as_str();
            tracing::warn!(portal, path = self.target.url.path(), kind = error.kind(), %error,
                "the portal's answer cannot be handed on");
        }
        result
    }

    async fn fetch(&self, turn: Turn, most: u64) -> Result<Response, Error> {
        let mut fields = HeaderMap::new();
        if let Some(validators) = &self.validators {
            // RFC 9111 §4.3.1: validators of the stored response make the request conditional.
            for (name, value) in
                [(IF_NONE_MATCH, &validators.etag), (IF_MODIFIED_SINCE, &validators.last_modified)]
            {
                if let Some(value) = value {
                    fields.insert(name, value.clone());
                }
            }
        }
        let fetch = Fetch {
            method: if self.head { Method::HEAD } else { Method::GET },
            url: self.target.url.clone(),
            fields,
            most,
            limits: self.terms.limits.clone(),
        };
        Ok(self.site.fetch(&fetch, turn).await?)
    }

    /// Fetches JSON, in its padding or bare.
    async fn json(&self, turn: Turn) -> Result<Fetched, Error> {
        let longest = self.terms.limits.json_bytes;
        let response = self.fetch(turn, longest as u64).await?;
        let status = response.status;
        if status == StatusCode::NOT_MODIFIED && self.validators.is_some() {
            self.site.note_success(status);
            return Ok(Fetched::NotModified(response.fields));
        }
        let error = status.is_client_error() || status.is_server_error();
        if !error && !matches!(status.as_u16(), 200 | 203) {
            return Err(failed(status, PortalFailure::Status, None));
        }
        let upstream_fields = response.fields;
        let content = self.noting(response.body.read(longest).await)?;
        self.site.note_success(status);
        let (portal, wait) = (Arc::clone(&self.portal), self.site.retry_after());
        let (form, url) = (self.target.form, self.target.url.clone());
        let size = content.len();
        let work = move || {
            let json = unwrapped(&content, form, &portal, longest)
                .map_err(|why| refusal(status, wait, &content, &why))?;
            let mut fields = fields::of_json(&upstream_fields, &portal, &url);
            provenance::add_digest(&mut fields, &json);
            let validators = Validators::of(&upstream_fields);
            Ok(Fetched::Whole(Whole { status, fields, content: json, validators }))
        };
        off_the_runtime(work, size).await
    }

    /// Fetches a file: kept whole if it is short, passed through if it is long or slow.
    async fn file(&self, turn: Turn) -> Result<Fetched, Error> {
        let limit = self.terms.limits.file_bytes;
        let response = self.fetch(turn, limit).await?;
        let (status, mut upstream_fields) = (response.status, response.fields);
        self.site.note_success(status);
        if status == StatusCode::NOT_MODIFIED && self.validators.is_some() {
            return Ok(Fetched::NotModified(upstream_fields));
        }
        if !fields::may_pass(status) {
            return Err(failed(status, PortalFailure::Status, None));
        }
        let validators = Validators::of(&upstream_fields);
        let body = response.body;
        if body.was_coded() {
            // RFC 9110 §8.8.1: a strong validator is one coding's alone, and so is a length.
            upstream_fields.remove(ETAG);
            upstream_fields.remove(CONTENT_LENGTH);
        }
        let mut fields = fields::of_file(&upstream_fields, &self.portal, &self.target.url);
        if self.head {
            fields::copy(&upstream_fields, &mut fields, &[CONTENT_LENGTH]);
            // Not an empty buffer, whose length would be told as the file's.
            let content = Content::Stream(Box::pin(futures_util::stream::empty()), None);
            return Ok(Fetched::Passing(Passing { status, fields, content }));
        }
        if body.length().is_some_and(|announced| announced > limit) {
            return Err(Error::ResponseTooLarge(Limit::Content(limit)));
        }
        match self
            .noting(body.read_up_to(self.buffer, Some(self.terms.limits.buffer_time)).await)?
        {
            Read::All(content) => {
                provenance::add_digest(&mut fields, &content);
                Ok(Fetched::Whole(Whole { status, fields, content, validators }))
            }
            Read::More(body) => {
                let length = body.length();
                let turn = self.site.stream_turn()?;
                let stream = body.into_stream(limit, turn).map_err(Into::into);
                let content = Content::Stream(Box::pin(stream), length);
                Ok(Fetched::Passing(Passing { status, fields, content }))
            }
        }
    }

    /// Content that breaks off is the site's failure, which only its reader sees.
    fn noting<T>(&self, result: Result<T, upstream::Error>) -> Result<T, Error> {
        result.map_err(|error| {
            self.site.note_error(&error);
            error.into()
        })
    }
}

/// Takes the JSON out of what the portal sent. The bytes are the portal's own, never re-written.
fn unwrapped(
    content: &Bytes,
    form: Form,
    portal: &Portal,
    bytes: usize,
) -> Result<Bytes, jsonp::Error> {
    let limits = jsonp::Limits { bytes, ..jsonp::Limits::default() };
    let payload = match form {
        Form::Padded => jsonp::unwrap(content, &portal.callback, &limits)?,
        Form::Json | Form::File => jsonp::validate(content, &limits)?,
    };
    let blanks = content.len() - payload.range.len();
    Ok(if blanks > SLACK {
        // A slice would keep all that was around it for as long as it is stored.
        Bytes::copy_from_slice(&content[payload.range])
    } else {
        content.slice(payload.range)
    })
}

/// What it means that the content is no JSON.
fn refusal(status: StatusCode, wait: Duration, content: &[u8], why: &jsonp::Error) -> Error {
    if COME_BACK_LATER.contains(&status.as_u16()) {
        return Error::PortalSuspended { retry_after: wait, status: Some(status.as_u16()) };
    }
    if status.is_client_error() || status.is_server_error() {
        return failed(status, PortalFailure::NotJson, Some(excerpt(content)));
    }
    match why.reason() {
        jsonp::Reason::Truncated => Error::ResponseIncomplete { offset: Some(why.offset()) },
        reason => Error::NotJsonp {
            status: status.as_u16(),
            reason: reason.name(),
            sentence: why.sentence(),
            offset: why.offset(),
            found: excerpt(content.get(why.offset()..).unwrap_or_default()),
        },
    }
}

fn failed(status: StatusCode, why: PortalFailure, found: Option<String>) -> Error {
    Error::PortalFailed { status: Some(status.as_u16()), why, found }
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
