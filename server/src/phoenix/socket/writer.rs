//! What one connection is writing: frames that were taken from its queue, until the socket has them.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::extract::ws::{Message as Frame, WebSocket};
use futures_util::Sink;
use tokio::time::Instant;

use super::end::End;
use crate::{close::Close, patience::Flow};

/// Writes frames in their order, as the socket takes them.
#[derive(Debug)]
pub(super) struct Writer {
    frames: VecDeque<Frame>,
    /// Whether the socket holds something that was not sent.
    is_unflushed: bool,
    /// Whether that is the answer to a ping.
    has_pong: bool,
    /// Since when the socket has taken nothing, if there is something to take.
    stalled: Option<Stall>,
    /// How much the stream has taken, if that can be known.
    flow: Option<Flow>,
    /// For how long a client may take nothing.
    patience: Duration,
}

/// A moment, and how much the stream had taken then.
#[derive(Debug, Clone, Copy)]
struct Stall {
    since: Instant,
    taken: u64,
}

/// With how many frames nothing more is read that could add one.
const ENOUGH: usize = 256;

/// For how many frames there is room when none waits: what a burst took is given back.
const ROOM: usize = 4;

impl Writer {
    pub(super) const fn new(flow: Option<Flow>, patience: Duration) -> Self {
        Self {
            frames: VecDeque::new(),
            is_unflushed: false,
            has_pong: false,
            stalled: None,
            flow,
            patience,
        }
    }

    pub(super) fn reserve(&mut self, frames: usize) {
        self.frames.reserve(frames);
    }

    pub(super) fn push(&mut self, frame: Frame) {
        self.frames.push_back(frame);
    }

    /// Takes note that the socket holds the answer to a ping.
    pub(super) const fn pong(&mut self) {
        (self.is_unflushed, self.has_pong) = (true, true);
    }

    /// Whether so much waits that nothing is to be read which could add to it.
    pub(super) fn has_enough(&self) -> bool {
        self.has_pong || self.frames.len() >= ENOUGH
    }

    /// Writes what there is. Ready when all of it is sent.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        websocket: &mut WebSocket,
    ) -> Poll<Result<(), End>> {
        if self.frames.is_empty() && !self.is_unflushed {
            return Poll::Ready(Ok(()));
        }
        let polled = self.poll_all(context, Pin::new(websocket));
        match &polled {
            Poll::Ready(_) => self.stalled = None,
            Poll::Pending if self.stalled.is_none() => self.stalled = Some(self.stall()),
            Poll::Pending => {}
        }
        polled.map_err(|error| End::of_unwritable(error, self.patience))
    }

    fn poll_all(
        &mut self,
        context: &mut Context<'_>,
        mut websocket: Pin<&mut WebSocket>,
    ) -> Poll<Result<(), axum::Error>> {
        while !self.frames.is_empty() {
            ready!(websocket.as_mut().poll_ready(context))?;
            if let Some(frame) = self.frames.pop_front() {
                websocket.as_mut().start_send(frame)?;
                self.is_unflushed = true;
                self.stalled = None;
            }
        }
        ready!(websocket.poll_flush(context))?;
        (self.is_unflushed, self.has_pong) = (false, false);
        if self.frames.capacity() > ROOM {
            self.frames = VecDeque::new();
        }
        Poll::Ready(Ok(()))
    }

    fn stall(&self) -> Stall {
        let taken = self.flow.as_ref().map_or(0, Flow::bytes);
        Stall { since: Instant::now(), taken }
    }

    /// When the client is too slow, if it goes on to take nothing for as long as it may.
    pub(super) fn is_due(&self) -> Option<Instant> {
        self.stalled.map(|stall| stall.since + self.patience)
    }

    /// Ends the connection if its client has taken nothing for as long as it may.
    pub(super) fn look(&mut self) -> Result<(), End> {
        let Some(stall) = self.stalled else { return Ok(()) };
        let now = self.stall();
        if now.taken != stall.taken {
            self.stalled = Some(now);
        } else if stall.since + self.patience <= now.since {
            return Err(End::Closed(Close::stalled(self.patience)));
        }
        Ok(())
    }
}
