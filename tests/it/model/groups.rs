//! Groups of topics: spec sections 4 and 8.

use super::{Ask, Model, Outcome};

impl Model {
    /// Section 4: idempotent; topics without a room may be listed. No topics make no group.
    pub(super) fn add_to_group(&mut self, ask: &Ask) -> Outcome {
        self.check(ask)?;
        let (group, added) = (ask.text("group"), ask.names("topics"));
        let known = self.find_group(&group);
        let is_known = known.is_some();
        let mut topics = known.unwrap_or_default();
        for topic in added {
            if !topics.contains(&topic) {
                topics.push(topic);
            }
        }
        let is_new = !is_known && !topics.is_empty();
        if is_new && self.groups.len() >= self.setup.limits.groups {
            return Err("limit_reached groups".into());
        }
        if topics.len() > self.setup.limits.topics_per_group {
            return Err("limit_reached topics_per_group".into());
        }

        match self.groups.iter_mut().find(|(name, _)| *name == group) {
            Some((_, linked)) => *linked = topics,
            None if is_new => self.groups.push((group, topics)),
            None => {}
        }
        self.reply_if_asked(ask, "{}".into());
        Ok(())
    }

    /// Section 4: idempotent; an empty group goes.
    pub(super) fn remove_from_group(&mut self, ask: &Ask) -> Outcome {
        self.check(ask)?;
        let (group, removed) = (ask.text("group"), ask.names("topics"));
        for (_, topics) in self.groups.iter_mut().filter(|(name, _)| *name == group) {
            topics.retain(|topic| !removed.contains(topic));
        }
        self.groups.retain(|(_, topics)| !topics.is_empty());
        self.reply_if_asked(ask, "{}".into());
        Ok(())
    }

    /// Section 8: the topics of a group, as added.
    pub(super) fn find_group(&self, group: &str) -> Option<Vec<String>> {
        let found = self.groups.iter().find(|(name, _)| name == group);
        found.map(|(_, topics)| topics.clone())
    }

    /// Section 2: in the order of making; topics as added.
    pub fn groups(&self) -> Vec<(String, Vec<String>)> {
        self.groups.clone()
    }
}
