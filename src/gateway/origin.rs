//! From a portal's response to one that may be kept: the way the cache fetches. Redirects, limits
//! and codings are dealt with below; what remains is what the portal said.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use http::{HeaderMap, Method, StatusCode};
use ring::digest;
use tokio::time::Instant;

use crate::cache::{Arrival, Content, Head, Origin, Validators};
use crate::jsonp;
use crate::portal::{Form, Portal, Target, Terms};
use crate::upstream::{self, Body, Fetch, Manner, Phase, Read, Response, Site, Turn};

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
#[derive(Debug, Clone)]
pub(super) struct PortalOrigin {
    pub portal: Arc<Portal>,
    pub site: Arc<Site>,
    pub terms: Arc<Terms>,
    pub method: Method,
    pub target: Target,
    /// The request's fields that are forwarded.
    pub fields: Arc<HeaderMap>,
    /// The request's fields that ask for a part of the response.
    pub range: HeaderMap,
    /// The request's content.
    pub content: Option<Bytes>,
    pub buffer: usize,
}

impl Origin for PortalOrigin {
    type Error = Error;

    fn fetch(
        &self,
        validators: Option<&Validators>,
        whole: bool,
    ) -> impl Future<Output = Result<Arrival<Error>, Error>> + Send + 'static {
        let way = self.clone();
        Arc::new(Errand { way, validators: validators.cloned(), whole }).run()
    }
}

/// One fetch, owning what it needs.
struct Errand {
    way: PortalOrigin,
    validators: Option<Validators>,
    whole: bool,
}

impl Errand {
    async fn run(self: Arc<Self>) -> Result<Arrival<Error>, Error> {
        let after = self.way.terms.limits.total_time;
        let arrived = match self.way.site.turn(after).await {
            Err(error) => Err(error.into()),
            Ok(turn) => match self.way.target.form {
                Form::File | Form::Raw => self.file(turn).await,
                Form::Padded | Form::Json => {
                    let until = Instant::now() + after;
                    self.before(until, self.json(turn, until)).await
                }
            },
        };
        self.telling(arrived)
    }

    async fn fetch(&self, turn: Turn, most: u64) -> Result<Response, Error> {
        let (way, form) = (&self.way, self.way.target.form);
        let mut fields = HeaderMap::clone(&way.fields);
        if let Some(validators) = &self.validators {
            // RFC 9111 §4.3.1: validators of the stored response make the request conditional.
            for (name, value) in
                [(IF_NONE_MATCH, &validators.etag), (IF_MODIFIED_SINCE, &validators.last_modified)]
            {
                if let Some(value) = value {
                    fields.insert(name, value.clone());
                }
            }
        } else if !self.whole {
            fields.extend(way.range.clone());
        }
        let is_message = matches!(form, Form::File | Form::Raw);
        let method = if self.whole || !is_message { Method::GET } else { way.method.clone() };
        let fetch = Fetch {
            method,
            url: way.target.url(),
            fields,
            content: way.content.clone(),
            manner: match form {
                Form::Padded | Form::Json => Manner::Decoded,
                Form::File => Manner::Lenient,
                Form::Raw => Manner::Raw,
            },
            most,
            limits: way.terms.limits.clone(),
        };
        Ok(way.site.fetch(&fetch, turn).await?)
    }

