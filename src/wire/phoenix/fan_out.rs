//! What is the same for everyone who receives it, encoded once.

use super::{
    OWN_TOPIC,
    frame::{FieldTooLong, Frame},
    presence,
    write::{self, Head},
};
use crate::{
    outbound::{BroadcastMessage, Outbound, PresenceDiff, RoomInfo},
    payload::Payload,
};

/// Whether broadcasts say where they stand in their topic, in an element after the fifth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver knows which it asks for")]
pub enum Positions {
    /// They do. The npm client passes over it, and gives it to a `decode` of its user's.
    #[default]
    Sent,
    /// They do, and the same element says who has sent it and when, as pages of history do: `from`
    /// and `timestamp_ms`. What a payload says of its sender is only what the sender says.
    Signed,
    /// They don't: for clients that take five elements and no more.
    Withheld,
}

/// Encodes what is the same for everyone who receives it: once, whatever the number of recipients.
///
/// That is a message, a presence diff, and a room that opens or goes. Of all else it gives nothing:
/// that is for [`Connection::outgoing`](super::Connection::outgoing) of each recipient.
///
/// # Errors
///
/// A message of bytes makes a binary frame, whose topic and event have at most 255 bytes.
pub fn shared(outbound: &Outbound, positions: Positions) -> Result<Option<Frame>, FieldTooLong> {
    match outbound {
        Outbound::BroadcastMessage(message) => broadcast(message, positions).map(Some),
        Outbound::PresenceDiff(diff) => Ok(Some(presence_diff(diff))),
        Outbound::RoomOpened(notice) => Ok(Some(room("parlor:room_opened", &notice.info))),
        Outbound::RoomClosed(notice) => Ok(Some(room("parlor:room_closed", &notice.info))),
        Outbound::Reply(_)
        | Outbound::PushMessage(_)
        | Outbound::PresenceState(_)
        | Outbound::History(_)
        | Outbound::Evicted(_)
        | Outbound::LoadHistory(_)
        | Outbound::Closed(_)
        | Outbound::Disconnect(_)
        | Outbound::System(_) => Ok(None),
    }
}

const fn to_all<'a>(topic: &'a str, event: &'a str) -> Head<'a> {
    Head { join_ref: None, reference: None, topic, event }
}

fn broadcast(message: &BroadcastMessage, positions: Positions) -> Result<Frame, FieldTooLong> {
    let topic = message.topic().map_or(OWN_TOPIC, |topic| topic.as_str());
    let event = message.event.as_str();
    let json = match &message.payload {
        Payload::Json(json) => json.as_str(),
        Payload::Bytes(data) => return write::binary_broadcast(topic, event, data),
    };
    Ok(write::text(to_all(topic, event), json.len(), |out| {
        out.push_str(json);
        match (positions, message.position()) {
            (Positions::Sent, Some(position)) => {
                out.push(',');
                write::position(out, position);
            }
            (Positions::Signed, Some(position)) => {
                out.push(',');
                write::signature(out, position, &message.from, message.timestamp_ms);
            }
            (Positions::Sent | Positions::Signed, None) | (Positions::Withheld, _) => {}
        }
    }))
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
