//! What was sent before: pages of history, and what one who comes back has missed.

use alloc::{sync::Arc, vec::Vec};

use super::Channel;
use crate::{
    config::{HistoryOnJoin, Limit, RoomConfig, Who},
    event::{Header, History, Position},
    footing::Footing,
    history::{Asked, Latest, Page},
    ids::{ClientHandle, ClientId, Topic},
    lost::Reader,
    message::StoredMessage,
    outbound::{Body, BroadcastMessage, Excluded, HistoryPage, More, Outbound, Target},
    recipients::Recipients,
    refusal::Refusal,
    rooms::RoomNumber,
};

/// What one who comes back has missed.
pub(super) enum Missed {
    /// It can't be told.
    Unknown,
    /// What of it is held, in the order of offsets, and whether that is all.
    Known { messages: Vec<Arc<StoredMessage>>, is_all: bool },
}

impl Channel {
    /// Sends a page of a topic's history.
    ///
    /// Effects: reply if asked for; `history`.
    pub(super) fn on_history(
        &mut self,
        header: Header<'_>,
        history: &History,
    ) -> Result<(), Refusal> {
        let History { client_id, topic, event, before, start, end, reference } = history;
        let (client, room) = self.participant(client_id, topic, |config| config.history_for)?;
        self.check_rate(client, room)?;
        let (limit, max) = (Limit::PageLength, self.config.limit(Limit::PageLength));
        if end.saturating_sub(*start) > max {
            return Err(Refusal::LimitReached { limit, max });
        }
        let (page, more) = self.page(client, room, history);
        if more.is_some_and(|more| more.skip > max) {
            return Err(Refusal::LimitReached { limit, max });
        }

        self.count_rate(client, room);
        self.reply_if_asked(header, Body::Empty {});
        self.outbox.push(Outbound::History(HistoryPage {
            client_id: client_id.clone(),
            topic: topic.clone(),
            epoch: self.rooms.get(room).position.epoch,
            event: event.clone(),
            before: *before,
            start: *start,
            end: *end,
            messages: page.messages,
            more,
            shortened: page.shortened,
            reference: reference.clone(),
        }));
        Ok(())
    }

    /// What memory has of a page, and where it goes on.
    fn page(
        &self,
        client: ClientHandle,
        room: RoomNumber,
        history: &History,
    ) -> (Page, Option<More>) {
        let History { event, before, start, end, .. } = history;
        let this = self.rooms.get(room);
        let Some(memory) = &this.history else { return (Page::default(), None) };
        let Position { epoch, offset } = this.position;
        let event = event.as_ref();
        let newest = Position { epoch, offset: offset + 1 };
        let before = before.map_or(newest, |before| before.min(newest));
        let page = memory.page(Asked {
            reader: self.reader(client),
            event,
            before: if before.epoch == epoch { before.offset } else { 0 },
            start: *start,
            end: *end,
            max_bytes: self.config.limit(Limit::PageBytes),
        });
        let more = page.more.filter(|_| this.config.keeps(event)).map(|more| {
            let of_room = Position { epoch, offset: more.before };
            More { before: of_room.min(before), wanted: more.wanted, skip: more.skip }
        });
        (page, more)
    }

    fn reader(&self, client: ClientHandle) -> Reader<'_> {
        let names = self.clients.names().names(client);
        Reader { client: &names.client, user: &names.user }
    }

    /// What a client has missed since a position, of what it is subscribed to.
    pub(super) fn missed(
        &self,
        client: ClientHandle,
        room: RoomNumber,
        since: Option<Position>,
    ) -> Missed {
        let this = self.rooms.get(room);
        let Some(offset) = usable(this.position, since) else { return Missed::Unknown };
        let reader = self.reader(client);
        let is_due = |message: &&Arc<StoredMessage>| {
            this.hears(client, &message.event) && reader.may_see(message)
        };
        let messages = this.history.as_ref().map_or_else(Vec::new, |history| {
            history.since(offset).filter(is_due).cloned().collect()
        });
        Missed::Known { messages, is_all: this.lost_for(client, reader) <= offset }
    }

    /// Sends a client what it has missed.
    pub(super) fn say_missed(&mut self, client: ClientHandle, room: RoomNumber, missed: Missed) {
        let Missed::Known { messages, is_all: _ } = missed else { return };
        if messages.is_empty() {
            return;
        }
        let this = self.rooms.get(room);
        let (topic, epoch) = (this.topic.clone(), this.position.epoch);
        let recipients = Recipients::of(&[client]);
        for message in messages {
            let position = Position { epoch, offset: message.offset };
            let (client, user) = (message.except_client.as_ref(), message.except_user.as_ref());
            let excluded = Excluded::of(client, user, message.client_id.as_ref(), &message.from);
            self.outbox.push(Outbound::BroadcastMessage(BroadcastMessage {
                target: Target::Topic { topic: topic.clone(), position },
                event: message.event.clone(),
                payload: message.payload.clone(),
                from: message.from.clone(),
                client_id: message.client_id.clone(),
                timestamp_ms: message.timestamp_ms,
                meta: message.meta.clone(),
                replayed: true,
                recipients: recipients.clone(),
                excluded,
                excluded_names: excluded.names(client, user),
            }));
        }
    }

    /// Sends one who has joined what its room shows of its history, if there is any.
    pub(super) fn say_latest(&mut self, client: ClientHandle, topic: &Topic, room: RoomNumber) {
        let this = self.rooms.get(room);
        let (Some(on_join), Some(history)) = (this.config.history_on_join, &this.history) else {
            return;
        };
        let latest = match on_join {
            HistoryOnJoin::All => Latest::All,
            HistoryOnJoin::PerEvent(count) => Latest::PerEvent(count.into()),
            HistoryOnJoin::Total(count) => Latest::Total(count.into()),
        };
        let (reader, max_bytes) = (self.reader(client), self.config.limit(Limit::PageBytes));
        let Page { messages, shortened, more } = history.latest(reader, latest, max_bytes);
        if messages.is_empty() {
            return;
        }
        let (client_id, epoch) = (reader.client.clone(), this.position.epoch);
        let more = more.map(|more| {
            let before = Position { epoch, offset: more.before };
            More { before, wanted: more.wanted, skip: more.skip }
        });
        self.outbox.push(Outbound::History(HistoryPage {
            client_id,
            topic: topic.clone(),
            epoch,
            event: None,
            before: None,
            start: 0,
            end: messages.len() as u64,
            messages,
            more,
            shortened,
            reference: None,
        }));
    }

    /// Finds a member, or in rooms that let others too a client that is connected.
    pub(super) fn participant(
        &self,
        client_id: &ClientId,
        topic: &Topic,
        who: impl FnOnce(&RoomConfig) -> Who,
    ) -> Result<(ClientHandle, RoomNumber), Refusal> {
        let (client, room, footing) = self.client_and_room(client_id, topic)?;
        let may = match who(&self.rooms.get(room).config) {
            _ if footing.is_some_and(Footing::is_member) => {
                footing.is_some_and(Footing::is_attached)
            }
            Who::Members => false,
            Who::Clients => self.is_connected(client),
        };
        if may {
            return Ok((client, room));
        }
        Err(Refusal::NotMember { client_id: client_id.clone(), topic: topic.clone() })
    }
}

/// The offset from which a client can be told what it has missed, in a room that is at `position`.
fn usable(position: Position, since: Option<Position>) -> Option<u64> {
    let since = since?;
    (since.epoch == position.epoch && since.offset <= position.offset).then_some(since.offset)
}
