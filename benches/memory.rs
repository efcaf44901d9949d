//! How many bytes does a membership take, and a room of two?
//!
//! Counts instead of times: what the channel holds on the heap when everyone has joined and the
//! outbox is flushed, in requested bytes, with the names of clients, users and topics in it, and
//! without what the allocator itself adds. No sink. Run as a test it does the same at a smaller
//! size.

#![expect(clippy::print_stdout, reason = "a report is what it is for")]
#![expect(clippy::indexing_slicing, reason = "a bench that is wrong should stop")]

#[path = "workload/counting.rs"]
mod counting;
mod workload;

use parlor::{Channel, PresenceMode};

use self::{
    counting::tally,
    workload::{Random, channel, join, people, topics},
};

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let scale = |size: usize| if full { size } else { size / 10 };
    println!("{:<44} {:>12} {:>12}", "what", "count", "bytes each");

    for (label, presence) in [("off", PresenceMode::Off), ("on", PresenceMode::On)] {
        let (rooms, clients) = (scale(1_000), scale(10_000));
        let bytes = held(clients, presence, |place| rooms_of_a_hundred(rooms, clients, place));
        report(&format!("membership, 10 a client, presence {label}"), rooms * 100, bytes);

        let alone = held(clients, presence, |place| one_room_each(rooms, clients, place));
        let more = rooms * 100 - clients;
        report(&format!("membership past the first, presence {label}"), more, bytes - alone);
    }
    for (label, presence) in [("off", PresenceMode::Off), ("on", PresenceMode::On)] {
        let (rooms, clients) = (scale(1_000_000), scale(4_000));
        let bytes = held(clients, presence, |place| rooms_of_two(rooms, clients, place));
        report(&format!("room of two, presence {label}"), rooms, bytes);
    }
    for size in [1_000, 10_000, 100_000].map(scale) {
        let bytes = held(size, PresenceMode::On, |place| (0..size).for_each(|at| place(at, 0)));
        report(&format!("member of one room of {size}, presence on"), size, bytes);
    }
}

/// What a channel holds in which each of `places` was taken.
fn held(
    clients: usize,
    presence: PresenceMode,
    places: impl FnOnce(&mut dyn FnMut(usize, usize)),
) -> i64 {
    let people = people(clients);
    let topics = topics(1_000_000);
    let (channel, tally) = tally(|| {
        let mut channel = channel(presence);
        places(&mut |client, room| {
            join(&mut channel, &people[client], &topics[room]);
            drop(channel.flush_outbox());
        });
        channel
    });
    assert!(Channel::membership_count(&channel) > 0, "the channel was kept until here");
    tally.live
}

/// `rooms` rooms of 100, with all clients in equally many, joined in random order.
fn rooms_of_a_hundred(rooms: usize, clients: usize, place: &mut dyn FnMut(usize, usize)) {
    for at in Random::new().shuffled(rooms * 100) {
        place(at % clients, at / 100);
    }
}

/// All clients in one room.
fn one_room_each(rooms: usize, clients: usize, place: &mut dyn FnMut(usize, usize)) {
    for client in 0..clients {
        place(client, client % rooms);
    }
}

/// Rooms of two random clients.
fn rooms_of_two(rooms: usize, clients: usize, place: &mut dyn FnMut(usize, usize)) {
    let mut random = Random::new();
    for room in 0..rooms {
        let first = random.below(clients);
        place(first, room);
        place((first + 1 + random.below(clients - 1)) % clients, room);
    }
}

fn report(what: &str, count: usize, bytes: i64) {
    let count = i64::try_from(count).expect("a count fits");
    let tenths = bytes * 10 / count;
    println!("{what:<44} {count:>12} {:>10}.{}", tenths / 10, tenths % 10);
}
