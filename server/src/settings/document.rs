//! A TOML text as a JSON document, and the lines on which its keys stand.
//!
//! The channel's part of the settings is read by the core, which knows JSON. Knows nothing about
//! what keys mean.

use std::ops::Range;

use serde_json::{Map, Number, Value};
use toml::{
    Spanned,
    de::{DeFloat, DeInteger, DeTable, DeValue},
};

use super::error::Wrong;

/// A text that has been read.
#[derive(Debug)]
pub(super) struct Document<'a> {
    text: &'a str,
    table: DeTable<'a>,
}

impl<'a> Document<'a> {
    /// Reads a TOML text, or says what is wrong with it and on which line.
    pub(super) fn parse(text: &'a str) -> Result<Self, (Wrong, Option<usize>)> {
        match DeTable::parse(text) {
            Ok(table) => Ok(Self { text, table: table.into_inner() }),
            Err(error) => {
                let line = error.span().map(|span| line_of(text, span.start));
                let said = error.message().replace('\n', ", ");
                Err((
                    Wrong::new("", format!("this is no TOML ({said}), expected settings as TOML")),
                    line,
                ))
            }
        }
    }

    /// The same as JSON. What JSON does not have is wrong: times, and numbers that are none.
    pub(super) fn to_json(&self) -> Result<Map<String, Value>, Wrong> {
        table_to_json(&self.table, "")
    }

    /// The line of a key, or of what holds it, as far as there is any.
    pub(super) fn line_of(&self, key: &str) -> Option<usize> {
        let span = find_in_table(&self.table, "", key)?;
        Some(line_of(self.text, span.start))
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).matches('\n').count() + 1
}

/// The path of a field of what stands at `path`, as the core writes it.
pub(super) fn field(path: &str, name: &str) -> String {
    let is_plain =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match (is_plain, path.is_empty()) {
        (true, true) => name.to_owned(),
        (true, false) => format!("{path}.{name}"),
        (false, _) => format!("{path}[{name:?}]"),
    }
}

fn table_to_json(table: &DeTable<'_>, path: &str) -> Result<Map<String, Value>, Wrong> {
    let mut json = Map::new();
    for (name, value) in table {
        let name: &str = name.get_ref();
        json.insert(name.to_owned(), to_json(value.get_ref(), &field(path, name))?);
    }
    Ok(json)
}

fn to_json(value: &DeValue<'_>, path: &str) -> Result<Value, Wrong> {
    Ok(match value {
        DeValue::String(text) => Value::String(text.as_ref().to_owned()),
        DeValue::Integer(integer) => Value::Number(whole(integer, path)?),
        DeValue::Float(float) => Value::Number(fraction(float, path)?),
        DeValue::Boolean(boolean) => Value::Bool(*boolean),
        DeValue::Datetime(_) => {
            return Err(Wrong::new(
                path,
                "expected no time, as JSON has none; quotes make it text",
            ));
        }
        DeValue::Array(values) => {
            let values = values.iter().enumerate();
            let values = values.map(|(at, value)| to_json(value.get_ref(), &item(path, at)));
            Value::Array(values.collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => Value::Object(table_to_json(table, path)?),
    })
}

/// The path of an item of the list at `path`.
pub(super) fn item(path: &str, at: usize) -> String {
    format!("{path}[{at}]")
}

fn whole(integer: &DeInteger<'_>, path: &str) -> Result<Number, Wrong> {
    let (text, radix) = (integer.as_str(), integer.radix());
    let number = i64::from_str_radix(text, radix).map(Number::from);
    let number = number.or_else(|_| u64::from_str_radix(text, radix).map(Number::from));
    number
        .map_err(|_| Wrong::new(path, format!("{integer} is too large, expected 64 bits at most")))
}

fn fraction(float: &DeFloat<'_>, path: &str) -> Result<Number, Wrong> {
    let number = float.as_str().parse().ok().and_then(Number::from_f64);
    number.ok_or_else(|| Wrong::new(path, format!("{} is no number of JSON", float.as_str())))
}

fn find_in_table(table: &DeTable<'_>, path: &str, key: &str) -> Option<Range<usize>> {
    let mut steps = table.iter().map(|(name, value)| (field(path, name.get_ref()), name, value));
    let (here, name, value) = steps.find(|(here, ..)| leads_to(here, key))?;
    // The line of a key says more than that of its value, which may be pages long.
    find(value, &here, key).or_else(|| Some(name.span()))
}

fn find(value: &Spanned<DeValue<'_>>, path: &str, key: &str) -> Option<Range<usize>> {
    if path == key {
        return None;
    }
    match value.get_ref() {
        DeValue::Table(table) => find_in_table(table, path, key),
        DeValue::Array(values) => {
            let mut items = values.iter().enumerate().map(|(at, value)| (item(path, at), value));
            let (here, value) = items.find(|(here, _)| leads_to(here, key))?;
            find(value, &here, key).or_else(|| Some(value.span()))
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => None,
    }
}

fn leads_to(here: &str, key: &str) -> bool {
    key.strip_prefix(here).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"grace_ms = 1_000
[limits]
topics = 0x10

[[rooms]]
pattern = "a"
"odd name" = {x = [1, 2.5, true]}

[[rooms]]
pattern = "b"
events = [
    {name = "one"},
    {name = "two"},
]
"#;

    #[test]
    fn toml_becomes_the_json_that_means_the_same() {
        let json = Document::parse(TEXT).unwrap().to_json().unwrap();
        let expected = serde_json::json!({
            "grace_ms": 1000,
            "limits": {"topics": 16},
            "rooms": [
                {"pattern": "a", "odd name": {"x": [1, 2.5, true]}},
                {"pattern": "b", "events": [{"name": "one"}, {"name": "two"}]},
            ],
        });
        assert_eq!(Value::Object(json), expected);
    }

    #[test]
    fn a_key_is_found_on_its_line_or_that_of_what_holds_it() {
        let document = Document::parse(TEXT).unwrap();
        for (key, line) in [
            ("grace_ms", Some(1)),
            ("limits", Some(2)),
            ("limits.topics", Some(3)),
            ("limits.clients", Some(2)),
            ("rooms[0].pattern", Some(6)),
            ("rooms[0].max_members", Some(5)),
            ("rooms[0][\"odd name\"].x[1]", Some(7)),
            ("rooms[1].events[1].name", Some(13)),
            ("rooms[1].events[1].history", Some(13)),
            ("nothing", None),
        ] {
            assert_eq!(document.line_of(key), line, "{key}");
        }
    }

    #[test]
    fn what_json_does_not_have_is_named() {
        for (text, key, message) in [
            ("a = {b = 1979-05-27}", "a.b", "expected no time"),
            ("a = [1.0, nan]", "a[1]", "nan is no number"),
            ("a = inf", "a", "inf is no number"),
            ("a = 99999999999999999999", "a", "too large"),
        ] {
            let wrong = Document::parse(text).unwrap().to_json().unwrap_err();
            assert_eq!(wrong.key, key);
            assert!(wrong.message.contains(message), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_no_toml_has_a_line() {
        let (wrong, line) = Document::parse("a = 1\nb = = 2\n").unwrap_err();
        assert_eq!((wrong.key.as_str(), line), ("", Some(2)));
        assert!(wrong.message.starts_with("this is no TOML ("), "{wrong:?}");
        let (_, line) = Document::parse("a = 1\n\na = 2\n").unwrap_err();
        assert_eq!(line, Some(3));
    }
}
