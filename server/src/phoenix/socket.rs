//! One Phoenix connection, from the handshake to its end.

use std::{future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::extract::ws::{Message as Frame, WebSocket};
use futures_util::{FutureExt, SinkExt};
use parlor::{
    RateLimiter,
    wire::phoenix::{Connection, Frames, Incoming},
};
use tokio::{
    select,
    time::{Instant, sleep, sleep_until, timeout},
};
use tracing::{debug, info, warn};
use tungstenite::{Error, error::ProtocolError};

use super::message_of;
use crate::{
    auth::Identity,
    clock,
    close::Close,
    hub::{Hub, Link, ShardGone},
    metrics::Ending,
    queue::Item,
    registry::Place,
    shard::{Message, Wire},
};

/// A connection that lives.
struct Socket {
    websocket: WebSocket,
    codec: Connection,
    link: Link,
    rate: RateLimiter<()>,
    /// What its client has said last, until the shard has room for it. Until then nothing more is
    /// read.
    waiting: Option<(usize, Message)>,
    /// When it is idle.
    idle_at: Instant,
    /// When its token expires.
    expires_at: Option<Instant>,
}

/// How a connection ends.
enum End {
    /// Its client has gone.
    Lost,
    /// Its client has said good-bye.
    Left,
    /// It is closed.
    Closed(Close),
    /// It is closed for a frame that was not read to its end, so nothing more can be read.
    Broken(Close),
}

impl End {
    const fn for_figures(&self) -> Ending {
        match self {
            Self::Lost => Ending::Lost,
            Self::Left => Ending::Left,
            Self::Closed(close) | Self::Broken(close) => Ending::Code(close.code),
        }
    }
}

/// For how long a connection stays open that nothing more can be read from, so that the client can
/// read why it is closed.
const LINGER: Duration = Duration::from_secs(1);

/// A client that is gone without a word.
const ABANDONED: ProtocolError = ProtocolError::ResetWithoutClosingHandshake;

/// Serves a connection until it ends.
pub(super) async fn run(
    hub: Arc<Hub>,
    mut websocket: WebSocket,
    wire: Wire,
    identity: Identity,
    session: Option<String>,
    place: Place,
) {
    if hub.going.is_cancelled() {
        say_good_bye(&hub, &mut websocket, End::Closed(Close::restarting())).await;
        return;
    }
    let client = hub.sessions.client_id(&identity.user_id, session.as_deref());
    let entered = hub.enter(&identity, client, wire, Arc::new(place)).await;
    let Ok(link) = entered else {
        say_good_bye(&hub, &mut websocket, End::Closed(Close::broken())).await;
        return;
    };
    let limits = &hub.settings.connections;
    let codec = Connection::new(&link.client_id, &link.user_id).with_max_topics(limits.max_topics);
    let lives = |until: u64| Duration::from_secs(until.saturating_sub(clock::unix_s()));
    let mut socket = Socket {
        websocket,
        codec,
        link,
        rate: RateLimiter::new(limits.events_per_window, limits.window_ms),
        waiting: None,
        idle_at: Instant::now() + Duration::from_millis(limits.idle_ms),
        expires_at: identity.expires_at.and_then(|until| Instant::now().checked_add(lives(until))),
    };
    // Whatever happens to it, its client does not stay.
    let served = AssertUnwindSafe(socket.serve()).catch_unwind().await;
    let end = served.unwrap_or_else(|_| End::Closed(Close::broken()));
    let Socket { mut websocket, link, .. } = socket;
    hub.metrics.doors.ended(Wire::Phoenix, end.for_figures());
    if let End::Closed(close) | End::Broken(close) = &end {
        let (code, reason) = (close.code, &*close.reason);
        info!(client = link.client_id.as_str(), code, reason, "closing");
    }
    // For everybody else it is over now, however long the good-bye takes.
    let _place = link.leave().await;
    say_good_bye(&hub, &mut websocket, end).await;
}

/// Closes the socket, and waits a while until the client has done so too.
async fn say_good_bye(hub: &Hub, websocket: &mut WebSocket, end: End) {
    let good_bye = async {
        let close = match &end {
            End::Lost => return,
            End::Left => None,
            End::Closed(close) | End::Broken(close) => Some(Frame::Close(Some(close.frame()))),
        };
        if let Some(close) = close
            && websocket.send(close).await.is_err()
        {
            return;
        }
        if matches!(end, End::Broken(_)) {
            sleep(LINGER).await;
        } else {
            // Also sends the answer to a close of the client's.
            while let Some(Ok(_)) = websocket.recv().await {}
        }
    };
    let close_ms = Duration::from_millis(hub.settings.connections.close_ms);
    if timeout(close_ms, good_bye).await.is_err() {
        debug!("the client has not answered the close");
    }
}

impl Socket {
    /// Reads and writes until there is a reason to end.
    async fn serve(&mut self) -> End {
        let hub = Arc::clone(self.link.hub());
        let queue = Arc::clone(&self.link.queue);
        let mut items = Vec::new();
        let mut is_told_to_go = false;
        loop {
            let result = select! {
                close = queue.until_cut() => Err(End::Closed(close)),
                () = hub.going.cancelled(), if !is_told_to_go => {
                    is_told_to_go = true;
                    queue.close(Close::restarting());
                    Ok(())
                }
                taken = queue.take(&mut items) => match taken {
                    Some(close) => Err(End::Closed(close)),
                    None => self.send(&mut items).await,
                },
                sent = hand_over(&hub, &mut self.waiting) => {
                    // Until here nothing was read.
                    self.idle_at = Instant::now() + self.idle_time();
                    sent.map_err(|ShardGone| End::Closed(Close::broken()))
                }
                frame = self.websocket.recv(), if self.waiting.is_none() => match frame {
                    Some(Ok(frame)) => self.receive(frame).await,
                    Some(Err(error)) => Err(self.unreadable(error)),
                    None => Err(End::Lost),
                },
                () = sleep_until(self.idle_at), if self.waiting.is_none() => {
                    Err(End::Closed(self.idle()))
                }
                () = at(self.expires_at) => Err(End::Closed(Close::expired())),
            };
            if let Err(end) = result {
                return end;
            }
        }
    }

    /// Reads a frame of the client.
    async fn receive(&mut self, frame: Frame) -> Result<(), End> {
        let hub = Arc::clone(self.link.hub());
        let limits = &hub.settings.connections;
        self.idle_at = Instant::now() + self.idle_time();
        let now_ms = hub.clock.now_ms();
        let read = match &frame {
            Frame::Ping(_) | Frame::Pong(_) => return Ok(()),
            Frame::Close(_) => return Err(End::Left),
            Frame::Text(_) | Frame::Binary(_) if self.rate.allow(&(), now_ms).is_err() => {
                let (max, window_ms) = (limits.events_per_window, limits.window_ms);
                return Err(End::Closed(Close::too_many_messages(max, window_ms)));
            }
            Frame::Text(text) => self.codec.text(text.as_str(), now_ms),
            Frame::Binary(bytes) => self.codec.binary(bytes, now_ms),
        };
        match read {
            Ok(Incoming::Event(event)) => {
                self.waiting = Some(self.link.address(event));
                Ok(())
            }
            Ok(Incoming::Answer(frames)) => self.write(frames.into_iter().map(message_of)).await,
            Ok(Incoming::Nothing) => Ok(()),
            Err(malformed) => {
                let code = malformed.close_code().code();
                Err(End::Closed(Close::new(code, malformed.to_string())))
            }
        }
    }

    /// Sends what was waiting, all of it in one go.
    async fn send(&mut self, items: &mut Vec<Item>) -> Result<(), End> {
        let mut frames = Vec::with_capacity(items.len());
        for item in items.drain(..) {
            match item {
                Item::Frame(frame) => frames.push(frame),
                // Shards put it before those alone who speak it.
                Item::Told(_) | Item::Restarted(_) => {}
                Item::Outbound(outbound) => {
                    let written = self.codec.outgoing(&outbound).unwrap_or_else(|error| {
                        let client = self.link.client_id.as_str();
                        warn!(client, %error, "a message has no form in the protocol");
                        Frames::default()
                    });
                    frames.extend(written.into_iter().map(message_of));
                }
            }
        }
        self.write(frames.into_iter()).await
    }

    /// Writes frames. A client that takes none for as long as it may be idle is too slow. What time
    /// it takes is not one in which the client was silent, since nothing is read meanwhile.
    async fn write(&mut self, frames: impl Iterator<Item = Frame>) -> Result<(), End> {
        let patience = self.idle_time();
        let began = Instant::now();
        let websocket = &mut self.websocket;
        let all = async {
            for frame in frames {
                in_time(patience, websocket.feed(frame)).await?;
            }
            in_time(patience, websocket.flush()).await
        };
        let written = select! {
            close = self.link.queue.until_cut() => Err(End::Closed(close)),
            () = at(self.expires_at) => Err(End::Closed(Close::expired())),
            written = all => written,
        };
        self.idle_at += began.elapsed();
        written
    }

    /// What is wrong with what was read.
    fn unreadable(&self, error: axum::Error) -> End {
        let max = self.link.hub().settings.connections.max_message_bytes;
        let Ok(error) = error.into_inner().downcast::<Error>() else {
            return End::Lost;
        };
        // What is not the client's doing is a connection that was lost.
        if matches!(*error, Error::Capacity(_)) {
            End::Broken(Close::too_large(max))
        } else if matches!(*error, Error::Utf8(_)) {
            End::Broken(Close::no_utf8())
        } else if matches!(&*error, Error::Protocol(flaw) if *flaw != ABANDONED) {
            End::Broken(Close::protocol())
        } else {
            End::Lost
        }
    }

    fn idle_time(&self) -> Duration {
        Duration::from_millis(self.link.hub().settings.connections.idle_ms)
    }

    fn idle(&self) -> Close {
        Close::idle(self.link.hub().settings.connections.idle_ms)
    }
}

/// Waits for a step of writing, as long as there is patience.
async fn in_time(
    patience: Duration,
    step: impl Future<Output = Result<(), axum::Error>>,
) -> Result<(), End> {
    match timeout(patience, step).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_lost)) => Err(End::Lost),
        Err(_elapsed) => Err(End::Closed(Close::too_slow())),
    }
}

/// Hands over what is waiting, when the shard has room for it; never done if there is nothing.
async fn hand_over(hub: &Hub, waiting: &mut Option<(usize, Message)>) -> Result<(), ShardGone> {
    let Some((shard, _)) = waiting else { return future::pending().await };
    let mailbox = hub.shards.get(*shard).ok_or(ShardGone)?;
    let permit = mailbox.reserve().await.map_err(|_| ShardGone)?;
    if let Some((_, message)) = waiting.take() {
        permit.send(message);
    }
    Ok(())
}

/// Waits until then, or for ever.
async fn at(then: Option<Instant>) {
    match then {
        Some(then) => sleep_until(then).await,
        None => future::pending().await,
    }
}
