//! Channels, rooms and presence as a pure, deterministic state machine.
//!
//! A [`Channel`] takes [`Event`]s and says, in order, what is to be sent: [`Outbound`] messages. It
//! does no I/O and knows neither clock nor randomness, which is why it can be replayed,
//! property-tested, fuzzed and simulated. Whoever owns sockets and clocks is its driver, and this
//! is the whole of one:
//!
//! ```
//! use parlor::{Broadcast, Channel, Config, Event, Join, Leave, Outbound, Payload};
//!
//! let mut channel = Channel::single_node(Config::default());
//! let incoming: [Event; 4] = [
//!     Join::new("c1", "room:1", "ann", 0).into(),
//!     Join::new("c2", "room:1", "bob", 5).into(),
//!     Broadcast::new("c2", "room:1", Payload::json(r#""hi""#)?).with_ref("7").into(),
//!     Leave::new("c1", "room:1").into(),
//! ];
//!
//! let mut sent = Vec::new();
//! for event in incoming {
//!     channel.handle(event);
//!     for outbound in channel.flush_outbox() {
//!         sent.push(match outbound {
//!             Outbound::Reply(reply) => format!("reply to {}", reply.to),
//!             Outbound::PushMessage(push) => format!("{} for {}", push.event, push.client_id),
//!             Outbound::BroadcastMessage(message) => {
//!                 format!("{} for {:?}", message.event, message.recipients)
//!             }
//!             Outbound::PresenceState(state) => format!("{} present", state.entries.len()),
//!             Outbound::PresenceDiff(diff) => format!("diff for {:?}", diff.recipients),
//!             Outbound::Closed(closed) => format!("closed for {:?}", closed.recipients),
//!             Outbound::System(system) => system.label,
//!             other => other.label().to_string(),
//!         });
//!     }
//! }
//! assert_eq!(sent, [
//!     "reply to join", "1 present", "diff for []",
//!     "reply to join", "2 present", r#"diff for ["c1"]"#,
//!     "reply to broadcast", r#"message for ["c1", "c2"]"#,
//!     "reply to leave", r#"diff for ["c2"]"#,
//! ]);
//! # Ok::<(), parlor::JsonError>(())
//! ```
//!
//! # What a driver owes
//!
//! - A [`Config`] with a [key](ConfigBuilder::hash_key) drawn at random, and a
//!   [first epoch](ConfigBuilder::first_epoch) that is past all epochs of earlier runs, so that no
//!   position of theirs is taken for one of this run.
//! - Times that only grow; a [`Tick`] when [`Channel::next_deadline`] is due, and before what has
//!   arrived, whose messages carry the channel's time.
//! - All that is flushed, performed in order; each page of history completed from the driver's store, or
//!   [ended](HistoryPage::end_at_memory) where memory ends.
//! - A client's id for its connection as long as that may be the same client, and `disconnect` only for
//!   the connection that the id means at that moment. Without a [grace](ConfigBuilder::grace_ms), which
//!   is the default, that is the end of the client.
//!
//! For clients of Phoenix and Dialogue there are codecs in [`wire`], and a driver that does all of this
//! is the package `parlor-server` in the repository.
//!
//! # Words
//!
//! A **topic** is the name of a **room**. A **client** is one session of a **user**; a **member**
//! is a client that is in a topic. A member whose connection is lost is **detached** for the grace:
//! it keeps its place, its subscriptions and its presence, and hears nothing. **Presence** is who is
//! in a topic for all to see: an [`Entry`] a user, in it a [`Meta`] a client. A [`Diff`] is what
//! changed in it. A [`Position`] is how far a receiver has got in a topic.
//!
//! # Events and what they put in the outbox
//!
//! A `reply` in brackets comes if the event has a `ref`. *What a room that goes leaves* is the diff
//! of its open window, an `evicted` for each event name that its history held, and `room_closed` if
//! it was opened.
//!
//! | event | effects, in order |
//! | --- | --- |
//! | [`Join`] | `reply` {epoch, offset, name}; `presence_state` and `history` to the client, as its room has them; `presence_diff` to the others. Of a member: the reply alone; of a detached one, a rejoin |
//! | [`Rejoin`] | of a member: `reply` {epoch, offset, name, rejoined: true, recovered}; `presence_state`; the messages since `since`, one by one; `presence_diff` to the others if `meta` is given, is not the one that it joined with or last brought, and changes what it shows. Of a stranger: as join, with rejoined: false, and what it has missed in place of `history` if that can be told |
//! | [`Leave`] | `reply` {}; `presence_diff` to those who stay; what a room that goes leaves |
//! | [`Broadcast`] | (`reply` {epoch, offset}); `broadcast_message`; `evicted` if history is full. Of an `id` that was sent before: the reply alone, with the first position |
//! | [`Push`] | (`reply` {}); `push_message` |
//! | [`Crash`] | `system`; a `closed` a topic, in the order in which rooms were made. With a [grace](ConfigBuilder::grace_ms), members are detached; without, they go without a diff, open windows are dropped, and a room that goes leaves `evicted` and `room_closed`. Of a crashed channel: nothing |
//! | [`Event::Restart`] | `system`. Of a channel that has not crashed: nothing |
//! | [`Connect`] | (`reply` {}). The client is there, and stays until it disconnects |
//! | [`Disconnect`] | with a grace period nothing: what the client has is held. Without one, or with [`Grace::Skip`] or [`Grace::Expired`], per topic: `closed`, `presence_diff`, what a room that goes leaves |
//! | [`Subscribe`], [`Unsubscribe`] | (`reply` {}) |
//! | [`Track`] | (`reply` {}); `presence_diff` to all members, its own client too |
//! | [`Untrack`] | (`reply` {}); `presence_diff` to all members, its own client too; what a room that goes leaves |
//! | [`OpenRoom`] | (`reply` {}); `room_opened`, without the room's data, to everyone who is connected. A client can do it as often as its [rate](ConfigBuilder::room_rate_limit) and [`RoomsPerUser`](Limit::RoomsPerUser) let it, and so with `close_room` |
//! | [`CloseRoom`] | (`reply` {}); `closed`; `evicted`; `room_closed`, without the room's data, to everyone who is connected |
//! | [`History`] | (`reply` {}); `history` |
//! | [`Query`] | `reply`, with a `ref` or without |
//! | [`Publish`] | to a topic as a broadcast; else (`reply` {}); `broadcast_message` without an offset |
//! | [`Kick`] | (`reply` {}); a topic after the other `closed`, `presence_diff`, what a room that goes leaves; if out of all, `disconnect` |
//! | [`AddToGroup`], [`RemoveFromGroup`] | (`reply` {}) |
//! | [`Refuse`] | `reply`, to the client whose event was decided against |
//! | [`Tick`] | what has run out, a topic after the other: `closed`, one `presence_diff`, what a room that goes leaves; then the `presence_diff` of each window that ends |
//!
//! With [presence off](PresenceMode) there is neither `presence_state` nor `presence_diff`. A room
//! with [windows](RoomConfig::with_presence_window_ms) announces the changes of a window in one diff
//! when it ends; until then, who joins gets the list as it was last announced.
//!
//! A room is made by the first join of its topic and goes with its last member or presence, unless
//! it [persists](Lifetime). A client that connected is there until it disconnects
//! (and its grace has run out) or is kicked; one that only joined, until the end of its last
//! membership or presence. A room that is made again starts clean,
//! with a higher epoch. The clock is the largest `now_ms` so far; it advances first, also when the
//! event is then refused. Only a tick lets anything expire: [`Channel::next_deadline`] says when
//! one is due.
//!
//! # What is refused
//!
//! What is refused gets a reply with a [`Refusal`] and changes nothing else. Checked are, in this
//! order: whether the channel has crashed (join, rejoin, connect, broadcast, push, publish,
//! subscriptions, presence, history, rooms and groups wait for a restart then), names, the sizes of
//! `ref` and `id`, the sizes of payload, meta, params and data. Then for a join or rejoin whether
//! the client acts for another user, whether the room is there or may be made, and if it is no
//! member yet whether the room is full, and the limits ([`Clients`](Limit::Clients),
//! [`Topics`](Limit::Topics), [`TopicsPerClient`](Limit::TopicsPerClient),
//! [`MembersPerTopic`](Limit::MembersPerTopic)). For all others of a client whether client, topic
//! and membership exist, whether it may, whether it was done already, its
//! [rate](RoomConfig::with_rate_limit), and the limits. The server may do whatever names something
//! that is there, within the limits; replies to it name no client.
//!
//! # Who may do what
//!
//! A channel refuses what makes no sense to it. What takes knowledge of its host (schemas of what is
//! said, permissions, passwords) is decided before an event goes in, by a [`Guard`] beside it.
//!
//! # Rules of order
//!
//! - **R1** The reply to an event comes before every other effect of it; a page of history follows
//!   its reply.
//! - **R2** A joiner gets reply, then `presence_state`, then history; the others then get the diff.
//!   No diff that a member receives repeats or misses anything relative to its snapshot.
//! - **R3** Recipients are in join order and fixed when the event is handled. Where no topic is
//!   involved they are in connect order.
//! - **R4** Each presence change is announced where it happens; in a room with windows, in one diff
//!   when its window ends.
//! - **R5** Flushing after each event or once at the end gives the same sequence.
//! - **R6** Flushing twice gives nothing the second time.
//! - **R7** From a join or rejoin to the next, a receiver sees a topic's broadcasts in offset order.
//! - **R8** Replaying the diffs that a member received over its snapshot gives
//!   [`Channel::presences`], or with windows the list as it stood when the last one ended.
//! - **R9** One event causes at most one diff a topic.
//!
//! # JSON
//!
//! Events read, and messages write, as JSON through serde: this form is as stable as the Rust API,
//! and the binary `parlor` speaks it, one event or message a line. Fields have the names that they
//! have in Rust, but for `reference`, which is `ref`, and for what Rust says by a type: a `result`
//! stands as `status` and `payload`; a position as `epoch` and `offset`, except in `since` and
//! `before`; the edge of an entry as `first` or `last`. Optional fields may be absent, and `null` reads
//! as absent but for a payload, where it is a value. An unknown field is an error that names it. A
//! payload of bytes stands as `payload_base64` in place of `payload`. [`LineReader`] reads lines, and
//! says of a bad one where it is bad and what was expected. With `--keep-going`, the binary writes this
//! in the place of what the line would have brought about:
//! `{"error":{"line":2,"column":11,"message":"missing field `reason`"}}`.
//!
//! ```text
//! {"join":{"client_id":"c1","topic":"room:1","user_id":"u1","now_ms":0,"meta":{},"params":{},"ref":"1"}}
//! {"rejoin":{"client_id":"c1","topic":"room:1","user_id":"u1","now_ms":9,"since":{"epoch":1,"offset":41}}}
//! {"leave":{"client_id":"c1","topic":"room:1"}}
//! {"broadcast":{"client_id":"c1","topic":"room:1","payload":{"text":"hi"},"event":"typing","audience":"others"}}
//! {"push":{"client_id":"c1","topic":"room:1","event":"welcome","payload":"x"}}
//! {"crash":{"reason":"boom"}}
//! "restart"
//! {"connect":{"client_id":"c1","user_id":"u1","now_ms":0,"data":{"device":"phone"}}}
//! {"disconnect":{"client_id":"c1","now_ms":9,"grace":"skip"}}
//! {"subscribe":{"client_id":"c1","topic":"room:1","event":"typing"}}
//! {"unsubscribe":{"client_id":"c1","topic":"room:1","event":"*"}}
//! {"track":{"client_id":"c1","topic":"room:1","meta":{"away":true}}}
//! {"untrack":{"client_id":"c1","topic":"room:1"}}
//! {"open_room":{"topic":"room:1","config":{"name":"Lounge","max_members":8},"by":"c1"}}
//! {"close_room":{"topic":"room:1","by":"c1"}}
//! {"history":{"client_id":"c1","topic":"room:1","event":"message","before":{"epoch":1,"offset":43},"end":100,"ref":"2"}}
//! {"query":{"what":"members","topic":"room:1"}}
//! {"publish":{"target":{"user":"u1"},"event":"notice","payload":"x","except_client":"c1"}}
//! {"publish":{"target":"everyone","event":"notice","payload":"x"}}
//! {"kick":{"client_id":"c1","reason":"spam"}}
//! {"add_to_group":{"group":"all","topics":["room:1","room:2"]}}
//! {"remove_from_group":{"group":"all","topics":["room:2"]}}
//! {"refuse":{"client_id":"c1","topic":"room:1","to":"join","reason":"join_denied","message":"expected a ticket"}}
//! {"tick":{"now_ms":30000}}
//!
//! {"reply":{"to":"join","client_id":"c1","topic":"room:1","status":"ok","payload":{"epoch":1,"offset":41},"ref":"1"}}
//! {"reply":{"to":"broadcast","client_id":"c9","topic":"room:1","status":"error","payload":{"reason":"not_member","message":"…"}}}
//! {"presence_state":{"client_id":"c1","topic":"room:1","entries":[{"key":"u1","metas":[{"ref":"1","client_id":"c1","online_at_ms":0}]}]}}
//! {"presence_diff":{"topic":"room:1","diff":{"joins":[{"key":"u2","metas":[{"ref":"2","client_id":"c2","online_at_ms":0}],"first":true}],"leaves":[]},"timestamp_ms":0,"recipients":["c1"]}}
//! {"push_message":{"client_id":"c1","topic":"room:1","event":"welcome","payload":"x"}}
//! {"broadcast_message":{"topic":"room:1","event":"message","payload":{"text":"hi"},"from":"u1","client_id":"c1","epoch":1,"offset":42,"timestamp_ms":9,"recipients":["c1","c2"]}}
//! {"broadcast_message":{"target":{"user":"u1"},"event":"notice","payload":"x","from":"system","timestamp_ms":9,"recipients":["c2"]}}
//! {"history":{"client_id":"c1","topic":"room:1","epoch":1,"event":"message","before":{"epoch":1,"offset":43},"start":0,"end":100,"messages":[{"event":"message","payload":"hi","from":"u2","client_id":"c2","offset":42,"timestamp_ms":9}],"more":{"before":{"epoch":1,"offset":42},"wanted":99},"ref":"2"}}
//! {"evicted":{"topic":"room:1","epoch":1,"event":"message","messages":[{"event":"message","payload":"hi","from":"u2","client_id":"c2","offset":41,"timestamp_ms":8}]}}
//! {"room_opened":{"topic":"room:1","name":"Lounge","max_members":8,"owner":"u1","size":0,"full":false,"epoch":1,"offset":0,"recipients":["c1","c2"]}}
//! {"room_closed":{"topic":"room:1","size":0,"full":false,"epoch":1,"offset":42,"recipients":["c1","c2"]}}
//! {"closed":{"topic":"room:1","cause":"kicked","message":"spam","recipients":["c1"]}}
//! {"disconnect":{"client_id":"c1","reason":"spam"}}
//! {"system":{"label":"crash: boom"}}
//! ```
//!
//! # Features
//!
//! `std`, on by default, builds the binary, and lets a [`Guard`] stop the panics of its rules.
//! Without it the crate needs `alloc` only.
//!
//! `proptest` and `arbitrary` are for tests of drivers, and bring in the crates of these names and
//! `std`: see `parlor::testing`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;
// What is for tests of drivers goes by the names that drivers use.
#[cfg(any(feature = "arbitrary", feature = "proptest"))]
extern crate self as parlor;

