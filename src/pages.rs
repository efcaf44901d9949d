//! Pages of history that wait for the driver, which has what memory no longer holds.
//!
//! Knows nothing about rooms, and doesn't decide whether a page may still be shown. Request numbers
//! count from 1 and are never used again. Costs: O(log n), for each page of a client that goes too.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};

use crate::{
    ids::{ClientHandle, EventName, Ref, Topic},
    message::StoredMessage,
};

/// The pages that are open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pages {
    by_request: BTreeMap<u64, Page>,
    // Invariant: the same requests, by client.
    by_client: BTreeSet<(ClientHandle, u64)>,
    // Invariant: not lower than the number of any request.
    last_request: u64,
}

/// What was asked for, and what memory held of it then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) client: ClientHandle,
    pub(crate) topic: Topic,
    /// Of the room that was meant.
    pub(crate) epoch: u64,
    pub(crate) event: EventName,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) reference: Option<Ref>,
    /// The newest first.
    pub(crate) memory: Vec<Arc<StoredMessage>>,
    /// How many messages the driver was asked for.
    pub(crate) asked: u64,
}

impl Pages {
    /// How many pages are open.
    pub(crate) fn len(&self) -> usize {
        self.by_request.len()
    }

    /// Keeps a page until it is closed, and returns the number of its request.
    pub(crate) fn open(&mut self, page: Page) -> u64 {
        self.last_request += 1;
        self.reopen(self.last_request, page);
        self.last_request
    }

    /// Takes out the page of a request; none if there is no such request or it was closed.
    #[must_use]
    pub(crate) fn close(&mut self, request: u64) -> Option<Page> {
        let page = self.by_request.remove(&request)?;
        self.by_client.remove(&(page.client, request));
        Some(page)
    }

    /// Closes the pages of a client.
    pub(crate) fn forget_client(&mut self, client: ClientHandle) {
        if self.by_client.is_empty() {
            return;
        }
        let of_client = (client, 0)..=(client, u64::MAX);
        while let Some((_, request)) = self.by_client.range(of_client.clone()).next().copied() {
            self.by_client.remove(&(client, request));
            self.by_request.remove(&request);
        }
    }

    /// The pages by request.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Page)> {
        self.by_request.iter().map(|(request, page)| (*request, page))
    }

    /// The number of the last request so far, to be kept beside the pages.
    pub(crate) const fn last_request(&self) -> u64 {
        self.last_request
    }

    /// No pages, after so many requests: fewer than 2^64, as there is always another one.
    pub(crate) fn after(last_request: u64) -> Self {
        Self { last_request, ..Self::default() }
    }

    /// Puts back a page that [`Pages::iter`] has shown, under the number of its request.
    pub(crate) fn reopen(&mut self, request: u64, page: Page) {
        self.last_request = self.last_request.max(request);
        self.by_client.insert((page.client, request));
        self.by_request.insert(request, page);
    }

    /// Panics if an invariant does not hold. Costs n log n in the pages.
    pub(crate) fn check_invariants(&self) {
        assert_eq!(self.by_request.len(), self.by_client.len(), "each page has its client");
        for (request, page) in &self.by_request {
            assert!(self.by_client.contains(&(page.client, *request)), "a client has its pages");
            assert!((1..=self.last_request).contains(request), "requests are numbered");
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn page(client: u32, epoch: u64) -> Page {
        Page {
            client: ClientHandle::new(client),
            topic: "t".into(),
            epoch,
            event: "e".into(),
            start: 0,
            end: 9,
            reference: None,
            memory: vec![],
            asked: 9,
        }
    }

    #[test]
    fn pages_wait_for_their_answer_or_the_end_of_their_client() {
        let (mut pages, mut dumb) = (Pages::default(), Vec::<(u64, Page)>::new());
        let (mut state, mut requests) = (13_u32, 0);
        for step in 0..5_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let number = state >> 20;
            match (state >> 16) % 16 {
                0 => {
                    let client = ClientHandle::new(number % 5);
                    pages.forget_client(client);
                    dumb.retain(|(_, page)| page.client != client);
                }
                1 => {
                    let mut again = Pages::after(pages.last_request());
                    for (request, page) in pages.iter() {
                        again.reopen(request, page.clone());
                    }
                    pages = again;
                }
                2..=8 => {
                    // An open one, one that was closed, or one that never was.
                    let request = requests + 3 - u64::from(number % 20).min(requests + 3);
                    let at = dumb.iter().position(|(open, _)| *open == request);
                    assert_eq!(pages.close(request), at.map(|at| dumb.remove(at).1));
                }
                _ => {
                    requests += 1;
                    dumb.push((requests, page(number % 5, step)));
                    assert_eq!(pages.open(page(number % 5, step)), requests);
                }
            }

            pages.check_invariants();
            assert_eq!(pages.len(), dumb.len());
            assert!(pages.iter().eq(dumb.iter().map(|(request, page)| (*request, page))));
        }
    }
}
