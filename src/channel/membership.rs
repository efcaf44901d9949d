//! Coming and going: join, rejoin and leave.

use super::{Channel, Member};
use crate::{
    clients::Footing,
    config::Limit,
    event::{Header, Join, Leave, Position, Rejoin},
    ids::{ClientHandle, ClientId, Topic, UserId},
    log::Moved,
    outbound::{Body, Outbound},
    payload::Json,
    recipients::{Except, Recipients},
    refusal::Refusal,
    rooms::RoomNumber,
};

/// What stands in an event by which a client enters a room.
#[derive(Clone, Copy)]
struct Entering<'a> {
    client_id: &'a ClientId,
    topic: &'a Topic,
    user_id: &'a UserId,
    meta: Option<&'a Json>,
}

/// Who enters.
enum Entrant {
    /// One who is a member already.
    Member(Member),
    /// One who may become a member; what is none has to be made first.
    Stranger { client: Option<ClientHandle>, room: Option<RoomNumber> },
}

impl Channel {
    /// Admits a client, unless it is a member already.
    ///
    /// Effects: reply; then, if its room has presence on, `presence_state` to the client and a diff
    /// to the other members. Of one who is a member already: reply.
    pub(super) fn on_join(&mut self, header: Header<'_>, join: &Join) -> Result<(), Refusal> {
        let Join { client_id, topic, user_id, now_ms: _, meta, params: _, reference: _ } = join;
        let entering = Entering { client_id, topic, user_id, meta: Json::given(meta.as_ref()) };
        let joined = |position| Body::Joined { position, name: None };

        match self.decide(entering)? {
            Entrant::Member(member) => {
                let position = self.rooms.get(member.room).position;
                self.outbox.push(Outbound::reply(header, Ok(joined(position))));
            }
            Entrant::Stranger { client, room } => {
                self.enter(header, entering, client, room, joined);
            }
        }
        Ok(())
    }

    /// Attaches a member again, or admits a stranger.
    ///
    /// Effects of a member: reply; then, if its room has presence on, `presence_state` to the
    /// client, and a diff to the other members if its meta changes. Effects of a stranger: those of
    /// a join.
    pub(super) fn on_rejoin(&mut self, header: Header<'_>, rejoin: &Rejoin) -> Result<(), Refusal> {
        let Rejoin {
            client_id,
            topic,
            user_id,
            now_ms: _,
            meta,
            params: _,
            reference: _,
            since: _,
        } = rejoin;
        let entering = Entering { client_id, topic, user_id, meta: Json::given(meta.as_ref()) };

        match self.decide(entering)? {
            Entrant::Member(member) => {
                let diff = self.change_meta(member, entering.meta);

                let position = self.rooms.get(member.room).position;
                let body =
                    Body::Rejoined { position, name: None, rejoined: true, recovered: false };
                self.outbox.push(Outbound::reply(header, Ok(body)));
                self.say_who_is_present(client_id, topic, member.room);
                if let Some(diff) = diff {
                    self.say_diff(topic, diff, self.all_but(member.room, member.client));
                }
            }
            Entrant::Stranger { client, room } => {
                self.enter(header, entering, client, room, |position| Body::Rejoined {
                    position,
                    name: None,
                    rejoined: false,
                    recovered: false,
                });
            }
        }
        Ok(())
    }

    /// Ends a membership.
    ///
    /// Effects: reply; then, if its room has presence on, a diff to the members who
    /// stay. A room without members and a client without memberships go.
    pub(super) fn on_leave(&mut self, header: Header<'_>, leave: &Leave) -> Result<(), Refusal> {
        let Leave { client_id, topic, reference: _ } = leave;
        let member = self.member(client_id, topic)?;
        let Member { client, room, footing } = member;

        self.clients.get_mut(client).rooms.remove(room);
        self.rooms.dismiss(room, footing.seat);
        let diff = footing.place().and_then(|place| self.end_presence(client, room, place));

        self.outbox.push(Outbound::reply(header, Ok(Body::Empty {})));
        if let Some(diff) = diff {
            let members = self.rooms.get(room).members();
            self.say_diff(topic, diff, Recipients::new(members, Except::Nobody));
        }

        if self.rooms.get(room).size() == 0 {
            self.rooms.remove(room);
        } else {
            self.close_gaps(room);
        }
        if self.clients.get(client).rooms.len() == 0 {
            self.clients.end(client);
        }
        Ok(())
    }

