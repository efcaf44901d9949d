//! What the indices of ops stand for.

use parlor::{
    Address, Audience, EventKind, Grace, Json, MessageId, Payload, Position, Question, Reason,
    RoomConfig,
};

use super::GOOD;

/// Clients and their users: some have several clients, one has many.
const CLIENTS: [(&str, &str); 16] = [
    ("a1", "ann"),
    ("b1", "bob"),
    ("a2", "ann"),
    ("c1", "cy"),
    ("b2", "bob"),
    ("a3", "ann"),
    ("d1", "dee"),
    ("é", "\u{1f600}"),
    ("a4", "ann"),
    ("q\"1\\", "q\""),
    ("a5", "ann"),
    ("nl\n\u{1}", "\u{7f}\t"),
    ("*", "*"),
    ("a6", "ann"),
    ("0", "0"),
    ("exactly12byt", "exactly12byt"),
];
/// Which clients and topics an index stands for: a few do most of what happens.
const POPULAR_CLIENTS: [u8; 80] = [
    0, 1, 0, 2, 1, 0, 3, 4, 0, 5, 1, 2, 0, 3, 6, 7, 1, 8, 2, 9, 4, 10, 5, 11, 12, 13, 14, 15, 0, 0,
    0, 1, 1, 2, 2, 3, 3, 4, 0, 1, 0, 1, 0, 2, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0, 1, 0, 2, 1, 0, 3, 0, 1,
    0, 2, 0, 1, 0, 0, 1, 0, 2, 1, 0, 4, 0, 1, 0, 2, 0, 3,
];
const POPULAR_TOPICS: [u8; 32] = [
    0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 4, 0, 5, 0, 6, 1, 4, 0, 0, 1, 0, 0, 4, 0, 1, 0, 0, 6, 0, 1, 0, 0,
];

/// Some of them are declared, or match a pattern, in some setups.
const TOPICS: [&str; 7] = ["room:1", "room:2", "\"é\n\u{0}", "*", "chat:1", "chat:vip", "lobby"];
const GROUPS: [&str; 3] = ["g", "h", "é"];
const EVENTS: [&str; 4] = ["message", "typing", "É", "a\"b\n"];

/// Names on both sides of limits, inline and shared, empty, and what looks like nothing.
const NAMES: [&str; 10] = [
    "",
    "*",
    " ",
    "null",
    "thirteenbytes",
    "exactly-22-bytes-long!",
    "exactly-23-bytes-long!!",
    "\u{feff}\u{202e}",
    X255,
    X256,
];
const RESERVED: [&str; 6] = ["phx_join", "presence_", "parlor:track", "dialogue:x", "my:own", "*"];
const X256: &str = concat!(
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
);
const X255: &str = X256.split_at(255).0;

/// Refs and ids: most events have none.
const MARKS: [Option<&str>; 4] = [None, None, Some("1"), Some("m\"2")];
const ODD_MARKS: [&str; 5] = ["", "four", "five!", X255, X256];

