//! What is known of one connection, and what its client's frames mean.

use alloc::{boxed::Box, collections::BTreeMap};

use serde::Deserialize;

use super::{
    HEARTBEATS, OWN_TOPIC,
    frame::{Frame, Frames},
    position::GivenPosition,
    pushes::{self, Sender},
    read::{self, Malformed, Received},
    token::{Marks, Token},
    write::{self, Status},
};
use crate::{
    event::{Event, Leave, Position, Rejoin},
    ids::{ClientId, Topic, UserId},
    payload::{Json, Payload, explain},
    refusal::Refusal,
};

/// The push by which Supabase's clients renew their token. It is answered here, so that the token
/// reaches neither a room nor a journal; the channel refuses the name too.
const ACCESS_TOKEN: &str = "access_token";

/// The state of one connection: whose it is, and which topics it has joined, with which refs.
///
/// It reads what the client sends ([`text`](Self::text), [`binary`](Self::binary)) and writes what
/// is for it alone ([`outgoing`](Self::outgoing)).
///
/// The topic `parlor` ([`OWN_TOPIC`]) is the connection's own: joining it is answered here, no room
/// is made, and what belongs to no topic arrives there.
#[derive(Debug, Clone)]
pub struct Connection {
    pub(super) client_id: ClientId,
    pub(super) user_id: UserId,
    max_topics: usize,
    /// Invariant: no seat is empty.
    /// In boxes: most connections have one, and a map takes room for eleven at once.
    pub(super) seats: BTreeMap<Topic, Box<Seat>>,
}

/// What a connection has of one topic.
#[derive(Debug, Clone, Default)]
pub(super) struct Seat {
    /// The join by which it is a member.
    pub(super) joined: Option<JoinRefs>,
    /// The last join that was not answered yet.
    pub(super) pending: Option<JoinRefs>,
}

/// The refs of a join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JoinRefs {
    pub(super) join_ref: Token,
    pub(super) reference: Token,
}

impl JoinRefs {
    /// The `join_ref` of all that is sent under this join but its own reply and its end.
    pub(super) fn mark(&self) -> &Token {
        if self.join_ref.is_null() { &self.reference } else { &self.join_ref }
    }
}

/// What a frame of a client means.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver has to do what it says")]
pub enum Incoming {
    /// It is an event, to be handed in; its reply comes by [`Connection::outgoing`].
    Event(Event),
    /// It needs no event: this is the answer.
    Answer(Frames),
    /// It is not for any join that is alive, and is to be passed over in silence.
    Nothing,
}

impl Connection {
    /// How many topics a connection can join if nobody says otherwise.
    pub const DEFAULT_MAX_TOPICS: usize = 100;

    /// A connection of that client, which has joined nothing.
    pub fn new(client_id: impl Into<ClientId>, user_id: impl Into<UserId>) -> Self {
        Self {
            client_id: client_id.into(),
            user_id: user_id.into(),
            max_topics: Self::DEFAULT_MAX_TOPICS,
            seats: BTreeMap::new(),
        }
    }

    /// Bounds how many topics it can join; one more is refused with `too many channels joined`.
    #[must_use]
    pub const fn with_max_topics(mut self, max_topics: usize) -> Self {
        self.max_topics = max_topics;
        self
    }

    /// Whose it is.
    #[must_use]
    pub const fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// Who its client acts for.
    #[must_use]
    pub const fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// The topics that it has joined, in the order of their names.
    pub fn topics(&self) -> impl Iterator<Item = &Topic> {
        let joined = self.seats.iter().filter(|(_, seat)| seat.joined.is_some());
        joined.map(|(topic, _)| topic)
    }

    /// Reads a text frame that came at `now_ms`.
    ///
    /// # Errors
    ///
    /// What is no frame of the protocol: the connection is to be closed.
    pub fn text(&mut self, frame: &str, now_ms: u64) -> Result<Incoming, Malformed> {
        read::text(frame).map(|received| self.receive(received, now_ms))
    }

