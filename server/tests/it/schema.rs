//! What is refused by JSON Schema, and schemas that are none.

use std::{fs, path::PathBuf};

use parlor::{Address, Broadcast, Channel, Payload, Publish};
use parlor_server::Settings;
use serde_json::{Value, json};

use crate::{settings::flags, start};

/// Why a message is refused, or none.
fn refusal(settings: &Settings, topic: &str, event: &str, payload: Payload) -> Option<String> {
    let channel = Channel::single_node(settings.channel.clone());
    let said = Broadcast::new("c", topic, payload).with_event(event).with_ref("1");
    let passed = (settings.guard)().check(said.clone().into(), &channel);
    assert_eq!(passed, said.clone().into(), "what passes is as it was");
    settings.schemas.flaw_of(&said.into())
}

fn check(settings: &Settings, topic: &str, event: &str, payload: &str, expected: Option<&str>) {
    let got = refusal(settings, topic, event, Payload::json(payload).unwrap());
    assert_eq!(got.as_deref(), expected, "{event} in {topic}: {payload}");
}

fn with_schema(schema: &str) -> Settings {
    let toml =
        format!("[[rooms]]\npattern = 'a'\nevents = [{{name = 'message', schema = {schema}}}]");
    Settings::from_toml(&toml).unwrap()
}

