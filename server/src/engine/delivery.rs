//! Hands what a channel says to the lanes of those who receive it.

use parlor::{ClientId, EventKind, Outbound, Refusal, Reply, Topic};
use tracing::{debug, info};

use super::{
    encoded::Encoded,
    joining::Joining,
    lane::ForOne,
    seats::{Seats, Wire},
};
use crate::{
    close::Close,
    queue::{Large, Tag},
};

impl Seats {
    pub(super) fn deliver(&mut self, outbound: Outbound) {
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
                self.send(&push.client_id.clone(), ForOne::Push(outbound, tag));
            }
            Outbound::PresenceState(state) => {
                let (client_id, topic) = (state.client_id.clone(), state.topic.clone());
                self.answer(&client_id, topic, outbound);
            }
            Outbound::History(page) => {
                let (client_id, topic) = (page.client_id.clone(), page.topic.clone());
                self.answer(&client_id, topic, outbound);
            }
            Outbound::BroadcastMessage(_) | Outbound::PresenceDiff(_) | Outbound::Closed(_) => {
                self.lanes.send_many(Encoded::new(outbound));
            }
            Outbound::RoomOpened(notice) => {
                self.openings.opened(&notice.info.topic);
                self.lanes.send_many(Encoded::new(outbound));
            }
            Outbound::RoomClosed(notice) => {
                self.openings.closed(&notice.info.topic);
                self.lanes.send_many(Encoded::new(outbound));
            }
            Outbound::Disconnect(close) => {
                let client_id = &close.client_id;
                if self.of_client(client_id).is_some() {
                    info!(client = client_id.as_str(), reason = close.reason, "put out");
                }
                self.send(client_id, ForOne::PutOut(Close::put_out(&close.reason)));
                self.vacate(client_id);
            }
            Outbound::System(system) => info!(label = system.label, "system"),
            // It is for the history, not for clients.
            Outbound::Evicted(_) => {}
        }
    }

    /// Hands over the answer to a join, if one is being gathered.
    pub(super) fn complete(&mut self) {
        if let Some(joining) = self.joining.take() {
            let Joining { client_id, joined, .. } = *joining;
            self.send(&client_id, ForOne::Joined(Box::new(joined)));
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
        match Joining::begin(reply, seat.wire) {
            Ok(joining) => self.joining = Some(Box::new(joining)),
            Err(reply) => self.reply_alone(reply),
        }
    }

    /// Hands over a reply of which nothing else comes.
    pub(super) fn reply_alone(&mut self, reply: Reply) {
        let Some(client_id) = reply.client_id.clone() else { return };
        let what = match (reply.to, &reply.result, reply.topic.clone()) {
            (EventKind::Leave, Ok(_), Some(topic)) => ForOne::Left(topic, Outbound::Reply(reply)),
            (EventKind::History, Err(_), Some(topic)) => {
                ForOne::ReplyOf(topic, Outbound::Reply(reply), Large::Page)
            }
            // The page itself is the answer.
            (EventKind::History, Ok(_), _) => ForOne::Reply(Outbound::Reply(reply), None),
            (to, _, _) => ForOne::Reply(Outbound::Reply(reply), Large::of_kind(to)),
        };
        self.send(&client_id, what);
    }

    /// Hands over a page, or a list that does not come with a join.
    fn answer(&mut self, client_id: &ClientId, topic: Topic, outbound: Outbound) {
        let wire = self.of_client(client_id).map(|seat| seat.wire);
        if wire.is_none_or(|wire| !wire.knows(&outbound)) {
            return;
        }
        let is_asked_for = matches!(&outbound, Outbound::History(page) if page.reference.is_some());
        let what = if is_asked_for {
            ForOne::ReplyOf(topic, outbound, Large::Page)
        } else {
            ForOne::Answer(topic, outbound)
        };
        self.send(client_id, what);
    }
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
