//! Whole URLs in place of a portal's path (`src/server/drop_in.rs`, included by path, with a stand-in for
//! the server around it), and links to resolve: what is asked for is where the caller's URL leads, and
//! that is a place that somebody named. Not a test of particular outcomes.
#![no_main]

#[allow(dead_code, unreachable_pub)]
#[path = "../../../../src/server/drop_in.rs"]
mod drop_in;

use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use drop_in::DropIn;
use http::Uri;
use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode_str;
use unpad::cache::{Cache, Memory, Tiers};
use unpad::clock::ManualClock;
use unpad::gateway::{self, Gateway, Place};
use unpad::upstream::Clients;
use unpad_fuzz::portals;
use url::Url;

/// As the server has it, as far as the included file asks it.
struct Service {
    gateway: Gateway,
    options: Options,
}

struct Options {
    at_root: Option<String>,
}

impl Service {
    fn without_prefix<'a>(&self, path: &'a str) -> &'a str {
        path
    }
}

mod document {
    pub(super) struct Problem;
}

mod problem {
    use super::{Service, document::Problem};

    pub(super) fn bad_target() -> Problem {
        Problem
    }

    pub(super) fn target_not_allowed(_: &Service) -> Problem {
        Problem
    }

    pub(super) fn invalid_path(_: unpad::portal::PathRefusal) -> Problem {
        Problem
    }
}

static SERVICE: LazyLock<Service> = LazyLock::new(|| {
    let clock = Arc::new(ManualClock::starting_at(SystemTime::UNIX_EPOCH));
    let tiers = Tiers { memory: Memory::new(1 << 20), disk: None };
    let cache = Cache::new(tiers, Duration::from_secs(1), clock.clone());
    let (clients, _) = Clients::new(None);
    let gateway = Gateway::new(portals::registry(), &clients, cache, clock, 1 << 20, false);
    Service { gateway, options: Options { at_root: None } }
});

// A request's path and query.
fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    resolved(text);
    let Ok(uri) = text.parse::<Uri>() else { return };
    match drop_in::read(&SERVICE, &uri) {
        DropIn::Not | DropIn::Refused(_) => {}
        DropIn::Registered(ours) => registered(&ours, &leading_to(&uri)),
        DropIn::Open(place, ours) => {
            let to = leading_to(&uri);
            assert_eq!(place.portal.base.url().origin(), to.origin(), "{to}");
            asked(&place, &ours, &to);
        }
        DropIn::File(place, url) => {
            assert!(place.portal.site_rules().names(&url), "{url}");
            let mut to = leading_to(&uri);
            to.set_fragment(None);
            assert_eq!(url, to);
        }
    }
});

/// The URL in a request, as a browser would have read it.
fn leading_to(uri: &Uri) -> Url {
    let text = match uri.path().strip_prefix("/http") {
        Some(rest) => {
            let (scheme, rest) = match rest.strip_prefix('s') {
                Some(rest) => ("https", rest),
                None => ("http", rest),
            };
            let rest = rest.trim_start_matches(':').trim_start_matches('/');
            let query = uri.query().map_or(String::new(), |query| format!("?{query}"));
            format!("{scheme}://{rest}{query}")
        }
        None => drop_in::url_parameter(uri.query().expect("a parameter")).expect("a URL"),
    };
    let to = Url::parse(&text).expect("a URL");
    assert!(matches!(to.scheme(), "http" | "https") && to.username().is_empty());
    to
}

/// A path of ours, to a portal at the host that the caller wrote.
fn registered(ours: &Uri, to: &Url) {
    let (id, below) = ours.path()["/p/".len()..].split_once('/').expect("a portal's path");
    let place = SERVICE.gateway.place(id).expect("a portal");
    let base = place.portal.base.url();
    assert_eq!(base.host_str(), to.host_str(), "{to}");
    let upgraded = base.scheme() == "https" && to.scheme() == "http" && to.port().is_none();
    assert!(base.origin() == to.origin() || upgraded && base.port().is_none(), "{to}");
    if let Ok(target) = place.portal.target(below, ours.query())
        && place.portal.asking.rewrite.is_empty()
    {
        same_path(&target.url(), to);
    }
}

fn asked(place: &Place, ours: &Uri, to: &Url) {
    let path = ours.path().strip_prefix('/').expect("a path");
    if let Ok(target) = place.portal.target(path, ours.query()) {
        assert_eq!(target.url().origin(), to.origin());
        // An empty query is none.
        let query = |url: &Url| url.query().filter(|query| !query.is_empty()).map(str::to_owned);
        assert_eq!(query(&target.url()), query(to));
        same_path(&target.url(), to);
    }
}

fn same_path(one: &Url, other: &Url) {
    let decoded = |url: &Url| {
        let path = percent_decode_str(url.path()).collect::<Vec<_>>();
        path.strip_suffix(b"/").map(<[u8]>::to_vec).unwrap_or(path)
    };
    assert_eq!(decoded(one), decoded(other), "{one} {other}");
}

/// A link comes to a path of ours that is one of ours again.
fn resolved(text: &str) {
    let Ok(found) = SERVICE.gateway.reference(text) else { return };
    assert!(found.path.starts_with('/') && !found.path.starts_with("//"), "{}", found.path);
    assert!(!found.path.contains(char::is_control), "{}", found.path);
    if found.path.starts_with("/p/") {
        let id = found.path[3..].split(['/', '?']).next().expect("an id");
        assert!(SERVICE.gateway.place(id).is_some(), "{}", found.path);
        let again = SERVICE.gateway.reference(&found.path);
        let again = again.expect("our own path is a reference");
        assert_eq!(again.place.portal.id, found.place.portal.id);
    }
}