mod agenda;
mod base64;
mod channel;
mod clients;
mod config;
mod cow;
mod dedupe;
mod directory;
mod event;
mod few;
mod footing;
mod groups;
mod guard;
mod hash;
mod history;
mod ids;
mod index;
mod json;
mod links;
mod log;
mod lost;
mod message;
mod object;
mod outbound;
mod outbox;
mod payload;
mod presence;
mod rate;
mod recipients;
mod refusal;
mod rooms;
mod roster;
mod slab;
mod stats;
mod subscriptions;
#[cfg(any(feature = "arbitrary", feature = "proptest"))]
pub mod testing;
mod text;
pub mod wire;

pub use channel::{Channel, ClientInfo, Deadline, DeadlineReason, RestoreError, SaveError};
pub use config::{
    ClientEvents, ClientRooms, Config, ConfigBuilder, ConfigError, ConfigFileError,
    EventDefinition, HistoryOnJoin, Lifetime, Limit, PatternFlaw, PresenceMode, RateLimit,
    RoomConfig, RoomFlaw, SnapshotMode, UnlistedTopics, Who,
};
pub use event::{
    AddToGroup, Address, Audience, Broadcast, CloseRoom, Connect, Crash, Disconnect, Event,
    EventKind, Grace, History, Join, Kick, Leave, OpenRoom, Position, Publish, Push, Query,
    Question, Refuse, Rejoin, RemoveFromGroup, Subscribe, Tick, Track, Unsubscribe, Untrack,
};
pub use few::Few;
pub use guard::{BroadcastChange, ClientEvent, Decision, Guard, JoinRequest};
pub use ids::{
    ClientHandle, ClientId, ClusterName, EventName, GroupName, MessageId, NodeId, Ref, Topic,
    UserId,
};
pub use json::{LineError, LineReader};
pub use message::StoredMessage;
pub use outbound::{
    Answer, Body, BroadcastMessage, Cause, CloseConnection, Closed, Evicted, HistoryPage, More,
    Outbound, PresenceDiff, PresenceState, PushMessage, Reply, RoomInfo, RoomNotice, System,
    Target,
};
pub use payload::{Json, JsonError, Payload};
pub use presence::{Diff, Edge, Entries, Entry, Meta, PresenceRef};
pub use rate::{RateLimited, RateLimiter};
pub use recipients::Recipients;
pub use refusal::{NameFlaw, Reason, Refusal};
pub use stats::{Counters, EventCounts, RefusalCounts, Stats};

/// The README's example, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
