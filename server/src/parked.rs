//! Requests of one client that wait until its connection has drained what it was answered.
//!
//! A request with a large answer waits while too much waits for the client already; what else the
//! client says of the same topic waits behind it, and all else passes. Bounded: when it is full,
//! nothing more is read from the client.

use parlor::{Event, Topic};

use crate::{engine::Message, names, queue::Large};

/// Requests that wait, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    requests: Vec<Request>,
    bytes: usize,
}

/// A request of a client.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) message: Message,
    /// What has to be allowed before it goes.
    waits_for: Option<Large>,
    size: usize,
}

/// How many requests may wait.
const MAX: usize = 256;

/// What a request takes beside what it carries.
const HEAD: usize = 256;

impl Request {
    /// A request that was read from a frame of so many bytes.
    pub(crate) fn new(message: Message, frame_bytes: usize) -> Self {
        // It is held as it is read, and so are some of its parts.
        let mut request = Self { message, waits_for: None, size: HEAD + 2 * frame_bytes };
        request.waits_for = request.large();
        request
    }

    fn event(&self) -> Option<&Event> {
        if let Message::Event { event, .. } | Message::Return { event, .. } = &self.message {
            return Some(event);
        }
        None
    }

    fn topic(&self) -> Option<&Topic> {
        self.event().and_then(names::topic_of)
    }

    /// What it asks for, if the answer can be large.
    pub(crate) fn large(&self) -> Option<Large> {
        self.event().and_then(Large::of)
    }

    const fn is_join(&self) -> bool {
        matches!(&self.message, Message::Event { event: Event::Join(_) | Event::Rejoin(_), .. })
    }

    const fn is_leave(&self) -> bool {
        matches!(&self.message, Message::Event { event: Event::Leave(_), .. })
    }
}

/// Which request gave way to a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GaveWay {
    None,
    /// A join that its client has given up.
    Join,
}

impl Parked {
    pub(crate) const fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Whether no more may wait than do.
    pub(crate) const fn is_full(&self, max_bytes: usize) -> bool {
        self.requests.len() >= MAX || self.bytes >= max_bytes
    }

    /// Whether a request has to wait behind others of its topic.
    pub(crate) fn holds_up(&self, request: &Request) -> bool {
        let topic = request.topic();
        topic.is_some() && self.requests.iter().any(|parked| parked.topic() == topic)
    }

    /// Lets a request wait.
    pub(crate) fn park(&mut self, request: Request) {
        self.bytes += request.size;
        self.requests.push(request);
    }

    /// The same where clients give up joins that are not answered in time, and then leave and join
    /// again: the later join or leave takes the place of the earlier ones, if nothing is between them.
    /// A leave waits as long as the join would have, since a client that has not given up the topic is
    /// about to join it again.
    pub(crate) fn park_latest(&mut self, mut request: Request) -> GaveWay {
        let topic = request.topic();
        let mut earlier = self.requests.iter().filter(|parked| parked.topic() == topic);
        let is_superseded = if request.is_join() {
            earlier.all(|parked| parked.is_join() || parked.is_leave())
        } else {
            request.is_leave() && earlier.all(Request::is_join)
        };
        let first = is_superseded
            .then(|| self.requests.iter().position(|parked| parked.topic() == topic))
            .flatten();
        let Some(first) = first else {
            self.park(request);
            return GaveWay::None;
        };
        let topic = topic.cloned();
        request.waits_for = Some(Large::Join);
        let mut gave_way = GaveWay::None;
        let mut freed = 0;
        self.requests.retain(|parked| {
            let stays = parked.topic() != topic.as_ref();
            if !stays {
                freed += parked.size;
                if parked.is_join() {
                    gave_way = GaveWay::Join;
                }
            }
            stays
        });
        self.bytes = self.bytes - freed + request.size;
        self.requests.insert(first, request);
        gave_way
    }

