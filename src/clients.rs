//! Who is there: clients and the users that they act for, by name and by handle.
//!
//! Knows nothing about rooms but their numbers, and nothing about messages. A client's handle is
//! its number here; it is given out again after [`Clients::release_handles`] only. Costs: find,
//! add and end O(1), amortised; the clients of a user, linear in them.

mod everyone;
mod user;

use alloc::{collections::BTreeMap, vec::Vec};
use core::{iter, num::NonZeroU64};

use self::{
    everyone::Everyone,
    user::{User, UserNumber},
};
use crate::{
    directory::{Directory, Names},
    footing::Footing,
    hash::{HashKey, NameHash},
    ids::{ClientHandle, ClientId, UserId},
    index::Index,
    links::Links,
    payload::Json,
    slab::Slab,
};

/// All clients and users of a channel.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    slab: Slab<Client>,
    // Those who have several clients, or had while the first that is left was there. Most users
    // have one, and nothing is kept of them but that client.
    users: Slab<User>,
    by_client: Index,
    // Users by name: the first client of each.
    by_user: Index,
    // Whatever the host wants to know of a client; few have any.
    data: BTreeMap<ClientHandle, Json>,
    everyone: Everyone,
    names: Directory,
    hash: NameHash,
    // Handles of clients that have gone since the last flush.
    ended: Vec<ClientHandle>,
}

/// One client.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// Where it stands in each room that it is in, in the order of coming.
    pub(crate) rooms: Links<Footing>,
    /// What keeps it here while it is in no room.
    pub(crate) registration: Registration,
    /// Whether it can be reached.
    pub(crate) connection: Connection,
    // Its number in the order in which clients came, or its seat among everyone.
    number: u64,
    // None while it is the only one that its user has had since it came.
    user: Option<UserNumber>,
    // The clients of one user form a list, in the order in which they came.
    previous: Option<ClientHandle>,
    next: Option<ClientHandle>,
    // What its names take in JSON; 0 until it is asked for.
    name_bytes: u64,
}

/// What keeps a client while it is in no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Registration {
    /// Nothing: it came by joining, and goes with what it has in its last room.
    ByJoining,
    /// It connected, and stays until it disconnects.
    ByConnecting,
}

/// Whether a client can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connection {
    Connected,
    /// Its connection is lost, and may come back.
    Lost,
}

impl Client {
    /// Where it stands in a room that it is in.
    pub(crate) fn footing(&mut self, room: u32) -> &mut Footing {
        self.rooms.get_mut(room).expect("who is in a room knows where it stands there")
    }
}

