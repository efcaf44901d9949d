//! A lane: it puts what the engine hands over into the queues of its connections, in order.
//!
//! Every client belongs to one lane, by the index of its handle. All that a connection is sent goes
//! through its lane, replies too, so the order for a connection is the order of the outbox. That holds
//! when a handle is used again as well: taking and vacating a seat are steps among the others.
//!
//! A lane never waits for a connection. If it falls behind by more than [`BEHIND`], the engine does some
//! of its work, a batch at a time, which keeps the backlog bounded: to about that, and what comes of one
//! event.

use std::{
    collections::VecDeque,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use parlor::{ClientHandle, ClientId, Outbound, Topic};
use tokio::{sync::Notify, task::yield_now};
use tracing::info;

use super::{encoded::Encoded, seats::Wire};
use crate::{
    close::Close,
    metrics::{LaneFigures, Sent},
    queue::{Item, Joined, Large, Put, Queue, Tag, size_of_outbound},
};

/// How much work may wait for a lane before the engine does some of it: deliveries, of which each
/// counts one more for every [`UNIT_BYTES`] that it holds.
pub(super) const BEHIND: usize = 1 << 16;

/// So that [`BEHIND`] is at most 8 MiB, too.
pub(super) const UNIT_BYTES: usize = 128;

/// How much work is handed over at once, at most, but for a single message to more than that.
pub(super) const BATCH: usize = 1 << 12;

/// A connection, as its lane sees it.
#[derive(Debug, Clone)]
pub(super) struct Receiver {
    pub(super) client_id: ClientId,
    pub(super) wire: Wire,
    pub(super) queue: Arc<Queue>,
}

/// What a lane does, in order.
#[derive(Debug)]
pub(super) enum Step {
    /// A connection takes the seat of its client.
    Take(ClientHandle, Receiver),
    /// It leaves it.
    Vacate(ClientHandle),
    /// One connection is sent something.
    One(Arc<Queue>, Wire, Box<ForOne>),
    /// Those of its connections that are among the recipients are sent a message.
    Many(Arc<Encoded>),
    /// Clients whose protocol can't tell them join again for themselves.
    Restarted,
    /// Whatever was handed over before is in the queues: dropping it says so.
    Pass(Arc<Passed>),
}

/// What one connection is sent.
#[derive(Debug)]
pub(super) enum ForOne {
    /// A message for it alone, in the order of its topic.
    Push(Outbound, Option<Tag>),
    /// A reply of which nothing else comes.
    Reply(Outbound, Option<Large>),
    /// The one answer to a request, in the order of a topic.
    ReplyOf(Topic, Outbound, Large),
    /// The reply to a leave.
    Left(Topic, Outbound),
    /// All that comes of a join.
    Joined(Box<Joined>),
    /// An answer in the order of its topic.
    Answer(Topic, Outbound),
    /// Its client was put out.
    PutOut(Close),
}

/// Something to be done when all lanes have passed a point.
pub(super) struct Passed(Mutex<Option<Box<dyn FnOnce() + Send>>>);

/// A lane, shared by the engine and the task that works for it.
#[derive(Debug)]
pub(super) struct Lane {
    /// Whoever holds it does the work.
    receivers: Mutex<Receivers>,
    inbox: Mutex<VecDeque<Batch>>,
    wake: Notify,
    /// Nothing more is handed over.
    is_closed: AtomicBool,
    /// Whoever did its work has panicked: what its connections were to be sent is lost.
    is_broken: AtomicBool,
    figures: Arc<LaneFigures>,
}

/// Steps that were handed over together, and how much work they are.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) steps: Vec<Step>,
    pub(super) work: usize,
}

/// The connections of a lane, by the index of the handle of their clients.
#[derive(Debug)]
pub(super) struct Receivers {
    /// The number of the lane, and how many there are.
    number: usize,
    lanes: usize,
    by_handle: Vec<Option<Receiver>>,
    figures: Arc<LaneFigures>,
}

impl ForOne {
    /// How many bytes it holds.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Push(outbound, _)
            | Self::Reply(outbound, _)
            | Self::ReplyOf(_, outbound, _)
            | Self::Left(_, outbound)
            | Self::Answer(_, outbound) => size_of_outbound(outbound),
            Self::Joined(joined) => joined.size(),
            Self::PutOut(close) => close.reason.len(),
        }
    }
}

impl Lane {
    pub(super) fn new(receivers: Receivers) -> Self {
        let figures = Arc::clone(&receivers.figures);
        Self {
            receivers: Mutex::new(receivers),
            inbox: Mutex::default(),
            wake: Notify::new(),
            is_closed: AtomicBool::new(false),
            is_broken: AtomicBool::new(false),
            figures,
        }
    }

    /// Hands steps over.
    pub(super) fn push(&self, batch: Batch) {
        self.figures.comes(batch.work);
        lock(&self.inbox).push_back(batch);
        self.wake.notify_one();
    }

    /// Whether more waits than [`BEHIND`].
    pub(super) fn is_behind(&self) -> bool {
        self.figures.waiting() > BEHIND
    }

    /// Does what was handed over first, if anything waits.
    pub(super) fn work(&self) -> bool {
        let mut receivers = lock(&self.receivers);
        let Some(Batch { steps, work }) = lock(&self.inbox).pop_front() else {
            return false;
        };
        // However it ends, this does not wait any more.
        let done = Done { lane: self, work };
        for step in steps {
            receivers.perform(step);
        }
        drop(done);
        drop(receivers);
        true
    }

