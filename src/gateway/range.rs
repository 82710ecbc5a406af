//! The `Range` field (RFC 9110 §14.2) of a request for bytes. It knows the length of what is asked
//! for, and nothing else of it.

use std::ops::Range;

/// What a `Range` field asks for, of content of a length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing that is understood: the field is ignored, as a server MAY do (RFC 9110 §14.2).
    Nothing,
    /// These bytes; never empty, and never beyond the length.
    Bytes(Range<u64>),
    /// Bytes that are not there.
    Unsatisfiable,
}

/// Reads the value of a `Range` field. Several ranges are ignored: they would be a `multipart`, which
/// clients of data portals do not read, and which many small ones make an attack (§14.2).
pub(super) fn read(field: &[u8], length: u64) -> Asked {
    // RFC 9110 §14.1: range unit names are case-insensitive.
    let unit = field.iter().position(|b| *b == b'=').map(|at| field.split_at(at));
    let Some((unit, set)) = unit else { return Asked::Nothing };
    if !unit.eq_ignore_ascii_case(b"bytes") {
        return Asked::Nothing;
    }
    // RFC 9110 §5.6.1.2: a recipient MUST parse and ignore empty list elements.
    let mut specs =
        set[1..].split(|b| *b == b',').map(<[u8]>::trim_ascii).filter(|spec| !spec.is_empty());
    let (Some(spec), None) = (specs.next(), specs.next()) else { return Asked::Nothing };
    let Some(dash) = spec.iter().position(|b| *b == b'-') else { return Asked::Nothing };
    match (&spec[..dash], &spec[dash + 1..]) {
        (b"", suffix) => number(suffix).map_or(Asked::Nothing, |suffix| of_suffix(suffix, length)),
        (first, last) => match (number(first), last) {
            (None, _) => Asked::Nothing,
            (Some(first), b"") => of_positions(first, u64::MAX, length),
            (Some(first), last) => match number(last) {
                // RFC 9110 §14.1.2: an int-range is invalid if the last-pos value is present and
                // less than first-pos.
                Some(last) if last >= first => of_positions(first, last, length),
                _ => Asked::Nothing,
            },
        },
    }
}

/// RFC 9110 §14.1.2: an int-range is satisfiable if its first-pos is less than the current length;
/// where last-pos is absent or not less than the length, it is taken to be the last byte.
fn of_positions(first: u64, last: u64, length: u64) -> Asked {
    if first >= length {
        return Asked::Unsatisfiable;
    }
    Asked::Bytes(first..last.min(length - 1) + 1)
}

/// RFC 9110 §14.1.2: a suffix-range is satisfiable if its suffix-length is not zero; if the
/// representation is shorter, all of it is used.
fn of_suffix(suffix: u64, length: u64) -> Asked {
    match (suffix, length) {
        (0, _) => Asked::Unsatisfiable,
        // It can be satisfied, but no Content-Range can say with what: `first-last` is at least one
        // byte (§14.4). The whole, which is nothing, says the same.
        (_, 0) => Asked::Nothing,
        _ => Asked::Bytes(length.saturating_sub(suffix)..length),
    }
}

/// `1*DIGIT`. A number too great for 64 bits is beyond any length, as the greatest is.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        Some(number.saturating_mul(10).saturating_add(digit))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_range_of_bytes_is_read_and_clamped() {
        for (field, expected) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-9", 0..10),
            ("bytes=0-", 0..10),
            ("bytes=3-5", 3..6),
            ("bytes=9-9", 9..10),
            ("bytes=9-10", 9..10),
            ("bytes=0-99999999999999999999999999", 0..10),
            ("bytes=-1", 9..10),
            ("bytes=-10", 0..10),
            ("bytes=-11", 0..10),
            ("bytes=-99999999999999999999999999", 0..10),
            ("BYTES=1-2", 1..3),
            ("bytes=, 1-2 ,", 1..3),
            ("bytes=0001-0000000000000000000000000002", 1..3),
        ] {
            assert_eq!(read(field.as_bytes(), 10), Asked::Bytes(expected), "{field}");
        }
    }

    #[test]
    fn bytes_that_are_not_there_cannot_be_had() {
        for field in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(read(field.as_bytes(), 10), Asked::Unsatisfiable, "{field}");
        }
        assert_eq!(read(b"bytes=0-", 0), Asked::Unsatisfiable);
        assert_eq!(read(b"bytes=0-0", 0), Asked::Unsatisfiable);
        assert_eq!(read(b"bytes=-0", 0), Asked::Unsatisfiable);
        assert_eq!(read(b"bytes=-5", 0), Asked::Nothing);
    }

    #[test]
    fn what_is_not_one_range_of_bytes_is_ignored() {
        for field in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=1",
            "bytes=5-3",
            "bytes=a-b",
            "bytes=1-b",
            "bytes=-b",
            "bytes=--1",
            "bytes=1--2",
            "bytes=+1-2",
            "bytes=0x1-2",
            "bytes=1 - 2",
            "bytes=0-1,3-4",
            "bytes=0-1,junk",
            "lines=0-1",
            " bytes=0-1x",
            "bytes =0-1",
            "=0-1",
            "bytes==0-1",
            "bytes=1-2-3",
            "bytes=18446744073709551616-1",
        ] {
            assert_eq!(read(field.as_bytes(), 10), Asked::Nothing, "{field}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_stands_there_bytes_lie_inside(
            field in proptest::collection::vec(any::<u8>(), 0..40),
            set in "bytes=[-0-9, ]{0,24}",
            length in prop_oneof![Just(0), Just(1), 0..20_u64, Just(u64::MAX), any::<u64>()],
        ) {
            for field in [&field[..], set.as_bytes()] {
                if let Asked::Bytes(range) = read(field, length) {
                    prop_assert!(range.start < range.end && range.end <= length);
                }
            }
        }

        #[test]
        fn two_positions_are_the_bytes_between(first in 0..30_u64, last in 0..30_u64) {
            let content: Vec<u64> = (0..20).collect();
            let wanted: Vec<u64> =
                content.iter().copied().filter(|at| (first..=last).contains(at)).collect();
            let expected = match wanted.first() {
                _ if last < first => Asked::Nothing,
                None => Asked::Unsatisfiable,
                Some(start) => Asked::Bytes(*start..start + wanted.len() as u64),
            };
            prop_assert_eq!(read(format!("bytes={first}-{last}").as_bytes(), 20), expected);
        }
    }
}
