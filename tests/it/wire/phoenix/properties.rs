//! What holds of all frames.

use parlor::wire::phoenix::{Connection, Incoming, OWN_TOPIC};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{hostile, server};

/// Refs as clients may have them, by their JSON text.
fn refs() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        any::<String>().prop_map(|text| json!(text).to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_filter("JSON has it", |n| n.is_finite()).prop_map(|n| format!("{n:?}")),
        "\"(\\\\u00[0-7][0-9a-f]){0,4}\"",
    ]
}

proptest! {
    #[test]
    fn whatever_happens_connections_and_channel_agree(bytes in any::<Vec<u8>>()) {
        hostile::check_bytes(&bytes);
    }

    #[test]
    fn whatever_happens_for_long_connections_and_channel_agree(
        bytes in prop::collection::vec(any::<u8>(), 300..1200),
    ) {
        hostile::check_bytes(&bytes);
    }

    #[test]
    fn any_text_and_any_bytes_are_read_or_refused(text in any::<String>(), bytes in any::<Vec<u8>>()) {
        let mut connection = Connection::new("A", "ann");
        let refused = connection.text(&text, 0).err();
        prop_assert!(refused.is_none_or(|malformed| malformed.close_code().code() > 1006));
        let refused = connection.binary(&bytes, 0).err();
        prop_assert!(refused.is_none_or(|malformed| malformed.close_code().code() > 1006));
    }

    #[test]
    fn refs_come_back_as_they_were_sent(
        join_ref in refs(),
        of_join in refs(),
        of_event in refs(),
        topic in "[^\u{0}]{1,20}",
    ) {
        prop_assume!(![OWN_TOPIC, "phoenix"].contains(&topic.as_str()));
        let topic = json!(topic);
        let mut server = server(parlor::Config::default());
        let join = format!("[{join_ref},{of_join},{topic},\"phx_join\",{{}}]");
        let received = server.text("A", &join);
        let head = format!("[{join_ref},{of_join},{topic},\"phx_reply\"");
        same_head(&received[0], &head)?;

        let event = format!("[{join_ref},{of_event},{topic},\"ev\",{{}}]");
        let received = server.text("A", &event);
        let join_ref = if join_ref == "null" { of_join } else { join_ref };
        same_head(&received[0], &format!("[{join_ref},{of_event},{topic},\"phx_reply\""))?;
    }

    #[test]
    fn payloads_go_through_byte_for_byte(
        text in any::<String>(),
        number in "-?[1-9][0-9]{0,30}(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?",
        space in "[ \t\r\n]{0,3}",
    ) {
        let payload = format!("{{{space}{}{space}:{space}[{number}{space}]}}", json!(text));
        let mut server = server(parlor::Config::default());
        server.text("A", r#"["1","1","t","phx_join",{}]"#);
        let received = server.text("A", &format!(r#"["1","2","t","ev",{payload}]"#));
        let expected = format!(r#"[null,null,"t","ev",{payload},{{"epoch":1,"offset":1}}]"#);
        prop_assert_eq!(&received[1], &expected);
    }
}

/// Whether a frame begins like that; topics may be escaped otherwise.
fn same_head(frame: &str, head: &str) -> Result<(), TestCaseError> {
    let raw: Vec<&serde_json::value::RawValue> = serde_json::from_str(frame).unwrap();
    let head = format!("{head}]");
    let expected: Vec<&serde_json::value::RawValue> = serde_json::from_str(&head).unwrap();
    prop_assert_eq!(raw[0].get(), expected[0].get());
    prop_assert_eq!(raw[1].get(), expected[1].get());
    let text = |raw: &str| serde_json::from_str::<Value>(raw).unwrap();
    prop_assert_eq!(text(raw[2].get()), text(expected[2].get()));
    prop_assert_eq!(raw[3].get(), expected[3].get());
    Ok(())
}

#[test]
fn deep_and_long_frames_are_read() {
    let mut connection = Connection::new("A", "ann");
    let deep = format!(r#"[null,"1","t","ev",{}{}]"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(connection.text(&deep, 0), Ok(Incoming::Event(_))));
    let long = format!(r#"[null,"1","t","ev","{}"]"#, "x".repeat(10_000_000));
    assert!(matches!(connection.text(&long, 0), Ok(Incoming::Event(_))));
    let more = format!(r#"[null,"1","t","ev",0,{}{}]"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(connection.text(&more, 0), Ok(Incoming::Event(_))));
}
