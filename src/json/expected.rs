//! What was expected where a line can't be read, in words for whoever wrote the line.
//!
//! Takes what `serde_json` says, whose positions are counted in a document and whose texts name
//! what is wrong more often than what would be right.

use alloc::{
    borrow::Cow,
    collections::BTreeMap,
    format,
    string::{String, ToString},
};
use core::str::Utf8Error;

use serde_json::{error::Category, value::RawValue};

use crate::{event::EventKind, refusal::Reason};

/// The longest message, in characters. A line may hold keys and names of any length.
const LONGEST: usize = 600;

/// At which byte of `text`, from 1, reading stopped, and what was expected.
pub(super) fn explain(error: &serde_json::Error, text: &str) -> (usize, String) {
    let (line, column) = (error.line(), error.column());
    let said = error.to_string();
    let said = said.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&said);

    let (column, message) = if error.classify() == Category::Eof {
        (text.len() + 1, expected_at_end(said).into())
    } else if said == "expected value" {
        expected_value(text.as_bytes(), column)
    } else {
        (column, expected(said, text, column))
    };
    let says_what_is_wrong = !error.is_syntax() || !message.starts_with("expected");
    let got = if says_what_is_wrong { String::new() } else { got(text, column) };
    // An error about a name alone comes without a position.
    let first = text.len() - text.trim_ascii_start().len() + 1;
    (column.max(first), presentable(&format!("{message}{got}")))
}

/// At which byte of `line`, from 1, it stops being UTF-8.
pub(super) fn explain_utf8(error: Utf8Error, line: &[u8]) -> (usize, String) {
    let start = error.valid_up_to();
    let byte = line.get(start).copied().unwrap_or_default();
    (start + 1, format!("expected UTF-8, got the byte 0x{byte:02x}"))
}

/// What was expected where a line ends too early.
fn expected_at_end(said: &str) -> &str {
    match said {
        "EOF while parsing a list" => "the line ends inside a list, expected `,` or `]`",
        "EOF while parsing an object" => "the line ends inside an object, expected `,` or `}`",
        "EOF while parsing a string" => "the line ends inside a string, expected `\"`",
        "EOF while parsing a value" => "the line ends too early, expected a value",
        _ => said,
    }
}

/// What was expected where something else than a value stands. `serde_json` says so too of an
/// event that goes on, and of a value where it wants a name.
fn expected_value(text: &[u8], column: usize) -> (usize, Cow<'static, str>) {
    let read = text.get(..column).unwrap_or(text).trim_ascii_end();
    let (last, before) = read.split_last().unwrap_or((&0, read));
    let message = match before.trim_ascii_end().last() {
        None => "expected an event, {\"join\":{…}} or the like",
        Some(b'{') if *last == b'}' && before.trim_ascii().len() == 1 => {
            let kinds = EventKind::ALL.map(|kind| format!("`{kind}`")).join(", ");
            return (column, format!("expected the event, one of {kinds}").into());
        }
        Some(b'{') => "expected a name in double quotes",
        Some(b':') if starts_value(*last) => "expected a name in double quotes",
        Some(b':' | b',' | b'[') => "expected a value",
        Some(_) => {
            let blank = text.iter().skip(column).take_while(|byte| byte.is_ascii_whitespace());
            return (column + blank.count() + 1, "expected `}`, as a line is one event".into());
        }
    };
    (column, message.into())
}

fn starts_value(byte: u8) -> bool {
    matches!(byte, b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
}

/// What was expected anywhere else.
fn expected<'a>(said: &'a str, text: &str, column: usize) -> Cow<'a, str> {
    let message = match said {
        "expected ident" => "expected `true`, `false` or `null`",
        "invalid escape" => {
            "invalid escape, expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000 to \\uffff"
        }
        // Whatever else may be wrong with a number, it is no digit.
        "invalid number" if got_digit(text, column) => {
            "a number has no leading zero, expected one like 12, -1.5 or 2e10"
        }
        "invalid number" => "invalid number, expected one like 12, -1.5 or 2e10",
        "number out of range" => "number out of range, expected one of at most 64 bits",
        "key must be a string" => "expected a name in double quotes",
        "trailing comma" => "a comma ends the list of fields, expected one more field",
        "trailing characters" => "expected the end of the line, as a line is one event",
        "lone leading surrogate in hex escape" | "unexpected end of hex escape" => {
            "half of a surrogate pair, expected an escape from \\udc00 to \\udfff to follow it"
        }
        "control character (\\u0000-\\u001F) found while parsing a string" => {
            "control character in a string, expected an escape such as \\n or \\u0000"
        }
        "invalid type: unit variant, expected newtype variant" => {
            return name_alone(text, column).into();
        }
        "missing field `payload` (or `payload_base64`)" if base64_is_null(text, column) => {
            "`payload_base64` is null, expected a string (or `payload`)"
        }
        "base64 with padding has a multiple of four characters" => {
            "bad `payload_base64`, expected padding with = to a multiple of four characters"
        }
        "base64 ends with at most two `=`" => {
            "bad `payload_base64`, expected at most two = at its end"
        }
        "base64 has only A-Z a-z 0-9 + / and =" => {
            "bad `payload_base64`, expected only A-Z a-z 0-9 + / and = at its end"
        }
        "base64 has no bits beyond its last byte" => {
            "bad `payload_base64`, expected no bits beyond its last byte"
        }
        _ => return expected_type(said, text),
    };
    message.into()
}

