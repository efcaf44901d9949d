//! What goes into a channel: the events, their fields and their JSON form.
//!
//! One object a line, externally tagged: `{"leave":{"client_id":"c1","topic":"room:1"}}`. Optional
//! fields may be absent, `null` reads as absent (but for a payload, where it is a value), and an
//! unknown field is an error that names it. Whether names and sizes are acceptable is decided in
//! [`Channel::handle`](crate::Channel::handle): reading an event never refuses it for its content.

mod connection;
mod membership;
mod messaging;
mod publish;
mod recall;
mod room;

use alloc::{boxed::Box, string::String};
use core::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::{
    ids::{ClientId, Ref, Topic},
    object::fields,
};

pub use self::{
    connection::{Connect, Disconnect, Grace, Kick, Refuse, Tick},
    membership::{Join, Leave, Position, Rejoin},
    messaging::{Audience, Broadcast, Push},
    publish::{Address, Publish},
    recall::{History, Query, Question},
    room::{
        AddToGroup, CloseRoom, OpenRoom, RemoveFromGroup, Subscribe, Track, Unsubscribe, Untrack,
    },
};

/// The setters that several events have in common.
macro_rules! setters {
    ($event:ident: $($setter:ident)+) => {
        impl $event {
            $(setters! { @$setter })+
        }
    };
    (@with_meta) => {
        /// Sets `meta`.
        #[must_use]
        pub fn with_meta(mut self, meta: Json) -> Self {
            self.meta = Some(meta);
            self
        }
    };
    (@with_params) => {
        /// Sets what is for whoever decides about joins.
        #[must_use]
        pub fn with_params(mut self, params: Json) -> Self {
            self.params = Some(params);
            self
        }
    };
    (@with_id) => {
        /// Sets the sender's own id for the message.
        #[must_use]
        pub fn with_id(mut self, id: impl Into<MessageId>) -> Self {
            self.id = Some(id.into());
            self
        }
    };
    (@with_ref) => {
        /// Sets the mark that the reply gives back.
        #[must_use]
        pub fn with_ref(mut self, reference: impl Into<Ref>) -> Self {
            self.reference = Some(reference.into());
            self
        }
    };
}

use setters;

/// One thing that happened, for a channel to handle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A client asks to become a member of a topic.
    #[serde(deserialize_with = "fields")]
    Join(Join),
    /// A client comes back to a topic, perhaps with a position up to which it has received.
    #[serde(deserialize_with = "fields")]
    Rejoin(Rejoin),
    /// A member goes of its own accord.
    #[serde(deserialize_with = "fields")]
    Leave(Leave),
    /// A member sends a message to its topic.
    #[serde(deserialize_with = "fields")]
    Broadcast(Broadcast),
    /// The server sends a message to one member.
    #[serde(deserialize_with = "fields")]
    Push(Push),
    /// What drove the channel has failed: every membership ends, and nobody may enter.
    #[serde(deserialize_with = "fields")]
    Crash(Crash),
    /// What drove the channel is back: clients may enter again.
    Restart,
    /// A client is there, before it joins anything.
    #[serde(deserialize_with = "fields")]
    Connect(Connect),
    /// The connection of a client is lost; [`Grace`] says whether what it has is held.
    #[serde(deserialize_with = "fields")]
    Disconnect(Disconnect),
    /// A member wants to hear messages of a name.
    #[serde(deserialize_with = "fields")]
    Subscribe(Subscribe),
    /// A member does not want to hear messages of a name.
    #[serde(deserialize_with = "fields")]
    Unsubscribe(Unsubscribe),
    /// A client shows that it is present, or shows something else.
    #[serde(deserialize_with = "fields")]
    Track(Track),
    /// A client is not to be shown as present.
    #[serde(deserialize_with = "fields")]
    Untrack(Untrack),
    /// A room is made before anybody joins it.
    #[serde(deserialize_with = "fields")]
    OpenRoom(OpenRoom),
    /// A room goes with all who are in it.
    #[serde(deserialize_with = "fields")]
    CloseRoom(CloseRoom),
    /// A client asks for a page of a topic's history.
    #[serde(deserialize_with = "fields")]
    History(History),
    /// Somebody asks what there is. Always gets a reply.
    #[serde(deserialize_with = "fields")]
    Query(Query),
    /// The server sends a message: to a topic, a group, a user, a client or everyone.
    #[serde(deserialize_with = "fields")]
    Publish(Box<Publish>),
    /// The server puts a client out.
    #[serde(deserialize_with = "fields")]
    Kick(Kick),
    /// Topics become part of a group.
    #[serde(deserialize_with = "fields")]
    AddToGroup(AddToGroup),
    /// Topics are no part of a group.
    #[serde(deserialize_with = "fields")]
    RemoveFromGroup(RemoveFromGroup),
    /// What was decided against before it went in: the sender gets the reply.
    #[serde(deserialize_with = "fields")]
    Refuse(Refuse),
    /// Time has passed: what is due happens.
    #[serde(deserialize_with = "fields")]
    Tick(Tick),
}

