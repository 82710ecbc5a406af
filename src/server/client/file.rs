//! One file that is part of the program, as an answer: media type, validator, content coding.

use std::sync::OnceLock;

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, REFERRER_POLICY,
    VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use ring::digest;

use crate::cache::{Coding, accepted, coding};
use crate::gateway;

/// What our pages may do: run our scripts and none that a portal's text could bring, and ask any
/// portal, because whether one can be read from the reader's browser is what they are asked.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self' http: https:; base-uri 'self'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'",
);

/// A file.
#[derive(Debug)]
pub(in crate::server) struct File {
    content: Bytes,
    media_type: &'static str,
    etag: HeaderValue,
    sha256: String,
    /// Its coded variants, each made when it is first asked for.
    gzip: OnceLock<Option<Bytes>>,
    brotli: OnceLock<Option<Bytes>>,
}

impl File {
    /// A text, of the type that its name's extension says.
    pub(super) fn text(name: &str, text: &str) -> Self {
        let media_type = match name.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        };
        Self::new(Bytes::copy_from_slice(text.as_bytes()), media_type)
    }

    /// An archive, which is compressed already.
    pub(super) fn archive(content: Vec<u8>) -> Self {
        Self::new(content.into(), "application/zip")
    }

    fn new(content: Bytes, media_type: &'static str) -> Self {
        let digest = digest::digest(&digest::SHA256, &content);
        // 132 bits: enough that two contents never share a validator.
        let short = &URL_SAFE_NO_PAD.encode(digest)[..22];
        let etag = HeaderValue::try_from(format!("\"{short}\""));
        Self {
            content,
            media_type,
            etag: etag.unwrap_or_else(|_| HeaderValue::from_static("\"\"")),
            sha256: hexadecimal(digest.as_ref()),
            gzip: OnceLock::new(),
            brotli: OnceLock::new(),
        }
    }

    /// Its length in bytes.
    pub(super) fn length(&self) -> usize {
        self.content.len()
    }

    /// The digest of its content, in hexadecimal.
    pub(super) fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The answer to a request with these fields.
    pub(in crate::server) fn answer(&self, request: &HeaderMap) -> Response {
        let (coding, content) = self.variant(request);
        let mut response = Response::new(Body::empty());
        let fields = response.headers_mut();
        let etag = coding::etag(&self.etag, coding).unwrap_or_else(|| self.etag.clone());
        fields.insert(ETAG, etag);
        // The names stay when the content changes with the program, so it is validated each time.
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if self.is_text() {
            fields.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        if gateway::has_current(request, fields) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        fields.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        if coding != Coding::Identity {
            fields.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        }
        if self.media_type.starts_with("text/html") {
            fields.insert(CONTENT_SECURITY_POLICY, PAGE_POLICY);
            // A portal that the page tries need not learn from where.
            fields.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        }
        *response.body_mut() = Body::from(content);
        response
    }

    fn is_text(&self) -> bool {
        self.media_type != "application/zip"
    }

    /// The coding that the request prefers, where it makes the content shorter.
    fn variant(&self, request: &HeaderMap) -> (Coding, Bytes) {
        for coding in accepted(request).iter().filter(|_| self.is_text()) {
            let made = match coding {
                Coding::Identity => break,
                Coding::Gzip => &self.gzip,
                Coding::Brotli => &self.brotli,
            };
            let made = made.get_or_init(|| coding::encode(coding, &self.content).map(Bytes::from));
            if let Some(coded) = made {
                return (coding, coded.clone());
            }
        }
        (Coding::Identity, self.content.clone())
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
