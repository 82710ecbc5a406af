//! Who a request is from: the other end of its connection, or whoever a trusted front server says.
//! It decides nothing about what they may have.
//!
//! **Invariant:** a field of a request is believed only as far as trusted front servers wrote it: it is
//! read from its end, and the first address that is none of theirs is the client.

use std::net::{IpAddr, SocketAddr};

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};
use hyper::body::Incoming;
use ipnet::IpNet;

use crate::allowance::Client;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The most hops that are looked at: 32. Further away nobody can be told from anybody.
const HOPS: usize = 32;

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// Whether TLS is spoken.
    pub is_encrypted: bool,
}

/// What comes with a request beside its head.
#[derive(Debug)]
pub(super) struct Inbound {
    /// Its content.
    pub content: Incoming,
    /// Where it comes from.
    pub peer: Peer,
}

impl Peer {
    /// The client that a request with these fields is from.
    pub(super) fn client(&self, fields: &HeaderMap, trusted: &[IpNet]) -> Client {
        let is_trusted = |address: IpAddr| contains(trusted, address);
        if !is_trusted(self.address) {
            return self.address.into();
        }
        let furthest = |hops: &mut dyn Iterator<Item = Option<IpAddr>>| {
            let mut client = self.address;
            for hop in hops.take(HOPS) {
                // Unknown, hidden or no address: whoever wrote that stands for it.
                let Some(address) = hop else { break };
                client = address;
                if !is_trusted(address) {
                    break;
                }
            }
            client
        };
        let listed = |name: &HeaderName| fields.contains_key(name);
        let by_list = || furthest(&mut elements(fields, &X_FORWARDED_FOR).map(address));
        let by_forwarded = || furthest(&mut elements(fields, &FORWARDED).map(forwarded_for));
        match (listed(&FORWARDED), listed(&X_FORWARDED_FOR)) {
            (false, false) => self.address,
            (true, false) => by_forwarded(),
            (false, true) => by_list(),
            (true, true) => match (by_forwarded(), by_list()) {
                (one, other) if one == other => one,
                // The front server wrote one of them and let the client's other pass. Nobody knows
                // which, so that all who do that count as one client.
                _ => self.address,
            },
        }
        .into()
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self { address: address.ip().to_canonical(), is_encrypted: false }
    }
}

/// Whether an address is in one of the networks.
pub(super) fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

/// The elements of a list in all its lines, the last one first. Commas in quotes divide nothing.
fn elements<'a>(fields: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines: Vec<_> = fields.get_all(name).iter().collect();
    lines.into_iter().rev().flat_map(|line| {
        let text = line.to_str().unwrap_or_default();
        let mut quoted = false;
        let parts = text.rsplit(move |c: char| {
            quoted ^= c == '"';
            c == ',' && !quoted
        });
        parts.map(str::trim)
    })
}

/// RFC 7239 §4: the node that an element is `for`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let value = element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value.trim())
    })?;
    address(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// An address, with or without a port; one of IPv6 may stand in brackets.
fn address(node: &str) -> Option<IpAddr> {
    let bare = || node.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || node.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let address: Option<IpAddr> = node.parse().ok().or_else(bare).or_else(with_port);
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client by these lines, at a front server at 10.0.0.1.
    fn client(lines: &[(&'static str, &'static str)]) -> String {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(*name, value.parse().expect("a value"));
        }
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        let peer = Peer { address: [10, 0, 0, 1].into(), is_encrypted: false };
        peer.client(&fields, &trusted).to_string()
    }

    #[test]
    fn the_client_is_the_last_address_that_no_trusted_server_has() {
        for (value, expected) in [
            ("203.0.113.7", "203.0.113.7"),
            ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
            ("198.51.100.1, 203.0.113.7, 10.0.0.9", "203.0.113.7"),
            ("203.0.113.7:4711", "203.0.113.7"),
            ("[2001:db8::7]:4711", "2001:db8::/64"),
            ("2001:db8::7", "2001:db8::/64"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("10.0.0.8, 10.0.0.9", "10.0.0.8"),
            ("203.0.113.7, unknown", "10.0.0.1"),
            ("203.0.113.7, unknown, 10.0.0.9", "10.0.0.9"),
            ("203.0.113.7, ", "10.0.0.1"),
            ("", "10.0.0.1"),
            ("203.0.113.7; drop table", "10.0.0.1"),
        ] {
            assert_eq!(client(&[("x-forwarded-for", value)]), expected, "{value}");
        }
        let lines = [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "203.0.113.7")];
        assert_eq!(client(&lines), "203.0.113.7");
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_has_it() {
        for (value, expected) in [
            ("for=203.0.113.7", "203.0.113.7"),
            ("For=203.0.113.7;proto=https;by=10.0.0.1", "203.0.113.7"),
            ("for=\"[2001:db8::7]:4711\"", "2001:db8::/64"),
            ("for=198.51.100.1, for=203.0.113.7;host=\"a,b\"", "203.0.113.7"),
            ("for=203.0.113.7, for=10.0.0.9", "203.0.113.7"),
            ("for=_hidden", "10.0.0.1"),
            ("by=203.0.113.7", "10.0.0.1"),
            ("for=\"203.0.113.7", "10.0.0.1"),
        ] {
            assert_eq!(client(&[("forwarded", value)]), expected, "{value}");
        }
    }

    #[test]
    fn two_fields_that_disagree_are_not_believed() {
        let (one, other) = ("203.0.113.7", "198.51.100.1");
        assert_eq!(client(&[("forwarded", "for=203.0.113.7"), ("x-forwarded-for", one)]), one);
        let disagreeing = [("forwarded", "for=203.0.113.7"), ("x-forwarded-for", other)];
        assert_eq!(client(&disagreeing), "10.0.0.1");
    }

    #[test]
    fn a_stranger_is_not_believed() {
        let mut fields = HeaderMap::new();
        fields.insert("x-forwarded-for", "203.0.113.7".parse().expect("a value"));
        let peer = Peer { address: [198, 51, 100, 1].into(), is_encrypted: false };
        assert_eq!(peer.client(&fields, &[]).to_string(), "198.51.100.1");
    }
}
