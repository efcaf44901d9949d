//! The order of what waits for one connection: a main line, and a backlog for each topic that has a
//! long answer to give.
//!
//! Two kinds of things wait. *Live* ones, which others have caused, have a bound: a client that does
//! not keep up with them is too slow. *Answers*, which the client has asked for, have none here, as
//! whoever asks for more is not read until they have drained.
//!
//! In a backlog, what was missed stands before the answers to requests for pages of its topic: a client
//! takes such an answer for a sign that nothing more of it comes.
//!
//! The main line goes first. While it has more than fits into a batch, backlogs get a quarter of what
//! is sent, so that neither can hold up the other. Backlogs drain one after the other.

use std::{collections::VecDeque, sync::Arc};

use parlor::Topic;

use super::{
    Item,
    answer::{Part, Pieces, Replay},
    backlog::{Backlog, State, Tag},
};

/// How much is taken at once, at most; of bytes, perhaps one item more.
pub(super) const BATCH: usize = 64;
pub(super) const BATCH_BYTES: usize = 64 << 10;

/// For how many there is room when none waits: what a burst took is given back.
pub(super) const ROOM: usize = 4;

/// How much waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) items: usize,
    pub(crate) bytes: usize,
}

impl Load {
    const fn add(&mut self, items: usize, bytes: usize) {
        self.items += items;
        self.bytes += bytes;
    }

    const fn take(&mut self, items: usize, bytes: usize) {
        self.items = self.items.saturating_sub(items);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Whether it is as much as that, or more.
    pub(super) const fn reaches(self, max: Self) -> bool {
        self.items >= max.items || self.bytes >= max.bytes
    }
}

/// Why something waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Others have caused it.
    Live,
    /// The client has asked for it, and it is small.
    Reply,
    /// The client has asked for it.
    Answer,
}

/// One item that waits.
#[derive(Debug)]
pub(super) struct Entry {
    item: Item,
    size: u32,
    kind: Kind,
}

impl Entry {
    pub(super) fn new(item: Item, size: usize, kind: Kind) -> Self {
        Self { item, size: u32::try_from(size).unwrap_or(u32::MAX), kind }
    }

    const fn size(&self) -> usize {
        self.size as usize
    }
}

/// What becomes of something live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Live {
    Waits,
    /// Its topic says nothing to the client until that joins again.
    Dropped,
    /// It does not fit.
    TooMuch,
}

#[derive(Debug, Default)]
pub(super) struct Line {
    main: VecDeque<Entry>,
    backlogs: VecDeque<Backlog>,
    /// How many entries of the main line were taken.
    taken: u64,
    /// How many bytes backlogs may take although the main line has more; less than none after a piece
    /// that was larger.
    credit: isize,
    live: Load,
    replies: Load,
    answers: Load,
}

impl Line {
    pub(super) const fn live(&self) -> Load {
        self.live
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.main.capacity()
    }

    pub(super) const fn replies(&self) -> Load {
        self.replies
    }

    /// All that the client has asked for.
    pub(super) const fn answers(&self) -> Load {
        Load {
            items: self.answers.items + self.replies.items,
            bytes: self.answers.bytes + self.replies.bytes,
        }
    }

    /// Lets something live wait, where no more than `max` may. Of which topic it is, if it is of one,
    /// is asked only where that matters.
    pub(super) fn put(
        &mut self,
        item: Item,
        size: usize,
        tag: impl FnOnce() -> Option<Tag>,
        max: Load,
    ) -> Live {
        if !self.backlogs.is_empty() {
            return self.put_beside_backlogs(item, size, tag(), max);
        }
        if !self.has_room(size, max) {
            return Live::TooMuch;
        }
        self.push(Entry::new(item, size, Kind::Live));
        Live::Waits
    }

    /// Whether something live fits. One that is larger than all may be together fits by itself, or
    /// nobody could receive it.
    const fn has_room(&self, size: usize, max: Load) -> bool {
        self.live.items == 0
            || self.live.items < max.items && self.live.bytes.saturating_add(size) <= max.bytes
    }

