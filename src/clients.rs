//! Who is there: clients and the users that they act for, by name and by handle.
//!
//! Knows nothing about rooms but their numbers, and nothing about messages. A client's handle is
//! its number here; it is given out again after [`Clients::release_handles`] only. Costs: find,
//! add and end O(1), amortised; the clients of a user, linear in them.

use alloc::vec::Vec;
use core::{iter, num::NonZeroU64};

use crate::{
    directory::{Directory, Names},
    hash::{HashKey, NameHash},
    ids::{ClientHandle, ClientId, UserId},
    index::Index,
    links::Links,
    slab::Slab,
};

/// All clients and users of a channel.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    slab: Slab<Client>,
    users: Slab<User>,
    by_client: Index,
    by_user: Index,
    names: Directory,
    hash: NameHash,
    // Handles of clients that have gone since the last flush.
    ended: Vec<ClientHandle>,
}

/// One client.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) user: UserNumber,
    /// Where it sits in each room that it is a member of, in the order of joining.
    pub(crate) seats: Links<u32>,
    /// Where its presence is kept in each room, in the order of tracking.
    pub(crate) tracked: Links<u32>,
    // The clients of one user form a list, in the order in which they came.
    previous: Option<ClientHandle>,
    next: Option<ClientHandle>,
}

/// The number of a user, while it has clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UserNumber(u32);

/// One user.
#[derive(Debug, Clone)]
pub(crate) struct User {
    /// How it is present in each room where it is.
    pub(crate) present: Links<UserPresence>,
    first: ClientHandle,
    last: ClientHandle,
}

/// How a user is present in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
// One a room and user: without the padding, a quarter smaller.
#[repr(C, packed(4))]
pub(crate) struct UserPresence {
    /// How many metas it has, at least one.
    pub(crate) metas: u32,
    /// Where its entry stands: the number of the ref with which it came.
    pub(crate) entry: NonZeroU64,
}

