//! What presence says: entries of users, metas of their clients, and diffs of both.

use alloc::{sync::Arc, vec::Vec};
use core::{fmt, num::NonZeroU64, slice};

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{
    directory::encoded_bytes,
    few::Few,
    ids::{ClientId, NodeId, UserId},
    payload::Json,
};

/// The name of one state of a meta: a change gives it another.
///
/// Shown as a decimal number, counted by the channel from 1; in a cluster as
/// `node.incarnation.number`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PresenceRef {
    number: NonZeroU64,
    origin: Option<Arc<Origin>>,
}

/// The part of a [`PresenceRef`] that all of one node's have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) node: NodeId,
    pub(crate) incarnation: u64,
}

/// The most bytes that a meta takes in JSON beside its data, its names and the origins of its refs.
pub(super) const META_BYTES: u64 =
    r#"{"ref":"","prev_ref":"","client_id":"","online_at_ms":,"data":},"#.len() as u64
        + 3 * NUMBER_BYTES;

/// The most bytes that an entry takes in JSON beside its metas and its key.
pub(super) const ENTRY_BYTES: u64 = r#"{"key":"","metas":[],"first":true},"#.len() as u64;

/// The bytes of a diff in JSON beside its entries.
const DIFF_BYTES: u64 = r#"{"joins":[],"leaves":[]}"#.len() as u64;

/// The most bytes of a number in JSON.
const NUMBER_BYTES: u64 = 20;

impl Origin {
    /// The most bytes that it takes in JSON.
    pub(super) fn encoded_bytes(&self) -> u64 {
        encoded_bytes(self.node.as_bytes()) + NUMBER_BYTES + 2
    }
}

impl PresenceRef {
    pub(crate) const fn new(number: NonZeroU64, origin: Option<Arc<Origin>>) -> Self {
        Self { number, origin }
    }

    pub(crate) const fn number(&self) -> NonZeroU64 {
        self.number
    }
}

impl fmt::Display for PresenceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Origin { node, incarnation }) = self.origin.as_deref() {
            write!(f, "{node}.{incarnation}.")?;
        }
        fmt::Display::fmt(&self.number, f)
    }
}

impl fmt::Debug for PresenceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PresenceRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Presence of one client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Meta {
    /// `ref` in JSON: names this state of it.
    #[serde(rename = "ref")]
    pub reference: PresenceRef,
    /// After a change: the state whose place it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev_ref: Option<PresenceRef>,
    /// Whose it is.
    pub client_id: ClientId,
    /// Since when, in the driver's milliseconds; a change keeps it.
    pub online_at_ms: u64,
    /// What the client shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Json>,
}

impl Meta {
    /// About how many bytes it takes in JSON: not fewer.
    fn encoded_bytes(&self) -> u64 {
        let of_refs = 2 * self.reference.origin.as_deref().map_or(0, Origin::encoded_bytes);
        let data = self.data.as_ref().map_or(0, |data| data.as_str().len() as u64);
        META_BYTES + of_refs + encoded_bytes(self.client_id.as_bytes()) + data
    }
}

/// Presence of one user: its clients' metas in the order in which they came.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The user.
    pub key: UserId,
    /// One a client; in a diff, only those that changed.
    pub metas: Few<Meta>,
    /// In a diff: whether the user itself comes or goes.
    pub edge: Edge,
}

impl Entry {
    pub(crate) const fn new(key: UserId, metas: Few<Meta>) -> Self {
        Self { key, metas, edge: Edge::None }
    }

    /// About how many bytes it takes in JSON: not fewer.
    pub(super) fn encoded_bytes(&self) -> u64 {
        let metas: u64 = self.metas.iter().map(Meta::encoded_bytes).sum();
        ENTRY_BYTES + encoded_bytes(self.key.as_bytes()) + metas
    }

    /// The same without its first metas, unless none remains.
    pub(crate) fn without_first(&self, metas: usize) -> Option<Self> {
        let rest = self.metas.without_first(metas)?;
        Some(Self { key: self.key.clone(), metas: rest, edge: self.edge })
    }

    pub(crate) const fn with_edge(mut self, edge: Edge) -> Self {
        self.edge = edge;
        self
    }
}

/// Whether a user itself comes or goes with the metas of an [`Entry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a user comes, goes or stays")]
pub enum Edge {
    /// Neither: it has other metas, or this is no diff.
    None,
    /// It was not there before. In JSON `"first":true`.
    First,
    /// It is gone. In JSON `"last":true`.
    Last,
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Entry", 3)?;
        object.serialize_field("key", &self.key)?;
        object.serialize_field("metas", &self.metas)?;
        match self.edge {
            Edge::None => {}
            Edge::First => object.serialize_field("first", &true)?,
            Edge::Last => object.serialize_field("last", &true)?,
        }
        object.end()
    }
}

/// What changed in a list of presences.
///
/// Replay it over a list so: a meta in `joins` whose `prev_ref` is listed takes that meta's place,
/// others go to the end; metas in `leaves` go by their `ref`; an entry without metas goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff(Changes);

// What nearly every diff is, one who comes or one who goes, needs no allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Changes {
    Join(Entry),
    Leave(Entry),
    Change(Arc<Changed>),
    Many(Arc<Sides>),
}

/// What a user shows, and what it showed before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) new: Entry,
    pub(crate) old: Entry,
}

#[derive(Debug, PartialEq, Eq)]
struct Sides {
    joins: Vec<Entry>,
    leaves: Vec<Entry>,
}

impl Diff {
    pub(crate) const fn join(entry: Entry) -> Self {
        Self(Changes::Join(entry))
    }

    pub(crate) const fn leave(entry: Entry) -> Self {
        Self(Changes::Leave(entry))
    }

    pub(crate) const fn changed(changed: Arc<Changed>) -> Self {
        Self(Changes::Change(changed))
    }

    pub(crate) fn of(joins: Vec<Entry>, leaves: Vec<Entry>) -> Self {
        Self(Changes::Many(Arc::new(Sides { joins, leaves })))
    }

    /// About how many bytes it takes in JSON: never fewer, and at most 120 more a meta, in a
    /// cluster also twice the node's name. Linear in its metas.
    #[must_use]
    pub fn encoded_bytes(&self) -> u64 {
        let entries = self.joins().iter().chain(self.leaves());
        DIFF_BYTES + entries.map(Entry::encoded_bytes).sum::<u64>()
    }

    /// Metas that came, or took the place of another.
    #[must_use]
    pub fn joins(&self) -> &[Entry] {
        match &self.0 {
            Changes::Join(entry) => slice::from_ref(entry),
            Changes::Leave(_) => &[],
            Changes::Change(change) => slice::from_ref(&change.new),
            Changes::Many(sides) => &sides.joins,
        }
    }

    /// Metas that went, or gave their place to another.
    #[must_use]
    pub fn leaves(&self) -> &[Entry] {
        match &self.0 {
            Changes::Join(_) => &[],
            Changes::Leave(entry) => slice::from_ref(entry),
            Changes::Change(change) => slice::from_ref(&change.old),
            Changes::Many(sides) => &sides.leaves,
        }
    }
}

impl Serialize for Diff {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Diff", 2)?;
        object.serialize_field("joins", self.joins())?;
        object.serialize_field("leaves", self.leaves())?;
        object.end()
    }
}
