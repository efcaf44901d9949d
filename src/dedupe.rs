//! The ids that senders gave to the messages of one room, by which a repeat is told.
//!
//! Knows nothing about messages but their offsets. Of each user the last few ids are remembered,
//! and no more than so many of all users together: the oldest go. Costs: find O(log n), remember
//! O(log n) amortised.

use alloc::collections::{BTreeMap, VecDeque};

use crate::ids::{MessageId, UserId};

/// The ids of one room.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dedupe {
    by_user: BTreeMap<UserId, Ids>,
    // Invariant: whose each id is, and which.
    by_offset: BTreeMap<u64, (UserId, MessageId)>,
}

/// The ids of one user.
#[derive(Debug, Clone, Default)]
struct Ids {
    // Invariant: not empty.
    offsets: BTreeMap<MessageId, u64>,
    // Invariant: the offsets of these, the oldest first.
    in_order: VecDeque<u64>,
}

/// How many places a user's list may have for each offset in it.
const ROOMY: usize = 8;

impl Dedupe {
    /// The offset of the message that `user` sent under `id`, if that is remembered.
    pub(crate) fn find(&self, user: &UserId, id: &MessageId) -> Option<u64> {
        self.by_user.get(user)?.offsets.get(id).copied()
    }

    /// Remembers the id of a new message as one of the last `per_user` of its user and the last
    /// `cap` of all. What is remembered stays as it is, and an offset that is not higher than those
    /// before is of no new message.
    pub(crate) fn remember(
        &mut self,
        user: &UserId,
        id: &MessageId,
        offset: u64,
        per_user: u64,
        cap: u64,
    ) {
        let is_new = self.by_offset.last_key_value().is_none_or(|(last, _)| *last < offset);
        if !is_new || self.find(user, id).is_some() {
            return;
        }

        self.by_offset.insert(offset, (user.clone(), id.clone()));
        let ids = self.by_user.entry(user.clone()).or_default();
        ids.offsets.insert(id.clone(), offset);
        ids.in_order.push_back(offset);

        while let Some(oldest) = self.oldest_past(user, per_user) {
            self.forget(oldest);
        }
        while self.by_offset.len() as u64 > cap
            && let Some((oldest, _)) = self.by_offset.first_key_value()
        {
            self.forget(*oldest);
        }
    }

    /// Everything in the order of offsets: whoever remembers it again has the same.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&UserId, &MessageId, u64)> {
        self.by_offset.iter().map(|(offset, (user, id))| (user, id, *offset))
    }

    /// The oldest of a user that has more than `max`.
    fn oldest_past(&self, user: &UserId, max: u64) -> Option<u64> {
        let ids = self.by_user.get(user)?;
        if ids.in_order.len() as u64 > max { ids.in_order.front().copied() } else { None }
    }

    /// Forgets what has the lowest offset of its user.
    fn forget(&mut self, offset: u64) {
        let (user, id) = self.by_offset.remove(&offset).expect("an offset is remembered once");
        let ids = self.by_user.get_mut(&user).expect("whose id is remembered, has some");
        ids.offsets.remove(&id);
        let oldest = ids.in_order.pop_front();
        debug_assert_eq!(oldest, Some(offset), "the oldest of a user goes first");
        if ids.in_order.is_empty() {
            self.by_user.remove(&user);
        } else if ids.in_order.capacity() > ROOMY * ids.in_order.len() {
            // Or each user in turn could keep a place for all ids that it may have.
            ids.in_order.shrink_to(ROOMY / 2 * ids.in_order.len());
        }
    }

    /// Panics if an invariant does not hold. Costs n log n in the ids.
    pub(crate) fn check_invariants(&self) {
        let mut len = 0;
        for (user, ids) in &self.by_user {
            assert!(!ids.in_order.is_empty(), "a user has ids");
            assert_eq!(ids.in_order.len(), ids.offsets.len(), "each id has its place");
            assert!(ids.in_order.iter().is_sorted(), "the oldest of a user is first");
            let places = ids.in_order.capacity();
            assert!(places <= ROOMY * ids.in_order.len(), "a user has few places to spare");
            for (id, offset) in &ids.offsets {
                let known = self.by_offset.get(offset);
                assert_eq!(known, Some(&(user.clone(), id.clone())), "an offset leads to its id");
                assert!(ids.in_order.contains(offset), "an id stands in the order");
            }
            len += ids.offsets.len();
        }
        assert_eq!(len, self.by_offset.len(), "each id is some user's");
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, vec::Vec};

    use super::*;

    /// Ids that are remembered, the oldest first.
    type Dumb = Vec<(UserId, MessageId, u64)>;

    fn check(per_user: u64, cap: u64) {
        let (mut dedupe, mut dumb) = (Dedupe::default(), Dumb::new());
        let (mut state, mut repeats) = (3_u32, 0);
        for offset in 1..3_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let user = UserId::from(format!("u{}", (state >> 16) % 7));
            let id = MessageId::from(format!("a rather long id, number {}", (state >> 24) % 9));

            let expected = dumb.iter().find(|(of, known, _)| *of == user && *known == id);
            assert_eq!(dedupe.find(&user, &id), expected.map(|(_, _, offset)| *offset));
            if expected.is_some() {
                repeats += 1;
            } else {
                dumb.push((user.clone(), id.clone(), offset));
                let of_user = dumb.iter().filter(|(of, _, _)| *of == user).count();
                if of_user as u64 > per_user {
                    let oldest = dumb.iter().position(|(of, _, _)| *of == user);
                    dumb.remove(oldest.unwrap());
                }
                if dumb.len() as u64 > cap {
                    dumb.remove(0);
                }
            }
            // Also of what is known: that changes nothing.
            dedupe.remember(&user, &id, offset, per_user, cap);

            dedupe.check_invariants();
            assert_eq!(dedupe.by_offset.len(), dumb.len());
            assert!(dedupe.iter().eq(dumb.iter().map(|(user, id, offset)| (user, id, *offset))));
        }
        assert!(repeats > 100 || per_user.min(cap) < 2, "{repeats} were repeats");

        let mut again = Dedupe::default();
        for (user, id, offset) in dedupe.iter() {
            again.remember(user, id, offset, per_user, cap);
        }
        assert!(again.iter().eq(dedupe.iter()));
    }

    #[test]
    fn the_last_ids_of_each_user_are_remembered() {
        check(3, 1_000);
        check(1, 1_000);
    }

    #[test]
    fn the_oldest_of_all_go_at_the_cap() {
        check(5, 12);
        check(1_000, 12);
    }

    #[test]
    fn nothing_is_remembered_where_nothing_may_be() {
        check(0, 12);
        check(5, 0);
    }

    #[test]
    fn an_offset_that_is_not_higher_is_of_no_new_message() {
        let mut dedupe = Dedupe::default();
        for (id, offset) in [("a", 5), ("b", 5), ("c", 4)] {
            dedupe.remember(&"u".into(), &id.into(), offset, 9, 9);
        }
        dedupe.check_invariants();
        assert!(dedupe.iter().eq([(&"u".into(), &"a".into(), 5)]));
    }
}
