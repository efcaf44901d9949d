//! How much does coming and going cost, and how does that grow with the room?
//!
//! - `join`: a room fills up from empty, with presence on: the event is made from names in hand,
//!   handled, flushed and its outbox (reply, presence state, diff) dropped. Per join.
//! - `pair`: in a full room a random member leaves and comes back. Per pair.
//!   - `presence_off`: two replies, flushed and dropped with each pair.
//!   - `presence_on`: two replies, a presence state and two diffs, likewise.
//!   - `held_in_outbox`: presence on, and each pair is followed by a broadcast; flushed and dropped
//!     when 100 messages are held.
//!   - `held_by_driver`: presence on, flushed with each pair, and the 100 messages flushed last are
//!     held.
//!
//! No sink: nobody reads recipients or presences. Not included: encoding.

#![expect(clippy::disallowed_types, reason = "what takes time is measured with a clock")]
#![expect(clippy::indexing_slicing, reason = "a bench that is wrong should stop")]

mod workload;

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use criterion::{
    BatchSize, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use parlor::{Channel, Outbound, Payload, PresenceMode, Topic};

use self::workload::{
    Person, Random, broadcast, channel, full_room, join, leave, payload, people, topics,
};

/// Messages that are held.
const HELD: usize = 100;

/// Pairs with a broadcast each that make that many messages.
const HELD_PAIRS: u64 = 17;

fn joins(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("churn/join");
    group.sampling_mode(SamplingMode::Flat);
    for size in [1_000, 10_000, 100_000] {
        group.throughput(Throughput::Elements(size as u64));
        let (people, topic) = (people(size), topics(1).remove(0));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter_batched(
                || channel(PresenceMode::On),
                |mut channel| {
                    for person in &people {
                        join(&mut channel, person, &topic);
                        drop(channel.flush_outbox());
                    }
                    channel
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// A full room of which members leave and come back.
struct Room {
    people: Vec<Person>,
    topic: Topic,
    channel: Channel,
    random: Random,
    payload: Payload,
    held: VecDeque<Outbound>,
}

impl Room {
    fn new(size: usize, presence: PresenceMode) -> Self {
        let (people, topic) = (people(size), topics(1).remove(0));
        let mut channel = full_room(&people, &topic, presence);
        let mut random = Random::new();
        // What a room looks like after a while: with gaps all over it.
        for _ in 0..size {
            pair(&mut channel, &people[random.below(size)], &topic);
            drop(channel.flush_outbox());
        }
        Self { people, topic, channel, random, payload: payload(), held: VecDeque::new() }
    }

    fn pair(&mut self) {
        let at = self.random.below(self.people.len());
        pair(&mut self.channel, &self.people[at], &self.topic);
    }

    fn flushed_pair(&mut self) {
        self.pair();
        drop(self.channel.flush_outbox());
    }

    fn broadcast(&mut self) {
        let at = self.random.below(self.people.len());
        broadcast(&mut self.channel, &self.people[at], &self.topic, &self.payload);
    }

    fn held_pair(&mut self) {
        self.pair();
        self.held.extend(self.channel.flush_outbox());
        let surplus = self.held.len().saturating_sub(HELD);
        self.held.drain(..surplus);
    }
}

/// One member leaves and comes back.
fn pair(channel: &mut Channel, person: &Person, topic: &Topic) {
    leave(channel, person, topic);
    join(channel, person, topic);
}

fn pairs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("churn/pair");
    group.throughput(Throughput::Elements(1));
    for size in [10_000, 100_000] {
        let mut room = Room::new(size, PresenceMode::Off);
        group.bench_function(BenchmarkId::new("presence_off", size), |bencher| {
            bencher.iter(|| room.flushed_pair());
        });
        let mut room = Room::new(size, PresenceMode::On);
        group.bench_function(BenchmarkId::new("presence_on", size), |bencher| {
            bencher.iter(|| room.flushed_pair());
        });
        group.bench_function(BenchmarkId::new("held_in_outbox", size), |bencher| {
            bencher.iter_custom(|times| {
                let start = Instant::now();
                for time in 1..=times {
                    room.pair();
                    room.broadcast();
                    if time.is_multiple_of(HELD_PAIRS) {
                        drop(room.channel.flush_outbox());
                    }
                }
                start.elapsed()
            });
        });
        group.bench_function(BenchmarkId::new("held_by_driver", size), |bencher| {
            bencher.iter(|| room.held_pair());
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(12)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1_200));
    targets = joins, pairs
}
criterion_main!(benches);
