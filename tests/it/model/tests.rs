//! What the model says, spelled out: a model that is wrong would agree with a wrong channel.

mod connections;
mod history;
mod messages;
mod presence;
mod rooms;

use super::{Limits, Model, Setup};

/// Plays a script to a model: a line that starts with `> ` goes in, and the lines up to the
/// next one are exactly what comes out; `...` is anything, and `? ` what is due next.
fn check(setup: Setup, script: &str) -> Model {
    let mut model = Model::new(setup);
    let mut lines = script.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    while let Some(line) = lines.next() {
        if let Some(due) = line.strip_prefix("? ") {
            let next = model.next_deadline();
            let next =
                next.map_or_else(|| "nothing".into(), |(at_ms, why)| format!("{at_ms} {why}"));
            assert_eq!(next, due, "what is due next");
            continue;
        }
        let event = line.strip_prefix("> ").expect("a script begins with an event");
        let mut expected = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with(['?', '>'])) {
            expected.push(line.to_owned());
        }
        if expected == ["..."] {
            assert!(!model.apply(event).is_empty(), "nothing after {event}");
        } else {
            assert_eq!(model.apply(event), expected, "after {event}");
        }
    }
    model
}

/// A setup with these limits.
fn limited(change: impl FnOnce(&mut Limits)) -> Setup {
    let mut setup = Setup::default();
    change(&mut setup.limits);
    setup
}

/// A setup in which rooms are like this.
fn rooms_of(config: &str) -> Setup {
    Setup { default_room: config.into(), ..Setup::default() }
}

/// A setup with a grace, in which rooms are like this.
fn held(grace_ms: u64, config: &str) -> Setup {
    Setup { grace_ms, ..rooms_of(config) }
}

