//! What a channel has to say and has not yet been asked for, in order; and counts of what it said.

use alloc::vec::Vec;

use crate::{
    directory::Directory,
    event::{EventKind, Header},
    outbound::{Body, Outbound, Reply},
    refusal::Refusal,
    stats::Counters,
};

/// The longest list that is made ready before there is anything to put in it.
const LIKELY: usize = 16;

/// The messages since the last flush.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outbox {
    pending: Vec<Outbound>,
    counters: Counters,
}

impl Outbox {
    /// Adds a message at the end.
    pub(crate) fn push(&mut self, outbound: Outbound) {
        self.push_with(|| outbound);
    }

    /// Adds the answer to the event of that header.
    pub(crate) fn reply(&mut self, header: Header<'_>, result: Result<Body, Refusal>) {
        let header = &header;
        self.push_with(|| Outbound::reply(header, result));
    }

    /// Adds a message at the end, which is made where it is to lie: for those that are said often.
    /// `outbound` itself is copied, so it should hold little but references.
    #[inline]
    pub(crate) fn push_with(&mut self, outbound: impl FnOnce() -> Outbound) {
        // Not a push: that would make it elsewhere, make room, and copy it.
        self.pending.extend(Some(outbound).into_iter().map(|outbound| outbound()));
        if let Some(outbound) = self.pending.last() {
            self.counters.count_outbound(outbound);
        }
    }
    /// How many messages there are to be flushed.
    pub(crate) const fn len(&self) -> usize {
        self.pending.len()
    }

    pub(crate) const fn set_counters(&mut self, counters: &Counters) {
        self.counters = *counters;
    }

    /// Takes everything, with the names of those whom it mentions.
    #[inline]
    pub(crate) fn flush(&mut self, names: &Directory) -> Vec<Outbound> {
        // As many as this time are likely next time: the list need not grow by and by.
        let next = Vec::with_capacity(self.pending.len().min(LIKELY));
        let mut flushed = core::mem::replace(&mut self.pending, next);
        for outbound in &mut flushed {
            outbound.name(names);
        }
        flushed
    }

    pub(crate) fn count_event(&mut self, kind: EventKind) {
        self.counters.count_event(kind);
    }

    pub(crate) const fn count_presence_join(&mut self) {
        self.counters.presence_joins += 1;
    }

    pub(crate) const fn count_presence_leaves(&mut self, metas: u64) {
        self.counters.presence_leaves += metas;
    }

    pub(crate) fn count_room(&mut self) {
        self.counters.rooms_opened += 1;
    }

    pub(crate) const fn counters(&self) -> &Counters {
        &self.counters
    }
}

impl Counters {
    #[inline]
    fn count_outbound(&mut self, outbound: &Outbound) {
        match outbound {
            Outbound::Reply(Reply { result: Ok(_), .. }) => self.replies_ok += 1,
            Outbound::Reply(Reply { result: Err(refusal), .. }) => {
                self.count_refusal(refusal.reason());
            }
            Outbound::PushMessage(_) => self.deliveries += 1,
            Outbound::BroadcastMessage(message) => {
                self.broadcasts += 1;
                self.deliveries += message.recipients.len() as u64;
            }
            Outbound::PresenceState(_)
            | Outbound::PresenceDiff(_)
            | Outbound::History(_)
            | Outbound::Evicted(_)
            | Outbound::RoomOpened(_)
            | Outbound::RoomClosed(_)
            | Outbound::Closed(_)
            | Outbound::Disconnect(_)
            | Outbound::System(_) => {}
        }
    }
}
