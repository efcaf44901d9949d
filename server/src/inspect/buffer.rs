//! What waits for one who watches: bounded, and where it is full, counted in place of what is lost.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::Notify;

/// Lines that wait. The engine puts in and never waits; the answer to the request takes out.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    state: Mutex<State>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

/// Something that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// An object of JSON, on one line.
    Line(Bytes),
    /// So many lines did not fit where this stands.
    Skipped(u64),
}

/// How many lines wait at most.
const MAX_LINES: usize = 2_000;

/// How many bytes they have at most.
const MAX_BYTES: usize = 1 << 20;

/// How many bytes are taken at once; perhaps one line more.
const BATCH_BYTES: usize = 64 << 10;

impl Buffer {
    /// Lets a line wait, or counts it.
    pub(crate) fn put(&self, line: Bytes) {
        let mut state = self.lock();
        let State { waiting, bytes } = &mut *state;
        if waiting.len() < MAX_LINES && *bytes + line.len() <= MAX_BYTES {
            *bytes += line.len();
            waiting.push_back(Waiting::Line(line));
        } else if let Some(Waiting::Skipped(count)) = waiting.back_mut() {
            *count += 1;
        } else {
            waiting.push_back(Waiting::Skipped(1));
        }
        drop(state);
        self.filled.notify_one();
    }

    /// Takes what waits, as much as is sent at once, and waits until there is something.
    pub(crate) async fn take(&self) -> Vec<Waiting> {
        loop {
            let mut taken = Vec::new();
            {
                let mut state = self.lock();
                let all = state.bytes;
                while all - state.bytes < BATCH_BYTES
                    && let Some(first) = state.waiting.pop_front()
                {
                    if let Waiting::Line(line) = &first {
                        state.bytes -= line.len();
                    }
                    taken.push(first);
                }
            }
            if !taken.is_empty() {
                return taken;
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

    fn line(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[tokio::test]
    async fn what_does_not_fit_is_counted_where_it_would_stand() {
        let buffer = Buffer::default();
        for _ in 0..MAX_LINES + 37 {
            buffer.put(line("a"));
        }
        let taken = buffer.take().await;
        assert_eq!(taken.len(), MAX_LINES + 1);
        assert_eq!(taken.last(), Some(&Waiting::Skipped(37)));
        buffer.put(line("b"));
        assert_eq!(buffer.take().await, [Waiting::Line(line("b"))]);
    }

    #[tokio::test]
    async fn one_byte_too_many_does_not_fit() {
        let buffer = Buffer::default();
        let half = Bytes::from(vec![b'x'; MAX_BYTES / 2]);
        buffer.put(half.clone());
        buffer.put(half.clone());
        buffer.put(line("a"));
        assert_eq!(buffer.take().await, [Waiting::Line(half.clone())], "it is enough for once");
        buffer.put(line("b"));
        assert_eq!(buffer.take().await, [Waiting::Line(half)]);
        assert_eq!(buffer.take().await, [Waiting::Skipped(1), Waiting::Line(line("b"))]);
    }
}
