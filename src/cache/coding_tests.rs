//! What is worth coding, what comes of it, and what each variant is called.

use std::io::Read as _;

use http::HeaderName;

use super::*;

fn field(name: HeaderName, value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
}

fn decoded(coding: Coding, mut coded: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    match coding {
        Coding::Identity => content.extend_from_slice(coded),
        Coding::Gzip => {
            flate2::read::GzDecoder::new(coded).read_to_end(&mut content).expect("gzip");
        }
        Coding::Brotli => {
            brotli::BrotliDecompress(&mut coded, &mut content).expect("br");
        }
    }
    content
}

#[test]
fn what_is_coded_is_decoded_to_the_same_and_coded_the_same_again() {
    let json = br#"{"name": "qualitat-aire", "id": 1.00},"#.repeat(300);
    for coding in [Coding::Gzip, Coding::Brotli] {
        let coded = encode(coding, &json).expect("much shorter");
        assert!(coded.len() < json.len() / 20, "{coding:?}: {}", coded.len());
        assert_eq!(decoded(coding, &coded), json);
        assert_eq!(encode(coding, &json), Some(coded));
    }
    let header = &encode(Coding::Gzip, &json).expect("gzip")[..10];
    assert_eq!(header, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], "no time, no system");
}

#[test]
fn what_does_not_become_much_shorter_is_left_alone() {
    // Xorshift: as good as random, and the same each time.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    })
    .take(100_000)
    .collect();
    let mostly_noise = [&noise[..], &[b' '; 10_000]].concat();
    let less_noise = [&noise[..], &[b' '; 13_000]].concat();
    for coding in [Coding::Gzip, Coding::Brotli] {
        assert_eq!(encode(coding, &noise), None);
        assert_eq!(encode(coding, &mostly_noise), None);
        assert!(encode(coding, &less_noise).is_some());
        assert_eq!(encode(coding, b""), None);
        assert_eq!(encode(coding, b"1"), None);
    }
    assert_eq!(encode(Coding::Identity, &[b' '; 10_000]), None);
}

#[test]
fn text_is_worth_it_and_what_is_compressed_or_unknown_is_not() {
    let worth = |text: &str| is_worth(&text.parse().expect("a field value"), 5000);
    for text in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "text/csv",
        "text/html ;charset=utf-8",
        "text/plain",
        "application/geo+json",
        "application/geojson",
        "application/ld+json",
        "application/vnd.api+json",
        "application/rdf+xml",
        "image/svg+xml",
        "application/javascript",
        "application/wasm",
        "application/x-ndjson",
    ] {
        assert!(worth(text), "{text}");
    }
    for text in [
        "application/zip",
        "application/gzip",
        "application/vnd.apache.parquet",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/pdf",
        "image/png",
        "image/jpeg",
        "video/mp4",
        "application/octet-stream",
        "text/event-stream",
        "json",
        "",
    ] {
        assert!(!worth(text), "{text}");
    }
    let obs_text = HeaderValue::from_bytes(b"text/csv\xff").expect("a field value");
    assert!(!is_worth(&obs_text, 5000));
}

#[test]
fn what_is_very_short_or_very_long_is_not_worth_it() {
    let json = HeaderValue::from_static("application/json");
    for (length, worth) in
        [(0, false), (LEAST - 1, false), (LEAST, true), (MOST, true), (MOST + 1, false)]
    {
        assert_eq!(is_worth(&json, length), worth, "{length}");
    }
}

#[test]
fn what_may_not_be_transformed_or_is_coded_or_a_part_is_left_alone() {
    assert!(may_be_coded(&HeaderMap::new()));
    assert!(may_be_coded(&field(CACHE_CONTROL, "public, max-age=300")));
    assert!(!may_be_coded(&field(CACHE_CONTROL, "public,No-Transform , max-age=300")));
    assert!(!may_be_coded(&field(CACHE_CONTROL, "no-transform=1")));
    assert!(!may_be_coded(&field(CONTENT_ENCODING, "gzip")));
    assert!(!may_be_coded(&field(CONTENT_RANGE, "bytes 0-1/9")));
    let mut fields = field(CACHE_CONTROL, "public");
    fields.append(CACHE_CONTROL, HeaderValue::from_bytes(b"\xff").expect("a field value"));
    assert!(!may_be_coded(&fields));
}

#[test]
fn each_variant_has_an_entity_tag_of_its_own() {
    let tag = |text: &[u8], coding| {
        let value = HeaderValue::from_bytes(text).expect("a field value");
        etag(&value, coding).map(|tag| tag.as_bytes().to_vec())
    };
    for (given, coding, expected) in [
        (&b"\"abc\""[..], Coding::Gzip, &b"\"abc-gzip\""[..]),
        (b"\"abc\"", Coding::Brotli, b"\"abc-br\""),
        (b"\"abc\"", Coding::Identity, b"\"abc\""),
        (b"W/\"abc\"", Coding::Gzip, b"W/\"abc-gzip\""),
        (b"\"\"", Coding::Gzip, b"\"-gzip\""),
        (b"\"\xe9\"", Coding::Brotli, b"\"\xe9-br\""),
    ] {
        assert_eq!(tag(given, coding).as_deref(), Some(expected));
    }
    for broken in [&b"abc"[..], b"\"", b"", b"W/", b"w/\"abc\"", b"\"a\"b\"", b"\"a"] {
        assert_eq!(tag(broken, Coding::Gzip), None);
        assert_eq!(tag(broken, Coding::Identity), None);
    }
}
