//! From a portal's response to one that may be kept: the way the cache fetches. Redirects, limits
//! and codings are dealt with below; what remains is what the portal said.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, DATE, ETAG,
    EXPIRES, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, RETRY_AFTER, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::cache::{Content, Fetched, Origin, Passing, Validators, Whole};
use crate::jsonp;
use crate::portal::{Form, Portal, Target, Terms};
use crate::upstream::{self, Fetch, Read, Response, Site};

use super::error::PortalFailure;
use super::{Error, provenance};

/// Content over this is checked and hashed on a thread of its own, so that a 32 MiB answer does
/// not hold up every other request for tens of milliseconds.
const INLINE_WORK: usize = 256 << 10;

/// At most so many characters of what a portal said are told.
const FOUND: usize = 32;

/// RFC 9110 §15.5.4 and RFC 6585 §4, §15.6.4: answers that ask to come back later.
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
        let result = if self.target.form == Form::File {
            self.file().await
        } else {
            let after = self.terms.limits.total_time;
            match tokio::time::timeout(after, self.json()).await {
                Ok(result) => result,
                Err(_) => {
                    let phase = upstream::Phase::Total;
                    let error = upstream::Error::Timeout { phase, after };
                    self.site.note_error(&error);
                    Err(error.into())
                }
            }
        };
        if let Err(error) = &result {
            let portal = self.portal.id.as_str();
            tracing::warn!(portal, path = self.target.url.path(), kind = error.kind(), %error,
                "the portal's answer cannot be handed on");
        }
        result
    }

    async fn fetch(&self) -> Result<Response, Error> {
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
            limits: self.terms.limits.clone(),
        };
        Ok(self.site.fetch(&fetch).await?)
    }

    /// Fetches JSON, in its padding or bare.
    async fn json(&self) -> Result<Fetched, Error> {
        let response = self.fetch().await?;
        let status = response.status;
        if status == StatusCode::NOT_MODIFIED && self.validators.is_some() {
            return Ok(Fetched::NotModified(response.fields));
        }
        let error = status.is_client_error() || status.is_server_error();
        if !error && !matches!(status.as_u16(), 200 | 203) {
            return Err(failed(status, PortalFailure::Status, None));
        }
        let upstream_fields = response.fields;
        let longest = self.terms.limits.json_bytes;
        let content = self.noting(response.body.read(longest).await)?;
        let (portal, wait) = (Arc::clone(&self.portal), self.site.retry_after());
        let (form, url) = (self.target.form, self.target.url.clone());
        let size = content.len();
        let work = move || {
            let json = unwrapped(&content, form, &portal, longest)
                .map_err(|why| refusal(status, wait, &content, &why))?;
            let mut fields = HeaderMap::new();
            fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            copy(&upstream_fields, &mut fields, &[CACHE_CONTROL, RETRY_AFTER, CONTENT_LANGUAGE]);
            forget_cookies(&upstream_fields, &mut fields);
            provenance::add_digest(&mut fields, &json);
            provenance::add_source(&mut fields, &portal, &url);
            let validators = Validators::of(&upstream_fields);
            Ok(Fetched::Whole(Whole { status, fields, content: json, validators }))
        };
        off_the_runtime(work, size).await
    }

    /// Fetches a file: kept whole if it is short, passed through if it is long.
    async fn file(&self) -> Result<Fetched, Error> {
        let after = self.terms.limits.total_time;
        let response = self.fetch().await?;
        let (status, mut upstream_fields) = (response.status, response.fields);
        if status == StatusCode::NOT_MODIFIED && self.validators.is_some() {
            return Ok(Fetched::NotModified(upstream_fields));
        }
        if !may_pass(status) {
            return Err(failed(status, PortalFailure::Status, None));
        }
        if response.body.was_coded() {
            // RFC 9110 §8.8.1: a strong validator is one coding's alone.
            upstream_fields.remove(ETAG);
        }
        let mut fields = self.file_fields(&upstream_fields);
        if self.head {
            copy(&upstream_fields, &mut fields, &[CONTENT_LENGTH]);
            let content = Content::Buffer(Bytes::new());
            return Ok(Fetched::Passing(Passing { status, fields, content }));
        }
        let read = tokio::time::timeout(after, response.body.read_up_to(self.buffer)).await;
        match read {
            Ok(read) => match self.noting(read)? {
                Read::All(content) => {
                    provenance::add_digest(&mut fields, &content);
                    let validators = Validators::of(&upstream_fields);
                    Ok(Fetched::Whole(Whole { status, fields, content, validators }))
                }
                Read::More(body) => {
                    let length = body.length();
                    let limit = self.terms.limits.file_bytes;
                    let stream = body.into_stream(limit).map_err(Into::into);
                    let content = Content::Stream(Box::pin(stream), length);
                    Ok(Fetched::Passing(Passing { status, fields, content }))
                }
            },
            Err(_) => Err(Error::PortalTimeout { after }),
        }
    }

    /// The fields of a file that are handed on.
    fn file_fields(&self, upstream: &HeaderMap) -> HeaderMap {
        let mut fields = HeaderMap::new();
        fields.insert(CONTENT_TYPE, media_type(upstream));
        let allowed = [
            CACHE_CONTROL,
            CONTENT_DISPOSITION,
            CONTENT_LANGUAGE,
            DATE,
            ETAG,
            EXPIRES,
            LAST_MODIFIED,
            RETRY_AFTER,
            http::header::AGE,
        ];
        copy(upstream, &mut fields, &allowed);
        forget_cookies(upstream, &mut fields);
        if is_active(&fields[CONTENT_TYPE]) {
            // What could run as a page of our origin is handed over as a download.
            fields.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
        }
        provenance::add_source(&mut fields, &self.portal, &self.target.url);
        fields
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
    Ok(content.slice(payload.range))
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

/// Statuses that a file's answer is handed on with. A 206 nobody asked for is not the file, a 304
/// nobody asked for is nothing, and what is below 200 or above 599 is not final HTTP.
fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200..=205 | 207..=303 | 305..=599)
}

