//! What clients ask for by pushes of reserved names, coming back without a gap, and what belongs to
//! no topic.

use parlor::{
    Address, ClientRooms, Config, Connect, Disconnect, Event, EventDefinition, EventKind, Json,
    Kick, Payload, Position, Publish, RoomConfig,
    wire::phoenix::{Frame, Incoming, Positions},
};

use super::{JOINED, error, ok, server as of, server::Server};

/// One in which A and B have joined `room:x` with refs 1; its last two messages are kept.
fn joined() -> Server {
    let room = RoomConfig::default()
        .with_presence(parlor::PresenceMode::Off)
        .with_event(EventDefinition::new("ev").with_history(2));
    let config = Config::builder().default_room(room).grace_ms(1000);
    let mut server = of(config.clients_open_rooms(ClientRooms::On).build().unwrap());
    for client in ["A", "B"] {
        let user = if client == "A" { "ann" } else { "bob" };
        server.handle(Connect::new(client, user, 0));
        server.text(client, r#"["1","1","room:x","phx_join",{}]"#);
    }
    server
}

/// The event that a push of A is.
fn read(event: &str, payload: &str) -> Event {
    let mut server = joined();
    let frame = format!(r#"["1","2","room:x","{event}",{payload}]"#);
    let read = server.read("A", &Frame::Text(frame.into())).unwrap();
    read.unwrap_or_else(|| panic!("{event} {payload} is no event: {:?}", server.flush()))
}

#[test]
fn pushes_of_reserved_names_are_events() {
    let line = |event: &Event| serde_json::to_string(event).unwrap();
    let member = r#""client_id":"A","topic":"room:x""#;
    let reference = r#""ref":"\"1\" \"2\"""#;
    for (event, payload, expected) in [
        (
            "parlor:track",
            r#"{"meta":{"a":1}}"#,
            format!(r#"{{"track":{{{member},"meta":{{"a":1}},{reference}}}}}"#),
        ),
        ("parlor:track", "{}", format!(r#"{{"track":{{{member},{reference}}}}}"#)),
        ("parlor:untrack", "{}", format!(r#"{{"untrack":{{{member},{reference}}}}}"#)),
        (
            "parlor:subscribe",
            r#"{"event":"e"}"#,
            format!(r#"{{"subscribe":{{{member},"event":"e",{reference}}}}}"#),
        ),
        (
            "parlor:unsubscribe",
            r#"{"event":"*"}"#,
            format!(r#"{{"unsubscribe":{{{member},"event":"*",{reference}}}}}"#),
        ),
        ("parlor:history", "{}", format!(r#"{{"history":{{{member},{reference}}}}}"#)),
        (
            "parlor:history",
            r#"{"event":"e","start":1,"end":9}"#,
            format!(r#"{{"history":{{{member},"event":"e","start":1,"end":9,{reference}}}}}"#),
        ),
        (
            "parlor:close_room",
            "{}",
            format!(r#"{{"close_room":{{"topic":"room:x","by":"A",{reference}}}}}"#),
        ),
        (
            "shout",
            "[1]",
            format!(r#"{{"broadcast":{{{member},"payload":[1],"event":"shout",{reference}}}}}"#),
        ),
    ] {
        assert_eq!(line(&read(event, payload)), expected);
    }
    let open = read("parlor:open_room", r#"{"topic":"room:y","config":{"max_members":2}}"#);
    let expected = r#"{"open_room":{"topic":"room:y","config":{"max_members":2},"by":"A","ref":"\"1\" \"2\" \"room:x\""}}"#;
    assert_eq!(line(&open), expected);
}

#[test]
fn payloads_that_make_no_event_are_refused_with_what_was_expected() {
    for (event, payload, expected) in [
        ("parlor:subscribe", "{}", "parlor:subscribe: missing field `event`"),
        (
            "parlor:track",
            "7",
            "parlor:track: invalid type: integer `7`, expected an object of fields",
        ),
        ("parlor:untrack", r#"{"x":1}"#, "parlor:untrack: unknown field `x`, there are no fields"),
        (
            "parlor:history",
            r#"{"start":-1}"#,
            "parlor:history: invalid value: integer `-1`, expected a whole number from 0 to 18446744073709551615",
        ),
        ("phx_join", r#"{"since":{"epoch":1}}"#, "params: missing field `offset`"),
        (
            "phx_join",
            r#"{"since":[{"epoch":1,"offset":2}]}"#,
            r#"params: invalid type: sequence, expected a position, {\"epoch\":…,\"offset\":…}"#,
        ),
        (
            "phx_join",
            r#"{"since":3}"#,
            r#"params: invalid type: integer `3`, expected a position, {\"epoch\":…,\"offset\":…}"#,
        ),
    ] {
        let mut server = joined();
        let reference = if event == "phx_join" { "3" } else { "1" };
        let frame = format!(r#"["{reference}","3","room:x","{event}",{payload}]"#);
        let refused = format!(
            r#"["{reference}","3","room:x","phx_reply",{{"status":"error","response":{{"reason":"invalid_request","message":"{expected}"}}}}]"#
        );
        assert_eq!(server.text("A", &frame), [refused]);
        assert!(server.text("A", r#"["1","4","room:x","ev",{}]"#).len() == 2, "it is still joined");
    }
}

#[test]
fn a_page_of_history_is_the_reply_to_who_asks() {
    let mut server = joined();
    for n in 2..5 {
        server.text("A", &format!(r#"["1","{n}","room:x","ev",{{"n":{n}}}]"#));
    }
    let received = server.text("A", r#"["1","9","room:x","parlor:history",{"end":1}]"#);
    let message = r#"{"event":"ev","payload":{"n":4},"from":"ann","offset":3,"timestamp_ms":0}"#;
    let page = format!(r#"{{"epoch":1,"start":0,"end":1,"messages":[{message}]}}"#);
    assert_eq!(received, [ok("\"1\"", "\"9\"", "room:x", &page)]);

    // A position is given back as it came, whatever else stands in it.
    let older = r#"["1","10","room:x","parlor:history",{"event":"ev","before":{"epoch":1,"offset":3,"of":"server"},"end":3}]"#;
    let message = r#"{"event":"ev","payload":{"n":3},"from":"ann","offset":2,"timestamp_ms":0}"#;
    let page = format!(
        r#"{{"event":"ev","epoch":1,"before":{{"epoch":1,"offset":3}},"start":0,"end":3,"messages":[{message}]}}"#
    );
    assert_eq!(server.text("A", older), [ok("\"1\"", "\"10\"", "room:x", &page)]);

    let received = server.text("A", r#"[null,"11","room:y","parlor:history",{}]"#);
    assert_eq!(received, [error("null", "\"11\"", "room:y", "unmatched topic")]);
}

#[test]
fn history_on_join_is_a_push() {
    let room = RoomConfig::default()
        .with_presence(parlor::PresenceMode::Off)
        .with_event(EventDefinition::new("ev").with_history(2))
        .with_history_on_join(parlor::HistoryOnJoin::All);
    let mut server = of(Config::builder().default_room(room).build().unwrap());
    server.text("B", r#"["1","1","room:x","phx_join",{}]"#);
    server
        .handle(parlor::Broadcast::new("B", "room:x", Payload::bytes([0, 1, 2])).with_event("ev"));
    let received = server.text("A", r#"["7","7","room:x","phx_join",{}]"#);
    let (head, page) = received[1].split_once(r#""parlor:history","#).unwrap();
    assert_eq!(head, r#"["7",null,"room:x","#);
    assert!(page.contains(r#"{"event":"ev","payload_base64":"AAEC","from":"bob","offset":1,"#));
}

#[test]
fn who_comes_back_with_a_position_gets_what_it_has_missed() {
    let mut server = joined();
    server.text("B", r#"["1","2","room:x","ev",1]"#);
    let [message] = &server.received("A")[..] else { panic!("one message") };
    let (_, position) = message.split_once("1,{").unwrap();
    let position = format!("{{{}", position.strip_suffix(']').unwrap());
    assert_eq!(position, r#"{"epoch":1,"offset":1}"#);

    server.handle(Disconnect::new("A", 5));
    server.text("B", r#"["1","3","room:x","ev",2]"#);
    server.connect("A", "ann");
    let join = format!(r#"["9","9","room:x","phx_join",{{"since":{position}}}]"#);
    let received = server.text("A", &join);
    let body = r#"{"epoch":1,"offset":2,"rejoined":true,"recovered":true}"#;
    let message = r#"[null,null,"room:x","ev",2,{"epoch":1,"offset":2}]"#.to_owned();
    assert_eq!(received, [ok("\"9\"", "\"9\"", "room:x", body), message]);
}

#[test]
fn a_position_is_given_back_whole_and_unknown_fields_are_ignored() {
    let since = r#"{"epoch":3,"offset":4,"from":"ann","node":{"n":[1]}}"#;
    let join = read("phx_join", &format!(r#"{{"meta":{{"a":1}},"since":{since},"x":1}}"#));
    // A frame that would be stale, were it no join.
    let Event::Rejoin(join) = join else { panic!("a rejoin") };
    assert_eq!(join.meta, Some(Json::parse(r#"{"a":1}"#).unwrap()));
    assert_eq!(join.since, Some(Position { epoch: 3, offset: 4 }));
    assert!(join.params.unwrap().as_str().contains("\"x\":1"));
    for params in ["[1]", "null", "{}", r#"{"meta":null,"since":null}"#] {
        let Event::Rejoin(join) = read("phx_join", params) else { panic!("a rejoin") };
        assert_eq!((join.meta, join.since), (None, None), "{params}");
    }
}

#[test]
fn a6_a_broadcast_has_five_elements_unless_positions_are_asked_for() {
    let mut server = joined();
    server.positions = Positions::default();
    let received = server.text("A", r#"["1","2","room:x","ev",{"a":1}]"#);
    assert_eq!(received[1], r#"[null,null,"room:x","ev",{"a":1}]"#);
}

#[test]
fn positions_can_say_who_was_there_and_when() {
    let mut server = joined();
    server.positions = Positions::Signed;
    let received = server.text("A", r#"["1","2","room:x","ev",{"a":1}]"#);
    let place = r#"{"epoch":1,"offset":1,"from":"ann","timestamp_ms":0}"#;
    assert_eq!(received[1], format!(r#"[null,null,"room:x","ev",{{"a":1}},{place}]"#));
}

#[test]
fn a_leave_on_a_new_connection_ends_what_was_held() {
    let mut server = joined();
    server.handle(Disconnect::new("A", 5));
    server.connect("A", "ann");
    server.handle(Connect::new("A", "ann", 6));
    assert!(server.channel.is_member(&"A".into(), &"room:x".into()));
    let received = server.text("A", r#"["1","2","room:x","phx_leave",{}]"#);
    assert_eq!(received, [ok("\"1\"", "\"2\"", "room:x", "{}")]);
    assert!(!server.channel.is_member(&"A".into(), &"room:x".into()));
}

#[test]
fn rooms_are_opened_and_closed_from_any_topic() {
    let mut server = joined();
    let open = r#"["1","2","room:x","parlor:open_room",{"topic":"room:y","config":{"name":"Y"}}]"#;
    let received = server.text("A", open);
    let room =
        r#"{"topic":"room:y","name":"Y","owner":"ann","size":0,"full":false,"epoch":2,"offset":0}"#;
    let opened = format!(r#"[null,null,"parlor","parlor:room_opened",{room}]"#);
    assert_eq!(received, [ok("\"1\"", "\"2\"", "room:x", "{}"), opened.clone()]);
    assert_eq!(server.received("B"), [opened]);

    let received = server.text("A", open);
    assert!(received[0].starts_with(
        r#"["1","2","room:x","phx_reply",{"status":"error","response":{"reason":"room_exists""#
    ));
    let close = r#"["1","3","room:x","parlor:close_room",{"topic":"room:z"}]"#;
    let received = server.text("A", close);
    assert!(received[0].starts_with(
        r#"["1","3","room:x","phx_reply",{"status":"error","response":{"reason":"unknown_topic""#
    ));
    let received = server.text("A", &close.replace("room:z", "room:y"));
    assert_eq!(received[0], ok("\"1\"", "\"3\"", "room:x", "{}"));
    assert!(received[1].starts_with(r#"[null,null,"parlor","parlor:room_closed",{"#));
}

#[test]
fn the_connections_own_topic_is_joined_like_others_and_makes_no_room() {
    let mut server = joined();
    let received = server.text("A", r#"["5","5","parlor","phx_join",{}]"#);
    assert_eq!(received, [ok("\"5\"", "\"5\"", "parlor", "{}")]);
    assert_eq!(server.channel.stats().topics, 1);

    let notice = Payload::json("7").unwrap();
    server.handle(Publish::new(Address::User("ann".into()), "notice", notice));
    assert_eq!(server.received("A"), [r#"[null,null,"parlor","notice",7]"#]);

    let open = r#"["5","6","parlor","parlor:open_room",{"topic":"room:y"}]"#;
    assert_eq!(server.text("A", open)[0], ok("\"5\"", "\"6\"", "parlor", "{}"));
    let received = server.text("A", r#"["5","7","parlor","parlor:open_room",{}]"#);
    assert!(received[0].contains("topic is absent, expected the room's"), "{received:?}");
    let received = server.text("A", r#"["5","8","parlor","ev",{}]"#);
    assert_eq!(received, [error("null", "\"8\"", "parlor", "unmatched topic")]);

    let received = server.text("A", r#"["9","9","parlor","phx_join",{}]"#);
    let close = |join_ref: &str| format!(r#"[{join_ref},{join_ref},"parlor","phx_close",{{}}]"#);
    assert_eq!(received, [ok("\"9\"", "\"9\"", "parlor", "{}"), close("\"5\"")]);
    assert_eq!(server.text("A", r#"["5","10","parlor","phx_leave",{}]"#), [""; 0]);
    let received = server.text("A", r#"["9","11","parlor","phx_leave",{}]"#);
    assert_eq!(received, [ok("\"9\"", "\"11\"", "parlor", "{}"), close("\"9\"")]);
    let received = server.text("A", r#"["9","12","parlor","phx_leave",{}]"#);
    assert_eq!(received, [ok("\"9\"", "\"12\"", "parlor", "{}")]);
}

#[test]
fn refs_that_are_too_long_are_refused_and_come_back() {
    let long = format!("\"{}\"", "7".repeat(300));
    let mut server = joined();
    let received = server.text("A", &format!(r#"["1",{long},"room:x","ev",{{}}]"#));
    assert!(received[0].starts_with(&format!(r#"["1",{long},"room:x","phx_reply",{{"status":"error","response":{{"reason":"limit_reached","#)));
    assert!(received[0].contains(r#""limit":"ref_bytes""#));
}

#[test]
fn replies_to_events_of_others_are_none_of_its_frames() {
    let mut server = joined();
    for reference in ["7", "a b", ""] {
        server.handle(parlor::Leave::new("A", "room:y").with_ref(reference));
        assert_eq!(server.received("A"), [""; 0]);
    }
    server.handle(Kick::new("A", "spam"));
    let close = r#"["1","1","room:x","phx_close",{"reason":"kicked","message":"spam"}]"#;
    assert_eq!(server.received("A"), [close]);
}

#[test]
fn a_join_says_the_time_and_for_whom_it_is() {
    let mut server = joined();
    server.now_ms = 77;
    let join = Frame::Text(r#"["1","5","room:z","phx_join",{}]"#.into());
    let Some(Event::Rejoin(join)) = server.read("B", &join).unwrap() else { panic!("a rejoin") };
    assert_eq!((join.now_ms, join.user_id.as_str(), join.client_id.as_str()), (77, "bob", "B"));
    assert_eq!(server.connection("B").user_id(), "bob");

    // Its refusal without an event is for the client as well.
    let text = r#"["1","6","room:z","phx_join",{"since":1}]"#;
    let incoming = server.connection("B").text(text, 0).unwrap();
    assert!(matches!(incoming, Incoming::Answer(frames) if frames.len() == 1));
    assert_eq!(Event::Rejoin(join).kind(), EventKind::Rejoin);
    assert_eq!(JOINED.len(), 57);
}
