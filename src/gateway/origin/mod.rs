//! From a portal's response to one that may be kept: the way the cache fetches. Redirects, limits
//! and codings are dealt with below; what remains is what the portal said.

mod charset;
mod file;
mod in_band;
mod json;
mod record;
mod ways;
mod whole;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, IF_MODIFIED_SINCE, IF_NONE_MATCH, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use ring::digest;
use tokio::time::Instant;
use url::Url;

use crate::allowance::Claim;
use crate::cache::{Arrival, Origin, Validators};
use crate::portal::{Form, KeyPlace, Portal, Target, Terms};
use crate::upstream::{self, Fetch, Manner, Phase, Response, Site, Turn};

use super::Error;
use super::error::PortalFailure;

pub(super) use record::Record;
pub use record::Times;
pub(super) use ways::Ways;

/// The way to one target.
#[derive(Debug, Clone)]
pub(super) struct PortalOrigin {
    pub portal: Arc<Portal>,
    pub site: Arc<Site>,
    pub ways: Arc<Ways>,
    pub record: Arc<Record>,
    pub terms: Arc<Terms>,
    pub method: Method,
    pub target: Target,
    /// The request's fields that are forwarded.
    pub fields: Arc<HeaderMap>,
    /// The request's fields that say who asks, for the portal's own origin alone.
    pub credentials: HeaderMap,
    /// The request's fields that ask for a part of the response.
    pub range: HeaderMap,
    /// The request's content.
    pub content: Option<Bytes>,
    pub buffer: usize,
    /// What is claimed of the client's allowance.
    pub claim: Option<Arc<Claim>>,
}

impl Origin for PortalOrigin {
    type Error = Error;

    fn admit(&self) -> Result<(), Error> {
        self.claim.as_ref().map_or(Ok(()), |claim| claim.make().map_err(Error::TooManyRequests))?;
        Ok(self.site.admit()?)
    }

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
        let turn = match self.way.site.turn().await {
            Err(error) => return self.telling(Err(error.into())),
            Ok(turn) => turn,
        };
        let started = self.way.record.now();
        let arrived = match self.way.target.form {
            Form::File | Form::Raw => self.file(turn).await,
            Form::Json => {
                let until = Instant::now() + after;
                self.before(until, self.json(turn, until)).await
            }
        };
        let arrived = self.telling(arrived)?;
        self.way.record.began(started);
        Ok(arrived)
    }

    /// Asks for a URL of the target's.
    async fn fetch(&self, turn: Turn, mut url: Url, most: u64) -> Result<Response, Error> {
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
        if let Some(agent) = way.portal.asking.headers.get(USER_AGENT) {
            fields.insert(USER_AGENT, agent.clone());
        }
        let own = self.own(&mut url);
        let is_message = matches!(form, Form::File | Form::Raw);
        let method = match form {
            // What is posted is a question too.
            Form::Json if way.content.is_some() => Method::POST,
            _ if self.whole || !is_message => Method::GET,
            _ => way.method.clone(),
        };
        if form == Form::Json && way.content.is_some() {
            fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let fetch = Fetch {
            method,
            url,
            fields,
            own,
            content: way.content.clone(),
            manner: match form {
                Form::Json => Manner::Decoded,
                Form::File => Manner::Lenient,
                Form::Raw => Manner::Raw,
            },
            most,
            limits: way.terms.limits.clone(),
        };
        Ok(way.site.fetch(&fetch, turn).await?)
    }

    /// The fields that are for the portal's own origin alone, and the key in its URL. A resource's file
    /// may be elsewhere, and gets neither.
    fn own(&self, url: &mut Url) -> HeaderMap {
        let (way, asking) = (&self.way, &self.way.portal.asking);
        if url.origin() != way.portal.base.url().origin() {
            return HeaderMap::new();
        }
        let mut own = asking.headers.clone();
        own.remove(USER_AGENT);
        if let Some(key) = &asking.api_key {
            match &key.place {
                KeyPlace::Field(name) => {
                    own.insert(name.clone(), key.secret.clone());
                }
                KeyPlace::Parameter(name) => {
                    let secret = key.secret.to_str().unwrap_or_default();
                    url.query_pairs_mut().append_pair(name, secret);
                }
            }
        }
        own.extend(way.credentials.clone());
        own
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

    /// Tells the log and the record of an answer that cannot be handed on.
    fn telling<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            if matches!(error, Error::Busy) {
                // Of these there may be many, and each line would take time from what is asked for.
                return result;
            }
            // To be left alone is what follows from a failure, not what went wrong.
            if !matches!(error, Error::PortalSuspended { status: None, .. } | Error::Busy) {
                self.way.record.failed(error);
            }
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

fn failed(status: StatusCode, why: PortalFailure, found: Option<String>) -> Error {
    Error::PortalFailed { status: Some(status.as_u16()), why, found }
}
