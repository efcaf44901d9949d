//! What messages carry: JSON as raw text, or bytes; shared and never re-encoded.
//!
//! JSON is checked to be one value when it is made and its depth is measured then; how large and
//! how deep it may be is decided where an event is handled. Knows nothing about what it means.

use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::{
    fmt,
    hash::{Hash, Hasher},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeStruct};
use serde_json::value::{RawValue, to_raw_value};

use crate::base64;

/// One JSON value as its sender wrote it: `1.50`, `"\u00e9"`, `{ "b":1,"a":2 }` stay as they are.
///
/// Cloning costs a reference count. Two are equal if their text is, byte for byte. In a form of
/// one object a line, a line break between tokens is written as a space; nothing else changes.
#[derive(Clone)]
pub struct Json {
    text: Arc<RawValue>,
    depth: u32,
}

/// A text that is not one JSON value; its `Display` says where and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// Line and column, both from 1; none for a value that can't be written.
    place: Option<(usize, usize)>,
    message: String,
}

impl Json {
    /// Takes `text` as it is, in one pass over it.
    ///
    /// # Errors
    ///
    /// A text that is not exactly one JSON value is refused.
    ///
    /// ```
    /// let json = parlor::Json::parse(r#"{ "b":1.50, "a":"\u00e9" }"#)?;
    /// assert_eq!(json.as_str(), r#"{ "b":1.50, "a":"\u00e9" }"#);
    /// assert!(parlor::Json::parse("{} {}").is_err());
    /// # Ok::<(), parlor::JsonError>(())
    /// ```
    pub fn parse(text: impl Into<String>) -> Result<Self, JsonError> {
        RawValue::from_string(text.into()).map(Self::new).map_err(|error| JsonError::new(&error))
    }

    /// Writes `value` as JSON.
    ///
    /// # Errors
    ///
    /// What serde can't write as JSON, such as a map with keys that are no strings, is refused.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, JsonError> {
        to_raw_value(value).map(Self::new).map_err(|error| JsonError::new(&error))
    }

    fn new(text: Box<RawValue>) -> Self {
        let depth = depth(text.get().as_bytes());
        Self { text: text.into(), depth }
    }

    /// The text, as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text.get()
    }

    /// The text, to be written as it is, line breaks too.
    pub(crate) fn raw(&self) -> &RawValue {
        &self.text
    }

    /// How many arrays and objects are nested: 0 for a scalar, 1 for `[]`, 2 for `[{}]`.
    #[must_use]
    pub const fn depth(&self) -> u32 {
        self.depth
    }

    /// What an optional field holds: there, `null` means what it means in a line, which is nothing.
    pub(crate) fn given(field: Option<&Self>) -> Option<&Self> {
        field.filter(|json| json.as_str() != "null")
    }
}

/// The deepest nesting of a valid JSON text.
fn depth(text: &[u8]) -> u32 {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_u32, 0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth = depth.saturating_add(1);
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Json {}

impl Hash for Json {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({})", self.as_str())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.as_str().contains(['\n', '\r']) {
            // In valid JSON a line break can only stand between tokens.
            let one_line = self.as_str().replace(['\n', '\r'], " ");
            let one_line = RawValue::from_string(one_line).map_err(serde::ser::Error::custom)?;
            return one_line.serialize(serializer);
        }
        self.text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::new)
    }
}

impl JsonError {
    fn new(error: &serde_json::Error) -> Self {
        // An empty text ends at its column 0.
        let place = (error.line() > 0).then_some((error.line(), error.column().max(1)));
        Self { place, message: explain(error) }
    }
}

/// What is wrong with a text that is no JSON, and what was expected, without where.
pub(crate) fn explain(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let said = error.to_string();
    let said = said.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&said);
    let message = match said {
        "expected value" => "expected a value",
        "expected ident" => "expected `true`, `false` or `null`",
        "trailing characters" => "expected the end of the text, as it is one value",
        "EOF while parsing a list" => "the text ends inside a list, expected `,` or `]`",
        "EOF while parsing an object" => "the text ends inside an object, expected `,` or `}`",
        "EOF while parsing a string" => "the text ends inside a string, expected `\"`",
        "EOF while parsing a value" => "the text ends too early, expected a value",
        _ => return in_words(said),
    };
    message.into()
}

/// What a type of serde's own is, for who has never seen Rust.
const WORDS: [(&str, &str); 16] = [
    ("u8", "a whole number from 0 to 255"),
    ("u16", "a whole number from 0 to 65535"),
    ("u32", "a whole number from 0 to 4294967295"),
    ("u64", "a whole number from 0 to 18446744073709551615"),
    ("usize", "a whole number from 0 to 18446744073709551615"),
    ("u128", "a whole number of at least 0"),
    ("i8", "a whole number from -128 to 127"),
    ("i16", "a whole number from -32768 to 32767"),
    ("i32", "a whole number from -2147483648 to 2147483647"),
    ("i64", "a whole number from -9223372036854775808 to 9223372036854775807"),
    ("isize", "a whole number from -9223372036854775808 to 9223372036854775807"),
    ("i128", "a whole number"),
    ("f32", "a number"),
    ("f64", "a number"),
    ("unit", "null"),
    ("a sequence", "a list"),
];

