//! One connection of a client of Dialogue, from its first packet to its end.

use std::{
    collections::VecDeque,
    future,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use engineioxide::{DisconnectReason, Str, TransportType};
use futures_util::FutureExt;
use parlor::{
    Event, EventKind, Join, Leave, Outbound, Question, RateLimiter, Reason, Refuse, Topic,
    wire::dialogue::{self, Incoming},
};
use tokio::{
    select,
    time::{Instant, sleep_until, timeout},
};
use tracing::{debug, info};

use super::{
    Transport, entrance,
    inbox::Ended,
    listings::Listings,
    outlet::{Emitted, Outlet, emit},
    packet::{self, Packet},
    rooms::{Rooms, TooMany},
    told::Told,
};
use crate::{
    close::{After, Close},
    engine::{Message, Wire},
    hub::{EngineGone, Hub, Link},
    metrics::Ending,
    names,
    parked::{Parked, Request},
    queue::Item,
    random,
    registry::Place,
};

/// A connection that lives.
pub(super) struct Connection {
    pub(super) transport: Arc<Transport>,
    pub(super) outlet: Outlet,
    pub(super) codec: dialogue::Connection,
    pub(super) link: Link,
    pub(super) rooms: Rooms,
    /// For how long it was silent at most, if it is found dead.
    pub(super) silence: Duration,
    pub(super) listings: Listings,
    pub(super) rate: RateLimiter<()>,
    /// What its client has asked for while it had much to read.
    pub(super) parked: Parked,
    /// What its client has said last, until the engine has room for it. Until then nothing more is
    /// read, and neither while it waits for a list of rooms.
    pub(super) waiting: VecDeque<Message>,
    /// When its token expires.
    pub(super) expires_at: Option<Instant>,
}

/// How a connection ends.
#[derive(Debug)]
pub(super) enum End {
    /// The transport has gone.
    Lost,
    /// The client goes, and says so.
    Left,
    /// It was not let in, and is told so.
    Refused(Str),
    /// It is closed.
    Closed(Close),
}

impl End {
    const fn for_figures(&self) -> Ending {
        match self {
            Self::Lost => Ending::Lost,
            // Who is not let in is never here.
            Self::Left | Self::Refused(_) => Ending::Left,
            Self::Closed(close) => Ending::Code(close.code),
        }
    }
}

impl From<Ended> for End {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Lost | Ended::Silent => Self::Lost,
            Ended::Closed(close) => Self::Closed(close),
        }
    }
}

/// For how long a client that polls may take to ask for its last packets.
const LINGER: Duration = Duration::from_secs(1);

/// Serves a connection until it ends.
pub(super) async fn run(hub: Arc<Hub>, transport: Arc<Transport>, place: Arc<Place>) {
    let end = match entrance::let_in(&hub, &transport, place).await {
        Ok(connection) => connection.live().await,
        Err(end) => end,
    };
    say_good_bye(&hub, &transport, end).await;
}

/// Tells the client why its connection ends, and ends it.
async fn say_good_bye(hub: &Hub, transport: &Transport, end: End) {
    let close_ms = Duration::from_millis(hub.settings.connections.close_ms);
    // What does not fit any more is not waited for.
    let last = |text: Str| drop(emit(transport, &text));
    let patience = match end {
        End::Lost => Duration::ZERO,
        // A client with nothing left to do closes the transport itself.
        End::Left => close_ms,
        End::Refused(text) => {
            last(text);
            close_ms
        }
        End::Closed(close) => {
            last(packet::closing(close.code, &close.reason));
            match (close.after, transport.transport_type()) {
                (After::StayAway, _) => {
                    last(packet::disconnect().into());
                    close_ms
                }
                (After::ComeBack, TransportType::Polling) => LINGER.min(close_ms),
                (After::ComeBack, TransportType::Websocket) => Duration::ZERO,
            }
        }
    };
    if timeout(patience, transport.closed()).await.is_ok() {
        return;
    }
    transport.close(DisconnectReason::TransportClose);
    if timeout(close_ms, transport.closed()).await.is_err() {
        debug!("the client does not take what it was sent last");
    }
}

impl Connection {
    /// Says that it is in, and asks for the rooms that it has been in.
    async fn begin(&mut self) -> Result<(), End> {
        self.write(packet::connected(&random::name())).await?;
        self.write(packet::said(&self.codec.connected())).await?;
        for rejoin in self.rejoins() {
            self.request(self.link.returns(rejoin), 0);
        }
        Ok(())
    }

    /// Hands a request over, or parks it while its client has much to read.
    fn request(&mut self, message: Message, bytes: usize) {
        let request = Request::new(message, bytes);
        let allowed = || self.link.queue.allows();
        if self.parked.holds_up(&request)
            || request.large().is_some_and(|large| !allowed().allows(large))
        {
            return self.parked.park(request);
        }
        self.hand_in(request);
    }

