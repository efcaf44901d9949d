//! The state machine: takes events in, keeps who is where, and says what is to be sent.
//!
//! [`Channel::handle`] is an index of the events. Each has one method, in the file that is named
//! beside it, and only those methods push to the outbox.

mod admission;
mod answers;
mod attendance;
mod clock;
mod comeback;
mod connections;
mod departure;
mod lifecycle;
mod membership;
mod messaging;
mod node;
mod openings;
mod queries;
mod recall;
mod snapshot;
mod tracking;

use alloc::{sync::Arc, vec::Vec};

pub use self::{
    queries::{ClientInfo, Deadline, DeadlineReason},
    snapshot::{RestoreError, SaveError},
};

use self::{
    clock::Clock,
    node::{Node, Phase},
};
use crate::{
    clients::Clients,
    config::{Config, ConfigError, Limit},
    event::{Event, EventKind, Header},
    footing::Footing,
    groups::Groups,
    ids::{ClientHandle, ClientId, ClusterName, NodeId, Topic},
    outbound::{Body, Outbound},
    outbox::Outbox,
    refusal::Refusal,
    rooms::{Origin, RoomNumber, Rooms},
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
    clock: Clock,
    clients: Clients,
    rooms: Rooms,
    groups: Groups,
    outbox: Outbox,
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
        Self::bare(Node::single(), config).with_declared_rooms()
    }

    /// A channel that can be one node of a cluster.
    ///
    /// Nodes do not talk to each other yet; but its presence refs name the node and its
    /// [`incarnation`](crate::ConfigBuilder::incarnation), so that they differ from all others'.
    ///
    /// # Errors
    ///
    /// The names of node and cluster must not be empty, nor longer than
    /// [`Limit::NameBytes`].
    pub fn cluster_ready(
        node_id: impl Into<NodeId>,
        cluster: impl Into<ClusterName>,
        config: Config,
    ) -> Result<Self, ConfigError> {
        let node = Node::of_cluster(node_id.into(), cluster.into(), &config)?;
        Ok(Self::bare(node, config).with_declared_rooms())
    }

    /// A channel without a room.
    fn bare(mut node: Node, config: Config) -> Self {
        node.set_next_ref(config.first_ref());
        Self {
            node,
            clock: Clock::default(),
            clients: Clients::new(config.hash_key()),
            rooms: Rooms::new(config.hash_key(), config.first_epoch()),
            groups: Groups::default(),
            outbox: Outbox::default(),
            config,
        }
    }

    fn with_declared_rooms(mut self) -> Self {
        for (topic, room) in self.config.declared() {
            self.outbox.count_room();
            self.rooms.create(topic, Arc::clone(room), Origin::Declared);
        }
        self
    }

    /// Takes one event in, and adds to the outbox what is to be sent for it.
    ///
    /// Total: it never panics, blocks or fails. What is refused gets a
    /// [`Reply`](Outbound::Reply) and changes nothing but the clock and the counters.
    ///
    /// Join, rejoin, leave, connect, push, track, untrack, subscribe and broadcast cost O(1)
    /// amortised in members, clients and topics, with a factor log n in what waits for a time. More
    /// costs: a message where somebody lacks `*` (those whose subscriptions differ), to
    /// [`OtherUsers`](crate::Audience::OtherUsers), `except_user` or a user (that user's clients), to a
    /// group (the members of its topics); the first one to everyone (all clients, and log n); a
    /// rejoin with `since` (what was missed); a disconnect or a kick out of everything (the client's
    /// topics); closing a room (its members); a tick (what is due); a query (what it lists); a crash
    /// (all that there is).
    #[expect(clippy::needless_pass_by_value, reason = "an event is handled once")]
    pub fn handle(&mut self, event: Event) {
        self.outbox.count_event(event.kind());
        self.clock.advance(event.now_ms());

        let header = event.header();
        let checked = self.check(&event, header);
        let outcome = match &event {
            _ if checked.is_err() => checked,

            // channel/membership.rs
            Event::Join(join) => self.on_join(header, join),
            Event::Rejoin(rejoin) => self.on_rejoin(header, rejoin),
            Event::Leave(leave) => self.on_leave(header, leave),

            // channel/connections.rs
            Event::Connect(connect) => self.on_connect(header, connect),
            Event::Disconnect(disconnect) => self.on_disconnect(disconnect),
            Event::Kick(kick) => self.on_kick(header, kick),

            // channel/messaging.rs
            Event::Broadcast(broadcast) => self.on_broadcast(header, broadcast),
            Event::Push(push) => self.on_push(header, push),
            Event::Publish(publish) => self.on_publish(header, publish),

            // channel/tracking.rs
            Event::Subscribe(subscribe) => self.on_subscribe(header, subscribe),
            Event::Unsubscribe(unsubscribe) => self.on_unsubscribe(header, unsubscribe),
            Event::Track(track) => self.on_track(header, track),
            Event::Untrack(untrack) => self.on_untrack(header, untrack),

            // channel/openings.rs
            Event::OpenRoom(open) => self.on_open_room(header, open),
            Event::CloseRoom(close) => self.on_close_room(header, close),
            Event::AddToGroup(add) => self.on_add_to_group(header, add),
            Event::RemoveFromGroup(remove) => self.on_remove_from_group(header, remove),

            // channel/recall.rs
            Event::History(history) => self.on_history(header, history),

            // channel/answers.rs
            Event::Query(query) => self.on_query(header, query),

            // channel/lifecycle.rs
            Event::Crash(crash) => self.on_crash(crash),
            Event::Restart => self.on_restart(),
            Event::Tick(_) => self.on_tick(),
            Event::Refuse(refuse) => self.on_refuse(header, refuse),
        };

        if let Err(refusal) = outcome {
            self.outbox.reply(header, Err(refusal));
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

    /// Refuses what no event may be: sent to a crashed channel, badly named, or too large.
    fn check(&self, event: &Event, header: Header<'_>) -> Result<(), Refusal> {
        match (self.node.phase, event.kind()) {
            (Phase::Running, _)
            | (
                Phase::Crashed,
                EventKind::Disconnect
                | EventKind::Leave
                | EventKind::Kick
                | EventKind::Tick
                | EventKind::Refuse
                | EventKind::Query
                | EventKind::Crash
                | EventKind::Restart,
            ) => admission::check(event, header, &self.config),
            (
                Phase::Crashed,
                EventKind::Join
                | EventKind::Rejoin
                | EventKind::Broadcast
                | EventKind::Push
                | EventKind::Connect
                | EventKind::Subscribe
                | EventKind::Unsubscribe
                | EventKind::Track
                | EventKind::Untrack
                | EventKind::OpenRoom
                | EventKind::CloseRoom
                | EventKind::History
                | EventKind::Publish
                | EventKind::AddToGroup
                | EventKind::RemoveFromGroup,
            ) => Err(Refusal::Crashed),
        }
    }

    /// Whether an event has names and sizes that will do, whatever the channel's state: if not,
    /// [`handle`](Channel::handle) refuses it for that alone. Costs what the event is long at most.
    #[must_use]
    pub fn admits(&self, event: &Event) -> bool {
        admission::check(event, event.header(), &self.config).is_ok()
    }

    /// Refuses one more of what there are so many already, if there may be no more.
    fn check_limit(&self, limit: Limit, count: u64) -> Result<(), Refusal> {
        let max = self.config.limit(limit);
        if count >= max { Err(Refusal::LimitReached { limit, max }) } else { Ok(()) }
    }

    /// Finds a client and a room, and what the one has in the other, or says what there is not.
    fn client_and_room(
        &self,
        client_id: &ClientId,
        topic: &Topic,
    ) -> Result<(ClientHandle, RoomNumber, Option<Footing>), Refusal> {
        let client = self.find_client(client_id)?;
        let room = self.find_room(topic)?;
        Ok((client, room, self.clients.get(client).rooms.get(room)))
    }

    /// Finds an attached member, or says what there is not.
    fn member(&self, client_id: &ClientId, topic: &Topic) -> Result<Member, Refusal> {
        let member = self.member_in_any_state(client_id, topic)?;
        if member.footing.is_attached() {
            return Ok(member);
        }
        Err(Refusal::NotMember { client_id: client_id.clone(), topic: topic.clone() })
    }

    /// Finds a member, attached or not, or says what there is not.
    fn member_in_any_state(&self, client_id: &ClientId, topic: &Topic) -> Result<Member, Refusal> {
        match self.client_and_room(client_id, topic)? {
            (client, room, Some(footing)) if footing.is_member() => {
                Ok(Member { client, room, footing })
            }
            _ => Err(Refusal::NotMember { client_id: client_id.clone(), topic: topic.clone() }),
        }
    }

    /// Answers an event that asks for it by a `ref`.
    fn reply_if_asked(&mut self, header: Header<'_>, body: Body) {
        if header.reference.is_some() {
            self.outbox.reply(header, Ok(body));
        }
    }
}
