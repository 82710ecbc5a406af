//! The story of one request, and the only room that knows its order:
//!
//! 1. find the portal,
//! 2. make the target URI,
//! 3. make the cache key,
//! 4. ask the cache, which, where it must,
//! 5. has the portal asked,
//! 6. the padding taken off and the JSON checked, and
//! 7. stores that, never the script;
//! 8. answer conditional requests.
//!
//! It knows nothing of CORS, sockets or problem documents: those are the server's.
//!
//! **Invariant:** a request that is refused here makes no connection to the portal.
//!
//! **Invariant:** no field of the client's request reaches a portal. What a client may ask of the
//! cache (RFC 9111 §5.2.1) ends here.

mod conditional;
mod entity_tag;
mod error;
mod fields;
mod inventory;
mod origin;
mod provenance;
mod range;
#[cfg_attr(not(test), expect(dead_code, reason = "wired in by a later change"))]
mod select;
mod reload;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use http::header::{AGE, AUTHORIZATION, VIA};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::cache::{
    Answer, Ask, Cache, CacheKey, CacheStatus, Content, Directives, Failure, Part, Reply,
};
use crate::clock::Clock;
use crate::portal::{Form, Portal, Registry, Target, Terms};
use crate::upstream::{Clients, Health, Site};

pub use error::{Error, Limit, PortalFailure};
pub use inventory::{Filter, Item, Page, PatternError, Selection, Totals};
use origin::PortalOrigin;
pub use reload::Changes;

/// The version of what is stored: part of every key, so that another version's entries are misses.
const KEY_VERSION: &str = "1";

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
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The portal.
    pub place: &'a Place,
    /// The terms for this path of it.
    pub terms: &'a Arc<Terms>,
    /// GET or HEAD.
    pub method: &'a Method,
    /// The path behind the portal's id, without its leading slash, as received.
    pub path: &'a str,
    /// The query, as received.
    pub query: Option<&'a str>,
    /// The request's fields.
    pub fields: &'a HeaderMap,
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
    /// A gateway to the portals of a registry. Responses of at most `buffer` bytes are kept whole;
    /// longer files pass through.
    #[must_use]
    pub fn new(
        registry: &Registry,
        clients: &Clients,
        cache: Arc<Cache<Error>>,
        clock: Arc<dyn Clock>,
        buffer: usize,
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
        let target = portal.target(request.path, request.query).map_err(Error::InvalidPath)?;
        let ask = ask(&request, &target);
        let origin = PortalOrigin {
            portal: Arc::clone(portal),
            site: Arc::clone(&request.place.site),
            terms: Arc::clone(request.terms),
            method: request.method.clone(),
            target,
            buffer: self.buffer,
        };
        let reply = self.cache.answer(ask, origin).await.map_err(Error::from)?;
        let mut response = respond(reply, self.clock.now());
        if conditional::is_not_modified(&response, request.fields) {
            conditional::make_not_modified(&mut response);
        }
        Ok(response)
    }
}

/// The key of a target: its form and its URI, with our callback.
fn key(portal: &Portal, target: &Target) -> CacheKey {
    let form = match target.form {
        Form::Padded => "padded",
        Form::Json => "json",
        Form::File => "file",
    };
    CacheKey::new(&[KEY_VERSION, portal.id.as_str(), form, target.url.as_str()])
}

impl<'a> Named<'a> {
    /// What a key of ours says.
    fn of(key: &'a CacheKey) -> Option<Self> {
        let mut parts = key.parts();
        let version = parts.next()?;
        let named = Self { portal: parts.next()?, form: parts.next()?, url: parts.next()? };
        (version == KEY_VERSION).then_some(named)
    }
}

fn ask(request: &Request<'_>, target: &Target) -> Ask {
    let portal = &request.place.portal;
    Ask {
        key: key(portal, target),
        policy: portal.cache_policy(request.terms, request.path),
        directives: Directives::of_request(request.fields),
        part: part(request, target.form),
    }
}

fn part(request: &Request<'_>, form: Form) -> Part {
    if request.fields.contains_key(AUTHORIZATION) {
        // RFC 9111 §3.5: a shared cache must not reuse answers to requests with Authorization.
        Part::None
    } else if *request.method == Method::HEAD && form == Form::File {
        // A HEAD of JSON is answered by a GET, because portals pad only GET; a file's is asked for
        // as such, so that nobody downloads the file for its length.
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

fn respond(reply: Reply, now: Instant) -> Response {
    let cache = reply.status;
    match reply.answer {
        Answer::Stored(stored) => {
            let mut fields = stored.fields.clone();
            let age = stored.age(now).as_secs();
            // RFC 9111 §5.1: Age implies that the response was not generated for this request.
            if cache.forward.is_none() || age > 0 {
                fields.insert(AGE, HeaderValue::from(age));
            }
            Response { status: stored.status, fields, content: stored.content(), cache }
        }
        Answer::Passing(passing) => {
            let (status, fields) = (passing.status, passing.fields);
            Response { status, fields, content: passing.content, cache }
        }
    }
}

impl From<Failure<Self>> for Error {
    fn from(failure: Failure<Self>) -> Self {
        match failure {
            Failure::Fetch(error) => error,
            Failure::OnlyIfCached => Self::NotStored,
            Failure::Abandoned => Self::Internal,
        }
    }
}