    #[cold]
    fn put_beside_backlogs(
        &mut self,
        item: Item,
        size: usize,
        tag: Option<Tag>,
        max: Load,
    ) -> Live {
        while !self.has_room(size, max) {
            if !self.interrupt_fullest() {
                return Live::TooMuch;
            }
        }
        let entry = Entry::new(item, size, Kind::Live);
        let backlog =
            tag.and_then(|tag| self.backlogs.iter_mut().find(|backlog| backlog.tag == tag));
        match backlog {
            None => self.push(entry),
            Some(backlog)
                if backlog.state == State::Interrupted && !entry.item.ends_membership() =>
            {
                return Live::Dropped;
            }
            Some(backlog) => {
                backlog.live.add(1, size);
                self.live.add(1, size);
                backlog.parts.push_back(Part::Whole(entry));
            }
        }
        Live::Waits
    }

    /// Ends the membership behind whose answer most waits, in place of the connection.
    fn interrupt_fullest(&mut self) -> bool {
        let fullest =
            self.backlogs.iter().enumerate().max_by_key(|(_, backlog)| backlog.live.bytes);
        let Some((at, backlog)) = fullest.filter(|(_, backlog)| backlog.live.items > 0) else {
            return false;
        };
        let topic = backlog.topic.clone();
        self.clear(at);
        if let Some(backlog) = self.backlogs.get_mut(at) {
            backlog.state = State::Interrupted;
            let entry = Entry::new(Item::Interrupted(topic), 0, Kind::Reply);
            self.replies.add(1, 0);
            backlog.parts.push_back(Part::Whole(entry));
        }
        true
    }

    /// Lets an answer wait, in the main line.
    pub(super) fn answer(&mut self, item: Item, size: usize, kind: Kind) {
        self.push(Entry::new(item, size, kind));
    }

    /// Lets something wait behind all answers of now.
    pub(super) fn put_last(&mut self, item: Item) {
        if self.backlogs.is_empty() {
            return self.push(Entry::new(item, 0, Kind::Reply));
        }
        let mut backlog = Backlog::new(Topic::from(""), self.taken + self.main.len() as u64);
        backlog.parts.push_back(Part::Whole(Entry::new(item, 0, Kind::Reply)));
        self.replies.add(1, 0);
        self.backlogs.push_back(backlog);
    }

    /// Lets an answer of a topic wait: behind another one of that topic, if there is one.
    pub(super) fn answer_of(&mut self, topic: &Topic, item: Item, size: usize) {
        let entry = Entry::new(item, size, Kind::Answer);
        let tag = Tag::of(topic);
        match self.backlogs.iter_mut().find(|backlog| backlog.tag == tag) {
            None => self.push(entry),
            Some(backlog) => {
                self.answers.add(1, size);
                backlog.parts.push_back(Part::Whole(entry));
            }
        }
    }

    /// Lets messages that a client has missed wait, and all else of their topic behind them.
    pub(super) fn replay(&mut self, topic: &Topic, replay: Replay) {
        self.answers.add(replay.len(), replay.size());
        self.put_in_backlog(topic, Part::Replay(replay));
    }

    /// Lets a presence state wait, and all else of its topic behind it.
    pub(super) fn pieces(&mut self, topic: &Topic, pieces: Pieces, size: usize) {
        self.answers.add(1, size);
        self.put_in_backlog(topic, Part::Pieces(Arc::new(pieces), size));
    }

    /// Puts a part into the backlog of a topic.
    fn put_in_backlog(&mut self, topic: &Topic, part: Part) {
        let tag = Tag::of(topic);
        if let Some(backlog) = self.backlogs.iter_mut().find(|backlog| backlog.tag == tag) {
            return backlog.parts.push_back(part);
        }
        let mut backlog = Backlog::new(topic.clone(), self.taken + self.main.len() as u64);
        backlog.parts.push_back(part);
        self.backlogs.push_back(backlog);
    }

    /// Drops what waits in the backlog of a topic: its client joins it again, or leaves it.
    pub(super) fn forget(&mut self, topic: &Topic) {
        if self.backlogs.is_empty() {
            return;
        }
        let tag = Tag::of(topic);
        if let Some(at) = self.backlogs.iter().position(|backlog| backlog.tag == tag) {
            self.clear(at);
            self.backlogs.remove(at);
        }
    }

    /// Drops what waits in a backlog, but for answers to requests.
    fn clear(&mut self, at: usize) {
        let Some(backlog) = self.backlogs.get_mut(at) else { return };
        backlog.live = Load::default();
        for part in std::mem::take(&mut backlog.parts) {
            match part {
                Part::Whole(entry) => {
                    self.count_out(entry.kind, entry.size());
                    if entry.item.is_answer() {
                        self.push(entry);
                    }
                }
                Part::Replay(replay) => self.answers.take(replay.len(), replay.size()),
                Part::Pieces(_, size) => self.answers.take(1, size),
            }
        }
    }

