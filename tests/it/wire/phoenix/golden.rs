//! What was recorded of a real server, replayed: the same frames come in, and the same go out but
//! for the differences that the documentation lists.

use std::collections::{BTreeMap, BTreeSet};

use parlor::{
    Audience, Broadcast, Config, Disconnect, Event, EventKind, Json, Kick, Payload, PresenceMode,
    Push, Reason, Refuse, Rejoin, RoomConfig, Track, UnlistedTopics, Untrack,
    wire::phoenix::{CloseCode, Frame, Positions, Status, answer},
};
use serde_json::{Value, json};

use super::{
    server::{Sent, Server},
    transcript::{Does, Step, steps},
};

const TRANSCRIPT: &str = include_str!("transcript.txt");
const DIFFERENCES: &str = include_str!("differences.txt");
/// What goes before a binary broadcast where positions are asked for.
const POSITION: &str = r#","parlor:position",{"#;
const DOCUMENTATION: &str = include_str!("../../../../src/wire/phoenix.rs");

#[test]
fn a_real_servers_frames_come_out_but_for_what_is_listed() {
    let listed = DOCUMENTATION.lines().filter_map(|line| line.strip_prefix("//! | D"));
    let listed = listed.map(|row| format!("D{}", row.split(' ').next().unwrap()));
    let listed: BTreeSet<String> = listed.collect();
    for positions in [Positions::Withheld, Positions::Sent] {
        let mut replay = Replay::new();
        replay.server.positions = positions;
        for step in steps(TRANSCRIPT) {
            replay.step(step);
        }
        assert_eq!(replay.differing.len(), 0, "steps that are listed and did not come up");
        let mut expected = listed.clone();
        if positions == Positions::Withheld {
            expected.remove("D2");
        }
        assert_eq!(replay.differences, expected, "{positions:?}");
    }
}

/// The recorded server again, as a host of ours.
struct Replay {
    server: Server,
    /// The steps that differ, by the line by which they begin.
    differing: BTreeMap<String, Step>,
    /// The names of the differences that were met.
    differences: BTreeSet<String>,
    /// The presence refs that were recorded, and those that stand for them.
    refs: BTreeMap<String, String>,
}

impl Replay {
    fn new() -> Self {
        let silent = || RoomConfig::default().with_presence(PresenceMode::Off);
        let config = Config::builder()
            .room("room:*", silent())
            .room("room:pres*", RoomConfig::default())
            .unlisted_topics(UnlistedTopics::Refuse);
        let mut server = Server::new(config.build().unwrap());
        for (client, user) in [("A", "u1"), ("B", "u2"), ("C", "u1"), ("D", "u3")] {
            server.connect(client, user);
        }
        let differing = steps(DIFFERENCES).into_iter();
        let differing = differing.map(|step| (step.line.clone(), step)).collect();
        Self { server, differing, differences: BTreeSet::new(), refs: BTreeMap::new() }
    }