/// What serde says, with the type that it names at its end in words: `expected u32` is
/// `expected a whole number from 0 to 4294967295`.
pub(crate) fn in_words(said: &str) -> String {
    let Some((got, expected)) = said.rsplit_once("expected ") else { return said.into() };
    if expected.starts_with("struct ") || expected == "a map" {
        return format!("{got}expected an object");
    }
    match WORDS.iter().find(|(name, _)| *name == expected) {
        Some((_, words)) => format!("{got}expected {words}"),
        None => said.into(),
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected one JSON value: {}", self.message)?;
        self.place.map_or(Ok(()), |(line, column)| write!(f, " at line {line} column {column}"))
    }
}

impl core::error::Error for JsonError {}

/// What a message carries: JSON text or bytes. Cloning costs a reference count.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "an encoder has to write both")]
pub enum Payload {
    /// JSON, as its sender wrote it.
    Json(Json),
    /// Anything else. Stands in JSON as `payload_base64`, in place of `payload`.
    Bytes(Arc<[u8]>),
}

impl Payload {
    /// Takes a JSON text as it is: [`Json::parse`].
    ///
    /// # Errors
    ///
    /// A text that is not exactly one JSON value is refused.
    pub fn json(text: impl Into<String>) -> Result<Self, JsonError> {
        Json::parse(text).map(Self::Json)
    }

    /// Takes bytes as they are.
    #[must_use]
    pub fn bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::Bytes(bytes.into())
    }

    /// The size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Json(json) => json.as_str().len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// How deep arrays and objects are nested; 0 for bytes.
    #[must_use]
    pub fn depth(&self) -> u32 {
        match self {
            Self::Json(json) => json.depth(),
            Self::Bytes(_) => 0,
        }
    }

    /// Writes the field `payload` or `payload_base64` of an object.
    pub(crate) fn serialize_field<S: SerializeStruct>(
        &self,
        object: &mut S,
    ) -> Result<(), S::Error> {
        match self {
            Self::Json(json) => object.serialize_field("payload", json),
            Self::Bytes(bytes) => object.serialize_field("payload_base64", &base64::encode(bytes)),
        }
    }

    /// Makes a payload of the two fields of an object, of which there must be one.
    pub(crate) fn from_fields(
        json: Option<Json>,
        base64: Option<Base64>,
    ) -> Result<Self, &'static str> {
        match (json, base64) {
            (Some(json), None) => Ok(Self::Json(json)),
            (None, Some(Base64(bytes))) => Ok(Self::Bytes(bytes.into())),
            (None, None) => Err("missing field `payload` (or `payload_base64`)"),
            (Some(_), Some(_)) => Err("expected one of `payload` and `payload_base64`, got both"),
        }
    }
}

impl From<Json> for Payload {
    fn from(json: Json) -> Self {
        Self::Json(json)
    }
}

/// Bytes as they stand in a `payload_base64`.
#[derive(Debug)]
pub(crate) struct Base64(Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        base64::decode(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Reads a `payload`, for which `null` is a value like any other.
pub(crate) fn null_is_a_value<'de, D>(deserializer: D) -> Result<Option<Json>, D::Error>
where
    D: Deserializer<'de>,
{
    Json::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_nesting_and_not_what_strings_hold() {
        for (text, expected) in [
            ("1.50", 0),
            ("\"[[[\"", 0),
            (r#""\"[""#, 0),
            ("[]", 1),
            ("[1,[2],[[3]]]", 3),
            (r#"{"a\\":[{}],"]":1}"#, 3),
        ] {
            assert_eq!(Json::parse(text).unwrap().depth(), expected, "{text}");
        }
    }

    #[test]
    fn a_hundred_thousand_brackets_are_only_deep() {
        let text = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(Json::parse(text).unwrap().depth(), 100_000);
    }

    #[test]
    fn only_line_breaks_change_and_only_in_a_line() {
        let json = Json::parse("{ \"b\" :\r\n1.50,\n\"a\":\"\\u00e9\\n\" }").unwrap();
        assert_eq!(json.as_str(), "{ \"b\" :\r\n1.50,\n\"a\":\"\\u00e9\\n\" }");
        assert_eq!(
            serde_json::to_string(&json).unwrap(),
            "{ \"b\" :  1.50, \"a\":\"\\u00e9\\n\" }"
        );
    }

    #[test]
    fn what_is_not_one_value_is_refused() {
        for text in ["", "  ", "{", "1 2", "nul", "{}x", "\"\n\"", "'a'", "[1,]"] {
            assert!(Json::parse(text).is_err(), "{text:?}");
        }
        for (text, expected) in [
            ("", "the text ends too early, expected a value at line 1 column 1"),
            ("[1", "the text ends inside a list, expected `,` or `]` at line 1 column 2"),
            ("[1,\n x]", "expected a value at line 2 column 2"),
            ("{} {}", "expected the end of the text, as it is one value at line 1 column 4"),
        ] {
            let refused = Json::parse(text).unwrap_err().to_string();
            assert_eq!(refused, format!("expected one JSON value: {expected}"), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        let lists = alloc::collections::BTreeMap::from([([1, 2], 3)]);
        let refused = Json::of(&lists).unwrap_err();
        assert_eq!(refused.to_string(), "expected one JSON value: key must be a string");
        assert!(!format!("{refused:?}").contains("Error("), "{refused:?}");
    }
}
