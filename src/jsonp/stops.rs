//! Where runs of plain text end.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = ONES << 7;
pub(super) const SPAN: usize = 64;

pub(super) struct Stops {
    base: usize,
    marks: u64,
    high: u64,
}

impl Stops {
    pub(super) fn new(body: &[u8], at: usize) -> Self { let mut new = Self { base: 0, marks: 0, high: 0 }; new.look(body, at); new }
    pub(super) fn ascii(&self) -> bool { self.high & HIGHS == 0 }

    #[inline(always)]
    pub(super) fn next(&mut self, body: &[u8], mut at: usize) -> usize {
        loop {
            let distance = at.wrapping_sub(self.base);
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

    #[inline(always)]
    fn look(&mut self, body: &[u8], at: usize) {
        self.base = at;
        match body.get(at..).and_then(|rest| rest.first_chunk::<SPAN>()) {
            Some(block) => self.mark(block),
            None => self.mark(&padded(body, at)),
        }
    }

    #[inline(always)]
    fn mark(&mut self, block: &[u8; SPAN]) {
        let mut plain = 0;
        for n in 0..8 {
            let word = u64::from_le_bytes(std::array::from_fn(|k| block[8 * n + k]));
            self.high |= word;
            plain |= gather(plain_bytes(word)) << (8 * n);
        }
        self.marks = !plain;
    }
}

#[inline(always)]
fn plain_bytes(word: u64) -> u64 {
    let low = word & !HIGHS;
    let q = (low ^ (ONES * 2)) + ONES * 0x5f;
    let b = (low ^ (ONES * 0x5c)) + ONES * 0x7f;
    (q & b) | word
}

#[inline(always)]
fn gather(word: u64) -> u64 {
    (word & HIGHS).wrapping_mul(0x0002_0408_1020_4081) >> 56
}

#[cold]
#[inline(never)]
fn padded(body: &[u8], at: usize) -> [u8; SPAN] {
    let mut block = [0; SPAN];
    let rest = body.get(at..).unwrap_or_default();
    block[..rest.len()].copy_from_slice(rest);
    block
}
