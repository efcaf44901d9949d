//! Reads frames: fields and payload of what a client has sent, or what is wrong with it.

use alloc::{format, string::String, sync::Arc};
use core::{fmt, str};

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde_json::{error::Category, value::RawValue};

use super::{CloseCode, token::Token, write::kind};
use crate::{
    ids::{EventName, Topic},
    payload::{Json, Payload, explain},
};

/// A frame of a client.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) join_ref: Token,
    pub(super) reference: Token,
    pub(super) topic: Topic,
    pub(super) event: EventName,
    pub(super) payload: Payload,
}

/// What is no frame of the protocol. Its sender is not to be talked to any further: close with
/// [`Malformed::close_code`]. Its `Display` says what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    close_code: CloseCode,
    message: String,
}

impl Malformed {
    /// [`CloseCode::InvalidData`] if it is no JSON or no UTF-8, and otherwise
    /// [`CloseCode::ProtocolError`].
    #[must_use]
    pub const fn close_code(&self) -> CloseCode {
        self.close_code
    }

    fn protocol(message: impl Into<String>) -> Self {
        Self { close_code: CloseCode::ProtocolError, message: message.into() }
    }

    fn data(message: impl Into<String>) -> Self {
        Self { close_code: CloseCode::InvalidData, message: message.into() }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for Malformed {}

/// Reads a text frame.
pub(super) fn text(frame: &str) -> Result<Received, Malformed> {
    serde_json::from_str(frame).map_err(|error| {
        let message = explain(&error);
        match error.classify() {
            Category::Data => Malformed::protocol(message),
            Category::Io | Category::Syntax | Category::Eof => Malformed::data(message),
        }
    })
}

impl<'de> Deserialize<'de> for Received {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ReceivedVisitor)
    }
}

struct ReceivedVisitor;

impl<'de> Visitor<'de> for ReceivedVisitor {
    type Value = Received;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[join_ref, ref, topic, event, payload]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Received, A::Error> {
        let missing = |at| A::Error::invalid_length(at, &self);
        let join_ref = elements.next_element::<&RawValue>()?.ok_or_else(|| missing(0))?;
        let reference = elements.next_element::<&RawValue>()?.ok_or_else(|| missing(1))?;
        let topic = elements.next_element()?.ok_or_else(|| missing(2))?;
        let event = elements.next_element()?.ok_or_else(|| missing(3))?;
        let payload: Json = elements.next_element()?.ok_or_else(|| missing(4))?;
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Received {
            join_ref: token("join_ref", join_ref)?,
            reference: token("ref", reference)?,
            topic,
            event,
            payload: Payload::Json(payload),
        })
    }
}

fn token<E: Error>(field: &str, json: &RawValue) -> Result<Token, E> {
    let expected =
        || E::custom(format_args!("{field} is no ref, expected a string, number or null"));
    Token::of_json(json.get()).ok_or_else(expected)
}

/// Reads a binary frame.
pub(super) fn binary(frame: &[u8]) -> Result<Received, Malformed> {
    let [kind, join_ref, reference, topic, event, rest @ ..] = frame else {
        let bytes = frame.len();
        return Err(Malformed::protocol(format!(
            "the frame has {bytes} bytes, expected a kind and four sizes"
        )));
    };
    if *kind != kind::PUSH {
        return Err(Malformed::protocol(format!(
            "the frame is of kind {kind}, expected a push, 0"
        )));
    }
    let mut rest = rest;
    let mut field = |name, size: &u8| {
        let cut = rest.split_at_checked(usize::from(*size));
        let (field, after) = cut.ok_or_else(|| {
            Malformed::protocol(format!("the frame ends in {name}, expected {size} bytes of it"))
        })?;
        rest = after;
        str::from_utf8(field).map_err(|_| Malformed::data(format!("{name} is no UTF-8")))
    };
    Ok(Received {
        join_ref: Token::of_field(field("join_ref", join_ref)?),
        reference: Token::of_field(field("ref", reference)?),
        topic: field("topic", topic)?.into(),
        event: field("event", event)?.into(),
        payload: Payload::Bytes(Arc::from(rest)),
    })
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn check(result: Result<Received, Malformed>, close: CloseCode, expected: &str) {
        let malformed = result.unwrap_err();
        assert_eq!((malformed.to_string().as_str(), malformed.close_code()), (expected, close));
    }

    #[test]
    fn what_is_no_json_is_invalid_data() {
        for (frame, expected) in [
            ("", "the text ends too early, expected a value"),
            ("not json", "expected `true`, `false` or `null`"),
            ("[1,2", "the text ends inside a list, expected `,` or `]`"),
            ("[null,null,\"t\",\"e\",{}] x", "expected the end of the text, as it is one value"),
        ] {
            check(text(frame), CloseCode::InvalidData, expected);
        }
    }

    #[test]
    fn what_is_no_array_of_five_breaks_the_protocol() {
        let expected = "expected [join_ref, ref, topic, event, payload]";
        for (frame, got) in [
            ("{}", "invalid type: map"),
            ("[]", "invalid length 0"),
            ("[1,2,\"t\"]", "invalid length 3"),
            ("[null,null,\"t\",\"e\"]", "invalid length 4"),
            ("5", "invalid type: integer `5`"),
        ] {
            check(text(frame), CloseCode::ProtocolError, &format!("{got}, {expected}"));
        }
        check(
            text("[true,null,\"t\",\"e\",{}]"),
            CloseCode::ProtocolError,
            "join_ref is no ref, expected a string, number or null",
        );
        assert!(text("[null,null,3,\"e\",{}]").is_err());
    }

    #[test]
    fn bytes_that_are_no_push_break_the_protocol() {
        let protocol = CloseCode::ProtocolError;
        check(binary(&[0, 1]), protocol, "the frame has 2 bytes, expected a kind and four sizes");
        check(binary(&[1, 0, 0, 0, 0]), protocol, "the frame is of kind 1, expected a push, 0");
        check(
            binary(&[0, 0, 0, 2, 0, b't']),
            protocol,
            "the frame ends in topic, expected 2 bytes of it",
        );
        check(binary(&[0, 1, 0, 0, 0, 0xff]), CloseCode::InvalidData, "join_ref is no UTF-8");
    }
}
