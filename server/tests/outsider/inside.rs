//! A Phoenix client with a good token, who reaches for what is not his: topics that he has not
//! joined or may not, rooms of others, names that are reserved or strange.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{
    arena::MAX_TOPICS,
    honest::{OWNED, ROOM},
    page::Page,
    report::Report,
};

pub async fn attempts(report: &mut Report) {
    topics_of_others(report).await;
    rooms_of_others(report).await;
    reserved_events(report).await;
    where_he_may_not_speak(report).await;
    names(report).await;
    sizes(report).await;
    ambiguous_json(report).await;
}

/// What a new client is answered, who has joined `joined` if that is none of the empty ones.
async fn asked(at: SocketAddr, joined: &str, topic: &str, event: &str, payload: Value) -> String {
    let mut page = Page::of("mallory", at).await;
    if !joined.is_empty() {
        let join = page.ask(joined, "phx_join", json!({})).await;
        if join != "ok" {
            return format!("join: {join}");
        }
    }
    let answer = page.ask(topic, event, payload).await;
    match page.heard_in(ROOM).await {
        0 => answer,
        count => format!("{answer}, and heard {count} of {ROOM}"),
    }
}

async fn topics_of_others(report: &mut Report) {
    let at = report.arena.at;
    let since = json!({"since": {"epoch": 0, "offset": 0}});
    let many = json!({"since": [{"epoch": 1, "offset": 0}]});
    for (event, payload, expected) in [
        ("phx_join", json!({}), "join_denied"),
        ("phx_join", json!({"meta": {"name": "ann"}}), "join_denied"),
        ("phx_join", since, "join_denied"),
        ("phx_join", many, "invalid_request"),
        ("phx_join", json!({"circle": "honest", "claims": {"circle": "honest"}}), "join_denied"),
        ("say", json!("hello"), "join_denied"),
        ("parlor:history", json!({"event": "say"}), "join_denied"),
        ("parlor:history", json!({}), "join_denied"),
        ("parlor:track", json!({"meta": {}}), "join_denied"),
        ("parlor:untrack", json!({}), "unmatched topic"),
        ("parlor:subscribe", json!({"event": "*"}), "unmatched topic"),
        ("parlor:unsubscribe", json!({"event": "*"}), "unmatched topic"),
        ("phx_leave", json!({}), "ok"),
    ] {
        let attempt = format!("{event} {payload} in a topic that is not for him");
        report.tried(attempt, expected, asked(at, "", ROOM, event, payload)).await;
    }
    for (event, payload) in [
        ("say", json!("hello")),
        ("parlor:history", json!({})),
        ("parlor:track", json!({})),
        ("parlor:untrack", json!({})),
        ("parlor:subscribe", json!({"event": "*"})),
    ] {
        let attempt = format!("{event} in a topic that he has not joined");
        let attack = asked(at, "open:1", OWNED, event, payload);
        report.tried(attempt, "unmatched topic", attack).await;
    }
    for topic in ["nowhere", "ROOM:honest", "rooms", "phoenix", "open", "", "*"] {
        let expected = match topic {
            "" => "invalid_name",
            // Wherever it may be, it is not here.
            _ => "unmatched topic",
        };
        let attempt = format!("joining {topic:?}");
        report.tried(attempt, expected, asked(at, "", topic, "phx_join", json!({}))).await;
    }
    for topic in [
        "room:honest ",
        "room:honest\u{0}",
        "room:honest\u{200b}",
        "room:*",
        "room:",
        "room:HONEST",
    ] {
        let attempt = format!("joining {topic:?}");
        let attack = asked(at, "", topic, "phx_join", json!({}));
        report.tried(attempt, "join_denied", attack).await;
    }
    let attack = async {
        let mut page = Page::of("mallory", at).await;
        page.ask("open:1", "phx_join", json!({})).await;
        let join_ref_of_another = json!(["1", "77", ROOM, "say", {}]).to_string();
        page.ask_raw(&json!("77"), join_ref_of_another).await
    };
    report.tried("the join_ref of another topic", "join_denied", attack).await;
    report.tried("bytes in a topic not for him", "join_denied", bytes(at, ROOM, "say")).await;
}

/// Sends bytes to a topic, by a binary frame.
async fn bytes(at: SocketAddr, topic: &str, event: &str) -> String {
    let mut page = Page::of("mallory", at).await;
    let size = |text: &str| u8::try_from(text.len()).unwrap();
    let mut frame = vec![0, 0, 2, size(topic), size(event)];
    for part in ["77", topic, event, "bytes"] {
        frame.extend(part.as_bytes());
    }
    page.send_raw(Message::Binary(frame.into())).await.unwrap();
    page.answer(&json!("77")).await
}

