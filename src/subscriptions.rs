//! Which event names the members of one room have subscribed to.
//!
//! Knows nothing about messages, rooms or limits. Nearly all members hear everything, by a `*` that
//! is their only subscription; only of others something is kept, so that a room where all hear all
//! is told in O(1). Costs: O(log n) in the members that differ, and linear in a member's names.

use alloc::{collections::BTreeMap, vec, vec::Vec};

use crate::ids::{ClientHandle, EventName};

/// The subscription to every event name. It is a name like any other in the list of a member.
const ALL: &str = "*";

/// The subscriptions of the members that have others than `*`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subscriptions {
    // Invariant: none is `*` alone.
    names: BTreeMap<ClientHandle, Names>,
    // Invariant: how many lack `*`.
    choosy: usize,
}

/// What one member has subscribed to, in that order, each name once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Names(Vec<EventName>);

impl Names {
    fn all() -> Self {
        Self(vec![ALL.into()])
    }

    fn has(&self, event: &str) -> bool {
        self.0.iter().any(|name| name == event)
    }

    fn add(&mut self, event: &EventName) {
        if !self.0.contains(event) {
            self.0.push(event.clone());
        }
    }

    fn is_only_all(&self) -> bool {
        matches!(self.0.as_slice(), [name] if name == ALL)
    }

    fn hears(&self, event: &EventName) -> bool {
        self.0.contains(event) || self.has(ALL)
    }
}

impl Subscriptions {
    /// Gives a member these subscriptions in place of those that it has. Costs k² in them, as one
    /// that stands there twice is taken once.
    pub(crate) fn set(&mut self, client: ClientHandle, names: &[EventName]) {
        let mut once = Names::default();
        for name in names {
            once.add(name);
        }
        self.put(client, once);
    }

    /// Adds a subscription at the end, unless the member has it.
    pub(crate) fn subscribe(&mut self, client: ClientHandle, event: &EventName) {
        let mut names = self.take(client);
        names.add(event);
        self.put(client, names);
    }

    /// Removes a subscription, if the member has it.
    pub(crate) fn unsubscribe(&mut self, client: ClientHandle, event: &EventName) {
        let mut names = self.take(client);
        names.0.retain(|name| name != event);
        self.put(client, names);
    }

    /// Forgets a member: it has `*` again, as one that comes.
    pub(crate) fn forget(&mut self, client: ClientHandle) {
        self.take(client);
    }

    /// What a member has subscribed to, in that order.
    pub(crate) fn names(&self, client: ClientHandle) -> Vec<EventName> {
        self.names.get(&client).cloned().unwrap_or_else(Names::all).0
    }

    /// How many subscriptions a member has.
    pub(crate) fn count(&self, client: ClientHandle) -> usize {
        self.names.get(&client).map_or(1, |names| names.0.len())
    }

    /// Whether a member has this very subscription.
    pub(crate) fn has(&self, client: ClientHandle, event: &EventName) -> bool {
        self.names.get(&client).map_or(event == ALL, |names| names.0.contains(event))
    }

    /// Whether a member hears messages of this name.
    pub(crate) fn hears(&self, client: ClientHandle, event: &EventName) -> bool {
        self.names.get(&client).is_none_or(|names| names.hears(event))
    }

    /// Whether a member hears messages of every name.
    pub(crate) fn hears_all(&self, client: ClientHandle) -> bool {
        self.names.get(&client).is_none_or(|names| names.has(ALL))
    }

    /// Whether all members hear messages of every name. O(1).
    pub(crate) const fn all_hear_all(&self) -> bool {
        self.choosy == 0
    }

    /// The members that don't hear messages of this name, by handle. Linear in the names of all
    /// that differ; O(1) where all hear all.
    pub(crate) fn deaf(&self, event: &EventName) -> impl Iterator<Item = ClientHandle> {
        let differing = if self.all_hear_all() { None } else { Some(&self.names) };
        let deaf = differing.into_iter().flatten().filter(|(_, names)| !names.hears(event));
        deaf.map(|(client, _)| *client)
    }

