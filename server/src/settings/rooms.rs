//! Takes the schemas of events out of the rooms, which the core then reads without them.

use std::path::Path;

use serde_json::{Map, Value};

use super::{
    document::{field, item},
    error::Wrong,
    sections::read_text,
    table::kind,
};
use crate::{
    rules::Pattern,
    schema::{self, Schema, SchemaError},
};

/// The schemas of all rooms.
#[derive(Debug)]
pub(super) struct RoomSchemas(pub(super) schema::RoomSchemas);

impl RoomSchemas {
    /// What is not as it has to be stays for the core to refuse, but for schemas.
    pub(super) fn take(channel: &mut Map<String, Value>, directory: &Path) -> Result<Self, Wrong> {
        let mut schemas = schema::RoomSchemas::default();
        if let Some(Value::Object(room)) = channel.get_mut("default_room") {
            schemas.set_default(take_events(room, "default_room", directory)?);
        }
        let rooms = channel.get_mut("rooms").and_then(Value::as_array_mut);
        for (at, room) in rooms.into_iter().flatten().enumerate() {
            let Value::Object(room) = room else { continue };
            let events = take_events(room, &item("rooms", at), directory)?;
            let pattern = room.get("pattern").and_then(Value::as_str);
            if let Some(Ok(pattern)) = pattern.map(str::parse::<Pattern>) {
                schemas.add(pattern, events);
            }
        }
        Ok(Self(schemas))
    }
}

/// All events of a room by name, each with the schema that it has.
fn take_events(
    room: &mut Map<String, Value>,
    path: &str,
    directory: &Path,
) -> Result<Vec<(String, Option<Schema>)>, Wrong> {
    let path = field(path, "events");
    let events = room.get_mut("events").and_then(Value::as_array_mut);
    let mut taken = Vec::new();
    for (at, event) in events.into_iter().flatten().enumerate() {
        let Value::Object(event) = event else { continue };
        let schema = take_schema(event, &item(&path, at), directory)?;
        if let Some(Value::String(name)) = event.get("name") {
            taken.push((name.clone(), schema));
        }
    }
    Ok(taken)
}

fn take_schema(
    event: &mut Map<String, Value>,
    path: &str,
    directory: &Path,
) -> Result<Option<Schema>, Wrong> {
    let inline = event.remove("schema");
    let in_file = event.remove("schema_file");
    let (inline_key, file_key) = (field(path, "schema"), field(path, "schema_file"));
    match (inline, in_file) {
        (None, None) => Ok(None),
        (Some(json), None) => schema_in_text(json, inline_key).map(Some),
        (None, Some(Value::String(file))) => {
            let schema = schema_in_file(directory, file);
            schema.map(Some).map_err(|message| Wrong::new(file_key, message))
        }
        (None, Some(other)) => {
            let message = format!("expected the path of a file, got {}", kind(&other));
            Err(Wrong::new(file_key, message))
        }
        (Some(_), Some(_)) => Err(Wrong::new(file_key, "expected it or `schema`, got both")),
    }
}

fn schema_in_text(json: Value, key: String) -> Result<Schema, Wrong> {
    Schema::new(json)
        .map_err(|SchemaError { pointer, message }| Wrong::new(inside(key, &pointer), message))
}

fn schema_in_file(directory: &Path, file: String) -> Result<Schema, String> {
    let text = read_text(directory, file.into())?;
    let json = serde_json::from_str(&text)
        .map_err(|error| format!("this file is no JSON ({error}), expected a schema"))?;
    Schema::new(json).map_err(|SchemaError { pointer, message }| {
        let colon = if pointer.is_empty() { "" } else { ": " };
        format!("{pointer}{colon}{message}")
    })
}

/// The path of what a JSON pointer leads to in the value at `path`.
fn inside(path: String, pointer: &str) -> String {
    pointer.split('/').skip(1).fold(path, |path, step| match step.parse() {
        Ok(at) => item(&path, at),
        Err(_) => field(&path, &step.replace("~1", "/").replace("~0", "~")),
    })
}
