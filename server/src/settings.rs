//! What a server is set up with.

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc, thread};

use axum::http::HeaderName;
use parlor::{Config, Guard, Outbound};

use crate::{auth::Authenticator, origins::Origins};

/// Makes the guard of a shard.
pub type GuardFactory = Arc<dyn Fn() -> Guard + Send + Sync>;

/// Sees what the channel of a shard says, in its order: the shard's number, and what it said.
///
/// It runs on the thread of the shard, which waits for it.
pub type Observer = Arc<dyn Fn(usize, &Outbound) + Send + Sync>;

/// What a server is set up with.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "made by a struct update of the default")]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Over how many threads topics are spread.
    pub shards: usize,
    /// How channels behave. Its limits hold for each shard; its first epoch is that of the start.
    pub channel: Config,
    /// Who may do what, beyond what channels decide.
    pub guard: GuardFactory,
    /// Who is who.
    pub auth: Authenticator,
    /// From which pages browsers may connect.
    pub origins: Origins,
    /// What connections may take.
    pub connections: ConnectionLimits,
    /// The header in which a proxy in front names the address of a client, such as
    /// `x-forwarded-for`: its last entry counts. None if there is no proxy, or clients could name
    /// themselves.
    pub client_ip_header: Option<HeaderName>,
    /// Where events are recorded, if anywhere: `FILE.0` for the first shard, and so on.
    pub journal: Option<PathBuf>,
    /// The secret by which a session becomes a client id; drawn at the start if there is none.
    pub session_key: Option<[u8; 32]>,
    /// Sees what channels say, if anybody does.
    pub observer: Option<Observer>,
}

impl Settings {
    /// For how long a client that lost its connection keeps its place, by default.
    pub const GRACE_MS: u64 = 30_000;
}

impl Default for Settings {
    fn default() -> Self {
        let channel = Config::builder().grace_ms(Self::GRACE_MS).build();
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 4000)),
            shards: thread::available_parallelism().map_or(1, usize::from),
            channel: channel.unwrap_or_default(),
            guard: Arc::new(Guard::new),
            auth: Authenticator::open(),
            origins: Origins::any(),
            connections: ConnectionLimits::default(),
            client_ip_header: None,
            journal: None,
            session_key: None,
            observer: None,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("listen", &self.listen)
            .field("shards", &self.shards)
            .field("channel", &self.channel)
            .field("connections", &self.connections)
            .field("client_ip_header", &self.client_ip_header)
            .field("journal", &self.journal)
            .finish_non_exhaustive()
    }
}

/// What connections may take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by a struct update of the default")]
pub struct ConnectionLimits {
    /// How many there may be; one more is refused with status 503.
    pub max: usize,
    /// How many of one address; one more is refused with status 429. In IPv6, an address is the
    /// first 64 bits.
    pub max_per_ip: usize,
    /// How many messages may wait for a connection to take them.
    pub queue_items: usize,
    /// How many bytes they may have together.
    pub queue_bytes: usize,
    /// How long a message of a client may be.
    pub max_message_bytes: usize,
    /// How long a request may take to arrive.
    pub handshake_ms: u64,
    /// For how long a client may be silent, or take nothing of what is sent to it.
    pub idle_ms: u64,
    /// How many messages a client may send in a window.
    pub events_per_window: u32,
    /// How long that window is.
    pub window_ms: u64,
    /// How many topics a client may join.
    pub max_topics: usize,
    /// How long a connection that is closed may take to say good-bye.
    pub close_ms: u64,
    /// How long all may take together when the server goes.
    pub drain_ms: u64,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max: 16_384,
            max_per_ip: 1_024,
            queue_items: 4_096,
            queue_bytes: 4 << 20,
            max_message_bytes: 128 << 10,
            handshake_ms: 10_000,
            idle_ms: 60_000,
            events_per_window: 1_000,
            window_ms: 10_000,
            max_topics: 100,
            close_ms: 5_000,
            drain_ms: 10_000,
        }
    }
}
