//! Rules by closure: asked one after the other, and none of them can do harm by a panic.

use alloc::{sync::Arc, vec::Vec};
use core::fmt;

use crate::{
    channel::Channel,
    event::Event,
    guard::{decision::Denial, pattern::Pattern},
    ids::Topic,
};

/// Looks at an event, and leaves it, changes it, or says why it must not go in.
pub(super) type Ask = dyn Fn(&mut Event, &Channel) -> Result<(), Denial> + Send + Sync;

/// All rules, in the order in which they were added.
#[derive(Debug, Default, Clone)]
pub(super) struct Rules(Vec<Rule>);

#[derive(Clone)]
pub(super) struct Rule {
    /// What it is about, for `Debug`.
    about: &'static str,
    topics: Pattern,
    pub(super) ask: Arc<Ask>,
}

impl Rules {
    pub(super) fn add(&mut self, about: &'static str, topics: Pattern, ask: Arc<Ask>) {
        self.0.push(Rule { about, topics, ask });
    }

    pub(super) fn of<'a>(&'a self, topic: Option<&'a Topic>) -> impl Iterator<Item = &'a Rule> {
        self.0.iter().filter(move |rule| rule.topics.matches(topic))
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {:?}", self.about, self.topics)
    }
}

/// What `decide` returns, or none if it panics. Where panics do not unwind, they are not stopped.
#[cfg(feature = "std")]
pub(super) fn unless_it_panics<R>(decide: impl FnOnce() -> R) -> Option<R> {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    // What a rule shares with others is its own to keep in order, and all else it can't change.
    let thrown = match catch_unwind(AssertUnwindSafe(decide)) {
        Ok(decided) => return Some(decided),
        Err(thrown) => thrown,
    };
    // What was thrown may itself panic when it is dropped.
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(thrown))) {
        core::mem::forget(again);
    }
    None
}

/// What `decide` returns: without `std`, panics can't be stopped.
#[cfg(not(feature = "std"))]
#[expect(clippy::unnecessary_wraps, reason = "with `std` there may be none")]
pub(super) fn unless_it_panics<R>(decide: impl FnOnce() -> R) -> Option<R> {
    Some(decide())
}
