//! Channels, rooms and presence as a pure, deterministic state machine.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod base64;
mod channel;
mod clients;
mod config;
mod cow;
mod directory;
mod event;
mod few;
mod ids;
mod index;
mod links;
mod log;
mod outbound;
mod outbox;
mod payload;
mod presence;
mod recipients;
mod refusal;
mod rooms;
mod siphash;
mod slab;
mod stats;
mod text;

pub use channel::{Channel, ClientInfo, Deadline, DeadlineReason, RoomInfo};
pub use config::{Config, ConfigBuilder, ConfigError, Limit, PresenceMode, RoomConfig};
pub use event::{
    Audience, Broadcast, Crash, Event, EventKind, Join, Leave, NodePosition, Position, Push,
    Rejoin, Since,
};
pub use few::Few;
pub use ids::{
    ClientHandle, ClientId, ClusterName, EventName, MessageId, NodeId, Ref, Topic, UserId,
};
pub use outbound::{
    Body, BroadcastMessage, Cause, Closed, Outbound, PresenceDiff, PresenceState, PushMessage,
    Reply, System,
};
pub use payload::{Json, JsonError, Payload};
pub use presence::{Diff, Edge, Entries, Entry, Meta, PresenceRef};
pub use recipients::Recipients;
pub use refusal::{NameFlaw, Reason, Refusal};
pub use stats::{Counters, EventCounts, RefusalCounts, Stats};
