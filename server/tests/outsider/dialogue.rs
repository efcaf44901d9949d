//! Clients of Dialogue that reach for what is not theirs, over WebSocket and by polling.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{
    PATIENCE,
    arena::{EVENTS_PER_WINDOW, MAX_MESSAGE_BYTES, MAX_TOPICS},
    honest::{OWNED, ROOM},
    raw::{CUT, Raw},
    report::Report,
    tokens,
    visitor::Visitor,
};

pub async fn attempts(report: &mut Report) {
    rooms_of_others(report).await;
    before_and_around(report).await;
    malformed(report).await;
    polling(report).await;
    large_bodies(report).await;
}

/// What comes of an event of a new client, who has joined `joined` unless that is empty.
async fn asked(at: SocketAddr, joined: &str, name: &str, argument: Value) -> String {
    let mut visitor = Visitor::of("mallory", at).await;
    if !joined.is_empty() {
        let join = visitor.ask("dialogue:join", &json!({"roomId": joined})).await;
        if join != "dialogue:joined" {
            return format!("join: {join}");
        }
    }
    visitor.ask(name, &argument).await
}

async fn rooms_of_others(report: &mut Report) {
    let at = report.arena.at;
    let room = |id: &str| json!({"roomId": id});
    let say = |id: &str, event: &str| json!({"roomId": id, "event": event, "data": 1});
    let page = |id: &str| json!({"roomId": id, "eventName": "say", "start": 0, "end": 50});
    let new = |id: &str| json!({"id": id, "name": "New"});
    let long = format!("open:{}", "x".repeat(251));
    for (joined, name, argument, expected) in [
        ("", "join", room(ROOM), "JOIN_DENIED"),
        ("", "join", room("nowhere"), "ROOM_NOT_FOUND"),
        ("", "join", room("__proto__"), "ROOM_NOT_FOUND"),
        ("", "join", room(""), "ROOM_NOT_FOUND"),
        ("", "join", room(&long), "ROOM_NOT_FOUND"),
        ("", "join", json!({"roomId": [ROOM]}), "nothing"),
        ("", "join", json!([ROOM]), "nothing"),
        ("", "leave", room(ROOM), "nothing"),
        ("", "trigger", say(ROOM, "say"), "JOIN_DENIED"),
        ("", "trigger", say(OWNED, "say"), "PERMISSION_DENIED"),
        ("", "trigger", say("nowhere", "say"), "ROOM_NOT_FOUND"),
        ("", "subscribe", json!({"roomId": ROOM, "eventName": "say"}), "nothing"),
        ("", "subscribeAll", room(ROOM), "nothing"),
        ("", "getHistory", page(ROOM), "JOIN_DENIED"),
        ("", "getHistory", page(OWNED), "PERMISSION_DENIED"),
        ("", "deleteRoom", room(OWNED), "PERMISSION_DENIED"),
        (OWNED, "deleteRoom", room(OWNED), "PERMISSION_DENIED"),
        ("", "deleteRoom", room(ROOM), "PERMISSION_DENIED"),
        ("", "deleteRoom", room("nowhere"), "ROOM_NOT_FOUND"),
        ("", "createRoom", new(OWNED), "ROOM_EXISTS"),
        ("", "createRoom", new(ROOM), "JOIN_DENIED"),
        ("", "createRoom", new("room:new"), "JOIN_DENIED"),
        ("", "createRoom", new(""), "INVALID_REQUEST"),
        ("", "createRoom", json!({"id": "open:n", "name": 7}), "INVALID_REQUEST"),
        (OWNED, "trigger", say(OWNED, "phx_close"), "EVENT_NOT_ALLOWED"),
        (OWNED, "trigger", say(OWNED, "presence_diff"), "EVENT_NOT_ALLOWED"),
        (OWNED, "trigger", say(OWNED, "dialogue:roomDeleted"), "EVENT_NOT_ALLOWED"),
        (OWNED, "trigger", say(OWNED, "parlor:closing"), "EVENT_NOT_ALLOWED"),
        (OWNED, "trigger", say(OWNED, "*"), "EVENT_NOT_ALLOWED"),
        (OWNED, "trigger", say(OWNED, &"x".repeat(256)), "EVENT_NOT_ALLOWED"),
        (OWNED, "trigger", say(OWNED, "__proto__"), "dialogue:event"),
        ("read:1", "trigger", say("read:1", "say"), "EVENT_NOT_ALLOWED"),
        ("open:moderated", "trigger", say("open:moderated", "say"), "PERMISSION_DENIED"),
        ("", "connected", json!({"clientId": "x", "userId": "ann"}), "nothing"),
        ("", "roomDeleted", room(OWNED), "nothing"),
        ("", "event", say(ROOM, "say"), "nothing"),
    ] {
        let name = format!("dialogue:{name}");
        let attempt = format!("{name} {argument:.60}");
        report.tried(attempt, expected, asked(at, joined, &name, argument)).await;
    }
    let big = json!({"roomId": OWNED, "event": "say", "data": "x".repeat(5_000)});
    let attack = asked(at, OWNED, "dialogue:trigger", big);
    report.tried("a trigger past the limit", "VALIDATION_FAILED", attack).await;
    let attack = async {
        let mut visitor = Visitor::of("mallory", at).await;
        for number in 0..MAX_TOPICS {
            visitor.ask("dialogue:join", &room(&format!("open:{number}"))).await;
        }
        visitor.ask("dialogue:join", &room("open:more")).await
    };
    report.tried("one room too many", "JOIN_DENIED", attack).await;
}

