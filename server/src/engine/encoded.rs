//! A message for many, encoded once for each variant of the protocols, by the lane that needs it first.

use std::sync::{Arc, OnceLock};

use parlor::{
    Outbound, Recipients, Topic,
    wire::phoenix::{self, Positions},
};
use tracing::warn;

use super::seats::Wire;
use crate::{
    dialogue::Told,
    metrics::Sent,
    phoenix::message_of,
    queue::{Item, Tag, size_of_outbound},
};

/// A message for many, and its encoded forms.
#[derive(Debug)]
pub(super) struct Encoded {
    outbound: Arc<Outbound>,
    phoenix: OnceLock<Items>,
    positioned: OnceLock<Items>,
    signed: OnceLock<Items>,
    dialogue: OnceLock<Items>,
    tag: OnceLock<Option<Tag>>,
}

/// What one connection is sent of a message, in order; nothing if it has no form in the protocol.
type Items = Vec<Item>;

impl Encoded {
    /// None of what is not for many.
    pub(super) fn new(outbound: Outbound) -> Self {
        Self {
            outbound: Arc::new(outbound),
            phoenix: OnceLock::new(),
            positioned: OnceLock::new(),
            signed: OnceLock::new(),
            dialogue: OnceLock::new(),
            tag: OnceLock::new(),
        }
    }

    /// Who receives it, if it is for many.
    pub(super) fn recipients(&self) -> Option<&Recipients> {
        self.outbound.recipients()
    }

    /// How many bytes it holds.
    pub(super) fn size(&self) -> usize {
        size_of_outbound(&self.outbound)
    }

    pub(super) fn sent(&self) -> Option<Sent> {
        Sent::of(&self.outbound)
    }

    /// The topic in whose order it stands, if it has one.
    pub(super) fn tag(&self) -> Option<Tag> {
        *self.tag.get_or_init(|| topic_of(&self.outbound).map(Tag::of))
    }

    pub(super) fn of(&self, wire: Wire) -> &[Item] {
        let phoenix = |positions| of_phoenix(&self.outbound, positions);
        match wire {
            Wire::Phoenix => self.phoenix.get_or_init(|| phoenix(Positions::Withheld)),
            Wire::PhoenixPositioned => self.positioned.get_or_init(|| phoenix(Positions::Sent)),
            Wire::PhoenixSigned => self.signed.get_or_init(|| phoenix(Positions::Signed)),
            Wire::Dialogue => self.dialogue.get_or_init(|| of_dialogue(&self.outbound)),
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

fn of_phoenix(outbound: &Arc<Outbound>, positions: Positions) -> Items {
    match phoenix::shared(outbound, positions) {
        Ok(Some(frames)) => frames.into_iter().map(message_of).map(Item::Frame).collect(),
        Ok(None) => vec![Item::Outbound(Arc::clone(outbound))],
        Err(error) => {
            // Only where names may be longer than the protocol can say.
            warn!(%error, "a message has no form in the protocol, so nobody receives it");
            Vec::new()
        }
    }
}
