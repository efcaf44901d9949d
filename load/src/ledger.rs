//! Who has heard what: each delivery is checked against what was said before it.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Result, bail};
use tokio::sync::Notify;

use crate::dialect::Said;

/// What all clients of a run have heard, and what is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Board {
    delivered: AtomicU64,
    faults: AtomicU64,
    first_fault: Mutex<Option<String>>,
    /// Who waits for deliveries waits for so many.
    wanted: AtomicU64,
    reached: Notify,
}

impl Board {
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    pub(crate) fn count_delivery(&self) {
        let delivered = self.delivered.fetch_add(1, Ordering::Relaxed) + 1;
        if delivered == self.wanted.load(Ordering::Relaxed) {
            self.reached.notify_one();
        }
    }

    /// Waits until there are so many, or something is wrong. For one who waits at a time.
    pub(crate) async fn until(&self, wanted: u64) {
        self.wanted.store(wanted, Ordering::Relaxed);
        while self.delivered() < wanted && self.faults() == 0 {
            self.reached.notified().await;
        }
    }

    pub(crate) fn fault(&self, what: impl FnOnce() -> String) {
        if self.faults.fetch_add(1, Ordering::Relaxed) == 0 {
            *self.first_fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(what());
            // Who waits for more waits in vain.
            self.reached.notify_one();
        }
    }

    pub(crate) fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// Refuses a run in which anything went wrong.
    pub(crate) fn check(&self) -> Result<()> {
        let first = self.first_fault.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match first {
            Some(first) => bail!("{} deliveries went wrong; the first: {first}", self.faults()),
            None => Ok(()),
        }
    }
}

/// What one membership has heard, by who said it: the number that comes next.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    next: BTreeMap<u32, u32>,
    /// When it was told that it has joined.
    joined_ns: u64,
}

impl Ledger {
    pub(crate) const fn new(joined_ns: u64) -> Self {
        Self { next: BTreeMap::new(), joined_ns }
    }

    /// Takes what was heard, if it is what had to come: neither missing nor doubled nor in another
    /// order. Of what began before it joined, any may be the first.
    pub(crate) fn enter(&mut self, said: &Said) -> Result<(), String> {
        let Said { by, number, began_ns, due_ns: _ } = *said;
        let expected = match self.next.get(&by) {
            Some(next) => *next,
            None if began_ns > self.joined_ns => 0,
            None => number,
        };
        self.next.insert(by, number + 1);
        if number == expected {
            Ok(())
        } else {
            Err(format!("message {number} of sender {by}, expected {expected}"))
        }
    }

    /// How many it has heard of one who says, from the start.
    pub(crate) fn heard_of(&self, by: u32) -> u32 {
        self.next.get(&by).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(by: u32, number: u32, began_ns: u64) -> Said {
        Said { by, number, began_ns, due_ns: began_ns }
    }

    #[test]
    fn what_is_missing_doubled_or_late_is_told() {
        let mut ledger = Ledger::new(10);
        assert_eq!(ledger.enter(&said(1, 0, 20)), Ok(()));
        assert_eq!(ledger.enter(&said(1, 1, 20)), Ok(()));
        ledger.enter(&said(1, 3, 20)).unwrap_err();
        ledger.enter(&said(1, 3, 20)).unwrap_err();
        ledger.enter(&said(1, 2, 20)).unwrap_err();
        ledger.enter(&said(2, 1, 20)).unwrap_err();
        assert_eq!(ledger.enter(&said(3, 7, 5)), Ok(()), "it began before");
        ledger.enter(&said(3, 9, 5)).unwrap_err();
        assert_eq!(ledger.heard_of(3), 10);
    }

    #[tokio::test]
    async fn a_run_with_a_fault_is_refused() {
        let board = Board::default();
        board.check().unwrap();
        board.count_delivery();
        board.until(1).await;
        board.fault(|| "one".to_owned());
        board.fault(|| "two".to_owned());
        let error = board.check().unwrap_err().to_string();
        assert_eq!(error, "2 deliveries went wrong; the first: one");
    }
}
