//! Changes that wait to be announced together: what was announced before, and what differs.
//!
//! A meta whose ref is older than the window was announced; it is noted when it goes or changes.
//! One with a younger ref was not; it is noted while it is there, so that a join and a leave in one
//! window cancel out. Costs: O(log n) a change, in the changes of the window.

use alloc::{collections::BTreeMap, vec::Vec};
use core::num::NonZeroU64;

use crate::{
    few::Few,
    ids::{ClientHandle, UserId},
    payload::Json,
    presence::{
        entries::Entries,
        entry::{Diff, Edge, Entry, Meta},
        record::Record,
    },
};

/// Where a meta stands in a list: that of its entry, and its own in it.
type Standing = (NonZeroU64, NonZeroU64);

/// The changes since a list was announced.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    /// The number of the first ref that was not announced.
    pub(crate) horizon: NonZeroU64,
    /// The list as it was announced.
    pub(crate) announced: Entries,
    /// Metas that were announced and have gone or changed since.
    pub(crate) gone: BTreeMap<Standing, (UserId, Meta)>,
    /// Users that were announced and of whom nothing is left; where they stood.
    pub(crate) gone_users: BTreeMap<UserId, NonZeroU64>,
    /// Refs that were not announced, and whose metas they are.
    pub(crate) news: BTreeMap<NonZeroU64, ClientHandle>,
}

/// What is said of a meta that has gone.
#[derive(Debug, Clone)]
pub(crate) struct Gone {
    pub(crate) standing: Standing,
    pub(crate) user: UserId,
    pub(crate) meta: Meta,
    pub(crate) edge: Edge,
}

impl Window {
    pub(crate) const fn new(horizon: NonZeroU64, announced: Entries) -> Self {
        Self {
            horizon,
            announced,
            gone: BTreeMap::new(),
            gone_users: BTreeMap::new(),
            news: BTreeMap::new(),
        }
    }

    /// Whether a ref of that number was announced.
    pub(crate) fn knows(&self, reference: NonZeroU64) -> bool {
        reference < self.horizon
    }

    /// Where a user stands who was announced, has gone and comes again.
    pub(crate) fn returns(&mut self, user: &UserId) -> Option<NonZeroU64> {
        self.gone_users.remove(user)
    }

    /// Notes a meta that has come.
    pub(crate) fn note_news(&mut self, reference: NonZeroU64, client: ClientHandle) {
        self.news.insert(reference, client);
    }

    /// Notes that the meta of that ref has gone, or has another from here on.
    pub(crate) fn note_gone(&mut self, reference: NonZeroU64, gone: Gone) {
        let Gone { standing, user, meta, edge } = gone;
        if edge == Edge::Last && self.knows(standing.0) {
            self.gone_users.insert(user.clone(), standing.0);
        }
        if self.knows(reference) {
            self.gone.insert(standing, (user, meta));
        } else {
            self.news.remove(&reference);
        }
    }

    /// Takes back a change by which a meta that was announced shows `data` again: what was announced
    /// of it, if that is so.
    pub(crate) fn take_back(&mut self, record: &Record, data: Option<&Json>) -> Option<Meta> {
        let (_, meta) = self.gone.get(&record.standing())?;
        if meta.data.as_ref() != data {
            return None;
        }
        self.news.remove(&record.reference);
        self.gone.remove(&record.standing()).map(|(_, meta)| meta)
    }

    /// What is to be announced, if anything is: `read` tells of a client what is recorded of it.
    pub(crate) fn into_diff(
        self,
        read: impl Fn(ClientHandle) -> Record,
        say: impl Fn(Record) -> (UserId, Meta),
    ) -> Option<Diff> {
        let Self { horizon, announced: _, gone, gone_users, news } = self;
        if gone.is_empty() && news.is_empty() {
            return None;
        }
        let mut records: Vec<_> = news.into_values().map(read).collect();
        records.sort_by_key(Record::standing);
        let joins = records.into_iter().map(|record| {
            let edge = if record.entry < horizon { Edge::None } else { Edge::First };
            let standing = record.standing();
            let (user, meta) = say(record);
            Gone { standing, user, meta, edge }
        });
        let leaves = gone.into_iter().map(|(standing, (user, meta))| {
            let edge = if gone_users.contains_key(&user) { Edge::Last } else { Edge::None };
            Gone { standing, user, meta, edge }
        });
        Some(Diff::of(grouped(joins), grouped(leaves)))
    }
}

/// What several metas that go at once are said to be; they may be in any order.
pub(crate) fn leaves(mut gone: Vec<Gone>) -> Diff {
    gone.sort_by_key(|gone| gone.standing);
    Diff::of(Vec::new(), grouped(gone.into_iter()))
}

/// Metas as entries; those of one user stand together.
fn grouped(metas: impl Iterator<Item = Gone>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut last = None;
    for Gone { standing: (entry, _), user, meta, edge } in metas {
        match entries.last_mut() {
            Some(known) if last == Some(entry) => {
                known.metas.push(meta);
                if edge != Edge::None {
                    known.edge = edge;
                }
            }
            _ => entries.push(Entry::new(user, Few::one(meta)).with_edge(edge)),
        }
        last = Some(entry);
    }
    entries
}
