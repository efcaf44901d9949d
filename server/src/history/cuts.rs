//! Cuts that wait to be written. None is ever lost, since a later room would show what was said
//! before it; so they wait here, one per topic, and not in the queue of messages.

use std::{
    collections::{BTreeMap, btree_map},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use parlor::Topic;

use super::AROUND_MESSAGE;

/// The cuts that the engine has handed over and that are not written.
#[derive(Debug, Default)]
pub(super) struct Cuts(Mutex<Waiting>);

/// For each topic, up to which epoch its messages are shown in their own room only.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) by_topic: BTreeMap<Topic, u64>,
    /// The same for every topic: what did not fit is cut with all others.
    pub(super) of_all: Option<u64>,
    /// What `by_topic` counts for.
    pub(super) bytes: u64,
}

/// What becomes of a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    /// It waits beside others, and counts for that many bytes.
    Waits(u64),
    /// It is part of one that waited.
    Joined,
    /// There was no room for it, so every topic is cut.
    CutsAll,
}

impl Cuts {
    /// Lets a cut wait, among others that count for `max_bytes` together.
    pub(super) fn add(&self, topic: Topic, epoch: u64, max_bytes: u64) -> Added {
        let mut waiting = self.lock();
        let bytes = size(&topic);
        let fits = waiting.bytes.saturating_add(bytes) <= max_bytes;
        let Waiting { by_topic, of_all, bytes: all } = &mut *waiting;
        match by_topic.entry(topic) {
            btree_map::Entry::Occupied(mut before) => {
                *before.get_mut() = epoch.max(*before.get());
                Added::Joined
            }
            btree_map::Entry::Vacant(place) if fits => {
                place.insert(epoch);
                *all += bytes;
                Added::Waits(bytes)
            }
            btree_map::Entry::Vacant(_) => {
                *of_all = (*of_all).max(Some(epoch));
                Added::CutsAll
            }
        }
    }

    /// Takes all that wait.
    pub(super) fn take(&self) -> Waiting {
        mem::take(&mut self.lock())
    }

    /// Lets those wait again that could not be written. Returns the bytes of those that are part of
    /// one that waits already.
    #[must_use]
    pub(super) fn put_back(&self, unwritten: Waiting) -> u64 {
        let mut waiting = self.lock();
        let all = waiting.bytes + unwritten.bytes;
        waiting.of_all = waiting.of_all.max(unwritten.of_all);
        for (topic, epoch) in unwritten.by_topic {
            let later = waiting.by_topic.entry(topic).or_default();
            *later = epoch.max(*later);
        }
        waiting.bytes = waiting.by_topic.keys().map(size).sum();
        all - waiting.bytes
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.by_topic.is_empty() && self.of_all.is_none()
    }
}

fn size(topic: &Topic) -> u64 {
    (topic.as_str().len() + AROUND_MESSAGE) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a2_cuts_are_bounded_and_none_is_lost() {
        let cuts = Cuts::default();
        let one = size(&"a".into());
        assert_eq!(cuts.add("a".into(), 3, 2 * one), Added::Waits(one));
        assert_eq!(cuts.add("a".into(), 7, 2 * one), Added::Joined);
        assert_eq!(cuts.add("a".into(), 5, 2 * one), Added::Joined);
        assert_eq!(cuts.add("b".into(), 8, 2 * one), Added::Waits(one), "as many as may be");
        for (topic, epoch) in [("c", 11), ("d", 9)] {
            assert_eq!(cuts.add(topic.into(), epoch, 2 * one), Added::CutsAll, "one past it");
        }
        let taken = cuts.take();
        let by_topic = BTreeMap::from([("a".into(), 7), ("b".into(), 8)]);
        assert_eq!(taken, Waiting { by_topic, of_all: Some(11), bytes: 2 * one });
        assert!(cuts.take().is_empty());

        assert_eq!(cuts.add("b".into(), 12, 2 * one), Added::Waits(one));
        assert_eq!(cuts.put_back(taken), one, "one of them is there twice");
        let by_topic = BTreeMap::from([("a".into(), 7), ("b".into(), 12)]);
        assert_eq!(cuts.take(), Waiting { by_topic, of_all: Some(11), bytes: 2 * one });
    }
}
