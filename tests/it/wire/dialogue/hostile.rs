//! Whatever clients say: nothing panics, all that they are sent is JSON, and every command is
//! answered as the protocol wants, whoever else says what.
//!
//! The fuzz target `dialogue` runs [`check`] on bytes, and the tests on texts that look like
//! something a client says, or do not.

use parlor::{
    Event, EventDefinition, HistoryOnJoin, Kick, Limit, RateLimit, RoomConfig, Tick,
    wire::dialogue::Packet,
};
use serde_json::Value;

use super::world::{World, config};

const COMMANDS: [&str; 12] = [
    "dialogue:join",
    "dialogue:leave",
    "dialogue:subscribe",
    "dialogue:subscribeAll",
    "dialogue:unsubscribe",
    "dialogue:trigger",
    "dialogue:listRooms",
    "dialogue:createRoom",
    "dialogue:deleteRoom",
    "dialogue:getHistory",
    "dialogue:joined",
    "",
];

/// Arguments that mean something, for bytes to choose from.
const ARGUMENTS: [&str; 12] = [
    r#"{"roomId":"a","id":"a","name":"A","eventName":"e","event":"e","data":[1]}"#,
    r#"{"roomId":"a","id":"b","name":"","eventName":"*","event":"f","meta":{}}"#,
    r#"{"roomId":"b","id":"b","name":"B","maxSize":1,"eventName":"e","event":"e","start":1,"end":3}"#,
    r#"{"roomId":"b","id":"","name":"B","maxSize":0,"event":"*","start":-1,"end":1e300}"#,
    r#"{"roomId":"shown","eventName":"e","event":"e","data":"\ud83d\ude00"}"#,
    r#"{"roomId":"shown","eventName":"e","event":"dialogue:e","data":"\ud83d"}"#,
    r#"{"roomId":"","eventName":"","event":"","id":"c","name":"C","maxSize":-1}"#,
    r#"{"roomId":null,"id":null,"name":null}"#,
    r#"{"roomId":"a","roomId":"b"}"#,
    "[]",
    "",
    "{\"roomId\":\"a\",\n\"event\":\"e\",\r\n\"data\":{\n}}",
];

/// One thing that happens.
#[derive(Debug, Clone)]
pub struct Step {
    /// Which of the clients, if it is one of them.
    pub client: u8,
    /// Which of the commands, what the server does, or how the time goes on.
    pub what: u8,
    /// Which of the arguments, or that of its own.
    pub argument: Result<u8, String>,
}

/// Reads bytes as steps.
pub fn check(bytes: &[u8]) {
    let mut steps = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n').take(256) {
        let [client, what, rest @ ..] = line else { continue };
        let argument = match rest {
            [one] => Ok(*one),
            text => Err(String::from_utf8_lossy(text).into_owned()),
        };
        steps.push(Step { client: *client, what: *what, argument });
    }
    run(&steps);
}

/// Runs steps, and looks at all that is sent after each.
pub fn run(steps: &[Step]) {
    let shown = RoomConfig::default()
        .with_event(EventDefinition::new("e").with_history(2))
        .with_history_on_join(HistoryOnJoin::All);
    let mut world = World::new(
        config()
            .grace_ms(20)
            .limit(Limit::Topics, 4)
            .limit(Limit::MembersPerTopic, 2)
            .room("shown", shown.with_rate_limit(RateLimit::new(3, 50))),
    );
    for (client, user) in CLIENTS {
        world.connect(client, user);
    }
    let mut asked = 0;
    let mut told = 0;
    for step in steps {
        world.forget();
        asked += usize::from(is_history(step));
        told += take(&mut world, step);
        assert!(told <= asked, "{told} pages were told, {asked} asked for");
    }
}

/// Whether a client asks for a page.
fn is_history(step: &Step) -> bool {
    let command = usize::from(step.what) % (COMMANDS.len() + 6);
    COMMANDS.get(command) == Some(&"dialogue:getHistory")
}

fn pages(packets: &[Packet]) -> usize {
    packets.iter().filter(|packet| packet.name() == "dialogue:historyResponse").count()
}

const CLIENTS: [(&str, &str); 3] = [("c0", "ann"), ("c1", "ann"), ("c2", "bob")];

