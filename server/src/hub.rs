//! What connections and shards share, and what one connection has of it.

use std::{sync::Arc, time::Duration};

use parlor::{ClientId, Connect, Event, Json, UserId};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::info;

use crate::{
    auth::Identity,
    clock::Clock,
    dialogue::Returns,
    history::Tally,
    listing::Listing,
    metrics::{Metrics, Open},
    names,
    openings::Openings,
    operators::LookToken,
    placement,
    queue::Queue,
    registry::{Gate, Generation, Known, Place, Registry},
    sessions::{Return, Sessions},
    settings::Settings,
    shard::{Message, Seat, Way, Wire},
    telling::{About, Tell, Telling},
};

/// What all connections share.
pub(crate) struct Hub {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) shards: Vec<mpsc::Sender<Message>>,
    pub(crate) connections: Arc<Gate>,
    pub(crate) handshakes: Arc<Gate>,
    /// Places for those who watch.
    pub(crate) watchers: Arc<Gate>,
    /// The server goes: connections end, and no more are taken.
    pub(crate) going: CancellationToken,
    /// A part of the server has died of a defect.
    pub(crate) broken: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) registry: Registry,
    pub(crate) sessions: Sessions,
    pub(crate) openings: Arc<Openings>,
    pub(crate) listing: Listing,
    /// What became of what was to be kept, if there is a history.
    pub(crate) history: Option<Arc<Tally>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) returns: Returns,
    pub(crate) telling: Telling,
    /// Lets those look who have the link that was logged at the start.
    pub(crate) look_token: Option<LookToken>,
}

/// A shard has ended, which it does only when the server does, or by a defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShardGone;

/// What a connection has of a hub: its client, and the messages for it.
pub(crate) struct Link {
    hub: Arc<Hub>,
    pub(crate) client_id: ClientId,
    pub(crate) user_id: UserId,
    generation: Generation,
    way: Way,
    pub(crate) queue: Arc<Queue>,
    place: Arc<Place>,
    open: Open,
}

impl Hub {
    /// Lets a connection in: from here on its client is connected, on every shard. A connection
    /// that the client had until then is cut.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        identity: &Identity,
        (client_id, back): (ClientId, Return),
        wire: Wire,
        place: Arc<Place>,
    ) -> Result<Link, ShardGone> {
        let user_id = identity.user_id.clone();
        let way = match back {
            Return::Possible => Way::Disconnected,
            Return::Impossible => Way::Gone,
        };
        let limits = &self.settings.connections;
        let queue = Arc::new(Queue::new(limits.queue_items, limits.queue_bytes));
        let generation = self.registry.enter(Known {
            client_id: client_id.clone(),
            user_id: user_id.clone(),
            wire,
            address: place.address(),
            since_ms: self.clock.now_ms(),
            queue: Arc::clone(&queue),
        });
        let (hub, open) = (Arc::clone(self), self.metrics.doors.open(wire));
        let link = Link { hub, client_id, user_id, generation, way, queue, place, open };
        let data = identity.data();
        for shard in 0..self.shards.len() {
            let message = link.entering(wire, data.clone());
            if self.send(shard, message).await.is_err() {
                link.leave().await;
                return Err(ShardGone);
            }
        }
        info!(client = link.client_id.as_str(), user = link.user_id.as_str(), "connected");
        Ok(link)
    }

    /// Whether every shard answers in time; what it was told before has then been delivered.
    pub(crate) async fn answers(&self, patience: Duration) -> bool {
        let asked = async {
            for shard in 0..self.shards.len() {
                let (answer, answered) = oneshot::channel();
                self.send(shard, Message::Ping(answer)).await.ok()?;
                answered.await.ok()?;
            }
            Some(())
        };
        matches!(timeout(patience, asked).await, Ok(Some(())))
    }

    /// Whether the log says it once more, to those who read it at `info`.
    pub(crate) fn tell(&self, about: About) -> Tell {
        self.telling.of(about, self.clock.now_ms())
    }

    /// Waits until a shard has room for a message.
    pub(crate) async fn send(&self, shard: usize, message: Message) -> Result<(), ShardGone> {
        let shard = self.shards.get(shard).ok_or(ShardGone)?;
        shard.send(message).await.map_err(|_| ShardGone)
    }
}

impl Link {
    fn entering(&self, wire: Wire, data: Option<Json>) -> Message {
        let mut connect = Connect::new(&self.client_id, &self.user_id, self.hub.clock.now_ms());
        connect.data = data;
        let queue = Arc::clone(&self.queue);
        let (client_id, generation) = (self.client_id.clone(), self.generation);
        let address = self.place.address();
        let seat = Seat { client_id, generation, queue, wire, address, held: Vec::new() };
        Message::Enter { connect: Box::new(connect), seat }
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Which shard an event of the client is for, and the message to it.
    pub(crate) fn address(&self, event: Event) -> (usize, Message) {
        let shards = self.hub.shards.len();
        // What is about no topic is answered by any shard, always the same one.
        let shard = names::topic_of(&event).map_or(0, |topic| placement::shard_of(topic, shards));
        let (client_id, generation) = (self.client_id.clone(), self.generation);
        (shard, Message::Event { client_id, generation, event })
    }

    /// The same of a rejoin of a client that was away and has not asked for it.
    pub(crate) fn address_return(&self, rejoin: Event) -> (usize, Message) {
        match self.address(rejoin) {
            (shard, Message::Event { client_id, generation, event }) => {
                (shard, Message::Return { client_id, generation, event })
            }
            other => other,
        }
    }

    /// Nobody can come back as the client: it does not keep its place.
    pub(crate) const fn give_up(&mut self) {
        self.way = Way::Gone;
    }

    /// The connection has ended. If a newer one has taken over, nobody notices. Its place is free
    /// when what is returned is dropped.
    pub(crate) async fn leave(self) -> Arc<Place> {
        let Self { hub, client_id, user_id, generation, way, queue: _, place, open } = self;
        drop(open);
        hub.registry.leave(&client_id, generation);
        info!(client = client_id.as_str(), user = user_id.as_str(), "disconnected");
        // When the server goes, nobody is told who else goes.
        if hub.going.is_cancelled() {
            return place;
        }
        for shard in 0..hub.shards.len() {
            let client_id = client_id.clone();
            let message = Message::Leave { client_id, generation, way };
            if hub.send(shard, message).await.is_err() {
                break;
            }
        }
        place
    }
}
