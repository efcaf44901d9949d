use alloc::{string::ToString, vec, vec::Vec};

use super::*;

#[test]
fn limits_are_indexed_by_declaration() {
    for (place, limit) in Limit::ALL.into_iter().enumerate() {
        assert_eq!(limit as usize, place, "{limit}");
        assert_eq!(Config::default().limit(limit), limit.default_value());
    }
}

#[test]
fn each_limit_is_accepted_in_its_range_and_refused_beside_it() {
    for limit in Limit::ALL {
        let (least, most) = limit.range().into_inner();
        for value in [least, most] {
            let config = Config::builder().limit(limit, value).build().unwrap();
            assert_eq!(config.limit(limit), value);
        }
        for value in vec![least.checked_sub(1), most.checked_add(1)].into_iter().flatten() {
            let refused = Config::builder().limit(limit, value).build();
            assert_eq!(refused, Err(ConfigError::LimitOutOfRange { limit, value }));
        }
    }
}

fn named(name: &str) -> RoomConfig {
    RoomConfig::default().with_name(name)
}

fn check(config: ConfigBuilder, expected: &str) {
    assert_eq!(config.build().unwrap_err().to_string(), expected);
}

#[test]
fn a_topic_has_the_room_of_its_pattern_or_the_default() {
    let config = Config::builder()
        .room("chat:*", named("chats"))
        .room("chat:1", named("first"))
        .default_room(named("other"));
    let refusing = config.clone().unlisted_topics(UnlistedTopics::Refuse).build().unwrap();
    let config = config.build().unwrap();
    for (topic, joined, joined_if_refusing) in [
        ("chat:1", Some("first"), Some("first")),
        ("chat:2", Some("chats"), Some("chats")),
        ("game", Some("other"), None),
    ] {
        let name = |room: &Arc<RoomConfig>| room.name.clone();
        let topic = Topic::from(topic);
        assert_eq!(config.room_for(&topic).and_then(name).as_deref(), joined);
        assert_eq!(refusing.room_for(&topic).and_then(name).as_deref(), joined_if_refusing);
        assert_eq!(name(config.room_to_open(&topic)).as_deref(), joined);
        assert_eq!(name(refusing.room_to_open(&topic)).as_deref(), joined);
        assert_eq!(config.is_declared(&topic), topic == "chat:1");
    }
    let declared: Vec<_> = config.declared().map(|(topic, _)| topic.as_str()).collect();
    assert_eq!(declared, ["chat:1"]);
}

#[test]
fn without_patterns_every_topic_has_the_default() {
    let config = Config::default();
    let topic = Topic::from("anything");
    assert_eq!(config.room_for(&topic).unwrap().as_ref(), &RoomConfig::default());
    assert_eq!(config.declared().count(), 0);
    assert!(!config.is_declared(&topic));
    assert_eq!((config.grace_ms(), config.clients_open_rooms()), (0, ClientRooms::Off));
    assert_eq!(config.unlisted_topics(), UnlistedTopics::Create);
}

#[test]
fn settings_are_kept() {
    let config = Config::builder().grace_ms(30_000).clients_open_rooms(ClientRooms::On);
    let config = config.unlisted_topics(UnlistedTopics::Refuse).build().unwrap();
    assert_eq!((config.grace_ms(), config.clients_open_rooms()), (30_000, ClientRooms::On));
    assert_eq!(config.unlisted_topics(), UnlistedTopics::Refuse);
}

#[test]
fn bad_patterns_are_refused_with_what_was_expected() {
    let with = |pattern: &str| {
        let config = Config::builder().limit(Limit::NameBytes, 7);
        config.room("a", named("a")).room(pattern, named("b"))
    };
    check(with(""), "a pattern is empty, expected a topic or a prefix and \"*\"");
    check(with("a*b"), "pattern \"a*b\" has \"*\" before its end, expected it there alone");
    check(with("**"), "pattern \"**\" has \"*\" before its end, expected it there alone");
    check(with("12345678"), "pattern \"12345678\" has 8 bytes, expected at most 7");
    check(with("12345678*"), "pattern \"12345678*\" has 8 bytes, expected at most 7");
    check(with("a"), "pattern \"a\" is there already, expected each once");
    check(with("*").room("*", named("c")), "pattern \"*\" is there already, expected each once");
    for pattern in ["*", "a*", "1234567", "1234567*"] {
        assert!(with(pattern).build().is_ok(), "{pattern}");
    }
}

#[test]
fn as_many_rooms_are_declared_as_there_may_be_topics() {
    let config = Config::builder().limit(Limit::Topics, 2);
    let config = config.room("a", named("a")).room("b", named("b")).room("c*", named("c"));
    assert_eq!(config.clone().build().unwrap().declared().count(), 2);
    let message = "3 rooms are declared, expected at most 2 (limit topics)";
    check(config.room("d", named("d")), message);
}

#[test]
fn a_declared_room_is_not_ephemeral() {
    let room = || RoomConfig::default().with_lifetime(Lifetime::Ephemeral);
    check(
        Config::builder().room("chat:*", room()).room("chat", room()),
        "room \"chat\": lifetime is ephemeral, but a declared room persists; expected persistent, \
         or a pattern that ends with \"*\"",
    );
    let file = r#"{"rooms":[{"pattern":"a"},{"pattern":"b","lifetime":"ephemeral"}]}"#;
    let wrong = Config::from_json(file).unwrap_err().to_string();
    assert!(wrong.contains("rooms[1].lifetime: "), "{wrong}");
}

#[test]
fn a_flaw_is_told_with_the_room_that_has_it() {
    check(
        Config::builder().room("chat:*", named("")),
        "room \"chat:*\": name has 0 bytes, expected 1 to 255",
    );
    check(
        Config::builder().default_room(named("")),
        "default room: name has 0 bytes, expected 1 to 255",
    );
}
