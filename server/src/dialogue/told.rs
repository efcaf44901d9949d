//! What many clients are told, encoded once, and what each connection notes of it.

use engineioxide::Str;
use parlor::{
    Outbound, Position, Topic,
    wire::dialogue::{self, shared},
};

use super::packet;

/// Something that many are told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) text: Str,
    pub(super) note: Note,
}

/// What is known of a client's rooms when it is told.
#[derive(Debug)]
pub(super) enum Note {
    /// It has what was said in a room up to there.
    Has(Topic, Position),
    /// It is in a room no longer.
    Left(Topic),
    Nothing,
}

impl Told {
    /// Whether a client that is told it is in a room no longer.
    pub(crate) const fn ends_membership(&self) -> bool {
        matches!(self.note, Note::Left(_))
    }

    /// A packet of which nothing is noted.
    pub(crate) fn text(text: String) -> Self {
        Self { text: text.into(), note: Note::Nothing }
    }

    /// An outbound message as all who receive it are told, if the protocol has it.
    pub(crate) fn of_all(outbound: &Outbound) -> Option<Self> {
        let packet: dialogue::Packet = shared(outbound)?;
        let note = match outbound {
            Outbound::BroadcastMessage(message) => match (message.topic(), message.position()) {
                (Some(topic), Some(position)) => Note::Has(topic.clone(), position),
                (_, _) => Note::Nothing,
            },
            Outbound::RoomClosed(notice) => Note::Left(notice.info.topic.clone()),
            // Whatever members are told of it, they are members no longer.
            Outbound::Closed(closed) => Note::Left(closed.topic.clone()),
            Outbound::Reply(_)
            | Outbound::PushMessage(_)
            | Outbound::PresenceState(_)
            | Outbound::PresenceDiff(_)
            | Outbound::History(_)
            | Outbound::Evicted(_)
            | Outbound::RoomOpened(_)
            | Outbound::Disconnect(_)
            | Outbound::System(_) => Note::Nothing,
        };
        Some(Self { text: packet::said(&packet), note })
    }
}
