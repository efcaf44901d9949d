//! What is known of one room.

use std::{collections::BTreeSet, vec::Vec};

use parlor::{
    BroadcastMessage, ClientId, EventName, Json, Lifetime, Position, PresenceMode, RoomConfig,
    SnapshotMode, UserId,
};

use super::List;

#[derive(Debug, Clone)]
pub(super) struct Room {
    pub(super) config: RoomConfig,
    /// Whether it goes when nobody is in it.
    pub(super) is_ephemeral: bool,
    /// In join order.
    pub(super) members: Vec<Member>,
    /// Who has to be present, in the order in which the users came. A user without metas keeps its
    /// place as long as it is announced.
    pub(super) present: Vec<(UserId, Vec<Shown>)>,
    /// Who was announced to be present.
    pub(super) announced: List,
    /// Whether what is announced may differ from what has to be, if no window is open.
    pub(super) has_changed: bool,
    /// When the window ends that is open.
    pub(super) due_ms: Option<u64>,
    /// Who knows what was announced: by a snapshot, and every diff since.
    pub(super) informed: BTreeSet<ClientId>,
    pub(super) position: Position,
    pub(super) sent: Vec<Sent>,
}

#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) client: ClientId,
    pub(super) user: UserId,
    /// Until when its membership is held, if it is detached.
    pub(super) held_until: Option<u64>,
    pub(super) subscriptions: Vec<EventName>,
    /// The meta that it joined with, or has brought since when it rejoined.
    pub(super) joined: Option<Json>,
    /// The offset of the last broadcast that it has seen.
    pub(super) seen: u64,
}

/// One client's presence.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) client: ClientId,
    pub(super) online_at_ms: u64,
    pub(super) data: Option<Json>,
    /// Until when it is held, if its client is no member and has lost its connection.
    pub(super) held_until: Option<u64>,
}

/// A broadcast, and whom its sender left out.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) message: BroadcastMessage,
    pub(super) except_client: Option<ClientId>,
    pub(super) except_user: Option<UserId>,
}

impl Room {
    pub(super) fn new(config: RoomConfig, made: Made, epoch: u64) -> Self {
        let is_ephemeral = match (made, config.lifetime) {
            (Made::Declared, _) | (Made::ByOpening, None) => false,
            (Made::ByJoining, None) => true,
            (_, Some(lifetime)) => lifetime == Lifetime::Ephemeral,
        };
        Self {
            config,
            is_ephemeral,
            members: Vec::new(),
            present: Vec::new(),
            announced: List::new(),
            has_changed: false,
            due_ms: None,
            informed: BTreeSet::new(),
            position: Position { epoch, offset: 0 },
            sent: Vec::new(),
        }
    }

    pub(super) fn has_presence(&self) -> bool {
        self.config.presence == PresenceMode::On
    }

    pub(super) fn has_snapshot(&self) -> bool {
        self.has_presence() && self.config.presence_snapshot == SnapshotMode::On
    }

    pub(super) fn member(&self, client: &ClientId) -> Option<&Member> {
        self.members.iter().find(|member| member.client == *client)
    }

    pub(super) fn member_mut(&mut self, client: &ClientId) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.client == *client)
    }

    pub(super) fn attached(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.held_until.is_none())
    }

    pub(super) fn shown(&mut self, client: &ClientId) -> Option<&mut Shown> {
        let mut shown = self.present.iter_mut().flat_map(|(_, metas)| metas);
        shown.find(|shown| shown.client == *client)
    }

    pub(super) fn has_footing(&self, client: &ClientId) -> bool {
        let mut shown = self.present.iter().flat_map(|(_, metas)| metas);
        self.member(client).is_some() || shown.any(|shown| shown.client == *client)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.present.iter().all(|(_, metas)| metas.is_empty())
    }

    /// Starts a presence or changes it.
    pub(super) fn show(&mut self, client: &ClientId, user: &UserId, data: Option<Json>, now: u64) {
        if !self.has_presence() {
            return;
        }
        if let Some(shown) = self.shown(client) {
            if shown.data == data {
                return;
            }
            shown.data = data;
        } else {
            let place = self.present.iter().position(|(other, _)| other == user);
            let place = place.unwrap_or_else(|| {
                self.present.push((user.clone(), Vec::new()));
                self.present.len() - 1
            });
            let shown = Shown { client: client.clone(), online_at_ms: now, data, held_until: None };
            if let Some((_, metas)) = self.present.get_mut(place) {
                metas.push(shown);
            }
        }
        self.change(now);
    }

    /// Ends a presence, if there is one.
    pub(super) fn hide(&mut self, client: &ClientId, now: u64) {
        if self.shown(client).is_none() {
            return;
        }
        for (_, metas) in &mut self.present {
            metas.retain(|shown| shown.client != *client);
        }
        self.change(now);
    }

    /// Presence has changed: a window opens, where there are windows.
    fn change(&mut self, now: u64) {
        self.has_changed = true;
        if let Some(window_ms) = self.config.presence_window_ms {
            self.due_ms.get_or_insert_with(|| now.saturating_add(window_ms));
        }
        let has_windows = self.config.presence_window_ms.is_some();
        let announced = &self.announced;
        self.present.retain(|(user, metas)| {
            let is_announced = announced.iter().any(|(other, _)| other == user);
            !metas.is_empty() || has_windows && is_announced
        });
    }

    /// The window that is open ends.
    pub(super) fn end_window(&mut self) {
        self.due_ms = None;
        self.has_changed = true;
        self.present.retain(|(_, metas)| !metas.is_empty());
    }
}

impl Member {
    pub(super) fn hears(&self, event: &EventName) -> bool {
        self.subscriptions.iter().any(|name| name.as_str() == "*" || name == event)
    }
}

/// How a room came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    Declared,
    ByJoining,
    ByOpening,
}
