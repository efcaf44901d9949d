//! What waits for a connection: bounded, in order, and never dropped in silence.
//!
//! The engine's lanes put in and never wait; the task of the connection takes out. What others cause is *live*:
//! a client that does not keep up with that is too slow, and its connection is cut with a code and a
//! reason. What the client itself has asked for is an *answer*. However large it is, it cuts nothing:
//! it is taken as the client reads, piece by piece, and the connection hands over no more requests
//! with large answers until it has drained ([`Queue::allows`]).
//!
//! So a connection holds at most `queue_bytes` of live messages, `queue_bytes` of replies and
//! `queue_bytes` of other answers, and for each kind of request ([`Large`]) one answer beyond those.

mod answer;
mod backlog;
mod line;
mod size;

use std::{
    future::poll_fn,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use axum::extract::ws::Message;
use parlor::{Event, EventKind, Outbound, PresenceState, Topic};

use self::{
    answer::Replay,
    line::{Kind, Line, Live},
    size::size_of,
};
use crate::{close::Close, dialogue::Told};

pub(crate) use self::{answer::Pieces, backlog::Tag, line::Load, size::size_of_outbound};

/// Something for a connection.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// Encoded for everyone who receives it.
    Frame(Message),
    /// The same for clients of Dialogue.
    Told(Arc<Told>),
    /// The channel has crashed and goes on, so its members are to be members again.
    Restarted,
    /// To be encoded by the connection, which knows how.
    Outbound(Arc<Outbound>),
    /// A message that the client has missed, for it alone.
    Missed(Box<Outbound>),
    /// The next piece of a presence state.
    State(Arc<Pieces>),
    /// More was said in a topic than could wait behind an answer: its client is to join it again.
    Interrupted(Topic),
}

impl Item {
    /// Whether it is the one answer to a request, which comes whatever becomes of a membership.
    fn is_answer(&self) -> bool {
        let Self::Outbound(outbound) = self else { return false };
        if let Outbound::History(page) = &**outbound {
            return page.reference.is_some();
        }
        matches!(&**outbound, Outbound::Reply(_))
    }

    /// Whether a client that receives it is no member from there on.
    fn ends_membership(&self) -> bool {
        match self {
            Self::Outbound(outbound) => matches!(&**outbound, Outbound::Closed(_)),
            Self::Told(told) => told.ends_membership(),
            Self::Frame(_)
            | Self::Restarted
            | Self::Missed(_)
            | Self::State(_)
            | Self::Interrupted(_) => false,
        }
    }
}

/// What comes of a join: all of it is put in at once.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) topic: Topic,
    pub(crate) reply: Outbound,
    pub(crate) state: Option<PresenceState>,
    pub(crate) missed: Vec<Outbound>,
    pub(crate) page: Option<Outbound>,
}

impl Joined {
    /// How many bytes it holds.
    pub(crate) fn size(&self) -> usize {
        let parts = [&self.reply].into_iter().chain(&self.missed).chain(&self.page);
        let state = self.state.as_ref().map_or(0, |state| state.entries.encoded_bytes());
        let state = usize::try_from(state).unwrap_or(usize::MAX);
        parts.map(size_of_outbound).fold(state, usize::saturating_add)
    }
}

/// A request whose answer can be large. A connection has one of each kind under way at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Large {
    /// Into a topic: what is present, what was missed or what was said there before.
    Join,
    /// A page of history.
    Page,
    /// A list.
    List,
}

impl Large {
    /// What an event asks for, if its answer can be large.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        if let Event::Refuse(refuse) = event {
            return Self::of_kind(refuse.to);
        }
        Self::of_kind(event.kind())
    }

    /// What a reply to such an event answers.
    pub(crate) fn of_kind(kind: EventKind) -> Option<Self> {
        if matches!(kind, EventKind::Join | EventKind::Rejoin) {
            Some(Self::Join)
        } else if kind == EventKind::History {
            Some(Self::Page)
        } else if kind == EventKind::Query {
            Some(Self::List)
        } else {
            None
        }
    }
}

/// How many requests of each kind are under way.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    joins: u32,
    pages: u32,
    lists: u32,
}

impl Asked {
    const fn of(&mut self, large: Large) -> &mut u32 {
        match large {
            Large::Join => &mut self.joins,
            Large::Page => &mut self.pages,
            Large::List => &mut self.lists,
        }
    }
}

/// Which kinds of requests may be handed over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed {
    asked: Asked,
    has_room: bool,
}

