//! Eight bytes at a time, as one `u64`: where a run of a class of bytes ends.
//! Not a parser: it knows classes of bytes, no grammar.

/// How many bytes one look covers.
pub(super) const WIDTH: usize = 8;
pub(super) const WIDE: usize = 16;


const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = ONES << 7;

/// How many bytes of plain text stand before a quotation mark, a backslash or a control character,
/// at most [`WIDTH`].
#[inline(always)]
fn stops(chunk: u64) -> u64 {
    let quotes_and_controls = (chunk ^ (ONES * 0x02)).wrapping_sub(ONES * 0x21);
    let backslashes = (chunk ^ (ONES * 0x5c)).wrapping_sub(ONES);
    (quotes_and_controls | backslashes) & !chunk & HIGHS
}
#[inline(always)]
pub(super) fn plain(chunk: &[u8;WIDE], high: &mut u64) -> usize {
    let lo = u64::from_le_bytes(std::array::from_fn(|n| chunk[n]));
    let hi = u64::from_le_bytes(std::array::from_fn(|n| chunk[n+8]));
    *high |= lo | hi;
    let (a, b) = (stops(lo), stops(hi));
    (u128::from(b) << 64 | u128::from(a)).trailing_zeros() as usize / 8
}

/// The high bits of bytes of 0x80 and above.
#[inline(always)]
pub(super) fn high(chunk: u64) -> u64 {
    chunk & HIGHS
}

/// How many digits stand at the start of the chunk.
#[inline(always)]
pub(super) fn digits(chunk: u64) -> usize {
    let value = chunk ^ (ONES * 0x30);
    first((((value & !HIGHS) + ONES * (0x80 - 10)) | value) & HIGHS)
}

/// How many blanks (U+0020) stand at the start of the chunk.
#[inline(always)]
pub(super) fn spaces(chunk: u64) -> usize {
    (chunk ^ (ONES * 0x20)).trailing_zeros() as usize / 8
}

#[inline(always)]
fn first(high_bits: u64) -> usize {
    high_bits.trailing_zeros() as usize / 8
}
