//! What all benches have in common: names, payload, a fixed-seed generator and filled channels.
//!
//! Ids are 16-character strings, the payload is a JSON text of 128 bytes, and whatever is random
//! comes from a fixed seed, so that every run and every contender does the same work.

// Each bench is a crate of its own and uses a part of this.
#![allow(dead_code, reason = "each bench uses a part")]

pub(crate) mod sinks;

use parlor::{
    Broadcast, Channel, ClientId, Config, Join, Leave, Limit, Payload, PresenceMode, RoomConfig,
    Topic, UserId,
};

/// Xorshift64* with the seed that all benches share.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        usize::try_from((high * bound as u64) >> 32).expect("a product of halves fits")
    }

    /// The numbers below `len` in random order.
    pub(crate) fn shuffled(&mut self, len: usize) -> Vec<usize> {
        let mut numbers: Vec<_> = (0..len).collect();
        for last in (1..len).rev() {
            numbers.swap(last, self.below(last + 1));
        }
        numbers
    }
}

/// A client under the names that it has.
pub(crate) struct Person {
    pub(crate) client: ClientId,
    pub(crate) user: UserId,
}

/// That many clients, each of a user of its own.
pub(crate) fn people(count: usize) -> Vec<Person> {
    let person = |number| Person {
        client: format!("client-{number:09}").into(),
        user: format!("user-{number:011}").into(),
    };
    (0..count).map(person).collect()
}

/// That many topics.
pub(crate) fn topics(count: usize) -> Vec<Topic> {
    (0..count).map(|number| format!("room-{number:011}").into()).collect()
}

/// A chat message, 128 bytes of JSON.
pub(crate) fn payload() -> Payload {
    let text = r#"{"text":"Nothing is so painful to the human mind as a great and sudden change; discuss, with reference to room 101","lang":"en"}"#;
    assert_eq!(text.len(), 128, "the payload is what the figures say");
    Payload::json(text).expect("the payload is JSON")
}

/// A channel without anybody in it.
pub(crate) fn channel(presence: PresenceMode) -> Channel {
    let config = Config::builder()
        .limit(Limit::TopicsPerClient, 1_000_000)
        .default_room(RoomConfig::default().with_presence(presence));
    Channel::single_node(config.build().expect("the limits are in range"))
}

/// A channel with one room, in which all of `people` are.
pub(crate) fn full_room(people: &[Person], topic: &Topic, presence: PresenceMode) -> Channel {
    let mut channel = channel(presence);
    for person in people {
        join(&mut channel, person, topic);
        drop(channel.flush_outbox());
    }
    channel
}

pub(crate) fn join(channel: &mut Channel, person: &Person, topic: &Topic) {
    channel.handle(Join::new(&person.client, topic, &person.user, 1).into());
}

pub(crate) fn leave(channel: &mut Channel, person: &Person, topic: &Topic) {
    channel.handle(Leave::new(&person.client, topic).into());
}

pub(crate) fn broadcast(channel: &mut Channel, person: &Person, topic: &Topic, payload: &Payload) {
    channel.handle(Broadcast::new(&person.client, topic, payload.clone()).into());
}