#[test]
fn a_refusal_says_where_and_what_was_expected() {
    let settings = with_schema(
        "{type = 'object', required = ['text'], additionalProperties = false, properties = {\
         text = {type = 'string', maxLength = 3}, tags = {items = {enum = ['x', 'y']}}, \
         n = {maximum = 5}, mail = {format = 'email'}, id = {pattern = '^[a-z]+$'}}}",
    );
    for (payload, expected) in [
        (r#"{"text":"hi","tags":["x","y"],"n":5,"mail":"a@example.org","id":"ab"}"#, None),
        ("[]", Some(r#"payload: value is an array, expected type "object""#)),
        ("{}", Some(r#"payload: "text" is a required property, expected required ["text"]"#)),
        (r#"{"text":5}"#, Some(r#"payload/text: value is a number, expected type "string""#)),
        (
            r#"{"text":"long"}"#,
            Some("payload/text: value is longer than 3 characters, expected maxLength 3"),
        ),
        (
            r#"{"text":"","tags":["x","z"]}"#,
            Some(r#"payload/tags/1: value is not one of "x" or "y", expected enum ["x","y"]"#),
        ),
        (
            r#"{"text":"","n":6}"#,
            Some("payload/n: value is greater than the maximum of 5, expected maximum 5"),
        ),
        (
            r#"{"text":"","mail":"a"}"#,
            Some(r#"payload/mail: value is not a "email", expected format "email""#),
        ),
        (
            r#"{"text":"","id":"A"}"#,
            Some(r#"payload/id: value does not match "^[a-z]+$", expected pattern "^[a-z]+$""#),
        ),
        (
            r#"{"text":"","more":1}"#,
            Some(
                "payload: Additional properties are not allowed ('more' was unexpected), \
                 expected additionalProperties false",
            ),
        ),
    ] {
        check(&settings, "a", "message", payload, expected);
    }
    let bytes = refusal(&settings, "a", "message", Payload::bytes(*b"x")).unwrap();
    assert_eq!(bytes, "payload is bytes, expected JSON");
    assert_eq!(refusal(&settings, "a", "other", Payload::bytes(*b"x")), None);
}

#[test]
fn what_is_said_of_a_refusal_is_not_endless() {
    let settings = with_schema(&format!("{{enum = [{}]}}", vec!["'long'"; 10_000].join(",")));
    let refused = refusal(&settings, "a", "message", Payload::json("1").unwrap()).unwrap();
    assert!(refused.chars().count() < 1_400, "{}", refused.chars().count());
    let settings = with_schema("{additionalProperties = false}");
    let key = "k".repeat(10_000);
    let payload = Payload::json(format!("{{\"{key}\":1}}")).unwrap();
    let refused = refusal(&settings, "a", "message", payload).unwrap();
    assert!(refused.chars().count() < 1_400, "{}", refused.chars().count());
}

#[test]
fn a_schema_holds_where_its_definition_holds() {
    let toml = "
        [default_room]
        events = [{name = '*', schema = {type = 'null'}}]
        [[rooms]]
        pattern = 'a:*'
        events = [{name = '*', schema = {type = 'number'}}, {name = 'text', schema = {type = 'string'}}, {name = 'any'}]
        [[rooms]]
        pattern = 'a:open:*'
        [[rooms]]
        pattern = 'a:bool'
        events = [{name = 'text', schema = {type = 'boolean'}}]
    ";
    let settings = Settings::from_toml(toml).unwrap();
    for (topic, event, good, bad) in [
        ("a:1", "text", Some("\"x\""), Some("1")),
        ("a:1", "count", Some("1"), Some("\"x\"")),
        ("a:1", "any", Some("[]"), None),
        ("a:open:1", "text", Some("1"), None),
        ("a:bool", "text", Some("true"), Some("\"x\"")),
        ("a:bool", "count", Some("\"x\""), None),
        ("b", "text", Some("null"), Some("1")),
    ] {
        if let Some(payload) = good {
            check(&settings, topic, event, payload, None);
        }
        if let Some(payload) = bad {
            let got = refusal(&settings, topic, event, Payload::json(payload).unwrap());
            let got = got.unwrap();
            assert!(got.starts_with("payload: value is a "), "{got}");
            assert!(got.contains(", expected type \""), "{got}");
        }
    }
}

#[tokio::test]
async fn what_the_server_publishes_is_its_own_to_check() {
    let running = start(with_schema("false")).await;
    let mut ann = running.client("ann").await;
    ann.join("a", json!({})).await;
    let publish = Publish::new(Address::Topic("a".into()), "message", Payload::json("1").unwrap());
    running.server.publish(publish).await.unwrap();
    assert_eq!(ann.until("message").await[4], 1);
}

#[tokio::test]
async fn who_may_not_send_is_not_told_what_would_have_been_right() {
    let toml = "[limits]
        payload_bytes = 20
        meta_bytes = 20
        [[rooms]]
        pattern = '*'
        events = [{name = '*', schema = {type = 'number'}}]
        [[rules]]
        pattern = 'closed'
        action = 'send'
        allow = 'nobody'";
    let running = start(Settings::from_toml(toml).unwrap()).await;
    let mut ann = running.client("ann").await;
    for topic in ["open", "closed"] {
        ann.join(topic, json!({})).await;
    }
    let refused = |why: &str| ("error".to_owned(), why.to_owned());
    let mut reason = async |topic: &str, payload: Value| {
        let (status, response) = ann.ask(topic, "say", payload).await;
        (status, response["reason"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(reason("open", json!(1)).await.0, "ok");
    assert_eq!(reason("open", json!("x")).await, refused("validation_failed"));
    assert_eq!(reason("closed", json!("x")).await, refused("permission_denied"));
    assert_eq!(reason("closed", json!(1)).await, refused("permission_denied"));
    let long = json!("x".repeat(30));
    assert_eq!(
        reason("open", long).await,
        refused("payload_too_large"),
        "no schema has to read it"
    );
}

#[test]
fn schemas_that_are_none_name_their_key() {
    // Also where another crate has switched on that they are fetched.
    let types = "\"objekt\" is no type, expected \"array\", \"boolean\", \"integer\", \"null\", \
                 \"number\", \"object\" or \"string\", or a list of some of them";
    let disabled = "Retrieval is disabled";
    let elsewhere = "expected references that lead into the schema itself";
    for (schema, key, expected) in [
        ("{type = 'objekt'}", ".type", types),
        ("{properties = {a = {type = ['null', 'text']}}}", ".properties.a.type", "is no type"),
        ("{properties = {type = 5}}", ".properties.type", "expected a JSON Schema"),
        (
            "{minLength = -1}",
            ".minLength",
            "-1 is less than the minimum of 0, expected a JSON Schema",
        ),
        (
            "{properties = {a = {required = 1}}}",
            ".properties.a.required",
            "1 is not of type \"array\"",
        ),
        ("{anyOf = [true, {'$id' = 5}]}", ".anyOf[1][\"$id\"]", "5 is not of type"),
        ("{'$ref' = 'https://example.org/a.json'}", "", disabled),
        ("{'$ref' = 'file:///etc/passwd'}", "", disabled),
        ("{'$ref' = 'other.json'}", "", elsewhere),
        ("{'$ref' = '#/$defs/none'}", "", elsewhere),
        ("{'$schema' = 'https://example.org/draft'}", "", "expected"),
        ("{pattern = '(?=a)'}", ".pattern", "expected a JSON Schema"),
        ("{pattern = '('}", ".pattern", "expected a JSON Schema"),
        ("{format = 'emial'}", ".format", "expected a JSON Schema"),
        ("5", "", "5, expected a schema, which is a table"),
    ] {
        let toml = format!(
            "[[rooms]]\npattern = 'a'\nevents = [\n{{name = 'x'}},\n{{name = 'y', schema = {schema}}}]"
        );
        let refused = Settings::from_toml(&toml).map(|_| schema).unwrap_err();
        assert_eq!(refused.key, format!("rooms[0].events[1].schema{key}"), "{refused}");
        assert!(refused.message.contains(expected), "{refused}");
        assert_eq!(refused.line, Some(5), "{refused}");
    }
    let toml = "[default_room]\nevents = [{name = 'x', schema = {type = 1}}]";
    let refused = Settings::from_toml(toml).map(|_| ()).unwrap_err();
    assert_eq!(refused.key, "default_room.events[0].schema.type");
}

#[test]
fn a_schema_may_refer_into_itself() {
    let settings = with_schema(
        "{'$defs' = {tree = {type = 'array', items = {'$ref' = '#/$defs/tree'}}}, \
         '$ref' = '#/$defs/tree'}",
    );
    check(&settings, "a", "message", "[[],[[]]]", None);
    let refused = refusal(&settings, "a", "message", Payload::json("[[],[[1]]]").unwrap());
    let expected = "payload/1/0/0: value is a number, expected type \"array\"";
    assert_eq!(refused.unwrap(), expected);
}

#[test]
fn a_schema_may_stand_in_a_file() {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("schema_files");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("good.json"), r#"{"type": "string"}"#).unwrap();
    fs::write(directory.join("bad.json"), r#"{"type": }"#).unwrap();
    fs::write(directory.join("none.schema.json"), r#"{"type": 5}"#).unwrap();
    let load = |event: &str| {
        let toml = format!("[[rooms]]\npattern = 'a'\nevents = [{{name = 'message', {event}}}]");
        let file = directory.join("parlor.toml");
        fs::write(&file, toml).unwrap();
        let file = file.to_str().unwrap();
        Settings::load(&flags(&["--config", file]))
    };
    let settings = load("schema_file = 'good.json'").unwrap();
    check(&settings, "a", "message", "\"x\"", None);
    assert!(refusal(&settings, "a", "message", Payload::json("1").unwrap()).is_some());

    for (event, message) in [
        (
            "schema_file = 'bad.json'",
            "this file is no JSON (expected value at line 1 column 10), expected a schema",
        ),
        (
            "schema_file = 'none.schema.json'",
            "/type: 5 is no type, expected \"array\", \"boolean\", \"integer\", \"null\", \"number\", \"object\" or \"string\", or a list of some of them",
        ),
        ("schema_file = 5", "expected the path of a file, got a number"),
        ("schema_file = 'good.json', schema = {}", "expected it or `schema`, got both"),
    ] {
        let refused = load(event).map(|_| ()).unwrap_err();
        assert_eq!(refused.key, "rooms[0].events[0].schema_file");
        assert_eq!((refused.message.as_str(), refused.line), (message, Some(3)));
    }
    let refused = load("schema_file = 'none.json'").map(|_| ()).unwrap_err();
    assert!(refused.message.contains("none.json can't be read"), "{refused}");
}
