//! Errors: which code a refusal has, who is told, and who is not.

use parlor::{
    Broadcast, CloseRoom, Config, Decision, Event, History, Join, Limit, OpenRoom, Query, Question,
    RateLimit, Reason, Rejoin, RoomConfig, Who,
    wire::dialogue::{Connection, Incoming},
};

use super::world::{World, config};

/// Commands that have errors.
const COMMANDS: [(&str, &str); 5] = [
    ("join", r#"{"roomId":"general"}"#),
    ("trigger", r#"{"roomId":"general","event":"e"}"#),
    ("createRoom", r#"{"id":"a","name":"A"}"#),
    ("deleteRoom", r#"{"roomId":"general"}"#),
    ("getHistory", r#"{"roomId":"general","eventName":"e"}"#),
];

const CODES: [&str; 9] = [
    "ROOM_NOT_FOUND",
    "ROOM_FULL",
    "JOIN_DENIED",
    "EVENT_NOT_ALLOWED",
    "VALIDATION_FAILED",
    "RATE_LIMITED",
    "INVALID_REQUEST",
    "ROOM_EXISTS",
    "PERMISSION_DENIED",
];

fn world() -> World {
    let mut world = World::new(config());
    world.connect("c1", "ann");
    world.connect("c2", "bob");
    world.forget();
    world
}

/// The code of the one error that a client was sent.
#[track_caller]
fn code(world: &mut World, client_id: &str) -> String {
    let received = world.received(client_id);
    let [error] = &received[..] else { panic!("{received:?}, expected one error") };
    assert_eq!(error.name(), "dialogue:error");
    let code = error.argument().split('"').nth(3).unwrap();
    assert!(error.argument().starts_with(&format!(r#"{{"code":"{code}","message":""#)));
    code.to_owned()
}

#[test]
fn each_reason_has_a_code_in_each_command() {
    // What is called as the code is has it wherever it is refused for that.
    let direct = |reason: Reason| match reason.label() {
        "unknown_topic" => Some("ROOM_NOT_FOUND".to_owned()),
        label => Some(label.to_uppercase()).filter(|code| CODES.contains(&code.as_str())),
    };
    let is_about_what_was_asked = |reason| {
        [Reason::InvalidName, Reason::PayloadTooLarge, Reason::LimitReached, Reason::Unavailable]
            .contains(&reason)
    };
    for reason in Reason::ALL {
        for (command, argument) in COMMANDS {
            let mut world = world();
            world.guard.on_any("*", move |_, _| Decision::refuse_for(reason, "no"));
            world.say("c1", command, argument);
            let expected = direct(reason).unwrap_or_else(|| {
                String::from(match (command, reason) {
                    ("join", _) => "JOIN_DENIED",
                    ("trigger", Reason::InvalidName) => "EVENT_NOT_ALLOWED",
                    ("trigger", Reason::PayloadTooLarge) => "VALIDATION_FAILED",
                    _ if is_about_what_was_asked(reason) => "INVALID_REQUEST",
                    _ => "PERMISSION_DENIED",
                })
            });
            assert_eq!(code(&mut world, "c1"), expected, "{reason} of {command}");
            world.check("c2", &[]);
        }
    }
}

#[test]
fn a_room_of_a_name_that_none_may_have_is_not_found() {
    let long = "x".repeat(256);
    for name in ["", &long] {
        for command in ["join", "trigger", "deleteRoom", "getHistory"] {
            let mut world = world();
            world.say("c1", command, &format!(r#"{{"roomId":"{name}","event":"e"}}"#));
            assert_eq!(code(&mut world, "c1"), "ROOM_NOT_FOUND", "{command}");
        }
        let mut world = world();
        world.say("c1", "createRoom", &format!(r#"{{"id":"{name}","name":"A"}}"#));
        assert_eq!(code(&mut world, "c1"), "INVALID_REQUEST");
        world.say("c1", "createRoom", &format!(r#"{{"id":"a","name":"{name}"}}"#));
        assert_eq!(code(&mut world, "c1"), "INVALID_REQUEST");
    }
}

#[test]
fn who_is_no_member_neither_triggers_nor_reads_unless_the_room_lets_it() {
    let mut world = world();
    world.say("c2", "join", r#"{"roomId":"general"}"#);
    world.forget();
    for (command, argument) in [COMMANDS[1], COMMANDS[4]] {
        world.say("c1", command, argument);
        assert_eq!(code(&mut world, "c1"), "PERMISSION_DENIED");
        world.check("c2", &[]);
    }

    let open = RoomConfig::default().with_publishers(Who::Clients).with_history_for(Who::Clients);
    let mut world = World::new(config().room("open", open));
    world.connect("c1", "ann");
    world.connect("c2", "bob");
    world.say("c2", "join", r#"{"roomId":"open"}"#);
    world.forget();
    world.say("c1", "trigger", r#"{"roomId":"open","event":"e","data":1}"#);
    world.say("c1", "getHistory", r#"{"roomId":"open","eventName":"e"}"#);
    world.check_begins("c1", &[r#"["dialogue:historyResponse","#]);
    world.check_begins("c2", &[r#"["dialogue:event","#]);
}

#[test]
fn limits_of_the_channel_have_codes_too() {
    let mut world = World::new(config().limit(Limit::MembersPerTopic, 1));
    world.connect("c1", "ann");
    world.connect("c2", "bob");
    world.say("c1", "join", r#"{"roomId":"general"}"#);
    world.forget();
    world.say("c2", "join", r#"{"roomId":"general"}"#);
    assert_eq!(code(&mut world, "c2"), "ROOM_FULL");

    let mut world = World::new(config().limit(Limit::TopicsPerClient, 1));
    world.connect("c1", "ann");
    world.say("c1", "createRoom", r#"{"id":"a","name":"A"}"#);
    world.say("c1", "join", r#"{"roomId":"a"}"#);
    world.forget();
    world.say("c1", "join", r#"{"roomId":"general"}"#);
    assert_eq!(code(&mut world, "c1"), "JOIN_DENIED");

    let mut world = World::new(config().limit(Limit::PayloadBytes, 8));
    world.connect("c1", "ann");
    world.say("c1", "join", r#"{"roomId":"general"}"#);
    world.forget();
    world.say("c1", "trigger", r#"{"roomId":"general","event":"e","data":"1234567"}"#);
    assert_eq!(code(&mut world, "c1"), "VALIDATION_FAILED");

    let limited = RoomConfig::default().with_rate_limit(RateLimit::new(1, 1_000));
    let mut world = World::new(config().room("slow", limited));
    world.connect("c1", "ann");
    world.say("c1", "join", r#"{"roomId":"slow"}"#);
    world.say("c1", "trigger", r#"{"roomId":"slow","event":"e"}"#);
    world.forget();
    world.say("c1", "trigger", r#"{"roomId":"slow","event":"e"}"#);
    assert_eq!(code(&mut world, "c1"), "RATE_LIMITED");

    let mut world = World::new(Config::builder());
    world.connect("c1", "ann");
    world.forget();
    world.say("c1", "createRoom", r#"{"id":"a","name":"A"}"#);
    assert_eq!(code(&mut world, "c1"), "PERMISSION_DENIED", "clients open no rooms by default");
}

#[test]
fn a_crashed_channel_denies_joins() {
    let mut world = world();
    world.hand_in(Event::crash("boom"));
    world.say("c1", "join", r#"{"roomId":"general"}"#);
    assert_eq!(code(&mut world, "c1"), "JOIN_DENIED");
}

#[test]
fn history_may_be_asked_for_20_times_in_60_seconds_a_socket() {
    let mut world = world();
    world.say("c1", "join", r#"{"roomId":"general"}"#);
    world.forget();
    // Those that are malformed or refused count too.
    let valid = r#"{"roomId":"general","eventName":"e"}"#;
    for argument in ["{}", r#"{"roomId":"nowhere"}"#] {
        world.say("c1", "getHistory", argument);
    }
    for _ in 0..18 {
        world.say("c1", "getHistory", valid);
    }
    let answers = world.received("c1");
    assert_eq!(answers.len(), 20);
    assert!(answers.iter().all(|answer| !answer.argument().contains("RATE_LIMITED")));

    world.now_ms += 59_999;
    for argument in [valid, "{}"] {
        world.say("c1", "getHistory", argument);
        world.check("c1", &[
            r#"["dialogue:error",{"code":"RATE_LIMITED","message":"rate limited, retry after 1 ms"}]"#,
        ]);
    }
    world.say("c2", "join", r#"{"roomId":"general"}"#);
    world.forget();
    world.say("c2", "getHistory", valid);
    world.check_begins("c2", &["[\"dialogue:historyResponse\","]);

    world.now_ms += 1;
    world.say("c1", "getHistory", valid);
    world.check_begins("c1", &["[\"dialogue:historyResponse\","]);
}

#[test]
fn the_rate_of_history_is_the_drivers_to_choose() {
    let mut connection = Connection::new("c1", "ann").with_history_rate(RateLimit::new(1, 10));
    let valid = Some(r#"{"roomId":"general"}"#);
    let is_event = |incoming| matches!(incoming, Incoming::Event(_));
    assert!(is_event(connection.event("dialogue:getHistory", valid, 0)));
    assert!(!is_event(connection.event("dialogue:getHistory", valid, 9)));
    assert!(is_event(connection.event("dialogue:getHistory", valid, 10)));
}

#[test]
fn what_the_driver_does_for_a_client_is_no_error_of_the_client() {
    let mut world = world();
    world.hand_in(Join::new("c1", "nowhere", "ann", 0));
    world.hand_in(Join::new("c1", "nowhere", "ann", 0).with_ref("1"));
    world.hand_in(Join::new("c1", "nowhere", "ann", 0).with_ref("dlg:soon:1"));
    world.hand_in(Broadcast::new("c1", "nowhere", parlor::Json::parse("1").unwrap()).with_ref("1"));
    world.hand_in(OpenRoom::new("general").with_by("c1").with_ref("1"));
    world.hand_in(CloseRoom::new("general").with_by("c1").with_ref("1"));
    world.hand_in(History::new("c1", "nowhere"));
    world.hand_in(Query::new(Question::Rooms).with_client("c1"));
    world.hand_in(connect_as_somebody_else());
    world.check("c1", &[]);
    assert_eq!(world.channel.stats().counters.refusals.total(), 8);
}

fn connect_as_somebody_else() -> Event {
    Connection::new("c1", "mallory").connect(0)
}

#[test]
fn a_page_that_the_driver_asks_for_is_the_drivers() {
    let mut world = world();
    world.say("c1", "join", r#"{"roomId":"general"}"#);
    world.forget();
    world.hand_in(History::new("c1", "general").with_ref("1"));
    world.check("c1", &[]);
}

#[test]
fn errors_that_come_too_late_are_dropped() {
    for (command, argument) in COMMANDS {
        for (delay_ms, errors) in [(4_999, 1), (5_000, 0)] {
            let mut world = world();
            world.guard.on_any("*", |_, _| Decision::refuse("no"));
            let event = world.arrive("c1", &format!("dialogue:{command}"), Some(argument));
            world.now_ms += delay_ms;
            world.emit("c1", "dialogue:listRooms", None);
            world.forget();
            world.hand_in(event.unwrap());
            // Nothing waits for the answer to a trigger, so none is late.
            let errors = if command == "trigger" { 1 } else { errors };
            assert_eq!(world.received("c1").len(), errors, "{command} after {delay_ms} ms");
        }
    }
}

#[test]
fn a_rejoin_is_never_an_error() {
    let mut world = world();
    world.hand_in(Rejoin::new("c1", "nowhere", "ann", 0).with_ref("dlg:1000:1"));
    world.check("c1", &[r#"["dialogue:roomDeleted",{"roomId":"nowhere"}]"#]);
}
