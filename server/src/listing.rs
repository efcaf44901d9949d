//! The list of all rooms, made once for everybody who asks at about the same time.
//!
//! A list costs as much as there are rooms, whoever asks, so it is kept for a time in proportion to
//! that: making lists takes a small part of the machine, however many ask and however often. What a
//! client has done itself is in each list that it gets.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use parlor::{
    Channel, RoomInfo, Topic,
    wire::dialogue::{self, Packet},
};
use tokio::{
    sync::Mutex as Turn,
    time::{Instant, sleep_until},
};

use crate::{dialogue::Told, hub::Hub, inspect::ask};

/// For how long a list is kept, for each room in it. Making it takes a microsecond or two for each.
const EACH_HOLDS: Duration = Duration::from_micros(50);

/// Of how many rooms the engine tells at once, so that nobody waits long for it.
const AT_ONCE: usize = 500;

/// How long the encoded list may be: of more rooms, it says how many it leaves out.
const MAX_BYTES: usize = 1 << 20;

/// The list as it was last made.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    last: Mutex<Option<Arc<List>>>,
    /// Held by whoever makes the next one.
    turn: Turn<()>,
}

/// All rooms, in the order in which they are shown.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) rooms: Vec<RoomInfo>,
    /// Whether the engine has told them: one that has crashed, or does not answer, has none.
    pub(crate) is_whole: bool,
    /// How many openings and closings of rooms it has seen.
    changes: u64,
    began: Instant,
    until: Instant,
    encoded: OnceLock<Arc<Told>>,
}

impl Listing {
    /// A list that has everything in it that happened until `since`, if that matters.
    pub(crate) async fn get(&self, hub: &Hub, since: Option<Instant>) -> Arc<List> {
        if let Some(list) = self.fresh(hub, since) {
            return list;
        }
        let _turn = self.turn.lock().await;
        // Perhaps it was made meanwhile.
        if let Some(list) = self.fresh(hub, since) {
            return list;
        }
        let until = self.last().as_ref().map(|list| list.until);
        if let Some(until) = until {
            sleep_until(until).await;
        }
        let list = Arc::new(List::make(hub).await);
        *self.last() = Some(Arc::clone(&list));
        list
    }

    fn fresh(&self, hub: &Hub, since: Option<Instant>) -> Option<Arc<List>> {
        let kept = self.last();
        let list = kept.as_ref()?;
        let is_fresh = since.is_none_or(|since| list.began >= since)
            && list.until > Instant::now()
            && list.changes == hub.openings.changes();
        is_fresh.then(|| Arc::clone(list))
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<Arc<List>>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    async fn make(hub: &Hub) -> Self {
        let (began, changes) = (Instant::now(), hub.openings.changes());
        let rooms = rooms(hub).await;
        let is_whole = rooms.is_some();
        let rooms = rooms.unwrap_or_default();
        let kept_for = EACH_HOLDS * u32::try_from(rooms.len()).unwrap_or(u32::MAX);
        let until = Instant::now() + kept_for;
        Self { rooms, is_whole, changes, began, until, encoded: OnceLock::new() }
    }

    /// A list that is not kept.
    pub(crate) fn of(rooms: Vec<RoomInfo>) -> Self {
        let now = Instant::now();
        let encoded = OnceLock::new();
        Self { rooms, is_whole: true, changes: 0, began: now, until: now, encoded }
    }

    /// The list as clients of Dialogue are told, encoded once.
    pub(crate) fn encoded(&self) -> Arc<Told> {
        Arc::clone(self.encoded.get_or_init(|| Arc::new(Told::text(encode(&self.rooms)))))
    }
}

/// All rooms, in the order in which they were made; none if the channel has crashed or the engine does
/// not answer.
async fn rooms(hub: &Hub) -> Option<Vec<RoomInfo>> {
    let topics = |channel: &Channel| (!channel.crashed()).then(|| channel.topics());
    let topics = ask(hub, topics).await??;
    let mut rooms = Vec::with_capacity(topics.len());
    for some in topics.chunks(AT_ONCE) {
        let some = some.to_vec();
        let look = move |channel: &Channel| {
            some.iter().filter_map(|topic: &Topic| channel.room(topic)).collect::<Vec<_>>()
        };
        rooms.extend(ask(hub, look).await?);
    }
    Some(rooms)
}

/// The packet with the list. If that is too long for all, a second argument, which clients that do
/// not know it ignore, says how many rooms are left out.
pub(crate) fn encode(rooms: &[RoomInfo]) -> String {
    let mut text = r#"2["dialogue:rooms",["#.to_owned();
    let mut listed = 0;
    for some in rooms.chunks(AT_ONCE / 10) {
        let packet: Packet = dialogue::rooms(some);
        let array = packet.argument().trim_start_matches('[').trim_end_matches(']');
        if text.len() + array.len() > MAX_BYTES {
            break;
        }
        if listed > 0 {
            text.push(',');
        }
        text.push_str(array);
        listed += some.len();
    }
    text.push(']');
    let more = rooms.len() - listed;
    if more > 0 {
        write!(text, r#",{{"more":{more}}}"#).expect("a String takes all");
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests {
    use parlor::{Answer, Body, Join, Outbound, Query, Question, Reply};

    use super::*;

    fn rooms(count: usize, long: usize) -> Vec<RoomInfo> {
        let mut channel = Channel::single_node(parlor::Config::default());
        for room in 0..count {
            let topic = format!("room:{room:0long$}");
            channel.handle(Join::new(format!("c{room}"), topic, "ann", 0).into());
        }
        drop(channel.flush_outbox());
        channel.handle(Query::new(Question::Rooms).with_ref("1").into());
        let reply = channel.flush_outbox().into_iter().next().unwrap();
        let Outbound::Reply(Reply { result: Ok(Body::Answer(Answer::Rooms(rooms))), .. }) = reply
        else {
            panic!("{reply:?}, expected the rooms");
        };
        rooms
    }

    #[test]
    fn a_list_is_encoded_as_the_codec_does() {
        for count in [0, 1, 50, 51, 120] {
            let rooms = rooms(count, 3);
            assert_eq!(encode(&rooms), format!("2{}", dialogue::rooms(&rooms)));
        }
    }

    #[test]
    fn a2_a_long_list_says_how_much_it_leaves_out() {
        let rooms = rooms(9_000, 150);
        let text = encode(&rooms);
        assert!(text.len() <= MAX_BYTES + 64, "{}", text.len());
        let (_, shown, cut): (String, Vec<serde_json::Value>, serde_json::Value) =
            serde_json::from_str(text.strip_prefix('2').unwrap()).unwrap();
        assert_eq!(cut["more"], rooms.len() - shown.len());
        assert!(shown.len() > 1_000);
    }
}
