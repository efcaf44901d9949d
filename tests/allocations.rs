//! What is promised about allocations, as counts: fan-out allocates nothing a recipient, coming and
//! going costs the same in every room, snapshots are free, and nobody who has gone leaves bytes.
//!
//! A binary of its own, because it counts what each of its threads allocates.

#![expect(clippy::unwrap_used, reason = "a test that is wrong should stop")]

#[path = "../benches/workload/counting.rs"]
mod counting;

use std::thread;

use counting::{Tally, tally};
use parlor::{
    Broadcast, Channel, ClientId, Config, Join, Json, Leave, Limit, Outbound, Payload,
    PresenceMode, Rejoin, RoomConfig, Topic, UserId,
};

fn channel(presence: PresenceMode) -> Channel {
    let room = RoomConfig::default().with_presence(presence);
    let config = Config::builder().limit(Limit::TopicsPerClient, 100_000).default_room(room);
    Channel::single_node(config.build().unwrap())
}

/// A channel with so many clients in room 1, and nothing to flush.
fn full(size: usize) -> Channel {
    let mut channel = channel(PresenceMode::On);
    for number in 0..size {
        join(&mut channel, number, 1);
    }
    channel
}

/// A name such as `client:000000042`, made without the heap.
fn name<T: for<'a> From<&'a str>>(kind: &str, number: usize) -> T {
    let mut text = *b"                ";
    let (front, digits) = text.split_at_mut(kind.len());
    front.copy_from_slice(kind.as_bytes());
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap();
        rest /= 10;
    }
    str::from_utf8(&text).unwrap().into()
}

fn join(channel: &mut Channel, client: usize, room: usize) {
    let (client, room, user): (ClientId, Topic, UserId) =
        (name("client:", client), name("room:", room), name("user:", client));
    channel.handle(Join::new(client, room, user, 1).into());
    drop(channel.flush_outbox());
}

fn leave(channel: &mut Channel, client: usize, room: usize) {
    let (client, room): (ClientId, Topic) = (name("client:", client), name("room:", room));
    channel.handle(Leave::new(client, room).into());
    drop(channel.flush_outbox());
}

fn message(payload: Payload) -> Broadcast {
    Broadcast::new(name::<ClientId>("client:", 5), name::<Topic>("room:", 1), payload)
}

