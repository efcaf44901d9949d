//! Who receives a message: fixed when the event is handled, owned, cheap to clone, sendable.

use alloc::{sync::Arc, vec::Vec};
use core::fmt;

use serde::{Serialize, Serializer};

use crate::{
    directory::Directory,
    ids::{ClientHandle, ClientId},
    roster::Roll,
};

/// A list of clients, each once, in join order.
///
/// It neither changes when members come and go, nor does holding it slow the channel down.
/// Cloning and [`len`](Recipients::len) are O(1); iterating is linear in the members of the topic
/// when the event was handled, and allocates only if some of them have come back while messages
/// were held: then they are put in order first. Two lists are equal if they name the same clients in the same order.
#[derive(Clone)]
pub struct Recipients {
    members: Roll,
    // Invariant: all of them are among the members.
    except: Except,
    names: Directory,
}

/// Who among the members does not receive.
#[derive(Debug, Clone)]
pub(crate) enum Except {
    Nobody,
    One(ClientHandle),
    /// In ascending order. A list in a list, so that the pointer is thin.
    Many(Arc<Vec<ClientHandle>>),
}

impl Except {
    /// All of those. Makes a list only if there are two or more: mostly there are not.
    #[inline]
    pub(crate) fn of(mut clients: impl Iterator<Item = ClientHandle>) -> Self {
        match (clients.next(), clients.next()) {
            (None, _) => Self::Nobody,
            (Some(one), None) => Self::One(one),
            (Some(one), Some(two)) => Self::these([one, two].into_iter().chain(clients).collect()),
        }
    }

    fn these(mut clients: Vec<ClientHandle>) -> Self {
        clients.sort_unstable();
        clients.dedup();
        match clients[..] {
            [] => Self::Nobody,
            [one] => Self::One(one),
            _ => Self::Many(Arc::new(clients)),
        }
    }

    #[inline]
    fn len(&self) -> usize {
        match self {
            Self::Nobody => 0,
            Self::One(_) => 1,
            Self::Many(handles) => handles.len(),
        }
    }

    #[inline]
    fn contains(&self, handle: ClientHandle) -> bool {
        match self {
            Self::Nobody => false,
            Self::One(one) => *one == handle,
            Self::Many(handles) => handles.binary_search(&handle).is_ok(),
        }
    }
}

impl Recipients {
    /// Some of `members`; their names come with [`Recipients::name`].
    pub(crate) fn new(members: Roll, except: Except) -> Self {
        Self { members, except, names: Directory::default() }
    }

    /// All of `members`.
    pub(crate) fn all(members: Roll) -> Self {
        Self::new(members, Except::Nobody)
    }

    /// Those, in their order.
    pub(crate) fn of(clients: &[ClientHandle]) -> Self {
        let members: Vec<_> = clients.iter().map(|client| client.get()).collect();
        Self::all(Roll::of(&members))
    }

    /// Nobody.
    pub(crate) fn none() -> Self {
        Self::new(Roll::empty(), Except::Nobody)
    }

    pub(crate) fn name(&mut self, names: &Directory) {
        self.names = names.clone();
    }

    /// How many there are.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.members.len() as usize - self.except.len()
    }

    /// Whether there are none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their handles, in order, for a driver that keeps its connections in an array.
    #[inline]
    pub fn handles(&self) -> impl Iterator<Item = ClientHandle> {
        let handles = self.members.iter().map(ClientHandle::new);
        handles.filter(|handle| !self.except.contains(*handle))
    }

    /// Their ids, in order.
    #[inline]
    pub fn ids(&self) -> impl Iterator<Item = &ClientId> {
        self.handles().map(|handle| self.names.client(handle))
    }
}

impl Default for Recipients {
    /// Nobody.
    fn default() -> Self {
        Self::none()
    }
}

impl PartialEq for Recipients {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.ids().eq(other.ids())
    }
}

impl Eq for Recipients {}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.handles().any(|handle| !self.names.has(handle)) {
            return write!(f, "[{} clients, named when flushed]", self.len());
        }
        f.debug_list().entries(self.ids()).finish()
    }
}

impl Serialize for Recipients {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.ids())
    }
}
