//! What is selected of a representation, case by case, and the heads that go with it.

use http::header::{CONTENT_TYPE, IF_MATCH, IF_UNMODIFIED_SINCE};
use proptest::prelude::*;

use super::*;

const MODIFIED: &str = "Sat, 21 Nov 2026 08:00:00 GMT";
const DATED: &str = "Sat, 21 Nov 2026 09:00:00 GMT";

fn map(pairs: &[(HeaderName, &[u8])]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in pairs {
        fields.append(name, HeaderValue::from_bytes(value).expect("a field value"));
    }
    fields
}

/// The fields of a complete representation with every validator.
fn whole() -> HeaderMap {
    map(&[
        (ETAG, b"\"abc\""),
        (LAST_MODIFIED, MODIFIED.as_bytes()),
        (DATE, DATED.as_bytes()),
        (CONTENT_TYPE, b"text/csv"),
        (CONTENT_LENGTH, b"10"),
        (CONTENT_DIGEST, b"sha-256=:AA==:"),
        (HeaderName::from_static("repr-digest"), b"sha-256=:AA==:"),
        (CACHE_CONTROL, b"max-age=300"),
        (VARY, b"Accept-Encoding"),
        (LINK, b"<https://city.example/x>; rel=\"via\""),
    ])
}

/// What a GET of ten bytes with these fields selects.
fn of(request: &[(HeaderName, &[u8])]) -> Selected {
    select(&Method::GET, &map(request), &whole(), Some(10))
}

/// What a GET selects of a representation with these fields.
fn among(request: &[(HeaderName, &[u8])], fields: &[(HeaderName, &[u8])]) -> Selected {
    select(&Method::GET, &map(request), &map(fields), Some(10))
}

const fn part(range: Range<u64>) -> Selected {
    Selected::Part { range, of: 10 }
}

