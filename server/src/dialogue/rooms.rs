//! The rooms that a client takes itself for a member of, and how much it has of each.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use parlor::{Body, EventKind, Position, Reason, Reply, Topic};

use super::told::Note;

/// The rooms of one client. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rooms(Arc<Mutex<State>>);

#[derive(Debug, Clone, Default)]
struct State {
    /// Up to where it was told what was said.
    joined: BTreeMap<Topic, Position>,
    /// It has asked, and was not answered.
    asked: BTreeSet<Topic>,
    /// It was in them before it came back, and has not asked since.
    restored: BTreeSet<Topic>,
    /// It leaves them for a moment, and is not told so.
    renewed: BTreeSet<Topic>,
}

impl Rooms {
    /// The same rooms, which from here on have their own ways.
    pub(super) fn copied(&self) -> Self {
        let joined = self.lock().joined.clone();
        let restored = joined.keys().cloned().collect();
        Self(Arc::new(Mutex::new(State { joined, restored, ..State::default() })))
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().joined.is_empty()
    }

    /// Whether it is in no room and has asked for none.
    pub(super) fn are_untouched(&self) -> bool {
        let state = self.lock();
        state.joined.is_empty() && state.asked.is_empty()
    }

    /// All of them, with the positions.
    pub(super) fn all(&self) -> Vec<(Topic, Position)> {
        self.lock().joined.iter().map(|(topic, position)| (topic.clone(), *position)).collect()
    }

    /// Takes note that the client asks to join, unless that makes more than `max`.
    pub(super) fn ask(&self, topic: &Topic, max: usize) -> Result<(), TooMany> {
        let mut state = self.lock();
        if state.joined.contains_key(topic) || state.asked.contains(topic) {
            return Ok(());
        }
        if state.joined.len() + state.asked.len() >= max {
            return Err(TooMany);
        }
        state.asked.insert(topic.clone());
        Ok(())
    }

    /// Whether a join is one of a client that does not know to be a member. One that was away would
    /// not ask: that is a page which was loaded anew.
    pub(super) fn is_news(&self, topic: &Topic) -> bool {
        self.lock().restored.remove(topic)
    }

    /// Takes note that the client is to leave a room, of which it is not told.
    pub(super) fn renew(&self, topic: &Topic) {
        self.lock().renewed.insert(topic.clone());
    }

    /// Whether a reply is that of such a leave.
    pub(super) fn is_renewed(&self, reply: &Reply) -> bool {
        let topic = reply.topic.as_ref().filter(|_| reply.to == EventKind::Leave);
        topic.is_some_and(|topic| self.lock().renewed.remove(topic))
    }

    /// Takes note of what many were told.
    pub(super) fn note(&self, note: &Note) {
        match note {
            Note::Has(topic, position) => {
                if let Some(has) = self.lock().joined.get_mut(topic) {
                    *has = (*has).max(*position);
                }
            }
            Note::Left(topic) => {
                self.lock().joined.remove(topic);
            }
            Note::Nothing => {}
        }
    }

    /// Takes note of an answer.
    pub(super) fn answered(&self, reply: &Reply) {
        let Some(topic) = &reply.topic else { return };
        let mut state = self.lock();
        match (reply.to, &reply.result) {
            (EventKind::Join, Ok(Body::Joined { position, .. })) => {
                state.asked.remove(topic);
                // Who was in it has what it was told, and not all that was said.
                let has = state.joined.entry(topic.clone()).or_insert(*position);
                if has.epoch != position.epoch {
                    *has = *position;
                }
            }
            // What it has missed comes after this answer, and it has that of before.
            (EventKind::Join, Ok(Body::Rejoined { position, .. })) => {
                state.asked.remove(topic);
                state.joined.entry(topic.clone()).or_insert(*position);
            }
            (EventKind::Rejoin, Ok(Body::Rejoined { position, recovered, .. })) => {
                if *recovered {
                    state.joined.entry(topic.clone()).or_insert(*position);
                } else {
                    state.joined.insert(topic.clone(), *position);
                }
            }
            (EventKind::Join, Err(_)) => {
                state.asked.remove(topic);
            }
            // It is to be in it again when the channel goes on, and does not know that it is not.
            (EventKind::Rejoin, Err(refusal)) if refusal.reason() == Reason::Crashed => {}
            (EventKind::Rejoin, Err(_)) | (EventKind::Leave, Ok(_)) => {
                state.joined.remove(topic);
            }
            (_, _) => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// It is in as many rooms as it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany;
