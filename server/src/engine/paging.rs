//! Pages of history that go on in the history file: each is completed before it is sent.
//!
//! A connection has one request for a page under way at most (see [`crate::queue::Large`]), so a
//! client has one page read at a time. What else it does goes on. Before its membership changes, its
//! page of that topic is answered with what memory has of it.

use std::{collections::HashMap, sync::Arc};

use parlor::{
    ClientId, Closed, Event, EventKind, History, HistoryPage, Limit, Outbound, Reason, Refuse,
    Reply, Topic,
};

use super::{Asker, Engine, Wire};
use crate::{
    history::{Asker as Reader, Found, Ticket, Wanted},
    names,
};

/// The clients that wait for a page.
#[derive(Debug, Default)]
pub(super) struct Paging {
    by_client: HashMap<ClientId, Reading>,
    /// How many pages were read. The next one has a higher number.
    numbered: u64,
}

/// A page that is being read.
#[derive(Debug)]
struct Reading {
    number: u64,
    /// What memory has of it.
    page: HistoryPage,
    /// Without it, nothing is read.
    _ticket: Ticket,
}

/// Said to who has left the room, or was put out of it, before a page could be completed.
const LEFT: &str = "the membership ended before the page was read, expected to stay until it comes";

impl Paging {
    /// Lets go of what a client waits for: it has gone.
    pub(super) fn forget(&mut self, client_id: &ClientId) {
        self.by_client.remove(client_id);
    }

    /// Takes what a client waits for in a topic.
    fn take(&mut self, client_id: &ClientId, topic: &Topic) -> Option<HistoryPage> {
        let reading = self.by_client.get(client_id)?;
        if reading.page.topic != *topic {
            return None;
        }
        Some(self.by_client.remove(client_id)?.page)
    }
}

impl Engine {
    /// A client asks for a page, which may have to be read from a file for it.
    pub(super) fn ask_for_page(&mut self, asked: History) {
        self.deliver();
        self.hand_in(asked.into());
        // What comes of it is known to be the answer to it, and not history on join.
        self.deliver_for(Asker::Pager);
    }

    /// Sends a page that a client has asked for, or has it read first what memory does not hold.
    pub(super) fn send_page(&mut self, mut page: HistoryPage) {
        let Some(more) = page.more.filter(|more| more.wanted > more.skip) else {
            return self.seats.deliver(Outbound::History(page));
        };
        if !self.keeper.has_store() {
            page.end_at_memory();
            return self.seats.deliver(Outbound::History(page));
        }
        // From there on the file has all that memory has, and what is between.
        let newer = page.messages.iter().map(|message| page.position_of(message));
        let newer = newer.take_while(|position| *position >= more.before).count();
        page.messages.truncate(newer);
        if let Err((page, why)) = self.read(page) {
            self.send_unread(page, &later(&why));
        }
    }

    /// Asks for the rest of a page.
    #[expect(
        clippy::result_large_err,
        reason = "a page that can't be read goes back to the caller"
    )]
    fn read(&mut self, page: HistoryPage) -> Result<(), (HistoryPage, String)> {
        let HistoryPage { client_id, topic, epoch, event, messages, more, .. } = &page;
        let client = self.channel.client(client_id);
        let (Some(more), Some(client)) = (more, client) else { return Ok(()) };
        let user_id = client.user_id;
        let address = self.seats.of_client(client_id).and_then(|seat| seat.address);
        let asker = address.map_or_else(|| Reader::User(user_id.clone()), Reader::Address);
        let bytes: u64 = messages.iter().map(|message| message.size() as u64).sum();
        let wanted = Wanted {
            topic: topic.clone(),
            epoch: *epoch,
            event: event.clone(),
            before: more.before,
            skip: more.skip,
            count: more.wanted.saturating_sub(more.skip),
            bytes: self.channel.config().limit(Limit::PageBytes).saturating_sub(bytes),
            least: u64::from(messages.is_empty()),
            client_id: client_id.clone(),
            user_id,
        };
        let client_id = client_id.clone();
        let number = self.paging.numbered + 1;
        match self.keeper.load(wanted, asker, number) {
            Ok(ticket) => {
                self.paging.numbered = number;
                let reading = Reading { number, page, _ticket: ticket };
                self.paging.by_client.insert(client_id, reading);
                Ok(())
            }
            Err(why) => Err((page, why)),
        }
    }

    /// Sends what could not be completed: what memory has and where to go on, or why it is refused
    /// where that would look as if there were nothing more.
    fn send_unread(&mut self, page: HistoryPage, why: &str) {
        let seat = self.seats.of_client(&page.client_id);
        let is_counted_by_index = seat.is_some_and(|seat| seat.wire == Wire::Dialogue);
        if !page.messages.is_empty() && !is_counted_by_index {
            return self.seats.deliver(Outbound::History(page));
        }
        let refuse = Refuse::new(page.client_id, EventKind::History, Reason::Unavailable);
        let mut refuse = refuse.with_topic(page.topic).with_message(why);
        refuse.reference = page.reference;
        self.seats.deliver(Outbound::Reply(Reply::from(refuse)));
    }

    /// Completes the pages that were read.
    pub(super) fn take_pages(&mut self) {
        for answer in self.keeper.answers() {
            let waits = self.paging.by_client.get(&answer.client_id);
            if waits.is_none_or(|reading| reading.number != answer.number) {
                continue;
            }
            let Some(reading) = self.paging.by_client.remove(&answer.client_id) else { continue };
            self.deliver();
            match answer.result {
                Ok(found) => {
                    let page = complete(reading.page, found);
                    self.seats.deliver(Outbound::History(page));
                }
                Err(why) => self.send_unread(reading.page, &later(&why)),
            }
        }
    }

    /// Answers what a client waits for in a topic before it hands in something that may change its
    /// membership.
    pub(super) fn hurry_before(&mut self, event: &Event) {
        let (Event::Join(_) | Event::Rejoin(_) | Event::Leave(_)) = event else { return };
        if let (Some(client_id), Some(topic)) = (names::client_of(event), names::topic_of(event))
            && let Some(page) = self.paging.take(client_id, topic)
        {
            self.deliver();
            self.send_unread(page, LEFT);
        }
    }

    /// Answers the pages of those whose memberships end in another way, before they are told so.
    pub(super) fn hurry_closed(&mut self, closed: &Closed) {
        if self.paging.by_client.is_empty() {
            return;
        }
        for client_id in closed.recipients.ids() {
            if let Some(page) = self.paging.take(client_id, &closed.topic) {
                self.send_unread(page, LEFT);
            }
        }
    }
}

fn later(why: &str) -> String {
    format!("older messages can't be read at the moment ({why}), expected a later request")
}

/// What memory has, and what the file has before that.
fn complete(mut page: HistoryPage, found: Found) -> HistoryPage {
    let Found { messages, more } = found;
    page.messages.extend(messages.into_iter().map(Arc::new));
    page.more = page.more.zip(more).map(|(mut at, before)| {
        (at.before, at.wanted, at.skip) = (before, 0, 0);
        at
    });
    page
}
