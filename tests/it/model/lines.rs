//! The text part of the model: event lines in, outbound lines out, as spec section 3 writes them.
//!
//! Knows fields and their order, and nothing of rooms. JSON text is never empty, so an empty one
//! stands for a field that is absent.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// One event as it was written: its label and the raw text of its fields.
pub(super) struct Ask {
    pub(super) to: String,
    fields: BTreeMap<String, Box<RawValue>>,
}

impl Ask {
    /// Section 3: null reads as absent except for a payload; a broadcast's event has a default.
    pub(super) fn read(line: &str) -> Self {
        let line = match line.trim() {
            r#""restart""# => r#"{"restart":{}}"#,
            object => object,
        };
        let mut event: BTreeMap<String, BTreeMap<String, Box<RawValue>>> =
            serde_json::from_str(line).expect("an event is an object in an object");
        let (to, mut fields) = event.pop_first().expect("an event has a label");
        fields.retain(|name, value| name == "payload" || value.get() != "null");
        if to == "broadcast" && !fields.contains_key("event") {
            let message = RawValue::from_string("\"message\"".into());
            fields.insert("event".into(), message.expect("it is JSON"));
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

    /// Section 2: the field as it goes out: payload and meta as written, all else is a string.
    pub(super) fn json(&self, field: &str) -> String {
        if !self.has(field) || field == "payload" || field == "meta" {
            return on_one_line(self.raw(field));
        }
        json(&self.text(field))
    }

    /// Section 3: these fields in this order, each as given, or as the event has it, or left out.
    pub(super) fn outbound(&self, kind: &str, names: &str, given: &[(&str, String)]) -> String {
        let mut values = Vec::new();
        for name in names.split(' ') {
            let value = given.iter().find(|(given, _)| *given == name);
            values.push(value.map_or_else(|| self.json(name), |(_, value)| value.clone()));
        }
        object(kind, &[object(names, &values)])
    }

    /// Section 4, "Replies": a server event's reply has no `client_id`.
    pub(super) fn reply(&self, status: &str, body: String) -> String {
        let names = match self.to.as_str() {
            "push" => "to topic status payload ref",
            _ => "to client_id topic status payload ref",
        };
        let (to, status) = (json(&self.to), json(status));
        self.outbound("reply", names, &[("to", to), ("status", status), ("payload", body)])
    }

    /// Section 12: a refusal always replies; a limit that was reached is named.
    pub(super) fn refuse(&self, refusal: &str) -> String {
        let mut words = refusal.split(' ').map(json);
        let [reason, limit] = [words.next(), words.next()].map(Option::unwrap_or_default);
        self.reply("error", object("reason message limit", &[reason, json("…"), limit]))
    }

    /// Section 4, "Replies": broadcast and push reply ok only to a `ref`.
    pub(super) fn reply_if_asked(&self, body: String) -> Vec<String> {
        let mut said = vec![self.reply("ok", body)];
        said.retain(|_| self.has("ref"));
        said
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

/// Section 3: a string, a number, a boolean or a list of names as JSON text.
pub(super) fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("names and numbers always serialise")
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