impl Clients {
    pub(crate) fn new(key: HashKey) -> Self {
        Self {
            slab: Slab::default(),
            users: Slab::default(),
            by_client: Index::default(),
            by_user: Index::default(),
            names: Directory::default(),
            hash: NameHash::new(key),
            ended: Vec::new(),
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.slab.len()
    }

    pub(crate) const fn names(&self) -> &Directory {
        &self.names
    }

    pub(crate) fn find(&self, id: &ClientId) -> Option<ClientHandle> {
        let hash = self.hash.of(id.as_bytes());
        let is_it = |number| self.names.client(ClientHandle::new(number)) == id;
        self.by_client.find(hash, is_it).map(ClientHandle::new)
    }

    pub(crate) fn find_user(&self, id: &UserId) -> Option<UserNumber> {
        self.find_user_by(self.hash.of(id.as_bytes()), id)
    }

    fn find_user_by(&self, hash: u64, id: &UserId) -> Option<UserNumber> {
        let is_it = |number| self.names.user(self.users.get(number).first) == id;
        self.by_user.find(hash, is_it).map(UserNumber)
    }

    pub(crate) fn get(&self, handle: ClientHandle) -> &Client {
        self.slab.get(handle.get())
    }

    pub(crate) fn get_mut(&mut self, handle: ClientHandle) -> &mut Client {
        self.slab.get_mut(handle.get())
    }

    pub(crate) fn user(&self, user: UserNumber) -> &User {
        self.users.get(user.0)
    }

    pub(crate) fn user_mut(&mut self, user: UserNumber) -> &mut User {
        self.users.get_mut(user.0)
    }

    /// The clients of `user`, in the order in which they came.
    pub(crate) fn of_user(&self, user: UserNumber) -> impl Iterator<Item = ClientHandle> {
        iter::successors(Some(self.user(user).first), |handle| self.get(*handle).next)
    }

    /// Adds a client that is not there; its user comes with its first client.
    pub(crate) fn add(&mut self, client: &ClientId, user: &UserId) -> ClientHandle {
        let user_hash = self.hash.of(user.as_bytes());
        let known = self.find_user_by(user_hash, user);
        // A number that no user has stands in until the user is there.
        let number = known.unwrap_or(UserNumber(u32::MAX));
        let previous = known.map(|user| self.user(user).last);
        let handle = ClientHandle::new(self.slab.insert(Client {
            user: number,
            seats: Links::None,
            tracked: Links::None,
            previous,
            next: None,
        }));
        self.by_client.insert(self.hash.of(client.as_bytes()), handle.get());
        self.names.set(handle, Names { client: client.clone(), user: user.clone() });

        if let (Some(user), Some(previous)) = (known, previous) {
            self.get_mut(previous).next = Some(handle);
            self.user_mut(user).last = handle;
        } else {
            let new = User { present: Links::None, first: handle, last: handle };
            let number = self.users.insert(new);
            self.by_user.insert(user_hash, number);
            self.get_mut(handle).user = UserNumber(number);
        }
        handle
    }

    /// Ends a client; its user goes with its last client.
    pub(crate) fn end(&mut self, handle: ClientHandle) {
        let Client { user, previous, next, seats, tracked } = self.slab.take(handle.get());
        debug_assert_eq!((seats.len(), tracked.len()), (0, 0), "who is somewhere does not end");
        let Names { client, user: user_id } = self.names.names(handle);
        self.by_client.remove(self.hash.of(client.as_bytes()), handle.get());
        match (previous, next) {
            (None, None) => {
                self.by_user.remove(self.hash.of(user_id.as_bytes()), user.0);
                self.users.take(user.0);
                self.users.free(user.0);
            }
            (Some(previous), None) => {
                self.get_mut(previous).next = None;
                self.user_mut(user).last = previous;
            }
            (None, Some(next)) => {
                self.get_mut(next).previous = None;
                self.user_mut(user).first = next;
            }
            (Some(previous), Some(next)) => {
                self.get_mut(previous).next = Some(next);
                self.get_mut(next).previous = Some(previous);
            }
        }
        self.ended.push(handle);
    }

    /// Ends everyone.
    pub(crate) fn end_all(&mut self) {
        let live: Vec<_> = self.slab.iter().map(|(number, _)| number).collect();
        self.ended.extend(live.iter().copied().map(ClientHandle::new));
        for number in live {
            self.slab.take(number);
        }
        self.users = Slab::default();
        self.by_client = Index::default();
        self.by_user = Index::default();
    }

    /// Lets the handles of those who have ended be given out again, in the order of their ends.
    pub(crate) fn release_handles(&mut self) {
        for handle in self.ended.drain(..).rev() {
            self.slab.free(handle.get());
        }
    }

    /// Panics if an invariant does not hold. Linear in the clients.
    pub(crate) fn check_invariants(&self) {
        let mut of_users = 0;
        for (number, user) in self.users.iter() {
            let id = self.names.user(user.first);
            assert_eq!(self.find_user(id), Some(UserNumber(number)), "a user is found by name");
            let clients: Vec<_> = self.of_user(UserNumber(number)).collect();
            assert_eq!(clients.last(), Some(&user.last), "a user knows its last client");
            assert_eq!(self.get(user.first).previous, None, "nobody is before the first client");
            of_users += clients.len();
            for (room, presence) in user.present.to_vec() {
                let tracked =
                    |handle: &&ClientHandle| self.get(**handle).tracked.get(room).is_some();
                let metas = clients.iter().filter(tracked).count();
                assert_eq!(metas, presence.metas as usize, "metas of a user are counted");
            }
        }
        assert_eq!(of_users, self.len(), "every client is one of its user");
        for (number, client) in self.slab.iter() {
            let handle = ClientHandle::new(number);
            let names = self.names.names(handle);
            assert_eq!(self.find(&names.client), Some(handle), "a client is found by name");
            assert_eq!(self.find_user(&names.user), Some(client.user), "a client has its user");
            for (room, _) in client.tracked.to_vec() {
                let present = self.user(client.user).present.get(room);
                assert!(present.is_some(), "where a client is tracked its user is present");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn a_handle_is_given_out_again_after_a_release_only() {
        let mut clients = Clients::new(HashKey([1, 2]));
        let a = clients.add(&"a".into(), &"u".into());
        clients.end(a);
        let b = clients.add(&"b".into(), &"u".into());
        assert_ne!(a, b);
        assert_eq!(clients.names().client(a), "a", "what was emitted can still be named");
        clients.release_handles();
        assert_eq!(clients.add(&"c".into(), &"u".into()), a);
        clients.check_invariants();
    }

    #[test]
    fn clients_of_a_user_are_in_the_order_in_which_they_came() {
        let mut clients = Clients::new(HashKey([1, 2]));
        let handles = ["a", "b", "c", "d"].map(|id| clients.add(&id.into(), &"u".into()));
        let user = clients.find_user(&"u".into()).unwrap();
        let [a, b, c, d] = handles;
        for (gone, left) in [(b, vec![a, c, d]), (a, vec![c, d]), (d, vec![c])] {
            clients.end(gone);
            clients.check_invariants();
            assert!(clients.of_user(user).eq(left));
        }
        clients.end(c);
        assert_eq!(clients.find_user(&"u".into()), None);
    }
}
