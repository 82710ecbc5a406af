//! What a request comes to before anything is asked: the target, the key, the policy, and how far it
//! takes part in the cache. It asks nobody and knows no order.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, IF_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE, VIA};
use http::{HeaderMap, HeaderName, Method};
use ring::digest;

use crate::cache::freshness::Policy;
use crate::cache::{CacheKey, Forward, Part};
use crate::jsonp::NonFinite;
use crate::portal::{Form, Portal, Target};

use super::{Error, Request, fields};

/// The version of what is stored: part of every key, so that another version's entries are misses.
const KEY_VERSION: &str = "4";

/// RFC 8586.
const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");

/// The field in which CKAN's older clients send their token.
const CKAN_API_KEY: HeaderName = HeaderName::from_static("x-ckan-api-key");

/// What a request for a path and query comes to.
#[derive(Debug)]
pub(super) struct Aim {
    pub target: Target,
    pub key: CacheKey,
    pub policy: Policy,
}

/// The parts of a key that say what a stored response is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    pub portal: &'a str,
    pub url: &'a str,
}

impl Aim {
    /// What a request comes to; `posted` is the content with which an action is asked for.
    pub(super) fn of(request: &Request<'_>, posted: Option<&Bytes>) -> Result<Self, Error> {
        let portal = &request.place.portal;
        let query = request.query.filter(|_| posted.is_none());
        let target = match request.file {
            Some(url) => Target::file(url.clone()),
            None => portal.target(request.path, query).map_err(Error::InvalidPath)?,
        };
        let target = if posted.is_some() { target.unpadded() } else { target };
        let key = key(portal, target.form, target.text(), posted);
        Ok(Self { key, policy: portal.cache_policy(request.terms, request.path), target })
    }
}

/// Names what answers to a request for `url` are stored under.
pub(super) fn key(portal: &Portal, form: Form, url: &str, posted: Option<&Bytes>) -> CacheKey {
    let form = match form {
        Form::Json if posted.is_some() => "post",
        Form::Json => "json",
        Form::File => "file",
        Form::Raw => "raw",
    };
    // The content itself may be long, and may be personal.
    let posted = posted.map_or(Cow::Borrowed(""), |content| hashed(content));
    let asking = asking(portal);
    let parts = [KEY_VERSION, form, url, &posted, &asking];
    let said = parts.iter().rposition(|part| !part.is_empty()).map_or(0, |last| last + 1);
    CacheKey::new(portal.id.as_str(), &parts[..said])
}

/// What an entry sends and accepts beyond its dialect, as far as answers depend on it: what was fetched
/// with a key or a token is not for whoever asks when it has been taken out. Hashed, because operators
/// and the disk are told keys.
fn asking(portal: &Portal) -> Cow<'static, str> {
    let asking = &portal.asking;
    if asking.headers.is_empty()
        && asking.api_key.is_none()
        && asking.shape.non_finite == NonFinite::Refuse
    {
        return Cow::Borrowed("");
    }
    let mut said: Vec<_> = asking.headers.iter().map(|(n, v)| [n.as_ref(), v.as_bytes()]).collect();
    said.sort_unstable();
    let mut text = said.concat().join(&0);
    if let Some(key) = &asking.api_key {
        text.extend_from_slice(format!("\0{:?}\0", key.place).as_bytes());
        text.extend_from_slice(key.secret.as_bytes());
    }
    text.extend_from_slice(format!("\0{:?}", asking.shape.non_finite).as_bytes());
    hashed(&text)
}

fn hashed(content: &[u8]) -> Cow<'static, str> {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, content)).into()
}

impl<'a> Named<'a> {
    /// What a key of ours says.
    pub(super) fn of(key: &'a CacheKey) -> Option<Self> {
        let mut parts = key.parts();
        let (portal, version, _form) = (parts.next()?, parts.next()?, parts.next()?);
        (version == KEY_VERSION).then_some(Self { portal, url: parts.next()? })
    }
}

/// The fields by which a request asks for a part of a file.
pub(super) fn range(request: &Request<'_>) -> HeaderMap {
    if *request.method != Method::GET || !request.fields.contains_key(RANGE) {
        return HeaderMap::new();
    }
    fields::named(request.fields, &[RANGE, IF_RANGE])
}

/// The fields by which a request says who asks, if its portal is to know.
pub(super) fn credentials(request: &Request<'_>) -> HeaderMap {
    if !request.place.portal.asking.authorization {
        return HeaderMap::new();
    }
    fields::named(request.fields, &[AUTHORIZATION, CKAN_API_KEY])
}

/// How far a request takes part in the cache.
pub(super) fn part(request: &Request<'_>, form: Form, is_question: bool) -> Part {
    let (method, fields) = (request.method, request.fields);
    let is_message = matches!(form, Form::File | Form::Raw);
    if !is_question && !matches!(*method, Method::GET | Method::HEAD) {
        Part::None(Forward::Method)
    } else if !is_question && request.content.as_ref().is_some_and(|content| !content.is_empty()) {
        // RFC 9110 §9.3.1: content of a GET has no meaning; to an origin server that reads it all the
        // same, it is another request, and it is not part of the key.
        Part::None(Forward::Request)
    } else if form == Form::Raw
        && (fields.contains_key(IF_MATCH) || fields.contains_key(IF_UNMODIFIED_SINCE))
    {
        // RFC 9110 §13.2.1: preconditions that are for the origin server alone to evaluate.
        Part::None(Forward::Request)
    } else if form != Form::Raw
        && (fields.contains_key(AUTHORIZATION) || fields.contains_key(CKAN_API_KEY))
    {
        // Whoever sends it may expect an answer of her own, whether it is forwarded or not.
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
pub(super) fn went_through_us(fields: &HeaderMap) -> bool {
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
