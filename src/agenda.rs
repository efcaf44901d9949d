//! What is due when: graces that run out, and windows that end.
//!
//! Knows nothing about what happens then, and no clock: it is asked what is due by a time. Order is
//! by time; graces of one time come in the order in which they were set, windows of one time in
//! that of the epochs of their rooms, and graces before windows. Costs: O(log n) for each thing
//! that is set, cancelled or taken, whatever else is on it.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use crate::ids::ClientHandle;

/// Something that will be due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// A client's grace in one room.
    Footing { client: ClientHandle, room: u32 },
    /// The grace of a client itself.
    Client(ClientHandle),
    /// The window of a room. Epochs tell the order in which rooms were made.
    Window { epoch: u64, room: u32 },
}

/// A list of what is due, each thing once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Agenda {
    slots: BTreeMap<Due, Slot>,
    // Invariant: the same, in the order in which they come up.
    in_order: BTreeSet<(Slot, Due)>,
    // Invariant: higher than the turn of any grace.
    next_turn: u64,
}

/// Where something stands. Graces are kept apart from windows, as they are taken by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Slot {
    kind: Kind,
    at_ms: u64,
    // Among those of one time: a number that grows with each grace that is set, or an epoch.
    turn: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Grace,
    Window,
}

impl Agenda {
    /// How many things are on it.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Puts `due` on it, after all graces that were set before, or moves it there.
    pub(crate) fn set(&mut self, due: Due, at_ms: u64) {
        self.cancel(due);
        let slot = match due {
            Due::Footing { .. } | Due::Client(_) => {
                self.next_turn += 1;
                Slot { kind: Kind::Grace, at_ms, turn: self.next_turn - 1 }
            }
            Due::Window { epoch, room: _ } => Slot { kind: Kind::Window, at_ms, turn: epoch },
        };
        self.slots.insert(due, slot);
        self.in_order.insert((slot, due));
    }

    /// Takes `due` off it, if it is on it.
    pub(crate) fn cancel(&mut self, due: Due) {
        if let Some(slot) = self.slots.remove(&due) {
            self.in_order.remove(&(slot, due));
        }
    }

    /// Whether `due` is on it.
    pub(crate) fn is_set(&self, due: Due) -> bool {
        self.slots.contains_key(&due)
    }

    /// The rooms in which a client has a grace. O(log n), and O(1) for each.
    pub(crate) fn held_of(&self, client: ClientHandle) -> Vec<u32> {
        let all = Due::Footing { client, room: 0 }..=Due::Footing { client, room: u32::MAX };
        let rooms = self.slots.range(all).filter_map(|(due, _)| match due {
            Due::Footing { room, .. } => Some(*room),
            Due::Client(_) | Due::Window { .. } => None,
        });
        rooms.collect()
    }

    /// What comes first, and when.
    pub(crate) fn next(&self) -> Option<(u64, Due)> {
        let grace = self.first_of(Kind::Grace);
        let window = self.first_of(Kind::Window);
        // Of two that are equal, the first.
        grace.into_iter().chain(window).min_by_key(|(at_ms, _)| *at_ms)
    }

    /// Takes off the graces that are due by `now_ms`, in order.
    #[must_use]
    pub(crate) fn take_due_graces(&mut self, now_ms: u64) -> Vec<Due> {
        self.take_due(Kind::Grace, now_ms)
    }

    /// Takes off the windows that are due by `now_ms`, in order.
    #[must_use]
    pub(crate) fn take_due_windows(&mut self, now_ms: u64) -> Vec<Due> {
        self.take_due(Kind::Window, now_ms)
    }

    /// Everything with its time, graces before windows, in order: whoever sets all of it again in
    /// this order has the same agenda.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Due, u64)> {
        self.in_order.iter().map(|(slot, due)| (*due, slot.at_ms))
    }

    fn first_of(&self, kind: Kind) -> Option<(u64, Due)> {
        let least = (Slot { kind, at_ms: 0, turn: 0 }, LEAST);
        let (slot, due) = self.in_order.range(least..).next()?;
        (slot.kind == kind).then_some((slot.at_ms, *due))
    }

    fn take_due(&mut self, kind: Kind, now_ms: u64) -> Vec<Due> {
        let mut taken = Vec::new();
        while let Some((at_ms, due)) = self.first_of(kind)
            && at_ms <= now_ms
        {
            self.cancel(due);
            taken.push(due);
        }
        taken
    }

    /// Panics if an invariant does not hold. Costs n log n in what is on it.
    pub(crate) fn check_invariants(&self) {
        assert_eq!(self.slots.len(), self.in_order.len(), "each thing stands in the order once");
        for (due, slot) in &self.slots {
            assert!(self.in_order.contains(&(*slot, *due)), "a thing stands where it says");
            match due {
                Due::Footing { .. } | Due::Client(_) => {
                    assert_eq!(slot.kind, Kind::Grace, "a grace is no window");
                    assert!(slot.turn < self.next_turn, "a turn is given once");
                }
                Due::Window { epoch, room: _ } => {
                    assert_eq!(slot.kind, Kind::Window, "a window is no grace");
                    assert_eq!(slot.turn, *epoch, "windows have the turn of their rooms");
                }
            }
        }
    }
}

