//! What holds for every event before it is looked at: names and sizes.

use crate::{
    config::{Config, Limit},
    event::{
        AddToGroup, Address, Broadcast, Connect, Event, Header, History, Join, Kick, OpenRoom,
        Publish, Push, Rejoin, RemoveFromGroup, Subscribe, Track, Unsubscribe,
    },
    ids::{ClientId, EventName, MessageId, Ref},
    payload::{Json, Payload},
    refusal::{NameFlaw, Refusal},
};

/// Refuses an event with a bad name or with something too large in it: first names, then `ref` and
/// `id`, then payload, meta, params and data.
pub(super) fn check(event: &Event, header: Header<'_>, config: &Config) -> Result<(), Refusal> {
    let check = Check { config };
    check.whom(event, header)?;
    check.names(event)?;
    check.marks(event, header)?;
    check.sizes(event)
}

/// Refuses an event name that is reserved for the server.
pub(super) fn check_reserved(event: &EventName, config: &Config) -> Result<(), Refusal> {
    let event_bytes = event.as_bytes();
    let starts_it = |prefix: &&EventName| {
        let prefix = prefix.as_bytes();
        prefix.first() == event_bytes.first() && event_bytes.starts_with(prefix)
    };
    match config.reserved().iter().find(starts_it) {
        Some(prefix) => {
            Err(Refusal::EventNotAllowed { event: event.clone(), prefix: prefix.clone() })
        }
        None => Ok(()),
    }
}

#[derive(Clone, Copy)]
struct Check<'a> {
    config: &'a Config,
}