    /// Reads a binary frame that came at `now_ms`.
    ///
    /// # Errors
    ///
    /// What is no frame of the protocol: the connection is to be closed.
    pub fn binary(&mut self, frame: &[u8], now_ms: u64) -> Result<Incoming, Malformed> {
        read::binary(frame).map(|received| self.receive(received, now_ms))
    }

    fn receive(&mut self, received: Received, now_ms: u64) -> Incoming {
        let event = received.event.as_str();
        match received.topic.as_str() {
            HEARTBEATS if event == "heartbeat" => ok(Token::null(), &received),
            HEARTBEATS => unmatched(&received),
            OWN_TOPIC if event == "phx_join" => self.join_own(&received),
            OWN_TOPIC if event == "phx_leave" => self.leave_own(&received),
            OWN_TOPIC if !pushes::is_about_rooms(&received.event) => unmatched(&received),
            _ if event == "phx_join" => self.join(received, now_ms),
            _ => self.other(received),
        }
    }

    fn join(&mut self, received: Received, now_ms: u64) -> Incoming {
        let Received { join_ref, reference, topic, event: _, payload } = &received;
        let marks = || Marks::new(join_ref.clone(), reference.clone());
        if !self.seats.contains_key(topic) && self.seats.len() >= self.max_topics {
            return too_many(&marks(), topic);
        }
        let params = match payload {
            Payload::Json(json) => json,
            Payload::Bytes(_) => {
                let message = "params are bytes, expected JSON".into();
                return refused(&marks(), topic, &Refusal::InvalidRequest { message });
            }
        };
        let Params { meta, since } = match Params::read(params) {
            Ok(read) => read,
            Err(refusal) => return refused(&marks(), topic, &refusal),
        };

        let (client_id, user_id) = (self.client_id.clone(), self.user_id.clone());
        let mut rejoin = Rejoin::new(client_id, topic, user_id, now_ms).with_ref(marks().pack());
        rejoin.meta = meta;
        rejoin.since = since.map(Position::from);
        rejoin.params = Some(params.clone());
        let Received { join_ref, reference, topic, .. } = received;
        self.seats.entry(topic).or_default().pending = Some(JoinRefs { join_ref, reference });
        Incoming::Event(rejoin.into())
    }

    /// A frame that belongs to a join, if to any.
    fn other(&self, received: Received) -> Incoming {
        let Received { join_ref, reference, topic, event, payload: _ } = &received;
        let is_leave = event == "phx_leave";
        let current = self.seats.get(topic).and_then(|seat| seat.current());
        let join_ref = match current {
            Some(join) if !join_ref.is_null() && !join_ref.means(&join.join_ref) => {
                return Incoming::Nothing;
            }
            Some(join) => join.mark().clone(),
            // Where nothing is joined, only the reply to a leave repeats what it came with.
            None if is_leave => join_ref.clone(),
            None => Token::null(),
        };
        let marks = Marks::new(join_ref, reference.clone());
        if is_leave {
            let leave = Leave::new(&self.client_id, topic).with_ref(marks.pack());
            return Incoming::Event(leave.into());
        }
        if event == ACCESS_TOKEN {
            return if current.is_some() {
                ok(marks.join_ref, &received)
            } else {
                unmatched(&received)
            };
        }
        let topic = topic.clone();
        match pushes::event(Sender { client_id: &self.client_id }, received, &marks) {
            Ok(event) => Incoming::Event(event),
            Err(refusal) => refused(&marks, &topic, &refusal),
        }
    }