/// Before everything else of its slot.
const LEAST: Due = Due::Footing { client: ClientHandle::FIRST, room: 0 };

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything in the order in which it was set, with its time.
    #[derive(Default)]
    struct Dumb(Vec<(Due, u64)>);

    impl Dumb {
        fn cancel(&mut self, due: Due) {
            self.0.retain(|(other, _)| *other != due);
        }

        fn take(&mut self, now_ms: u64, windows: bool) -> Vec<Due> {
            let is_taken = |(due, at_ms): &(Due, u64)| {
                *at_ms <= now_ms && matches!(due, Due::Window { .. }) == windows
            };
            let mut taken: Vec<_> = self.0.iter().copied().filter(is_taken).collect();
            self.0.retain(|entry| !is_taken(entry));
            taken.sort_by_key(|(due, at_ms)| match due {
                Due::Window { epoch, .. } => (*at_ms, *epoch),
                Due::Footing { .. } | Due::Client(_) => (*at_ms, 0),
            });
            taken.into_iter().map(|(due, _)| due).collect()
        }
    }

    #[test]
    fn what_is_due_comes_in_order() {
        let (mut agenda, mut dumb) = (Agenda::default(), Dumb::default());
        let mut state = 7_u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        let mut taken = 0;
        for step in 0..20_000 {
            let (client, room) = (ClientHandle::new(random(6)), random(4));
            let due = match random(3) {
                0 => Due::Footing { client, room },
                1 => Due::Client(client),
                _ => Due::Window { epoch: u64::from(100 - room), room },
            };
            // Few times, so that many are equal.
            let at_ms = step / 100 + u64::from(random(4));
            match random(10) {
                0 => {
                    let graces = agenda.take_due_graces(step / 100);
                    taken += graces.len();
                    assert_eq!(graces, dumb.take(step / 100, false));
                }
                1 => {
                    let windows = agenda.take_due_windows(step / 100);
                    taken += windows.len();
                    assert_eq!(windows, dumb.take(step / 100, true));
                }
                2 => {
                    agenda.cancel(due);
                    dumb.cancel(due);
                }
                _ => {
                    agenda.set(due, at_ms);
                    dumb.cancel(due);
                    dumb.0.push((due, at_ms));
                }
            }

            agenda.check_invariants();
            assert_eq!(agenda.len(), dumb.0.len());
            assert_eq!(agenda.is_set(due), dumb.0.iter().any(|(other, _)| *other == due));
            let first = dumb.0.iter().map(|(_, at_ms)| *at_ms).min();
            assert_eq!(agenda.next().map(|(at_ms, _)| at_ms), first);
        }
        assert!(taken > 1_000, "{taken} were taken");
    }

    #[test]
    fn graces_come_before_windows_of_the_same_time() {
        let mut agenda = Agenda::default();
        let (window, grace) = (Due::Window { epoch: 0, room: 0 }, Due::Client(ClientHandle::FIRST));
        agenda.set(window, 5);
        agenda.set(grace, 6);
        assert_eq!(agenda.next(), Some((5, window)));
        agenda.set(grace, 5);
        assert_eq!(agenda.next(), Some((5, grace)));
        agenda.cancel(grace);
        assert_eq!(agenda.next(), Some((5, window)));
        assert_eq!(agenda.take_due_windows(4), []);
        assert_eq!(agenda.take_due_windows(u64::MAX), [window]);
        assert_eq!(agenda.next(), None);
    }

    #[test]
    fn an_agenda_is_made_again_from_its_list() {
        let mut agenda = Agenda::default();
        for number in [3, 1, 2, 1] {
            let client = ClientHandle::new(number);
            agenda.set(Due::Window { epoch: 9, room: number }, 7);
            agenda.set(Due::Client(client), 7);
            agenda.set(Due::Footing { client, room: 0 }, 8 - u64::from(number));
        }
        let mut again = Agenda::default();
        for (due, at_ms) in agenda.iter() {
            again.set(due, at_ms);
        }
        assert!(again.iter().eq(agenda.iter()));
        assert_eq!(again.take_due_graces(7), agenda.take_due_graces(7));
        assert_eq!(again.take_due_windows(7), agenda.take_due_windows(7));
    }
}
