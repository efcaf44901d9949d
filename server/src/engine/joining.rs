//! What comes of a join, gathered: the reply, who is present, what was missed or what was said before.
//!
//! It is one answer to the connection, whatever its length, so it is put into the queue as one.

use parlor::{Body, ClientId, EventKind, Outbound, Position, Reply};

use super::seats::Wire;
use crate::queue::Joined;

/// The answer to a join, as far as the channel has given it.
#[derive(Debug)]
pub(super) struct Joining {
    pub(super) client_id: ClientId,
    wire: Wire,
    /// Where its room stood: what comes of the room behind that, all members are told.
    position: Position,
    pub(super) joined: Joined,
}

impl Joining {
    /// Begins with a reply to a connection of that protocol, if it lets its client into a topic.
    #[expect(clippy::result_large_err, reason = "any other reply goes back to the caller")]
    pub(super) fn begin(reply: Reply, wire: Wire) -> Result<Self, Reply> {
        let Reply { to: EventKind::Join | EventKind::Rejoin, result: Ok(body), .. } = &reply else {
            return Err(reply);
        };
        let (Body::Joined { position, .. } | Body::Rejoined { position, .. }) = body else {
            return Err(reply);
        };
        let (Some(client_id), Some(topic)) = (reply.client_id.clone(), reply.topic.clone()) else {
            return Err(reply);
        };
        let position = *position;
        let reply = Outbound::Reply(reply);
        let joined = Joined { topic, reply, state: None, missed: Vec::new(), page: None };
        Ok(Self { client_id, wire, position, joined })
    }

    /// Takes what belongs to the answer. All else comes back: then the answer is complete.
    #[expect(clippy::result_large_err, reason = "what does not belong goes back to the caller")]
    #[expect(clippy::wildcard_enum_match_arm, reason = "all else comes behind the answer")]
    pub(super) fn take(&mut self, outbound: Outbound) -> Result<(), Outbound> {
        let Joined { topic, state, missed, page, reply: _ } = &mut self.joined;
        match outbound {
            Outbound::PresenceState(present)
                if present.client_id == self.client_id && present.topic == *topic =>
            {
                // Clients of Dialogue know of none.
                *state = (self.wire != Wire::Dialogue).then_some(present);
            }
            Outbound::BroadcastMessage(message)
                if message.topic() == Some(topic)
                    && message.position().is_some_and(|position| position <= self.position) =>
            {
                missed.push(Outbound::BroadcastMessage(message));
            }
            Outbound::History(latest)
                if latest.reference.is_none()
                    && latest.client_id == self.client_id
                    && latest.topic == *topic =>
            {
                *page = Some(Outbound::History(latest));
            }
            other => return Err(other),
        }
        Ok(())
    }
}
