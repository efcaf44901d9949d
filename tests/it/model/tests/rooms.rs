//! Rooms that are declared, opened and closed: spec section 6.

use super::{
    super::{Setup, Unlisted},
    check,
};

/// Some rooms that are declared, and where clients may open others.
fn club() -> Setup {
    Setup {
        rooms: [
            ("vip:*", r#"{"name":"V","max_members":5,"presence":"off"}"#),
            ("vip:a*", r#"{"name":"A"}"#),
            (
                "lobby",
                r#"{"name":"L","description":"","data":{"k" :1},
                    "events":[{"name":"*","history":2}],"lifetime":"ephemeral"}"#,
            ),
        ]
        .map(|(pattern, config)| (pattern.into(), config.into()))
        .into(),
        unlisted: Unlisted::Refuse,
        clients_open_rooms: true,
        ..Setup::default()
    }
}

#[test]
fn a_room_belongs_to_the_user_whose_client_opens_it() {
    check(
        club(),
        r#"
        > {"connect":{"client_id":"a","user_id":"u","now_ms":1,"ref":"1"}}
        ...
        > {"connect":{"client_id":"b","user_id":"v","now_ms":1,"ref":"1"}}
        ...
        > {"join":{"client_id":"a","topic":"x","user_id":"u","now_ms":1}}
        {"reply":{"to":"join","client_id":"a","topic":"x","status":"error","payload":{"reason":"unknown_topic","message":"…"}}}
        > {"open_room":{"topic":"vip:1","by":"a","config":{"max_members":1},"ref":"1"}}
        {"reply":{"to":"open_room","client_id":"a","topic":"vip:1","status":"ok","payload":{},"ref":"1"}}
        {"room_opened":{"topic":"vip:1","name":"V","max_members":1,"owner":"u","size":0,"full":false,"epoch":2,"offset":0,"recipients":["a","b"]}}
        > {"open_room":{"topic":"vip:1","ref":"1"}}
        {"reply":{"to":"open_room","topic":"vip:1","status":"error","payload":{"reason":"room_exists","message":"…"},"ref":"1"}}
        > {"open_room":{"topic":"vip:2","by":"a","config":{"owner":"v"}}}
        {"reply":{"to":"open_room","client_id":"a","topic":"vip:2","status":"error","payload":{"reason":"permission_denied","message":"…"}}}
        > {"open_room":{"topic":"vip:2","by":"c"}}
        {"reply":{"to":"open_room","client_id":"c","topic":"vip:2","status":"error","payload":{"reason":"unknown_client","message":"…"}}}
        > {"open_room":{"topic":"x","config":{"name":"X","lifetime":"ephemeral","presence":"off","owner":"v"}}}
        {"room_opened":{"topic":"x","name":"X","owner":"v","size":0,"full":false,"epoch":3,"offset":0,"recipients":["a","b"]}}
        > {"join":{"client_id":"a","topic":"vip:1","user_id":"u","now_ms":1}}
        {"reply":{"to":"join","client_id":"a","topic":"vip:1","status":"ok","payload":{"epoch":2,"offset":0,"name":"V"}}}
        > {"join":{"client_id":"b","topic":"vip:1","user_id":"v","now_ms":1}}
        {"reply":{"to":"join","client_id":"b","topic":"vip:1","status":"error","payload":{"reason":"room_full","message":"…"}}}
        > {"query":{"what":"room","topic":"vip:1","ref":"q"}}
        {"reply":{"to":"query","topic":"vip:1","status":"ok","payload":{"room":{"topic":"vip:1","name":"V","max_members":1,"owner":"u","size":1,"full":true,"epoch":2,"offset":0}},"ref":"q"}}
        > {"close_room":{"topic":"vip:1","by":"b"}}
        {"reply":{"to":"close_room","client_id":"b","topic":"vip:1","status":"error","payload":{"reason":"permission_denied","message":"…"}}}
        > {"close_room":{"topic":"x","by":"b","ref":"2"}}
        {"reply":{"to":"close_room","client_id":"b","topic":"x","status":"ok","payload":{},"ref":"2"}}
        {"closed":{"topic":"x","cause":"room_closed","recipients":[]}}
        {"room_closed":{"topic":"x","name":"X","owner":"v","size":0,"full":false,"epoch":3,"offset":0,"recipients":["a","b"]}}
        > {"close_room":{"topic":"lobby","by":"b"}}
        {"reply":{"to":"close_room","client_id":"b","topic":"lobby","status":"error","payload":{"reason":"permission_denied","message":"…"}}}
        > {"close_room":{"topic":"vip:1","by":"a"}}
        {"closed":{"topic":"vip:1","cause":"room_closed","recipients":["a"]}}
        {"room_closed":{"topic":"vip:1","name":"V","max_members":1,"owner":"u","size":0,"full":false,"epoch":2,"offset":0,"recipients":["a","b"]}}
        "#,
    );
}

#[test]
fn a_declared_room_is_there_from_the_start_and_persists() {
    let model = check(
        club(),
        r#"
        > {"connect":{"client_id":"b","user_id":"v","now_ms":1,"ref":"1"}}
        ...
        > {"query":{"what":"rooms"}}
        {"reply":{"to":"query","status":"ok","payload":{"rooms":[{"topic":"lobby","name":"L","description":"","data":{"k" :1},"size":0,"full":false,"epoch":1,"offset":0}]}}}
        > {"join":{"client_id":"c","topic":"lobby","user_id":"w","now_ms":1}}
        ...
        > {"broadcast":{"client_id":"c","topic":"lobby","payload":1}}
        ...
        > {"leave":{"client_id":"c","topic":"lobby"}}
        {"reply":{"to":"leave","client_id":"c","topic":"lobby","status":"ok","payload":{}}}
        {"presence_diff":{"topic":"lobby","diff":{"joins":[],"leaves":[{"key":"w","metas":[{"ref":"1","client_id":"c","online_at_ms":1}],"last":true}]},"timestamp_ms":1,"recipients":[]}}
        > {"close_room":{"topic":"lobby"}}
        {"closed":{"topic":"lobby","cause":"room_closed","recipients":[]}}
        {"evicted":{"topic":"lobby","epoch":1,"event":"message","messages":[{"event":"message","payload":1,"from":"w","client_id":"c","offset":1,"timestamp_ms":1}]}}
        {"room_closed":{"topic":"lobby","name":"L","description":"","size":0,"full":false,"epoch":1,"offset":1,"recipients":["b"]}}
        > {"join":{"client_id":"a","topic":"lobby","user_id":"u","now_ms":1}}
        {"reply":{"to":"join","client_id":"a","topic":"lobby","status":"ok","payload":{"epoch":2,"offset":0,"name":"L"}}}
        {"presence_state":{"client_id":"a","topic":"lobby","entries":[{"key":"u","metas":[{"ref":"2","client_id":"a","online_at_ms":1}]}]}}
        {"presence_diff":{"topic":"lobby","diff":{"joins":[{"key":"u","metas":[{"ref":"2","client_id":"a","online_at_ms":1}],"first":true}],"leaves":[]},"timestamp_ms":1,"recipients":[]}}
        > {"leave":{"client_id":"a","topic":"lobby"}}
        {"reply":{"to":"leave","client_id":"a","topic":"lobby","status":"ok","payload":{}}}
        {"presence_diff":{"topic":"lobby","diff":{"joins":[],"leaves":[{"key":"u","metas":[{"ref":"2","client_id":"a","online_at_ms":1}],"last":true}]},"timestamp_ms":1,"recipients":[]}}
        "#,
    );
    assert_eq!(model.topics(), ["lobby"]);
}

#[test]
fn an_opened_room_that_is_ephemeral_waits_for_its_first_member() {
    let model = check(
        club(),
        r#"
        > {"connect":{"client_id":"a","user_id":"u","now_ms":1,"ref":"1"}}
        ...
        > {"connect":{"client_id":"b","user_id":"v","now_ms":1,"ref":"1"}}
        ...
        > {"open_room":{"topic":"vip:abc","config":{"lifetime":"ephemeral"}}}
        {"room_opened":{"topic":"vip:abc","size":0,"full":false,"epoch":2,"offset":0,"recipients":["a","b"]}}
        > {"join":{"client_id":"a","topic":"vip:abc","user_id":"u","now_ms":1}}
        {"reply":{"to":"join","client_id":"a","topic":"vip:abc","status":"ok","payload":{"epoch":2,"offset":0}}}
        {"presence_state":{"client_id":"a","topic":"vip:abc","entries":[{"key":"u","metas":[{"ref":"1","client_id":"a","online_at_ms":1}]}]}}
        {"presence_diff":{"topic":"vip:abc","diff":{"joins":[{"key":"u","metas":[{"ref":"1","client_id":"a","online_at_ms":1}],"first":true}],"leaves":[]},"timestamp_ms":1,"recipients":[]}}
        > {"leave":{"client_id":"a","topic":"vip:abc"}}
        {"reply":{"to":"leave","client_id":"a","topic":"vip:abc","status":"ok","payload":{}}}
        {"presence_diff":{"topic":"vip:abc","diff":{"joins":[],"leaves":[{"key":"u","metas":[{"ref":"1","client_id":"a","online_at_ms":1}],"last":true}]},"timestamp_ms":1,"recipients":[]}}
        {"room_closed":{"topic":"vip:abc","size":0,"full":false,"epoch":2,"offset":0,"recipients":["a","b"]}}
        "#,
    );
    assert_eq!(model.topics(), ["lobby"]);
}

#[test]
fn a_configuration_without_sense_is_refused() {
    check(
        club(),
        r#"
        > {"open_room":{"topic":"y","config":{"name":""}}}
        {"reply":{"to":"open_room","topic":"y","status":"error","payload":{"reason":"invalid_name","message":"…"}}}
        > {"open_room":{"topic":"y","config":{"events":[{"name":"a"},{"name":"a"}]}}}
        {"reply":{"to":"open_room","topic":"y","status":"error","payload":{"reason":"invalid_request","message":"…"}}}
        > {"open_room":{"topic":"y","config":{"default_subscriptions":["*","a"]}}}
        {"reply":{"to":"open_room","topic":"y","status":"error","payload":{"reason":"invalid_request","message":"…"}}}
        > {"open_room":{"topic":"y","config":{"rate_limit":{"max_events":1,"window_ms":0}}}}
        {"reply":{"to":"open_room","topic":"y","status":"error","payload":{"reason":"invalid_request","message":"…"}}}
        > {"open_room":{"topic":"y","config":{"owner":""}}}
        {"reply":{"to":"open_room","topic":"y","status":"error","payload":{"reason":"invalid_request","message":"…"}}}
        "#,
    );
}

#[test]
fn questions_are_answered_by_replies() {
    check(
        Setup::default(),
        r#"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":1}}
        ...
        > {"join":{"client_id":"b","topic":"t","user_id":"u","now_ms":1}}
        ...
        > {"query":{"what":"room"}}
        {"reply":{"to":"query","status":"error","payload":{"reason":"invalid_request","message":"…"}}}
        > {"query":{"what":"room","topic":"x"}}
        {"reply":{"to":"query","topic":"x","status":"ok","payload":{"room":null}}}
        > {"query":{"what":"topics_of","topic":"t"}}
        {"reply":{"to":"query","topic":"t","status":"error","payload":{"reason":"invalid_request","message":"…"}}}
        > {"query":{"what":"topics_of","client_id":"a"}}
        {"reply":{"to":"query","client_id":"a","status":"ok","payload":{"topics":["t"]}}}
        > {"query":{"what":"members","topic":"t"}}
        {"reply":{"to":"query","topic":"t","status":"ok","payload":{"members":["a","b"]}}}
        > {"query":{"what":"presences","topic":"","client_id":"a"}}
        {"reply":{"to":"query","client_id":"a","topic":"","status":"error","payload":{"reason":"invalid_name","message":"…"}}}
        > {"query":{"what":"topics_of","client_id":"x"}}
        {"reply":{"to":"query","client_id":"x","status":"ok","payload":{"topics":[]}}}
        > {"query":{"what":"members","topic":"x"}}
        {"reply":{"to":"query","topic":"x","status":"ok","payload":{"members":[]}}}
        > {"query":{"what":"presences","topic":"x"}}
        {"reply":{"to":"query","topic":"x","status":"ok","payload":{"presences":[]}}}
        "#,
    );
}
