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
    joining::Joining,
    seats::{Seat, Seats, Wire},
};
use crate::{
    close::Close,
    dialogue::Told,
    metrics::Sent,
    phoenix::message_of,
    queue::{Item, Large, Put, Tag},
};

impl Seats {
    pub(super) fn deliver(&mut self, outbound: Outbound, once: Option<&Served>) {
        let outbound = match &mut self.joining {
            None => outbound,
            Some(joining) => match joining.take(outbound) {
                Ok(()) => return,
                Err(other) => {
                    self.complete();
                    other
                }
            },
        };
        match &outbound {
            Outbound::Reply(_) => {
                let Outbound::Reply(reply) = outbound else { return };
                self.reply(reply);
            }
            Outbound::PushMessage(push) => {
                let tag = push.topic.as_ref().map(Tag::of);
                self.to_one(&push.client_id.clone(), outbound, tag);
            }
            Outbound::PresenceState(state) => {
                let (client_id, topic) = (state.client_id.clone(), state.topic.clone());
                self.answer(&client_id, &topic, outbound);
            }
            Outbound::History(page) => {
                let (client_id, topic) = (page.client_id.clone(), page.topic.clone());
                self.answer(&client_id, &topic, outbound);
            }
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

    /// Puts the answer to a join into the queue of its client, if one is being gathered.
    pub(super) fn complete(&mut self) {
        let Some(joining) = self.joining.take() else { return };
        let Joining { client_id, joined, .. } = *joining;
        let Some(seat) = self.of_client(&client_id) else { return };
        let parts = [
            (Sent::Reply, 1),
            (Sent::PresenceState, usize::from(joined.state.is_some())),
            (Sent::BroadcastMessage, joined.missed.len()),
            (Sent::History, usize::from(joined.page.is_some())),
        ];
        let waits = seat.queue.joined(joined) == Put::Waits;
        for (sent, many) in parts {
            self.count(Some(sent), seat.wire, if waits { many as u64 } else { 0 });
        }
    }

    fn reply(&mut self, reply: Reply) {
        if let Err(refusal) = &reply.result {
            log_refusal(&reply, refusal);
        }
        let Some(seat) = reply.client_id.as_ref().and_then(|client_id| self.of_client(client_id))
        else {
            return;
        };
        if reply.to == EventKind::Connect {
            if let Err(refusal) = &reply.result {
                seat.queue.cut(Close::no_room(refusal.to_string()));
            }
            return;
        }
        let reply = match Joining::begin(reply, seat.wire) {
            Ok(joining) => return self.joining = Some(Box::new(joining)),
            Err(reply) => reply,
        };
        self.put_reply(seat, reply);
    }

    fn put_reply(&self, seat: &Seat, reply: Reply) {
        let put = match (reply.to, &reply.result, reply.topic.clone()) {
            (EventKind::Leave, Ok(_), Some(topic)) => {
                seat.queue.left(&topic, Outbound::Reply(reply))
            }
            (EventKind::History, Err(_), Some(topic)) => {
                seat.queue.reply_of(&topic, Outbound::Reply(reply), Large::Page)
            }
            // The page itself is the answer.
            (EventKind::History, Ok(_), _) => seat.queue.reply(Outbound::Reply(reply), None),
            (to, _, _) => seat.queue.reply(Outbound::Reply(reply), Large::of_kind(to)),
        };
        self.count(Some(Sent::Reply), seat.wire, u64::from(put == Put::Waits));
    }

    /// Puts a reply to a join of which nothing else comes into the queue of its client.
    pub(super) fn reply_alone(&self, reply: Reply) {
        if let Some(seat) = reply.client_id.as_ref().and_then(|client_id| self.of_client(client_id))
        {
            self.put_reply(seat, reply);
        }
    }

    /// Lets those know who can't be told: their connections join again for them.
    pub(super) fn restarted(&self, shard: usize) {
        for seat in self.all().filter(|seat| seat.wire == Wire::Dialogue) {
            seat.queue.restarted(shard);
        }
    }

    /// Puts a page, or a list that does not come with a join, into the queue of its client.
    fn answer(&self, client_id: &ClientId, topic: &Topic, outbound: Outbound) {
        let Some(seat) = self.of_client(client_id).filter(|seat| seat.wire.knows(&outbound)) else {
            return;
        };
        let kind = Sent::of(&outbound);
        let is_asked_for = matches!(&outbound, Outbound::History(page) if page.reference.is_some());
        let queued = if is_asked_for {
            seat.queue.reply_of(topic, outbound, Large::Page)
        } else {
            seat.queue.answer_of(topic, outbound)
        };
        self.count(kind, seat.wire, u64::from(queued == Put::Waits));
    }

    fn to_one(&self, client_id: &ClientId, outbound: Outbound, tag: Option<Tag>) {
        if let Some(seat) = self.of_client(client_id)
            && seat.wire.knows(&outbound)
        {
            let sent = Sent::of(&outbound);
            let put = put(seat, Item::Outbound(Arc::new(outbound)), || tag);
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
                waits = u64::from(put(seat, item.clone(), || encoded.tag()) == Put::Waits);
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

fn put(seat: &Seat, item: Item, tag: impl FnOnce() -> Option<Tag>) -> Put {
    let put = seat.queue.put(item, tag);
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
    tag: OnceCell<Option<Tag>>,
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
            tag: OnceCell::new(),
        }
    }

    /// The topic in whose order it stands, if it has one.
    fn tag(&self) -> Option<Tag> {
        *self.tag.get_or_init(|| topic_of(self.outbound).map(Tag::of))
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

/// The topic in whose order something many receive stands. That a room was opened or has gone is news
/// to all, members or not.
fn topic_of(outbound: &Outbound) -> Option<&Topic> {
    match outbound {
        Outbound::BroadcastMessage(message) => message.topic(),
        Outbound::PresenceDiff(diff) => Some(&diff.topic),
        Outbound::Closed(closed) => Some(&closed.topic),
        Outbound::Reply(_)
        | Outbound::PushMessage(_)
        | Outbound::PresenceState(_)
        | Outbound::History(_)
        | Outbound::Evicted(_)
        | Outbound::RoomOpened(_)
        | Outbound::RoomClosed(_)
        | Outbound::Disconnect(_)
        | Outbound::System(_) => None,
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
