use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use super::*;
use crate::{event::EventKind, payload::Payload, refusal::Reason};

/// Two events, a blank line, a mark, both line breaks, characters of several bytes, a bad line, a
/// line that is no UTF-8, one that is too long for [`MAX`] and one without a line break.
const SAMPLE: &[u8] =
    b"\xef\xbb\xbf\"restart\"\r\n\n  \t\r\n{\"crash\":{\"reason\":\"\xc3\xa9\"}}\n\
    nope\n\"\xff\"\n\"restart\"                                 \r\n\r\
    {\"crash\":{\"reason\":\"\xf0\x9f\x8e\x88\xf0\x9f\x8e\x88\"}}\r\n\"restart\"";
const MAX: usize = 34;

/// Reads `chunks` with lines of at most `max_line` bytes.
fn read(max_line: usize, chunks: &[&[u8]]) -> Vec<Result<Event, LineError>> {
    let mut reader = LineReader::with_max_line(max_line);
    let mut read = Vec::new();
    for mut chunk in chunks.iter().copied() {
        read.extend(core::iter::from_fn(|| reader.read(&mut chunk)));
        assert!(chunk.is_empty(), "a chunk is used up");
        assert!(reader.arrived.len() <= max_line.saturating_add(1), "no more than a line is kept");
    }
    read.extend(reader.finish());
    read
}

fn check(line: &str, column: u64, message: &str) {
    let read = read(LineReader::MAX_LINE, &[line.as_bytes()]);
    let expected = LineError { line: 1, column, message: message.to_owned() };
    assert_eq!(read, [Err(expected)], "{line}");
}

#[test]
fn the_sample_is_read_as_it_looks() {
    let labels: Vec<_> = read(MAX, &[SAMPLE])
        .into_iter()
        .map(|read| read.map_or_else(|error| error.to_string(), |event| event.label().to_owned()))
        .collect();
    assert_eq!(
        labels,
        [
            "restart",
            "crash",
            "line 5, column 1: expected an event, {\"join\":{…}} or the like, got `n`",
            "line 6, column 2: expected UTF-8, got the byte 0xff",
            "line 7, column 35: the line is too long, expected at most 34 bytes",
            "crash",
            "restart",
        ]
    );
}

#[test]
fn any_two_cuts_give_the_same() {
    let whole = read(MAX, &[SAMPLE]);
    for first in 0..=SAMPLE.len() {
        for second in first..=SAMPLE.len() {
            let chunks = [&SAMPLE[..first], &SAMPLE[first..second], &SAMPLE[second..]];
            assert_eq!(read(MAX, &chunks), whole, "cut at {first} and {second}");
        }
    }
}

#[test]
fn chunks_of_any_one_size_give_the_same() {
    let whole = read(MAX, &[SAMPLE]);
    for size in 1..=SAMPLE.len() {
        let chunks: Vec<_> = SAMPLE.chunks(size).collect();
        assert_eq!(read(MAX, &chunks), whole, "chunks of {size}");
    }
}

#[test]
fn a_line_may_have_as_many_bytes_as_the_bound_and_no_more() {
    for line_break in ["", "\n", "\r\n"] {
        let text = format!("\"restart\"{line_break}");
        let chunks: Vec<_> = text.as_bytes().chunks(1).collect();
        for chunks in [&[text.as_bytes()][..], &chunks] {
            assert_eq!(read(9, chunks), [Ok(Event::Restart)], "{text:?}");

            let message = "the line is too long, expected at most 8 bytes".to_owned();
            let too_long = LineError { line: 1, column: 9, message };
            assert_eq!(read(8, chunks), [Err(too_long)], "{text:?}");
        }
    }
}

#[test]
fn a_line_too_long_is_refused_once_and_not_kept() {
    let mut reader = LineReader::with_max_line(64);
    let mut refused = 0;
    for _ in 0..10_000 {
        let mut chunk = &[b'['; 1_000][..];
        refused += core::iter::from_fn(|| reader.read(&mut chunk)).count();
        assert!(reader.arrived.capacity() <= 128, "what is skipped is not kept");
    }
    assert_eq!(refused, 1);
    assert_eq!(reader.read(&mut &b"\n\"restart\"\n"[..]), Some(Ok(Event::Restart)));
    assert_eq!(reader.finish(), None);
}

