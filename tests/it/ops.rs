//! What may happen to a channel, as numbers: every op is legal in every state, indices wrap.
//!
//! An index stands for a member of a small pool. The first [`GOOD`] indices mean what well-behaved
//! clients send, and small ones the plainest of that; the rest is hostile. So a random op is mostly
//! meaningful, and a shrunken one still means something. Knows nothing of channels or models.

use parlor::{
    Audience, Broadcast, Event, Join, Json, Leave, Payload, Position, Push, Rejoin, Since,
};

/// One thing that happens. Each field is an index into the pool of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Join { client: u8, topic: u8, user: u8, at: u8, meta: u8, params: u8, mark: u8 },
    Rejoin { client: u8, topic: u8, user: u8, at: u8, meta: u8, since: u8, mark: u8 },
    Leave { client: u8, topic: u8, mark: u8 },
    Broadcast { client: u8, topic: u8, payload: u8, event: u8, style: u8, mark: u8 },
    Push { client: u8, topic: u8, payload: u8, event: u8, mark: u8 },
    Crash { reason: u8 },
    Restart,
}

/// How many of an index's 256 values stand for something that a well-behaved client sends.
pub const GOOD: u8 = 240;

/// More ops than this say nothing new, and cost.
pub const MOST: usize = 200;

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
const POPULAR_CLIENTS: [u8; 40] = [
    0, 1, 0, 2, 1, 0, 3, 4, 0, 5, 1, 2, 0, 3, 6, 7, 1, 8, 2, 9, 4, 10, 5, 11, 12, 13, 14, 15, 0, 0,
    0, 1, 1, 2, 2, 3, 3, 4, 0, 1,
];
const POPULAR_TOPICS: [u8; 10] = [0, 1, 0, 2, 0, 1, 0, 3, 0, 1];

const TOPICS: [&str; 4] = ["room:1", "room:2", "\"é\n\u{0}", "*"];
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
const SIZES: [usize; 4] = [24, 25, 2_048, 2_049];

const REASONS: [&str; 3] = ["boom", "", "a \"b\"\n"];

impl Op {
    /// The event that it stands for.
    pub fn event(self) -> Event {
        match self {
            Self::Join { client, topic, user, at, meta, params, mark } => {
                let (client_id, user_id) = client_and_user(client, user);
                let mut join = Join::new(client_id, topic_name(topic), user_id, time(at));
                (join.meta, join.params) = (json(meta), json(params));
                join.reference = mark_text(mark).map(Into::into);
                join.into()
            }
            Self::Rejoin { client, topic, user, at, meta, since, mark } => {
                let (client_id, user_id) = client_and_user(client, user);
                let mut rejoin = Rejoin::new(client_id, topic_name(topic), user_id, time(at));
                (rejoin.meta, rejoin.since) = (json(meta), position(since));
                rejoin.reference = mark_text(mark).map(Into::into);
                rejoin.into()
            }
            Self::Leave { client, topic, mark } => {
                let mut leave = Leave::new(client_name(client), topic_name(topic));
                leave.reference = mark_text(mark).map(Into::into);
                leave.into()
            }
            Self::Broadcast { client, topic, payload, event, style, mark } => {
                let client_id = client_name(client);
                let mut broadcast = Broadcast::new(client_id, topic_name(topic), body(payload))
                    .with_event(event_name(event))
                    .with_audience(audience(style));
                broadcast.meta = json(if odd(style).is_some() { style } else { style / 3 });
                broadcast.id = mark_text(style.rotate_left(4)).map(Into::into);
                broadcast.reference = mark_text(mark).map(Into::into);
                broadcast.into()
            }
            Self::Push { client, topic, payload, event, mark } => {
                let (client_id, topic) = (client_name(client), topic_name(topic));
                let mut push = Push::new(client_id, topic, event_name(event), body(payload));
                push.reference = mark_text(mark).map(Into::into);
                push.into()
            }
            Self::Crash { reason } => Event::crash(wrap(&REASONS, reason)),
            Self::Restart => Event::Restart,
        }
    }