fn names(fields: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = fields.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_request_without_conditions_gets_all_of_it() {
    assert_eq!(of(&[]), Selected::Whole);
    assert_eq!(of(&[(IF_RANGE, b"\"abc\"")]), Selected::Whole);
    assert_eq!(of(&[(IF_MATCH, b"\"other\"")]), Selected::Whole);
    assert_eq!(of(&[(IF_UNMODIFIED_SINCE, b"Sat, 21 Nov 2020 08:00:00 GMT")]), Selected::Whole);
}

#[test]
fn an_entity_tag_that_matches_weakly_is_not_modified() {
    for line in [&b"\"abc\""[..], b"W/\"abc\"", b"\"x\", \"abc\"", b"*", b" * ", b"junk, \"abc\""] {
        assert_eq!(of(&[(IF_NONE_MATCH, line)]), Selected::NotModified, "{}", line.escape_ascii());
    }
    for line in [&b"\"ab\""[..], b"abc", b"\"abc", b"", b"\"abc-gzip\"", b"\"ABC\"", b"**"] {
        assert_eq!(of(&[(IF_NONE_MATCH, line)]), Selected::Whole, "{}", line.escape_ascii());
    }
    let lines: &[(HeaderName, &[u8])] = &[(IF_NONE_MATCH, b"\"x\""), (IF_NONE_MATCH, b"\"abc\"")];
    assert_eq!(of(lines), Selected::NotModified);
    let obs_text: &[(HeaderName, &[u8])] = &[(ETAG, b"W/\"\xe9,\xff\"")];
    assert_eq!(among(&[(IF_NONE_MATCH, b"\"\xe9,\xff\"")], obs_text), Selected::NotModified);
    assert_eq!(among(&[(IF_NONE_MATCH, b"\"abc\"")], &[]), Selected::Whole);
    assert_eq!(among(&[(IF_NONE_MATCH, b"abc")], &[(ETAG, b"abc")]), Selected::Whole);
    assert_eq!(among(&[(IF_NONE_MATCH, b"*")], &[]), Selected::NotModified);
}

#[test]
fn a_date_counts_only_without_entity_tags() {
    let since = |date: &str| of(&[(IF_MODIFIED_SINCE, date.as_bytes())]);
    assert_eq!(since(MODIFIED), Selected::NotModified);
    assert_eq!(since(DATED), Selected::NotModified);
    assert_eq!(since("Saturday, 21-Nov-26 08:00:00 GMT"), Selected::NotModified);
    assert_eq!(since("Sat Nov 21 08:00:00 2026"), Selected::NotModified);
    assert_eq!(since("Sat, 21 Nov 2026 07:59:59 GMT"), Selected::Whole);
    assert_eq!(since("yesterday"), Selected::Whole);
    let both: &[(HeaderName, &[u8])] =
        &[(IF_NONE_MATCH, b"\"x\""), (IF_MODIFIED_SINCE, DATED.as_bytes())];
    assert_eq!(of(both), Selected::Whole);
    let twice: &[(HeaderName, &[u8])] =
        &[(IF_MODIFIED_SINCE, DATED.as_bytes()), (IF_MODIFIED_SINCE, DATED.as_bytes())];
    assert_eq!(of(twice), Selected::Whole);
}

#[test]
fn without_last_modified_the_date_stands_in() {
    let since = |date: &'static str, fields| among(&[(IF_MODIFIED_SINCE, date.as_bytes())], fields);
    let dated: &[(HeaderName, &[u8])] = &[(DATE, DATED.as_bytes())];
    assert_eq!(since(DATED, dated), Selected::NotModified);
    assert_eq!(since(MODIFIED, dated), Selected::Whole);
    let broken: &[(HeaderName, &[u8])] = &[(DATE, MODIFIED.as_bytes()), (LAST_MODIFIED, b"never")];
    assert_eq!(since(DATED, broken), Selected::Whole);
    assert_eq!(since(DATED, &[]), Selected::Whole);
}

#[test]
fn ranges_are_for_get_and_known_lengths() {
    let request = map(&[(RANGE, b"bytes=2-4")]);
    let of = |method, length| select(&method, &request, &whole(), length);
    assert_eq!(of(Method::GET, Some(10)), part(2..5));
    assert_eq!(of(Method::GET, Some(4)), Selected::Part { range: 2..4, of: 4 });
    assert_eq!(of(Method::GET, Some(2)), Selected::Unsatisfiable { of: 2 });
    assert_eq!(of(Method::GET, Some(0)), Selected::Unsatisfiable { of: 0 });
    assert_eq!(of(Method::GET, None), Selected::Whole);
    assert_eq!(of(Method::HEAD, Some(10)), Selected::Whole);
    assert_eq!(of(Method::POST, Some(10)), Selected::Whole);
    let conditional = map(&[(IF_NONE_MATCH, b"\"abc\"")]);
    let of = |method| select(&method, &conditional, &whole(), None);
    assert_eq!((of(Method::GET), of(Method::HEAD)), (Selected::NotModified, Selected::NotModified));
    assert_eq!(of(Method::POST), Selected::Whole);
}

#[test]
fn several_ranges_are_ignored_on_one_line_or_on_two() {
    assert_eq!(of(&[(RANGE, b"bytes=0-1,4-5")]), Selected::Whole);
    assert_eq!(of(&[(RANGE, b"bytes=0-1"), (RANGE, b"bytes=0-1")]), Selected::Whole);
    assert_eq!(of(&[(RANGE, b"bytes=0-1\xff")]), Selected::Whole);
}

#[test]
fn preconditions_come_before_ranges() {
    let range: (HeaderName, &[u8]) = (RANGE, b"bytes=0-1");
    assert_eq!(of(&[range.clone(), (IF_NONE_MATCH, b"\"abc\"")]), Selected::NotModified);
    assert_eq!(of(&[range.clone(), (IF_NONE_MATCH, b"\"x\"")]), part(0..2));
    assert_eq!(of(&[(RANGE, b"bytes=99-"), (IF_NONE_MATCH, b"*")]), Selected::NotModified);
}

#[test]
fn a_part_is_only_of_the_representation_that_the_client_has() {
    let if_range = |value: &[u8], fields: &[(HeaderName, &[u8])]| {
        among(&[(RANGE, b"bytes=0-1"), (IF_RANGE, value)], fields)
    };
    let strong: &[(HeaderName, &[u8])] = &[(ETAG, b"\"abc\"")];
    assert_eq!(if_range(b"\"abc\"", strong), part(0..2));
    assert_eq!(if_range(b"\"abc\"", &[(ETAG, b"W/\"abc\"")]), Selected::Whole);
    for value in [&b"W/\"abc\""[..], b"\"x\"", b"abc", b"", b"*", b"\"abc\", \"x\""] {
        assert_eq!(if_range(value, strong), Selected::Whole, "{}", value.escape_ascii());
    }
    let gone: &[(HeaderName, &[u8])] = &[(RANGE, b"bytes=99-"), (IF_RANGE, b"\"x\"")];
    assert_eq!(of(gone), Selected::Whole);
    let twice: &[(HeaderName, &[u8])] =
        &[(RANGE, b"bytes=0-1"), (IF_RANGE, b"\"abc\""), (IF_RANGE, b"\"abc\"")];
    assert_eq!(of(twice), Selected::Whole);
}

#[test]
fn a_date_is_a_condition_for_a_part_only_if_it_is_strong_and_the_same() {
    let if_range = |value: &[u8], dated: &[u8]| {
        let fields: &[(HeaderName, &[u8])] = &[(LAST_MODIFIED, MODIFIED.as_bytes()), (DATE, dated)];
        among(&[(RANGE, b"bytes=0-1"), (IF_RANGE, value)], fields)
    };
    let modified = MODIFIED.as_bytes();
    assert_eq!(if_range(modified, DATED.as_bytes()), part(0..2));
    assert_eq!(if_range(b"Sat Nov 21 08:00:00 2026", DATED.as_bytes()), part(0..2));
    assert_eq!(if_range(modified, b"Sat, 21 Nov 2026 08:01:00 GMT"), part(0..2));
    for too_soon in ["Sat, 21 Nov 2026 08:00:59 GMT", MODIFIED, "Sat, 21 Nov 2026 07:00:00 GMT"] {
        assert_eq!(if_range(modified, too_soon.as_bytes()), Selected::Whole, "{too_soon}");
    }
    // Later is not the same: the client's copy need not be this one.
    assert_eq!(if_range(DATED.as_bytes(), DATED.as_bytes()), Selected::Whole);
    assert_eq!(if_range(modified, b"never"), Selected::Whole);
    let undated: &[(HeaderName, &[u8])] = &[(LAST_MODIFIED, modified)];
    let request: &[(HeaderName, &[u8])] = &[(RANGE, b"bytes=0-1"), (IF_RANGE, modified)];
    assert_eq!(among(request, undated), Selected::Whole);
}

#[test]
fn the_head_of_a_304_keeps_what_a_cache_needs() {
    let mut fields = whole();
    assert_eq!(Selected::NotModified.head(&mut fields), StatusCode::NOT_MODIFIED);
    let kept = ["cache-control", "date", "etag", "last-modified", "link", "vary"];
    assert_eq!(names(&fields), kept);
}

#[test]
fn the_head_of_a_206_says_which_part_and_drops_the_digest_of_the_content() {
    let mut fields = whole();
    assert_eq!((Selected::Whole.head(&mut fields), &fields), (StatusCode::OK, &whole()));
    assert_eq!(part(2..5).head(&mut fields), StatusCode::PARTIAL_CONTENT);
    assert_eq!(fields[CONTENT_RANGE], "bytes 2-4/10");
    let mut expected = whole();
    expected.remove(CONTENT_DIGEST);
    expected.remove(CONTENT_LENGTH);
    fields.remove(CONTENT_RANGE);
    assert_eq!(fields, expected);
}

#[test]
fn the_head_of_a_416_says_the_length_and_may_not_be_stored() {
    let mut fields = whole();
    let status = Selected::Unsatisfiable { of: 10 }.head(&mut fields);
    assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(names(&fields), ["cache-control", "content-range", "vary"]);
    assert_eq!(fields[CONTENT_RANGE], "bytes */10");
    assert_eq!(fields[CACHE_CONTROL], "no-store");
}

/// What may stand in a field: anything, and what is nearly right.
fn value() -> impl Strategy<Value = HeaderValue> {
    let anything = proptest::collection::vec(any::<u8>(), 0..24);
    let nearly = "(bytes=|[-0-9,]{0,6}|W/|\"|abc|\\*|Sat, 21 Nov 2026 0[89]:00:00 GMT){0,5}";
    prop_oneof![anything, nearly.prop_map(String::into_bytes)]
        .prop_filter_map("a field value", |bytes| HeaderValue::from_bytes(&bytes).ok())
}

fn lines(names: &'static [HeaderName]) -> impl Strategy<Value = HeaderMap> {
    let line = (proptest::sample::select(names), value());
    proptest::collection::vec(line, 0..5).prop_map(|lines| {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(name, value);
        }
        fields
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_stands_in_the_fields_a_part_lies_inside(
        request in lines(&[IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_RANGE, RANGE]),
        range in "bytes=[0-9]{0,3}-[0-9]{0,3}",
        mut fields in lines(&[ETAG, LAST_MODIFIED, DATE]),
        length in proptest::option::of(prop_oneof![0..500_u64, any::<u64>()]),
    ) {
        let ranged = map(&[(RANGE, range.as_bytes())]);
        for request in [&request, &ranged] {
            let selected = select(&Method::GET, request, &fields, length);
            if let Selected::Part { range, of } = &selected {
                prop_assert!(range.start < range.end && range.end <= *of);
                prop_assert_eq!(Some(*of), length);
            }
            selected.head(&mut fields);
        }
    }
}
