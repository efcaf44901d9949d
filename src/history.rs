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
    held: BTreeMap<u64, Arc<StoredMessage>>,
    // Invariant: no ring is empty, and together they have every offset that is held, once.
    rings: BTreeMap<EventName, Ring>,
    // Invariant: the size of all that is held.
    bytes: u64,
    // From this offset on, all that was kept of any name is held.
    whole_from: u64,
    lost: Lost,
}

/// The messages of one event name.
#[derive(Debug, Clone)]
struct Ring {
    defined: Defined,
    // Invariant: ascending.
    offsets: VecDeque<u64>,
    // Past the newest that was kept of the name and is not held, since there is a ring; or 0.
    gone_before: u64,
}

/// Up to where messages are missing: the highest offset that is not held, 0 if none is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Of each event name that is defined exactly and has lost something.
    pub(crate) singly: BTreeMap<EventName, u64>,
    /// Of all other names together.
    pub(crate) others: u64,
}

/// Who reads: what excludes either is not shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) client: &'a ClientId,
    pub(crate) user: &'a UserId,
}

/// A page that is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) reader: Reader<'a>,
    /// Of one event name, or of all.
    pub(crate) event: Option<&'a EventName>,
    /// Older than this offset.
    pub(crate) before: u64,
    /// From which index, counted back from there, to before which.
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// How many bytes of messages, if there is more than one.
    pub(crate) max_bytes: u64,
}

/// What memory has of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// Newest first.
    pub(crate) messages: Vec<Arc<StoredMessage>>,
    /// Whether there are more, and bytes have kept them out.
    pub(crate) shortened: bool,
    /// Where the page goes on, unless it has all that was asked for.
    pub(crate) more: Option<More>,
}

/// Where a page goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct More {
    /// Older than this offset.
    pub(crate) before: u64,
    /// How many messages older than that are wanted, of which how many are passed over; none if
    /// bytes have kept them out.
    pub(crate) wanted: u64,
    pub(crate) skip: u64,
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

