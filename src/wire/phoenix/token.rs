//! Refs as they stand in frames, and how they travel in the `ref` of an event.
//!
//! A ref is whatever its client counts by: it is given back as it came, and only ever compared.

use alloc::{borrow::Cow, string::String};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::write;
use crate::{
    ids::{Ref, Topic},
    text::Text,
};

const NULL: &str = "null";

/// A ref as it stands in a frame: the JSON text of a string, a number or null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token(Text);

impl Token {
    pub(super) fn null() -> Self {
        Self(Text::new(NULL))
    }

    /// Takes valid JSON; none if it is neither string nor number nor null.
    pub(super) fn of_json(json: &str) -> Option<Self> {
        let is_token = json == NULL || json.starts_with(['"', '-']) || starts_with_digit(json);
        is_token.then(|| Self(Text::new(json)))
    }

    /// Takes a field of a binary frame, where an empty one is none.
    pub(super) fn of_field(field: &str) -> Self {
        if field.is_empty() { Self::null() } else { Self::quoted(field) }
    }

    fn quoted(text: &str) -> Self {
        let mut json = String::with_capacity(text.len() + 2);
        write::quote(&mut json, text);
        Self(Text::from(json))
    }

    pub(super) fn is_null(&self) -> bool {
        self.as_json() == NULL
    }

    pub(super) fn as_json(&self) -> &str {
        self.0.as_str()
    }

    /// Whether both are the same value, however strings are escaped.
    pub(super) fn means(&self, other: &Self) -> bool {
        let (one, two) = (self.as_json(), other.as_json());
        let may_differ = |json: &str| json.contains('\\');
        one == two
            || ((may_differ(one) || may_differ(two))
                && unquoted(one).is_some_and(|one| Some(one) == unquoted(two)))
    }

    /// As a field of a binary frame.
    pub(super) fn to_field(&self) -> Cow<'_, str> {
        let json = self.as_json();
        if json == NULL {
            return Cow::Borrowed("");
        }
        unquoted(json).map_or(Cow::Borrowed(json), Cow::Owned)
    }
}

fn starts_with_digit(json: &str) -> bool {
    json.as_bytes().first().is_some_and(u8::is_ascii_digit)
}

/// What a JSON string holds; none if it is no string.
fn unquoted(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

/// What an event's `ref` holds, so that its reply can be written: the `join_ref` and `ref` of the
/// reply, and its topic where the event is about another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) join_ref: Token,
    pub(super) reference: Token,
    pub(super) topic: Option<Topic>,
}

impl Marks {
    pub(super) const fn new(join_ref: Token, reference: Token) -> Self {
        Self { join_ref, reference, topic: None }
    }

    /// JSON texts, one after the other: `"28" "29"`.
    pub(super) fn pack(&self) -> Ref {
        let Self { join_ref, reference, topic } = self;
        let (join_ref, reference) = (join_ref.as_json(), reference.as_json());
        let mut packed = String::with_capacity(join_ref.len() + reference.len() + 1);
        packed.push_str(join_ref);
        packed.push(' ');
        packed.push_str(reference);
        if let Some(topic) = topic {
            packed.push(' ');
            write::quote(&mut packed, topic.as_str());
        }
        Ref::from(packed)
    }

    /// None of a `ref` that was not packed here.
    pub(super) fn unpack(reference: &Ref) -> Option<Self> {
        let packed = serde_json::Deserializer::from_str(reference.as_str());
        let mut values = packed.into_iter::<&RawValue>();
        let mut token = || Token::of_json(values.next()?.ok()?.get());
        let (join_ref, reference) = (token()?, token()?);
        let topic = match values.next() {
            None => None,
            Some(topic) => Some(Topic::deserialize(topic.ok()?).ok()?),
        };
        values.next().is_none().then_some(Self { join_ref, reference, topic })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        for refs in [["\"28\"", "\"29\""], ["null", "-1.50e3"], ["\" \\\" \"", "\"\\u0000\""]] {
            let [join_ref, reference] = refs.map(|json| Token::of_json(json).unwrap());
            for topic in [None, Some(Topic::from("a \"b\""))] {
                let marks =
                    Marks { join_ref: join_ref.clone(), reference: reference.clone(), topic };
                assert_eq!(Marks::unpack(&marks.pack()), Some(marks));
            }
        }
        assert_eq!(Marks::new(Token::of_field("28"), Token::null()).pack(), "\"28\" null");
    }

    #[test]
    fn what_others_put_in_a_ref_is_left_alone() {
        for foreign in ["", "7", "a b", "[] 1", "1 2 3", "1 2 \"t\" 4", "true false"] {
            assert_eq!(Marks::unpack(&Ref::from(foreign)), None, "{foreign:?}");
        }
    }

    #[test]
    fn refs_are_compared_as_values_and_strings_are_no_numbers() {
        let token = |json| Token::of_json(json).unwrap();
        assert!(token(r#""\u0035""#).means(&token("\"5\"")));
        assert!(!token("5").means(&token("\"5\"")));
        assert!(!token(r#""\u0035""#).means(&token("5")));
        assert!(!Token::null().means(&token("\"null\"")));
    }

    #[test]
    fn only_strings_numbers_and_null_are_refs() {
        for json in ["true", "false", "[]", "{}"] {
            assert_eq!(Token::of_json(json), None);
        }
        assert_eq!(token_field("\"\\u00e9\""), "é");
        assert_eq!(token_field("1.50"), "1.50");
        assert_eq!(token_field("null"), "");
    }

    fn token_field(json: &str) -> String {
        Token::of_json(json).unwrap().to_field().into_owned()
    }
}
