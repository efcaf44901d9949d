//! What claims have to say to be allowed something.

use std::{fmt, str::FromStr};

use serde_json::Value;

use super::Pattern;

/// What is demanded: of one claim, of the topic, or of both.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Demand {
    pub(crate) claim: Option<(Claim, Test)>,
    pub(crate) topic: Option<Template>,
}

/// Where a claim stands: its name, or with a slash at the start a JSON pointer into all claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim(String);

/// What a claim has to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Equals(Value),
    /// A list that has it, or a text of words of which it is one, as an OAuth `scope` is.
    Contains(Value),
}

/// A topic with claims in it: `user:{sub}`, or `org:{org}:*` for all that start so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    text: String,
    pieces: Vec<Piece>,
    end: End,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Claim(Claim),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Exact,
    Open,
}

impl Demand {
    pub(super) fn is_met(&self, claims: &Value, topic: &str) -> bool {
        let Self { claim, topic: template } = self;
        let says = claim
            .as_ref()
            .is_none_or(|(claim, test)| claim.of(claims).is_some_and(|value| test.passes(value)));
        says && template.as_ref().is_none_or(|template| template.matches(claims, topic))
    }
}

impl Claim {
    fn of<'a>(&self, claims: &'a Value) -> Option<&'a Value> {
        if self.0.starts_with('/') { claims.pointer(&self.0) } else { claims.get(&self.0) }
    }
}

impl FromStr for Claim {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("the name of a claim is empty, expected one such as \"role\"".into());
        }
        Ok(Self(text.to_owned()))
    }
}

impl Test {
    fn passes(&self, value: &Value) -> bool {
        match self {
            Self::Equals(expected) => value == expected,
            Self::Contains(expected) => match (value, expected) {
                (Value::Array(values), expected) => values.contains(expected),
                (Value::String(words), Value::String(word)) => {
                    words.split(' ').any(|other| other == word)
                }
                (
                    Value::Null
                    | Value::Bool(_)
                    | Value::Number(_)
                    | Value::String(_)
                    | Value::Object(_),
                    _,
                ) => false,
            },
        }
    }
}

impl Template {
    fn matches(&self, claims: &Value, topic: &str) -> bool {
        let Some(filled) = self.fill(claims) else { return false };
        let pattern = match self.end {
            End::Exact => Pattern::Exact(filled),
            End::Open => Pattern::Prefix(filled),
        };
        pattern.matches(topic)
    }

    /// None if a claim is absent, or is neither text nor a whole number.
    fn fill(&self, claims: &Value) -> Option<String> {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => Some(text.clone()),
            Piece::Claim(claim) => match claim.of(claims)? {
                Value::String(text) if !text.is_empty() => Some(text.clone()),
                Value::Number(number) if !number.is_f64() => Some(number.to_string()),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::Array(_)
                | Value::Object(_) => None,
            },
        });
        pieces.collect()
    }
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("{text:?} {what}, expected one such as \"user:{{sub}}\"");
        let (mut rest, end) =
            text.strip_suffix('*').map_or((text, End::Exact), |rest| (rest, End::Open));
        if rest.contains('*') {
            return Err(wrong("has \"*\" before its end"));
        }
        let mut pieces = Vec::new();
        while let Some((before, after)) = rest.split_once('{') {
            let (claim, after) =
                after.split_once('}').ok_or_else(|| wrong("has \"{\" without \"}\""))?;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(Piece::Claim(claim.parse()?));
            rest = after;
        }
        if pieces.is_empty() || pieces.iter().any(Piece::has_brace) || rest.contains('}') {
            return Err(wrong("has no claim in braces, or a brace alone"));
        }
        // Or who is `a` would have what is `ab`'s.
        if rest.is_empty() && end == End::Open {
            return Err(wrong("has \"*\" right after a claim"));
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { text: text.to_owned(), pieces, end })
    }
}

impl Piece {
    fn has_brace(&self) -> bool {
        let (Self::Text(text) | Self::Claim(Claim(text))) = self;
        text.contains(['{', '}'])
    }
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.claim, &self.topic) {
            (Some((Claim(claim), _)), None) => write!(f, "a claim `{claim}` that allows it"),
            (None, Some(template)) => write!(f, "a topic that is {}", template.text),
            (Some((Claim(claim), _)), Some(template)) => {
                write!(f, "a claim `{claim}` that allows it in a topic that is {}", template.text)
            }
            (None, None) => f.write_str("nothing"),
        }
    }
}