/// What metas, params and payloads say, as their senders wrote it.
const TEXTS: [&str; 8] = [
    "1",
    r#"{"text":"hi"}"#,
    "1.50",
    r#""\u00e9""#,
    r#"{ "b":1,"a":2 }"#,
    "null",
    "[1,\r\n 2]",
    r#"{"a":"]","a":"\n"}"#,
];
const ODD_TEXTS: [&str; 5] =
    ["[[[]]]", r#"{"a":[{"b":[[1]]}]}"#, "-0", "1e999", r#""twenty-four bytes, just.""#];
const BYTES: [&[u8]; 4] = [b"", b"\0", b"\xff\xfe\xfd", b"twenty-five bytes, no more"];

/// At the limits of payloads in one setup or another, and one past them.
const DEPTHS: [usize; 4] = [2, 3, 128, 129];
const SIZES: [usize; 6] = [24, 25, 2_048, 2_049, 14, 15];

/// Why channels crash and clients are kicked, and what guards say.
const TEXTS_FOR_PEOPLE: [&str; 3] = ["boom", "", "a \"b\"\n"];

/// By how much time goes on: less than a grace and a window mostly, and often not at all.
const STEPS: [u64; 16] = [0, 1, 10, 0, 2, 5, 0, 20, 1, 0, 30, 5, 0, 10, 60, 0];

/// Which page of a history is asked for. Rooms keep few messages, so most reach beyond memory.
const PAGES: [(u64, u64); 8] = [(0, 50), (0, 1), (0, 3), (1, 4), (2, 7), (0, 0), (3, 1), (1, 2)];
const ODD_PAGES: [(u64, u64); 6] =
    [(0, 5), (0, 6), (0, 1_000), (0, 1_001), (5, u64::MAX), (u64::MAX - 1, u64::MAX)];

/// What one that comes back has seen: mostly so little that something is replayed to it.
const OFFSETS: [u64; 8] = [0, 1, 2, 0, 3, 1, 5, 7];

/// The topics that go into a group or out of it, as places in [`TOPICS`].
const LISTS: [&[u8]; 8] = [&[0], &[0, 1], &[1, 0, 1], &[2], &[4, 0], &[1], &[6, 5, 4, 3], &[]];

/// How rooms are opened: every field is there, and what is legal only together.
const ROOMS: [&str; 12] = [
    r#"{"name":"N","description":"d","data":{"k" : 1},"max_members":2}"#,
    r#"{"lifetime":"ephemeral","events":[{"name":"*","history":2}],"history_on_join":"all"}"#,
    r#"{"presence_window_ms":20,"presence_of":"clients","publishers":"clients"}"#,
    r#"{"max_members":3,"description":""}"#,
    r#"{"client_events":"listed","events":[{"name":"message","description":"x","history":1},
        {"name":"typing"}],"default_subscriptions":["message","typing"],"history_for":"clients",
        "history_on_join":{"per_event":1}}"#,
    r#"{"presence":"off","rate_limit":{"max_events":2,"window_ms":50},"dedupe":2,"owner":"ann"}"#,
    "{}",
    r#"{"presence_snapshot":"off","presence_window_ms":0,"lifetime":"persistent",
        "history_on_join":{"total":2},"events":[{"name":"message","history":0},
        {"name":"*","history":3}]}"#,
    r#"{"client_events":"none","default_subscriptions":[]}"#,
    r#"{"name":"B","data":null,"max_members":0}"#,
    r#"{"dedupe":1,"owner":"bob","history_for":"clients","lifetime":"ephemeral",
        "events":[{"name":"typing","history":3},{"name":"*"}],"presence_of":"clients"}"#,
    r#"{"presence_window_ms":40,"lifetime":"ephemeral","rate_limit":{"max_events":0,"window_ms":9},
        "events":[{"name":"*","history":1}]}"#,
];
/// Rooms that make no sense, or are too large in one setup or another.
const ODD_ROOMS: [&str; 12] = [
    r#"{"name":""}"#,
    r#"{"name":"thirteenbytes"}"#,
    r#"{"data":[[[]]]}"#,
    r#"{"description":"twenty-five bytes, no more"}"#,
    r#"{"events":[{"name":"a"},{"name":"a"}]}"#,
    r#"{"events":[{"name":""}]}"#,
    r#"{"events":[{"name":"a"},{"name":"b"},{"name":"c"}]}"#,
    r#"{"default_subscriptions":["*","a"]}"#,
    r#"{"default_subscriptions":["a","b","c"]}"#,
    r#"{"default_subscriptions":["a","a"]}"#,
    r#"{"owner":""}"#,
    r#"{"rate_limit":{"max_events":1,"window_ms":0}}"#,
];

/// One of a pool, whatever the index.
pub(super) fn wrap<T: Copy>(pool: &[T], index: u8) -> T {
    pool[usize::from(index) % pool.len()]
}

