//! Entity tags (RFC 9110 §8.8.3) and lists of them, as they stand in fields. It compares bytes; what
//! follows from a match is decided in `select`.

/// An entity tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EntityTag<'a> {
    weak: bool,
    opaque: &'a [u8],
}

impl<'a> EntityTag<'a> {
    /// A field that is one entity tag and nothing else.
    pub(super) fn of(field: &'a [u8]) -> Option<Self> {
        match Self::at_start(field.trim_ascii()) {
            Some((tag, b"")) => Some(tag),
            _ => None,
        }
    }

    /// The entity tags of one line of a list. Members that are none, such as tags without quotes,
    /// are passed over.
    pub(super) fn list(line: &'a [u8]) -> impl Iterator<Item = Self> {
        let mut rest = line;
        std::iter::from_fn(move || {
            loop {
                // RFC 9110 §5.6.1.2: a recipient MUST parse and ignore empty list elements.
                rest = skip(rest, b" \t,");
                if rest.is_empty() {
                    return None;
                }
                // A tag may contain commas, so a list cannot just be split.
                let after = match Self::at_start(rest) {
                    Some((tag, after)) if ends_member(after) => {
                        rest = after;
                        return Some(tag);
                    }
                    Some((_, after)) => after,
                    None => rest,
                };
                let comma = after.iter().position(|b| *b == b',').unwrap_or(after.len());
                rest = &after[comma..];
            }
        })
    }

    /// RFC 9110 §8.8.3: `entity-tag = [ weak ] opaque-tag`, `weak = %s"W/"`, and an opaque tag is
    /// quoted, without escapes. Blanks within are tolerated: some servers send them.
    fn at_start(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (weak, quoted) = match text.strip_prefix(b"W/") {
            Some(quoted) => (true, quoted),
            None => (false, text),
        };
        let inner = quoted.strip_prefix(b"\"")?;
        let end = inner.iter().position(|b| *b == b'"')?;
        Some((Self { weak, opaque: &inner[..end] }, &inner[end + 1..]))
    }

    /// RFC 9110 §8.8.3.2, weak comparison: two entity tags are equivalent if their opaque-tags match
    /// character-by-character, regardless of either or both being tagged as "weak".
    pub(super) fn matches_weakly(self, other: Self) -> bool {
        self.opaque == other.opaque
    }

    /// RFC 9110 §8.8.3.2, strong comparison: two entity tags are equivalent if both are not weak and
    /// their opaque-tags match character-by-character.
    pub(super) fn matches_strongly(self, other: Self) -> bool {
        !self.weak && !other.weak && self.opaque == other.opaque
    }
}

fn ends_member(rest: &[u8]) -> bool {
    matches!(skip(rest, b" \t").first(), None | Some(b','))
}

fn skip<'a>(text: &'a [u8], bytes: &[u8]) -> &'a [u8] {
    let start = text.iter().position(|b| !bytes.contains(b)).unwrap_or(text.len());
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opaque(line: &[u8]) -> Vec<&[u8]> {
        EntityTag::list(line).map(|tag| tag.opaque).collect()
    }

    #[test]
    fn a_list_is_read_and_what_is_no_tag_is_passed_over() {
        let none: [&[u8]; 0] = [];
        for (line, expected) in [
            (&b"\"a\""[..], &[&b"a"[..]][..]),
            (b"\"a\", W/\"b\",\"c\"", &[b"a", b"b", b"c"]),
            (b" ,, \"a\"\t,,", &[b"a"]),
            (b"\"a,b\" , \"\"", &[b"a,b", b""]),
            (b"abc, \"a\"", &[b"a"]),
            (b"w/\"a\", \"b\"", &[b"b"]),
            (b"a\"x\", \"b\"", &[b"b"]),
            (b"\"a\"b, \"c\"", &[b"c"]),
            (b"\"a\" \"b\", \"c\"", &[b"c"]),
            (b"\"\xe9\xff\"", &[b"\xe9\xff"]),
            (b"\"a", &none),
            (b"W/", &none),
            (b"*", &none),
            (b"", &none),
        ] {
            assert_eq!(opaque(line), expected, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn a_single_tag_stands_alone() {
        assert!(EntityTag::of(b" \"a\" ").is_some());
        for field in [&b"\"a\", \"b\""[..], b"\"a\"b", b"a", b"", b"\"", b"W/"] {
            assert_eq!(EntityTag::of(field), None, "{}", field.escape_ascii());
        }
    }

    #[test]
    fn comparison_is_as_the_table_of_rfc_9110_section_8_8_3_2_has_it() {
        for (one, other, strongly, weakly) in [
            ("W/\"1\"", "W/\"1\"", false, true),
            ("W/\"1\"", "W/\"2\"", false, false),
            ("W/\"1\"", "\"1\"", false, true),
            ("\"1\"", "\"1\"", true, true),
        ] {
            let tag = |text: &'static str| EntityTag::of(text.as_bytes()).expect("a tag");
            assert_eq!(tag(one).matches_strongly(tag(other)), strongly, "{one} {other}");
            assert_eq!(tag(one).matches_weakly(tag(other)), weakly, "{one} {other}");
        }
    }
}
