//! One room: its position, configuration, members, presences and history.

use alloc::{boxed::Box, collections::BTreeMap, sync::Arc, vec, vec::Vec};
use core::num::NonZeroU64;

use crate::{
    config::{Lifetime, PresenceMode, RoomConfig},
    dedupe::Dedupe,
    event::Position,
    history::History,
    ids::{ClientHandle, EventName, Topic, UserId},
    lost::Reader,
    payload::Json,
    presence::Presence,
    roster::{Roll, Roster},
    subscriptions::Subscriptions,
};

/// One room.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    pub(crate) topic: Topic,
    /// The epoch of the room and the offset of its last broadcast.
    pub(crate) position: Position,
    pub(crate) config: Arc<RoomConfig>,
    pub(crate) origin: Origin,
    /// Who is present; none in a room that has presence off.
    pub(crate) presence: Option<Box<Presence>>,
    /// What is kept of its messages; none in a room that keeps nothing.
    pub(crate) history: Option<Box<History>>,
    /// What few rooms have.
    pub(crate) extras: Option<Box<Extras>>,
    pub(super) members: Roster,
}

/// What few rooms have.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extras {
    /// Who hears something else than everything.
    pub(crate) subscriptions: Subscriptions,
    /// Which messages were sent with an id.
    pub(crate) ids: Dedupe,
    /// The metas that members joined with, of those whose presence shows something else.
    pub(crate) joined: BTreeMap<ClientHandle, Option<Json>>,
}

/// Whether a message is for everyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excludes {
    Nobody,
    Somebody,
}

/// How a room came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// By a join.
    Joined,
    /// By being opened by the server, which was announced.
    Opened,
    /// By being opened by a client, which was announced; its owner is that client's user.
    OpenedByClient,
    /// By the configuration.
    Declared,
}

impl Room {
    pub(super) fn new(
        topic: Topic,
        position: Position,
        config: Arc<RoomConfig>,
        origin: Origin,
    ) -> Self {
        let presence = match config.presence {
            PresenceMode::On => Some(Box::new(Presence::new())),
            PresenceMode::Off => None,
        };
        // Without definitions nothing is kept, and everything that was sent is lost for all.
        let history = (!config.events.is_empty()).then(Box::default);
        let (extras, members) = (None, Roster::new());
        Self { topic, position, config, origin, presence, history, extras, members }
    }

    /// Whether it stays when nobody is in it.
    pub(crate) fn persists(&self) -> bool {
        match self.origin {
            Origin::Declared => true,
            Origin::Opened | Origin::OpenedByClient => {
                self.config.lifetime != Some(Lifetime::Ephemeral)
            }
            Origin::Joined => self.config.lifetime == Some(Lifetime::Persistent),
        }
    }

    /// Whether it was announced that it opened.
    pub(crate) const fn was_opened(&self) -> bool {
        match self.origin {
            Origin::Opened | Origin::OpenedByClient => true,
            Origin::Joined | Origin::Declared => false,
        }
    }

    /// For which user a client has opened it, if one has.
    pub(super) fn opened_for(&self) -> Option<&UserId> {
        match self.origin {
            Origin::OpenedByClient => self.config.owner.as_ref(),
            Origin::Opened | Origin::Joined | Origin::Declared => None,
        }
    }

    /// Whether nobody is in it or present.
    pub(crate) fn is_deserted(&self) -> bool {
        self.members.len() == 0
            && self.presence.as_ref().is_none_or(|presence| presence.meta_count() == 0)
    }

    /// How many members it has, detached ones too.
    pub(crate) fn size(&self) -> u32 {
        self.members.len()
    }

    /// Its attached members, in join order, as they are.
    pub(crate) fn members(&self) -> Roll {
        self.members.view()
    }

    /// All its members, in join order.
    pub(crate) fn everyone(&self) -> Vec<ClientHandle> {
        self.members.everyone().map(ClientHandle::new).collect()
    }

    /// Where a seat stands in join order.
    pub(crate) fn standing(&self, seat: u32) -> u32 {
        self.members.standing(seat)
    }

