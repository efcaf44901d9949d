//! What a client has said and nobody has read yet. Bounded: what does not fit ends the connection.
//!
//! The transport puts in, in the order in which it reads, and can't wait.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use engineioxide::Str;
use tokio::sync::Notify;

use crate::{close::Close, patience::Flow};

/// Why nothing more is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The transport has gone.
    Lost,
    /// The client has not answered for so long that it is taken for dead.
    Silent,
    /// The client has done what it must not.
    Closed(Close),
}

/// What waits to be read from one client.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    filled: Notify,
    /// What its stream takes, if the transport began by polling and became a WebSocket since.
    flow: OnceLock<Flow>,
}

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<Str>,
    bytes: usize,
    end: Option<Ended>,
}

/// What a message takes beside its text.
const HEAD: usize = 128;

impl Inbox {
    /// Lets a message wait, or ends with the given reason if it makes more than `max_bytes`.
    pub(super) fn put(&self, message: Str, max_bytes: usize, too_many: impl FnOnce() -> Close) {
        let size = HEAD + message.len();
        let mut state = self.lock();
        if state.end.is_some() {
            return;
        }
        if state.bytes + size > max_bytes {
            state.end = Some(Ended::Closed(too_many()));
        } else {
            state.bytes += size;
            state.messages.push_back(message);
        }
        drop(state);
        self.filled.notify_one();
    }

    /// Nothing more comes. What came before is still read.
    pub(super) fn end(&self, end: Ended) {
        self.lock().end.get_or_insert(end);
        self.filled.notify_one();
    }

    /// Its transport becomes a WebSocket on a stream with such a flow. There is one at most: the
    /// session of a client ends with the first that fails.
    pub(super) fn flows(&self, flow: Flow) {
        self.flow.get_or_init(|| flow);
    }

    /// The flow of the stream that its transport has become a WebSocket on.
    pub(super) fn flow(&self) -> Option<&Flow> {
        self.flow.get()
    }

    /// Whether it has ended because the client was silent.
    pub(super) fn is_silent(&self) -> bool {
        self.lock().end == Some(Ended::Silent)
    }

    /// Waits for the next message, or until there is none any more.
    pub(super) async fn take(&self) -> Result<Str, Ended> {
        loop {
            {
                let mut state = self.lock();
                if let Some(message) = state.messages.pop_front() {
                    state.bytes -= HEAD + message.len();
                    return Ok(message);
                }
                if let Some(end) = &state.end {
                    return Err(end.clone());
                }
            }
            self.filled.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_came_before_the_end_is_read() {
        let inbox = Inbox::default();
        inbox.put("a".into(), 1_000, Close::broken);
        inbox.end(Ended::Lost);
        inbox.put("b".into(), 1_000, Close::broken);
        inbox.end(Ended::Closed(Close::broken()));
        assert_eq!(inbox.take().await, Ok("a".into()));
        assert_eq!(inbox.take().await, Err(Ended::Lost));
    }

    #[tokio::test]
    async fn one_byte_too_many_ends_it() {
        let inbox = Inbox::default();
        inbox.put("a".into(), 2 * 129, Close::broken);
        inbox.put("b".into(), 2 * 129, Close::broken);
        assert_eq!(inbox.take().await, Ok("a".into()));
        inbox.put("cd".into(), 2 * 129, Close::broken);
        assert_eq!(inbox.take().await, Ok("b".into()));
        assert_eq!(inbox.take().await, Err(Ended::Closed(Close::broken())));
    }
}