    fn hand_in(&mut self, request: Request) {
        if let Some(large) = request.large() {
            self.link.queue.ask(large);
        }
        self.waiting.push_back(request.message);
    }

    /// Hands over what was parked, as far as that may go.
    fn unpark(&mut self) {
        while !self.parked.is_empty() {
            let allowed = self.link.queue.allows();
            let Some(request) = self.parked.next(|large| allowed.allows(large)) else { return };
            self.hand_in(request);
        }
    }

    /// Makes it a member again of a room of which more was said than could wait for it.
    fn renew(&mut self, topic: &Topic) {
        let client = self.link.client_id.as_str();
        info!(client, topic = topic.as_str(), "too slow for a topic, so it joins again");
        for rejoin in self.rejoins() {
            if names::topic_of(&rejoin) == Some(topic) {
                self.request(self.link.returns(rejoin), 0);
            }
        }
    }

    /// What makes it a member again of its rooms.
    fn rejoins(&self) -> Vec<Event> {
        let rooms = self.rooms.all().into_iter();
        let rooms = rooms.map(|(topic, position)| (topic, Some(position)));
        self.codec.restore(rooms, self.link.hub().clock.now_ms())
    }

    /// Makes it a member again of its rooms, after a crash.
    fn restore(&mut self) {
        for rejoin in self.rejoins() {
            self.request(self.link.says(rejoin), 0);
        }
    }

    /// Serves it until it ends, and lets all others know.
    async fn live(mut self) -> End {
        // Also one that has gone meanwhile is connected, and has to leave; and so it does whatever
        // happens to it.
        let served = AssertUnwindSafe(async {
            match self.begin().await {
                Ok(()) => self.serve().await,
                Err(end) => end,
            }
        });
        let end = served.catch_unwind().await.unwrap_or_else(|_| End::Closed(Close::broken()));
        let Self { mut link, rooms, transport, silence, .. } = self;
        link.hub().metrics.doors.ended(Wire::Dialogue, end.for_figures());
        let client = link.client_id.as_str();
        if let End::Closed(close) = &end {
            let (code, reason) = (close.code, &*close.reason);
            info!(client, code, reason, "closing");
        }
        let is_put_out = matches!(&end, End::Closed(close) if *close != Close::taken_over() && close.after == After::StayAway);
        let hub = Arc::clone(link.hub());
        let mut heir = None;
        if matches!(end, End::Left) || is_put_out || rooms.is_empty() {
            hub.returns.forget(&link.client_id, &rooms);
            link.give_up();
        } else {
            let silence = u64::try_from(silence.as_millis()).unwrap_or(u64::MAX);
            let silent_ms = transport.data.is_silent().then_some(silence);
            let now_ms = hub.clock.now_ms();
            heir = hub.returns.lose(&link.client_id, &rooms, now_ms, silent_ms);
        }
        drop(link.leave().await);
        if let Some(heir) = heir {
            hub.registry.close(&heir, Close::lost_another());
        }
        end
    }