async fn rooms_of_others(report: &mut Report) {
    let at = report.arena.at;
    let mine = json!({"config": {"owner": "mallory"}});
    let everyones = json!({"config": {"publishers": "clients", "history_for": "clients"}});
    for (joined, topic, event, payload, expected) in [
        (OWNED, OWNED, "parlor:close_room", json!({}), "permission_denied"),
        ("", OWNED, "parlor:close_room", json!({}), "permission_denied"),
        ("", "parlor", "parlor:close_room", json!({"topic": OWNED}), "permission_denied"),
        ("", "parlor", "parlor:close_room", json!({"topic": ROOM}), "permission_denied"),
        ("", "parlor", "parlor:close_room", json!({"topic": "open:no"}), "unknown_topic"),
        ("", "parlor", "parlor:close_room", json!({}), "invalid_request"),
        ("", OWNED, "parlor:open_room", json!({}), "room_exists"),
        ("", ROOM, "parlor:open_room", json!({}), "join_denied"),
        ("", "room:new", "parlor:open_room", json!({}), "join_denied"),
        ("", "parlor", "parlor:open_room", json!({"topic": "room:new"}), "join_denied"),
        ("", "open:new", "parlor:open_room", mine, "permission_denied"),
        ("", "open:new", "parlor:open_room", everyones, "permission_denied"),
        ("", "open:new", "parlor:open_room", json!({"by": "ann"}), "invalid_request"),
        ("", "open:new", "parlor:open_room", json!({"config": []}), "invalid_request"),
        ("", "", "parlor:open_room", json!({}), "invalid_name"),
    ] {
        let attempt = format!("{event} {payload} on {topic:?}");
        report.tried(attempt, expected, asked(at, joined, topic, event, payload)).await;
    }
}

async fn reserved_events(report: &mut Report) {
    let at = report.arena.at;
    for event in [
        "phx_reply",
        "phx_close",
        "phx_error",
        "phx_",
        "presence_state",
        "presence_diff",
        "parlor:closing",
        "parlor:history_loaded",
        "parlor:publish",
        "parlor:kick",
        "parlor:",
        "dialogue:event",
        "dialogue:roomDeleted",
    ] {
        let attack = asked(at, "open:1", "open:1", event, json!({"reason": "gone"}));
        report.tried(format!("the event {event}"), "event_not_allowed", attack).await;
    }
    let attack = async {
        let mut page = Page::of("mallory", at).await;
        page.ask("open:1", "phx_join", json!({})).await;
        drop(page);
        bytes(at, "open:1", "presence_diff").await
    };
    report.tried("presence_diff as bytes", "unmatched topic", attack).await;
    for (topic, event) in
        [("phoenix", "say"), ("phoenix", "phx_join"), ("parlor", "say"), ("parlor", "phx_reply")]
    {
        let attack = asked(at, "", topic, event, json!({}));
        report.tried(format!("{event} on {topic}"), "unmatched topic", attack).await;
    }
}

async fn where_he_may_not_speak(report: &mut Report) {
    let at = report.arena.at;
    let topic = "open:moderated";
    let attack = asked(at, topic, topic, "say", json!({"role": "admin"}));
    report.tried("speaking without the claim for it", "permission_denied", attack).await;
    let attack = asked(at, "read:1", "read:1", "say", json!({}));
    report.tried("speaking where nobody may", "event_not_allowed", attack).await;
    let attack = asked(at, "read:1", "read:1", "", json!({}));
    report.tried("an event without a name", "invalid_name", attack).await;
    let attack = asked(at, "open:1", "open:1", "*", json!({}));
    report.tried("the event that means all", "invalid_name", attack).await;
    let attack = async {
        let mut page = Page::of("mallory", at).await;
        for number in 0..MAX_TOPICS {
            page.ask(&format!("open:{number}"), "phx_join", json!({})).await;
        }
        page.ask("open:more", "phx_join", json!({})).await
    };
    report.tried("one topic too many", "too many channels joined", attack).await;
}

async fn names(report: &mut Report) {
    let at = report.arena.at;
    let of_length = |bytes: usize| format!("open:{}", "x".repeat(bytes - 5));
    for (what, topic, expected) in [
        ("a topic of 255 bytes", of_length(255), "ok"),
        ("a topic of 256 bytes", of_length(256), "invalid_name"),
        ("a topic of 256 bytes, of two each", format!("open:{}x", "ö".repeat(125)), "invalid_name"),
        ("a topic with control characters", "open:\u{0}\u{7}\u{1b}[2J\r\n".into(), "ok"),
        ("a topic from right to left", "open:\u{202e}tsenoh\u{2066}".into(), "ok"),
        ("a topic that is a path", "open:../../etc/passwd%00".into(), "ok"),
        ("a topic that looks like a line of the log", forged_line().into(), "ok"),
        ("a topic like a prototype", "open:__proto__".into(), "ok"),
        ("the topic __proto__", "__proto__".into(), "unmatched topic"),
        ("the topic constructor", "constructor".into(), "unmatched topic"),
    ] {
        report.tried(what, expected, asked(at, "", &topic, "phx_join", json!({}))).await;
    }
    for (what, event, expected) in [
        ("an event of 255 bytes", "x".repeat(255), "ok"),
        ("an event of 256 bytes", "x".repeat(256), "invalid_name"),
        ("an event with control characters", "\u{0}\u{1b}[2J\r\n".into(), "ok"),
        ("an event from right to left", "\u{202e}ylper_xhp".into(), "ok"),
        ("the event __proto__", "__proto__".into(), "ok"),
        ("the event hasOwnProperty", "hasOwnProperty".into(), "ok"),
        ("an event that looks reserved", "PHX_REPLY".into(), "ok"),
    ] {
        let attack = asked(at, "open:1", "open:1", &event, json!({"__proto__": {"x": 1}}));
        report.tried(what, expected, attack).await;
    }
}

