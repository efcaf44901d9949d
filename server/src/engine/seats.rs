//! Which connection speaks for which client.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use parlor::{ClientHandle, ClientId, Topic};

use super::{
    joining::Joining,
    lane::{ForOne, Receiver},
    lanes::Lanes,
};
use crate::{openings::Openings, queue::Queue, registry::Generation};

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

/// A connection, as the engine sees it.
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

/// All connections, as the engine sees them.
#[derive(Debug)]
pub(super) struct Seats {
    /// With the handle by which the lanes know the client, unless the channel has refused it.
    by_client: HashMap<ClientId, (Seat, Option<ClientHandle>)>,
    pub(super) lanes: Lanes,
    /// The answer to a join that is being gathered.
    pub(super) joining: Option<Box<Joining>>,
    pub(super) openings: Arc<Openings>,
}

impl Seats {
    pub(super) fn new(openings: Arc<Openings>, lanes: Lanes) -> Self {
        Self { by_client: HashMap::new(), lanes, joining: None, openings }
    }

    /// A connection is there, of a client that the channel may have refused.
    pub(super) fn take(&mut self, seat: Seat, handle: Option<ClientHandle>) {
        if let Some(handle) = handle {
            let Seat { client_id, wire, queue, .. } = seat.clone();
            self.lanes.take(handle, Receiver { client_id, wire, queue });
        }
        self.by_client.insert(seat.client_id.clone(), (seat, handle));
    }

    /// It is there no longer.
    pub(super) fn vacate(&mut self, client_id: &ClientId) {
        if let Some((_, Some(handle))) = self.by_client.remove(client_id) {
            self.lanes.vacate(handle);
        }
    }

    pub(super) fn of_client(&self, client_id: &ClientId) -> Option<&Seat> {
        self.by_client.get(client_id).map(|(seat, _)| seat)
    }

    /// Brings something to the connection of a client, by its lane. A client that the channel has
    /// refused is in no lane: its connection is cut.
    pub(super) fn send(&mut self, client_id: &ClientId, what: ForOne) {
        if let Some((seat, Some(handle))) = self.by_client.get(client_id) {
            self.lanes.send(*handle, (&seat.queue, seat.wire), what);
        }
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

    pub(super) fn generation(&self, client_id: &ClientId) -> Option<Generation> {
        self.of_client(client_id).map(|seat| seat.generation)
    }

    pub(super) fn is_taken_by(&self, client_id: &ClientId, generation: Generation) -> bool {
        self.generation(client_id) == Some(generation)
    }
}
