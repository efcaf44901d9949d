//! The core in an axum server of one's own: Phoenix clients talk at /socket/websocket, each under
//! the name that it gives: `new Socket("/socket", {params: {user_id: "ann"}})`. Run it by
//! `cargo run -p parlor-server --example embed 127.0.0.1:4000`.
//!
//! What is not here, and is in `parlor-server`: who may enter and from which pages, bounds of queues
//! and rates, time-outs, clients that come back as themselves, ticks for what waits for a time.
use std::{collections::HashMap, env, error::Error, sync::Arc, time::UNIX_EPOCH};

use axum::extract::{Query, State, WebSocketUpgrade, ws::Message, ws::WebSocket};
use axum::{Router, response::Response, routing::any};
use parlor::wire::phoenix::{Connection, Frame, Frames, Incoming, Positions, shared};
use parlor::{Channel, ClientId, Config, Disconnect, Event, Recipients};
use tokio::{net::TcpListener, sync::Mutex, sync::mpsc};

/// The channel, and of each client what it has joined and what waits to be sent to it.
type Hub = (Channel, HashMap<ClientId, (Connection, mpsc::UnboundedSender<Frames>)>);

type Shared = Arc<Mutex<Hub>>;
type Params = Query<HashMap<String, String>>;

/// Hands an event in, and gives what comes of it to those whom it is for.
fn handle((channel, clients): &mut Hub, event: Event) {
    channel.handle(event);
    for outbound in channel.flush_outbox() {
        let same = shared(&outbound, Positions::Withheld).ok().flatten();
        let many = outbound.recipients().into_iter().flat_map(Recipients::ids);
        for client in outbound.client_id().into_iter().chain(many) {
            let Some((codec, queue)) = clients.get_mut(client) else { continue };
            queue.send(same.clone().unwrap_or_default()).ok();
            queue.send(codec.outgoing(&outbound).unwrap_or_default()).ok();
        }
    }
}

/// Serves one socket until it is lost, or says what is no frame.
async fn serve(mut socket: WebSocket, user: Option<String>, hub: Shared) {
    let id = ClientId::from(format!("{:p}", &raw const socket));
    let (sender, mut queue) = mpsc::unbounded_channel();
    hub.lock().await.1.insert(id.clone(), (Connection::new(&id, user.unwrap_or_default()), sender));
    let mut talk = async || loop {
        let frames = tokio::select! {
            frames = queue.recv() => frames?,
            message = socket.recv() => {
                let Message::Text(text) = message?.ok()? else { continue };
                let hub = &mut *hub.lock().await;
                let now_ms = UNIX_EPOCH.elapsed().ok()?.as_millis().try_into().ok()?;
                match hub.1.get_mut(&id)?.0.text(&text, now_ms).ok()? {
                    Incoming::Event(event) => { handle(hub, event); continue }
                    Incoming::Answer(frames) => frames,
                    Incoming::Nothing => continue,
                }
            }
        };
        for text in frames.iter().filter_map(Frame::as_text) {
            socket.send(Message::text(text)).await.ok()?;
        }
    };
    let _end: Option<()> = talk().await;
    let hub = &mut *hub.lock().await;
    hub.1.remove(&id);
    handle(hub, Disconnect::new(id, 0).into());
}

async fn enter(up: WebSocketUpgrade, State(hub): State<Shared>, Query(p): Params) -> Response {
    up.on_upgrade(async move |socket| serve(socket, p.get("user_id").cloned(), hub).await)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Positions of an earlier run are of lower epochs, so nobody is told to have missed nothing.
    let config = Config::builder().first_epoch(UNIX_EPOCH.elapsed()?.as_secs()).build()?;
    let hub = Shared::new(Mutex::new((Channel::single_node(config), HashMap::new())));
    let listener = TcpListener::bind(env::args().nth(1).ok_or("expected an address")?).await?;
    let app = Router::new().route("/socket/websocket", any(enter)).with_state(hub);
    Ok(axum::serve(listener, app).await?)
}
