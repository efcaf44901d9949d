//! Coming and going of members: join, rejoin and leave.

use alloc::sync::Arc;

use super::{Channel, Member, attendance::News, departure::Parted, recall::Missed};
use crate::{
    clients::Registration,
    config::{Limit, RoomConfig},
    event::{Header, Join, Leave, Position, Rejoin},
    footing::Footing,
    ids::{ClientHandle, ClientId, Topic, UserId},
    links::Links,
    log::Moved,
    outbound::Body,
    payload::Json,
    presence::Presence,
    recipients::Recipients,
    refusal::Refusal,
    rooms::{Extras, Origin, RoomNumber},
    roster::Roster,
};

/// What stands in an event by which a client enters a room.
#[derive(Clone, Copy)]
struct Entering<'a> {
    client_id: &'a ClientId,
    topic: &'a Topic,
    user_id: &'a UserId,
    meta: Option<&'a Json>,
    /// Up to where it has received; none of a join.
    since: Option<Position>,
    by: By,
}

/// By which event a client enters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Join,
    Rejoin,
}

/// Who enters.
enum Entrant {
    /// One who is a member already.
    Member(Member),
    /// One who may become a member; what is none has to be made first.
    Stranger { client: Option<ClientHandle>, room: Door },
}

/// What a stranger enters.
enum Door {
    /// A room that is there.
    Room(RoomNumber),
    /// One that is to be made, like that.
    New(Arc<RoomConfig>),
}

impl Channel {
    /// Admits a client, unless it is a member already. Of a detached member it is a rejoin.
    ///
    /// Effects: reply; `presence_state` and history to the client, as its room has them; a diff to
    /// the other members. Of one who is an attached member already: reply.
    pub(super) fn on_join(&mut self, header: Header<'_>, join: &Join) -> Result<(), Refusal> {
        let Join { client_id, topic, user_id, now_ms: _, meta, params: _, reference: _ } = join;
        let (meta, since, by) = (Json::given(meta.as_ref()), None, By::Join);
        self.enter(header, Entering { client_id, topic, user_id, meta, since, by })
    }

    /// Attaches a member again, or admits a stranger.
    ///
    /// Effects of a member: reply; `presence_state`; the messages that it has missed; a diff to the
    /// other members if it brings another meta than before, and shows something else with it. Effects of a stranger: those of a join, with what it has
    /// missed in place of history if that can be told.
    pub(super) fn on_rejoin(&mut self, header: Header<'_>, rejoin: &Rejoin) -> Result<(), Refusal> {
        let Rejoin { client_id, topic, user_id, now_ms: _, meta, params: _, reference: _, since } =
            rejoin;
        let (meta, since, by) = (Json::given(meta.as_ref()), *since, By::Rejoin);
        self.enter(header, Entering { client_id, topic, user_id, meta, since, by })
    }

    /// Ends a membership.
    ///
    /// Effects: reply; a diff to the members who stay; what a room that goes leaves.
    pub(super) fn on_leave(&mut self, header: Header<'_>, leave: &Leave) -> Result<(), Refusal> {
        let Leave { client_id, topic, reference: _ } = leave;
        let Member { client, room, footing: _ } = self.member_in_any_state(client_id, topic)?;

        let Parted { seat: _, gone } = self.part(client, room);

        self.outbox.reply(header, Ok(Body::Empty {}));
        if let Some(gone) = gone {
            self.say_gone(room, gone);
        }
        self.settle(room);
        self.retire(client);
        Ok(())
    }

    fn enter(&mut self, header: Header<'_>, entering: Entering<'_>) -> Result<(), Refusal> {
        match self.decide(entering)? {
            Entrant::Member(member) if entering.by == By::Join && member.footing.is_attached() => {
                let body = self.joined(member.room);
                self.outbox.reply(header, Ok(body));
            }
            Entrant::Member(member) => self.return_to(header, entering, member),
            Entrant::Stranger { client, room } => self.admit(header, entering, client, room),
        }
        Ok(())
    }

