//! Dialogue's `dialogue:*` events over Socket.IO, so that its client works unmodified.
//!
//! A driver that speaks Socket.IO has a [`Connection`] for each socket, and this is what it does:
//!
//! ```
//! use parlor::wire::dialogue::{self, Connection, Incoming, Packet};
//! use parlor::{Channel, ClientRooms, Config, Outbound, Recipients, RoomConfig, UnlistedTopics};
//!
//! // Rooms are configured or opened by name, and clients may open them.
//! let mut channel = Channel::single_node(
//!     Config::builder()
//!         .unlisted_topics(UnlistedTopics::Refuse)
//!         .clients_open_rooms(ClientRooms::On)
//!         .room("general", RoomConfig::default().with_name("General Chat"))
//!         .build()?,
//! );
//! let mut sent = Vec::new();
//! let mut send = |packet: &Packet| sent.push(packet.to_string());
//!
//! // A socket was accepted.
//! let mut ann = Connection::new("c1", "ann");
//! channel.handle(ann.connect(0));
//! send(&ann.connected());
//!
//! // It says something.
//! for (name, argument) in [
//!     ("dialogue:join", Some(r#"{"roomId":"general"}"#)),
//!     ("dialogue:trigger", Some(r#"{"roomId":"general","event":"message","data":{"text":"hi"}}"#)),
//!     ("dialogue:listRooms", None),
//! ] {
//!     match ann.event(name, argument, 1_000) {
//!         Incoming::Event(event) => channel.handle(event),
//!         Incoming::Packet(packet) => send(&packet),
//!         Incoming::Nothing => {}
//!     }
//!
//!     // What the channel has to say goes to one connection, or encoded once to many.
//!     for outbound in channel.flush_outbox() {
//!         ann.outgoing(&outbound).iter().for_each(&mut send);
//!         if let Some(packet) = dialogue::shared(&outbound) {
//!             send(&packet); // to each of the outbound's recipients
//!         }
//!     }
//! }
//! assert_eq!(sent, [
//!     r#"["dialogue:connected",{"clientId":"c1","userId":"ann"}]"#,
//!     r#"["dialogue:joined",{"roomId":"general","roomName":"General Chat"}]"#,
//!     r#"["dialogue:event",{"event":"message","roomId":"general","data":{"text":"hi"},"from":"ann","timestamp":1000}]"#,
//!     r#"["dialogue:rooms",[{"id":"general","name":"General Chat","size":1}]]"#,
//! ]);
//! # Ok::<(), parlor::ConfigError>(())
//! ```
//!
//! The time of a message is the channel's, so a driver hands in a [`Tick`](crate::Tick) before what
//! has arrived, with its time since 1970, as clients take it for a date.
//!
//! # What clients say
//!
//! | event | becomes | is answered |
//! | --- | --- | --- |
//! | `dialogue:join` | [`Join`] | `dialogue:joined`, of a member too; then `dialogue:history` if the room shows any; or an error |
//! | `dialogue:leave` | [`Leave`] | `dialogue:left`; of who is no member nothing |
//! | `dialogue:subscribe`, `dialogue:subscribeAll` | [`Subscribe`], to `*` for all | nothing, refused or not |
//! | `dialogue:unsubscribe` | [`Unsubscribe`] | nothing, refused or not |
//! | `dialogue:trigger` | [`Broadcast`] | nothing but the message itself, to whom it may concern; or an error |
//! | `dialogue:listRooms` | [`Query`] for rooms | `dialogue:rooms` |
//! | `dialogue:createRoom` | [`OpenRoom`] by the client | `dialogue:roomCreated`, as everyone; or an error |
//! | `dialogue:deleteRoom` | [`CloseRoom`] by the client | `dialogue:roomDeleted`, as everyone; or an error |
//! | `dialogue:getHistory` | [`History`] | `dialogue:historyResponse`, or an error |
//!
//! A malformed argument is `INVALID_REQUEST` in createRoom and getHistory, and ignored in all
//! others, as is any other name. An event with attachments is answered by
//! [`Connection::refuse_attachments`]. Fields that no table knows are ignored too. A trigger without
//! `data` has `null`; its `meta` is dropped if JavaScript takes it for false. The `maxSize` of a
//! room is a whole number, and what a page begins and ends with any number: below 0 it counts as 0,
//! and a page ends at the latest after [`Connection::with_page_length`]. A page of no `eventName`
//! is empty, as it is there.
//!
//! # What clients are told
//!
//! | event | of |
//! | --- | --- |
//! | `dialogue:connected` | [`Connection::connected`], before all else |
//! | `dialogue:joined`, `dialogue:left` | a reply to a join or leave, whoever has handed it in. A `left` also tells who is kicked, or has expired |
//! | `dialogue:event` | [`BroadcastMessage`] to a topic |
//! | the name of the message | [`PushMessage`], and a [`BroadcastMessage`] to a group, user, client or everyone: its payload is the argument, and there is nothing else |
//! | `dialogue:history` | [`HistoryPage`] that comes with a join |
//! | `dialogue:historyResponse` | [`HistoryPage`] that was asked for |
//! | `dialogue:rooms` | the reply to a listRooms |
//! | `dialogue:roomCreated` | [`Outbound::RoomOpened`]; `createdById` is the owner, where there is one |
//! | `dialogue:roomDeleted` | [`Outbound::RoomClosed`] |
//! | `dialogue:error` | a refusal, to who has asked |
//!
//! A payload of bytes stands as `{"base64":"…"}`: the client knows no attachments. Presence and
//! what befalls the channel is not for it. A room without a name goes by its topic.
//!
//! # Errors
//!
//! The client takes any error for the answer to whatever it waits for. So errors go to the
//! connection whose command was refused, for commands that have errors, and for events that came
//! through this codec: a refusal of what a driver hands in for a client on its own is not told.
//! After [five seconds](Connection::outgoing) nobody waits, and a refusal that comes then is dropped.
//!
//! | refused for | code |
//! | --- | --- |
//! | `unknown_topic`, `invalid_name` of a topic | `ROOM_NOT_FOUND` |
//! | `room_full`, and in a join the limit of members per topic | `ROOM_FULL` |
//! | `join_denied`, and in a join all else that is not in this table | `JOIN_DENIED` |
//! | `event_not_allowed`, and in a trigger `invalid_name` of the event | `EVENT_NOT_ALLOWED` |
//! | `validation_failed`, and in a trigger `payload_too_large` | `VALIDATION_FAILED` |
//! | `rate_limited` | `RATE_LIMITED` |
//! | `invalid_request`, `limit_reached`, `unavailable`; in createRoom `invalid_name` and `payload_too_large` too | `INVALID_REQUEST` |
//! | `room_exists` | `ROOM_EXISTS` |
//! | `permission_denied`; but in a join, `not_member`, `unknown_client`, `user_conflict`, `crashed` | `PERMISSION_DENIED` |
//!
//! Who triggers or reads where it is no member is refused, unless the room lets it:
//! [`RoomConfig::publishers`](crate::RoomConfig::publishers) and
//! [`RoomConfig::history_for`](crate::RoomConfig::history_for) set to
//! [`Who::Clients`](crate::Who::Clients) are as open as Dialogue's server is.
//!
//! # Coming back
//!
//! After a lost connection the client connects again and takes itself for a member still. With a
//! [grace](crate::ConfigBuilder::grace_ms), a driver gives the new connection the id of one of the
//! user's clients that lost theirs, and hands in [`Connection::connect`] and what
//! [`Connection::restore`] makes of [`Channel::topics_of`](crate::Channel::topics_of). What was
//! missed since the given positions comes as `dialogue:event`, and of all else nothing is told,
//! but where it is a member no more: `dialogue:roomDeleted` if the room has gone, so that the client
//! forgets it, `dialogue:left` otherwise. After a [restart](crate::Event::Restart) the same is to be
//! done for every connection.
//!
//! [`Broadcast`]: crate::Broadcast
//! [`CloseRoom`]: crate::CloseRoom
//! [`History`]: crate::History
//! [`Join`]: crate::Join
//! [`Leave`]: crate::Leave
//! [`OpenRoom`]: crate::OpenRoom
//! [`PushMessage`]: crate::PushMessage
//! [`Query`]: crate::Query
//! [`Subscribe`]: crate::Subscribe
//! [`Unsubscribe`]: crate::Unsubscribe