impl Clients {
    pub(crate) fn new(key: HashKey) -> Self {
        Self {
            slab: Slab::default(),
            users: Slab::default(),
            by_client: Index::default(),
            by_user: Index::default(),
            data: BTreeMap::new(),
            everyone: Everyone::default(),
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

    /// The first client of a user.
    pub(crate) fn find_user(&self, id: &UserId) -> Option<ClientHandle> {
        self.find_user_by(self.hash.of(id.as_bytes()), id)
    }

    fn find_user_by(&self, hash: u64, id: &UserId) -> Option<ClientHandle> {
        let is_it = |number| self.names.user(ClientHandle::new(number)) == id;
        self.by_user.find(hash, is_it).map(ClientHandle::new)
    }

    #[inline]
    pub(crate) fn get(&self, handle: ClientHandle) -> &Client {
        self.slab.get(handle.get())
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, handle: ClientHandle) -> &mut Client {
        self.slab.get_mut(handle.get())
    }

    /// At least as many bytes as the names of a client take in JSON. They are counted once, however
    /// often it comes and goes.
    #[inline]
    pub(crate) fn name_bytes(&mut self, handle: ClientHandle) -> u64 {
        let known = &mut self.slab.get_mut(handle.get()).name_bytes;
        if *known == 0 {
            *known = self.names.names(handle).encoded_bytes();
        }
        *known
    }

    /// Whatever the host wanted to know of a client.
    pub(crate) fn data(&self, client: ClientHandle) -> Option<&Json> {
        self.data.get(&client)
    }

    pub(crate) fn set_data(&mut self, client: ClientHandle, data: Option<Json>) {
        match data {
            Some(data) => self.data.insert(client, data),
            None => self.data.remove(&client),
        };
    }

    /// All clients of the user of `client`, in the order in which they came.
    pub(crate) fn of_same_user(&self, client: ClientHandle) -> impl Iterator<Item = ClientHandle> {
        let first = self.get(client).user.map_or(client, |user| self.users.get(user.get()).first);
        iter::successors(Some(first), |handle| self.get(*handle).next)
    }

    /// Adds a client that is not there; its user comes with its first client.
    ///
    /// `entry_at` tells in which entry the presence is that is kept at a place of a room.
    pub(crate) fn add(
        &mut self,
        client: &ClientId,
        user: &UserId,
        registration: Registration,
        entry_at: impl Fn(u32, u32) -> NonZeroU64,
    ) -> ClientHandle {
        let user_hash = self.hash.of(user.as_bytes());
        let first = self.find_user_by(user_hash, user);
        let number = first.map(|first| self.share(first, entry_at));
        let previous = number.map(|number| self.users.get(number.get()).last);
        let handle = ClientHandle::new(self.slab.insert(Client {
            rooms: Links::None,
            registration,
            connection: Connection::Connected,
            number: self.everyone.number(),
            user: number,
            previous,
            next: None,
            name_bytes: 0,
        }));
        self.come(handle);

        self.by_client.insert(self.hash.of(client.as_bytes()), handle.get());
        self.names.set(handle, Names { client: client.clone(), user: user.clone() });
        match (number, previous) {
            (Some(number), Some(previous)) => {
                self.get_mut(previous).next = Some(handle);
                self.users.get_mut(number.get()).last = handle;
            }
            (None, _) | (_, None) => self.by_user.insert(user_hash, handle.get()),
        }
        handle
    }

    /// Ends a client; its user goes with its last client.
    pub(crate) fn end(&mut self, handle: ClientHandle) {
        let this = self.slab.take(handle.get());
        debug_assert_eq!(this.rooms.len(), 0, "who is somewhere does not end");
        self.go(&this);
        if !self.data.is_empty() {
            self.data.remove(&handle);
        }
        let Client { user, previous, next, .. } = this;
        let Names { client, user: user_id } = self.names.names(handle);
        self.by_client.remove(self.hash.of(client.as_bytes()), handle.get());
        if previous.is_none() {
            let hash = self.hash.of(user_id.as_bytes());
            self.by_user.remove(hash, handle.get());
            if let Some(next) = next {
                self.by_user.insert(hash, next.get());
            }
        }
        if let Some(user) = user {
            self.part(user, previous, next);
        }
        self.ended.push(handle);
    }

    /// The numbers of handles that are free, the next to be given out last, and of those that wait
    /// for a flush.
    pub(crate) fn spare_handles(&self) -> (Vec<u32>, Vec<u32>) {
        let ended = self.ended.iter().map(|handle| handle.get());
        (self.slab.free_numbers().to_vec(), ended.collect())
    }

    /// Puts back what [`Clients::spare_handles`] has shown.
    pub(crate) fn set_spare_handles(&mut self, mut free: Vec<u32>, ended: Vec<u32>) {
        // A number that waits is not free, but it has its place.
        let free_count = free.len();
        free.extend(&ended);
        self.slab.set_free_numbers(free.clone());
        free.truncate(free_count);
        self.slab.set_free_numbers(free);
        self.ended = ended.into_iter().map(ClientHandle::new).collect();
    }

    /// Makes a handle the next that is given out.
    pub(crate) fn offer_handle(&mut self, handle: u32) {
        self.slab.offer(handle);
    }

    /// Lets the handles of those who have ended be given out again, in the order of their ends.
    pub(crate) fn release_handles(&mut self) {
        if self.ended.is_empty() {
            return;
        }
        for handle in self.ended.drain(..).rev() {
            self.slab.free(handle.get());
        }
        if self.slab.len() == 0 && !self.names.is_empty() {
            // Names are overwritten when their handles are given out again, which may be never.
            self.names = Directory::default();
        }
    }

    /// Panics if an invariant does not hold. Linear in the clients.
    pub(crate) fn check_invariants(&self) {
        let mut of_users = 0;
        for (number, client) in self.slab.iter() {
            let handle = ClientHandle::new(number);
            let names = self.names.names(handle);
            assert_eq!(self.find(&names.client), Some(handle), "a client is found by name");
            let first = self.of_same_user(handle).next();
            assert_eq!(self.find_user(&names.user), first, "a user is found by name");
            if client.previous.is_none() {
                of_users += self.of_same_user(handle).count();
            }
        }
        assert_eq!(of_users, self.len(), "every client is one of its user");
        self.check_everyone();
        self.check_users();
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn add(clients: &mut Clients, id: &str) -> ClientHandle {
        clients.add(&id.into(), &"u".into(), Registration::ByJoining, |_, _| NonZeroU64::MIN)
    }

    #[test]
    fn a_handle_is_given_out_again_after_a_release_only() {
        let mut clients = Clients::new(HashKey([1, 2]));
        let a = add(&mut clients, "a");
        clients.end(a);
        let b = add(&mut clients, "b");
        assert_ne!(a, b);
        assert_eq!(clients.names().client(a), "a", "what was emitted can still be named");
        clients.release_handles();
        assert_eq!(add(&mut clients, "c"), a);
        clients.check_invariants();
    }

    #[test]
    fn handles_are_given_out_again_in_the_order_in_which_they_ended() {
        let mut clients = Clients::new(HashKey([1, 2]));
        let [a, b, c] = ["a", "b", "c"].map(|id| add(&mut clients, id));
        for ended in [b, c, a] {
            clients.end(ended);
        }
        clients.release_handles();
        assert_eq!(["d", "e", "f"].map(|id| add(&mut clients, id)), [b, c, a]);
    }

    #[test]
    fn names_go_after_a_release_when_nobody_is_left() {
        let mut clients = Clients::new(HashKey([1, 2]));
        let [a, b] = ["a", "b"].map(|id| add(&mut clients, id));
        clients.end(a);
        clients.release_handles();
        assert_eq!(clients.names().client(b), "b");
        clients.end(b);
        assert_eq!(clients.names().client(b), "b", "what was emitted has to be named");
        clients.release_handles();
        assert!(clients.names().is_empty());
        let c = add(&mut clients, "c");
        assert_eq!((c, clients.find(&"c".into())), (b, Some(c)));
        clients.check_invariants();
    }

    #[test]
    fn clients_of_a_user_are_in_the_order_in_which_they_came() {
        let mut clients = Clients::new(HashKey([1, 2]));
        let handles = ["a", "b", "c", "d"].map(|id| add(&mut clients, id));
        let [a, b, c, d] = handles;
        for (gone, left) in [(b, vec![a, c, d]), (a, vec![c, d]), (d, vec![c])] {
            clients.end(gone);
            clients.check_invariants();
            assert_eq!(clients.find_user(&"u".into()), left.first().copied());
            assert!(clients.of_same_user(c).eq(left));
        }
        clients.end(c);
        assert_eq!(clients.find_user(&"u".into()), None);
    }
}
