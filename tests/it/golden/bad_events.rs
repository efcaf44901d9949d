//! Lines that are no events, and what is said about them.

use parlor::Event;

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
    ] {
        let line = format!(r#"{{"{tag}":{{{C1}{required},"colour":1}}}}"#);
        check(&line, &["unknown field `colour`", "expected one of", "`client_id`", "line 1"]);
    }
    check(r#"{"crash":{"reason":"boom","x":1}}"#, &["unknown field `x`", "`reason`"]);
    let since = r#""user_id":"u","now_ms":0,"since":{"epoch":1,"offset":1,"node":"n"}"#;
    check(&format!(r#"{{"rejoin":{{{C1},{since}}}}}"#), &["unknown field `node`", "`epoch`"]);
    let since = r#""user_id":"u","now_ms":0,"since":[{"epoch":1,"offset":1,"x":1}]"#;
    check(&format!(r#"{{"rejoin":{{{C1},{since}}}}}"#), &["unknown field `x`", "`node`"]);
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
    ];
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
    check(&since, &["invalid type: integer `7`", "a position", "or a list of positions"]);
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
