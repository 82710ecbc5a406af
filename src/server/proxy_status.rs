//! The `Proxy-Status` field (RFC 9209): in the registry's words, what came between a request and its
//! answer. Which problem has which cause is in `problem`.

use http::{HeaderName, HeaderValue};
use sfv::{KeyRef, ListSerializer, StringRef, TokenRef, key_ref, token_ref};

pub(super) const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// How this gateway calls itself, as in `Via` and `Cache-Status`.
const US: &TokenRef = token_ref("unpad");

const ERROR: &KeyRef = key_ref("error");
const RECEIVED_STATUS: &KeyRef = key_ref("received-status");
const DETAILS: &KeyRef = key_ref("details");

/// What came in between: a type of the registry of RFC 9209 §2.3, but for the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The portal answered by the rules of HTTP, with what is of no use. The registry has no type for
    /// that.
    Content,
    DnsError,
    DestinationNotFound,
    DestinationUnavailable,
    DestinationIpProhibited,
    ConnectionRefused,
    ConnectionTerminated,
    ConnectionTimeout,
    ConnectionReadTimeout,
    ConnectionLimitReached,
    TlsProtocolError,
    TlsCertificateError,
    HttpRequestError,
    HttpRequestDenied,
    HttpResponseIncomplete,
    HttpResponseHeaderSectionSize,
    HttpResponseBodySize,
    HttpResponseContentCoding,
    HttpResponseTimeout,
    HttpProtocolError,
    ProxyInternalResponse,
    ProxyInternalError,
    ProxyLoopDetected,
}

impl Cause {
    /// The type's name.
    const fn error(self) -> Option<&'static TokenRef> {
        Some(token_ref(match self {
            Self::Content => return None,
            Self::DnsError => "dns_error",
            Self::DestinationNotFound => "destination_not_found",
            Self::DestinationUnavailable => "destination_unavailable",
            Self::DestinationIpProhibited => "destination_ip_prohibited",
            Self::ConnectionRefused => "connection_refused",
            Self::ConnectionTerminated => "connection_terminated",
            Self::ConnectionTimeout => "connection_timeout",
            Self::ConnectionReadTimeout => "connection_read_timeout",
            Self::ConnectionLimitReached => "connection_limit_reached",
            Self::TlsProtocolError => "tls_protocol_error",
            Self::TlsCertificateError => "tls_certificate_error",
            Self::HttpRequestError => "http_request_error",
            Self::HttpRequestDenied => "http_request_denied",
            Self::HttpResponseIncomplete => "http_response_incomplete",
            Self::HttpResponseHeaderSectionSize => "http_response_header_section_size",
            Self::HttpResponseBodySize => "http_response_body_size",
            Self::HttpResponseContentCoding => "http_response_content_coding",
            Self::HttpResponseTimeout => "http_response_timeout",
            Self::HttpProtocolError => "http_protocol_error",
            Self::ProxyInternalResponse => "proxy_internal_response",
            Self::ProxyInternalError => "proxy_internal_error",
            Self::ProxyLoopDetected => "proxy_loop_detected",
        }))
    }

    /// The field's value: the cause, the status with which the portal answered, if it did, and the
    /// problem type's name.
    pub(super) fn field(self, received: Option<u64>, problem: Option<&'static str>) -> HeaderValue {
        let mut list = ListSerializer::new();
        let mut member = list.bare_item(US);
        if let Some(error) = self.error() {
            member = member.parameter(ERROR, error);
        }
        if let Some(status) = received.and_then(|status| u16::try_from(status).ok()) {
            member = member.parameter(RECEIVED_STATUS, i64_of(status));
        }
        if let Some(name) = problem.and_then(|name| StringRef::from_str(name).ok()) {
            member.parameter(DETAILS, name);
        }
        let text = list.finish().and_then(|text| HeaderValue::try_from(text).ok());
        text.unwrap_or(HeaderValue::from_static("unpad"))
    }
}

fn i64_of(status: u16) -> sfv::Integer {
    status.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_in_the_words_of_the_registry() {
        for (cause, received, problem, field) in [
            (
                Cause::DnsError,
                None,
                Some("portal-unresolvable"),
                "unpad;error=dns_error;details=\"portal-unresolvable\"",
            ),
            (
                Cause::Content,
                Some(500),
                Some("portal-failed"),
                "unpad;received-status=500;details=\"portal-failed\"",
            ),
            (Cause::HttpRequestError, None, None, "unpad;error=http_request_error"),
        ] {
            assert_eq!(cause.field(received, problem), field);
        }
    }
}