#[test]
fn a_bound_of_any_size_is_safe() {
    assert_eq!(read(usize::MAX, &[b"\"res", b"tart\"\n"]), [Ok(Event::Restart)]);
    assert_eq!(read(0, &[b"\n", b"\r", b"\n\n"]), []);
    assert_eq!(read(0, &[b"\r", b"5", b"\n\"restart\"\n"]).len(), 2);
}

#[test]
fn nothing_but_blanks_is_nothing() {
    for text in ["", "\n", "\r\n", "\n\n \t\n\r\n", " ", "\u{feff}", "\u{feff}\r\n"] {
        assert_eq!(read(LineReader::MAX_LINE, &[text.as_bytes()]), [], "{text:?}");
    }
}

#[test]
fn a_mark_counts_as_bytes_and_stands_only_at_the_start() {
    check("\u{feff}5", 4, "expected an event, {\"join\":{…}} or the like, got `5`");
    let twice =
        read(LineReader::MAX_LINE, &["\u{feff}\"restart\"\n\u{feff}\"restart\"".as_bytes()]);
    assert_eq!(twice[0], Ok(Event::Restart));
    assert_eq!(twice[1].as_ref().unwrap_err().line, 2);
}

#[test]
fn a_payload_is_read_byte_for_byte() {
    let line = br#"{"push":{"client_id":"c","topic":"t","event":"e","payload": { "b":1.50,"a":"\u00e9"} }}"#;
    for chunks in [&[&line[..]][..], &line.chunks(3).collect::<Vec<_>>()] {
        let Ok(Event::Push(push)) = &read(LineReader::MAX_LINE, chunks)[0] else { panic!() };
        assert_eq!(push.payload, Payload::json(r#"{ "b":1.50,"a":"\u00e9"}"#).unwrap());
    }
}

#[test]
fn what_is_no_event_is_answered_with_what_would_be() {
    let an_event = "expected an event, {\"join\":{…}} or the like";
    for (line, column, message) in [
        ("5", 1, format!("{an_event}, got `5`")),
        ("  null", 3, format!("{an_event}, got `n`")),
        ("[{\"restart\":null}]", 1, format!("{an_event}, got `[`")),
        ("\0", 1, format!("{an_event}, got `\\u{{0}}`")),
        ("é", 1, format!("{an_event}, got `é`")),
    ] {
        check(line, column, &message);
    }
    let known = EventKind::ALL.map(|kind| format!("`{kind}`")).join(", ");
    check("{}", 2, &format!("expected the event, one of {known}, got `}}`"));
    check(" { } ", 4, &format!("expected the event, one of {known}, got `}}`"));
    check("{join:{}}", 2, "expected a name in double quotes, got `j`");
    for (line, column, like) in [
        ("\"join\"", 1, "{\"join\":{…}}"),
        ("  \"crash\" 5", 3, "{\"crash\":{…}}"),
        ("\"cr\\u0061sh\"", 1, "{\"cr\\u0061sh\":{…}}"),
    ] {
        check(line, column, &format!("a name alone, expected an object like {like}"));
    }
    for (line, column) in [("{\"restart\":{}}", 11), ("{\"restart\":7}", 12)] {
        check(line, column, "a restart has no fields, expected \"restart\" alone");
    }
    check("{\"Join\":{}}", 7, &format!("unknown event `Join`, expected one of {known}"));
    check("\"jion\"", 6, &format!("unknown event `jion`, expected one of {known}"));
}

#[test]
fn fields_are_answered_with_what_they_should_be() {
    check(
        r#"{"leave":{"client_id":"c","foo":1}}"#,
        31,
        "unknown field `foo`, expected one of `client_id`, `topic`, `ref`",
    );
    check(r#"{"leave":{"client_id":"c"}}"#, 26, "missing field `topic`");
    check(r#"{"leave":{"topic":"t","topic":"t"}}"#, 29, "duplicate field `topic`, expected one");
    check(r#"{"leave":{"topic":5}}"#, 19, "invalid type: integer `5`, expected a string");
    check(r#"{"leave":["c","t"]}"#, 9, "invalid type: sequence, expected an object of fields");
    for (now_ms, column, got) in [
        ("-5", 20, "invalid value: integer `-5`"),
        ("\"5\"", 21, "invalid type: string \"5\""),
        ("1.5", 21, "invalid type: floating point `1.5`"),
        ("null", 22, "invalid type: null"),
    ] {
        let whole = "a whole number from 0 to 18446744073709551615";
        let line = format!("{{\"join\":{{\"now_ms\":{now_ms}}}}}");
        check(&line, column, &format!("{got}, expected {whole}"));
    }
    let zero = "a number has no leading zero, expected one like 12, -1.5 or 2e10";
    check(r#"{"join":{"now_ms":01}}"#, 20, zero);
    check(r#"{"broadcast":{"payload":[-00.5]}}"#, 28, zero);
    let number = "invalid number, expected one like 12, -1.5 or 2e10";
    check(r#"{"join":{"now_ms":0.}}"#, 21, number);
    check(r#"{"broadcast":{"payload":[1ee0]}}"#, 28, number);
    check(
        r#"{"join":{"now_ms":1e999}}"#,
        23,
        "number out of range, expected one of at most 64 bits",
    );
    check(r#"{"broadcast":{"audience":5}}"#, 26, "expected a name in double quotes, got `5`");
    check(
        r#"{"broadcast":{"audience":"al"}}"#,
        29,
        "unknown audience `al`, expected one of `all`, `others`, `other_users`",
    );
    check(
        r#"{"broadcast":{"client_id":"c","topic":"t"}}"#,
        42,
        "missing field `payload` (or `payload_base64`)",
    );
    check(
        r#"{"rejoin":{"since":"x"}}"#,
        22,
        "invalid type: string \"x\", expected a position, {\"epoch\":…,\"offset\":…}",
    );
}

#[test]
fn a_name_is_answered_with_those_that_there_are() {
    let kinds = EventKind::ALL.map(|kind| format!("`{kind}`")).join(", ");
    let reasons = Reason::ALL.map(|reason| format!("`{reason}`")).join(", ");
    check(
        r#"{"query":{"what":"weather"}}"#,
        26,
        "unknown question `weather`, expected one of `rooms`, `room`, `members`, `presences`, `topics_of`, `stats`",
    );
    check(r#"{"refuse":{"to":"x"}}"#, 19, &format!("unknown event `x`, expected one of {kinds}"));
    check(
        r#"{"refuse":{"reason":"x"}}"#,
        23,
        &format!("unknown reason `x`, expected one of {reasons}"),
    );
    check(
        r#"{"publish":{"target":{"room":"t"}}}"#,
        28,
        "unknown target `room`, expected one of `topic`, `group`, `user`, `client`",
    );
    check(
        r#"{"open_room":{"config":{"presence":"of"}}}"#,
        39,
        "unknown name `of`, expected `on` or `off`",
    );
    check(
        r#"{"open_room":{"config":{"presence":{"on":1}}}}"#,
        35,
        "invalid type: map, expected `on` or `off`",
    );
    check(
        r#"{"broadcast":{"audience":{"all":1}}}"#,
        33,
        "invalid type: integer `1`, expected a name alone",
    );
}

#[test]
fn a_target_is_answered_with_what_it_should_be() {
    let a_target = "\"everyone\" or an object with one of topic, group, user and client";
    for (target, column, got) in [
        ("\"all\"", 26, "invalid value: string \"all\", expected "),
        ("7", 22, "invalid type: integer `7`, expected "),
        ("{}", 23, "got 0 of them, expected "),
        ("{\"topic\":\"t\",\"user\":\"u\"}", 40, "got 2 of them, expected "),
    ] {
        let line = format!("{{\"publish\":{{\"target\":{target}}}}}");
        check(&line, column, &format!("{got}{a_target}"));
    }
}

#[test]
fn a_payload_in_base64_is_answered_with_what_it_should_be() {
    for (text, expected) in [
        ("YQ", "padding with = to a multiple of four characters"),
        ("Y===", "at most two = at its end"),
        ("Y Q=", "only A-Z a-z 0-9 + / and = at its end"),
        ("YR==", "no bits beyond its last byte"),
    ] {
        let line = format!(r#"{{"push":{{"payload_base64":"{text}"}}}}"#);
        let column = line.len() as u64 - 1;
        check(&line, column, &format!("bad `payload_base64`, expected {expected}"));
    }

    let start = r#"{"broadcast":{"client_id":"c","topic":"t""#;
    for (fields, message) in [
        (
            r#","payload_base64" : null"#,
            "`payload_base64` is null, expected a string (or `payload`)",
        ),
        (r#","meta":{"payload_base64":null}"#, "missing field `payload` (or `payload_base64`)"),
    ] {
        let column = (start.len() + fields.len() + 1) as u64;
        check(&format!("{start}{fields}}}}}"), column, message);
        check(&format!("{start}{fields}}},5"), column, message);
    }
}

#[test]
fn the_grammar_is_answered_with_what_it_wants() {
    check(r#"{"crash" {}}"#, 10, "expected `:`, got `{`");
    check(r#"{"crash":}"#, 10, "expected a value, got `}`");
    check(r#"{"crash":{"reason":x}}"#, 20, "expected a value, got `x`");
    check(r#"{"crash":{"reason":tru}}"#, 23, "expected `true`, `false` or `null`, got `}`");
    check(r#"{"crash":{"reason":"x"]}"#, 23, "expected `,` or `}`, got `]`");
    check(
        r#"{"crash":{"reason":"x",}}"#,
        24,
        "a comma ends the list of fields, expected one more field",
    );
    check(
        r#"{"crash":{"reason":"x"} ,"y":1}"#,
        25,
        "expected `}`, as a line is one event, got `,`",
    );
    check("\"restart\" {}", 11, "expected the end of the line, as a line is one event, got `{`");
    check(
        "\"restart\"\r\"restart\"",
        11,
        "expected the end of the line, as a line is one event, got `\"`",
    );
    check(r#"{"broadcast":{"payload":[1,]}}"#, 28, "expected a value, got `]`");
}

#[test]
fn strings_are_answered_with_how_to_write_them() {
    check(
        r#"{"crash":{"reason":"\x"}}"#,
        22,
        r#"invalid escape, expected one of \" \\ \/ \b \f \n \r \t \u0000 to \uffff"#,
    );
    let half = "half of a surrogate pair, expected an escape from \\udc00 to \\udfff to follow it";
    check(r#"{"crash":{"reason":"\ud800"}}"#, 27, half);
    check(r#"{"crash":{"reason":"\ud800\u0041"}}"#, 32, half);
    check(
        "{\"crash\":{\"reason\":\"a\u{1}\"}}",
        22,
        "control character in a string, expected an escape such as \\n or \\u0000",
    );
}

#[test]
fn a_line_that_ends_too_early_is_answered_after_its_last_byte() {
    check("{", 2, "the line ends inside an object, expected `,` or `}`");
    check("{\"crash\"", 9, "the line ends inside an object, expected `,` or `}`");
    check("{\"crash\":", 10, "the line ends too early, expected a value");
    check("{\"crash\":{\"rea", 15, "the line ends inside a string, expected `\"`");
    check(
        "{\"crash\":{\"reason\":\"x\"}\r",
        24,
        "the line ends inside an object, expected `,` or `}`",
    );
    check("{\"broadcast\":{\"payload\":[1", 27, "the line ends inside a list, expected `,` or `]`");
}

#[test]
fn a_message_is_short_and_harmless_whatever_the_line_holds() {
    let key = format!("\\u001b[2J\u{202e}{}", "x".repeat(100_000));
    let line = format!("{{\"crash\":{{\"{key}\":1}}}}");
    let read = read(LineReader::MAX_LINE, &[line.as_bytes()]);
    let [Err(LineError { message, .. })] = &read[..] else { panic!("{read:?}") };
    assert!(message.starts_with("unknown field `\\u{1b}[2J\\u{202e}xxx"), "{message}");
    assert!(message.ends_with("xxx`, expected `reason`"), "{message}");
    assert!(message.chars().count() < 650, "{message}");
}

#[test]
fn every_byte_in_place_of_another_is_read_or_answered() {
    let line = br#"{"crash":{"reason":"a\n"}}"#;
    for place in 0..line.len() {
        for byte in 0..=u8::MAX {
            let mut changed = vec![b' '];
            changed.extend_from_slice(line);
            changed[place + 1] = byte;
            for error in read(LineReader::MAX_LINE, &[&changed]).into_iter().filter_map(Result::err)
            {
                let columns = 1..=changed.len() as u64 + 1;
                assert!(columns.contains(&error.column), "{error}: {changed:?}");
                assert!(!error.message.contains(" at line "), "{error}: {changed:?}");
                assert!(!error.message.contains(char::is_control), "{error}: {changed:?}");
            }
        }
    }
}

#[test]
fn every_beginning_of_a_line_is_answered() {
    let line = String::from(r#"{"broadcast":{"client_id":"c","topic":"t","payload":[{"a":1.5}]}}"#);
    for end in 1..line.len() {
        let read = read(LineReader::MAX_LINE, &[&line.as_bytes()[..end]]);
        let [Err(LineError { line: 1, column, message })] = &read[..] else { panic!("{read:?}") };
        let too_early = *column == end as u64 + 1 || message.starts_with("invalid number");
        assert!(too_early, "{column}: {message}");
        assert!(message.contains("expected"), "{message}");
    }
}
