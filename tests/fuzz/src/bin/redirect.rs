//! Where a fetch may go (`src/upstream/target.rs`, included by path because nobody outside its room
//! follows a redirect): no `Location` leads to a host that nobody named, nor to an address within.
//! Not a test of particular outcomes: those are beside the file.
#![no_main]

#[allow(dead_code, unreachable_pub)]
#[path = "../../../../src/upstream/target.rs"]
mod target;

use std::net::{Ipv4Addr, Ipv6Addr};

use libfuzzer_sys::fuzz_target;
use target::{HostRule, SiteRules};
use unpad::upstream::{RedirectRefusal, address};
use url::{Host, Url};

fn rules(any_download: bool) -> SiteRules {
    SiteRules {
        base: "https://data.example.org:8443/data".parse().expect("a URL"),
        downloads: [".files.example", "one.example"]
            .map(|rule| rule.parse().expect("a rule"))
            .into(),
        any_download,
        allow_cidr: Vec::new(),
    }
}

// A byte of choices, a `Location`.
fuzz_target!(|data: &[u8]| {
    let Some((choice, location)) = data.split_first() else { return };
    let Ok(location) = std::str::from_utf8(location) else { return };
    let rules = rules(choice & 1 == 1);
    let scheme = if choice & 2 == 2 { "http" } else { "https" };
    let from: Url = format!("{scheme}://data.example.org:8443/data/x").parse().expect("a URL");
    let followed = rules.follow(&from, location);
    for url in followed.iter().chain(&location.parse::<Url>()) {
        if rules.names(url) {
            named(url, rules.any_download);
        }
        // Whether a fetch may begin there is asked of URLs that are named.
        if matches!(url.scheme(), "http" | "https") && rules.may_dial_literal(url) {
            dialled(url);
        }
    }
    if let Ok(to) = &followed {
        assert!(rules.names(to));
        assert!(from.scheme() == "http" || to.scheme() == "https", "{from} to {to}");
    }
    host_rule(location);
});

fn named(url: &Url, any: bool) {
    assert!(matches!(url.scheme(), "http" | "https"), "{url}");
    assert!(
        url.username().is_empty() && url.password().is_none() && !url.authority().contains('@')
    );
    assert!(matches!(url.port_or_known_default(), Some(80 | 443 | 8443)), "{url}");
    let host = url.host_str().expect("a host");
    let host = host.strip_suffix('.').unwrap_or(host);
    let known = matches!(host, "data.example.org" | "one.example");
    let labels: Vec<_> = host.rsplit('.').collect();
    let below = matches!(labels[..], ["example", "files", _, ..]);
    assert!(any || known || below, "{url}");
}

/// What the standard library knows of addresses, which is less than the program must.
fn dialled(url: &Url) {
    match url.host() {
        Some(Host::Ipv4(v4)) => public(v4, url),
        Some(Host::Ipv6(v6)) => {
            assert!(!v6.is_loopback() && !v6.is_unspecified() && !v6.is_multicast(), "{url}");
            assert!(!v6.is_unique_local() && !v6.is_unicast_link_local(), "{url}");
            if let Some(v4) = carried(v6) {
                public(v4, url);
            }
        }
        Some(Host::Domain(name)) => {
            // What a resolver might take for an address is one already. Behind two dots it is no name
            // at all, and what a resolver made of it would be judged.
            let name = name.strip_suffix('.').unwrap_or(name);
            assert!(name.parse::<Ipv4Addr>().is_err(), "{url}");
        }
        None => panic!("{url} has no host"),
    }
}

fn public(v4: Ipv4Addr, url: &Url) {
    assert!(!v4.is_private() && !v4.is_loopback() && !v4.is_link_local(), "{url}");
    assert!(!v4.is_unspecified() && !v4.is_broadcast() && !v4.is_multicast(), "{url}");
    assert!(!v4.is_documentation() && v4.octets()[0] != 0, "{url}");
}

/// The address that another one leads to: mapped, compatible, 6to4, NAT64.
fn carried(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match (a, b) {
        (0x2002, _) => Some(of(b, c)),
        (0x64, 0xff9b) => Some(of(g, h)),
        _ if [a, b, c, d, e] == [0; 5] && matches!(f, 0 | 0xffff) => Some(of(g, h)),
        _ => None,
    }
}

/// A rule names what it says, and nothing that only ends like it.
fn host_rule(text: &str) {
    let Ok(rule) = text.parse::<HostRule>() else { return };
    assert_eq!(rule.to_string(), text);
    match text.strip_prefix('.') {
        Some(name) => {
            assert!(rule.matches(&format!("a.{name}")) && rule.matches(&format!("a.b.{name}.")));
            assert!(
                !rule.matches(name) && !rule.matches(text) && !rule.matches(&format!("a{name}"))
            );
        }
        None => {
            assert!(rule.matches(text) && rule.matches(&format!("{text}.")));
            assert!(!rule.matches(&format!("a.{text}")) && !rule.matches(&format!("a{text}")));
        }
    }
}
