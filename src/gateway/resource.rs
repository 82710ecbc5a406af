//! `-/resource/{id}`: the file of a CKAN resource, wherever the portal keeps it. What the file is and
//! how it is sent is told as for any other request.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde::Deserialize;
use url::Url;

use crate::cache::Content;
use crate::portal::Portal;

use super::{Error, Gateway, Request, Response, aim};

/// Where our own paths below a portal begin.
const OWN: &str = "-/";

/// What CKAN says of a resource, in bytes: 1 MiB at most. More is no answer to be read each time.
const LONGEST: usize = 1 << 20;

/// What CKAN says of a resource, as far as it is of use here.
#[derive(Deserialize)]
struct Shown {
    result: Resource,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    url_type: Option<String>,
}

/// Where a resource's file is.
enum Place {
    /// CKAN keeps it: a path below its base.
    Kept(String),
    /// Wherever the resource says.
    Linked(Url),
}

/// What of ours a request is for, if it is: what is no CKAN may have such paths itself.
pub(super) fn verb<'a>(request: &Request<'a>) -> Option<&'a str> {
    let verb = request.path.strip_prefix(OWN)?;
    (request.file.is_none() && is_own(&request.place.portal, request.path)).then_some(verb)
}

/// Whether a path of a portal is one of ours.
pub(super) fn is_own(portal: &Portal, path: &str) -> bool {
    path.starts_with(OWN) && portal.dialect.takes_post()
}

impl Gateway {
    /// Answers a request for one of our own paths below a portal.
    pub(super) async fn own(&self, request: &Request<'_>, verb: &str) -> Result<Response, Error> {
        let id = verb.strip_prefix("resource/").map(|rest| rest.split('/').next().unwrap_or(rest));
        match id.filter(|id| !id.is_empty()) {
            Some(id) => self.resource(request, id).await,
            None => Err(Error::NoSuchPath),
        }
    }

    /// Asks what the resource is, and then for its file.
    async fn resource(&self, request: &Request<'_>, id: &str) -> Result<Response, Error> {
        const SHOW: &str = "api/3/action/resource_show";
        let portal = &request.place.portal;
        let query = format!("id={id}");
        // Of a private resource CKAN tells only those who may know.
        let (fields, method) = (aim::credentials(request), Method::GET);
        let show = Request {
            terms: portal.terms(SHOW),
            method: &method,
            path: SHOW,
            query: Some(&query),
            fields: &fields,
            content: None,
            ..request.clone()
        };
        // One step down, and no further: neither this nor the file is a path of ours.
        let shown = Box::pin(self.answer(show)).await?;
        let (StatusCode::OK, Content::Buffer(json)) = (shown.status, &shown.content) else {
            return Ok(shown);
        };
        let place = place(portal, json).ok_or(Error::NoFile)?;
        let (path, file) = match &place {
            Place::Kept(path) => (path.as_str(), None),
            Place::Linked(url) if portal.site_rules().names(url) => (url.path(), Some(url)),
            Place::Linked(url) => {
                let host = url.host_str().unwrap_or_default();
                return Err(Error::FileElsewhere(host.to_owned()));
            }
        };
        let (path, query) = path.split_once('?').map_or((path, None), |(p, q)| (p, Some(q)));
        // The terms are those of the file's own path, as if it had been asked for there.
        let base = portal.base.url().path().trim_end_matches('/');
        let below = path.strip_prefix(base).unwrap_or(path).trim_start_matches('/');
        let terms = portal.terms(if file.is_some() { below } else { path });
        let asked = Request { terms, path, query, file, ..request.clone() };
        let mut answered = Box::pin(self.answer(asked)).await?;
        answered.terms = Some(Arc::clone(terms));
        Ok(answered)
    }
}

/// Where the file of a resource is, by what CKAN says of it.
fn place(portal: &Portal, json: &[u8]) -> Option<Place> {
    if json.len() > LONGEST {
        return None;
    }
    let Shown { result } = serde_json::from_slice(json).ok()?;
    let url = result.url.filter(|url| !url.is_empty())?;
    // What CKAN keeps itself is below its base, whatever it takes its own address for.
    match result.url_type.as_deref() {
        Some("upload") => {
            let at = url.find("/dataset/")?;
            return Some(Place::Kept(url[at + 1..].to_owned()));
        }
        Some("datastore") => return Some(Place::Kept(format!("datastore/dump/{}", result.id?))),
        _ => {}
    }
    let mut url = portal.base.url().join(&url).ok()?;
    url.set_fragment(None);
    if url.scheme() == "http" && portal.base.url().scheme() == "https" && url.port().is_none() {
        // Catalogues are full of links from before the portal had a certificate.
        url.set_scheme("https").ok()?;
    }
    matches!(url.scheme(), "http" | "https").then_some(Place::Linked(url))
}
