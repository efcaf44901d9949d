//! The messages that one room keeps: of each event name the last few, all under caps.
//!
//! Knows nothing about members, subscriptions or drivers, and nothing about the room's
//! configuration but what it is told with each message. What it lets go it returns, and remembers
//! up to where something is missing. Costs are given with each method; `n` is the number of
//! messages held, `k` the number of event names that hold some.

use alloc::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    vec,
    vec::Vec,
};
use core::{cmp::Reverse, mem, ops::Bound};

use crate::{
    ids::{ClientId, EventName, UserId},
    message::StoredMessage,
};

/// The history of one room.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    // By offset.
    held: BTreeMap<u64, Held>,
    // Invariant: no ring is empty, and together they have every offset that is held, once.
    rings: BTreeMap<EventName, Ring>,
    // Invariant: the size of all that is held.
    bytes: u64,
    lost: Lost,
}

/// One message, and who was not to receive it.
#[derive(Debug, Clone)]
struct Held {
    message: Arc<StoredMessage>,
    excluded: Excluded,
}

/// The messages of one event name.
#[derive(Debug, Clone)]
struct Ring {
    defined: Defined,
    // Invariant: ascending.
    offsets: VecDeque<u64>,
}

/// Up to where messages are missing: the highest offset that is not held, 0 if none is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Of each event name that is defined exactly and has lost something.
    pub(crate) singly: BTreeMap<EventName, u64>,
    /// Of all other names together.
    pub(crate) others: u64,
}

/// Who did not receive a message though subscribed to its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Excluded {
    pub(crate) client: Option<ClientId>,
    pub(crate) user: Option<UserId>,
}

/// How a room's configuration has an event name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defined {
    /// By that name: what is lost of it is remembered singly.
    Exactly,
    /// By `*` or not at all: what is lost of it is remembered together with the like.
    Otherwise,
}

/// What is kept of an event name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keeping {
    /// How many messages; without a number it has no history.
    pub(crate) last: Option<u64>,
    pub(crate) defined: Defined,
}

/// How much may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caps {
    /// Messages in this room.
    pub(crate) messages: u64,
    /// Bytes in this room.
    pub(crate) bytes: u64,
    /// Messages that there is room for beside all that the channel holds, this room's included.
    pub(crate) free_messages: u64,
    /// Bytes that there is room for beside all that the channel holds, this room's included.
    pub(crate) free_bytes: u64,
}

/// Which messages somebody gets who has had none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Latest {
    All,
    /// So many of each event name.
    PerEvent(u64),
    /// So many in all.
    Total(u64),
}

/// How many places a ring may have for each offset in it.
const ROOMY: usize = 8;

impl Excluded {
    /// Whether that client of that user is among them.
    pub(crate) fn has(&self, client: &ClientId, user: &UserId) -> bool {
        self.client.as_ref() == Some(client) || self.user.as_ref() == Some(user)
    }
}

impl Lost {
    fn note(&mut self, event: &EventName, defined: Defined, offset: u64) {
        let highest = match defined {
            Defined::Otherwise => &mut self.others,
            Defined::Exactly => {
                if !self.singly.contains_key(event) {
                    self.singly.insert(event.clone(), 0);
                }
                self.singly.get_mut(event).expect("every name has its place")
            }
        };
        *highest = offset.max(*highest);
    }
}

impl History {
    /// Keeps a message, whose offset must be higher than those before, and returns what has to go:
    /// older ones, or the message itself. [`by_event`] puts them in order. Without history nothing
    /// goes, and the message is remembered as lost.
    ///
    /// Costs O(log n + log k) for the message and for each that goes.
    #[must_use]
    pub(crate) fn store(
        &mut self,
        message: StoredMessage,
        excluded: Excluded,
        keeping: Keeping,
        caps: Caps,
    ) -> Vec<Arc<StoredMessage>> {
        let Keeping { last, defined } = keeping;
        let Some(last) = last else {
            self.lose(&message.event, defined, message.offset);
            return Vec::new();
        };
        let size = message.size() as u64;
        let (all_messages, all_bytes) = (
            caps.messages.min(caps.free_messages.saturating_add(self.len())),
            caps.bytes.min(caps.free_bytes.saturating_add(self.bytes)),
        );
        if last == 0 || all_messages == 0 || all_bytes < size {
            self.lose(&message.event, defined, message.offset);
            return vec![Arc::new(message)];
        }

        let mut evicted = Vec::new();
        while self.held(&message.event) >= last
            && let Some(oldest) = self.oldest_offset(&message.event)
        {
            evicted.push(self.evict(oldest));
        }
        // What is held and what is free are the same together, whatever goes.
        while (self.len() >= all_messages || self.bytes > all_bytes - size)
            && let Some((oldest, _)) = self.held.first_key_value()
        {
            evicted.push(self.evict(*oldest));
        }
        self.hold(Arc::new(message), excluded, defined);
        evicted
    }

