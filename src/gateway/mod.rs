//! The story of one request, and the only room that knows its order:
//!
//! 1. find the portal,
//! 2. make the target URI,
//! 3. make the cache key,
//! 4. ask the cache, which, where it must,
//! 5. has the portal asked,
//! 6. the padding taken off and the JSON checked, and
//! 7. stores that, never the script;
//! 8. sends what of it the client asks for: a coding, a part, or only that it has not changed.
//!
//! It knows nothing of CORS, sockets or problem documents: those are the server's.
//!
//! **Invariant:** a request that is refused here makes no connection to the portal.
//!
//! **Invariant:** no field of the client's request reaches a portal but those that its entry names,
//! and all of them a `transparent` one. What a client may ask of the cache (RFC 9111 §5.2.1) and its
//! validators end here.

mod entity_tag;
mod error;
mod fields;
mod inventory;
mod origin;
mod provenance;
mod range;
mod recent;
mod reload;
mod respond;
mod select;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONTENT_LOCATION, IF_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LOCATION, RANGE, VIA,
};
use http::{HeaderMap, HeaderName, Method, StatusCode};

use crate::cache::{
    Answer, Ask, Cache, CacheKey, CacheStatus, Content, Directives, Failure, Forward, Head, Part,
    Passing, Validators,
};
use crate::clock::Clock;
use crate::portal::{Form, Portal, Registry, Terms};
use crate::upstream::{Clients, Health, Site};

pub use error::{Error, Limit, PortalFailure};
pub use inventory::{Filter, Item, Page, PatternError, Selection, Totals};
use origin::PortalOrigin;
use recent::{Aim, Recent};
pub use reload::Changes;

/// The version of what is stored: part of every key, so that another version's entries are misses.
const KEY_VERSION: &str = "2";

/// RFC 8586.
const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");

/// The gateway: portals, their sites, and the cache.
#[derive(Debug)]
pub struct Gateway {
    places: HashMap<String, Place>,
    order: Vec<String>,
    cache: Arc<Cache<Error>>,
    clock: Arc<dyn Clock>,
    buffer: usize,
    offline: bool,
    recent: Recent,
}

/// The parts of a key that say what a stored response is, as [`ask`] makes it.
#[derive(Debug, Clone, Copy)]
struct Named<'a> {
    portal: &'a str,
    form: &'a str,
    url: &'a str,
}

/// A portal and its place on the network.
#[derive(Debug, Clone)]
pub struct Place {
    /// What is known of the portal.
    pub portal: Arc<Portal>,
    site: Arc<Site>,
}

/// A request for something of a portal's.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The portal.
    pub place: &'a Place,
    /// The terms for this path of it.
    pub terms: &'a Arc<Terms>,
    /// The method: any for a transparent portal, else GET or HEAD.
    pub method: &'a Method,
    /// The path behind the portal's id, without its leading slash, as received.
    pub path: &'a str,
    /// The query, as received.
    pub query: Option<&'a str>,
    /// The request's fields.
    pub fields: &'a HeaderMap,
    /// The request's content, which only a transparent portal gets.
    pub content: Option<Bytes>,
}

/// An answer, before the server adds what depends on who asked.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The fields.
    pub fields: HeaderMap,
    /// The content; empty for 304.
    pub content: Content,
    /// How the cache handled the request.
    pub cache: CacheStatus,
}

impl Place {
    /// How the portal is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        self.site.health()
    }
}

impl Gateway {
    /// A gateway to the portals of a registry. Files of at most `buffer` bytes are held whole; longer
    /// ones are passed on as they come, and stored on the disk tier if there is one. When `offline`,
    /// no portal is asked.
    #[must_use]
    pub fn new(
        registry: &Registry,
        clients: &Clients,
        cache: Arc<Cache<Error>>,
        clock: Arc<dyn Clock>,
        buffer: usize,
        offline: bool,
    ) -> Self {
        let place = |portal: &Arc<Portal>| {
            let limits = &portal.terms.limits;
            let site = Site::new(clients, portal.site_rules(), limits, Arc::clone(&clock));
            let place = Place { portal: Arc::clone(portal), site: Arc::new(site) };
            (portal.id.to_string(), place)
        };
        Self {
            places: registry.iter().map(place).collect(),
            order: registry.iter().map(|portal| portal.id.to_string()).collect(),
            cache,
            clock,
            buffer,
            offline,
            recent: Recent::new(),
        }
    }

