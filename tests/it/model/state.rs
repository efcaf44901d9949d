//! What the model remembers: lists of these. JSON text is never empty, nor are names, so an empty
//! one stands for what is absent.

use std::rc::Rc;

use super::config::RoomConfig;

/// Section 1: one session of a user. `stays` if it was registered by `connect`; `until` if its
/// connection is lost.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) user: String,
    pub(super) data: String,
    pub(super) stays: bool,
    pub(super) until: Option<Deadline>,
}

/// When something ends that is held, and its place in the order of detaching.
pub(super) type Deadline = (u64, u64);

/// A topic's configuration and state; `users` are the present ones by first join (section 9).
#[derive(Clone)]
pub(super) struct Room {
    pub(super) topic: String,
    pub(super) config: RoomConfig,
    pub(super) ephemeral: bool,
    pub(super) opened: bool,
    pub(super) by_client: bool,
    pub(super) epoch: u64,
    pub(super) offset: u64,
    pub(super) users: Vec<String>,
    pub(super) window: Option<Window>,
    pub(super) ids: Vec<Sent>,
    pub(super) history: Vec<Message>,
    pub(super) lost: Lost,
    /// What was kept and is no more, by event name.
    pub(super) gone: Vec<(String, u64)>,
}

/// A presence list: users by first join, each with its metas in the order in which they came.
pub(super) type Listed = Vec<(String, Vec<Rc<Meta>>)>;

/// Section 9: the changes since `announced` are announced at `due_ms`.
#[derive(Clone)]
pub(super) struct Window {
    pub(super) due_ms: u64,
    pub(super) announced: Listed,
}

/// Section 8: an id that was accepted from a user, and the offset that its message got.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) user: String,
    pub(super) id: String,
    pub(super) offset: u64,
}

/// What a client has in a room: a membership, a presence, or both. With a deadline its membership
/// is detached.
#[derive(Clone)]
pub(super) struct Footing {
    pub(super) client: String,
    pub(super) topic: String,
    pub(super) until: Option<Deadline>,
}

/// Section 1: one client in one topic, what it is subscribed to, in that order, and the meta that it
/// joined with, or brought when it came back.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) client: String,
    pub(super) user: String,
    pub(super) topic: String,
    pub(super) subscriptions: Vec<String>,
    pub(super) joined: String,
}

/// Section 9: one client's presence in one topic; refs and data are JSON text.
#[derive(Clone)]
pub(super) struct Meta {
    pub(super) client: String,
    pub(super) user: String,
    pub(super) topic: String,
    pub(super) r#ref: String,
    pub(super) prev_ref: String,
    pub(super) online_at_ms: u64,
    pub(super) data: String,
}

/// Section 8: one broadcast. Payload (one of two) and meta are JSON text; the last two are whom
/// the sender excluded, or nobody.
#[derive(Clone)]
pub(super) struct Message {
    pub(super) event: String,
    pub(super) payload: String,
    pub(super) payload_base64: String,
    pub(super) meta: String,
    pub(super) from: String,
    pub(super) client: String,
    pub(super) offset: u64,
    pub(super) timestamp_ms: u64,
    pub(super) except_client: String,
    pub(super) except_user: String,
}

/// Section 7: what a room no longer holds, or never did.
#[derive(Clone, Default)]
pub(super) struct Lost {
    /// All of it.
    pub(super) all: Vec<Loss>,
    /// What is told of each name by itself, which may be more than was lost of it.
    pub(super) singly: Vec<(String, Vec<Loss>)>,
    /// What is told of any other name.
    pub(super) others: Vec<Loss>,
    /// Up to where everyone heard every name, so that names were not told apart.
    pub(super) together_up_to: u64,
    /// Whether there were more names than are told by themselves.
    pub(super) has_many_names: bool,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Loss {
    pub(super) event: String,
    pub(super) offset: u64,
    pub(super) except_client: String,
    pub(super) except_user: String,
}

/// Section 12: a client's window in a room, and how many events it has accepted.
pub(super) struct Rate {
    pub(super) client: String,
    pub(super) topic: String,
    pub(super) since_ms: u64,
    pub(super) accepted: u64,
}
