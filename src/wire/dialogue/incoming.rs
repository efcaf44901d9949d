//! What the client says becomes events: each command, and the answers to those that are malformed.

use alloc::format;

use super::{
    Connection, Incoming,
    code::Code,
    command::{self, CreateRoom, GetHistory, InRoom, Subscription, Trigger},
    mark::Mark,
    packet::Packet,
    pages::Of,
};
use crate::{
    config::RoomConfig,
    event::{
        Broadcast, CloseRoom, Event, History, Join, Leave, OpenRoom, Query, Question, Subscribe,
        Unsubscribe,
    },
    payload::Json,
};

impl Connection {
    /// Takes an event of the client: its name, and its first argument as JSON if it has one.
    pub fn event(&mut self, name: &str, argument: Option<&str>, now_ms: u64) -> Incoming {
        self.now_ms = self.now_ms.max(now_ms);
        match name {
            "dialogue:join" => self.joins(argument),
            "dialogue:leave" => unless_malformed(argument, |InRoom { room_id }| {
                Leave::new(&self.client_id, room_id).into()
            }),
            "dialogue:subscribe" => unless_malformed(argument, |to: Subscription| {
                Subscribe::new(&self.client_id, to.room_id, to.event_name).into()
            }),
            "dialogue:subscribeAll" => unless_malformed(argument, |InRoom { room_id }| {
                Subscribe::new(&self.client_id, room_id, "*").into()
            }),
            "dialogue:unsubscribe" => unless_malformed(argument, |to: Subscription| {
                Unsubscribe::new(&self.client_id, to.room_id, to.event_name).into()
            }),
            "dialogue:trigger" => unless_malformed(argument, |trigger| self.triggers(trigger)),
            "dialogue:listRooms" => {
                let rooms = Query::new(Question::Rooms).with_client(&self.client_id);
                Incoming::Event(rooms.with_ref(self.mark().to_text()).into())
            }
            "dialogue:createRoom" => self.creates_room(argument),
            "dialogue:deleteRoom" => self.deletes_room(argument),
            "dialogue:getHistory" => self.gets_history(argument),
            _ => Incoming::Nothing,
        }
    }

    /// The answer to an event with attachments, which Dialogue does not know: an error that names the
    /// room and the event if it was a message to one. `argument` is the first, with placeholders.
    #[must_use = "it is to be sent"]
    pub fn refuse_attachments(name: &str, argument: Option<&str>) -> Packet {
        let refused = match command::read::<Trigger>(argument) {
            Ok(Trigger { room_id, event, .. }) => {
                format!("event {event:?} in {room_id:?} has bytes, expected JSON")
            }
            Err(_) => format!("{name:?} has bytes, expected JSON"),
        };
        Packet::error(Code::InvalidRequest, &refused)
    }

    fn joins(&mut self, argument: Option<&str>) -> Incoming {
        let mark = self.mark();
        let (client_id, user_id, now_ms) = (&self.client_id, &self.user_id, self.now_ms);
        unless_malformed(argument, |InRoom { room_id }| {
            Join::new(client_id, room_id, user_id, now_ms).with_ref(mark.to_text()).into()
        })
    }

    /// Has no mark: it is answered only if it is refused, and would otherwise cost a reply.
    fn triggers(&self, trigger: Trigger) -> Event {
        let Trigger { room_id, event, data, meta } = trigger;
        let data = data.unwrap_or_else(|| Json::of(&()).expect("null is JSON"));
        let mut broadcast = Broadcast::new(&self.client_id, room_id, data).with_event(event);
        broadcast.meta = command::if_truthy(meta);
        broadcast.into()
    }

    fn creates_room(&mut self, argument: Option<&str>) -> Incoming {
        let CreateRoom { id, name, description, max_size } = match command::read(argument) {
            Ok(create) => create,
            Err(flaw) => return invalid("the id and name of a room", &flaw),
        };
        let mut config = RoomConfig::default().with_name(name);
        (config.description, config.max_members) = (description, max_size);
        let open = OpenRoom::new(id).with_config(config).with_by(&self.client_id);
        Incoming::Event(open.with_ref(self.mark().to_text()).into())
    }

    fn deletes_room(&mut self, argument: Option<&str>) -> Incoming {
        let mark = self.mark();
        unless_malformed(argument, |InRoom { room_id }| {
            CloseRoom::new(room_id).with_by(&self.client_id).with_ref(mark.to_text()).into()
        })
    }

    fn gets_history(&mut self, argument: Option<&str>) -> Incoming {
        if let Err(limited) = self.rate.allow(&(), self.now_ms) {
            return Incoming::Packet(Packet::error(Code::RateLimited, &limited));
        }
        let asked: GetHistory = match command::read(argument) {
            Ok(asked) => asked,
            Err(flaw) => return invalid("the roomId of a room", &flaw),
        };
        let mark = self.mark();
        let (start, end) = asked.page(self.page_length);
        let GetHistory { room_id: topic, event_name: event, .. } = asked;
        self.pages.ask(mark, Of { topic: topic.clone(), event: event.clone() });
        let mut history = History::new(&self.client_id, topic).with_page(start, end);
        history.event = event;
        Incoming::Event(history.with_ref(mark.to_text()).into())
    }

    fn mark(&mut self) -> Mark {
        self.marked += 1;
        Mark { number: self.marked, at_ms: self.now_ms }
    }
}

fn unless_malformed<'a, T: serde::Deserialize<'a>>(
    argument: Option<&'a str>,
    event: impl FnOnce(T) -> Event,
) -> Incoming {
    command::read(argument).map_or(Incoming::Nothing, |read| Incoming::Event(event(read)))
}

fn invalid(expected: &str, flaw: &str) -> Incoming {
    let message = format_args!("expected {expected}: {flaw}");
    Incoming::Packet(Packet::error(Code::InvalidRequest, &message))
}
