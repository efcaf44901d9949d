//! The seven events that stand for themselves in every chat, read and written.

use parlor::{
    AddToGroup, Address, Audience, Broadcast, CloseRoom, Connect, Disconnect, Event, EventKind,
    History, Join, Json, Kick, Leave, OpenRoom, Payload, Position, Publish, Push, Query, Question,
    Reason, Refuse, Rejoin, RemoveFromGroup, Subscribe, Tick, Track, Unsubscribe, Untrack,
};

use super::{check, read, tag, written};

#[test]
fn join() {
    let required = r#""client_id":"c1","topic":"room:1","user_id":"u1","now_ms":0"#;
    check("join", required, &[r#""meta":{ "a":1.50 }"#, r#""params":[null]"#, r#""ref":"r""#]);
    let join = Join::new("c1", "room:1", "u1", 7)
        .with_meta(Json::parse("1.50").unwrap())
        .with_params(Json::of(&[true]).unwrap())
        .with_ref("r");
    assert_eq!(
        written(&join.into()),
        r#"{"join":{"client_id":"c1","topic":"room:1","user_id":"u1","now_ms":7,"meta":1.50,"params":[true],"ref":"r"}}"#
    );
}

#[test]
fn rejoin() {
    let required = r#""client_id":"c1","topic":"room:1","user_id":"u1","now_ms":9"#;
    let since = r#""since":{"epoch":1,"offset":41}"#;
    check("rejoin", required, &[r#""meta":"m""#, r#""params":{}"#, r#""ref":"""#, since]);
    let since = Position { epoch: 1, offset: 41 };
    let rejoin = Rejoin::new("c1", "room:1", "u1", 9).with_since(since);
    assert_eq!(rejoin.since, Some(since));
    assert_eq!(
        written(&rejoin.into()),
        r#"{"rejoin":{"client_id":"c1","topic":"room:1","user_id":"u1","now_ms":9,"since":{"epoch":1,"offset":41}}}"#
    );
}

#[test]
fn leave() {
    check("leave", r#""client_id":"c1","topic":"room:1""#, &[r#""ref":"\u0001 \"é""#]);
    let leave = Leave::new("c1", "room:1").with_ref("r");
    let expected = r#"{"leave":{"client_id":"c1","topic":"room:1","ref":"r"}}"#;
    assert_eq!(written(&leave.into()), expected);
}

#[test]
fn broadcast() {
    for payload in [
        r#""payload":{"text":"hi"}"#,
        r#""payload":null"#,
        r#""payload":"\u00e9\/""#,
        r#""payload":{ "b":1,"a":2 }"#,
        r#""payload_base64":"+/8=""#,
        r#""payload_base64":"""#,
    ] {
        for audience in [r#""audience":"others""#, r#""audience":"other_users""#] {
            let required = format!(r#""client_id":"c1","topic":"room:1",{payload}"#);
            let (event, meta, id) = (r#""event":"typing""#, r#""meta":[ ]"#, r#""id":"m1""#);
            check("broadcast", &required, &[event, audience, meta, id, r#""ref":"r""#]);
        }
    }
    let broadcast = Broadcast::new("c1", "room:1", Payload::bytes(*b"\xfb\xff"))
        .with_event("typing")
        .with_audience(Audience::OtherUsers)
        .with_meta(Json::parse("{}").unwrap())
        .with_id("m1")
        .with_ref("r");
    assert_eq!(
        written(&broadcast.into()),
        r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload_base64":"+/8=","event":"typing","audience":"other_users","meta":{},"id":"m1","ref":"r"}}"#
    );
}

#[test]
fn broadcast_with_its_defaults_spelled_out() {
    let short = r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":1}}"#;
    let long = r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":1,"event":"message","audience":"all"}}"#;
    assert_eq!(read(short), read(long));
    assert_eq!(written(&read(long)), short);
    assert_eq!(read(short), Broadcast::new("c1", "room:1", Json::parse("1").unwrap()).into());
}

#[test]
fn push() {
    for payload in [r#""payload":"x""#, r#""payload":null"#, r#""payload_base64":"YQ==""#] {
        let to = r#""client_id":"c1","topic":"room:1","event":"welcome""#;
        check("push", &format!("{to},{payload}"), &[r#""ref":"r""#]);
    }
    let push = Push::new("c1", "room:1", "welcome", Payload::json(r#""x""#).unwrap());
    let expected =
        r#"{"push":{"client_id":"c1","topic":"room:1","event":"welcome","payload":"x"}}"#;
    assert_eq!(written(&push.into()), expected);
}

#[test]
fn crash_and_restart() {
    check("crash", r#""reason":"boom""#, &[]);
    assert_eq!(written(&Event::crash("boom")), r#"{"crash":{"reason":"boom"}}"#);
    assert_eq!(written(&Event::Restart), r#""restart""#);
    assert_eq!(read(r#""restart""#), Event::Restart);
    assert_eq!(read(r#"{"restart":null}"#), Event::Restart);
}

#[test]
fn lines_of_the_specification() {
    for line in [
        r#"{"join":{"client_id":"c1","topic":"room:1","user_id":"u1","now_ms":0}}"#,
        r#"{"rejoin":{"client_id":"c1","topic":"room:1","user_id":"u1","now_ms":9,"since":{"epoch":1,"offset":41}}}"#,
        r#"{"leave":{"client_id":"c1","topic":"room:1"}}"#,
        r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":{"text":"hi"}}}"#,
        r#"{"push":{"client_id":"c1","topic":"room:1","event":"welcome","payload":"x"}}"#,
        r#"{"crash":{"reason":"boom"}}"#,
        r#""restart""#,
    ] {
        assert_eq!(written(&read(line)), line);
    }
}

#[test]
fn labels_are_tags() {
    let events: [Event; 23] = [
        Join::new("c", "t", "u", 0).into(),
        Rejoin::new("c", "t", "u", 0).into(),
        Leave::new("c", "t").into(),
        Broadcast::new("c", "t", Payload::bytes([])).into(),
        Push::new("c", "t", "e", Payload::bytes([])).into(),
        Event::crash("boom"),
        Event::Restart,
        Connect::new("c", "u", 0).into(),
        Disconnect::new("c", 0).into(),
        Subscribe::new("c", "t", "e").into(),
        Unsubscribe::new("c", "t", "e").into(),
        Track::new("c", "t").into(),
        Untrack::new("c", "t").into(),
        OpenRoom::new("t").into(),
        CloseRoom::new("t").into(),
        History::new("c", "t").into(),
        Query::new(Question::Rooms).into(),
        Publish::new(Address::Everyone, "e", Payload::bytes([])).into(),
        Kick::new("c", "spam").into(),
        AddToGroup::new("g", ["t"]).into(),
        RemoveFromGroup::new("g", ["t"]).into(),
        Refuse::new("c", EventKind::Join, Reason::JoinDenied).into(),
        Tick::new(0).into(),
    ];
    assert_eq!(events.each_ref().map(Event::kind), EventKind::ALL);
    for event in &events {
        assert_eq!(tag(event), event.label());
        assert_eq!(event.kind().label(), event.label());
        assert_eq!(event.kind().to_string(), event.label());
        let kind = format!("\"{}\"", event.label());
        assert_eq!(serde_json::to_string(&event.kind()).unwrap(), kind);
        assert_eq!(serde_json::from_str::<EventKind>(&kind).unwrap(), event.kind());
    }
}

#[test]
fn line_breaks_between_tokens_become_spaces() {
    let lines = "{\"broadcast\":{\"client_id\":\"c1\",\n\"topic\":\"t\",\"payload\":[1,\r\n2]}}";
    let expected = r#"{"broadcast":{"client_id":"c1","topic":"t","payload":[1,  2]}}"#;
    assert_eq!(written(&read(lines)), expected);
}

#[test]
fn a_payload_is_read_however_deep_it_is() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let line = format!(r#"{{"broadcast":{{"client_id":"c1","topic":"t","payload":{deep}}}}}"#);
    for event in [serde_json::from_str::<Event>(&line), serde_json::from_reader(line.as_bytes())] {
        let Ok(Event::Broadcast(broadcast)) = &event else { panic!("{event:?}") };
        assert_eq!(broadcast.payload.depth(), 100_000);
    }
}
