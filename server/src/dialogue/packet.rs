//! Packets of Socket.IO 5, as they stand in a message of Engine.IO: JSON, in one namespace.
//!
//! Knows neither sockets nor Dialogue. Arguments are carried as the text they came in.

use std::fmt;

use engineioxide::Str;
use parlor::wire::dialogue;
use serde::Serialize;
use serde_json::value::RawValue;

/// What a client has sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    /// It wants in, and shows this object, if it shows any.
    Connect(Option<&'a str>),
    /// It wants to be in a namespace that there is not.
    ConnectElsewhere(&'a str),
    /// It goes.
    Disconnect,
    /// It says something: an array with a name and arguments.
    Event(&'a str),
    /// It says something with attachments, which are not taken.
    WithAttachments(&'a str),
    /// It says something where nobody is, or this is an attachment.
    Elsewhere,
}

/// What is wrong with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed {
    got: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected a packet of connect, disconnect or event, got {}", self.got)
    }
}

/// Stands for an attachment, of which nothing is read. No packet begins like it.
pub(super) const ATTACHMENT: &str = "b";

/// The only namespace.
const MAIN: &str = "/";

/// How long the name of another namespace may be.
const NAMESPACE_BYTES: usize = 255;

impl<'a> Packet<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, Malformed> {
        let mut characters = text.chars();
        let kind = characters.next().ok_or(Malformed { got: "nothing" })?;
        let rest = characters.as_str();
        let (namespace, rest) = match rest.strip_prefix('/') {
            None => (MAIN, rest),
            Some(_) => rest.split_once(',').unwrap_or((rest, "")),
        };
        // Clients may add a query to the name.
        let is_here = namespace.split('?').next() == Some(MAIN);
        match (kind, is_here) {
            ('0', true) => Ok(Self::Connect((!rest.is_empty()).then_some(rest))),
            // The answer repeats the name, also to a client that has not said who it is.
            ('0', false) if namespace.len() > NAMESPACE_BYTES => {
                Err(Malformed { got: "the name of a namespace of more than 255 bytes" })
            }
            ('0', false) => Ok(Self::ConnectElsewhere(namespace)),
            ('1', true) => Ok(Self::Disconnect),
            // What an acknowledgement would be of stands before the array. None is sent.
            ('2', true) => Ok(Self::Event(rest.trim_start_matches(|c: char| c.is_ascii_digit()))),
            ('1' | '2', false) => Ok(Self::Elsewhere),
            ('5', _) => {
                attached(rest).ok_or(Malformed { got: "a number of attachments that is none" })
            }
            ('b', _) if rest.is_empty() => Ok(Self::Elsewhere),
            ('3' | '6', _) => {
                Err(Malformed { got: "an acknowledgement, though none was asked for" })
            }
            (_, _) => Err(Malformed { got: "another" }),
        }
    }
}

/// What follows the number of attachments, and a namespace.
fn attached(rest: &str) -> Option<Packet<'_>> {
    let (count, rest) = rest.split_once('-')?;
    let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    let array = rest.find('[').and_then(|at| rest.get(at..))?;
    is_number.then_some(Packet::WithAttachments(array))
}

/// The name and the first argument of an event, or none if there is no name.
pub(super) fn event(array: &str) -> Option<(String, Option<&str>)> {
    let values: Vec<&RawValue> = serde_json::from_str(array).ok()?;
    let mut values = values.into_iter().map(RawValue::get);
    let name = serde_json::from_str(values.next()?).ok()?;
    Some((name, values.next()))
}

/// That it is in, under an id of Socket.IO.
pub(super) fn connected(sid: &str) -> Str {
    #[derive(Serialize)]
    struct Connected<'a> {
        sid: &'a str,
    }
    format!("0{}", json(&Connected { sid })).into()
}

/// That it does not come in, and why.
pub(super) fn refused(message: &str) -> Str {
    format!("4{}", json(&Refused { message })).into()
}

