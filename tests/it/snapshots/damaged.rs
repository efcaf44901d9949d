//! Snapshots that no channel has saved: cut short, of another kind, or changed by hand.

use parlor::Channel;
use serde_json::{Value, json};

use super::{
    super::{
        damage::{CHANGES, change, opened, places, sealed, survive},
        ops::{GOOD, Op},
    },
    IN_A_WINDOW, after, told,
};

/// Where something is in the state of [`everything`], what stands there in its place, and what that
/// is refused with. In a place, a name stands for the index of that room, client or deadline. A
/// value may be that of another place, after a `=`.
///
/// First, counters.
const NUMBERS: &[(&str, &str, &str)] = &[
    ("/next_epoch", "18446744073709551615", "expected at most 13835058055282163709"),
    ("/next_epoch", "1", "has an epoch out of order"),
    ("/next_ref", "18446744073709551615", "expected at most 13835058055282163709"),
    ("/next_ref", "0", "next_ref is 0, expected 1 or more"),
    ("/next_ref", "2", "expected 1 or more, and below 2"),
    ("/rooms/{t}/offset", "18446744073709551615", "expected at most 13835058055282163709"),
    ("/counters/deliveries", "18446744073709551615", "expected at most 13835058055282163709"),
    ("/counters/events/join", "18446744073709551615", "more events than the 13835058055282163709"),
    ("/counters/presence_leaves", "1048576", "expected 6 to be left"),
    ("/counters/presence_joins", "1048576", "expected 6 to be left"),
    ("/counters/events", r#"{"nod": 1}"#, r#"events of "nod" are counted"#),
    ("/counters/refusals", "{}", "are not counted"),
];

/// Clients, handles and the node.
const CLIENTS: &[(&str, &str, &str)] = &[
    ("/clients/0/id", "=/clients/1/id", "is there twice"),
    ("/clients/0/id", r#""""#, "the name of a client has 0 bytes, expected 1 to 255"),
    ("/clients/0/user", r#""{256}""#, "the name of a user has 256 bytes"),
    ("/clients/0/handle", "4294967295", "as each has one from 0 up"),
    ("/clients/0/handle", "4294967296", "invalid value: integer `4294967296`, expected u32"),
    ("/clients/0/rooms", "[99]", "there is no room of epoch 99"),
    ("/clients/0/rooms", "[]", "does not know its room"),
    ("/clients/{x}/connected", "true", "has lost its connection without"),
    ("/clients/{z}/connected", "false", "has lost its connection without"),
    ("/clients/{a}/connected", "false", "no connection or has crashed"),
    ("/clients/{z}/rooms", "[2]", "has nothing in one of its rooms"),
    ("/clients/{z}/registered", "false", "is in no room, expected one"),
    ("/crashed", "true", "no connection or has crashed"),
    ("/free_handles", "[]", "as each has one from 0 up"),
    ("/free_handles", "[4294967295]", "as each has one from 0 up"),
    ("/node", r#"{"name":"","cluster":"c"}"#, r#"node name "" has 0 bytes"#),
];

/// Rooms and what is in them.
const ROOMS: &[(&str, &str, &str)] = &[
    ("/rooms/1/topic", r#""""#, "the name of a topic has 0 bytes"),
    ("/rooms/1/topic", "=/rooms/0/topic", "is there twice"),
    ("/rooms/1/epoch", "1", "has an epoch out of order"),
    ("/rooms/{t}/origin", r#""declared""#, "expected the configuration to declare it"),
    ("/rooms/{own}/origin", r#""joined""#, "has a configuration of its own"),
    ("/rooms/{own}/config/name", r#""""#, "name has 0 bytes"),
    ("/rooms/{own}/config", "{}", "was opened by a client, expected an owner"),
    (
        "/rooms/{own}/config",
        r#"{"owner":"xi","max_members":0}"#,
        "it has 1 members, expected at most 0",
    ),
    (
        "/rooms/{own}/config",
        r#"{"owner":"xi","presence":"off"}"#,
        "there is a presence, expected none as presence is off",
    ),
    ("/rooms/{t}/members", "[[77, true]]", "there is no client 77"),
    ("/rooms/{t}/members", "[[4294967295, true]]", "there is no client 4294967295"),
    ("/rooms/{t}/members/0/1", "false", "is held in a room without a grace"),
    ("/rooms/{t}/members/1", "=/rooms/{t}/members/0", "a member is there twice"),
    ("/rooms/{t}/members", "[]", "a joined meta is of no member"),
    ("/rooms/{t}/presences/0/ref", "0", "a ref is 0, expected 1 or more"),
    ("/rooms/{t}/presences/0/ref", "=/next_ref", "and below"),
    (
        "/rooms/{t}/presences/0/entry",
        "18446744073709551615",
        "expected at most 13835058055282163709",
    ),
    ("/rooms/{t}/presences/0/place", "0", "a place is 0"),
    ("/rooms/{t}/presences/0/client", "55", "there is no client 55"),
    ("/rooms/{t}/presences/0/prev_ref", "9", "does not fit its entry"),
    ("/rooms/{t}/presences/1", "=/rooms/{t}/presences/0", "is there twice"),
    ("/rooms/{t}/window", "null", "has a window that is never due"),
    ("/rooms/{t}/window/horizon", "0", "a horizon is 0"),
    ("/rooms/{t}/window/horizon", "1073741824", "is past the next ref"),
    ("/rooms/{t}/window/horizon", "1", "what was not announced has no ref before"),
    ("/rooms/{t}/window/gone", "[]", "a change has nothing before it"),
    ("/rooms/{t}/window/gone/0/user", r#""eve""#, r#"is not user "eve"'s alone"#),
    ("/rooms/{t}/subscriptions/0/0", "77", "there is no client 77"),
    ("/rooms/{t}/ids/0/2", "0", "an id has offset 0, expected 1 to 6"),
    ("/rooms/{t}/ids/0/2", "18446744073709551615", "an id has offset 18446744073709551615"),
    ("/rooms/{t}/ids/1/2", "1", "its ids are out of order, there twice, or too many"),
    ("/rooms/{t}/history", "null", "its history is missing"),
    ("/rooms/{t}/history/lost", r#"[["m",{"for_all":9}]]"#, "offset 9 is lost, expected at most 6"),
    (
        "/rooms/{t}/history/lost_others",
        r#"{"for_all":18446744073709551615}"#,
        "is lost, expected at most 6",
    ),
    (
        "/rooms/{t}/history/lost_others",
        r#"{"for_all":2,"for_some":[{"offset":1,"except_user":"u"}]}"#,
        "what is lost is out of order",
    ),
    (
        "/rooms/{t}/history/lost_others",
        r#"{"for_all":0,"for_some":[{"offset":2,"except_user":"u"},{"offset":1,"except_user":"u"}]}"#,
        "remembered without need",
    ),
    ("/rooms/{t}/history/whole_from", "9", "it is whole from a later offset, expected at most 7"),
    ("/rooms/{t}/history/messages/0/offset", "18446744073709551615", "offsets out of order"),
    (
        "/rooms/{t}/history/messages/0/event",
        r#""q""#,
        r#"2 messages "q" are kept, expected at most 1"#,
    ),
];

/// What stands beside rooms.
const REST: &[(&str, &str, &str)] = &[
    ("/agenda", "[]", "is connected and has a grace, or has lost its connection"),
    ("/agenda/{window}/1", "18446744073709551615", "something is due at 18446744073709551615"),
    ("/agenda/{client}/1", "18446744073709551615", "something is due at 18446744073709551615"),
    ("/agenda/{window}/0/window", "50", "there is no room of epoch 50"),
    ("/agenda/{client}/0/client", "4294967295", "there is no client 4294967295"),
    ("/agenda/0", "=/agenda/1", "something is due twice"),
    ("/groups/1/0", r#""g""#, r#"group "g" is there twice"#),
    ("/groups/1/1", "[]", r#"group "h" is empty"#),
    ("/groups/0/1", r#"["t", "t"]"#, "groups are not as a channel has them"),
    ("/rates/0/client", "99", "there is no client 99"),
    ("/rates/0/count", "4294967295", "a rate of 4294967295 ends at"),
    ("/rates/0/ends_at_ms", "18446744073709551615", "ends at 18446744073709551615"),
    ("/rates/0/ends_at_ms", "1", "rates are not as a channel has them"),
];

/// A snapshot that has everything.
fn everything() -> String {
    let mut channel = after(
        r#"{"grace_ms":50,"clients_open_rooms":"on","rooms":[{"pattern":"lobby"}],"default_room":
        {"presence_window_ms":10,"presence_of":"clients","dedupe":3,"history_for":"clients",
        "rate_limit":{"max_events":9,"window_ms":100},
        "events":[{"name":"m","history":2},{"name":"*","history":1}]}}"#,
        IN_A_WINDOW,
    );
    told(
        &mut channel,
        r#"{"connect":{"client_id":"x","user_id":"xi","data":{"k":1},"now_ms":24}}
        {"connect":{"client_id":"y","user_id":"xi","now_ms":24}}
        {"track":{"client_id":"x","topic":"t","meta":"x"}}
        {"open_room":{"topic":"own","by":"x","config":{"name":"Own","data":[1]}}}
        {"join":{"client_id":"a","topic":"own","user_id":"ann","now_ms":24}}
        {"join":{"client_id":"c","topic":"lobby","user_id":"cy","now_ms":24}}
        {"subscribe":{"client_id":"a","topic":"own","event":"q"}}
        {"unsubscribe":{"client_id":"a","topic":"own","event":"*"}}
        {"subscribe":{"client_id":"c","topic":"t","event":"q"}}
        {"broadcast":{"client_id":"a","topic":"t","payload":1,"event":"m","id":"1"}}
        {"broadcast":{"client_id":"a","topic":"t","payload":2,"event":"m","id":"2"}}
        {"broadcast":{"client_id":"c","topic":"t","payload":3,"event":"m","meta":{"z":1}}}
        {"broadcast":{"client_id":"c","topic":"t","payload":4,"event":"q","id":"1"}}
        {"broadcast":{"client_id":"c","topic":"t","payload":5,"event":"r","audience":"others"}}
        {"publish":{"target":{"topic":"t"},"event":"r","payload":"","except_user":"bob"}}
        {"add_to_group":{"group":"g","topics":["t","own"]}}
        {"add_to_group":{"group":"h","topics":["none"]}}
        {"disconnect":{"client_id":"x","now_ms":25}}"#,
    );
    let _outbox = channel.flush_outbox();
    for client in ["p", "q"] {
        told(
            &mut channel,
            &format!(
                r#"{{"connect":{{"client_id":"{client}","user_id":"u","now_ms":26}}}}
                {{"kick":{{"client_id":"{client}","reason":"x"}}}}"#
            ),
        );
    }
    let _outbox = channel.flush_outbox();
    told(&mut channel, r#"{"connect":{"client_id":"z","user_id":"xi","now_ms":26}}"#);
    channel.save().unwrap()
}

/// Ops that bring about a little of everything.
fn some_ops() -> Vec<Op> {
    let mut state = 11_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from(state >> 24).expect("eight bits are left") % GOOD
    };
    (0..32).map(|_| Op::of_kind(next(), &mut next)).collect()
}

/// A snapshot that has little.
fn small() -> String {
    let join =
        r#"{"join":{"client_id":"a","topic":"t","user_id":"ann","now_ms":1,"meta":{"x":1}}}"#;
    after("{}", join).save().unwrap()
}

#[test]
fn a_snapshot_that_ends_too_early_is_refused() {
    let saved = small();
    assert!(Channel::restore(&saved, [1, 2]).is_ok());
    assert!(Channel::restore(&format!("\n{saved} \n"), [1, 2]).is_ok());
    for (end, _) in saved.char_indices() {
        let error = Channel::restore(&saved[..end], [1, 2]).unwrap_err().to_string();
        assert!(error.starts_with("expected a snapshot of a channel: EOF while"), "{error}");
    }
}

#[test]
fn a_snapshot_of_which_a_byte_is_another_is_refused() {
    let saved = small();
    let start = saved.find("\"config\"").expect("it has a configuration") + 9;
    for at in 0..saved.len() {
        for flip in [1_u8, 32] {
            let mut bytes = saved.clone().into_bytes();
            bytes[at] ^= flip;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            // The checksum is of what is in the envelope; a space between its fields is none.
            match Channel::restore(&text, [1, 2]) {
                Ok(_) => panic!("byte {at} is {:?}", &text[at..=at]),
                Err(error) if at > start => {
                    let error = error.to_string();
                    let expected =
                        ["expected a snapshot of a channel: ", "the snapshot is damaged: "];
                    assert!(expected.iter().any(|start| error.starts_with(start)), "{error}");
                }
                Err(_) => {}
            }
        }
    }
}

#[test]
fn what_is_no_snapshot_or_of_another_version_is_refused() {
    let saved = everything();
    let edited = |from: &str, to: &str| saved.replacen(from, to, 1);
    let no_snapshot = |what: &str| format!("expected a snapshot of a channel: {what}");
    let other_version = |version| format!("the snapshot has version {version}, expected 2");
    for (text, expected) in [
        (String::new(), no_snapshot("EOF while parsing a value at line 1 column 0")),
        ("{}".into(), no_snapshot("missing field `parlor_snapshot` at line 1 column 2")),
        (
            "[]".into(),
            no_snapshot(
                "invalid length 0, expected struct Version with 1 element at line 1 column 2",
            ),
        ),
        ("nope".into(), no_snapshot("expected ident at line 1 column 2")),
        (format!("{saved}{saved}"), no_snapshot("trailing characters")),
        (r#"{"rooms":[],"limits":{}}"#.into(), no_snapshot("missing field `parlor_snapshot`")),
        (edited(":2,", ":1,"), other_version("1")),
        (edited(":2,", ":0,"), other_version("0")),
        (r#"{"parlor_snapshot":7,"whatever":[]}"#.into(), other_version("7")),
        (edited(":2,", ":1.5,"), no_snapshot("invalid type: floating point `1.5`, expected u64")),
        (edited("{", "{\"more\":1,"), no_snapshot("unknown field `more`, expected one of")),
        (
            edited("\"checksum\":\"", "\"checksum\":\"0"),
            "the snapshot is damaged: its checksum is \"0".into(),
        ),
        (
            edited("\"grace_ms\":50", "\"grace_ms\":51"),
            "the snapshot is damaged: its checksum".into(),
        ),
        (sealed(r#"{"grace_ms":-1}"#, "{}"), "config: line 1, column 14: grace_ms: ".into()),
        (sealed("{}", "{}"), "state: missing field `crashed`".into()),
        (sealed("{}", "1"), "state: invalid type: integer `1`, expected struct State".into()),
        (
            sealed("{}", r#"{"more":1}"#),
            "state: unknown field `more`, expected one of `node`".into(),
        ),
    ] {
        let error = Channel::restore(&text, [1, 2]).unwrap_err().to_string();
        assert!(error.starts_with(&expected), "{error}\n{expected}");
    }
}

/// Everything that a snapshot has, changed in a fourth of all ways that are known, one at a time;
/// fuzzing tries the rest.
#[test]
fn single_changes_are_refused_or_survived() {
    let saved = everything();
    let (config, state) = opened(&saved).expect("it can be read");
    let (ops, places) = (some_ops(), places(&state));
    let (mut refused, mut survived) = (0, 0);
    for (at, place) in places.iter().enumerate() {
        for kind in (0..CHANGES).filter(|kind| (at + usize::from(*kind)) % 4 == 0) {
            let mut changed = state.clone();
            change(&mut changed, place, kind);
            if changed == state {
                continue;
            }
            match survive(&sealed(&config, &changed.to_string()), &ops) {
                Ok(()) => survived += 1,
                Err(error) => {
                    refused += 1;
                    assert!(error.starts_with("state: ") && error.len() > 16, "{error}");
                }
            }
        }
    }
    assert!(refused > 4 * survived && survived > 50, "{refused} {survived}");
}

#[test]
fn what_does_not_fit_together_is_refused_with_what_it_is() {
    let (config, state) = opened(&everything()).expect("it can be read");
    let index = |list: &str, is_it: &dyn Fn(&Value) -> bool| {
        let list = state[list].as_array().expect("it is a list");
        list.iter().position(is_it).expect("it is there").to_string()
    };
    let found = |place: &str| {
        let mut place = String::from(place);
        for topic in ["t", "own"] {
            let at = index("rooms", &|room| room["topic"] == topic);
            place = place.replace(&format!("{{{topic}}}"), &at);
        }
        for id in ["a", "x", "z"] {
            let at = index("clients", &|client| client["id"] == id);
            place = place.replace(&format!("{{{id}}}"), &at);
        }
        for due in ["client", "window"] {
            let at = index("agenda", &|entry| entry[0].get(due).is_some_and(Value::is_u64));
            place = place.replace(&format!("{{{due}}}"), &at);
        }
        place
    };

    let mut missed = Vec::new();
    for (place, value, expected) in [NUMBERS, CLIENTS, ROOMS, REST].into_iter().flatten() {
        let value = match value.strip_prefix('=') {
            Some(other) => state.pointer(&found(other)).expect("it is there").clone(),
            None => serde_json::from_str(&value.replace("{256}", &"x".repeat(256))).unwrap(),
        };
        let mut changed = state.clone();
        *changed.pointer_mut(&found(place)).unwrap_or_else(|| panic!("{place}")) = value;
        match survive(&sealed(&config, &changed.to_string()), &some_ops()) {
            Err(error) if error.contains(expected) => {}
            outcome => missed.push(format!("{place}: {outcome:?}, expected {expected}")),
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn a_snapshot_that_exceeds_its_limits_is_refused() {
    let (config, state) = opened(&everything()).expect("it can be read");
    let check = |limit: &str, value: u64| {
        let mut config: Value = serde_json::from_str(&config).unwrap();
        config["limits"][limit] = json!(value);
        let outcome = survive(&sealed(&config.to_string(), &state.to_string()), &[]);
        let error = outcome.expect_err(limit);
        assert!(error.contains(&format!("limit {limit} is exceeded by")), "{error}");
    };
    check("clients", 3);
    check("topics", 1 + 1);
    check("topics_per_client", 1);
    check("members_per_topic", 1);
    check("meta_bytes", 1);
    check("groups", 1);
    check("topics_per_group", 1);
    check("history_messages", 2);
    check("history_bytes", 9);
    check("history_messages_per_topic", 2);
    check("history_bytes_per_topic", 9);
}
