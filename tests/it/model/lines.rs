//! The text part of the model: event lines in, outbound lines out, as spec section 3 writes them.
//!
//! Knows fields and their order, and nothing of rooms. JSON text is never empty, so an empty one
//! stands for a field that is absent.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The raw text of an object's fields, by name.
pub(super) type Fields = BTreeMap<String, Box<RawValue>>;

/// One event as it was written: its label and the raw text of its fields.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) to: String,
    fields: Fields,
}

impl Ask {
    /// Section 3: null reads as absent except for a payload; some fields have a default. A
    /// publish's target stands as a field of the kind of target as well.
    pub(super) fn read(line: &str) -> Self {
        let line = match line.trim() {
            r#""restart""# => r#"{"restart":{}}"#,
            object => object,
        };
        let mut event: BTreeMap<String, Fields> =
            serde_json::from_str(line).expect("an event is an object in an object");
        let (to, mut fields) = event.pop_first().expect("an event has a label");
        fields.retain(|name, value| name == "payload" || value.get() != "null");
        let mut default = |name: &str, value: &str| {
            let raw = RawValue::from_string(value.into()).expect("it is JSON");
            fields.entry(name.into()).or_insert(raw);
        };
        match to.as_str() {
            "broadcast" => default("event", "\"message\""),
            "publish" => default("from", "\"system\""),
            "history" => {
                default("start", "0");
                default("end", "50");
            }
            _ => {}
        }
        let target = fields.get("target").map_or("{}", |target| target.get());
        if let Ok(target) = serde_json::from_str::<Fields>(target) {
            fields.extend(target);
        }
        Self { to, fields }
    }

    /// Section 3: whether an optional field is there.
    pub(super) fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// Section 2: the field as the sender wrote it.
    pub(super) fn raw(&self, field: &str) -> &str {
        self.fields.get(field).map_or("", |value| value.get())
    }

    /// Section 3: the string that the field holds; empty if it is absent.
    pub(super) fn text(&self, field: &str) -> String {
        match self.raw(field) {
            "" => String::new(),
            raw => serde_json::from_str(raw).expect("the field is a string"),
        }
    }

    /// Section 3: the whole number that the field holds.
    pub(super) fn number(&self, field: &str) -> u64 {
        self.raw(field).parse().expect("the field is a whole number")
    }

    /// Section 3: the list of names that the field holds; empty if it is absent.
    pub(super) fn names(&self, field: &str) -> Vec<String> {
        match self.raw(field) {
            "" => Vec::new(),
            raw => serde_json::from_str(raw).expect("the field is a list of strings"),
        }
    }

    /// Section 2: the string as it goes out; empty if it is absent.
    pub(super) fn json(&self, field: &str) -> String {
        if self.has(field) { json(&self.text(field)) } else { String::new() }
    }

    /// Section 4, "Replies": to a server's event without `client_id`, to one that opens or closes a
    /// room for a client with that. The guard's refusal is a reply to what it has refused.
    pub(super) fn reply(&self, status: &str, body: String) -> String {
        let (mut to, mut client) = (json(&self.to), self.json("client_id"));
        match self.to.as_str() {
            "push" | "publish" | "kick" | "add_to_group" | "remove_from_group" => client.clear(),
            "open_room" | "close_room" => client = self.json("by"),
            "refuse" => to = self.json("to"),
            _ => {}
        }
        let values = [to, client, self.json("topic"), json(status), body, self.json("ref")];
        object("reply", &[object("to client_id topic status payload ref", &values)])
    }

    /// Section 12: why not, with the limit that was reached or when to try again.
    pub(super) fn refuse(&self, refusal: &str) -> String {
        let (reason, more) = refusal.split_once(' ').unwrap_or((refusal, ""));
        let (limit, retry) = match (reason, more) {
            (_, "") => (String::new(), String::new()),
            ("rate_limited", retry) => (String::new(), retry.to_owned()),
            (_, limit) => (json(limit), String::new()),
        };
        let values = [json(reason), json("…"), limit, retry];
        self.reply("error", object("reason message limit retry_after_ms", &values))
    }
}

/// Section 3: an object of these fields in this order, without the absent (empty) ones.
pub(super) fn object(names: &str, values: &[String]) -> String {
    let mut fields = Vec::new();
    for (name, value) in names.split_whitespace().zip(values) {
        if !value.is_empty() {
            fields.push(format!("\"{name}\":{value}"));
        }
    }
    format!("{{{}}}", fields.join(","))
}

/// Section 3: a list of JSON texts.
pub(super) fn list(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}

/// Section 3: a string, a number, a boolean or a list of names as JSON text.
pub(super) fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("names and numbers always serialise")
}

/// Section 3: a name as JSON text; an empty one is absent.
pub(super) fn json_or_absent(name: &str) -> String {
    if name.is_empty() { String::new() } else { json(name) }
}

/// Section 2: a line break between JSON tokens is written as a space; nothing else changes.
pub(super) fn on_one_line(raw: &str) -> String {
    raw.replace(['\n', '\r'], " ")
}

/// Section 2: a scalar is 0 deep, `[]` is 1, `[[]]` is 2; brackets inside strings don't count.
pub(super) fn depth(raw: &str) -> u32 {
    let (mut now, mut deepest, mut in_string, mut escaped) = (0_u32, 0, false, false);
    for char in raw.chars() {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => in_string = !in_string,
            '[' | '{' if !in_string => now += 1,
            ']' | '}' if !in_string => now -= 1,
            _ => {}
        }
        deepest = deepest.max(now);
    }
    deepest
}
