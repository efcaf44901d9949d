//! Positions as clients give them back.

use core::fmt;

use serde::{Deserialize, Deserializer, de};

use crate::event::Position;

/// A position from a client. A client gives it back whole, so fields that are not known here are
/// ignored: a server may have added them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GivenPosition(Position);

impl From<GivenPosition> for Position {
    fn from(GivenPosition(position): GivenPosition) -> Self {
        position
    }
}

impl<'de> Deserialize<'de> for GivenPosition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            epoch: u64,
            offset: u64,
        }

        struct PositionVisitor;

        impl<'de> de::Visitor<'de> for PositionVisitor {
            type Value = GivenPosition;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a position, {\"epoch\":…,\"offset\":…}")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<GivenPosition, A::Error> {
                let fields = Fields::deserialize(de::value::MapAccessDeserializer::new(map))?;
                let Fields { epoch, offset } = fields;
                Ok(GivenPosition(Position { epoch, offset }))
            }
        }

        deserializer.deserialize_map(PositionVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: Result<(u64, u64), &str>) {
        let read: Result<GivenPosition, _> = serde_json::from_str(json);
        let read = read.map(|GivenPosition(Position { epoch, offset })| (epoch, offset));
        let read = read.map_err(|error| alloc::string::ToString::to_string(&error));
        match expected {
            Ok(expected) => assert_eq!(read.unwrap(), expected, "{json}"),
            Err(part) => assert!(read.unwrap_err().starts_with(part), "{json}"),
        }
    }

    #[test]
    fn unknown_fields_of_a_position_are_ignored() {
        check(r#"{"epoch":1,"offset":2}"#, Ok((1, 2)));
        check(r#"{"x":[{}],"offset":2,"from":"ann","epoch":1,"timestamp_ms":9}"#, Ok((1, 2)));
        check(r#"{"epoch":1}"#, Err("missing field `offset`"));
        check(r#"{"epoch":-1,"offset":2}"#, Err("invalid value: integer `-1`"));
        for other in ["[1,2]", "[{\"epoch\":1,\"offset\":2}]", "7", "\"1\""] {
            let read = serde_json::from_str::<GivenPosition>(other).unwrap_err();
            assert!(alloc::format!("{read}").contains("expected a position, {"), "{read}");
        }
    }
}
