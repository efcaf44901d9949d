//! What the engine tells those who watch it.
//!
//! An engine that nobody watches looks whether anybody does, and that is all. It never waits for one
//! who does: see [`Buffer`].

use std::{cell::OnceCell, sync::Weak};

use bytes::Bytes;
use parlor::{Channel, Event, Outbound};

use super::{
    buffer::Buffer,
    filter::Filter,
    head::Head,
    line::{self, Payloads, Place},
};
use crate::clock::Clock;

/// Who watches the engine.
#[derive(Debug)]
pub(crate) struct Tap {
    clock: Clock,
    watchers: Vec<Watcher>,
}

/// One who watches: what it wants to see, and where that is put. Who goes lets go of the buffer.
#[derive(Debug)]
pub(crate) struct Watcher {
    pub(super) filter: Filter,
    pub(super) payloads: Payloads,
    pub(super) buffer: Weak<Buffer>,
}

impl Tap {
    pub(crate) const fn new(clock: Clock) -> Self {
        Self { clock, watchers: Vec::new() }
    }

    pub(crate) fn add(&mut self, watcher: Watcher) {
        self.watchers.push(watcher);
    }

    /// Whether anybody watches, or has of late.
    #[inline]
    pub(crate) const fn is_watched(&self) -> bool {
        !self.watchers.is_empty()
    }

    /// An event is about to go in.
    #[inline]
    pub(crate) fn event(&mut self, event: &Event, channel: &Channel) {
        if self.is_watched() {
            self.tell_event(event, channel);
        }
    }

    /// A message has come out.
    #[inline]
    pub(crate) fn outbound(&mut self, outbound: &Outbound, channel: &Channel) {
        if self.is_watched() {
            self.tell_outbound(outbound, channel);
        }
    }

    #[cold]
    fn tell_event(&mut self, event: &Event, channel: &Channel) {
        let (head, place) = (Head::of_event(event), self.place(handled(channel) + 1));
        self.tell(
            |filter| filter.has_event(&head),
            |payloads| line::of_event(place, head, payloads, event),
        );
    }

    #[cold]
    fn tell_outbound(&mut self, outbound: &Outbound, channel: &Channel) {
        let (head, place) = (Head::of_outbound(outbound), self.place(handled(channel)));
        self.tell(
            |filter| filter.has_outbound(&head, outbound),
            |payloads| line::of_outbound(place, head, payloads, outbound),
        );
    }

    fn place(&self, number: u64) -> Place {
        Place { number, at_ms: self.clock.now_ms() }
    }

    /// Tells those who want to see it, and forgets those who have gone. It is written once for each
    /// form that somebody wants.
    fn tell(&mut self, is_wanted: impl Fn(&Filter) -> bool, write: impl Fn(Payloads) -> Bytes) {
        let (shown, hidden) = (OnceCell::new(), OnceCell::new());
        self.watchers.retain(|watcher| {
            let Some(buffer) = watcher.buffer.upgrade() else { return false };
            if is_wanted(&watcher.filter) {
                let form = match watcher.payloads {
                    Payloads::Shown => &shown,
                    Payloads::Hidden => &hidden,
                };
                buffer.put(form.get_or_init(|| write(watcher.payloads)).clone());
            }
            true
        });
    }
}

/// How many events a channel has handled.
fn handled(channel: &Channel) -> u64 {
    channel.stats().counters.events.total()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parlor::{Broadcast, Config, Join, Tick};
    use serde_json::Value;

    use super::*;
    use crate::inspect::buffer::Waiting;

    fn watch(tap: &mut Tap, filter: Filter, payloads: Payloads) -> Arc<Buffer> {
        let buffer = Arc::new(Buffer::default());
        tap.add(Watcher { filter, payloads, buffer: Arc::downgrade(&buffer) });
        buffer
    }

    /// A channel that is watched as by an engine.
    struct Watched {
        tap: Tap,
        channel: Channel,
    }

    impl Watched {
        fn new() -> Self {
            let channel = Channel::single_node(Config::default());
            Self { tap: Tap::new(Clock::start()), channel }
        }

        fn handle(&mut self, event: Event) {
            self.tap.event(&event, &self.channel);
            self.channel.handle(event);
            for outbound in self.channel.flush_outbox() {
                self.tap.outbound(&outbound, &self.channel);
            }
        }
    }

    /// What one who watches reads: number, kind and topic.
    async fn told(buffer: &Buffer) -> Vec<String> {
        let told = |waiting| match waiting {
            Waiting::Line(line) => {
                let line: Value = serde_json::from_slice(&line).unwrap();
                format!("{} {} {}", line["number"], line["kind"], line["topic"])
            }
            Waiting::Skipped(count) => format!("skipped {count}"),
        };
        let told = buffer.take().await.into_iter().map(told);
        told.map(|line| line.replace('"', "")).collect()
    }

    fn join(client: &str, topic: &str) -> Event {
        Join::new(client, topic, "ann", 0).into()
    }

    #[tokio::test]
    async fn each_sees_what_it_looks_for_in_order() {
        let mut watched = Watched::new();
        watched.handle(join("c0", "a"));
        let all = watch(&mut watched.tap, Filter::default(), Payloads::Shown);
        let of_b = Filter { topic: Some("b".into()), ..Filter::default() };
        let of_b = watch(&mut watched.tap, of_b, Payloads::Hidden);
        let of_c0 = Filter { client: Some("c0".into()), ..Filter::default() };
        let of_c0 = watch(&mut watched.tap, of_c0, Payloads::Shown);
        let ticks = Filter { kinds: vec!["tick"], ..Filter::default() };
        let ticks = watch(&mut watched.tap, ticks, Payloads::Shown);

        watched.handle(Tick::new(5).into());
        watched.handle(join("c1", "a"));
        watched.handle(join("c1", "b"));
        let hi = parlor::Payload::json("1").unwrap();
        watched.handle(Broadcast::new("c1", "b", hi).into());
        let in_a = ["3 join a", "3 reply a", "3 presence_state a", "3 presence_diff a"];
        let in_b = [
            "4 join b",
            "4 reply b",
            "4 presence_state b",
            "4 presence_diff b",
            "5 broadcast b",
            "5 broadcast_message b",
        ];
        assert_eq!(told(&all).await, [&in_a[..], &in_b].concat());
        assert_eq!(told(&of_b).await, in_b);
        assert_eq!(told(&of_c0).await, ["3 presence_diff a"]);
        assert_eq!(told(&ticks).await, ["2 tick null"]);
    }

    #[test]
    fn who_has_gone_is_forgotten() {
        let mut watched = Watched::new();
        assert!(!watched.tap.is_watched());
        let buffer = watch(&mut watched.tap, Filter::default(), Payloads::Shown);
        watched.handle(join("c1", "a"));
        assert!(watched.tap.is_watched());
        drop(buffer);
        watched.handle(join("c2", "a"));
        assert!(!watched.tap.is_watched());
    }
}
