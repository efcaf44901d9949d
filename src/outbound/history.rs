//! What is sent of history: pages, and what leaves memory.

use alloc::{sync::Arc, vec::Vec};

use serde::{Serialize, Serializer};

use crate::{
    event::Position,
    ids::{ClientId, EventName, Ref, Topic},
    message::StoredMessage,
    object::is_default,
};

/// A page of a topic's history for one client; see
/// [`Outbound::History`](crate::Outbound::History).
///
/// It has what memory holds. A driver that keeps more [completes](HistoryPage::complete) it before
/// it sends it; one that does not calls [`end_at_memory`](HistoryPage::end_at_memory).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HistoryPage {
    /// Who receives it.
    pub client_id: ClientId,
    /// Where.
    pub topic: Topic,
    /// The epoch of the room, which is that of each message that gives none of its own.
    pub epoch: u64,
    /// Of messages of which name, if of one alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<EventName>,
    /// Older than what, if it was asked for so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Position>,
    /// The index of its first message; 0 is the newest.
    pub start: u64,
    /// The index past its last message, as it was asked for.
    pub end: u64,
    /// The messages, newest first. Those that exclude the client are left out, and have no index.
    #[serde(serialize_with = "messages")]
    pub messages: Vec<Arc<StoredMessage>>,
    /// Where the page goes on, if older messages may belong to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more: Option<More>,
    /// Whether memory has more messages of the page, which would have made it larger than
    /// [`Limit::PageBytes`](crate::Limit::PageBytes).
    #[serde(skip_serializing_if = "is_default")]
    pub shortened: bool,
    /// `ref` in JSON: that of the event that asked for it; none if it comes with a join.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<Ref>,
}

/// Where a page of history goes on.
///
/// `wanted` 0 means that the page is as long as it may be: it is sent as it is, and the next page
/// is asked for with `before`. Otherwise memory may lack messages older than `before`, and a driver
/// with a store completes the page from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct More {
    /// Older than this. In an earlier epoch than the room's, if the page was asked for so.
    pub before: Position,
    /// How many messages to load.
    pub wanted: u64,
    /// How many of those, the newest, are not shown: those between memory and the start of a page
    /// by index. 0 of a page by position.
    #[serde(skip_serializing_if = "is_default")]
    pub skip: u64,
}

impl HistoryPage {
    /// Where one of its messages stands.
    #[must_use]
    pub fn position_of(&self, message: &StoredMessage) -> Position {
        Position { epoch: message.epoch.unwrap_or(self.epoch), offset: message.offset }
    }

    /// Completes the page from a store. `older` has the [wanted](More::wanted) messages older than
    /// [`More::before`], newest first, or as many as there are; those of another epoch than the
    /// room's say so, and those that [are not for](StoredMessage::is_for) the client are left out.
    /// They take the place of what memory has from there on, as the store has that too. A page that
    /// would be larger than `max_bytes` is shortened to its newest messages, at least one.
    ///
    /// Does nothing to a page that is not to be completed. Linear in the page.
    ///
    /// ```
    /// use parlor::{
    ///     Broadcast, Channel, Config, EventDefinition, History, Join, Outbound, Payload, RoomConfig,
    /// };
    ///
    /// let room = RoomConfig::default().with_event(EventDefinition::new("message").with_history(1));
    /// let mut channel = Channel::single_node(Config::builder().default_room(room).build()?);
    /// channel.handle(Join::new("c1", "t", "ann", 0).into());
    /// for text in ["\"one\"", "\"two\""] {
    ///     channel.handle(Broadcast::new("c1", "t", Payload::json(text)?).into());
    /// }
    /// channel.handle(History::new("c1", "t").with_event("message").into());
    ///
    /// let mut store = Vec::new();
    /// for outbound in channel.flush_outbox() {
    ///     match outbound {
    ///         Outbound::Evicted(evicted) => store.extend(evicted.messages),
    ///         Outbound::History(mut page) => {
    ///             if let Some(more) = page.more {
    ///                 let older = store.iter().rev().filter(|it| it.offset < more.before.offset);
    ///                 page.complete(older.cloned().take(more.wanted as usize), 1 << 20);
    ///             }
    ///             let shown: Vec<_> = page.messages.iter().map(|it| it.offset).collect();
    ///             assert_eq!((shown, page.more), (vec![2, 1], None));
    ///         }
    ///         _ => {}
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn complete<M: Into<Arc<StoredMessage>>>(
        &mut self,
        older: impl IntoIterator<Item = M>,
        max_bytes: u64,
    ) {
        let Some(More { before, wanted, skip }) = self.more.filter(|more| more.wanted > 0) else {
            return;
        };
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let is_newer = |message: &&Arc<StoredMessage>| self.position_of(message) >= before;
        let newer = self.messages.iter().take_while(is_newer).count();
        self.messages.truncate(newer);
        let older = older.into_iter().take(count(wanted)).skip(count(skip));
        self.messages.extend(older.map(Into::into));
        (self.more, self.shortened) = (None, false);

        let mut bytes = 0_u64;
        let fits = |message: &&Arc<StoredMessage>| {
            bytes = bytes.saturating_add(message.size() as u64);
            bytes <= max_bytes
        };
        let fitting = self.messages.iter().take_while(fits).count().max(1);
        if fitting < self.messages.len() {
            self.messages.truncate(fitting);
            self.go_on_after_the_last();
        }
    }

    /// Makes of the page what a driver sends that keeps nothing but what memory holds: it goes on
    /// only if it was shortened.
    pub fn end_at_memory(&mut self) {
        if self.more.is_none_or(|more| more.wanted > 0) {
            self.more = None;
            if self.shortened {
                self.go_on_after_the_last();
            }
        }
    }

    fn go_on_after_the_last(&mut self) {
        let Some(last) = self.messages.last() else { return };
        self.more = Some(More { before: self.position_of(last), wanted: 0, skip: 0 });
        self.shortened = true;
    }
}

/// Messages that leave memory, for a driver that keeps more; see
/// [`Outbound::Evicted`](crate::Outbound::Evicted).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Evicted {
    /// Where they were sent.
    pub topic: Topic,
    /// The epoch of their offsets.
    pub epoch: u64,
    /// The name of all of them.
    pub event: EventName,
    /// Oldest first.
    #[serde(serialize_with = "messages")]
    pub messages: Vec<Arc<StoredMessage>>,
}

fn messages<S: Serializer>(messages: &[Arc<StoredMessage>], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(messages.iter().map(|message| &**message))
}
