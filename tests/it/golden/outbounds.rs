//! Outbound messages, written.

use std::collections::BTreeSet;

use parlor::{Channel, Config, Outbound};

use super::tag;

/// What a channel says to the last line, after it was told the lines above it.
pub fn said(channel: &mut Channel, lines: &[&str]) -> Vec<String> {
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

pub const C1_JOINS: &str =
    r#"{"join":{"client_id":"c1","topic":"room:1","user_id":"u1","now_ms":0}}"#;
pub const C2_JOINS: &str =
    r#"{"join":{"client_id":"c2","topic":"room:1","user_id":"u2","now_ms":0}}"#;

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
    let refusal = r#"{"reply":{"to":"broadcast","client_id":"c9","topic":"room:1","status":"error","payload":{"reason":"not_member","message":"client \"c9\" is not a member of \"room:1\", join it first"}}}"#;
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

#[test]
fn labels_are_tags() {
    let config =
        r#"{"default_room":{"events":[{"name":"*","history":1}],"history_on_join":"all"}}"#;
    let mut channel = Channel::single_node(Config::from_json(config).unwrap());
    let push = r#"{"push":{"client_id":"c1","topic":"room:1","event":"e","payload":1}}"#;
    let hi = r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":1}}"#;
    let page = r#"{"history":{"client_id":"c1","topic":"room:1","event":"message"}}"#;
    let open = r#"{"open_room":{"topic":"room:2"}}"#;
    let close = r#"{"close_room":{"topic":"room:2"}}"#;
    let kick = r#"{"kick":{"client_id":"c2","reason":"spam"}}"#;
    let crash = r#"{"crash":{"reason":"boom"}}"#;
    for line in [C1_JOINS, push, hi, hi, C2_JOINS, page, open, close, kick, crash] {
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
    assert_eq!(seen.len(), 12, "{seen:?}, expected every kind");
}
