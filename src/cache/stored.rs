//! A stored response, and content on its way. A stored response does not decide about itself.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};
use http::header::{
    AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG,
    EXPIRES, LAST_MODIFIED,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::coded::Coded;
use super::disk::{Growing, Object, Pieces};
use super::freshness::{self, Authority, Lifetime, Policy};
use super::{CacheKey, Fields, Selecting};

/// Why content broke off.
pub type ContentError = Box<dyn std::error::Error + Send + Sync>;

/// Content that arrives piece by piece and is never held whole.
pub type ContentStream = Pin<Box<dyn Stream<Item = Result<Bytes, ContentError>> + Send>>;

/// The content of a message: a bounded buffer, or a stream never held whole.
pub enum Content {
    /// All of it.
    Buffer(Bytes),
    /// As it arrives, with its length if that is known beforehand.
    Stream(ContentStream, Option<u64>),
}

impl Content {
    /// The length in bytes, if known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Buffer(bytes) => Some(bytes.len() as u64),
            Self::Stream(_, length) => *length,
        }
    }

    fn of_pieces(pieces: Pieces, length: Option<u64>) -> Self {
        Self::Stream(Box::pin(pieces.map_err(ContentError::from)), length)
    }

    /// A part of a buffer that lies within it; a stream stays whole.
    #[must_use]
    pub fn part(self, part: Option<Range<u64>>) -> Self {
        match (self, part) {
            (Self::Buffer(bytes), Some(part)) => {
                let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                Self::Buffer(bytes.slice(index(part.start)..index(part.end)))
            }
            (content, _) => content,
        }
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content({:?} bytes)", self.length())
    }
}

/// The origin server's own validators, as it sent them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`.
    pub etag: Option<HeaderValue>,
    /// `Last-Modified`.
    pub last_modified: Option<HeaderValue>,
}

impl Validators {
    /// The validators of a response.
    #[must_use]
    pub fn of(fields: &HeaderMap) -> Self {
        let field = |name| fields.get(name).cloned();
        Self { etag: field(ETAG), last_modified: field(LAST_MODIFIED) }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }

    /// Out of the way of a hit, which does not read them; `None` if there are none.
    pub(super) fn aside(self) -> Option<Box<Self>> {
        (!self.is_empty()).then(|| Box::new(self))
    }
}

/// RFC 9111 §3.2: what a 304 does not update: Content-Length, and the fields that say how the
/// content that is stored has to be read.
const NOT_UPDATED: [HeaderName; 4] =
    [CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE];

/// A response that may be reused.
#[derive(Debug)]
pub struct StoredResponse {
    /// What it answers.
    pub key: CacheKey,
    /// The status.
    pub status: StatusCode,
    /// The fields to send.
    pub fields: Fields,
    /// The origin server's validators, if it sent any.
    pub(super) validators: Option<Box<Validators>>,
    /// The request fields that select it.
    pub selecting: Selecting,
    /// How long it may be reused.
    pub lifetime: Lifetime,
    /// When it was received or last confirmed.
    pub received: Instant,
    pub(super) content: Kept,
    /// The variants of the content, if it may be coded and that is worth it.
    pub(super) coded: Option<Arc<Coded>>,
}

/// Where the content of a stored response is.
#[derive(Debug, Clone)]
pub(super) enum Kept {
    /// In memory.
    Buffer(Bytes),
    /// In a file.
    Object(Arc<Object>),
    /// In a file that is being written, with its length if that is known beforehand.
    Growing(Growing, Option<u64>),
    /// Not here: only its length is told, in lists.
    Elsewhere(u64),
}

/// Content up to here, 4 KiB, is kept in one piece of memory with the values of its fields: a hit then
/// waits for memory once less. Longer content is not worth a copy.
const BESIDE: usize = 4 << 10;

/// The fields and the content of a response, in the memory they take.
pub(super) fn compact(fields: &HeaderMap, content: Kept) -> (Fields, Kept) {
    match content {
        Kept::Buffer(bytes) if bytes.len() <= BESIDE => {
            let (fields, bytes) = Fields::beside(fields, &bytes);
            (fields, Kept::Buffer(bytes))
        }
        content => (Fields::of(fields), content),
    }
}