impl Allowed {
    pub(crate) const fn allows(mut self, large: Large) -> bool {
        self.has_room && *self.asked.of(large) == 0
    }
}

/// What becomes of what is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Waits,
    /// The connection ends, so nobody takes it.
    Ending,
    /// Its topic says nothing to the client until that joins again.
    Dropped,
    /// It did not fit, and the connection is cut for it.
    CutsOff,
}

/// What waits for one connection, and how that is to end. One task alone takes.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// How much that is live may wait, and with how many answers no more are asked for.
    max: Load,
}

#[derive(Debug, Default)]
struct State {
    line: Line,
    end: End,
    asked: Asked,
    /// The task that takes.
    taker: Option<Waker>,
    /// Whether the taker waits for something to take, and not for a cut alone.
    is_awaited: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    /// When all that waits is sent.
    AfterAll(Close),
    /// At once.
    Cut(Close),
}

impl Queue {
    pub(crate) fn new(max_items: usize, max_bytes: usize) -> Self {
        let max = Load { items: max_items, bytes: max_bytes };
        Self { state: Mutex::default(), max }
    }

    /// Lets something live wait; of a topic, in the order of that topic, which is asked for only where
    /// a long answer is under way.
    pub(crate) fn put(&self, item: Item, tag: impl FnOnce() -> Option<Tag>) -> Put {
        let size = size_of(&item);
        let mut state = self.lock();
        if state.end != End::Open {
            return Put::Ending;
        }
        match state.line.put(item, size, tag, self.max) {
            Live::Waits => {
                let taker = state.awaiting();
                drop(state);
                wake(taker);
                Put::Waits
            }
            Live::Dropped => Put::Dropped,
            Live::TooMuch => {
                let close = Close::too_slow(state.line.live(), self.max);
                drop(state);
                self.cut(close);
                Put::CutsOff
            }
        }
    }

    /// Lets a reply to its client wait, which is all that comes of a request.
    pub(crate) fn reply(&self, reply: Outbound, is_to: Option<Large>) -> Put {
        let size = size_of_outbound(&reply);
        let kind = if is_to.is_some() { Kind::Answer } else { Kind::Reply };
        self.answer(is_to, |line| line.answer(Item::Outbound(Arc::new(reply)), size, kind))
    }

    /// The same in the order of a topic: behind what its client has missed there, which it takes the
    /// answer for the end of.
    pub(crate) fn reply_of(&self, topic: &Topic, reply: Outbound, is_to: Large) -> Put {
        let size = size_of_outbound(&reply);
        self.answer(Some(is_to), |line| {
            line.answer_of(topic, Item::Outbound(Arc::new(reply)), size);
        })
    }

    /// Lets an answer wait in the order of its topic.
    pub(crate) fn answer_of(&self, topic: &Topic, answer: Outbound) -> Put {
        let size = size_of_outbound(&answer);
        self.answer(None, |line| line.answer_of(topic, Item::Outbound(Arc::new(answer)), size))
    }

    /// Lets the reply to a leave wait. What else waits for that topic is of no use any more.
    pub(crate) fn left(&self, topic: &Topic, reply: Outbound) -> Put {
        let size = size_of_outbound(&reply);
        self.answer(None, |line| {
            line.forget(topic);
            line.answer(Item::Outbound(Arc::new(reply)), size, Kind::Reply);
        })
    }

    /// Lets all wait that comes of a join. What waits of an earlier one gives way to it.
    pub(crate) fn joined(&self, joined: Joined) -> Put {
        let Joined { topic, reply, state, missed, page } = joined;
        let size = size_of_outbound(&reply);
        self.answer(Some(Large::Join), |line| {
            line.forget(&topic);
            line.answer(Item::Outbound(Arc::new(reply)), size, Kind::Reply);
            if let Some(state) = state {
                let state = Outbound::PresenceState(state);
                let size = size_of_outbound(&state);
                if size <= Pieces::BYTES {
                    line.answer_of(&topic, Item::Outbound(Arc::new(state)), size);
                } else if let Outbound::PresenceState(state) = state {
                    line.pieces(&topic, Pieces::new(state), size);
                }
            }
            if !missed.is_empty() {
                line.replay(&topic, Replay::new(missed));
            }
            if let Some(page) = page {
                let size = size_of_outbound(&page);
                line.answer_of(&topic, Item::Outbound(Arc::new(page)), size);
            }
        })
    }

