//! `Cache-Control`, `Pragma` and the targeted field (RFC 9111 §5.2, RFC 9213): what may not be stored is
//! never read as something that may. Not a test of particular outcomes: those are beside
//! `src/cache/control.rs`.
#![no_main]

use std::time::Duration;

use http::header::{CACHE_CONTROL, PRAGMA};
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use unpad::cache::Directives;
use unpad_fuzz::fields;

const TARGETED: HeaderName = HeaderName::from_static("cdn-cache-control");

/// 2^31 seconds, the longest time that RFC 9111 §1.2.2 has a cache count.
const LONGEST: Duration = Duration::from_secs(1 << 31);

fuzz_target!(|data: &[u8]| {
    let fields = fields::of_lines(data);
    let read = Directives::of_response(&fields);
    within_bounds(&read);
    within_bounds(&Directives::of_request(&fields));
    if read.targeted {
        assert!(fields.contains_key(&TARGETED));
        let without: HeaderMap = only(&fields, |name| *name == TARGETED);
        assert_eq!(Directives::of_response(&without), read, "it stands for all others");
    } else {
        forbids_what_is_said(&fields, &read);
        spelt_otherwise(&fields, &read);
    }
    pragma(&fields);
});

fn within_bounds(read: &Directives) {
    for time in [
        read.max_age,
        read.s_maxage,
        read.min_fresh,
        read.max_stale,
        read.stale_while_revalidate,
        read.stale_if_error,
    ] {
        assert!(time.is_none_or(|time| time <= LONGEST && time.subsec_nanos() == 0));
    }
}

/// One more line takes nothing back, wherever it stands, and however the others are broken.
fn forbids_what_is_said(fields: &HeaderMap, read: &Directives) {
    let with = |line| {
        let mut more = fields.clone();
        more.append(CACHE_CONTROL, HeaderValue::from_static(line));
        Directives::of_response(&more)
    };
    assert_eq!(with("no-store"), Directives { no_store: true, ..read.clone() });
    assert_eq!(with("\t, PRIVATE = x,"), read.clone(), "no token, no directive");
    assert_eq!(with(",Private=\"x, y\","), Directives { private: true, ..read.clone() });
    let first = with("max-age=7, max-age=8").max_age;
    assert_eq!(first, read.max_age.or(Some(Duration::from_secs(7))), "the first counts");
    if fields.get_all(CACHE_CONTROL).iter().any(|line| line.to_str().is_err()) {
        assert!(read.no_store, "what is no text permits nothing");
    }
}

/// Case, empty members and, outside quotes, lines make no difference.
fn spelt_otherwise(fields: &HeaderMap, read: &Directives) {
    let lines: Vec<&[u8]> =
        fields.get_all(CACHE_CONTROL).iter().map(HeaderValue::as_bytes).collect();
    let text = |line: &&[u8]| line.iter().all(|b| matches!(b, b' '..=b'~' | b'\t'));
    if !lines.iter().all(text) {
        return;
    }
    let of = |lines: &[Vec<u8>]| {
        let mut fields = HeaderMap::new();
        for line in lines {
            fields.append(CACHE_CONTROL, HeaderValue::from_bytes(line).expect("it was one"));
        }
        Directives::of_response(&fields)
    };
    let upper: Vec<_> = lines.iter().map(|line| line.to_ascii_uppercase()).collect();
    assert_eq!(of(&upper), *read);
    let padded: Vec<_> = lines.iter().map(|line| [b" ,,", *line].concat()).collect();
    assert_eq!(of(&padded), *read);
    if lines.iter().all(|line| !line.contains(&b'"')) {
        assert_eq!(of(&[lines.join(&b","[..])]), *read);
    }
}

fn pragma(fields: &HeaderMap) {
    let asked = only(fields, |name| *name == CACHE_CONTROL || *name == PRAGMA);
    let read = Directives::of_request(fields);
    assert_eq!(Directives::of_request(&asked), read);
    if fields.contains_key(CACHE_CONTROL) {
        let asked = only(fields, |name| *name == CACHE_CONTROL);
        assert_eq!(Directives::of_request(&asked), read, "Pragma does not count beside it");
    }
}

fn only(fields: &HeaderMap, wanted: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    fields.iter().filter(|(name, _)| wanted(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
}
