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

mod action;
mod aim;
mod entity_tag;
mod error;
mod fields;
mod folder;
mod inventory;
mod open;
mod origin;
mod provenance;
mod range;
mod recent;
mod reference;
mod reload;
mod resource;
mod respond;
mod select;
mod unsafe_method;
mod web_page;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use url::Url;

use crate::allowance::Claim;
use crate::cache::{Ask, Cache, CacheStatus, Content, Directives, Failure};
use crate::clock::Clock;
use crate::portal::{Form, OpenTargets, Portal, Registry, Terms};
use crate::upstream::{Clients, Health, Site};

use aim::Aim;
pub use error::{Error, Limit, PortalFailure};
pub use inventory::{Filter, Item, Page, PatternError, Selection, Totals};
use open::Open;
pub use origin::Times;
use origin::{PortalOrigin, Record, Ways};
use recent::Recent;
pub use reference::{Reference, ReferenceError};
pub use reload::Changes;
pub use select::has_current;
pub use web_page::WebPage;

/// The gateway: portals, their sites, and the cache.
#[derive(Debug)]
pub struct Gateway {
    places: HashMap<String, Place>,
    order: Vec<String>,
    cache: Arc<Cache<Error>>,
    clock: Arc<dyn Clock>,
    buffer: usize,
    offline: bool,
    open: Option<Open>,
    recent: Recent,
}

/// A portal and its place on the network.
#[derive(Debug, Clone)]
pub struct Place {
    /// What is known of the portal.
    pub portal: Arc<Portal>,
    site: Arc<Site>,
    ways: Arc<Ways>,
    record: Arc<Record>,
}

/// A request for something of a portal's.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The portal.
    pub place: &'a Place,
    /// The terms for this path of it.
    pub terms: &'a Arc<Terms>,
    /// The method: any for a transparent portal, else GET or HEAD, or POST for an action.
    pub method: &'a Method,
    /// The path behind the portal's id, without its leading slash, as received.
    pub path: &'a str,
    /// The query, as received.
    pub query: Option<&'a str>,
    /// A file of the portal's that is not below its base, instead of path and query.
    pub file: Option<&'a Url>,
    /// The request's fields.
    pub fields: &'a HeaderMap,
    /// The request's content.
    pub content: Option<Bytes>,
    /// What is claimed of the client's allowance where the portal is asked; `None` where nobody is
    /// bounded, as for the operator.
    pub claim: Option<&'a Arc<Claim>>,
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
    /// The terms that count instead of those of the request's own path.
    pub terms: Option<Arc<Terms>>,
}

impl Place {
    fn new(portal: &Arc<Portal>, clients: &Clients, clock: &Arc<dyn Clock>) -> Self {
        let limits = &portal.terms.limits;
        let site = Site::new(clients, portal.site_rules(), limits, Arc::clone(clock));
        let ways = Arc::new(Ways::new(Arc::clone(clock)));
        let record = Arc::new(Record::new(Arc::clone(clock)));
        Self { portal: Arc::clone(portal), site: Arc::new(site), ways, record }
    }