    /// Tells the connection to have its client rejoin, behind all that it is being told.
    pub(crate) fn restarted(&self) {
        self.answer(None, |line| line.put_last(Item::Restarted));
    }

    fn answer(&self, is_to: Option<Large>, put: impl FnOnce(&mut Line)) -> Put {
        let mut state = self.lock();
        if let Some(large) = is_to {
            let asked = state.asked.of(large);
            *asked = asked.saturating_sub(1);
        }
        if state.end != End::Open {
            return Put::Ending;
        }
        put(&mut state.line);
        let taker = state.awaiting();
        drop(state);
        wake(taker);
        Put::Waits
    }

    /// Which requests may be handed over: none of their kind is under way, and fewer answers wait than
    /// there may be live messages.
    pub(crate) fn allows(&self) -> Allowed {
        let state = self.lock();
        let has_room = !state.line.answers().reaches(self.max);
        Allowed { asked: state.asked, has_room }
    }

    /// Takes note that a request of that kind is handed over.
    pub(crate) fn ask(&self, large: Large) {
        *self.lock().asked.of(large) += 1;
    }

    /// Whether so many replies wait that the client is to take some before it says more.
    pub(crate) fn is_full_of_replies(&self) -> bool {
        self.lock().line.replies().reaches(self.max)
    }

    /// Ends the connection when all that waits is sent.
    pub(crate) fn close(&self, close: Close) {
        let mut state = self.lock();
        if state.end == End::Open {
            state.end = End::AfterAll(close);
        }
        let taker = state.taker.take();
        drop(state);
        wake(taker);
    }

    /// Ends the connection at once. What waits is not sent.
    pub(crate) fn cut(&self, close: Close) {
        let mut state = self.lock();
        let waiting = match state.end {
            End::Open | End::AfterAll(_) => {
                state.end = End::Cut(close);
                mem::take(&mut state.line)
            }
            End::Cut(_) => Line::default(),
        };
        let taker = state.taker.take();
        drop(state);
        drop(waiting);
        wake(taker);
    }

    /// Takes of what waits as much as is to be sent at once, or else how it ends. Waits until there
    /// is one of both.
    pub(crate) async fn take(&self, items: &mut Vec<Item>) -> Option<Close> {
        poll_fn(|context| self.poll_take(context, items)).await
    }

    /// The same for one who waits for other things too.
    pub(crate) fn poll_take(
        &self,
        context: &Context<'_>,
        items: &mut Vec<Item>,
    ) -> Poll<Option<Close>> {
        let mut state = self.lock();
        let first = items.len();
        state.line.take(items);
        if items.len() > first {
            return Poll::Ready(None);
        }
        let State { end, taker, is_awaited, .. } = &mut *state;
        match end {
            End::Open => {
                wait(taker, context);
                *is_awaited = true;
                Poll::Pending
            }
            End::AfterAll(close) | End::Cut(close) => Poll::Ready(Some(close.clone())),
        }
    }

    /// What waits, and what of it are answers.
    pub(crate) fn waiting(&self) -> Waiting {
        let state = self.lock();
        Waiting { live: state.line.live(), answers: state.line.answers() }
    }

    /// Waits until it is cut.
    pub(crate) async fn until_cut(&self) -> Close {
        poll_fn(|context| self.poll_cut(context)).await
    }

    /// The same for one who waits for other things too.
    pub(crate) fn poll_cut(&self, context: &Context<'_>) -> Poll<Close> {
        let mut state = self.lock();
        if let End::Cut(close) = &state.end {
            return Poll::Ready(close.clone());
        }
        wait(&mut state.taker, context);
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The taker, if it waits for something to take. For the second item it is awake already.
    fn awaiting(&mut self) -> Option<Waker> {
        if mem::take(&mut self.is_awaited) { self.taker.take() } else { None }
    }
}

/// What waits for a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) live: Load,
    pub(crate) answers: Load,
}

/// Has the task that waits be told.
fn wait(taker: &mut Option<Waker>, context: &Context<'_>) {
    match taker {
        Some(taker) => taker.clone_from(context.waker()),
        None => *taker = Some(context.waker().clone()),
    }
}