async fn before_and_around(report: &mut Report) {
    let at = report.arena.at;
    let attack = async {
        let mut visitor = Visitor::transport(at).await;
        visitor.emit("dialogue:join", &json!({"roomId": ROOM})).await;
        visitor.closed().await
    };
    report.tried("an event before it says who it is", "1008", attack).await;
    let attack = async {
        let mut visitor = Visitor::transport(at).await;
        visitor.send("40/admin,{}").await;
        visitor.packet().await.unwrap_or_else(|end| end)
    };
    let expected = r#"44/admin,{"message":"Invalid namespace"}"#;
    report.tried("another namespace", expected, attack).await;
    let attack = async move {
        let mut visitor = Visitor::transport(at).await;
        let refused = visitor.enter(&json!({"userId": "ann"})).await;
        visitor.send(&format!("40{}", json!({"token": tokens::of("ann")}))).await;
        visitor.emit("dialogue:join", &json!({"roomId": ROOM})).await;
        format!("{refused}, then {}", visitor.packet().await.unwrap_or_else(|end| end))
    };
    report.begins("a second try by one transport", "not authenticated, then cut off", attack);
    let attack = async {
        let mut visitor = Visitor::of("mallory", at).await;
        let circle = tokens::claims_but("ann", &json!({"circle": "honest"}));
        visitor.send(&format!("40{}", json!({"token": tokens::hs256(&circle)}))).await;
        visitor.ask("dialogue:join", &json!({"roomId": ROOM})).await
    };
    report.tried("becoming another one half-way", "JOIN_DENIED", attack).await;
}

