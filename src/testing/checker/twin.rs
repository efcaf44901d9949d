//! R5 and R6: a twin of the channel that is watched, flushed at another rhythm.
//!
//! Where the channel is flushed after each event, the twin is flushed after one event, then after
//! two, then after three and so on, so that flushes of every length are compared. Where the channel
//! is flushed later, the twin is flushed after each event, which also tells what came of which.

use std::{format, mem, string::String, vec::Vec};

use parlor::{Channel, Event, Outbound};

use super::{Findings, Rule};

#[derive(Debug, Clone)]
pub(super) struct Twin {
    channel: Channel,
    /// What the channel has said since both were compared.
    said: Vec<Outbound>,
    /// What the twin has said since then, of the same events.
    due: Vec<Outbound>,
    /// How many events there were since the twin was flushed, and after how many it will be.
    events: usize,
    length: usize,
    /// The events after which the channel was not flushed yet, with what came of each.
    waiting: Vec<(Event, Vec<Outbound>)>,
}

impl Twin {
    /// Of a channel that was just made.
    pub(super) fn new(channel: Channel) -> Self {
        let (said, due) = (Vec::new(), Vec::new());
        Self { channel, said, due, events: 0, length: 1, waiting: Vec::new() }
    }

    /// Whether there are events after which the channel was not flushed yet.
    pub(super) const fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The channel was flushed after an event.
    pub(super) fn follow(&mut self, event: &Event, outbox: &[Outbound], findings: &mut Findings) {
        self.channel.handle(event.clone());
        self.said.extend_from_slice(outbox);
        self.events += 1;
        if self.events >= self.length {
            self.length += 1;
            self.flush();
            self.compare(findings);
        }
    }

    /// The channel was not flushed after an event.
    pub(super) fn lead(&mut self, event: &Event) {
        self.flush();
        self.channel.handle(event.clone());
        self.waiting.push((event.clone(), self.channel.flush_outbox()));
    }

    /// The channel was flushed, be it after several events or after none. Returns the events that
    /// waited for it, each with what was said of it.
    pub(super) fn catch_up(
        &mut self,
        outbox: &[Outbound],
        findings: &mut Findings,
    ) -> Vec<(Event, Vec<Outbound>)> {
        if !self.is_waiting() {
            findings.agree(Rule::R6, "what a flush gives right after another", outbox, &[]);
            return Vec::new();
        }

        let mut parts = mem::take(&mut self.waiting);
        self.said.extend_from_slice(outbox);
        self.due.extend(parts.iter().flat_map(|(_, due)| due.iter().cloned()));
        self.compare(findings);

        let (mut rest, last) = (outbox, parts.len() - 1);
        for (place, (_, part)) in parts.iter_mut().enumerate() {
            // What is too much goes to the last.
            let length = if place == last { rest.len() } else { part.len().min(rest.len()) };
            let (own, others) = rest.split_at(length);
            (*part, rest) = (own.to_vec(), others);
        }
        parts
    }

    /// Nothing more comes.
    pub(super) fn finish(mut self, findings: &mut Findings) {
        self.flush();
        let waiting = mem::take(&mut self.waiting);
        self.due.extend(waiting.into_iter().flat_map(|(_, due)| due));
        self.compare(findings);
    }

    fn flush(&mut self) {
        self.due.extend(self.channel.flush_outbox());
        self.events = 0;
    }

    /// R5: what both have said is the same.
    fn compare(&mut self, findings: &mut Findings) {
        let [said, due] = [&mut self.said, &mut self.due].map(mem::take);
        let both = said.iter().zip(&due);
        let same = both.take_while(|(said, due)| said == due).count();
        let told = |outbound: Option<&Outbound>| {
            outbound.map_or_else(|| String::from("nothing"), |outbound| format!("{outbound:?}"))
        };
        if said.len() > same || due.len() > same {
            let [got, expected] = [&said, &due].map(|outbox| told(outbox.get(same)));
            let what = "what is said when flushed at another rhythm";
            findings.add(Rule::R5, format_args!("{what}: expected {expected}, got {got}"));
        }
    }
}
