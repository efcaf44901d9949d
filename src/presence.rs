//! Who is present in one room: metas in the order in which their users came.
//!
//! Knows nothing about members, users or messages: it is told who a meta stands for and where, and
//! returns what it had of it. Costs: track, untrack and replace O(1) amortised, with a factor log n
//! where users have several clients or change their metas; a snapshot O(1).

mod entries;
mod entry;
mod record;
mod window;

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::num::NonZeroU64;

pub use self::{
    entries::Entries,
    entry::{Diff, Edge, Entry, Meta, PresenceRef},
};
pub(crate) use self::{
    entry::{Changed, Origin},
    record::Record,
    window::{Gone, Window, leaves},
};

use self::record::{Rest, Standing};
use crate::{
    directory::Directory,
    ids::ClientHandle,
    log::{Log, Moved},
    payload::Json,
};

/// How many words a meta takes in the log: its ref and its time.
const WORDS: usize = 4;

/// What a change gives a meta.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) reference: NonZeroU64,
    pub(crate) prev_ref: Option<NonZeroU64>,
    pub(crate) data: Option<Json>,
}

/// The presences of one room.
#[derive(Debug, Clone)]
pub(crate) struct Presence {
    metas: Log<WORDS>,
    rest: Rest,
    // Invariant: how many different entries the metas belong to.
    users: u32,
    // Invariant: the bytes of the data of all metas.
    data_bytes: u64,
    // The encoded bytes of the names of all metas, which their channel knows.
    name_bytes: u64,
    // Invariant: how many metas do not stand where they were put.
    displaced: u32,
    /// What is not announced yet, where changes wait for it.
    pub(crate) window: Option<Box<Window>>,
}

impl Presence {
    pub(crate) fn new() -> Self {
        Self {
            metas: Log::new(),
            rest: Rest::default(),
            users: 0,
            data_bytes: 0,
            name_bytes: 0,
            displaced: 0,
            window: None,
        }
    }

    /// How many metas there are.
    pub(crate) const fn meta_count(&self) -> u32 {
        self.metas.live()
    }

    /// Whether there is no room for one more.
    pub(crate) fn is_full(&self) -> bool {
        self.metas.is_full()
    }

    /// Whether there are many gaps.
    pub(crate) const fn is_sparse(&self) -> bool {
        self.metas.is_sparse(0)
    }

    /// Makes room for one more if there is none.
    pub(crate) fn make_room(&mut self) -> Option<Moved> {
        if self.metas.is_full() && !self.metas.has_gaps() {
            self.metas.grow();
        }
        self.metas.is_full().then(|| self.rebuild())
    }

    /// Closes the gaps if there are many.
    pub(crate) fn close_gaps(&mut self) -> Option<Moved> {
        self.is_sparse().then(|| self.rebuild())
    }

    /// Adds a meta, for which there must be room, and returns where it is kept; with
    /// [`Edge::First`] its user comes too. Its names take that many bytes in JSON.
    pub(crate) fn track(&mut self, record: &Record, edge: Edge, name_bytes: u64) -> u32 {
        self.name_bytes += name_bytes;
        self.put(record, edge)
    }

    fn put(&mut self, record: &Record, edge: Edge) -> u32 {
        let place = self.metas.push(record.client.get(), record.words());
        self.rest.set(place, record);
        self.displaced += u32::from(record.is_displaced());
        self.users += u32::from(edge == Edge::First);
        self.data_bytes += record.data_bytes();
        place
    }

    /// Removes the meta kept at `place`; with `Edge::Last` its user goes too.
    pub(crate) fn untrack(&mut self, place: u32, edge: Edge, name_bytes: u64) -> Record {
        self.name_bytes -= name_bytes;
        self.take(place, edge)
    }

    fn take(&mut self, place: u32, edge: Edge) -> Record {
        let record = self.record(place);
        self.metas.remove(place);
        self.rest.clear(place);
        self.displaced -= u32::from(record.is_displaced());
        self.users -= u32::from(edge == Edge::Last);
        self.data_bytes -= record.data_bytes();
        record
    }

