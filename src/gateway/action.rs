//! CKAN's actions by POST: which may be asked for, and what of a request's content the portal gets.
//! It asks nobody.
//!
//! A query would hide the content of a POST from CKAN, and an answer to POST is never padded: so
//! what is sent upstream is a POST of JSON, without a query and without a callback.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use serde_json::value::{RawValue, to_raw_value};

use crate::portal::Portal;

use super::{Error, Request};

/// The content with which an action is asked for, if it is asked for by POST.
///
/// # Errors
/// [`Error::ActionNotAllowed`] and [`Error::InvalidContent`].
pub(super) fn posted(request: &Request<'_>) -> Result<Option<Bytes>, Error> {
    let portal = &request.place.portal;
    if *request.method != Method::POST && !portal.asking.post {
        return Ok(None);
    }
    let path = Portal::plain_path(request.path);
    let action = portal.action(&path);
    let query = request.query.unwrap_or_default();
    if *request.method != Method::POST {
        return action.map(|_| form(query.as_bytes(), portal)).transpose();
    }
    let Some(name) = action else { return Ok(None) };
    if !portal.dialect.is_read_only(name) {
        return Err(Error::ActionNotAllowed(name.chars().take(64).collect()));
    }
    match request.content.as_deref().filter(|content| !content.trim_ascii().is_empty()) {
        None => form(query.as_bytes(), portal),
        Some(content) => object(content, request.fields, portal),
    }
    .map(Some)
}

/// Reads content by its media type. `text/plain` is what pages send that want no preflight.
fn object(content: &[u8], fields: &HeaderMap, portal: &Portal) -> Result<Bytes, Error> {
    let media_type = fields.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    match essence.to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => match content.trim_ascii_start().first() {
            // CKAN reads JSON that is labelled as a form, too: curl labels it so.
            Some(b'{') => json(content, portal),
            _ => form(content, portal),
        },
        "" | "text/plain" | "application/json" => json(content, portal),
        other if other.ends_with("+json") => json(content, portal),
        _ => Err(Error::InvalidContent(
            "it is neither JSON nor a urlencoded form: say `Content-Type: application/json`",
        )),
    }
}

fn json(content: &[u8], portal: &Portal) -> Result<Bytes, Error> {
    let content = content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(content);
    let members: BTreeMap<String, &RawValue> = serde_json::from_slice(content)
        .map_err(|_| Error::InvalidContent("it is not a JSON object"))?;
    Ok(written(members, portal))
}

/// A form, or a query, which is one. A name that stands several times has a list of values.
pub(super) fn form(content: &[u8], portal: &Portal) -> Result<Bytes, Error> {
    let mut members: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(content) {
        members.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    let raw = |values: Vec<String>| match &values[..] {
        [one] => to_raw_value(one),
        several => to_raw_value(several),
    };
    let members: Result<BTreeMap<_, _>, _> =
        members.into_iter().map(|(name, values)| raw(values).map(|raw| (name, raw))).collect();
    // Texts can always be written.
    Ok(written(members.map_err(|_| Error::Internal)?, portal))
}

/// The object, its members in the order of their names, so that one question is one text. Values stay
/// as they were written. What is removed from a query is removed here too.
fn written<V: serde::Serialize>(mut members: BTreeMap<String, V>, portal: &Portal) -> Bytes {
    for call in portal.asking.calls.iter() {
        members.remove(&*call.parameter);
    }
    for dropped in &portal.asking.drop_query {
        members.remove(dropped);
    }
    serde_json::to_vec(&members).unwrap_or_default().into()
}
