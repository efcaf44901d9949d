//! Things under small numbers that are given out again when a thing has gone.

use alloc::{vec, vec::Vec};

/// A table of `T` by number. Numbers are dense from 0; the last to become free is the next given.
#[derive(Debug, Clone)]
pub(crate) struct Slab<T> {
    // Invariant: an entry is None if and only if its number is free or waits to be freed.
    entries: Vec<Option<T>>,
    free: Vec<u32>,
    len: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: Vec::new(), len: 0 }
    }
}

impl<T> Slab<T> {
    /// How many things there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Adds a thing and returns its number.
    pub(crate) fn insert(&mut self, thing: T) -> u32 {
        self.len += 1;
        if let Some(number) = self.free.pop() {
            *self.entries.get_mut(number as usize).expect("a free number was given out") =
                Some(thing);
            return number;
        }
        // A quarter more at a time: what stands ready costs less memory than by doubling.
        if self.entries.len() == self.entries.capacity() {
            self.entries.reserve_exact(self.entries.len() / 4 + 4);
        }
        self.entries.push(Some(thing));
        u32::try_from(self.entries.len() - 1).expect("limits keep tables below 2^31")
    }

    /// Makes a number that stands for nothing the next that is given out, and the only free one.
    pub(crate) fn offer(&mut self, number: u32) {
        let len = self.entries.len().max(number as usize + 1);
        self.entries.resize_with(len, || None);
        self.free = vec![number];
    }

    /// The numbers that are free, the next to be given out last.
    pub(crate) fn free_numbers(&self) -> &[u32] {
        &self.free
    }

    /// Makes these the free numbers, the next to be given out last; no thing has one of them.
    pub(crate) fn set_free_numbers(&mut self, free: Vec<u32>) {
        let len = free.iter().max().map_or(0, |highest| *highest as usize + 1);
        self.entries.resize_with(len.max(self.entries.len()), || None);
        self.free = free;
    }

    /// Takes the thing out. Its number is not given out again before [`Slab::free`].
    pub(crate) fn take(&mut self, number: u32) -> T {
        self.len -= 1;
        let entry = self.entries.get_mut(number as usize).and_then(Option::take);
        entry.expect("a number stands for a thing until it is taken")
    }

    /// Lets the number of a thing that was taken be given out again.
    pub(crate) fn free(&mut self, number: u32) {
        self.free.push(number);
    }

    #[inline]
    pub(crate) fn get(&self, number: u32) -> &T {
        let entry = self.entries.get(number as usize).and_then(Option::as_ref);
        entry.expect("a number stands for a thing until it is taken")
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, number: u32) -> &mut T {
        let entry = self.entries.get_mut(number as usize).and_then(Option::as_mut);
        entry.expect("a number stands for a thing until it is taken")
    }

    /// Everything, by number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..).zip(&self.entries).filter_map(|(number, entry)| Some((number, entry.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_given_out_again_only_when_it_was_freed() {
        let mut slab = Slab::default();
        assert_eq!([slab.insert('a'), slab.insert('b')], [0, 1]);
        assert_eq!(slab.take(0), 'a');
        assert_eq!(slab.insert('c'), 2);
        slab.free(0);
        assert_eq!(slab.insert('d'), 0);
        assert!(slab.iter().eq([(0, &'d'), (1, &'b'), (2, &'c')]));
        assert_eq!(slab.len(), 3);
    }
}
