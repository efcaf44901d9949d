//! What back ends do leaves one line in the log.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tracing::subscriber::DefaultGuard;

use super::usual;
use crate::operators::KEY;

/// What is logged on this thread, which is all that there is of such a test.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().map_err(|_poisoned| io::ErrorKind::Other)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Takes what is logged on this thread from here on.
    pub fn take() -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().json().flatten_event(true);
        let subscriber = subscriber.with_writer(move || writer.clone()).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// The lines with such a message.
    pub fn lines(&self, message: &str) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["message"] == message).collect()
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines about what back ends do, without what all of them have.
    fn deeds(&self) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let of_api = |line: &Value| line["target"].as_str().unwrap().contains("::api");
        let deeds = lines.filter(of_api).map(|mut line| {
            for (key, expected) in
                [("level", "INFO"), ("message", "asked by a back end"), ("peer", "127.0.0.1")]
            {
                assert_eq!(line[key], expected, "{line}");
            }
            let fields = line.as_object_mut().unwrap();
            for key in ["timestamp", "level", "target", "message", "peer"] {
                fields.remove(key);
            }
            line
        });
        deeds.collect()
    }
}

#[tokio::test]
async fn what_back_ends_do_is_in_the_log_and_nothing_of_what_they_say() {
    let (log, _logging) = Log::take();

    let running = usual().await;
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    let clients = running.get("/api/users/ann/clients").await;
    let client = &clients["clients"][0];
    assert!(log.deeds().is_empty(), "who looks changes nothing");

    let publish = |target: Value| json!({"target": target, "event": "notice", "payload": "payload-of-this", "meta": "payload-of-this"});
    let too_long = "x".repeat(300);
    let mut expected = Vec::new();
    for (method, path, body, line) in [
        ("POST", "/api/publish", publish(json!({"topic": "room:1"})), {
            json!({"what": "publish", "topic": "room:1", "event": "notice", "from": "system"})
        }),
        ("POST", "/api/publish", publish(json!({"user": "ann"})), {
            json!({"what": "publish", "user": "ann", "event": "notice", "from": "system"})
        }),
        ("POST", "/api/publish", publish(json!({"client": client})), {
            json!({"what": "publish", "client": client, "event": "notice", "from": "system"})
        }),
        ("POST", "/api/publish", publish(json!("everyone")), {
            json!({"what": "publish to everyone", "event": "notice", "from": "system"})
        }),
        ("POST", "/api/publish", publish(json!({"topic": "room:9"})), {
            json!({"what": "publish", "topic": "room:9", "event": "notice", "from": "system",
                "refused": "unknown_topic"})
        }),
        ("POST", "/api/publish", publish(json!({"topic": too_long})), {
            json!({"what": "publish", "topic": format!("{}…", &too_long[..256]), "event": "notice",
                "from": "system", "refused": "invalid_name"})
        }),
        ("PATCH", "/api/groups/g", json!({"add": ["room:1", "room:2"], "remove": ["room:2"]}), {
            json!({"what": "change group", "group": "g", "added": "room:1 room:2", "removed": "room:2"})
        }),
        ("POST", "/api/publish", publish(json!({"group": "g"})), {
            json!({"what": "publish", "group": "g", "event": "notice", "from": "system"})
        }),
        ("POST", "/api/rooms", json!({"topic": "room:3"}), {
            json!({"what": "open room", "topic": "room:3"})
        }),
        ("POST", "/api/rooms", json!({"topic": "room:3"}), {
            json!({"what": "open room", "topic": "room:3", "refused": "room_exists"})
        }),
        ("DELETE", "/api/rooms/room:3", Value::Null, {
            json!({"what": "close room", "topic": "room:3"})
        }),
        ("POST", "/api/kick", json!({"target": {"client": client}, "topic": "room:1"}), {
            json!({"what": "kick", "client": client, "topic": "room:1"})
        }),
        ("POST", "/api/kick", json!({"target": {"user": "ann"}}), {
            json!({"what": "kick", "user": "ann"})
        }),
    ] {
        let body = (!body.is_null()).then(|| body.to_string());
        running.ask(method, path, body.as_deref()).await;
        expected.push(line);
        assert_eq!(log.deeds(), expected, "{method} {path} {body:?}");
    }
    let text = log.text();
    assert!(!text.contains("payload-of-this") && !text.contains(KEY), "{text}");
}