/// The place of an index among the hostile ones, if it is one.
pub(super) fn odd(index: u8) -> Option<u8> {
    index.checked_sub(GOOD)
}

fn known(client: u8) -> (&'static str, &'static str) {
    wrap(&CLIENTS, wrap(&POPULAR_CLIENTS, client))
}

pub(super) fn client_name(client: u8) -> &'static str {
    odd(client).map_or_else(|| known(client).0, |odd| wrap(&NAMES, odd))
}

/// A client and who it acts for, which is mostly the same.
pub(super) fn client_and_user(client: u8, user: u8) -> (&'static str, &'static str) {
    let own = if odd(client).is_some() { "eve" } else { known(client).1 };
    let user = match odd(user) {
        None => own,
        Some(odd @ 0..6) => wrap(&CLIENTS, odd).1,
        Some(odd) => wrap(&NAMES, odd - 6),
    };
    (client_name(client), user)
}

pub(super) fn topic_name(topic: u8) -> &'static str {
    let known = || wrap(&TOPICS, wrap(&POPULAR_TOPICS, topic));
    odd(topic).map_or_else(known, |odd| wrap(&NAMES, odd))
}

pub(super) fn event_name(event: u8) -> &'static str {
    match odd(event) {
        None => wrap(&EVENTS, event),
        Some(odd @ 0..12) => wrap(&RESERVED, odd),
        Some(odd) => wrap(&NAMES, odd - 12),
    }
}

/// Mostly a little later than what was before; seldom earlier, far later, or the end of time.
pub(super) fn time(at: u8, now_ms: &mut u64) -> u64 {
    match odd(at) {
        None => *now_ms += wrap(&STEPS, at),
        Some(odd @ 0..8) => return now_ms.saturating_sub(u64::from(odd + 1) * 10),
        Some(15) => return u64::MAX,
        Some(odd) => *now_ms += u64::from(odd) * 100,
    }
    *now_ms
}

pub(super) fn group_name(group: u8) -> &'static str {
    odd(group).map_or_else(|| wrap(&GROUPS, group), |odd| wrap(&NAMES, odd))
}

pub(super) fn topic_names(list: u8) -> Vec<&'static str> {
    match odd(list) {
        None => wrap(&LISTS, list).iter().map(|place| wrap(&TOPICS, *place)).collect(),
        Some(odd) => vec![TOPICS[0], wrap(&NAMES, odd)],
    }
}

/// A topic, or in every third case none.
pub(super) fn topic_or_none(topic: u8) -> Option<&'static str> {
    if odd(topic).is_none() && topic % 3 == 2 { None } else { Some(topic_name(topic)) }
}

/// A client, or mostly none.
pub(super) fn client_or_none(client: u8) -> Option<&'static str> {
    if odd(client).is_none() && client % 3 != 2 { None } else { Some(client_name(client)) }
}

/// An event name, or `*`, which is one to subscribe to.
pub(super) fn event_or_all(event: u8) -> &'static str {
    if odd(event).is_none() && event % 5 == 4 { "*" } else { event_name(event) }
}

/// An event name, or in every third case none.
pub(super) fn event_or_none(event: u8) -> Option<&'static str> {
    if odd(event).is_none() && event % 3 == 2 { None } else { Some(event_name(event)) }
}

/// A client, or in every third case none.
pub(super) fn person(client: u8) -> Option<&'static str> {
    if odd(client).is_none() && client % 3 == 2 { None } else { Some(client_name(client)) }
}

/// What a message has beside its payload: meta and id.
pub(super) fn style_of(style: u8) -> (Option<Json>, Option<MessageId>) {
    let meta = json(if odd(style).is_some() { style } else { style / 3 });
    (meta, mark_text(style.rotate_left(4)).map(Into::into))
}

pub(super) fn text_for_people(text: u8) -> &'static str {
    wrap(&TEXTS_FOR_PEOPLE, text)
}

