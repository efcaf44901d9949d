//! What waits behind a long answer: the backlog of one topic.
//!
//! While an answer drains, everything that its topic still has to say to the client stands behind it
//! in order (R7). Other topics pass.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, RandomState},
    sync::LazyLock,
};

use parlor::Topic;

use super::{answer::Part, line::Load};

/// A topic as a number: a keyed hash, since comparing names would cost each delivery a copy of one.
/// Two topics with the same tag would wait for each other, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag(u64);

impl Tag {
    pub(crate) fn of(topic: &Topic) -> Self {
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        Self(KEY.hash_one(topic.as_str()))
    }
}

/// What of one topic waits in order.
#[derive(Debug)]
pub(super) struct Backlog {
    pub(super) tag: Tag,
    pub(super) topic: Topic,
    /// How many entries of the main line go before it.
    pub(super) after: u64,
    pub(super) parts: VecDeque<Part>,
    /// What of it is live.
    pub(super) live: Load,
    pub(super) state: State,
}

/// Whether a backlog takes more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    /// The client was told to join again; until its join is answered, its topic says nothing to it.
    Interrupted,
}

impl Backlog {
    pub(super) fn new(topic: Topic, after: u64) -> Self {
        let (tag, parts) = (Tag::of(&topic), VecDeque::new());
        Self { tag, topic, after, parts, live: Load::default(), state: State::Open }
    }
}
