//! Users that have several clients: which, and how they are present where.

use core::num::{NonZeroU32, NonZeroU64};

use super::{ClientHandle, Clients};
use crate::{footing::Footing, links::Links};

/// The number of a user that has several clients, or had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UserNumber(NonZeroU32);

impl UserNumber {
    // As with handles, the lowest bit is always 1.
    fn new(number: u32) -> Self {
        Self(NonZeroU32::MIN | (number << 1))
    }

    pub(super) const fn get(self) -> u32 {
        self.0.get() >> 1
    }
}

/// A user that has several clients, or had.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) first: ClientHandle,
    pub(super) last: ClientHandle,
    /// How it is present in each room where it is.
    present: Links<UserPresence>,
}

/// How a user is present in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
// One a room and user: without the padding, a quarter smaller.
#[repr(C, packed(4))]
struct UserPresence {
    /// How many metas it has, at least one.
    metas: u32,
    /// Where its entry stands: the number of the ref with which it came.
    entry: NonZeroU64,
}

impl Clients {
    /// Notes that a client becomes present in a room. Returns where its user's entry stands, if the
    /// user is present there already; if not, it stands at `new`.
    #[inline]
    pub(crate) fn arrive(
        &mut self,
        client: ClientHandle,
        room: u32,
        new: NonZeroU64,
    ) -> Option<NonZeroU64> {
        let user = self.get(client).user?;
        self.count_arrival(user, room, new)
    }

    #[inline(never)]
    fn count_arrival(
        &mut self,
        user: UserNumber,
        room: u32,
        new: NonZeroU64,
    ) -> Option<NonZeroU64> {
        let user = self.users.get_mut(user.get());
        let before = user.present.get(room);
        let (metas, entry) =
            before.map_or((0, new), |UserPresence { metas, entry }| (metas, entry));
        user.present.set(room, UserPresence { metas: metas + 1, entry });
        before.map(|_| entry)
    }

    /// Notes that a client is present in a room no more. Returns how many metas its user has left
    /// there.
    #[inline]
    pub(crate) fn depart(&mut self, client: ClientHandle, room: u32) -> u32 {
        match self.get(client).user {
            None => 0,
            Some(user) => self.count_departure(user, room),
        }
    }

    #[inline(never)]
    fn count_departure(&mut self, user: UserNumber, room: u32) -> u32 {
        let present = &mut self.users.get_mut(user.get()).present;
        let UserPresence { metas, entry } =
            present.get(room).expect("who departs was counted when it arrived");
        if metas == 1 {
            present.remove(room);
        } else {
            present.set(room, UserPresence { metas: metas - 1, entry });
        }
        metas - 1
    }

    /// The user of `first`, the only client of it there is, or one of several: from here on, it can
    /// have several. Linear in the rooms of `first`, once in its life.
    pub(super) fn share(
        &mut self,
        first: ClientHandle,
        entry_at: impl Fn(u32, u32) -> NonZeroU64,
    ) -> UserNumber {
        if let Some(user) = self.get(first).user {
            return user;
        }
        let mut present = Links::None;
        for (room, footing) in self.get(first).rooms.to_vec() {
            if let Some(place) = footing.place() {
                present.set(room, UserPresence { metas: 1, entry: entry_at(room, place) });
            }
        }
        let user = UserNumber::new(self.users.insert(User { first, last: first, present }));
        self.get_mut(first).user = Some(user);
        user
    }

    /// Takes a client between two others out of its user's list; the user goes with the last.
    pub(super) fn part(
        &mut self,
        user: UserNumber,
        previous: Option<ClientHandle>,
        next: Option<ClientHandle>,
    ) {
        if let Some(previous) = previous {
            self.get_mut(previous).next = next;
        }
        if let Some(next) = next {
            self.get_mut(next).previous = previous;
        }
        let this = self.users.get_mut(user.get());
        match (previous, next) {
            (Some(_), Some(_)) => {}
            (Some(previous), None) => this.last = previous,
            (None, Some(next)) => this.first = next,
            (None, None) => {
                self.users.take(user.get());
                self.users.free(user.get());
            }
        }
    }

    pub(super) fn check_users(&self) {
        for (number, user) in self.users.iter() {
            let clients = || self.of_same_user(user.first);
            assert!(clients().all(|client| self.get(client).user == Some(UserNumber::new(number))));
            assert_eq!(clients().last(), Some(user.last), "a user knows its last client");
            assert_eq!(self.get(user.first).previous, None, "nobody is before the first client");
            for (room, UserPresence { metas, entry: _ }) in user.present.to_vec() {
                let place = |client| self.get(client).rooms.get(room).and_then(Footing::place);
                let tracked = clients().filter_map(place).count();
                assert_eq!(tracked, metas as usize, "metas of a user are counted");
            }
            for (room, footing) in clients().flat_map(|client| self.get(client).rooms.to_vec()) {
                let counted = user.present.get(room).is_some();
                assert!(counted || footing.place().is_none(), "who is present is counted");
            }
        }
    }
}
