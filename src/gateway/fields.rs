//! Which of a portal's fields are handed on: an allow-list, and what the gateway says of content
//! that could run. Provenance and validators are added elsewhere.

use http::header::{
    AGE, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LANGUAGE, CONTENT_TYPE, DATE, ETAG, EXPIRES,
    LAST_MODIFIED, RETRY_AFTER, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use url::Url;

use crate::portal::Portal;

use super::provenance;

/// The fields of JSON that was taken out of its padding.
pub(super) fn of_json(upstream: &HeaderMap, portal: &Portal, target: &Url) -> HeaderMap {
    let mut fields = HeaderMap::new();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    copy(upstream, &mut fields, &[CACHE_CONTROL, RETRY_AFTER, CONTENT_LANGUAGE]);
    keep_vary_star(upstream, &mut fields);
    provenance::add_source(&mut fields, portal, target);
    fields
}

/// The fields of a file that are handed on.
pub(super) fn of_file(upstream: &HeaderMap, portal: &Portal, target: &Url) -> HeaderMap {
    let mut fields = HeaderMap::new();
    fields.insert(CONTENT_TYPE, media_type(upstream));
    let allowed = [
        CACHE_CONTROL,
        CONTENT_DISPOSITION,
        CONTENT_LANGUAGE,
        DATE,
        ETAG,
        EXPIRES,
        LAST_MODIFIED,
        RETRY_AFTER,
        AGE,
    ];
    copy(upstream, &mut fields, &allowed);
    keep_vary_star(upstream, &mut fields);
    if is_active(&fields[CONTENT_TYPE]) {
        // What could run as a page of our origin is handed over as a download.
        fields.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    }
    provenance::add_source(&mut fields, portal, target);
    fields
}

/// Statuses that a file's answer is handed on with. A 206 nobody asked for is not the file, a 304
/// nobody asked for is nothing, and what is below 200 or above 599 is not final HTTP.
pub(super) fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200..=205 | 207..=303 | 305..=599)
}

/// Copies fields with all their lines.
pub(super) fn copy(from: &HeaderMap, to: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        for value in from.get_all(name) {
            to.append(name.clone(), value.clone());
        }
    }
}

/// Keeps the part of `Vary` that matters here: `*`. No field of a client's request is forwarded,
/// so nothing else can make two clients' answers differ, and the client need not know.
fn keep_vary_star(from: &HeaderMap, to: &mut HeaderMap) {
    let star = from.get_all(VARY).iter().any(|v| v.as_bytes().contains(&b'*'));
    if star {
        to.insert(VARY, HeaderValue::from_static("*"));
    }
}

/// The portal's media type if it is exactly one, well formed; else bytes of unknown kind.
fn media_type(fields: &HeaderMap) -> HeaderValue {
    let unknown = HeaderValue::from_static("application/octet-stream");
    let mut all = fields.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (all.next(), all.next()) else { return unknown };
    let Ok(text) = value.to_str() else { return unknown };
    let essence = text.split(';').next().unwrap_or(text).trim();
    let token = |t: &str| {
        !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    match essence.split_once('/') {
        Some((kind, subtype)) if token(kind) && token(subtype) && !text.contains(',') => {
            value.clone()
        }
        _ => unknown,
    }
}

/// Media types that a browser would run or render as a document of our origin.
fn is_active(media_type: &HeaderValue) -> bool {
    let text = media_type.to_str().unwrap_or_default().to_ascii_lowercase();
    let essence = text.split(';').next().unwrap_or_default().trim();
    matches!(
        essence,
        "text/html"
            | "application/xhtml+xml"
            | "image/svg+xml"
            | "application/javascript"
            | "text/javascript"
            | "application/pdf"
            | "application/x-shockwave-flash"
    ) || essence.ends_with("xml")
}
