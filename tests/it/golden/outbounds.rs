//! Outbound messages, written.

use std::collections::BTreeSet;

use parlor::{Channel, Config, Event, Limit, Outbound, Reason};

use super::tag;

/// What a channel says to `last`, after it was told the lines above it.
fn said(channel: &mut Channel, lines: &[&str]) -> Vec<String> {
    let mut said = Vec::new();
    for line in lines {
        channel.handle(serde_json::from_str(line).unwrap());
        said = channel.flush_outbox();
    }
    said.iter().map(|outbound| serde_json::to_string(outbound).unwrap()).collect()
}

fn check(lines: &[&str], expected: &[&str]) {
    assert_eq!(said(&mut Channel::single_node(Config::default()), lines), expected);
}

const C1_JOINS: &str = r#"{"join":{"client_id":"c1","topic":"room:1","user_id":"u1","now_ms":0}}"#;
const C2_JOINS: &str = r#"{"join":{"client_id":"c2","topic":"room:1","user_id":"u2","now_ms":0}}"#;

#[test]
fn lines_of_the_specification() {
    let mut channel = Channel::single_node(Config::default());
    let snapshot = r#"{"presence_state":{"client_id":"c1","topic":"room:1","entries":[{"key":"u1","metas":[{"ref":"1","client_id":"c1","online_at_ms":0}]}]}}"#;
    assert_eq!(said(&mut channel, &[C1_JOINS])[1], snapshot);
    said(&mut channel, &[C2_JOINS]);

    let hi = r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":{"text":"hi"}}}"#;
    said(&mut channel, &[hi; 41]);
    let position = r#"{"reply":{"to":"join","client_id":"c1","topic":"room:1","status":"ok","payload":{"epoch":1,"offset":41}}}"#;
    assert_eq!(said(&mut channel, &[C1_JOINS]), [position]);
    let at_9 = r#"{"join":{"client_id":"c9","topic":"room:9","user_id":"u9","now_ms":9}}"#;
    let message = r#"{"broadcast_message":{"topic":"room:1","event":"message","payload":{"text":"hi"},"from":"u1","client_id":"c1","epoch":1,"offset":42,"timestamp_ms":9,"recipients":["c1","c2"]}}"#;
    assert_eq!(said(&mut channel, &[at_9, hi]), [message]);

    let by_c9 = r#"{"broadcast":{"client_id":"c9","topic":"room:1","payload":1}}"#;
    let refusal = r#"{"reply":{"to":"broadcast","client_id":"c9","topic":"room:1","status":"error","payload":{"reason":"not_member","message":"client \"c9\" is not a member of \"room:1\", expected a join first"}}}"#;
    assert_eq!(said(&mut channel, &[by_c9]), [refusal]);
    let push = r#"{"push":{"client_id":"c1","topic":"room:1","event":"welcome","payload":"x"}}"#;
    let pushed =
        r#"{"push_message":{"client_id":"c1","topic":"room:1","event":"welcome","payload":"x"}}"#;
    assert_eq!(said(&mut channel, &[push]), [pushed]);
    let crashed = said(&mut channel, &[r#"{"crash":{"reason":"boom"}}"#]);
    assert_eq!(crashed[0], r#"{"system":{"label":"crash: boom"}}"#);
}

#[test]
fn the_diff_of_the_specification() {
    // As it stands there, but for the ref: who is told has one already.
    let diff = r#"{"presence_diff":{"topic":"room:1","diff":{"joins":[{"key":"u1","metas":[{"ref":"2","client_id":"c1","online_at_ms":0}],"first":true}],"leaves":[]},"timestamp_ms":0,"recipients":["c2"]}}"#;
    let mut channel = Channel::single_node(Config::default());
    assert_eq!(said(&mut channel, &[C2_JOINS, C1_JOINS])[2], diff);
}

#[test]
fn bodies_of_replies() {
    check(
        &[
            C1_JOINS,
            r#"{"join":{"client_id":"c1","topic":"room:1","user_id":"u1","now_ms":1,"ref":"a"}}"#,
        ],
        &[
            r#"{"reply":{"to":"join","client_id":"c1","topic":"room:1","status":"ok","payload":{"epoch":1,"offset":0},"ref":"a"}}"#,
        ],
    );
    let mut channel = Channel::single_node(Config::default());
    let rejoin = r#"{"rejoin":{"client_id":"c1","topic":"room:1","user_id":"u1","now_ms":1}}"#;
    let [stranger, member] = [false, true].map(|rejoined| {
        format!(
            r#"{{"reply":{{"to":"rejoin","client_id":"c1","topic":"room:1","status":"ok","payload":{{"epoch":1,"offset":0,"rejoined":{rejoined},"recovered":false}}}}}}"#
        )
    });
    assert_eq!(said(&mut channel, &[rejoin])[0], stranger);
    assert_eq!(said(&mut channel, &[rejoin])[0], member);

    check(
        &[
            C1_JOINS,
            r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":null,"event":"e","meta":{ },"ref":"b"}}"#,
        ],
        &[
            r#"{"reply":{"to":"broadcast","client_id":"c1","topic":"room:1","status":"ok","payload":{"epoch":1,"offset":1},"ref":"b"}}"#,
            r#"{"broadcast_message":{"topic":"room:1","event":"e","payload":null,"from":"u1","client_id":"c1","epoch":1,"offset":1,"timestamp_ms":0,"meta":{ },"recipients":["c1"]}}"#,
        ],
    );
    check(
        &[
            C1_JOINS,
            r#"{"push":{"client_id":"c1","topic":"room:1","event":"e","payload_base64":"YQ==","ref":"c"}}"#,
        ],
        &[
            r#"{"reply":{"to":"push","topic":"room:1","status":"ok","payload":{},"ref":"c"}}"#,
            r#"{"push_message":{"client_id":"c1","topic":"room:1","event":"e","payload_base64":"YQ=="}}"#,
        ],
    );
    check(
        &[C1_JOINS, r#"{"leave":{"client_id":"c1","topic":"room:1"}}"#],
        &[
            r#"{"reply":{"to":"leave","client_id":"c1","topic":"room:1","status":"ok","payload":{}}}"#,
            r#"{"presence_diff":{"topic":"room:1","diff":{"joins":[],"leaves":[{"key":"u1","metas":[{"ref":"1","client_id":"c1","online_at_ms":0}],"last":true}]},"timestamp_ms":0,"recipients":[]}}"#,
        ],
    );
}

#[test]
fn a_changed_meta() {
    let change = r#"{"rejoin":{"client_id":"c1","topic":"room:1","user_id":"u1","now_ms":5,"meta":{ "a":1.50 }}}"#;
    let mut channel = Channel::single_node(Config::default());
    assert_eq!(
        said(&mut channel, &[C1_JOINS, C2_JOINS, change])[1..],
        [
            r#"{"presence_state":{"client_id":"c1","topic":"room:1","entries":[{"key":"u1","metas":[{"ref":"3","prev_ref":"1","client_id":"c1","online_at_ms":0,"data":{ "a":1.50 }}]},{"key":"u2","metas":[{"ref":"2","client_id":"c2","online_at_ms":0}]}]}}"#,
            r#"{"presence_diff":{"topic":"room:1","diff":{"joins":[{"key":"u1","metas":[{"ref":"3","prev_ref":"1","client_id":"c1","online_at_ms":0,"data":{ "a":1.50 }}]}],"leaves":[{"key":"u1","metas":[{"ref":"1","client_id":"c1","online_at_ms":0}]}]},"timestamp_ms":5,"recipients":["c2"]}}"#,
        ]
    );
}

#[test]
fn crash_and_restart() {
    check(
        &[C1_JOINS, C2_JOINS, r#"{"crash":{"reason":"boom"}}"#],
        &[
            r#"{"system":{"label":"crash: boom"}}"#,
            r#"{"closed":{"topic":"room:1","cause":"crashed","recipients":["c1","c2"]}}"#,
        ],
    );
    let crash = r#"{"crash":{"reason":""}}"#;
    check(&[crash, r#""restart""#], &[r#"{"system":{"label":"restart"}}"#]);
}

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
        r#"{"reason":"invalid_name","message":"event is \"*\", which stands for all events, expected the name of one"}"#,
    ),
    (
        r#"{"broadcast":{"client_id":"c9","topic":"room:1","payload":1}}"#,
        r#"{"reason":"unknown_client","message":"there is no client \"c9\", expected one that has connected or joined a topic"}"#,
    ),
    (
        r#"{"broadcast":{"client_id":"c1","topic":"room:9","payload":1}}"#,
        r#"{"reason":"unknown_topic","message":"there is no topic \"room:9\", expected one that has a room"}"#,
    ),
    (
        r#"{"broadcast":{"client_id":"c1","topic":"room:2","payload":1}}"#,
        r#"{"reason":"not_member","message":"client \"c1\" is not a member of \"room:2\", expected a join first"}"#,
    ),
    (
        r#"{"join":{"client_id":"c1","topic":"room:1","user_id":"u2","now_ms":0}}"#,
        r#"{"reason":"user_conflict","message":"client \"c1\" acts for another user, expected that user"}"#,
    ),
    (
        r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":1,"event":"phx_x"}}"#,
        r#"{"reason":"event_not_allowed","message":"event \"phx_x\" starts with \"phx_\", expected a name not reserved"}"#,
    ),
    (
        r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":123456}}"#,
        r#"{"reason":"payload_too_large","message":"payload has 6 bytes, expected at most 5"}"#,
    ),
    (
        r#"{"join":{"client_id":"c3","topic":"room:3","user_id":"u1","now_ms":0,"meta":[[]]}}"#,
        r#"{"reason":"payload_too_large","message":"meta has 2 levels, expected at most 1"}"#,
    ),
    (
        r#"{"join":{"client_id":"c3","topic":"room:1","user_id":"u1","now_ms":0}}"#,
        r#"{"reason":"limit_reached","message":"limit members_per_topic is reached, expected at most 1","limit":"members_per_topic"}"#,
    ),
    (
        r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":1,"id":"123"}}"#,
        r#"{"reason":"limit_reached","message":"id has 3 bytes, expected at most 2","limit":"ref_bytes"}"#,
    ),
];

#[test]
fn every_refusal() {
    let config = Config::builder()
        .limit(Limit::NameBytes, 7)
        .limit(Limit::RefBytes, 2)
        .limit(Limit::PayloadBytes, 5)
        .limit(Limit::PayloadDepth, 1)
        .limit(Limit::MembersPerTopic, 1);
    let mut channel = Channel::single_node(config.build().unwrap());
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
    channel.handle(Event::crash("boom"));
    let _closed = channel.flush_outbox();
    let payload =
        r#"{"reason":"crashed","message":"the channel has crashed, expected a restart first"}"#;
    check(&mut channel, C1_JOINS, payload);

    let every: BTreeSet<_> = Reason::ALL.map(|reason| reason.label().to_owned()).into();
    assert_eq!(refused, every);
}

#[test]
fn labels_are_tags() {
    let mut channel = Channel::single_node(Config::default());
    let push = r#"{"push":{"client_id":"c1","topic":"room:1","event":"e","payload":1}}"#;
    let hi = r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":1}}"#;
    for line in [C1_JOINS, push, hi, r#"{"crash":{"reason":"boom"}}"#] {
        channel.handle(serde_json::from_str(line).unwrap());
    }
    let mut seen = BTreeSet::new();
    for outbound in channel.flush_outbox() {
        // A new kind stops the build here, and then belongs into the list below.
        let expected = match &outbound {
            Outbound::Reply(_) => "reply",
            Outbound::PushMessage(_) => "push_message",
            Outbound::BroadcastMessage(_) => "broadcast_message",
            Outbound::PresenceState(_) => "presence_state",
            Outbound::PresenceDiff(_) => "presence_diff",
            Outbound::History(_) => "history",
            Outbound::Evicted(_) => "evicted",
            Outbound::LoadHistory(_) => "load_history",
            Outbound::RoomOpened(_) => "room_opened",
            Outbound::RoomClosed(_) => "room_closed",
            Outbound::Closed(_) => "closed",
            Outbound::Disconnect(_) => "disconnect",
            Outbound::System(_) => "system",
        };
        assert_eq!(outbound.label(), expected);
        assert_eq!(tag(&outbound), expected);
        seen.insert(expected);
    }
    assert_eq!(seen.len(), 7, "{seen:?}, expected every kind");
}