    /// The portal of an id, compared byte for byte.
    #[must_use]
    pub fn place(&self, id: &str) -> Option<&Place> {
        self.places.get(id)
    }

    /// All portals, in the order of the registry.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.order.iter().filter_map(|id| self.places.get(id))
    }

    /// Answers one request.
    ///
    /// # Errors
    /// [`Error`], one variant for each problem a caller can be told of.
    pub async fn answer(&self, request: Request<'_>) -> Result<Response, Error> {
        let portal = &request.place.portal;
        if went_through_us(request.fields) {
            return Err(Error::LoopDetected);
        }
        let (aim, is_new) = match self.recent.aim(&request) {
            Some(aim) => (aim, false),
            None => (Arc::new(aim(&request)?), true),
        };
        let ask = self.ask(&request, &aim);
        // Made where the portal is asked, which most requests do not come to.
        let origin = || PortalOrigin {
            portal: Arc::clone(portal),
            site: Arc::clone(&request.place.site),
            terms: Arc::clone(request.terms),
            method: request.method.clone(),
            target: aim.target.clone(),
            fields: Arc::clone(&ask.fields),
            range: range(&request),
            content: request.content.clone(),
            buffer: self.buffer,
        };
        if !matches!(*request.method, Method::GET | Method::HEAD) {
            return Box::pin(self.pass(&ask, origin())).await;
        }
        // What is stored may be lost between its look-up and its reading; then it is a miss.
        for _ in 0..2 {
            let reply = self.cache.answer(&ask, origin).await?;
            // What was stored may be asked for again; what was not is not remembered for it.
            if is_new && reply.status.forward.is_none() {
                self.recent.remember(&request, &aim);
            }
            let (form, now) = (aim.target.form, self.clock.now());
            match respond::respond(&self.cache, reply, form, &request, now).await {
                Some(response) => return Ok(response),
                None => self.cache.invalidate(&ask.key).await,
            }
        }
        Err(Error::Internal)
    }

    /// What a request asks of the cache.
    fn ask(&self, request: &Request<'_>, aim: &Aim) -> Ask {
        let form = aim.target.form;
        let fields = match form {
            Form::Raw => fields::of_raw_request(request.fields),
            Form::File => fields::named(request.fields, &request.place.portal.fields.request),
            Form::Padded | Form::Json => HeaderMap::new(),
        };
        Ask {
            key: aim.key.clone(),
            policy: aim.policy.clone(),
            directives: Directives::of_request(request.fields),
            authorized: fields.contains_key(AUTHORIZATION),
            fields: Arc::new(fields),
            part: part(request, form),
            offline: self.offline,
        }
    }

    /// Hands a request on whose method changes something, or may.
    async fn pass(&self, ask: &Ask, origin: PortalOrigin) -> Result<Response, Error> {
        let (method, target) = (origin.method.clone(), origin.target.url());
        let portal = Arc::clone(&origin.portal);
        let reply = self.cache.answer(ask, || origin).await?;
        let cache = reply.status;
        let Answer::Passing(Passing { status, fields, content }) = reply.answer else {
            return Err(Error::Internal);
        };
        // RFC 9111 §4.4: a cache MUST invalidate the target URI when it receives a non-error status
        // code in response to an unsafe request method (including methods whose safety is
        // unknown); it MAY invalidate others of the same origin that Location and
        // Content-Location name.
        if !method.is_safe() && matches!(status.as_u16(), 200..=399) {
            let named = |name| target.join(fields.get(name)?.to_str().ok()?).ok();
            let content_location = named(CONTENT_LOCATION);
            let places = [Some(target.clone()), named(LOCATION), content_location.clone()];
            for url in places.into_iter().flatten().filter(|u| u.origin() == target.origin()) {
                // What is being fetched was asked for before the change, or may have been.
                self.cache.purge_key(&key(&portal, Form::Raw, url.as_str())).await;
            }
            if let (true, Content::Buffer(content), true) =
                (method == Method::POST, &content, content_location == Some(target))
            {
                let head =
                    Head { status, validators: Validators::of(&fields), fields: fields.clone() };
                self.cache.store_post(ask, head, content.clone()).await;
            }
        }
        Ok(Response { status, fields, content, cache })
    }
}

