//! Pages that were asked for, so that those which clients can't tell apart come in the order in
//! which they were asked for, also where some have to be loaded first.

use alloc::{collections::VecDeque, vec::Vec};

use super::{mark::Mark, packet::Packet};
use crate::ids::{EventName, Topic};

/// How many requests are kept in order; of more, the oldest are answered as their answers come.
const KEPT: usize = 64;

/// Requests that are not answered, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Pages {
    // Invariant: at most KEPT.
    requests: VecDeque<Request>,
}

#[derive(Debug, Clone)]
struct Request {
    mark: Mark,
    of: Of,
    /// The answer, if it waits for one before it.
    answer: Option<Packet>,
}

/// What a client tells pages by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Of {
    pub(super) topic: Topic,
    pub(super) event: Option<EventName>,
}

impl Pages {
    /// Notes a request.
    pub(super) fn ask(&mut self, mark: Mark, of: Of) {
        if self.requests.len() == KEPT {
            self.requests.pop_front();
        }
        self.requests.push_back(Request { mark, of, answer: None });
    }

    /// Takes an answer. Returns it if nothing is known of its request.
    #[must_use = "an answer that is not kept is to be sent"]
    pub(super) fn answer(&mut self, mark: Mark, answer: Packet) -> Option<Packet> {
        match self.requests.iter_mut().find(|request| request.mark == mark) {
            Some(request) => {
                request.answer = Some(answer);
                None
            }
            None => Some(answer),
        }
    }

    /// Forgets a request that was refused.
    pub(super) fn refused(&mut self, mark: Mark) {
        self.requests.retain(|request| request.mark != mark);
    }

    /// Lets nothing wait for requests in a topic, whose answers may never come.
    pub(super) fn left(&mut self, topic: &Topic) {
        self.requests.retain(|request| request.of.topic != *topic || request.answer.is_some());
    }

    /// Takes the answers that wait for none before them. What nobody waits for is dropped.
    pub(super) fn ready(&mut self, now_ms: u64) -> Vec<Packet> {
        let mut ready = Vec::new();
        let mut awaited: Vec<Of> = Vec::new();
        self.requests.retain_mut(|request| {
            if request.mark.is_late(now_ms) {
                return false;
            }
            if !awaited.contains(&request.of) {
                if let Some(answer) = request.answer.take() {
                    ready.push(answer);
                    return false;
                }
                awaited.push(request.of.clone());
            }
            true
        });
        ready
    }
}
