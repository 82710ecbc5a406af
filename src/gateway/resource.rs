//! `-/resource/{id}`: the file of a CKAN resource, wherever the portal keeps it. What the file is and
//! how it is sent is told as for any other request.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use url::Url;

use crate::cache::Content;
use crate::portal::Portal;

use super::{Error, Gateway, Request, Response};

/// Where our own paths below a portal begin.
const OWN: &str = "-/";

/// Where a resource's file is.
enum Place {
    /// Below the portal's base.
    Below(String),
    /// Elsewhere.
    Elsewhere(Url),
}

/// What of ours a request is for, if it is: what is no CKAN may have such paths itself.
pub(super) fn verb<'a>(request: &Request<'a>) -> Option<&'a str> {
    let verb = request.path.strip_prefix(OWN)?;
    (request.file.is_none() && request.place.portal.dialect.takes_post()).then_some(verb)
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
        let query = format!("id={id}");
        let (fields, method) = (HeaderMap::new(), Method::GET);
        let show = Request {
            method: &method,
            path: "api/3/action/resource_show",
            query: Some(&query),
            fields: &fields,
            content: None,
            ..request.clone()
        };
        // One step down, and no further: this is no path of ours.
        let shown = Box::pin(self.answer(show)).await?;
        let (StatusCode::OK, Content::Buffer(json)) = (shown.status, &shown.content) else {
            return Ok(shown);
        };
        let portal = &request.place.portal;
        let place = place(portal, json).ok_or(Error::NoFile)?;
        let (path, file) = match &place {
            Place::Below(path) => (path.as_str(), None),
            Place::Elsewhere(url) if portal.site_rules().names(url) => ("", Some(url)),
            Place::Elsewhere(url) => {
                let host = url.host_str().unwrap_or_default();
                return Err(Error::FileElsewhere(host.to_owned()));
            }
        };
        let (path, query) = path.split_once('?').map_or((path, None), |(p, q)| (p, Some(q)));
        Box::pin(self.answer(Request { path, query, file, ..request.clone() })).await
    }
}

/// Where the file of a resource is, by what CKAN says of it.
fn place(portal: &Portal, json: &Bytes) -> Option<Place> {
    let answer: Value = serde_json::from_slice(json).ok()?;
    let resource = &answer["result"];
    let text = |name: &str| resource[name].as_str().filter(|text| !text.is_empty());
    let url = text("url")?;
    // What CKAN keeps itself is below its base, whatever it takes its own address for.
    match text("url_type") {
        Some("upload") => {
            let at = url.find("/dataset/")?;
            return Some(Place::Below(url[at + 1..].to_owned()));
        }
        Some("datastore") => return Some(Place::Below(format!("datastore/dump/{}", text("id")?))),
        _ => {}
    }
    let url = portal.base.url().join(url).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let base = portal.base.to_string();
    let below = url.as_str().strip_prefix(&base).and_then(|rest| rest.strip_prefix('/'));
    Some(match below {
        Some(below) => Place::Below(below.to_owned()),
        None => Place::Elsewhere(url),
    })
}