/// Returns how many pages are told.
fn take(world: &mut World, step: &Step) -> usize {
    let (client, user) = CLIENTS[usize::from(step.client) % CLIENTS.len()];
    let command = usize::from(step.what) % (COMMANDS.len() + 6);
    let Some(name) = COMMANDS.get(command) else {
        match command - COMMANDS.len() {
            0 => world.hand_in(Kick::new(client, "no reason").with_topic("a")),
            1 => {
                world.disconnect(client);
                world.connect(client, user);
                let rooms = world.channel.topics_of(&client.into());
                let rooms = rooms.into_iter().map(|room| (room, None));
                for event in world.connection(client).restore(rooms, world.now_ms) {
                    world.hand_in(event);
                }
            }
            2 => world.hand_in(Event::crash("boom")),
            3 => {
                world.hand_in(Event::Restart);
                // A crashed channel takes no connection.
                for (client, _) in CLIENTS {
                    world.hand_in(world.connection(client).connect(world.now_ms));
                }
            }
            4 => {
                world.now_ms += 1_000;
                world.hand_in(Tick::new(world.now_ms));
            }
            _ => {
                if let Some(load) = world.loads.pop() {
                    world.load(load, Vec::new());
                }
            }
        }
        let check = |(client, _): (&str, _)| check_packets(&world.received(client), Errors::None);
        return CLIENTS.map(check).iter().sum();
    };
    let argument = match &step.argument {
        Ok(chosen) => ARGUMENTS.get(usize::from(*chosen) % (ARGUMENTS.len() + 1)).copied(),
        Err(text) => Some(text.as_str()),
    };
    world.emit(client, name, argument);

    let mut told = 0;
    for (other, _) in CLIENTS.iter().filter(|(other, _)| *other != client) {
        told += check_packets(&world.received(other), Errors::None);
    }
    let packets = world.received(client);
    told += check_packets(&packets, Errors::Some);
    // A page that was asked for earlier may have waited for one that nobody waits for any more.
    let answers: Vec<_> =
        packets.into_iter().filter(|packet| packet.name() != "dialogue:historyResponse").collect();
    check_answers(name, argument, &answers);
    told
}

#[derive(Clone, Copy)]
enum Errors {
    None,
    Some,
}

/// Returns how many of them are pages.
fn check_packets(packets: &[Packet], errors: Errors) -> usize {
    for packet in packets {
        let array: Value = serde_json::from_str(&packet.to_string()).unwrap();
        assert_eq!(array[0], packet.name());
        assert!(packet.name().starts_with("dialogue:"), "{packet}");
        let is_error = packet.name() == "dialogue:error";
        assert!(!is_error || matches!(errors, Errors::Some), "{packet} was not asked for");
        if is_error {
            let fields = array[1].as_object().unwrap();
            let names: Vec<_> = fields.keys().map(String::as_str).collect();
            assert_eq!(names, ["code", "message"]);
        }
    }
    pages(packets)
}

/// Every command that clients wait for is answered at once, by what they wait for.
fn check_answers(name: &str, argument: Option<&str>, packets: &[Packet]) {
    let named = |name: &str| packets.iter().filter(|packet| packet.name() == name).count();
    let errors = named("dialogue:error");
    // A list would be read as the fields in order.
    let object = argument.filter(|text| text.trim_ascii_start().starts_with('{'));
    let room = object.and_then(|text| serde_json::from_str::<InRoom>(text).ok());
    let room = room.map(|room| room.room_id);
    match name {
        "dialogue:join" => {
            let expected = usize::from(room.is_some());
            assert_eq!(named("dialogue:joined") + errors, expected, "{argument:?}: {packets:?}");
            if let (Some(room), [joined, ..]) = (&room, packets)
                && errors == 0
            {
                let argument: Value = serde_json::from_str(joined.argument()).unwrap();
                assert_eq!(argument["roomId"], **room);
            }
        }
        "dialogue:listRooms" => assert_eq!(named("dialogue:rooms"), 1, "{packets:?}"),
        "dialogue:createRoom" => {
            assert_eq!(named("dialogue:roomCreated") + errors, 1, "{packets:?}");
        }
        "dialogue:deleteRoom" => {
            let expected = usize::from(room.is_some());
            assert_eq!(named("dialogue:roomDeleted") + errors, expected, "{packets:?}");
        }
        "dialogue:getHistory" => assert!(errors <= 1, "{packets:?}"),
        "dialogue:trigger" => assert!(errors + named("dialogue:event") <= 1, "{packets:?}"),
        "dialogue:leave" => assert!(named("dialogue:left") <= 1 && errors == 0, "{packets:?}"),
        _ => assert!(packets.is_empty(), "{packets:?} after {name:?}"),
    }
}

/// As the codec reads it, written again.
#[derive(serde::Deserialize)]
struct InRoom {
    #[serde(rename = "roomId")]
    room_id: String,
}
