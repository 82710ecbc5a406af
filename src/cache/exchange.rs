//! What goes into the cache and comes out of it: requests, responses, and the way to the origin
//! server. It moves nothing by itself.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::freshness::{Authority, Policy};
use super::{CacheKey, CacheStatus, Content, Directives, Forward, StoredResponse, Validators};

/// A way to the origin server for one key.
pub trait Origin: Send + Sync + 'static {
    /// Why a fetch failed. Cloned for everyone who waits.
    type Error: Clone + Send + Sync + 'static;
    /// Whether whoever asks may go to the origin server. Asked before each time a client's request is
    /// forwarded or waits for another's; a validation that nobody asked for is not asked about.
    ///
    /// # Errors
    /// Why not.
    fn admit(&self) -> Result<(), Self::Error> {
        Ok(())
    }
    /// Asks for the response, conditionally if validators are given. `whole` says that all of it is
    /// wanted, even if the request asks for less (HEAD, a range).
    fn fetch(
        &self,
        validators: Option<&Validators>,
        whole: bool,
    ) -> impl Future<Output = Result<Arrival<Self::Error>, Self::Error>> + Send + 'static;
}

/// What has arrived when the fields of a response have.
pub enum Arrival<E> {
    /// The origin server confirmed the stored response (304); these fields freshen it.
    NotModified(HeaderMap),
    /// A response, whose content is still to come.
    Response(Head, Rest<E>),
}

/// The status and the fields of a response: enough to know whether it may be stored.
#[derive(Debug, Clone)]
pub struct Head {
    /// The status the client will see.
    pub status: StatusCode,
    /// The fields to keep and to send; freshness is read from them.
    pub fields: HeaderMap,
    /// The origin server's own validators, for conditional requests to it.
    pub validators: Validators,
}

/// What follows the fields of a response.
pub type Rest<E> = BoxFuture<'static, Result<Received, E>>;

/// All of a response.
#[derive(Debug)]
pub struct Received {
    /// The fields, with those that follow from the content (a digest, a validator of our own).
    pub fields: HeaderMap,
    /// The content.
    pub content: Content,
    /// The status that the content tells, where it tells another one than the head.
    pub status: Option<StatusCode>,
    /// Whether the content tells of a failure, so that it is kept no longer than an error answer.
    pub failed: bool,
}

impl Received {
    /// Content that tells nothing of how the request went.
    #[must_use]
    pub fn new(fields: HeaderMap, content: Content) -> Self {
        Self { fields, content, status: None, failed: false }
    }
}

impl<E> std::fmt::Debug for Arrival<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotModified(_) => f.write_str("NotModified"),
            Self::Response(head, _) => f.debug_tuple("Response").field(head).finish(),
        }
    }
}

/// A response on its way to one client.
#[derive(Debug)]
pub struct Passing {
    /// The status.
    pub status: StatusCode,
    /// The fields to send.
    pub fields: HeaderMap,
    /// The content.
    pub content: Content,
}

/// What one request asks of the cache.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The key.
    pub key: CacheKey,
    /// Who decides freshness, and with which figures.
    pub policy: Policy,
    /// The request's own directives.
    pub directives: Directives,
    /// The request's fields that are forwarded, and so may select a response.
    pub fields: Arc<HeaderMap>,
    /// Whether the request has an `Authorization` field that is forwarded.
    pub authorized: bool,
    /// How far the request takes part in the cache.
    pub part: Part,
    /// Whether the origin server is not to be asked at all.
    pub offline: bool,
}

/// How far a request takes part in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Answered from what is stored, waits for others' fetches, and its answer is stored.
    Full,
    /// Answered from what is stored; what is fetched for it is not all of the response (HEAD, a
    /// range) and is not stored.
    LookUp,
    /// Neither answered from what is stored nor stored, for this reason.
    None(Forward),
}

/// A response with the account of where it came from.
#[derive(Debug)]
pub struct Reply {
    /// The response.
    pub answer: Answer,
    /// The account, for `Cache-Status`.
    pub status: CacheStatus,
}

