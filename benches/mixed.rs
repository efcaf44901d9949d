//! How many events a second does a busy channel take, delivery included?
//!
//! 1,000 rooms of 100 members over 10,000 clients; 80 % of events are broadcasts by a random
//! member, 10 % joins and 10 % leaves. Every 1,000 events the outbox is flushed, every message with
//! recipients goes into the queue of each of them, and the queues are drained. Per event.
//!
//! Two sinks: `index` pushes a `u32` and `arc` an `Arc<str>` into the `Vec` of each client. With
//! presence off a join or leave makes a reply, which has no recipients; with presence on also a
//! diff, which has a hundred. Not included: encoding.

#![expect(clippy::indexing_slicing, reason = "a bench that is wrong should stop")]

mod workload;

use std::{sync::Arc, time::Duration};

use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use parlor::{Channel, Payload, PresenceMode, Topic};

use self::workload::{
    Person, Random, broadcast, channel, join, leave, payload, people,
    sinks::{Item, Queues},
    topics,
};

const CLIENTS: usize = 10_000;
const ROOMS: usize = 1_000;
const MEMBERS: usize = 100;

/// Events between two deliveries.
const BATCH: usize = 1_000;

/// Who may be where.
#[derive(Clone, Copy)]
struct Place {
    client: usize,
    room: usize,
}

/// A channel, and who is where in it.
struct World {
    people: Vec<Person>,
    topics: Vec<Topic>,
    channel: Channel,
    payload: Payload,
    random: Random,
    taken: Vec<Place>,
    free: Vec<Place>,
}

impl World {
    fn new(presence: PresenceMode) -> Self {
        let mut world = Self {
            people: people(CLIENTS),
            topics: topics(ROOMS),
            channel: channel(presence),
            payload: payload(),
            random: Random::new(),
            taken: Vec::new(),
            free: Vec::new(),
        };
        for room in 0..ROOMS {
            // A few more than come, so that there are some who can.
            let chosen = world.random.shuffled(CLIENTS).into_iter().take(MEMBERS + MEMBERS / 10);
            for (count, client) in chosen.enumerate() {
                let place = Place { client, room };
                if count < MEMBERS {
                    world.taken.push(place);
                } else {
                    world.free.push(place);
                }
            }
        }
        for at in world.random.shuffled(world.taken.len()) {
            let Place { client, room } = world.taken[at];
            join(&mut world.channel, &world.people[client], &world.topics[room]);
            drop(world.channel.flush_outbox());
        }
        world
    }

    fn event(&mut self) {
        let Self { people, topics, channel, payload, random, taken, free } = self;
        let chance = random.below(10);
        let from = if chance == 8 { &mut *free } else { &mut *taken };
        let at = random.below(from.len());
        let Place { client, room } = from[at];
        let (person, topic) = (&people[client], &topics[room]);
        match chance {
            8 => {
                join(channel, person, topic);
                taken.push(free.swap_remove(at));
            }
            9 => {
                leave(channel, person, topic);
                free.push(taken.swap_remove(at));
            }
            _ => broadcast(channel, person, topic, payload),
        }
    }

    fn batch<T: Item>(&mut self, queues: &mut Queues<T>) -> usize {
        for _ in 0..BATCH {
            self.event();
        }
        queues.perform(&self.channel.flush_outbox());
        queues.drain()
    }
}

fn mixed(criterion: &mut Criterion) {
    mixed_into::<u32>(criterion, "index");
    mixed_into::<Arc<str>>(criterion, "arc");
}

fn mixed_into<T: Item>(criterion: &mut Criterion, sink: &str) {
    let mut group = criterion.benchmark_group("mixed");
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(BATCH as u64));
    for (label, presence) in
        [("presence_off", PresenceMode::Off), ("presence_on", PresenceMode::On)]
    {
        let mut world = World::new(presence);
        let mut queues = Queues::<T>::new(CLIENTS);
        group.bench_function(BenchmarkId::new(label, sink), |bencher| {
            bencher.iter(|| world.batch(&mut queues));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = mixed
}
criterion_main!(benches);
