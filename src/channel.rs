//! The state machine: takes events in, keeps who is where, and says what is to be sent.
//!
//! [`Channel::handle`] is an index of the events. Each has one method, in the file that is named
//! beside it, and only those methods push to the outbox.

mod admission;
mod attendance;
mod lifecycle;
mod membership;
mod messaging;
mod node;
mod queries;

use alloc::vec::Vec;

pub use self::queries::{ClientInfo, Deadline, DeadlineReason};

use self::node::Node;
use crate::{
    clients::{Clients, Footing},
    config::{Config, ConfigError},
    event::{Event, EventKind, Header},
    ids::{ClientHandle, ClientId, ClusterName, NodeId, Topic},
    outbound::{Body, Outbound},
    outbox::Outbox,
    refusal::Refusal,
    rooms::{RoomNumber, Rooms},
};

/// Every topic of one node, or of one shard of it, as a pure state machine.
///
/// Give it what happens with [`handle`](Channel::handle), and perform what
/// [`flush_outbox`](Channel::flush_outbox) returns: that is the whole of a driver. The outbox is a
/// function of the configuration and the sequence of events, and of nothing else, on every machine
/// and in every run.
///
/// ```
/// use parlor::{Broadcast, Channel, Config, Join, Outbound, Payload};
///
/// let mut channel = Channel::single_node(Config::default());
/// channel.handle(Join::new("c1", "room:1", "ann", 0).into());
/// channel.handle(Join::new("c2", "room:1", "bob", 5).into());
/// let _greetings = channel.flush_outbox();
///
/// channel.handle(Broadcast::new("c1", "room:1", Payload::json(r#"{"text":"hi"}"#)?).into());
/// let outbox = channel.flush_outbox();
/// let [Outbound::BroadcastMessage(message)] = &outbox[..] else { panic!("{outbox:?}") };
/// assert_eq!(message.position().map(|position| position.offset), Some(1));
/// assert!(message.recipients.ids().eq(["c1", "c2"]));
/// # Ok::<(), parlor::JsonError>(())
/// ```
///
/// A clone goes its own way; it costs as much as what it holds.
#[derive(Debug, Clone)]
pub struct Channel {
    config: Config,
    node: Node,
    phase: Phase,
    // Invariant: the largest time that an event has told.
    clock_ms: u64,
    clients: Clients,
    rooms: Rooms,
    outbox: Outbox,
}

/// Whether the channel works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// From a crash to the next restart.
    Crashed,
}

/// A client that is in a room, and where it sits.
#[derive(Debug, Clone, Copy)]
struct Member {
    client: ClientHandle,
    room: RoomNumber,
    footing: Footing,
}

impl Channel {
    /// A channel that is all there is.
    #[must_use]
    pub fn single_node(config: Config) -> Self {
        Self::new(Node::single(), config)
    }

    /// A channel that can be one node of a cluster.
    ///
    /// Nodes do not talk to each other yet; but its presence refs name the node and its
    /// [`incarnation`](crate::ConfigBuilder::incarnation), so that they differ from all others'.
    ///
    /// # Errors
    ///
    /// The names of node and cluster must not be empty, nor longer than
    /// [`Limit::NameBytes`](crate::Limit::NameBytes).
    pub fn cluster_ready(
        node_id: impl Into<NodeId>,
        cluster: impl Into<ClusterName>,
        config: Config,
    ) -> Result<Self, ConfigError> {
        Ok(Self::new(Node::of_cluster(node_id.into(), &cluster.into(), &config)?, config))
    }

    fn new(node: Node, config: Config) -> Self {
        Self {
            node,
            phase: Phase::Running,
            clock_ms: 0,
            clients: Clients::new(config.hash_key()),
            rooms: Rooms::new(config.hash_key(), config.first_epoch()),
            outbox: Outbox::default(),
            config,
        }
    }

    /// Takes one event in, and adds to the outbox what is to be sent for it.
    ///
    /// Total: it never panics, blocks or fails. What is refused gets a
    /// [`Reply`](Outbound::Reply) and changes nothing but the clock and the counters. Each event
    /// costs O(1) amortised in members, clients and topics, but for a broadcast to
    /// [`OtherUsers`](crate::Audience::OtherUsers), which costs that user's clients, and a crash,
    /// which costs all that there is.
    #[expect(clippy::needless_pass_by_value, reason = "an event is handled once")]
    pub fn handle(&mut self, event: Event) {
        self.outbox.count_event(event.kind());
        self.advance_clock(&event);

        let header = event.header();
        let outcome = self.check(&event).and_then(|()| match &event {
            // channel/membership.rs
            Event::Join(join) => self.on_join(header, join),
            Event::Rejoin(rejoin) => self.on_rejoin(header, rejoin),
            Event::Leave(leave) => self.on_leave(header, leave),

            // channel/messaging.rs
            Event::Broadcast(broadcast) => self.on_broadcast(header, broadcast),
            Event::Push(push) => self.on_push(header, push),

            // channel/lifecycle.rs
            Event::Crash(crash) => self.on_crash(crash),
            Event::Restart => self.on_restart(),
            _ => Err(Refusal::Crashed),
        });

        if let Err(refusal) = outcome {
            self.outbox.push(Outbound::reply(header, Err(refusal)));
        }
    }

    /// Takes what is to be sent since the last flush, in the order in which it was emitted.
    ///
    /// When and how often it is called changes nothing in what all calls together return.
    #[must_use = "what is flushed and not sent is lost"]
    pub fn flush_outbox(&mut self) -> Vec<Outbound> {
        let flushed = self.outbox.flush(self.clients.names());
        self.clients.release_handles();
        flushed
    }

    fn advance_clock(&mut self, event: &Event) {
        self.clock_ms = self.clock_ms.max(event.now_ms().unwrap_or(0));
    }

    /// Refuses what no event may be: sent to a crashed channel, badly named, or too large.
    fn check(&self, event: &Event) -> Result<(), Refusal> {
        match (self.phase, event.kind()) {
            (Phase::Running, _)
            | (Phase::Crashed, EventKind::Leave | EventKind::Crash | EventKind::Restart) => {
                admission::check(event, &self.config)
            }
            (Phase::Crashed, _) => Err(Refusal::Crashed),
        }
    }

    /// Finds a member, or says what there is not.
    fn member(&self, client_id: &ClientId, topic: &Topic) -> Result<Member, Refusal> {
        let unknown_client = || Refusal::UnknownClient { client_id: client_id.clone() };
        let unknown_topic = || Refusal::UnknownTopic { topic: topic.clone() };
        let not_member =
            || Refusal::NotMember { client_id: client_id.clone(), topic: topic.clone() };

        let client = self.clients.find(client_id).ok_or_else(unknown_client)?;
        let room = self.rooms.find(topic).ok_or_else(unknown_topic)?;
        let footing = self.clients.get(client).rooms.get(room).ok_or_else(not_member)?;
        Ok(Member { client, room, footing })
    }

    /// Answers an event that asks for it by a `ref`.
    fn reply_if_asked(&mut self, header: Header<'_>, body: Body) {
        if header.reference.is_some() {
            self.outbox.push(Outbound::reply(header, Ok(body)));
        }
    }
}
