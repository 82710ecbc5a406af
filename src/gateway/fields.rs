//! Which of a portal's fields are handed on: an allow-list, and what the gateway says of content
//! that could run. Provenance and validators are added elsewhere.

use http::header::{
    ACCEPT_RANGES, AGE, CACHE_CONTROL, CONNECTION, CONTENT_DISPOSITION, CONTENT_ENCODING,
    CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_SECURITY_POLICY_REPORT_ONLY, CONTENT_TYPE, DATE, ETAG, EXPIRES, HOST,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, LOCATION, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, PUBLIC_KEY_PINS, PUBLIC_KEY_PINS_REPORT_ONLY, RANGE, REFERRER_POLICY,
    REFRESH, RETRY_AFTER, SET_COOKIE, STRICT_TRANSPORT_SECURITY, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE, VARY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS, X_XSS_PROTECTION,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use url::Url;

use crate::portal::Portal;

use super::provenance;

/// RFC 9111 §3.1 and RFC 9110 §7.6.1: fields that belong to a connection.
const OF_THE_CONNECTION: [HeaderName; 10] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-authentication-info"),
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Fields by which a response acts on the origin that it comes from, which is the gateway's, on a server
/// in front of it, or says who may use it: never a portal's to say.
const OF_THE_ORIGIN: [HeaderName; 46] = [
    SET_COOKIE,
    HeaderName::from_static("set-cookie2"),
    HeaderName::from_static("clear-site-data"),
    CONTENT_SECURITY_POLICY,
    CONTENT_SECURITY_POLICY_REPORT_ONLY,
    X_FRAME_OPTIONS,
    X_XSS_PROTECTION,
    X_CONTENT_TYPE_OPTIONS,
    HeaderName::from_static("x-permitted-cross-domain-policies"),
    HeaderName::from_static("x-robots-tag"),
    STRICT_TRANSPORT_SECURITY,
    PUBLIC_KEY_PINS,
    PUBLIC_KEY_PINS_REPORT_ONLY,
    HeaderName::from_static("expect-ct"),
    REFERRER_POLICY,
    HeaderName::from_static("permissions-policy"),
    HeaderName::from_static("feature-policy"),
    HeaderName::from_static("document-policy"),
    HeaderName::from_static("origin-agent-cluster"),
    HeaderName::from_static("cross-origin-embedder-policy"),
    HeaderName::from_static("cross-origin-opener-policy"),
    HeaderName::from_static("cross-origin-resource-policy"),
    HeaderName::from_static("timing-allow-origin"),
    HeaderName::from_static("service-worker-allowed"),
    HeaderName::from_static("service-worker-navigation-preload"),
    HeaderName::from_static("speculation-rules"),
    HeaderName::from_static("supports-loading-mode"),
    HeaderName::from_static("accept-ch"),
    HeaderName::from_static("critical-ch"),
    HeaderName::from_static("nel"),
    HeaderName::from_static("report-to"),
    HeaderName::from_static("reporting-endpoints"),
    HeaderName::from_static("alt-svc"),
    HeaderName::from_static("alternate-protocol"),
    // A server in front would send a file of its own, or ask another server.
    HeaderName::from_static("x-sendfile"),
    HeaderName::from_static("x-lighttpd-send-file"),
    HeaderName::from_static("x-reproxy-url"),
    HeaderName::from_static("x-litespeed-location"),
    // A browser would ask its reader for a password, on our origin.
    WWW_AUTHENTICATE,
    HeaderName::from_static("set-login"),
    HeaderName::from_static("no-vary-search"),
    HeaderName::from_static("use-as-dictionary"),
    REFRESH,
    LOCATION,
    CONTENT_LOCATION,
    CONTENT_LENGTH,
];

/// Room for the fields of most answers as they are sent: a copy of a map that must grow for each
/// client takes longer.
const ROOM: usize = 24;

/// The fields of JSON that was taken out of its padding.
pub(super) fn of_json(upstream: &HeaderMap, portal: &Portal, target: &Url) -> HeaderMap {
    let mut fields = HeaderMap::with_capacity(ROOM);
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    copy(upstream, &mut fields, &[CACHE_CONTROL, RETRY_AFTER, CONTENT_LANGUAGE]);
    for name in portal.dialect.traits().response_fields {
        copy(upstream, &mut fields, &[HeaderName::from_static(name)]);
    }
    keep_vary_star(upstream, &mut fields);
    provenance::add_source(&mut fields, portal, target);
    fields
}

/// The fields of a file that are handed on.
pub(super) fn of_file(upstream: &HeaderMap, portal: &Portal, target: &Url) -> HeaderMap {
    let rules = &portal.fields;
    let mut fields =
        if rules.any_response { end_to_end(upstream) } else { named(upstream, &rules.response) };
    for name in OF_THE_ORIGIN {
        fields.remove(name);
    }
    let by_prefix = |name: &&HeaderName| {
        ["access-control-", "x-accel-"].iter().any(|prefix| name.as_str().starts_with(prefix))
    };
    for name in upstream.keys().filter(by_prefix) {
        fields.remove(name);
    }
    fields.insert(CONTENT_TYPE, media_type(upstream));
    let allowed = [
        ACCEPT_RANGES,
        CACHE_CONTROL,
        CONTENT_DISPOSITION,
        CONTENT_ENCODING,
        CONTENT_LANGUAGE,
        CONTENT_RANGE,
        DATE,
        ETAG,
        EXPIRES,
        LAST_MODIFIED,
        RETRY_AFTER,
        AGE,
    ];
    for name in &allowed {
        fields.remove(name);
    }
    copy(upstream, &mut fields, &allowed);
    if rules.request.is_empty() {
        keep_vary_star(upstream, &mut fields);
    } else if let Some(first) = upstream.get(VARY) {
        fields.insert(VARY, first.clone());
        for line in upstream.get_all(VARY).iter().skip(1) {
            fields.append(VARY, line.clone());
        }
    }
    if is_active(&fields[CONTENT_TYPE]) {
        // What could run as a page of our origin is handed over as a download.
        fields.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    }
    provenance::add_source(&mut fields, portal, target);
    fields
}

/// RFC 9111 §3.1: all fields but those of the connection, with those that `Connection` names.
pub(super) fn end_to_end(message: &HeaderMap) -> HeaderMap {
    let mut fields = message.clone();
    for line in message.get_all(CONNECTION) {
        for name in line.as_bytes().split(|b| *b == b',').map(<[u8]>::trim_ascii) {
            if let Ok(name) = HeaderName::from_bytes(name) {
                fields.remove(name);
            }
        }
    }
    for name in OF_THE_CONNECTION {
        fields.remove(name);
    }
    fields
}

/// The fields of a request that reach an operator's own origin server: all but those of the
/// connection and those that the cache asks or answers itself.
pub(super) fn of_raw_request(request: &HeaderMap) -> HeaderMap {
    let mut fields = end_to_end(request);
    for name in [HOST, CONTENT_LENGTH, IF_NONE_MATCH, IF_MODIFIED_SINCE, RANGE, IF_RANGE] {
        fields.remove(name);
    }
    fields
}

/// Statuses that a file's answer is handed on with. A 206 nobody asked for is not the file, a 304
/// nobody asked for is nothing, and what is below 200 or above 599 is not final HTTP.
pub(super) fn may_pass(status: StatusCode, range: bool) -> bool {
    match status.as_u16() {
        206 => range,
        status => matches!(status, 200..=303 | 305..=599),
    }
}

/// The fields of these names, with all their lines.
pub(super) fn named(from: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    copy(from, &mut fields, names);
    fields
}

/// Copies fields with all their lines.
pub(super) fn copy(from: &HeaderMap, to: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        for value in from.get_all(name) {
            to.append(name.clone(), value.clone());
        }
    }
}