async fn malformed(report: &mut Report) {
    let at = report.arena.at;
    let long = format!(r#"42["x","{}"]"#, "x".repeat(MAX_MESSAGE_BYTES));
    // What it can't read of a command is ignored.
    let deep = format!(r#"42["dialogue:join",{}1{}]"#, "[".repeat(5_000), "]".repeat(5_000));
    for (what, text, expected) in [
        ("an empty packet", "4", "1008"),
        ("a packet of no kind", "49", "1008"),
        ("an event that is no list", "42{}", "1008"),
        ("an event without a name", "42[7]", "1008"),
        ("an event that is too long", &*long, "1009"),
    ] {
        let attack = async {
            let mut visitor = Visitor::of("mallory", at).await;
            visitor.send(text).await;
            visitor.closed().await
        };
        report.tried(format!("Socket.IO: {what}"), expected, attack).await;
    }
    // Attachments are refused when they are announced: none is waited for.
    for (what, text) in [
        ("an attachment", r#"451-["x",{"_placeholder":true,"num":0}]"#),
        ("a million attachments", r#"451000000-["x"]"#),
    ] {
        let attack = async {
            let mut visitor = Visitor::of("mallory", at).await;
            visitor.send(text).await;
            visitor.so_far().await
        };
        report.tried(format!("Socket.IO: {what}"), "INVALID_REQUEST", attack).await;
    }
    let attack = async {
        let mut visitor = Visitor::of("mallory", at).await;
        visitor.send(&deep).await;
        visitor.so_far().await
    };
    report.tried("Socket.IO: an event 5000 deep", "nothing", attack).await;
    for (what, message) in [
        ("no packet of Engine.IO", Message::Text("hello".into())),
        ("an empty text", Message::Text("".into())),
        ("2 MB", Message::Text("4".repeat(2 << 20).into())),
    ] {
        let attack = async {
            let mut visitor = Visitor::of("mallory", at).await;
            visitor.send_raw(message).await;
            visitor.closed().await
        };
        report.tried(format!("Engine.IO: {what}"), CUT, attack).await;
    }
    let attack = async {
        let mut visitor = Visitor::of("mallory", at).await;
        visitor.send_raw(Message::Binary(vec![0; 100].into())).await;
        visitor.so_far().await
    };
    report.tried("Engine.IO: bytes that no event announced", "nothing", attack).await;
    let attack = async {
        let mut visitor = Visitor::of("mallory", at).await;
        for _ in 0..=EVENTS_PER_WINDOW {
            visitor.send(r#"42["x"]"#).await;
        }
        visitor.closed().await
    };
    report.tried("Socket.IO: a flood of events", "1008", attack).await;
}

const PATH: &str = "/socket.io/?EIO=4&transport=polling";

/// One request by a connection of its own.
async fn request(at: SocketAddr, method: &str, query: &str, headers: &str, body: &str) -> String {
    let mut raw = Raw::connect(at).await;
    let head = format!(
        "{method} {query} HTTP/1.1\r\nhost: chat.example\r\nconnection: close\r\n\
         content-length: {}\r\n{headers}\r\n",
        body.len()
    );
    raw.write(head + body).await;
    raw.answer().await
}

/// Opens a session that polls; what comes after `sid=`.
async fn session(at: SocketAddr) -> String {
    let answer = request(at, "GET", PATH, "", "").await;
    let open: Value = serde_json::from_str(answer.strip_prefix("200 0").unwrap()).unwrap();
    open["sid"].as_str().unwrap().to_owned()
}

async fn polling(report: &mut Report) {
    let at = report.arena.at;
    let bob = report.honest.client_ids.concat();
    for (what, sid) in [
        ("the client id of bob", &*bob),
        ("a sid that was guessed", "AAAAAAAAAAAAAAAA"),
        ("a sid of another length", "AAAA"),
        ("an empty sid", ""),
        ("a sid that is a path", "../../x"),
    ] {
        for (method, body) in [("GET", ""), ("POST", "42[\"dialogue:listRooms\"]")] {
            let path = format!("{PATH}&sid={sid}");
            let attack = request(at, method, &path, "", body);
            let attempt = format!("{method} with {what}");
            report.tried(attempt, "400 {\"code\":\"1\"…", attack).await;
        }
    }
    for (what, path, expected) in [
        ("no parameters", "/socket.io/", "400 …"),
        ("another version", "/socket.io/?EIO=3&transport=polling", "400 …"),
        ("another transport", "/socket.io/?EIO=4&transport=carrier-pigeon", "400 …"),
        (
            "a namespace in the path",
            "/socket.io/admin?EIO=4&transport=polling",
            "404 nothing is served at this path, …",
        ),
    ] {
        report
            .tried(format!("polling with {what}"), expected, request(at, "GET", path, "", ""))
            .await;
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let attack = request(at, method, PATH, "", "40{}");
        report.tried(format!("{method} of no session"), "400 …", attack).await;
    }
    let attack = async {
        let path = format!("{PATH}&sid={}", session(at).await);
        request(at, "GET", &path, "origin: https://evil.example\r\n", "").await
    };
    let foreign = "403 origin not allowed";
    report.tried("a session of another origin's page", foreign, attack).await;
    let attack = async {
        let path = format!("{PATH}&sid={}", session(at).await);
        request(at, "POST", &path, "", r#"40{"userId":"ann"}"#).await;
        loop {
            let answer = request(at, "GET", &path, "", "").await;
            let Some(packets) = answer.strip_prefix("200 ") else { return answer };
            // Beside it, the transport asks whether the client lives.
            if let Some(packet) = packets.split('\u{1e}').find(|packet| *packet != "2") {
                return packet.to_owned();
            }
        }
    };
    let refused = r#"44{"message":"not authenticated"}"#;
    report.tried("no token, by polling", refused, attack).await;
    let attack = async {
        let path = format!("{PATH}&sid={}", session(at).await);
        // The transport asks at once whether the client lives.
        request(at, "GET", &path, "", "").await;
        let (one, two) =
            tokio::join!(request(at, "GET", &path, "", ""), request(at, "GET", &path, "", ""),);
        let mut both = [one, two].map(|answer| answer.get(..3).unwrap_or("?").to_owned());
        both.sort();
        both.join(" and ")
    };
    report.tried("two polls of a session at once", "200 and 400", attack).await;
}

async fn large_bodies(report: &mut Report) {
    let at = report.arena.at;
    let attack = async {
        let path = format!("{PATH}&sid={}", session(at).await);
        let body = format!("4{}", "x".repeat(3 << 20));
        request(at, "POST", &path, "content-type: text/plain\r\n", &body).await
    };
    report.tried("a body of 3 MB", "413…", attack).await;
    let attack = async {
        let mut raw = Raw::connect(at).await;
        let path = format!("{PATH}&sid={}", session(at).await);
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\n\
             transfer-encoding: chunked\r\n\r\n"
        );
        raw.write(head).await;
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        for _ in 0..64 {
            if !raw.write(&chunk).await {
                break;
            }
        }
        raw.answer().await
    };
    report.tried("chunks without an end", "413…", attack).await;
    let attack = async {
        let path = format!("{PATH}&sid={}", session(at).await);
        let body = "4".repeat(100_000);
        let body = format!("40{{}}\u{1e}{}", body.replace('4', "4\u{1e}"));
        request(at, "POST", &path, "content-type: text/plain\r\n", &body).await
    };
    report.tried("a hundred thousand packets in a body", "200 ok", attack).await;
    report.begins("a body that never ends", CUT, slow_body(at));
}

/// Begins a body and goes on holding it, for longer than somebody is let who says nothing.
async fn slow_body(at: SocketAddr) -> String {
    let mut raw = Raw::connect(at).await;
    let path = format!("{PATH}&sid={}", session(at).await);
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n4");
    raw.write(head).await;
    let mut silent = Raw::connect(at).await;
    if silent.ended(PATIENCE).await.is_none() {
        return "nobody is cut off".to_owned();
    }
    // Its own time was over before.
    let has_ended = raw.ended(Duration::from_secs(2)).await.is_some();
    if has_ended { CUT.to_owned() } else { "outlives handshakes".to_owned() }
}