    /// Decides whether a client may enter a room, and as what. Nothing changes.
    fn decide(&self, entering: Entering<'_>) -> Result<Entrant, Refusal> {
        let Entering { client_id, topic, user_id, meta: _ } = entering;
        let client = self.clients.find(client_id);
        let room = self.rooms.find(topic);
        if let Some(client) = client {
            if self.clients.names().user(client) != user_id {
                return Err(Refusal::UserConflict { client_id: client_id.clone() });
            }
            if let Some(room) = room
                && let Some(footing) = self.clients.get(client).rooms.get(room)
            {
                return Ok(Entrant::Member(Member { client, room, footing }));
            }
        }

        let topics = client.map_or(0, |client| self.clients.get(client).rooms.len());
        let members = room.map_or(0, |room| self.rooms.get(room).size());
        for (limit, more, count) in [
            (Limit::Clients, client.is_none(), self.clients.len() as u64),
            (Limit::Topics, room.is_none(), self.rooms.len() as u64),
            (Limit::TopicsPerClient, true, topics as u64),
            (Limit::MembersPerTopic, true, u64::from(members)),
        ] {
            let max = self.config.limit(limit);
            if more && count >= max {
                return Err(Refusal::LimitReached { limit, max });
            }
        }
        Ok(Entrant::Stranger { client, room })
    }

    /// Admits one who may become a member, and says so: reply, `presence_state`, diff.
    fn enter(
        &mut self,
        header: Header<'_>,
        entering: Entering<'_>,
        client: Option<ClientHandle>,
        room: Option<RoomNumber>,
        body: impl FnOnce(Position) -> Body,
    ) {
        let Entering { client_id, topic, user_id, meta } = entering;
        let client = client.unwrap_or_else(|| {
            let entry_at = |room, place| self.rooms.get(room).entry_at(place);
            self.clients.add(client_id, user_id, entry_at)
        });
        let room = room.unwrap_or_else(|| {
            self.outbox.count_room();
            self.rooms.create(topic, self.config.default_room().presence)
        });
        let others = self.rooms.get(room).members();
        self.make_room(room);
        let seat = self.rooms.admit(room, client);
        self.clients.get_mut(client).rooms.set(room, Footing::seated(seat));
        let diff = self.begin_presence(client, room, meta);

        let position = self.rooms.get(room).position;
        self.outbox.push(Outbound::reply(header, Ok(body(position))));
        self.say_who_is_present(client_id, topic, room);
        if let Some(diff) = diff {
            self.say_diff(topic, diff, Recipients::new(others, Except::Nobody));
        }
    }

    /// Makes room in a room for one more member, and one more meta.
    pub(super) fn make_room(&mut self, room: RoomNumber) {
        let to = self.rooms.get_mut(room);
        let seats = to.make_room();
        let places = to.presence.as_mut().and_then(|presence| presence.make_room());
        self.note_moves(room, seats, places);
    }

    /// Closes the gaps that those who went have left in a room, if there are many.
    pub(super) fn close_gaps(&mut self, room: RoomNumber) {
        let of = self.rooms.get_mut(room);
        let seats = of.close_gaps();
        let places = of.presence.as_mut().and_then(|presence| presence.close_gaps());
        self.note_moves(room, seats, places);
    }

    /// Puts right what members know of where they sit and where their presence is kept.
    fn note_moves(&mut self, room: RoomNumber, seats: Option<Moved>, places: Option<Moved>) {
        let of = self.rooms.get(room);
        if let Some(moved) = seats {
            for (seat, member) in of.seats_from(moved.from) {
                self.clients.get_mut(member).footing(room).seat = seat;
            }
        }
        if let (Some(moved), Some(presence)) = (places, &of.presence) {
            for (place, client) in presence.places_from(moved.from) {
                self.clients.get_mut(client).footing(room).set_place(place);
            }
        }
    }
}