/// Keeps the part of `Vary` that matters here: `*`. No field of a client's request is forwarded,
/// so nothing else can make two clients' answers differ, and the client need not know.
fn keep_vary_star(from: &HeaderMap, to: &mut HeaderMap) {
    let star = from.get_all(VARY).iter().any(|v| v.as_bytes().contains(&b'*'));
    if star {
        to.insert(VARY, HeaderValue::from_static("*"));
    }
}

/// The portal's media type if it is exactly one, well formed; else bytes of unknown kind.
fn media_type(fields: &HeaderMap) -> HeaderValue {
    let unknown = HeaderValue::from_static("application/octet-stream");
    let mut all = fields.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (all.next(), all.next()) else { return unknown };
    let Ok(text) = value.to_str() else { return unknown };
    let essence = text.split(';').next().unwrap_or(text).trim();
    let token = |t: &str| {
        !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    match essence.split_once('/') {
        // A script of a portal's would be one of our own origin, to pages of ours among others.
        _ if is_script(essence) => HeaderValue::from_static("text/plain"),
        Some((kind, subtype)) if token(kind) && token(subtype) && !text.contains(',') => {
            value.clone()
        }
        _ => unknown,
    }
}

/// JavaScript, by all the names that browsers run it under (WHATWG MIME Sniffing §4.6).
fn is_script(essence: &str) -> bool {
    let essence = essence.to_ascii_lowercase();
    let Some(("text" | "application", subtype)) = essence.split_once('/') else { return false };
    let subtype = subtype.strip_prefix("x-").unwrap_or(subtype);
    let subtype = subtype.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    matches!(subtype, "javascript" | "ecmascript" | "jscript" | "livescript")
}

/// Media types that a browser would run or render as a document of our origin.
pub(super) fn is_active(media_type: &HeaderValue) -> bool {
    let text = media_type.to_str().unwrap_or_default().to_ascii_lowercase();
    let essence = text.split(';').next().unwrap_or_default().trim();
    matches!(
        essence,
        "text/html"
            | "application/xhtml+xml"
            | "image/svg+xml"
            | "application/pdf"
            | "application/x-shockwave-flash"
    ) || essence.ends_with("xml")
        || is_script(essence)
}
