//! What selects a stored response (`Vary`, RFC 9111 §4.1), and what codings a client takes
//! (`Accept-Encoding`). Not a test of particular outcomes: those are beside `src/cache/vary.rs` and
//! `accepted.rs`.
#![no_main]

use http::header::{ACCEPT_ENCODING, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use unpad::cache::{Coding, Selecting, accepted};
use unpad_fuzz::fields;

// A response's fields, `--`, a request's, `--`, another request's.
fuzz_target!(|data: &[u8]| {
    let (response, rest) = fields::halves(data);
    let (one, other) = fields::halves(rest);
    let (response, one, other) =
        (fields::of_lines(response), fields::of_lines(one), fields::of_lines(other));
    selecting(&response, &one, &other);
    codings(&one);
});

fn selecting(response: &HeaderMap, one: &HeaderMap, other: &HeaderMap) {
    let of = |request| Selecting::of(response, request);
    assert!(of(one).matches(one), "a request selects what answered it");
    assert_eq!(of(one).matches(other), of(other).matches(one), "either way round");
    if of(one).matches(other) {
        assert_eq!(of(one), of(other), "what selects the same is stored as the same");
    }
    let turned = reversed(response);
    assert_eq!(Selecting::of(&turned, one), of(one), "the order of names does not matter");
    let names = nominated(response);
    if !names.contains(&"x-other".to_owned()) {
        let mut more = one.clone();
        more.append("x-other", HeaderValue::from_static("1"));
        assert!(of(one).matches(&more), "what is not nominated does not matter");
    }
    for name in names.iter().filter_map(|name| name.parse::<HeaderName>().ok()) {
        let mut without = one.clone();
        if without.remove(&name).is_some() {
            assert!(!of(one).matches(&without), "a field that is missing is another value");
        }
    }
}

/// The names in lower case, each once.
fn nominated(response: &HeaderMap) -> Vec<String> {
    let mut names: Vec<_> = response
        .get_all(VARY)
        .iter()
        .flat_map(|line| line.as_bytes().split(|b| *b == b','))
        .filter_map(|name| String::from_utf8(name.trim_ascii().to_ascii_lowercase()).ok())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The same names the other way round, all in one line, each twice and in upper case.
fn reversed(response: &HeaderMap) -> HeaderMap {
    let lines: Vec<_> = response.get_all(VARY).iter().map(HeaderValue::as_bytes).collect();
    let all = lines.join(&b","[..]);
    let mut names: Vec<_> = all.split(|b| *b == b',').collect();
    names.reverse();
    let line = names.join(&b" , "[..]);
    let twice = [&line[..], b",,", &line].concat();
    let mut fields = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(&twice.to_ascii_uppercase()) {
        fields.insert(VARY, value);
    }
    fields
}

fn codings(request: &HeaderMap) {
    let taken: Vec<Coding> = accepted(request).iter().collect();
    assert!(taken.contains(&Coding::Identity), "what is not coded is always left");
    let once = |coding| taken.iter().filter(|taken| **taken == coding).count() <= 1;
    assert!(Coding::ALL.into_iter().all(once));
    for coding in taken.iter().filter(|coding| **coding != Coding::Identity) {
        let says = |line: &HeaderValue| {
            let line = line.as_bytes().to_ascii_lowercase();
            let has = |word: &[u8]| line.windows(word.len()).any(|window| window == word);
            has(coding.name().as_bytes()) || has(b"x-gzip") || has(b"*")
        };
        assert!(request.get_all(ACCEPT_ENCODING).iter().any(says), "nobody asked for {coding:?}");
    }
    // Members in another order, and over other lines, take the same.
    let lines: Vec<_> =
        request.get_all(ACCEPT_ENCODING).iter().map(HeaderValue::as_bytes).collect();
    let mut turned = HeaderMap::new();
    for member in lines.iter().flat_map(|line| line.split(|b| *b == b',')).rev() {
        if let Ok(value) = HeaderValue::from_bytes(member) {
            turned.append(ACCEPT_ENCODING, value);
        }
    }
    assert_eq!(accepted(&turned).iter().collect::<Vec<_>>(), taken);
}
