//! Numbers that one task writes and others may read: no lock, nothing that another core waits for.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// A number that one task alone changes. Who reads it sees it as it was a moment ago.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Counts so many. Only for the task that owns it: what another adds meanwhile would be lost.
    pub(crate) fn add(&self, more: u64) {
        self.set(self.get().wrapping_add(more));
    }

    pub(crate) fn set(&self, number: u64) {
        self.0.store(number, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long something took, each time, by the bounds of [`Durations::BOUNDS_US`].
#[derive(Debug, Default)]
pub(crate) struct Durations {
    /// Those that were no longer than a bound and longer than the one before; the last ones were
    /// longer than all bounds.
    counts: [Count; Self::BOUNDS_US.len() + 1],
    sum_ns: Count,
}

impl Durations {
    /// From a microsecond to a second.
    pub(crate) const BOUNDS_US: [u64; 13] =
        [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000];

    /// Only for the task that owns it.
    pub(crate) fn observe(&self, took: Duration) {
        let place = Self::BOUNDS_US.partition_point(|bound| Duration::from_micros(*bound) < took);
        if let Some(count) = self.counts.get(place) {
            count.add(1);
        }
        self.sum_ns.add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(super) fn counts(&self) -> impl Iterator<Item = u64> {
        self.counts.iter().map(Count::get)
    }

    pub(super) fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum_ns.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_where_it_is_no_longer_than_the_bound() {
        let durations = Durations::default();
        let check = |ns, place: usize| {
            let before: Vec<_> = durations.counts().collect();
            durations.observe(Duration::from_nanos(ns));
            let after: Vec<_> = durations.counts().collect();
            let moved: Vec<_> = (0..after.len()).filter(|at| after[*at] != before[*at]).collect();
            assert_eq!((moved, after[place]), (vec![place], before[place] + 1), "{ns} ns");
        };
        check(0, 0);
        check(1_000, 0);
        check(1_001, 1);
        check(1_000_000_000, 12);
        check(1_000_000_001, 13);
        assert_eq!(durations.sum(), Duration::from_nanos(2_000_002_002));
    }
}