fn wake(taker: Option<Waker>) {
    if let Some(taker) = taker {
        taker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::{
        line::{BATCH, BATCH_BYTES, ROOM},
        *,
    };

    fn frame(text: &'static str) -> Item {
        Item::Frame(Message::Text(text.into()))
    }

    fn put(queue: &Queue, item: Item) -> Put {
        queue.put(item, || None)
    }

    #[tokio::test]
    async fn what_was_put_in_is_taken_before_it_ends() {
        let queue = Queue::new(2, 10_000);
        assert_eq!(put(&queue, frame("a")), Put::Waits);
        queue.close(Close::restarting());
        assert_eq!(put(&queue, frame("b")), Put::Ending);
        let mut items = Vec::new();
        assert_eq!(queue.take(&mut items).await, None);
        assert_eq!(items.len(), 1);
        assert_eq!(queue.take(&mut items).await, Some(Close::restarting()));
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_whatever_there_is() {
        let ways: [(fn(&Queue), _); 3] = [
            (|queue| assert_eq!(put(queue, frame("a")), Put::Waits), None),
            (|queue| queue.close(Close::restarting()), Some(Close::restarting())),
            (|queue| queue.cut(Close::taken_over()), Some(Close::taken_over())),
        ];
        for (way, expected) in ways {
            let queue = Queue::new(9, 10_000);
            let mut items = Vec::new();
            let waiting = std::cell::Cell::new(false);
            let taking = poll_fn(|context| {
                let taken = queue.poll_take(context, &mut items);
                waiting.set(taken.is_pending());
                taken
            });
            let (taken, ()) = tokio::join!(taking, async {
                assert!(waiting.get(), "there is nothing to take");
                way(&queue);
            });
            assert_eq!(taken, expected);
        }
    }

    #[tokio::test]
    async fn who_waits_for_a_cut_is_woken_by_it() {
        let queue = Queue::new(9, 10_000);
        let (cut, ()) = tokio::join!(queue.until_cut(), async {
            assert_eq!(put(&queue, frame("a")), Put::Waits);
            queue.cut(Close::taken_over());
        });
        assert_eq!(cut, Close::taken_over());
    }

    #[tokio::test]
    async fn what_a_burst_took_is_given_back() {
        let queue = Queue::new(1_000, 1_000_000);
        for _ in 0..50 {
            assert_eq!(put(&queue, frame("a")), Put::Waits);
        }
        let mut items = Vec::new();
        assert_eq!(queue.take(&mut items).await, None);
        assert!(queue.lock().line.capacity() <= ROOM);
    }

    #[tokio::test]
    async fn one_item_too_many_cuts_it() {
        let queue = Queue::new(2, 10_000);
        assert_eq!([put(&queue, frame("a")), put(&queue, frame("b"))], [Put::Waits, Put::Waits]);
        assert_eq!(put(&queue, frame("c")), Put::CutsOff);
        let close = Close::new(4001, "too slow, more than 2 messages wait");
        assert_eq!(queue.until_cut().await, close);
        queue.cut(Close::taken_over());
        let mut items = Vec::new();
        assert_eq!(queue.take(&mut items).await, Some(close), "the first reason stays");
        assert!(items.is_empty());
    }

    #[tokio::test]
    async fn no_more_is_taken_than_is_to_be_sent_at_once() {
        let queue = Queue::new(1_000, 10_000_000);
        let mut taken = Vec::new();
        let mut take = async || {
            let mut items = Vec::new();
            assert_eq!(queue.take(&mut items).await, None);
            taken.push(items.len());
        };
        for _ in 0..BATCH + 3 {
            assert_eq!(put(&queue, frame("a")), Put::Waits);
        }
        take().await;
        take().await;
        for _ in 0..3 {
            let large = Message::Text("x".repeat(BATCH_BYTES / 2).into());
            assert_eq!(put(&queue, Item::Frame(large)), Put::Waits);
        }
        take().await;
        take().await;
        assert_eq!(taken, [BATCH, 3, 2, 1]);
    }

    #[tokio::test]
    async fn one_byte_too_many_cuts_it() {
        let queue = Queue::new(10, 2 * 129);
        assert_eq!([put(&queue, frame("a")), put(&queue, frame("b"))], [Put::Waits, Put::Waits]);
        let mut items = Vec::new();
        assert_eq!(queue.take(&mut items).await, None);
        assert_eq!([put(&queue, frame("a")), put(&queue, frame(""))], [Put::Waits, Put::Waits]);
        assert_eq!(put(&queue, frame("ab")), Put::CutsOff);
        let close = Close::new(4001, "too slow, more than 258 bytes of messages wait");
        assert_eq!(queue.until_cut().await, close);
    }
}