mod code;
mod command;
mod incoming;
mod mark;
mod packet;
mod pages;

use alloc::vec::Vec;

use self::{code::Code, mark::Mark, pages::Pages};
use crate::{
    config::{Limit, RateLimit},
    event::{Connect, Event, EventKind, Position, Rejoin},
    ids::{ClientId, Topic, UserId},
    outbound::{
        Answer, Body, BroadcastMessage, Cause, HistoryPage, Outbound, Reply, RoomInfo, Target,
    },
    rate::RateLimiter,
    refusal::{Reason, Refusal},
};

pub use self::packet::Packet;

/// What the codec keeps of one socket.
#[derive(Debug, Clone)]
pub struct Connection {
    client_id: ClientId,
    user_id: UserId,
    /// The latest time that it was told.
    now_ms: u64,
    /// How many commands were marked.
    marked: u64,
    page_length: u64,
    rate: RateLimiter<()>,
    pages: Pages,
}

/// What is to be done with what has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "what has arrived is to be handed in or answered"]
#[expect(clippy::exhaustive_enums, reason = "a driver has to do what it says")]
pub enum Incoming {
    /// Hand it in.
    Event(Event),
    /// Send this back.
    Packet(Packet),
    /// Ignore it.
    Nothing,
}

impl Connection {
    /// A connection of a client that acts for a user.
    ///
    /// The id is one that nobody else can guess and everybody may see. The user is seen by all who
    /// get its messages, so it is not the token by which it was authenticated.
    pub fn new(client_id: impl Into<ClientId>, user_id: impl Into<UserId>) -> Self {
        Self {
            client_id: client_id.into(),
            user_id: user_id.into(),
            now_ms: 0,
            marked: 0,
            page_length: Limit::PageLength.default_value(),
            rate: RateLimiter::new(20, 60_000),
            pages: Pages::default(),
        }
    }

