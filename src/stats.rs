//! Counts of what a channel was told and what it said.

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{event::EventKind, refusal::Reason};

/// Counters since the channel was made, and gauges of what it holds; a copy taken at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// What was counted.
    #[serde(flatten)]
    pub counters: Counters,
    /// Topics that have a room.
    pub topics: usize,
    /// Clients that are there.
    pub clients: usize,
    /// Pairs of a client and a topic that it is a member of.
    pub memberships: usize,
    /// How many of those are detached.
    pub detached: usize,
    /// Messages that history holds.
    pub history_messages: u64,
    /// What they take: the bytes of payload, meta and names.
    pub history_bytes: u64,
}

/// What has happened since a channel was made; it only grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Counters {
    /// Events by kind, refused ones included.
    pub events: EventCounts,
    /// Broadcast messages.
    pub broadcasts: u64,
    /// Recipients of broadcast messages, and of pushes.
    pub deliveries: u64,
    /// Replies that say ok.
    pub replies_ok: u64,
    /// Replies that refuse, by reason.
    pub refusals: RefusalCounts,
    /// Metas that came: by join or track. A change is none.
    pub presence_joins: u64,
    /// Metas that went.
    pub presence_leaves: u64,
    /// Rooms that were made.
    pub rooms_opened: u64,
}

/// How many events there were, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventCounts([u64; EventKind::ALL.len()]);

impl EventCounts {
    /// Counts that were told one by one.
    pub(crate) fn from_fn(count: impl Fn(EventKind) -> u64) -> Self {
        Self(EventKind::ALL.map(count))
    }

    /// Of one kind.
    #[must_use]
    pub fn of(&self, kind: EventKind) -> u64 {
        self.0.get(kind as usize).copied().unwrap_or_default()
    }

    /// Of all kinds.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// How many refusals there were, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RefusalCounts([u64; Reason::ALL.len()]);

impl RefusalCounts {
    /// Counts that were told one by one.
    pub(crate) fn from_fn(count: impl Fn(Reason) -> u64) -> Self {
        Self(Reason::ALL.map(count))
    }

    /// For one reason.
    #[must_use]
    pub fn of(&self, reason: Reason) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or_default()
    }

    /// For all reasons.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl Counters {
    pub(crate) fn count_event(&mut self, kind: EventKind) {
        bump(&mut self.events.0, kind as usize);
    }

    pub(crate) fn count_refusal(&mut self, reason: Reason) {
        bump(&mut self.refusals.0, reason as usize);
    }
}

fn bump(counts: &mut [u64], at: usize) {
    if let Some(count) = counts.get_mut(at) {
        *count += 1;
    }
}

impl Serialize for EventCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for kind in EventKind::ALL {
            map.serialize_entry(kind.label(), &self.of(kind))?;
        }
        map.end()
    }
}

impl Serialize for RefusalCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for reason in Reason::ALL {
            map.serialize_entry(reason.label(), &self.of(reason))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_reasons_are_indexed_by_declaration() {
        for (place, kind) in EventKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place, "{kind}");
        }
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place, "{reason}");
        }
    }
}