impl Event {
    /// A crash for `reason`: [`Event::Crash`].
    pub fn crash(reason: impl Into<String>) -> Self {
        Self::Crash(Crash { reason: reason.into() })
    }

    /// Which event this is.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::Join(_) => EventKind::Join,
            Self::Rejoin(_) => EventKind::Rejoin,
            Self::Leave(_) => EventKind::Leave,
            Self::Broadcast(_) => EventKind::Broadcast,
            Self::Push(_) => EventKind::Push,
            Self::Crash(_) => EventKind::Crash,
            Self::Restart => EventKind::Restart,
            Self::Connect(_) => EventKind::Connect,
            Self::Disconnect(_) => EventKind::Disconnect,
            Self::Subscribe(_) => EventKind::Subscribe,
            Self::Unsubscribe(_) => EventKind::Unsubscribe,
            Self::Track(_) => EventKind::Track,
            Self::Untrack(_) => EventKind::Untrack,
            Self::OpenRoom(_) => EventKind::OpenRoom,
            Self::CloseRoom(_) => EventKind::CloseRoom,
            Self::History(_) => EventKind::History,
            Self::Query(_) => EventKind::Query,
            Self::Publish(_) => EventKind::Publish,
            Self::Kick(_) => EventKind::Kick,
            Self::AddToGroup(_) => EventKind::AddToGroup,
            Self::RemoveFromGroup(_) => EventKind::RemoveFromGroup,
            Self::Refuse(_) => EventKind::Refuse,
            Self::Tick(_) => EventKind::Tick,
        }
    }

    /// The name of its kind, as it stands in JSON: [`EventKind::label`].
    #[must_use]
    pub const fn label(&self) -> &'static str {
        self.kind().label()
    }

    /// What a reply to it repeats.
    pub(crate) fn header(&self) -> Header<'_> {
        let (sender, topic, reference) = match self {
            Self::Join(Join { client_id, topic, reference, .. })
            | Self::Rejoin(Rejoin { client_id, topic, reference, .. })
            | Self::Leave(Leave { client_id, topic, reference })
            | Self::Broadcast(Broadcast { client_id, topic, reference, .. })
            | Self::Subscribe(Subscribe { client_id, topic, reference, .. })
            | Self::Unsubscribe(Unsubscribe { client_id, topic, reference, .. })
            | Self::Track(Track { client_id, topic, reference, .. })
            | Self::Untrack(Untrack { client_id, topic, reference })
            | Self::History(History { client_id, topic, reference, .. }) => {
                (Some(client_id), Some(topic), reference)
            }
            Self::Push(Push { topic, reference, .. }) => (None, Some(topic), reference),
            Self::Publish(publish) => (None, publish.target.topic(), &publish.reference),
            Self::Connect(Connect { client_id, reference, .. }) => {
                (Some(client_id), None, reference)
            }
            Self::OpenRoom(OpenRoom { topic, by, reference, .. })
            | Self::CloseRoom(CloseRoom { topic, by, reference }) => {
                (by.as_ref(), Some(topic), reference)
            }
            Self::Query(Query { topic, client_id, reference, .. }) => {
                (client_id.as_ref(), topic.as_ref(), reference)
            }
            Self::Kick(Kick { topic, reference, .. }) => (None, topic.as_ref(), reference),
            Self::AddToGroup(AddToGroup { reference, .. })
            | Self::RemoveFromGroup(RemoveFromGroup { reference, .. }) => (None, None, reference),
            Self::Refuse(Refuse { client_id, topic, reference, .. }) => {
                (Some(client_id), topic.as_ref(), reference)
            }
            Self::Crash(_) | Self::Restart | Self::Disconnect(_) | Self::Tick(_) => {
                (None, None, &None)
            }
        };
        let kind = if let Self::Refuse(refuse) = self { refuse.to } else { self.kind() };
        Header { kind, sender, topic, reference: reference.as_ref() }
    }

    /// The time that it tells, in milliseconds.
    pub(crate) const fn now_ms(&self) -> Option<u64> {
        match self {
            Self::Join(Join { now_ms, .. })
            | Self::Rejoin(Rejoin { now_ms, .. })
            | Self::Connect(Connect { now_ms, .. })
            | Self::Disconnect(Disconnect { now_ms, .. })
            | Self::Tick(Tick { now_ms }) => Some(*now_ms),
            Self::Leave(_)
            | Self::Broadcast(_)
            | Self::Push(_)
            | Self::Crash(_)
            | Self::Restart
            | Self::Subscribe(_)
            | Self::Unsubscribe(_)
            | Self::Track(_)
            | Self::Untrack(_)
            | Self::OpenRoom(_)
            | Self::CloseRoom(_)
            | Self::History(_)
            | Self::Query(_)
            | Self::Publish(_)
            | Self::Kick(_)
            | Self::AddToGroup(_)
            | Self::RemoveFromGroup(_)
            | Self::Refuse(_) => None,
        }
    }
}

