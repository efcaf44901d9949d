//! What connections and the engine share, and what one connection has of it.

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
    engine::{Message, Seat, Way, Wire},
    history::Tally,
    listing::Listing,
    metrics::{Metrics, Open},
    openings::Openings,
    operators::LookToken,
    queue::Queue,
    registry::{Gate, Generation, Known, Place, Registry},
    sessions::{Return, Sessions},
    settings::Settings,
    telling::{About, Tell, Telling},
};

/// What all connections share.
pub(crate) struct Hub {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) engine: mpsc::Sender<Message>,
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

/// The engine has ended, which it does only when the server does, or by a defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EngineGone;

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
    /// Lets a connection in: from here on its client is connected. A connection that the client had
    /// until then is cut.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        identity: &Identity,
        (client_id, back): (ClientId, Return),
        wire: Wire,
        place: Arc<Place>,
    ) -> Result<Link, EngineGone> {
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
        if self.send(link.entering(wire, identity.data())).await.is_err() {
            link.leave().await;
            return Err(EngineGone);
        }
        info!(client = link.client_id.as_str(), user = link.user_id.as_str(), "connected");
        Ok(link)
    }

    /// Whether the engine answers in time; what it was told before has then been delivered.
    pub(crate) async fn answers(&self, patience: Duration) -> bool {
        let asked = async {
            let (answer, answered) = oneshot::channel();
            self.send(Message::Ping(answer)).await.ok()?;
            answered.await.ok()
        };
        matches!(timeout(patience, asked).await, Ok(Some(())))
    }

    /// Whether the log says it once more, to those who read it at `info`.
    pub(crate) fn tell(&self, about: About) -> Tell {
        self.telling.of(about, self.clock.now_ms())
    }

    /// Waits until the engine has room for a message.
    pub(crate) async fn send(&self, message: Message) -> Result<(), EngineGone> {
        self.engine.send(message).await.map_err(|_| EngineGone)
    }

    /// How many messages wait for the engine.
    pub(crate) fn waiting(&self) -> usize {
        self.engine.max_capacity().saturating_sub(self.engine.capacity())
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

    /// An event of the client, as a message to the engine.
    pub(crate) fn says(&self, event: Event) -> Message {
        let flaw = self.hub.settings.schemas.flaw_of(&event).map(String::into_boxed_str);
        let (client_id, generation) = (self.client_id.clone(), self.generation);
        Message::Event { client_id, generation, event, flaw }
    }

    /// The same of a rejoin of a client that was away and has not asked for it.
    pub(crate) fn returns(&self, rejoin: Event) -> Message {
        let (client_id, generation) = (self.client_id.clone(), self.generation);
        Message::Return { client_id, generation, event: rejoin }
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
        // An engine that has ended has nobody to tell.
        hub.send(Message::Leave { client_id, generation, way }).await.ok();
        place
    }
}
