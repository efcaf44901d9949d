//! Groups: named sets of topics, in the order in which they were added.
//!
//! Knows nothing about rooms and who is in them; a topic may be in a group whether it has a room or
//! not. A group is made with its first topic and goes with its last. Costs: O(log n) for each topic
//! that is added or removed; a topic is forgotten in O(log n) for each group that it is in.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::ids::{GroupName, Topic};

/// The number of a group. They grow, so their order is that in which groups were made.
type GroupNumber = u64;

/// All groups of a channel.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups {
    by_number: BTreeMap<GroupNumber, Group>,
    by_name: BTreeMap<GroupName, GroupNumber>,
    // Invariant: where each topic stands in each group that it is in; none of these is empty.
    by_topic: BTreeMap<Topic, BTreeMap<GroupNumber, u64>>,
    // Invariant: higher than the number of any group, and than any place in one.
    next: u64,
}

#[derive(Debug, Clone)]
struct Group {
    name: GroupName,
    // Invariant: not empty. By place, and places grow.
    topics: BTreeMap<u64, Topic>,
}

impl Groups {
    /// How many groups there are.
    pub(crate) fn len(&self) -> usize {
        self.by_number.len()
    }

    /// Whether there is such a group.
    pub(crate) fn contains(&self, group: &GroupName) -> bool {
        self.by_name.contains_key(group)
    }

    /// The topics of a group, as they were added; none if there is no such group.
    pub(crate) fn get(&self, group: &GroupName) -> Option<impl Iterator<Item = &Topic>> {
        let number = self.by_name.get(group)?;
        Some(self.by_number.get(number)?.topics.values())
    }

