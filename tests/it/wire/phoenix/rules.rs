//! The rules of the protocol, each by its number in the description of it.

use parlor::{
    Config, Disconnect, Event, EventKind, Kick, Payload, PresenceMode, Push, Reason, Refuse,
    RoomConfig, UnlistedTopics,
    wire::phoenix::{CloseCode, Frame, check_version},
};

use super::{JOINED, error, ok, server as of, server::Server};

/// Rooms without presence, of topics that begin with `room:`.
fn server() -> Server {
    let room = RoomConfig::default().with_presence(PresenceMode::Off);
    let config = Config::builder().room("room:*", room);
    of(config.unlisted_topics(UnlistedTopics::Refuse).build().unwrap())
}

/// One in which A has joined `room:x` with refs 2.
fn joined() -> Server {
    let mut server = server();
    server.text("A", r#"["2","2","room:x","phx_join",{}]"#);
    server
}

#[test]
fn rule_1_a_join_gets_one_ok_reply() {
    let received = server().text("A", r#"["2","3","room:x","phx_join",{}]"#);
    assert_eq!(received, [ok("\"2\"", "\"3\"", "room:x", JOINED)]);
}

#[test]
fn rule_2_a_refused_join_gets_an_error_and_leaves_nothing() {
    let mut server = server();
    let join = Frame::Text(r#"["2","2","room:x","phx_join",{"a":1}]"#.into());
    let Some(Event::Rejoin(join)) = server.read("A", &join).unwrap() else { panic!("a rejoin") };
    assert_eq!(join.params.unwrap().as_str(), r#"{"a":1}"#);
    let refuse = Refuse::new("A", EventKind::Rejoin, Reason::JoinDenied).with_topic("room:x");
    server.handle(refuse.with_message("no").with_ref(join.reference.unwrap()));

    let response = r#"{"reason":"join_denied","message":"no"}"#;
    let reply = format!(r#"{{"status":"error","response":{response}}}"#);
    assert_eq!(server.received("A"), [format!(r#"["2","2","room:x","phx_reply",{reply}]"#)]);
    assert_eq!(server.connection("A").topics().count(), 0);

    // The client tries again, with another ref.
    let received = server.text("A", r#"["3","3","room:x","phx_join",{"a":2}]"#);
    assert_eq!(received, [ok("\"3\"", "\"3\"", "room:x", JOINED)]);
}

#[test]
fn rule_3_while_the_channel_has_crashed_a_join_gets_an_error() {
    let mut server = server();
    server.handle(Event::crash("boom"));
    let received = server.text("A", r#"["2","2","room:x","phx_join",{}]"#);
    assert_eq!(received.len(), 1);
    assert!(received[0].contains(r#"{"status":"error","response":{"reason":"crashed","#));
}

#[test]
fn rule_4_a_topic_without_a_room_is_unmatched_and_its_join_ref_is_null() {
    let mut server = server();
    let unmatched = |reference| [error("null", reference, "nope", "unmatched topic")];
    assert_eq!(server.text("A", r#"["2","2","nope","phx_join",{}]"#), unmatched("\"2\""));
    assert_eq!(server.text("A", r#"["2","3","nope","ev",{}]"#), unmatched("\"3\""));
}

#[test]
fn rule_5_an_event_of_a_topic_not_joined_is_unmatched_and_a_leave_is_ok() {
    let mut server = joined();
    server.text("B", r#"["1","1","room:y","phx_join",{}]"#);
    for topic in ["room:x", "room:y"] {
        let client = if topic == "room:x" { "B" } else { "A" };
        let received = server.text(client, &format!(r#"["7","8","{topic}","ev",{{}}]"#));
        assert_eq!(received, [error("null", "\"8\"", topic, "unmatched topic")]);
        let received = server.text(client, &format!(r#"["7","9","{topic}","phx_leave",{{}}]"#));
        assert_eq!(received, [ok("\"7\"", "\"9\"", topic, "{}")]);
    }
}

#[test]
fn rule_6_an_event_without_a_join_ref_belongs_to_the_join_there_is() {
    let received = joined().text("A", r#"[null,"8","room:x","ev",{}]"#);
    assert_eq!(received[0], ok("\"2\"", "\"8\"", "room:x", r#"{"epoch":1,"offset":1}"#));
    let received = joined().text("A", r#"[null,"8","room:x","phx_leave",{}]"#);
    assert_eq!(received[0], ok("\"2\"", "\"8\"", "room:x", "{}"));
}

#[test]
fn rule_7_what_belongs_to_another_join_is_passed_over() {
    let mut server = joined();
    for join_ref in ["\"1\"", "2", "\"20\"", "\"\""] {
        for event in ["ev", "phx_leave", "parlor:untrack"] {
            let stale = format!(r#"[{join_ref},"8","room:x","{event}",{{}}]"#);
            assert_eq!(server.text("A", &stale), [""; 0], "{stale}");
        }
    }
    assert!(server.channel.is_member(&"A".into(), &"room:x".into()));
    assert_eq!(server.channel.stats().counters.broadcasts, 0);
}

#[test]
fn rule_8_a_join_without_a_join_ref_goes_by_its_ref() {
    let mut server = server();
    let received = server.text("A", r#"[null,"1","room:x","phx_join",{}]"#);
    assert_eq!(received, [ok("null", "\"1\"", "room:x", JOINED)]);
    assert_eq!(server.text("A", r#"["1","2","room:x","ev",{}]"#), [""; 0]);
    let received = server.text("A", r#"[null,"3","room:x","ev",{}]"#);
    assert_eq!(received[0], ok("\"1\"", "\"3\"", "room:x", r#"{"epoch":1,"offset":1}"#));
    server.handle(Push::new("A", "room:x", "p", Payload::json("1").unwrap()));
    assert_eq!(server.received("A"), [r#"["1",null,"room:x","p",1]"#]);
    let received = server.text("A", r#"[null,"4","room:x","phx_leave",{}]"#);
    let close = r#"[null,null,"room:x","phx_close",{}]"#.to_owned();
    assert_eq!(received, [ok("\"1\"", "\"4\"", "room:x", "{}"), close]);
}

#[test]
fn rule_9_a_second_join_is_answered_before_the_first_is_closed() {
    let mut server = joined();
    let received = server.text("A", r#"["5","5","room:x","phx_join",{}]"#);
    let close = r#"["2","2","room:x","phx_close",{}]"#;
    let joined = JOINED.replace(r#""rejoined":false"#, r#""rejoined":true"#);
    assert_eq!(received, [ok("\"5\"", "\"5\"", "room:x", &joined), close.to_owned()]);
    assert_eq!(server.text("A", r#"["2","6","room:x","ev",{}]"#), [""; 0]);
    assert_eq!(server.text("A", r#"["5","7","room:x","ev",{}]"#).len(), 2);
}

#[test]
fn rule_9_a_second_join_that_is_refused_leaves_the_first_as_it_is() {
    let mut server = joined();
    let received = server.text("A", r#"["5","5","room:x","phx_join",{"since":7}]"#);
    assert!(received[0].starts_with(r#"["5","5","room:x","phx_reply",{"status":"error""#));
    assert_eq!(server.text("A", r#"["2","6","room:x","ev",{}]"#).len(), 2);

    let join = Frame::Text(r#"["7","7","room:x","phx_join",{}]"#.into());
    let Some(join) = server.read("A", &join).unwrap() else { panic!("an event") };
    let Event::Rejoin(join) = join else { panic!("a rejoin") };
    let refuse = Refuse::new("A", EventKind::Rejoin, Reason::JoinDenied).with_topic("room:x");
    server.handle(refuse.with_ref(join.reference.unwrap()));
    assert_eq!(server.received("A").len(), 1);
    assert_eq!(server.text("A", r#"["2","8","room:x","ev",{}]"#).len(), 2);
}

#[test]
fn rule_10_a_leave_and_a_join_that_do_not_wait_end_in_a_join() {
    let mut server = joined();
    let frames = [
        r#"["2","3","room:x","phx_leave",{}]"#,
        r#"["4","4","room:x","phx_join",{}]"#,
        r#"["4","5","room:x","ev",{}]"#,
    ];
    let read = |server: &mut Server, frame: &str| {
        server.read("A", &Frame::Text(frame.into())).unwrap().expect("it is an event")
    };
    let events: Vec<_> = frames.iter().map(|frame| read(&mut server, frame)).collect();
    for event in events {
        server.handle(event);
    }
    let received = server.received("A");
    assert_eq!(received[0], ok("\"2\"", "\"3\"", "room:x", "{}"));
    assert_eq!(received[1], r#"["2","2","room:x","phx_close",{}]"#);
    assert!(received[2].starts_with(r#"["4","4","room:x","phx_reply",{"status":"ok""#));
    assert!(received[3].starts_with(r#"["4","5","room:x","phx_reply",{"status":"ok""#));
    assert_eq!(received.len(), 5);
}

#[test]
fn rule_11_the_server_ends_a_join_with_close_and_a_crash_with_error() {
    let mut server = joined();
    server.handle(Kick::new("A", "spam").with_topic("room:x"));
    let close = r#"["2","2","room:x","phx_close",{"reason":"kicked","message":"spam"}]"#;
    assert_eq!(server.received("A"), [close]);
    let received = server.text("A", r#"["2","3","room:x","ev",{}]"#);
    assert_eq!(received, [error("null", "\"3\"", "room:x", "unmatched topic")]);

    let mut server = joined();
    server.handle(parlor::CloseRoom::new("room:x"));
    let close = r#"["2","2","room:x","phx_close",{"reason":"room_closed"}]"#;
    assert_eq!(server.received("A")[0], close);

    let mut server = joined();
    server.handle(Event::crash("boom"));
    let error = r#"["2","2","room:x","phx_error",{"reason":"channel_crash"}]"#;
    assert_eq!(server.received("A"), [error]);
    server.handle(Event::Restart);
    let received = server.text("A", r#"["3","3","room:x","phx_join",{}]"#);
    assert_eq!(received, [ok("\"3\"", "\"3\"", "room:x", &JOINED.replace(":1,", ":2,"))]);
}

#[test]
fn rule_12_the_sender_gets_its_reply_and_its_message() {
    let received = joined().text("A", r#"["2","3","room:x","ev",{ "a" : 1.50 }]"#);
    assert_eq!(
        received,
        [
            ok("\"2\"", "\"3\"", "room:x", r#"{"epoch":1,"offset":1}"#),
            r#"[null,null,"room:x","ev",{ "a" : 1.50 },{"epoch":1,"offset":1}]"#.to_owned(),
        ]
    );
}

#[test]
fn rule_13_one_topic_more_than_the_limit_is_too_many() {
    let mut server = server();
    for (limit, topics) in [(None, 100), (Some(2), 2)] {
        server.connect("A", "ann");
        if let Some(limit) = limit {
            let connection = server.connection("A");
            *connection = connection.clone().with_max_topics(limit);
        }
        let join = |topic| format!(r#"["7","7","room:{topic}","phx_join",{{}}]"#);
        for topic in 0..topics {
            assert!(server.text("A", &join(topic))[0].contains(r#""status":"ok""#));
        }
        let refused = format!("room:{topics}");
        let too_many = error("\"7\"", "\"7\"", &refused, "too many channels joined");
        assert_eq!(server.text("A", &join(topics)), [too_many]);
        assert_eq!(server.connection("A").topics().count(), topics);

        // One that is joined can be joined again, and one that was left makes room.
        assert!(server.text("A", &join(0))[0].contains(r#""status":"ok""#));
        server.text("A", r#"["7","8","room:0","phx_leave",{}]"#);
        assert!(server.text("A", &join(topics))[0].contains(r#""status":"ok""#));
    }
}

#[test]
fn rule_14_a_connection_that_the_server_drops_gets_no_frames() {
    let mut server = joined();
    server.handle(Disconnect::new("A", 0));
    assert_eq!(server.flush(), []);
    assert_eq!(server.connection("A").topics().count(), 0);
    assert_eq!(CloseCode::Disconnected.code(), 1001);
    assert_eq!(CloseCode::Restarting.code(), 1012);
}

#[test]
fn rule_15_no_close_code_is_1000() {
    use CloseCode::{Disconnected, InvalidData, ProtocolError, Restarting};
    let codes = [Disconnected, InvalidData, ProtocolError, Restarting].map(CloseCode::code);
    assert_eq!(codes, [1001, 1007, 1008, 1012]);
    let mut server = server();
    let code = |server: &mut Server, frame: &str| {
        server.read("A", &Frame::Text(frame.into())).unwrap_err().close_code()
    };
    assert_eq!(code(&mut server, "not json"), InvalidData);
    for frame in ["{}", "[]", "[1,2,3]", r#"[null,null,"t","e"]"#] {
        assert_eq!(code(&mut server, frame), ProtocolError, "{frame}");
    }
}

#[test]
fn rule_16_frames_are_in_the_order_of_what_was_said() {
    let mut server = joined();
    server.text("B", r#"["1","1","room:x","phx_join",{}]"#);
    for n in 3..6 {
        server.text("A", &format!(r#"["2","{n}","room:x","ev",{n}]"#));
    }
    let offset = |n| format!(r#"{{"epoch":1,"offset":{}}}"#, n - 2);
    let event = |n| format!(r#"[null,null,"room:x","ev",{n},{}]"#, offset(n));
    assert_eq!(server.received("B"), [event(3), event(4), event(5)]);
}

#[test]
fn heartbeats_are_answered_and_nothing_else_on_their_topic_is_matched() {
    let mut server = server();
    let received = server.text("A", r#"["5",10,"phoenix","heartbeat",{}]"#);
    assert_eq!(received, [ok("null", "10", "phoenix", "{}")]);
    for event in ["phx_join", "phx_leave", "ev"] {
        let received = server.text("A", &format!(r#"["5","11","phoenix","{event}",{{}}]"#));
        assert_eq!(received, [error("null", "\"11\"", "phoenix", "unmatched topic")]);
    }
}

#[test]
fn elements_after_the_fifth_are_ignored() {
    let received = joined().text("A", r#"["2","3","room:x","ev",{},"extra",[[{}]],7]"#);
    assert_eq!(received.len(), 2);
}

#[test]
fn version_2_0_is_spoken_and_no_other() {
    for vsn in ["2.0.0", "2.0.1", "2.0.10"] {
        assert_eq!(check_version(Some(vsn)), Ok(()), "{vsn}");
    }
    for vsn in ["1.0.0", "2.1.0", "3.0.0", "2.0", "2", "", "2.0.", "2.0.00", "2.0.x", "2.0.0-rc"] {
        assert!(check_version(Some(vsn)).is_err(), "{vsn}");
    }
    assert!(check_version(None).is_err());
}
