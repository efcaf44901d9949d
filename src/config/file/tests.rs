use core::num::NonZeroU64;

use super::*;
use crate::{EventDefinition, HistoryOnJoin, Json, PresenceMode};

/// One that differs from the default in all but most limits.
const FULL: &str = r#"{
    "limits": {"topics": 10, "history_bytes": 1024},
    "reserved": ["my:"],
    "first_epoch": 1700000000000,
    "first_ref": 7,
    "incarnation": 3,
    "grace_ms": 30000,
    "clients_open_rooms": "on",
    "unlisted_topics": "refuse",
    "default_room": {"presence": "off"},
    "rooms": [
        {"pattern": "zoo", "data": { "b":1.50, "a":"\u00e9" }},
        {
            "max_members": 50,
            "events": [{"name": "*", "history": 9}],
            "pattern": "chat:*",
            "history_on_join": {"total": 3}
        },
        {"pattern": "attic"}
    ]
}"#;

fn full() -> Config {
    let zoo =
        RoomConfig::default().with_data(Json::parse(r#"{ "b":1.50, "a":"\u00e9" }"#).unwrap());
    let chat = RoomConfig::default()
        .with_max_members(50)
        .with_event(EventDefinition::new("*").with_history(9))
        .with_history_on_join(HistoryOnJoin::Total(3));
    Config::builder()
        .limit(Limit::Topics, 10)
        .limit(Limit::HistoryBytes, 1_024)
        .reserved(["my:"])
        .first_epoch(1_700_000_000_000)
        .first_ref(NonZeroU64::new(7).unwrap())
        .incarnation(3)
        .grace_ms(30_000)
        .clients_open_rooms(ClientRooms::On)
        .unlisted_topics(UnlistedTopics::Refuse)
        .default_room(RoomConfig::default().with_presence(PresenceMode::Off))
        .room("zoo", zoo)
        .room("chat:*", chat)
        .room("attic", RoomConfig::default())
        .build()
        .unwrap()
}

#[test]
fn a_document_says_what_a_builder_can() {
    assert_eq!(Config::from_json(FULL), Ok(full()));
    assert_eq!(serde_json::from_str::<Config>(FULL).unwrap(), full());
    for text in ["{}", " {\n} ", "\u{feff}{}"] {
        assert_eq!(Config::from_json(text), Ok(Config::default()), "{text:?}");
    }
    let declared: Vec<_> = full().declared().map(|(topic, _)| topic.to_string()).collect();
    assert_eq!(declared, ["zoo", "attic"]);
}

#[test]
fn null_is_as_good_as_absent() {
    for field in [
        "limits",
        "reserved",
        "first_epoch",
        "first_ref",
        "incarnation",
        "grace_ms",
        "clients_open_rooms",
        "room_rate_limit",
        "unlisted_topics",
        "default_room",
        "rooms",
    ] {
        let read = Config::from_json(&format!("{{\"{field}\":null}}"));
        assert_eq!(read, Ok(Config::default()), "{field}");
    }
    let read = Config::from_json(r#"{"limits":{"topics":null}}"#);
    assert_eq!(read, Ok(Config::default()));
}

#[test]
fn what_is_written_reads_back_as_the_same() {
    let written = full().to_json();
    let expected = concat!(
        r#"{"limits":{"name_bytes":255,"ref_bytes":255,"payload_bytes":65536,"payload_depth":128,"#,
        r#""meta_bytes":4096,"topics_per_client":1000,"members_per_topic":1000000,"rooms_per_user":20,"topics":10,"clients":1000000,"#,
        r#""groups":10000,"topics_per_group":1000,"subscriptions_per_member":100,"#,
        r#""event_names_per_topic":100,"page_length":1000,"page_bytes":1048576,"#,
        r#""ids_per_topic":10000,"history_messages_per_topic":10000,"#,
        r#""history_bytes_per_topic":16777216,"history_messages":1000000,"history_bytes":1024},"#,
        r#""reserved":["my:"],"first_epoch":1700000000000,"first_ref":7,"incarnation":3,"#,
        r#""grace_ms":30000,"clients_open_rooms":"on","room_rate_limit":{"max_events":10,"window_ms":10000},"#,
        r#""unlisted_topics":"refuse","#,
        r#""default_room":{"presence":"off"},"rooms":["#,
        r#"{"pattern":"zoo","data":{ "b":1.50, "a":"\u00e9" }},"#,
        r#"{"pattern":"chat:*","max_members":50,"events":[{"name":"*","history":9}],"#,
        r#""history_on_join":{"total":3}},{"pattern":"attic"}]}"#,
    );
    assert_eq!(written, expected);
    for config in [full(), Config::default()] {
        assert_eq!(Config::from_json(&config.to_json()), Ok(config));
    }
}

#[test]
fn the_key_of_the_hash_tables_is_in_no_document() {
    let secret = Config::default().with_hash_key([1, 2]);
    assert_eq!(secret.to_json(), Config::default().to_json());
    assert_ne!(secret, Config::default());
    let wrong = Config::from_json(r#"{"hash_key":[1,2]}"#).unwrap_err();
    assert!(wrong.message.starts_with("unknown field `hash_key`, expected one of"), "{wrong}");
}

fn check(text: &str, expected: &str) {
    let wrong = Config::from_json(text).expect_err(text).to_string();
    assert_eq!(wrong, expected, "{text}");
}

#[test]
fn what_cannot_be_read_is_told_with_place_and_path() {
    check("", "line 1, column 1: the text ends too early, expected a value");
    check("[]", "line 1, column 1: invalid type: sequence, expected an object of fields");
    check("{} x", "line 1, column 4: expected the end of the text, as it is one value");
    check(
        "{\"rooms\": [\n  {\"pattern\": \"a\",}\n]}",
        "line 2, column 19: rooms[0]: a comma ends the list, expected one more after it",
    );
    check(
        "{\n  \"grace\": 1\n}",
        "line 2, column 9: grace: unknown field `grace`, expected one of `limits`, `reserved`, \
         `first_epoch`, `first_ref`, `incarnation`, `grace_ms`, `clients_open_rooms`, \
         `room_rate_limit`, `unlisted_topics`, `default_room`, `rooms`",
    );
    check(
        "\u{feff}{\"grace_ms\": \"1\"}",
        "line 1, column 19: grace_ms: invalid type: string \"1\", expected a whole number from 0 \
         to 18446744073709551615",
    );
    check(r#"{"rooms":{}}"#, "line 1, column 9: rooms: invalid type: map, expected a list");
    check(
        r#"{"clients_open_rooms":true}"#,
        "line 1, column 26: clients_open_rooms: invalid type: boolean `true`, expected `on` or `off`",
    );
    check(
        r#"{"unlisted_topics":"no"}"#,
        "line 1, column 23: unlisted_topics: unknown name `no`, expected `create` or `refuse`",
    );
    check(
        r#"{"reserved":["a", [2]]}"#,
        "line 1, column 18: reserved[1]: invalid type: sequence, expected a string",
    );
}

#[test]
fn what_cannot_be_read_of_limits_and_rooms_is_too() {
    let unknown = Config::from_json(r#"{"limits":{"rooms":1}}"#).unwrap_err().to_string();
    let expected = "line 1, column 18: limits.rooms: unknown limit `rooms`, expected one of \
                    `name_bytes`, `ref_bytes`, ";
    assert!(unknown.starts_with(expected), "{unknown}");
    check(
        r#"{"limits":{"topics":1,"topics":2}}"#,
        "line 1, column 30: limits.topics: duplicate field `topics`, expected one",
    );
    check(
        r#"{"limits":[]}"#,
        "line 1, column 10: limits: invalid type: sequence, expected an object of limits",
    );
    check(
        r#"{"limits":{"topics":1.5}}"#,
        "line 1, column 23: limits.topics: invalid type: floating point `1.5`, expected a whole \
         number from 0 to 18446744073709551615",
    );

    check(
        r#"{"rooms":[{"pattern":"a"},{}]}"#,
        "line 1, column 28: rooms[1]: missing field `pattern`",
    );
    check(
        r#"{"rooms":[{"pattern":"a","pattern":"b"}]}"#,
        "line 1, column 34: rooms[0].pattern: duplicate field `pattern`, expected one",
    );
    check(
        r#"{"rooms":[["a"]]}"#,
        "line 1, column 10: rooms[0]: invalid type: sequence, expected an object of a pattern and \
         the fields of a room",
    );
    check(
        r#"{"rooms":[{"pattern":"a","events":[{"name":"b"},{"name":"c","history":-1}]}]}"#,
        "line 1, column 72: rooms[0].events[1].history: invalid value: integer `-1`, expected a \
         whole number from 0 to 4294967295",
    );
    check(
        r#"{"default_room":{"rate_limit":{"window_ms":1}}}"#,
        "line 1, column 45: default_room.rate_limit: missing field `max_events`",
    );
    check(
        r#"{"rooms":[{"pattern":"a","data":{"x":tru}}]}"#,
        "line 1, column 41: rooms[0].data.x: expected `true`, `false` or `null`",
    );
}

#[test]
fn what_cannot_be_is_told_with_place_and_path() {
    check(
        "{\n  \"limits\": {\"topics\": 1, \"clients\": 0}\n}",
        "line 2, column 38: limits.clients: limit clients is 0, expected 1 to 2147483647",
    );
    check(
        r#"{"first_epoch": 9223372036854775808}"#,
        "line 1, column 17: first_epoch: the first epoch is 9223372036854775808, expected at most \
         9223372036854775807",
    );
    check(
        r#"{"reserved":["a",""]}"#,
        "line 1, column 18: reserved[1]: a reserved prefix is empty, expected at least one character",
    );
    check(
        r#"{"rooms":[{"pattern":"a"},{"dedupe":1,"pattern":"a"}]}"#,
        "line 1, column 49: rooms[1].pattern: pattern \"a\" is there already, expected each once",
    );
    check(
        r#"{"limits":{"topics":1},"rooms":[{"pattern":"a"},{"pattern":"b"}]}"#,
        "line 1, column 32: rooms: 2 rooms are declared, expected at most 1 (limit topics)",
    );
    check(
        r#"{"rooms":[{"pattern":"a","events":[{"name":"b"},{"history":1,"name":"b"}]}]}"#,
        "line 1, column 69: rooms[0].events[1].name: events[1].name is \"b\" again, expected each \
         name once",
    );
    check(
        r#"{"default_room":{"name":""}}"#,
        "line 1, column 25: default_room.name: name has 0 bytes, expected 1 to 255",
    );
    let wrong = serde_json::from_str::<Config>(r#"{"default_room":{"name":""}}"#).unwrap_err();
    let expected = "default_room.name: default room: name has 0 bytes, expected 1 to 255";
    assert!(wrong.to_string().starts_with(expected), "{wrong}");
}

#[test]
fn whatever_is_done_to_a_document_it_is_answered() {
    for end in 0..FULL.len() {
        assert!(Config::from_json(&FULL[..end]).is_err(), "the first {end} bytes");
    }
    for place in 0..FULL.len() {
        for with in ["", "[", "}", "\"", ",", "-", "\\", "\n", "é"] {
            let text = format!("{}{with}{}", &FULL[..place], &FULL[place + 1..]);
            if let Err(wrong) = Config::from_json(&text) {
                let lines = text.matches('\n').count() as u64 + 1;
                assert!((1..=lines).contains(&wrong.line) && wrong.column >= 1, "{wrong}: {text}");
            }
        }
    }
}
