//! What one client or user has in each room: a small map that keeps the order of insertion.
//!
//! Most have a few rooms, which a list serves best in time and memory; past 32 it becomes a hash
//! map. Costs: get, insert and remove O(1); iterating in order is linear, with a factor log n past
//! 32 rooms.

use alloc::{boxed::Box, vec, vec::Vec};
use core::hash::{BuildHasherDefault, Hasher};

use indexmap::IndexMap;

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
    /// Up to 32 rooms.
    Few(Vec<(u32, V)>),
    /// Any number.
    Many(Box<Many<V>>),
}

/// Each value with the count of insertions before it, since removing reorders an `IndexMap`.
#[derive(Debug, Clone)]
pub(crate) struct Many<V> {
    links: IndexMap<u32, (u64, V), BuildHasherDefault<RoomHasher>>,
    inserted: u64,
}

impl<V: Copy> Links<V> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(..) => 1,
            Self::Few(links) => links.len(),
            Self::Many(many) => many.links.len(),
        }
    }

    pub(crate) fn get(&self, room: u32) -> Option<V> {
        match self {
            Self::None => None,
            Self::One(at, value) => (*at == room).then_some(*value),
            Self::Few(links) => links.iter().find(|(at, _)| *at == room).map(|(_, value)| *value),
            Self::Many(many) => many.links.get(&room).map(|(_, value)| *value),
        }
    }

    /// Puts `value` in the place of what `room` has, or at the end.
    pub(crate) fn set(&mut self, room: u32, value: V) {
        match self {
            Self::One(at, old) if *at == room => *old = value,
            Self::None => *self = Self::One(room, value),
            Self::One(at, old) => *self = Self::Few(vec![(*at, *old), (room, value)]),
            Self::Few(links) => {
                if let Some((_, old)) = links.iter_mut().find(|(at, _)| *at == room) {
                    *old = value;
                } else if links.len() < FEW {
                    if links.len() == links.capacity() {
                        links.reserve_exact(links.len() / 4 + 1);
                    }
                    links.push((room, value));
                } else {
                    *self = Self::Many(Box::new(Many::new(links, room, value)));
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
                (Some(links.remove(at).1), links.len())
            }
            Self::Many(many) => (many.remove(room), many.links.len()),
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
            Self::Few(links) => links.clone(),
            Self::Many(many) => many.to_vec(),
        }
    }
}

impl<V: Copy> Many<V> {
    fn new(links: &[(u32, V)], room: u32, value: V) -> Self {
        let mut many = Self { links: IndexMap::default(), inserted: 0 };
        for (room, value) in links.iter().copied().chain([(room, value)]) {
            many.set(room, value);
        }
        many
    }

    fn set(&mut self, room: u32, value: V) {
        let (_, old) = self.links.entry(room).or_insert((self.inserted, value));
        *old = value;
        self.inserted += 1;
    }

    #[expect(clippy::disallowed_methods, reason = "the order is kept by the count of insertions")]
    fn remove(&mut self, room: u32) -> Option<V> {
        let removed = self.links.swap_remove(&room);
        if self.links.len() < self.links.capacity() / 4 {
            self.links.shrink_to(self.links.len() * 2);
        }
        removed.map(|(_, value)| value)
    }

    fn to_vec(&self) -> Vec<(u32, V)> {
        let mut links: Vec<_> = self.links.iter().collect();
        links.sort_unstable_by_key(|(_, (inserted, _))| *inserted);
        links.into_iter().map(|(room, (_, value))| (*room, *value)).collect()
    }
}

/// Spreads room numbers, which are ours and can't be chosen, by Fibonacci hashing (Knuth, volume
/// 3, section 6.4).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RoomHasher(u64);

impl Hasher for RoomHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(32)
    }
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
