//! Reads the fields of a table one by one: what is not read in the end is no key.

use std::{ops::RangeInclusive, path::PathBuf};

use serde_json::{Map, Value};

use super::{
    document::{field, item},
    error::Wrong,
};

/// A table of which fields are taken. Every error names the whole path of its key.
#[derive(Debug)]
pub(super) struct Table {
    path: String,
    fields: Map<String, Value>,
    /// What was asked for, which are the keys that there can be.
    known: Vec<&'static str>,
}

impl Table {
    pub(super) const fn new(path: String, fields: Map<String, Value>) -> Self {
        Self { path, fields, known: Vec::new() }
    }

    /// The whole path of a key.
    pub(super) fn path_of(&self, key: &str) -> String {
        field(&self.path, key)
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn wrong(&self, key: &str, message: impl Into<String>) -> Wrong {
        Wrong::new(self.path_of(key), message)
    }

    pub(super) fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.fields.remove(key)
    }

    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<String>, Wrong> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(key, format!("expected text, got {}", kind(&other)))),
        }
    }

    /// `"on"` or `"off"`, which mean what is handed in.
    pub(super) fn switch<T>(
        &mut self,
        key: &'static str,
        on: T,
        off: T,
    ) -> Result<Option<T>, Wrong> {
        match self.text(key)?.as_deref() {
            None => Ok(None),
            Some("on") => Ok(Some(on)),
            Some("off") => Ok(Some(off)),
            Some(other) => {
                Err(self.wrong(key, format!("expected \"on\" or \"off\", got {other:?}")))
            }
        }
    }

    pub(super) fn file(&mut self, key: &'static str) -> Result<Option<PathBuf>, Wrong> {
        let path = self.text(key)?;
        if path.as_deref() == Some("") {
            return Err(self.wrong(key, "expected the path of a file, got nothing"));
        }
        Ok(path.map(PathBuf::from))
    }

    /// A text, or a list of texts.
    pub(super) fn texts(&mut self, key: &'static str) -> Result<Option<Vec<String>>, Wrong> {
        let values = match self.take(key) {
            None => return Ok(None),
            Some(Value::String(text)) => return Ok(Some(vec![text])),
            Some(Value::Array(values)) => values,
            Some(other) => {
                let got = kind(&other);
                return Err(self.wrong(key, format!("expected text or a list of texts, got {got}")));
            }
        };
        let mut texts = Vec::new();
        for (at, value) in values.into_iter().enumerate() {
            let Value::String(text) = value else {
                let path = item(&self.path_of(key), at);
                return Err(Wrong::new(path, format!("expected text, got {}", kind(&value))));
            };
            texts.push(text);
        }
        Ok(Some(texts))
    }

    pub(super) fn number(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, Wrong> {
        let Some(value) = self.take(key) else { return Ok(None) };
        if let Some(number) = value.as_u64().filter(|number| range.contains(number)) {
            return Ok(Some(number));
        }
        let got = value.as_number().map_or_else(|| kind(&value).to_owned(), ToString::to_string);
        let (least, most) = range.into_inner();
        Err(self.wrong(key, format!("expected a whole number from {least} to {most}, got {got}")))
    }

    /// A table in this one; an empty one if there is none.
    pub(super) fn table(&mut self, key: &'static str) -> Result<Self, Wrong> {
        match self.take(key) {
            None => Ok(Self::new(self.path_of(key), Map::new())),
            Some(Value::Object(fields)) => Ok(Self::new(self.path_of(key), fields)),
            Some(other) => Err(self.wrong(key, format!("expected a table, got {}", kind(&other)))),
        }
    }

    /// The tables of a list.
    pub(super) fn tables(&mut self, key: &'static str) -> Result<Vec<Self>, Wrong> {
        let values = match self.take(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) => values,
            Some(other) => {
                let got = kind(&other);
                return Err(self.wrong(key, format!("expected a list of tables, got {got}")));
            }
        };
        let list = self.path_of(key);
        let tables = values.into_iter().enumerate().map(|(at, value)| {
            let path = item(&list, at);
            let got = kind(&value);
            let Value::Object(fields) = value else {
                return Err(Wrong::new(path, format!("expected a table, got {got}")));
            };
            Ok(Self::new(path, fields))
        });
        tables.collect()
    }

    /// Refuses what nobody has asked for.
    pub(super) fn finish(self) -> Result<(), Wrong> {
        let Some(unknown) = self.fields.keys().next() else { return Ok(()) };
        let known = self.known.iter().map(|key| format!("`{key}`"));
        let known = known.collect::<Vec<_>>().join(", ");
        Err(self.wrong(unknown, format!("unknown key, expected one of {known}")))
    }
}

/// What a value is, for whoever wrote it: never the value, which may be a secret.
pub(super) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}
