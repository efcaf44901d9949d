//! What the engine and its lanes count. One task at a time writes each, so that counting costs no more
//! than adding.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use parlor::{Body, Event, EventKind, Outbound, Reason, Reply, Stats};

use super::count::{Count, Durations};
use crate::engine::Wire;

/// Of what clients say, the time is taken of one in so many, from the first one on.
pub(crate) const SAMPLED: u64 = 16;

/// What clients are sent, as a label has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    Reply,
    PushMessage,
    BroadcastMessage,
    PresenceState,
    PresenceDiff,
    History,
    RoomOpened,
    RoomClosed,
    Closed,
}

impl Sent {
    pub(super) const ALL: [(Self, &str); 9] = [
        (Self::Reply, "reply"),
        (Self::PushMessage, "push_message"),
        (Self::BroadcastMessage, "broadcast_message"),
        (Self::PresenceState, "presence_state"),
        (Self::PresenceDiff, "presence_diff"),
        (Self::History, "history"),
        (Self::RoomOpened, "room_opened"),
        (Self::RoomClosed, "room_closed"),
        (Self::Closed, "closed"),
    ];

    /// None of what is for the driver.
    pub(crate) const fn of(outbound: &Outbound) -> Option<Self> {
        Some(match outbound {
            Outbound::Reply(_) => Self::Reply,
            Outbound::PushMessage(_) => Self::PushMessage,
            Outbound::BroadcastMessage(_) => Self::BroadcastMessage,
            Outbound::PresenceState(_) => Self::PresenceState,
            Outbound::PresenceDiff(_) => Self::PresenceDiff,
            Outbound::History(_) => Self::History,
            Outbound::RoomOpened(_) => Self::RoomOpened,
            Outbound::RoomClosed(_) => Self::RoomClosed,
            Outbound::Closed(_) => Self::Closed,
            Outbound::Evicted(_) | Outbound::Disconnect(_) | Outbound::System(_) => return None,
        })
    }
}

/// What the engine has counted, and what its channel holds. Read by others at any time.
#[derive(Debug, Default)]
pub(crate) struct EngineFigures {
    /// What its channel counts, as of the end of its last batch.
    channel: ChannelFigures,
    recovered: Count,
    gaps: Count,
    /// Events of clients, whose time may have been taken.
    said: Count,
    handled: Durations,
    batches: Durations,
    longest_us: Count,
    journal_failed: Count,
}

#[derive(Debug, Default)]
struct ChannelFigures {
    events: [Count; EventKind::ALL.len()],
    refusals: [Count; Reason::ALL.len()],
    topics: Count,
    clients: Count,
    memberships: Count,
    detached: Count,
    history_messages: Count,
    history_bytes: Count,
    rooms_opened: Count,
    presence_joins: Count,
    presence_leaves: Count,
}

/// What the engine writes: for its task.
impl EngineFigures {
    /// A client says something: when that was, if its time is to be taken.
    pub(crate) fn begin(&self) -> Option<Instant> {
        let is_sampled = self.said.get().is_multiple_of(SAMPLED);
        self.said.add(1);
        is_sampled.then(Instant::now)
    }

    /// What it has said is done.
    pub(crate) fn done(&self, began: Option<Instant>) {
        if let Some(began) = began {
            self.handled.observe(began.elapsed());
        }
    }

    /// A batch is delivered.
    pub(crate) fn batch(&self, began: Instant, stats: &Stats) {
        let took = began.elapsed();
        self.batches.observe(took);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if took_us > self.longest_us.get() {
            self.longest_us.set(took_us);
        }
        self.publish(stats);
    }

    /// Lets others see what the channel has counted.
    pub(crate) fn publish(&self, stats: &Stats) {
        let of = &self.channel;
        for (count, kind) in of.events.iter().zip(EventKind::ALL) {
            count.set(stats.counters.events.of(kind));
        }
        for (count, reason) in of.refusals.iter().zip(Reason::ALL) {
            count.set(stats.counters.refusals.of(reason));
        }
        of.topics.set(stats.topics as u64);
        of.clients.set(stats.clients as u64);
        of.memberships.set(stats.memberships as u64);
        of.detached.set(stats.detached as u64);
        of.history_messages.set(stats.history_messages);
        of.history_bytes.set(stats.history_bytes);
        of.rooms_opened.set(stats.counters.rooms_opened);
        of.presence_joins.set(stats.counters.presence_joins);
        of.presence_leaves.set(stats.counters.presence_leaves);
    }

    /// Its journal ends, as it can't be written.
    pub(crate) fn journal_fails(&self) {
        self.journal_failed.set(1);
    }
}

/// What others read.
impl EngineFigures {
    pub(super) fn events(&self, kind: EventKind) -> u64 {
        self.channel.events.get(kind as usize).map_or(0, Count::get)
    }

