//! Connections that are lost, and what the grace does: spec section 7.

use super::{super::Setup, check, held, rooms_of};

#[test]
fn a_lost_connection_is_held_for_the_grace() {
    let model = check(
        held(50, "{}"),
        r#"
        > {"connect":{"client_id":"a","user_id":"u","data":{"k":1},"now_ms":1,"ref":"r"}}
        {"reply":{"to":"connect","client_id":"a","status":"ok","payload":{},"ref":"r"}}
        > {"connect":{"client_id":"a","user_id":"v","now_ms":1}}
        {"reply":{"to":"connect","client_id":"a","status":"error","payload":{"reason":"user_conflict","message":"…"}}}
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":2}}
        ...
        > {"join":{"client_id":"a","topic":"s","user_id":"u","now_ms":2}}
        ...
        > {"join":{"client_id":"b","topic":"t","user_id":"w","now_ms":3}}
        ...
        > {"join":{"client_id":"c","topic":"t","user_id":"x","now_ms":4}}
        ...
        > {"disconnect":{"client_id":"nobody","now_ms":5}}
        > {"disconnect":{"client_id":"b","now_ms":5}}
        > {"disconnect":{"client_id":"a","now_ms":10}}
        > {"disconnect":{"client_id":"a","now_ms":20}}
        ? 55 grace
        > {"broadcast":{"client_id":"c","topic":"t","payload":1}}
        {"broadcast_message":{"topic":"t","event":"message","payload":1,"from":"x","client_id":"c","epoch":1,"offset":1,"timestamp_ms":20,"recipients":["c"]}}
        > {"broadcast":{"client_id":"a","topic":"t","payload":1}}
        {"reply":{"to":"broadcast","client_id":"a","topic":"t","status":"error","payload":{"reason":"not_member","message":"…"}}}
        > {"push":{"client_id":"a","topic":"t","event":"e","payload":1}}
        {"reply":{"to":"push","topic":"t","status":"error","payload":{"reason":"not_member","message":"…"}}}
        > {"connect":{"client_id":"a","user_id":"u","now_ms":21}}
        ? 55 grace
        > {"broadcast":{"client_id":"a","topic":"t","payload":1}}
        {"reply":{"to":"broadcast","client_id":"a","topic":"t","status":"error","payload":{"reason":"not_member","message":"…"}}}
        > {"rejoin":{"client_id":"a","topic":"t","user_id":"u","now_ms":22}}
        {"reply":{"to":"rejoin","client_id":"a","topic":"t","status":"ok","payload":{"epoch":1,"offset":1,"rejoined":true,"recovered":false}}}
        {"presence_state":{"client_id":"a","topic":"t","entries":[{"key":"u","metas":[{"ref":"1","client_id":"a","online_at_ms":2}]},{"key":"w","metas":[{"ref":"3","client_id":"b","online_at_ms":3}]},{"key":"x","metas":[{"ref":"4","client_id":"c","online_at_ms":4}]}]}}
        > {"tick":{"now_ms":54}}
        > {"tick":{"now_ms":55}}
        {"closed":{"topic":"t","cause":"expired","recipients":["b"]}}
        {"presence_diff":{"topic":"t","diff":{"joins":[],"leaves":[{"key":"w","metas":[{"ref":"3","client_id":"b","online_at_ms":3}],"last":true}]},"timestamp_ms":55,"recipients":["a","c"]}}
        ? 60 grace
        > {"tick":{"now_ms":60}}
        {"closed":{"topic":"s","cause":"expired","recipients":["a"]}}
        {"presence_diff":{"topic":"s","diff":{"joins":[],"leaves":[{"key":"u","metas":[{"ref":"2","client_id":"a","online_at_ms":2}],"last":true}]},"timestamp_ms":60,"recipients":[]}}
        ? nothing
        > {"disconnect":{"client_id":"a","now_ms":61}}
        > {"leave":{"client_id":"a","topic":"t"}}
        {"reply":{"to":"leave","client_id":"a","topic":"t","status":"ok","payload":{}}}
        {"presence_diff":{"topic":"t","diff":{"joins":[],"leaves":[{"key":"u","metas":[{"ref":"1","client_id":"a","online_at_ms":2}],"last":true}]},"timestamp_ms":61,"recipients":["c"]}}
        ? 111 grace
        > {"tick":{"now_ms":200}}
        ? nothing
        "#,
    );
    assert_eq!((model.clients(), model.detached(), model.topics()), (1, 0, vec!["t".into()]));
    assert_eq!((model.client_state("a"), model.client_state("c")), (None, Some(true)));
}