/// What would be a line of the log, if names were written there as they are.
pub fn forged_line() -> &'static str {
    "open:x\nFORGED  INFO parlor_server: admin has logged in\u{1b}[31m"
}

async fn sizes(report: &mut Report) {
    let at = report.arena.at;
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let join = |reference: &str, params: &str| {
        format!(r#"[null,{reference},"open:1","phx_join",{params}]"#)
    };
    let quoted = |count: usize| format!("\"{}\"", "9".repeat(count));
    let number = "9".repeat(300);
    for (what, reference, text, expected) in [
        ("a ref of 200 bytes", quoted(200), join(&quoted(200), "{}"), "ok"),
        ("a ref of 10 kB", quoted(10_000), join(&quoted(10_000), "{}"), "limit_reached"),
        ("a ref that is a number of 300 digits", number.clone(), join(&number, "{}"), {
            "limit_reached"
        }),
        ("JSON as deep as it may be", "1".into(), join("1", &deep(127)), "ok"),
        ("JSON deeper than that", "1".into(), join("1", &deep(200)), "payload_too_large"),
        ("JSON 1500 deep", "1".into(), join("1", &deep(1_500)), "payload_too_large"),
        ("JSON 5000 deep", "1".into(), join("1", &deep(5_000)), "payload_too_large"),
        ("a frame that is 5000 deep", "1".into(), deep(5_000), "1008 …"),
        ("brackets that never close", "1".into(), "[".repeat(16_000), "1007 …"),
        ("a number of 16000 digits", "1".into(), "9".repeat(16_000), "1007 …"),
    ] {
        let reference: Value = serde_json::from_str(&reference).unwrap();
        let attack = async {
            let mut page = Page::of("mallory", at).await;
            page.ask_raw(&reference, text).await
        };
        report.tried(what, expected, attack).await;
    }
    for (what, payload, expected) in [
        ("a payload past its limit", json!("x".repeat(4_096)), "payload_too_large"),
        ("a payload at its limit", json!("x".repeat(4_094)), "ok"),
    ] {
        report.tried(what, expected, asked(at, "open:1", "open:1", "say", payload)).await;
    }
    let meta = json!({"meta": {"x": "x".repeat(5_000)}});
    let attack = asked(at, "", "open:1", "phx_join", meta);
    report.tried("a meta past the limit", "payload_too_large", attack).await;
}

/// JSON of which two readers could think differently.
async fn ambiguous_json(report: &mut Report) {
    let at = report.arena.at;
    for (what, event, payload, expected) in [
        ("two metas in a join", "phx_join", r#"{"meta":1,"meta":2}"#, "invalid_request"),
        ("two sinces in a join", "phx_join", r#"{"since":1,"since":2}"#, "invalid_request"),
        (
            "two topics to close",
            "parlor:close_room",
            { r#"{"topic":"open:no","topic":"open:bobs"}"# },
            "invalid_request",
        ),
        ("a payload with a key twice", "say", r#"{"a":1,"a":2}"#, "ok"),
        (
            "__proto__ in a parlor: payload",
            "parlor:history",
            { r#"{"__proto__":{"event":"say"}}"# },
            "invalid_request",
        ),
        ("half a surrogate", "say", r#"{"a":"\ud800"}"#, "ok"),
        ("a page that ends before it starts", "parlor:history", r#"{"start":9,"end":1}"#, "ok"),
        (
            "a page of all numbers there are",
            "parlor:history",
            { r#"{"start":0,"end":18446744073709551615}"# },
            "limit_reached",
        ),
        ("a page that starts below zero", "parlor:history", r#"{"start":-1}"#, "invalid_request"),
        (
            "a position past all",
            "phx_join",
            { r#"{"since":{"epoch":18446744073709551615,"offset":18446744073709551615}}"# },
            "ok",
        ),
        (
            "a position that is no number",
            "phx_join",
            { r#"{"since":{"epoch":1e400,"offset":0}}"# },
            "…",
        ),
    ] {
        let attack = async {
            let mut page = Page::of("mallory", at).await;
            page.ask("open:1", "phx_join", json!({})).await;
            let join_ref = if event == "phx_join" { "\"7\"" } else { "\"1\"" };
            let text = format!(r#"[{join_ref},"7","open:1","{event}",{payload}]"#);
            page.ask_raw(&json!("7"), text).await
        };
        report.tried(what, expected, attack).await;
    }
}