/// That there is no such namespace.
pub(super) fn no_namespace(namespace: &str) -> Str {
    format!("4{namespace},{}", json(&Refused { message: "Invalid namespace" })).into()
}

/// That it is put out. It does not come back by itself then.
pub(super) const fn disconnect() -> &'static str {
    "1"
}

/// An event of the codec.
pub(super) fn said(packet: &dialogue::Packet) -> Str {
    format!("2{packet}").into()
}

/// That the connection is closed, and why. Clients that do not know it ignore it.
pub(super) fn closing(code: u16, reason: &str) -> Str {
    #[derive(Serialize)]
    struct Closing<'a> {
        code: u16,
        reason: &'a str,
    }
    format!(r#"2["parlor:closing",{}]"#, json(&Closing { code, reason })).into()
}

#[derive(Serialize)]
struct Refused<'a> {
    message: &'a str,
}

fn json(value: &impl Serialize) -> String {
    // Texts and numbers can always be written.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_as_clients_write_them() {
        for (text, expected) in [
            ("0", Packet::Connect(None)),
            (r#"0{"userId":"ann"}"#, Packet::Connect(Some(r#"{"userId":"ann"}"#))),
            (r"0/,{}", Packet::Connect(Some("{}"))),
            ("0/admin,{}", Packet::ConnectElsewhere("/admin")),
            ("0/admin", Packet::ConnectElsewhere("/admin")),
            ("1", Packet::Disconnect),
            (r#"2["a",1]"#, Packet::Event(r#"["a",1]"#)),
            (r#"217["a",1]"#, Packet::Event(r#"["a",1]"#)),
            (r#"2/,["a"]"#, Packet::Event(r#"["a"]"#)),
            (r#"2/admin,["a"]"#, Packet::Elsewhere),
            ("1/admin,", Packet::Elsewhere),
            (
                r#"51-["a",{"_placeholder":true,"num":0}]"#,
                Packet::WithAttachments(r#"["a",{"_placeholder":true,"num":0}]"#),
            ),
            (r#"52-/,7["a"]"#, Packet::WithAttachments(r#"["a"]"#)),
            (ATTACHMENT, Packet::Elsewhere),
        ] {
            assert_eq!(Packet::read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn other_packets_are_malformed() {
        for text in ["", "3[]", "4{}", r#"5["a"]"#, "5-[]", "51-{}", "61-[]", "7", "x", "bb", "é"]
        {
            assert!(Packet::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a2_the_name_of_another_namespace_is_short() {
        let packet = |length: usize| format!("0/{},{{}}", "x".repeat(length - 1));
        assert!(matches!(Packet::read(&packet(255)), Ok(Packet::ConnectElsewhere(_))));
        assert!(Packet::read(&packet(256)).is_err());
    }

    #[test]
    fn arguments_are_carried_as_they_stand() {
        let check = |array, expected: Option<(&str, Option<&str>)>| {
            let read = event(array);
            let read = read.as_ref().map(|(name, argument)| (name.as_str(), *argument));
            assert_eq!(read, expected, "{array}");
        };
        check(r#"["a"]"#, Some(("a", None)));
        check(
            r#"[ "a\u0062" , {"n" : 1.50e0, "n":2} ,3]"#,
            Some(("ab", Some(r#"{"n" : 1.50e0, "n":2}"#))),
        );
        for none in ["", "[]", "{}", "[1]", r#"["a""#, r#""a""#] {
            check(none, None);
        }
    }

    #[test]
    fn what_clients_are_told_is_escaped() {
        assert_eq!(&*connected("x"), r#"0{"sid":"x"}"#);
        assert_eq!(&*refused("a \"b\""), r#"4{"message":"a \"b\""}"#);
        assert_eq!(&*no_namespace("/x"), r#"4/x,{"message":"Invalid namespace"}"#);
        assert_eq!(&*closing(4001, "slow"), r#"2["parlor:closing",{"code":4001,"reason":"slow"}]"#);
    }
}