    fn step(&mut self, mut step: Step) {
        match step.does.clone() {
            None => {
                assert!(step.section.starts_with("socket-level disconnect"), "{step:?}");
                self.server.handle(Event::crash("socket"));
            }
            Some(Does::Close { client, code }) => {
                assert_eq!(CloseCode::Disconnected.code(), code);
                self.server.handle(Disconnect::new(&*client, 0));
                let sent = self.server.flush();
                assert!(sent.iter().all(|sent| sent.to != client), "{sent:?}");
                self.server.connect(&client, if client == "B" { "u2" } else { "u1" });
                return;
            }
            Some(Does::Send { client, frame }) if step.section == "malformed frames" => {
                let malformed = self.server.read(&client, &frame).unwrap_err();
                assert!([1007, 1008].contains(&malformed.close_code().code()), "{frame:?}");
            }
            Some(Does::Send { client, frame }) => {
                if let Some(event) = self.server.read(&client, &frame).unwrap() {
                    self.host(&client, event);
                }
            }
        }
        let mut sent = self.server.flush();
        let all = sent.len();
        sent.retain(|sent| !sent.frame.as_text().is_some_and(|text| text.contains(POSITION)));
        if sent.len() < all {
            self.differences.insert("D2".into());
        }
        if let Some(differing) = self.differing.remove(&step.line) {
            let name = differing.section.split(' ').next().unwrap().to_owned();
            assert_ne!(differing.received, step.received, "{name} is no difference");
            self.differences.insert(name);
            step = differing;
        }
        self.compare(&step, sent);
        if step.line.contains("\"crash\"") {
            // As its client does upon `phx_error`.
            self.server.text("B", r#"["1","1","room:x","phx_join",{}]"#);
        }
    }

    /// What the handlers of the recorded server do.
    fn host(&mut self, client: &str, event: Event) {
        let server = &mut self.server;
        if let Event::Rejoin(rejoin) = event {
            join(server, client, rejoin);
        } else if let Event::Broadcast(broadcast) = &event
            && server.channel.is_member(&broadcast.client_id, &broadcast.topic)
        {
            handle_in(server, client, broadcast.clone());
        } else {
            server.handle(event);
        }
    }

    fn compare(&mut self, step: &Step, sent: Vec<Sent>) {
        let mut got: BTreeMap<String, Vec<Frame>> = BTreeMap::new();
        for Sent { to, frame } in sent {
            got.entry(to).or_default().push(frame);
        }
        let joiner = match &step.does {
            Some(Does::Send { client, .. }) if step.line.contains("\"phx_join\"") => client,
            Some(_) | None => "",
        };
        for client in ["A", "B", "C", "D"] {
            let mut expected = step.received.get(client).cloned().unwrap_or_default();
            if client == joiner {
                let before = expected.len();
                expected.retain(|frame| !frame.as_text().unwrap().contains("presence_diff"));
                if expected.len() < before {
                    self.differences.insert("D3".into());
                }
            }
            let got = got.remove(client).unwrap_or_default();
            assert_eq!(got.len(), expected.len(), "{}: {expected:?}, got {got:?}", step.line);
            for (expected, got) in expected.iter().zip(&got) {
                self.compare_frames(&step.line, expected, got);
            }
        }
    }

    fn compare_frames(&mut self, line: &str, expected: &Frame, got: &Frame) {
        let (Some(expected), Some(got)) = (expected.as_text(), got.as_text()) else {
            assert_eq!(expected, got, "{line}");
            return;
        };
        let expected: Value = serde_json::from_str(expected).unwrap();
        let mut got: Value = serde_json::from_str(got).unwrap();
        let elements = got.as_array_mut().unwrap();
        if elements.len() > 5 {
            assert_eq!(
                (elements.len(), &elements[0], &elements[1]),
                (6, &Value::Null, &Value::Null)
            );
            assert!(is_position(&elements[5]), "{elements:?}");
            elements.pop();
            self.differences.insert("D2".into());
        }
        if got[3] == "phx_reply" && is_position(&got[4]["response"]) {
            got[4]["response"] = expected[4]["response"].clone();
            self.differences.insert("D1".into());
        }
        self.compare_values(line, &expected, &got);
    }

    /// Presence refs are other ones, but each stands for one.
    fn compare_values(&mut self, line: &str, expected: &Value, got: &Value) {
        match (expected, got) {
            (Value::Object(expected), Value::Object(got)) => {
                let names = |object: &serde_json::Map<String, Value>| -> BTreeSet<String> {
                    object.keys().cloned().collect()
                };
                assert_eq!(names(got), names(expected), "{line}");
                for (name, expected) in expected {
                    if name.starts_with("phx_ref") {
                        let (expected, got) = (expected.as_str().unwrap(), &got[name]);
                        let stands_for = self.refs.entry(expected.into());
                        let stands_for = stands_for.or_insert_with(|| got.as_str().unwrap().into());
                        assert_eq!(got, stands_for, "{line}: {expected}");
                    } else {
                        self.compare_values(line, expected, &got[name]);
                    }
                }
            }
            (Value::Array(expected), Value::Array(got)) => {
                assert_eq!(got.len(), expected.len(), "{line}");
                for (expected, got) in expected.iter().zip(got) {
                    self.compare_values(line, expected, got);
                }
            }
            (expected, got) => assert_eq!(got, expected, "{line}"),
        }
    }
}

/// Whether it is a position, perhaps with what else the reply to a join says.
fn is_position(value: &Value) -> bool {
    let Some(object) = value.as_object() else { return false };
    let known = ["epoch", "offset", "rejoined", "recovered"];
    object.contains_key("epoch") && object.keys().all(|name| known.contains(&name.as_str()))
}

/// What the recorded server does upon a join.
fn join(server: &mut Server, client: &str, mut rejoin: Rejoin) {
    let refuse = |message| {
        let refuse = Refuse::new(client, EventKind::Rejoin, Reason::JoinDenied);
        let refuse = refuse.with_topic(&rejoin.topic).with_message(message);
        refuse.with_ref(rejoin.reference.clone().unwrap())
    };
    match rejoin.topic.as_str() {
        "room:deny" => server.handle(refuse("denied")),
        "room:boom" => server.handle(refuse("crashed")),
        "room:pres1" => {
            rejoin.meta = Some(Json::parse(r#"{"device":"d"}"#).unwrap());
            server.handle(rejoin);
        }
        _ => server.handle(rejoin),
    }
}

/// What the recorded server does upon a message of a member.
fn handle_in(server: &mut Server, client: &str, mut broadcast: Broadcast) {
    let (topic, reference) = (broadcast.topic.clone(), broadcast.reference.clone().unwrap());
    let reply = |server: &mut Server, status, response: &Payload| {
        let frame = answer(&reference, &topic, status, response).unwrap();
        server.send(client, frame);
    };
    let json = |value: Value| Payload::json(value.to_string()).unwrap();
    let kick = || Kick::new(client, "stopped").with_topic(&topic);
    match broadcast.event.as_str() {
        "echo" => reply(server, Status::Ok, &broadcast.payload),
        "status" => reply(server, Status::Ok, &json(json!({}))),
        "err" => reply(server, Status::Error, &json(json!({"reason": "nope"}))),
        "noreply" => {}
        "bin" => reply(server, Status::Ok, &Payload::bytes([1, 2, 3, 255])),
        "bcast" | "bcast_from" => {
            if broadcast.event == "bcast_from" {
                broadcast.audience = Audience::Others;
            }
            broadcast.reference = None;
            server.handle(broadcast.with_event("msg"));
        }
        "bcast_reply" => server.handle(broadcast.with_event("msg")),
        "bbin" => {
            let payload = broadcast.payload.clone();
            broadcast.reference = None;
            server.handle(broadcast.with_event("binmsg"));
            server.handle(Push::new(client, &topic, "pushbin", payload));
        }
        "stop" => server.handle(kick()),
        "stop_reply" => {
            reply(server, Status::Ok, &json(json!({"bye": 1})));
            server.handle(kick());
        }
        "crash" => {
            server.handle(Event::crash("handler"));
            server.handle(Event::Restart);
        }
        "update" => {
            let Payload::Json(meta) = broadcast.payload else { panic!("it is JSON") };
            server.handle(Track::new(client, &topic).with_meta(meta).with_ref(reference));
        }
        "untrack" => {
            server.handle(Untrack::new(client, &topic).with_ref(reference));
            // The recording has it here: its connection is lost.
            server.handle(Disconnect::new("C", 0));
        }
        other => panic!("the recorded server has no handler of {other}"),
    }
}