    /// Seats and their takers, from `seat` on, in no particular order.
    pub(crate) fn seats_from(&self, seat: u32) -> impl Iterator<Item = (u32, ClientHandle)> {
        self.members.places_from(seat).map(|(seat, member)| (seat, ClientHandle::new(member)))
    }

    /// Where the entry stands that the meta kept at `place` is in.
    pub(crate) fn entry_at(&self, place: u32) -> NonZeroU64 {
        let presence = self.presence.as_ref().expect("what is kept somewhere is in a presence");
        presence.record(place).entry
    }

    /// Whether there is no seat for one more member, or no place for one more meta.
    pub(crate) fn is_full(&self) -> bool {
        self.members.is_full() || self.presence.as_ref().is_some_and(|presence| presence.is_full())
    }

    /// Whether there are so many gaps between seats, or between metas, that they should be closed.
    pub(crate) fn is_sparse(&self) -> bool {
        self.members.is_sparse()
            || self.presence.as_ref().is_some_and(|presence| presence.is_sparse())
    }

    /// Changes where members sit.
    pub(crate) fn rearrange<T>(&mut self, change: impl FnOnce(&mut Roster) -> T) -> T {
        change(&mut self.members)
    }

    /// Its attached members, in join order.
    pub(crate) fn attached(&self) -> impl Iterator<Item = ClientHandle> {
        self.members.iter().map(ClientHandle::new)
    }

    /// What a member is subscribed to, in the order in which it subscribed.
    pub(crate) fn subscribed(&self, member: ClientHandle) -> Vec<EventName> {
        let all = || vec![EventName::from("*")];
        self.subscriptions().map_or_else(all, |subscriptions| subscriptions.names(member))
    }

    /// Whether a member hears messages of a name.
    pub(crate) fn hears(&self, member: ClientHandle, event: &EventName) -> bool {
        self.subscriptions().is_none_or(|subscriptions| subscriptions.hears(member, event))
    }

    /// The highest offset of what a member should have had and nobody holds; 0 if there is none.
    /// O(k) in the names that are remembered singly if it is subscribed to `*`, else O(log k) for
    /// each of its names.
    pub(crate) fn lost_for(&self, member: ClientHandle, reader: Reader<'_>) -> u64 {
        let hears_all =
            self.subscriptions().is_none_or(|subscriptions| subscriptions.hears_all(member));
        let names = if hears_all { Vec::new() } else { self.subscribed(member) };
        let Some(history) = &self.history else {
            return if hears_all || !names.is_empty() { self.position.offset } else { 0 };
        };
        if hears_all {
            return history.lost().highest_of_all(reader);
        }
        let lost = |event| history.lost().highest(event, reader, &self.config);
        names.iter().map(lost).max().unwrap_or(0)
    }

    /// The meta that a member joined with, if its presence shows something else: then it may be
    /// none.
    pub(crate) fn joined(&self, member: ClientHandle) -> Option<&Option<Json>> {
        self.extras.as_ref()?.joined.get(&member)
    }

    /// Whether there may be members that are not subscribed to every name.
    pub(crate) fn hears_by_name(&self) -> bool {
        !self.config.hears_all_by_default()
            || self.subscriptions().is_some_and(|subscriptions| !subscriptions.all_hear_all())
    }

    /// Before a message: a room that keeps nothing remembers what is lost from where on that is not
    /// the same for all.
    #[inline]
    pub(crate) fn tell_losses_apart(&mut self, excludes: Excludes) {
        if self.history.is_none() && (excludes == Excludes::Somebody || self.hears_by_name()) {
            self.history = Some(Box::new(History::of_nothing_up_to(self.position.offset)));
        }
    }

    /// Who hears what, where somebody hears something else than everything.
    pub(crate) fn subscriptions(&self) -> Option<&Subscriptions> {
        self.extras.as_ref().map(|extras| &extras.subscriptions)
    }

    pub(super) fn check_invariants(&self) {
        self.members.check_invariants();
        if let Some(presence) = &self.presence {
            presence.check_invariants();
        }
        if let Some(history) = &self.history {
            history.check_invariants();
        }
        if let Some(extras) = &self.extras {
            extras.subscriptions.check_invariants();
            extras.ids.check_invariants();
        }
    }
}
