//! Conditional requests (RFC 9110 §13) against an answer. It compares; it fetches nothing.

use http::header::{
    CACHE_CONTROL, CONTENT_LOCATION, DATE, ETAG, EXPIRES, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, LINK, VARY,
};
use http::{HeaderMap, HeaderName, StatusCode};

use crate::cache::Content;

use super::Response;

/// RFC 9110 §15.4.5: the fields a 304 keeps; a recipient knows the others.
const KEPT: [HeaderName; 7] =
    [CACHE_CONTROL, CONTENT_LOCATION, DATE, ETAG, EXPIRES, VARY, http::header::AGE];

/// Whether the client has this representation already.
pub(super) fn is_not_modified(response: &Response, request: &HeaderMap) -> bool {
    if response.status != StatusCode::OK {
        return false;
    }
    // RFC 9110 §13.1.3: a recipient MUST ignore If-Modified-Since if the request contains an
    // If-None-Match header field.
    if request.contains_key(IF_NONE_MATCH) {
        return response.fields.get(ETAG).is_some_and(|etag| any_matches(request, etag.as_bytes()));
    }
    let date =
        |fields: &HeaderMap, name| httpdate::parse_http_date(fields.get(name)?.to_str().ok()?).ok();
    match (date(request, IF_MODIFIED_SINCE), date(&response.fields, LAST_MODIFIED)) {
        (Some(since), Some(modified)) => modified <= since,
        _ => false,
    }
}

/// Turns an answer into the 304 that stands for it.
pub(super) fn make_not_modified(response: &mut Response) {
    response.status = StatusCode::NOT_MODIFIED;
    response.content = Content::Buffer(bytes::Bytes::new());
    let kept = |name: &HeaderName| KEPT.contains(name) || *name == LAST_MODIFIED || *name == LINK;
    let dropped: Vec<_> = response.fields.keys().filter(|name| !kept(name)).cloned().collect();
    for name in dropped {
        response.fields.remove(name);
    }
}

/// RFC 9110 §13.1.2: a recipient MUST use the weak comparison function for If-None-Match.
fn any_matches(request: &HeaderMap, etag: &[u8]) -> bool {
    let opaque = strong(etag);
    request.get_all(IF_NONE_MATCH).iter().any(|line| {
        let mut rest = line.as_bytes().trim_ascii();
        if rest == b"*" {
            return true;
        }
        // Entity tags are quoted and may contain commas, so the list cannot just be split.
        while let Some(start) = rest.iter().position(|b| *b == b'"') {
            let Some(length) = rest[start + 1..].iter().position(|b| *b == b'"') else {
                return false;
            };
            let end = start + length + 2;
            if &rest[start..end] == opaque {
                return true;
            }
            rest = &rest[end..];
        }
        false
    })
}

fn strong(etag: &[u8]) -> &[u8] {
    etag.strip_prefix(b"W/").unwrap_or(etag)
}
