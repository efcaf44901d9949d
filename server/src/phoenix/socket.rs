//! One Phoenix connection, from the handshake to its end.

mod end;

use std::{
    future::{self, poll_fn},
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::extract::ws::{Message as Frame, WebSocket};
use futures_util::{FutureExt, SinkExt, Stream};
use parlor::{
    Event, RateLimiter,
    wire::phoenix::{Connection, Frames, Incoming},
};
use tokio::{
    select,
    sync::mpsc::error::TrySendError,
    time::{Instant, Sleep, sleep_until, timeout},
};
use tracing::{info, warn};

use self::end::{End, say_good_bye};
use super::message_of;
use crate::{
    auth::Identity,
    clock,
    close::Close,
    hub::{Hub, Link, ShardGone},
    queue::Item,
    registry::Place,
    shard::{Message, Wire},
};

/// A connection that lives.
struct Socket {
    websocket: Box<WebSocket>,
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
    /// What is looked at first.
    turn: Turn,
}

/// Whose turn it is, so that neither side of a connection has to wait for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// What waits for the client.
    Queue,
    /// What the client says.
    Client,
}

/// What there is to do.
enum Step {
    /// Something waits for the client, or that is how it ends.
    Write(Option<Close>),
    /// The client has said something, or has gone.
    Read(Option<Result<Frame, axum::Error>>),
    /// It is time to look whether it is idle.
    Look,
}

/// Serves a connection until it ends.
pub(super) async fn run(
    hub: Arc<Hub>,
    mut websocket: Box<WebSocket>,
    wire: Wire,
    identity: Identity,
    session: Option<String>,
    place: Place,
) {
    if hub.going.is_cancelled() {
        Box::pin(say_good_bye(&hub, &mut websocket, End::Closed(Close::restarting()))).await;
        return;
    }
    let client = hub.sessions.client_id(&identity.user_id, session.as_deref());
    // What is brief is in boxes: a task has room for all that it could be doing, as long as it lives.
    let entered = Box::pin(hub.enter(&identity, client, wire, Arc::new(place))).await;
    let Ok(link) = entered else {
        Box::pin(say_good_bye(&hub, &mut websocket, End::Closed(Close::broken()))).await;
        return;
    };
    if hub.going.is_cancelled() {
        link.queue.close(Close::restarting());
    }
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
        turn: Turn::Queue,
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
    let _place = Box::pin(link.leave()).await;
    Box::pin(say_good_bye(&hub, &mut websocket, end)).await;
}

impl Socket {
    /// Reads and writes until there is a reason to end.
    async fn serve(&mut self) -> End {
        let mut alarm = pin!(sleep_until(self.looked_at_again()));
        loop {
            let mut items = Vec::new();
            let step = poll_fn(|context| self.poll_step(context, alarm.as_mut(), &mut items)).await;
            let result = match step {
                Step::Write(Some(close)) => Err(End::Closed(close)),
                Step::Write(None) => self.send(items).await,
                Step::Read(Some(Ok(frame))) => self.receive(frame).await,
                Step::Read(Some(Err(error))) => {
                    let max = self.link.hub().settings.connections.max_message_bytes;
                    Err(End::of_unreadable(error, max))
                }
                Step::Read(None) => Err(End::Lost),
                Step::Look => {
                    let looked = self.look();
                    alarm.as_mut().reset(self.looked_at_again());
                    looked
                }
            };
            let result = match result {
                Ok(()) if self.waiting.is_some() => Box::pin(self.hand_over()).await,
                other => other,
            };
            if let Err(end) = result {
                return end;
            }
        }
    }

    /// Finds something to do. By hand, since this is what a delivery costs: nothing is set up and
    /// torn down each time, and who is woken for its queue looks there first.
    fn poll_step(
        &mut self,
        context: &mut Context<'_>,
        alarm: Pin<&mut Sleep>,
        items: &mut Vec<Item>,
    ) -> Poll<Step> {
        if self.turn == Turn::Client
            && let Poll::Ready(read) = Pin::new(&mut self.websocket).poll_next(context)
        {
            self.turn = Turn::Queue;
            return Poll::Ready(Step::Read(read));
        }
        if let Poll::Ready(taken) = self.link.queue.poll_take(context, items) {
            self.turn = Turn::Client;
            return Poll::Ready(Step::Write(taken));
        }
        if self.turn == Turn::Queue
            && let Poll::Ready(read) = Pin::new(&mut self.websocket).poll_next(context)
        {
            return Poll::Ready(Step::Read(read));
        }
        self.turn = Turn::Queue;
        alarm.poll(context).map(|()| Step::Look)
    }

    /// When it is looked at again whether it is idle, or its token has expired.
    fn looked_at_again(&self) -> Instant {
        self.expires_at.map_or(self.idle_at, |expires_at| expires_at.min(self.idle_at))
    }