    /// Says how often it may ask for history; 20 times in 60 seconds unless this says otherwise. A
    /// request that is malformed or refused counts too.
    #[must_use]
    pub fn with_history_rate(mut self, rate: RateLimit) -> Self {
        self.rate = RateLimiter::new(rate.max_events, rate.window_ms);
        self
    }

    /// Says how long a page may be: one that is longer is cut, since the client knows no limit.
    /// [`Limit::PageLength`]'s default unless this says otherwise; a driver that changes the one
    /// changes the other.
    #[must_use]
    pub const fn with_page_length(mut self, messages: u64) -> Self {
        self.page_length = messages;
        self
    }

    /// Who is connected.
    #[must_use]
    pub const fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// Who it acts for.
    #[must_use]
    pub const fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// What to hand in before all else: without it, the client is not told of rooms that come and
    /// go before it joins one. If it is refused, the socket is to be refused.
    #[must_use = "it is to be handed in"]
    pub fn connect(&self, now_ms: u64) -> Event {
        Connect::new(&self.client_id, &self.user_id, now_ms).into()
    }

    /// What to send before all else: the client waits for it.
    #[must_use = "it is to be sent"]
    pub fn connected(&self) -> Packet {
        Packet::connected(&self.client_id, &self.user_id)
    }

    /// Makes the client a member again of rooms in which it was, each with the position up to which
    /// it has received, if that is known.
    #[must_use = "they are to be handed in"]
    pub fn restore<T: Into<Topic>>(
        &self,
        rooms: impl IntoIterator<Item = (T, Option<Position>)>,
        now_ms: u64,
    ) -> Vec<Event> {
        let rejoin = |(topic, since): (T, Option<Position>)| {
            let mut rejoin = Rejoin::new(&self.client_id, topic, &self.user_id, now_ms);
            rejoin.since = since;
            rejoin.into()
        };
        rooms.into_iter().map(rejoin).collect()
    }

    /// What the client is told of an outbound message that is for it alone: replies, pages, pushes.
    ///
    /// Nothing of what is for others, and of what [`shared`] encodes for all. Pages of one room and
    /// event come in the order in which they were asked for, since the client can't tell them apart;
    /// one that has not come five seconds after it was asked for, by the times that
    /// [`Connection::event`] was told, is not waited for, and not sent when it comes.
    #[must_use = "it is to be sent"]
    pub fn outgoing(&mut self, outbound: &Outbound) -> Vec<Packet> {
        let packet = match outbound {
            Outbound::Reply(reply) => self.answer(reply),
            Outbound::PushMessage(push) if push.client_id == self.client_id => {
                Some(Packet::push(push))
            }
            Outbound::History(page) => self.page(page),
            Outbound::PushMessage(_)
            | Outbound::BroadcastMessage(_)
            | Outbound::PresenceState(_)
            | Outbound::PresenceDiff(_)
            | Outbound::Evicted(_)
            | Outbound::RoomOpened(_)
            | Outbound::RoomClosed(_)
            | Outbound::Closed(_)
            | Outbound::Disconnect(_)
            | Outbound::System(_) => None,
        };
        let mut packets = self.pages.ready(self.now_ms);
        packets.extend(packet);
        packets
    }

