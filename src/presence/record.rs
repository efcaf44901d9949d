//! What is kept of one meta: the numbers that all have, and the rest that few have.

use alloc::sync::Arc;
use core::num::NonZeroU64;

use crate::{
    cow::CowVec,
    directory::Names,
    ids::{ClientHandle, ClientId},
    payload::Json,
    presence::{
        WORDS,
        entry::{Meta, Origin, PresenceRef},
    },
};

/// One meta, as it is kept. Numbers of refs serve as ordinals: they only grow.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) client: ClientHandle,
    pub(crate) reference: NonZeroU64,
    pub(crate) online_at_ms: u64,
    /// Where its user stands in the list: the ref with which the user came.
    pub(crate) entry: NonZeroU64,
    /// Where it stands in its entry: the ref with which it came itself.
    pub(crate) place: NonZeroU64,
    pub(crate) prev_ref: Option<NonZeroU64>,
    pub(crate) data: Option<Json>,
    /// Whether it was put elsewhere than where it came.
    pub(crate) is_moved: bool,
    /// Whose it is, where lists outlive handles: in rooms with windows.
    pub(crate) names: Option<Arc<Names>>,
}

/// Whether metas stand in the order in which they have to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// They do, and each is the only one of its user.
    InOrder,
    /// Some belong to a user that has others, or took the place of an earlier one.
    Mixed,
}

/// What only some metas have, by place; without any, it takes no memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Rest(CowVec<Option<Arc<Extra>>>);

#[derive(Debug)]
pub(super) struct Extra {
    entry: NonZeroU64,
    place: NonZeroU64,
    prev_ref: Option<NonZeroU64>,
    data: Option<Json>,
    is_moved: bool,
    names: Option<Arc<Names>>,
}

impl Rest {
    pub(super) fn get(&self, place: u32) -> Option<&Extra> {
        self.0.get(place as usize)?.as_deref()
    }

    /// The same, once what is kept at `places` is kept in their order.
    pub(super) fn rearranged(&self, places: &[u32]) -> Self {
        let mut rest = CowVec::default();
        for (new, old) in places.iter().enumerate() {
            if let Some(Some(extra)) = self.0.get(*old as usize) {
                rest.set(new, Some(Arc::clone(extra)));
            }
        }
        Self(rest)
    }

    /// Forgets what is kept at `place`, and with it data that may be large.
    pub(super) fn clear(&mut self, place: u32) {
        if self.get(place).is_some() {
            self.0.set(place as usize, None);
        }
    }

    /// Keeps of `record` what its words don't say.
    #[inline]
    pub(super) fn set(&mut self, place: u32, record: &Record) {
        let Record {
            client: _,
            reference: _,
            online_at_ms: _,
            entry,
            place: standing,
            prev_ref,
            data,
            is_moved,
            names,
        } = record;
        if record.is_displaced() || data.is_some() || names.is_some() {
            let (entry, standing, prev_ref) = (*entry, *standing, *prev_ref);
            let (data, names) = (data.clone(), names.clone());
            let is_moved = *is_moved;
            let extra = Extra { entry, place: standing, prev_ref, data, is_moved, names };
            self.0.set(place as usize, Some(Arc::new(extra)));
        }
    }
}

impl Record {
    /// Whether it may stand elsewhere than where it was put: it has not come with its user, or has
    /// changed.
    pub(super) fn is_displaced(&self) -> bool {
        self.is_moved || self.entry != self.reference || self.place != self.reference
    }

    /// How many bytes it shows.
    pub(super) fn data_bytes(&self) -> u64 {
        self.data.as_ref().map_or(0, |data| data.as_str().len() as u64)
    }

    /// Where it stands in the list.
    pub(crate) const fn standing(&self) -> (NonZeroU64, NonZeroU64) {
        (self.entry, self.place)
    }

    /// What is said of it, with that data.
    #[inline]
    pub(crate) fn to_meta(
        &self,
        data: Option<Json>,
        client_id: ClientId,
        origin: Option<&Arc<Origin>>,
    ) -> Meta {
        let name = |number| PresenceRef::new(number, origin.cloned());
        Meta {
            reference: name(self.reference),
            prev_ref: self.prev_ref.map(name),
            client_id,
            online_at_ms: self.online_at_ms,
            data,
        }
    }

    pub(super) fn words(&self) -> [u32; WORDS] {
        let ([a, b], [c, d]) = (halves(self.reference.get()), halves(self.online_at_ms));
        [a, b, c, d]
    }

    pub(super) fn read(client: ClientHandle, words: [u32; WORDS], extra: Option<&Extra>) -> Self {
        let [a, b, c, d] = words;
        let reference = NonZeroU64::new(whole([a, b])).expect("refs count from 1");
        let (entry, place) =
            extra.map_or((reference, reference), |extra| (extra.entry, extra.place));
        Self {
            client,
            reference,
            online_at_ms: whole([c, d]),
            entry,
            place,
            prev_ref: extra.and_then(|extra| extra.prev_ref),
            data: extra.and_then(|extra| extra.data.clone()),
            is_moved: extra.is_some_and(|extra| extra.is_moved),
            names: extra.and_then(|extra| extra.names.clone()),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the halves are what is asked for")]
const fn halves(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}

fn whole([low, high]: [u32; 2]) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_being_halved() {
        for number in [0, 1, u64::from(u32::MAX), 1 << 32, 0x0123_4567_89ab_cdef, u64::MAX] {
            assert_eq!(whole(halves(number)), number);
        }
    }
}
