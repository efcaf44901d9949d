//! A minimal broadcast server: axum for WebSockets, one `tokio::sync::broadcast` a room, JSON in
//! text frames, each encoded once. A connection is in one room at a time. It has none of what parlor
//! has beyond that, and is here as the floor that others are compared with.

use std::{
    collections::BTreeMap,
    env,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, Utf8Bytes, WebSocket},
    },
    response::Response,
    routing::get,
    serve::ListenerExt as _,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::{
    net::TcpListener,
    select,
    sync::broadcast::{self, error::RecvError},
};

/// How many messages may wait for a slow member. One that misses any is cut off.
const WAITING: usize = 4_096;

/// What each connection reads into.
const READ_BUFFER: usize = 4 << 10;

type Rooms = Arc<Mutex<BTreeMap<String, broadcast::Sender<Utf8Bytes>>>>;

/// What a client asks for.
#[derive(Deserialize)]
struct Asked<'text> {
    join: Option<String>,
    leave: Option<String>,
    say: Option<String>,
    #[serde(borrow)]
    payload: Option<&'text RawValue>,
    r#ref: Option<u32>,
}

/// Where a connection is.
struct Seat {
    room: String,
    sender: broadcast::Sender<Utf8Bytes>,
    receiver: broadcast::Receiver<Utf8Bytes>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let at = env::args().nth(1).ok_or_else(|| anyhow::anyhow!("expected ADDRESS:PORT"))?;
    let router = Router::new().route("/ws", get(upgrade)).with_state(Rooms::default());
    let listener = TcpListener::bind(at).await?.tap_io(|stream| {
        // One that has gone already is noticed when it is read.
        stream.set_nodelay(true).ok();
    });
    Ok(axum::serve(listener, router).await?)
}

async fn upgrade(upgrade: WebSocketUpgrade, State(rooms): State<Rooms>) -> Response {
    // By default, each connection has 128 KiB to read into.
    upgrade.read_buffer_size(READ_BUFFER).on_upgrade(move |socket| async move {
        let mut seat = None;
        // However it ends, it ends.
        serve(socket, &rooms, &mut seat).await.ok();
        leave(&rooms, seat);
    })
}

async fn serve(
    mut socket: WebSocket,
    rooms: &Rooms,
    seat: &mut Option<Seat>,
) -> anyhow::Result<()> {
    loop {
        let frame = select! {
            frame = socket.recv() => frame,
            said = hear(seat) => {
                socket.send(Message::Text(said?)).await?;
                continue;
            }
        };
        let Some(Ok(frame)) = frame else { return Ok(()) };
        let Message::Text(text) = frame else { continue };
        let Asked { join, leave: left, say, payload, r#ref } = serde_json::from_str(text.as_str())?;
        if left.is_some() || join.is_some() {
            leave(rooms, seat.take());
        }
        if let Some(room) = join {
            *seat = Some(enter(rooms, room));
        }
        if let (Some(room), Some(payload)) = (say, payload)
            && let Some(seat) = seat.as_ref().filter(|seat| seat.room == room)
        {
            let said = format!(r#"{{"said":{{"room":"{room}","payload":{payload}}}}}"#);
            // There is one to hear it: who says it.
            seat.sender.send(said.into()).ok();
        }
        if let Some(done) = r#ref {
            socket.send(Message::text(format!(r#"{{"done":{done}}}"#))).await?;
        }
    }
}

/// What is said where it is; never anything if it is nowhere.
async fn hear(seat: &mut Option<Seat>) -> Result<Utf8Bytes, RecvError> {
    match seat {
        Some(seat) => seat.receiver.recv().await,
        None => std::future::pending().await,
    }
}

fn enter(rooms: &Rooms, room: String) -> Seat {
    let mut rooms = rooms.lock().unwrap_or_else(PoisonError::into_inner);
    let sender = rooms.entry(room.clone()).or_insert_with(|| broadcast::channel(WAITING).0);
    Seat { room, receiver: sender.subscribe(), sender: sender.clone() }
}

/// A room goes with its last member.
fn leave(rooms: &Rooms, seat: Option<Seat>) {
    let Some(Seat { room, sender, receiver }) = seat else { return };
    let mut rooms = rooms.lock().unwrap_or_else(PoisonError::into_inner);
    drop(receiver);
    if sender.receiver_count() == 0 {
        rooms.remove(&room);
    }
}
