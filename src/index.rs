//! A hash index: from the hash of a name to the number of what has that name.
//!
//! Holds neither names nor values, only eight bytes a bucket: 32 bits of the hash and the number.
//! Linear probing; a removal shifts back what follows, so there are no tombstones and the index
//! never degrades. Costs: find, insert and remove O(1), amortised with the doublings.

use alloc::{vec, vec::Vec};

/// Buckets of an index that was never used.
const FIRST: usize = 8;

/// An index whose entries are found by hash, and told apart by whoever knows their names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    // Invariant: the number of buckets is a power of two or 0, and a third of them is free: with
    // less, the runs that a search for what is not there has to pass get long.
    buckets: Vec<Bucket>,
    len: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bucket {
    hash: u32,
    // One more than the number; 0 for a free bucket.
    entry: u32,
}

impl Bucket {
    const FREE: Self = Self { hash: 0, entry: 0 };

    const fn is_free(self) -> bool {
        self.entry == 0
    }

    /// What it stands for; nothing that is ever inserted, if it is free.
    const fn number(self) -> u32 {
        self.entry.wrapping_sub(1)
    }
}

impl Index {
    /// The number that was inserted with `hash` and of which `is_it` says so.
    pub(crate) fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let hash = shorten(hash);
        let mut place = hash as usize;
        loop {
            let bucket = self.at(place);
            if bucket.is_free() {
                return None;
            }
            if bucket.hash == hash && is_it(bucket.number()) {
                return Some(bucket.number());
            }
            place += 1;
        }
    }

    /// Adds `number`, which must not be there, under `hash`.
    pub(crate) fn insert(&mut self, hash: u64, number: u32) {
        if (self.len + 1) * 3 > self.buckets.len() * 2 {
            self.grow();
        }
        self.len += 1;
        self.place(Bucket { hash: shorten(hash), entry: number + 1 });
    }

    /// Removes `number`, which must have been inserted with `hash`.
    pub(crate) fn remove(&mut self, hash: u64, number: u32) {
        let buckets = &mut self.buckets[..];
        let mask = buckets.len().wrapping_sub(1);
        let at = |buckets: &[Bucket], place: usize| {
            buckets.get(place & mask).copied().unwrap_or(Bucket::FREE)
        };
        let mut hole = shorten(hash) as usize;
        while at(buckets, hole).number() != number {
            debug_assert!(!at(buckets, hole).is_free(), "what is removed was inserted");
            hole += 1;
        }

        // Whatever follows and would be found earlier, moves up into the hole.
        let mut next = hole;
        loop {
            next += 1;
            let bucket = at(buckets, next);
            if bucket.is_free() {
                break;
            }
            let from_its_start = next.wrapping_sub(bucket.hash as usize) & mask;
            if from_its_start >= next - hole
                && let Some(place) = buckets.get_mut(hole & mask)
            {
                *place = bucket;
                hole = next;
            }
        }
        if let Some(place) = buckets.get_mut(hole & mask) {
            *place = Bucket::FREE;
        }
        self.len -= 1;
    }

    fn place(&mut self, bucket: Bucket) {
        let mut place = bucket.hash as usize;
        while !self.at(place).is_free() {
            place += 1;
        }
        self.put(place, bucket);
    }

    fn grow(&mut self) {
        let doubled = vec![Bucket::FREE; (self.buckets.len() * 2).max(FIRST)];
        let old = core::mem::replace(&mut self.buckets, doubled);
        for bucket in old.into_iter().filter(|bucket| !bucket.is_free()) {
            self.place(bucket);
        }
    }

    /// Where `place`, which may run over the end, is.
    const fn wrap(&self, place: usize) -> usize {
        place & self.buckets.len().wrapping_sub(1)
    }

    fn at(&self, place: usize) -> Bucket {
        self.buckets.get(self.wrap(place)).copied().unwrap_or(Bucket::FREE)
    }

    fn put(&mut self, place: usize, bucket: Bucket) {
        let place = self.wrap(place);
        if let Some(place) = self.buckets.get_mut(place) {
            *place = bucket;
        }
    }
}

/// The half of a hash that is kept.
#[expect(clippy::cast_possible_truncation, reason = "half of it is what is kept")]
const fn shorten(hash: u64) -> u32 {
    hash as u32
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;

    /// Random inserts and removals, with hashes so bad that all probes collide and wrap around.
    fn check(hash_of: impl Fn(u32) -> u64) {
        let mut index = Index::default();
        let mut dumb = BTreeSet::new();
        let mut state = 1_u32;
        for _ in 0..20_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let number = state >> 24;
            if dumb.insert(number) {
                index.insert(hash_of(number), number);
            } else {
                dumb.remove(&number);
                index.remove(hash_of(number), number);
            }
            let found = index.find(hash_of(number), |found| found == number);
            assert_eq!(found.is_some(), dumb.contains(&number));
        }
        for number in 0..256 {
            let found = index.find(hash_of(number), |found| found == number);
            assert_eq!(found.is_some(), dumb.contains(&number));
        }
        assert_eq!(index.len, dumb.len());
        assert!(index.len * 3 <= index.buckets.len() * 2, "a third of the buckets is free");
    }

    #[test]
    fn an_index_finds_what_is_in_it() {
        check(|number| u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16);
    }

    #[test]
    fn colliding_hashes_only_cost_time() {
        check(|number| u64::from(number % 3));
        check(|number| u64::from(u32::MAX - number % 5));
    }

    #[test]
    fn nothing_is_found_in_an_index_that_was_never_used() {
        assert_eq!(Index::default().find(7, |_| true), None);
    }
}