    /// Ends it if it is idle, or its token has expired.
    fn look(&self) -> Result<(), End> {
        let now = Instant::now();
        if self.expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(End::Closed(Close::expired()));
        }
        if self.idle_at <= now {
            return Err(End::Closed(Close::idle(self.link.hub().settings.connections.idle_ms)));
        }
        Ok(())
    }

    /// Hands over what its client has said last. Where the shard has no room for it, it waits, and
    /// writes meanwhile.
    async fn hand_over(&mut self) -> Result<(), End> {
        let (hub, queue) = (Arc::clone(self.link.hub()), Arc::clone(&self.link.queue));
        let mut items = Vec::new();
        loop {
            let result = select! {
                taken = queue.take(&mut items) => match taken {
                    Some(close) => Err(End::Closed(close)),
                    None => self.send(std::mem::take(&mut items)).await,
                },
                sent = hand_over(&hub, &mut self.waiting) => {
                    // Until here nothing was read.
                    self.idle_at = Instant::now() + self.idle_time();
                    return sent.map_err(|ShardGone| End::Closed(Close::broken()));
                }
                () = at(self.expires_at) => Err(End::Closed(Close::expired())),
            };
            result?;
        }
    }

    /// Reads a frame of the client.
    async fn receive(&mut self, frame: Frame) -> Result<(), End> {
        let hub = Arc::clone(self.link.hub());
        let limits = &hub.settings.connections;
        self.idle_at = Instant::now() + self.idle_time();
        let now_ms = hub.clock.now_ms();
        let read = match &frame {
            Frame::Close(_) => return Err(End::Left),
            _ if self.rate.allow(&(), now_ms).is_err() => {
                let (max, window_ms) = (limits.events_per_window, limits.window_ms);
                return Err(End::Closed(Close::too_many_messages(max, window_ms)));
            }
            // The answer is in the socket's buffer. It goes out before the next ping is read, or the
            // buffer would grow with each ping of a client that does not read.
            Frame::Ping(_) => return self.write(std::iter::empty()).await,
            Frame::Pong(_) => return Ok(()),
            Frame::Text(text) => self.codec.text(text.as_str(), now_ms),
            Frame::Binary(bytes) => self.codec.binary(bytes, now_ms),
        };
        match read {
            Ok(Incoming::Event(event)) => self.tell(event),
            Ok(Incoming::Answer(frames)) => self.write(frames.into_iter().map(message_of)).await,
            Ok(Incoming::Nothing) => Ok(()),
            Err(malformed) => {
                let code = malformed.close_code().code();
                Err(End::Closed(Close::new(code, malformed.to_string())))
            }
        }
    }

    /// Hands an event to its shard, or lets it wait if that has no room for it.
    fn tell(&mut self, event: Event) -> Result<(), End> {
        let (shard, message) = self.link.address(event);
        let Some(mailbox) = self.link.hub().shards.get(shard) else {
            return Err(End::Closed(Close::broken()));
        };
        match mailbox.try_send(message) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(message)) => {
                self.waiting = Some((shard, message));
                Ok(())
            }
            Err(TrySendError::Closed(_)) => Err(End::Closed(Close::broken())),
        }
    }

    /// Sends what was waiting, all of it in one go.
    async fn send(&mut self, items: Vec<Item>) -> Result<(), End> {
        let mut frames = Vec::with_capacity(items.len());
        for item in items {
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
        let websocket = &mut self.websocket;
        let mut all = pin!(async {
            for frame in frames {
                in_time(patience, websocket.feed(frame)).await?;
            }
            in_time(patience, websocket.flush()).await
        });
        if let Some(written) = at_once(all.as_mut()).await {
            return written;
        }
        let began = Instant::now();
        let written = select! {
            close = self.link.queue.until_cut() => Err(End::Closed(close)),
            () = at(self.expires_at) => Err(End::Closed(Close::expired())),
            written = all => written,
        };
        self.idle_at += began.elapsed();
        written
    }

    fn idle_time(&self) -> Duration {
        Duration::from_millis(self.link.hub().settings.connections.idle_ms)
    }
}

/// Waits for a step of writing, as long as there is patience.
async fn in_time(
    patience: Duration,
    step: impl Future<Output = Result<(), axum::Error>>,
) -> Result<(), End> {
    let mut step = pin!(step);
    // Mostly there is room, and then no time has to be measured.
    let stepped = match at_once(step.as_mut()).await {
        Some(stepped) => Ok(stepped),
        None => timeout(patience, step).await,
    };
    match stepped {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_lost)) => Err(End::Lost),
        Err(_elapsed) => Err(End::Closed(Close::too_slow())),
    }
}

/// What comes of something, if it need not be waited for.
async fn at_once<F: Future>(mut it: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| match it.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
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