    fn join_own(&mut self, received: &Received) -> Incoming {
        let Received { join_ref, reference, topic, .. } = received;
        let marks = Marks::new(join_ref.clone(), reference.clone());
        if !self.seats.contains_key(topic) && self.seats.len() >= self.max_topics {
            return too_many(&marks, topic);
        }
        let refs = JoinRefs { join_ref: join_ref.clone(), reference: reference.clone() };
        let earlier = self.seats.entry(topic.clone()).or_default().joined.replace(refs);
        let reply = write::reply(&marks, OWN_TOPIC, Status::Ok, 2, |out| out.push_str("{}"));
        let close = earlier.map(|earlier| close(&earlier, topic));
        Incoming::Answer(Frames::with(reply, close))
    }

    fn leave_own(&mut self, received: &Received) -> Incoming {
        let joined = self.seats.get(OWN_TOPIC).and_then(|seat| seat.current());
        let Some(join) = joined else {
            return ok(received.join_ref.clone(), received);
        };
        if !received.join_ref.is_null() && !received.join_ref.means(&join.join_ref) {
            return Incoming::Nothing;
        }
        let marks = Marks::new(join.mark().clone(), received.reference.clone());
        let reply = write::reply(&marks, OWN_TOPIC, Status::Ok, 2, |out| out.push_str("{}"));
        let close = close(join, &received.topic);
        self.seats.remove(OWN_TOPIC);
        Incoming::Answer(Frames::with(reply, Some(close)))
    }
}

impl Seat {
    /// The join that frames of the client belong to.
    fn current(&self) -> Option<&JoinRefs> {
        self.pending.as_ref().or(self.joined.as_ref())
    }
}

/// `phx_close` of a join that has ended as its client wanted.
pub(super) fn close(join: &JoinRefs, topic: &Topic) -> Frame {
    write::ending(&join.join_ref, topic.as_str(), "phx_close", |out| out.push_str("{}"))
}

fn ok(join_ref: Token, received: &Received) -> Incoming {
    let marks = Marks::new(join_ref, received.reference.clone());
    let topic = received.topic.as_str();
    let frame = write::reply(&marks, topic, Status::Ok, 2, |out| out.push_str("{}"));
    Incoming::Answer(Frames::one(frame))
}

fn unmatched(received: &Received) -> Incoming {
    let frame = unmatched_topic(received.reference.clone(), received.topic.as_str());
    Incoming::Answer(Frames::one(frame))
}

/// The reply to what is about a topic that is not there; it repeats no `join_ref`.
pub(super) fn unmatched_topic(reference: Token, topic: &str) -> Frame {
    reason(&Marks::new(Token::null(), reference), topic, "unmatched topic")
}

fn too_many(marks: &Marks, topic: &Topic) -> Incoming {
    Incoming::Answer(Frames::one(reason(marks, topic.as_str(), "too many channels joined")))
}

fn reason(marks: &Marks, topic: &str, reason: &str) -> Frame {
    write::reply(marks, topic, Status::Error, reason.len(), |out| {
        out.push_str("{\"reason\":");
        write::quote(out, reason);
        out.push('}');
    })
}

fn refused(marks: &Marks, topic: &Topic, refusal: &Refusal) -> Incoming {
    Incoming::Answer(Frames::one(refusing(marks, topic.as_str(), refusal)))
}

/// The reply to what is refused.
pub(super) fn refusing(marks: &Marks, topic: &str, refusal: &Refusal) -> Frame {
    write::reply(marks, topic, Status::Error, 64, |out| write::json(out, refusal))
}

/// What is read of the params of a join, if they are an object.
#[derive(Debug, Default, Deserialize)]
struct Params {
    #[serde(default)]
    meta: Option<Json>,
    #[serde(default)]
    since: Option<GivenPosition>,
}

impl Params {
    fn read(params: &Json) -> Result<Self, Refusal> {
        if !params.as_str().starts_with('{') {
            return Ok(Self::default());
        }
        serde_json::from_str(params.as_str()).map_err(|error| {
            let message = alloc::format!("params: {}", explain(&error));
            Refusal::InvalidRequest { message }
        })
    }
}
