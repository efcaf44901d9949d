//! The messages that one room keeps: of each event name the last few, all under caps.
//!
//! Knows nothing about members, subscriptions or drivers, and nothing about the room's
//! configuration but what it is told with each message. What it lets go it returns, and notes as
//! [`Lost`]. Costs are given with each method; `n` is the number of messages held, `k` the number of
//! event names that hold some.

mod ring;

use alloc::{collections::BTreeMap, sync::Arc, vec, vec::Vec};
use core::{cmp::Reverse, mem, ops::Bound};

use self::ring::{Ring, Seen};
use crate::{
    ids::EventName,
    lost::{Loss, Lost, Naming, Reader},
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

impl History {
    /// A history of a room in which nothing up to that offset is held.
    pub(crate) fn of_nothing_up_to(offset: u64) -> Self {
        Self { lost: Lost::all_up_to(offset), ..Self::default() }
    }

    /// Keeps a message, whose offset must be higher than those before, as one of the `last` of its
    /// name. Returns what has to go: older ones, or the message itself. [`by_event`] puts them in
    /// order.
    ///
    /// Costs O(log n + log k) for the message and for each that goes.
    #[must_use]
    pub(crate) fn store(
        &mut self,
        message: StoredMessage,
        last: u64,
        naming: Naming<'_>,
        caps: Caps,
    ) -> Vec<Arc<StoredMessage>> {
        let size = message.size() as u64;
        let (all_messages, all_bytes) = (
            caps.messages.min(caps.free_messages.saturating_add(self.len())),
            caps.bytes.min(caps.free_bytes.saturating_add(self.bytes)),
        );
        if last == 0 || all_messages == 0 || all_bytes < size {
            self.lose((&message).into(), naming);
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
            evicted.push(self.evict(oldest, naming));
        }
        // What is held and what is free are the same together, whatever goes.
        while (self.len() >= all_messages || self.bytes > all_bytes - size)
            && let Some((oldest, _)) = self.held.first_key_value()
        {
            evicted.push(self.evict(*oldest, naming));
        }
        self.hold(Arc::new(message));
        evicted
    }

    /// Notes that a message is not held. Costs what [`Lost::note`] costs.
    pub(crate) fn lose(&mut self, loss: Loss<'_>, naming: Naming<'_>) {
        self.lost.note(loss, naming);
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
        self.rings.get(event).map_or(0, Ring::len)
    }

    /// The offset of the oldest message that an event name holds. O(log k).
    pub(crate) fn oldest_offset(&self, event: &EventName) -> Option<u64> {
        Some(self.rings.get(event)?.oldest())
    }

    /// A page for one reader, the newest message first. Messages that are not for the reader are
    /// not counted.
    ///
    /// Costs O(log n) for each message of the page and for each between them that is not for the
    /// reader. A page by index costs O(log² n) before that, and one of any name k times as much.
    pub(crate) fn page(&self, asked: Asked<'_>) -> Page {
        let Asked { reader, event, before, start, end, max_bytes } = asked;
        let whole_from = match event {
            None => self.whole_from,
            // What is not held at all may be elsewhere, up to the last.
            Some(event) => self.rings.get(event).map_or(before, Ring::whole_from),
        };
        let whole_from = whole_from.min(before);
        let mut from = before;
        // How many of those up to the end of the page memory is sure to have.
        let mut sure = 0;
        if start > 0 {
            let seen = self.seen(event, reader);
            from = start_of(&seen, before, start);
            sure = count(&seen, from.max(whole_from), before);
        }
        let visible = self.older(event, from).filter(|message| reader.may_see(message));
        let (mut messages, mut bytes, mut shortened) = (Vec::new(), 0_u64, false);
        for (_, message) in (start..end).zip(visible) {
            bytes = bytes.saturating_add(message.size() as u64);
            if bytes > max_bytes && !messages.is_empty() {
                shortened = true;
                break;
            }
            messages.push(Arc::clone(message));
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

    /// What a reader sees of one event name, or of each. O(k log n).
    fn seen<'a>(&'a self, event: Option<&EventName>, reader: Reader<'_>) -> Vec<Seen<'a>> {
        let seen = |ring: &'a Ring| ring.seen(reader);
        match event {
            Some(event) => self.rings.get(event).map(seen).into_iter().collect(),
            None => self.rings.values().map(seen).collect(),
        }
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
        let of_one = of_one
            .into_iter()
            .flat_map(move |ring| ring.older(before).map(|offset| self.get(offset)));
        of_all.into_iter().flatten().chain(of_one)
    }

    /// What is held after `offset`, in the order of offsets. O(log n), and O(1) for each message.
    pub(crate) fn since(&self, offset: u64) -> impl Iterator<Item = &Arc<StoredMessage>> {
        let after = (Bound::Excluded(offset), Bound::Unbounded);
        self.held.range(after).map(|(_, message)| message)
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
        self.rings.clear();
        self.bytes = 0;
        by_event(mem::take(&mut self.held).into_values().collect())
    }

    /// What is missing, to be kept beside what [`History::since`] 0 shows.
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
        held: impl IntoIterator<Item = StoredMessage>,
        lost: Lost,
    ) -> Option<Self> {
        let mut history = Self { lost, ..Self::default() };
        let mut newest = 0;
        for message in held {
            if message.offset <= newest {
                return None;
            }
            newest = message.offset;
            history.hold(Arc::new(message));
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

    fn hold(&mut self, message: Arc<StoredMessage>) {
        self.bytes += message.size() as u64;
        if let Some(ring) = self.rings.get_mut(&message.event) {
            ring.push(&message);
        } else {
            self.rings.insert(message.event.clone(), Ring::new(&message));
        }
        self.held.insert(message.offset, message);
    }

    /// Lets the oldest message of its name go.
    fn evict(&mut self, offset: u64, naming: Naming<'_>) -> Arc<StoredMessage> {
        let message = self.held.remove(&offset).expect("what goes was held");
        self.bytes -= message.size() as u64;
        self.whole_from = self.whole_from.max(offset + 1);
        if let Some(ring) = self.rings.get_mut(&message.event) {
            ring.pop(&message);
            if ring.len() == 0 {
                self.rings.remove(&message.event);
            }
        }
        self.lost.note((&*message).into(), naming);
        message
    }

    fn get(&self, offset: u64) -> &Arc<StoredMessage> {
        self.held.get(&offset).expect("what a ring has is held")
    }

    /// Panics if an invariant does not hold. Costs n log n.
    pub(crate) fn check_invariants(&self) {
        let mut in_rings = Vec::new();
        for (event, ring) in &self.rings {
            let of_ring = ring.older(u64::MAX).map(|offset| self.get(offset));
            ring.check_invariants(of_ring.clone());
            assert!(
                of_ring.clone().all(|message| message.event == *event),
                "a ring is of one name"
            );
            in_rings.extend(of_ring.map(|message| message.offset));
        }
        self.lost.check_invariants();
        in_rings.sort_unstable();
        assert!(in_rings.iter().eq(self.held.keys()), "what is held is in one ring");
        for (offset, message) in &self.held {
            assert_eq!(message.offset, *offset, "a message is found by its offset");
        }
        let bytes: u64 = self.held.values().map(|message| message.size() as u64).sum();
        assert_eq!(bytes, self.bytes, "bytes are counted");
    }
}

/// Before which offset so many of the messages before `before` are passed over; 0 if there are
/// fewer.
fn start_of(seen: &[Seen<'_>], before: u64, passed: u64) -> u64 {
    // From `low` on there are more, or all; from `high` on there are not.
    let (mut low, mut high) = (0, before);
    if count(seen, low, before) <= passed {
        return low;
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if count(seen, middle, before) > passed {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// How many messages a reader sees from one offset to before another.
fn count(seen: &[Seen<'_>], from: u64, before: u64) -> u64 {
    seen.iter().map(|seen| seen.count(from, before)).sum()
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
