//! What of a complete representation a request asks for: preconditions and ranges (RFC 9110 §13 and
//! §14), and the head that goes with it. It compares fields; it fetches nothing and sees no content.
//!
//! `If-Match` and `If-Unmodified-Since` are not read: a cache or intermediary MAY ignore them, since
//! what they protect is only of use at the origin server (RFC 9110 §13.1.1, §13.1.4).
//!
//! **Invariant:** a part is never empty and lies inside the representation.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use http::header::{
    AGE, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_RANGE, DATE, ETAG, EXPIRES,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, LINK, RANGE, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::entity_tag::EntityTag;
use super::range::{self, Asked};

/// RFC 9530 §2: of the content of one message, so it does not hold for a part.
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// What a 304 keeps: RFC 9110 §15.4.5 has those that must stand and that guide a cache's update; a
/// recipient knows the others. `Link` says where the answer comes from.
const KEPT: [HeaderName; 9] =
    [AGE, CACHE_CONTROL, CONTENT_LOCATION, DATE, ETAG, EXPIRES, LAST_MODIFIED, LINK, VARY];

/// How much older than `Date` a `Last-Modified` must be to be strong. RFC 9110 §8.8.2.2 asks for a
/// second if both are of one clock, else for enough that clocks make no difference. `Date` may be
/// ours and `Last-Modified` the portal's, so it is a minute, which RFC 7232 §2.2.2 held for enough.
/// For less, a download that was cut begins anew.
const STRONG_AFTER: Duration = Duration::from_secs(60);

/// What is sent of a complete representation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selected {
    /// All of it: 200.
    Whole,
    /// Nothing, for the client has it: 304.
    NotModified,
    /// A part: 206.
    Part {
        /// The bytes.
        range: Range<u64>,
        /// The length of the representation.
        of: u64,
    },
    /// Nothing, for what is asked for is not there: 416.
    Unsatisfiable {
        /// The length of the representation.
        of: u64,
    },
}

/// RFC 9110 §13.2.2: decides what of a representation a request asks for, in the order given there.
/// `fields` and `length` are those of a complete 200 as it would be sent, its coding put on; a
/// representation of unknown length is never sent in part.
pub(super) fn select(
    method: &Method,
    request: &HeaderMap,
    fields: &HeaderMap,
    length: Option<u64>,
) -> Selected {
    // RFC 9110 §13.1.2: other methods than these would be a 412, and are never answered from what
    // is stored; §13.1.3: a recipient MUST ignore If-Modified-Since if the method is neither.
    if *method != Method::GET && *method != Method::HEAD {
        return Selected::Whole;
    }
    // RFC 9110 §13.1.3: a recipient MUST ignore If-Modified-Since if the request contains an
    // If-None-Match header field.
    let has_it = if request.contains_key(IF_NONE_MATCH) {
        has_current(request, fields)
    } else {
        is_not_modified_since(request, fields)
    };
    if has_it {
        return Selected::NotModified;
    }
    // RFC 9110 §14.2: a server MUST ignore a Range header field received with a request method for
    // which range handling is not defined; it is for GET alone.
    if *method != Method::GET {
        return Selected::Whole;
    }
    let (Some(range), Some(of)) = (single(request, &RANGE), length) else {
        return Selected::Whole;
    };
    // RFC 9110 §13.1.5: a recipient of an If-Range header field MUST ignore the Range header field
    // if the If-Range condition evaluates as false.
    if request.contains_key(IF_RANGE) && !is_same(request, fields) {
        return Selected::Whole;
    }
    match range::read(range.as_bytes(), of) {
        Asked::Nothing => Selected::Whole,
        Asked::Bytes(range) => Selected::Part { range, of },
        Asked::Unsatisfiable => Selected::Unsatisfiable { of },
    }
}

