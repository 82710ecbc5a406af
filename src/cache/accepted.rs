//! Which content codings a client takes (RFC 9110 §12.5.3), from its `Accept-Encoding`. It does not
//! know which there are of a response.

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

use super::coding::Coding;

/// The greatest weight, in thousandths.
const ONE: u16 = 1000;

/// The codings that a client takes, the preferred first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted([Option<Coding>; 3]);

impl Accepted {
    /// The codings, the preferred first. Identity is always among them: where a client refuses even
    /// that, an answer it may not like is more use than none.
    pub fn iter(self) -> impl Iterator<Item = Coding> {
        self.0.into_iter().flatten()
    }
}

/// RFC 9110 §12.5.3: the codings that a request's `Accept-Encoding` takes.
///
/// Without the field any coding is acceptable, and none is used: who does not ask for one may not
/// expect one.
#[must_use]
pub fn accepted(fields: &HeaderMap) -> Accepted {
    let (mut named, mut others) = ([None::<u16>; 3], None::<u16>);
    for line in fields.get_all(ACCEPT_ENCODING) {
        for (name, weight) in line.as_bytes().split(|b| *b == b',').filter_map(member) {
            let place = match Coding::of(name) {
                Some(coding) => &mut named[coding as usize],
                None if name == b"*" => &mut others,
                None => continue,
            };
            // Of two weights for one coding the lower: what is not coded is always understood.
            *place = Some(place.map_or(weight, |first| first.min(weight)));
        }
    }
    let weight = |coding: Coding| {
        // "*" matches any available content coding not explicitly listed in the field.
        match (named[coding as usize].or(others), coding) {
            // A representation without a content coding is acceptable unless excluded; behind
            // whatever was asked for, or in spite of the exclusion if nothing was.
            (None | Some(0), Coding::Identity) => Some(0),
            // "not acceptable" is what a weight of 0 means (§12.4.2).
            (None | Some(0), _) => None,
            (some, _) => some,
        }
    };
    let mut accepted = Coding::ALL.map(|coding| weight(coding).map(|weight| (weight, coding)));
    // Stable: equal weights stay in our order, and what is not taken goes to the end.
    accepted.sort_by_key(|taken| std::cmp::Reverse(taken.map(|(weight, _)| weight)));
    Accepted(accepted.map(|taken| taken.map(|(_, coding)| coding)))
}

/// A member of the list, `codings [ weight ]`, with its weight in thousandths; `None` if it is not
/// well formed, and for the empty members that RFC 9110 §5.6.1.2 has a recipient ignore.
fn member(text: &[u8]) -> Option<(&[u8], u16)> {
    let mut parts = text.splitn(2, |b| *b == b';');
    let name = parts.next()?.trim_ascii();
    if name.is_empty() {
        return None;
    }
    let Some(weight) = parts.next() else { return Some((name, ONE)) };
    match weight.trim_ascii() {
        [b'q' | b'Q', b'=', value @ ..] => Some((name, thousandths(value)?)),
        _ => None,
    }
}

/// RFC 9110 §12.4.2: `qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )`.
fn thousandths(text: &[u8]) -> Option<u16> {
    let (whole, decimals) = match text {
        [whole] => (whole, &[][..]),
        [whole, b'.', decimals @ ..] if decimals.len() <= 3 => (whole, decimals),
        _ => return None,
    };
    if !matches!(whole, b'0' | b'1') || !decimals.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |at: usize| decimals.get(at).map_or(0, |d| u16::from(d - b'0'));
    let weight = u16::from(whole - b'0') * ONE + digit(0) * 100 + digit(1) * 10 + digit(2);
    (weight <= ONE).then_some(weight)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const BR: Coding = Coding::Brotli;
    const GZIP: Coding = Coding::Gzip;
    const IDENTITY: Coding = Coding::Identity;

    fn of(lines: &[&[u8]]) -> Vec<Coding> {
        let mut fields = HeaderMap::new();
        for line in lines {
            fields.append(ACCEPT_ENCODING, HeaderValue::from_bytes(line).expect("a field value"));
        }
        accepted(&fields).iter().collect()
    }

    fn of_line(line: &str) -> Vec<Coding> {
        of(&[line.as_bytes()])
    }

    #[test]
    fn who_asks_for_nothing_gets_nothing_put_on() {
        assert_eq!(of(&[]), [IDENTITY]);
        assert_eq!(of_line(""), [IDENTITY]);
        assert_eq!(of_line("zstd, compress"), [IDENTITY]);
    }

    #[test]
    fn of_equal_weights_the_shorter_coding_comes_first() {
        for line in ["gzip, deflate, br, zstd", "identity, GZip, bR", "*", "*;q=0.5", "gzip, *"] {
            assert_eq!(of_line(line), [BR, GZIP, IDENTITY], "{line}");
        }
        assert_eq!(of_line("gzip"), [GZIP, IDENTITY]);
        assert_eq!(of_line("X-GZIP ;Q=0.3"), [GZIP, IDENTITY]);
    }

    #[test]
    fn a_higher_weight_wins() {
        assert_eq!(of_line("br;q=0.5, gzip;q=0.8"), [GZIP, BR, IDENTITY]);
        assert_eq!(of_line("gzip;q=0.5, identity"), [IDENTITY, GZIP]);
        assert_eq!(of_line("gzip;q=0.999, *"), [BR, IDENTITY, GZIP]);
        assert_eq!(of_line("gzip;q=0.001"), [GZIP, IDENTITY]);
        assert_eq!(of_line("*;q=0.1, gzip;q=0.2"), [GZIP, BR, IDENTITY]);
    }

    #[test]
    fn a_weight_of_0_refuses_but_identity_remains() {
        assert_eq!(of_line("br;q=0, *"), [GZIP, IDENTITY]);
        assert_eq!(of_line("gzip, gzip;q=0.000"), [IDENTITY]);
        for line in ["identity;q=0", "*;q=0", "gzip;q=0, br;q=0, identity;q=0"] {
            assert_eq!(of_line(line), [IDENTITY], "{line}");
        }
        assert_eq!(of_line("identity;q=0, gzip;q=0.1"), [GZIP, IDENTITY]);
        assert_eq!(of_line("gzip, *;q=0"), [GZIP, IDENTITY]);
    }

    #[test]
    fn all_lines_count_and_malformed_members_do_not() {
        assert_eq!(of(&[b"gzip;q=0.5", b"br;q=0.7"]), [BR, GZIP, IDENTITY]);
        for line in [
            "br;q=2, gzip",
            "br;q=1.001, gzip",
            "br;q=0.0001, gzip",
            "br;q=, gzip",
            "br;q=-1, gzip",
            "br;q =1, gzip",
            "br;level=5, gzip",
            "br;q=1;q=0, gzip",
            "b r, gzip",
            "\"br\", gzip",
            ",, ;q=1, gzip ,",
        ] {
            assert_eq!(of_line(line), [GZIP, IDENTITY], "{line}");
        }
        assert_eq!(of(&[b"br\xff, gz\x80ip, gzip"]), [GZIP, IDENTITY]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_stands_there_identity_is_taken_and_nothing_twice(
            text in "([,;=*q01.9 ]|gzip|br|identity|[\\x80-\\xff]){0,12}",
        ) {
            let codings = of_line(&text);
            for coding in [BR, GZIP, IDENTITY] {
                let times = codings.iter().filter(|c| **c == coding).count();
                prop_assert!(times == 1 || (times == 0 && coding != IDENTITY));
            }
        }
    }
}