impl Check<'_> {
    /// The client and the topic that an event is about. What the driver tells of lost connections
    /// and of guards is taken as it is.
    fn whom(self, event: &Event, header: Header<'_>) -> Result<(), Refusal> {
        if let Event::Refuse(_) = event {
            return Ok(());
        }
        if let Some(client) = header.sender {
            let by = matches!(event, Event::OpenRoom(_) | Event::CloseRoom(_));
            self.client(if by { "by" } else { "client_id" }, client)?;
        }
        if let Event::Push(Push { client_id, .. }) | Event::Kick(Kick { client_id, .. }) = event {
            self.client("client_id", client_id)?;
        }
        header.topic.map_or(Ok(()), |topic| self.name("topic", topic.as_bytes()))
    }

    /// All other names.
    fn names(self, event: &Event) -> Result<(), Refusal> {
        match event {
            Event::Join(Join { user_id, .. })
            | Event::Rejoin(Rejoin { user_id, .. })
            | Event::Connect(Connect { user_id, .. }) => self.name("user_id", user_id.as_bytes()),
            Event::Broadcast(Broadcast { event, .. }) | Event::Push(Push { event, .. }) => {
                self.event(event)
            }
            Event::History(History { event, .. }) => {
                event.as_ref().map_or(Ok(()), |event| self.event(event))
            }
            Event::Subscribe(Subscribe { event, .. })
            | Event::Unsubscribe(Unsubscribe { event, .. }) => self.name("event", event.as_bytes()),
            Event::AddToGroup(AddToGroup { group, topics, .. })
            | Event::RemoveFromGroup(RemoveFromGroup { group, topics, .. }) => {
                self.name("group", group.as_bytes())?;
                topics.iter().try_for_each(|topic| self.name("topic", topic.as_bytes()))
            }
            Event::Publish(publish) => self.publish(publish),
            Event::Leave(_)
            | Event::Track(_)
            | Event::Untrack(_)
            | Event::OpenRoom(_)
            | Event::CloseRoom(_)
            | Event::Query(_)
            | Event::Kick(_)
            | Event::Crash(_)
            | Event::Restart
            | Event::Disconnect(_)
            | Event::HistoryLoaded(_)
            | Event::Refuse(_)
            | Event::Tick(_) => Ok(()),
        }
    }

    fn publish(self, publish: &Publish) -> Result<(), Refusal> {
        let Publish { target, event, from, except_client, except_user, .. } = publish;
        match target {
            Address::Group(group) => self.name("group", group.as_bytes())?,
            Address::User(user) => self.name("user", user.as_bytes())?,
            Address::Client(client) => self.client("client", client)?,
            Address::Topic(_) | Address::Everyone => {}
        }
        self.event(event)?;
        self.name("from", from.as_bytes())?;
        if let Some(client) = except_client {
            self.client("except_client", client)?;
        }
        except_user.as_ref().map_or(Ok(()), |user| self.name("except_user", user.as_bytes()))
    }

    fn event(self, event: &EventName) -> Result<(), Refusal> {
        if event.as_bytes() == b"*" {
            return Err(Refusal::InvalidName { field: "event", flaw: NameFlaw::Wildcard });
        }
        self.name("event", event.as_bytes())
    }

    fn client(self, field: &'static str, client_id: &ClientId) -> Result<(), Refusal> {
        self.name(field, client_id.as_bytes())
    }

    fn name(self, field: &'static str, name: &[u8]) -> Result<(), Refusal> {
        let (bytes, max) = (name.len() as u64, self.config.limit(Limit::NameBytes));
        let flaw = match bytes {
            0 => NameFlaw::Empty,
            _ if bytes > max => NameFlaw::TooLong { bytes, max },
            _ => return Ok(()),
        };
        Err(Refusal::InvalidName { field, flaw })
    }

    fn marks(self, event: &Event, header: Header<'_>) -> Result<(), Refusal> {
        if let Event::Refuse(_) = event {
            return Ok(());
        }
        let id = if let Event::Broadcast(Broadcast { id, .. })
        | Event::Publish(Publish { id, .. }) = event
        {
            id.as_ref()
        } else {
            None
        };
        let max = self.config.limit(Limit::RefBytes);
        let marks =
            [("ref", header.reference.map(Ref::as_bytes)), ("id", id.map(MessageId::as_bytes))];
        for (field, mark) in marks {
            let bytes = mark.map_or(0, <[u8]>::len) as u64;
            if bytes > max {
                return Err(Refusal::MarkTooLong { field, bytes, max });
            }
        }
        Ok(())
    }

    fn sizes(self, event: &Event) -> Result<(), Refusal> {
        match event {
            Event::Join(Join { meta, params, .. }) | Event::Rejoin(Rejoin { meta, params, .. }) => {
                self.json("meta", meta.as_ref())?;
                self.json("params", params.as_ref())
            }
            Event::Broadcast(Broadcast { payload, meta, .. })
            | Event::Publish(Publish { payload, meta, .. }) => {
                self.payload(payload)?;
                self.json("meta", meta.as_ref())
            }
            Event::Push(Push { payload, .. }) => self.payload(payload),
            Event::Connect(Connect { data, .. }) => self.json("data", data.as_ref()),
            Event::Track(Track { meta, .. }) => self.json("meta", meta.as_ref()),
            Event::OpenRoom(OpenRoom { config: Some(room), .. }) => {
                room.check(self.config).map_err(Into::into)
            }
            Event::OpenRoom(OpenRoom { config: None, .. })
            | Event::Leave(_)
            | Event::Subscribe(_)
            | Event::Unsubscribe(_)
            | Event::Untrack(_)
            | Event::CloseRoom(_)
            | Event::History(_)
            | Event::Query(_)
            | Event::Kick(_)
            | Event::AddToGroup(_)
            | Event::RemoveFromGroup(_)
            | Event::Crash(_)
            | Event::Restart
            | Event::Disconnect(_)
            | Event::HistoryLoaded(_)
            | Event::Refuse(_)
            | Event::Tick(_) => Ok(()),
        }
    }

    fn payload(self, payload: &Payload) -> Result<(), Refusal> {
        self.size("payload", payload.size(), payload.depth())
    }

    fn json(self, field: &'static str, json: Option<&Json>) -> Result<(), Refusal> {
        Json::given(json).map_or(Ok(()), |json| self.size(field, json.as_str().len(), json.depth()))
    }

    fn size(self, field: &'static str, bytes: usize, depth: u32) -> Result<(), Refusal> {
        for (limit, got) in
            [(Limit::PayloadBytes, bytes as u64), (Limit::PayloadDepth, u64::from(depth))]
        {
            let max = self.config.limit(limit);
            if got > max {
                return Err(Refusal::PayloadTooLarge { field, limit, got, max });
            }
        }
        Ok(())
    }
}