    /// The members whose subscriptions differ from `*`, by handle: whoever sets them has the same.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ClientHandle, &[EventName])> {
        self.names.iter().map(|(client, names)| (*client, names.0.as_slice()))
    }

    fn take(&mut self, client: ClientHandle) -> Names {
        let Some(names) = self.names.remove(&client) else { return Names::all() };
        self.choosy -= usize::from(!names.has(ALL));
        names
    }

    fn put(&mut self, client: ClientHandle, names: Names) {
        self.take(client);
        if !names.is_only_all() {
            self.choosy += usize::from(!names.has(ALL));
            self.names.insert(client, names);
        }
    }

    /// Panics if an invariant does not hold. Costs k² in the names of each member that differs.
    pub(crate) fn check_invariants(&self) {
        for names in self.names.values() {
            assert!(!names.is_only_all(), "`*` alone is not kept");
            for (at, name) in names.0.iter().enumerate() {
                assert!(!names.0.iter().skip(at + 1).any(|other| other == name), "a name is once");
            }
        }
        let choosy = self.names.values().filter(|names| !names.has(ALL)).count();
        assert_eq!(choosy, self.choosy, "those who lack `*` are counted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENTS: u32 = 6;
    const NAMES: [&str; 5] = ["*", "a", "b", "c", "a name that is longer than others"];

    fn hears(list: &[EventName], event: &EventName) -> bool {
        list.iter().any(|name| name == event || name == "*")
    }

    #[test]
    fn members_hear_what_they_subscribed_to() {
        let mut subscriptions = Subscriptions::default();
        // What each client has subscribed to, by its number.
        let mut dumb = vec![vec![EventName::from("*")]; CLIENTS as usize];
        let mut state = 17_u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        let (mut all_heard, mut none_kept) = (0, 0);
        for _ in 0..5_000 {
            let number = random(CLIENTS);
            let (client, list) = (ClientHandle::new(number), &mut dumb[number as usize]);
            let event = EventName::from(NAMES[random(5) as usize]);
            match random(10) {
                0..=2 => {
                    subscriptions.forget(client);
                    *list = vec!["*".into()];
                }
                3 => {
                    let names = [random(5), random(5), random(5)].map(|at| NAMES[at as usize]);
                    let names = names.map(EventName::from);
                    subscriptions.set(client, &names);
                    list.clear();
                    for name in names {
                        if !list.contains(&name) {
                            list.push(name);
                        }
                    }
                }
                4..=6 => {
                    subscriptions.unsubscribe(client, &event);
                    list.retain(|name| *name != event);
                }
                _ => {
                    subscriptions.subscribe(client, &event);
                    if !list.contains(&event) {
                        list.push(event);
                    }
                }
            }

            subscriptions.check_invariants();
            for (client, list) in (0..).map(ClientHandle::new).zip(&dumb) {
                assert_eq!(subscriptions.names(client), *list);
                assert_eq!(subscriptions.count(client), list.len());
                assert_eq!(subscriptions.hears_all(client), list.contains(&"*".into()));
            }
            for event in NAMES.map(EventName::from) {
                let mut deaf = vec![];
                for (client, list) in (0..).map(ClientHandle::new).zip(&dumb) {
                    assert_eq!(subscriptions.has(client, &event), list.contains(&event));
                    assert_eq!(subscriptions.hears(client, &event), hears(list, &event));
                    if !hears(list, &event) {
                        deaf.push(client);
                    }
                }
                assert!(subscriptions.deaf(&event).eq(deaf));
            }
            let all = dumb.iter().all(|list| list.contains(&"*".into()));
            assert_eq!(subscriptions.all_hear_all(), all);
            all_heard += u32::from(all);
            none_kept += u32::from(subscriptions.iter().next().is_none());
        }
        assert!(all_heard > none_kept && none_kept > 0, "{all_heard} {none_kept}");

        let mut again = Subscriptions::default();
        for (client, names) in subscriptions.iter() {
            again.set(client, names);
        }
        assert!(again.iter().eq(subscriptions.iter()));
        assert_eq!(again.all_hear_all(), subscriptions.all_hear_all());
    }
}
