//! The beginnings of names that clients may not use, found without comparing most names to any.

use alloc::vec::Vec;

use crate::ids::EventName;

/// Prefixes, and the bytes that they begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reserved {
    prefixes: Vec<EventName>,
    // One bit a byte: whether a prefix begins with it.
    beginnings: [u64; 4],
}

impl Reserved {
    pub(super) fn new(prefixes: Vec<EventName>) -> Self {
        let mut beginnings = [0; 4];
        for first in prefixes.iter().filter_map(|prefix| prefix.as_bytes().first()) {
            if let Some(word) = beginnings.get_mut(usize::from(first / 64)) {
                *word |= 1 << (first % 64);
            }
        }
        Self { prefixes, beginnings }
    }

    pub(super) fn prefixes(&self) -> &[EventName] {
        &self.prefixes
    }

    /// The first prefix that a name begins with.
    #[inline]
    pub(super) fn find(&self, name: &EventName) -> Option<&EventName> {
        let name = name.as_bytes();
        let first = *name.first()?;
        let word = self.beginnings.get(usize::from(first / 64))?;
        if word >> (first % 64) & 1 == 0 {
            return None;
        }
        self.prefixes.iter().find(|prefix| name.starts_with(prefix.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_reserved_that_begins_with_a_prefix() {
        let reserved = Reserved::new(["phx_", "\u{e9}", "z"].map(EventName::from).into());
        for (name, prefix) in
            [("phx_join", "phx_"), ("phx_", "phx_"), ("\u{e9}t\u{e9}", "\u{e9}"), ("z", "z")]
        {
            assert_eq!(reserved.find(&name.into()), Some(&prefix.into()), "{name}");
        }
        for name in ["phx", "p", "", "Phx_", "message", "\u{e8}"] {
            assert_eq!(reserved.find(&name.into()), None, "{name}");
        }
    }
}
