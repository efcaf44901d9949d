//! SipHash-1-3 over one piece of text: a keyed hash that makes tables of client-chosen names safe.
//!
//! Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), with one round a word and
//! three at the end, as in the standard library's tables. The key comes from
//! [`Config`](crate::Config); no output of a channel depends on it.

/// A secret key. Whoever does not know it can't choose names that collide.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct HashKey(pub(crate) [u64; 2]);

impl core::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("HashKey(…)")
    }
}

impl HashKey {
    pub(crate) fn hash(self, bytes: &[u8]) -> u64 {
        sip::<1, 3>(self.0, bytes)
    }
}

fn sip<const C: usize, const D: usize>([k0, k1]: [u64; 2], bytes: &[u8]) -> u64 {
    let mut state = State {
        v0: k0 ^ 0x736f_6d65_7073_6575,
        v1: k1 ^ 0x646f_7261_6e64_6f6d,
        v2: k0 ^ 0x6c79_6765_6e65_7261,
        v3: k1 ^ 0x7465_6462_7974_6573,
    };

    let (words, tail) = bytes.as_chunks::<8>();
    for word in words {
        state.absorb::<C>(u64::from_le_bytes(*word));
    }
    let length = (bytes.len() as u64) << 56;
    let last = tail.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte));
    state.absorb::<C>(length | last);

    state.v2 ^= 0xff;
    for _ in 0..D {
        state.round();
    }
    state.v0 ^ state.v1 ^ state.v2 ^ state.v3
}

struct State {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl State {
    fn absorb<const ROUNDS: usize>(&mut self, word: u64) {
        self.v3 ^= word;
        for _ in 0..ROUNDS {
            self.round();
        }
        self.v0 ^= word;
    }

    const fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first vectors of the paper's reference implementation, for SipHash-2-4.
    #[test]
    fn the_papers_vectors_hold() {
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        let input: [u8; 15] = core::array::from_fn(|at| u8::try_from(at).unwrap());
        for (len, expected) in [(0, 0x726f_db47_dd0e_0e31), (15, 0xa129_ca61_49be_45e5)] {
            assert_eq!(sip::<2, 4>(key, &input[..len]), expected, "{len} bytes");
        }
    }

    #[cfg(feature = "std")]
    #[test]
    fn one_and_three_rounds_are_what_the_standard_library_has() {
        use core::hash::Hasher;

        let bytes: [u8; 64] = core::array::from_fn(|at| u8::try_from(at * 3).unwrap());
        for len in 0..bytes.len() {
            let mut theirs = std::hash::DefaultHasher::new();
            theirs.write(&bytes[..len]);
            assert_eq!(HashKey([0, 0]).hash(&bytes[..len]), theirs.finish(), "{len} bytes");
        }
    }
}
