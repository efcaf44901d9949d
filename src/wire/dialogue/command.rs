//! What the client says: the arguments of `dialogue:*` events, read and checked for their types.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Deserializer, de};

use crate::{
    event::History,
    ids::{EventName, Topic},
    object,
    payload::{Json, explain, null_is_a_value},
};

/// Of join, leave, subscribe to all and delete.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InRoom {
    pub(super) room_id: Topic,
}

/// Of subscribe and unsubscribe.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Subscription {
    pub(super) room_id: Topic,
    pub(super) event_name: EventName,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Trigger {
    pub(super) room_id: Topic,
    pub(super) event: EventName,
    #[serde(default, deserialize_with = "null_is_a_value")]
    pub(super) data: Option<Json>,
    pub(super) meta: Option<Json>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateRoom {
    pub(super) id: Topic,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) max_size: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GetHistory {
    pub(super) room_id: Topic,
    pub(super) event_name: Option<EventName>,
    start: Option<Index>,
    end: Option<Index>,
}

impl GetHistory {
    /// From where to where, of at most so many messages.
    pub(super) fn page(&self, length: u64) -> (u64, u64) {
        let start = self.start.as_ref().map_or(0, |Index(start)| *start);
        let end = self.end.as_ref().map_or(History::DEFAULT_END, |Index(end)| *end);
        (start, end.min(start.saturating_add(length)))
    }
}

/// A place in history: any number, since JavaScript has but one kind. Before the newest is the
/// newest.
struct Index(u64);

impl<'de> Deserialize<'de> for Index {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IndexVisitor;

        impl de::Visitor<'_> for IndexVisitor {
            type Value = Index;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_u64<E>(self, index: u64) -> Result<Index, E> {
                Ok(Index(index))
            }

            fn visit_i64<E>(self, index: i64) -> Result<Index, E> {
                Ok(Index(u64::try_from(index).unwrap_or(0)))
            }

            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a fraction is dropped, and what is out of range is the end of the range"
            )]
            fn visit_f64<E>(self, index: f64) -> Result<Index, E> {
                Ok(Index(index as u64))
            }
        }

        deserializer.deserialize_any(IndexVisitor)
    }
}

/// Reads an argument, or says what is wrong with it.
pub(super) fn read<'a, T: Deserialize<'a>>(argument: Option<&'a str>) -> Result<T, String> {
    let argument = argument.ok_or("got no argument")?;
    let mut deserializer = serde_json::Deserializer::from_str(argument);
    let read = object::fields(&mut deserializer);
    let read = read.and_then(|read| deserializer.end().map(|()| read));
    read.map_err(|error| explain(&error))
}

/// What JavaScript takes for something. What it does not is as good as absent.
pub(super) fn if_truthy(json: Option<Json>) -> Option<Json> {
    let json = json?;
    let is_falsy = match json.as_str() {
        "null" | "false" | "\"\"" => true,
        text => serde_json::from_str(text).is_ok_and(|number: f64| number == 0.0),
    };
    (!is_falsy).then_some(json)
}