fn copy(from: &HeaderMap, to: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        for value in from.get_all(name) {
            to.append(name.clone(), value.clone());
        }
    }
}

/// Keeps the part of `Vary` that matters here: `*`. No field of a client's request is forwarded,
/// so nothing else can make two clients' answers differ, and the client need not know.
fn forget_cookies(from: &HeaderMap, to: &mut HeaderMap) {
    let star = from.get_all(VARY).iter().any(|v| v.as_bytes().contains(&b'*'));
    if star {
        to.insert(VARY, HeaderValue::from_static("*"));
    }
}

/// The portal's media type if it is exactly one, well formed; else bytes of unknown kind.
fn media_type(fields: &HeaderMap) -> HeaderValue {
    let unknown = HeaderValue::from_static("application/octet-stream");
    let mut all = fields.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (all.next(), all.next()) else { return unknown };
    let Ok(text) = value.to_str() else { return unknown };
    let essence = text.split(';').next().unwrap_or(text).trim();
    let token = |t: &str| {
        !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    match essence.split_once('/') {
        Some((kind, subtype)) if token(kind) && token(subtype) && !text.contains(',') => {
            value.clone()
        }
        _ => unknown,
    }
}

/// Media types that a browser would run or render as a document of our origin.
fn is_active(media_type: &HeaderValue) -> bool {
    let text = media_type.to_str().unwrap_or_default().to_ascii_lowercase();
    let essence = text.split(';').next().unwrap_or_default().trim();
    matches!(
        essence,
        "text/html"
            | "application/xhtml+xml"
            | "image/svg+xml"
            | "application/javascript"
            | "text/javascript"
            | "application/pdf"
            | "application/x-shockwave-flash"
    ) || essence.ends_with("xml")
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