/// What it takes to handle one broadcast of client 5 and to flush it.
fn broadcast(channel: &mut Channel) -> (Tally, Vec<Outbound>) {
    let payload = Payload::json(r#"{"text":"hi"}"#).unwrap();
    let event = message(payload).into();
    let (outbox, tally) = tally(|| {
        channel.handle(event);
        channel.flush_outbox()
    });
    (tally, outbox)
}

/// What a broadcast takes: when nothing has changed, right after a change, with 100 messages held
/// by the driver, and with 100 in the outbox.
fn broadcasts(size: usize) -> [Tally; 4] {
    let mut channel = full(size);
    drop(broadcast(&mut channel));
    let (steady, _) = broadcast(&mut channel);

    leave(&mut channel, 3, 1);
    join(&mut channel, 3, 1);
    drop(broadcast(&mut channel));
    leave(&mut channel, 4, 1);
    let (changed, _) = broadcast(&mut channel);

    let held: Vec<_> = (0..100).map(|_| broadcast(&mut channel).1).collect();
    let (with_held, _) = broadcast(&mut channel);
    drop(held);

    let event = message(Payload::bytes(*b"x"));
    for _ in 0..100 {
        channel.handle(event.clone().into());
    }
    let ((), with_pending) = tally(|| channel.handle(event.into()));
    [steady, changed, with_held, with_pending]
}

#[test]
fn a_broadcast_allocates_nothing_a_recipient() {
    let [small, large] = [10, 10_000].map(broadcasts);
    assert_eq!(small, large);
    for tally in large {
        assert!(tally.allocations <= 2, "only the list that is flushed is allocated: {tally:?}");
    }
}

/// Allocations and bytes of one change, over a thousand and more of them.
fn a_change(size: usize, change: impl Fn(&mut Channel, usize)) -> [i64; 2] {
    let mut channel = full(size);
    // Two rounds: what grows with the room comes back once a round, if it does.
    let times = (size * 2).max(1_000);
    let ((), Tally { allocations, bytes, .. }) =
        tally(|| (0..times).for_each(|time| change(&mut channel, time * 7 % size)));
    let times = i64::try_from(times).unwrap();
    [allocations / times, bytes / times]
}

/// Bytes that the next join allocates while what was flushed before is held, with data in its meta.
fn a_join_while_messages_are_held(size: usize) -> i64 {
    let mut channel = full(size);
    let meta = Json::parse("[1]").unwrap();
    let next = |number| {
        let (client, user): (ClientId, UserId) = (name("client:", number), name("user:", number));
        Join::new(client, name::<Topic>("room:", 1), user, 1).with_meta(meta.clone()).into()
    };
    // Past where the tables that double would double now.
    let mut held = Vec::new();
    for number in size..size + 3 {
        channel.handle(next(number));
        held.push(channel.flush_outbox());
    }
    let event = next(size + 3);
    let (_outbox, Tally { bytes, .. }) = tally(|| {
        channel.handle(event);
        channel.flush_outbox()
    });
    drop(held);
    bytes
}

#[test]
fn a_join_costs_the_same_in_every_channel_while_messages_are_held() {
    // Four nodes of 32 children for each of two vectors, the names' leaf among them, and messages.
    for size in [1_000, 200_000] {
        let bytes = a_join_while_messages_are_held(size);
        assert!(bytes <= 9_000, "a join into {size} allocates {bytes} bytes");
    }
}

/// Whether a change costs at most that much in every room.
fn check(most: [i64; 2], change: impl Fn(&mut Channel, usize)) {
    for size in [20, 500, 10_000] {
        let took = a_change(size, &change);
        assert!(took[0] <= most[0] && took[1] <= most[1], "{took:?} in a room of {size}");
    }
}

#[test]
fn leaving_and_joining_cost_the_same_in_every_room() {
    check([6, 3_200], |channel, client| {
        leave(channel, client, 1);
        join(channel, client, 1);
    });
}

#[test]
fn rejoining_costs_the_same_in_every_room() {
    let rejoin = |client: usize| {
        let (id, user): (ClientId, UserId) = (name("client:", client), name("user:", client));
        Rejoin::new(id, name::<Topic>("room:", 1), user, 2)
    };
    check([2, 800], |channel, client| {
        channel.handle(rejoin(client).into());
        drop(channel.flush_outbox());
    });
    check([8, 3_500], |channel, client| {
        let meta = Json::of(&channel.stats().counters.presence_joins).unwrap();
        channel.handle(rejoin(client).with_meta(meta).into());
        drop(channel.flush_outbox());
    });
}

#[test]
fn filling_a_room_allocates_a_constant_a_member() {
    for size in [100, 1_000, 20_000] {
        let (_, tally) = tally(|| full(size));
        let size = i64::try_from(size).unwrap();
        assert!(tally.allocations / size <= 4, "{tally:?} for {size}");
        assert!(tally.bytes / size <= 3_500, "{tally:?} for {size}");
    }
}

/// How many allocations a crash takes with so many rooms of one member.
fn crash(rooms: usize) -> i64 {
    let mut channel = channel(PresenceMode::On);
    for number in 0..rooms {
        join(&mut channel, number, number);
    }
    let (_, tally) = tally(|| {
        channel.handle(parlor::Event::crash("boom"));
        channel.flush_outbox()
    });
    tally.allocations
}

#[test]
fn a_crash_takes_as_much_for_each_room_however_many_there_are() {
    let [few, many] = [crash(200), crash(2_000)];
    assert!(many < 12 * few, "{few} allocations for 200 rooms, {many} for 2,000");
}

#[test]
fn snapshots_allocate_nothing() {
    let channel = full(5_000);
    let topic = name("room:", 1);
    let (count, tally) = tally(|| {
        let (presences, subscribers) = (channel.presences(&topic), channel.subscribers(&topic));
        let copies = (presences.clone(), subscribers.clone());
        presences.len() + copies.0.meta_count() + subscribers.handles().count() + copies.1.len()
    });
    assert_eq!(count, 20_000);
    assert_eq!(tally, Tally { allocations: 0, bytes: 0, live: 0 });
}

#[test]
fn clients_that_have_gone_leave_nothing_behind() {
    let mut channel = channel(PresenceMode::On);
    let mut pass_through = |from: usize, to: usize| {
        let ((), tally) = tally(|| {
            for client in from..to {
                join(&mut channel, client, 1);
                if let Some(earlier) = client.checked_sub(100) {
                    leave(&mut channel, earlier, 1);
                }
            }
        });
        tally.live
    };
    assert!(pass_through(0, 10_000) < 60_000, "a hundred clients are small");
    // Not exact: how far the list has grown depends on when it was last tidied.
    assert!(pass_through(10_000, 100_000) < 5_000, "and do not grow");
}

#[test]
fn rooms_that_have_gone_leave_nothing_behind() {
    let mut channel = channel(PresenceMode::On);
    let mut pass_through = |from: usize, to: usize| {
        let ((), tally) = tally(|| {
            for room in from..to {
                join(&mut channel, room % 7, room);
                leave(&mut channel, room % 7, room);
            }
        });
        tally.live
    };
    assert!(pass_through(0, 100) < 8_000, "one room is small");
    assert_eq!(pass_through(100, 20_000), 0, "and they do not add up");
}

#[test]
fn what_was_full_and_is_empty_does_not_grow_when_it_fills_again() {
    let mut channel = channel(PresenceMode::On);
    let mut fill_and_empty = |round: usize| {
        let clients = round * 5_000..(round + 1) * 5_000;
        let ((), tally) = tally(|| {
            clients.clone().for_each(|client| join(&mut channel, client, client % 50));
            clients.for_each(|client| leave(&mut channel, client, client % 50));
        });
        tally.live
    };
    let first = fill_and_empty(0);
    assert!(first / 5_000 < 300, "tables keep their size, {first} bytes");
    for round in 1..4 {
        assert_eq!(fill_and_empty(round), 0);
    }
}

/// What a channel holds on the heap in which each client is in each of its rooms.
fn held(places: impl Iterator<Item = (usize, usize)>) -> i64 {
    let (channel, tally) = tally(|| {
        let mut channel = channel(PresenceMode::Off);
        places.for_each(|(client, room)| join(&mut channel, client, room));
        channel
    });
    drop(channel);
    tally.live
}

#[test]
fn a_membership_takes_at_most_40_bytes() {
    // 1,000 clients in 10 rooms each; 100 rooms of 100.
    let bytes = held((0..10_000).map(|at| (at % 1_000, at / 100)));
    assert!(bytes <= 40 * 10_000, "{bytes} bytes for 10,000 memberships");
}

#[test]
fn a_room_of_two_takes_at_most_260_bytes() {
    // A 64th of a million rooms, so that tables are as full as they would be.
    let (rooms, clients) = (15_625, 62);
    let bytes =
        held((0..rooms * 2).map(|at| ((at / 2 + at % 2 * (at / 100 % 60 + 1)) % clients, at / 2)));
    assert!(bytes <= 260 * 15_625, "{bytes} bytes for {rooms} rooms");
}

#[test]
fn dropping_takes_no_stack_however_much_there_is() {
    let brackets = "[".repeat(50_000) + &"]".repeat(50_000);
    let json = Json::parse(brackets).unwrap();
    let drops = move || {
        let config = Config::builder()
            .limit(Limit::PayloadBytes, 1 << 20)
            .limit(Limit::MetaBytes, 1 << 20)
            .limit(Limit::PayloadDepth, 1 << 20)
            .build()
            .unwrap();
        let mut channel = Channel::single_node(config);
        for client in 0..10_000 {
            let join = Join::new(format!("c{client}"), format!("room:{}", client % 100), "ann", 1);
            channel.handle(join.with_meta(json.clone()).into());
        }
        let outbox = channel.flush_outbox();
        assert_eq!(outbox.len(), 30_000);
        drop(channel);
        drop(outbox);
    };
    // Room for calls, but for no recursion over clients, messages or brackets.
    thread::Builder::new().stack_size(128 << 10).spawn(drops).unwrap().join().unwrap();
}
