//! The events beyond the seven, read and written.

use parlor::{
    AddToGroup, Address, CloseRoom, Connect, Disconnect, EventKind, History, Json, Kick, OpenRoom,
    Payload, Publish, Query, Question, Reason, Refuse, RemoveFromGroup, RoomConfig, Subscribe,
    Tick, Track, Unsubscribe, Untrack,
};

use super::{check, read, written};

const C1: &str = r#""client_id":"c1","topic":"room:1""#;

#[test]
fn connect() {
    // Its time is required, and stands behind its data.
    for data in ["", r#""data":{ "a":1.50 },"#, r#""data":"x","#] {
        let required = format!(r#""client_id":"c1","user_id":"u1",{data}"now_ms":7"#);
        check("connect", &required, &[r#""ref":"r""#]);
    }
    let data = Json::parse("[]").unwrap();
    let connect = Connect::new("c1", "u1", 7).with_data(data).with_ref("r");
    let expected =
        r#"{"connect":{"client_id":"c1","user_id":"u1","data":[],"now_ms":7,"ref":"r"}}"#;
    assert_eq!(written(&connect.into()), expected);
}

#[test]
fn disconnect_and_tick() {
    for grace in [r#""grace":"skip""#, r#""grace":"expired""#] {
        check("disconnect", r#""client_id":"c1","now_ms":9"#, &[grace]);
    }
    for kept in [r#""grace":"keep""#, r#""grace":null"#] {
        let long = format!(r#"{{"disconnect":{{"client_id":"c1","now_ms":9,{kept}}}}}"#);
        assert_eq!(read(&long), Disconnect::new("c1", 9).into());
    }
    let expected = r#"{"disconnect":{"client_id":"c1","now_ms":9}}"#;
    assert_eq!(written(&Disconnect::new("c1", 9).into()), expected);

    check("tick", r#""now_ms":18446744073709551615"#, &[]);
    assert_eq!(written(&Tick::new(9).into()), r#"{"tick":{"now_ms":9}}"#);
}

#[test]
fn subscribe_and_unsubscribe() {
    for event in [r#""event":"typing""#, r#""event":"*""#] {
        for tag in ["subscribe", "unsubscribe"] {
            check(tag, &format!("{C1},{event}"), &[r#""ref":"r""#]);
        }
    }
    let subscribe = Subscribe::new("c1", "room:1", "typing");
    let expected = r#"{"subscribe":{"client_id":"c1","topic":"room:1","event":"typing"}}"#;
    assert_eq!(written(&subscribe.into()), expected);
    let unsubscribe = Unsubscribe::new("c1", "room:1", "*").with_ref("r");
    let expected = r#"{"unsubscribe":{"client_id":"c1","topic":"room:1","event":"*","ref":"r"}}"#;
    assert_eq!(written(&unsubscribe.into()), expected);
}

#[test]
fn track_and_untrack() {
    check("track", C1, &[r#""meta":{ "a":1.50 }"#, r#""ref":"r""#]);
    check("untrack", C1, &[r#""ref":"r""#]);
    let track = Track::new("c1", "room:1").with_meta(Json::parse("1.50").unwrap());
    let expected = r#"{"track":{"client_id":"c1","topic":"room:1","meta":1.50}}"#;
    assert_eq!(written(&track.into()), expected);
    let untrack = Untrack::new("c1", "room:1").with_ref("r");
    let expected = r#"{"untrack":{"client_id":"c1","topic":"room:1","ref":"r"}}"#;
    assert_eq!(written(&untrack.into()), expected);
}

#[test]
fn open_room_and_close_room() {
    check("open_room", r#""topic":"room:1""#, &[r#""by":"c1""#, r#""ref":"r""#]);
    check("close_room", r#""topic":"room:1""#, &[r#""by":"c1""#, r#""ref":"r""#]);
    let open = OpenRoom::new("room:1").with_config(RoomConfig::default()).with_by("c1");
    let written_open = written(&open.clone().into());
    assert!(written_open.starts_with(r#"{"open_room":{"topic":"room:1","config":{"#));
    assert!(written_open.ends_with(r#"},"by":"c1"}}"#), "{written_open}");
    assert_eq!(read(&written_open), open.into());
    let with_defaults = r#"{"open_room":{"topic":"room:1","config":{},"by":"c1"}}"#;
    assert_eq!(read(with_defaults), read(&written_open));
    let close = CloseRoom::new("room:1").with_by("c1").with_ref("r");
    let expected = r#"{"close_room":{"topic":"room:1","by":"c1","ref":"r"}}"#;
    assert_eq!(written(&close.into()), expected);
}

#[test]
fn the_configuration_of_a_room() {
    for field in [
        r#""name":"N""#,
        r#""description":"""#,
        r#""data":{ "a":1.50 }"#,
        r#""max_members":0"#,
        r#""client_events":"listed""#,
        r#""client_events":"none""#,
        r#""events":[{"name":"e","description":"d","history":0},{"name":"*"}]"#,
        r#""default_subscriptions":[]"#,
        r#""default_subscriptions":["e"]"#,
        r#""owner":"u1""#,
        r#""lifetime":"ephemeral""#,
        r#""lifetime":"persistent""#,
        r#""presence":"off""#,
        r#""presence_snapshot":"off""#,
        r#""presence_window_ms":0"#,
        r#""presence_of":"clients""#,
        r#""publishers":"clients""#,
        r#""history_on_join":"all""#,
        r#""history_on_join":{"per_event":1}"#,
        r#""history_on_join":{"total":2}"#,
        r#""history_for":"clients""#,
        r#""rate_limit":{"max_events":3,"window_ms":4}"#,
        r#""dedupe":5"#,
    ] {
        let required = format!(r#""topic":"room:1","config":{{{field}}}"#);
        check("open_room", &required, &[r#""by":"c1""#]);
        let name = field.split(':').next().unwrap();
        let null = format!(r#"{{"open_room":{{"topic":"room:1","config":{{{name}:null}}}}}}"#);
        let expected = OpenRoom::new("room:1").with_config(RoomConfig::default());
        assert_eq!(read(&null), expected.into(), "{null}");
    }
}

#[test]
fn history() {
    let before = r#""before":{"epoch":1,"offset":7}"#;
    check("history", C1, &[r#""event":"e""#, before, r#""start":5"#, r#""end":9"#, r#""ref":"r""#]);
    let short = r#"{"history":{"client_id":"c1","topic":"room:1"}}"#;
    let long = r#"{"history":{"client_id":"c1","topic":"room:1","start":0,"end":50}}"#;
    assert_eq!(read(short), read(long));
    assert_eq!(written(&read(long)), short);
    assert_eq!(read(short), History::new("c1", "room:1").into());
    let history = History::new("c1", "room:1").with_event("e").with_page(7, 0).with_ref("r");
    let expected = r#"{"history":{"client_id":"c1","topic":"room:1","event":"e","start":7,"end":0,"ref":"r"}}"#;
    assert_eq!(written(&history.into()), expected);
}

#[test]
fn query() {
    for (what, question) in [
        ("rooms", Question::Rooms),
        ("room", Question::Room),
        ("members", Question::Members),
        ("presences", Question::Presences),
        ("topics_of", Question::TopicsOf),
        ("stats", Question::Stats),
    ] {
        let required = format!(r#""what":"{what}""#);
        check("query", &required, &[r#""topic":"room:1""#, r#""client_id":"c1""#, r#""ref":"r""#]);
        let short = format!(r#"{{"query":{{"what":"{what}"}}}}"#);
        assert_eq!(written(&Query::new(question).into()), short);
    }
    let query = Query::new(Question::Room).with_topic("room:1").with_client("c1").with_ref("r");
    let expected = r#"{"query":{"what":"room","topic":"room:1","client_id":"c1","ref":"r"}}"#;
    assert_eq!(written(&query.into()), expected);
}

#[test]
fn publish() {
    let optional = [
        r#""from":"bot""#,
        r#""except_client":"c1""#,
        r#""except_user":"u1""#,
        r#""meta":[ ]"#,
        r#""id":"m1""#,
        r#""ref":"r""#,
    ];
    for target in [
        r#"{"topic":"room:1"}"#,
        r#"{"group":"g"}"#,
        r#"{"user":"u1"}"#,
        r#"{"client":"c1"}"#,
        r#""everyone""#,
    ] {
        for payload in [r#""payload":null"#, r#""payload":{ "a":1 }"#, r#""payload_base64":"YQ==""#]
        {
            check("publish", &format!(r#""target":{target},"event":"e",{payload}"#), &optional);
        }
    }
    let short = r#"{"publish":{"target":"everyone","event":"e","payload":1}}"#;
    let long = r#"{"publish":{"target":"everyone","event":"e","payload":1,"from":"system"}}"#;
    assert_eq!(read(short), read(long));
    assert_eq!(written(&read(long)), short);
    let publish = Publish::new(Address::Group("g".into()), "e", Payload::json("1").unwrap())
        .with_from("bot")
        .with_except_client("c1")
        .with_except_user("u1")
        .with_meta(Json::parse("{}").unwrap())
        .with_id("m1")
        .with_ref("r");
    assert_eq!(
        written(&publish.into()),
        r#"{"publish":{"target":{"group":"g"},"event":"e","payload":1,"from":"bot","except_client":"c1","except_user":"u1","meta":{},"id":"m1","ref":"r"}}"#
    );
}

#[test]
fn kick() {
    // Its reason is required, and stands behind its topic.
    for topic in ["", r#""topic":"room:1","#] {
        let required = format!(r#""client_id":"c1",{topic}"reason":"spam""#);
        check("kick", &required, &[r#""ref":"r""#]);
    }
    let kick = Kick::new("c1", "spam").with_topic("room:1").with_ref("r");
    let expected = r#"{"kick":{"client_id":"c1","topic":"room:1","reason":"spam","ref":"r"}}"#;
    assert_eq!(written(&kick.into()), expected);
    assert_eq!(written(&Kick::new("c1", "").into()), r#"{"kick":{"client_id":"c1","reason":""}}"#);
}

#[test]
fn groups() {
    for topics in [r#""topics":[]"#, r#""topics":["room:1"]"#, r#""topics":["b","a","b"]"#] {
        for tag in ["add_to_group", "remove_from_group"] {
            check(tag, &format!(r#""group":"g",{topics}"#), &[r#""ref":"r""#]);
        }
    }
    let add = AddToGroup::new("g", ["room:1", "room:2"]);
    let expected = r#"{"add_to_group":{"group":"g","topics":["room:1","room:2"]}}"#;
    assert_eq!(written(&add.into()), expected);
    let remove = RemoveFromGroup::new("g", ["room:1"]).with_ref("r");
    let expected = r#"{"remove_from_group":{"group":"g","topics":["room:1"],"ref":"r"}}"#;
    assert_eq!(written(&remove.into()), expected);
}

#[test]
fn refuse() {
    for reason in Reason::ALL {
        for kind in EventKind::ALL {
            let (to, reason) = (format!(r#""to":"{kind}""#), format!(r#""reason":"{reason}""#));
            let required = format!(r#""client_id":"c1",{to},{reason}"#);
            check("refuse", &required, &[r#""message":"no""#, r#""ref":"r""#]);
        }
    }
    let refuse = Refuse::new("c1", EventKind::Broadcast, Reason::ValidationFailed)
        .with_topic("room:1")
        .with_message("expected a text")
        .with_ref("r");
    assert_eq!(
        written(&refuse.into()),
        r#"{"refuse":{"client_id":"c1","topic":"room:1","to":"broadcast","reason":"validation_failed","message":"expected a text","ref":"r"}}"#
    );
}