    /// Remembers that the message with this offset is not held. O(log k), or O(1) if its name is
    /// not defined exactly.
    pub(crate) fn lose(&mut self, event: &EventName, defined: Defined, offset: u64) {
        self.lost.note(event, defined, offset);
    }

    /// How many messages are held.
    pub(crate) fn len(&self) -> u64 {
        self.held.len() as u64
    }

    /// The size of all that is held.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many event names hold messages.
    pub(crate) fn ring_count(&self) -> u64 {
        self.rings.len() as u64
    }

    /// Whether an event name holds messages. O(log k).
    pub(crate) fn has_ring(&self, event: &EventName) -> bool {
        self.rings.contains_key(event)
    }

    /// How many messages an event name holds. O(log k).
    pub(crate) fn held(&self, event: &EventName) -> u64 {
        self.rings.get(event).map_or(0, |ring| ring.offsets.len() as u64)
    }

    /// The offset of the oldest message that an event name holds. O(log k).
    pub(crate) fn oldest_offset(&self, event: &EventName) -> Option<u64> {
        self.rings.get(event)?.offsets.front().copied()
    }

    /// The messages of one event name, or of all, from index `start` to before `end`, the newest
    /// first; index 0 is the newest. For one name O(log n) for each message of the page; for all,
    /// linear in `end`, or in n if that is less.
    pub(crate) fn page(
        &self,
        event: Option<&EventName>,
        start: u64,
        end: u64,
    ) -> Vec<Arc<StoredMessage>> {
        let index = |index: u64| usize::try_from(index).unwrap_or(usize::MAX);
        let (start, count) = (index(start), index(end.saturating_sub(start)));
        let Some(event) = event else {
            let newest_first = self.held.values().rev();
            return newest_first.skip(start).take(count).map(Held::share).collect();
        };

        let Some(Ring { offsets, .. }) = self.rings.get(event) else { return Vec::new() };
        let to = offsets.len().saturating_sub(start);
        let from = to.saturating_sub(count);
        offsets.range(from..to).rev().map(|offset| self.share(*offset)).collect()
    }

    /// What is held after `offset`, in the order of offsets, each with those who were not to
    /// receive it. O(log n), and O(1) for each message.
    pub(crate) fn since(
        &self,
        offset: u64,
    ) -> impl Iterator<Item = (&Arc<StoredMessage>, &Excluded)> {
        let after = (Bound::Excluded(offset), Bound::Unbounded);
        self.held.range(after).map(|(_, held)| (&held.message, &held.excluded))
    }

    /// Up to where messages of an event name are missing; those of names that are not defined
    /// exactly are told together. 0 if none is missing. O(log k), or O(1) for the latter.
    pub(crate) fn highest_lost(&self, event: &EventName, defined: Defined) -> u64 {
        match defined {
            Defined::Exactly => self.lost.singly.get(event).copied().unwrap_or(0),
            Defined::Otherwise => self.lost.others,
        }
    }

    /// Up to where messages of any name are missing. Linear in the names that are defined exactly.
    pub(crate) fn highest_lost_of_all(&self) -> u64 {
        self.lost.singly.values().copied().fold(self.lost.others, u64::max)
    }

    /// What somebody gets who has had none, by offset, the newest first. O(1) for each message,
    /// O(k + m log m) for m messages a name.
    pub(crate) fn latest(&self, latest: Latest) -> Vec<Arc<StoredMessage>> {
        match latest {
            Latest::All => self.page(None, 0, u64::MAX),
            Latest::Total(count) => self.page(None, 0, count),
            Latest::PerEvent(count) => {
                let names = self.rings.keys();
                let mut messages: Vec<_> =
                    names.flat_map(|event| self.page(Some(event), 0, count)).collect();
                messages.sort_unstable_by_key(|message| Reverse(message.offset));
                messages
            }
        }
    }