/// What a request for a path and query comes to.
fn aim(request: &Request<'_>) -> Result<Aim, Error> {
    let portal = &request.place.portal;
    let target = portal.target(request.path, request.query).map_err(Error::InvalidPath)?;
    let key = key(portal, target.form, target.text());
    Ok(Aim { key, policy: portal.cache_policy(request.terms, request.path), target })
}

/// Names what answers to a request for `url` are stored under.
fn key(portal: &Portal, form: Form, url: &str) -> CacheKey {
    let form = match form {
        Form::Padded => "padded",
        Form::Json => "json",
        Form::File => "file",
        Form::Raw => "raw",
    };
    CacheKey::new(portal.id.as_str(), &[KEY_VERSION, form, url])
}

impl<'a> Named<'a> {
    /// What a key of ours says.
    fn of(key: &'a CacheKey) -> Option<Self> {
        let mut parts = key.parts();
        let (portal, version) = (parts.next()?, parts.next()?);
        let named = Self { portal, form: parts.next()?, url: parts.next()? };
        (version == KEY_VERSION).then_some(named)
    }
}

/// The fields by which a request asks for a part of a file.
fn range(request: &Request<'_>) -> HeaderMap {
    if *request.method != Method::GET || !request.fields.contains_key(RANGE) {
        return HeaderMap::new();
    }
    fields::named(request.fields, &[RANGE, IF_RANGE])
}

fn part(request: &Request<'_>, form: Form) -> Part {
    let (method, fields) = (request.method, request.fields);
    let is_message = matches!(form, Form::File | Form::Raw);
    if !matches!(*method, Method::GET | Method::HEAD) {
        Part::None(Forward::Method)
    } else if form == Form::Raw
        && (fields.contains_key(IF_MATCH) || fields.contains_key(IF_UNMODIFIED_SINCE))
    {
        // RFC 9110 §13.2.1: preconditions that are for the origin server alone to evaluate.
        Part::None(Forward::Request)
    } else if fields.contains_key(AUTHORIZATION) && form != Form::Raw {
        // The field is not forwarded. Whoever sends it may expect an answer of her own.
        Part::None(Forward::Bypass)
    } else if is_message && (*method == Method::HEAD || fields.contains_key(RANGE)) {
        // A HEAD of JSON is answered by a GET, because portals pad only GET; a file's is asked for
        // as such, so that nobody downloads the file for its length, or for a part of it.
        Part::LookUp
    } else {
        Part::Full
    }
}

/// RFC 8586 §2: whether a request has been through a gateway like this one.
fn went_through_us(fields: &HeaderMap) -> bool {
    let names_us = |name: &HeaderName| {
        fields.get_all(name).iter().filter_map(|line| line.to_str().ok()).any(|line| {
            line.split(',').any(|member| {
                let id = member.split(';').next().unwrap_or(member);
                // In Via, the id follows the protocol version (RFC 9110 §7.6.3).
                id.split_whitespace().any(|word| word.eq_ignore_ascii_case("unpad"))
            })
        })
    };
    names_us(&CDN_LOOP) || names_us(&VIA)
}

impl From<Failure<Self>> for Error {
    fn from(failure: Failure<Self>) -> Self {
        match failure {
            Failure::Fetch(error) => error,
            Failure::OnlyIfCached => Self::NotStored,
            Failure::Offline => Self::Offline,
            Failure::Abandoned => Self::Internal,
        }
    }
}
