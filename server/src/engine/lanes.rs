//! The engine's side of its lanes: one of its own, or several that run beside it.

use std::{mem, sync::Arc};

use parlor::ClientHandle;
use tokio::sync::oneshot;

use super::{
    encoded::Encoded,
    lane::{BATCH, Batch, ForOne, Lane, Passed, Receiver, Receivers, Step, UNIT_BYTES},
    seats::Wire,
};
use crate::{metrics::LaneFigures, queue::Queue};

/// Where the engine brings what it delivers.
#[derive(Debug)]
pub(super) enum Lanes {
    /// It does the work itself, at once.
    Own(Receivers),
    /// What it gathers is handed over with each flush.
    Beside(Vec<Beside>),
}

/// A lane that runs beside the engine.
#[derive(Debug)]
pub(super) struct Beside {
    lane: Arc<Lane>,
    /// What is to be handed over to it.
    gathered: Batch,
    figures: Arc<LaneFigures>,
}

impl Lanes {
    /// One lane for each of the figures, of which there is one at least.
    pub(super) fn new(figures: &[Arc<LaneFigures>]) -> Self {
        if let [own] = figures {
            return Self::Own(Receivers::new(0, 1, Arc::clone(own)));
        }
        let lanes = figures.iter().enumerate().map(|(number, of_lane)| {
            let receivers = Receivers::new(number, figures.len(), Arc::clone(of_lane));
            let lane = Arc::new(Lane::new(receivers));
            Beside { lane, gathered: Batch::default(), figures: Arc::clone(of_lane) }
        });
        Self::Beside(lanes.collect())
    }

    /// Those that run beside the engine, each as a task of its own.
    pub(super) fn tasks(&self) -> impl Iterator<Item = impl Future<Output = ()> + use<>> {
        let beside = if let Self::Beside(beside) = self { &beside[..] } else { &[] };
        beside.iter().map(|beside| Arc::clone(&beside.lane).run())
    }

    /// A connection takes the seat of a client.
    pub(super) fn take(&mut self, handle: ClientHandle, receiver: Receiver) {
        self.of(handle, Step::Take(handle, receiver), 0);
    }

    /// It leaves it.
    pub(super) fn vacate(&mut self, handle: ClientHandle) {
        self.of(handle, Step::Vacate(handle), 0);
    }

    /// Sends the connection of a client something.
    pub(super) fn send(
        &mut self,
        handle: ClientHandle,
        (queue, wire): (&Arc<Queue>, Wire),
        what: ForOne,
    ) {
        match self {
            Self::Own(receivers) => receivers.put_one(queue, wire, what),
            Self::Beside(_) => {
                let work = 1 + what.size() / UNIT_BYTES;
                self.of(handle, Step::One(Arc::clone(queue), wire, Box::new(what)), work);
            }
        }
    }

    /// Sends many a message.
    pub(super) fn send_many(&mut self, encoded: Encoded) {
        let recipients = encoded.recipients().map_or(0, parlor::Recipients::len);
        if recipients == 0 {
            return;
        }
        match self {
            Self::Own(receivers) => receivers.put_many(&encoded),
            Self::Beside(lanes) => {
                let each = recipients.div_ceil(lanes.len()) + encoded.size() / UNIT_BYTES;
                let encoded = Arc::new(encoded);
                for lane in lanes {
                    lane.gather(Step::Many(Arc::clone(&encoded)), each);
                }
            }
        }
    }

    /// Has those join again who can't be told to.
    pub(super) fn restarted(&mut self) {
        self.each(|| Step::Restarted);
    }

    /// Answers when all that was sent so far is in the queues.
    pub(super) fn when_passed<T: Send + 'static>(&mut self, answer: oneshot::Sender<T>, value: T) {
        // Who asked may have gone.
        let passed = Passed::new(move || drop(answer.send(value)));
        self.each(|| Step::Pass(Arc::clone(&passed)));
    }

    /// Hands over what was gathered, and does work that lanes have fallen behind with.
    pub(super) fn flush(&mut self) {
        let Self::Beside(lanes) = self else { return };
        // All of them have something to do before any is helped.
        lanes.iter_mut().for_each(Beside::hand_over);
        for beside in lanes {
            while beside.lane.is_behind() && beside.lane.work() {
                beside.figures.helped();
            }
        }
    }

    /// Whether a lane has panicked, so that its connections miss something.
    pub(super) fn is_broken(&self) -> bool {
        let Self::Beside(lanes) = self else { return false };
        lanes.iter().any(|beside| beside.lane.is_broken())
    }

    /// Does all that is left.
    pub(super) fn finish(&mut self) {
        self.flush();
        if let Self::Beside(lanes) = self {
            for beside in lanes {
                while beside.lane.work() {}
            }
        }
    }

    fn of(&mut self, handle: ClientHandle, step: Step, work: usize) {
        match self {
            Self::Own(receivers) => receivers.perform(step),
            Self::Beside(lanes) => {
                let number = handle.index() % lanes.len();
                if let Some(lane) = lanes.get_mut(number) {
                    lane.gather(step, work);
                }
            }
        }
    }

    fn each(&mut self, step: impl Fn() -> Step) {
        match self {
            Self::Own(receivers) => receivers.perform(step()),
            Self::Beside(lanes) => lanes.iter_mut().for_each(|lane| lane.gather(step(), 0)),
        }
    }
}

impl Beside {
    fn gather(&mut self, step: Step, work: usize) {
        self.gathered.steps.push(step);
        // Also what delivers nothing takes memory.
        self.gathered.work += work.max(1);
        if self.gathered.work >= BATCH {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        if !self.gathered.steps.is_empty() {
            self.lane.push(mem::take(&mut self.gathered));
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.lane.close();
    }
}
