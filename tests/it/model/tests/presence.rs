//! Presence with windows, without membership, and off: spec section 9.

use super::{super::Setup, check, limited, rooms_of, silent};

#[test]
fn a_window_announces_its_changes_in_one_diff() {
    check(
        rooms_of(r#"{"presence_window_ms":10}"#),
        r#"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":0,"meta":1}}
        {"reply":{"to":"join","client_id":"a","topic":"t","status":"ok","payload":{"epoch":1,"offset":0}}}
        {"presence_state":{"client_id":"a","topic":"t","entries":[]}}
        ? 10 presence_window
        > {"join":{"client_id":"b","topic":"t","user_id":"v","now_ms":5}}
        {"reply":{"to":"join","client_id":"b","topic":"t","status":"ok","payload":{"epoch":1,"offset":0}}}
        {"presence_state":{"client_id":"b","topic":"t","entries":[]}}
        > {"track":{"client_id":"a","topic":"t","meta":2}}
        > {"tick":{"now_ms":9}}
        > {"tick":{"now_ms":10}}
        {"presence_diff":{"topic":"t","diff":{"joins":[{"key":"u","metas":[{"ref":"1","client_id":"a","online_at_ms":0,"data":2}],"first":true},{"key":"v","metas":[{"ref":"2","client_id":"b","online_at_ms":5}],"first":true}],"leaves":[]},"timestamp_ms":10,"recipients":["a","b"]}}
        ? nothing
        > {"track":{"client_id":"a","topic":"t","meta":3}}
        > {"track":{"client_id":"a","topic":"t","meta":2,"ref":"r"}}
        {"reply":{"to":"track","client_id":"a","topic":"t","status":"ok","payload":{},"ref":"r"}}
        > {"untrack":{"client_id":"b","topic":"t"}}
        > {"track":{"client_id":"b","topic":"t"}}
        > {"join":{"client_id":"c","topic":"t","user_id":"w","now_ms":12}}
        {"reply":{"to":"join","client_id":"c","topic":"t","status":"ok","payload":{"epoch":1,"offset":0}}}
        {"presence_state":{"client_id":"c","topic":"t","entries":[{"key":"u","metas":[{"ref":"1","client_id":"a","online_at_ms":0,"data":2}]},{"key":"v","metas":[{"ref":"2","client_id":"b","online_at_ms":5}]}]}}
        > {"leave":{"client_id":"c","topic":"t"}}
        {"reply":{"to":"leave","client_id":"c","topic":"t","status":"ok","payload":{}}}
        > {"query":{"what":"presences","topic":"t"}}
        {"reply":{"to":"query","topic":"t","status":"ok","payload":{"presences":[{"key":"u","metas":[{"ref":"1","client_id":"a","online_at_ms":0,"data":2}]},{"key":"v","metas":[{"ref":"4","client_id":"b","online_at_ms":10}]}]}}}
        > {"tick":{"now_ms":20}}
        {"presence_diff":{"topic":"t","diff":{"joins":[{"key":"v","metas":[{"ref":"4","client_id":"b","online_at_ms":10}]}],"leaves":[{"key":"v","metas":[{"ref":"2","client_id":"b","online_at_ms":5}]}]},"timestamp_ms":20,"recipients":["a","b"]}}
        > {"leave":{"client_id":"a","topic":"t"}}
        ...
        > {"leave":{"client_id":"b","topic":"t"}}
        {"reply":{"to":"leave","client_id":"b","topic":"t","status":"ok","payload":{}}}
        {"presence_diff":{"topic":"t","diff":{"joins":[],"leaves":[{"key":"u","metas":[{"ref":"1","client_id":"a","online_at_ms":0,"data":2}],"last":true},{"key":"v","metas":[{"ref":"4","client_id":"b","online_at_ms":10}],"last":true}]},"timestamp_ms":20,"recipients":[]}}
        ? nothing
        "#,
    );
}

#[test]
fn a_window_of_no_length_ends_at_the_next_tick() {
    check(
        rooms_of(r#"{"presence_window_ms":0}"#),
        r#"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":3}}
        ...
        ? 3 presence_window
        > {"tick":{"now_ms":0}}
        {"presence_diff":{"topic":"t","diff":{"joins":[{"key":"u","metas":[{"ref":"1","client_id":"a","online_at_ms":3}],"first":true}],"leaves":[]},"timestamp_ms":3,"recipients":["a"]}}
        > {"untrack":{"client_id":"a","topic":"t"}}
        > {"track":{"client_id":"a","topic":"t"}}
        > {"untrack":{"client_id":"a","topic":"t"}}
        > {"tick":{"now_ms":3}}
        {"presence_diff":{"topic":"t","diff":{"joins":[],"leaves":[{"key":"u","metas":[{"ref":"1","client_id":"a","online_at_ms":3}],"last":true}]},"timestamp_ms":3,"recipients":["a"]}}
        > {"track":{"client_id":"a","topic":"t","ref":"1"}}
        ...
        > {"untrack":{"client_id":"a","topic":"t"}}
        > {"tick":{"now_ms":3}}
        "#,
    );
}

#[test]
fn a_client_may_be_tracked_where_it_is_no_member() {
    let model = check(
        Setup {
            default_room: r#"{"presence_of":"clients"}"#.into(),
            ..limited(|limits| (limits.members_per_topic, limits.topics_per_client) = (2, 1))
        },
        r#"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":0}}
        ...
        > {"connect":{"client_id":"b","user_id":"v","now_ms":0,"ref":"1"}}
        ...
        > {"connect":{"client_id":"c","user_id":"w","now_ms":0,"ref":"1"}}
        ...
        > {"untrack":{"client_id":"b","topic":"t","ref":"1"}}
        {"reply":{"to":"untrack","client_id":"b","topic":"t","status":"ok","payload":{},"ref":"1"}}
        > {"track":{"client_id":"b","topic":"t","meta":1,"ref":"2"}}
        {"reply":{"to":"track","client_id":"b","topic":"t","status":"ok","payload":{},"ref":"2"}}
        {"presence_diff":{"topic":"t","diff":{"joins":[{"key":"v","metas":[{"ref":"2","client_id":"b","online_at_ms":0,"data":1}],"first":true}],"leaves":[]},"timestamp_ms":0,"recipients":["a"]}}
        > {"track":{"client_id":"b","topic":"t","meta":1,"ref":"3"}}
        {"reply":{"to":"track","client_id":"b","topic":"t","status":"ok","payload":{},"ref":"3"}}
        > {"track":{"client_id":"b","topic":"t"}}
        {"presence_diff":{"topic":"t","diff":{"joins":[{"key":"v","metas":[{"ref":"3","prev_ref":"2","client_id":"b","online_at_ms":0}]}],"leaves":[{"key":"v","metas":[{"ref":"2","client_id":"b","online_at_ms":0,"data":1}]}]},"timestamp_ms":0,"recipients":["a"]}}
        > {"track":{"client_id":"c","topic":"t"}}
        {"reply":{"to":"track","client_id":"c","topic":"t","status":"error","payload":{"reason":"limit_reached","message":"…","limit":"members_per_topic"}}}
        > {"track":{"client_id":"b","topic":"x"}}
        {"reply":{"to":"track","client_id":"b","topic":"x","status":"error","payload":{"reason":"unknown_topic","message":"…"}}}
        > {"broadcast":{"client_id":"a","topic":"t","payload":1}}
        {"broadcast_message":{"topic":"t","event":"message","payload":1,"from":"u","client_id":"a","epoch":1,"offset":1,"timestamp_ms":0,"recipients":["a"]}}
        > {"leave":{"client_id":"b","topic":"t"}}
        {"reply":{"to":"leave","client_id":"b","topic":"t","status":"error","payload":{"reason":"not_member","message":"…"}}}
        > {"join":{"client_id":"b","topic":"t","user_id":"v","now_ms":0,"meta":2}}
        {"reply":{"to":"join","client_id":"b","topic":"t","status":"ok","payload":{"epoch":1,"offset":1}}}
        {"presence_state":{"client_id":"b","topic":"t","entries":[{"key":"u","metas":[{"ref":"1","client_id":"a","online_at_ms":0}]},{"key":"v","metas":[{"ref":"4","prev_ref":"3","client_id":"b","online_at_ms":0,"data":2}]}]}}
        {"presence_diff":{"topic":"t","diff":{"joins":[{"key":"v","metas":[{"ref":"4","prev_ref":"3","client_id":"b","online_at_ms":0,"data":2}]}],"leaves":[{"key":"v","metas":[{"ref":"3","prev_ref":"2","client_id":"b","online_at_ms":0}]}]},"timestamp_ms":0,"recipients":["a"]}}
        > {"leave":{"client_id":"a","topic":"t"}}
        ...
        > {"leave":{"client_id":"b","topic":"t"}}
        {"reply":{"to":"leave","client_id":"b","topic":"t","status":"ok","payload":{}}}
        {"presence_diff":{"topic":"t","diff":{"joins":[],"leaves":[{"key":"v","metas":[{"ref":"4","prev_ref":"3","client_id":"b","online_at_ms":0,"data":2}],"last":true}]},"timestamp_ms":0,"recipients":[]}}
        ? nothing
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":0}}
        ...
        > {"track":{"client_id":"b","topic":"t"}}
        ...
        > {"leave":{"client_id":"a","topic":"t"}}
        ...
        ? nothing
        > {"untrack":{"client_id":"b","topic":"t"}}
        {"presence_diff":{"topic":"t","diff":{"joins":[],"leaves":[{"key":"v","metas":[{"ref":"6","client_id":"b","online_at_ms":0}],"last":true}]},"timestamp_ms":0,"recipients":[]}}
        ? nothing
        "#,
    );
    assert_eq!((model.clients(), model.topics().len()), (2, 0));
}

#[test]
fn with_presence_off_nobody_is_tracked() {
    check(
        silent(),
        r#"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":0}}
        ...
        > {"connect":{"client_id":"b","user_id":"v","now_ms":0,"ref":"1"}}
        ...
        > {"track":{"client_id":"a","topic":"t"}}
        {"reply":{"to":"track","client_id":"a","topic":"t","status":"error","payload":{"reason":"permission_denied","message":"…"}}}
        > {"untrack":{"client_id":"a","topic":"t","ref":"1"}}
        {"reply":{"to":"untrack","client_id":"a","topic":"t","status":"ok","payload":{},"ref":"1"}}
        > {"track":{"client_id":"b","topic":"t"}}
        {"reply":{"to":"track","client_id":"b","topic":"t","status":"error","payload":{"reason":"not_member","message":"…"}}}
        "#,
    );
}