    /// How the portal is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        self.site.health()
    }

    /// How long the portal took to answer; `None` if it has not been asked.
    #[must_use]
    pub fn times(&self) -> Option<Times> {
        self.record.times()
    }

    /// What went wrong with it last, and when.
    #[must_use]
    pub fn failure(&self) -> Option<(Error, SystemTime)> {
        self.record.failure()
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
        let place =
            |portal: &Arc<Portal>| (portal.id.to_string(), Place::new(portal, clients, &clock));
        let open =
            |open: &OpenTargets| Open::new(open.clone(), clients.clone(), Arc::clone(&clock));
        Self {
            places: registry.iter().map(place).collect(),
            open: registry.open().map(open),
            order: registry.iter().map(|portal| portal.id.to_string()).collect(),
            cache,
            clock,
            buffer,
            offline,
            recent: Recent::new(),
        }
    }

    /// Whether no portal is asked.
    #[must_use]
    pub const fn is_offline(&self) -> bool {
        self.offline
    }

    /// The portal of an id, compared byte for byte.
    #[must_use]
    pub fn place(&self, id: &str) -> Option<&Place> {
        self.places.get(id)
    }

    /// The place of a target that needs no entry, if it is open.
    #[must_use]
    pub fn open_place(&self, url: &Url) -> Option<Place> {
        self.open.as_ref()?.place(url)
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
        if aim::went_through_us(request.fields) {
            return Err(Error::LoopDetected);
        }
        if let Some(folder) = &portal.folder {
            return folder::answer(folder, &request).await;
        }
        if let Some(verb) = resource::verb(&request) {
            return Box::pin(self.own(&request, verb)).await;
        }
        let posted = action::posted(&request)?;
        // What is remembered is remembered by path and query.
        let by_path = posted.is_none() && request.file.is_none();
        let (aim, is_new) = match self.recent.aim(&request).filter(|_| by_path) {
            Some(aim) => (aim, false),
            None => (Arc::new(Aim::of(&request, posted.as_ref())?), by_path),
        };
        let credentials = aim::credentials(&request);
        let is_personal = !credentials.is_empty();
        let ask = self.ask(&request, &aim, posted.is_some(), is_personal);
        // Made where the portal is asked, which most requests do not come to.
        let origin = || PortalOrigin {
            portal: Arc::clone(portal),
            site: Arc::clone(&request.place.site),
            ways: Arc::clone(&request.place.ways),
            record: Arc::clone(&request.place.record),
            terms: Arc::clone(request.terms),
            method: request.method.clone(),
            // A callback would make the portal forget who asks.
            target: if is_personal { aim.target.clone().unpadded() } else { aim.target.clone() },
            fields: Arc::clone(&ask.fields),
            credentials: credentials.clone(),
            range: aim::range(&request),
            content: posted.clone().or_else(|| request.content.clone()),
            buffer: self.buffer,
            claim: request.claim.cloned(),
        };
        if posted.is_none() && !matches!(*request.method, Method::GET | Method::HEAD) {
            if aim.target.form != Form::Raw {
                // Nothing but a question may be posted to a portal that is not the operator's own.
                return Err(Error::ActionNotAllowed(String::new()));
            }
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
                Some(mut response) => {
                    if is_personal {
                        let control = HeaderValue::from_static("private, no-store");
                        response.fields.insert(CACHE_CONTROL, control);
                    }
                    return Ok(response);
                }
                None => self.cache.invalidate(&ask.key).await,
            }
        }
        Err(Error::Internal)
    }

    /// What a request asks of the cache.
    fn ask(&self, request: &Request<'_>, aim: &Aim, question: bool, personal: bool) -> Ask {
        let form = aim.target.form;
        let fields = match form {
            Form::Raw => fields::of_raw_request(request.fields),
            Form::File => fields::named(request.fields, &request.place.portal.fields.request),
            Form::Json => HeaderMap::new(),
        };
        Ask {
            key: aim.key.clone(),
            policy: aim.policy.clone(),
            directives: Directives::of_request(request.fields),
            authorized: personal || fields.contains_key(AUTHORIZATION),
            fields: Arc::new(fields),
            part: aim::part(request, form, question),
            offline: self.offline,
        }
    }
}

/// The target URI of a request as it may be told: without a callback and without secrets' values.
#[must_use]
pub fn told(place: &Place, path: &str, query: Option<&str>) -> Option<String> {
    let portal = &place.portal;
    let target = portal.target(path, query).ok()?;
    if resource::is_own(portal, path) {
        // Where a resource's file is, only the portal knows.
        return None;
    }
    portal.folder.is_none().then(|| provenance::without_secrets(&target.url()).into())
}

/// A URL as it may be told.
#[must_use]
pub fn told_url(url: &Url) -> String {
    provenance::without_secrets(url).into()
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
