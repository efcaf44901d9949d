use alloc::{
    format,
    string::{String, ToString},
};

use super::*;
use crate::{Config, Limit, RoomFlaw};

/// One that differs from the default in everything, and its JSON.
fn full() -> (RoomConfig, &'static str) {
    let room = RoomConfig::default()
        .with_name("Lobby")
        .with_description("for all")
        .with_data(Json::parse(r#"{ "b":1.50, "a":"\u00e9" }"#).unwrap())
        .with_max_members(50)
        .with_client_events(ClientEvents::Listed)
        .with_event(EventDefinition::new("message").with_description("text").with_history(100))
        .with_event(EventDefinition::new("*"))
        .with_default_subscriptions(["message", "typing"])
        .with_owner("ann")
        .with_lifetime(Lifetime::Ephemeral)
        .with_presence(PresenceMode::Off)
        .with_presence_snapshot(SnapshotMode::Off)
        .with_presence_window_ms(0)
        .with_presence_of(Who::Clients)
        .with_publishers(Who::Clients)
        .with_history_on_join(HistoryOnJoin::PerEvent(5))
        .with_history_for(Who::Clients)
        .with_rate_limit(RateLimit::new(10, 1_000))
        .with_dedupe(20);
    let json = concat!(
        r#"{"name":"Lobby","description":"for all","data":{ "b":1.50, "a":"\u00e9" },"#,
        r#""max_members":50,"client_events":"listed","#,
        r#""events":[{"name":"message","description":"text","history":100},{"name":"*"}],"#,
        r#""default_subscriptions":["message","typing"],"owner":"ann","lifetime":"ephemeral","#,
        r#""presence":"off","presence_snapshot":"off","presence_window_ms":0,"#,
        r#""presence_of":"clients","publishers":"clients","history_on_join":{"per_event":5},"#,
        r#""history_for":"clients","rate_limit":{"max_events":10,"window_ms":1000},"dedupe":20}"#,
    );
    (room, json)
}

fn read(json: &str) -> Result<RoomConfig, String> {
    serde_json::from_str(json).map_err(|wrong| wrong.to_string())
}

fn check_json(room: &RoomConfig, json: &str) {
    assert_eq!(serde_json::to_string(room).unwrap(), json);
    assert_eq!(read(json).as_ref(), Ok(room));
}

#[test]
fn json_holds_what_differs_from_the_default() {
    check_json(&RoomConfig::default(), "{}");
    let (room, json) = full();
    check_json(&room, json);
    check_json(&RoomConfig::default().with_dedupe(1), r#"{"dedupe":1}"#);
    let none: [&str; 0] = [];
    check_json(
        &RoomConfig::default().with_default_subscriptions(none),
        r#"{"default_subscriptions":[]}"#,
    );
    for (history, json) in [
        (HistoryOnJoin::All, r#"{"history_on_join":"all"}"#),
        (HistoryOnJoin::Total(3), r#"{"history_on_join":{"total":3}}"#),
    ] {
        check_json(&RoomConfig::default().with_history_on_join(history), json);
    }
    check_json(
        &RoomConfig::default()
            .with_client_events(ClientEvents::None)
            .with_lifetime(Lifetime::Persistent),
        r#"{"client_events":"none","lifetime":"persistent"}"#,
    );
}

#[test]
fn null_is_as_good_as_absent() {
    let (_, json) = full();
    let fields: alloc::collections::BTreeMap<String, Json> = serde_json::from_str(json).unwrap();
    assert_eq!(fields.len(), 18);
    for field in fields.keys() {
        let read = read(&format!(r#"{{"{field}":null}}"#));
        assert_eq!(read, Ok(RoomConfig::default()), "{field}");
    }
    let null = RoomConfig::default().with_data(Json::parse("null").unwrap());
    assert_eq!(serde_json::to_string(&null).unwrap(), "{}");
}

#[test]
fn what_is_no_configuration_is_refused() {
    for (json, expected) in [
        (
            r#"{"rate_limit":[1,2]}"#,
            "invalid type: sequence, expected an object of fields at line 1 column 14",
        ),
        (r#"{"rate_limit":{"max_events":1}}"#, "missing field `window_ms` at line 1 column 30"),
        (
            r#"{"lifetime":"long"}"#,
            "unknown variant `long`, expected `ephemeral` or `persistent` at line 1 column 18",
        ),
        (
            r#"{"events":[{"nam":"a"}]}"#,
            "unknown field `nam`, expected one of `name`, `description`, `history` at line 1 \
             column 17",
        ),
    ] {
        assert_eq!(read(json), Err(expected.to_string()), "{json}");
    }
    for (history, expected) in [
        ("5", "invalid type: integer `5`, expected \"all\", {\"per_event\":…} or {\"total\":…}"),
        (
            "\"x\"",
            "invalid value: string \"x\", expected \"all\", {\"per_event\":…} or {\"total\":…}",
        ),
        ("{}", "expected one of `per_event` and `total`"),
        ("{\"total\":1,\"per_event\":1}", "expected one of `per_event` and `total`"),
        ("{\"all\":1}", "unknown field `all`, expected `per_event` or `total`"),
    ] {
        let read = read(&format!("{{\"history_on_join\":{history}}}")).unwrap_err();
        assert!(read.starts_with(expected), "{read}");
    }
    let unknown = read(r#"{"members":5}"#).unwrap_err();
    let expected = "unknown field `members`, expected one of `name`, `description`, `data`, ";
    assert!(unknown.starts_with(expected), "{unknown}");
}

#[test]
fn an_exact_definition_beats_that_of_all() {
    let room = RoomConfig::default()
        .with_event(EventDefinition::new("*").with_history(5))
        .with_event(EventDefinition::new("message").with_history(9))
        .with_event(EventDefinition::new("typing"));
    for (event, history, defined) in
        [("message", Some(9), true), ("typing", None, true), ("other", Some(5), false)]
    {
        let event = EventName::from(event);
        assert_eq!((room.history_of(&event), room.defines(&event)), (history, defined), "{event}");
    }
    assert_eq!(RoomConfig::default().history_of(&"message".into()), None);
}

#[test]
fn clients_may_send_any_or_the_listed_or_none() {
    let room = RoomConfig::default().with_event(EventDefinition::new("message"));
    let all = room.clone().with_event(EventDefinition::new("*"));
    let check = |room: &RoomConfig, mode, message, other| {
        let room = room.clone().with_client_events(mode);
        assert_eq!(room.allows(&"message".into()), message, "{mode:?}");
        assert_eq!(room.allows(&"other".into()), other, "{mode:?}");
    };
    check(&room, ClientEvents::Any, true, true);
    check(&room, ClientEvents::Listed, true, false);
    check(&room, ClientEvents::None, false, false);
    check(&all, ClientEvents::Listed, true, true);
    check(&all, ClientEvents::None, false, false);
    check(&RoomConfig::default(), ClientEvents::Listed, false, false);
}

fn flaw(room: &RoomConfig) -> Option<RoomFlaw> {
    let config = Config::builder()
        .limit(Limit::NameBytes, 7)
        .limit(Limit::PayloadBytes, 10)
        .limit(Limit::MetaBytes, 10)
        .limit(Limit::PayloadDepth, 2)
        .limit(Limit::EventNamesPerTopic, 2)
        .limit(Limit::SubscriptionsPerMember, 2);
    room.check(&config.build().unwrap()).err()
}

fn check_flaw(room: &RoomConfig, field: &str, expected: &str) {
    let flaw = flaw(room).expect("something is wrong with it");
    assert_eq!((flaw.field(), flaw.to_string().as_str()), (field, expected));
}

#[test]
fn sizes_are_accepted_at_the_limit_and_refused_past_it() {
    let room = RoomConfig::default;
    let json = |text: &str| Json::parse(text).unwrap();
    for good in [
        room().with_name("1234567"),
        room().with_description("1234567890"),
        room().with_data(json("1234567890")),
        room().with_data(json("[[]]")),
        room().with_owner("1234567"),
        room().with_event(EventDefinition::new("1234567")).with_event(EventDefinition::new("*")),
        room().with_default_subscriptions(["1234567", "b"]),
        room().with_rate_limit(RateLimit::new(0, 1)),
        room().with_max_members(0),
    ] {
        assert_eq!(flaw(&good), None, "{good:?}");
    }

    let is = |is_so: fn(&RoomFlaw) -> bool, room: &RoomConfig| {
        assert!(flaw(room).as_ref().is_some_and(is_so), "{room:?}");
    };
    let invalid_name = |flaw: &RoomFlaw| matches!(flaw, RoomFlaw::InvalidName { .. });
    let too_large = |flaw: &RoomFlaw| matches!(flaw, RoomFlaw::TooLarge { .. });
    is(invalid_name, &room().with_name("12345678"));
    check_flaw(&room().with_name(""), "name", "name has 0 bytes, expected 1 to 7");
    is(too_large, &room().with_description("12345678901"));
    is(too_large, &room().with_data(json("12345678901")));
    let deep = room().with_data(json("[[[]]]"));
    is(too_large, &deep);
    check_flaw(&deep, "data", "data has 3 levels, expected at most 2");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let room = RoomConfig::default;
    let event = |name: &str| EventDefinition::new(name);
    for (room, field, expected) in [
        (room().with_owner(""), "owner", "has 0 bytes, expected 1 to 7"),
        (room().with_owner("12345678"), "owner", "has 8 bytes, expected 1 to 7"),
        (room().with_event(event("")), "events[0].name", "has 0 bytes, expected 1 to 7"),
        (
            room().with_event(event("a")).with_event(event("a")),
            "events[1].name",
            "is \"a\" again, expected each name once",
        ),
        (
            room().with_event(event("a")).with_event(event("b")).with_event(event("c")),
            "events",
            "has 3 names, expected at most 2 (limit event_names_per_topic)",
        ),
        (
            room().with_default_subscriptions(["a", "12345678"]),
            "default_subscriptions[1]",
            "has 8 bytes, expected 1 to 7",
        ),
        (
            room().with_default_subscriptions(["a", "a"]),
            "default_subscriptions[1]",
            "is \"a\" again, expected each name once",
        ),
        (
            room().with_default_subscriptions(["a", "b", "c"]),
            "default_subscriptions",
            "has 3 names, expected at most 2 (limit subscriptions_per_member)",
        ),
        (
            room().with_default_subscriptions(["a", "*"]),
            "default_subscriptions",
            "has \"*\" beside other names, expected it alone or names without it",
        ),
        (
            room().with_rate_limit(RateLimit::new(1, 0)),
            "rate_limit.window_ms",
            "is 0, expected at least 1",
        ),
    ] {
        check_flaw(&room, field, &format!("{field} {expected}"));
        assert!(matches!(flaw(&room), Some(RoomFlaw::Inconsistent { .. })), "{room:?}");
    }
}

#[test]
fn sizes_come_before_sense() {
    let room = RoomConfig::default().with_owner("").with_description("12345678901");
    assert_eq!(flaw(&room).unwrap().field(), "description");
    assert_eq!(flaw(&room.with_name("")).unwrap().field(), "name");
}