impl Reader<'_> {
    /// Whether a message may be shown.
    pub(crate) fn may_see(&self, message: &StoredMessage) -> bool {
        message.is_for(self.client, self.user)
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
            self.whole_from = message.offset + 1;
            if let Some(ring) = self.rings.get_mut(&message.event) {
                ring.gone_before = message.offset + 1;
            }
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
        self.hold(Arc::new(message), defined);
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

    /// A page for one reader, the newest message first. Messages that are not for the reader are
    /// not counted.
    pub(crate) fn page(&self, asked: Asked<'_>) -> Page {
        let Asked { reader, event, before, start, end, max_bytes } = asked;
        let whole_from = match event {
            None => self.whole_from,
            // What is not held at all may be elsewhere, up to the last.
            Some(event) => self.rings.get(event).map_or(before, Ring::whole_from),
        };
        let whole_from = whole_from.min(before);
        let visible = self.older(event, before).filter(|message| reader.may_see(message));
        let (mut messages, mut bytes, mut shortened) = (Vec::new(), 0_u64, false);
        // How many of those up to the end of the page memory is sure to have.
        let mut sure = 0;
        for (index, message) in (0..end).zip(visible) {
            if index >= start {
                bytes = bytes.saturating_add(message.size() as u64);
                if bytes > max_bytes && !messages.is_empty() {
                    shortened = true;
                    break;
                }
                messages.push(Arc::clone(message));
            }
            sure += u64::from(message.offset >= whole_from);
        }

        let oldest = messages.last().map_or(before, |message| message.offset);
        let more = if shortened && oldest >= whole_from {
            Some(More { before: oldest, wanted: 0, skip: 0 })
        } else {
            let wanted = if end > start { end - sure } else { 0 };
            let skip = start.saturating_sub(sure);
            (wanted > 0).then_some(More { before: whole_from, wanted, skip })
        };
        Page { messages, shortened, more }
    }

    /// What is held of one event name, or of all, before an offset, the newest first.
    fn older(
        &self,
        event: Option<&EventName>,
        before: u64,
    ) -> impl Iterator<Item = &Arc<StoredMessage>> {
        let (of_all, of_one) = match event {
            None => (Some(self.held.range(..before).rev().map(|(_, message)| message)), None),
            Some(event) => (None, self.rings.get(event)),
        };
        let of_one = of_one.into_iter().flat_map(move |ring| {
            let older = ring.offsets.partition_point(|offset| *offset < before);
            ring.offsets.range(..older).rev().map(|offset| self.get(*offset))
        });
        of_all.into_iter().flatten().chain(of_one)
    }

    /// What is held after `offset`, in the order of offsets. O(log n), and O(1) for each message.
    pub(crate) fn since(&self, offset: u64) -> impl Iterator<Item = &Arc<StoredMessage>> {
        let after = (Bound::Excluded(offset), Bound::Unbounded);
        self.held.range(after).map(|(_, message)| message)
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

    /// What a reader gets who has had none, by offset, the newest first: the newest of it that fit
    /// into `max_bytes`, at least one. Costs O(1) for each message up to there, or for m messages a
    /// name O(k + m log m).
    pub(crate) fn latest(&self, reader: Reader<'_>, latest: Latest, max_bytes: u64) -> Page {
        let (before, start) = (u64::MAX, 0);
        let asked = Asked { reader, event: None, before, start, end: u64::MAX, max_bytes };
        let page = match latest {
            Latest::All => self.page(asked),
            Latest::Total(count) => self.page(Asked { end: count, ..asked }),
            Latest::PerEvent(count) => self.latest_of_each(reader, count, max_bytes),
        };
        let more = page.messages.last().filter(|_| page.shortened);
        let more = more.map(|last| More { before: last.offset, wanted: 0, skip: 0 });
        Page { more, ..page }
    }

    fn latest_of_each(&self, reader: Reader<'_>, count: u64, max_bytes: u64) -> Page {
        let newest = |event| {
            let visible = self.older(Some(event), u64::MAX);
            let visible = visible.filter(move |message| reader.may_see(message));
            visible.take(usize::try_from(count).unwrap_or(usize::MAX))
        };
        let mut messages: Vec<_> = self.rings.keys().flat_map(newest).map(Arc::clone).collect();
        messages.sort_unstable_by_key(|message| Reverse(message.offset));
        let mut bytes = 0_u64;
        let fits = |message: &&Arc<StoredMessage>| {
            bytes = bytes.saturating_add(message.size() as u64);
            bytes <= max_bytes
        };
        let fitting = messages.iter().take_while(fits).count().max(1);
        let shortened = fitting < messages.len();
        messages.truncate(fitting);
        Page { messages, shortened, more: None }
    }

    /// Lets everything go, as it leaves with its room: see [`by_event`]. O(n log k).
    #[must_use]
    pub(crate) fn take_all(&mut self) -> Vec<(EventName, Vec<Arc<StoredMessage>>)> {
        for (event, ring) in mem::take(&mut self.rings) {
            let newest = ring.offsets.back().expect("a ring is not empty");
            self.lost.note(&event, ring.defined, *newest);
        }
        self.bytes = 0;
        by_event(mem::take(&mut self.held).into_values().collect())
    }

    /// Up to where messages are missing, to be kept beside what [`History::since`] 0 shows.
    pub(crate) const fn lost(&self) -> &Lost {
        &self.lost
    }

    /// From which offset on all that was kept is held, of any name.
    pub(crate) const fn whole_from(&self) -> u64 {
        self.whole_from
    }

    /// From which offset on, of each name that still holds an older message.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = (&EventName, u64)> {
        let gaps = self.rings.iter().filter(|(_, ring)| !ring.is_whole());
        gaps.map(|(event, ring)| (event, ring.gone_before))
    }

    /// The history that holds these messages and has lost that; none if offsets don't grow from 1,
    /// which those of a history do.
    pub(crate) fn restored(
        held: impl IntoIterator<Item = (StoredMessage, Defined)>,
        lost: Lost,
    ) -> Option<Self> {
        let mut history = Self { lost, ..Self::default() };
        let mut newest = 0;
        for (message, defined) in held {
            if message.offset <= newest {
                return None;
            }
            newest = message.offset;
            history.hold(Arc::new(message), defined);
        }
        Some(history)
    }

    /// Sets what [`History::whole_from`] and [`History::gaps`] tell.
    pub(crate) fn set_gaps(&mut self, whole_from: u64, gaps: Vec<(EventName, u64)>) {
        self.whole_from = whole_from;
        for (event, gone_before) in gaps {
            if let Some(ring) = self.rings.get_mut(&event) {
                ring.gone_before = gone_before;
            }
        }
    }

    fn hold(&mut self, message: Arc<StoredMessage>, defined: Defined) {
        let offset = message.offset;
        self.bytes += message.size() as u64;
        if let Some(ring) = self.rings.get_mut(&message.event) {
            ring.offsets.push_back(offset);
        } else {
            let ring = Ring { defined, offsets: VecDeque::from([offset]), gone_before: 0 };
            self.rings.insert(message.event.clone(), ring);
        }
        self.held.insert(offset, message);
    }

    /// Lets the oldest message of its name go.
    fn evict(&mut self, offset: u64) -> Arc<StoredMessage> {
        let message = self.held.remove(&offset).expect("what goes was held");
        self.bytes -= message.size() as u64;
        self.whole_from = self.whole_from.max(offset + 1);
        let event = &message.event;
        let ring = self.rings.get_mut(event).expect("a ring has what is held");
        let oldest = ring.offsets.pop_front();
        debug_assert_eq!(oldest, Some(offset), "the oldest of a name goes first");
        self.lost.note(event, ring.defined, offset);
        ring.gone_before = ring.gone_before.max(offset + 1);
        if ring.offsets.is_empty() {
            self.rings.remove(event);
        } else if ring.offsets.capacity() > ROOMY * ring.offsets.len() {
            // Or each name in turn could keep a place for all messages that the room may have.
            ring.offsets.shrink_to(ROOMY / 2 * ring.offsets.len());
        }
        message
    }

    fn get(&self, offset: u64) -> &Arc<StoredMessage> {
        self.held.get(&offset).expect("what a ring has is held")
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
                assert_eq!(self.get(*offset).event, *event, "a ring is of one name");
                in_rings.push(*offset);
            }
        }
        in_rings.sort_unstable();
        assert!(in_rings.iter().eq(self.held.keys()), "what is held is in one ring");
        for (offset, message) in &self.held {
            assert_eq!(message.offset, *offset, "a message is found by its offset");
        }
        let bytes: u64 = self.held.values().map(|message| message.size() as u64).sum();
        assert_eq!(bytes, self.bytes, "bytes are counted");
    }
}

impl Ring {
    /// From this offset on, all that was kept of the name is held.
    fn whole_from(&self) -> u64 {
        self.oldest().max(self.gone_before)
    }

    /// Whether nothing is missing between what is held.
    fn is_whole(&self) -> bool {
        self.gone_before <= self.oldest()
    }

    fn oldest(&self) -> u64 {
        *self.offsets.front().expect("a ring is not empty")
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
