//! What clients push: events by their reserved names, and messages by all others.

use alloc::{boxed::Box, format, string::String};

use serde::{Deserialize, de::DeserializeOwned};

use super::{OWN_TOPIC, position::GivenPosition, read::Received, token::Marks};
use crate::{
    config::RoomConfig,
    event::{
        Broadcast, CloseRoom, Event, History, OpenRoom, Position, Subscribe, Track, Unsubscribe,
        Untrack,
    },
    ids::{ClientId, EventName, Topic},
    object,
    payload::{Json, Payload, explain},
    refusal::Refusal,
};

/// Who pushes.
#[derive(Clone, Copy)]
pub(super) struct Sender<'a> {
    pub(super) client_id: &'a ClientId,
}

/// The event that a push is, or why it can't be one.
pub(super) fn event(
    sender: Sender<'_>,
    received: Received,
    marks: &Marks,
) -> Result<Event, Refusal> {
    let Received { join_ref: _, reference: _, topic, event, payload } = received;
    let (client_id, reference) = (sender.client_id, marks.pack());
    let name = event.as_str();
    Ok(match name {
        "parlor:track" => {
            let Tracked { meta } = read(name, &payload)?;
            let mut track = Track::new(client_id, topic).with_ref(reference);
            track.meta = meta;
            track.into()
        }
        "parlor:untrack" => {
            let Empty {} = read(name, &payload)?;
            Untrack::new(client_id, topic).with_ref(reference).into()
        }
        "parlor:subscribe" => {
            let Named { event } = read(name, &payload)?;
            Subscribe::new(client_id, topic, event).with_ref(reference).into()
        }
        "parlor:unsubscribe" => {
            let Named { event } = read(name, &payload)?;
            Unsubscribe::new(client_id, topic, event).with_ref(reference).into()
        }
        "parlor:history" => {
            let Page { event, before, start, end } = read(name, &payload)?;
            let (start, end) = (start.unwrap_or(0), end.unwrap_or(History::DEFAULT_END));
            let history = History::new(client_id, topic).with_page(start, end);
            let mut history = history.with_ref(reference);
            history.event = event;
            history.before = before.map(Position::from);
            history.into()
        }
        "parlor:open_room" => {
            let Opened { topic: other, config } = read(name, &payload)?;
            let (topic, marks) = elsewhere(name, topic, other, marks)?;
            let mut open = OpenRoom::new(topic).with_by(client_id).with_ref(marks.pack());
            open.config = config.map(Box::new);
            open.into()
        }
        "parlor:close_room" => {
            let Closed { topic: other } = read(name, &payload)?;
            let (topic, marks) = elsewhere(name, topic, other, marks)?;
            CloseRoom::new(topic).with_by(client_id).with_ref(marks.pack()).into()
        }
        _ => {
            let broadcast = Broadcast::new(client_id, topic, payload).with_event(event);
            broadcast.with_ref(reference).into()
        }
    })
}

/// Whether a push on [`OWN_TOPIC`] can be an event.
pub(super) fn is_about_rooms(event: &EventName) -> bool {
    matches!(event.as_str(), "parlor:open_room" | "parlor:close_room")
}

/// The topic that an event is about, and the marks of its reply, which goes where it came from.
fn elsewhere(
    name: &str,
    here: Topic,
    other: Option<Topic>,
    marks: &Marks,
) -> Result<(Topic, Marks), Refusal> {
    let marks = marks.clone();
    match other {
        Some(other) if other != here => Ok((other, Marks { topic: Some(here), ..marks })),
        None if here == OWN_TOPIC => {
            let message = format!("{name}: topic is absent, expected the room's");
            Err(Refusal::InvalidRequest { message })
        }
        Some(_) | None => Ok((here, marks)),
    }
}

fn read<T: DeserializeOwned>(name: &str, payload: &Payload) -> Result<T, Refusal> {
    let read = match payload {
        Payload::Json(json) => {
            let mut json = serde_json::Deserializer::from_str(json.as_str());
            object::fields(&mut json).map_err(|error| explain(&error))
        }
        Payload::Bytes(_) => Err(String::from("the payload is bytes, expected JSON")),
    };
    read.map_err(|what| Refusal::InvalidRequest { message: format!("{name}: {what}") })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Empty {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tracked {
    meta: Option<Json>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    event: EventName,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    event: Option<EventName>,
    before: Option<GivenPosition>,
    start: Option<u64>,
    end: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Opened {
    topic: Option<Topic>,
    #[serde(default, deserialize_with = "object::optional")]
    config: Option<RoomConfig>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Closed {
    topic: Option<Topic>,
}