    /// Reads any bytes as ops: one for the kind, one for each field, zeros past the end.
    pub fn decode(bytes: &[u8]) -> Vec<Self> {
        let mut bytes = bytes.iter().copied();
        let mut ops = Vec::new();
        while ops.len() < MOST
            && let Some(kind) = bytes.next()
        {
            let mut next = || bytes.next().unwrap_or(0);
            ops.push(Self::of_kind(kind, &mut next));
        }
        ops
    }

    /// Makes an op of a number for its kind, and one for each of its fields in turn.
    pub fn of_kind(kind: u8, next: &mut dyn FnMut() -> u8) -> Self {
        match kind {
            0..72 => Self::Join {
                client: next(),
                topic: next(),
                user: next(),
                at: next(),
                meta: next(),
                params: next(),
                mark: next(),
            },
            72..96 => Self::Rejoin {
                client: next(),
                topic: next(),
                user: next(),
                at: next(),
                meta: next(),
                since: next(),
                mark: next(),
            },
            96..140 => Self::Leave { client: next(), topic: next(), mark: next() },
            140..212 => Self::Broadcast {
                client: next(),
                topic: next(),
                payload: next(),
                event: next(),
                style: next(),
                mark: next(),
            },
            212..240 => Self::Push {
                client: next(),
                topic: next(),
                payload: next(),
                event: next(),
                mark: next(),
            },
            240..255 => Self::Restart,
            255 => Self::Crash { reason: next() },
        }
    }
}

/// One of a pool, whatever the index.
fn wrap<T: Copy>(pool: &[T], index: u8) -> T {
    pool[usize::from(index) % pool.len()]
}

/// The place of an index among the hostile ones, if it is one.
fn odd(index: u8) -> Option<u8> {
    index.checked_sub(GOOD)
}

fn known(client: u8) -> (&'static str, &'static str) {
    wrap(&CLIENTS, wrap(&POPULAR_CLIENTS, client))
}

fn client_name(client: u8) -> &'static str {
    odd(client).map_or_else(|| known(client).0, |odd| wrap(&NAMES, odd))
}

/// A client and who it acts for, which is mostly the same.
fn client_and_user(client: u8, user: u8) -> (&'static str, &'static str) {
    let own = if odd(client).is_some() { "eve" } else { known(client).1 };
    let user = match odd(user) {
        None => own,
        Some(odd @ 0..6) => wrap(&CLIENTS, odd).1,
        Some(odd) => wrap(&NAMES, odd - 6),
    };
    (client_name(client), user)
}

fn topic_name(topic: u8) -> &'static str {
    let known = || wrap(&TOPICS, wrap(&POPULAR_TOPICS, topic));
    odd(topic).map_or_else(known, |odd| wrap(&NAMES, odd))
}

fn event_name(event: u8) -> &'static str {
    match odd(event) {
        None => wrap(&EVENTS, event),
        Some(odd @ 0..12) => wrap(&RESERVED, odd),
        Some(odd) => wrap(&NAMES, odd - 12),
    }
}

/// Mostly a little later or earlier than another; seldom never.
fn time(at: u8) -> u64 {
    if at == u8::MAX { u64::MAX } else { u64::from(at) * 10 }
}

fn mark_text(mark: u8) -> Option<&'static str> {
    odd(mark).map_or_else(|| wrap(&MARKS, mark), |odd| Some(wrap(&ODD_MARKS, odd)))
}

/// A meta or params: half of them absent.
fn json(text: u8) -> Option<Json> {
    let text = match odd(text) {
        Some(_) => text,
        None if text.is_multiple_of(2) => return None,
        None => text / 2,
    };
    Some(Json::parse(json_text(text)).expect("it is JSON"))
}

fn body(payload: u8) -> Payload {
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

const fn audience(style: u8) -> Audience {
    match style % 3 {
        0 => Audience::All,
        1 => Audience::Others,
        _ => Audience::OtherUsers,
    }
}

fn position(since: u8) -> Option<Since> {
    let offset = u64::from(since / 8);
    match since % 8 {
        0..4 => None,
        4 | 5 => Some(Position { epoch: 1, offset }.into()),
        6 => Some(Position { epoch: u64::MAX, offset: u64::MAX }.into()),
        _ => {
            let list =
                format!(r#"[{{"node":"n","epoch":1,"offset":{offset}}},{{"epoch":0,"offset":0}}]"#);
            Some(serde_json::from_str(&list).expect("it is a list of positions"))
        }
    }
}
