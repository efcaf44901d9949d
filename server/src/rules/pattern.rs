//! Which topics something is about, as the patterns of rooms say it.

use std::str::FromStr;

/// One topic, or with a `*` at its end all that start alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    Exact(String),
    Prefix(String),
}

impl Pattern {
    pub(crate) fn matches(&self, topic: &str) -> bool {
        match self {
            Self::Exact(exact) => topic == exact,
            Self::Prefix(prefix) => topic.starts_with(prefix),
        }
    }

    /// How narrow it is: a topic is narrower than any prefix, a longer prefix than a shorter one.
    pub(crate) const fn rank(&self) -> (bool, usize) {
        match self {
            Self::Exact(exact) => (true, exact.len()),
            Self::Prefix(prefix) => (false, prefix.len()),
        }
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("a pattern is empty, expected a topic or a prefix and \"*\"".into());
        }
        let prefix = text.strip_suffix('*');
        if prefix.unwrap_or(text).contains('*') {
            return Err(format!(
                "pattern {text:?} has \"*\" before its end, expected it there alone"
            ));
        }
        Ok(prefix.map_or_else(|| Self::Exact(text.into()), |prefix| Self::Prefix(prefix.into())))
    }
}
