//! Objects of JSON: what stands for a struct, and nothing else does.
//!
//! What serde derives takes a list of the fields as well, and tells no position for what is wrong
//! with the fields taken together. Knows nothing about what the fields mean.

use core::{fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, de};

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

/// Reads a field that may be absent; `null` reads as absent, which means the default.
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

/// Implements both directions for structs that derive them with `#[serde(remote = "Self")]`, so
/// that they are read from objects alone.
macro_rules! objects {
    ($($name:ident)+) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                /// What serde derives, which is a method of the struct itself.
                struct Object($name);

                impl<'de> serde::Deserialize<'de> for Object {
                    fn deserialize<D>(deserializer: D) -> Result<Self, D::Error>
                    where
                        D: serde::Deserializer<'de>,
                    {
                        $name::deserialize(deserializer).map(Self)
                    }
                }

                $crate::object::fields(deserializer).map(|Object(object)| object)
            }
        }
    )+};
}

pub(crate) use objects;