impl StoredResponse {
    /// RFC 9111 §4.3.4: the stored response with the fields of a 304 that confirmed it; `None` if
    /// the 304 is about another response, or forbids to store this one any longer.
    pub(super) fn freshened(
        &self,
        policy: &Policy,
        authorized: bool,
        update: &HeaderMap,
        asked: Instant,
        wall: SystemTime,
    ) -> Option<Self> {
        let Validators { etag, last_modified } = Validators::of(update);
        let old = self.validators.as_deref().cloned().unwrap_or_default();
        if etag.as_ref().is_some_and(is_strong) && etag != old.etag {
            return None;
        }
        let mut fields = self.fields.to_map(update.len());
        // A 304 without a date is dated when it is received, like any response.
        fields.remove(DATE);
        if policy.authority == Authority::Registry {
            // What stands there is our own word; only the portal's counts for what follows.
            fields.remove(CACHE_CONTROL);
        }
        for name in update.keys().filter(|name| !NOT_UPDATED.contains(name)) {
            fields.remove(name);
            for value in update.get_all(name) {
                fields.append(name, value.clone());
            }
        }
        let validators = Validators {
            etag: etag.or(old.etag),
            last_modified: last_modified.or(old.last_modified),
        };
        let status = self.status;
        let lifetime = freshness::lifetime(policy, authorized, status, &fields, &validators, wall)?;
        announce(&mut fields, policy, &lifetime, wall);
        Some(Self {
            key: self.key.clone(),
            status,
            fields: Fields::of(&fields),
            validators: validators.aside(),
            selecting: self.selecting.clone(),
            lifetime,
            received: asked,
            content: self.content.clone(),
            coded: self.coded.clone(),
        })
    }

    /// The length of the content in bytes, if known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match &self.content {
            Kept::Buffer(bytes) => Some(bytes.len() as u64),
            Kept::Object(object) => Some(object.length()),
            Kept::Growing(_, length) => *length,
            Kept::Elsewhere(length) => Some(*length),
        }
    }

    /// The SHA-256 of content that is a file; of other content the fields say it.
    #[must_use]
    pub fn sha256(&self) -> Option<&[u8; 32]> {
        match &self.content {
            Kept::Object(object) => Some(object.sha256()),
            Kept::Buffer(_) | Kept::Growing(..) | Kept::Elsewhere(_) => None,
        }
    }

    /// The same response with its content elsewhere.
    pub(super) fn with(&self, content: Kept) -> Self {
        Self {
            key: self.key.clone(),
            status: self.status,
            fields: self.fields.clone(),
            validators: self.validators.clone(),
            selecting: self.selecting.clone(),
            lifetime: self.lifetime,
            received: self.received,
            content,
            coded: self.coded.clone(),
        }
    }

    /// The content or a part of it, to be sent; `None` if it has been lost meanwhile.
    pub async fn content(&self, part: Option<Range<u64>>) -> Option<Content> {
        match &self.content {
            Kept::Buffer(bytes) => Some(Content::Buffer(bytes.clone()).part(part)),
            Kept::Object(object) => {
                let range = part.unwrap_or(0..object.length());
                let length = range.end - range.start;
                // Boxed, so that a hit in memory need not make room for it.
                let pieces = Box::pin(object.open()).await?.stream(range);
                Some(Content::of_pieces(pieces, Some(length)))
            }
            Kept::Growing(growing, length) => {
                let length = part.as_ref().map(|part| part.end - part.start).or(*length);
                let pieces = growing.stream(part.unwrap_or(0..u64::MAX));
                Some(Content::of_pieces(pieces, length))
            }
            Kept::Elsewhere(_) => None,
        }
    }

    /// RFC 9111 §4.2.3: the current age.
    #[must_use]
    pub fn age(&self, now: Instant) -> Duration {
        self.lifetime.initial_age + self.resident(now)
    }

    /// The time since it was received or last confirmed.
    #[must_use]
    pub fn resident(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.received)
    }

    /// Seconds of freshness left; negative when stale (RFC 9211 §2.4).
    #[must_use]
    pub fn lifetime_left(&self, now: Instant) -> i64 {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        seconds(self.lifetime.fresh) - seconds(self.age(now))
    }

    /// What it weighs in memory, in bytes.
    pub(super) fn size(&self) -> usize {
        let content = match &self.content {
            Kept::Buffer(bytes) => bytes.len(),
            Kept::Object(_) | Kept::Growing(..) | Kept::Elsewhere(_) => 0,
        };
        let coded = self.coded.as_ref().map_or(0, |coded| coded.size());
        content + coded + self.fields.size() + self.key.text().len()
    }
}

fn is_strong(etag: &HeaderValue) -> bool {
    !etag.as_bytes().starts_with(b"W/")
}

/// Writes the fields that tell downstream caches the same as was decided here.
pub(super) fn announce(
    fields: &mut HeaderMap,
    policy: &Policy,
    lifetime: &Lifetime,
    wall: SystemTime,
) {
    let date = || {
        HeaderValue::try_from(httpdate::fmt_http_date(wall))
            .unwrap_or(HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"))
    };
    match policy.authority {
        Authority::Registry => {
            fields.insert(CACHE_CONTROL, freshness::cache_control(lifetime));
            // The registry counts freshness from retrieval, so that is when the message
            // originated (RFC 9110 §6.6.1).
            fields.insert(DATE, date());
            fields.remove(EXPIRES);
        }
        Authority::Origin => {
            // RFC 9110 §6.6.1: a recipient with a clock that receives a response message without
            // a Date header field MUST record the time it was received.
            fields.entry(DATE).or_insert_with(date);
        }
    }
    fields.remove(AGE);
}
