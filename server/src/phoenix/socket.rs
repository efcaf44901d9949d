//! One Phoenix connection, from the handshake to its end.

mod end;
mod writer;

use std::{
    future::poll_fn,
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::extract::ws::{Message as Frame, WebSocket};
use futures_util::{FutureExt, Stream, future::BoxFuture};
use parlor::{
    Event, Outbound, RateLimiter,
    wire::phoenix::{self, Connection, FieldTooLong, Frames, Incoming, Positions},
};
use tokio::{
    sync::mpsc::{OwnedPermit, error::TrySendError},
    time::{Instant, Sleep, sleep_until},
};
use tracing::{info, warn};

use self::{
    end::{End, say_good_bye},
    writer::Writer,
};
use super::{message_of, positions_of};
use crate::{
    auth::Identity,
    clock,
    close::Close,
    engine::{Message, Wire},
    hub::{Hub, Link},
    names,
    parked::{GaveWay, Parked, Request},
    patience::{Flow, second_look},
    queue::{Item, Large, Pieces},
    registry::Place,
};

/// A connection that lives.
struct Socket {
    websocket: Box<WebSocket>,
    writer: Writer,
    codec: Connection,
    /// What broadcasts say beside what was said.
    positions: Positions,
    link: Link,
    rate: RateLimiter<()>,
    /// What its client has asked for while it had much to read.
    parked: Parked,
    /// What its client has said last, until the engine has room for it. Until then nothing more is
    /// read.
    waiting: Option<Waiting>,
    /// Whether its client has to take replies before it may say more.
    is_full: bool,
    /// When it is idle.
    idle_at: Instant,
    /// When its token expires.
    expires_at: Option<Instant>,
    /// What is looked at first.
    turn: Turn,
}

/// A message, and room for it in the engine's mailbox, when there is some.
struct Waiting {
    message: Message,
    room: BoxFuture<'static, Option<OwnedPermit<Message>>>,
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
    /// Nothing can be written.
    Fail(End),
    /// The client has said something, or has gone.
    Read(Option<Result<Frame, axum::Error>>),
    /// The engine has room for what waits, or has gone.
    HandOver(Option<OwnedPermit<Message>>),
    /// It is time to look whether it is idle.
    Look,
}

/// What of a connection is known before it is let in.
pub(super) struct Guest {
    pub(super) wire: Wire,
    pub(super) identity: Identity,
    pub(super) session: Option<String>,
    pub(super) place: Place,
    pub(super) flow: Option<Flow>,
}

/// Serves a connection until it ends.
pub(super) async fn run(hub: Arc<Hub>, mut websocket: Box<WebSocket>, guest: Guest) {
    let Guest { wire, identity, session, place, flow } = guest;
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
    let idle = Duration::from_millis(limits.idle_ms);
    let mut socket = Socket {
        websocket,
        writer: Writer::new(flow, idle),
        codec,
        positions: positions_of(wire),
        link,
        rate: RateLimiter::new(limits.events_per_window, limits.window_ms),
        parked: Parked::default(),
        waiting: None,
        is_full: false,
        idle_at: Instant::now() + idle,
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
                Step::Write(None) => {
                    self.encode(items);
                    self.is_full = self.is_full && self.link.queue.is_full_of_replies();
                    Ok(())
                }
                Step::Fail(end) => Err(end),
                Step::Read(Some(Ok(frame))) => self.receive(&frame),
                Step::Read(Some(Err(error))) => {
                    let max = self.link.hub().settings.connections.max_message_bytes;
                    Err(End::of_unreadable(error, max, self.idle_time()))
                }
                Step::Read(None) => Err(End::Lost),
                Step::HandOver(room) => self.hand_over(room),
                Step::Look => {
                    let looked = self.look();
                    alarm.as_mut().reset(self.looked_at_again());
                    looked
                }
            };
            if let Err(end) = result.and_then(|()| self.unpark()) {
                return end;
            }
        }
    }

    /// Finds something to do. By hand, since this is what a delivery costs: nothing is set up and
    /// torn down each time, and who is woken for its queue looks there first. It reads while it
    /// writes, so that a client which takes its time is answered meanwhile whether it is connected.
    fn poll_step(
        &mut self,
        context: &mut Context<'_>,
        alarm: Pin<&mut Sleep>,
        items: &mut Vec<Item>,
    ) -> Poll<Step> {
        let written = match self.writer.poll(context, &mut self.websocket) {
            Poll::Ready(Err(end)) => return Poll::Ready(Step::Fail(end)),
            Poll::Ready(Ok(())) => true,
            Poll::Pending => false,
        };
        let reads = self.reads();
        if self.turn == Turn::Client
            && reads
            && let Poll::Ready(read) = Pin::new(&mut self.websocket).poll_next(context)
        {
            self.turn = Turn::Queue;
            return Poll::Ready(Step::Read(read));
        }
        let taken = if written {
            self.link.queue.poll_take(context, items)
        } else {
            self.link.queue.poll_cut(context).map(Some)
        };
        if let Poll::Ready(taken) = taken {
            self.turn = Turn::Client;
            return Poll::Ready(Step::Write(taken));
        }
        if self.turn == Turn::Queue
            && reads
            && let Poll::Ready(read) = Pin::new(&mut self.websocket).poll_next(context)
        {
            return Poll::Ready(Step::Read(read));
        }
        self.turn = Turn::Queue;
        if let Some(Waiting { room, .. }) = &mut self.waiting
            && let Poll::Ready(room) = room.as_mut().poll(context)
        {
            return Poll::Ready(Step::HandOver(room));
        }
        alarm.poll(context).map(|()| Step::Look)
    }

    /// Whether its client may say more.
    fn reads(&self) -> bool {
        self.waiting.is_none()
            && !self.is_full
            && !self.writer.has_enough()
            && (self.parked.is_empty() || !self.is_parked_full())
    }

    fn is_parked_full(&self) -> bool {
        self.parked.is_full(2 * self.link.hub().settings.connections.max_message_bytes)
    }

    /// When it is looked at again whether it is idle or too slow, or its token has expired.
    fn looked_at_again(&self) -> Instant {
        let due = [Some(self.idle_at), self.expires_at, self.writer.is_due()];
        due.into_iter().flatten().min().unwrap_or(self.idle_at)
    }

    /// Ends it if it is idle or too slow, or its token has expired.
    fn look(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if self.expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(End::Closed(Close::expired()));
        }
        self.writer.look()?;
        if self.idle_at > now {
            return Ok(());
        }
        if let Some(again) = second_look(self.idle_at) {
            self.idle_at = again;
            return Ok(());
        }
        if self.reads() {
            return Err(End::Closed(Close::idle(self.link.hub().settings.connections.idle_ms)));
        }
        // What it may have said was not read.
        self.idle_at = now + self.idle_time();
        Ok(())
    }

    /// Hands over what waits, now that the engine has room for it.
    fn hand_over(&mut self, room: Option<OwnedPermit<Message>>) -> Result<(), End> {
        let room = room.ok_or_else(|| End::Closed(Close::broken()))?;
        if let Some(Waiting { message, .. }) = self.waiting.take() {
            room.send(message);
        }
        // Until here nothing was read.
        self.idle_at = Instant::now() + self.idle_time();
        Ok(())
    }

    /// Reads a frame of the client.
    fn receive(&mut self, frame: &Frame) -> Result<(), End> {
        let hub = Arc::clone(self.link.hub());
        let limits = &hub.settings.connections;
        self.idle_at = Instant::now() + self.idle_time();
        let now_ms = hub.clock.now_ms();
        let (read, bytes) = match frame {
            Frame::Close(_) => return Err(End::Left),
            _ if self.rate.allow(&(), now_ms).is_err() => {
                let (max, window_ms) = (limits.events_per_window, limits.window_ms);
                return Err(End::Closed(Close::too_many_messages(max, window_ms)));
            }
            // The answer is in the socket's buffer. It goes out before more is read, or the buffer
            // would grow with each ping of a client that does not read.
            Frame::Ping(_) => {
                self.writer.pong();
                return Ok(());
            }
            Frame::Pong(_) => return Ok(()),
            Frame::Text(text) => (self.codec.text(text.as_str(), now_ms), text.len()),
            Frame::Binary(bytes) => (self.codec.binary(bytes, now_ms), bytes.len()),
        };
        match read {
            Ok(Incoming::Event(event)) => self.ask(event, bytes),
            Ok(Incoming::Answer(frames)) => {
                frames.into_iter().map(message_of).for_each(|frame| self.writer.push(frame));
                Ok(())
            }
            Ok(Incoming::Nothing) => Ok(()),
            Err(malformed) => {
                let code = malformed.close_code().code();
                Err(End::Closed(Close::new(code, malformed.to_string())))
            }
        }
    }

    /// Hands an event over, or parks it while its client has much to read.
    fn ask(&mut self, event: Event, frame_bytes: usize) -> Result<(), End> {
        let large = Large::of(&event);
        let topic = matches!(event, Event::Leave(_)).then(|| names::topic_of(&event).cloned());
        let request = Request::new(self.link.says(event), frame_bytes);
        if self.parked.holds_up(&request)
            || large.is_some_and(|large| !self.link.queue.allows().allows(large))
        {
            if self.parked.park_latest(request) == GaveWay::Join
                && let Some(topic) = topic.flatten()
            {
                self.codec.withdraw_join(&topic);
            }
            return Ok(());
        }
        self.is_full = self.link.queue.is_full_of_replies();
        self.tell(request)
    }

    /// Hands over what was parked, as far as that may go.
    fn unpark(&mut self) -> Result<(), End> {
        while self.waiting.is_none() && !self.parked.is_empty() {
            let allowed = self.link.queue.allows();
            let Some(request) = self.parked.next(|large| allowed.allows(large)) else { break };
            self.tell(request)?;
        }
        Ok(())
    }

    /// Hands a request to the engine, or lets it wait if that has no room for it.
    fn tell(&mut self, request: Request) -> Result<(), End> {
        if let Some(large) = request.large() {
            self.link.queue.ask(large);
        }
        let mailbox = &self.link.hub().engine;
        match mailbox.try_send(request.message) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(message)) => {
                let room = mailbox.clone().reserve_owned().map(Result::ok).boxed();
                self.waiting = Some(Waiting { message, room });
                Ok(())
            }
            Err(TrySendError::Closed(_)) => Err(End::Closed(Close::broken())),
        }
    }

    /// Encodes what was waiting, to be written.
    fn encode(&mut self, items: Vec<Item>) {
        self.writer.reserve(items.len());
        for item in items {
            let frames = match item {
                Item::Frame(frame) => {
                    self.writer.push(frame);
                    continue;
                }
                // These are for those alone who speak Dialogue.
                Item::Told(_) | Item::Restarted => continue,
                Item::Outbound(outbound) => self.codec.outgoing(&outbound),
                Item::Missed(outbound) => self.missed(&outbound),
                Item::State(pieces) => {
                    let (state, first) = (pieces.state(), pieces.first());
                    let piece = self.codec.state_piece(state, first, Pieces::BYTES);
                    pieces.go_on_at(piece.next);
                    Ok(Some(piece.frame).into())
                }
                Item::Interrupted(topic) => {
                    let client = self.link.client_id.as_str();
                    info!(
                        client,
                        topic = topic.as_str(),
                        "too slow for a topic, so it joins again"
                    );
                    Ok(self.codec.interrupt(&topic, "too_slow"))
                }
            };
            let frames = frames.unwrap_or_else(|error| {
                let client = self.link.client_id.as_str();
                warn!(client, %error, "a message has no form in the protocol");
                Frames::default()
            });
            frames.into_iter().map(message_of).for_each(|frame| self.writer.push(frame));
        }
    }

    /// A message that the client has missed.
    fn missed(&self, message: &Outbound) -> Result<Frames, FieldTooLong> {
        Ok(phoenix::shared(message, self.positions)?.unwrap_or_default())
    }

    fn idle_time(&self) -> Duration {
        Duration::from_millis(self.link.hub().settings.connections.idle_ms)
    }
}