    /// Works whenever there is something to do, until it is closed.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            while self.work() {
                // Connections that share its thread go on too.
                yield_now().await;
            }
            if self.is_closed.load(Ordering::Acquire) {
                return;
            }
            self.wake.notified().await;
        }
    }

    /// Has the task end when it has done what was handed over.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }
}

/// Takes note that a batch is done, also if that has panicked.
struct Done<'a> {
    lane: &'a Lane,
    work: usize,
}

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.lane.figures.goes(self.work);
        if thread::panicking() {
            self.lane.is_broken.store(true, Ordering::Relaxed);
        }
    }
}

impl Receivers {
    pub(super) fn new(number: usize, lanes: usize, figures: Arc<LaneFigures>) -> Self {
        Self { number, lanes, by_handle: Vec::new(), figures }
    }

    pub(super) fn perform(&mut self, step: Step) {
        match step {
            Step::Take(handle, receiver) => {
                let index = handle.index() / self.lanes;
                if self.by_handle.len() <= index {
                    self.by_handle.resize(index + 1, None);
                }
                if let Some(place) = self.by_handle.get_mut(index) {
                    *place = Some(receiver);
                }
            }
            Step::Vacate(handle) => {
                if let Some(place) = self.by_handle.get_mut(handle.index() / self.lanes) {
                    *place = None;
                }
            }
            Step::One(queue, wire, what) => self.put_one(&queue, wire, *what),
            Step::Many(encoded) => self.put_many(&encoded),
            Step::Restarted => {
                let receivers = self.by_handle.iter().flatten();
                for receiver in receivers.filter(|receiver| receiver.wire == Wire::Dialogue) {
                    receiver.queue.restarted();
                }
            }
            Step::Pass(passed) => drop(passed),
        }
    }

    pub(super) fn put_one(&self, queue: &Queue, wire: Wire, what: ForOne) {
        match what {
            ForOne::Push(outbound, tag) => {
                let sent = Sent::of(&outbound);
                let outbound = Arc::new(outbound);
                let put = queue.put(Item::Outbound(Arc::clone(&outbound)), || tag);
                if let (Put::CutsOff, Outbound::PushMessage(push)) = (put, &*outbound) {
                    log_cut(&push.client_id);
                }
                self.count(sent, wire, put);
            }
            ForOne::Reply(outbound, is_to) => {
                let sent = Sent::of(&outbound);
                self.count(sent, wire, queue.reply(outbound, is_to));
            }
            ForOne::ReplyOf(topic, outbound, is_to) => {
                let sent = Sent::of(&outbound);
                self.count(sent, wire, queue.reply_of(&topic, outbound, is_to));
            }
            ForOne::Left(topic, reply) => {
                self.count(Some(Sent::Reply), wire, queue.left(&topic, reply));
            }
            ForOne::Joined(joined) => self.joined(queue, wire, *joined),
            ForOne::Answer(topic, outbound) => {
                let sent = Sent::of(&outbound);
                self.count(sent, wire, queue.answer_of(&topic, outbound));
            }
            ForOne::PutOut(close) => queue.close(close),
        }
    }

    fn joined(&self, queue: &Queue, wire: Wire, joined: Joined) {
        let parts = [
            (Sent::Reply, 1),
            (Sent::PresenceState, usize::from(joined.state.is_some())),
            (Sent::BroadcastMessage, joined.missed.len()),
            (Sent::History, usize::from(joined.page.is_some())),
        ];
        if queue.joined(joined) == Put::Waits {
            for (sent, many) in parts {
                self.figures.sent(wire, sent, many as u64);
            }
        }
    }

    pub(super) fn put_many(&self, encoded: &Encoded) {
        let Some(recipients) = encoded.recipients() else { return };
        let [mut phoenix, mut dialogue] = [0, 0];
        for handle in recipients.handles() {
            let index = handle.index();
            if self.lanes > 1 && index % self.lanes != self.number {
                continue;
            }
            let Some(Some(receiver)) = self.by_handle.get(index / self.lanes) else { continue };
            let mut waits = 0;
            for item in encoded.of(receiver.wire) {
                // The last item is the message; one before it has only its position.
                waits = u64::from(put(receiver, item.clone(), encoded) == Put::Waits);
            }
            match receiver.wire {
                Wire::Phoenix | Wire::PhoenixPositioned | Wire::PhoenixSigned => phoenix += waits,
                Wire::Dialogue => dialogue += waits,
            }
        }
        if let Some(sent) = encoded.sent() {
            self.figures.sent(Wire::Phoenix, sent, phoenix);
            self.figures.sent(Wire::Dialogue, sent, dialogue);
        }
    }

    fn count(&self, sent: Option<Sent>, wire: Wire, put: Put) {
        if let Some(sent) = sent
            && put == Put::Waits
        {
            self.figures.sent(wire, sent, 1);
        }
    }
}

fn put(receiver: &Receiver, item: Item, encoded: &Encoded) -> Put {
    let put = receiver.queue.put(item, || encoded.tag());
    if put == Put::CutsOff {
        log_cut(&receiver.client_id);
    }
    put
}

fn log_cut(client_id: &ClientId) {
    info!(client = client_id.as_str(), "too slow, so it is cut off");
}

impl Passed {
    pub(super) fn new(act: impl FnOnce() + Send + 'static) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(Box::new(act)))))
    }
}

impl Drop for Passed {
    fn drop(&mut self) {
        if let Some(act) = mem::take(self.0.get_mut().unwrap_or_else(PoisonError::into_inner)) {
            act();
        }
    }
}

impl std::fmt::Debug for Passed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passed")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