/// What a reply repeats of its event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header<'a> {
    pub(crate) kind: EventKind,
    /// The client that sent it; none if the server did.
    pub(crate) sender: Option<&'a ClientId>,
    pub(crate) topic: Option<&'a Topic>,
    pub(crate) reference: Option<&'a Ref>,
}

/// The kinds of [`Event`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// [`Event::Join`]
    Join,
    /// [`Event::Rejoin`]
    Rejoin,
    /// [`Event::Leave`]
    Leave,
    /// [`Event::Broadcast`]
    Broadcast,
    /// [`Event::Push`]
    Push,
    /// [`Event::Crash`]
    Crash,
    /// [`Event::Restart`]
    Restart,
    /// [`Event::Connect`]
    Connect,
    /// [`Event::Disconnect`]
    Disconnect,
    /// [`Event::Subscribe`]
    Subscribe,
    /// [`Event::Unsubscribe`]
    Unsubscribe,
    /// [`Event::Track`]
    Track,
    /// [`Event::Untrack`]
    Untrack,
    /// [`Event::OpenRoom`]
    OpenRoom,
    /// [`Event::CloseRoom`]
    CloseRoom,
    /// [`Event::History`]
    History,
    /// [`Event::Query`]
    Query,
    /// [`Event::Publish`]
    Publish,
    /// [`Event::Kick`]
    Kick,
    /// [`Event::AddToGroup`]
    AddToGroup,
    /// [`Event::RemoveFromGroup`]
    RemoveFromGroup,
    /// [`Event::Refuse`]
    Refuse,
    /// [`Event::Tick`]
    Tick,
}

impl EventKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 23] = [
        Self::Join,
        Self::Rejoin,
        Self::Leave,
        Self::Broadcast,
        Self::Push,
        Self::Crash,
        Self::Restart,
        Self::Connect,
        Self::Disconnect,
        Self::Subscribe,
        Self::Unsubscribe,
        Self::Track,
        Self::Untrack,
        Self::OpenRoom,
        Self::CloseRoom,
        Self::History,
        Self::Query,
        Self::Publish,
        Self::Kick,
        Self::AddToGroup,
        Self::RemoveFromGroup,
        Self::Refuse,
        Self::Tick,
    ];

    /// A stable name in `snake_case`, the tag of its JSON form.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Rejoin => "rejoin",
            Self::Leave => "leave",
            Self::Broadcast => "broadcast",
            Self::Push => "push",
            Self::Crash => "crash",
            Self::Restart => "restart",
            Self::Connect => "connect",
            Self::Disconnect => "disconnect",
            Self::Subscribe => "subscribe",
            Self::Unsubscribe => "unsubscribe",
            Self::Track => "track",
            Self::Untrack => "untrack",
            Self::OpenRoom => "open_room",
            Self::CloseRoom => "close_room",
            Self::History => "history",
            Self::Query => "query",
            Self::Publish => "publish",
            Self::Kick => "kick",
            Self::AddToGroup => "add_to_group",
            Self::RemoveFromGroup => "remove_from_group",
            Self::Refuse => "refuse",
            Self::Tick => "tick",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.label())
    }
}

/// Puts struct events into the enum, so that `channel.handle(Join::new(…).into())` does.
macro_rules! into_event {
    ($($name:ident)+) => {$(
        impl From<$name> for Event {
            fn from(event: $name) -> Self {
                Self::$name(event)
            }
        }
    )+};
}

into_event! {
    Join Rejoin Leave Broadcast Push Crash Connect Disconnect Subscribe Unsubscribe Track Untrack OpenRoom CloseRoom History Query Kick AddToGroup RemoveFromGroup Refuse Tick
}

impl From<Publish> for Event {
    fn from(publish: Publish) -> Self {
        Self::Publish(Box::new(publish))
    }
}

/// What drove the channel has failed; see [`Event::Crash`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Crash {
    /// Why; shown in the `system` message.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn check(line: &str, expected: &str) {
        let refused = serde_json::from_str::<Event>(line).unwrap_err();
        assert_eq!(refused.to_string(), expected, "{line}");
    }

    #[test]
    fn the_fields_of_an_event_stand_in_an_object() {
        check(
            r#"{"leave":["c1","room:1"]}"#,
            "invalid type: sequence, expected an object of fields at line 1 column 9",
        );
        check(
            r#"{"crash":"boom"}"#,
            "invalid type: string \"boom\", expected an object of fields at line 1 column 15",
        );
        check(
            r#"{"open_room":{"topic":"room:1","config":[]}}"#,
            "invalid type: sequence, expected an object of fields at line 1 column 40",
        );
        check(
            r#"{"rejoin":{"since":[[null,1,41]]}}"#,
            "invalid type: sequence, expected a position, {\"epoch\":…,\"offset\":…} at line 1 column 19",
        );
    }

    #[test]
    fn what_is_wrong_with_fields_together_has_a_position() {
        check(
            r#"{"broadcast":{"client_id":"c1","topic":"room:1"}}"#,
            "missing field `payload` (or `payload_base64`) at line 1 column 48",
        );
    }
}
