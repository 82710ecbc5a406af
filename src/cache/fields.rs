//! The fields of a stored response, in as little memory as they take: it is kept for days, and a map
//! with room for more, whose values hold on to the buffers they were received in, takes several times
//! as much. It compares nothing.

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Fields in the order of the map that they are of, their values in one piece of memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields(Box<[(HeaderName, HeaderValue)]>);

impl Fields {
    /// The fields of a map.
    #[must_use]
    pub fn of(map: &HeaderMap) -> Self {
        Self::beside(map, &Bytes::new()).0
    }

    /// The fields of a map, and content in the same piece of memory.
    #[must_use]
    pub fn beside(map: &HeaderMap, content: &Bytes) -> (Self, Bytes) {
        let length: usize = map.values().map(HeaderValue::len).sum();
        let mut all = BytesMut::with_capacity(length + content.len());
        map.values().for_each(|value| all.put_slice(value.as_bytes()));
        all.put_slice(content);
        let mut values: Bytes = all.freeze();
        let content = values.split_off(length);
        let mut at = 0;
        let own = |(name, value): (&HeaderName, &HeaderValue)| {
            let from = at;
            at += value.len();
            let own = HeaderValue::from_maybe_shared(values.slice(from..at));
            // The same bytes were a value before.
            (name.clone(), own.unwrap_or_else(|_| value.clone()))
        };
        (Self(map.iter().map(own).collect()), content)
    }

    /// As a map, with room for so many more.
    #[must_use]
    pub fn to_map(&self, more: usize) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(self.0.len() + more);
        for (name, value) in &self.0 {
            map.append(name.clone(), value.clone());
        }
        map
    }

    /// The first value of a field.
    #[must_use]
    pub fn first(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// All fields.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &(HeaderName, HeaderValue)> {
        self.0.iter()
    }

    /// Bytes of memory.
    pub(super) fn size(&self) -> usize {
        let values: usize = self.iter().map(|(_, value)| value.len()).sum();
        size_of_val(&*self.0) + values
    }
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
        assert_eq!(fields.first(&http::header::LINK).map(HeaderValue::as_bytes), Some(&b"a"[..]));
        assert_eq!(fields.iter().len(), 4);
    }
}
