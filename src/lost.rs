//! Up to where messages of one room are missing, and for whom.
//!
//! Knows nothing about what is held. A message that is lost is remembered by its offset alone, and
//! by whom it excludes as long as that matters: a few offsets are enough to tell, of any reader,
//! the highest one that it should have received. Costs are given with each method; `k` is the
//! number of names that are remembered singly.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};
use core::mem;

use crate::{
    config::RoomConfig,
    ids::{ClientId, EventName, UserId},
    message::StoredMessage,
};

/// What is missing in one room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    // Of a name that is here, all that is missing is here, and perhaps more. A name that the
    // configuration has is here as soon as something of it is missing.
    singly: BTreeMap<EventName, Named>,
    // Of all names that are not there.
    others: Marks,
}

/// What is missing of one name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Named {
    marks: Marks,
    // Whether the configuration has the name, so that it is not given up for others.
    is_configured: bool,
}

/// What is missing of one name or of several, as far as it tells the highest offset for a reader.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// The highest offset of what was for everyone; 0 if there is none.
    pub(crate) for_all: u64,
    /// Higher offsets of what excluded somebody, the highest first.
    // Invariant: each is the highest for some reader that all before it exclude; so they are few.
    pub(crate) for_some: Vec<Mark>,
}

/// The offset of a message that is missing, and whom it excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) offset: u64,
    pub(crate) except: Whom,
}

/// Whom a message excludes that excludes somebody. Small, as marks change places all the time: few
/// messages exclude a client and a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whom {
    Client(ClientId),
    User(UserId),
    Both(Box<(ClientId, UserId)>),
}

/// Whom one message excludes beside whom another does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    /// The same readers.
    Same,
    /// Others, so that no reader is excluded by both.
    Apart,
    /// A client where that is a user, or a user where that is a client: by both, whoever is both.
    Across,
    Otherwise,
}

/// Who reads: what excludes either is not for them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) client: &'a ClientId,
    pub(crate) user: &'a UserId,
}

/// A message that is not held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loss<'a> {
    pub(crate) event: &'a EventName,
    pub(crate) offset: u64,
    pub(crate) except_client: Option<&'a ClientId>,
    pub(crate) except_user: Option<&'a UserId>,
}

/// How names are remembered: singly those that the configuration has, and of others as it says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Naming<'a> {
    pub(crate) config: &'a RoomConfig,
    pub(crate) others: Others,
}

/// How names are remembered that the configuration does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// All together, where everybody hears every name.
    Together,
    /// Singly, up to so many.
    Singly(u64),
}

/// Readers that are excluded by some marks, by the places of the marks that name them: all of a
/// client, all of a user, or only those that are both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Readers {
    client: Option<usize>,
    user: Option<usize>,
}

impl<'a> From<&'a StoredMessage> for Loss<'a> {
    fn from(message: &'a StoredMessage) -> Self {
        let StoredMessage { event, offset, except_client, except_user, .. } = message;
        let (except_client, except_user) = (except_client.as_ref(), except_user.as_ref());
        Self { event, offset: *offset, except_client, except_user }
    }
}

impl Loss<'_> {
    /// What is remembered of it if it was not for everyone.
    #[inline]
    fn to_mark(self) -> Option<Mark> {
        let except = Whom::of(self.except_client, self.except_user)?;
        Some(Mark { offset: self.offset, except })
    }
}

impl Whom {
    /// None if both are none.
    #[inline]
    pub(crate) fn of(client: Option<&ClientId>, user: Option<&UserId>) -> Option<Self> {
        Some(match (client, user) {
            (Some(client), None) => Self::Client(client.clone()),
            (None, Some(user)) => Self::User(user.clone()),
            (Some(client), Some(user)) => Self::Both(Box::new((client.clone(), user.clone()))),
            (None, None) => return None,
        })
    }

    pub(crate) fn client(&self) -> Option<&ClientId> {
        match self {
            Self::Client(client) => Some(client),
            Self::User(_) => None,
            Self::Both(both) => Some(&both.0),
        }
    }

    pub(crate) fn user(&self) -> Option<&UserId> {
        match self {
            Self::Client(_) => None,
            Self::User(user) => Some(user),
            Self::Both(both) => Some(&both.1),
        }
    }

    /// Whom another excludes beside these: told of what is common, that senders exclude themselves
    /// or their users.
    #[inline]
    fn beside(&self, other: &Self) -> Beside {
        let is_same = match (self, other) {
            (Self::Client(client), Self::Client(other)) => client == other,
            (Self::User(user), Self::User(other)) => user == other,
            (Self::Client(_), Self::User(_)) | (Self::User(_), Self::Client(_)) => {
                return Beside::Across;
            }
            (Self::Both(_), _) | (_, Self::Both(_)) => return Beside::Otherwise,
        };
        if is_same { Beside::Same } else { Beside::Apart }
    }
}

impl Reader<'_> {
    /// Whether a message is for them.
    pub(crate) fn may_see(&self, message: &StoredMessage) -> bool {
        message.is_for(self.client, self.user)
    }
}

