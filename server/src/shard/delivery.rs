//! Brings what a channel says to the queues of those who receive it.
//!
//! What is the same for all is encoded once for each protocol; what depends on the connection is
//! put into its queue as it is.

use std::{
    cell::OnceCell,
    sync::{Arc, PoisonError},
};

use parlor::{
    ClientId, EventKind, Outbound, Recipients, Refusal, Reply, Topic,
    wire::phoenix::{self, Positions},
};
use tracing::{debug, info, warn};

use super::{
    Served,
    seats::{Seat, Seats, Wire},
};
use crate::{
    close::Close,
    dialogue::Told,
    metrics::Sent,
    phoenix::message_of,
    queue::{Item, Put},
};

impl Seats {
    pub(super) fn deliver(&mut self, outbound: Outbound, once: Option<&Served>) {
        match &outbound {
            Outbound::Reply(reply) => {
                if let Err(refusal) = &reply.result {
                    log_refusal(reply, refusal);
                }
                let Some(client_id) = reply.client_id.clone() else { return };
                if reply.to != EventKind::Connect {
                    self.to_one(&client_id, outbound);
                } else if let Err(refusal) = &reply.result
                    && let Some(seat) = self.of_client(&client_id)
                {
                    seat.queue.cut(Close::no_room(refusal.to_string()));
                }
            }
            Outbound::PushMessage(push) => self.to_one(&push.client_id.clone(), outbound),
            Outbound::PresenceState(state) => self.to_one(&state.client_id.clone(), outbound),
            Outbound::History(page) => self.to_one(&page.client_id.clone(), outbound),
            Outbound::BroadcastMessage(message) => {
                self.to_all(&message.recipients, &outbound, once);
            }
            Outbound::PresenceDiff(diff) => self.to_all(&diff.recipients, &outbound, once),
            Outbound::RoomOpened(notice) => {
                self.openings.opened(&notice.info.topic);
                self.to_all(&notice.recipients, &outbound, once);
            }
            Outbound::RoomClosed(notice) => {
                self.openings.closed(&notice.info.topic);
                self.to_all(&notice.recipients, &outbound, once);
            }
            Outbound::Closed(closed) => self.to_all(&closed.recipients, &outbound, once),
            Outbound::Disconnect(close) => {
                if let Some(seat) = self.vacate(&close.client_id) {
                    info!(client = close.client_id.as_str(), reason = close.reason, "put out");
                    seat.queue.put_out(Close::put_out(&close.reason));
                }
            }
            Outbound::System(system) => info!(label = system.label, "system"),
            // It is for the history, not for clients.
            Outbound::Evicted(_) => {}
        }
    }

    /// Lets those know who can't be told: their connections join again for them.
    pub(super) fn restarted(&self, shard: usize) {
        for seat in self.all().filter(|seat| seat.wire == Wire::Dialogue) {
            put(seat, Item::Restarted(shard));
        }
    }

    fn to_one(&self, client_id: &ClientId, outbound: Outbound) {
        if let Some(seat) = self.of_client(client_id)
            && seat.wire.knows(&outbound)
        {
            let sent = Sent::of(&outbound);
            let put = put(seat, Item::Outbound(Arc::new(outbound)));
            self.count(sent, seat.wire, u64::from(put == Put::Waits));
        }
    }

    fn to_all(&self, recipients: &Recipients, outbound: &Outbound, once: Option<&Served>) {
        if recipients.is_empty() {
            return;
        }
        let encoded = Encoded::new(outbound);
        let [mut phoenix, mut dialogue] = [0, 0];
        let mut served = once.map(|once| once.lock().unwrap_or_else(PoisonError::into_inner));
        for seat in recipients.handles().filter_map(|handle| self.of_handle(handle)) {
            if served.as_mut().is_some_and(|served| !served.insert(seat.client_id.clone())) {
                continue;
            }
            let mut waits = 0;
            for item in encoded.of(seat.wire) {
                // The last item is the message; one before it has only its position.
                waits = u64::from(put(seat, item.clone()) == Put::Waits);
            }
            match seat.wire {
                Wire::Phoenix | Wire::PhoenixPositioned | Wire::PhoenixSigned => phoenix += waits,
                Wire::Dialogue => dialogue += waits,
            }
        }
        self.count(Sent::of(outbound), Wire::Phoenix, phoenix);
        self.count(Sent::of(outbound), Wire::Dialogue, dialogue);
    }

    fn count(&self, sent: Option<Sent>, wire: Wire, many: u64) {
        if let Some(sent) = sent {
            self.figures.sent(wire, sent, many);
        }
    }
}

fn put(seat: &Seat, item: Item) -> Put {
    let put = seat.queue.put(item);
    if put == Put::CutsOff {
        info!(client = seat.client_id.as_str(), "too slow, so it is cut off");
    }
    put
}

fn log_refusal(reply: &Reply, refusal: &Refusal) {
    let client = reply.client_id.as_ref().map(ClientId::as_str);
    let topic = reply.topic.as_ref().map(Topic::as_str);
    let (to, reason) = (reply.to.label(), refusal.reason().label());
    debug!(client, topic, to, reason, "refused");
}

impl Wire {
    /// Whether the protocol has anything like it. A list of who is present can be long, so it does
    /// not wait for a client that knows of none.
    const fn knows(self, outbound: &Outbound) -> bool {
        !matches!((self, outbound), (Self::Dialogue, Outbound::PresenceState(_)))
    }
}

/// A message for many, encoded once for each variant of the protocols, when the first asks for it.
struct Encoded<'a> {
    outbound: &'a Outbound,
    phoenix: OnceCell<Items>,
    positioned: OnceCell<Items>,
    signed: OnceCell<Items>,
    dialogue: OnceCell<Items>,
}

/// What one connection is sent of a message, in order; nothing if it has no form in the protocol.
type Items = Vec<Item>;

impl<'a> Encoded<'a> {
    const fn new(outbound: &'a Outbound) -> Self {
        Self {
            outbound,
            phoenix: OnceCell::new(),
            positioned: OnceCell::new(),
            signed: OnceCell::new(),
            dialogue: OnceCell::new(),
        }
    }

    fn of(&self, wire: Wire) -> &[Item] {
        let phoenix = |positions| of_phoenix(self.outbound, positions);
        match wire {
            Wire::Phoenix => self.phoenix.get_or_init(|| phoenix(Positions::Withheld)),
            Wire::PhoenixPositioned => self.positioned.get_or_init(|| phoenix(Positions::Sent)),
            Wire::PhoenixSigned => self.signed.get_or_init(|| phoenix(Positions::Signed)),
            Wire::Dialogue => self.dialogue.get_or_init(|| of_dialogue(self.outbound)),
        }
    }
}

fn of_dialogue(outbound: &Outbound) -> Items {
    Told::of_all(outbound).map(|told| Item::Told(Arc::new(told))).into_iter().collect()
}

fn of_phoenix(outbound: &Outbound, positions: Positions) -> Items {
    match phoenix::shared(outbound, positions) {
        Ok(Some(frames)) => frames.into_iter().map(message_of).map(Item::Frame).collect(),
        Ok(None) => vec![Item::Outbound(Arc::new(outbound.clone()))],
        Err(error) => {
            // Only where names may be longer than the protocol can say.
            warn!(%error, "a message has no form in the protocol, so nobody receives it");
            Vec::new()
        }
    }
}