    /// Lets everything go, as it leaves with its room: see [`by_event`]. O(n log k).
    #[must_use]
    pub(crate) fn take_all(&mut self) -> Vec<(EventName, Vec<Arc<StoredMessage>>)> {
        for (event, ring) in mem::take(&mut self.rings) {
            let newest = ring.offsets.back().expect("a ring is not empty");
            self.lost.note(&event, ring.defined, *newest);
        }
        self.bytes = 0;
        by_event(mem::take(&mut self.held).into_values().map(|held| held.message).collect())
    }

    /// Up to where messages are missing, to be kept beside what [`History::since`] 0 shows.
    pub(crate) const fn lost(&self) -> &Lost {
        &self.lost
    }

    /// The history that holds these messages and has lost that; none if offsets don't grow from 1,
    /// which those of a history do.
    pub(crate) fn restored(
        held: impl IntoIterator<Item = (StoredMessage, Excluded, Defined)>,
        lost: Lost,
    ) -> Option<Self> {
        let mut history = Self { lost, ..Self::default() };
        let mut newest = 0;
        for (message, excluded, defined) in held {
            if message.offset <= newest {
                return None;
            }
            newest = message.offset;
            history.hold(Arc::new(message), excluded, defined);
        }
        Some(history)
    }

    fn hold(&mut self, message: Arc<StoredMessage>, excluded: Excluded, defined: Defined) {
        let offset = message.offset;
        self.bytes += message.size() as u64;
        if let Some(ring) = self.rings.get_mut(&message.event) {
            ring.offsets.push_back(offset);
        } else {
            let ring = Ring { defined, offsets: VecDeque::from([offset]) };
            self.rings.insert(message.event.clone(), ring);
        }
        self.held.insert(offset, Held { message, excluded });
    }

    /// Lets the oldest message of its name go.
    fn evict(&mut self, offset: u64) -> Arc<StoredMessage> {
        let Held { message, .. } = self.held.remove(&offset).expect("what goes was held");
        self.bytes -= message.size() as u64;
        let event = &message.event;
        let ring = self.rings.get_mut(event).expect("a ring has what is held");
        let oldest = ring.offsets.pop_front();
        debug_assert_eq!(oldest, Some(offset), "the oldest of a name goes first");
        self.lost.note(event, ring.defined, offset);
        if ring.offsets.is_empty() {
            self.rings.remove(event);
        } else if ring.offsets.capacity() > ROOMY * ring.offsets.len() {
            // Or each name in turn could keep a place for all messages that the room may have.
            ring.offsets.shrink_to(ROOMY / 2 * ring.offsets.len());
        }
        message
    }

    fn share(&self, offset: u64) -> Arc<StoredMessage> {
        self.held.get(&offset).expect("what a ring has is held").share()
    }

    /// Panics if an invariant does not hold. Costs n log n.
    pub(crate) fn check_invariants(&self) {
        let mut in_rings = Vec::new();
        for (event, ring) in &self.rings {
            assert!(!ring.offsets.is_empty(), "a ring is not empty");
            assert!(ring.offsets.iter().is_sorted(), "the oldest of a ring is first");
            let places = ring.offsets.capacity();
            assert!(places <= ROOMY * ring.offsets.len(), "a ring has few places to spare");
            for offset in &ring.offsets {
                assert_eq!(self.share(*offset).event, *event, "a ring is of one name");
                in_rings.push(*offset);
            }
        }
        in_rings.sort_unstable();
        assert!(in_rings.iter().eq(self.held.keys()), "what is held is in one ring");
        for (offset, held) in &self.held {
            assert_eq!(held.message.offset, *offset, "a message is found by its offset");
        }
        let bytes: u64 = self.held.values().map(|held| held.message.size() as u64).sum();
        assert_eq!(bytes, self.bytes, "bytes are counted");
    }
}

impl Held {
    fn share(&self) -> Arc<StoredMessage> {
        Arc::clone(&self.message)
    }
}

/// Messages by event name, the oldest first; names in the order of the oldest message of each.
/// Costs n log n.
pub(crate) fn by_event(
    mut messages: Vec<Arc<StoredMessage>>,
) -> Vec<(EventName, Vec<Arc<StoredMessage>>)> {
    messages.sort_by_key(|message| message.offset);
    let mut groups: Vec<(EventName, Vec<_>)> = Vec::new();
    let mut places = BTreeMap::new();
    for message in messages {
        let place = *places.entry(message.event.clone()).or_insert(groups.len());
        if let Some((_, group)) = groups.get_mut(place) {
            group.push(message);
        } else {
            groups.push((message.event.clone(), vec![message]));
        }
    }
    groups
}

#[cfg(test)]
mod tests;