#[test]
fn without_grace_a_client_leaves_topic_by_topic() {
    let model = check(
        Setup::default(),
        r#"
        > {"connect":{"client_id":"z","user_id":"u","now_ms":1}}
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":2}}
        ...
        > {"join":{"client_id":"b","topic":"t","user_id":"w","now_ms":2}}
        ...
        > {"open_room":{"topic":"s","config":{"lifetime":"ephemeral"}}}
        {"room_opened":{"topic":"s","size":0,"full":false,"epoch":2,"offset":0,"recipients":["z","a","b"]}}
        > {"join":{"client_id":"a","topic":"s","user_id":"u","now_ms":2}}
        ...
        > {"disconnect":{"client_id":"a","now_ms":3}}
        {"closed":{"topic":"t","cause":"disconnected","recipients":["a"]}}
        {"presence_diff":{"topic":"t","diff":{"joins":[],"leaves":[{"key":"u","metas":[{"ref":"1","client_id":"a","online_at_ms":2}],"last":true}]},"timestamp_ms":3,"recipients":["b"]}}
        {"closed":{"topic":"s","cause":"disconnected","recipients":["a"]}}
        {"presence_diff":{"topic":"s","diff":{"joins":[],"leaves":[{"key":"u","metas":[{"ref":"3","client_id":"a","online_at_ms":2}],"last":true}]},"timestamp_ms":3,"recipients":[]}}
        {"room_closed":{"topic":"s","size":0,"full":false,"epoch":2,"offset":0,"recipients":["z","b"]}}
        ? nothing
        "#,
    );
    assert_eq!(model.clients_of("u"), ["z"]);
}

