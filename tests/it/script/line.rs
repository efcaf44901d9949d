//! One line of a script: a verb, words, and fields in the form `name=value`.
//!
//! A word or value that begins with `{`, `[` or `"` is one JSON value, which may hold spaces; any
//! other ends at the next space. A name in quotes is a JSON string: that is how an empty one is
//! written.

use parlor::Json;
use serde::de::IgnoredAny;

pub(super) struct Line<'a> {
    verb: &'a str,
    words: std::vec::IntoIter<&'a str>,
    fields: Vec<(&'a str, &'a str)>,
    asked: Vec<&'static str>,
}

impl<'a> Line<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, String> {
        let (verb, mut rest) = text.split_once(' ').unwrap_or((text, ""));
        let (mut words, mut fields) = (Vec::new(), Vec::new());
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                break;
            }
            let name = rest.find(|c: char| !matches!(c, 'a'..='z' | '_' | '.')).unwrap_or(0);
            if rest[name..].starts_with('=') {
                let (value, after) = first_word(&rest[name + 1..])?;
                if fields.iter().any(|(other, _)| *other == &rest[..name]) {
                    return Err(format!("field {:?} is given twice", &rest[..name]));
                }
                fields.push((&rest[..name], value));
                rest = after;
            } else {
                let (word, after) = first_word(rest)?;
                words.push(word);
                rest = after;
            }
        }
        Ok(Self { verb, words: words.into_iter(), fields, asked: Vec::new() })
    }

    pub(super) const fn verb(&self) -> &'a str {
        self.verb
    }

    /// The next word, as it stands.
    pub(super) fn word(&mut self, what: &str) -> Result<&'a str, String> {
        self.words.next().ok_or_else(|| format!("expected {what}"))
    }

    /// The next word, as a name.
    pub(super) fn name<T: From<String>>(&mut self, what: &str) -> Result<T, String> {
        self.word(what).and_then(unquoted).map(T::from)
    }

    /// The next word, as it stands, if there is one and it will do.
    pub(super) fn word_if(&mut self, will_do: impl FnOnce(&str) -> bool) -> Option<&'a str> {
        if self.words.as_slice().first().is_some_and(|word| will_do(word)) {
            return self.words.next();
        }
        None
    }

    /// The rest of the words, as names.
    pub(super) fn names(&mut self) -> Result<Vec<String>, String> {
        self.words.by_ref().map(unquoted).collect()
    }

    /// The value of a field, as it stands.
    pub(super) fn field(&mut self, name: &'static str) -> Option<&'a str> {
        self.asked.push(name);
        let at = self.fields.iter().position(|(other, _)| *other == name)?;
        Some(self.fields.remove(at).1)
    }

    /// The value of a field, as a name.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, String> {
        self.field(name).map(unquoted).transpose()
    }

    /// The value of a field, as JSON.
    pub(super) fn json(&mut self, name: &'static str) -> Result<Option<Json>, String> {
        self.field(name).map(|value| json(name, value)).transpose()
    }

    /// The value of a field, as a number.
    pub(super) fn number(&mut self, name: &'static str) -> Result<Option<u64>, String> {
        self.field(name).map(|value| number(name, value)).transpose()
    }

    /// The fields of which nobody has asked yet.
    pub(super) fn other_fields(&mut self) -> Vec<(&'a str, &'a str)> {
        std::mem::take(&mut self.fields)
    }

    /// Refuses what nobody has asked for.
    pub(super) fn end(mut self) -> Result<(), String> {
        self.asked.sort_unstable();
        if let Some(word) = self.words.next() {
            self.asked.insert(0, "the end");
            return Err(format!("unexpected {word:?}, expected {}", one_of(&self.asked)));
        }
        match self.fields.first() {
            Some((name, _)) if self.asked.is_empty() => {
                Err(format!("unknown field {name:?}, expected none"))
            }
            Some((name, _)) => {
                Err(format!("unknown field {name:?}, expected {}", one_of(&self.asked)))
            }
            None => Ok(()),
        }
    }
}

/// A value as JSON.
pub(super) fn json(name: &str, value: &str) -> Result<Json, String> {
    Json::parse(value).map_err(|wrong| format!("{name} is {value}: {wrong}"))
}

/// A value as a number.
pub(super) fn number(name: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{name} is {value:?}, expected a number"))
}

/// A value as a name: in quotes, or as it stands.
pub(super) fn unquoted(value: &str) -> Result<String, String> {
    if value.starts_with('"') {
        return serde_json::from_str(value).map_err(|wrong| format!("{value}: {wrong}"));
    }
    Ok(value.into())
}

/// `a, b or c`.
pub(super) fn one_of(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).into(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Splits what begins with a word after that word.
fn first_word(text: &str) -> Result<(&str, &str), String> {
    let end = if text.starts_with(['{', '[', '"']) {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
        let value = values.next();
        value.transpose().map_err(|wrong| format!("{text}: {wrong}"))?;
        values.byte_offset()
    } else {
        text.find(' ').unwrap_or(text.len())
    };
    Ok(text.split_at(end))
}
