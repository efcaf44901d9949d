//! What waits for a connection: bounded, and never dropped in silence.
//!
//! Shards put in and never wait; the task of the connection takes out. What does not fit any more
//! cuts the connection, with a code and a reason.

mod size;

use std::{
    collections::VecDeque,
    future::poll_fn,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use axum::extract::ws::Message;
use parlor::Outbound;

use self::size::size_of;
use crate::{close::Close, dialogue::Told};

/// Something for a connection.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// Encoded for everyone who receives it.
    Frame(Message),
    /// The same for clients of Dialogue.
    Told(Arc<Told>),
    /// A shard has crashed and goes on, so its members are to be members again.
    Restarted(usize),
    /// To be encoded by the connection, which knows how.
    Outbound(Arc<Outbound>),
}

/// What becomes of what is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Waits,
    /// The connection ends, so nobody takes it.
    Ending,
    /// It did not fit, and the connection is cut for it.
    CutsOff,
}

/// What waits for one connection, and how that is to end. One task alone takes.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    max_items: usize,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<(Item, usize)>,
    bytes: usize,
    end: End,
    /// How it ends when all shards have said what they have to say of it.
    put_out: Option<Close>,
    /// The task that takes, where it waits.
    taker: Option<Waker>,
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

/// How much is taken at once, at most; of bytes, perhaps one item more.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 64 << 10;

/// For how many there is room when none waits: what a burst took is given back.
const ROOM: usize = 4;

impl Queue {
    pub(crate) fn new(max_items: usize, max_bytes: usize) -> Self {
        Self { state: Mutex::default(), max_items, max_bytes }
    }