#[test]
fn what_expires_at_one_tick_goes_in_one_diff_a_topic() {
    check(
        held(50, r#"{"presence_of":"clients"}"#),
        r#"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":1}}
        ...
        > {"join":{"client_id":"b","topic":"t","user_id":"u","now_ms":1}}
        ...
        > {"join":{"client_id":"c","topic":"t","user_id":"w","now_ms":1}}
        ...
        > {"join":{"client_id":"d","topic":"s","user_id":"x","now_ms":1}}
        ...
        > {"track":{"client_id":"d","topic":"t","meta":1}}
        {"presence_diff":{"topic":"t","diff":{"joins":[{"key":"x","metas":[{"ref":"5","client_id":"d","online_at_ms":1,"data":1}],"first":true}],"leaves":[]},"timestamp_ms":1,"recipients":["a","b","c"]}}
        > {"disconnect":{"client_id":"b","now_ms":2}}
        > {"disconnect":{"client_id":"d","now_ms":2}}
        > {"disconnect":{"client_id":"a","now_ms":2}}
        > {"tick":{"now_ms":99}}
        {"closed":{"topic":"t","cause":"expired","recipients":["a","b"]}}
        {"presence_diff":{"topic":"t","diff":{"joins":[],"leaves":[{"key":"u","metas":[{"ref":"1","client_id":"a","online_at_ms":1},{"ref":"2","client_id":"b","online_at_ms":1}],"last":true},{"key":"x","metas":[{"ref":"5","client_id":"d","online_at_ms":1,"data":1}],"last":true}]},"timestamp_ms":99,"recipients":["c"]}}
        {"closed":{"topic":"s","cause":"expired","recipients":["d"]}}
        {"presence_diff":{"topic":"s","diff":{"joins":[],"leaves":[{"key":"x","metas":[{"ref":"4","client_id":"d","online_at_ms":1}],"last":true}]},"timestamp_ms":99,"recipients":[]}}
        ? nothing
        "#,
    );
}

#[test]
fn a_kick_is_from_a_topic_or_altogether() {
    let model = check(
        rooms_of(r#"{"presence_of":"clients"}"#),
        r#"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":1}}
        ...
        > {"join":{"client_id":"b","topic":"t","user_id":"w","now_ms":1}}
        ...
        > {"join":{"client_id":"a","topic":"s","user_id":"u","now_ms":1}}
        ...
        > {"join":{"client_id":"b","topic":"r","user_id":"w","now_ms":1}}
        ...
        > {"track":{"client_id":"a","topic":"r"}}
        ...
        > {"kick":{"client_id":"a","topic":"r","reason":"no"}}
        {"reply":{"to":"kick","topic":"r","status":"error","payload":{"reason":"not_member","message":"…"}}}
        > {"kick":{"client_id":"b","topic":"t","reason":"no","ref":"1"}}
        {"reply":{"to":"kick","topic":"t","status":"ok","payload":{},"ref":"1"}}
        {"closed":{"topic":"t","cause":"kicked","message":"no","recipients":["b"]}}
        {"presence_diff":{"topic":"t","diff":{"joins":[],"leaves":[{"key":"w","metas":[{"ref":"2","client_id":"b","online_at_ms":1}],"last":true}]},"timestamp_ms":1,"recipients":["a"]}}
        > {"kick":{"client_id":"b","topic":"t","reason":"no"}}
        {"reply":{"to":"kick","topic":"t","status":"error","payload":{"reason":"not_member","message":"…"}}}
        > {"kick":{"client_id":"b","topic":"x","reason":"no"}}
        {"reply":{"to":"kick","topic":"x","status":"error","payload":{"reason":"unknown_topic","message":"…"}}}
        > {"kick":{"client_id":"b","topic":"r","reason":""}}
        {"closed":{"topic":"r","cause":"kicked","message":"","recipients":["b"]}}
        {"presence_diff":{"topic":"r","diff":{"joins":[],"leaves":[{"key":"w","metas":[{"ref":"4","client_id":"b","online_at_ms":1}],"last":true}]},"timestamp_ms":1,"recipients":[]}}
        > {"kick":{"client_id":"b","reason":"no"}}
        {"reply":{"to":"kick","status":"error","payload":{"reason":"unknown_client","message":"…"}}}
        > {"kick":{"client_id":"a","reason":"out","ref":"2"}}
        {"reply":{"to":"kick","status":"ok","payload":{},"ref":"2"}}
        {"closed":{"topic":"t","cause":"kicked","message":"out","recipients":["a"]}}
        {"presence_diff":{"topic":"t","diff":{"joins":[],"leaves":[{"key":"u","metas":[{"ref":"1","client_id":"a","online_at_ms":1}],"last":true}]},"timestamp_ms":1,"recipients":[]}}
        {"closed":{"topic":"s","cause":"kicked","message":"out","recipients":["a"]}}
        {"presence_diff":{"topic":"s","diff":{"joins":[],"leaves":[{"key":"u","metas":[{"ref":"3","client_id":"a","online_at_ms":1}],"last":true}]},"timestamp_ms":1,"recipients":[]}}
        {"presence_diff":{"topic":"r","diff":{"joins":[],"leaves":[{"key":"u","metas":[{"ref":"5","client_id":"a","online_at_ms":1}],"last":true}]},"timestamp_ms":1,"recipients":[]}}
        {"disconnect":{"client_id":"a","reason":"out"}}
        ? nothing
        "#,
    );
    assert_eq!(model.clients(), 0);
}

#[test]
fn a_crash_detaches_and_the_grace_goes_on() {
    let model = check(
        held(50, r#"{"presence_of":"clients"}"#),
        r#"
        > {"connect":{"client_id":"a","user_id":"u","now_ms":1,"ref":"1"}}
        ...
        > {"join":{"client_id":"b","topic":"t","user_id":"w","now_ms":1}}
        ...
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":1}}
        ...
        > {"join":{"client_id":"c","topic":"s","user_id":"x","now_ms":1}}
        ...
        > {"track":{"client_id":"c","topic":"t"}}
        ...
        > {"crash":{"reason":"boom"}}
        {"system":{"label":"crash: boom"}}
        {"closed":{"topic":"t","cause":"crashed","recipients":["b","a"]}}
        {"closed":{"topic":"s","cause":"crashed","recipients":["c"]}}
        ? 51 grace
        > {"connect":{"client_id":"c","user_id":"x","now_ms":1}}
        {"reply":{"to":"connect","client_id":"c","status":"error","payload":{"reason":"crashed","message":"…"}}}
        > {"query":{"what":"members","topic":"t"}}
        {"reply":{"to":"query","topic":"t","status":"ok","payload":{"members":["b","a"]}}}
        > {"refuse":{"client_id":"a","topic":"t","to":"join","reason":"join_denied","message":"no","ref":"9"}}
        {"reply":{"to":"join","client_id":"a","topic":"t","status":"error","payload":{"reason":"join_denied","message":"…"},"ref":"9"}}
        > {"disconnect":{"client_id":"a","now_ms":10}}
        > "restart"
        {"system":{"label":"restart"}}
        > {"connect":{"client_id":"c","user_id":"x","now_ms":11,"ref":"1"}}
        {"reply":{"to":"connect","client_id":"c","status":"ok","payload":{},"ref":"1"}}
        > {"join":{"client_id":"b","topic":"t","user_id":"w","now_ms":12}}
        {"reply":{"to":"join","client_id":"b","topic":"t","status":"ok","payload":{"epoch":1,"offset":0,"rejoined":true,"recovered":false}}}
        {"presence_state":{"client_id":"b","topic":"t","entries":[{"key":"w","metas":[{"ref":"1","client_id":"b","online_at_ms":1}]},{"key":"u","metas":[{"ref":"2","client_id":"a","online_at_ms":1}]},{"key":"x","metas":[{"ref":"4","client_id":"c","online_at_ms":1}]}]}}
        > {"tick":{"now_ms":51}}
        {"closed":{"topic":"t","cause":"expired","recipients":["a"]}}
        {"presence_diff":{"topic":"t","diff":{"joins":[],"leaves":[{"key":"u","metas":[{"ref":"2","client_id":"a","online_at_ms":1}],"last":true}]},"timestamp_ms":51,"recipients":["b"]}}
        {"closed":{"topic":"s","cause":"expired","recipients":["c"]}}
        {"presence_diff":{"topic":"s","diff":{"joins":[],"leaves":[{"key":"x","metas":[{"ref":"3","client_id":"c","online_at_ms":1}],"last":true}]},"timestamp_ms":51,"recipients":[]}}
        ? 60 grace
        > {"tick":{"now_ms":60}}
        ? nothing
        "#,
    );
    assert_eq!(model.subscribers("t"), ["b"]);
    assert_eq!(model.clients_of("x"), ["c"]);
}

#[test]
fn a_crash_without_grace_ends_what_members_hold() {
    let model = check(
        Setup { rooms: vec![("lobby".into(), r#"{"name":"L"}"#.into())], ..Setup::default() },
        r#"
        > {"connect":{"client_id":"a","user_id":"u","now_ms":1,"ref":"1"}}
        ...
        > {"open_room":{"topic":"w","config":{"lifetime":"ephemeral"}}}
        ...
        > {"open_room":{"topic":"e","config":{"lifetime":"ephemeral"}}}
        ...
        > {"join":{"client_id":"a","topic":"e","user_id":"u","now_ms":1}}
        ...
        > {"join":{"client_id":"b","topic":"e","user_id":"w","now_ms":1}}
        ...
        > {"join":{"client_id":"b","topic":"lobby","user_id":"w","now_ms":1}}
        ...
        > {"crash":{"reason":"boom"}}
        {"system":{"label":"crash: boom"}}
        {"closed":{"topic":"lobby","cause":"crashed","recipients":["b"]}}
        {"closed":{"topic":"w","cause":"crashed","recipients":[]}}
        {"closed":{"topic":"e","cause":"crashed","recipients":["a","b"]}}
        {"room_closed":{"topic":"e","size":0,"full":false,"epoch":3,"offset":0,"recipients":["a","b"]}}
        ? nothing
        "#,
    );
    assert_eq!(model.topics(), ["lobby", "w"]);
    assert_eq!((model.client_state("a"), model.client_state("b")), (Some(true), None));
}
