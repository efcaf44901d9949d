//! Settings that can be, and are hardly meant: what each comes to is logged when they are read.

use parlor::Limit;
use serde_json::{Map, Value};

use super::Settings;
use crate::operators::SameMachine;

/// How often clients of Phoenix send a heartbeat.
const HEARTBEAT_MS: u64 = 30_000;

/// A day.
const LONG_GRACE_MS: u64 = 86_400_000;

/// What is doubtful about the settings as a whole.
pub(super) fn about(settings: &Settings) -> Vec<String> {
    let limits = &settings.connections;
    let payload_bytes = settings.channel.limit(Limit::PayloadBytes);
    let message_bytes = limits.max_message_bytes as u64;
    let grace_ms = settings.channel.grace_ms();
    let doubts = [
        (limits.max_per_ip > limits.max).then(|| {
            let (one, all) = (limits.max_per_ip, limits.max);
            format!("connections.max_per_ip is {one} and never reached: connections.max is {all}")
        }),
        (limits.idle_ms <= HEARTBEAT_MS).then(|| {
            let idle_ms = limits.idle_ms;
            format!(
                "connections.idle_ms is {idle_ms}: Phoenix clients are silent for {HEARTBEAT_MS} ms"
            )
        }),
        (message_bytes < payload_bytes).then(|| {
            format!(
                "connections.max_message_bytes is {message_bytes}: no payload of \
                 limits.payload_bytes ({payload_bytes}) fits"
            )
        }),
        (grace_ms > LONG_GRACE_MS)
            .then(|| format!("grace_ms is {grace_ms}: clients that have gone are shown for days")),
        settings.origins.allows_none().then(|| {
            "origins.allowed is empty: no browser can connect, nor can the page at /".to_owned()
        }),
        (settings.same_machine == SameMachine::On && !settings.is_for_this_machine()).then(|| {
            "operators.same_machine is on and has no effect: others can reach the server".to_owned()
        }),
    ];
    doubts.into_iter().flatten().collect()
}

/// What is doubtful about rooms, in the part of the document that has them.
pub(super) fn about_rooms(part: &Map<String, Value>) -> Vec<String> {
    let default = part.get("default_room").map(|room| ("default_room".to_owned(), room));
    let rooms = part.get("rooms").and_then(Value::as_array);
    let rooms = rooms.into_iter().flatten().enumerate();
    let rooms = rooms.map(|(at, room)| (format!("rooms[{at}]"), room));
    let mut doubts = Vec::new();
    for (path, room) in default.into_iter().chain(rooms) {
        if room.get("max_members").and_then(Value::as_u64) == Some(0) {
            doubts.push(format!("{path}.max_members is 0: nobody can join"));
        }
    }
    let is_off = |key, off| part.get(key).and_then(Value::as_str) == Some(off);
    let has_none = part.get("rooms").and_then(Value::as_array).is_none_or(Vec::is_empty);
    let no_rooms = is_off("unlisted_topics", "refuse") && has_none;
    if no_rooms && !is_off("clients_open_rooms", "on") {
        doubts.push(
            "unlisted_topics is \"refuse\" and there are no rooms: nobody can join any".into(),
        );
    }
    doubts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let doubts = about(&Settings::from_toml(text).unwrap());
        assert_eq!(doubts.len(), expected.len(), "{text}: {doubts:?}");
        for (doubt, expected) in doubts.iter().zip(expected) {
            assert!(doubt.starts_with(expected), "{text}: {doubt}");
        }
    }

    #[test]
    fn what_is_hardly_meant_is_told() {
        check("", &[]);
        check("connections.max = 10", &["connections.max_per_ip is 1024 and never reached"]);
        check("connections.idle_ms = 30_000", &["connections.idle_ms is 30000"]);
        check("connections.idle_ms = 30_001", &[]);
        check("connections.max_message_bytes = 2_000", &["connections.max_message_bytes is 2000"]);
        check("grace_ms = 86_400_001", &["grace_ms is 86400001"]);
        check("origins.allowed = []", &["origins.allowed is empty"]);
        check("operators.same_machine = 'on'", &[]);
        let exposed = "operators.same_machine = 'on'\nserver.listen = '0.0.0.0:4000'";
        check(exposed, &["operators.same_machine is on and has no effect"]);
    }

    #[test]
    fn rooms_that_nobody_can_join_are_told() {
        let told = |part: Value| about_rooms(part.as_object().unwrap());
        assert_eq!(told(json!({})), Vec::<String>::new());
        let full = json!({"rooms": [{"pattern": "a"}, {"pattern": "b", "max_members": 0}]});
        assert_eq!(told(full), ["rooms[1].max_members is 0: nobody can join"]);
        let full = json!({"default_room": {"max_members": 0}});
        assert_eq!(told(full), ["default_room.max_members is 0: nobody can join"]);
        let refuses = json!({"unlisted_topics": "refuse"});
        assert!(told(refuses)[0].ends_with("nobody can join any"));
        let opened = json!({"unlisted_topics": "refuse", "clients_open_rooms": "on"});
        assert_eq!(told(opened), Vec::<String>::new());
    }
}
