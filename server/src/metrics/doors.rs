//! What connections come to: how many were let in, how each ended, why others were not taken.
//!
//! Counted when a connection comes or goes, by the task of the connection.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::engine::Wire;

/// Why a request becomes no connection, as a label has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// It speaks another version of the protocol.
    Version,
    /// Its page is of an origin that may not.
    Origin,
    /// Its session can't be one.
    Session,
    /// It has not shown who it is.
    Unauthenticated,
    /// Connections of its session take over from each other.
    Contested,
    /// There are as many as there may be.
    Full,
    /// There are as many of its address as there may be.
    FullOfAddress,
    /// The server goes.
    Going,
}

impl Why {
    pub(super) const ALL: [(Self, &str); 8] = [
        (Self::Version, "version"),
        (Self::Origin, "origin"),
        (Self::Session, "session"),
        (Self::Unauthenticated, "unauthenticated"),
        (Self::Contested, "contested"),
        (Self::Full, "full"),
        (Self::FullOfAddress, "full_of_address"),
        (Self::Going, "going"),
    ];
}

/// How a connection ends, as a label has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its client has gone without a word.
    Lost,
    /// Its client has said good-bye.
    Left,
    /// It was closed, with that code.
    Code(u16),
}

/// With which codes the server closes connections.
pub(super) const CODES: [(u16, &str); 11] = [
    (1001, "1001"),
    (1002, "1002"),
    (1007, "1007"),
    (1008, "1008"),
    (1009, "1009"),
    (1011, "1011"),
    (1012, "1012"),
    (1013, "1013"),
    (4000, "4000"),
    (4001, "4001"),
    (4002, "4002"),
];

/// Why the listener has nothing to serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAccepted {
    /// The machine gives no more, such as descriptors.
    Error,
    /// There are as many requests at once as there may be, in all or of that address.
    Crowded,
}

impl NotAccepted {
    pub(super) const ALL: [(Self, &str); 2] = [(Self::Error, "error"), (Self::Crowded, "crowded")];
}

/// Counts of connections.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    by_wire: [OfWire; Wire::ALL.len()],
    not_accepted: [AtomicU64; NotAccepted::ALL.len()],
}

#[derive(Debug, Default)]
struct OfWire {
    open: AtomicU64,
    opened: AtomicU64,
    lost: AtomicU64,
    left: AtomicU64,
    codes: [AtomicU64; CODES.len()],
    /// Closed with a code that is not in the list, which no code of the server is.
    other: AtomicU64,
    refused: [AtomicU64; Why::ALL.len()],
}

/// A connection that is open until this is dropped.
#[derive(Debug)]
pub(crate) struct Open {
    doors: Arc<Doors>,
    wire: Wire,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.doors.of(self.wire).open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Doors {
    /// A connection is let in.
    pub(crate) fn open(self: &Arc<Self>, wire: Wire) -> Open {
        increase(&self.of(wire).open);
        increase(&self.of(wire).opened);
        Open { doors: Arc::clone(self), wire }
    }

    /// One that was let in has ended.
    pub(crate) fn ended(&self, wire: Wire, ending: Ending) {
        let of = self.of(wire);
        increase(match ending {
            Ending::Lost => &of.lost,
            Ending::Left => &of.left,
            Ending::Code(code) => {
                let place = CODES.iter().position(|(known, _)| *known == code);
                place.and_then(|place| of.codes.get(place)).unwrap_or(&of.other)
            }
        });
    }

    /// A request becomes no connection.
    pub(crate) fn refused(&self, wire: Wire, why: Why) {
        if let Some(count) = self.of(wire).refused.get(why as usize) {
            increase(count);
        }
    }

    /// There is not even a request.
    pub(crate) fn not_accepted(&self, why: NotAccepted) {
        if let Some(count) = self.not_accepted.get(why as usize) {
            increase(count);
        }
    }

    const fn of(&self, wire: Wire) -> &OfWire {
        let [phoenix, dialogue] = &self.by_wire;
        match wire {
            Wire::Phoenix | Wire::PhoenixPositioned | Wire::PhoenixSigned => phoenix,
            Wire::Dialogue => dialogue,
        }
    }
}

/// What others read.
impl Doors {
    pub(super) fn count_open(&self, wire: Wire) -> u64 {
        read(&self.of(wire).open)
    }

    pub(super) fn count_opened(&self, wire: Wire) -> u64 {
        read(&self.of(wire).opened)
    }

    /// How many ended in each way, as a label has it.
    pub(super) fn count_ended(&self, wire: Wire) -> impl Iterator<Item = (&'static str, u64)> {
        let of = self.of(wire);
        let by_client = [("lost", read(&of.lost)), ("left", read(&of.left))];
        let by_code = CODES.iter().zip(&of.codes).map(|((_, label), count)| (*label, read(count)));
        by_client.into_iter().chain(by_code).chain([("other", read(&of.other))])
    }

    pub(super) fn count_refused(&self, wire: Wire, why: Why) -> u64 {
        self.of(wire).refused.get(why as usize).map_or(0, read)
    }

    pub(super) fn count_not_accepted(&self, why: NotAccepted) -> u64 {
        self.not_accepted.get(why as usize).map_or(0, read)
    }
}

fn increase(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_their_places() {
        for (place, (why, label)) in Why::ALL.into_iter().enumerate() {
            assert_eq!(why as usize, place, "{label}");
        }
        for (place, (why, label)) in NotAccepted::ALL.into_iter().enumerate() {
            assert_eq!(why as usize, place, "{label}");
        }
    }

    #[test]
    fn a_code_that_nobody_has_thought_of_is_counted_too() {
        let doors = Doors::default();
        doors.ended(Wire::Phoenix, Ending::Code(1008));
        doors.ended(Wire::Phoenix, Ending::Code(3999));
        doors.ended(Wire::Dialogue, Ending::Lost);
        let ended = |wire| -> Vec<_> { doors.count_ended(wire).filter(|of| of.1 > 0).collect() };
        assert_eq!(ended(Wire::Phoenix), [("1008", 1), ("other", 1)]);
        assert_eq!(ended(Wire::Dialogue), [("lost", 1)]);
    }
}
