//! The messages of one event name: their offsets, and those that exclude somebody by whom.
//!
//! Knows nothing about what the messages say. Costs: O(1) for a message that excludes nobody, else
//! O(log n) in those who are excluded.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, VecDeque},
};

use crate::{
    ids::{ClientId, UserId},
    lost::Reader,
    message::StoredMessage,
};

/// The messages of one event name.
#[derive(Debug, Clone)]
pub(super) struct Ring {
    offsets: Offsets,
    // Past the newest that was kept of the name and is not held, since there is a ring; or 0.
    pub(super) gone_before: u64,
    // What of it excludes somebody, if anything does.
    excluding: Option<Box<Excluding>>,
}

/// Offsets, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Offsets(VecDeque<u64>);

/// The offsets of what is not for somebody. Invariant: no list is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Excluding {
    clients: BTreeMap<ClientId, Offsets>,
    users: BTreeMap<UserId, Offsets>,
    // What is in both.
    both: BTreeMap<(ClientId, UserId), Offsets>,
}

/// What one reader sees of a ring.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    all: &'a Offsets,
    not_for_client: Option<&'a Offsets>,
    not_for_user: Option<&'a Offsets>,
    not_for_both: Option<&'a Offsets>,
}

/// How many places a list may have for each offset in it.
const ROOMY: usize = 8;

impl Ring {
    /// The ring of a message.
    pub(super) fn new(message: &StoredMessage) -> Self {
        let mut ring = Self { offsets: Offsets::default(), gone_before: 0, excluding: None };
        ring.push(message);
        ring
    }

    /// Adds a message that is newer than all others.
    pub(super) fn push(&mut self, message: &StoredMessage) {
        self.offsets.push(message.offset);
        if message.except_client.is_some() || message.except_user.is_some() {
            self.excluding.get_or_insert_default().push(message);
        }
    }

    /// Takes the oldest message out.
    pub(super) fn pop(&mut self, message: &StoredMessage) {
        self.offsets.pop(message.offset);
        self.gone_before = self.gone_before.max(message.offset + 1);
        if let Some(excluding) = &mut self.excluding {
            excluding.pop(message);
            if excluding.is_empty() {
                self.excluding = None;
            }
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.offsets.0.len() as u64
    }

    /// The offset of the oldest message. There is one but for the moment when the last goes.
    pub(super) fn oldest(&self) -> u64 {
        self.offsets.0.front().copied().unwrap_or(u64::MAX)
    }

    /// From this offset on, all that was kept of the name is held.
    pub(super) fn whole_from(&self) -> u64 {
        self.oldest().max(self.gone_before)
    }

    /// Whether nothing is missing between what is held.
    pub(super) fn is_whole(&self) -> bool {
        self.gone_before <= self.oldest()
    }

    /// The offsets before one, the newest first.
    pub(super) fn older(&self, before: u64) -> impl DoubleEndedIterator<Item = u64> + Clone {
        let older = self.offsets.older(before);
        self.offsets.0.range(..older).rev().copied()
    }

    pub(super) fn seen(&self, reader: Reader<'_>) -> Seen<'_> {
        let Some(excluding) = &self.excluding else {
            let (not_for_client, not_for_user, not_for_both) = (None, None, None);
            return Seen { all: &self.offsets, not_for_client, not_for_user, not_for_both };
        };
        let not_for_client = excluding.clients.get(reader.client);
        let not_for_user = excluding.users.get(reader.user);
        let not_for_both = not_for_client
            .and(not_for_user)
            .and_then(|_| excluding.both.get(&(reader.client.clone(), reader.user.clone())));
        Seen { all: &self.offsets, not_for_client, not_for_user, not_for_both }
    }

    /// Panics if an invariant does not hold of a ring of these messages, the newest first.
    pub(super) fn check_invariants<'a>(
        &self,
        messages: impl DoubleEndedIterator<Item = &'a alloc::sync::Arc<StoredMessage>>,
    ) {
        assert!(!self.offsets.0.is_empty(), "a ring is not empty");
        let mut again = Excluding::default();
        for message in messages.rev() {
            again.push(message);
        }
        let excluding = self.excluding.as_deref().cloned().unwrap_or_default();
        assert_eq!(excluding, again, "it is known what excludes whom");
        assert!(self.excluding.as_ref().is_none_or(|excluding| !excluding.is_empty()));
        let Excluding { clients, users, both } = &excluding;
        let lists = clients.values().chain(users.values()).chain(both.values());
        for list in lists.chain([&self.offsets]) {
            assert!(list.0.iter().is_sorted_by(|older, newer| older < newer), "oldest first");
            assert!(list.0.capacity() <= ROOMY * list.0.len(), "there are few places to spare");
        }
    }
}

impl Seen<'_> {
    /// How many messages there are from one offset to before another.
    pub(super) fn count(&self, from: u64, before: u64) -> u64 {
        let Self { all, not_for_client, not_for_user, not_for_both } = self;
        let count = |offsets: &Offsets| offsets.older(before).saturating_sub(offsets.older(from));
        let of = |offsets: Option<&Offsets>| offsets.map_or(0, count);
        (count(all) + of(*not_for_both) - of(*not_for_client) - of(*not_for_user)) as u64
    }
}

impl Offsets {
    fn push(&mut self, offset: u64) {
        self.0.push_back(offset);
    }

    fn pop(&mut self, offset: u64) {
        let oldest = self.0.pop_front();
        debug_assert_eq!(oldest, Some(offset), "the oldest of a name goes first");
        if !self.0.is_empty() && self.0.capacity() > ROOMY * self.0.len() {
            // Or each name in turn could keep a place for all messages that the room may have.
            self.0.shrink_to(ROOMY / 2 * self.0.len());
        }
    }

    /// How many there are before that offset.
    fn older(&self, before: u64) -> usize {
        self.0.partition_point(|offset| *offset < before)
    }
}

impl Excluding {
    fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.users.is_empty()
    }

    fn push(&mut self, message: &StoredMessage) {
        let StoredMessage { except_client, except_user, offset, .. } = message;
        if let Some(client) = except_client {
            self.clients.entry(client.clone()).or_default().push(*offset);
        }
        if let Some(user) = except_user {
            self.users.entry(user.clone()).or_default().push(*offset);
        }
        if let (Some(client), Some(user)) = (except_client, except_user) {
            self.both.entry((client.clone(), user.clone())).or_default().push(*offset);
        }
    }

    fn pop(&mut self, message: &StoredMessage) {
        let StoredMessage { except_client, except_user, offset, .. } = message;
        if let Some(client) = except_client {
            pop_from(&mut self.clients, client, *offset);
        }
        if let Some(user) = except_user {
            pop_from(&mut self.users, user, *offset);
        }
        if let (Some(client), Some(user)) = (except_client, except_user) {
            pop_from(&mut self.both, &(client.clone(), user.clone()), *offset);
        }
    }
}

fn pop_from<K: Ord>(lists: &mut BTreeMap<K, Offsets>, key: &K, offset: u64) {
    if let Some(list) = lists.get_mut(key) {
        list.pop(offset);
        if list.0.is_empty() {
            lists.remove(key);
        }
    }
}
