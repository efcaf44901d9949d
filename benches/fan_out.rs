//! How much does a message into a room cost, and how does that grow with the room?
//!
//! - `handle`: the channel's own part, with nobody reading the recipients: in a steady room, and
//!   right after a random member has left and come back.
//! - `visit`: reading the recipients of a broadcast that was made before, with a sink that adds up
//!   their indices. Per recipient. `vacated`: a third of the places are empty.
//! - `deliver`: a broadcast from `handle` to the queue of every recipient. Per recipient. Two
//!   sinks: `index` pushes a `u32` and `arc` an `Arc<str>` into the `Vec` of each client.
//!
//! Senders are random. Each broadcast that is delivered is flushed alone, and the queues are drained
//! after 10. Not included: making the event and dropping the outbox (`handle` only), draining the
//! queues, encoding.

#![expect(clippy::disallowed_types, reason = "what takes time is measured with a clock")]
#![expect(clippy::indexing_slicing, clippy::panic, reason = "a bench that is wrong should stop")]

mod workload;

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use parlor::{Broadcast, Channel, Event, Outbound, Payload, PresenceMode, Recipients, Topic};

use self::workload::{
    Person, Random, full_room, join, leave, payload, people,
    sinks::{Item, Queues},
    topics,
};

const SIZES: [usize; 4] = [10, 1_000, 10_000, 100_000];

/// Broadcasts between two flushes, where nobody reads them.
const UNREAD: u64 = 100;

/// Broadcasts between two drains of the queues.
const UNDRAINED: u64 = 10;

/// A room of which everybody sends in turn.
struct Room {
    people: Vec<Person>,
    topic: Topic,
    channel: Channel,
    payload: Payload,
    random: Random,
}

impl Room {
    fn new(size: usize) -> Self {
        let (people, topic) = (people(size), topics(1).remove(0));
        let channel = full_room(&people, &topic, PresenceMode::On);
        Self { people, topic, channel, payload: payload(), random: Random::new() }
    }

    fn anyone(&mut self) -> &Person {
        let at = self.random.below(self.people.len());
        &self.people[at]
    }

    fn message(&mut self) -> Event {
        let (topic, payload) = (self.topic.clone(), self.payload.clone());
        Broadcast::new(&self.anyone().client, topic, payload).into()
    }

    /// A random member leaves and comes back.
    fn change(&mut self) {
        let at = self.random.below(self.people.len());
        let Self { people, topic, channel, .. } = self;
        leave(channel, &people[at], topic);
        join(channel, &people[at], topic);
        drop(channel.flush_outbox());
    }

    /// The recipients of one broadcast.
    fn recipients(&mut self) -> Recipients {
        let message = self.message();
        self.channel.handle(message);
        let Some(Outbound::BroadcastMessage(message)) = self.channel.flush_outbox().pop() else {
            panic!("a broadcast makes a message");
        };
        message.recipients
    }
}

fn handle(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fan_out/handle");
    group.throughput(Throughput::Elements(1));
    for size in SIZES {
        let mut room = Room::new(size);
        group.bench_function(BenchmarkId::new("steady", size), |bencher| {
            bencher.iter_custom(|times| {
                batches(times, UNREAD).map(|batch| handle_batch(&mut room, batch)).sum()
            });
        });
        group.bench_function(BenchmarkId::new("changed", size), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| handle_one(&mut room)).sum());
        });
    }
    group.finish();
}

fn handle_batch(room: &mut Room, batch: u64) -> Duration {
    let messages: Vec<_> = (0..batch).map(|_| room.message()).collect();
    let start = Instant::now();
    for message in messages {
        room.channel.handle(message);
    }
    let taken = start.elapsed();
    drop(room.channel.flush_outbox());
    taken
}

/// One broadcast right after a change, without what the clock itself takes.
fn handle_one(room: &mut Room) -> Duration {
    room.change();
    let message = room.message();
    let start = Instant::now();
    room.channel.handle(message);
    let taken = start.elapsed();
    drop(room.channel.flush_outbox());
    taken.saturating_sub(clock())
}

/// What reading the clock twice takes: the least of some tries.
fn clock() -> Duration {
    (0..16).map(|_| Instant::now().elapsed()).min().unwrap_or_default()
}

fn visit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fan_out/visit");
    for size in SIZES {
        group.throughput(Throughput::Elements(size as u64));
        let recipients = Room::new(size).recipients();
        group.bench_function(BenchmarkId::new("full", size), |bencher| {
            bencher.iter(|| sum_of_indices(black_box(&recipients)));
        });
        let recipients = with_vacated_places(size);
        group.bench_function(BenchmarkId::new("vacated", size), |bencher| {
            bencher.iter(|| sum_of_indices(black_box(&recipients)));
        });
    }
    group.finish();
}

fn sum_of_indices(recipients: &Recipients) -> usize {
    recipients.handles().map(parlor::ClientHandle::index).sum()
}

/// A broadcast to `size` members, with about half as many empty places among them.
fn with_vacated_places(size: usize) -> Recipients {
    let gone = size / 2 - 1;
    let mut room = Room::new(size + gone);
    let order = room.random.shuffled(size + gone);
    for at in order.into_iter().take(gone) {
        leave(&mut room.channel, &room.people[at], &room.topic);
        drop(room.channel.flush_outbox());
    }
    let kept = room.channel.subscribers(&room.topic).handles().next().expect("some have stayed");
    room.people = vec![room.people.swap_remove(kept.index())];
    let recipients = room.recipients();
    assert_eq!(recipients.len(), size, "the rest has stayed");
    recipients
}

fn deliver(criterion: &mut Criterion) {
    deliver_to::<u32>(criterion, "index");
    deliver_to::<Arc<str>>(criterion, "arc");
}

fn deliver_to<T: Item>(criterion: &mut Criterion, sink: &str) {
    let mut group = criterion.benchmark_group("fan_out/deliver");
    for size in SIZES {
        group.throughput(Throughput::Elements(size as u64));
        let mut room = Room::new(size);
        let mut queues = Queues::<T>::new(size);
        group.bench_function(BenchmarkId::new(sink, size), |bencher| {
            bencher.iter_custom(|times| {
                batches(times, UNDRAINED)
                    .map(|batch| deliver_batch(&mut room, &mut queues, batch))
                    .sum()
            });
        });
    }
    group.finish();
}

fn deliver_batch<T: Item>(room: &mut Room, queues: &mut Queues<T>, batch: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..batch {
        let message = room.message();
        room.channel.handle(message);
        queues.perform(&room.channel.flush_outbox());
    }
    let taken = start.elapsed();
    let delivered = queues.drain();
    assert_eq!(delivered as u64, batch * room.people.len() as u64, "everyone has each message");
    taken
}

/// So many times, in batches of at most `size`.
fn batches(times: u64, size: u64) -> impl Iterator<Item = u64> {
    (0..times.div_ceil(size)).map(move |batch| size.min(times - batch * size))
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(15)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800));
    targets = handle, visit, deliver
}
criterion_main!(benches);
