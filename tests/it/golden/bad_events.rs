//! Lines that are no events, and what is said about them.

use parlor::{Event, EventKind};

/// `line` is no event, and what is said about it mentions each of `said`.
fn check(line: &str, said: &[&str]) {
    let wrong = [
        serde_json::from_str::<Event>(line).unwrap_err().to_string(),
        serde_json::from_slice::<Event>(line.as_bytes()).unwrap_err().to_string(),
        serde_json::from_reader::<_, Event>(line.as_bytes()).unwrap_err().to_string(),
    ];
    for wrong in wrong {
        for said in said {
            assert!(wrong.contains(said), "{line}: {wrong:?}, expected {said:?} in it");
        }
    }
}

const C1: &str = r#""client_id":"c1","topic":"t""#;

#[test]
fn unknown_fields_are_named() {
    for (tag, required) in [
        ("join", r#","user_id":"u","now_ms":0"#),
        ("rejoin", r#","user_id":"u","now_ms":0"#),
        ("leave", ""),
        ("broadcast", r#","payload":1"#),
        ("push", r#","event":"e","payload":1"#),
        ("subscribe", r#","event":"e""#),
        ("unsubscribe", r#","event":"e""#),
        ("track", ""),
        ("untrack", ""),
        ("history", ""),
        ("kick", r#","reason":"spam""#),
        ("refuse", r#","to":"join","reason":"join_denied""#),
    ] {
        let line = format!(r#"{{"{tag}":{{{C1}{required},"colour":1}}}}"#);
        check(&line, &["unknown field `colour`", "expected one of", "`client_id`", "line 1"]);
    }
    for (tag, required, known) in [
        ("connect", r#""client_id":"c","user_id":"u","now_ms":0"#, "`user_id`"),
        ("disconnect", r#""client_id":"c","now_ms":0"#, "`now_ms`"),
        ("open_room", r#""topic":"t""#, "`config`"),
        ("close_room", r#""topic":"t""#, "`by`"),
        ("query", r#""what":"rooms""#, "`what`"),
        ("publish", r#""target":"everyone","event":"e","payload":1"#, "`except_user`"),
        ("add_to_group", r#""group":"g","topics":[]"#, "`topics`"),
        ("remove_from_group", r#""group":"g","topics":[]"#, "`topics`"),
        ("history", r#""client_id":"c","topic":"t""#, "`before`"),
        ("tick", r#""now_ms":0"#, "`now_ms`"),
    ] {
        let line = format!(r#"{{"{tag}":{{{required},"colour":1}}}}"#);
        check(&line, &["unknown field `colour`", known, "line 1"]);
    }
    check(
        r#"{"open_room":{"topic":"t","config":{"colour":1}}}"#,
        &["unknown field `colour`", "`presence`"],
    );
    let before = r#"{"history":{"client_id":"c","topic":"t","before":{"colour":1}}}"#;
    check(before, &["unknown field `colour`", "`offset`"]);
    check(r#"{"crash":{"reason":"boom","x":1}}"#, &["unknown field `x`", "`reason`"]);
    let since = r#""user_id":"u","now_ms":0,"since":{"epoch":1,"offset":1,"node":"n"}"#;
    check(&format!(r#"{{"rejoin":{{{C1},{since}}}}}"#), &["unknown field `node`", "`epoch`"]);
}

#[test]
fn b_a_list_of_positions_is_refused() {
    for list in ["[]", "[1,41]", r#"[{"epoch":1,"offset":1}]"#] {
        let since = format!(r#""user_id":"u","now_ms":0,"since":{list}"#);
        let expected = ["invalid type: sequence", "expected a position, {"];
        check(&format!(r#"{{"rejoin":{{{C1},{since}}}}}"#), &expected);
    }
}

#[test]
fn missing_fields_are_named() {
    let fields = [
        ("join", r#""client_id":"c" "topic":"t" "user_id":"u" "now_ms":0"#),
        ("rejoin", r#""client_id":"c" "topic":"t" "user_id":"u" "now_ms":0"#),
        ("leave", r#""client_id":"c" "topic":"t""#),
        ("broadcast", r#""client_id":"c" "topic":"t" "payload":1"#),
        ("push", r#""client_id":"c" "topic":"t" "event":"e" "payload":1"#),
        ("crash", r#""reason":"boom""#),
        ("connect", r#""client_id":"c" "user_id":"u" "now_ms":0"#),
        ("disconnect", r#""client_id":"c" "now_ms":0"#),
        ("subscribe", r#""client_id":"c" "topic":"t" "event":"e""#),
        ("unsubscribe", r#""client_id":"c" "topic":"t" "event":"e""#),
        ("track", r#""client_id":"c" "topic":"t""#),
        ("untrack", r#""client_id":"c" "topic":"t""#),
        ("open_room", r#""topic":"t""#),
        ("close_room", r#""topic":"t""#),
        ("history", r#""client_id":"c" "topic":"t""#),
        ("query", r#""what":"rooms""#),
        ("publish", r#""target":"everyone" "event":"e" "payload":1"#),
        ("kick", r#""client_id":"c" "reason":"spam""#),
        ("add_to_group", r#""group":"g" "topics":[]"#),
        ("remove_from_group", r#""group":"g" "topics":[]"#),
        ("refuse", r#""client_id":"c" "to":"join" "reason":"join_denied""#),
        ("tick", r#""now_ms":0"#),
    ];
    assert_eq!(fields.len() + 1, EventKind::ALL.len(), "all but restart have fields");
    for (tag, fields) in fields {
        let fields: Vec<_> = fields.split(' ').collect();
        for missing in &fields {
            let others: Vec<_> = fields.iter().filter(|field| field != &missing).copied().collect();
            let line = format!("{{\"{tag}\":{{{}}}}}", others.join(","));
            let name = missing.split('"').nth(1).unwrap();
            check(&line, &[&format!("missing field `{name}`")]);
        }
    }
}

#[test]
fn unknown_variants_are_named() {
    check(r#"{"jion":{}}"#, &["unknown variant `jion`", "`join`", "`restart`", "line 1 column"]);
    check(r#""stop""#, &["unknown variant `stop`"]);
    let audience = format!(r#"{{"broadcast":{{{C1},"payload":1,"audience":"some"}}}}"#);
    check(&audience, &["unknown variant `some`", "`all`", "`others`", "`other_users`"]);
    let query = r#"{"query":{"what":"weather"}}"#;
    check(query, &["unknown variant `weather`", "`rooms`", "`topics_of`", "`stats`"]);
    let refuse = |of| format!(r#"{{"refuse":{{{C1},{of}}}}}"#);
    check(&refuse(r#""to":"jion""#), &["unknown variant `jion`", "`join`", "`tick`"]);
    check(&refuse(r#""reason":"no""#), &["unknown variant `no`", "`crashed`", "`limit_reached`"]);
    let target = r#"{"publish":{"target":{"room":"t"}}}"#;
    check(target, &["unknown variant `room`", "`topic`", "`group`", "`user`", "`client`"]);
}

#[test]
fn wrong_types_are_named() {
    let join = |field| format!(r#"{{"join":{{{C1},{field}}}}}"#);
    check(&join(r#""user_id":7,"now_ms":0"#), &["invalid type: integer `7`", "string"]);
    check(&join(r#""user_id":null,"now_ms":0"#), &["invalid type: null"]);
    check(&join(r#""user_id":"u","now_ms":"0""#), &["invalid type: string \"0\"", "u64"]);
    check(&join(r#""user_id":"u","now_ms":-1"#), &["`-1`", "u64"]);
    check(&join(r#""user_id":"u","now_ms":1.5"#), &["`1.5`", "u64"]);
    check(&join(r#""user_id":"u","now_ms":18446744073709551616"#), &["u64"]);
    check(&join(r#""user_id":"u","now_ms":0,"ref":1"#), &["invalid type: integer `1`"]);
    check(&join(r#""user_id":"u","user_id":"u""#), &["duplicate field `user_id`"]);
    let since = format!(r#"{{"rejoin":{{{C1},"user_id":"u","now_ms":0,"since":7}}}}"#);
    check(&since, &["invalid type: integer `7`", "a position, {"]);
    for (target, wrong) in [
        (r#""nobody""#, "invalid value: string \"nobody\""),
        ("7", "invalid type: integer `7`"),
        ("null", "invalid type: null"),
        ("{}", "invalid length 0"),
        (r#"{"topic":"t","group":"g"}"#, "invalid length 2"),
    ] {
        let line = format!(r#"{{"publish":{{"target":{target},"event":"e","payload":1}}}}"#);
        check(
            &line,
            &[wrong, "\"everyone\" or an object with one of topic, group, user and client"],
        );
    }
    let group = r#"{"add_to_group":{"group":"g","topics":"t"}}"#;
    check(group, &["invalid type: string \"t\"", "a sequence"]);
    let before = r#"{"history":{"client_id":"c","topic":"t","before":{"epoch":1,"offset":-1}}}"#;
    check(before, &["`-1`", "u64"]);
    let list = r#"{"history":{"client_id":"c","topic":"t","before":[1,2]}}"#;
    check(list, &["invalid type: sequence, expected a position, {"]);
}

#[test]
fn a_payload_is_given_once_and_in_one_form() {
    let of = |field| format!(r#"{{"broadcast":{{{C1},{field}}}}}"#);
    let both = r#""payload":1,"payload_base64":"YQ==""#;
    check(&of(both), &["expected one of `payload` and `payload_base64`, got both"]);
    check(&of(r#""payload":null,"payload_base64":"""#), &["got both"]);
    check(&of(r#""event":"e""#), &["missing field `payload` (or `payload_base64`)"]);
    check(&of(r#""payload_base64":null"#), &["missing field `payload`"]);
    check(&of(r#""payload_base64":"YQ""#), &["base64"]);
    check(&of(r#""payload_base64":"Y Q=""#), &["base64"]);
}

#[test]
fn what_is_no_json_or_no_event_is_refused() {
    for line in ["", "{", "{}", "[]", "7", "null", "\"join\"", r#"{"join":[]}"#] {
        assert!(serde_json::from_str::<Event>(line).is_err(), "{line}");
    }
    let two = r#"{"leave":{"client_id":"c1","topic":"t"},"restart":null}"#;
    assert!(serde_json::from_str::<Event>(two).is_err(), "one event a line");
    check(r#""restart" "restart""#, &["trailing characters"]);
    check(r#"{"restart":{}}"#, &["expected unit"]);
}
