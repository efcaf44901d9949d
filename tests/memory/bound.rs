//! What a channel can hold at most between two events, once its outbox is flushed and dropped: a
//! sum over the limits of its configuration, and over nothing else.
//!
//! The constants are bytes an item that the channel asks the allocator for: its entries in tables,
//! which can be as empty as a table gets before it is made smaller, and the headers of what is
//! shared. ARCHITECTURE.md has the same sum in words.

use parlor::{Config, Limit};

/// What is there whatever the limits: the list for the next outbox, roots and counters.
const CHANNEL: u64 = 16_384;
/// A client: its entry, its handle, its seats among all, its grace.
const CLIENT: u64 = 700;
/// A room: its entry, and the first node of each of its tables.
const ROOM: u64 = 8_000;
/// The configuration of a room that was opened with one of its own.
const ROOM_CONFIG: u64 = 400;
/// An event name of a room: its definition, its ring, and up to where it has lost messages.
const EVENT_NAME: u64 = 900;
/// What a client has in a room: its seat, its place in the list, and a grace for them.
const FOOTING: u64 = 700;
/// What a member joined with, if it shows something else.
const JOINED: u64 = 100;
/// One more of what a member has subscribed to.
const SUBSCRIPTION: u64 = 48;
/// A meta that a window has announced: what it was, as long as the window is open.
const ANNOUNCED: u64 = 700;
/// A message of history, beside what it counts there.
const MESSAGE: u64 = 1_200;
/// An id that is remembered.
const ID: u64 = 900;
/// The window of a rate limit.
const RATE: u64 = 200;
/// A group; and a topic of one.
const GROUP: u64 = 500;
const LINK: u64 = 400;
/// What is before a text or a payload that is shared.
const HEADER: u64 = 48;

/// What a channel of that configuration can hold, item by item.
pub(crate) fn parts(config: &Config) -> [(&'static str, u64); 10] {
    let limit = |limit| config.limit(limit);
    let name = limit(Limit::NameBytes) + HEADER;
    let mark = limit(Limit::RefBytes) + HEADER;
    let json = limit(Limit::PayloadBytes) + HEADER;
    let meta = limit(Limit::MetaBytes) + HEADER;
    let (clients, topics) = (limit(Limit::Clients), limit(Limit::Topics));
    // Those that are defined or are subscribed to by default, and as many others.
    let event_names = 2 * limit(Limit::EventNamesPerTopic) + limit(Limit::SubscriptionsPerMember);

    // As many members, and as many who are present without being members.
    let in_rooms = 2 * topics * limit(Limit::MembersPerTopic);
    let footings = in_rooms.min(clients * limit(Limit::TopicsPerClient));
    let subscriptions = footings * limit(Limit::SubscriptionsPerMember);
    let messages =
        limit(Limit::HistoryMessages).min(topics * limit(Limit::HistoryMessagesPerTopic));
    let bytes = limit(Limit::HistoryBytes).min(topics * limit(Limit::HistoryBytesPerTopic));
    let groups = limit(Limit::Groups);

    [
        ("channel", CHANNEL),
        ("clients", clients * (CLIENT + 2 * name + json)),
        ("rooms", topics * (ROOM + name)),
        ("configurations", topics * (ROOM_CONFIG + 2 * name + 2 * json)),
        ("event names", topics * event_names * (EVENT_NAME + 11 * name)),
        (
            "footings",
            footings * (FOOTING + JOINED + 2 * meta) + subscriptions * (SUBSCRIPTION + name),
        ),
        ("windows", in_rooms * (ANNOUNCED + meta + 2 * name)),
        ("history", bytes + messages * (MESSAGE + 4 * name)),
        ("ids", topics * limit(Limit::IdsPerTopic) * (ID + name + mark)),
        (
            "rates and groups",
            clients * (topics + 1) * RATE
                + groups * (GROUP + name + limit(Limit::TopicsPerGroup) * (LINK + name)),
        ),
    ]
}

/// What a channel of that configuration can hold.
pub(crate) fn bound(config: &Config) -> u64 {
    parts(config).iter().map(|(_, bytes)| bytes).sum()
}

/// What it can keep when everybody and everything has gone: tables that keep their size.
pub(crate) fn rest(config: &Config) -> u64 {
    CHANNEL + config.limit(Limit::Clients) * 130 + config.limit(Limit::Topics) * 200
}
