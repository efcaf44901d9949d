//! How often somebody has asked for what is for operators, and was refused.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::operators::Denied;

/// Counts of requests that were refused.
#[derive(Debug, Default)]
pub(crate) struct Operators {
    refused: [AtomicU64; Denied::ALL.len()],
}

impl Operators {
    /// A request was refused.
    pub(crate) fn refused(&self, denied: Denied) {
        if let Some(count) = self.refused.get(denied as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many were, for each reason.
    pub(super) fn count_refused(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = Denied::ALL.into_iter().zip(&self.refused);
        counts.map(|(denied, count)| (denied.label(), count.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_their_places() {
        for (place, denied) in Denied::ALL.into_iter().enumerate() {
            assert_eq!(denied as usize, place, "{denied:?}");
        }
    }
}