/// How a room is opened: for half of the indices, as the configuration says.
pub(super) fn room(config: u8) -> Option<RoomConfig> {
    let text = match odd(config) {
        None if config.is_multiple_of(2) => return None,
        None => wrap(&ROOMS, config / 2),
        Some(odd) => wrap(&ODD_ROOMS, odd),
    };
    Some(serde_json::from_str(text).expect("it is the configuration of a room"))
}

pub(super) fn page(page: u8) -> (u64, u64) {
    odd(page).map_or_else(|| wrap(&PAGES, page), |odd| wrap(&ODD_PAGES, odd))
}

/// Whom a publish is for: topics as often as all others.
pub(super) fn address(target: u8) -> Address {
    let name = if odd(target).is_some() { target } else { target / 8 };
    match target % 8 {
        0..4 => Address::Topic(topic_name(name).into()),
        4 => Address::Group(group_name(name).into()),
        5 => Address::User(client_and_user(name, name).1.into()),
        6 => Address::Client(client_name(name).into()),
        _ => Address::Everyone,
    }
}

pub(super) fn question(what: u8) -> Question {
    use Question::{Members, Presences, Room, Rooms, Stats, TopicsOf};
    wrap(&[Rooms, Room, Members, Presences, TopicsOf, Stats], what)
}

pub(super) fn kind_and_reason(to: u8, reason: u8) -> (EventKind, Reason) {
    (wrap(&EventKind::ALL, to), wrap(&Reason::ALL, reason))
}

pub(super) fn mark_text(mark: u8) -> Option<&'static str> {
    odd(mark).map_or_else(|| wrap(&MARKS, mark), |odd| Some(wrap(&ODD_MARKS, odd)))
}

/// A meta or params: half of them absent.
pub(super) fn json(text: u8) -> Option<Json> {
    let text = match odd(text) {
        Some(_) => text,
        None if text.is_multiple_of(2) => return None,
        None => text / 2,
    };
    Some(Json::parse(json_text(text)).expect("it is JSON"))
}

pub(super) fn body(payload: u8) -> Payload {
    if payload < GOOD && payload % 5 == 4 {
        return Payload::bytes(wrap(&BYTES, payload / 5));
    }
    Payload::json(json_text(payload)).expect("it is JSON")
}

fn json_text(text: u8) -> String {
    let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
    let sized = |size| format!("\"{}\"", "x".repeat(size - 2));
    match odd(text) {
        None => wrap(&TEXTS, text).to_string(),
        Some(odd @ 0..8) => wrap(&ODD_TEXTS, odd).to_string(),
        Some(odd @ 8..12) => nested(wrap(&DEPTHS, odd)),
        Some(odd) => sized(wrap(&SIZES, odd)),
    }
}

pub(super) const fn grace(of: u8) -> Grace {
    match of % 4 {
        0 | 1 => Grace::Keep,
        2 => Grace::Skip,
        _ => Grace::Expired,
    }
}

pub(super) const fn audience(style: u8) -> Audience {
    match style % 3 {
        0 => Audience::All,
        1 => Audience::Others,
        _ => Audience::OtherUsers,
    }
}

/// A position that a page goes on from, or in every third case none.
pub(super) fn before_or_none(before: u8) -> Option<Position> {
    position(before | 2).filter(|_| !before.is_multiple_of(3))
}

/// Mostly in one of the first rooms, not far from its start. Some setups begin at late epochs.
pub(super) fn position(since: u8) -> Option<Position> {
    let (epoch, offset) = (u64::from(since / 64) + 1, wrap(&OFFSETS, since / 8));
    match since % 8 {
        0..2 => None,
        2..6 => Some(Position { epoch, offset }),
        6 if odd(since).is_some() => Some(Position { epoch: u64::MAX, offset: u64::MAX }),
        6 => Some(Position { epoch: u64::MAX / 2, offset }),
        _ => Some(Position { epoch, offset: 0 }),
    }
}
