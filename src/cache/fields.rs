//! The fields of a stored response, in as little memory as they take: it is kept for days, and a map
//! with room for more, whose values hold on to the buffers they were received in, takes several times
//! as much. It compares nothing.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http::header::{
    AGE, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH,
    CONTENT_TYPE, DATE, ETAG, EXPIRES, LAST_MODIFIED, LINK, LOCATION, SERVER, VARY, VIA,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Names that take one byte: those that most responses have. Other names are spelled out.
static SHORT: [HeaderName; 17] = [
    AGE,
    CACHE_CONTROL,
    CONTENT_DISPOSITION,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    DATE,
    ETAG,
    EXPIRES,
    LAST_MODIFIED,
    LINK,
    LOCATION,
    SERVER,
    VARY,
    VIA,
    HeaderName::from_static("content-digest"),
];

/// How many fields a map that is made has room for before those that are to be added.
const TYPICAL: usize = 8;

/// What stands for a name that is spelled out.
const SPELLED: u8 = u8::MAX;

/// Fields in the order of the map that they are of, in one piece of memory: for each its name, the
/// length of its value in four bytes, and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields(Bytes);

impl Fields {
    /// The fields of a map.
    #[must_use]
    pub fn of(map: &HeaderMap) -> Self {
        Self::beside(map, &Bytes::new()).0
    }

    /// The fields of a map, and content in the same piece of memory.
    #[must_use]
    pub fn beside(map: &HeaderMap, content: &Bytes) -> (Self, Bytes) {
        let length = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
        let room = map.iter().map(|field| length(field) + 9).sum::<usize>() + content.len();
        let mut all = BytesMut::with_capacity(room);
        for (name, value) in map {
            put_name(&mut all, name);
            put(&mut all, value.as_bytes());
        }
        let end = all.len();
        all.put_slice(content);
        // What the names that take one byte left over would be kept for as long as this is.
        let mut fields = Bytes::from(Box::<[u8]>::from(&*all));
        let content = fields.split_off(end);
        (Self(fields), content)
    }

    /// As a map, with room for so many more.
    #[must_use]
    pub fn to_map(&self, more: usize) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(TYPICAL + more);
        for (name, value) in self.iter() {
            map.append(name, value);
        }
        map
    }

    /// The first value of a field.
    #[must_use]
    pub fn first(&self, name: &HeaderName) -> Option<HeaderValue> {
        self.iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let mut rest = self.0.clone();
        std::iter::from_fn(move || {
            // Whatever was a field once is one again.
            let name = take_name(&mut rest)?;
            Some((name, HeaderValue::from_maybe_shared(take(&mut rest)?).ok()?))
        })
    }

    /// Bytes of memory.
    pub(super) fn size(&self) -> usize {
        self.0.len()
    }
}

fn put_name(all: &mut BytesMut, name: &HeaderName) {
    match SHORT.iter().position(|short| short == name).map(u8::try_from) {
        Some(Ok(code)) => all.put_u8(code),
        _ => {
            all.put_u8(SPELLED);
            put(all, name.as_str().as_bytes());
        }
    }
}

fn take_name(rest: &mut Bytes) -> Option<HeaderName> {
    match rest.try_get_u8().ok()? {
        SPELLED => HeaderName::from_bytes(&take(rest)?).ok(),
        code => SHORT.get(usize::from(code)).cloned(),
    }
}

/// Fields are received within limits, far below 4 GiB.
fn put(all: &mut BytesMut, bytes: &[u8]) {
    all.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    all.put_slice(bytes);
}

fn take(rest: &mut Bytes) -> Option<Bytes> {
    let length = usize::try_from(rest.try_get_u32().ok()?).ok()?;
    (length <= rest.len()).then(|| rest.split_to(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_read_back_with_all_lines_and_any_bytes() {
        let mut map = HeaderMap::new();
        map.append("link", HeaderValue::from_static("a"));
        map.append("etag", HeaderValue::from_bytes(b"\"\xe4\"").expect("a value"));
        map.append("link", HeaderValue::from_static("b"));
        map.append("x-empty", HeaderValue::from_static(""));
        let fields = Fields::of(&map);
        assert_eq!(fields.to_map(0), map);
        assert_eq!(fields.first(&LINK), map.get(LINK).cloned());
        assert_eq!(fields.iter().count(), 4);
    }
}
