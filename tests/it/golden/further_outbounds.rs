//! The outbound messages of what is beyond the seven events, written.

use parlor::{Channel, Config};

use super::outbounds::{C1_JOINS, C2_JOINS, said};

/// What a channel that is configured so says to the last line.
fn check(config: &str, lines: &[&str], expected: &[&str]) {
    let mut channel = Channel::single_node(Config::from_json(config).unwrap());
    assert_eq!(said(&mut channel, lines), expected);
}

const HI: &str =
    r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":{ "a":1.50 },"meta":[ ]}}"#;
const KEPT: &str =
    r#"{"default_room":{"events":[{"name":"message","history":1}],"history_on_join":"all"}}"#;
const MESSAGE: &str = r#"{"event":"message","payload":{ "a":1.50 },"from":"u1","client_id":"c1","offset":1,"timestamp_ms":0,"meta":[ ]}"#;

#[test]
fn history() {
    let page = format!(
        r#"{{"history":{{"client_id":"c1","topic":"room:1","epoch":1,"start":0,"end":50,"messages":[{MESSAGE}],"more":{{"before":{{"epoch":1,"offset":0}},"wanted":49}},"ref":"r"}}}}"#
    );
    check(
        KEPT,
        &[C1_JOINS, HI, r#"{"history":{"client_id":"c1","topic":"room:1","ref":"r"}}"#],
        &[
            r#"{"reply":{"to":"history","client_id":"c1","topic":"room:1","status":"ok","payload":{},"ref":"r"}}"#,
            &page,
        ],
    );
    let on_join = format!(
        r#"{{"history":{{"client_id":"c2","topic":"room:1","epoch":1,"start":0,"end":1,"messages":[{MESSAGE}]}}}}"#
    );
    let mut channel = Channel::single_node(Config::from_json(KEPT).unwrap());
    assert_eq!(said(&mut channel, &[C1_JOINS, HI, C2_JOINS])[2], on_join);
}

#[test]
fn evicted_and_the_page_that_goes_on_there() {
    let evicted = format!(
        r#"{{"evicted":{{"topic":"room:1","epoch":1,"event":"message","messages":[{MESSAGE}]}}}}"#
    );
    let mut channel = Channel::single_node(Config::from_json(KEPT).unwrap());
    assert_eq!(said(&mut channel, &[C1_JOINS, HI, HI])[1], evicted);
    let newer = MESSAGE.replace(r#""offset":1"#, r#""offset":2"#);
    let page = r#"{"history":{"client_id":"c1","topic":"room:1","event":"message","end":3}}"#;
    let goes_on = format!(
        r#"{{"history":{{"client_id":"c1","topic":"room:1","epoch":1,"event":"message","start":0,"end":3,"messages":[{newer}],"more":{{"before":{{"epoch":1,"offset":2}},"wanted":2}}}}}}"#
    );
    assert_eq!(said(&mut channel, &[page]), [goes_on]);
    let page = r#"{"history":{"client_id":"c1","topic":"room:1","event":"message","before":{"epoch":1,"offset":2},"end":3}}"#;
    let goes_on = r#"{"history":{"client_id":"c1","topic":"room:1","epoch":1,"event":"message","before":{"epoch":1,"offset":2},"start":0,"end":3,"messages":[],"more":{"before":{"epoch":1,"offset":2},"wanted":3}}}"#;
    assert_eq!(said(&mut channel, &[page]), [goes_on]);
    let page =
        r#"{"history":{"client_id":"c1","topic":"room:1","event":"message","start":2,"end":3}}"#;
    let goes_on = r#"{"history":{"client_id":"c1","topic":"room:1","epoch":1,"event":"message","start":2,"end":3,"messages":[],"more":{"before":{"epoch":1,"offset":2},"wanted":2,"skip":1}}}"#;
    assert_eq!(said(&mut channel, &[page]), [goes_on]);
}

#[test]
fn a_page_that_is_shortened() {
    let config = r#"{"limits":{"page_bytes":30},"default_room":{"events":[{"name":"message","history":2}],"history_on_join":"all"}}"#;
    let mut channel = Channel::single_node(Config::from_json(config).unwrap());
    let newer = MESSAGE.replace(r#""offset":1"#, r#""offset":2"#);
    let more = r#""more":{"before":{"epoch":1,"offset":2},"wanted":0},"shortened":true"#;
    let on_join = format!(
        r#"{{"history":{{"client_id":"c2","topic":"room:1","epoch":1,"start":0,"end":1,"messages":[{newer}],{more}}}}}"#
    );
    assert_eq!(said(&mut channel, &[C1_JOINS, HI, HI, C2_JOINS])[2], on_join);
    let page = r#"{"history":{"client_id":"c1","topic":"room:1"}}"#;
    let shortened = format!(
        r#"{{"history":{{"client_id":"c1","topic":"room:1","epoch":1,"start":0,"end":50,"messages":[{newer}],{more}}}}}"#
    );
    assert_eq!(said(&mut channel, &[page]), [shortened]);
}

#[test]
fn a_message_that_excludes_somebody_and_is_sent_again() {
    let config = r#"{"default_room":{"presence":"off","events":[{"name":"e","history":1}]}}"#;
    let publish = r#"{"publish":{"target":{"topic":"room:1"},"event":"e","payload":1,"except_client":"c2","except_user":"u3"}}"#;
    let sent = r#"{"broadcast_message":{"topic":"room:1","event":"e","payload":1,"from":"system","epoch":1,"offset":1,"timestamp_ms":0,"except_client":"c2","except_user":"u3","recipients":["c1"]}}"#;
    let mut channel = Channel::single_node(Config::from_json(config).unwrap());
    assert_eq!(said(&mut channel, &[C1_JOINS, publish]), [sent]);
    let rejoin = r#"{"rejoin":{"client_id":"c1","topic":"room:1","user_id":"u1","now_ms":0,"since":{"epoch":1,"offset":0}}}"#;
    let again = sent.replace(r#""recipients""#, r#""replayed":true,"recipients""#);
    assert_eq!(said(&mut channel, &[rejoin])[1], again);
    let message = r#"{"event":"e","payload":1,"from":"system","offset":1,"timestamp_ms":0,"except_client":"c2","except_user":"u3"}"#;
    let evicted = format!(
        r#"{{"evicted":{{"topic":"room:1","epoch":1,"event":"e","messages":[{message}]}}}}"#
    );
    assert_eq!(said(&mut channel, &[publish])[1], evicted);
}

#[test]
fn room_opened_and_room_closed() {
    let open = r#"{"open_room":{"topic":"room:2","config":{"name":"N","description":"d","data":{"k" : 1},"max_members":2,"owner":"u1"},"ref":"r"}}"#;
    let info = r#""topic":"room:2","name":"N","description":"d","max_members":2,"owner":"u1","size":0,"full":false,"epoch":2,"offset":0,"recipients":["c1"]"#;
    let mut channel = Channel::single_node(Config::default());
    assert_eq!(
        said(&mut channel, &[C1_JOINS, open]),
        [
            r#"{"reply":{"to":"open_room","topic":"room:2","status":"ok","payload":{},"ref":"r"}}"#,
            &format!(r#"{{"room_opened":{{{info}}}}}"#),
        ]
    );
    let close = r#"{"close_room":{"topic":"room:2","by":"c1"}}"#;
    assert_eq!(
        said(&mut channel, &[close]),
        [
            r#"{"closed":{"topic":"room:2","cause":"room_closed","recipients":[]}}"#,
            &format!(r#"{{"room_closed":{{{info}}}}}"#),
        ]
    );
}

#[test]
fn closed_and_disconnect() {
    check(
        "{}",
        &[C1_JOINS, C2_JOINS, r#"{"kick":{"client_id":"c1","reason":"spam","ref":"r"}}"#],
        &[
            r#"{"reply":{"to":"kick","status":"ok","payload":{},"ref":"r"}}"#,
            r#"{"closed":{"topic":"room:1","cause":"kicked","message":"spam","recipients":["c1"]}}"#,
            r#"{"presence_diff":{"topic":"room:1","diff":{"joins":[],"leaves":[{"key":"u1","metas":[{"ref":"1","client_id":"c1","online_at_ms":0}],"last":true}]},"timestamp_ms":0,"recipients":["c2"]}}"#,
            r#"{"disconnect":{"client_id":"c1","reason":"spam"}}"#,
        ],
    );
}

#[test]
fn broadcast_messages_to_others_than_a_topic() {
    let group = r#"{"add_to_group":{"group":"g","topics":["room:1"]}}"#;
    for target in [r#"{"group":"g"}"#, r#"{"user":"u1"}"#, r#"{"client":"c1"}"#, r#""everyone""#] {
        let publish = format!(r#"{{"publish":{{"target":{target},"event":"e","payload":1}}}}"#);
        let message = format!(
            r#"{{"broadcast_message":{{"target":{target},"event":"e","payload":1,"from":"system","timestamp_ms":0,"recipients":["c1"]}}}}"#
        );
        check("{}", &[C1_JOINS, group, &publish], &[&message]);
    }
    let publish = r#"{"publish":{"target":{"topic":"room:1"},"event":"e","payload":1,"from":"bot","ref":"r"}}"#;
    check(
        "{}",
        &[C1_JOINS, publish],
        &[
            r#"{"reply":{"to":"publish","topic":"room:1","status":"ok","payload":{"epoch":1,"offset":1},"ref":"r"}}"#,
            r#"{"broadcast_message":{"topic":"room:1","event":"e","payload":1,"from":"bot","epoch":1,"offset":1,"timestamp_ms":0,"recipients":["c1"]}}"#,
        ],
    );
}

#[test]
fn bodies_of_replies_with_a_name_and_of_rejoins() {
    let config = r#"{"default_room":{"name":"N","presence":"off"}}"#;
    let joined = r#"{"reply":{"to":"join","client_id":"c1","topic":"room:1","status":"ok","payload":{"epoch":1,"offset":0,"name":"N"}}}"#;
    check(config, &[C1_JOINS], &[joined]);
    let rejoin = r#"{"rejoin":{"client_id":"c1","topic":"room:1","user_id":"u1","now_ms":1,"since":{"epoch":1,"offset":0}}}"#;
    let rejoined = r#"{"reply":{"to":"rejoin","client_id":"c1","topic":"room:1","status":"ok","payload":{"epoch":1,"offset":0,"name":"N","rejoined":true,"recovered":true}}}"#;
    check(config, &[C1_JOINS, rejoin], &[rejoined]);
}

#[test]
fn answers_to_queries() {
    let info = r#"{"topic":"room:1","size":1,"full":false,"epoch":1,"offset":0}"#;
    let meta = r#"{"ref":"1","client_id":"c1","online_at_ms":0}"#;
    for (what, header, answer) in [
        (r#""what":"rooms""#, "", format!(r#"{{"rooms":[{info}]}}"#)),
        (
            r#""what":"room","topic":"room:1""#,
            r#""topic":"room:1","#,
            format!(r#"{{"room":{info}}}"#),
        ),
        (r#""what":"room","topic":"t""#, r#""topic":"t","#, r#"{"room":null}"#.into()),
        (
            r#""what":"members","topic":"room:1""#,
            r#""topic":"room:1","#,
            r#"{"members":["c1"]}"#.into(),
        ),
        (
            r#""what":"presences","topic":"room:1""#,
            r#""topic":"room:1","#,
            format!(r#"{{"presences":[{{"key":"u1","metas":[{meta}]}}]}}"#),
        ),
        (
            r#""what":"topics_of","client_id":"c1""#,
            r#""client_id":"c1","#,
            r#"{"topics":["room:1"]}"#.into(),
        ),
    ] {
        let query = format!(r#"{{"query":{{{what},"ref":"r"}}}}"#);
        let reply = format!(
            r#"{{"reply":{{"to":"query",{header}"status":"ok","payload":{answer},"ref":"r"}}}}"#
        );
        check("{}", &[C1_JOINS, &query], &[&reply]);
    }
}

#[test]
fn stats_have_every_label() {
    let mut channel = Channel::single_node(Config::default());
    let said = said(&mut channel, &[C1_JOINS, r#"{"query":{"what":"stats"}}"#]);
    let start = r#"{"reply":{"to":"query","status":"ok","payload":{"stats":{"events":{"join":1,"rejoin":0,"#;
    assert!(said[0].starts_with(start), "{}", said[0]);
    let end = r#""presence_joins":1,"presence_leaves":0,"rooms_opened":1,"topics":1,"clients":1,"memberships":1,"detached":0,"history_messages":0,"history_bytes":0}}}}"#;
    assert!(said[0].ends_with(end), "{}", said[0]);
}
