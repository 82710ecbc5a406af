//! A stored response, and content on its way. A stored response does not decide about itself.

use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use futures_util::Stream;
use http::header::{AGE, CACHE_CONTROL, CONTENT_LANGUAGE, DATE, ETAG, EXPIRES, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::freshness::{self, Authority, Lifetime, Policy};
use super::{CacheKey, Passing, Whole};

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
}

/// A response that may be reused.
#[derive(Debug)]
pub struct StoredResponse {
    /// What it answers.
    pub key: CacheKey,
    /// The status.
    pub status: StatusCode,
    /// The fields to send.
    pub fields: HeaderMap,
    /// The origin server's validators.
    pub validators: Validators,
    /// How long it may be reused.
    pub lifetime: Lifetime,
    /// When it was received or last confirmed.
    pub received: Instant,
    content: Bytes,
}

impl StoredResponse {
    /// Makes a response storable, or hands it back as one that may not be stored.
    pub(super) fn keep(
        key: &CacheKey,
        policy: &Policy,
        whole: Whole,
        now: Instant,
        wall: SystemTime,
    ) -> Result<Self, Passing> {
        let lifetime =
            freshness::lifetime(policy, whole.status, &whole.fields, &whole.validators, wall);
        let Some(lifetime) = lifetime else { return Err(Passing::unstored(whole)) };
        let mut fields = whole.fields;
        announce(&mut fields, policy, &lifetime, wall);
        Ok(Self {
            key: key.clone(),
            status: whole.status,
            fields,
            validators: whole.validators,
            lifetime,
            received: now,
            content: whole.content,
        })
    }

    /// RFC 9111 §4.3.4: the stored response with the fields of a 304 that confirmed it; `None` if
    /// the 304 is about another response, or forbids to store this one any longer.
    pub(super) fn freshened(
        &self,
        policy: &Policy,
        update: &HeaderMap,
        asked: Instant,
        wall: SystemTime,
    ) -> Option<Self> {
        let confirmed = Validators::of(update);
        if confirmed.etag.as_ref().is_some_and(is_strong) && confirmed.etag != self.validators.etag
        {
            return None;
        }
        let mut fields = self.fields.clone();
        // A 304 without a date is dated when it is received, like any response.
        fields.remove(DATE);
        if policy.authority == Authority::Registry {
            // What stands there is our own word; only the portal's counts for what follows.
            fields.remove(CACHE_CONTROL);
        }
        for name in [CACHE_CONTROL, EXPIRES, DATE, AGE, LAST_MODIFIED, CONTENT_LANGUAGE] {
            if let Some(value) = update.get(&name) {
                fields.insert(name, value.clone());
            }
        }
        let lifetime = freshness::lifetime(policy, self.status, &fields, &self.validators, wall)?;
        announce(&mut fields, policy, &lifetime, wall);
        Some(Self {
            key: self.key.clone(),
            status: self.status,
            fields,
            validators: self.validators.clone(),
            lifetime,
            received: asked,
            content: self.content.clone(),
        })
    }

    /// The content, to be sent.
    #[must_use]
    pub fn content(&self) -> Content {
        Content::Buffer(self.content.clone())
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
        let fields: usize = self.fields.iter().map(|(n, v)| n.as_str().len() + v.len() + 64).sum();
        self.content.len() + fields + self.key.text().len()
    }
}

fn is_strong(etag: &HeaderValue) -> bool {
    !etag.as_bytes().starts_with(b"W/")
}

/// Writes the fields that tell downstream caches the same as was decided here.
fn announce(fields: &mut HeaderMap, policy: &Policy, lifetime: &Lifetime, wall: SystemTime) {
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
