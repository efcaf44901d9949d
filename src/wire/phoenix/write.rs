//! Writes frames: the array of five, and the bytes after their sizes.

use alloc::{string::String, sync::Arc, vec::Vec};
use core::fmt::{self, Write};

use serde::Serialize;

use super::{
    frame::{FieldTooLong, Frame},
    token::{Marks, Token},
};
use crate::{event::Position, ids::UserId, payload::Payload};

/// What stands before the payload of a text frame, and around it: some bytes to spare.
const AROUND: usize = 64;

/// The kinds of binary frames, their first byte.
pub(super) mod kind {
    pub(in super::super) const PUSH: u8 = 0;
    pub(super) const REPLY: u8 = 1;
    pub(super) const BROADCAST: u8 = 2;
}

/// How an event went, as a reply says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the protocol's clients know these two")]
pub enum Status {
    /// `ok`
    Ok,
    /// `error`
    Error,
}

impl Status {
    /// As it stands in a reply.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}

/// Writes `text` as a JSON string.
pub(super) fn quote(out: &mut String, text: &str) {
    out.push('"');
    escape(out, text);
    out.push('"');
}

/// Writes what `value` displays as a JSON string.
pub(super) fn quote_display(out: &mut String, value: &impl fmt::Display) {
    struct Escaped<'a>(&'a mut String);

    impl Write for Escaped<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            escape(self.0, text);
            Ok(())
        }
    }

    out.push('"');
    write!(Escaped(out), "{value}").expect("a String takes all text");
    out.push('"');
}

fn escape(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut special = special.chars();
        match special.next() {
            Some(quoted @ ('"' | '\\')) => out.extend(['\\', quoted]),
            Some(control) => {
                write!(out, "\\u{:04x}", u32::from(control)).expect("a String takes all text");
            }
            None => {}
        }
        rest = special.as_str();
    }
    out.push_str(rest);
}

/// Writes what serde writes as JSON.
pub(super) fn json<T: Serialize + ?Sized>(out: &mut String, value: &T) {
    out.push_str(&serde_json::to_string(value).expect("the keys of all that is sent are strings"));
}

/// Writes a number.
pub(super) fn number(out: &mut String, number: u64) {
    write!(out, "{number}").expect("a String takes all text");
}

/// Writes a position as an object.
pub(super) fn position(out: &mut String, position: Position) {
    let Position { epoch, offset } = position;
    write!(out, "{{\"epoch\":{epoch},\"offset\":{offset}}}").expect("a String takes all text");
}

/// Writes a position as an object that also says who was there, and when.
pub(super) fn signature(out: &mut String, position: Position, from: &UserId, timestamp_ms: u64) {
    let Position { epoch, offset } = position;
    write!(out, "{{\"epoch\":{epoch},\"offset\":{offset},\"from\":")
        .expect("a String takes all text");
    quote(out, from.as_str());
    write!(out, ",\"timestamp_ms\":{timestamp_ms}}}").expect("a String takes all text");
}

/// The parts of a text frame before its payload.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    /// Null if there is none, as `reference`.
    pub(super) join_ref: Option<&'a Token>,
    pub(super) reference: Option<&'a Token>,
    pub(super) topic: &'a str,
    pub(super) event: &'a str,
}

/// A text frame, whose payload and what comes after it are written by `payload`. `size` is how
/// long they will be, as far as that is known.
pub(super) fn text(head: Head<'_>, size: usize, payload: impl FnOnce(&mut String)) -> Frame {
    let Head { join_ref, reference, topic, event } = head;
    let [join_ref, reference] =
        [join_ref, reference].map(|token| token.map_or("null", Token::as_json));
    let fields = join_ref.len() + reference.len() + topic.len() + event.len();
    let mut out = String::with_capacity(fields + size + AROUND);
    out.push('[');
    out.push_str(join_ref);
    out.push(',');
    out.push_str(reference);
    out.push(',');
    quote(&mut out, topic);
    out.push(',');
    quote(&mut out, event);
    out.push(',');
    payload(&mut out);
    out.push(']');
    Frame::Text(Arc::from(out))
}