    /// Reads and writes until there is a reason to end.
    async fn serve(&mut self) -> End {
        let hub = Arc::clone(self.link.hub());
        let queue = Arc::clone(&self.link.queue);
        let transport = Arc::clone(&self.transport);
        let mut items = Vec::new();
        let mut is_told_to_go = false;
        loop {
            let is_idle = self.is_idle();
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
                    sent.map_err(|EngineGone| End::Closed(Close::broken()))
                }
                list = self.listings.list() => self.send_list(&list).await,
                message = transport.data.take(), if is_idle => match message {
                    Ok(message) => self.receive(&message).await,
                    Err(ended) => Err(ended.into()),
                },
                () = at(self.expires_at) => Err(End::Closed(Close::expired())),
            };
            if let Err(end) = result {
                return end;
            }
            self.unpark();
        }
    }

    /// Whether it may be asked for more. A list of rooms can be long, so it waits for the one before.
    fn is_idle(&self) -> bool {
        let max = 2 * self.link.hub().settings.connections.max_message_bytes;
        self.waiting.is_empty()
            && self.listings.is_empty()
            && !self.parked.is_full(max)
            && !self.link.queue.is_full_of_replies()
    }

    /// Reads a packet of the client.
    async fn receive(&mut self, message: &str) -> Result<(), End> {
        let hub = Arc::clone(self.link.hub());
        let now_ms = hub.clock.now_ms();
        if self.rate.allow(&(), now_ms).is_err() {
            let limits = &hub.settings.connections;
            let close = Close::too_many_messages(limits.events_per_window, limits.window_ms);
            return Err(End::Closed(close));
        }
        let malformed = |flaw: String| End::Closed(Close::malformed(flaw));
        let packet = Packet::read(message).map_err(|error| malformed(error.to_string()))?;
        let array = match packet {
            Packet::Event(array) | Packet::WithAttachments(array) => array,
            Packet::Disconnect => return Err(End::Left),
            Packet::ConnectElsewhere(namespace) => {
                return self.write(packet::no_namespace(namespace)).await;
            }
            // It is in.
            Packet::Connect(_) | Packet::Elsewhere => return Ok(()),
        };
        let expected = || malformed("expected an array with the name of an event".into());
        let (name, argument) = packet::event(array).ok_or_else(expected)?;
        if let Packet::WithAttachments(_) = packet {
            let refused = dialogue::Connection::refuse_attachments(&name, argument);
            return self.write(packet::said(&refused)).await;
        }
        match self.codec.event(&name, argument, now_ms) {
            Incoming::Event(event) => self.ask(event, message.len()),
            Incoming::Packet(packet) => self.write(packet::said(&packet)).await?,
            Incoming::Nothing => {}
        }
        Ok(())
    }

    /// Asks for what the client wants: of the engine, or the list of rooms that all share.
    fn ask(&mut self, event: Event, bytes: usize) {
        let hub = Arc::clone(self.link.hub());
        let limits = &hub.settings.connections;
        let event = if let Event::Join(join) = event {
            let topic = &join.topic;
            // A page that was loaded anew joins as one that was not there: with what a room shows,
            // and subscribed as all are. A room that would go with its last member is not left.
            let stays = hub.settings.channel.is_declared(topic) || hub.openings.has(topic);
            if self.rooms.is_news(topic) && stays {
                self.rooms.renew(topic);
                let leave = Leave::new(&join.client_id, topic);
                self.request(self.link.says(leave.into()), 0);
            }
            match self.rooms.ask(&join.topic, limits.max_topics) {
                Ok(()) => join.into(),
                Err(TooMany) => refused(&join, limits.max_topics),
            }
        } else {
            event
        };
        if matches!(&event, Event::Query(query) if query.what == Question::Rooms) {
            self.listings.ask(hub, event);
        } else {
            self.listings.does();
            self.request(self.link.says(event), bytes);
        }
    }

    /// Sends what was waiting.
    async fn send(&mut self, items: &mut Vec<Item>) -> Result<(), End> {
        for item in items.drain(..) {
            match item {
                Item::Told(told) => {
                    self.write(told.text.clone()).await?;
                    self.rooms.note(&told.note);
                }
                Item::Missed(outbound) => {
                    if let Some(told) = Told::of_all(&outbound) {
                        self.write(told.text).await?;
                        self.rooms.note(&told.note);
                    }
                }
                Item::Interrupted(topic) => self.renew(&topic),
                Item::Outbound(outbound) => {
                    for packet in self.encode(&outbound) {
                        self.write(packet::said(&packet)).await?;
                    }
                }
                // These are for those alone who speak Phoenix.
                Item::Frame(_) | Item::State(_) => {}
                Item::Restarted => self.restore(),
            }
        }
        Ok(())
    }

    fn encode(&mut self, outbound: &Outbound) -> Vec<dialogue::Packet> {
        let Outbound::Reply(reply) = outbound else { return self.codec.outgoing(outbound) };
        self.rooms.answered(reply);
        if self.rooms.is_renewed(reply) {
            return Vec::new();
        }
        self.codec.outgoing(outbound)
    }

    /// Sends a list of rooms, behind all that waited when it was made.
    async fn send_list(&mut self, list: &Told) -> Result<(), End> {
        let queue = Arc::clone(&self.link.queue);
        let mut items = Vec::new();
        loop {
            // Whoever waits for the queue next gives it a waker again.
            let taken = queue.poll_take(&Context::from_waker(Waker::noop()), &mut items);
            match taken {
                Poll::Ready(None) => self.send(&mut items).await?,
                Poll::Ready(Some(close)) => return Err(End::Closed(close)),
                Poll::Pending => return self.write(list.text.clone()).await,
            }
        }
    }

    /// Writes a packet.
    async fn write(&mut self, text: Str) -> Result<(), End> {
        if self.outlet.emit(&text)? == Emitted::Yes {
            return Ok(());
        }
        select! {
            close = self.link.queue.until_cut() => Err(End::Closed(close)),
            () = at(self.expires_at) => Err(End::Closed(Close::expired())),
            written = self.outlet.write(&text) => written,
        }
    }
}

/// A join of a client that is in as many rooms as it may be.
fn refused(join: &Join, max_topics: usize) -> Event {
    let refuse = Refuse::new(&join.client_id, EventKind::Join, Reason::LimitReached);
    let message = format!("expected at most {max_topics} rooms");
    let mut refuse = refuse.with_topic(&join.topic).with_message(message);
    refuse.reference.clone_from(&join.reference);
    refuse.into()
}

/// Hands the next waiting message to the engine once its mailbox has room; pends for ever if none waits.
async fn hand_over(hub: &Hub, waiting: &mut VecDeque<Message>) -> Result<(), EngineGone> {
    if waiting.is_empty() {
        return future::pending().await;
    }
    let permit = hub.engine.reserve().await.map_err(|_| EngineGone)?;
    if let Some(message) = waiting.pop_front() {
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
