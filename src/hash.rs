//! The keyed hash of names, so that tables of names that clients choose are hard to flood.
//!
//! The key comes from [`Config`](crate::Config), and no output of a channel depends on it. The hash
//! is foldhash, in less than half the time of a `SipHash`: who does not know the key can't prepare
//! names that collide. It does not promise to withstand somebody who can measure single lookups.

use core::{fmt, hash::Hasher};

use foldhash::{SharedSeed, quality::FoldHasher};

/// A secret key. Whoever does not know it can't prepare names that collide.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct HashKey(pub(crate) [u64; 2]);

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(…)")
    }
}

/// The hash under one key.
#[derive(Clone)]
pub(crate) struct NameHash {
    seed: u64,
    shared: SharedSeed,
}

impl NameHash {
    pub(crate) const fn new(HashKey([seed, shared]): HashKey) -> Self {
        // Not 0 for a key of zeroes: a word of the hash would be lost.
        let seed = seed ^ 0x9e37_79b9_7f4a_7c15;
        Self { seed, shared: SharedSeed::from_u64(shared) }
    }

    #[inline]
    pub(crate) fn of(&self, name: &[u8]) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.seed, &self.shared);
        // Without its length, a name would share its hash with others of the same repeated byte.
        hasher.write_usize(name.len());
        hasher.write(name);
        hasher.finish()
    }
}

impl fmt::Debug for NameHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn the_whole_name_and_the_whole_key_count() {
        let mut hashes = Vec::new();
        for key in [HashKey([0, 0]), HashKey([1, 0]), HashKey([0, 1])] {
            let hash = NameHash::new(key);
            hashes.extend((0..100).map(|len| hash.of("a".repeat(len).as_bytes())));
            hashes.extend((0..100).map(|at| {
                let mut name = [b'a'; 100];
                name[at] = b'b';
                hash.of(&name)
            }));
        }
        let all = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), all);
    }
}
