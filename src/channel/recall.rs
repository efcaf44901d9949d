//! What was said before: pages of history, what a driver loads, and what one who returns has missed.

use alloc::{sync::Arc, vec::Vec};

use super::Channel;
use crate::{
    config::{HistoryOnJoin, Limit, RoomConfig, Who},
    event::{Header, History, HistoryLoaded, Position, Since},
    footing::Footing,
    history::{Excluded, Latest},
    ids::{ClientHandle, ClientId, EventName, Topic},
    message::StoredMessage,
    outbound::{Body, BroadcastMessage, HistoryPage, LoadHistory, Outbound, Target},
    pages::Page,
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
    /// Sends a page of a topic's history, or asks the driver for what is not in memory.
    ///
    /// Effects: reply if asked for; `history`, or `load_history`.
    pub(super) fn on_history(
        &mut self,
        header: Header<'_>,
        history: &History,
    ) -> Result<(), Refusal> {
        let History { client_id, topic, event, start, end, reference } = history;
        let (client, room) = self.participant(client_id, topic, |config| config.history_for)?;
        let length = end.saturating_sub(*start);
        let max = self.config.limit(Limit::PageLength);
        let load = self.missing_part(room, event.as_ref(), *start, *end);
        self.check_rate(client, room)?;
        if length > max {
            return Err(Refusal::LimitReached { limit: Limit::PageLength, max });
        }
        if load.is_some() {
            self.check_limit(Limit::OpenPages, self.pages.len() as u64)?;
        }

        self.count_rate(client, room);
        let this = self.rooms.get(room);
        let memory = this.history.as_ref();
        let memory =
            memory.map_or_else(Vec::new, |history| history.page(event.as_ref(), *start, *end));
        self.reply_if_asked(header, Body::Empty {});
        let (client_id, topic, event) = (client_id.clone(), topic.clone(), event.clone());
        let (start, end, reference) = (*start, *end, reference.clone());
        let epoch = self.rooms.get(room).position.epoch;
        let (Some((before, from, to)), Some(event)) = (load, &event) else {
            let messages = memory;
            let page = HistoryPage { client_id, topic, event, start, end, messages, reference };
            self.outbox.push(Outbound::History(page));
            return Ok(());
        };
        let request = self.pages.open(Page {
            client,
            topic: topic.clone(),
            epoch,
            event: event.clone(),
            start,
            end,
            reference,
            memory,
            asked: to - from,
        });
        let (event, start, end) = (event.clone(), from, to);
        let load = LoadHistory { request, topic, epoch, event, before, start, end };
        self.outbox.push(Outbound::LoadHistory(load));
        Ok(())
    }

    /// Completes the page that waits for what was loaded.
    ///
    /// Effects: `history`, unless nobody waits for it who may have it.
    #[expect(clippy::unnecessary_wraps, reason = "every event is handled alike")]
    pub(super) fn on_history_loaded(&mut self, loaded: &HistoryLoaded) -> Result<(), Refusal> {
        let HistoryLoaded { request, result } = loaded;
        let Some(page) = self.pages.close(*request) else { return Ok(()) };
        let Page { client, topic, epoch, event, start, end, reference, memory, asked } = page;
        let client_id = self.clients.names().client(client).clone();
        let may_read = self.participant(&client_id, &topic, |config| config.history_for);
        if !may_read.is_ok_and(|(_, room)| self.rooms.get(room).position.epoch == epoch) {
            return Ok(());
        }

        let mut messages = memory;
        if let Ok(loaded) = result {
            let asked = usize::try_from(asked).unwrap_or(usize::MAX);
            messages.extend(loaded.iter().take(asked).cloned().map(Arc::new));
        }
        let event = Some(event);
        let page = HistoryPage { client_id, topic, event, start, end, messages, reference };
        self.outbox.push(Outbound::History(page));
        Ok(())
    }

    /// What of a page is not in memory and may be elsewhere: before which offset, and from where to
    /// where counted back from there.
    fn missing_part(
        &self,
        room: RoomNumber,
        event: Option<&EventName>,
        start: u64,
        end: u64,
    ) -> Option<(u64, u64, u64)> {
        let event = event?;
        let room = self.rooms.get(room);
        let history = room.history.as_ref()?;
        room.config.history_of(event)?;
        let held = history.held(event);
        if end <= held || end <= start {
            return None;
        }
        let before = history.oldest_offset(event).unwrap_or(room.position.offset + 1);
        Some((before, start.saturating_sub(held), end - held))
    }

    /// What a client has missed since a position, of what it is subscribed to.
    pub(super) fn missed(
        &self,
        client: ClientHandle,
        room: RoomNumber,
        since: Option<&Since>,
    ) -> Missed {
        let this = self.rooms.get(room);
        let Some(offset) = self.usable(this.position, since) else { return Missed::Unknown };
        let names = self.clients.names().names(client);
        let is_due = |(message, excluded): &(&Arc<StoredMessage>, &Excluded)| {
            this.hears(client, &message.event) && !excluded.has(&names.client, &names.user)
        };
        let messages = this.history.as_ref().map_or_else(Vec::new, |history| {
            let missed = history.since(offset).filter(is_due);
            missed.map(|(message, _)| Arc::clone(message)).collect()
        });
        Missed::Known { messages, is_all: this.lost_for(client) <= offset }
    }

    /// The offset of a position from which a client can be told what it has missed.
    fn usable(&self, position: Position, since: Option<&Since>) -> Option<u64> {
        let since = since?.of_node(self.node.name())?;
        (since.epoch == position.epoch && since.offset <= position.offset).then_some(since.offset)
    }

    /// Sends a client what it has missed.
    pub(super) fn say_missed(&mut self, client: ClientHandle, room: RoomNumber, missed: Missed) {
        let Missed::Known { messages, is_all: _ } = missed else { return };
        let this = self.rooms.get(room);
        let (topic, epoch) = (this.topic.clone(), this.position.epoch);
        for message in messages {
            let position = Position { epoch, offset: message.offset };
            self.outbox.push(Outbound::BroadcastMessage(BroadcastMessage {
                target: Target::Topic { topic: topic.clone(), position },
                event: message.event.clone(),
                payload: message.payload.clone(),
                from: message.from.clone(),
                client_id: message.client_id.clone(),
                timestamp_ms: message.timestamp_ms,
                meta: message.meta.clone(),
                recipients: Recipients::of(&[client]),
            }));
        }
    }

    /// Sends one who has joined what its room shows of its history, if there is any.
    pub(super) fn say_latest(&mut self, client_id: &ClientId, topic: &Topic, room: RoomNumber) {
        let this = self.rooms.get(room);
        let (Some(on_join), Some(history)) = (this.config.history_on_join, &this.history) else {
            return;
        };
        let messages = history.latest(match on_join {
            HistoryOnJoin::All => Latest::All,
            HistoryOnJoin::PerEvent(count) => Latest::PerEvent(count.into()),
            HistoryOnJoin::Total(count) => Latest::Total(count.into()),
        });
        if messages.is_empty() {
            return;
        }
        let (client_id, topic, event) = (client_id.clone(), topic.clone(), None);
        let (start, end, reference) = (0, messages.len() as u64, None);
        let page = HistoryPage { client_id, topic, event, start, end, messages, reference };
        self.outbox.push(Outbound::History(page));
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