    /// Decides whether a client may enter a room, and as what. Nothing changes.
    fn decide(&self, entering: Entering<'_>) -> Result<Entrant, Refusal> {
        let Entering { client_id, topic, user_id, .. } = entering;
        let client = self.known_client(client_id, user_id)?;
        let room = self.rooms.find(topic);
        let footings = client.map(|client| &self.clients.get(client).rooms);
        let footing = room.and_then(|room| footings?.get(room));
        if let (Some(client), Some(room), Some(footing)) = (client, room, footing)
            && footing.is_member()
        {
            return Ok(Entrant::Member(Member { client, room, footing }));
        }

        let door = if let Some(room) = room {
            Door::Room(room)
        } else {
            let unknown_topic = || Refusal::UnknownTopic { topic: topic.clone() };
            Door::New(Arc::clone(self.config.room_for(topic).ok_or_else(unknown_topic)?))
        };
        let (size, max_members) = match &door {
            Door::Room(room) => {
                let room = self.rooms.get(*room);
                (room.size(), room.config.max_members)
            }
            Door::New(config) => (0, config.max_members),
        };
        if let Some(max) = max_members
            && size >= max
        {
            return Err(Refusal::RoomFull { topic: topic.clone(), max });
        }
        if client.is_none() {
            self.check_limit(Limit::Clients, self.clients.len() as u64)?;
        }
        if room.is_none() {
            self.check_limit(Limit::Topics, self.rooms.len() as u64)?;
        }
        if footing.is_none() {
            let topics = footings.map_or(0, Links::len);
            self.check_limit(Limit::TopicsPerClient, topics as u64)?;
        }
        self.check_limit(Limit::MembersPerTopic, u64::from(size))?;
        Ok(Entrant::Stranger { client, room: door })
    }

    /// Attaches a member, and says so: reply, `presence_state`, what it has missed, diff.
    fn return_to(&mut self, header: Header<'_>, entering: Entering<'_>, member: Member) {
        let Entering { client_id, topic, meta, since, .. } = entering;
        let Member { client, room, footing: _ } = member;
        self.reconnect(client);
        self.attach(client, room);
        let news = meta.and_then(|meta| self.show_again(client, room, meta));

        let missed = self.missed(client, room, since);
        let body = self.rejoined(room, true, &missed);
        self.outbox.reply(header, Ok(body));
        self.say_who_is_present(client_id, topic, room);
        self.say_missed(client, room, missed);
        if let Some(news) = news {
            self.say_news(room, news, self.all_but(room, client));
        }
    }

    /// Admits one who may become a member, and says so: reply, `presence_state`, what it has missed
    /// or history, diff.
    fn admit(
        &mut self,
        header: Header<'_>,
        entering: Entering<'_>,
        client: Option<ClientHandle>,
        room: Door,
    ) {
        let Entering { client_id, topic, user_id, meta, since, by } = entering;
        let client = match client {
            None => self.add_client(client_id, user_id, Registration::ByJoining),
            Some(client) => {
                self.reconnect(client);
                client
            }
        };
        let room = match room {
            Door::Room(room) => room,
            Door::New(config) => {
                self.outbox.count_room();
                let declared = self.config.is_declared(topic);
                let origin = if declared { Origin::Declared } else { Origin::Joined };
                self.rooms.create(topic, config, origin)
            }
        };
        let this = self.rooms.get(room);
        // Nobody else hears of one who comes where nobody is present.
        let others = this.presence.is_some().then(|| Recipients::all(this.members()));
        let news = self.seat(client, room, meta);

        let missed = match by {
            By::Join => Missed::Unknown,
            By::Rejoin => self.missed(client, room, since),
        };
        let body = match by {
            By::Join => self.joined(room),
            By::Rejoin => self.rejoined(room, false, &missed),
        };
        self.outbox.reply(header, Ok(body));
        self.say_who_is_present(client_id, topic, room);
        match missed {
            Missed::Unknown => self.say_latest(client, topic, room),
            Missed::Known { .. } => self.say_missed(client, room, missed),
        }
        if let (Some(news), Some(others)) = (news, others) {
            self.say_news(room, news, others);
        }
    }

