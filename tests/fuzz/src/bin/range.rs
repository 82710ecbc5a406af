//! `Range`, entity tags and the conditions on them: `src/gateway/range.rs`, `entity_tag.rs` and
//! `select.rs`, included by path, because nobody outside their room calls them.
//! Not a test of particular outcomes: those are in `src/gateway/select_tests.rs`.
#![no_main]

#[allow(dead_code)]
#[path = "../../../../src/gateway/entity_tag.rs"]
mod entity_tag;
#[allow(dead_code)]
#[path = "../../../../src/gateway/range.rs"]
mod range;
#[allow(dead_code)]
#[path = "../../../../src/gateway/select.rs"]
mod select;

use http::header::{
    CONTENT_RANGE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE,
};
use http::{HeaderMap, Method, StatusCode};
use libfuzzer_sys::fuzz_target;
use range::Asked;
use select::Selected;
use unpad_fuzz::fields;

// A request's fields, `--`, the response's fields. The length is what `Content-Length` of the response
// says, so that a field and a length are found that touch each other.
fuzz_target!(|data: &[u8]| {
    let (request, response) = fields::halves(data);
    let (request, response) = (fields::of_lines(request), fields::of_lines(response));
    let length =
        response.get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
    if let (Some(field), Some(length)) = (request.get(RANGE), length) {
        one_range(field.as_bytes(), length);
    }
    for method in [Method::GET, Method::HEAD, Method::POST] {
        selected(&method, &request, &response, length);
    }
});

/// Bytes lie inside, and are those that a reader of the grammar would name.
fn one_range(field: &[u8], length: u64) {
    let asked = range::read(field, length);
    match &asked {
        Asked::Bytes(range) => {
            assert!(range.start < range.end && range.end <= length, "{range:?} of {length}");
            // RFC 9110 §14.2: what is sent may be asked for again as what it is.
            let again = format!("bytes={}-{}", range.start, range.end - 1);
            assert_eq!(range::read(again.as_bytes(), length), asked);
            // Of longer content, the same positions are there; a suffix moves with the end.
            if let Asked::Bytes(more) = range::read(field, length.saturating_add(1)) {
                assert!(more.start == range.start || more.start == range.start + 1);
            }
        }
        Asked::Unsatisfiable => assert!(field.iter().any(u8::is_ascii_digit)),
        Asked::Nothing => {}
    }
    let ours = field.to_ascii_uppercase();
    assert_eq!(range::read(&ours, length), asked, "a unit has no case");
    let padded = [field, b" , "].concat();
    if field.contains(&b'=') {
        assert_eq!(range::read(&padded, length), asked, "empty members are ignored");
    }
}

fn selected(method: &Method, request: &HeaderMap, response: &HeaderMap, length: Option<u64>) {
    let selected = select::select(method, request, response, length);
    let mut head = response.clone();
    let status = selected.head(&mut head);
    match &selected {
        Selected::Whole => assert_eq!((status, &head), (StatusCode::OK, response)),
        Selected::NotModified => {
            assert_eq!(status, StatusCode::NOT_MODIFIED);
            assert_ne!(*method, Method::POST);
            if request.contains_key(IF_NONE_MATCH) {
                assert!(select::has_current(request, response));
            } else {
                assert_eq!(request.get_all(IF_MODIFIED_SINCE).iter().count(), 1);
            }
            assert!(head.keys().all(|name| response.contains_key(name)));
        }
        Selected::Part { range, of } => {
            assert_eq!((status, length), (StatusCode::PARTIAL_CONTENT, Some(*of)));
            assert_eq!(*method, Method::GET);
            assert!(range.start < range.end && range.end <= *of);
            let told = format!("bytes {}-{}/{of}", range.start, range.end - 1);
            assert_eq!(head[CONTENT_RANGE], told);
            if let Some(condition) = request.get(IF_RANGE) {
                may_be_joined(condition.as_bytes(), response);
            }
        }
        Selected::Unsatisfiable { of } => {
            assert_eq!((status, length), (StatusCode::RANGE_NOT_SATISFIABLE, Some(*of)));
            assert_eq!(head[CONTENT_RANGE], format!("bytes */{of}"));
            assert!(!head.contains_key(ETAG), "it is not about the representation");
        }
    }
}

/// A part after an `If-Range` is of the very representation: a strong tag or a date that is the same.
fn may_be_joined(condition: &[u8], response: &HeaderMap) {
    let condition = condition.trim_ascii();
    if condition.contains(&b'"') {
        assert!(!condition.starts_with(b"W/"));
        assert_eq!(response[ETAG].as_bytes().trim_ascii(), condition);
    } else {
        let read = |bytes| httpdate::parse_http_date(std::str::from_utf8(bytes).ok()?.trim()).ok();
        assert_eq!(read(condition), read(response[LAST_MODIFIED].as_bytes()));
        assert!(read(condition).is_some());
    }
}
