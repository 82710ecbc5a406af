//! Content in another charset than UTF-8, transcoded: by its byte order mark, or as the portal
//! declares it. It guesses nothing.

use bytes::Bytes;
use encoding_rs::{Encoding, UTF_8};
use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// Content as UTF-8, and the charset that it was in if it had to be transcoded. What cannot be
/// transcoded stays as it is, for the parser to refuse.
///
/// RFC 8259 §8.1: JSON text exchanged between systems that are not part of a closed ecosystem MUST be
/// encoded using UTF-8. Old software does not know.
pub(super) fn to_utf8(content: Bytes, fields: &HeaderMap) -> (Bytes, Option<&'static str>) {
    let (charset, mark) = match Encoding::for_bom(&content) {
        Some((encoding, length)) => (encoding, length),
        None => match declared(fields) {
            Some(encoding) => (encoding, 0),
            None => return (content, None),
        },
    };
    if charset == UTF_8 || (charset.is_ascii_compatible() && content.is_ascii()) {
        return (content, None);
    }
    match charset.decode_without_bom_handling_and_without_replacement(&content[mark..]) {
        Some(text) => (Bytes::from(text.into_owned()), Some(charset.name())),
        None => (content, None),
    }
}

/// The charset of the media type, if it names one that is known.
fn declared(fields: &HeaderMap) -> Option<&'static Encoding> {
    let media_type = fields.get(CONTENT_TYPE)?.as_bytes();
    let parameters = media_type.split(|b| *b == b';').skip(1).map(<[u8]>::trim_ascii);
    let mut charsets = parameters.filter_map(|parameter| {
        let (name, value) = parameter.split_at_checked("charset=".len())?;
        name.eq_ignore_ascii_case(b"charset=").then_some(value)
    });
    let label = charsets.next()?;
    let label =
        label.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(label);
    Encoding::for_label(label)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(content: &[u8], media_type: &'static str) -> (Vec<u8>, Option<&'static str>) {
        let mut fields = HeaderMap::new();
        fields.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        let (text, charset) = to_utf8(Bytes::copy_from_slice(content), &fields);
        (text.to_vec(), charset)
    }

    #[test]
    fn what_is_declared_is_transcoded() {
        for (content, media_type, expected, charset) in [
            (&b"[\"\xe9\"]"[..], "application/json; charset=ISO-8859-1", "[\"é\"]", "windows-1252"),
            (b"[\"\x80\"]", "text/javascript;Charset=\"windows-1252\"", "[\"€\"]", "windows-1252"),
            (b"[\xe1]", "text/plain; charset=iso-8859-7", "[α]", "ISO-8859-7"),
            (b"\x00[\x001\x00]", "x/y; charset=utf-16be", "[1]", "UTF-16BE"),
            (b"\xff\xfe[\x001\x00]\x00", "application/json", "[1]", "UTF-16LE"),
            (b"\xfe\xff\x00[\x001\x00]", "application/json; charset=utf-8", "[1]", "UTF-16BE"),
        ] {
            let (text, found) = read(content, media_type);
            assert_eq!(String::from_utf8(text).as_deref(), Ok(expected), "{media_type}");
            assert_eq!(found, Some(charset), "{media_type}");
        }
    }

    #[test]
    fn what_is_utf_8_or_unknown_is_left_alone() {
        for (content, media_type) in [
            (&b"[\"\xc3\xa9\"]"[..], "application/json"),
            (b"[\"\xe9\"]", "application/json"),
            (b"[\"\xe9\"]", "application/json; charset=nothing-known"),
            (b"[1]", "application/json; charset=iso-8859-1"),
            (b"\xef\xbb\xbf[1]", "application/json; charset=iso-8859-1"),
            // A lone surrogate is no text.
            (b"\xff\xfe\x00\xd8", "application/json"),
        ] {
            assert_eq!(read(content, media_type), (content.to_vec(), None), "{media_type}");
        }
    }
}
