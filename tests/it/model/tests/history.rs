//! What rooms keep, and how it is given: spec sections 7 and 10.

use super::{super::Setup, check, held, limited};

#[test]
fn pages_are_of_memory_and_say_where_they_go_on() {
    check(
        Setup {
            default_room: r#"{"presence":"off","history_on_join":{"per_event":1},"events":[
                {"name":"e","history":2},{"name":"z","history":0},{"name":"n"},
                {"name":"*","history":3}]}"#
                .into(),
            ..limited(|limits| {
                limits.page_length = 5;
                limits.event_names_per_topic = 2;
            })
        },
        r#"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":1}}
        ...
        > {"broadcast":{"client_id":"a","topic":"t","event":"e","payload":1,"meta":{"k":1}}}
        ...
        > {"broadcast":{"client_id":"a","topic":"t","event":"f","payload_base64":""}}
        ...
        > {"publish":{"target":{"topic":"t"},"event":"e","payload":3}}
        ...
        > {"broadcast":{"client_id":"a","topic":"t","event":"e","payload":4}}
        {"broadcast_message":{"topic":"t","event":"e","payload":4,"from":"u","client_id":"a","epoch":1,"offset":4,"timestamp_ms":1,"recipients":["a"]}}
        {"evicted":{"topic":"t","epoch":1,"event":"e","messages":[{"event":"e","payload":1,"from":"u","client_id":"a","offset":1,"timestamp_ms":1,"meta":{"k":1}}]}}
        > {"broadcast":{"client_id":"a","topic":"t","event":"z","payload":5}}
        {"broadcast_message":{"topic":"t","event":"z","payload":5,"from":"u","client_id":"a","epoch":1,"offset":5,"timestamp_ms":1,"recipients":["a"]}}
        {"evicted":{"topic":"t","epoch":1,"event":"z","messages":[{"event":"z","payload":5,"from":"u","client_id":"a","offset":5,"timestamp_ms":1}]}}
        > {"broadcast":{"client_id":"a","topic":"t","event":"n","payload":6}}
        {"broadcast_message":{"topic":"t","event":"n","payload":6,"from":"u","client_id":"a","epoch":1,"offset":6,"timestamp_ms":1,"recipients":["a"]}}
        > {"broadcast":{"client_id":"a","topic":"t","event":"g","payload":7}}
        {"reply":{"to":"broadcast","client_id":"a","topic":"t","status":"error","payload":{"reason":"limit_reached","message":"…","limit":"event_names_per_topic"}}}
        > {"history":{"client_id":"a","topic":"t","ref":"r"}}
        {"reply":{"to":"history","client_id":"a","topic":"t","status":"error","payload":{"reason":"limit_reached","message":"…","limit":"page_length"},"ref":"r"}}
        > {"history":{"client_id":"a","topic":"t","start":1,"end":6,"ref":"r"}}
        {"reply":{"to":"history","client_id":"a","topic":"t","status":"ok","payload":{},"ref":"r"}}
        {"history":{"client_id":"a","topic":"t","epoch":1,"start":1,"end":6,"messages":[{"event":"e","payload":3,"from":"system","offset":3,"timestamp_ms":1},{"event":"f","payload_base64":"","from":"u","client_id":"a","offset":2,"timestamp_ms":1}],"more":{"before":{"epoch":1,"offset":6},"wanted":6,"skip":1},"ref":"r"}}
        > {"history":{"client_id":"a","topic":"t","start":4,"end":1}}
        {"history":{"client_id":"a","topic":"t","epoch":1,"start":4,"end":1,"messages":[]}}
        > {"history":{"client_id":"a","topic":"t","event":"e","start":1,"end":2}}
        {"history":{"client_id":"a","topic":"t","epoch":1,"event":"e","start":1,"end":2,"messages":[{"event":"e","payload":3,"from":"system","offset":3,"timestamp_ms":1}]}}
        > {"history":{"client_id":"a","topic":"t","event":"e","start":1,"end":4,"ref":"p"}}
        {"reply":{"to":"history","client_id":"a","topic":"t","status":"ok","payload":{},"ref":"p"}}
        {"history":{"client_id":"a","topic":"t","epoch":1,"event":"e","start":1,"end":4,"messages":[{"event":"e","payload":3,"from":"system","offset":3,"timestamp_ms":1}],"more":{"before":{"epoch":1,"offset":3},"wanted":2},"ref":"p"}}
        > {"history":{"client_id":"a","topic":"t","event":"e","before":{"epoch":1,"offset":4},"start":1,"end":4}}
        {"reply":{"to":"history","client_id":"a","topic":"t","status":"error","payload":{"reason":"invalid_request","message":"…"}}}
        > {"history":{"client_id":"a","topic":"t","event":"e","before":{"epoch":1,"offset":4},"end":1}}
        {"history":{"client_id":"a","topic":"t","epoch":1,"event":"e","before":{"epoch":1,"offset":4},"start":0,"end":1,"messages":[{"event":"e","payload":3,"from":"system","offset":3,"timestamp_ms":1}]}}
        > {"history":{"client_id":"a","topic":"t","before":{"epoch":9,"offset":0},"end":1}}
        {"history":{"client_id":"a","topic":"t","epoch":1,"before":{"epoch":9,"offset":0},"start":0,"end":1,"messages":[{"event":"e","payload":4,"from":"u","client_id":"a","offset":4,"timestamp_ms":1}],"more":{"before":{"epoch":1,"offset":6},"wanted":1}}}
        > {"history":{"client_id":"a","topic":"t","event":"e","before":{"epoch":0,"offset":9},"end":5}}
        {"history":{"client_id":"a","topic":"t","epoch":1,"event":"e","before":{"epoch":0,"offset":9},"start":0,"end":5,"messages":[],"more":{"before":{"epoch":0,"offset":9},"wanted":5}}}
        > {"history":{"client_id":"a","topic":"t","event":"e","start":7,"end":8}}
        {"history":{"client_id":"a","topic":"t","epoch":1,"event":"e","start":7,"end":8,"messages":[],"more":{"before":{"epoch":1,"offset":3},"wanted":6,"skip":5}}}
        > {"history":{"client_id":"a","topic":"t","event":"e","start":8,"end":9}}
        {"reply":{"to":"history","client_id":"a","topic":"t","status":"error","payload":{"reason":"limit_reached","message":"…","limit":"page_length"}}}
        > {"history":{"client_id":"a","topic":"t","event":"z","end":1}}
        {"history":{"client_id":"a","topic":"t","epoch":1,"event":"z","start":0,"end":1,"messages":[],"more":{"before":{"epoch":1,"offset":7},"wanted":1}}}
        > {"broadcast":{"client_id":"a","topic":"t","event":"e","payload":8}}
        ...
        > {"join":{"client_id":"b","topic":"t","user_id":"v","now_ms":2}}
        {"reply":{"to":"join","client_id":"b","topic":"t","status":"ok","payload":{"epoch":1,"offset":7}}}
        {"history":{"client_id":"b","topic":"t","epoch":1,"start":0,"end":2,"messages":[{"event":"e","payload":8,"from":"u","client_id":"a","offset":7,"timestamp_ms":1},{"event":"f","payload_base64":"","from":"u","client_id":"a","offset":2,"timestamp_ms":1}]}}
        > {"leave":{"client_id":"b","topic":"t"}}
        ...
        > {"leave":{"client_id":"a","topic":"t"}}
        {"reply":{"to":"leave","client_id":"a","topic":"t","status":"ok","payload":{}}}
        {"evicted":{"topic":"t","epoch":1,"event":"f","messages":[{"event":"f","payload_base64":"","from":"u","client_id":"a","offset":2,"timestamp_ms":1}]}}
        {"evicted":{"topic":"t","epoch":1,"event":"e","messages":[{"event":"e","payload":4,"from":"u","client_id":"a","offset":4,"timestamp_ms":1},{"event":"e","payload":8,"from":"u","client_id":"a","offset":7,"timestamp_ms":1}]}}
        "#,
    );
}

