//! A list of presences as it was at one moment, made into entries only when somebody reads it.

use alloc::{sync::Arc, vec::Vec};
use core::{fmt, iter};

use serde::{Serialize, Serializer};

use crate::{
    directory::{Directory, Names},
    few::Few,
    ids::ClientHandle,
    log::View,
    presence::{
        WORDS,
        entry::{ENTRY_BYTES, Entry, META_BYTES, Meta, Origin},
        record::{Record, Rest, Standing},
    },
};

/// Who is present in a topic: entries in the order in which their users came.
///
/// Cloning, [`len`](Entries::len) and [`meta_count`](Entries::meta_count) are O(1), whatever the
/// size: entries are made when they are read, in time linear in the metas (with a factor log n
/// where users have several clients). It does not change when presences do, and does not slow the
/// channel down while it is held.
#[derive(Clone)]
pub struct Entries {
    pub(super) metas: View<WORDS>,
    pub(super) rests: Rest,
    pub(super) standing: Standing,
    pub(super) users: u32,
    /// The bytes of all data, and of all names in JSON; of a list that was made already, of all.
    pub(super) bytes: u64,
    pub(super) origin: Option<Arc<Origin>>,
    pub(super) names: Directory,
    /// In place of all that, a list that was made already: of a window that was restored.
    pub(super) listed: Option<Arc<Vec<Entry>>>,
}

/// Bytes of the brackets around a list.
const BRACKETS: u64 = 2;

impl Entries {
    /// Nobody.
    pub(crate) fn none() -> Self {
        Self {
            metas: View::empty(),
            rests: Rest::default(),
            standing: Standing::InOrder,
            users: 0,
            bytes: 0,
            origin: None,
            names: Directory::default(),
            listed: None,
        }
    }

    /// A list that was made already.
    pub(crate) fn listed(entries: Vec<Entry>) -> Self {
        let bytes = entries.iter().map(Entry::encoded_bytes).sum();
        Self { listed: Some(Arc::new(entries)), bytes, ..Self::none() }
    }

    /// Gives the clients in it their names, but for those whose record has them.
    pub(crate) fn name(&mut self, names: &Directory) {
        if self.names.is_empty() {
            self.names = names.clone();
        }
    }

    /// How many users are present.
    #[must_use]
    pub fn len(&self) -> usize {
        self.listed.as_ref().map_or(self.users as usize, |listed| listed.len())
    }

    /// Whether nobody is present.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many clients are present.
    #[must_use]
    pub fn meta_count(&self) -> usize {
        let Some(listed) = &self.listed else { return self.metas.live() as usize };
        listed.iter().map(|entry| entry.metas.len()).sum()
    }

    /// About how many bytes the list takes in JSON, without making it: never fewer, and at most
    /// 120 more a meta and the name of its user, in a cluster also twice the node's name. O(1).
    #[must_use]
    pub fn encoded_bytes(&self) -> u64 {
        let (metas, users) = (u64::from(self.metas.live()), u64::from(self.users));
        let of_meta = META_BYTES + 2 * self.origin.as_deref().map_or(0, Origin::encoded_bytes);
        BRACKETS + self.bytes + metas * of_meta + users * ENTRY_BYTES
    }

    /// The entries, each made when it is asked for.
    pub fn iter(&self) -> impl Iterator<Item = Entry> {
        self.iter_from(0)
    }

    /// The entries from the meta at index `first` on, counted over all entries in their order. An
    /// entry that begins before `first` comes with the metas that remain.
    ///
    /// With it, a list can be encoded in pieces. Finding `first` costs O(n), but makes no entry.
    pub fn iter_from(&self, first: usize) -> impl Iterator<Item = Entry> {
        let mut skipped = first;
        let listed = self.listed.iter().flat_map(|listed| listed.iter());
        let listed = listed.filter_map(move |entry| {
            let skip = skipped.min(entry.metas.len());
            skipped -= skip;
            entry.without_first(skip)
        });
        let mut records = self.ordered().into_iter().skip(first).peekable();
        let made = iter::from_fn(move || {
            let first = records.next()?;
            let key = self.names_of(&first).user.clone();
            let entry = first.entry;
            let mut metas = Few::one(self.meta(&first));
            while let Some(next) = records.next_if(|next| next.entry == entry) {
                metas.push(self.meta(&next));
            }
            Some(Entry::new(key, metas))
        });
        listed.chain(made)
    }

    /// What is recorded of each meta, in the order of entries and of metas in them.
    fn ordered(&self) -> Vec<Record> {
        let places = self.metas.places();
        let mut records: Vec<_> = places.map(|place| self.record(place)).collect();
        match self.standing {
            Standing::InOrder => {}
            Standing::Mixed => records.sort_by_key(|record| (record.entry, record.place)),
        }
        records
    }

    fn record(&self, place: u32) -> Record {
        let (client, words) = self.metas.get(place);
        Record::read(ClientHandle::new(client), words, self.rests.get(place))
    }

    fn names_of<'a>(&'a self, record: &'a Record) -> &'a Names {
        record.names.as_deref().unwrap_or_else(|| self.names.names(record.client))
    }

    fn meta(&self, record: &Record) -> Meta {
        let client_id = self.names_of(record).client.clone();
        record.to_meta(record.data.clone(), client_id, self.origin.as_ref())
    }
}

impl PartialEq for Entries {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Entries {}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_named = |record: &Record| record.names.is_some() || self.names.has(record.client);
        if !self.ordered().iter().all(is_named) {
            return write!(f, "[{} metas, named when flushed]", self.meta_count());
        }
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
