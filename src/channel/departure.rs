//! How clients go: out of a room by any path, and with their last room; and how rooms go.

use alloc::{collections::BTreeSet, sync::Arc, vec::Vec};

use super::{Channel, attendance::Turn, openings::notice};
use crate::{
    agenda::Due,
    clients::Registration,
    footing::{Footing, Seat},
    history::by_event,
    ids::ClientHandle,
    message::StoredMessage,
    outbound::{Cause, Closed, Evicted, Outbound, RoomInfo, RoomNotice},
    recipients::Recipients,
    rooms::RoomNumber,
    subscriptions::Subscriptions,
};

/// What has ended with what a client had in a room.
pub(super) struct Parted {
    pub(super) seat: Seat,
    /// Its presence, if that is to be announced at once.
    pub(super) gone: Option<Turn>,
}

impl Channel {
    /// Takes a client out of a room: its seat, its subscriptions, its presence.
    pub(super) fn part(&mut self, client: ClientHandle, room: RoomNumber) -> Parted {
        let footing = self.clients.get_mut(client).rooms.remove(room).unwrap_or(Footing::NONE);
        let gone = footing.place().and_then(|place| self.vanish(client, room, place));
        self.rooms.dismiss(room, footing.seat(), client);
        if self.clock.is_waiting() {
            self.clock.agenda.cancel(Due::Footing { client, room });
        }
        Parted { seat: footing.seat(), gone }
    }

    /// Puts a client out of a room: `closed` if it was a member, the diff, and what a room that goes
    /// leaves.
    pub(super) fn expel(
        &mut self,
        client: ClientHandle,
        room: RoomNumber,
        cause: Cause,
        message: Option<&str>,
    ) {
        let Parted { seat, gone } = self.part(client, room);
        if seat != Seat::None {
            self.say_closed(room, cause, message, Recipients::of(&[client]));
        }
        if let Some(gone) = gone {
            self.say_gone(room, gone);
        }
        self.settle(room);
    }

    /// Ends a client that has nothing left to stay for.
    pub(super) fn retire(&mut self, client: ClientHandle) {
        let this = self.clients.get(client);
        if this.registration == Registration::ByJoining && this.rooms.len() == 0 {
            self.end_client(client);
        }
    }

    /// Ends a client that is in no room.
    pub(super) fn end_client(&mut self, client: ClientHandle) {
        if self.clock.is_waiting() {
            self.clock.agenda.cancel(Due::Client(client));
        }
        self.rooms.rates.forget_client(client);
        self.clients.end(client);
    }

    /// After somebody has gone: a room that nobody is in goes too, unless it persists.
    ///
    /// Effects of one that goes: the diff of an open window, `evicted`, `room_closed` if it was
    /// opened.
    pub(super) fn settle(&mut self, room: RoomNumber) {
        let this = self.rooms.get(room);
        if !this.is_deserted() || this.persists() {
            self.close_gaps(room);
            return;
        }
        self.end_window(room);
        self.dissolve(room, self.notice(room));
    }

    /// What is announced of a room that goes: only if it was announced that it came.
    pub(super) fn notice(&self, room: RoomNumber) -> Option<RoomInfo> {
        let this = self.rooms.get(room);
        this.was_opened().then(|| notice(this))
    }

    /// Removes a room that nobody is in. Effects: `evicted`; `room_closed` with what is announced.
    pub(super) fn dissolve(&mut self, room: RoomNumber, notice: Option<RoomInfo>) {
        let this = self.rooms.get(room);
        let (topic, epoch) = (this.topic.clone(), this.position.epoch);
        let evicted = self.rooms.remove(room);
        for (event, messages) in evicted {
            let topic = topic.clone();
            self.outbox.push(Outbound::Evicted(Evicted { topic, epoch, event, messages }));
        }
        if let Some(info) = notice {
            let recipients = Recipients::all(self.clients.everyone());
            self.outbox.push(Outbound::RoomClosed(RoomNotice { info, recipients }));
        }
    }

    /// Takes everybody out of a room without a word, and returns them.
    pub(super) fn clear(&mut self, room: RoomNumber) -> BTreeSet<ClientHandle> {
        let mut cleared: BTreeSet<_> = self.rooms.get(room).everyone().into_iter().collect();
        for client in self.forget_presences(room) {
            self.clients.depart(client, room);
            cleared.insert(client);
        }
        self.rooms.dismiss_all(room);
        if let Some(extras) = &mut self.rooms.get_mut(room).extras {
            extras.subscriptions = Subscriptions::default();
            extras.joined.clear();
        }
        for client in &cleared {
            self.clients.get_mut(*client).rooms.remove(room);
            self.clock.agenda.cancel(Due::Footing { client: *client, room });
        }
        cleared
    }

    /// Tells those whose membership ends.
    pub(super) fn say_closed(
        &mut self,
        room: RoomNumber,
        cause: Cause,
        message: Option<&str>,
        recipients: Recipients,
    ) {
        let topic = self.rooms.get(room).topic.clone();
        let message = message.map(Into::into);
        self.outbox.push(Outbound::Closed(Closed { topic, cause, message, recipients }));
    }

    /// Hands over what has left a room's history, if anything has.
    pub(super) fn say_evicted(&mut self, room: RoomNumber, messages: Vec<Arc<StoredMessage>>) {
        if messages.is_empty() {
            return;
        }
        let this = self.rooms.get(room);
        let (topic, epoch) = (this.topic.clone(), this.position.epoch);
        for (event, messages) in by_event(messages) {
            let topic = topic.clone();
            self.outbox.push(Outbound::Evicted(Evicted { topic, epoch, event, messages }));
        }
    }
}