    /// The first request that may go: none of its topic is before it, and if its answer can be
    /// large, `may_ask` allows it.
    pub(crate) fn next(&mut self, may_ask: impl Fn(Large) -> bool) -> Option<Request> {
        let may_go = |(at, request): &(usize, &Request)| {
            if !request.waits_for.is_none_or(&may_ask) {
                return false;
            }
            let topic = request.topic();
            let mut earlier = self.requests.iter().take(*at);
            topic.is_none() || !earlier.any(|earlier| earlier.topic() == topic)
        };
        let at = self.requests.iter().enumerate().find(may_go)?.0;
        let request = self.requests.remove(at);
        self.bytes -= request.size;
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use parlor::{Broadcast, History, Leave, Payload, Rejoin};

    use super::*;

    fn request(event: impl Into<Event>) -> Request {
        let (client_id, generation, event) = ("c".into(), 1, event.into());
        Request::new(Message::Event { client_id, generation, event, flaw: None }, 10)
    }

    fn join(topic: &str, reference: &str) -> Request {
        request(Rejoin::new("c", topic, "ann", 0).with_ref(reference))
    }

    fn leave(topic: &str) -> Request {
        request(Leave::new("c", topic))
    }

    fn say(topic: &str) -> Request {
        request(Broadcast::new("c", topic, Payload::json("1").unwrap()))
    }

    /// What goes, one after the other, as event and topic.
    fn drain(parked: &mut Parked, may_ask: impl Fn(Large) -> bool) -> Vec<String> {
        let mut gone = Vec::new();
        while let Some(request) = parked.next(&may_ask) {
            let topic = request.topic().unwrap().as_str();
            gone.push(format!("{} {topic}", request.event().unwrap().label()));
        }
        gone
    }

    #[test]
    fn a1_events_wait_behind_a_join_of_their_topic_and_others_pass() {
        let mut parked = Parked::default();
        parked.park(join("a", "1"));
        assert!(parked.holds_up(&say("a")));
        assert!(!parked.holds_up(&say("b")));
        parked.park(say("a"));
        parked.park(request(History::new("c", "b")));
        assert_eq!(drain(&mut parked, |large| large == Large::Page), ["history b"]);
        assert_eq!(drain(&mut parked, |_| true), ["rejoin a", "broadcast a"]);
        assert_eq!((parked.is_empty(), parked.bytes), (true, 0));
    }

    #[test]
    fn a1_a_join_that_is_given_up_gives_way_to_the_next() {
        let mut parked = Parked::default();
        parked.park(join("a", "1"));
        parked.park(join("b", "2"));
        assert_eq!(parked.park_latest(leave("a")), GaveWay::Join);
        assert!(parked.next(|_| false).is_none(), "the leave waits, too");
        assert_eq!(parked.park_latest(join("a", "3")), GaveWay::None);
        assert_eq!(parked.bytes, 2 * (HEAD + 20));
        assert_eq!(drain(&mut parked, |_| true), ["rejoin a", "rejoin b"], "in its place");
    }

    #[test]
    fn a1_a_message_between_a_join_and_a_leave_is_kept() {
        let mut parked = Parked::default();
        for request in [join("a", "1"), say("a"), leave("a")] {
            assert_eq!(parked.park_latest(request), GaveWay::None);
        }
        assert_eq!(drain(&mut parked, |_| true), ["rejoin a", "broadcast a", "leave a"]);
    }

    #[test]
    fn a1_parked_requests_are_bounded_by_number_and_bytes() {
        let mut parked = Parked::default();
        for _ in 0..MAX {
            assert!(!parked.is_full(usize::MAX));
            parked.park(say("a"));
        }
        assert!(parked.is_full(usize::MAX));
        let bytes = MAX * (HEAD + 20);
        assert!(parked.is_full(bytes));
        parked.next(|_| true);
        assert!(!parked.is_full(bytes));
    }
}
