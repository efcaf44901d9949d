//! Messages: broadcast and push.

use alloc::vec::Vec;

use super::{Channel, Member, admission};
use crate::{
    event::{Audience, Broadcast, Header, Push},
    outbound::{Body, BroadcastMessage, Outbound, PushMessage, Target},
    payload::Json,
    recipients::{Except, Recipients},
    refusal::Refusal,
};

impl Channel {
    /// Sends a member's message to its topic, under the next offset.
    ///
    /// Effects: reply if asked for; `broadcast_message`.
    pub(super) fn on_broadcast(
        &mut self,
        header: Header<'_>,
        broadcast: &Broadcast,
    ) -> Result<(), Refusal> {
        let Broadcast { client_id, topic, payload, event, audience, meta, id: _, reference: _ } =
            broadcast;
        let member = self.member(client_id, topic)?;
        admission::check_reserved(event, &self.config)?;

        let except = self.except(member, *audience);
        let room = self.rooms.get_mut(member.room);
        room.position.offset += 1;
        let (position, members) = (room.position, room.members());

        self.reply_if_asked(header, Body::Published { position });
        self.outbox.push(Outbound::BroadcastMessage(BroadcastMessage {
            target: Target::Topic { topic: topic.clone(), position },
            event: event.clone(),
            payload: payload.clone(),
            from: self.clients.names().user(member.client).clone(),
            client_id: Some(client_id.clone()),
            timestamp_ms: self.clock_ms,
            meta: Json::given(meta.as_ref()).cloned(),
            recipients: Recipients::new(members, except),
        }));
        Ok(())
    }

    /// Sends a message from the server to one member.
    ///
    /// Effects: reply if asked for; `push_message`.
    pub(super) fn on_push(&mut self, header: Header<'_>, push: &Push) -> Result<(), Refusal> {
        let Push { client_id, topic, event, payload, reference: _ } = push;
        self.member(client_id, topic)?;

        self.reply_if_asked(header, Body::Empty {});
        self.outbox.push(Outbound::PushMessage(PushMessage {
            client_id: client_id.clone(),
            topic: Some(topic.clone()),
            event: event.clone(),
            payload: payload.clone(),
        }));
        Ok(())
    }

    /// Which members an audience leaves out.
    fn except(&self, sender: Member, audience: Audience) -> Except {
        match audience {
            Audience::All => Except::Nobody,
            Audience::Others => Except::One(sender.client),
            Audience::OtherUsers => {
                let is_member =
                    |client: &_| self.clients.get(*client).rooms.get(sender.room).is_some();
                let mut clients: Vec<_> =
                    self.clients.of_same_user(sender.client).filter(is_member).collect();
                if clients.len() == 1 {
                    return Except::One(sender.client);
                }
                clients.sort_unstable();
                Except::Many(clients.into())
            }
        }
    }
}
