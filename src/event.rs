//! What goes into a channel: the events, their fields and their JSON form.
//!
//! One object a line, externally tagged: `{"leave":{"client_id":"c1","topic":"room:1"}}`. Optional
//! fields may be absent, `null` reads as absent (but for a payload, where it is a value), and an
//! unknown field is an error that names it. Whether names and sizes are acceptable is decided in
//! [`Channel::handle`](crate::Channel::handle): reading an event never refuses it for its content.

mod membership;
mod messaging;

use alloc::string::String;
use core::{fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::ids::{ClientId, Ref, Topic};

pub use self::{
    membership::{Join, Leave, NodePosition, Position, Rejoin, Since},
    messaging::{Audience, Broadcast, Push},
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
        }
    }

    /// The name of its kind, as it stands in JSON: [`EventKind::label`].
    #[must_use]
    pub const fn label(&self) -> &'static str {
        self.kind().label()
    }

    /// What a reply to it repeats.
    pub(crate) const fn header(&self) -> Header<'_> {
        let (sender, topic, reference) = match self {
            Self::Join(Join { client_id, topic, reference, .. })
            | Self::Rejoin(Rejoin { client_id, topic, reference, .. })
            | Self::Leave(Leave { client_id, topic, reference })
            | Self::Broadcast(Broadcast { client_id, topic, reference, .. }) => {
                (Some(client_id), Some(topic), reference.as_ref())
            }
            Self::Push(Push { topic, reference, .. }) => (None, Some(topic), reference.as_ref()),
            Self::Crash(_) | Self::Restart => (None, None, None),
        };
        Header { kind: self.kind(), sender, topic, reference }
    }

    /// The time that it tells, in milliseconds.
    pub(crate) const fn now_ms(&self) -> Option<u64> {
        match self {
            Self::Join(join) => Some(join.now_ms),
            Self::Rejoin(rejoin) => Some(rejoin.now_ms),
            Self::Leave(_)
            | Self::Broadcast(_)
            | Self::Push(_)
            | Self::Crash(_)
            | Self::Restart => None,
        }
    }
}

/// Reads the fields of an event from an object. What serde derives would take a list of them too,
/// and would tell no position for what is wrong with the fields taken together.
fn fields<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct FieldsVisitor<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> de::Visitor<'de> for FieldsVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of fields")
        }

        fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(de::value::MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_map(FieldsVisitor(PhantomData))
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
}

impl EventKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 7] = [
        Self::Join,
        Self::Rejoin,
        Self::Leave,
        Self::Broadcast,
        Self::Push,
        Self::Crash,
        Self::Restart,
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

into_event! { Join Rejoin Leave Broadcast Push Crash }

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
            r#"{"rejoin":{"since":[[null,1,41]]}}"#,
            "invalid type: sequence, expected an object of fields at line 1 column 20",
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