impl Selected {
    /// Turns the fields of the complete 200 into those of this answer, and tells its status.
    /// `Content-Length` is left to who sends the content.
    pub(super) fn head(&self, fields: &mut HeaderMap) -> StatusCode {
        match self {
            Self::Whole => StatusCode::OK,
            Self::NotModified => {
                keep(fields, &KEPT);
                StatusCode::NOT_MODIFIED
            }
            Self::Part { range, of } => {
                fields.remove(CONTENT_DIGEST);
                fields.remove(CONTENT_LENGTH);
                let (first, last) = (range.start, range.end.saturating_sub(1));
                tell_range(fields, &format!("bytes {first}-{last}/{of}"));
                StatusCode::PARTIAL_CONTENT
            }
            Self::Unsatisfiable { of } => {
                // It says nothing of the representation but its length (RFC 9110 §15.5.17), and a
                // cache that knows no ranges must not give it to others.
                keep(fields, &[VARY]);
                fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                tell_range(fields, &format!("bytes */{of}"));
                StatusCode::RANGE_NOT_SATISFIABLE
            }
        }
    }
}

fn keep(fields: &mut HeaderMap, names: &[HeaderName]) {
    let dropped: Vec<_> = fields.keys().filter(|name| !names.contains(name)).cloned().collect();
    for name in dropped {
        fields.remove(name);
    }
}

fn tell_range(fields: &mut HeaderMap, text: &str) {
    // Digits and a few signs are always a field value.
    if let Ok(value) = HeaderValue::try_from(text) {
        fields.insert(CONTENT_RANGE, value);
    }
}

/// Whether a client has what these fields are of, by its `If-None-Match`.
///
/// RFC 9110 §13.1.2: a recipient MUST use the weak comparison function for If-None-Match.
#[must_use]
pub fn has_current(request: &HeaderMap, fields: &HeaderMap) -> bool {
    // "*" is false if there is any current representation, and there is.
    if single(request, &IF_NONE_MATCH).is_some_and(|field| field.as_bytes().trim_ascii() == b"*") {
        return true;
    }
    let Some(own) = entity_tag(fields) else { return false };
    let mut lines = request.get_all(IF_NONE_MATCH).iter();
    lines.any(|line| EntityTag::list(line.as_bytes()).any(|tag| tag.matches_weakly(own)))
}

/// RFC 9110 §13.1.3: a recipient MUST ignore If-Modified-Since if its value is not a valid HTTP-date
/// or has more than one member.
fn is_not_modified_since(request: &HeaderMap, fields: &HeaderMap) -> bool {
    let Some(since) = date(request, &IF_MODIFIED_SINCE) else { return false };
    // RFC 9111 §4.3.2: where Last-Modified is not present, a cache SHOULD use the stored response's
    // Date field value.
    let modified = if fields.contains_key(LAST_MODIFIED) { LAST_MODIFIED } else { DATE };
    date(fields, &modified).is_some_and(|modified| modified <= since)
}

/// RFC 9110 §13.1.5: whether the representation is the one that the client has a part of.
fn is_same(request: &HeaderMap, fields: &HeaderMap) -> bool {
    let Some(condition) = single(request, &IF_RANGE) else { return false };
    // A valid entity-tag can be distinguished from a valid HTTP-date by examining the first three
    // characters for a DQUOTE.
    if condition.as_bytes().iter().take(3).any(|b| *b == b'"') {
        let tag = EntityTag::of(condition.as_bytes());
        return tag.zip(entity_tag(fields)).is_some_and(|(tag, own)| tag.matches_strongly(own));
    }
    let (Some(asked), Some(modified), Some(dated)) =
        (date(request, &IF_RANGE), date(fields, &LAST_MODIFIED), date(fields, &DATE))
    else {
        return false;
    };
    // If the HTTP-date validator is not a strong validator, the condition is false; if it exactly
    // matches the Last-Modified field value, the condition is true.
    asked == modified && dated.duration_since(modified).is_ok_and(|age| age >= STRONG_AFTER)
}

/// The one line of a field; `None` if there are several, for which none of these fields is made.
fn single<'a>(fields: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut lines = fields.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (line, None) => line,
        _ => None,
    }
}

fn entity_tag(fields: &HeaderMap) -> Option<EntityTag<'_>> {
    EntityTag::of(single(fields, &ETAG)?.as_bytes())
}

fn date(fields: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(single(fields, name)?.to_str().ok()?.trim()).ok()
}

#[cfg(test)]
#[path = "select_tests.rs"]
mod tests;