/// What was expected, as it stands at the one or the other end of what is said.
fn expected_type<'a>(said: &'a str, text: &str) -> Cow<'a, str> {
    if said.starts_with("duplicate field") {
        format!("{said}, expected one").into()
    } else if let Some(got) = said.strip_suffix("expected u64") {
        format!("{got}expected a whole number from 0 to {}", u64::MAX).into()
    } else if let Some(got) = said.strip_suffix("expected u32") {
        format!("{got}expected a whole number from 0 to {}", u32::MAX).into()
    } else if let Some(got) = said.strip_suffix("expected unit") {
        if starts_event(text, "restart") {
            "a restart has no fields, expected \"restart\" alone".into()
        } else {
            format!("{got}expected a name alone").into()
        }
    } else if let Some(length) = said.strip_prefix("invalid length ") {
        let (length, rest) = length.split_once(", ").unwrap_or((length, "expected another"));
        format!("got {length} of them, {rest}").into()
    } else if let Some(unknown) = said.strip_prefix("unknown variant") {
        format!("unknown {}{unknown}", what_there_is(unknown)).into()
    } else {
        said.into()
    }
}

/// What a list of all that there is says that it lists: names that are known by the last of them.
fn what_there_is(list: &str) -> &'static str {
    let end = list.rsplit('`').nth(1).unwrap_or_default();
    if EventKind::ALL.last().is_some_and(|kind| kind.label() == end) {
        return "event";
    }
    if Reason::ALL.last().is_some_and(|reason| reason.label() == end) {
        return "reason";
    }
    match end {
        "other_users" => "audience",
        "expired" => "grace",
        "stats" => "question",
        "client" => "target",
        _ => "name",
    }
}

/// What was expected in place of a name: of an event, if `text` has nothing before it, otherwise
/// of something that an event holds. In the name of an event there are no quotes.
fn name_alone(text: &str, column: usize) -> String {
    let text = text.trim_start();
    let name = if text.starts_with('"') {
        text.split('"').nth(1)
    } else {
        text.get(..column).and_then(|read| read.rsplit('"').nth(1))
    };
    let name = name.unwrap_or_default();
    format!("a name alone, expected an object like {{\"{name}\":{{…}}}}")
}

/// Whether `text` begins an object of the event of that name.
fn starts_event(text: &str, name: &str) -> bool {
    let inside = text.trim_start().strip_prefix('{').unwrap_or_default();
    inside.split('"').nth(1) == Some(name)
}

/// Whether the fields that end at `column` hold null where they should hold a text.
fn base64_is_null(text: &str, column: usize) -> bool {
    let event = format!("{}}}", text.get(..column).unwrap_or_default());
    let event: BTreeMap<String, BTreeMap<String, &RawValue>> =
        serde_json::from_str(&event).unwrap_or_default();
    event.values().any(|fields| fields.contains_key("payload_base64"))
}

fn got_digit(text: &str, column: usize) -> bool {
    let byte = column.checked_sub(1).and_then(|place| text.as_bytes().get(place));
    byte.is_some_and(u8::is_ascii_digit)
}

/// What stands at a place where the grammar of JSON wants something else.
fn got(text: &str, column: usize) -> String {
    let rest = column.checked_sub(1).and_then(|start| text.get(start..)).unwrap_or_default();
    rest.chars().next().map_or_else(String::new, |got| format!(", got `{got}`"))
}

/// The message on one line, of bounded length, without what could move a terminal's cursor or the
/// reading order.
fn presentable(message: &str) -> String {
    let length = message.chars().count();
    let mut presentable = String::with_capacity(message.len().min(2 * LONGEST));
    for (place, char) in message.chars().enumerate() {
        let from_end = length - place;
        if length > LONGEST && place >= LONGEST / 3 && from_end > LONGEST * 2 / 3 {
            if place == LONGEST / 3 {
                presentable.push('…');
            }
        } else if char.is_control() || reorders(char) {
            presentable.extend(char.escape_default());
        } else {
            presentable.push(char);
        }
    }
    presentable
}

/// Whether a character breaks a line or changes the direction of text without being a control.
fn reorders(char: char) -> bool {
    matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