    /// Gives a client a seat, the room's subscriptions and a presence.
    fn seat(
        &mut self,
        client: ClientHandle,
        room: RoomNumber,
        meta: Option<&Json>,
    ) -> Option<News> {
        self.make_room(room);
        let seat = self.rooms.admit(room, client);
        let known = self.clients.get(client).rooms.get(room);
        let mut footing = known.unwrap_or(Footing::NONE);
        footing.set_seat(seat);
        self.clients.get_mut(client).rooms.set(room, footing);

        let this = self.rooms.get_mut(room);
        if !this.config.hears_all_by_default() {
            let extras: &mut Extras = this.extras.get_or_insert_default();
            extras.subscriptions.set(client, &this.config.default_subscriptions);
        }
        match footing.place() {
            _ if this.presence.is_none() => None,
            None => self.appear(client, room, meta),
            Some(_) if meta.is_none() => {
                self.note_joined_without_meta(client, room);
                None
            }
            Some(_) => self.alter(client, room, meta),
        }
    }

    /// Tracks a client with that data, or changes what it shows.
    pub(super) fn show(
        &mut self,
        client: ClientHandle,
        room: RoomNumber,
        data: Option<&Json>,
    ) -> Option<News> {
        if self.place(client, room).is_some() {
            return self.alter(client, room, data);
        }
        self.make_room(room);
        self.appear(client, room, data)
    }

    fn joined(&self, room: RoomNumber) -> Body {
        let room = self.rooms.get(room);
        Body::Joined { position: room.position, name: room.config.name.as_deref().map(Into::into) }
    }

    fn rejoined(&self, room: RoomNumber, rejoined: bool, missed: &Missed) -> Body {
        let recovered = match missed {
            Missed::Unknown => false,
            Missed::Known { is_all, .. } => *is_all,
        };
        let room = self.rooms.get(room);
        let name = room.config.name.as_deref().map(Into::into);
        Body::Rejoined { position: room.position, name, rejoined, recovered }
    }

    /// Makes room in a room for one more member, and one more meta.
    #[inline]
    pub(super) fn make_room(&mut self, room: RoomNumber) {
        if self.rooms.get(room).is_full() {
            self.rearrange(room, Roster::make_room, Presence::make_room);
        }
    }

    /// Closes the gaps that those who went have left in a room, if there are many.
    #[inline]
    pub(super) fn close_gaps(&mut self, room: RoomNumber) {
        if self.rooms.get(room).is_sparse() {
            self.rearrange(room, Roster::close_gaps, Presence::close_gaps);
        }
    }

    // Rare, and not to stand in the way of those who only look whether it has to be.
    #[cold]
    fn rearrange(
        &mut self,
        room: RoomNumber,
        seats: impl FnOnce(&mut Roster) -> Option<Moved>,
        places: impl FnOnce(&mut Presence) -> Option<Moved>,
    ) {
        let of = self.rooms.get_mut(room);
        let seats = of.rearrange(seats);
        let places = of.presence.as_mut().and_then(|presence| places(presence));
        self.note_moves(room, seats, places);
    }

    /// Puts right what members know of where they sit and where their presence is kept.
    fn note_moves(&mut self, room: RoomNumber, seats: Option<Moved>, places: Option<Moved>) {
        let of = self.rooms.get(room);
        if let Some(moved) = seats {
            for (seat, member) in of.seats_from(moved.from) {
                self.clients.get_mut(member).footing(room).move_seat(seat);
            }
        }
        if let (Some(moved), Some(presence)) = (places, &of.presence) {
            for (place, client) in presence.places_from(moved.from) {
                self.clients.get_mut(client).footing(room).set_place(place);
            }
        }
    }
}
