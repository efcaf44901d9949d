//! Numbers that look random and are the same in each run.

/// A generator of such numbers (xorshift*).
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u32) -> Self {
        Self((seed as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn next(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        u32::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32).unwrap_or(0)
    }

    /// One of 0 to `count` - 1.
    pub(crate) fn below(&mut self, count: u32) -> u32 {
        self.next() % count.max(1)
    }

    /// Anything from 0 to that.
    pub(crate) fn up_to(&mut self, most: f64) -> f64 {
        most * f64::from(self.next()) / f64::from(u32::MAX)
    }

    /// Something from half of that to half as much again.
    pub(crate) fn about(&mut self, mean: f64) -> f64 {
        mean / 2.0 + self.up_to(mean)
    }
}