impl Lost {
    /// What is missing where everything up to that offset is.
    pub(crate) fn all_up_to(offset: u64) -> Self {
        let others = Marks { for_all: offset, for_some: Vec::new() };
        Self { others, ..Self::default() }
    }

    /// Remembers that a message is not held. O(log k); a name that was not lost before costs O(k).
    pub(crate) fn note(&mut self, loss: Loss<'_>, naming: Naming<'_>) {
        if let Some(named) = self.singly.get_mut(loss.event) {
            return named.marks.note(loss);
        }
        let is_configured = match naming.others {
            // Members are subscribed to `*` when they join, and to no name.
            Others::Together => naming.config.defines(loss.event),
            Others::Singly(_) => is_configured(naming.config, loss.event),
        };
        if is_configured {
            let named = Named { marks: Marks::default(), is_configured: true };
            return self.singly.entry(loss.event.clone()).or_insert(named).marks.note(loss);
        }
        match naming.others {
            Others::Together => self.others.note(loss),
            Others::Singly(max) => self.name(loss.event, max).note(loss),
        }
    }

    /// The highest offset that is missing of a name for a reader, in a room of that configuration;
    /// 0 if there is none. O(log k).
    pub(crate) fn highest(
        &self,
        event: &EventName,
        reader: Reader<'_>,
        config: &RoomConfig,
    ) -> u64 {
        match self.singly.get(event) {
            Some(named) => named.marks.highest(reader),
            None if is_configured(config, event) => 0,
            None => self.others.highest(reader),
        }
    }

    /// The highest offset that is missing of any name for a reader. O(k).
    pub(crate) fn highest_of_all(&self, reader: Reader<'_>) -> u64 {
        let singly = self.singly.values().map(|named| named.marks.highest(reader));
        singly.fold(self.others.highest(reader), u64::max)
    }

    /// What is missing of each name that is remembered singly, and of all others.
    pub(crate) fn parts(&self) -> (impl Iterator<Item = (&EventName, &Marks)>, &Marks) {
        (self.singly.iter().map(|(event, named)| (event, &named.marks)), &self.others)
    }

    /// What [`Lost::parts`] tells, of a room of that configuration.
    pub(crate) fn restored(
        singly: impl IntoIterator<Item = (EventName, Marks)>,
        others: Marks,
        config: &RoomConfig,
    ) -> Self {
        let named = |(event, marks): (EventName, Marks)| {
            let is_configured = is_configured(config, &event);
            (event, Named { marks, is_configured })
        };
        Self { singly: singly.into_iter().map(named).collect(), others }
    }

    /// How many names are remembered singly that the configuration does not have.
    pub(crate) fn unconfigured(&self) -> usize {
        self.singly.values().filter(|named| !named.is_configured).count()
    }

    /// Begins to remember a name singly that the configuration does not have. What is missing of it
    /// up to here is among that of others. Where there are enough names, the one of which the last
    /// loss is the oldest becomes one of the others.
    fn name(&mut self, event: &EventName, max: u64) -> &mut Marks {
        let marks = self.others.clone();
        if self.unconfigured() as u64 >= max {
            let unconfigured = self.singly.iter().filter(|(_, named)| !named.is_configured);
            let oldest = unconfigured.min_by_key(|(_, named)| named.marks.newest());
            if let Some(oldest) = oldest.map(|(event, _)| event.clone())
                && let Some(named) = self.singly.remove(&oldest)
            {
                self.others.merge(named.marks);
            }
        }
        let named = Named { marks, is_configured: false };
        &mut self.singly.entry(event.clone()).or_insert(named).marks
    }

    /// Panics if an invariant does not hold.
    pub(crate) fn check_invariants(&self) {
        self.others.check_invariants();
        self.singly.values().for_each(|named| named.marks.check_invariants());
    }
}

/// Whether a configuration has a name: it defines it, or members are subscribed to it when they
/// join. The name of a message is never `*`.
fn is_configured(config: &RoomConfig, event: &EventName) -> bool {
    let is_it = |name: &EventName| name.as_bytes() == event.as_bytes();
    config.defines(event) || config.default_subscriptions.iter().any(is_it)
}

impl Marks {
    /// The highest offset, whomever it excluded.
    pub(crate) fn newest(&self) -> u64 {
        self.for_some.first().map_or(self.for_all, |mark| mark.offset)
    }

    fn highest(&self, reader: Reader<'_>) -> u64 {
        let is_for = |mark: &&Mark| {
            mark.except.client() != Some(reader.client) && mark.except.user() != Some(reader.user)
        };
        self.for_some.iter().find(is_for).map_or(self.for_all, |mark| mark.offset)
    }

    fn note(&mut self, loss: Loss<'_>) {
        let Some(mark) = loss.to_mark() else { return self.note_for_all(loss.offset) };
        let [newest, ..] = &mut *self.for_some else { return self.add(mark) };
        if newest.offset >= mark.offset {
            return self.put(mark);
        }
        match newest.except.beside(&mark.except) {
            Beside::Same => newest.offset = mark.offset,
            // Everybody is told by one of the two.
            Beside::Apart => self.put_first(mark, 1),
            Beside::Across => self.note_across(mark),
            Beside::Otherwise => self.put(mark),
        }
    }

