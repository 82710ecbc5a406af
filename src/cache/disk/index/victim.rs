//! Which entry has to go: one that was not used for long, found by looking at a few. It takes
//! nothing out.

use super::{Index, Named, Owner, Slot};

/// How many entries are looked at to find an old one. Of sixteen, the oldest is in the older
/// tenth four times out of five; an exact order would cost a list and a lock on every hit.
const SAMPLE: usize = 16;

impl Index {
    /// The oldest of a few entries of all owners; of one that is over its share, if there is one.
    pub(super) fn oldest(&mut self, keep: Option<(usize, u128)>) -> Option<Named> {
        let several = self.owners.iter().filter(|owner| owner.is_active()).count() > 1;
        if several {
            let over = |owner: &Owner| owner.stored + owner.reserved > self.share;
            let greedy = self.owners.iter().position(over);
            if let Some(found) = greedy.and_then(|at| self.oldest_of(at, keep)) {
                return Some(found);
            }
        }
        let counts: Vec<_> = self.owners.iter().map(|owner| owner.slots.len()).collect();
        let all = counts.iter().sum();
        self.sample(all, keep, |mut place| {
            for (at, count) in counts.iter().enumerate() {
                if place < *count {
                    return (at, place);
                }
                place -= count;
            }
            (0, 0)
        })
    }

    pub(super) fn oldest_of(&mut self, at: usize, keep: Option<(usize, u128)>) -> Option<Named> {
        let all = self.owners[at].slots.len();
        self.sample(all, keep, |place| (at, place))
    }

    /// The oldest of `SAMPLE` entries of `all`, or of all if they are no more.
    fn sample(
        &mut self,
        all: usize,
        keep: Option<(usize, u128)>,
        locate: impl Fn(usize) -> (usize, usize),
    ) -> Option<Named> {
        let mut oldest: Option<(usize, Slot)> = None;
        for step in 0..all.min(SAMPLE) {
            let place = if all <= SAMPLE { step } else { self.random_below(all) };
            let (at, place) = locate(place);
            let slot = self.owners[at].slots[place];
            let kept = keep.is_some_and(|(kept, id)| kept == at && slot.id == id.to_be_bytes());
            if !kept && oldest.is_none_or(|(_, oldest)| slot.used < oldest.used) {
                oldest = Some((at, slot));
            }
        }
        oldest.map(|(at, slot)| self.owners[at].named(&slot))
    }

    /// A number by xorshift: evictions need to be spread, not unpredictable.
    fn random_below(&mut self, bound: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random % (bound as u64)).unwrap_or(0)
    }
}