#[test]
fn at_a_cap_the_oldest_of_the_topic_go_or_the_message_itself() {
    let model = check(
        Setup {
            default_room: r#"{"presence":"off","events":[{"name":"*","history":9}]}"#.into(),
            ..limited(|limits| {
                (limits.history_messages_per_topic, limits.history_bytes_per_topic) = (3, 20);
                (limits.history_messages, limits.history_bytes) = (4, 30);
            })
        },
        r#"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":1}}
        ...
        > {"join":{"client_id":"a","topic":"s","user_id":"u","now_ms":1}}
        ...
        > {"broadcast":{"client_id":"a","topic":"t","event":"e","payload":1}}
        {"broadcast_message":{"topic":"t","event":"e","payload":1,"from":"u","client_id":"a","epoch":1,"offset":1,"timestamp_ms":1,"recipients":["a"]}}
        > {"broadcast":{"client_id":"a","topic":"t","event":"f","payload":2}}
        {"broadcast_message":{"topic":"t","event":"f","payload":2,"from":"u","client_id":"a","epoch":1,"offset":2,"timestamp_ms":1,"recipients":["a"]}}
        > {"broadcast":{"client_id":"a","topic":"t","event":"e","payload":3}}
        {"broadcast_message":{"topic":"t","event":"e","payload":3,"from":"u","client_id":"a","epoch":1,"offset":3,"timestamp_ms":1,"recipients":["a"]}}
        > {"broadcast":{"client_id":"a","topic":"t","event":"g","payload":4}}
        {"broadcast_message":{"topic":"t","event":"g","payload":4,"from":"u","client_id":"a","epoch":1,"offset":4,"timestamp_ms":1,"recipients":["a"]}}
        {"evicted":{"topic":"t","epoch":1,"event":"e","messages":[{"event":"e","payload":1,"from":"u","client_id":"a","offset":1,"timestamp_ms":1}]}}
        > {"broadcast":{"client_id":"a","topic":"t","event":"g","payload":"twelve2890123"}}
        {"broadcast_message":{"topic":"t","event":"g","payload":"twelve2890123","from":"u","client_id":"a","epoch":1,"offset":5,"timestamp_ms":1,"recipients":["a"]}}
        {"evicted":{"topic":"t","epoch":1,"event":"f","messages":[{"event":"f","payload":2,"from":"u","client_id":"a","offset":2,"timestamp_ms":1}]}}
        {"evicted":{"topic":"t","epoch":1,"event":"e","messages":[{"event":"e","payload":3,"from":"u","client_id":"a","offset":3,"timestamp_ms":1}]}}
        {"evicted":{"topic":"t","epoch":1,"event":"g","messages":[{"event":"g","payload":4,"from":"u","client_id":"a","offset":4,"timestamp_ms":1}]}}
        > {"broadcast":{"client_id":"a","topic":"t","event":"g","payload":"twelve2890123x"}}
        {"broadcast_message":{"topic":"t","event":"g","payload":"twelve2890123x","from":"u","client_id":"a","epoch":1,"offset":6,"timestamp_ms":1,"recipients":["a"]}}
        {"evicted":{"topic":"t","epoch":1,"event":"g","messages":[{"event":"g","payload":"twelve2890123","from":"u","client_id":"a","offset":5,"timestamp_ms":1}]}}
        > {"broadcast":{"client_id":"a","topic":"s","event":"g","payload":"234567890"}}
        {"broadcast_message":{"topic":"s","event":"g","payload":"234567890","from":"u","client_id":"a","epoch":2,"offset":1,"timestamp_ms":1,"recipients":["a"]}}
        {"evicted":{"topic":"s","epoch":2,"event":"g","messages":[{"event":"g","payload":"234567890","from":"u","client_id":"a","offset":1,"timestamp_ms":1}]}}
        > {"broadcast":{"client_id":"a","topic":"s","event":"g","payload":"123456"}}
        {"broadcast_message":{"topic":"s","event":"g","payload":"123456","from":"u","client_id":"a","epoch":2,"offset":2,"timestamp_ms":1,"recipients":["a"]}}
        "#,
    );
    assert_eq!((model.history_messages(), model.history_bytes()), (2, 30));
}