    fn push(&mut self, entry: Entry) {
        let load = match entry.kind {
            Kind::Live => &mut self.live,
            Kind::Reply => &mut self.replies,
            Kind::Answer => &mut self.answers,
        };
        load.add(1, entry.size());
        self.main.push_back(entry);
    }

    const fn count_out(&mut self, kind: Kind, size: usize) {
        let load = match kind {
            Kind::Live => &mut self.live,
            Kind::Reply => &mut self.replies,
            Kind::Answer => &mut self.answers,
        };
        load.take(1, size);
    }

    /// Takes as much as is to be sent at once.
    pub(super) fn take(&mut self, items: &mut Vec<Item>) {
        let backlogs_wait = self.backlogs.iter().any(|backlog| !backlog.parts.is_empty());
        // A quarter is left for backlogs.
        let quarters = if backlogs_wait { 3 } else { 4 };
        let (most, most_bytes) = (BATCH / 4 * quarters, BATCH_BYTES / 4 * quarters);
        items.reserve(self.main.len().min(most));
        let (mut count, mut bytes) = (0, 0);
        while count < most
            && bytes < most_bytes
            && let Some(entry) = self.main.pop_front()
        {
            let size = entry.size();
            self.count_out(entry.kind, size);
            (count, bytes) = (count + 1, bytes + size);
            items.push(entry.item);
        }
        self.taken += count as u64;
        if self.main.is_empty() && self.main.capacity() > ROOM {
            self.main.shrink_to(ROOM);
        }
        if backlogs_wait {
            self.take_of_backlogs(items, BATCH - count, BATCH_BYTES.saturating_sub(bytes), bytes);
        }
    }

    /// Takes of the first backlog, and of those behind it when that is empty, so many items and bytes at
    /// most; of bytes, perhaps one item more.
    #[cold]
    fn take_of_backlogs(&mut self, items: &mut Vec<Item>, most: usize, bytes: usize, main: usize) {
        let is_behind = !self.main.is_empty();
        // Where the main line has more, a piece that was large is paid back first.
        let share = isize::try_from(main / 3).unwrap_or(isize::MAX);
        self.credit = if is_behind { self.credit.saturating_add(share).min(share) } else { 0 };
        let (mut count, mut left) = (0, isize::try_from(bytes).unwrap_or(isize::MAX));
        while count < most && left > 0 && (self.credit > 0 || !is_behind) {
            let Some((item, size, is_piece)) = self.next_of_backlogs() else { break };
            items.push(item);
            count += 1;
            let size = isize::try_from(size).unwrap_or(isize::MAX);
            left -= size;
            if is_behind {
                self.credit = self.credit.saturating_sub(size);
            }
            if is_piece {
                // Where the next one begins is known when this one is encoded.
                break;
            }
        }
        self.backlogs
            .retain(|backlog| !backlog.parts.is_empty() || backlog.state == State::Interrupted);
        if self.backlogs.is_empty() {
            self.backlogs = VecDeque::new();
        }
    }

    /// The next item of the first backlog that has one, its size, and whether it is a piece.
    fn next_of_backlogs(&mut self) -> Option<(Item, usize, bool)> {
        loop {
            let backlog = self.backlogs.iter_mut().find(|backlog| !backlog.parts.is_empty())?;
            if backlog.after > self.taken {
                return None;
            }
            match backlog.parts.front_mut()? {
                Part::Replay(replay) => {
                    if let Some((item, size)) = replay.next() {
                        self.answers.take(1, size);
                        return Some((item, size, false));
                    }
                    backlog.parts.pop_front();
                }
                Part::Pieces(pieces, size) if pieces.is_done() => {
                    self.answers.take(1, *size);
                    backlog.parts.pop_front();
                }
                Part::Pieces(pieces, size) => {
                    let of_piece = Pieces::BYTES.min(*size);
                    return Some((Item::State(Arc::clone(pieces)), of_piece, true));
                }
                Part::Whole(_) => {
                    let Some(Part::Whole(entry)) = backlog.parts.pop_front() else { continue };
                    let size = entry.size();
                    if entry.kind == Kind::Live {
                        backlog.live.take(1, size);
                    }
                    self.count_out(entry.kind, size);
                    return Some((entry.item, size, false));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
