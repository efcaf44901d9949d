//! About how much memory something takes that waits for a connection.

use axum::extract::ws::Message;
use parlor::{Answer, Body, Entries, Outbound, Payload, Reply, RoomInfo};

use super::Item;

/// What an item takes beside what it carries.
const HEAD: usize = 128;

/// About how many bytes something holds.
pub(super) fn size_of(item: &Item) -> usize {
    match item {
        Item::Frame(Message::Text(text)) => HEAD + text.as_str().len(),
        Item::Frame(Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes)) => {
            HEAD + bytes.len()
        }
        Item::Frame(Message::Close(_)) | Item::Restarted(_) | Item::Interrupted(_) => HEAD,
        Item::Told(told) => HEAD + told.text.len(),
        Item::Outbound(outbound) => size_of_outbound(outbound),
        Item::Missed(outbound) => size_of_outbound(outbound),
        Item::State(pieces) => HEAD + bytes_of_list(&pieces.state().entries),
    }
}

/// The same of what is encoded by its connection.
pub(super) fn size_of_outbound(outbound: &Outbound) -> usize {
    HEAD + match outbound {
        Outbound::PushMessage(push) => bytes_of(&push.payload),
        Outbound::BroadcastMessage(message) => bytes_of(&message.payload),
        Outbound::PresenceState(state) => bytes_of_list(&state.entries),
        Outbound::History(page) => {
            page.messages.iter().map(|message| HEAD + bytes_of(&message.payload)).sum()
        }
        Outbound::Reply(Reply { result: Ok(Body::Answer(Answer::Rooms(rooms))), .. }) => {
            rooms.iter().map(|room| HEAD + bytes_of_room(room)).sum()
        }
        Outbound::PresenceDiff(_)
        | Outbound::Reply(_)
        | Outbound::Evicted(_)
        | Outbound::RoomOpened(_)
        | Outbound::RoomClosed(_)
        | Outbound::Closed(_)
        | Outbound::Disconnect(_)
        | Outbound::System(_) => 0,
    }
}

/// The texts of a room, which are its own in each list.
fn bytes_of_room(room: &RoomInfo) -> usize {
    room.name.as_ref().map_or(0, String::len) + room.description.as_ref().map_or(0, String::len)
}

fn bytes_of_list(entries: &Entries) -> usize {
    usize::try_from(entries.encoded_bytes()).unwrap_or(usize::MAX)
}

fn bytes_of(payload: &Payload) -> usize {
    match payload {
        Payload::Json(json) => json.as_str().len(),
        Payload::Bytes(bytes) => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_list_of_rooms_has_the_size_of_its_rooms() {
        let mut channel = parlor::Channel::single_node(parlor::Config::default());
        for room in 0..9 {
            channel.handle(parlor::Join::new("c1", format!("room:{room}"), "ann", 0).into());
        }
        drop(channel.flush_outbox());
        let rooms = parlor::Query::new(parlor::Question::Rooms).with_client("c1").with_ref("1");
        channel.handle(rooms.into());
        let reply = channel.flush_outbox().into_iter().next().unwrap();
        assert!(size_of(&Item::Outbound(Arc::new(reply))) >= 9 * 128);
    }
}