    /// Lets something wait.
    pub(crate) fn put(&self, item: Item) -> Put {
        let size = size_of(&item);
        let mut state = self.lock();
        if state.end != End::Open {
            return Put::Ending;
        }
        if state.items.len() >= self.max_items || state.bytes + size > self.max_bytes {
            drop(state);
            self.cut(Close::too_slow());
            return Put::CutsOff;
        }
        state.bytes += size;
        // Who takes waits only where there is nothing: for the second it is awake already.
        let taker = if state.items.is_empty() { state.taker.take() } else { None };
        state.items.push_back((item, size));
        drop(state);
        wake(taker);
        Put::Waits
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

    /// Notes that the client is put out, by one shard after the other: it ends with the last, by
    /// [`Queue::finish`].
    pub(crate) fn put_out(&self, close: Close) {
        self.lock().put_out.get_or_insert(close);
    }

    /// Ends it, if its client was put out, when what waits has been taken.
    pub(crate) fn finish(&self) {
        let put_out = self.lock().put_out.take();
        if let Some(close) = put_out {
            self.close(close);
        }
    }

    /// Ends the connection at once. What waits is not sent.
    pub(crate) fn cut(&self, close: Close) {
        let mut state = self.lock();
        let waiting = match state.end {
            End::Open | End::AfterAll(_) => {
                state.end = End::Cut(close);
                state.bytes = 0;
                mem::take(&mut state.items)
            }
            End::Cut(_) => VecDeque::new(),
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
        let State { items: waiting, bytes, end, put_out: _, taker } = &mut *state;
        let (all, first) = (*bytes, items.len());
        items.reserve(waiting.len().min(BATCH));
        while items.len() - first < BATCH
            && all - *bytes < BATCH_BYTES
            && let Some((item, size)) = waiting.pop_front()
        {
            *bytes -= size;
            items.push(item);
        }
        if items.len() > first {
            if waiting.is_empty() && waiting.capacity() > ROOM {
                waiting.shrink_to(ROOM);
            }
            return Poll::Ready(None);
        }
        match end {
            End::Open => {
                wait(taker, context);
                Poll::Pending
            }
            End::AfterAll(close) | End::Cut(close) => Poll::Ready(Some(close.clone())),
        }
    }

    /// How many items wait, and about how many bytes they have.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        let state = self.lock();
        (state.items.len(), state.bytes)
    }

    /// Waits until it is cut.
    pub(crate) async fn until_cut(&self) -> Close {
        poll_fn(|context| {
            let mut state = self.lock();
            if let End::Cut(close) = &state.end {
                return Poll::Ready(close.clone());
            }
            wait(&mut state.taker, context);
            Poll::Pending
        })
        .await
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
    use super::*;

    fn frame(text: &'static str) -> Item {
        Item::Frame(Message::Text(text.into()))
    }

    #[tokio::test]
    async fn what_was_put_in_is_taken_before_it_ends() {
        let queue = Queue::new(2, 10_000);
        assert_eq!(queue.put(frame("a")), Put::Waits);
        queue.close(Close::restarting());
        assert_eq!(queue.put(frame("b")), Put::Ending);
        let mut items = Vec::new();
        assert_eq!(queue.take(&mut items).await, None);
        assert_eq!(items.len(), 1);
        assert_eq!(queue.take(&mut items).await, Some(Close::restarting()));
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_whatever_there_is() {
        let ways: [(fn(&Queue), _); 3] = [
            (|queue| assert_eq!(queue.put(frame("a")), Put::Waits), None),
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
            assert_eq!(queue.put(frame("a")), Put::Waits);
            queue.cut(Close::taken_over());
        });
        assert_eq!(cut, Close::taken_over());
    }

    #[tokio::test]
    async fn what_a_burst_took_is_given_back() {
        let queue = Queue::new(1_000, 1_000_000);
        for _ in 0..50 {
            assert_eq!(queue.put(frame("a")), Put::Waits);
        }
        let mut items = Vec::new();
        assert_eq!(queue.take(&mut items).await, None);
        assert!(queue.lock().items.capacity() <= ROOM);
    }

    #[tokio::test]
    async fn who_is_put_out_hears_of_all_shards_before_it_ends() {
        let queue = Queue::new(9, 10_000);
        queue.finish();
        assert_eq!(queue.put(frame("a")), Put::Waits);
        queue.put_out(Close::put_out("first"));
        assert_eq!(queue.put(frame("b")), Put::Waits);
        queue.put_out(Close::put_out("second"));
        queue.finish();
        assert_eq!(queue.put(frame("c")), Put::Ending);
        let mut items = Vec::new();
        assert_eq!(queue.take(&mut items).await, None);
        assert_eq!(items.len(), 2);
        assert_eq!(queue.take(&mut items).await, Some(Close::put_out("first")));
    }

    #[tokio::test]
    async fn one_item_too_many_cuts_it() {
        let queue = Queue::new(2, 10_000);
        assert_eq!([queue.put(frame("a")), queue.put(frame("b"))], [Put::Waits, Put::Waits]);
        assert_eq!(queue.put(frame("c")), Put::CutsOff);
        assert_eq!(queue.until_cut().await, Close::too_slow());
        queue.cut(Close::taken_over());
        let mut items = Vec::new();
        assert_eq!(queue.take(&mut items).await, Some(Close::too_slow()), "the first reason stays");
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
            assert_eq!(queue.put(frame("a")), Put::Waits);
        }
        take().await;
        take().await;
        for _ in 0..3 {
            let large = Message::Text("x".repeat(BATCH_BYTES / 2).into());
            assert_eq!(queue.put(Item::Frame(large)), Put::Waits);
        }
        take().await;
        take().await;
        assert_eq!(taken, [BATCH, 3, 2, 1]);
    }

    #[tokio::test]
    async fn one_byte_too_many_cuts_it() {
        let queue = Queue::new(10, 2 * 129);
        assert_eq!([queue.put(frame("a")), queue.put(frame("b"))], [Put::Waits, Put::Waits]);
        let mut items = Vec::new();
        assert_eq!(queue.take(&mut items).await, None);
        assert_eq!([queue.put(frame("a")), queue.put(frame(""))], [Put::Waits, Put::Waits]);
        assert_eq!(queue.put(frame("ab")), Put::CutsOff);
    }
}
