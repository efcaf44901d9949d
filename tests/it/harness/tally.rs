//! Counts from outside what a channel counts inside.

use std::collections::BTreeMap;

use parlor::{Body, Event, EventKind, Outbound, Reason, Reply, Stats};

use super::{Outcome, agree};

/// What went in and what came out so far.
pub struct Tally {
    events: BTreeMap<EventKind, u64>,
    refusals: BTreeMap<Reason, u64>,
    broadcasts: u64,
    deliveries: u64,
    replies_ok: u64,
    joins: u64,
    leaves: u64,
    next_epoch: u64,
    first_epoch: u64,
}

impl Tally {
    pub fn new(first_epoch: u64) -> Self {
        Self {
            events: BTreeMap::new(),
            refusals: BTreeMap::new(),
            broadcasts: 0,
            deliveries: 0,
            replies_ok: 0,
            joins: 0,
            leaves: 0,
            next_epoch: first_epoch,
            first_epoch,
        }
    }

    /// Counts an event and what was said of it.
    pub fn count(&mut self, event: &Event, flushed: &[Outbound], crashed: bool) {
        *self.events.entry(event.kind()).or_default() += 1;
        for outbound in flushed {
            match outbound {
                Outbound::Reply(Reply { result, .. }) => self.count_reply(result),
                Outbound::PushMessage(_) => self.deliveries += 1,
                Outbound::BroadcastMessage(message) => {
                    self.broadcasts += 1;
                    self.deliveries += message.recipients.ids().count() as u64;
                }
                Outbound::PresenceDiff(diff) => {
                    let [joins, leaves] = [diff.diff.joins(), diff.diff.leaves()];
                    self.joins += joins.iter().flat_map(|entry| entry.metas.iter()).count() as u64;
                    self.leaves +=
                        leaves.iter().flat_map(|entry| entry.metas.iter()).count() as u64;
                }
                Outbound::PresenceState(_)
                | Outbound::History(_)
                | Outbound::Evicted(_)
                | Outbound::LoadHistory(_)
                | Outbound::RoomOpened(_)
                | Outbound::RoomClosed(_)
                | Outbound::Closed(_)
                | Outbound::Disconnect(_)
                | Outbound::System(_) => {}
            }
        }
        if crashed {
            self.leaves = self.joins;
        }
    }

    fn count_reply(&mut self, result: &Result<Body, parlor::Refusal>) {
        match result {
            Err(refusal) => *self.refusals.entry(refusal.reason()).or_default() += 1,
            Ok(body) => {
                self.replies_ok += 1;
                if let Body::Joined { position, .. } | Body::Rejoined { position, .. } = body {
                    self.next_epoch = self.next_epoch.max(position.epoch + 1);
                }
            }
        }
    }

    /// Compares the counts.
    pub fn check(&self, stats: &Stats) -> Outcome {
        let counters = &stats.counters;
        for kind in EventKind::ALL {
            let expected = self.events.get(&kind).copied().unwrap_or(0);
            agree(format_args!("count of {kind}"), counters.events.of(kind), expected)?;
        }
        for reason in Reason::ALL {
            let expected = self.refusals.get(&reason).copied().unwrap_or(0);
            agree(format_args!("count of {reason}"), counters.refusals.of(reason), expected)?;
        }
        agree("count of broadcasts", counters.broadcasts, self.broadcasts)?;
        agree("count of deliveries", counters.deliveries, self.deliveries)?;
        agree("count of ok replies", counters.replies_ok, self.replies_ok)?;
        agree("count of presence joins", counters.presence_joins, self.joins)?;
        agree("count of presence leaves", counters.presence_leaves, self.leaves)?;
        let opened = self.next_epoch - self.first_epoch;
        agree("count of rooms opened", counters.rooms_opened, opened)
    }
}