    /// Puts another state of a meta in place of the one kept at `place`, for which there must be
    /// room. Returns where it is kept from now on, what it was and what it is.
    pub(crate) fn replace(&mut self, place: u32, state: State) -> (u32, Record, Record) {
        let State { reference, prev_ref, data } = state;
        let old = self.take(place, Edge::None);
        let new =
            Record { reference, prev_ref, data, is_moved: true, names: old.names.clone(), ..old };
        (self.put(&new, Edge::None), old, new)
    }

    /// Gives the meta kept at `place` other data under the ref that it has, which nobody has seen.
    pub(crate) fn amend(&mut self, place: u32, data: Option<Json>) {
        let old = self.record(place);
        self.data_bytes -= old.data_bytes();
        let record = Record { data, ..old };
        self.data_bytes += record.data_bytes();
        self.rest.clear(place);
        self.rest.set(place, &record);
    }

    /// What is kept at `place`.
    pub(crate) fn record(&self, place: u32) -> Record {
        let (client, words) = self.metas.get(place);
        Record::read(ClientHandle::new(client), words, self.rest.get(place))
    }

    /// The list as it stands; its names come with [`Entries::name`].
    pub(crate) fn entries(&self, origin: Option<Arc<Origin>>) -> Entries {
        Entries {
            metas: self.metas.view(),
            rests: self.rest.clone(),
            standing: if self.displaced == 0 { Standing::InOrder } else { Standing::Mixed },
            users: self.users,
            bytes: self.data_bytes + self.name_bytes,
            origin,
            names: Directory::default(),
            listed: None,
        }
    }

    /// Where metas are kept from `from` on, and whose they are.
    pub(crate) fn places_from(&self, from: u32) -> impl Iterator<Item = (u32, ClientHandle)> {
        self.metas.iter_from(from).map(|(place, client)| (place, ClientHandle::new(client)))
    }

    /// Everything that is kept, in the order of the list.
    pub(crate) fn records(&self) -> Vec<Record> {
        let mut records: Vec<_> =
            self.places_from(0).map(|(place, _)| self.record(place)).collect();
        records.sort_by_key(Record::standing);
        records
    }

    fn rebuild(&mut self) -> Moved {
        let mut places: Vec<_> = self.metas.iter_from(0).map(|(place, _)| place).collect();
        if self.displaced > 0 {
            places.sort_by_cached_key(|place| {
                let Record { entry, place, .. } = self.record(*place);
                (entry, place)
            });
        }
        self.rest = self.rest.rearranged(&places);
        self.metas.rebuild_as(&places)
    }

    /// Panics if an invariant does not hold. Costs n log n in the metas.
    pub(crate) fn check_invariants(&self) {
        self.metas.check_invariants(0);
        let mut records: Vec<_> =
            self.places_from(0).map(|(place, _)| self.record(place)).collect();
        let displaced = records.iter().filter(|record| record.is_displaced()).count();
        assert_eq!(displaced, self.displaced as usize, "displaced metas are counted");
        let data_bytes: u64 = records.iter().map(Record::data_bytes).sum();
        assert_eq!(data_bytes, self.data_bytes, "bytes of data are counted");
        records.sort_by_key(|record| record.entry);
        records.dedup_by_key(|record| record.entry);
        assert_eq!(records.len(), self.users as usize, "users are counted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_goes_with_its_meta() {
        let mut presence = Presence::new();
        let reference = NonZeroU64::MIN;
        let data = Json::parse("[1,2,3]").unwrap();
        let record = Record {
            client: ClientHandle::new(0),
            reference,
            online_at_ms: 0,
            entry: reference,
            place: reference,
            prev_ref: None,
            data: Some(data.clone()),
            is_moved: false,
            names: None,
        };
        assert!(presence.make_room().is_none_or(|moved| moved.from == 0));
        let place = presence.track(&record, Edge::First, 9);
        assert_eq!(presence.untrack(place, Edge::Last, 9).data, Some(data));
        assert_eq!((presence.data_bytes, presence.name_bytes), (0, 0), "nothing is counted");
        assert!(presence.rest.get(place).is_none(), "what nobody can see is not kept");
    }
}
