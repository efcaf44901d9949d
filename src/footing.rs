//! Where a client stands in a room: its seat among the members, and where its presence is kept.

/// What a client has in a room: a membership, a presence, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Footing {
    // NOWHERE of who is no member; with AWAY of one who is detached. Niches would cost as much as
    // another number.
    seat: u32,
    // NOWHERE if it is not tracked.
    place: u32,
}

/// The seat of a client in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seat {
    /// It is no member.
    None,
    /// A member that hears what is said.
    Attached(u32),
    /// A member that is to come back to that seat.
    Detached(u32),
}

/// No place: a room has fewer.
const NOWHERE: u32 = u32::MAX;

/// The bit that no number of a seat has: a room has fewer than 2^31.
const AWAY: u32 = 1 << 31;

impl Footing {
    /// Of one who is neither a member nor tracked; it is about to be one of them.
    pub(crate) const NONE: Self = Self { seat: NOWHERE, place: NOWHERE };

    pub(crate) const fn seat(self) -> Seat {
        match self.seat {
            NOWHERE => Seat::None,
            seat if seat & AWAY == 0 => Seat::Attached(seat),
            seat => Seat::Detached(seat & !AWAY),
        }
    }

    pub(crate) const fn set_seat(&mut self, seat: Seat) {
        self.seat = match seat {
            Seat::None => NOWHERE,
            Seat::Attached(seat) => seat,
            Seat::Detached(seat) => seat | AWAY,
        };
    }

    /// Notes that its seat has another number.
    pub(crate) const fn move_seat(&mut self, seat: u32) {
        self.seat = self.seat & AWAY | seat;
    }

    pub(crate) const fn is_attached(self) -> bool {
        self.seat & AWAY == 0
    }

    pub(crate) const fn is_member(self) -> bool {
        self.seat != NOWHERE
    }

    /// Where its presence is kept, if it is tracked.
    pub(crate) const fn place(self) -> Option<u32> {
        if self.place == NOWHERE { None } else { Some(self.place) }
    }

    pub(crate) const fn set_place(&mut self, place: u32) {
        self.place = place;
    }

    pub(crate) const fn clear_place(&mut self) {
        self.place = NOWHERE;
    }
}
