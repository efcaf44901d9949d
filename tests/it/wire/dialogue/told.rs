//! What the client is told, event by event.

use parlor::{
    CloseRoom, Event, Join, Kick, Leave, OpenRoom, Outbound, Payload, Publish, Push, RoomConfig,
    Tick, Track, Unsubscribe,
};

use super::world::{World, config};

const JOINED: &str = r#"["dialogue:joined",{"roomId":"general","roomName":"General Chat"}]"#;
const LEFT: &str = r#"["dialogue:left",{"roomId":"general"}]"#;
const GENERAL: &str = r#"{"roomId":"general"}"#;

fn json(text: &str) -> Payload {
    Payload::json(text).unwrap()
}

/// Ann's `c1` and bob's `c2` in `general`.
fn world() -> World {
    let mut world = World::new(config().grace_ms(30_000));
    for (client, user) in [("c1", "ann"), ("c2", "bob")] {
        world.connect(client, user);
        world.say(client, "join", GENERAL);
    }
    world.forget();
    world
}

#[test]
fn connected_comes_first_and_says_who_is_connected() {
    let mut world = World::new(config());
    world.connect("c\"1", "ann");
    world.say("c\"1", "join", GENERAL);
    world.check("c\"1", &[r#"["dialogue:connected",{"clientId":"c\"1","userId":"ann"}]"#, JOINED]);
}

#[test]
fn joined_and_left_tell_what_the_server_does_too() {
    let mut world = world();
    world.hand_in(Leave::new("c1", "general"));
    world.hand_in(Join::new("c1", "general", "ann", 0));
    world.hand_in(Leave::new("c1", "general").with_ref("the driver's own"));
    world.check("c1", &[LEFT, JOINED, LEFT]);
    world.check("c2", &[]);
}

#[test]
fn left_tells_who_is_kicked_or_has_expired() {
    let mut world = world();
    world.hand_in(Kick::new("c1", "spam").with_topic("general"));
    world.check("c1", &[LEFT]);
    world.say("c1", "join", GENERAL);
    world.forget();
    world.hand_in(Kick::new("c1", "spam"));
    world.check("c1", &[LEFT]);
    assert_eq!(world.to_close, ["c1"]);

    // Bob comes back and is not restored.
    world.disconnect("c2");
    world.connect("c2", "bob");
    world.forget();
    world.hand_in(Tick::new(60_000));
    world.check("c2", &[LEFT]);
}

#[test]
fn an_event_has_its_fields_in_order_and_is_from_whoever_sent_it() {
    let mut world = world();
    let meta = parlor::Json::parse("[1]").unwrap();
    let alert = Publish::new(parlor::Address::Topic("general".into()), "alert", json("1"));
    world.hand_in(alert.clone());
    world.hand_in(alert.clone().with_from("sensor 7").with_meta(meta));
    let mut bytes = alert;
    bytes.payload = Payload::bytes([0, 1, 2]);
    world.hand_in(bytes);
    world.check("c1", &[
        r#"["dialogue:event",{"event":"alert","roomId":"general","data":1,"from":"system","timestamp":1000}]"#,
        r#"["dialogue:event",{"event":"alert","roomId":"general","data":1,"from":"sensor 7","timestamp":1000,"meta":[1]}]"#,
        r#"["dialogue:event",{"event":"alert","roomId":"general","data":{"base64":"AAEC"},"from":"system","timestamp":1000}]"#,
    ]);
}

#[test]
fn what_the_server_sends_outside_of_rooms_has_its_own_name() {
    let mut world = world();
    world.hand_in(Push::new("c1", "general", "welcome", json(r#"{"a":1}"#)));
    world.hand_in(Push::new("c1", "general", "a \"b\"", Payload::bytes([255])));
    world.hand_in(Publish::new(parlor::Address::User("ann".into()), "notice", json("null")));
    world.hand_in(Publish::new(parlor::Address::Everyone, "news", json("[]")));
    world.check(
        "c1",
        &[
            r#"["welcome",{"a":1}]"#,
            r#"["a \"b\"",{"base64":"/w=="}]"#,
            r#"["notice",null]"#,
            r#"["news",[]]"#,
        ],
    );
    world.check("c2", &[r#"["news",[]]"#]);
}

#[test]
fn rooms_of_the_server_have_a_creator_only_if_they_have_an_owner() {
    let mut world = world();
    world.hand_in(OpenRoom::new("a"));
    let owned = RoomConfig::default().with_name("B").with_owner("bob");
    world.hand_in(OpenRoom::new("b").with_config(owned));
    world.hand_in(CloseRoom::new("a"));
    for client in ["c1", "c2"] {
        world.check(
            client,
            &[
                r#"["dialogue:roomCreated",{"id":"a","name":"a"}]"#,
                r#"["dialogue:roomCreated",{"id":"b","name":"B","createdById":"bob"}]"#,
                r#"["dialogue:roomDeleted",{"roomId":"a"}]"#,
            ],
        );
    }
}

#[test]
fn presence_and_what_befalls_the_channel_are_not_for_it() {
    let mut world = world();
    world.hand_in(Join::new("c3", "general", "cy", 2_000));
    world.hand_in(Track::new("c3", "general").with_meta(parlor::Json::parse("1").unwrap()));
    world.hand_in(Leave::new("c3", "general"));
    world.hand_in(Event::crash("boom"));
    world.hand_in(Event::Restart);
    world.check("c1", &[]);
    world.check("c2", &[]);
}

#[test]
fn a_broadcast_is_encoded_once_for_all() {
    let mut world = world();
    world.say("c1", "trigger", r#"{"roomId":"general","event":"e","data":"hi"}"#);
    let (one, other) = (world.received("c1").remove(0), world.received("c2").remove(0));
    assert_eq!(one.argument().as_ptr(), other.argument().as_ptr());
    assert_eq!(one.raw_argument().get(), one.argument());
}

#[test]
fn who_subscribes_to_nothing_hears_nothing() {
    let mut world = world();
    world.hand_in(Unsubscribe::new("c2", "general", "*"));
    world.say("c1", "trigger", r#"{"roomId":"general","event":"e","data":"hi"}"#);
    assert_eq!(world.received("c1").len(), 1);
    world.check("c2", &[]);
}

#[test]
fn what_is_for_nobody_in_particular_is_for_no_connection() {
    let mut world = world();
    world.channel.handle(OpenRoom::new("a").with_ref("1").into());
    world.channel.handle(Event::crash("boom"));
    for outbound in world.channel.flush_outbox() {
        let is_shared = matches!(outbound, Outbound::RoomOpened(_));
        assert_eq!(parlor::wire::dialogue::shared(&outbound).is_some(), is_shared, "{outbound:?}");
        world.perform(&outbound);
    }
    world.check("c1", &[r#"["dialogue:roomCreated",{"id":"a","name":"a"}]"#]);
}
