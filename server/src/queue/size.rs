//! How much memory something takes that waits for a connection.
//!
//! What several queues share is counted in full by each of them: any of them may be the last that
//! holds it.

use std::mem;

use axum::extract::ws::Message;
use parlor::{
    Answer, Body, BroadcastMessage, HistoryPage, Json, Outbound, Payload, Reply, RoomInfo,
    StoredMessage,
};

use super::Item;

/// What an item takes beside what it carries: its place in the queue, and the counts of what is
/// shared.
const HEAD: usize = 128;

/// What an outbound message takes beside what its parts share.
const OUTBOUND: usize = HEAD + mem::size_of::<Outbound>();

/// How many bytes something holds, at most.
pub(super) fn size_of(item: &Item) -> usize {
    match item {
        Item::Frame(Message::Text(text)) => HEAD + text.as_str().len(),
        Item::Frame(Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes)) => {
            HEAD + bytes.len()
        }
        Item::Frame(Message::Close(_)) | Item::Restarted | Item::Interrupted(_) => HEAD,
        Item::Told(told) => HEAD + told.text.len(),
        Item::Outbound(outbound) => size_of_outbound(outbound),
        Item::Missed(outbound) => size_of_outbound(outbound),
        Item::State(pieces) => OUTBOUND + bytes(pieces.state().entries.encoded_bytes()),
    }
}

/// The same of what is encoded by its connection.
pub(crate) fn size_of_outbound(outbound: &Outbound) -> usize {
    OUTBOUND
        + match outbound {
            Outbound::PushMessage(push) => of_payload(&push.payload),
            Outbound::BroadcastMessage(message) => of_message(message),
            Outbound::PresenceState(state) => bytes(state.entries.encoded_bytes()),
            Outbound::PresenceDiff(diff) => bytes(diff.diff.encoded_bytes()),
            Outbound::History(page) => of_page(page),
            Outbound::Reply(reply) => of_reply(reply),
            Outbound::RoomOpened(notice) | Outbound::RoomClosed(notice) => of_room(&notice.info),
            Outbound::Closed(closed) => of_text(closed.message.as_ref()),
            Outbound::Disconnect(close) => close.reason.len(),
            Outbound::System(system) => system.label.len(),
            // It is for the history, and in no queue.
            Outbound::Evicted(_) => 0,
        }
}

fn of_message(message: &BroadcastMessage) -> usize {
    of_payload(&message.payload) + of_json(message.meta.as_ref())
}

fn of_page(page: &HistoryPage) -> usize {
    let of_message = |message: &StoredMessage| {
        mem::size_of::<StoredMessage>()
            + of_payload(&message.payload)
            + of_json(message.meta.as_ref())
            + message.event.as_str().len()
            + message.from.as_str().len()
    };
    page.messages.iter().map(|message| of_message(message)).sum()
}

fn of_reply(reply: &Reply) -> usize {
    match &reply.result {
        Ok(Body::Joined { name, .. } | Body::Rejoined { name, .. }) => {
            name.as_ref().map_or(0, |name| name.len())
        }
        Ok(Body::Answer(answer)) => match answer {
            Answer::Rooms(rooms) => rooms.iter().map(of_room).sum(),
            Answer::Room(room) => room.as_deref().map_or(0, of_room),
            // Names of 22 bytes stand in their place, longer ones beside it.
            Answer::Members(members) => members.len() * NAME,
            Answer::Presences(entries) => bytes(entries.encoded_bytes()),
            Answer::Topics(topics) => topics.iter().map(|topic| NAME + topic.as_str().len()).sum(),
            Answer::Stats(stats) => size_of_val(&**stats),
            _ => 0,
        },
        Ok(_) => 0,
        Err(refusal) => refusal.to_string().len(),
    }
}

/// A name where it stands.
const NAME: usize = 24;

/// A room with its texts, which are its own in each list.
fn of_room(room: &RoomInfo) -> usize {
    mem::size_of::<RoomInfo>()
        + of_text(room.name.as_ref())
        + of_text(room.description.as_ref())
        + of_json(room.data.as_ref())
}

fn of_text(text: Option<&String>) -> usize {
    text.map_or(0, String::len)
}

fn of_json(json: Option<&Json>) -> usize {
    json.map_or(0, |json| json.as_str().len())
}

fn of_payload(payload: &Payload) -> usize {
    match payload {
        Payload::Json(json) => json.as_str().len(),
        Payload::Bytes(bytes) => bytes.len(),
    }
}

fn bytes(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use parlor::{
        Broadcast, Channel, ClientRooms, Config, EventDefinition, History, Join, OpenRoom, Query,
        Question, RoomConfig,
    };

    use super::*;

    fn long() -> Json {
        Json::of(&"x".repeat(3_000)).unwrap()
    }

    /// Everything that a channel says, of clients that have much to say.
    fn said() -> Vec<Outbound> {
        let rooms = RoomConfig::default().with_event(EventDefinition::new("say").with_history(9));
        let config = Config::builder().clients_open_rooms(ClientRooms::On).default_room(rooms);
        let mut channel = Channel::single_node(config.build().unwrap());
        for number in 0..5 {
            let join = Join::new(format!("c{number}"), "room:1", format!("u{number}"), 0);
            channel.handle(join.with_meta(long()).with_ref("1").into());
            let client = format!("c{number}");
            let said = Broadcast::new(&*client, "room:1", long()).with_event("say");
            channel.handle(said.into());
            channel.handle(History::new(&*client, "room:1").with_ref("2").into());
            for what in [Question::Rooms, Question::Room, Question::Members, Question::Presences] {
                let query = Query::new(what).with_client(&*client).with_topic("room:1");
                channel.handle(query.with_ref("3").into());
            }
            let open = OpenRoom::new(format!("open:{number}")).with_by(&*client);
            channel.handle(open.into());
        }
        channel.flush_outbox()
    }

    #[test]
    fn a2_everything_counts_at_least_what_it_is_in_json() {
        let said = said();
        assert!(said.len() > 40);
        for outbound in &said {
            let json = serde_json::to_string(outbound).unwrap();
            let size = size_of_outbound(outbound);
            assert!(size >= json.len(), "{size} of {}: {json:.300}", json.len());
        }
    }
}
