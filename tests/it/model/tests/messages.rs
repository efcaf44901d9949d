//! Whom messages reach, and which are let through: spec sections 8 and 12.

use super::{super::Setup, check, held, limited, rooms_of, silent};

#[test]
fn subscriptions_are_names_and_one_for_all() {
    let model = check(
        Setup {
            default_room: r#"{"default_subscriptions":["e"]}"#.into(),
            ..limited(|limits| limits.subscriptions_per_member = 2)
        },
        r#"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":0}}
        ...
        > {"join":{"client_id":"b","topic":"t","user_id":"v","now_ms":0}}
        ...
        > {"subscribe":{"client_id":"b","topic":"t","event":"*","ref":"1"}}
        {"reply":{"to":"subscribe","client_id":"b","topic":"t","status":"ok","payload":{},"ref":"1"}}
        > {"subscribe":{"client_id":"b","topic":"t","event":"*"}}
        > {"subscribe":{"client_id":"b","topic":"t","event":"f"}}
        {"reply":{"to":"subscribe","client_id":"b","topic":"t","status":"error","payload":{"reason":"limit_reached","message":"…","limit":"subscriptions_per_member"}}}
        > {"broadcast":{"client_id":"a","topic":"t","payload":1,"event":"f"}}
        {"broadcast_message":{"topic":"t","event":"f","payload":1,"from":"u","client_id":"a","epoch":1,"offset":1,"timestamp_ms":0,"recipients":["b"]}}
        > {"broadcast":{"client_id":"a","topic":"t","payload":1,"event":"e"}}
        {"broadcast_message":{"topic":"t","event":"e","payload":1,"from":"u","client_id":"a","epoch":1,"offset":2,"timestamp_ms":0,"recipients":["a","b"]}}
        > {"unsubscribe":{"client_id":"b","topic":"t","event":"*"}}
        > {"unsubscribe":{"client_id":"b","topic":"t","event":"nothing","ref":"2"}}
        {"reply":{"to":"unsubscribe","client_id":"b","topic":"t","status":"ok","payload":{},"ref":"2"}}
        > {"broadcast":{"client_id":"a","topic":"t","payload":1,"event":"f"}}
        {"broadcast_message":{"topic":"t","event":"f","payload":1,"from":"u","client_id":"a","epoch":1,"offset":3,"timestamp_ms":0,"recipients":[]}}
        > {"subscribe":{"client_id":"c","topic":"t","event":"f"}}
        {"reply":{"to":"subscribe","client_id":"c","topic":"t","status":"error","payload":{"reason":"unknown_client","message":"…"}}}
        > {"unsubscribe":{"client_id":"b","topic":"t","event":""}}
        {"reply":{"to":"unsubscribe","client_id":"b","topic":"t","status":"error","payload":{"reason":"invalid_name","message":"…"}}}
        > {"unsubscribe":{"client_id":"b","topic":"t","event":"e"}}
        > {"broadcast":{"client_id":"a","topic":"t","payload":1,"event":"e"}}
        {"broadcast_message":{"topic":"t","event":"e","payload":1,"from":"u","client_id":"a","epoch":1,"offset":4,"timestamp_ms":0,"recipients":["a"]}}
        "#,
    );
    assert_eq!(model.subscriptions("a", "t"), ["e"]);
}

