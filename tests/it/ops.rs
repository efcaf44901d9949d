//! What may happen to a channel, as numbers: every op is legal in every state, indices wrap.
//!
//! An index stands for a member of a small pool. The first [`GOOD`] indices mean what well-behaved
//! clients send, and small ones the plainest of that; the rest is hostile. So a random op is mostly
//! meaningful, and a shrunken one still means something. Knows nothing of channels or models.

mod events;
mod pools;

use parlor::Event;

use self::events::event;

/// One thing that happens. Each field is an index into the pool of that name; `at` is by how much
/// time has gone on since the op before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Join { client: u8, topic: u8, user: u8, at: u8, meta: u8, params: u8, mark: u8 },
    Rejoin { client: u8, topic: u8, user: u8, at: u8, meta: u8, since: u8, mark: u8 },
    Leave { client: u8, topic: u8, mark: u8 },
    Broadcast { client: u8, topic: u8, payload: u8, event: u8, style: u8, mark: u8 },
    Push { client: u8, topic: u8, payload: u8, event: u8, mark: u8 },
    Crash { reason: u8 },
    Restart,
    Connect { client: u8, user: u8, at: u8, data: u8, mark: u8 },
    Disconnect { client: u8, at: u8, grace: u8 },
    Subscribe { client: u8, topic: u8, event: u8, mark: u8 },
    Unsubscribe { client: u8, topic: u8, event: u8, mark: u8 },
    Track { client: u8, topic: u8, meta: u8, mark: u8 },
    Untrack { client: u8, topic: u8, mark: u8 },
    OpenRoom { topic: u8, config: u8, by: u8, mark: u8 },
    CloseRoom { topic: u8, by: u8, mark: u8 },
    History { client: u8, topic: u8, event: u8, page: u8, before: u8, mark: u8 },
    Query { what: u8, topic: u8, client: u8, mark: u8 },
    Publish { target: u8, payload: u8, event: u8, style: u8, mark: u8 },
    Kick { client: u8, topic: u8, reason: u8, mark: u8 },
    AddToGroup { group: u8, topics: u8, mark: u8 },
    RemoveFromGroup { group: u8, topics: u8, mark: u8 },
    Refuse { client: u8, topic: u8, to: u8, reason: u8, mark: u8 },
    Tick { at: u8 },
}

/// How many of an index's 256 values stand for something that a well-behaved client sends.
pub const GOOD: u8 = 240;

/// More ops than this say nothing new, and cost.
pub const MOST: usize = 200;

impl Op {
    /// The events that they stand for.
    pub fn events(ops: &[Self]) -> Vec<Event> {
        let mut now_ms = 0;
        ops.iter().map(|op| event(*op, &mut now_ms)).collect()
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
        macro_rules! op {
            ($kind:ident $($field:ident)+) => { Self::$kind { $($field: next()),+ } };
        }
        match kind {
            0..56 => op!(Join client topic user at meta params mark),
            56..64 => op!(Connect client user at data mark),
            64..72 | 252..255 => op!(Tick at),
            72..86 => op!(Rejoin client topic user at meta since mark),
            86..96 => op!(Track client topic meta mark),
            96..102 => op!(Leave client topic mark),
            102..110 => op!(Subscribe client topic event mark),
            110..114 => op!(Unsubscribe client topic event mark),
            114..119 => op!(Disconnect client at grace),
            119..140 => op!(History client topic event page before mark),
            140..184 => op!(Broadcast client topic payload event style mark),
            184..196 => op!(Publish target payload event style mark),
            196..205 => op!(OpenRoom topic config by mark),
            205..207 => op!(CloseRoom topic by mark),
            207..212 => op!(Untrack client topic mark),
            212..218 => op!(Push client topic payload event mark),
            218..225 => op!(AddToGroup group topics mark),
            225..227 => op!(RemoveFromGroup group topics mark),
            227..229 => op!(Kick client topic reason mark),
            229..232 => op!(Refuse client topic to reason mark),
            232..240 => op!(Query what topic client mark),
            240..252 => Self::Restart,
            255 => op!(Crash reason),
        }
    }
}
