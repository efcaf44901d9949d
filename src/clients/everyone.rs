//! Everyone who is connected, in the order in which they came.
//!
//! Few channels are ever asked for it, and coming and going should not cost the others anything.
//! So clients are numbered as they come, and that is all, until somebody asks: from there on they
//! have seats in a roster, as members of a room do, until the last of them has gone. Costs: to be
//! asked, n log n in the clients the first time and O(1) from there on; then come, go, lose and
//! regain O(1) amortised, with a factor log n in those without a connection.

use alloc::vec::Vec;

use super::{Client, Clients, Connection};
use crate::{
    ids::ClientHandle,
    log::Moved,
    roster::{Roll, Roster},
    slab::Slab,
};

/// The order of all clients; those without a connection are away.
#[derive(Debug, Clone, Default)]
pub(super) struct Everyone {
    // None until somebody has asked for it.
    roster: Option<Roster>,
    // Invariant: while there is no roster, higher than the number of any client.
    next: u64,
}

impl Everyone {
    /// The number of the client that comes next, if there is no roster.
    pub(super) const fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }
}

impl Client {
    #[expect(clippy::cast_possible_truncation, reason = "a roster has fewer than 2^32 seats")]
    const fn seat(&self) -> u32 {
        self.number as u32
    }
}

impl Clients {
    /// Everyone who is connected, in the order in which they came.
    pub(crate) fn everyone(&mut self) -> Roll {
        if self.everyone.roster.is_none() && self.len() > 0 {
            self.call_the_roll();
        }
        self.everyone.roster.as_ref().map_or_else(Roll::empty, Roster::view)
    }

    /// All clients, connected or not, in the order in which they came.
    pub(crate) fn in_order(&self) -> Vec<ClientHandle> {
        if let Some(roster) = &self.everyone.roster {
            return roster.everyone().map(ClientHandle::new).collect();
        }
        let numbers = self.slab.iter().map(|(handle, client)| (client.number, handle));
        let mut clients: Vec<_> = numbers.collect();
        clients.sort_unstable();
        clients.into_iter().map(|(_, handle)| ClientHandle::new(handle)).collect()
    }

    /// Gives everyone a seat.
    fn call_the_roll(&mut self) {
        let mut roster = Roster::new();
        for client in self.in_order() {
            // Nobody has left a gap, so nobody moves.
            let _nobody = roster.make_room();
            let seat = roster.push(client.get());
            let this = self.slab.get_mut(client.get());
            this.number = seat.into();
            if this.connection == Connection::Lost {
                roster.leave(seat);
            }
        }
        self.everyone.roster = Some(roster);
    }

    /// Notes that a client has come.
    #[inline]
    pub(super) fn come(&mut self, client: ClientHandle) {
        if self.everyone.roster.is_some() {
            self.take_seat(client);
        }
    }

    fn take_seat(&mut self, client: ClientHandle) {
        let Some(roster) = &mut self.everyone.roster else { return };
        rearrange(&mut self.slab, roster, Roster::make_room);
        self.slab.get_mut(client.get()).number = roster.push(client.get()).into();
    }

    /// Notes that a client has gone.
    #[inline]
    pub(super) fn go(&mut self, client: &Client) {
        if self.everyone.roster.is_some() {
            self.leave_seat(client);
        }
    }

    fn leave_seat(&mut self, client: &Client) {
        let Some(roster) = &mut self.everyone.roster else { return };
        roster.remove(client.seat());
        if self.slab.len() == 0 {
            self.everyone.roster = None;
            return;
        }
        rearrange(&mut self.slab, roster, Roster::close_gaps);
    }

    /// Notes that a connection is lost.
    pub(crate) fn lose(&mut self, client: ClientHandle) {
        let this = self.slab.get_mut(client.get());
        this.connection = Connection::Lost;
        if let Some(roster) = &mut self.everyone.roster {
            roster.leave(this.seat());
        }
    }

    /// Notes that a connection is back; the client takes its old place.
    pub(crate) fn regain(&mut self, client: ClientHandle) {
        self.slab.get_mut(client.get()).connection = Connection::Connected;
        let Some(roster) = &mut self.everyone.roster else { return };
        rearrange(&mut self.slab, roster, Roster::make_room);
        let this = self.slab.get_mut(client.get());
        this.number = roster.come_back(this.seat()).into();
        rearrange(&mut self.slab, roster, Roster::close_gaps);
    }

    pub(super) fn check_everyone(&self) {
        let in_order = self.in_order();
        assert_eq!(in_order.len(), self.len(), "everyone is everyone");
        let Some(roster) = &self.everyone.roster else {
            let numbers = in_order.iter().map(|client| self.get(*client).number);
            let numbers = numbers.chain([self.everyone.next]);
            assert!(numbers.is_sorted_by(|one, next| one < next), "each has its number");
            return;
        };
        roster.check_invariants();
        assert!(!in_order.is_empty(), "a roster of nobody is given up");
        for (seat, client) in roster.places_from(0) {
            assert_eq!(self.slab.get(client).seat(), seat, "a client knows its seat");
        }
    }
}

/// Changes where clients sit, and puts right what they know of it.
fn rearrange(
    slab: &mut Slab<Client>,
    roster: &mut Roster,
    change: impl FnOnce(&mut Roster) -> Option<Moved>,
) {
    let Some(Moved { from }) = change(roster) else { return };
    for (seat, client) in roster.places_from(from) {
        slab.get_mut(client).number = seat.into();
    }
}
