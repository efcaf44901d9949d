//! Connections come to the engine, come back for their clients, and go.

use parlor::{ClientId, Connect, Disconnect, Event, EventKind, Grace, Kick, Reason, Refuse};

use super::{Asker, Engine, SERVER_REF, Seat, Way, Wire};
use crate::{names, registry::Generation};

impl Engine {
    /// A connection takes the seat of its client. Whatever an earlier one had joined waits for the
    /// rejoins of this one, so that it hears nothing of what it does not know to have.
    pub(super) fn enter(&mut self, connect: Connect, mut seat: Seat) {
        let client_id = connect.client_id.clone();
        if seat.wire == Wire::Dialogue {
            seat.held = self.channel.topics_of(&client_id);
        }
        match self.seats.generation(&client_id) {
            Some(current) if current > seat.generation => return,
            Some(current) => self.leave(&client_id, current, Way::Disconnected),
            None => {}
        }
        // What guards know of a client is what its connection has shown, and no more.
        let known = self.channel.client(&client_id);
        if known.is_some_and(|known| known.data != connect.data) {
            self.hand_in(Kick::new(&client_id, "its claims have changed").into());
        }
        self.deliver();
        self.hand_in(connect.with_ref(SERVER_REF).into());
        let handle = self.channel.handle_of(&client_id);
        self.seats.take(seat, handle);
    }

    /// A client joins where it is a member. If it is there, nothing but the reply comes of it: what it
    /// is being told of the topic goes on.
    pub(super) fn join_again(&mut self, join: Event) {
        self.deliver();
        self.hurry_before(&join);
        self.hand_in(join);
        self.deliver_for(Asker::Member);
    }

    /// A client rejoins without having asked for it: not where it is a member no more.
    pub(super) fn come_back(&mut self, client_id: &ClientId, rejoin: Event) {
        let Some(topic) = names::topic_of(&rejoin) else { return };
        let was_held = self.seats.take_held(client_id, topic);
        if was_held || self.channel.is_member(client_id, topic) {
            return self.hand_in(rejoin);
        }
        let has_gone = self.channel.room(topic).is_none();
        let reason = if has_gone { Reason::UnknownTopic } else { Reason::NotMember };
        let refuse = Refuse::new(client_id, EventKind::Rejoin, reason).with_topic(topic);
        self.hand_in(refuse.into());
    }

    pub(super) fn leave(&mut self, client_id: &ClientId, generation: Generation, way: Way) {
        if !self.seats.is_taken_by(client_id, generation) {
            return;
        }
        self.deliver();
        self.seats.vacate(client_id);
        self.paging.forget(client_id);
        let grace = match way {
            Way::Disconnected => Grace::Keep,
            Way::Gone => Grace::Skip,
        };
        let lost = Disconnect::new(client_id, self.clock.now_ms()).with_grace(grace);
        self.hand_in(lost.into());
    }
}
