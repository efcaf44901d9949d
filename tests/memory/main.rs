//! Ten thousand hostile clients can't make a channel hold more than its configuration says.
//!
//! They try every way there is (`assaults.rs`) while a counting allocator (`siege.rs`) tells what
//! the channel holds; the bound is computed from the limits alone (`bound.rs`). A binary of its
//! own, because it counts what each of its threads allocates.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that is wrong should stop"
)]

mod assaults;
mod bound;
#[path = "../../benches/workload/counting.rs"]
mod counting;
mod siege;

use std::ops::Range;

use parlor::{
    ClientRooms, Config, Connect, EventDefinition, Join, Lifetime, Limit, RateLimit, RoomConfig,
    Who,
};

use self::{
    assaults::{MARK, META, NAME, PAYLOAD, client, topic, user},
    siege::{Driver, Siege},
};

const GRACE_MS: u64 = 300;
/// Past every grace, presence window and rate window.
const LONG_MS: u64 = 60_000;

/// As a server might be set up, but so small that all limits are reached.
fn config() -> Config {
    let talk = RoomConfig::default()
        .with_lifetime(Lifetime::Persistent)
        .with_event(EventDefinition::new("*").with_history(40))
        .with_event(EventDefinition::new("typing"))
        .with_rate_limit(RateLimit::new(4, 500))
        .with_history_for(Who::Clients)
        .with_publishers(Who::Clients)
        .with_dedupe(10);
    let crowd = RoomConfig::default()
        .with_lifetime(Lifetime::Persistent)
        .with_presence_window_ms(200)
        .with_presence_of(Who::Clients)
        .with_max_members(90);
    let meeting = RoomConfig::default()
        .with_default_subscriptions(["message", "typing"])
        .with_event(EventDefinition::new("message").with_history(5))
        .with_rate_limit(RateLimit::new(9, 100));
    let bytes = |bytes: usize| u64::try_from(bytes).unwrap();
    let limits = [
        (Limit::NameBytes, bytes(NAME)),
        (Limit::RefBytes, bytes(MARK)),
        (Limit::PayloadBytes, bytes(PAYLOAD)),
        (Limit::PayloadDepth, 8),
        (Limit::MetaBytes, bytes(META)),
        (Limit::TopicsPerClient, 8),
        (Limit::MembersPerTopic, 100),
        (Limit::Topics, 60),
        (Limit::Clients, 800),
        (Limit::Groups, 10),
        (Limit::TopicsPerGroup, 20),
        (Limit::SubscriptionsPerMember, 5),
        (Limit::EventNamesPerTopic, 6),
        (Limit::PageBytes, 5_000),
        (Limit::PageLength, 20),
        (Limit::IdsPerTopic, 60),
        (Limit::HistoryMessagesPerTopic, 50),
        (Limit::HistoryBytesPerTopic, 20_000),
        (Limit::HistoryMessages, 1_000),
        (Limit::HistoryBytes, 600_000),
    ];
    let mut builder = Config::builder();
    for (limit, value) in limits {
        builder = builder.limit(limit, value);
    }
    builder
        .room("talk:*", talk)
        .room("crowd:*", crowd)
        .room("meeting:*", meeting)
        .clients_open_rooms(ClientRooms::On)
        .grace_ms(GRACE_MS)
        .build()
        .unwrap()
}

/// Lets them come, each to lose its connection after a while, while all who are there do their
/// worst.
fn attack(siege: &mut Siege, clients: Range<usize>) {
    for who in clients {
        siege.now_ms += 1;
        siege.arrive(who);
        for _ in 0..4 {
            let other = who.saturating_sub(siege.random(900));
            siege.assault(other);
        }
        if who >= 600 {
            siege.lose(who - 600);
        }
        if who % 16 == 0 {
            siege.tick();
        }
    }
    siege.drop_all();
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap()
}

fn check(clients: usize, driver: Driver) {
    let (config, bound) = (config(), bound::bound(&config()));
    let mut siege = Siege::new(config.clone(), driver);

    attack(&mut siege, 0..clients / 2);
    let early = siege.peak;
    attack(&mut siege, clients / 2..clients);
    let peak = siege.peak;
    assert!(peak <= signed(bound), "{peak} bytes, expected at most {bound}");
    assert!(peak <= early + early / 10, "{early} bytes, then {peak}: it grows with who comes");
    siege.check_reached(&config);

    siege.end(clients, LONG_MS);
    let saved = siege.channel.save().unwrap();
    for part in ["clients", "rooms", "agenda", "groups", "rates"] {
        assert!(saved.contains(&format!("\"{part}\":[]")), "some {part} are left: {saved}");
    }
    let (left, rest) = (siege.held, bound::rest(&config));
    assert!(left <= signed(rest), "{left} bytes are left of {peak}, expected at most {rest}");
}

#[test]
fn ten_thousand_clients_stay_under_the_bound() {
    check(10_000, Driver::HoldsNothing);
}

#[test]
fn clients_stay_under_the_bound_while_messages_are_held() {
    check(4_000, Driver::HoldsSome);
}

/// Many windows are opened, and between two of them all who are there go and others come.
#[test]
fn a_window_that_is_open_holds_nothing_of_who_is_elsewhere() {
    const ROOMS: usize = 60;
    const CROWD: usize = 100;
    let room =
        RoomConfig::default().with_lifetime(Lifetime::Persistent).with_presence_window_ms(LONG_MS);
    let config = Config::builder().default_room(room).build().unwrap();
    let mut siege = Siege::new(config, Driver::HoldsNothing);
    let mut open = |rooms: Range<usize>| {
        let before = siege.held;
        for room in rooms {
            let crowd = room * CROWD..(room + 1) * CROWD;
            for who in crowd.clone() {
                siege.send(|| Connect::new(client(who), user(who), 0));
            }
            siege.send(|| Join::new(client(crowd.start), topic(room), user(crowd.start), 0));
            for who in crowd {
                siege.lose(who);
            }
        }
        siege.held - before
    };

    open(0..10);
    let bytes = open(10..ROOMS) / signed(50);
    assert!(bytes <= 4_000, "a room with an open window takes {bytes} bytes");
}
