//! From a caller's path to a portal's URL (`src/portal/target.rs`): whatever is written stays below the
//! base and is asked for as it was written. Not a test of queries (`query`).
#![no_main]

use std::borrow::Cow;

use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode_str;
use unpad::portal::{Base, Portal};
use unpad_fuzz::portals;
use url::Url;

// A byte that chooses the portal, and a path with its query.
fuzz_target!(|data: &[u8]| {
    let Some((portal, written)) = portals::asked(data) else { return };
    let (path, query) = match written.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (written, None),
    };
    if let Ok(target) = portal.target(path, query) {
        let base = portal.base.to_string();
        for url in [Some(target.url()), target.padded()].into_iter().flatten() {
            below(&url, &base);
            let asked = &url.path()[portal.base.url().path().trim_end_matches('/').len() + 1..];
            if portal.asking.rewrite.is_empty() {
                assert_eq!(decoded(asked), decoded(path), "as it was written");
            }
        }
        assert_eq!(target.url().as_str(), target.text(), "what is stored under is what is dialled");
        if portal.asking.rewrite.is_empty() {
            again(portal, target.text(), &base);
        }
    }
    if let Ok(link) = portal.link(written) {
        let (path, query) = match link.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (&*link.path, None),
        };
        assert!(portal.target(path, query).is_ok(), "what a link comes to can be asked for");
    }
    page(portal, path);
    base_of(written);
});

/// A server that decodes once and then resolves does not leave the base.
fn below(url: &Url, base: &str) {
    let text = url.as_str();
    assert_eq!(text.strip_prefix(base).map(|rest| rest.starts_with('/')), Some(true), "{text}");
    assert!(url.fragment().is_none() && url.username().is_empty() && url.password().is_none());
    assert_eq!(Url::parse(text).as_ref(), Ok(url));
    let path = decoded(url.path());
    assert!(!path.iter().any(|b| matches!(b, 0..=0x1f | 0x7f | b'\\')), "{text}");
    for segment in path.split(|b| *b == b'/') {
        let name = segment.split(|b| *b == b';').next().unwrap_or_default();
        assert!(name != b"." && name != b"..", "{text}");
    }
}

/// A target's own path and query come to the same target.
fn again(portal: &Portal, text: &str, base: &str) {
    let rest = &text[base.len() + 1..];
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let target = portal.target(path, query).expect("it was one");
    assert_eq!(target.text(), text);
}

fn page(portal: &Portal, path: &str) {
    if let Some(link) = portal.page(path)
        && let Ok(target) = portal.target(path, None)
    {
        drop(target);
        let path = link.path.split('?').next().unwrap_or_default();
        assert!(portal.target(path, None).is_ok(), "{link:?}");
    }
}

/// A base that is read is one that targets can stand below.
fn base_of(written: &str) {
    if let Ok(base) = written.parse::<Base>() {
        let text = base.to_string();
        assert!(!text.ends_with('/') && base.url().as_str().trim_end_matches('/') == text);
        assert_eq!(text.parse::<Base>().as_ref().map(ToString::to_string), Ok(text));
    }
    if let Ok(base) = Base::lenient(written) {
        assert!(base.to_string().parse::<Base>().is_ok());
    }
}

fn decoded(path: &str) -> Cow<'_, [u8]> {
    percent_decode_str(path).into()
}
