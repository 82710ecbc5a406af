//! Which arrays and objects are open: one bit per level in a field of fixed size.
//! Not a stack of values: nothing but the kind of bracket is remembered.

use super::limits::Limits;

const WORD: usize = u64::BITS as usize;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bracket {
    Array,
    Object,
}

/// **Invariant:** `depth <= limit <= Limits::MAX_DEPTH`; bit n of the field tells whether level n
/// is an object, and bits from `depth` on mean nothing.
#[derive(Debug)]
pub(super) struct Nesting {
    objects: [u64; Limits::MAX_DEPTH / WORD],
    depth: usize,
    limit: usize,
    innermost: Option<Bracket>,
}

/// One level more than the limit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooDeep;

impl Nesting {
    pub(super) fn new(limit: usize) -> Self {
        let limit = limit.min(Limits::MAX_DEPTH);
        Self { objects: [0; Limits::MAX_DEPTH / WORD], depth: 0, limit, innermost: None }
    }

    #[inline]
    pub(super) fn open(&mut self, bracket: Bracket) -> Result<(), TooDeep> {
        if self.depth >= self.limit {
            return Err(TooDeep);
        }
        let bit = 1 << (self.depth % WORD);
        let word = &mut self.objects[self.depth / WORD];
        match bracket {
            Bracket::Array => *word &= !bit,
            Bracket::Object => *word |= bit,
        }
        self.depth += 1;
        self.innermost = Some(bracket);
        Ok(())
    }

    #[inline]
    pub(super) fn close(&mut self) {
        self.depth -= 1;
        self.innermost = self.depth.checked_sub(1).map(|level| {
            let object = self.objects[level / WORD] >> (level % WORD) & 1 == 1;
            if object { Bracket::Object } else { Bracket::Array }
        });
    }

    #[inline]
    pub(super) fn innermost(&self) -> Option<Bracket> {
        self.innermost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_come_back_in_reverse_order_up_to_the_maximum() {
        let kind = |level: usize| {
            if level.is_multiple_of(3) { Bracket::Object } else { Bracket::Array }
        };
        let mut nesting = Nesting::new(usize::MAX);
        assert!((0..Limits::MAX_DEPTH).all(|level| nesting.open(kind(level)).is_ok()));
        assert_eq!(nesting.open(Bracket::Array), Err(TooDeep));
        for level in (0..Limits::MAX_DEPTH).rev() {
            assert_eq!(nesting.innermost(), Some(kind(level)));
            nesting.close();
        }
        assert_eq!(nesting.innermost(), None);
    }
}
