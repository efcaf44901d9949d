//! A configuration as a JSON document, and what is wrong with one, and where.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, num::NonZeroU64};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeSeed, Error, IntoDeserializer, MapAccess, value::MapAccessDeserializer},
    ser::SerializeStruct,
};

use super::{
    ClientRooms, Config, ConfigBuilder, ConfigError, Limit, RateLimit, RoomConfig, UnlistedTopics,
    places,
};
use crate::{
    ids::{EventName, Topic},
    object::{self, or_default},
    payload,
};

/// What some editors put at the start of a file to say that it is UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

impl Config {
    /// Reads a configuration from a JSON document: an object of what differs from the default.
    ///
    /// ```
    /// let config = parlor::Config::from_json(r#"{
    ///     "limits": {"members_per_topic": 500},
    ///     "grace_ms": 30000,
    ///     "clients_open_rooms": "on",
    ///     "unlisted_topics": "refuse",
    ///     "rooms": [
    ///         {"pattern": "lobby"},
    ///         {"pattern": "chat:*", "max_members": 50, "events": [{"name": "*", "history": 100}]}
    ///     ]
    /// }"#)?;
    /// assert_eq!(config.grace_ms(), 30_000);
    /// assert_eq!(config.declared().count(), 1);
    ///
    /// let wrong = parlor::Config::from_json(r#"{"rooms": [{"pattern": "a", "dedupe": -1}]}"#);
    /// assert_eq!(
    ///     wrong.unwrap_err().to_string(),
    ///     "line 1, column 40: rooms[0].dedupe: invalid value: integer `-1`, \
    ///      expected a whole number from 0 to 4294967295",
    /// );
    /// # Ok::<(), parlor::ConfigFileError>(())
    /// ```
    ///
    /// Its fields are those of [`ConfigBuilder`]: `limits` (an object of
    /// [labels](Limit::label) and numbers), `reserved`, `first_epoch`, `first_ref`, `incarnation`,
    /// `grace_ms`, `clients_open_rooms` (`"on"` or `"off"`), `room_rate_limit`, `unlisted_topics`
    /// (`"create"` or `"refuse"`),
    /// `default_room`, and `rooms`, a list in which each room has its `pattern` beside the fields
    /// of a [`RoomConfig`]. What is absent or `null` is as by default; an unknown field is an
    /// error. The key of the hash tables is a secret, and in no document: see
    /// [`Config::with_hash_key`].
    ///
    /// # Errors
    ///
    /// Refused is what is no such document, and what [`ConfigBuilder::build`] refuses.
    pub fn from_json(text: &str) -> Result<Self, ConfigFileError> {
        let json = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let wrong = |(line, column), path, message| {
            let mark = if line == 1 { text.len() - json.len() } else { 0 };
            ConfigFileError { line, column: column + mark as u64, path, message }
        };

        let builder = read(json).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            // Where the grammar wants something else, the last byte that was read is that.
            let read = places::offset_of(json, line, column);
            let good = if error.is_syntax() { read.saturating_sub(1) } else { read };
            let path = places::path_at(json, good);
            wrong((line.max(1) as u64, column.max(1) as u64), path, explain(&error))
        })?;
        builder.check().map_err(|(path, error)| {
            // The path says which room it is.
            let message = if let ConfigError::InvalidRoom { pattern: _, flaw } = error {
                flaw.to_string()
            } else {
                error.to_string()
            };
            wrong(places::line_and_column(json, places::start_of(json, &path)), path, message)
        })?;
        Ok(builder.finish())
    }

    /// Writes the configuration as a JSON document, without the key of the hash tables.
    ///
    /// Limits and settings are written also where they are as by default, so that the document
    /// means the same wherever it is read; of rooms, what differs.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "names, numbers and texts can all be written")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a configuration is an object of values that JSON has")
    }
}

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            limits: _,
            reserved,
            first_epoch,
            first_ref,
            incarnation,
            hash_key: _,
            grace_ms,
            clients_open_rooms,
            room_rate_limit,
            unlisted_topics,
            default_room,
            patterns,
        } = self;
        let mut document = serializer.serialize_struct("Config", 11)?;
        document.serialize_field("limits", &Limits(self))?;
        document.serialize_field("reserved", reserved.prefixes())?;
        document.serialize_field("first_epoch", first_epoch)?;
        document.serialize_field("first_ref", first_ref)?;
        document.serialize_field("incarnation", incarnation)?;
        document.serialize_field("grace_ms", grace_ms)?;
        document.serialize_field("clients_open_rooms", clients_open_rooms)?;
        document.serialize_field("room_rate_limit", room_rate_limit)?;
        document.serialize_field("unlisted_topics", unlisted_topics)?;
        document.serialize_field("default_room", default_room.as_ref())?;
        let rooms = patterns.listed().map(|(pattern, room)| PatternAndRoom { pattern, room });
        document.serialize_field("rooms", &rooms.collect::<Vec<_>>())?;
        document.end()
    }
}

struct Limits<'a>(&'a Config);

impl Serialize for Limits<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Limit::ALL.map(|limit| (limit.label(), self.0.limit(limit))))
    }
}

#[derive(Serialize)]
struct PatternAndRoom<'a> {
    pattern: &'a Topic,
    #[serde(flatten)]
    room: &'a RoomConfig,
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document: Document = object::fields(deserializer)?;
        let builder = document.into_builder();
        builder.check().map_err(|(path, error)| D::Error::custom(format!("{path}: {error}")))?;
        Ok(builder.finish())
    }
}

fn read(json: &str) -> Result<ConfigBuilder, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let document: Document = object::fields(&mut deserializer)?;
    deserializer.end()?;
    Ok(document.into_builder())
}

