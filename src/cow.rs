//! A persistent vector: snapshots cost a reference count, and a change copies only its path.
//!
//! Three levels with leaves of up to 32. While no snapshot is held a change is made in place;
//! while one is held it copies the leaf and the two nodes above it, once. Costs: `get` O(1),
//! `set` O(1) plus at most one copied path, of which only the root grows (one pointer a 1,024
//! elements); `clone` O(1).

use alloc::sync::Arc;
use core::iter;

const LEAF: usize = 32;
const NODE: usize = 32;

type Leaf<T> = Arc<[T]>;
type Node<T> = Arc<[Leaf<T>]>;

/// A vector whose clones share storage until they are changed. Unset elements are the default.
#[derive(Debug, Clone)]
pub(crate) struct CowVec<T> {
    // None while nothing was ever set: an empty vector costs not even a reference count.
    root: Option<Arc<[Node<T>]>>,
}

impl<T> Default for CowVec<T> {
    fn default() -> Self {
        Self { root: None }
    }
}

impl<T> CowVec<T> {
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        let node = self.root.as_ref()?.get(index / (LEAF * NODE))?;
        node.get(index / LEAF % NODE)?.get(index % LEAF)
    }
}

impl<T: Clone + Default> CowVec<T> {
    pub(crate) fn set(&mut self, index: usize, value: T) {
        let node = place(self.root.get_or_insert_default(), index / (LEAF * NODE), 1);
        let leaf = place(node, index / LEAF % NODE, 1);
        // Only the first leaf grows by and by, so that a small vector stays small.
        *place(leaf, index % LEAF, if index < LEAF { 1 } else { LEAF }) = value;
    }
}

/// The element at `index` of a slice that grows to hold it, to at least `least` elements, and is
/// copied if it is shared.
fn place<T: Clone + Default>(slice: &mut Arc<[T]>, index: usize, least: usize) -> &mut T {
    if index >= slice.len() {
        let len = (index + 1).next_power_of_two().max(least);
        *slice = slice.iter().cloned().chain(iter::repeat_with(T::default)).take(len).collect();
    }
    Arc::make_mut(slice).get_mut(index).expect("the slice was grown to hold the index")
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn snapshots_stay_as_they_were() {
        let mut vec = CowVec::default();
        let mut dumb: Vec<usize> = Vec::new();
        let mut snapshots = Vec::new();
        for step in 0..5_000_usize {
            let index = if step % 3 == 0 { dumb.len() } else { step * 31 % dumb.len() };
            if index == dumb.len() {
                dumb.push(0);
            }
            dumb[index] = step;
            vec.set(index, step);
            if step % 97 == 0 {
                snapshots.push((vec.clone(), dumb.clone()));
            }
        }
        snapshots.push((vec, dumb));
        for (vec, dumb) in snapshots {
            let read: Vec<_> = (0..dumb.len()).map(|index| vec.get(index).copied()).collect();
            assert_eq!(read, dumb.iter().copied().map(Some).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_was_never_set_is_the_default_or_nothing() {
        let mut vec = CowVec::default();
        vec.set(2_000, 7);
        assert_eq!((vec.get(2_000), vec.get(1_999), vec.get(0)), (Some(&7), Some(&0), None));
        assert_eq!(vec.get(usize::MAX), None);
    }
}
