//! Whether a file that CKAN writes as it reads its tables has its end. A server in front of it may end
//! the transfer properly although the tables did not end, so that only the content tells.

use bytes::Bytes;

use crate::portal::Portal;

/// The longest end, in bytes, with the blanks that may follow it.
const KEPT: usize = 16;

/// How a file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With this text, and perhaps blanks.
    Text(&'static [u8]),
    /// With the end of a line, if there is anything in it.
    Line,
}

impl End {
    /// How the file at a path ends, if that is known.
    pub(super) fn of(portal: &Portal, path: &str, query: Option<&str>) -> Option<Self> {
        if !portal.dialect.takes_post() || !path.contains("datastore/dump/") {
            return None;
        }
        let format = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .find(|(name, _)| name == "format")
            .map(|(_, value)| value.into_owned());
        match format.as_deref() {
            Some("json") => Some(Self::Text(b"]}")),
            Some("xml") => Some(Self::Text(b"</data>")),
            None | Some("csv" | "tsv") => Some(Self::Line),
            Some(_) => None,
        }
    }
}

/// The last bytes of content that comes in pieces.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail(Vec<u8>);

impl Tail {
    pub(super) fn push(&mut self, piece: &Bytes) {
        let last = &piece[piece.len().saturating_sub(KEPT)..];
        self.0.extend_from_slice(last);
        self.0.drain(..self.0.len().saturating_sub(KEPT));
    }

    /// Whether content that ends so is whole.
    pub(super) fn is(&self, end: End) -> bool {
        match end {
            End::Text(text) => self.0.trim_ascii_end().ends_with(text),
            End::Line => self.0.is_empty() || self.0.ends_with(b"\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(pieces: &[&'static str]) -> Tail {
        let mut tail = Tail::default();
        for piece in pieces {
            tail.push(&Bytes::from_static(piece.as_bytes()));
        }
        tail
    }

    #[test]
    fn an_end_is_seen_however_it_is_cut_into_pieces() {
        assert!(tail(&["{\"records\": [\n", "]", "}", "\n"]).is(End::Text(b"]}")));
        assert!(tail(&["0123456789abcdef0123456789</da", "ta>\n"]).is(End::Text(b"</data>")));
        assert!(!tail(&["{\"records\": [[1],\n"]).is(End::Text(b"]}")));
        assert!(tail(&["a,b\r\n", "1,2\n"]).is(End::Line));
        assert!(tail(&[]).is(End::Line));
        assert!(!tail(&["a,b\r\n", "1,"]).is(End::Line));
    }
}
