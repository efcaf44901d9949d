//! What the client says, event by event: what comes of it, and of malformed arguments.

use parlor::{
    Broadcast, BroadcastChange, Channel, ClientEvents, Decision, EventDefinition, HistoryOnJoin,
    JoinRequest, RoomConfig, Topic,
    wire::dialogue::{Connection, Incoming},
};
use serde::{Deserialize, Serialize};

use super::world::{World, config};

const JOINED: &str = r#"["dialogue:joined",{"roomId":"general","roomName":"General Chat"}]"#;
const GENERAL: &str = r#"{"roomId":"general"}"#;

/// A channel with ann and bob, neither in a room.
fn world() -> World {
    let chat = EventDefinition::new("message").with_history(10);
    let shown = RoomConfig::default().with_event(chat);
    let mut world = World::new(
        config()
            .room("full", RoomConfig::default().with_max_members(0))
            .room("chat", shown.with_history_on_join(HistoryOnJoin::All))
            .room("quiet", RoomConfig::default().with_default_subscriptions(["alert"])),
    );
    world.connect("c1", "ann");
    world.connect("c2", "bob");
    world.forget();
    world
}

#[test]
fn a_join_is_answered_with_the_name_of_the_room() {
    let mut world = world();
    world.say("c1", "join", GENERAL);
    world.check("c1", &[JOINED]);
    world.say("c1", "join", r#"{"roomId":"quiet","extra":[1]}"#);
    world.check("c1", &[r#"["dialogue:joined",{"roomId":"quiet","roomName":"quiet"}]"#]);
    world.check("c2", &[]);
}

#[test]
fn a_join_of_an_unknown_or_full_room_or_one_that_is_denied_is_an_error_and_nothing_else() {
    let mut world = world();
    world.guard.on_join("chat", |_: &JoinRequest<'_>, _| Decision::refuse("members only"));
    world.say("c1", "join", r#"{"roomId":"nowhere"}"#);
    world.say("c1", "join", r#"{"roomId":"full"}"#);
    world.say("c1", "join", r#"{"roomId":"chat"}"#);
    world.check("c1", &[
        r#"["dialogue:error",{"code":"ROOM_NOT_FOUND","message":"no room has the topic \"nowhere\""}]"#,
        r#"["dialogue:error",{"code":"ROOM_FULL","message":"room \"full\" is full, it takes at most 0 members"}]"#,
        r#"["dialogue:error",{"code":"JOIN_DENIED","message":"members only"}]"#,
    ]);
    assert_eq!(world.channel.membership_count(), 0);
    world.check("c2", &[]);
}

#[test]
fn a_join_shows_history_after_its_answer_if_there_is_any() {
    let mut world = world();
    world.say("c1", "join", r#"{"roomId":"chat"}"#);
    world.check("c1", &[r#"["dialogue:joined",{"roomId":"chat","roomName":"chat"}]"#]);
    for text in ["a", "b"] {
        let trigger = format!(r#"{{"roomId":"chat","event":"message","data":"{text}"}}"#);
        world.say("c1", "trigger", &trigger);
    }
    world.say("c2", "join", r#"{"roomId":"chat"}"#);
    world.check("c2", &[
        r#"["dialogue:joined",{"roomId":"chat","roomName":"chat"}]"#,
        r#"["dialogue:history",{"roomId":"chat","events":[{"event":"message","roomId":"chat","data":"b","from":"ann","timestamp":1000},{"event":"message","roomId":"chat","data":"a","from":"ann","timestamp":1000}]}]"#,
    ]);
    world.say("c2", "join", r#"{"roomId":"chat"}"#);
    world.check("c2", &[r#"["dialogue:joined",{"roomId":"chat","roomName":"chat"}]"#]);
}

#[test]
fn a_leave_is_answered_to_members() {
    let mut world = world();
    world.say("c1", "leave", GENERAL);
    world.say("c1", "leave", r#"{"roomId":"nowhere"}"#);
    world.check("c1", &[]);
    world.say("c1", "join", GENERAL);
    world.say("c1", "leave", GENERAL);
    world.check("c1", &[JOINED, r#"["dialogue:left",{"roomId":"general"}]"#]);
    assert_eq!(world.channel.membership_count(), 0);
}

#[test]
fn subscriptions_are_not_answered_and_decide_what_is_heard() {
    let mut world = world();
    let quiet = Topic::from("quiet");
    for client in ["c1", "c2"] {
        world.say(client, "join", r#"{"roomId":"quiet"}"#);
    }
    world.forget();

    let mut heard_after = |command: &str, argument: &str| {
        world.say("c1", command, argument);
        world.check("c1", &[]);
        let mut heard = Vec::new();
        for event in ["alert", "chat", "other"] {
            let trigger = format!(r#"{{"roomId":"quiet","event":"{event}","data":1}}"#);
            world.say("c2", "trigger", &trigger);
            if !world.received("c1").is_empty() {
                heard.push(event);
            }
        }
        heard
    };
    let chat = r#"{"roomId":"quiet","eventName":"chat"}"#;
    assert_eq!(heard_after("subscribe", chat), ["alert", "chat"]);
    assert_eq!(heard_after("subscribeAll", r#"{"roomId":"quiet"}"#), ["alert", "chat", "other"]);
    assert_eq!(heard_after("unsubscribe", chat), ["alert", "chat", "other"]);
    let all = r#"{"roomId":"quiet","eventName":"*"}"#;
    assert_eq!(heard_after("unsubscribe", all), ["alert"], "only the subscription to all ends");
    assert_eq!(heard_after("subscribe", all), ["alert", "chat", "other"]);

    assert_eq!(world.channel.subscriptions(&"c1".into(), &quiet).len(), 2);
}

#[test]
fn subscriptions_of_who_is_no_member_are_refused_in_silence() {
    let mut world = world();
    for room in ["general", "nowhere"] {
        let argument = format!(r#"{{"roomId":"{room}","eventName":"x"}}"#);
        for command in ["subscribe", "subscribeAll", "unsubscribe"] {
            world.say("c1", command, &argument);
        }
    }
    world.check("c1", &[]);
    assert_eq!(world.channel.stats().counters.refusals.total(), 6);
}

#[test]
fn a_trigger_is_heard_by_subscribers_its_sender_too_and_answered_by_nothing_else() {
    let mut world = world();
    for client in ["c2", "c1"] {
        world.say(client, "join", GENERAL);
    }
    world.forget();
    let said =
        r#"{"roomId":"general","event":"message","data":{ "b":1.50,"a":"\u00e9" },"meta":{}}"#;
    world.say("c1", "trigger", said);
    let heard = r#"["dialogue:event",{"event":"message","roomId":"general","data":{ "b":1.50,"a":"\u00e9" },"from":"ann","timestamp":1000,"meta":{}}]"#;
    world.check("c1", &[heard]);
    world.check("c2", &[heard]);
}

#[test]
fn data_may_be_absent_and_meta_that_says_nothing_is() {
    let mut world = world();
    world.say("c1", "join", GENERAL);
    world.forget();
    for (meta, expected) in [
        ("", ""),
        (r#","meta":null"#, ""),
        (r#","meta":false"#, ""),
        (r#","meta":0"#, ""),
        (r#","meta":-0.0"#, ""),
        (r#","meta":"""#, ""),
        (r#","meta":[]"#, r#","meta":[]"#),
        (r#","meta":"x""#, r#","meta":"x""#),
        (r#","meta":0.5"#, r#","meta":0.5"#),
    ] {
        world.say("c1", "trigger", &format!(r#"{{"roomId":"general","event":"e"{meta}}}"#));
        world.check("c1", &[&format!(
            r#"["dialogue:event",{{"event":"e","roomId":"general","data":null,"from":"ann","timestamp":1000{expected}}}]"#,
        )]);
    }
}

#[test]
fn a_trigger_is_refused_for_its_room_its_event_its_data_or_by_a_rule() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Reading {
        celsius: i32,
    }
    let listed = RoomConfig::default()
        .with_client_events(ClientEvents::Listed)
        .with_event(EventDefinition::new("reading"))
        .with_event(EventDefinition::new("note"));
    let mut world = World::new(config().room("lab", listed));
    world.guard.define_in::<Reading>("lab", "reading");
    world.guard.on_broadcast("lab", "note", |_: &Broadcast, _: &Channel| {
        Decision::<BroadcastChange>::refuse("no notes today")
    });
    world.connect("c1", "ann");
    world.say("c1", "join", r#"{"roomId":"lab"}"#);
    world.forget();

    let mut say = |argument: &str| {
        world.say("c1", "trigger", argument);
        world.received("c1")
    };
    let mut check = |argument: &str, expected: &str| {
        let received = say(argument);
        let text = received.first().map(ToString::to_string).unwrap_or_default();
        assert!(received.len() == 1 && text.starts_with(expected), "{received:?}");
    };
    check(
        r#"{"roomId":"nowhere","event":"reading"}"#,
        r#"["dialogue:error",{"code":"ROOM_NOT_FOUND","#,
    );
    for event in ["other", "*", "", "dialogue:event"] {
        check(
            &format!(r#"{{"roomId":"lab","event":"{event}","data":1}}"#),
            r#"["dialogue:error",{"code":"EVENT_NOT_ALLOWED","#,
        );
    }
    check(
        r#"{"roomId":"lab","event":"reading","data":{"celsius":"warm"}}"#,
        r#"["dialogue:error",{"code":"VALIDATION_FAILED","message":""#,
    );
    check(
        r#"{"roomId":"lab","event":"note","data":1}"#,
        r#"["dialogue:error",{"code":"VALIDATION_FAILED","message":"event \"note\" in \"lab\": no notes today"}]"#,
    );
    check(
        r#"{"roomId":"lab","event":"reading","data":{"celsius":20,"extra":1}}"#,
        r#"["dialogue:event",{"event":"reading","roomId":"lab","data":{"celsius":20},"from":"#,
    );
}

#[test]
fn rooms_are_listed_in_the_order_of_their_making_without_their_creators() {
    let mut world = World::new(config());
    world.connect("c1", "ann");
    world.say("c1", "join", GENERAL);
    let create = r#"{"id":"a","name":"A","description":"first","maxSize":8}"#;
    world.say("c1", "createRoom", create);
    world.forget();
    world.emit("c1", "dialogue:listRooms", None);
    world.emit("c1", "dialogue:listRooms", Some("[1,"));
    let rooms = r#"["dialogue:rooms",[{"id":"general","name":"General Chat","size":1},{"id":"a","name":"A","description":"first","size":0,"maxSize":8}]]"#;
    world.check("c1", &[rooms, rooms]);
}

#[test]
fn a_room_is_made_for_who_asks_and_everyone_is_told() {
    let mut world = world();
    world.say("c1", "createRoom", r#"{"id":"a","name":"A","description":null}"#);
    let created = r#"["dialogue:roomCreated",{"id":"a","name":"A","createdById":"ann"}]"#;
    world.check("c1", &[created]);
    world.check("c2", &[created]);

    world.say("c2", "createRoom", r#"{"id":"a","name":"B"}"#);
    world.check(
        "c2",
        &[r#"["dialogue:error",{"code":"ROOM_EXISTS","message":"room \"a\" exists already"}]"#],
    );
    world.check("c1", &[]);

    let create = r#"{"id":"b","name":"B","description":"d","maxSize":0}"#;
    world.say("c2", "createRoom", create);
    world.check("c1", &[
        r#"["dialogue:roomCreated",{"id":"b","name":"B","description":"d","maxSize":0,"createdById":"bob"}]"#,
    ]);
}

#[test]
fn a_room_is_deleted_by_its_creator_and_everyone_is_told_once() {
    let mut world = world();
    world.say("c1", "createRoom", r#"{"id":"a","name":"A"}"#);
    world.say("c2", "join", r#"{"roomId":"a"}"#);
    world.forget();

    world.say("c2", "deleteRoom", r#"{"roomId":"a"}"#);
    world.say("c2", "deleteRoom", r#"{"roomId":"nowhere"}"#);
    world.check_begins(
        "c2",
        &[
            r#"["dialogue:error",{"code":"PERMISSION_DENIED","#,
            r#"["dialogue:error",{"code":"ROOM_NOT_FOUND","#,
        ],
    );
    world.check("c1", &[]);

    world.say("c1", "deleteRoom", r#"{"roomId":"a"}"#);
    let deleted = r#"["dialogue:roomDeleted",{"roomId":"a"}]"#;
    world.check("c1", &[deleted]);
    world.check("c2", &[deleted]);
}

#[test]
fn pages_of_history_are_newest_first_from_0_to_50_unless_asked_otherwise() {
    let mut world = world();
    world.say("c1", "join", r#"{"roomId":"chat"}"#);
    for text in ["a", "b", "c"] {
        let trigger = format!(r#"{{"roomId":"chat","event":"message","data":"{text}"}}"#);
        world.say("c1", "trigger", &trigger);
    }
    world.forget();

    let mut check = |asked: &str, texts: &[&str], start: u64, end: u64| {
        world.say("c1", "getHistory", &format!(r#"{{"roomId":"chat"{asked}}}"#));
        // What reaches beyond memory is asked for, and there is no more.
        for load in std::mem::take(&mut world.loads) {
            world.load(load, Vec::new());
        }
        let event = |text: &&str| {
            format!(
                r#"{{"event":"message","roomId":"chat","data":"{text}","from":"ann","timestamp":1000}}"#
            )
        };
        let events = texts.iter().map(event).collect::<Vec<_>>().join(",");
        let name = if asked.contains("message") { "\"message\"" } else { "null" };
        world.check("c1", &[&format!(
            r#"["dialogue:historyResponse",{{"roomId":"chat","eventName":{name},"events":[{events}],"start":{start},"end":{end}}}]"#
        )]);
    };
    let named = r#","eventName":"message""#;
    check(named, &["c", "b", "a"], 0, 50);
    check(&format!(r#"{named},"start":1"#), &["b", "a"], 1, 50);
    check(&format!(r#"{named},"start":1,"end":2"#), &["b"], 1, 2);
    check(&format!(r#"{named},"start":-1,"end":1"#), &["c"], 0, 1);
    check(&format!(r#"{named},"start":0.5,"end":1.5"#), &["c"], 0, 1);
    check(&format!(r#"{named},"start":2,"end":1"#), &[], 2, 1);
    check(&format!(r#"{named},"start":null,"end":-3"#), &[], 0, 0);
    check(&format!(r#"{named},"start":3,"end":1e99"#), &[], 3, 1_003);
    check("", &[], 0, 50);
    check(r#","eventName":null,"end":2"#, &[], 0, 2);
}

#[test]
fn a_page_is_cut_to_what_the_driver_says() {
    let mut connection = Connection::new("c1", "ann").with_page_length(5);
    let asked = r#"{"roomId":"chat","eventName":"message","start":3,"end":100}"#;
    let Incoming::Event(event) = connection.event("dialogue:getHistory", Some(asked), 0) else {
        panic!("expected an event")
    };
    let parlor::Event::History(history) = event else { panic!("expected history, got {event:?}") };
    assert_eq!((history.start, history.end), (3, 8));
}

#[test]
fn a_page_of_an_unknown_room_is_an_error() {
    let mut world = world();
    world.say("c1", "getHistory", r#"{"roomId":"nowhere","eventName":"message"}"#);
    world.check_begins("c1", &[r#"["dialogue:error",{"code":"ROOM_NOT_FOUND","#]);
}

#[test]
fn malformed_arguments_are_ignored() {
    let mut connection = Connection::new("c1", "ann");
    let malformed = [
        None,
        Some(""),
        Some("null"),
        Some("{"),
        Some("{}"),
        Some("[]"),
        Some(r#"["general","message"]"#),
        Some(r#""general""#),
        Some(r#"{"roomId":1,"eventName":"e","event":"e"}"#),
        Some(r#"{"roomId":null,"eventName":"e","event":"e"}"#),
        Some(r#"{"room_id":"general","eventName":"e","event":"e"}"#),
        Some(r#"{"roomId":"general","eventName":"e","event":"e"} {}"#),
    ];
    let mut commands =
        vec!["join", "leave", "subscribe", "subscribeAll", "unsubscribe", "trigger", "deleteRoom"];
    for argument in malformed {
        for command in &commands {
            let incoming = connection.event(&format!("dialogue:{command}"), argument, 0);
            assert_eq!(incoming, Incoming::Nothing, "{command} {argument:?}");
        }
    }
    commands.retain(|command| ["subscribe", "unsubscribe", "trigger"].contains(command));
    for argument in [r#"{"roomId":"general"}"#, r#"{"roomId":"general","event":1,"eventName":1}"#] {
        for command in &commands {
            let incoming = connection.event(&format!("dialogue:{command}"), Some(argument), 0);
            assert_eq!(incoming, Incoming::Nothing, "{command} {argument}");
        }
    }
}

#[test]
fn malformed_arguments_of_create_room_and_get_history_are_invalid_requests() {
    let mut connection = Connection::new("c1", "ann");
    let mut check = |command: &str, argument: Option<&str>, message: &str| {
        let incoming = connection.event(&format!("dialogue:{command}"), argument, 0);
        let Incoming::Packet(packet) = incoming else { panic!("{command} {argument:?}") };
        assert_eq!(packet.name(), "dialogue:error");
        let expected = format!(r#"{{"code":"INVALID_REQUEST","message":"{message}"}}"#);
        assert_eq!(packet.argument(), expected, "{argument:?}");
    };
    let what = "expected the id and name of a room: ";
    check("createRoom", None, &format!("{what}got no argument"));
    check("createRoom", Some("{}"), &format!("{what}missing field `id`"));
    check("createRoom", Some(r#"{"id":"a"}"#), &format!("{what}missing field `name`"));
    for argument in [
        r#"{"id":1,"name":"A"}"#,
        r#"{"id":"a","name":null}"#,
        r#"{"id":"a","name":"A","description":1}"#,
    ] {
        let wrong = if argument.contains("null") { "null" } else { "integer `1`" };
        let wrong = format!("{what}invalid type: {wrong}, expected a string");
        check("createRoom", Some(argument), &wrong);
    }
    for (size, wrong) in [
        (r#""8""#, r#"invalid type: string \"8\", expected a whole number from 0 to 4294967295"#),
        ("-1", "invalid value: integer `-1`, expected a whole number from 0 to 4294967295"),
        (
            "4294967296",
            "invalid value: integer `4294967296`, expected a whole number from 0 to 4294967295",
        ),
        ("1.5", "invalid type: floating point `1.5`, expected a whole number from 0 to 4294967295"),
    ] {
        let argument = format!(r#"{{"id":"a","name":"A","maxSize":{size}}}"#);
        check("createRoom", Some(&argument), &format!("{what}{wrong}"));
    }

    let what = "expected the roomId of a room: ";
    check("getHistory", None, &format!("{what}got no argument"));
    check("getHistory", Some("{}"), &format!("{what}missing field `roomId`"));
    for field in ["eventName", "start", "end"] {
        let argument = format!(r#"{{"roomId":"general","{field}":true}}"#);
        let expected = if field == "eventName" { "a string" } else { "a number" };
        let wrong = format!("{what}invalid type: boolean `true`, expected {expected}");
        check("getHistory", Some(&argument), &wrong);
    }
}

#[test]
fn other_names_are_ignored() {
    let mut connection = Connection::new("c1", "ann");
    for name in ["", "join", "dialogue:", "dialogue:JOIN", "dialogue:joined", "disconnect"] {
        let incoming = connection.event(name, Some(GENERAL), 0);
        assert_eq!(incoming, Incoming::Nothing, "{name}");
    }
}