#[test]
fn what_is_sent_too_often_is_refused_and_what_is_repeated_is_not_sent() {
    check(
        rooms_of(r#"{"presence":"off","rate_limit":{"max_events":2,"window_ms":100},"dedupe":1}"#),
        r#"
        > {"connect":{"client_id":"a","user_id":"u","now_ms":5,"ref":"1"}}
        ...
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":5}}
        ...
        > {"join":{"client_id":"b","topic":"t","user_id":"u","now_ms":5}}
        ...
        > {"subscribe":{"client_id":"a","topic":"t","event":"e"}}
        > {"broadcast":{"client_id":"a","topic":"t","payload":1,"id":"1"}}
        {"broadcast_message":{"topic":"t","event":"message","payload":1,"from":"u","client_id":"a","epoch":1,"offset":1,"timestamp_ms":5,"recipients":["a","b"]}}
        > {"broadcast":{"client_id":"a","topic":"t","payload":2,"id":"1","ref":"1"}}
        {"reply":{"to":"broadcast","client_id":"a","topic":"t","status":"ok","payload":{"epoch":1,"offset":1},"ref":"1"}}
        > {"history":{"client_id":"a","topic":"t"}}
        {"reply":{"to":"history","client_id":"a","topic":"t","status":"error","payload":{"reason":"rate_limited","message":"…","retry_after_ms":100}}}
        > {"unsubscribe":{"client_id":"a","topic":"t","event":"e","ref":"1"}}
        {"reply":{"to":"unsubscribe","client_id":"a","topic":"t","status":"ok","payload":{},"ref":"1"}}
        > {"leave":{"client_id":"a","topic":"t"}}
        ...
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":65}}
        ...
        > {"broadcast":{"client_id":"a","topic":"t","payload":1}}
        {"reply":{"to":"broadcast","client_id":"a","topic":"t","status":"error","payload":{"reason":"rate_limited","message":"…","retry_after_ms":40}}}
        > {"broadcast":{"client_id":"b","topic":"t","payload":1,"id":"1","ref":"1"}}
        {"reply":{"to":"broadcast","client_id":"b","topic":"t","status":"ok","payload":{"epoch":1,"offset":1},"ref":"1"}}
        > {"publish":{"target":{"topic":"t"},"event":"e","payload":1,"from":"u","id":"1","ref":"2"}}
        {"reply":{"to":"publish","topic":"t","status":"ok","payload":{"epoch":1,"offset":1},"ref":"2"}}
        > {"broadcast":{"client_id":"b","topic":"t","payload":1,"id":"2","ref":"1"}}
        {"reply":{"to":"broadcast","client_id":"b","topic":"t","status":"ok","payload":{"epoch":1,"offset":2},"ref":"1"}}
        {"broadcast_message":{"topic":"t","event":"message","payload":1,"from":"u","client_id":"b","epoch":1,"offset":2,"timestamp_ms":65,"recipients":["b","a"]}}
        > {"broadcast":{"client_id":"b","topic":"t","payload":1,"id":"1","ref":"1"}}
        {"reply":{"to":"broadcast","client_id":"b","topic":"t","status":"ok","payload":{"epoch":1,"offset":3},"ref":"1"}}
        {"broadcast_message":{"topic":"t","event":"message","payload":1,"from":"u","client_id":"b","epoch":1,"offset":3,"timestamp_ms":65,"recipients":["b","a"]}}
        > {"broadcast":{"client_id":"b","topic":"t","payload":1,"id":"3","ref":"1"}}
        {"reply":{"to":"broadcast","client_id":"b","topic":"t","status":"error","payload":{"reason":"rate_limited","message":"…","retry_after_ms":100},"ref":"1"}}
        > {"tick":{"now_ms":105}}
        > {"broadcast":{"client_id":"a","topic":"t","payload":1}}
        {"broadcast_message":{"topic":"t","event":"message","payload":1,"from":"u","client_id":"a","epoch":1,"offset":4,"timestamp_ms":105,"recipients":["b","a"]}}
        "#,
    );
}

#[test]
fn groups_users_clients_and_everyone_are_reached() {
    let model = check(
        Setup {
            default_room: silent().default_room,
            ..limited(|limits| (limits.groups, limits.topics_per_group) = (1, 3))
        },
        r#"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":1}}
        ...
        > {"join":{"client_id":"b","topic":"s","user_id":"v","now_ms":1}}
        ...
        > {"join":{"client_id":"a","topic":"s","user_id":"u","now_ms":1}}
        ...
        > {"join":{"client_id":"b","topic":"t","user_id":"v","now_ms":1}}
        ...
        > {"connect":{"client_id":"c","user_id":"u","now_ms":1,"ref":"1"}}
        ...
        > {"add_to_group":{"group":"h","topics":[]}}
        > {"add_to_group":{"group":"g","topics":["s","nothing","s"],"ref":"1"}}
        {"reply":{"to":"add_to_group","status":"ok","payload":{},"ref":"1"}}
        > {"add_to_group":{"group":"h","topics":["s"]}}
        {"reply":{"to":"add_to_group","status":"error","payload":{"reason":"limit_reached","message":"…","limit":"groups"}}}
        > {"add_to_group":{"group":"g","topics":["t","s"]}}
        > {"add_to_group":{"group":"g","topics":["r"]}}
        {"reply":{"to":"add_to_group","status":"error","payload":{"reason":"limit_reached","message":"…","limit":"topics_per_group"}}}
        > {"add_to_group":{"group":"g","topics":["r",""]}}
        {"reply":{"to":"add_to_group","status":"error","payload":{"reason":"invalid_name","message":"…"}}}
        > {"publish":{"target":{"group":"g"},"event":"phx_e","payload":1,"ref":"2"}}
        {"reply":{"to":"publish","status":"ok","payload":{},"ref":"2"}}
        {"broadcast_message":{"target":{"group":"g"},"event":"phx_e","payload":1,"from":"system","timestamp_ms":1,"recipients":["b","a"]}}
        > {"unsubscribe":{"client_id":"b","topic":"s","event":"*"}}
        > {"publish":{"target":{"group":"g"},"event":"e","payload_base64":"aGk=","meta":1,"from":"bot","except_user":"x"}}
        {"broadcast_message":{"target":{"group":"g"},"event":"e","payload_base64":"aGk=","from":"bot","timestamp_ms":1,"meta":1,"except_user":"x","recipients":["a","b"]}}
        > {"publish":{"target":{"group":"h"},"event":"e","payload":1}}
        {"reply":{"to":"publish","status":"error","payload":{"reason":"unknown_target","message":"…"}}}
        > {"publish":{"target":{"user":"u"},"event":"e","payload":1,"except_client":"a"}}
        {"broadcast_message":{"target":{"user":"u"},"event":"e","payload":1,"from":"system","timestamp_ms":1,"except_client":"a","recipients":["c"]}}
        > {"publish":{"target":{"user":"nobody"},"event":"e","payload":1}}
        {"broadcast_message":{"target":{"user":"nobody"},"event":"e","payload":1,"from":"system","timestamp_ms":1,"recipients":[]}}
        > {"publish":{"target":{"client":"a"},"event":"e","payload":1}}
        {"broadcast_message":{"target":{"client":"a"},"event":"e","payload":1,"from":"system","timestamp_ms":1,"recipients":["a"]}}
        > {"publish":{"target":{"client":"x"},"event":"e","payload":1,"ref":"3"}}
        {"reply":{"to":"publish","status":"error","payload":{"reason":"unknown_target","message":"…"},"ref":"3"}}
        > {"publish":{"target":"everyone","event":"e","payload":null,"except_user":"v"}}
        {"broadcast_message":{"target":"everyone","event":"e","payload":null,"from":"system","timestamp_ms":1,"except_user":"v","recipients":["a","c"]}}
        > {"publish":{"target":{"topic":"t"},"event":"e","payload":1,"except_user":"u","ref":"4"}}
        {"reply":{"to":"publish","topic":"t","status":"ok","payload":{"epoch":1,"offset":1},"ref":"4"}}
        {"broadcast_message":{"topic":"t","event":"e","payload":1,"from":"system","epoch":1,"offset":1,"timestamp_ms":1,"except_user":"u","recipients":["b"]}}
        > {"publish":{"target":{"topic":"x"},"event":"e","payload":1}}
        {"reply":{"to":"publish","topic":"x","status":"error","payload":{"reason":"unknown_topic","message":"…"}}}
        > {"publish":{"target":{"topic":""},"event":"e","payload":1}}
        {"reply":{"to":"publish","topic":"","status":"error","payload":{"reason":"invalid_name","message":"…"}}}
        > {"remove_from_group":{"group":"g","topics":["s","x"]}}
        > {"close_room":{"topic":"t","ref":"5"}}
        {"reply":{"to":"close_room","topic":"t","status":"ok","payload":{},"ref":"5"}}
        {"closed":{"topic":"t","cause":"room_closed","recipients":["a","b"]}}
        {"room_closed":{"topic":"t","size":0,"full":false,"epoch":1,"offset":1,"recipients":["a","b","c"]}}
        > {"remove_from_group":{"group":"g","topics":["nothing"],"ref":"6"}}
        {"reply":{"to":"remove_from_group","status":"ok","payload":{},"ref":"6"}}
        > {"remove_from_group":{"group":"g","topics":[]}}
        "#,
    );
    assert_eq!(model.groups(), []);
}

#[test]
fn what_happens_is_counted() {
    check(
        held(9, r#"{"events":[{"name":"*","history":2}]}"#),
        r#"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":1}}
        ...
        > {"join":{"client_id":"b","topic":"t","user_id":"u","now_ms":1}}
        ...
        > {"join":{"client_id":"","topic":"t","user_id":"u","now_ms":1}}
        ...
        > {"broadcast":{"client_id":"a","topic":"t","payload":"hi"}}
        ...
        > {"push":{"client_id":"a","topic":"t","event":"e","payload":1}}
        ...
        > {"leave":{"client_id":"b","topic":"t"}}
        ...
        > {"disconnect":{"client_id":"a","now_ms":2}}
        > {"query":{"what":"stats"}}
        {"reply":{"to":"query","status":"ok","payload":{"stats":{"events":{"join":3,"rejoin":0,"leave":1,"broadcast":1,"push":1,"crash":0,"restart":0,"connect":0,"disconnect":1,"subscribe":0,"unsubscribe":0,"track":0,"untrack":0,"open_room":0,"close_room":0,"history":0,"query":1,"publish":0,"kick":0,"add_to_group":0,"remove_from_group":0,"refuse":0,"tick":0},"broadcasts":1,"deliveries":3,"replies_ok":3,"refusals":{"crashed":0,"invalid_name":1,"unknown_topic":0,"room_full":0,"join_denied":0,"not_member":0,"event_not_allowed":0,"validation_failed":0,"rate_limited":0,"invalid_request":0,"room_exists":0,"permission_denied":0,"user_conflict":0,"unknown_client":0,"unknown_target":0,"payload_too_large":0,"limit_reached":0,"unavailable":0},"presence_joins":2,"presence_leaves":1,"rooms_opened":1,"topics":1,"clients":1,"memberships":1,"detached":1,"history_messages":1,"history_bytes":13}}}}
        > {"query":{"what":"stats","ref":"again"}}
        {"reply":{"to":"query","status":"ok","payload":{"stats":{"events":{"join":3,"rejoin":0,"leave":1,"broadcast":1,"push":1,"crash":0,"restart":0,"connect":0,"disconnect":1,"subscribe":0,"unsubscribe":0,"track":0,"untrack":0,"open_room":0,"close_room":0,"history":0,"query":2,"publish":0,"kick":0,"add_to_group":0,"remove_from_group":0,"refuse":0,"tick":0},"broadcasts":1,"deliveries":3,"replies_ok":4,"refusals":{"crashed":0,"invalid_name":1,"unknown_topic":0,"room_full":0,"join_denied":0,"not_member":0,"event_not_allowed":0,"validation_failed":0,"rate_limited":0,"invalid_request":0,"room_exists":0,"permission_denied":0,"user_conflict":0,"unknown_client":0,"unknown_target":0,"payload_too_large":0,"limit_reached":0,"unavailable":0},"presence_joins":2,"presence_leaves":1,"rooms_opened":1,"topics":1,"clients":1,"memberships":1,"detached":1,"history_messages":1,"history_bytes":13}},"ref":"again"}}
        "#,
    );
}