    fn answer(&mut self, reply: &Reply) -> Option<Packet> {
        let Reply { to, client_id, topic, result, .. } = reply;
        if client_id.as_ref() != Some(&self.client_id) {
            return None;
        }
        match (to, result) {
            (EventKind::Join, Ok(Body::Joined { name, .. } | Body::Rejoined { name, .. })) => {
                Some(Packet::joined(topic.as_ref()?, name.as_deref()))
            }
            (EventKind::Leave, Ok(_)) => {
                let topic = topic.as_ref()?;
                self.pages.left(topic);
                Some(Packet::left(topic))
            }
            (EventKind::Query, Ok(Body::Answer(Answer::Rooms(rooms)))) => {
                Mark::of(reply.reference.as_ref()).map(|_| Packet::rooms(rooms))
            }
            (EventKind::Rejoin, Err(refusal)) => not_restored(topic.as_ref()?, refusal),
            (_, Err(refusal)) => self.refused(reply, refusal),
            (_, Ok(_)) => None,
        }
    }

    /// The error of a command that has errors, if this connection has sent it and still waits.
    fn refused(&mut self, reply: &Reply, refusal: &Refusal) -> Option<Packet> {
        let Reply { to, reference, .. } = reply;
        let waits = match (*to, Mark::of(reference.as_ref())) {
            (EventKind::Broadcast, None) => reference.is_none(),
            (
                EventKind::Join | EventKind::OpenRoom | EventKind::CloseRoom | EventKind::History,
                Some(mark),
            ) => {
                self.pages.refused(mark);
                !mark.is_late(self.now_ms)
            }
            (_, _) => false,
        };
        waits.then(|| Packet::error(Code::of(*to, refusal), refusal))
    }

    /// A page that may be sent at once.
    fn page(&mut self, page: &HistoryPage) -> Option<Packet> {
        let HistoryPage { client_id, reference, .. } = page;
        if *client_id != self.client_id {
            return None;
        }
        let Some(reference) = reference else { return Some(Packet::history(page)) };
        let mark = Mark::of(Some(reference)).filter(|mark| !mark.is_late(self.now_ms))?;
        self.pages.answer(mark, Packet::history_response(page))
    }
}

/// The list of these rooms as any client is told it, for a driver that makes one list for all.
#[must_use = "it is to be sent"]
pub fn rooms(rooms: &[RoomInfo]) -> Packet {
    Packet::rooms(rooms)
}

/// What everyone is told who receives an outbound message, encoded once: a broadcast, a room that
/// comes or goes, the end of memberships. It goes to the `recipients` of the message, in their order.
///
/// None for what is for one client, and for what Dialogue does not know.
#[must_use = "it is to be sent"]
pub fn shared(outbound: &Outbound) -> Option<Packet> {
    match outbound {
        Outbound::BroadcastMessage(message) => Some(match &message.target {
            Target::Topic { topic, position: _ } => Packet::event(topic, message),
            Target::Published(_) => {
                let BroadcastMessage { event, payload, .. } = message;
                Packet::raw(event, payload)
            }
        }),
        Outbound::RoomOpened(notice) => Some(Packet::room_created(&notice.info)),
        Outbound::RoomClosed(notice) => Some(Packet::room_deleted(&notice.info.topic)),
        Outbound::Closed(closed) => match closed.cause {
            Cause::Kicked | Cause::Expired => Some(Packet::left(&closed.topic)),
            // Of a room that closes, everyone is told; who has no connection hears nothing; and a
            // crash ends no membership that can be restored.
            Cause::Crashed | Cause::RoomClosed | Cause::Disconnected => None,
        },
        Outbound::Reply(_)
        | Outbound::PushMessage(_)
        | Outbound::PresenceState(_)
        | Outbound::PresenceDiff(_)
        | Outbound::History(_)
        | Outbound::Evicted(_)
        | Outbound::Disconnect(_)
        | Outbound::System(_) => None,
    }
}

/// What the client is told where it is a member no more. It has not asked, so it is no error; and
/// of a crashed channel nothing, since that is to be restored later.
fn not_restored(topic: &Topic, refusal: &Refusal) -> Option<Packet> {
    let reason = refusal.reason();
    if reason == Reason::UnknownTopic {
        return Some(Packet::room_deleted(topic));
    }
    (reason != Reason::Crashed).then(|| Packet::left(topic))
}
