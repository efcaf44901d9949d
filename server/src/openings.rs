//! In which order rooms were opened, on whichever shards.
//!
//! Epochs tell it of the rooms of one shard only.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use parlor::{Config, RoomInfo, Topic};

/// The rooms that were opened and are there, numbered as they came.
#[derive(Debug, Default)]
pub(crate) struct Openings {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    changes: u64,
    by_topic: BTreeMap<Topic, u64>,
}

/// Where a room stands in a list of all.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Declared(usize),
    Opened(u64),
    /// It came with who joined it first; so far as rooms are of one shard, epochs tell when.
    Joined(u64),
}

impl Openings {
    pub(crate) fn opened(&self, topic: &Topic) {
        let mut state = self.lock();
        state.last += 1;
        state.changes += 1;
        let number = state.last;
        state.by_topic.insert(topic.clone(), number);
    }

    pub(crate) fn closed(&self, topic: &Topic) {
        let mut state = self.lock();
        state.changes += 1;
        state.by_topic.remove(topic);
    }

    /// Takes note that the server has changed what rooms are like.
    pub(crate) fn touch(&self) {
        self.lock().changes += 1;
    }

    /// How many changes there were by the server or by openings and closings.
    pub(crate) fn changes(&self) -> u64 {
        self.lock().changes
    }

    /// Whether a room is there that was opened.
    pub(crate) fn has(&self, topic: &Topic) -> bool {
        self.lock().by_topic.contains_key(topic)
    }

    /// Puts rooms of all shards in order: declared ones as the configuration lists them, then those
    /// that were opened, then those that came with who joined them.
    pub(crate) fn sort(&self, rooms: &mut [RoomInfo], config: &Config) {
        let declared: BTreeMap<_, _> =
            config.declared().enumerate().map(|(at, (topic, _))| (topic, at)).collect();
        let state = self.lock();
        rooms.sort_by_key(|room| {
            if let Some(at) = declared.get(&room.topic) {
                return Standing::Declared(*at);
            }
            let opened = state.by_topic.get(&room.topic);
            opened.map_or(Standing::Joined(room.position.epoch), |at| Standing::Opened(*at))
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
