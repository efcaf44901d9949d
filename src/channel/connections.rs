//! Clients as such: connect, disconnect and kick.

use alloc::vec::Vec;

use super::Channel;
use crate::{
    agenda::Due,
    clients::{Connection, Registration},
    config::Limit,
    event::{Connect, Disconnect, Grace, Header, Kick},
    footing::{Footing, Seat},
    ids::{ClientHandle, ClientId, UserId},
    outbound::{Body, Cause, CloseConnection, Outbound},
    payload::Json,
    refusal::Refusal,
    rooms::RoomNumber,
};

impl Channel {
    /// Registers a client, or notes that it has a connection again.
    ///
    /// Effects: reply if asked for.
    pub(super) fn on_connect(
        &mut self,
        header: Header<'_>,
        connect: &Connect,
    ) -> Result<(), Refusal> {
        let Connect { client_id, user_id, data, now_ms: _, reference: _ } = connect;
        let known = self.known_client(client_id, user_id)?;
        if known.is_none() {
            self.check_limit(Limit::Clients, self.clients.len() as u64)?;
        }

        let client = known
            .unwrap_or_else(|| self.add_client(client_id, user_id, Registration::ByConnecting));
        self.reconnect(client);
        let this = self.clients.get_mut(client);
        if known.is_none() || this.registration == Registration::ByJoining {
            this.registration = Registration::ByConnecting;
            self.clients.set_data(client, Json::given(data.as_ref()).cloned());
        }

        self.reply_if_asked(header, Body::Empty {});
        Ok(())
    }

    /// Records that a connection is lost: what the client has is held for the grace period, or ends.
    ///
    /// Effects without a grace period, or if it is skipped, per topic in the order in which the
    /// client came to them: `closed`, a diff, what a room that goes leaves. With one, none.
    #[expect(clippy::unnecessary_wraps, reason = "every event is handled alike")]
    pub(super) fn on_disconnect(&mut self, disconnect: &Disconnect) -> Result<(), Refusal> {
        let Disconnect { client_id, now_ms: _, grace } = disconnect;
        let Some(client) = self.clients.find(client_id) else { return Ok(()) };
        let connection = self.clients.get(client).connection;
        let (holds, cause) = match grace {
            Grace::Keep => (self.config.grace_ms() > 0, Cause::Disconnected),
            Grace::Skip => (false, Cause::Disconnected),
            Grace::Expired => (false, Cause::Expired),
        };
        match connection {
            Connection::Lost if *grace == Grace::Keep => return Ok(()),
            Connection::Lost => {}
            Connection::Connected => self.clients.lose(client),
        }

        if holds {
            for room in self.rooms_with(client) {
                self.detach(client, room);
            }
            let at_ms = self.grace_ends_at();
            self.clock.agenda.set(Due::Client(client), at_ms);
            return Ok(());
        }
        for room in self.rooms_with(client) {
            self.expel(client, room, cause, None);
        }
        self.end_client(client);
        Ok(())
    }

    /// Puts a client out of one topic, or altogether.
    ///
    /// Effects: reply if asked for; a topic after the other `closed`, a diff and what a room that
    /// goes leaves; of a client that goes altogether `disconnect`, if it is connected.
    pub(super) fn on_kick(&mut self, header: Header<'_>, kick: &Kick) -> Result<(), Refusal> {
        let Kick { client_id, topic, reason, reference: _ } = kick;
        let Some(topic) = topic else {
            let client = self.find_client(client_id)?;
            self.reply_if_asked(header, Body::Empty {});
            for room in self.rooms_with(client) {
                self.expel(client, room, Cause::Kicked, Some(reason));
            }
            if self.clients.get(client).connection == Connection::Connected {
                let (client_id, reason) = (client_id.clone(), reason.clone());
                self.outbox.push(Outbound::Disconnect(CloseConnection { client_id, reason }));
            }
            self.end_client(client);
            return Ok(());
        };
        let member = self.member_in_any_state(client_id, topic)?;

        self.reply_if_asked(header, Body::Empty {});
        self.expel(member.client, member.room, Cause::Kicked, Some(reason));
        self.retire(member.client);
        Ok(())
    }

    /// Finds a client that acts for that user; it need not be there.
    pub(super) fn known_client(
        &self,
        client_id: &ClientId,
        user_id: &UserId,
    ) -> Result<Option<ClientHandle>, Refusal> {
        let client = self.clients.find(client_id);
        match client {
            Some(client) if self.clients.names().user(client) != user_id => {
                Err(Refusal::UserConflict { client_id: client_id.clone() })
            }
            Some(_) | None => Ok(client),
        }
    }

    /// Finds a client, or says that there is none.
    pub(super) fn find_client(&self, client_id: &ClientId) -> Result<ClientHandle, Refusal> {
        let unknown = || Refusal::UnknownClient { client_id: client_id.clone() };
        self.clients.find(client_id).ok_or_else(unknown)
    }

    /// Adds a client that is not there.
    pub(super) fn add_client(
        &mut self,
        client_id: &ClientId,
        user_id: &UserId,
        registration: Registration,
    ) -> ClientHandle {
        let entry_at = |room, place| self.rooms.get(room).entry_at(place);
        self.clients.add(client_id, user_id, registration, entry_at)
    }

    /// Notes that a client has a connection, by whatever shows it. Its memberships wait for their
    /// rejoins; presences that it has without membership have nothing to wait for, though only a
    /// crash held them and it was connected all the time.
    pub(super) fn reconnect(&mut self, client: ClientHandle) {
        if !self.clock.is_waiting() {
            return;
        }
        if self.clients.get(client).connection != Connection::Connected {
            self.clients.regain(client);
            self.clock.agenda.cancel(Due::Client(client));
        }
        for room in self.clock.agenda.held_of(client) {
            let footing = self.clients.get(client).rooms.get(room);
            if !footing.is_some_and(Footing::is_member) {
                self.clock.agenda.cancel(Due::Footing { client, room });
            }
        }
    }

    /// Holds what a client has in a room for the grace, unless it is held already.
    pub(super) fn detach(&mut self, client: ClientHandle, room: RoomNumber) {
        let due = Due::Footing { client, room };
        if self.clock.agenda.is_set(due) {
            return;
        }
        let footing = self.clients.get_mut(client).footing(room);
        if let Seat::Attached(seat) = footing.seat() {
            let seat = self.rooms.detach(room, seat);
            self.clients.get_mut(client).footing(room).set_seat(seat);
        }
        let at_ms = self.grace_ends_at();
        self.clock.agenda.set(due, at_ms);
    }

    /// Gives a detached member its seat back.
    pub(super) fn attach(&mut self, client: ClientHandle, room: RoomNumber) {
        let footing = *self.clients.get_mut(client).footing(room);
        if !matches!(footing.seat(), Seat::Detached(_)) {
            return;
        }
        self.make_room(room);
        if let Seat::Detached(seat) = self.clients.get_mut(client).footing(room).seat() {
            let seat = self.rooms.attach(room, seat);
            self.clients.get_mut(client).footing(room).set_seat(seat);
        }
        self.clock.agenda.cancel(Due::Footing { client, room });
        self.close_gaps(room);
    }

    /// When a grace that begins at this moment runs out.
    fn grace_ends_at(&self) -> u64 {
        self.clock.now_ms.saturating_add(self.config.grace_ms())
    }

    /// The rooms in which a client has anything, in the order in which it came to them.
    pub(super) fn rooms_with(&self, client: ClientHandle) -> Vec<RoomNumber> {
        self.clients.get(client).rooms.to_vec().into_iter().map(|(room, _)| room).collect()
    }
}
