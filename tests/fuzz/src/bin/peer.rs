//! Whom a request is from, `src/server/peer.rs`, included by path because nobody outside the server asks:
//! nothing that a client writes moves it to another address. Not a test of particular outcomes: those are
//! beside the file.
#![no_main]

#[allow(dead_code, unreachable_pub)]
#[path = "../../../../src/server/peer.rs"]
mod peer;

use std::net::IpAddr;

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;
use libfuzzer_sys::fuzz_target;
use peer::Peer;
use unpad::allowance::{self, Client};
use unpad_fuzz::fields;

const LISTED: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Who is really there, and the servers between.
const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));
const NOBODY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
const FRONT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

// A client's fields, `--`, and what a front server has to repeat of them in a quoted string.
fuzz_target!(|data: &[u8]| {
    let (lines, host) = fields::halves(data);
    let claimed = fields::of_lines(lines);
    let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().expect("a network")];
    let from = |address, fields: &HeaderMap| -> Client {
        Peer { address, is_encrypted: false }.client(fields, &trusted)
    };
    assert_eq!(from(CLIENT, &claimed), CLIENT.into(), "a stranger is not believed");
    let _ = from(FRONT, &claimed);
    let one_line = |name: &HeaderName, element: &[u8], fields: &HeaderMap| {
        let mut lines: Vec<&[u8]> =
            fields.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        lines.push(element);
        HeaderValue::from_bytes(&lines.join(&b", "[..])).expect("all of it was valid")
    };

    // A front server adds a line of its own, or to the last one, and passes the rest on.
    let told = "203.0.113.7";
    let mut more = claimed.clone();
    more.remove(FORWARDED);
    more.append(LISTED, HeaderValue::from_static("203.0.113.7"));
    assert_eq!(from(FRONT, &more), CLIENT.into());
    more.insert(LISTED, one_line(&LISTED, told.as_bytes(), &claimed));
    assert_eq!(from(FRONT, &more), CLIENT.into());
    more.append(LISTED, HeaderValue::from_static("10.0.0.9 , 10.2.0.1:80"));
    assert_eq!(from(FRONT, &more), CLIENT.into(), "hops of ours are passed over");

    // RFC 7239 §4: a value that is no token is a quoted string, and pairs have no order.
    let quoted = [b"host=\"", &escaped(host)[..], b"\""].concat();
    for element in [
        [b"For=203.0.113.7;", &quoted[..], b";proto=http"].concat(),
        [&quoted[..], b" ; for=\"203.0.113.7:4711\""].concat(),
    ] {
        let mut more = claimed.clone();
        more.remove(LISTED);
        more.append(FORWARDED, HeaderValue::from_bytes(&element).expect("a quoted string"));
        assert_eq!(from(FRONT, &more), CLIENT.into());
        more.insert(FORWARDED, one_line(&FORWARDED, &element, &claimed));
        assert_eq!(from(FRONT, &more), CLIENT.into());

        // With the other field beside it, the client's or nobody's word is taken.
        more.extend(claimed.iter().filter(|(name, _)| **name == LISTED).map(owned));
        let client = from(FRONT, &more);
        assert!(client == CLIENT.into() || client == NOBODY.into(), "{client}");
    }
});

/// What stands in a quoted string for some text (RFC 9110 §5.6.4).
fn escaped(text: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::new();
    for byte in text.iter().copied().filter(|b| matches!(b, b' '..=b'~')) {
        if matches!(byte, b'"' | b'\\') {
            escaped.push(b'\\');
        }
        escaped.push(byte);
    }
    escaped
}

fn owned((name, value): (&HeaderName, &HeaderValue)) -> (HeaderName, HeaderValue) {
    (name.clone(), value.clone())
}
