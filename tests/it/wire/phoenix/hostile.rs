//! Any bytes as frames of clients and what else happens: nothing panics, each event gets its one
//! reply with the refs that it came with, and what a connection takes for joined is what is.

use std::collections::BTreeSet;

use parlor::{
    Broadcast, Channel, CloseRoom, Config, Connect, Disconnect, Event, EventDefinition, Kick,
    Limit, Payload, Publish, Push, RoomConfig, Tick, Topic,
    wire::phoenix::{Frame, OWN_TOPIC},
};
use serde_json::Value;

use super::server::{Sent, Server};

const CLIENTS: [(&str, &str); 3] = [("A", "ann"), ("B", "bob"), ("C", "ann")];

// What leads further stands there more than once.
const TOPICS: [&str; 12] = [
    "room:x",
    "room:x",
    "room:x",
    "room:y",
    "t",
    "t",
    "t",
    "u",
    "phoenix",
    "parlor",
    "",
    "\\\"\\u00e9\\n",
];

const EVENTS: [&str; 16] = [
    "phx_join",
    "phx_join",
    "phx_leave",
    "ev",
    "*",
    "heartbeat",
    "parlor:track",
    "parlor:untrack",
    "parlor:subscribe",
    "parlor:unsubscribe",
    "parlor:history",
    "parlor:open_room",
    "parlor:close_room",
    "parlor:other",
    "presence_diff",
    "access_token",
];

const PAYLOADS: [&str; 16] = [
    "{}",
    "{}",
    "null",
    "[1,{}]",
    "\"\\ud83d\\ude00\"",
    r#"{"meta":{"a":1}}"#,
    r#"{"meta":{"phx_ref":"1","b":[]},"since":{"epoch":1,"offset":0}}"#,
    r#"{"meta":7,"since":[{"epoch":1,"offset":2}]}"#,
    r#"{"since":{"epoch":1}}"#,
    r#"{"since":"x"}"#,
    r#"{"event":"ev"}"#,
    r#"{"event":"*"}"#,
    r#"{"event":"ev","start":0,"end":3}"#,
    r#"{"topic":"v"}"#,
    r#"{"topic":"room:x","config":{"max_members":1}}"#,
    r#"{"config":[]}"#,
];

const REFS: [&str; 11] = [
    "null",
    "null",
    "null",
    "null",
    "\"1\"",
    "\"2\"",
    "2",
    "-1.5e3",
    "\"\"",
    "\"\\u0032\"",
    "\"a b\"",
];

/// Bytes, one after the other; when they have run out, zeros.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[usize::from(self.next()) % items.len()]
    }

    fn some(&mut self) -> &'a [u8] {
        let wanted = usize::from(self.next()).min(self.0.len());
        let (some, rest) = self.0.split_at(wanted);
        self.0 = rest;
        some
    }
}

/// Lets happen what `bytes` say.
pub fn check_bytes(bytes: &[u8]) {
    let mut server = Server::new(config());
    for (client, user) in CLIENTS {
        connect(&mut server, client, user);
    }
    let mut bytes = Bytes(bytes);
    for number in 0.. {
        if bytes.0.is_empty() {
            break;
        }
        let (client, user) = bytes.of(&CLIENTS);
        match bytes.next() % 16 {
            0..=9 => structured(&mut server, client, &mut bytes, number),
            10 => raw(&mut server, client, &Frame::Binary(bytes.some().into())),
            11 => {
                let text = String::from_utf8_lossy(bytes.some());
                raw(&mut server, client, &Frame::Text(text.into()));
            }
            12 => binary(&mut server, client, &mut bytes),
            13 => host(&mut server, client, &mut bytes),
            14 => {
                server.now_ms += u64::from(bytes.next());
                let now_ms = server.now_ms;
                server.handle(Tick::new(now_ms));
            }
            _ => {
                server.handle(Disconnect::new(client, 0));
                connect(&mut server, client, user);
            }
        }
        let sent = server.flush();
        for sent in sent {
            check_frame(&sent.frame);
        }
        check_joins(&server);
        server.channel.check_invariants();
    }
}

fn config() -> Config {
    let history = EventDefinition::new("ev").with_history(2);
    Config::builder()
        .grace_ms(50)
        .limit(Limit::RefBytes, 20)
        .clients_open_rooms(parlor::ClientRooms::On)
        .room("u", RoomConfig::default().with_max_members(1))
        .room("room:*", RoomConfig::default().with_event(history).with_presence_window_ms(9))
        .build()
        .unwrap()
}

fn connect(server: &mut Server, client: &str, user: &str) {
    server.connect(client, user);
    let connection = server.connection(client);
    *connection = connection.clone().with_max_topics(4);
    server.handle(Connect::new(client, user, 0));
}

