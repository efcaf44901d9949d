//! Which room configuration a topic has: that of its exact name, or that of its longest prefix.
//!
//! Knows nothing about what a configuration says. Costs: a lookup O(log n) in the exact names, and
//! in the prefixes that times the number of those that are prefixes of one another.

use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use super::RoomConfig;
use crate::ids::Topic;

/// What the pattern of a prefix ends with.
const WILDCARD: char = '*';

/// Patterns, each with a configuration: exact names of topics, and prefixes, which end in `*`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Patterns {
    listed: Vec<(Topic, Arc<RoomConfig>)>,
    exact: BTreeMap<Topic, Arc<RoomConfig>>,
    prefixes: BTreeMap<Topic, Prefix>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Prefix {
    room: Arc<RoomConfig>,
    /// The longest other prefix that this one starts with.
    shorter: Option<Topic>,
}

impl Patterns {
    /// Takes patterns of which each stands there once.
    pub(super) fn new(listed: Vec<(Topic, Arc<RoomConfig>)>) -> Self {
        let mut patterns = Self::default();
        for (pattern, room) in &listed {
            let room = Arc::clone(room);
            match pattern.as_str().strip_suffix(WILDCARD) {
                None => drop(patterns.exact.insert(pattern.clone(), room)),
                Some(prefix) => {
                    let prefix = Topic::from(prefix);
                    drop(patterns.prefixes.insert(prefix, Prefix { room, shorter: None }));
                }
            }
        }
        patterns.listed = listed;
        patterns.link();
        patterns
    }

    /// Notes of each prefix the longest that it starts with. In order, all that start with a
    /// prefix come right after it, so those that may be meant are a stack.
    fn link(&mut self) {
        let mut open: Vec<Topic> = Vec::new();
        for (prefix, Prefix { shorter, .. }) in &mut self.prefixes {
            while open.pop_if(|last| !prefix.as_bytes().starts_with(last.as_bytes())).is_some() {}
            *shorter = open.last().cloned();
            open.push(prefix.clone());
        }
    }

    /// The configuration of the pattern that says most about a topic.
    pub(super) fn find(&self, topic: &Topic) -> Option<&Arc<RoomConfig>> {
        if let Some(room) = self.exact.get(topic) {
            return Some(room);
        }
        // All prefixes of a topic come before it, and the last that does starts with each of them.
        let mut found = self.prefixes.range::<Topic, _>(..=topic).next_back();
        while let Some((prefix, Prefix { room, shorter })) = found {
            if topic.as_bytes().starts_with(prefix.as_bytes()) {
                return Some(room);
            }
            found = shorter.as_ref().and_then(|shorter| self.prefixes.get_key_value(shorter));
        }
        None
    }

    pub(super) fn is_declared(&self, topic: &Topic) -> bool {
        self.exact.contains_key(topic)
    }

    /// All of them as they are written, in the order of the configuration.
    pub(super) fn listed(&self) -> impl Iterator<Item = (&Topic, &Arc<RoomConfig>)> {
        self.listed.iter().map(|(pattern, room)| (pattern, room))
    }

    /// The exact names, in the order of the configuration.
    pub(super) fn declared(&self) -> impl Iterator<Item = (&Topic, &Arc<RoomConfig>)> {
        self.listed().filter(|(pattern, _)| self.exact.contains_key(*pattern))
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::String};

    use super::*;

    fn patterns(listed: &[&str]) -> Patterns {
        let room = |pattern: &&str| Arc::new(RoomConfig::default().with_name(*pattern));
        Patterns::new(listed.iter().map(|pattern| (Topic::from(*pattern), room(pattern))).collect())
    }

    fn check(listed: &[&str], expected: &[(&str, Option<&str>)]) {
        let patterns = patterns(listed);
        for (topic, expected) in expected {
            let found = patterns.find(&Topic::from(*topic));
            assert_eq!(found.and_then(|room| room.name.as_deref()), *expected, "{topic}");
        }
    }

    #[test]
    fn an_exact_name_beats_a_prefix_and_a_longer_prefix_a_shorter() {
        let listed = ["*", "chat:*", "chat:vip", "chat:v*", "game:*", "chat:vip:*"];
        check(
            &listed,
            &[
                ("", Some("*")),
                ("chat", Some("*")),
                ("chat:", Some("chat:*")),
                ("chat:a", Some("chat:*")),
                ("chat:z", Some("chat:*")),
                ("chat:v", Some("chat:v*")),
                ("chat:vip", Some("chat:vip")),
                ("chat:vip2", Some("chat:v*")),
                ("chat:vip:1", Some("chat:vip:*")),
                ("game:é", Some("game:*")),
                ("zebra", Some("*")),
            ],
        );
        check(
            &listed[1..],
            &[("", None), ("chat", None), ("zebra", None), ("chat:", Some("chat:*"))],
        );
        check(&[], &[("", None), ("chat", None)]);
    }

    #[test]
    fn declared_are_the_exact_ones_in_order() {
        let patterns = patterns(&["z", "*", "b:*", "a", "b:1"]);
        let declared: Vec<_> = patterns.declared().map(|(topic, _)| topic.as_str()).collect();
        assert_eq!(declared, ["z", "a", "b:1"]);
        assert!(patterns.is_declared(&"a".into()));
        assert!(!patterns.is_declared(&"b:2".into()) && !patterns.is_declared(&"b:*".into()));
    }

    /// Patterns and topics of up to four letters of two, against a search through all patterns.
    #[test]
    fn it_finds_what_a_search_through_all_finds() {
        let mut texts = [String::new()].to_vec();
        for start in 0..15 {
            texts.extend(["a", "b"].map(|letter| format!("{}{letter}", texts[start])));
        }
        for round in 1..200_u64 {
            let chance = round.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let chosen = texts.iter().zip(0..).filter(|(_, at)| chance.rotate_left(*at) % 4 == 0);
            let listed: Vec<_> = chosen.map(|(text, _)| format!("{text}*")).collect();
            let listed: Vec<_> = listed.iter().map(String::as_str).collect();
            let patterns = patterns(&listed);
            for topic in &texts {
                let matching = listed
                    .iter()
                    .filter(|pattern| topic.starts_with(pattern.trim_end_matches('*')));
                let expected = matching.max_by_key(|pattern| pattern.len()).copied();
                let found = patterns.find(&Topic::from(topic.as_str()));
                let found = found.and_then(|room| room.name.as_deref());
                assert_eq!(found, expected, "{topic} in {listed:?}");
            }
        }
    }
}
