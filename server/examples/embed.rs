//! The core in an axum server of your own: Phoenix clients talk at /socket/websocket, each under the
//! name that it gives: `new Socket("/socket", {params: {user_id: "ann", session: "random"}})`. With a
//! session, a client that loses its connection keeps its place for 30 seconds. Run it by
//! `cargo run -p parlor-server --example embed 127.0.0.1:4000`.
//!
//! What is not here, and is in `parlor-server`: who may enter and from which pages, limits on rates and
//! connections, idle connections, reasons for the ones that are closed, and more than one core.
use std::{collections::HashMap, env, error::Error, hash::BuildHasher, hash::RandomState};
use std::{sync::Arc, time::Duration, time::UNIX_EPOCH};

use axum::extract::{Query, State, WebSocketUpgrade, ws::Message, ws::WebSocket};
use axum::{Router, response::Response, routing::any};
use parlor::wire::phoenix::{Connection, Frame, Frames, Incoming, Positions, shared};
use parlor::{Channel, ClientId, Config, Connect, Disconnect, Event, Grace, Recipients, Tick};
use tokio::{net::TcpListener, sync::Mutex, sync::mpsc, time::interval, time::timeout};

/// The channel, the latest connection of each client (its codec, and what waits to be sent to it), and
/// the key of client ids.
struct Hub(Channel, HashMap<ClientId, (Connection, Queue)>, RandomState);

type Queue = mpsc::Sender<Frames>;
type Shared = Arc<Mutex<Hub>>;
type Params = HashMap<String, String>;

fn now_ms() -> u64 {
    UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs() * 1_000 + u64::from(time.subsec_millis()))
}

impl Hub {
    /// Hands an event in, and queues what comes of it for the clients that it is for.
    fn handle(&mut self, event: impl Into<Event>) {
        self.0.handle(event.into());
        for outbound in self.0.flush_outbox() {
            let same = shared(&outbound, Positions::Withheld).ok().flatten();
            let many = outbound.recipients().into_iter().flat_map(Recipients::ids);
            for client in outbound.client_id().into_iter().chain(many) {
                let Some((codec, queue)) = self.1.get_mut(client) else { continue };
                let own = codec.outgoing(&outbound).unwrap_or_default();
                // The connection of a slow client ends with its queue.
                if queue
                    .try_send(same.clone().unwrap_or_default())
                    .and_then(|()| queue.try_send(own))
                    .is_err()
                {
                    self.1.remove(client);
                }
            }
        }
    }

    /// Connects a client. Its id is a keyed hash, so that nobody can tell a session by it.
    fn enter(&mut self, user: &str, session: Option<&str>, queue: Queue) -> ClientId {
        let session = session.ok_or_else(|| RandomState::new().hash_one(0));
        let id = ClientId::from(format!("{:016x}", self.2.hash_one((user, session))));
        if self.1.insert(id.clone(), (Connection::new(&id, user), queue)).is_some() {
            self.handle(Disconnect::new(&id, now_ms()));
        }
        self.handle(Connect::new(&id, user, now_ms()));
        id
    }
}

/// Serves one socket until it is lost, takes nothing, or sends what is not a frame.
async fn serve(mut socket: WebSocket, params: Params, hub: Shared) {
    let user = params.get("user_id").map_or("guest", String::as_str);
    let session = params.get("session").map(String::as_str);
    let (queue, mut queued) = mpsc::channel(1_024);
    let mut second = interval(Duration::from_secs(1));
    let id = hub.lock().await.enter(user, session, queue);
    let mut talk = async || loop {
        let frames = tokio::select! {
            frames = queued.recv() => frames?,
            _ = second.tick() => { hub.lock().await.handle(Tick::new(now_ms())); continue }
            message = socket.recv() => {
                let Message::Text(text) = message?.ok()? else { continue };
                let mut hub = hub.lock().await;
                match hub.1.get_mut(&id).filter(|_| !queued.is_closed())?.0.text(&text, now_ms()).ok()? {
                    Incoming::Event(event) => { hub.handle(event); continue }
                    Incoming::Answer(frames) => frames,
                    Incoming::Nothing => continue,
                }
            }
        };
        for text in frames.iter().filter_map(Frame::as_text) {
            timeout(Duration::from_secs(30), socket.send(Message::text(text))).await.ok()?.ok()?;
        }
    };
    let _end: Option<()> = talk().await;
    let (mut hub, grace) = (hub.lock().await, session.map_or(Grace::Skip, |_| Grace::Keep));
    // A newer connection of the client may have taken over.
    if !queued.is_closed() || !hub.1.contains_key(&id) {
        hub.1.remove(&id);
        hub.handle(Disconnect::new(&id, now_ms()).with_grace(grace));
    }
}

async fn enter(up: WebSocketUpgrade, State(hub): State<Shared>, params: Query<Params>) -> Response {
    up.on_upgrade(async move |socket| serve(socket, params.0, hub).await)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let random = RandomState::new();
    // Positions of an earlier run have lower epochs, so no client is told that it missed nothing.
    let epoch = UNIX_EPOCH.elapsed()?.as_secs() << 20 | random.hash_one(0) >> 44;
    let config = Config::builder().hash_key([1, 2].map(|of| random.hash_one(of)));
    let channel = Channel::single_node(config.first_epoch(epoch).grace_ms(30_000).build()?);
    let hub = Shared::new(Mutex::new(Hub(channel, HashMap::new(), random)));
    let listener = TcpListener::bind(env::args().nth(1).ok_or("expected an address")?).await?;
    let app = Router::new().route("/socket/websocket", any(enter)).with_state(hub);
    Ok(axum::serve(listener, app).await?)
}