    /// The groups in the order in which they were made, with their topics as they were added.
    /// Whoever adds them in this order has the same.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&GroupName, impl Iterator<Item = &Topic>)> {
        self.by_number.values().map(|group| (&group.name, group.topics.values()))
    }

    /// How many topics a group would have with these added.
    pub(crate) fn would_have(&self, group: &GroupName, topics: &[Topic]) -> usize {
        let number = self.by_name.get(group);
        let added: BTreeSet<_> =
            topics.iter().filter(|topic| !number.is_some_and(|at| self.has(*at, topic))).collect();
        let held = number.and_then(|number| self.by_number.get(number));
        held.map_or(0, |group| group.topics.len()) + added.len()
    }

    /// Adds topics at the end of a group, which is made if there is none. Those that are in it
    /// already keep their place.
    pub(crate) fn add(&mut self, group: &GroupName, topics: &[Topic]) {
        if topics.is_empty() {
            return;
        }
        let number = self.by_name.get(group).copied().unwrap_or_else(|| self.make(group));
        for topic in topics {
            if self.has(number, topic) {
                continue;
            }
            let place = self.take_next();
            self.by_topic.entry(topic.clone()).or_default().insert(number, place);
            let group = self.by_number.get_mut(&number).expect("a group is found by its number");
            group.topics.insert(place, topic.clone());
        }
    }

    /// Removes topics from a group, if they are in it.
    pub(crate) fn remove(&mut self, group: &GroupName, topics: &[Topic]) {
        let Some(number) = self.by_name.get(group).copied() else { return };
        for topic in topics {
            let Some(places) = self.by_topic.get_mut(topic) else { continue };
            let Some(place) = places.remove(&number) else { continue };
            if places.is_empty() {
                self.by_topic.remove(topic);
            }
            self.vacate(number, place);
        }
    }

    /// Removes a topic from every group.
    pub(crate) fn forget_topic(&mut self, topic: &Topic) {
        for (number, place) in self.by_topic.remove(topic).unwrap_or_default() {
            self.vacate(number, place);
        }
    }

    fn has(&self, number: GroupNumber, topic: &Topic) -> bool {
        self.by_topic.get(topic).is_some_and(|places| places.contains_key(&number))
    }

    fn make(&mut self, name: &GroupName) -> GroupNumber {
        let number = self.take_next();
        self.by_name.insert(name.clone(), number);
        self.by_number.insert(number, Group { name: name.clone(), topics: BTreeMap::new() });
        number
    }

    const fn take_next(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Empties a place, and with the last one the group goes.
    fn vacate(&mut self, number: GroupNumber, place: u64) {
        let group = self.by_number.get_mut(&number).expect("a topic is in groups that there are");
        group.topics.remove(&place);
        if group.topics.is_empty() {
            self.by_name.remove(&group.name);
            self.by_number.remove(&number);
        }
    }

    /// Panics if an invariant does not hold. Costs n log n in the topics of all groups.
    pub(crate) fn check_invariants(&self) {
        assert_eq!(self.by_name.len(), self.by_number.len(), "each group has its name");
        let mut links = 0;
        for (number, group) in &self.by_number {
            assert_eq!(self.by_name.get(&group.name), Some(number), "a group is found by its name");
            assert!(*number < self.next, "the number of a group is never used again");
            assert!(!group.topics.is_empty(), "a group has topics");
            for (place, topic) in &group.topics {
                let linked = self.by_topic.get(topic).and_then(|places| places.get(number));
                assert_eq!(linked, Some(place), "a topic knows its groups");
                assert!(*place < self.next, "a place is never used again");
            }
            links += group.topics.len();
        }
        let known: usize = self.by_topic.values().map(BTreeMap::len).sum();
        assert_eq!(known, links, "the groups that a topic knows have it");
        assert!(self.by_topic.values().all(|places| !places.is_empty()), "a topic is somewhere");
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, vec, vec::Vec};

    use super::*;

    /// Groups and their topics, in order.
    type Dumb = Vec<(GroupName, Vec<Topic>)>;

    fn listed(groups: &Groups) -> Dumb {
        groups.iter().map(|(name, topics)| (name.clone(), topics.cloned().collect())).collect()
    }

    fn add(dumb: &mut Dumb, group: &GroupName, topics: &[Topic]) {
        if !dumb.iter().any(|(name, _)| name == group) {
            dumb.push((group.clone(), vec![]));
        }
        let (_, list) = dumb.iter_mut().find(|(name, _)| name == group).unwrap();
        for topic in topics {
            if !list.contains(topic) {
                list.push(topic.clone());
            }
        }
    }

    #[test]
    fn groups_and_topics_keep_their_order() {
        let (mut groups, mut dumb) = (Groups::default(), Dumb::new());
        let mut state = 11_u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        let (mut most, mut gone) = (0, 0);
        for _ in 0..5_000 {
            let group = GroupName::from(format!("g{}", random(5)));
            let topics: Vec<_> =
                (0..random(4)).map(|_| Topic::from(format!("t{}", random(7)))).collect();
            let mut after = dumb.clone();
            add(&mut after, &group, &topics);
            let has = after.iter().find(|(name, _)| *name == group).map_or(0, |(_, t)| t.len());
            assert_eq!(groups.would_have(&group, &topics), has);

            match random(8) {
                0..=2 => {
                    groups.add(&group, &topics);
                    dumb = after;
                }
                3..=6 => {
                    groups.remove(&group, &topics);
                    if let Some((_, list)) = dumb.iter_mut().find(|(name, _)| *name == group) {
                        list.retain(|topic| !topics.contains(topic));
                    }
                }
                _ => {
                    let topic = Topic::from(format!("t{}", random(7)));
                    groups.forget_topic(&topic);
                    for (_, list) in &mut dumb {
                        list.retain(|other| *other != topic);
                    }
                }
            }
            let before = dumb.len();
            dumb.retain(|(_, list)| !list.is_empty());

            groups.check_invariants();
            assert_eq!(listed(&groups), dumb);
            assert_eq!(groups.len(), dumb.len());
            let expected = dumb.iter().find(|(name, _)| *name == group).map(|(_, list)| list);
            assert_eq!(groups.contains(&group), expected.is_some());
            let got = groups.get(&group).map(|topics| topics.cloned().collect::<Vec<_>>());
            assert_eq!(got.as_ref(), expected);
            (most, gone) = (most.max(dumb.len()), gone + before - dumb.len());
        }
        assert!(most == 5 && gone > 100, "at most {most} groups, {gone} went");

        let mut again = Groups::default();
        for (name, topics) in &dumb {
            again.add(name, topics);
        }
        assert_eq!(listed(&again), dumb);
    }
}