/// A frame whose ref nobody has used yet, and what has to come of it.
fn structured(server: &mut Server, client: &str, bytes: &mut Bytes<'_>, number: u32) {
    let own = format!("\"n{number}\"");
    let (join_ref, topic) = (bytes.of(&REFS), bytes.of(&TOPICS));
    let (event, payload) = (bytes.of(&EVENTS), bytes.of(&PAYLOADS));
    let text = format!("[{join_ref},{own},\"{topic}\",\"{event}\",{payload}]");
    let Ok(event) = server.read(client, &Frame::Text(text.as_str().into())) else {
        panic!("{text} is a frame")
    };
    let is_event = event.is_some();
    if let Some(event) = event {
        server.handle(event);
    }

    let sent = server.flush();
    let of_ref = |sent: &&Sent| {
        let Some(text) = sent.frame.as_text() else { return false };
        let frame: Value = serde_json::from_str(text).unwrap();
        frame[1] == format!("n{number}") && frame[3] == "phx_reply"
    };
    let replies: Vec<_> = sent.iter().filter(of_ref).collect();
    // Of what is not the channel's, nothing or an answer.
    assert!(replies.len() == 1 || (!is_event && sent.is_empty()), "{text}: {sent:?}");
    for reply in replies {
        assert_eq!(reply.to, client);
        let text = reply.frame.as_text().unwrap();
        let frame: Value = serde_json::from_str(text).unwrap();
        let topic: Value = serde_json::from_str(&format!("\"{topic}\"")).unwrap();
        assert_eq!(frame[2], topic, "the reply goes where the frame came from");
        assert!(text.contains(&own), "{text}");
    }
    for sent in sent {
        check_frame(&sent.frame);
    }
}

fn raw(server: &mut Server, client: &str, frame: &Frame) {
    match server.read(client, frame) {
        Ok(Some(event)) => {
            server.handle(event);
        }
        Ok(None) => {}
        Err(malformed) => {
            assert!([1007, 1008].contains(&malformed.close_code().code()));
            assert!(!malformed.to_string().is_empty());
        }
    }
}

/// A binary push that is one.
fn binary(server: &mut Server, client: &str, bytes: &mut Bytes<'_>) {
    let fields = [bytes.of(&["", "1", "2"]), "9", bytes.of(&["t", "room:x"]), bytes.of(&EVENTS)];
    let mut frame = vec![0];
    frame.extend(fields.iter().map(|field| u8::try_from(field.len()).unwrap()));
    frame.extend(fields.concat().into_bytes());
    frame.extend(bytes.some());
    raw(server, client, &Frame::Binary(frame.into()));
}

/// What clients don't do.
fn host(server: &mut Server, client: &str, bytes: &mut Bytes<'_>) {
    let topic = bytes.of(&["t", "u", "room:x"]);
    let payload = || Payload::json("{}").unwrap();
    match bytes.next() % 8 {
        0 => server.handle(Kick::new(client, "why").with_topic(topic)),
        1 => {
            server.handle(Kick::new(client, "why"));
            let (_, user) = CLIENTS.iter().find(|(name, _)| *name == client).unwrap();
            connect(server, client, user);
        }
        2 => server.handle(CloseRoom::new(topic)),
        3 => {
            server.handle(Event::crash("boom"));
            if !bytes.next().is_multiple_of(4) {
                server.handle(Event::Restart);
            }
        }
        4 => server.handle(Event::Restart),
        5 => server.handle(Push::new(client, topic, "p", Payload::bytes([1]))),
        6 => server.handle(Publish::new(parlor::Address::Everyone, "e", payload())),
        _ => server.handle(Broadcast::new(client, topic, payload()).with_ref("1 2")),
    }
}

fn check_frame(frame: &Frame) {
    match frame {
        Frame::Text(text) => {
            let elements: Vec<Value> = serde_json::from_str(text).expect("an array");
            assert!((5..=6).contains(&elements.len()), "{text}");
            assert!(elements[2].is_string() && elements[3].is_string(), "{text}");
        }
        Frame::Binary(bytes) => assert!(bytes[0] <= 2, "{bytes:?}"),
    }
}

/// What connections take for joined is what the channel does.
fn check_joins(server: &Server) {
    for (client, connection) in &server.connections {
        let joined: BTreeSet<_> =
            connection.topics().filter(|topic| **topic != OWN_TOPIC).collect();
        let attached = attached(&server.channel, client);
        assert_eq!(joined, attached.iter().collect(), "{client}");
    }
}

fn attached(channel: &Channel, client: &str) -> Vec<Topic> {
    let topics = channel.topics_of(&client.into());
    let hears = |topic: &Topic| channel.subscribers(topic).ids().any(|id| *id == client);
    topics.into_iter().filter(hears).collect()
}
