//! Refusals, written: reason, text, and what comes with them.

use std::collections::BTreeSet;

use parlor::{Channel, Config, Event, Reason};

use super::outbounds::{C1_JOINS, C2_JOINS, said};

/// What is refused where c1 is in room:1, c2 in room:2 and limits are low, and with which payload.
const REFUSED: &[(&str, &str)] = &[
    (
        r#"{"join":{"client_id":"","topic":"room:1","user_id":"u1","now_ms":0}}"#,
        r#"{"reason":"invalid_name","message":"client_id is empty, expected a name"}"#,
    ),
    (
        r#"{"join":{"client_id":"c1","topic":"room:123","user_id":"u1","now_ms":0}}"#,
        r#"{"reason":"invalid_name","message":"topic has 8 bytes, expected at most 7"}"#,
    ),
    (
        r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":1,"event":"*"}}"#,
        r#"{"reason":"invalid_name","message":"event is \"*\", which stands for all events, expected the name of one event"}"#,
    ),
    (
        r#"{"broadcast":{"client_id":"c9","topic":"room:1","payload":1}}"#,
        r#"{"reason":"unknown_client","message":"no client \"c9\" is connected or in a room"}"#,
    ),
    (
        r#"{"broadcast":{"client_id":"c1","topic":"room:9","payload":1}}"#,
        r#"{"reason":"unknown_topic","message":"no room has the topic \"room:9\""}"#,
    ),
    (
        r#"{"broadcast":{"client_id":"c1","topic":"room:2","payload":1}}"#,
        r#"{"reason":"not_member","message":"client \"c1\" is not a member of \"room:2\", join it first"}"#,
    ),
    (
        r#"{"join":{"client_id":"c1","topic":"room:1","user_id":"u2","now_ms":0}}"#,
        r#"{"reason":"user_conflict","message":"client \"c1\" belongs to another user"}"#,
    ),
    (
        r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":1,"event":"phx_x"}}"#,
        r#"{"reason":"event_not_allowed","message":"event \"phx_x\" starts with \"phx_\", which is reserved for the server"}"#,
    ),
    (
        r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":123456}}"#,
        r#"{"reason":"payload_too_large","message":"payload has 6 bytes, expected at most 5","limit":"payload_bytes"}"#,
    ),
    (
        r#"{"join":{"client_id":"c3","topic":"room:3","user_id":"u1","now_ms":0,"meta":[[]]}}"#,
        r#"{"reason":"payload_too_large","message":"meta has 2 levels, expected at most 1","limit":"payload_depth"}"#,
    ),
    (
        r#"{"join":{"client_id":"c3","topic":"room:3","user_id":"u1","now_ms":0,"meta":12345}}"#,
        r#"{"reason":"payload_too_large","message":"meta has 5 bytes, expected at most 4","limit":"meta_bytes"}"#,
    ),
    (
        r#"{"join":{"client_id":"c3","topic":"room:1","user_id":"u1","now_ms":0}}"#,
        r#"{"reason":"limit_reached","message":"limit members_per_topic is reached, expected at most 1","limit":"members_per_topic"}"#,
    ),
    (
        r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":1,"id":"123"}}"#,
        r#"{"reason":"limit_reached","message":"id has 3 bytes, expected at most 2","limit":"ref_bytes"}"#,
    ),
    (
        r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":1,"event":"typing"}}"#,
        r#"{"reason":"event_not_allowed","message":"clients may not send event \"typing\" in \"room:1\""}"#,
    ),
    (
        r#"{"publish":{"target":{"group":"g"},"event":"e","payload":1}}"#,
        r#"{"reason":"unknown_target","message":"no group \"g\" exists"}"#,
    ),
    (
        r#"{"publish":{"target":{"client":"c9"},"event":"e","payload":1}}"#,
        r#"{"reason":"unknown_target","message":"no client \"c9\" exists"}"#,
    ),
    (
        r#"{"join":{"client_id":"c1","topic":"room:0","user_id":"u1","now_ms":0}}"#,
        r#"{"reason":"room_full","message":"room \"room:0\" is full, it takes at most 0 members"}"#,
    ),
    (
        r#"{"open_room":{"topic":"room:1"}}"#,
        r#"{"reason":"room_exists","message":"room \"room:1\" exists already"}"#,
    ),
    (
        r#"{"close_room":{"topic":"room:1","by":"c1"}}"#,
        r#"{"reason":"permission_denied","message":"not permitted: only a client of the user that owns the room may close it"}"#,
    ),
    (
        r#"{"query":{"what":"room"}}"#,
        r#"{"reason":"invalid_request","message":"missing field `topic`, expected it with what is asked"}"#,
    ),
    (
        r#"{"refuse":{"client_id":"c1","to":"join","reason":"join_denied"}}"#,
        r#"{"reason":"join_denied","message":"the server refused this (join_denied)"}"#,
    ),
    (
        r#"{"refuse":{"client_id":"c1","to":"track","reason":"validation_failed","message":"no"}}"#,
        r#"{"reason":"validation_failed","message":"no"}"#,
    ),
    (
        r#"{"refuse":{"client_id":"c1","to":"history","reason":"unavailable"}}"#,
        r#"{"reason":"unavailable","message":"the server refused this (unavailable)"}"#,
    ),
];

/// Limits are low, and room:1 is particular.
const CONFIG: &str = r#"{
    "limits": {"name_bytes": 7, "ref_bytes": 2, "payload_bytes": 5, "payload_depth": 1, "meta_bytes": 4,
        "members_per_topic": 1},
    "rooms": [
        {"pattern": "room:1", "client_events": "listed", "events": [{"name": "message"}],
            "rate_limit": {"max_events": 1, "window_ms": 9}},
        {"pattern": "room:0", "max_members": 0}
    ]
}"#;

#[test]
fn every_refusal() {
    let mut channel = Channel::single_node(Config::from_json(CONFIG).unwrap());
    let in_2 = C2_JOINS.replace("room:1", "room:2");
    said(&mut channel, &[C1_JOINS, &in_2]);
    let mut refused = BTreeSet::new();
    let mut check = |channel: &mut Channel, line: &str, payload: &str| {
        let said = said(channel, &[line]);
        let expected = format!(r#""status":"error","payload":{payload}}}}}"#);
        assert_eq!(said.len(), 1, "{line}: {said:?}, expected a reply and nothing else");
        assert!(said[0].ends_with(&expected), "{line}: {}, expected {expected}", said[0]);
        refused.insert(payload.split('"').nth(3).unwrap().to_owned());
    };

    for (line, payload) in REFUSED {
        check(&mut channel, line, payload);
    }
    let hi = r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":1}}"#;
    said(&mut channel, &[hi]);
    let limited = r#"{"reason":"rate_limited","message":"too many events, try again in 9 ms","retry_after_ms":9}"#;
    check(&mut channel, hi, limited);
    channel.handle(Event::crash("boom"));
    let _closed = channel.flush_outbox();
    let payload = r#"{"reason":"crashed","message":"the channel has crashed and has not been restarted yet"}"#;
    check(&mut channel, C1_JOINS, payload);

    let every: BTreeSet<_> = Reason::ALL.map(|reason| reason.label().to_owned()).into();
    assert_eq!(refused, every);
}
