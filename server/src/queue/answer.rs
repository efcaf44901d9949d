//! An answer that goes out in pieces: how much of it was taken, and what comes next.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parlor::{Outbound, PresenceState};

use super::{Item, size::size_of_outbound};

/// Messages that one client has missed, oldest first. They share their payloads with the history of
/// their room.
#[derive(Debug)]
pub(super) struct Replay(VecDeque<Outbound>);

impl Replay {
    pub(super) fn new(messages: Vec<Outbound>) -> Self {
        Self(messages.into())
    }

    /// The next message, and how much less waits without it.
    pub(super) fn next(&mut self) -> Option<(Item, usize)> {
        let message = self.0.pop_front()?;
        let size = size_of_outbound(&message);
        Some((Item::Missed(Box::new(message)), size))
    }

    /// How many messages are left.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What they hold.
    pub(super) fn size(&self) -> usize {
        self.0.iter().map(size_of_outbound).sum()
    }
}

/// A presence state that a connection encodes in pieces. The connection alone knows where a piece
/// ends, and notes it here.
#[derive(Debug)]
pub(crate) struct Pieces {
    state: PresenceState,
    /// The meta with which the next piece begins; [`Pieces::DONE`] if there is none.
    next: AtomicUsize,
}

impl Pieces {
    const DONE: usize = usize::MAX;

    /// How long a piece is, about: a list that is shorter is one.
    pub(crate) const BYTES: usize = 256 << 10;

    pub(super) const fn new(state: PresenceState) -> Self {
        Self { state, next: AtomicUsize::new(0) }
    }

    pub(crate) const fn state(&self) -> &PresenceState {
        &self.state
    }

    /// The meta with which the next piece begins.
    pub(crate) fn first(&self) -> usize {
        self.next.load(Ordering::Relaxed)
    }

    /// Notes where the piece after the one that was encoded begins, if there is one.
    pub(crate) fn go_on_at(&self, next: Option<usize>) {
        self.next.store(next.unwrap_or(Self::DONE), Ordering::Relaxed);
    }

    pub(super) fn is_done(&self) -> bool {
        self.first() == Self::DONE
    }
}

/// A part of a backlog.
#[derive(Debug)]
pub(super) enum Part {
    /// One item, which waits behind what comes before it.
    Whole(super::line::Entry),
    Replay(Replay),
    /// With its size.
    Pieces(Arc<Pieces>, usize),
}
