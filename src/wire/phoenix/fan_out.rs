//! What is the same for everyone who receives it, encoded once.

use alloc::string::String;

use super::{
    OWN_TOPIC,
    frame::{FieldTooLong, Frame, Frames},
    presence,
    write::{self, Head},
};
use crate::{
    event::Position,
    outbound::{BroadcastMessage, Outbound, PresenceDiff, RoomInfo},
    payload::Payload,
};

/// The event of the text frame that goes before a binary broadcast and says its position.
const POSITION: &str = "parlor:position";

/// Whether broadcasts carry their position in the topic.
///
/// A text broadcast has its position as a sixth element. A binary broadcast has no place for it, so
/// a text frame `[null,null,topic,"parlor:position",{…}]` goes right before it. npm's client ignores
/// both, and hands them to a `decode` hook. Clients that are strict about V2 accept five elements and
/// no more, so a connection gets positions only if it asked for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver knows which it asks for")]
pub enum Positions {
    /// Without positions: every frame has the five elements of V2.
    #[default]
    Withheld,
    /// With positions: `{epoch, offset}`.
    Sent,
    /// With positions that also name the sender and the time, as pages of history do:
    /// `{epoch, offset, from, timestamp_ms}`. The payload's word for its sender is only a claim.
    Signed,
}

/// Encodes a message that is the same for all of its recipients, once for all of them.
///
/// Returns one or two frames, to be sent in order, of a broadcast, a presence diff, and the notice of
/// a room that opens or closes. Returns `None` for any other outbound, which is encoded for each
/// recipient by [`Connection::outgoing`](super::Connection::outgoing).
///
/// # Errors
///
/// A message of bytes makes a binary frame, whose topic and event have at most 255 bytes.
pub fn shared(outbound: &Outbound, positions: Positions) -> Result<Option<Frames>, FieldTooLong> {
    let one = |frame| Ok(Some(Frames::one(frame)));
    match outbound {
        Outbound::BroadcastMessage(message) => broadcast(message, positions).map(Some),
        Outbound::PresenceDiff(diff) => one(presence_diff(diff)),
        Outbound::RoomOpened(notice) => one(room("parlor:room_opened", &notice.info)),
        Outbound::RoomClosed(notice) => one(room("parlor:room_closed", &notice.info)),
        Outbound::Reply(_)
        | Outbound::PushMessage(_)
        | Outbound::PresenceState(_)
        | Outbound::History(_)
        | Outbound::Evicted(_)
        | Outbound::Closed(_)
        | Outbound::Disconnect(_)
        | Outbound::System(_) => Ok(None),
    }
}

const fn to_all<'a>(topic: &'a str, event: &'a str) -> Head<'a> {
    Head { join_ref: None, reference: None, topic, event }
}

fn broadcast(message: &BroadcastMessage, positions: Positions) -> Result<Frames, FieldTooLong> {
    let topic = message.topic().map_or(OWN_TOPIC, |topic| topic.as_str());
    let event = message.event.as_str();
    let position = message.position().filter(|_| positions != Positions::Withheld);
    match &message.payload {
        Payload::Json(json) => {
            let json = json.as_str();
            Ok(Frames::one(write::text(to_all(topic, event), json.len(), |out| {
                out.push_str(json);
                if let Some(position) = position {
                    out.push(',');
                    place(out, message, position, positions);
                }
            })))
        }
        Payload::Bytes(data) => {
            let binary = write::binary_broadcast(topic, event, data)?;
            let Some(position) = position else { return Ok(Frames::one(binary)) };
            let before = write::text(to_all(topic, POSITION), 0, |out| {
                place(out, message, position, positions);
            });
            Ok(Frames::with(before, Some(binary)))
        }
    }
}

/// Writes the position of a message as the connection asked for it.
fn place(out: &mut String, message: &BroadcastMessage, position: Position, positions: Positions) {
    match positions {
        Positions::Signed => {
            write::signature(out, position, &message.from, message.timestamp_ms);
        }
        Positions::Sent | Positions::Withheld => write::position(out, position),
    }
}

fn presence_diff(message: &PresenceDiff) -> Frame {
    let PresenceDiff { topic, diff, timestamp_ms: _, recipients: _ } = message;
    let (joins, leaves) = (diff.joins(), diff.leaves());
    let size = (joins.len() + leaves.len()) * presence::META_SIZE;
    write::text(to_all(topic.as_str(), "presence_diff"), size, |out| {
        out.push_str("{\"joins\":");
        presence::keys(out, joins);
        out.push_str(",\"leaves\":");
        presence::keys(out, leaves);
        out.push('}');
    })
}

fn room(event: &str, info: &RoomInfo) -> Frame {
    write::text(to_all(OWN_TOPIC, event), 128, |out| write::json(out, info))
}
