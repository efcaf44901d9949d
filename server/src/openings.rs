//! Which rooms were opened, and how often the list of rooms has changed by that.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use parlor::Topic;

/// The rooms that were opened and are there.
#[derive(Debug, Default)]
pub(crate) struct Openings {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    changes: u64,
    topics: BTreeSet<Topic>,
}

impl Openings {
    pub(crate) fn opened(&self, topic: &Topic) {
        let mut state = self.lock();
        state.changes += 1;
        state.topics.insert(topic.clone());
    }

    pub(crate) fn closed(&self, topic: &Topic) {
        let mut state = self.lock();
        state.changes += 1;
        state.topics.remove(topic);
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
        self.lock().topics.contains(topic)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