#[test]
fn who_comes_back_gets_what_it_missed() {
    let model = check(
        held(
            100,
            r#"{"presence":"off","history_on_join":"all","default_subscriptions":["e","f"],
                "events":[{"name":"e","history":9},{"name":"f","history":1},{"name":"x"}]}"#,
        ),
        r#"
        > {"join":{"client_id":"a","topic":"t","user_id":"u","now_ms":1}}
        ...
        > {"join":{"client_id":"a2","topic":"t","user_id":"u","now_ms":1}}
        ...
        > {"join":{"client_id":"b","topic":"t","user_id":"v","now_ms":1}}
        ...
        > {"broadcast":{"client_id":"a","topic":"t","event":"e","payload":1}}
        ...
        > {"disconnect":{"client_id":"a","now_ms":2}}
        > {"broadcast":{"client_id":"b","topic":"t","event":"e","payload":2}}
        ...
        > {"broadcast":{"client_id":"a2","topic":"t","event":"e","payload":3,"audience":"other_users"}}
        ...
        > {"publish":{"target":{"topic":"t"},"event":"e","payload":4,"except_client":"a"}}
        ...
        > {"broadcast":{"client_id":"b","topic":"t","event":"x","payload":5}}
        ...
        > {"broadcast":{"client_id":"b","topic":"t","event":"f","payload":6}}
        ...
        > {"rejoin":{"client_id":"a","topic":"t","user_id":"u","now_ms":3,"since":{"epoch":1,"offset":1}}}
        {"reply":{"to":"rejoin","client_id":"a","topic":"t","status":"ok","payload":{"epoch":1,"offset":6,"rejoined":true,"recovered":true}}}
        {"broadcast_message":{"topic":"t","event":"e","payload":2,"from":"v","client_id":"b","epoch":1,"offset":2,"timestamp_ms":2,"replayed":true,"recipients":["a"]}}
        {"broadcast_message":{"topic":"t","event":"f","payload":6,"from":"v","client_id":"b","epoch":1,"offset":6,"timestamp_ms":2,"replayed":true,"recipients":["a"]}}
        > {"rejoin":{"client_id":"a","topic":"t","user_id":"u","now_ms":3,"since":{"epoch":2,"offset":1}}}
        {"reply":{"to":"rejoin","client_id":"a","topic":"t","status":"ok","payload":{"epoch":1,"offset":6,"rejoined":true,"recovered":false}}}
        > {"rejoin":{"client_id":"a","topic":"t","user_id":"u","now_ms":3,"since":{"epoch":1,"offset":7}}}
        {"reply":{"to":"rejoin","client_id":"a","topic":"t","status":"ok","payload":{"epoch":1,"offset":6,"rejoined":true,"recovered":false}}}
        > {"rejoin":{"client_id":"a","topic":"t","user_id":"u","now_ms":3,"since":{"epoch":1,"offset":5}}}
        {"reply":{"to":"rejoin","client_id":"a","topic":"t","status":"ok","payload":{"epoch":1,"offset":6,"rejoined":true,"recovered":true}}}
        {"broadcast_message":{"topic":"t","event":"f","payload":6,"from":"v","client_id":"b","epoch":1,"offset":6,"timestamp_ms":2,"replayed":true,"recipients":["a"]}}
        > {"broadcast":{"client_id":"b","topic":"t","event":"f","payload":7}}
        ...
        > {"rejoin":{"client_id":"a","topic":"t","user_id":"u","now_ms":3,"since":{"epoch":1,"offset":5}}}
        {"reply":{"to":"rejoin","client_id":"a","topic":"t","status":"ok","payload":{"epoch":1,"offset":7,"rejoined":true,"recovered":false}}}
        {"broadcast_message":{"topic":"t","event":"f","payload":7,"from":"v","client_id":"b","epoch":1,"offset":7,"timestamp_ms":3,"replayed":true,"recipients":["a"]}}
        > {"rejoin":{"client_id":"a","topic":"t","user_id":"u","now_ms":3,"since":{"epoch":1,"offset":6}}}
        {"reply":{"to":"rejoin","client_id":"a","topic":"t","status":"ok","payload":{"epoch":1,"offset":7,"rejoined":true,"recovered":true}}}
        {"broadcast_message":{"topic":"t","event":"f","payload":7,"from":"v","client_id":"b","epoch":1,"offset":7,"timestamp_ms":3,"replayed":true,"recipients":["a"]}}
        > {"subscribe":{"client_id":"a","topic":"t","event":"other"}}
        > {"rejoin":{"client_id":"a","topic":"t","user_id":"u","now_ms":3,"since":{"epoch":1,"offset":6}}}
        {"reply":{"to":"rejoin","client_id":"a","topic":"t","status":"ok","payload":{"epoch":1,"offset":7,"rejoined":true,"recovered":true}}}
        {"broadcast_message":{"topic":"t","event":"f","payload":7,"from":"v","client_id":"b","epoch":1,"offset":7,"timestamp_ms":3,"replayed":true,"recipients":["a"]}}
        > {"subscribe":{"client_id":"a","topic":"t","event":"x"}}
        > {"rejoin":{"client_id":"a","topic":"t","user_id":"u","now_ms":3,"since":{"epoch":1,"offset":4}}}
        {"reply":{"to":"rejoin","client_id":"a","topic":"t","status":"ok","payload":{"epoch":1,"offset":7,"rejoined":true,"recovered":false}}}
        {"broadcast_message":{"topic":"t","event":"f","payload":7,"from":"v","client_id":"b","epoch":1,"offset":7,"timestamp_ms":3,"replayed":true,"recipients":["a"]}}
        > {"rejoin":{"client_id":"c","topic":"t","user_id":"w","now_ms":3,"since":{"epoch":1,"offset":6}}}
        {"reply":{"to":"rejoin","client_id":"c","topic":"t","status":"ok","payload":{"epoch":1,"offset":7,"rejoined":false,"recovered":true}}}
        {"broadcast_message":{"topic":"t","event":"f","payload":7,"from":"v","client_id":"b","epoch":1,"offset":7,"timestamp_ms":3,"replayed":true,"recipients":["c"]}}
        > {"rejoin":{"client_id":"d","topic":"t","user_id":"w","now_ms":3,"since":{"epoch":1,"offset":9}}}
        {"reply":{"to":"rejoin","client_id":"d","topic":"t","status":"ok","payload":{"epoch":1,"offset":7,"rejoined":false,"recovered":false}}}
        {"history":{"client_id":"d","topic":"t","epoch":1,"start":0,"end":5,"messages":[{"event":"f","payload":7,"from":"v","client_id":"b","offset":7,"timestamp_ms":3},{"event":"e","payload":4,"from":"system","offset":4,"timestamp_ms":2,"except_client":"a"},{"event":"e","payload":3,"from":"u","client_id":"a2","offset":3,"timestamp_ms":2,"except_user":"u"},{"event":"e","payload":2,"from":"v","client_id":"b","offset":2,"timestamp_ms":2},{"event":"e","payload":1,"from":"u","client_id":"a","offset":1,"timestamp_ms":1}]}}
        "#,
    );
    assert_eq!(model.subscriptions("a", "t"), ["e", "f", "other", "x"]);
}
