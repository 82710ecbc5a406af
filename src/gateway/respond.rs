//! From what the cache gives to what one client is sent: age, coding, parts and conditions. It asks
//! nobody.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, ACCEPT_RANGES, AGE, CONTENT_ENCODING, ETAG, RANGE, VARY};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::cache::{Answer, Cache, Content, Passing, Reply, StoredResponse, accepted, coding};
use crate::portal::Form;

use super::select::{Selected, has_current, select};
use super::{Error, Request, Response, provenance};

/// Room for the fields that are added to stored ones, here and by the server.
const ADDED: usize = 12;

const BYTES: HeaderValue = HeaderValue::from_static("bytes");

/// The answer to one request; `None` if the stored content has been lost.
pub(super) async fn respond(
    cache: &Arc<Cache<Error>>,
    reply: Reply,
    form: Form,
    request: &Request<'_>,
    now: Instant,
) -> Option<Response> {
    let account = reply.status;
    let (status, mut fields, source) = match reply.answer {
        Answer::Passing(Passing { status, fields, content }) => {
            (status, fields, Source::Passing(content))
        }
        Answer::Stored(stored) => {
            let mut fields = stored.fields.to_map(ADDED);
            let age = stored.age(now).as_secs();
            // RFC 9111 §5.1: Age implies that the response was not generated for this request.
            if account.forward.is_none() || age > 0 {
                fields.insert(AGE, HeaderValue::from(age));
            }
            if form == Form::File && stored.status == StatusCode::OK && stored.length().is_some() {
                fields.insert(ACCEPT_RANGES, BYTES);
                if let Some(sha256) = stored.sha256() {
                    provenance::add_digest(&mut fields, sha256);
                }
            }
            let variant = negotiate(cache, &stored, request, &mut fields);
            let source = variant.map_or(Source::Stored(Arc::clone(&stored)), Source::Variant);
            (stored.status, fields, source)
        }
    };
    let selected = if status == StatusCode::OK {
        select(request.method, request.fields, &fields, source.length())
    } else {
        Selected::Whole
    };
    let selected = match (&source, selected) {
        // A stream cannot be cut, and a part of it that the portal sent is its own answer.
        (
            Source::Passing(Content::Stream(..)),
            Selected::Part { .. } | Selected::Unsatisfiable { .. },
        ) => Selected::Whole,
        (_, selected) => selected,
    };
    let status = if selected == Selected::Whole { status } else { selected.head(&mut fields) };
    let content = match selected {
        Selected::NotModified | Selected::Unsatisfiable { .. } => Content::Buffer(Bytes::new()),
        // Nobody reads a file for the sake of its length.
        Selected::Whole if *request.method == Method::HEAD => source.empty(),
        Selected::Whole => source.content(None).await?,
        Selected::Part { range, .. } => source.content(Some(range)).await?,
    };
    Some(Response { status, fields, content, cache: account, terms: None, portal_time: None })
}

/// Where the content comes from.
enum Source {
    Passing(Content),
    Stored(Arc<StoredResponse>),
    Variant(Bytes),
}

impl Source {
    fn length(&self) -> Option<u64> {
        match self {
            Self::Passing(content) => content.length(),
            Self::Stored(stored) => stored.length(),
            Self::Variant(bytes) => Some(bytes.len() as u64),
        }
    }

    async fn content(self, part: Option<std::ops::Range<u64>>) -> Option<Content> {
        match self {
            Self::Passing(content) => Some(content.part(part)),
            Self::Stored(stored) => stored.content(part).await,
            Self::Variant(bytes) => Some(Content::Buffer(bytes).part(part)),
        }
    }

    /// No content, with the length that there would be.
    fn empty(self) -> Content {
        match self {
            Self::Passing(content) => content,
            Self::Stored(_) | Self::Variant(_) => {
                let length = self.length();
                Content::Stream(Box::pin(futures_util::stream::empty()), length)
            }
        }
    }
}

/// RFC 9110 §12.5.3: the variant that the request prefers, if it has been made; the fields then say
/// so, and in any case that the answer depends on it, where it does.
fn negotiate(
    cache: &Arc<Cache<Error>>,
    stored: &Arc<StoredResponse>,
    request: &Request<'_>,
    fields: &mut HeaderMap,
) -> Option<Bytes> {
    if !stored.is_negotiated() {
        return None;
    }
    fields.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    // A part is always one of the content as it is, so that parts fetched with other preferences
    // fit together.
    if request.fields.contains_key(RANGE) || !request.fields.contains_key(ACCEPT_ENCODING) {
        return None;
    }
    // Who has the content as it is has no use for it in another coding.
    if has_current(request.fields, fields) {
        return None;
    }
    let (coding, bytes) = cache.variant(stored, &accepted(request.fields))?;
    let etag = fields.remove(ETAG).and_then(|etag| coding::etag(&etag, coding));
    if let Some(etag) = etag {
        fields.insert(ETAG, etag);
    }
    fields.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    provenance::remove_digest(fields);
    Some(bytes)
}
