//! The uploaded file, with conditional and range requests as CKAN answers them. Not a file server:
//! there is one file, and it is in the program.

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE,
};
use http::{HeaderMap, Method, Response, StatusCode};

use super::table::{CONTENT, RESOURCE};
use super::{Asked, response};

const PACKAGE: &str = "a80ca47a-54d8-5833-ad93-8d514455e99b";
const NAME: &str = "qualitat-aire-mesures.csv";
const MODIFIED: &str = "Sat, 21 Nov 2026 07:00:00 GMT";

/// The file with its validator.
#[derive(Debug)]
pub(super) struct Download {
    content: Bytes,
    etag: HeaderValue,
}

/// What a `Range` field asks of a content of known length.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    /// First and last byte.
    Part(usize, usize),
    Impossible,
}

impl Download {
    /// The file in the program.
    pub(super) fn built_in() -> Self {
        let content = Bytes::from_static(CONTENT.as_bytes());
        // Time, length and a checksum, as CKAN's: it changes with the content.
        let tag = format!("\"1795244400.0-{}-{}\"", content.len(), adler32(&content));
        let etag =
            HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"demo\""));
        Self { content, etag }
    }

    /// The file, a part of it, or nothing new.
    pub(super) fn answer(
        &self,
        package: &str,
        resource: &str,
        name: &str,
        asked: &Asked<'_>,
    ) -> Response<Bytes> {
        if (package, resource, name) != (PACKAGE, RESOURCE, NAME) {
            return response::page(StatusCode::NOT_FOUND);
        }
        if self.is_current(asked.fields) {
            let mut answer = self.build(StatusCode::NOT_MODIFIED, Bytes::new());
            for field in [CONTENT_TYPE, CONTENT_LENGTH, LAST_MODIFIED] {
                answer.headers_mut().remove(field);
            }
            return answer;
        }
        let length = self.content.len();
        match self.wanted(asked) {
            Wanted::Whole => self.build(StatusCode::OK, self.content.clone()),
            Wanted::Impossible => response::page(StatusCode::RANGE_NOT_SATISFIABLE),
            Wanted::Part(first, last) => {
                let part = self.content.slice(first..=last);
                let mut answer = self.build(StatusCode::PARTIAL_CONTENT, part);
                if let Ok(range) = HeaderValue::from_str(&format!("bytes {first}-{last}/{length}"))
                {
                    answer.headers_mut().insert(CONTENT_RANGE, range);
                }
                answer
            }
        }
    }

    /// RFC 9110 §13.1.3: `If-Modified-Since` counts only where there is no `If-None-Match`. Dates
    /// are compared as text, which is enough for the date we gave away ourselves.
    fn is_current(&self, fields: &HeaderMap) -> bool {
        match text(fields, &IF_NONE_MATCH) {
            Some(tags) => tags.split(',').map(str::trim).any(|tag| {
                tag == "*"
                    || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == self.etag.as_bytes()
            }),
            None => text(fields, &IF_MODIFIED_SINCE) == Some(MODIFIED),
        }
    }

    fn wanted(&self, asked: &Asked<'_>) -> Wanted {
        // RFC 9110 §14.2: Range means something to GET only; §13.1.5: and only to this version.
        let same = match text(asked.fields, &IF_RANGE) {
            None => true,
            Some(version) => version.as_bytes() == self.etag.as_bytes() || version == MODIFIED,
        };
        match text(asked.fields, &RANGE) {
            Some(range) if same && asked.method == Method::GET => {
                Wanted::of(range, self.content.len())
            }
            _ => Wanted::Whole,
        }
    }

    fn build(&self, status: StatusCode, body: Bytes) -> Response<Bytes> {
        let cache_control = "no-cache, public, max-age=0, must-revalidate";
        let mut answer = response::build(status, "text/csv", cache_control, body);
        let fields = answer.headers_mut();
        let inline = HeaderValue::from_static("inline; filename=qualitat-aire-mesures.csv");
        fields.insert(CONTENT_DISPOSITION, inline);
        fields.insert(LAST_MODIFIED, HeaderValue::from_static(MODIFIED));
        fields.insert(ETAG, self.etag.clone());
        fields.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        answer
    }
}

impl Wanted {
    /// A range that is not understood is ignored (RFC 9110 §14.2); several at once are refused, as
    /// CKAN refuses them.
    fn of(range: &str, length: usize) -> Self {
        let Some(set) = range.trim().strip_prefix("bytes=") else {
            return Self::Whole;
        };
        if set.contains(',') {
            return Self::Impossible;
        }
        let Some((first, last)) = set.trim().split_once('-') else {
            return Self::Whole;
        };
        match (first.parse::<usize>(), last.parse::<usize>()) {
            (Ok(first), Ok(last)) if first > last => Self::Whole,
            (Ok(first), Ok(_)) if first >= length => Self::Impossible,
            (Ok(first), Ok(last)) => Self::Part(first, last.min(length - 1)),
            (Ok(first), Err(_)) if last.is_empty() && first < length => {
                Self::Part(first, length - 1)
            }
            (Ok(_), Err(_)) if last.is_empty() => Self::Impossible,
            (Err(_), Ok(0)) if first.is_empty() => Self::Impossible,
            (Err(_), Ok(count)) if first.is_empty() => {
                Self::Part(length.saturating_sub(count), length - 1)
            }
            _ => Self::Whole,
        }
    }
}

fn text<'f>(fields: &'f HeaderMap, name: &HeaderName) -> Option<&'f str> {
    fields.get(name).and_then(|value| value.to_str().ok())
}

fn adler32(content: &[u8]) -> u32 {
    let (low, high) = content.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    (high << 16) | low
}

#[cfg(test)]
mod tests {
    use super::{Wanted, adler32};

    #[test]
    fn one_range_is_a_part_and_several_are_impossible() {
        assert_eq!(Wanted::of("bytes=0-99", 1000), Wanted::Part(0, 99));
        assert_eq!(Wanted::of("bytes=990-", 1000), Wanted::Part(990, 999));
        assert_eq!(Wanted::of("bytes=-50", 1000), Wanted::Part(950, 999));
        assert_eq!(Wanted::of("bytes=-5000", 1000), Wanted::Part(0, 999));
        assert_eq!(Wanted::of("bytes=0-9,20-29", 1000), Wanted::Impossible);
        for impossible in ["bytes=1000-", "bytes=1000-2000", "bytes=-0"] {
            assert_eq!(Wanted::of(impossible, 1000), Wanted::Impossible, "{impossible}");
        }
        for ignored in ["lines=1-2", "bytes=9-1", "bytes=a-b", "bytes=-", "bytes="] {
            assert_eq!(Wanted::of(ignored, 1000), Wanted::Whole, "{ignored}");
        }
    }

    #[test]
    fn the_checksum_is_adler_32() {
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }
}
