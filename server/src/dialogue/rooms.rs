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
            // The same where something of it is forgotten: what memory has comes after this answer,
            // and moves the position as it goes out. Were it moved now, a connection that is lost
            // before that would miss the rest. Of another room of that name nothing comes.
            (EventKind::Rejoin, Ok(Body::Rejoined { position, .. })) => {
                let has = state.joined.entry(topic.clone()).or_insert(*position);
                if has.epoch != position.epoch || has.offset > position.offset {
                    *has = *position;
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

#[cfg(test)]
mod tests {
    use parlor::{
        Address, Channel, Config, Event, EventDefinition, Join, Outbound, Payload, Publish, Rejoin,
        RoomConfig,
    };

    use super::*;
    use crate::dialogue::Told;

    /// A channel whose rooms remember two messages.
    fn channel(first_epoch: u64) -> Channel {
        let room = RoomConfig::default().with_event(EventDefinition::new("*").with_history(2));
        let config = Config::builder().first_epoch(first_epoch).default_room(room);
        Channel::single_node(config.build().unwrap())
    }

    fn say(channel: &mut Channel) {
        let payload = Payload::json("1").unwrap();
        channel.handle(Publish::new(Address::Topic("r".into()), "e", payload).into());
        drop(channel.flush_outbox());
    }

    /// Where the client is after each reply and message that comes of an event.
    fn positions(rooms: &Rooms, channel: &mut Channel, event: impl Into<Event>) -> Vec<(u64, u64)> {
        channel.handle(event.into());
        let mut positions = Vec::new();
        for outbound in channel.flush_outbox() {
            if let Outbound::Reply(reply) = &outbound {
                rooms.answered(reply);
            } else if let Outbound::BroadcastMessage(_) = &outbound {
                rooms.note(&Told::of_all(&outbound).unwrap().note);
            } else {
                continue;
            }
            positions.extend(rooms.all().iter().map(|(_, at)| (at.epoch, at.offset)));
        }
        positions
    }

    #[test]
    fn a_position_moves_with_what_is_sent_again_and_not_before() {
        let (rooms, mut channel) = (Rooms::default(), channel(1));
        let join = Join::new("c", "r", "ann", 0);
        assert_eq!(positions(&rooms, &mut channel, join), [(1, 0)]);
        // The client receives none of these: its connection is lost.
        (0..3).for_each(|_| say(&mut channel));
        let rejoin =
            |epoch, offset| Rejoin::new("c", "r", "ann", 0).with_since(Position { epoch, offset });
        // The first one is forgotten. It comes back twice, and its line was lost in between.
        let back = rooms.copied();
        channel.handle(rejoin(1, 0).into());
        for outbound in channel.flush_outbox() {
            if let Outbound::Reply(reply) = outbound {
                assert!(matches!(reply.result, Ok(Body::Rejoined { recovered: false, .. })));
                back.answered(&reply);
            }
        }
        assert_eq!(back.all()[0].1, Position { epoch: 1, offset: 0 }, "it has none of them");
        let back = back.copied();
        assert_eq!(positions(&back, &mut channel, rejoin(1, 0)), [(1, 0), (1, 2), (1, 3)]);
        // There is nothing that it has missed, or that it could be sent.
        assert_eq!(positions(&back, &mut channel, rejoin(1, 3)), [(1, 3)]);
    }

    #[test]
    fn a_position_that_nothing_comes_after_is_left_at_once() {
        let (rooms, mut before, mut after) = (Rooms::default(), channel(1), channel(7));
        assert_eq!(positions(&rooms, &mut before, Join::new("c", "r", "ann", 0)), [(1, 0)]);
        let rejoin = Rejoin::new("c", "r", "ann", 0).with_since(Position { epoch: 1, offset: 0 });
        assert_eq!(positions(&rooms, &mut after, rejoin), [(7, 0)], "it is another room");
        let ahead = rooms.copied();
        ahead.lock().joined.insert("r".into(), Position { epoch: 7, offset: 9 });
        let rejoin = Rejoin::new("c", "r", "ann", 0).with_since(Position { epoch: 7, offset: 9 });
        assert_eq!(positions(&ahead, &mut after, rejoin), [(7, 0)], "it was never there");
    }
}
