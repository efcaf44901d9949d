//! Who waits for how many pages of one shard, so that nobody keeps all others from theirs.
//!
//! Counted is what is to be read, not what channels have open: a page of a client that has gone is
//! read all the same.

use std::{collections::BTreeMap, net::IpAddr};

/// The pages that are to be read.
#[derive(Debug)]
pub(super) struct Shares {
    by_request: BTreeMap<u64, Option<IpAddr>>,
    /// Invariant: how many of them are of each address.
    by_address: BTreeMap<IpAddr, u64>,
    max: u64,
}

/// Whether somebody may have one page more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// There is one left for it.
    Left,
    /// It has had its share for now.
    Taken,
}

impl Shares {
    pub(super) const fn new(max: u64) -> Self {
        Self { by_request: BTreeMap::new(), by_address: BTreeMap::new(), max }
    }

    /// An address has as many as are left when it has them: one alone half of all, the next half of
    /// what that leaves, and so there is always one for whoever has none. An address that is not
    /// known does not count for itself.
    pub(super) fn of(&self, address: Option<IpAddr>) -> Share {
        let left = self.max.saturating_sub(self.by_request.len() as u64);
        let own = address.and_then(|address| self.by_address.get(&address));
        // Where none may be read, channels say so of those that would have to be.
        if self.max == 0 || own.copied().unwrap_or(0) < left { Share::Left } else { Share::Taken }
    }

    /// A page is to be read for an address.
    pub(super) fn ask(&mut self, request: u64, address: Option<IpAddr>) {
        self.answer(request);
        self.by_request.insert(request, address);
        if let Some(address) = address {
            *self.by_address.entry(address).or_default() += 1;
        }
    }

    /// It was read, or can't be.
    pub(super) fn answer(&mut self, request: u64) {
        let Some(Some(address)) = self.by_request.remove(&request) else { return };
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pages an address can have read at once beside those that there are.
    fn fill(shares: &mut Shares, address: Option<IpAddr>) -> usize {
        let mut requests = 0;
        while shares.of(address) == Share::Left {
            requests += 1;
            let request = shares.by_request.last_key_value().map_or(1, |(last, _)| last + 1);
            shares.ask(request, address);
        }
        requests
    }

    #[test]
    fn nobody_has_more_than_is_left_for_others() {
        let address = |last| Some(IpAddr::from([10, 0, 0, last]));
        let mut shares = Shares::new(100);
        assert_eq!(fill(&mut shares, address(1)), 50);
        assert_eq!(fill(&mut shares, address(2)), 25);
        assert_eq!(shares.of(address(1)), Share::Taken);
        // What is answered is free again, for whoever asks.
        for request in 1..=50 {
            shares.answer(request);
            shares.answer(request);
        }
        assert_eq!(fill(&mut shares, address(3)), 38);
        assert_eq!(fill(&mut shares, address(2)), 6);
        assert_eq!(fill(&mut shares, None), 100 - 25 - 38 - 6, "all that is left");
        assert_eq!(shares.of(address(4)), Share::Taken, "more than that there are not");

        for request in 1..=200 {
            shares.answer(request);
        }
        assert!(shares.by_request.is_empty() && shares.by_address.is_empty());
    }

    #[test]
    fn there_is_one_for_who_has_none_however_few_there_may_be() {
        let mut shares = Shares::new(1);
        assert_eq!(fill(&mut shares, Some([10, 0, 0, 1].into())), 1);
        let shares = Shares::new(0);
        assert_eq!(shares.of(None), Share::Left, "it is for the channel to say that there is none");
    }
}
