//! What every request must be, before anything is done with it: one valid `Host`, a method that can be
//! used, and no content where it means nothing.

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::Authority;
use http::{Method, Version};

use super::document::Problem;
use super::outermost::allowed;
use super::{Located, problem};

/// What every request must be.
pub(super) fn check(request: &Parts, located: Located<'_>) -> Result<(), Problem> {
    check_host(request)?;
    if located.is_transparent() {
        // RFC 9110 §9.3.6, §9.3.8: CONNECT asks for a tunnel, TRACE reflects what was sent.
        return match request.method {
            Method::CONNECT | Method::TRACE => Err(problem::method_not_allowed(allowed(located))),
            _ => Ok(()),
        };
    }
    match request.method {
        Method::GET | Method::HEAD | Method::OPTIONS => {}
        Method::POST if located.takes_post() => return Ok(()),
        _ => return Err(problem::method_not_allowed(allowed(located))),
    }
    let has_content = request.headers.contains_key(TRANSFER_ENCODING)
        || request.headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
    if has_content {
        // Content of a GET has no meaning (RFC 9110 §9.3.1), and what one cache ignores another
        // server may read.
        return Err(problem::bad_request("a request with this method has no content"));
    }
    Ok(())
}

/// RFC 9112 §3.2: a server MUST respond with 400 to any HTTP/1.1 request message that lacks a Host
/// header field and to any request message that contains more than one Host header field line or a
/// Host header field with an invalid field value.
fn check_host(request: &Parts) -> Result<(), Problem> {
    let mut hosts = request.headers.get_all(HOST).iter();
    if request.version == Version::HTTP_2 {
        // RFC 9113 §8.3.1: `:authority` stands for it, and a Host beside it must not differ.
        let (host, another) = (hosts.next(), hosts.next());
        return match (request.uri.authority(), host) {
            (Some(authority), None) if is_host_with_port(authority) => Ok(()),
            (Some(authority), Some(host)) if *host == *authority.as_str() && another.is_none() => {
                Ok(())
            }
            (None, Some(host)) if is_name_with_port(host.as_bytes()) && another.is_none() => Ok(()),
            _ => Err(problem::bad_request("a request has exactly one host")),
        };
    }
    if request.version == Version::HTTP_10 && !request.headers.contains_key(HOST) {
        return Ok(());
    }
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(problem::bad_request("a request has exactly one Host field"));
    };
    if is_name_with_port(host.as_bytes()) {
        return Ok(());
    }
    let valid = host.to_str().ok().and_then(|text| text.parse::<Authority>().ok());
    match valid {
        Some(authority) if is_host_with_port(&authority) => Ok(()),
        _ => Err(problem::bad_request("the Host field is not a host with an optional port")),
    }
}

/// What nearly every `Host` is, and can be seen to be at a glance: a name or an IPv4 address, and a
/// port that exists if there is one.
fn is_name_with_port(host: &[u8]) -> bool {
    let end = host.iter().position(|b| *b == b':').unwrap_or(host.len());
    let (name, port) = (&host[..end], host.get(end + 1..).unwrap_or_default());
    let number = port.iter().map(|b| u32::from(b.wrapping_sub(b'0')));
    !name.is_empty()
        && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        && port.len() <= 5
        && port.iter().all(u8::is_ascii_digit)
        && u16::try_from(number.fold(0, |number, digit| number * 10 + digit)).is_ok()
}

/// RFC 9110 §7.2: `uri-host [ ":" port ]`, with a host, and a port that exists if there is one.
pub(super) fn is_host_with_port(authority: &Authority) -> bool {
    let after_host = authority.as_str().strip_prefix(authority.host());
    !authority.host().is_empty()
        && match after_host {
            Some("" | ":") => true,
            Some(_) => authority.port_u16().is_some(),
            // User information stands before the host.
            None => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_at_a_glance_to_be_a_host_is_one_when_it_is_parsed_too() {
        for (host, expected) in [
            ("a", true),
            ("127.0.0.1:8080", true),
            ("data.city.example:", true),
            ("a:65535", true),
            ("a:00080", true),
            ("a:65536", false),
            ("a:99999", false),
            ("a:000080", false),
            ("a:+1", false),
            ("a:80:80", false),
            (":80", false),
            ("", false),
            ("[::1]:80", false),
            ("u@a", false),
            ("a_b", false),
            ("a/b", false),
        ] {
            assert_eq!(is_name_with_port(host.as_bytes()), expected, "{host}");
            let parsed = host.parse::<Authority>().ok();
            let valid = parsed.is_some_and(|authority| is_host_with_port(&authority));
            assert!(valid || !expected, "{host}");
        }
    }
}