    /// Notes a newer mark that excludes a client where the newest excludes a user, or the other way
    /// round: those whom both exclude are told by the second, or by one after it.
    fn note_across(&mut self, mark: Mark) {
        let [_, second, ..] = &mut *self.for_some else { return self.put_first(mark, 1) };
        match second.except.beside(&mark.except) {
            Beside::Same => {
                second.offset = mark.offset;
                self.for_some.swap(0, 1);
            }
            // It excludes another than this one, or than the newest, so that it tells all of those.
            Beside::Apart | Beside::Across => self.put_first(mark, 2),
            Beside::Otherwise => self.put(mark),
        }
    }

    /// Puts a mark before the first `kept`, and forgets those after them.
    fn put_first(&mut self, mark: Mark, kept: usize) {
        let mut moved = mark;
        for place in self.for_some.iter_mut().take(kept + 1) {
            mem::swap(place, &mut moved);
        }
        if self.for_some.len() <= kept {
            self.for_some.push(moved);
        } else {
            self.for_some.truncate(kept + 1);
        }
    }

    /// Puts a mark wherever it belongs.
    fn put(&mut self, mark: Mark) {
        self.add(mark);
        self.forget_what_does_not_matter();
    }

    fn note_for_all(&mut self, offset: u64) {
        if offset > self.for_all {
            self.for_all = offset;
            let higher = self.for_some.partition_point(|mark| mark.offset > offset);
            self.for_some.truncate(higher);
        }
    }

    fn add(&mut self, mark: Mark) {
        if mark.offset > self.for_all {
            let newer = self.for_some.partition_point(|other| other.offset > mark.offset);
            // The same message may be told of a name and of others.
            if self.for_some.get(newer).is_none_or(|other| other.offset < mark.offset) {
                self.for_some.insert(newer, mark);
            }
        }
    }

    fn merge(&mut self, others: Self) {
        let Self { for_all, for_some } = others;
        self.note_for_all(for_all);
        for mark in for_some {
            self.add(mark);
        }
        self.forget_what_does_not_matter();
    }

    /// Forgets marks that are the highest for nobody. There are few, so this is O(1).
    fn forget_what_does_not_matter(&mut self) {
        let Some(newest) = self.for_some.first() else { return };
        // Whom all marks before a place exclude: one client or some of its users, and one user or
        // some of its clients.
        let of_client = Readers { client: Some(0), user: None };
        let of_user = Readers { client: None, user: Some(0) };
        let mut excluded = [
            newest.except.client().is_some().then_some(of_client),
            newest.except.user().is_some().then_some(of_user),
        ];
        let mut place = 1;
        while let Some(mark) = self.for_some.get(place) {
            let excluded_too = excluded.map(|readers| self.excluded_too(mark, place, readers?));
            if excluded_too == excluded {
                self.for_some.remove(place);
            } else {
                excluded = excluded_too;
                place += 1;
            }
        }
    }

    /// Those of these readers whom the mark at `place` excludes.
    fn excluded_too(&self, mark: &Mark, place: usize, readers: Readers) -> Option<Readers> {
        let client = readers.client.and_then(|place| self.client_at(place));
        let user = readers.user.and_then(|place| self.user_at(place));
        if client.is_some() && client == mark.except.client()
            || user.is_some() && user == mark.except.user()
        {
            return Some(readers);
        }
        match (client, user) {
            (None, Some(_)) if mark.except.client().is_some() => {
                Some(Readers { client: Some(place), ..readers })
            }
            (Some(_), None) if mark.except.user().is_some() => {
                Some(Readers { user: Some(place), ..readers })
            }
            _ => None,
        }
    }

    fn client_at(&self, place: usize) -> Option<&ClientId> {
        self.for_some.get(place)?.except.client()
    }

    fn user_at(&self, place: usize) -> Option<&UserId> {
        self.for_some.get(place)?.except.user()
    }

    /// Whether they are in order, and each matters to somebody.
    pub(crate) fn are_sound(&self) -> bool {
        let offsets = self.for_some.iter().map(|mark| mark.offset);
        let is_sorted = offsets.clone().is_sorted_by(|newer, older| newer > older);
        let are_higher = offsets.min().is_none_or(|oldest| oldest > self.for_all);
        let mut pruned = self.clone();
        pruned.forget_what_does_not_matter();
        is_sorted && are_higher && pruned == *self
    }

    fn check_invariants(&self) {
        assert!(self.are_sound(), "marks are in order, and each matters");
        assert!(self.for_some.len() <= MOST_MARKS, "marks are few");
    }
}

/// As many marks as can matter: the first leaves those of a client and those of a user, and each
/// further one takes from one of the two, which takes two of them at most.
const MOST_MARKS: usize = 5;

#[cfg(test)]
mod tests;
