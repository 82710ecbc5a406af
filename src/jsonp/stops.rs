//! Where runs of plain text in strings end, found for 64 bytes at a time.
//! Not a parser: it marks bytes wherever they stand, and is asked only inside strings.
//!
//! Strings are short, so what costs is not the bytes but the step from one string to the next.
//! With a bit per byte at hand, that step is a shift and a count of zeros, whatever the length.
//! The bits are made with arithmetic on `u64`, eight bytes at once: the intrinsics of SSE2 cannot
//! be called without `unsafe`, and this is the same on every architecture.
#![expect(clippy::inline_always, reason = "a call for each string costs a quarter of the speed")]

use super::scan;

/// How many bytes are marked at a time: one per bit of a word.
const SPAN: usize = 64;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = ONES << 7;

/// The bytes of the last span looked at.
///
/// **Invariant:** bit n of `marks` tells whether the byte at `base + n` is a quotation mark, a
/// backslash or a control character, or lies behind the end of the body.
pub(super) struct Stops {
    base: usize,
    marks: u64,
    seen: u64,
}

impl Stops {
    /// Looks at the first span.
    pub(super) fn new(body: &[u8], at: usize) -> Self {
        let mut stops = Self { base: at, marks: 0, seen: 0 };
        stops.look(body, at);
        stops
    }

    /// The first offset from `at` on where plain text ends, at most the length of the body.
    /// Offsets must not decrease from call to call.
    #[inline(always)]
    pub(super) fn next(&mut self, body: &[u8], mut at: usize) -> usize {
        loop {
            let distance = at - self.base;
            if distance < SPAN {
                let rest = self.marks >> distance;
                if rest != 0 {
                    return at + rest.trailing_zeros() as usize;
                }
                at = self.base + SPAN;
            }
            self.look(body, at);
        }
    }

    /// Whether no byte of 0x80 or above was seen. It may have stood behind the strings, which costs
    /// a check of UTF-8 and decides nothing.
    pub(super) fn is_ascii(&self) -> bool {
        self.seen & HIGHS == 0
    }

    #[inline(always)]
    fn look(&mut self, body: &[u8], at: usize) {
        self.base = at;
        match scan::bytes(body, at) {
            Some(span) => self.mark(span),
            None => self.mark(&last(body, at)),
        }
    }

    #[inline(always)]
    fn mark(&mut self, span: &[u8; SPAN]) {
        let mut plain = 0;
        for n in 0..8 {
            let word = u64::from_le_bytes(std::array::from_fn(|k| span[8 * n + k]));
            self.seen |= word;
            plain |= gather(plain_text(word)) << (8 * n);
        }
        self.marks = !plain;
    }
}

/// Sets the high bit of every byte that is plain text, and leaves the other bits undefined.
///
/// RFC 8259 §7: `unescaped = %x20-21 / %x23-5B / %x5D-10FFFF`. No sum leaves its byte, so this is
/// exact: with bit 1 flipped, the quotation mark and the control characters are the bytes below
/// 0x21, and adding 0x5f takes all others to 0x80; likewise for the backslash.
#[inline(always)]
fn plain_text(word: u64) -> u64 {
    let low = word & !HIGHS;
    let above = (low ^ (ONES * 0x02)) + ONES * 0x5f;
    let other = (low ^ (ONES * 0x5c)) + ONES * 0x7f;
    (above & other) | word
}

/// Gathers the high bits of eight bytes into the lowest byte. The product moves bit 8 n + 7 to
/// 56 + n; no two of its terms meet.
#[inline(always)]
fn gather(word: u64) -> u64 {
    (word & HIGHS).wrapping_mul(0x0002_0408_1020_4081) >> 56
}

/// The last bytes of the body, filled up with NUL, which ends plain text.
#[cold]
fn last(body: &[u8], at: usize) -> [u8; SPAN] {
    let mut span = [0; SPAN];
    let rest = body.get(at..).unwrap_or_default();
    span[..rest.len()].copy_from_slice(rest);
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_quotation_marks_backslashes_and_control_characters_stop() {
        for byte in 0..=u8::MAX {
            let is_stop = byte < 0x20 || byte == b'"' || byte == b'\\';
            for place in [0, 1, 7, 8, 30, 63, 64, 200] {
                for around in [b'#', b'!', b'[', b']', b' ', 0xff] {
                    let mut body = [around; 256];
                    body[place] = byte;
                    let expected = if is_stop { place } else { body.len() };
                    assert_eq!(Stops::new(&body, 0).next(&body, 0), expected, "{byte} {place}");
                }
            }
        }
    }

    #[test]
    fn stops_come_one_after_the_other_and_end_with_the_body() {
        let body = [&b"a\"b"[..], &[b'x'; 90], b"\\\"", &[b'y'; 200], b"\n"].concat();
        let mut stops = Stops::new(&body, 0);
        let mut at = 0;
        for expected in [1, 93, 94, 295, 296] {
            at = stops.next(&body, at);
            assert_eq!(at, expected);
            at += 1;
        }
        assert!(stops.is_ascii());
        assert!(!Stops::new(b"\xc3", 0).is_ascii());
    }
}