/// What a document says.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Document {
    #[serde(deserialize_with = "limits")]
    limits: Vec<(Limit, u64)>,
    reserved: Option<Vec<EventName>>,
    first_epoch: Option<u64>,
    first_ref: Option<NonZeroU64>,
    incarnation: Option<u64>,
    grace_ms: Option<u64>,
    clients_open_rooms: Option<ClientRooms>,
    #[serde(deserialize_with = "object::optional")]
    room_rate_limit: Option<RateLimit>,
    unlisted_topics: Option<UnlistedTopics>,
    #[serde(deserialize_with = "object::optional")]
    default_room: Option<RoomConfig>,
    #[serde(deserialize_with = "or_default")]
    rooms: Vec<Listed>,
}

impl Document {
    fn into_builder(self) -> ConfigBuilder {
        let mut builder = Config::builder();
        for (limit, value) in self.limits {
            builder = builder.limit(limit, value);
        }
        if let Some(prefixes) = self.reserved {
            builder = builder.reserved(prefixes);
        }
        if let Some(epoch) = self.first_epoch {
            builder = builder.first_epoch(epoch);
        }
        if let Some(number) = self.first_ref {
            builder = builder.first_ref(number);
        }
        if let Some(incarnation) = self.incarnation {
            builder = builder.incarnation(incarnation);
        }
        if let Some(grace_ms) = self.grace_ms {
            builder = builder.grace_ms(grace_ms);
        }
        if let Some(clients_open_rooms) = self.clients_open_rooms {
            builder = builder.clients_open_rooms(clients_open_rooms);
        }
        if let Some(room_rate_limit) = self.room_rate_limit {
            builder = builder.room_rate_limit(room_rate_limit);
        }
        if let Some(unlisted_topics) = self.unlisted_topics {
            builder = builder.unlisted_topics(unlisted_topics);
        }
        if let Some(room) = self.default_room {
            builder = builder.default_room(room);
        }
        for Listed { pattern, room } in self.rooms {
            builder = builder.room(pattern, room);
        }
        builder
    }
}

/// Reads limits by their labels, each at most once.
fn limits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(Limit, u64)>, D::Error> {
    #[derive(Default)]
    struct ByLabel(Vec<(Limit, u64)>);

    impl<'de> Deserialize<'de> for ByLabel {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(LimitsVisitor)
        }
    }

    struct LimitsVisitor;

    impl<'de> de::Visitor<'de> for LimitsVisitor {
        type Value = ByLabel;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of limits")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ByLabel, A::Error> {
            let mut limits: Vec<(Limit, u64)> = Vec::new();
            while let Some(label) = map.next_key::<String>()? {
                let known = Limit::ALL.into_iter().find(|limit| limit.label() == label);
                let Some(limit) = known else { return Err(unknown_limit(&label)) };
                if limits.iter().any(|(other, _)| *other == limit) {
                    return Err(A::Error::duplicate_field(limit.label()));
                }
                let value: Option<u64> = map.next_value()?;
                limits.push((limit, value.unwrap_or_else(|| limit.default_value())));
            }
            Ok(ByLabel(limits))
        }
    }

    let ByLabel(limits) = or_default(deserializer)?;
    Ok(limits)
}

fn unknown_limit<E: Error>(label: &str) -> E {
    let labels = Limit::ALL.map(|limit| format!("`{limit}`")).join(", ");
    E::custom(format!("unknown limit `{label}`, expected one of {labels}"))
}

/// A pattern, and beside it the fields of a room.
struct Listed {
    pattern: Topic,
    room: RoomConfig,
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListedVisitor;

        impl<'de> de::Visitor<'de> for ListedVisitor {
            type Value = Listed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of a pattern and the fields of a room")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Listed, A::Error> {
                let mut pattern = None;
                let others = Others { map, pattern: &mut pattern };
                let room = RoomConfig::deserialize(MapAccessDeserializer::new(others))?;
                let pattern = pattern.ok_or_else(|| A::Error::missing_field(PATTERN))?;
                Ok(Listed { pattern, room })
            }
        }

        deserializer.deserialize_map(ListedVisitor)
    }
}

const PATTERN: &str = "pattern";

/// The fields of an object but for the pattern, which is put aside. (Serde's `flatten` reads values
/// into a form that raw JSON does not come out of.)
struct Others<'a, A> {
    map: A,
    pattern: &'a mut Option<Topic>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Others<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.map.next_key::<String>()? {
            if key != PATTERN {
                return seed.deserialize(key.into_deserializer()).map(Some);
            }
            if self.pattern.is_some() {
                return Err(A::Error::duplicate_field(PATTERN));
            }
            *self.pattern = Some(self.map.next_value()?);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// A document that is no configuration. Its `Display` says where, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigFileError {
    /// Which line, counted from 1.
    pub line: u64,
    /// Which byte of the line, counted from 1: that at which reading stopped, or at which the value
    /// starts that can't be.
    pub column: u64,
    /// In what: `rooms[2].max_members`. Empty for the document as a whole.
    pub path: String,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl fmt::Display for ConfigFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, path, message } = self;
        let colon = if path.is_empty() { "" } else { ": " };
        write!(f, "line {line}, column {column}: {path}{colon}{message}")
    }
}

impl core::error::Error for ConfigFileError {}

/// What was expected, in words for whoever wrote the document.
fn explain(error: &serde_json::Error) -> String {
    let said = payload::explain(error);
    if let Some(unknown) = said.strip_prefix("unknown variant") {
        return format!("unknown name{unknown}");
    }
    match said.as_str() {
        "key must be a string" => "expected a name in double quotes".into(),
        "trailing comma" => "a comma ends the list, expected one more after it".into(),
        _ if said.starts_with("duplicate field") => format!("{said}, expected one"),
        _ => said,
    }
}

#[cfg(test)]
mod tests;
