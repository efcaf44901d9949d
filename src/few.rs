//! A list that is nearly always of one, kept without an allocation of its own.

use alloc::{vec, vec::Vec};
use core::{fmt, mem, ops::Deref, slice};

use serde::{Serialize, Serializer};

/// One or many of `T`; reads as a slice.
#[derive(Clone)]
pub struct Few<T>(Repr<T>);

#[derive(Clone)]
enum Repr<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> Few<T> {
    pub(crate) const fn one(item: T) -> Self {
        Self(Repr::One(item))
    }

    pub(crate) fn push(&mut self, item: T) {
        self.0 = match mem::replace(&mut self.0, Repr::Many(Vec::new())) {
            Repr::One(first) => Repr::Many(vec![first, item]),
            Repr::Many(mut items) => {
                items.push(item);
                Repr::Many(items)
            }
        };
    }

    /// The items after the first `count`, unless none remains.
    pub(crate) fn without_first(&self, count: usize) -> Option<Self>
    where
        T: Clone,
    {
        match self.get(count..)? {
            [] => None,
            [one] => Some(Self::one(one.clone())),
            items => Some(Self(Repr::Many(items.to_vec()))),
        }
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Repr::One(item) => slice::from_ref(item),
            Repr::Many(items) => items,
        }
    }
}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: PartialEq> PartialEq for Few<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Few<T> {}

impl<T: fmt::Debug> fmt::Debug for Few<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&**self).finish()
    }
}

impl<T: Serialize> Serialize for Few<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_reads_as_a_slice() {
        let mut few = Few::one(0);
        for n in 1..5 {
            assert_eq!(&*few, &(0..n).collect::<Vec<_>>());
            few.push(n);
        }
    }
}