    pub(super) fn refusals(&self, reason: Reason) -> u64 {
        self.channel.refusals.get(reason as usize).map_or(0, Count::get)
    }

    pub(super) fn topics(&self) -> u64 {
        self.channel.topics.get()
    }

    pub(super) fn clients(&self) -> u64 {
        self.channel.clients.get()
    }

    pub(super) fn memberships(&self) -> u64 {
        self.channel.memberships.get()
    }

    pub(super) fn detached(&self) -> u64 {
        self.channel.detached.get()
    }

    pub(super) fn history_messages(&self) -> u64 {
        self.channel.history_messages.get()
    }

    pub(super) fn history_bytes(&self) -> u64 {
        self.channel.history_bytes.get()
    }

    pub(super) fn rooms_opened(&self) -> u64 {
        self.channel.rooms_opened.get()
    }

    pub(super) fn presence_joins(&self) -> u64 {
        self.channel.presence_joins.get()
    }

    pub(super) fn presence_leaves(&self) -> u64 {
        self.channel.presence_leaves.get()
    }

    pub(super) fn recovered(&self) -> u64 {
        self.recovered.get()
    }

    pub(super) fn gaps(&self) -> u64 {
        self.gaps.get()
    }

    pub(super) const fn handled(&self) -> &Durations {
        &self.handled
    }

    pub(super) const fn batches(&self) -> &Durations {
        &self.batches
    }

    /// The longest batch.
    pub(crate) fn longest_batch(&self) -> Duration {
        Duration::from_micros(self.longest_us.get())
    }

    pub(super) fn busy(&self) -> Duration {
        self.batches.sum()
    }

    pub(crate) fn has_journal_failed(&self) -> bool {
        self.journal_failed.get() != 0
    }
}

/// What a lane has counted, and how much waits for it.
#[derive(Debug, Default)]
pub(crate) struct LaneFigures {
    /// By protocol, then by what it was.
    sent: [[Count; Sent::ALL.len()]; Wire::ALL.len()],
    waiting: AtomicUsize,
    helped: Count,
}

impl LaneFigures {
    /// Something waits for so many connections that speak a protocol. For whoever does the lane's work.
    pub(crate) fn sent(&self, wire: Wire, sent: Sent, many: u64) {
        if let Some(count) = self.sent.get(wire.place()).and_then(|of| of.get(sent as usize)) {
            count.add(many);
        }
    }

    /// So much more work waits.
    pub(crate) fn comes(&self, work: usize) {
        self.waiting.fetch_add(work, Ordering::Relaxed);
    }

    /// So much of it is done.
    pub(crate) fn goes(&self, work: usize) {
        self.waiting.fetch_sub(work, Ordering::Relaxed);
    }

    /// How much waits.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// The engine has done some of the work. For the engine.
    pub(crate) fn helped(&self) {
        self.helped.add(1);
    }

    pub(crate) fn count_helped(&self) -> u64 {
        self.helped.get()
    }

    pub(super) fn deliveries(&self, wire: Wire, sent: Sent) -> u64 {
        let count = self.sent.get(wire.place()).and_then(|of| of.get(sent as usize));
        count.map_or(0, Count::get)
    }
}

/// Which rejoins said how far they had got, until they are answered. Each is, in their order.
#[derive(Debug, Default)]
pub(crate) struct Rejoins(VecDeque<Asked>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Since,
    Nothing,
}

impl Rejoins {
    /// An event goes in.
    pub(crate) fn ask(&mut self, event: &Event) {
        if let Event::Rejoin(rejoin) = event {
            let asked = if rejoin.since.is_some() { Asked::Since } else { Asked::Nothing };
            self.0.push_back(asked);
        } else if let Event::Refuse(refuse) = event
            && refuse.to == EventKind::Rejoin
        {
            self.0.push_back(Asked::Nothing);
        }
    }

    /// A reply comes out.
    pub(crate) fn answer(&mut self, reply: &Reply, figures: &EngineFigures) {
        if reply.to != EventKind::Rejoin || self.0.pop_front() != Some(Asked::Since) {
            return;
        }
        match reply.result {
            Ok(Body::Rejoined { recovered: true, .. }) => figures.recovered.add(1),
            Ok(Body::Rejoined { recovered: false, .. }) => figures.gaps.add(1),
            Ok(_) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_has_its_place_and_its_name() {
        for (place, (sent, label)) in Sent::ALL.into_iter().enumerate() {
            assert_eq!(sent as usize, place, "{label}");
        }
        for (place, wire) in Wire::ALL.into_iter().enumerate() {
            assert_eq!(wire.place(), place, "{wire:?}");
        }
    }
}
