//! Content codings put on (RFC 9110 §8.4.1): what is worth coding, and how it is done. It keeps
//! nothing, and it does not say when; which coding a client takes is in `accepted`.

use std::io::{self, Write as _};

use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, GzBuilder};
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE};
use http::{HeaderMap, HeaderValue};

/// The least content that is coded, in bytes. What is shorter fits one packet, coded or not, and
/// `Content-Encoding` and `Vary` cost more than is saved.
const LEAST: u64 = 1 << 10;

/// The most content that is coded, in bytes: 32 MiB, the default limit of a portal's JSON. It costs
/// about a second of one processor; what is longer goes out as it is.
const MOST: u64 = 32 << 20;

/// What coding must save, as a part of the content's length: a tenth. For less, a client's work to
/// decode and the memory of another variant are not worth it.
const SAVING: usize = 10;

/// The level of gzip, of 0 to 9: zlib's own default.
const GZIP_LEVEL: u32 = 6;

/// The quality of Brotli, of 0 to 11: the lowest that is shorter than gzip on all that was measured
/// (5 to 9 % on JSON and CSV), in about the same time. 9 would save 2 to 7 % more in four to eighteen
/// times the time, 11 ten to twenty in a hundred times.
const BROTLI_QUALITY: i32 = 5;

/// The window of Brotli as a power of two: 4 MiB, the library's default.
const BROTLI_WINDOW: i32 = 22;

/// The operating system in gzip's header, where it is not told: RFC 1952 §2.3.1, unknown.
const UNKNOWN_SYSTEM: u8 = 255;

/// A content coding of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// None.
    Identity,
    /// `gzip` (RFC 1952).
    Gzip,
    /// `br` (RFC 7932).
    Brotli,
}

impl Coding {
    /// All, the preferred first where a client has no preference: what is shortest.
    pub const ALL: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Identity];

    /// The name in `Content-Encoding` and in entity tags.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
        }
    }

    /// RFC 9110 §8.4.1: content codings are case-insensitive; §8.4.1.3: a recipient SHOULD consider
    /// `x-gzip` to be equivalent to `gzip`.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        Self::ALL
            .into_iter()
            .find(|coding| is(coding.name()))
            .or_else(|| is("x-gzip").then_some(Self::Gzip))
    }
}

/// Whether a response may be coded at all, by its fields.
#[must_use]
pub fn may_be_coded(fields: &HeaderMap) -> bool {
    // RFC 9110 §7.7: a proxy MUST NOT transform the content of a response message that contains a
    // no-transform cache directive. A value that cannot be read permits nothing.
    let no_transform = fields.get_all(CACHE_CONTROL).iter().any(|line| {
        line.to_str().map_or(true, |text| {
            text.split([',', '=']).any(|word| word.trim().eq_ignore_ascii_case("no-transform"))
        })
    });
    !no_transform && !fields.contains_key(CONTENT_ENCODING) && !fields.contains_key(CONTENT_RANGE)
}

/// Whether content of this media type and length, in bytes, is likely to become much shorter. What
/// has been compressed already (archives, images, Parquet, workbooks) is not, and neither is what
/// nobody can tell.
#[must_use]
pub fn is_worth(media_type: &HeaderValue, length: u64) -> bool {
    if !(LEAST..=MOST).contains(&length) {
        return false;
    }
    // RFC 9110 §8.3.1: the type and subtype tokens are case-insensitive.
    let text = media_type.to_str().unwrap_or_default().to_ascii_lowercase();
    let essence = text.split(';').next().unwrap_or_default().trim();
    match essence.split_once('/') {
        // Each event is to be read when it comes.
        Some(("text", subtype)) => subtype != "event-stream",
        Some(("application", subtype)) if is_text(subtype) => true,
        Some(("image", "bmp" | "x-icon" | "vnd.microsoft.icon")) => true,
        // RFC 6839 §3: what is structured as JSON or XML, SVG and GeoJSON among it.
        Some((_, subtype)) => subtype.ends_with("+json") || subtype.ends_with("+xml"),
        None => false,
    }
}

/// The content coded, or `None` where that saves less than a tenth. The same content always becomes
/// the same bytes, so that a strong entity tag holds for them. It takes up to a second for each
/// 32 MiB, so it is for a thread that may block.
#[must_use]
pub fn encode(coding: Coding, content: &[u8]) -> Option<Vec<u8>> {
    let coded = match coding {
        Coding::Identity => return None,
        Coding::Gzip => gzip(content),
        Coding::Brotli => brotli(content),
    };
    // Writing to memory does not fail; if it did, the content as it is would be right too.
    let mut coded = coded.ok()?;
    if coded.len() > content.len() - content.len() / SAVING {
        return None;
    }
    coded.shrink_to_fit();
    Some(coded)
}

fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .operating_system(UNKNOWN_SYSTEM)
        .write(Vec::new(), Compression::new(GZIP_LEVEL));
    encoder.write_all(content)?;
    encoder.finish()
}

fn brotli(mut content: &[u8]) -> io::Result<Vec<u8>> {
    let parameters = BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW,
        size_hint: content.len(),
        ..BrotliEncoderParams::default()
    };
    let mut coded = Vec::new();
    brotli::BrotliCompress(&mut content, &mut coded, &parameters)?;
    Ok(coded)
}

/// The entity tag of a coded variant: `"abc"` becomes `"abc-gzip"`, a weak one stays weak. `None` if
/// it is no entity tag: then the variant has none, because two that differ must not share one.
///
/// RFC 9110 §8.8.3.3: content codings are a property of the representation data, so a strong entity
/// tag for a content-encoded representation has to be distinct from that of the unencoded one.
#[must_use]
pub fn etag(tag: &HeaderValue, coding: Coding) -> Option<HeaderValue> {
    let bytes = tag.as_bytes();
    let quoted = bytes.strip_prefix(b"W/").unwrap_or(bytes);
    let [b'"', opaque @ .., b'"'] = quoted else { return None };
    if opaque.contains(&b'"') {
        return None;
    }
    if coding == Coding::Identity {
        return Some(tag.clone());
    }
    let open = &bytes[..bytes.len() - 1];
    HeaderValue::from_bytes(&[open, b"-", coding.name().as_bytes(), b"\""].concat()).ok()
}

/// Subtypes of `application` that are text, or binary that was never compressed.
fn is_text(subtype: &str) -> bool {
    matches!(
        subtype,
        "json"
            | "geojson"
            | "json-seq"
            | "jsonl"
            | "x-ndjson"
            | "ndjson"
            | "x-jsonlines"
            | "javascript"
            | "x-javascript"
            | "ecmascript"
            | "xml"
            | "xml-dtd"
            | "csv"
            | "tab-separated-values"
            | "n-triples"
            | "n-quads"
            | "trig"
            | "sparql-query"
            | "sql"
            | "x-sql"
            | "yaml"
            | "x-yaml"
            | "toml"
            | "rtf"
            | "wasm"
    )
}

#[cfg(test)]
#[path = "coding_tests.rs"]
mod tests;
