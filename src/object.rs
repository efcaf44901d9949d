//! Objects of JSON: what stands for a struct, and nothing else does.
//!
//! What serde derives takes a list of the fields as well, and tells no position for what is wrong
//! with the fields taken together. Knows nothing about what the fields mean.

use alloc::vec::Vec;
use core::{fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, Serialize, de, ser::SerializeStruct};

/// Reads a struct from an object of its fields.
pub(crate) fn fields<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct FieldsVisitor<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> de::Visitor<'de> for FieldsVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of fields")
        }

        fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(de::value::MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_map(FieldsVisitor(PhantomData))
}

/// Reads a field whose absence means the default; `null` reads as absent.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Whether a field can be left out.
pub(crate) fn is_default<T: Default + PartialEq>(field: &T) -> bool {
    *field == T::default()
}

/// Writes a field of a struct if it is there.
pub(crate) fn optional_field<S: SerializeStruct, T: Serialize>(
    object: &mut S,
    name: &'static str,
    value: Option<&T>,
) -> Result<(), S::Error> {
    value.map_or(Ok(()), |value| object.serialize_field(name, value))
}

/// Something that is read by [`fields`].
struct Fields<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Fields<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        fields(deserializer).map(Self)
    }
}

/// Reads an object that may be absent, or `null`.
pub(crate) fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let object: Option<Fields<T>> = Option::deserialize(deserializer)?;
    Ok(object.map(|Fields(object)| object))
}

/// Reads a list of objects that may be absent, or `null`, which is as good as empty.
pub(crate) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let list: Vec<Fields<T>> = or_default(deserializer)?;
    Ok(list.into_iter().map(|Fields(object)| object).collect())
}
