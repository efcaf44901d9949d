//! A persistent vector: snapshots cost a reference count, and a change copies only its path.
//!
//! A tree of four levels with 32 children each, but for the root, which has one a 32,768 elements.
//! While no snapshot is held a change is made in place; while one is held it copies the leaf and the
//! three nodes above it, once. Costs: `get` O(1), `set` O(1) plus at most one copied path; `clone`
//! O(1).

use alloc::sync::Arc;
use core::iter;

/// Children of a node, and elements of a leaf.
const WIDTH: usize = 32;

type Leaf<T> = Arc<[T]>;
type Node<T> = Arc<[Leaf<T>]>;
type Bough<T> = Arc<[Node<T>]>;

/// The places on the way from the root to an element.
const fn path(index: usize) -> [usize; 4] {
    let (node, bough) = (index / WIDTH, index / (WIDTH * WIDTH));
    [bough / WIDTH, bough % WIDTH, node % WIDTH, index % WIDTH]
}

/// A vector whose clones share storage until they are changed. Unset elements are the default.
#[derive(Debug, Clone)]
pub(crate) struct CowVec<T> {
    // None while nothing was ever set: an empty vector costs not even a reference count.
    root: Option<Arc<[Bough<T>]>>,
}

impl<T> Default for CowVec<T> {
    fn default() -> Self {
        Self { root: None }
    }
}

impl<T> CowVec<T> {
    /// Whether nothing was ever set.
    pub(crate) const fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        let [root, bough, node, leaf] = path(index);
        self.root.as_ref()?.get(root)?.get(bough)?.get(node)?.get(leaf)
    }
}

impl<T: Clone + Default> CowVec<T> {
    pub(crate) fn set(&mut self, index: usize, value: T) {
        let [root, bough, node, leaf] = path(index);
        let bough_at = place(self.root.get_or_insert_default(), root, 1);
        let node_at = place(bough_at, bough, 1);
        let leaf_at = place(node_at, node, 1);
        // Only the first leaf grows by and by, so that a small vector stays small.
        *place(leaf_at, leaf, if index < WIDTH { 1 } else { WIDTH }) = value;
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
