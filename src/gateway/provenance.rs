//! Where an answer comes from, as response fields: digest, validator, source, licence and whom to
//! name. It does not say when: `Date` and `Age` do.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::{ETAG, LINK};
use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::portal::Portal;

/// RFC 9530 §2.
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// Whom to name as the source, as an RFC 9651 string or display string.
const ATTRIBUTION: HeaderName = HeaderName::from_static("unpad-attribution");

/// How JSON that was rewritten differs from the portal's own bytes.
const REWRITTEN: HeaderName = HeaderName::from_static("unpad-rewritten");

/// Parameters whose values are not told, by a word of their name.
const SECRETS: [&str; 12] = [
    "key",
    "apikey",
    "token",
    "secret",
    "pass",
    "password",
    "passwd",
    "auth",
    "authorization",
    "sig",
    "signature",
    "credential",
];

/// Adds the digest of the content and, unless the portal's own is kept, a strong validator.
pub(super) fn add_digest(fields: &mut HeaderMap, sha256: &[u8]) {
    let text = format!("sha-256=:{}:", STANDARD.encode(sha256));
    insert(fields, CONTENT_DIGEST, &text);
    if !fields.contains_key(ETAG) {
        // 132 of the digest's bits: enough that two contents never share a validator.
        let short = &URL_SAFE_NO_PAD.encode(sha256)[..22];
        insert(fields, ETAG, &format!("\"{short}\""));
    }
}

/// Removes the digest, which is of the content as it is, not of a coded variant.
pub(super) fn remove_digest(fields: &mut HeaderMap) {
    fields.remove(CONTENT_DIGEST);
}

/// Adds source, licence and attribution.
pub(super) fn add_source(fields: &mut HeaderMap, portal: &Portal, target: &Url) {
    let source = without_secrets(target);
    append_link(fields, source.as_str(), "via");
    add_terms(fields, portal);
}

/// Adds licence and attribution.
pub(super) fn add_terms(fields: &mut HeaderMap, portal: &Portal) {
    if let Some(licence) = portal.licence_url() {
        append_link(fields, &licence, "license");
    }
    if let Some(name) = &portal.attribution {
        insert(fields, ATTRIBUTION, &structured_string(name));
    }
}

/// Adds how the JSON differs from the portal's own bytes, if it does (an RFC 9651 dictionary).
pub(super) fn add_rewritten(fields: &mut HeaderMap, charset: Option<&str>, non_finite: usize) {
    let charset = charset.map(|charset| format!("charset=\"{charset}\""));
    let non_finite = (non_finite > 0).then(|| format!("non-finite={non_finite}"));
    let how: Vec<_> = charset.into_iter().chain(non_finite).collect();
    if !how.is_empty() {
        insert(fields, REWRITTEN, &how.join(", "));
    }
}

/// The target URI as it may be told: with secrets' values taken out.
pub(super) fn without_secrets(target: &Url) -> Url {
    let mut told = target.clone();
    let Some(query) = target.query() else { return told };
    let kept: Vec<_> = query
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((name, _)) if is_secret(&Portal::parameter_name(name)) => {
                format!("{name}=REDACTED")
            }
            _ => parameter.to_owned(),
        })
        .collect();
    let query = kept.join("&");
    told.set_query((!query.is_empty()).then_some(&query));
    told
}

/// Whether a name says that its value is a secret: `api_key`, `X-Token`, `accessToken`.
fn is_secret(name: &str) -> bool {
    let mut words = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            words.push('_');
        }
        words.push(c.to_ascii_lowercase());
    }
    let whole = name.to_ascii_lowercase();
    let of_words = |text: &str| {
        text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| SECRETS.contains(&word))
    };
    of_words(&words) || of_words(&whole)
}

fn append_link(fields: &mut HeaderMap, url: &str, relation: &str) {
    // A URL as the `url` crate writes it has no `>`.
    if let Ok(value) = HeaderValue::try_from(format!("<{url}>; rel=\"{relation}\"")) {
        fields.append(LINK, value);
    }
}

fn insert(fields: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::try_from(text) {
        fields.insert(name, value);
    }
}

/// RFC 9651 §3.3.3 (string) or, beyond ASCII, §3.3.8 (display string).
fn structured_string(text: &str) -> String {
    use std::fmt::Write as _;
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    let mut encoded = String::from("%\"");
    for byte in text.bytes() {
        match byte {
            b'%' | b'"' | 0..=0x1f | 0x7f.. => {
                // Writing to a String cannot fail.
                let _ = write!(encoded, "%{byte:02x}");
            }
            _ => encoded.push(char::from(byte)),
        }
    }
    encoded.push('"');
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_told() {
        let url = "https://a.example/x?q=1&api_key=s3&Token=t".parse().expect("a URL");
        let told = without_secrets(&url);
        assert_eq!(told.as_str(), "https://a.example/x?q=1&api_key=REDACTED&Token=REDACTED");
        let odd = "https://a.example/x?api%5Fk%65y=s3&accessToken=t&author=me&keywords=k";
        let told = without_secrets(&odd.parse().expect("a URL"));
        let expected = "api%5Fk%65y=REDACTED&accessToken=REDACTED&author=me&keywords=k";
        assert_eq!(told.query(), Some(expected));
    }

    #[test]
    fn a_name_beyond_ascii_is_a_display_string() {
        assert_eq!(structured_string("A \"b\""), "\"A \\\"b\\\"\"");
        assert_eq!(structured_string("Diputació"), "%\"Diputaci%c3%b3\"");
    }
}