/// `phx_reply` with a response that `response` writes.
pub(super) fn reply(
    marks: &Marks,
    topic: &str,
    status: Status,
    size: usize,
    response: impl FnOnce(&mut String),
) -> Frame {
    let Marks { join_ref, reference, topic: _ } = marks;
    let (join_ref, reference) = (Some(join_ref), Some(reference));
    text(Head { join_ref, reference, topic, event: "phx_reply" }, size, |out| {
        out.push_str("{\"status\":\"");
        out.push_str(status.label());
        out.push_str("\",\"response\":");
        response(out);
        out.push('}');
    })
}

/// `phx_reply` with a payload of either kind.
pub(super) fn answer(
    marks: &Marks,
    topic: &str,
    status: Status,
    response: &Payload,
) -> Result<Frame, FieldTooLong> {
    match response {
        Payload::Json(json) => {
            let json = json.as_str();
            Ok(reply(marks, topic, status, json.len(), |out| out.push_str(json)))
        }
        Payload::Bytes(data) => {
            let (join_ref, reference) = (marks.join_ref.to_field(), marks.reference.to_field());
            let fields = [
                ("join_ref", &*join_ref),
                ("ref", &*reference),
                ("topic", topic),
                ("status", status.label()),
            ];
            binary(kind::REPLY, &fields, data)
        }
    }
}

/// A message for one client.
pub(super) fn push(
    join_ref: &Token,
    topic: &str,
    event: &str,
    payload: &Payload,
) -> Result<Frame, FieldTooLong> {
    match payload {
        Payload::Json(json) => {
            let head = Head { join_ref: Some(join_ref), reference: None, topic, event };
            let json = json.as_str();
            Ok(text(head, json.len(), |out| out.push_str(json)))
        }
        Payload::Bytes(data) => {
            let join_ref = join_ref.to_field();
            let fields = [("join_ref", &*join_ref), ("topic", topic), ("event", event)];
            binary(kind::PUSH, &fields, data)
        }
    }
}

/// A binary message for all who hear it.
pub(super) fn binary_broadcast(
    topic: &str,
    event: &str,
    data: &[u8],
) -> Result<Frame, FieldTooLong> {
    binary(kind::BROADCAST, &[("topic", topic), ("event", event)], data)
}

/// Kind, sizes, fields, data.
fn binary(kind: u8, fields: &[(&'static str, &str)], data: &[u8]) -> Result<Frame, FieldTooLong> {
    let sizes: usize = fields.iter().map(|(_, text)| text.len() + 1).sum();
    let mut out = Vec::with_capacity(1 + sizes + data.len());
    out.push(kind);
    for (field, text) in fields {
        let too_long = |_| FieldTooLong { field, bytes: text.len() };
        out.push(u8::try_from(text.len()).map_err(too_long)?);
    }
    for (_, text) in fields {
        out.extend_from_slice(text.as_bytes());
    }
    out.extend_from_slice(data);
    Ok(Frame::Binary(Arc::from(out)))
}

/// `phx_close` or `phx_error`: both refs are that of the join.
pub(super) fn ending(
    join_ref: &Token,
    topic: &str,
    event: &str,
    payload: impl FnOnce(&mut String),
) -> Frame {
    let join_ref = Some(join_ref);
    text(Head { join_ref, reference: join_ref, topic, event }, 0, payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_reads_as_it_was() {
        for text in ["", "plain", "\"", "\\\\x", "a\"b\\c\u{0}\u{1f}\n\u{7f}é\u{2028}😀\t"] {
            let mut json = String::new();
            quote(&mut json, text);
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text, "{json}");

            let mut displayed = String::new();
            quote_display(&mut displayed, &format_args!("{}{}", text, 7));
            let expected = alloc::format!("{text}7");
            assert_eq!(serde_json::from_str::<String>(&displayed).unwrap(), expected);
        }
    }

    #[test]
    fn a_field_of_255_bytes_fits_and_a_longer_one_is_an_error() {
        let fits = "x".repeat(255);
        assert_eq!(binary_broadcast(&fits, "e", &[7]).unwrap().size(), 3 + 255 + 1 + 1);

        let long = "x".repeat(256);
        let refused = binary_broadcast("t", &long, &[7]).unwrap_err();
        assert_eq!(refused, FieldTooLong { field: "event", bytes: 256 });
        let said = alloc::format!("{refused}");
        assert_eq!(said, "event has 256 bytes, expected at most 255 in a binary frame");
    }
}