/// A response, stored or passing.
#[derive(Debug)]
pub enum Answer {
    /// A response from the cache, or just put there.
    Stored(Arc<StoredResponse>),
    /// A response that only this request gets.
    Passing(Passing),
}

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure<E> {
    /// The fetch failed.
    Fetch(E),
    /// The request said `only-if-cached`, and nothing usable is stored (RFC 9111 §5.2.1.7).
    OnlyIfCached,
    /// The origin server is not to be asked, and nothing usable is stored.
    Offline,
    /// The task that fetched ended without a result: a bug.
    Abandoned,
}

impl Ask {
    /// RFC 9111 §5.2.1.5: no-store, a cache MUST NOT store any part of either this request or any
    /// response to it.
    pub(super) fn may_store(&self) -> bool {
        self.part == Part::Full && !self.directives.no_store
    }

    /// Whether the answer to this request may be another's too.
    pub(super) fn may_share(&self) -> bool {
        self.may_store() && !self.authorized
    }
}

impl Reply {
    pub(super) fn hit(response: Arc<StoredResponse>, now: Instant) -> Self {
        let status = CacheStatus::hit(response.lifetime_left(now));
        Self { answer: Answer::Stored(response), status }
    }

    pub(super) fn stored(
        response: Arc<StoredResponse>,
        now: Instant,
        forward_status: StatusCode,
        why: Forward,
    ) -> Self {
        let mut status = CacheStatus::forwarded(why);
        status.forward_status = Some(forward_status);
        status.stored = true;
        status.ttl = Some(response.lifetime_left(now));
        Self { answer: Answer::Stored(response), status }
    }

    pub(super) fn collapsed(response: Arc<StoredResponse>, now: Instant, why: Forward) -> Self {
        let mut status = CacheStatus::forwarded(why);
        status.forward_status = Some(response.status);
        status.collapsed = true;
        status.ttl = Some(response.lifetime_left(now));
        Self { answer: Answer::Stored(response), status }
    }

    pub(super) fn passing(passing: Passing, why: Forward) -> Self {
        let mut status = CacheStatus::forwarded(why);
        status.forward_status = Some(passing.status);
        Self { answer: Answer::Passing(passing), status }
    }

    pub(super) fn shared_error(answer: &ErrorAnswer, why: Forward) -> Self {
        let mut reply = Self::passing(answer.passing(), why);
        reply.status.collapsed = true;
        reply
    }

    /// RFC 9211 §2.1: a hit is not forwarded; this was, or would have been.
    pub(super) fn stale(response: Arc<StoredResponse>, now: Instant) -> Self {
        let mut status = CacheStatus::forwarded(Forward::Stale);
        status.ttl = Some(response.lifetime_left(now));
        Self { answer: Answer::Stored(response), status }.because("stale-if-error")
    }

    pub(super) fn because(mut self, detail: &'static str) -> Self {
        self.status.detail = Some(detail);
        self
    }
}

/// An origin server's error that is told to everyone who waited and is not kept.
#[derive(Debug)]
pub(super) struct ErrorAnswer {
    status: StatusCode,
    fields: HeaderMap,
    content: bytes::Bytes,
}

impl ErrorAnswer {
    fn passing(&self) -> Passing {
        Passing {
            status: self.status,
            fields: self.fields.clone(),
            content: Content::Buffer(self.content.clone()),
        }
    }
}

impl Passing {
    /// The answer as an error that can be told to several.
    pub(super) fn as_error(&self) -> Option<ErrorAnswer> {
        match &self.content {
            Content::Buffer(content) if self.status.as_u16() >= 400 => Some(ErrorAnswer {
                status: self.status,
                fields: self.fields.clone(),
                content: content.clone(),
            }),
            _ => None,
        }
    }

    /// A response that is not stored. Where the registry decides, downstream caches are told that
    /// they may not store it either; else they are told what the origin server says.
    pub(super) fn unstored(
        policy: &Policy,
        status: StatusCode,
        mut fields: HeaderMap,
        content: Content,
    ) -> Self {
        if policy.authority == Authority::Registry {
            fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        Self { status, fields, content }
    }

    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, fields: HeaderMap::new(), content: Content::Buffer(bytes::Bytes::new()) }
    }
}