    /// Fetches JSON, in its padding or bare.
    async fn json(self: &Arc<Self>, turn: Turn, until: Instant) -> Result<Arrival<Error>, Error> {
        let way = &self.way;
        let longest = way.terms.limits.json_bytes;
        let response = self.fetch(turn, longest as u64).await?;
        let status = response.status;
        let fields = fields::of_json(&response.fields, &way.portal, &way.target.url());
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
            let json = errand.before(until, errand.payload(status, response.body)).await;
            let json = errand.telling(json)?;
            let mut fields = fields;
            provenance::add_digest(&mut fields, json.digest.as_ref());
            Ok((fields, Content::Buffer(json.content)))
        };
        Ok(Arrival::Response(head, Box::pin(rest)))
    }

    /// Reads the content and takes the JSON out of it.
    async fn payload(&self, status: StatusCode, body: Body) -> Result<Digested, Error> {
        let way = &self.way;
        let longest = way.terms.limits.json_bytes;
        let content = self.noting(body.read(longest).await)?;
        way.site.note_success(status);
        let (portal, wait) = (Arc::clone(&way.portal), way.site.retry_after());
        let (form, size) = (way.target.form, content.len());
        let work = move || {
            let json = unwrapped(&content, form, &portal, longest)
                .map_err(|why| refusal(status, wait, &content, &why))?;
            Ok(Digested::of(json))
        };
        off_the_runtime(work, size).await
    }

    /// Fetches a file: kept whole if it is short, passed through if it is long or slow.
    async fn file(self: &Arc<Self>, turn: Turn) -> Result<Arrival<Error>, Error> {
        let way = &self.way;
        let limit = way.terms.limits.file_bytes;
        let response = self.fetch(turn, limit).await?;
        let (status, mut received) = (response.status, response.fields);
        way.site.note_success(status);
        let confirms = status == StatusCode::NOT_MODIFIED && self.validators.is_some();
        let validators = Validators::of(&received);
        let body = response.body;
        let length = received.get(CONTENT_LENGTH).cloned();
        if body.was_coded() {
            // RFC 9110 §8.8.1: a strong validator is one coding's alone, and so is a length.
            for name in [ETAG, CONTENT_LENGTH, CONTENT_ENCODING] {
                received.remove(name);
            }
        }
        let mut fields = match way.target.form {
            Form::Raw => fields::end_to_end(&received),
            _ => fields::of_file(&received, &way.portal, &way.target.url()),
        };
        fields.remove(CONTENT_LENGTH);
        if confirms {
            return Ok(Arrival::NotModified(fields));
        }
        if way.target.form == Form::File && !fields::may_pass(status, !way.range.is_empty()) {
            return Err(failed(status, PortalFailure::Status, None));
        }
        let head = Head { status, fields: fields.clone(), validators };
        if way.method == Method::HEAD && !self.whole {
            if let (Some(length), false) = (length, body.was_coded()) {
                fields.insert(CONTENT_LENGTH, length);
            }
            // Not an empty buffer, whose length would be told as the file's.
            let content = Content::Stream(Box::pin(futures_util::stream::empty()), None);
            let rest = std::future::ready(Ok((fields, content)));
            return Ok(Arrival::Response(head, Box::pin(rest)));
        }
        if body.length().is_some_and(|announced| announced > limit) {
            return Err(Error::ResponseTooLarge(Limit::Content(limit)));
        }
        let errand = Arc::clone(self);
        let rest = async move { errand.telling(errand.bytes(status, fields, body).await) };
        Ok(Arrival::Response(head, Box::pin(rest)))
    }

    /// Reads a file, as far as it is kept whole.
    async fn bytes(
        &self,
        status: StatusCode,
        mut fields: HeaderMap,
        body: Body,
    ) -> Result<(HeaderMap, Content), Error> {
        let way = &self.way;
        let limits = &way.terms.limits;
        let read = body.read_up_to(way.buffer, Some(limits.buffer_time)).await;
        match self.noting(read)? {
            Read::All(content) => {
                if way.target.form == Form::File && status != StatusCode::PARTIAL_CONTENT {
                    let digested = Digested::of(content.clone());
                    provenance::add_digest(&mut fields, digested.digest.as_ref());
                }
                Ok((fields, Content::Buffer(content)))
            }
            Read::More(body) => {
                let length = body.length();
                let turn = way.site.stream_turn()?;
                let stream = body.into_stream(limits.file_bytes, turn).map_err(Into::into);
                Ok((fields, Content::Stream(Box::pin(stream), length)))
            }
        }
    }

    /// What is done by a deadline.
    async fn before<T>(
        &self,
        until: Instant,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let after = self.way.terms.limits.total_time;
        match tokio::time::timeout_at(until, work).await {
            Ok(result) => result,
            Err(_) => self.noting(Err(upstream::Error::Timeout { phase: Phase::Total, after })),
        }
    }

    /// Content that breaks off is the site's failure, which only its reader sees.
    fn noting<T>(&self, result: Result<T, upstream::Error>) -> Result<T, Error> {
        result.map_err(|error| {
            self.way.site.note_error(&error);
            error.into()
        })
    }

    /// Tells the log of an answer that cannot be handed on.
    fn telling<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            let (portal, url) = (self.way.portal.id.as_str(), self.way.target.url());
            tracing::warn!(portal, path = url.path(), kind = error.kind(), %error,
                "the portal's answer cannot be handed on");
        }
        result
    }
}

/// Content with its SHA-256.
struct Digested {
    content: Bytes,
    digest: digest::Digest,
}

impl Digested {
    fn of(content: Bytes) -> Self {
        let digest = digest::digest(&digest::SHA256, &content);
        Self { content, digest }
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
    let shape = jsonp::Shape::default();
    let payload = match form {
        Form::Padded => jsonp::unwrap(content, &portal.callback, &shape, &limits)?,
        Form::Json | Form::File | Form::Raw => jsonp::validate(content, &shape, &limits)?,
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
