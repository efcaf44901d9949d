//! Which topics a rule is about.

use alloc::boxed::Box;
use core::fmt;

use crate::ids::Topic;

/// One topic, or all that start alike.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    Exact(Box<str>),
    /// Written with a `*` at the end; `*` alone is the empty prefix.
    Prefix(Box<str>),
}

impl Pattern {
    /// Panics at what is no pattern in a [`Config`](crate::Config) either: a rule that holds for
    /// nothing would let everything pass.
    pub(super) fn new(pattern: &str) -> Self {
        assert!(!pattern.is_empty(), "a pattern is empty, expected a topic or a prefix and \"*\"");
        let (is_prefix, text) =
            pattern.strip_suffix('*').map_or((false, pattern), |prefix| (true, prefix));
        let inside = text.contains('*');
        assert!(!inside, "pattern {pattern:?} has \"*\" before its end, expected it there alone");
        if is_prefix { Self::Prefix(text.into()) } else { Self::Exact(text.into()) }
    }

    /// Whether it holds for what is about that topic, or about none, which is a matter of `*`.
    pub(super) fn matches(&self, topic: Option<&Topic>) -> bool {
        match (self, topic) {
            (Self::Exact(exact), Some(topic)) => topic.as_str() == &**exact,
            (Self::Prefix(prefix), Some(topic)) => topic.as_str().starts_with(&**prefix),
            (Self::Exact(_), None) => false,
            (Self::Prefix(prefix), None) => prefix.is_empty(),
        }
    }

    /// How narrow it is: an exact topic is narrower than any prefix, a longer prefix than a
    /// shorter one. Two that match the same topic and are as narrow are the same.
    pub(super) const fn rank(&self) -> (bool, usize) {
        match self {
            Self::Exact(exact) => (true, exact.len()),
            Self::Prefix(prefix) => (false, prefix.len()),
        }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(exact) => f.write_str(exact),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        let read = Pattern::new(pattern);
        for topic in matching {
            assert!(read.matches(Some(&Topic::from(*topic))), "{pattern} matches {topic:?}");
        }
        for topic in others {
            assert!(!read.matches(Some(&Topic::from(*topic))), "{pattern} is not for {topic:?}");
        }
    }

    #[test]
    fn a_pattern_is_one_topic_or_a_prefix() {
        check("room", &["room"], &["rooms", "roo", "Room"]);
        check("room:*", &["room:1", "room:", "room:*"], &["room", "roo"]);
        check("*", &["a", "*", ""], &[]);
    }

    #[test]
    fn what_is_about_no_topic_is_a_matter_of_the_star() {
        assert!(Pattern::new("*").matches(None));
        assert!(!Pattern::new("a*").matches(None));
        assert!(!Pattern::new("a").matches(None));
    }

    #[test]
    #[should_panic(expected = "a pattern is empty")]
    fn an_empty_pattern_is_none() {
        let _none = Pattern::new("");
    }

    #[test]
    #[should_panic(expected = "pattern \"a*b*\" has \"*\" before its end")]
    fn a_star_ends_a_pattern() {
        let _none = Pattern::new("a*b*");
    }
}
