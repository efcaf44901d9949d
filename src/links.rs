//! What one client or user has in each room: a small map that keeps the order of insertion.
//!
//! Most have a few rooms, and a list of those is searched from end to end. A longer list gets an
//! index of room numbers beside it; who is removed from it leaves a gap, and the gaps are closed
//! when there are many. Costs: get, set and remove O(1) amortised; the list in order, linear.

use alloc::{boxed::Box, vec, vec::Vec};

use crate::index::Index;

/// No room: there are fewer than 2^31.
const GONE: u32 = u32::MAX;

/// The longest list that is searched from end to end.
const FEW: usize = 32;

/// A map from the number of a room to `V`, in the order of insertion.
#[derive(Debug, Clone, Default)]
pub(crate) enum Links<V> {
    /// Nothing.
    #[default]
    None,
    /// One room.
    One(u32, V),
    /// Up to 32 rooms, without a place to spare: there are as many of these as there are clients.
    Few(Box<[(u32, V)]>),
    /// Any number.
    Many(Box<Many<V>>),
}

/// A list with an index.
#[derive(Debug, Clone)]
pub(crate) struct Many<V> {
    // Invariant: the room of what was removed is GONE.
    list: Vec<(u32, V)>,
    // Where in the list each room is.
    index: Index,
    len: usize,
}

impl<V: Copy> Links<V> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(..) => 1,
            Self::Few(links) => links.len(),
            Self::Many(many) => many.len,
        }
    }

    pub(crate) fn get(&self, room: u32) -> Option<V> {
        match self {
            Self::None => None,
            Self::One(at, value) => (*at == room).then_some(*value),
            Self::Few(links) => links.iter().find(|(at, _)| *at == room).map(|(_, value)| *value),
            Self::Many(many) => many.get(room),
        }
    }

    pub(crate) fn get_mut(&mut self, room: u32) -> Option<&mut V> {
        match self {
            Self::None => None,
            Self::One(at, value) => (*at == room).then_some(value),
            Self::Few(links) => {
                links.iter_mut().find(|(at, _)| *at == room).map(|(_, value)| value)
            }
            Self::Many(many) => many.get_mut(room),
        }
    }

    /// Puts `value` in the place of what `room` has, or at the end.
    pub(crate) fn set(&mut self, room: u32, value: V) {
        match self {
            Self::One(at, old) if *at == room => *old = value,
            Self::None => *self = Self::One(room, value),
            Self::One(at, old) => *self = Self::Few([(*at, *old), (room, value)].into()),
            Self::Few(links) => {
                if let Some((_, old)) = links.iter_mut().find(|(at, _)| *at == room) {
                    *old = value;
                } else if links.len() < FEW {
                    let mut list = core::mem::take(links).into_vec();
                    list.reserve_exact(1);
                    list.push((room, value));
                    *links = list.into();
                } else {
                    let mut many = Many::new(links);
                    many.set(room, value);
                    *self = Self::Many(Box::new(many));
                }
            }
            Self::Many(many) => many.set(room, value),
        }
    }

    pub(crate) fn remove(&mut self, room: u32) -> Option<V> {
        let (removed, left) = match self {
            Self::None => return None,
            Self::One(at, value) => ((*at == room).then_some(*value), usize::from(*at != room)),
            Self::Few(links) => {
                let at = links.iter().position(|(at, _)| *at == room)?;
                let mut list = core::mem::take(links).into_vec();
                let (_, value) = list.remove(at);
                *links = list.into();
                (Some(value), links.len())
            }
            Self::Many(many) => (many.remove(room), many.len),
        };
        if left == 0 {
            *self = Self::None;
        }
        removed
    }

    /// Everything, in the order of insertion.
    pub(crate) fn to_vec(&self) -> Vec<(u32, V)> {
        match self {
            Self::None => Vec::new(),
            Self::One(room, value) => vec![(*room, *value)],
            Self::Few(links) => links.to_vec(),
            Self::Many(many) => many.to_vec(),
        }
    }
}

impl<V: Copy> Many<V> {
    fn new(links: &[(u32, V)]) -> Self {
        let mut many = Self { list: Vec::new(), index: Index::default(), len: 0 };
        for (room, value) in links {
            many.push(*room, *value);
        }
        many
    }

    fn get(&self, room: u32) -> Option<V> {
        let (_, value) = self.list.get(self.find(room)?)?;
        Some(*value)
    }

    fn get_mut(&mut self, room: u32) -> Option<&mut V> {
        let at = self.find(room)?;
        let (_, value) = self.list.get_mut(at)?;
        Some(value)
    }

    fn set(&mut self, room: u32, value: V) {
        match self.get_mut(room) {
            Some(old) => *old = value,
            None => self.push(room, value),
        }
    }

    fn push(&mut self, room: u32, value: V) {
        let at = u32::try_from(self.list.len()).expect("limits keep lists below 2^32");
        if self.list.len() == self.list.capacity() {
            self.list.reserve_exact(self.list.len() / 4 + 1);
        }
        self.list.push((room, value));
        self.index.insert(hash(room), at);
        self.len += 1;
    }

    fn remove(&mut self, room: u32) -> Option<V> {
        let at = self.find(room)?;
        let (gone, value) = self.list.get_mut(at)?;
        *gone = GONE;
        let value = *value;
        self.index.remove(hash(room), u32::try_from(at).ok()?);
        self.len -= 1;
        if self.list.len() > self.len + self.len / 2 + FEW {
            *self = Self::new(&self.to_vec());
        }
        Some(value)
    }

    fn find(&self, room: u32) -> Option<usize> {
        let is_it = |at: u32| self.list.get(at as usize).is_some_and(|(taken, _)| *taken == room);
        self.index.find(hash(room), is_it).map(|at| at as usize)
    }

    fn to_vec(&self) -> Vec<(u32, V)> {
        self.list.iter().filter(|(room, _)| *room != GONE).copied().collect()
    }
}

/// Spreads room numbers, which are ours and can't be chosen, by Fibonacci hashing (Knuth, volume
/// 3, section 6.4).
fn hash(room: u32) -> u64 {
    u64::from(room).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_their_order_at_every_size() {
        let mut links = Links::None;
        let mut dumb: Vec<(u32, u32)> = vec![];
        let mut state = 7_u32;
        for step in 0..20_000_u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let room = (state >> 16) % 80;
            // Fills up and empties in turns.
            let fills = (step / 200) % 2 == 0;
            match dumb.iter().position(|(at, _)| *at == room) {
                Some(at) if !fills => {
                    assert_eq!(links.remove(room), Some(dumb.remove(at).1));
                }
                Some(at) => {
                    dumb[at].1 = step;
                    links.set(room, step);
                }
                None if fills => {
                    dumb.push((room, step));
                    links.set(room, step);
                }
                None => assert_eq!(links.remove(room), None),
            }
            assert_eq!(links.get(room), dumb.iter().find(|(at, _)| *at == room).map(|(_, v)| *v));
            assert_eq!(links.len(), dumb.len());
            let got = links.get_mut(room).map(|value| *value);
            assert_eq!(got, links.get(room), "both look in the same place");
            if let Links::Many(many) = &links {
                let longest = many.len + many.len / 2 + FEW;
                assert!(many.list.len() <= longest, "gaps are closed when there are many");
            }
            if step % 16 == 0 {
                assert_eq!(links.to_vec(), dumb);
            }
        }
    }

    #[test]
    fn links_are_small() {
        assert_eq!(size_of::<Links<u32>>(), 24);
    }
}
