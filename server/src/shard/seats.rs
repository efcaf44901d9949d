//! Which connection a shard sends to for which client: by id, and by handle for what many receive.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use parlor::{ClientHandle, ClientId, Topic};

use super::joining::Joining;
use crate::{metrics::ShardFigures, openings::Openings, queue::Queue, registry::Generation};

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Phoenix,
    /// The same with positions: the connection asked for `positions`.
    PhoenixPositioned,
    /// The same with positions, senders and times: the connection asked for `senders`.
    PhoenixSigned,
    Dialogue,
}

impl Wire {
    /// One of each protocol.
    pub(crate) const ALL: [Self; 2] = [Self::Phoenix, Self::Dialogue];

    /// Its place among the protocols of [`Wire::ALL`].
    pub(crate) const fn place(self) -> usize {
        match self {
            Self::Phoenix | Self::PhoenixPositioned | Self::PhoenixSigned => 0,
            Self::Dialogue => 1,
        }
    }

    /// Its name, for people and for figures.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Phoenix | Self::PhoenixPositioned | Self::PhoenixSigned => "phoenix",
            Self::Dialogue => "dialogue",
        }
    }
}

/// A connection, as a shard sees it.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    pub(crate) client_id: ClientId,
    pub(crate) generation: Generation,
    pub(crate) queue: Arc<Queue>,
    pub(crate) wire: Wire,
    /// That of its network, where it is known.
    pub(crate) address: Option<IpAddr>,
    /// What its client was a member of when it came, where the server has it rejoin.
    pub(crate) held: Vec<Topic>,
}

/// All connections, as a shard sees them.
#[derive(Debug)]
pub(crate) struct Seats {
    by_client: HashMap<ClientId, (Seat, Option<ClientHandle>)>,
    /// The same by [`ClientHandle::index`], so that what many receive hashes and compares nothing.
    by_handle: Vec<Option<Seat>>,
    /// The answer to a join that is being gathered.
    pub(super) joining: Option<Box<Joining>>,
    pub(super) openings: Arc<Openings>,
    pub(super) figures: Arc<ShardFigures>,
}

impl Seats {
    pub(super) fn new(openings: Arc<Openings>, figures: Arc<ShardFigures>) -> Self {
        let (by_client, by_handle) = (HashMap::new(), Vec::new());
        Self { by_client, by_handle, joining: None, openings, figures }
    }

    /// A connection is there, of a client that the channel may have refused.
    pub(super) fn take(&mut self, seat: Seat, handle: Option<ClientHandle>) {
        if let Some(handle) = handle {
            if self.by_handle.len() <= handle.index() {
                self.by_handle.resize(handle.index() + 1, None);
            }
            if let Some(place) = self.by_handle.get_mut(handle.index()) {
                *place = Some(seat.clone());
            }
        }
        self.by_client.insert(seat.client_id.clone(), (seat, handle));
    }

    /// It is there no longer.
    pub(super) fn vacate(&mut self, client_id: &ClientId) -> Option<Seat> {
        let (seat, handle) = self.by_client.remove(client_id)?;
        if let Some(place) = handle.and_then(|handle| self.by_handle.get_mut(handle.index())) {
            *place = None;
        }
        Some(seat)
    }

    pub(super) fn of_client(&self, client_id: &ClientId) -> Option<&Seat> {
        self.by_client.get(client_id).map(|(seat, _)| seat)
    }

    pub(super) fn of_handle(&self, handle: ClientHandle) -> Option<&Seat> {
        self.by_handle.get(handle.index())?.as_ref()
    }

    /// Whether a client was a member of a topic when its connection came. Asked once of each.
    pub(super) fn take_held(&mut self, client_id: &ClientId, topic: &Topic) -> bool {
        let Some((seat, _)) = self.by_client.get_mut(client_id) else { return false };
        let held = seat.held.iter().position(|held| held == topic);
        held.map(|at| seat.held.swap_remove(at)).is_some()
    }

    /// Clients are members of a topic no more: they are not taken back into it.
    pub(super) fn forget_held<'a>(
        &mut self,
        client_ids: impl IntoIterator<Item = &'a ClientId>,
        topic: &Topic,
    ) {
        for client_id in client_ids {
            self.take_held(client_id, topic);
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Seat> {
        self.by_handle.iter().flatten()
    }

    pub(super) fn generation(&self, client_id: &ClientId) -> Option<Generation> {
        self.of_client(client_id).map(|seat| seat.generation)
    }

    pub(super) fn is_taken_by(&self, client_id: &ClientId, generation: Generation) -> bool {
        self.generation(client_id) == Some(generation)
    }
}