/// A channel without presence.
fn silent() -> Setup {
    rooms_of(r#"{"presence":"off"}"#)
}

#[test]
fn the_examples_of_section_3_come_out_as_written() {
    let mut model = check(
        Setup::default(),
        r#"
        > {"join":{"client_id":"c1","topic":"room:1","user_id":"u1","now_ms":0}}
        {"reply":{"to":"join","client_id":"c1","topic":"room:1","status":"ok","payload":{"epoch":1,"offset":0}}}
        {"presence_state":{"client_id":"c1","topic":"room:1","entries":[{"key":"u1","metas":[{"ref":"1","client_id":"c1","online_at_ms":0}]}]}}
        {"presence_diff":{"topic":"room:1","diff":{"joins":[{"key":"u1","metas":[{"ref":"1","client_id":"c1","online_at_ms":0}],"first":true}],"leaves":[]},"timestamp_ms":0,"recipients":[]}}
        > {"join":{"client_id":"c2","topic":"room:1","user_id":"u2","now_ms":0}}
        {"reply":{"to":"join","client_id":"c2","topic":"room:1","status":"ok","payload":{"epoch":1,"offset":0}}}
        {"presence_state":{"client_id":"c2","topic":"room:1","entries":[{"key":"u1","metas":[{"ref":"1","client_id":"c1","online_at_ms":0}]},{"key":"u2","metas":[{"ref":"2","client_id":"c2","online_at_ms":0}]}]}}
        {"presence_diff":{"topic":"room:1","diff":{"joins":[{"key":"u2","metas":[{"ref":"2","client_id":"c2","online_at_ms":0}],"first":true}],"leaves":[]},"timestamp_ms":0,"recipients":["c1"]}}
        > {"push":{"client_id":"c1","topic":"room:1","event":"welcome","payload":"x"}}
        {"push_message":{"client_id":"c1","topic":"room:1","event":"welcome","payload":"x"}}
        "#,
    );
    for _ in 0..41 {
        model.apply(r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":1}}"#);
    }
    let mut say = |event: &str, expected: &[&str]| assert_eq!(model.apply(event), expected);
    say(
        r#"{"join":{"client_id":"c1","topic":"room:1","user_id":"u1","now_ms":0}}"#,
        &[
            r#"{"reply":{"to":"join","client_id":"c1","topic":"room:1","status":"ok","payload":{"epoch":1,"offset":41}}}"#,
        ],
    );
    say(
        r#"{"rejoin":{"client_id":"c1","topic":"room:1","user_id":"u1","now_ms":9,"since":{"epoch":1,"offset":41}}}"#,
        &[
            r#"{"reply":{"to":"rejoin","client_id":"c1","topic":"room:1","status":"ok","payload":{"epoch":1,"offset":41,"rejoined":true,"recovered":true}}}"#,
            r#"{"presence_state":{"client_id":"c1","topic":"room:1","entries":[{"key":"u1","metas":[{"ref":"1","client_id":"c1","online_at_ms":0}]},{"key":"u2","metas":[{"ref":"2","client_id":"c2","online_at_ms":0}]}]}}"#,
        ],
    );
    say(
        r#"{"broadcast":{"client_id":"c1","topic":"room:1","payload":{"text":"hi"}}}"#,
        &[
            r#"{"broadcast_message":{"topic":"room:1","event":"message","payload":{"text":"hi"},"from":"u1","client_id":"c1","epoch":1,"offset":42,"timestamp_ms":9,"recipients":["c1","c2"]}}"#,
        ],
    );
    model.apply(r#"{"join":{"client_id":"c9","topic":"room:9","user_id":"u9","now_ms":0}}"#);
    let mut say = |event: &str, expected: &[&str]| assert_eq!(model.apply(event), expected);
    say(
        r#"{"broadcast":{"client_id":"c9","topic":"room:1","payload":0}}"#,
        &[
            r#"{"reply":{"to":"broadcast","client_id":"c9","topic":"room:1","status":"error","payload":{"reason":"not_member","message":"…"}}}"#,
        ],
    );
    say(
        r#"{"leave":{"client_id":"c1","topic":"room:1"}}"#,
        &[
            r#"{"reply":{"to":"leave","client_id":"c1","topic":"room:1","status":"ok","payload":{}}}"#,
            r#"{"presence_diff":{"topic":"room:1","diff":{"joins":[],"leaves":[{"key":"u1","metas":[{"ref":"1","client_id":"c1","online_at_ms":0}],"last":true}]},"timestamp_ms":9,"recipients":["c2"]}}"#,
        ],
    );
    say(
        r#"{"crash":{"reason":"boom"}}"#,
        &[
            r#"{"system":{"label":"crash: boom"}}"#,
            r#"{"closed":{"topic":"room:1","cause":"crashed","recipients":["c2"]}}"#,
            r#"{"closed":{"topic":"room:9","cause":"crashed","recipients":["c9"]}}"#,
        ],
    );
    say(r#""restart""#, &[r#"{"system":{"label":"restart"}}"#]);
    assert_eq!(model.clock_ms(), 9);
}

#[test]
fn an_entry_keeps_its_place_and_only_the_ends_are_marked() {
    check(
        Setup { origin: Some("n.1".into()), ..Setup::default() },
        r#"
        > {"join":{"client_id":"a1","topic":"t","user_id":"a","now_ms":1,"meta":{"n": 1}}}
        ...
        > {"join":{"client_id":"b1","topic":"t","user_id":"b","now_ms":2,"meta":null}}
        ...
        > {"join":{"client_id":"a2","topic":"t","user_id":"a","now_ms":3}}
        {"reply":{"to":"join","client_id":"a2","topic":"t","status":"ok","payload":{"epoch":1,"offset":0}}}
        {"presence_state":{"client_id":"a2","topic":"t","entries":[{"key":"a","metas":[{"ref":"n.1.1","client_id":"a1","online_at_ms":1,"data":{"n": 1}},{"ref":"n.1.3","client_id":"a2","online_at_ms":3}]},{"key":"b","metas":[{"ref":"n.1.2","client_id":"b1","online_at_ms":2}]}]}}
        {"presence_diff":{"topic":"t","diff":{"joins":[{"key":"a","metas":[{"ref":"n.1.3","client_id":"a2","online_at_ms":3}]}],"leaves":[]},"timestamp_ms":3,"recipients":["a1","b1"]}}
        > {"leave":{"client_id":"a1","topic":"t","ref":""}}
        {"reply":{"to":"leave","client_id":"a1","topic":"t","status":"ok","payload":{},"ref":""}}
        {"presence_diff":{"topic":"t","diff":{"joins":[],"leaves":[{"key":"a","metas":[{"ref":"n.1.1","client_id":"a1","online_at_ms":1,"data":{"n": 1}}]}]},"timestamp_ms":3,"recipients":["b1","a2"]}}
        > {"rejoin":{"client_id":"b1","topic":"t","user_id":"b","now_ms":0}}
        {"reply":{"to":"rejoin","client_id":"b1","topic":"t","status":"ok","payload":{"epoch":1,"offset":0,"rejoined":true,"recovered":false}}}
        {"presence_state":{"client_id":"b1","topic":"t","entries":[{"key":"a","metas":[{"ref":"n.1.3","client_id":"a2","online_at_ms":3}]},{"key":"b","metas":[{"ref":"n.1.2","client_id":"b1","online_at_ms":2}]}]}}
        "#,
    );
}

#[test]
fn a_rejoin_with_another_meta_tells_the_others() {
    check(
        Setup::default(),
        r#"
        > {"rejoin":{"client_id":"a","topic":"t","user_id":"u","now_ms":5,"since":{"epoch":9,"offset":0},"ref":"7"}}
        {"reply":{"to":"rejoin","client_id":"a","topic":"t","status":"ok","payload":{"epoch":1,"offset":0,"rejoined":false,"recovered":false},"ref":"7"}}
        {"presence_state":{"client_id":"a","topic":"t","entries":[{"key":"u","metas":[{"ref":"1","client_id":"a","online_at_ms":5}]}]}}
        {"presence_diff":{"topic":"t","diff":{"joins":[{"key":"u","metas":[{"ref":"1","client_id":"a","online_at_ms":5}],"first":true}],"leaves":[]},"timestamp_ms":5,"recipients":[]}}
        > {"join":{"client_id":"b","topic":"t","user_id":"u","now_ms":6}}
        ...
        > {"rejoin":{"client_id":"a","topic":"t","user_id":"u","now_ms":7,"meta":[1]}}
        {"reply":{"to":"rejoin","client_id":"a","topic":"t","status":"ok","payload":{"epoch":1,"offset":0,"rejoined":true,"recovered":false}}}
        {"presence_state":{"client_id":"a","topic":"t","entries":[{"key":"u","metas":[{"ref":"3","prev_ref":"1","client_id":"a","online_at_ms":5,"data":[1]},{"ref":"2","client_id":"b","online_at_ms":6}]}]}}
        {"presence_diff":{"topic":"t","diff":{"joins":[{"key":"u","metas":[{"ref":"3","prev_ref":"1","client_id":"a","online_at_ms":5,"data":[1]}]}],"leaves":[{"key":"u","metas":[{"ref":"1","client_id":"a","online_at_ms":5}]}]},"timestamp_ms":7,"recipients":["b"]}}
        > {"rejoin":{"client_id":"a","topic":"t","user_id":"u","now_ms":8,"meta":[1]}}
        {"reply":{"to":"rejoin","client_id":"a","topic":"t","status":"ok","payload":{"epoch":1,"offset":0,"rejoined":true,"recovered":false}}}
        {"presence_state":{"client_id":"a","topic":"t","entries":[{"key":"u","metas":[{"ref":"3","prev_ref":"1","client_id":"a","online_at_ms":5,"data":[1]},{"ref":"2","client_id":"b","online_at_ms":6}]}]}}
        > {"rejoin":{"client_id":"a","topic":"t","user_id":"u","now_ms":8,"meta":[2]}}
        {"reply":{"to":"rejoin","client_id":"a","topic":"t","status":"ok","payload":{"epoch":1,"offset":0,"rejoined":true,"recovered":false}}}
        {"presence_state":{"client_id":"a","topic":"t","entries":[{"key":"u","metas":[{"ref":"4","prev_ref":"3","client_id":"a","online_at_ms":5,"data":[2]},{"ref":"2","client_id":"b","online_at_ms":6}]}]}}
        {"presence_diff":{"topic":"t","diff":{"joins":[{"key":"u","metas":[{"ref":"4","prev_ref":"3","client_id":"a","online_at_ms":5,"data":[2]}]}],"leaves":[{"key":"u","metas":[{"ref":"3","prev_ref":"1","client_id":"a","online_at_ms":5,"data":[1]}]}]},"timestamp_ms":8,"recipients":["b"]}}
        > {"rejoin":{"client_id":"a","topic":"t","user_id":"v","now_ms":8}}
        {"reply":{"to":"rejoin","client_id":"a","topic":"t","status":"error","payload":{"reason":"user_conflict","message":"…"}}}
        "#,
    );
}

#[test]
fn without_presence_only_replies_and_messages_are_said() {
    let model = check(
        silent(),
        r#"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":1,"meta":1}}
        {"reply":{"to":"join","client_id":"a","topic":"t","status":"ok","payload":{"epoch":1,"offset":0}}}
        > {"rejoin":{"client_id":"a","topic":"t","user_id":"u","now_ms":1,"meta":2}}
        {"reply":{"to":"rejoin","client_id":"a","topic":"t","status":"ok","payload":{"epoch":1,"offset":0,"rejoined":true,"recovered":false}}}
        > {"join":{"client_id":"b","topic":"t","user_id":"u","now_ms":1}}
        {"reply":{"to":"join","client_id":"b","topic":"t","status":"ok","payload":{"epoch":1,"offset":0}}}
        > {"leave":{"client_id":"b","topic":"t"}}
        {"reply":{"to":"leave","client_id":"b","topic":"t","status":"ok","payload":{}}}
        > {"push":{"client_id":"a","topic":"t","event":"phx_x","payload":null,"ref":"r"}}
        {"reply":{"to":"push","topic":"t","status":"ok","payload":{},"ref":"r"}}
        {"push_message":{"client_id":"a","topic":"t","event":"phx_x","payload":null}}
        "#,
    );
    assert_eq!(model.presences("t"), "[]");
}

#[test]
fn the_audience_of_a_broadcast_is_in_join_order() {
    check(
        silent(),
        r#"
        > {"join":{"client_id":"a1","topic":"t","user_id":"a","now_ms":1}}
        ...
        > {"join":{"client_id":"b1","topic":"t","user_id":"b","now_ms":1}}
        ...
        > {"join":{"client_id":"a2","topic":"t","user_id":"a","now_ms":1}}
        ...
        > {"broadcast":{"client_id":"a1","topic":"t","payload":1,"audience":"others","ref":"r","id":"i"}}
        {"reply":{"to":"broadcast","client_id":"a1","topic":"t","status":"ok","payload":{"epoch":1,"offset":1},"ref":"r"}}
        {"broadcast_message":{"topic":"t","event":"message","payload":1,"from":"a","client_id":"a1","epoch":1,"offset":1,"timestamp_ms":1,"except_client":"a1","recipients":["b1","a2"]}}
        > {"broadcast":{"client_id":"a1","topic":"t","payload":1,"audience":"other_users","event":"e","meta":{"k" : 1}}}
        {"broadcast_message":{"topic":"t","event":"e","payload":1,"from":"a","client_id":"a1","epoch":1,"offset":2,"timestamp_ms":1,"meta":{"k" : 1},"except_user":"a","recipients":["b1"]}}
        > {"broadcast":{"client_id":"a1","topic":"t","payload_base64":"aGk=","audience":"all"}}
        {"broadcast_message":{"topic":"t","event":"message","payload_base64":"aGk=","from":"a","client_id":"a1","epoch":1,"offset":3,"timestamp_ms":1,"recipients":["a1","b1","a2"]}}
        > {"leave":{"client_id":"b1","topic":"t"}}
        {"reply":{"to":"leave","client_id":"b1","topic":"t","status":"ok","payload":{}}}
        > {"broadcast":{"client_id":"a1","topic":"t","payload":null,"audience":"other_users"}}
        {"broadcast_message":{"topic":"t","event":"message","payload":null,"from":"a","client_id":"a1","epoch":1,"offset":4,"timestamp_ms":1,"except_user":"a","recipients":[]}}
        "#,
    );
}

#[test]
fn refusals_come_in_the_order_of_the_checks() {
    check(
        limited(|limits| {
            limits.name_bytes = 4;
            limits.ref_bytes = 2;
            limits.payload_bytes = 6;
            limits.meta_bytes = 6;
            limits.payload_depth = 2;
        }),
        r#"
        > {"join":{"client_id":"","topic":"t","user_id":"u","now_ms":1}}
        {"reply":{"to":"join","client_id":"","topic":"t","status":"error","payload":{"reason":"invalid_name","message":"…"}}}
        > {"join":{"client_id":"*","topic":"*","user_id":"ääb","now_ms":1,"ref":"123"}}
        {"reply":{"to":"join","client_id":"*","topic":"*","status":"error","payload":{"reason":"invalid_name","message":"…"},"ref":"123"}}
        > {"join":{"client_id":"*","topic":"*","user_id":"ää","now_ms":1,"ref":"123","meta":1234567}}
        {"reply":{"to":"join","client_id":"*","topic":"*","status":"error","payload":{"reason":"limit_reached","message":"…","limit":"ref_bytes"},"ref":"123"}}
        > {"join":{"client_id":"*","topic":"*","user_id":"ää","now_ms":1,"meta":1234567}}
        {"reply":{"to":"join","client_id":"*","topic":"*","status":"error","payload":{"reason":"payload_too_large","message":"…","limit":"meta_bytes"}}}
        > {"join":{"client_id":"*","topic":"*","user_id":"ää","now_ms":1,"params":[[[]]]}}
        {"reply":{"to":"join","client_id":"*","topic":"*","status":"error","payload":{"reason":"payload_too_large","message":"…","limit":"payload_depth"}}}
        > {"push":{"client_id":"c","topic":"t","event":"*","payload":1}}
        {"reply":{"to":"push","topic":"t","status":"error","payload":{"reason":"invalid_name","message":"…"}}}
        > {"push":{"client_id":"c","topic":"t","event":"e","payload":1,"ref":"r"}}
        {"reply":{"to":"push","topic":"t","status":"error","payload":{"reason":"unknown_client","message":"…"},"ref":"r"}}
        > {"join":{"client_id":"*","topic":"*","user_id":"ää","now_ms":1,"ref":"12","meta":"[[[]","params":[[1]]}}
        ...
        > {"leave":{"client_id":"*","topic":"t"}}
        {"reply":{"to":"leave","client_id":"*","topic":"t","status":"error","payload":{"reason":"unknown_topic","message":"…"}}}
        > {"push":{"client_id":"*","topic":"*","event":"e","payload_base64":"MTIzNDU2"}}
        {"push_message":{"client_id":"*","topic":"*","event":"e","payload_base64":"MTIzNDU2"}}
        > {"push":{"client_id":"*","topic":"*","event":"e","payload_base64":"MTIzNDU2Nw=="}}
        {"reply":{"to":"push","topic":"*","status":"error","payload":{"reason":"payload_too_large","message":"…","limit":"payload_bytes"}}}
        > {"broadcast":{"client_id":"*","topic":"*","event":"e","payload":1,"id":"123","meta":[[[]]]}}
        {"reply":{"to":"broadcast","client_id":"*","topic":"*","status":"error","payload":{"reason":"limit_reached","message":"…","limit":"ref_bytes"}}}
        > {"broadcast":{"client_id":"*","topic":"*","event":"phx_","payload":1}}
        {"reply":{"to":"broadcast","client_id":"*","topic":"*","status":"error","payload":{"reason":"event_not_allowed","message":"…"}}}
        > {"join":{"client_id":"*","topic":"t","user_id":"u","now_ms":1}}
        {"reply":{"to":"join","client_id":"*","topic":"t","status":"error","payload":{"reason":"user_conflict","message":"…"}}}
        "#,
    );
}

#[test]
fn each_limit_is_named_and_a_refused_join_leaves_no_trace() {
    let limits = |limits: &mut Limits| {
        limits.clients = 2;
        limits.topics = 2;
        limits.topics_per_client = 2;
        limits.members_per_topic = 1;
    };
    let model = check(
        Setup { first_epoch: 10, default_room: silent().default_room, ..limited(limits) },
        r#"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":1}}
        ...
        > {"join":{"client_id":"b","topic":"t","user_id":"u","now_ms":1}}
        {"reply":{"to":"join","client_id":"b","topic":"t","status":"error","payload":{"reason":"limit_reached","message":"…","limit":"members_per_topic"}}}
        > {"join":{"client_id":"b","topic":"s","user_id":"u","now_ms":1}}
        {"reply":{"to":"join","client_id":"b","topic":"s","status":"ok","payload":{"epoch":11,"offset":0}}}
        > {"join":{"client_id":"c","topic":"r","user_id":"u","now_ms":1}}
        {"reply":{"to":"join","client_id":"c","topic":"r","status":"error","payload":{"reason":"limit_reached","message":"…","limit":"clients"}}}
        > {"join":{"client_id":"a","topic":"r","user_id":"u","now_ms":1}}
        {"reply":{"to":"join","client_id":"a","topic":"r","status":"error","payload":{"reason":"limit_reached","message":"…","limit":"topics"}}}
        > {"leave":{"client_id":"b","topic":"s"}}
        {"reply":{"to":"leave","client_id":"b","topic":"s","status":"ok","payload":{}}}
        > {"rejoin":{"client_id":"a","topic":"r","user_id":"u","now_ms":1}}
        {"reply":{"to":"rejoin","client_id":"a","topic":"r","status":"ok","payload":{"epoch":12,"offset":0,"rejoined":false,"recovered":false}}}
        > {"join":{"client_id":"a","topic":"q","user_id":"u","now_ms":9}}
        {"reply":{"to":"join","client_id":"a","topic":"q","status":"error","payload":{"reason":"limit_reached","message":"…","limit":"topics"}}}
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":1}}
        {"reply":{"to":"join","client_id":"a","topic":"t","status":"ok","payload":{"epoch":10,"offset":0}}}
        "#,
    );
    assert_eq!((model.clients(), model.membership_count(), model.clock_ms()), (1, 2, 9));
    assert_eq!(model.topics(), ["t", "r"]);
    check(
        limited(|limits| limits.topics_per_client = 0),
        r#"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":1}}
        {"reply":{"to":"join","client_id":"a","topic":"t","status":"error","payload":{"reason":"limit_reached","message":"…","limit":"topics_per_client"}}}
        "#,
    );
}

#[test]
fn while_crashed_only_leave_goes_on_and_the_counters_stay() {
    let model = check(
        Setup::default(),
        r#"
        > "restart"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":1}}
        ...
        > {"crash":{"reason":"a \"b\""}}
        {"system":{"label":"crash: a \"b\""}}
        {"closed":{"topic":"t","cause":"crashed","recipients":["a"]}}
        > {"crash":{"reason":"again"}}
        > {"leave":{"client_id":"a","topic":"t","ref":"r"}}
        {"reply":{"to":"leave","client_id":"a","topic":"t","status":"error","payload":{"reason":"unknown_client","message":"…"},"ref":"r"}}
        > {"join":{"client_id":"","topic":"t","user_id":"u","now_ms":7}}
        {"reply":{"to":"join","client_id":"","topic":"t","status":"error","payload":{"reason":"crashed","message":"…"}}}
        > {"push":{"client_id":"a","topic":"t","event":"e","payload":1}}
        {"reply":{"to":"push","topic":"t","status":"error","payload":{"reason":"crashed","message":"…"}}}
        > "restart"
        {"system":{"label":"restart"}}
        > "restart"
        > {"rejoin":{"client_id":"a","topic":"t","user_id":"v","now_ms":2}}
        {"reply":{"to":"rejoin","client_id":"a","topic":"t","status":"ok","payload":{"epoch":2,"offset":0,"rejoined":false,"recovered":false}}}
        {"presence_state":{"client_id":"a","topic":"t","entries":[{"key":"v","metas":[{"ref":"2","client_id":"a","online_at_ms":7}]}]}}
        {"presence_diff":{"topic":"t","diff":{"joins":[{"key":"v","metas":[{"ref":"2","client_id":"a","online_at_ms":7}],"first":true}],"leaves":[]},"timestamp_ms":7,"recipients":[]}}
        "#,
    );
    assert!(!model.crashed());
}

#[test]
fn raw_text_is_carried_verbatim_but_for_line_breaks() {
    let mut model = check(
        silent(),
        r#"
        > {"join":{"client_id":"\u0061","topic":"t\n","user_id":"u","now_ms":1}}
        {"reply":{"to":"join","client_id":"a","topic":"t\n","status":"ok","payload":{"epoch":1,"offset":0}}}
        > {"push":{"client_id":"a","topic":"t\n","event":"e","payload": {"b":1.0e2, "a" :"restart\u0041","a":"\n"} }}
        {"push_message":{"client_id":"a","topic":"t\n","event":"e","payload":{"b":1.0e2, "a" :"restart\u0041","a":"\n"}}}
        "#,
    );
    let event =
        "{\"push\":{\"client_id\":\"a\",\"topic\":\"t\\n\",\"event\":\"e\",\"payload\":[1,\r\n2]}}";
    let said = r#"{"push_message":{"client_id":"a","topic":"t\n","event":"e","payload":[1,  2]}}"#;
    assert_eq!(model.apply(event), [said]);
}

#[test]
fn null_reads_as_absent_except_for_a_payload() {
    check(
        silent(),
        r#"
        > {"rejoin":{"client_id":"a","topic":"t","user_id":"u","now_ms":1,"meta":null,"params":null,"ref":null,"since":null}}
        {"reply":{"to":"rejoin","client_id":"a","topic":"t","status":"ok","payload":{"epoch":1,"offset":0,"rejoined":false,"recovered":false}}}
        > {"broadcast":{"client_id":"a","topic":"t","payload":null,"event":null,"audience":null,"meta":null,"id":null,"ref":null}}
        {"broadcast_message":{"topic":"t","event":"message","payload":null,"from":"u","client_id":"a","epoch":1,"offset":1,"timestamp_ms":1,"recipients":["a"]}}
        "#,
    );
}

#[test]
fn the_depth_limit_holds_at_its_value_and_one_past_it() {
    let mut model = check(
        silent(),
        r#"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":1}}
        ...
        "#,
    );
    let mut push = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let payload = format!("{open}\"]\\\"[\"{close}");
        let line = format!(
            r#"{{"push":{{"client_id":"a","topic":"t","event":"e","payload":{payload}}}}}"#
        );
        model.apply(&line)[0].contains("payload_too_large")
    };
    assert!(!push(128));
    assert!(push(129));
    assert!(push(30_000));
}

#[test]
fn queries_are_ordered_and_empty_for_unknown_names() {
    let model = check(
        Setup::default(),
        r#"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":1}}
        ...
        > {"join":{"client_id":"b","topic":"s","user_id":"u","now_ms":1}}
        ...
        > {"join":{"client_id":"b","topic":"t","user_id":"u","now_ms":1}}
        ...
        > {"join":{"client_id":"a","topic":"r","user_id":"u","now_ms":1}}
        ...
        > {"leave":{"client_id":"a","topic":"t"}}
        ...
        "#,
    );
    assert_eq!(model.topics(), ["t", "s", "r"]);
    assert_eq!(model.subscribers("t"), ["b"]);
    assert_eq!(model.topics_of("b"), ["s", "t"]);
    assert_eq!(model.clients_of("u"), ["a", "b"]);
    assert_eq!(model.topics_of_user("u"), ["r", "s", "t"]);
    assert_eq!(model.position("s"), Some((2, 0)));
    assert_eq!(
        model.presences("t"),
        r#"[{"key":"u","metas":[{"ref":"3","client_id":"b","online_at_ms":1}]}]"#
    );
    assert!(model.is_member("b", "t") && !model.is_member("a", "t"));
    assert!(model.is_user_in("u", "t") && !model.is_user_in("v", "t"));
    assert_eq!((model.clients(), model.membership_count()), (2, 3));
    assert_eq!((model.position("x"), model.presences("x").as_str()), (None, "[]"));
    let nothing: [&str; 0] = [];
    assert_eq!(model.subscribers("x"), nothing);
    assert_eq!(model.topics_of("x"), nothing);
    assert_eq!(model.topics_of_user("x"), nothing);
}
