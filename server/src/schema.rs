//! JSON Schema of what is said, by room and name of the message.
//!
//! A schema holds where the definition that it stands in holds: the narrowest pattern is the room's,
//! and in it the exact name beats `*`. Nothing is fetched from anywhere, and patterns are matched in
//! time that is linear in the text, since texts come from clients. Of a key that an object has twice
//! the last counts, as in JavaScript; what is passed on is what was sent.

use jsonschema::{PatternOptions, ValidationError, error::ValidationErrorKind};
use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use parlor::{Event, EventName, Payload, Topic};
use serde_json::Value;

use crate::rules::Pattern;

/// The longest text of what was expected, in characters: a schema may be pages long.
const LONGEST: usize = 600;

/// What `type` can be.
const EXPECTED_TYPE: &str = "expected \"array\", \"boolean\", \"integer\", \"null\", \"number\", \
                             \"object\" or \"string\", or a list of some of them";

/// A schema that has been compiled.
#[derive(Debug)]
pub(crate) struct Schema {
    validator: jsonschema::Validator,
    /// What it was made of, to say what was expected.
    json: Value,
}

/// Why something is no schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SchemaError {
    /// Where in it, as a JSON pointer.
    pub(crate) pointer: String,
    /// What is wrong, and what was expected.
    pub(crate) message: String,
}

impl Schema {
    /// Compiles a schema, or says what is wrong with it.
    pub(crate) fn new(json: Value) -> Result<Self, SchemaError> {
        if !json.is_object() && !json.is_boolean() {
            let message =
                format!("{}, expected a schema, which is a table", bounded(&json.to_string()));
            return Err(SchemaError { pointer: String::new(), message });
        }
        let options = jsonschema::options()
            .offline()
            .with_pattern_options(PatternOptions::regex())
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false);
        match options.build(&json) {
            Ok(validator) => Ok(Self { validator, json }),
            Err(error) => {
                let said = bounded(&error.to_string());
                let is_any_of = matches!(error.kind(), ValidationErrorKind::AnyOf { .. });
                let message = if is_any_of && error.instance_path().as_str().ends_with("/type") {
                    // What the schema of schemas says of it is how it is written, not what it means.
                    let got = bounded(&error.instance().to_string());
                    format!("{got} is no type, {EXPECTED_TYPE}")
                } else if matches!(error.kind(), ValidationErrorKind::Referencing(_)) {
                    format!("{said}, expected references that lead into the schema itself")
                } else {
                    format!("{said}, expected a JSON Schema")
                };
                Err(SchemaError { pointer: error.instance_path().as_str().to_owned(), message })
            }
        }
    }

    /// Says where a payload is not as it has to be, and what was expected.
    pub(crate) fn check(&self, payload: &Payload) -> Result<(), String> {
        let Payload::Json(json) = payload else {
            return Err("payload is bytes, expected JSON".into());
        };
        let value = serde_json::from_str::<Value>(json.as_str())
            .map_err(|error| format!("payload can't be read, expected JSON: {error}"))?;
        self.validator.validate(&value).map_err(|error| {
            let said = bounded(&error.masked().to_string());
            let place = format!("payload{}", error.instance_path());
            match self.expected(&error) {
                // Which type it has to be is said once.
                Some(("type", expected)) => {
                    format!(
                        "{place}: value is {}, expected type {expected}",
                        kind(error.instance())
                    )
                }
                Some((keyword, expected)) => {
                    format!(
                        "{place}: {said}, expected {keyword} {}",
                        bounded(&expected.to_string())
                    )
                }
                None => format!("{place}: {said}"),
            }
        })
    }

    /// What the schema says where an error is from, if that is a keyword with a value.
    fn expected(&self, error: &ValidationError<'_>) -> Option<(&str, &Value)> {
        let (parent, keyword) = error.schema_path().as_str().rsplit_once('/')?;
        self.json
            .pointer(parent)?
            .as_object()?
            .get_key_value(keyword)
            .map(|(keyword, value)| (keyword.as_str(), value))
    }
}

/// What a value is, in the words of JSON.
const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn bounded(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// What payloads have to be like, by room and event name: `schema` and `schema_file` in the `[[rooms]]`
/// of the settings. By default there are none.
///
/// A payload is compared in the task of its connection, since that can take long: the engine, which
/// has everybody's messages to handle, takes only what has come of it.
#[derive(Debug, Clone, Default)]
pub struct Schemas(Option<Arc<RoomSchemas>>);

/// The schemas of all rooms, with the definitions that have none: they hide wider ones.
#[derive(Debug, Default)]
pub(crate) struct RoomSchemas {
    rooms: Vec<(Pattern, Definitions)>,
    default_room: Definitions,
}

type Definitions = Vec<(String, Option<Schema>)>;

impl Schemas {
    pub(crate) fn new(rooms: RoomSchemas) -> Self {
        Self((!rooms.is_empty()).then(|| Arc::new(rooms)))
    }

    /// What is wrong with the payload of an event and what was expected, for people; none if nothing is,
    /// or no schema holds for it.
    #[must_use]
    pub fn flaw_of(&self, event: &Event) -> Option<String> {
        let (Some(rooms), Event::Broadcast(said)) = (&self.0, event) else { return None };
        let schema = rooms.of(&said.topic, &said.event)?;
        // As with a guard's rule, a defect costs the message and not the connection.
        let checked = panic::catch_unwind(AssertUnwindSafe(|| schema.check(&said.payload)));
        checked.unwrap_or_else(|_| Err("the payload could not be checked".into())).err()
    }
}

impl RoomSchemas {
    pub(crate) fn add(&mut self, pattern: Pattern, events: Definitions) {
        self.rooms.push((pattern, events));
    }

    pub(crate) fn set_default(&mut self, events: Definitions) {
        self.default_room = events;
    }

    fn of(&self, topic: &Topic, event: &EventName) -> Option<&Schema> {
        let rooms = self.rooms.iter().filter(|(pattern, _)| pattern.matches(topic.as_str()));
        let room = rooms.max_by_key(|(pattern, _)| pattern.rank());
        let events = room.map_or(&self.default_room, |(_, events)| events);
        let exact = events.iter().find(|(name, _)| event == name.as_str());
        let definition = exact.or_else(|| events.iter().find(|(name, _)| name == "*"))?;
        definition.1.as_ref()
    }

    fn is_empty(&self) -> bool {
        let mut all = self.rooms.iter().map(|(_, events)| events).chain([&self.default_room]);
        all.all(|events| events.iter().all(|(_, schema)| schema.is_none()))
    }
}
