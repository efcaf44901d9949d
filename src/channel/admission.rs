//! What holds for every event before it is looked at: names and sizes.

use alloc::format;

use crate::{
    config::{Config, Limit},
    event::{
        AddToGroup, Address, Broadcast, CloseRoom, Connect, Event, Header, History, Join, Kick,
        OpenRoom, Publish, Push, Rejoin, RemoveFromGroup, Subscribe, Track, Unsubscribe,
    },
    ids::{ClientId, EventName, MessageId, Topic},
    payload::{Json, Payload},
    refusal::{NameFlaw, Refusal},
};

/// Refuses an event with a bad name or with something too large in it: first names, then `ref` and
/// `id`, then payload, meta, params and data, or where a page starts. What the driver tells of lost
/// connections and of guards is taken as it is.
pub(super) fn check(event: &Event, header: Header<'_>, config: &Config) -> Result<(), Refusal> {
    let check = Check { config };
    match event {
        Event::Join(Join { user_id, meta, params, .. })
        | Event::Rejoin(Rejoin { user_id, meta, params, .. }) => {
            check.whom(header)?;
            check.name("user_id", user_id.as_bytes())?;
            check.reference(header)?;
            check.presence(meta.as_ref())?;
            check.json("params", params.as_ref())
        }
        Event::Broadcast(broadcast) => check.broadcast(header, broadcast),
        Event::Leave(_) | Event::Untrack(_) | Event::Query(_) => {
            check.whom(header)?;
            check.reference(header)
        }
        Event::Connect(Connect { user_id, data, .. }) => {
            check.whom(header)?;
            check.name("user_id", user_id.as_bytes())?;
            check.reference(header)?;
            check.json("data", data.as_ref())
        }
        Event::Track(Track { meta, .. }) => {
            check.whom(header)?;
            check.reference(header)?;
            check.presence(meta.as_ref())
        }
        Event::Subscribe(Subscribe { event, .. })
        | Event::Unsubscribe(Unsubscribe { event, .. }) => {
            check.whom(header)?;
            check.name("event", event.as_bytes())?;
            check.reference(header)
        }
        Event::History(History { event, before, start, .. }) => {
            check.whom(header)?;
            event.as_ref().map_or(Ok(()), |event| check.event(event))?;
            check.reference(header)?;
            match (before, start) {
                (None, _) | (Some(_), 0) => Ok(()),
                (Some(_), start) => Err(start_with_before(*start)),
            }
        }
        Event::OpenRoom(OpenRoom { by, topic, config: room, .. }) => {
            check.room(by.as_ref(), topic)?;
            check.reference(header)?;
            room.as_ref().map_or(Ok(()), |room| room.check(config).map_err(Into::into))
        }
        Event::CloseRoom(CloseRoom { by, topic, .. }) => {
            check.room(by.as_ref(), topic)?;
            check.reference(header)
        }
        Event::Push(push) => check.push(header, push),
        Event::Publish(publish) => check.publish(header, publish),
        Event::Kick(Kick { client_id, .. }) => {
            check.client("client_id", client_id)?;
            check.whom(header)?;
            check.reference(header)
        }
        Event::AddToGroup(AddToGroup { group, topics, .. })
        | Event::RemoveFromGroup(RemoveFromGroup { group, topics, .. }) => {
            check.name("group", group.as_bytes())?;
            topics.iter().try_for_each(|topic| check.name("topic", topic.as_bytes()))?;
            check.reference(header)
        }
        Event::Crash(_)
        | Event::Restart
        | Event::Disconnect(_)
        | Event::Refuse(_)
        | Event::Tick(_) => Ok(()),
    }
}

/// Refuses an event name that is reserved for the server.
pub(super) fn check_reserved(event: &EventName, config: &Config) -> Result<(), Refusal> {
    match config.reserved_prefix(event) {
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
    /// The client that sent an event, and the topic that it is about.
    fn whom(self, header: Header<'_>) -> Result<(), Refusal> {
        header.sender.map_or(Ok(()), |client| self.client("client_id", client))?;
        header.topic.map_or(Ok(()), |topic| self.name("topic", topic.as_bytes()))
    }

    /// A room that is opened or closed, and for whom.
    fn room(self, by: Option<&ClientId>, topic: &Topic) -> Result<(), Refusal> {
        by.map_or(Ok(()), |client| self.client("by", client))?;
        self.name("topic", topic.as_bytes())
    }

    fn broadcast(self, header: Header<'_>, broadcast: &Broadcast) -> Result<(), Refusal> {
        let Broadcast { event, payload, meta, id, .. } = broadcast;
        self.whom(header)?;
        self.event(event)?;
        self.reference(header)?;
        self.id(id.as_ref())?;
        self.payload(payload)?;
        self.json("meta", meta.as_ref())
    }

    fn push(self, header: Header<'_>, push: &Push) -> Result<(), Refusal> {
        let Push { client_id, event, payload, .. } = push;
        self.client("client_id", client_id)?;
        self.whom(header)?;
        self.event(event)?;
        self.reference(header)?;
        self.payload(payload)
    }

    fn publish(self, header: Header<'_>, publish: &Publish) -> Result<(), Refusal> {
        let Publish {
            target,
            event,
            payload,
            from,
            except_client,
            except_user,
            meta,
            id,
            reference: _,
        } = publish;
        self.whom(header)?;
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
        if let Some(user) = except_user {
            self.name("except_user", user.as_bytes())?;
        }
        self.reference(header)?;
        self.id(id.as_ref())?;
        self.payload(payload)?;
        self.json("meta", meta.as_ref())
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

    #[inline]
    fn name(self, field: &'static str, name: &[u8]) -> Result<(), Refusal> {
        let (bytes, max) = (name.len() as u64, self.config.limit(Limit::NameBytes));
        if bytes == 0 || bytes > max { Err(bad_name(field, bytes, max)) } else { Ok(()) }
    }

    #[inline]
    fn reference(self, header: Header<'_>) -> Result<(), Refusal> {
        header.reference.map_or(Ok(()), |mark| self.mark("ref", mark.as_bytes()))
    }

    #[inline]
    fn id(self, id: Option<&MessageId>) -> Result<(), Refusal> {
        id.map_or(Ok(()), |mark| self.mark("id", mark.as_bytes()))
    }

    fn mark(self, field: &'static str, mark: &[u8]) -> Result<(), Refusal> {
        let (bytes, max) = (mark.len() as u64, self.config.limit(Limit::RefBytes));
        if bytes > max { Err(Refusal::MarkTooLong { field, bytes, max }) } else { Ok(()) }
    }

    fn payload(self, payload: &Payload) -> Result<(), Refusal> {
        self.size("payload", Limit::PayloadBytes, payload.size(), payload.depth())
    }

    /// What a presence shows.
    fn presence(self, meta: Option<&Json>) -> Result<(), Refusal> {
        Json::given(meta).map_or(Ok(()), |meta| {
            self.size("meta", Limit::MetaBytes, meta.as_str().len(), meta.depth())
        })
    }

    fn json(self, field: &'static str, json: Option<&Json>) -> Result<(), Refusal> {
        Json::given(json).map_or(Ok(()), |json| {
            self.size(field, Limit::PayloadBytes, json.as_str().len(), json.depth())
        })
    }

    fn size(
        self,
        field: &'static str,
        limit: Limit,
        bytes: usize,
        depth: u32,
    ) -> Result<(), Refusal> {
        for (limit, got) in [(limit, bytes as u64), (Limit::PayloadDepth, u64::from(depth))] {
            let max = self.config.limit(limit);
            if got > max {
                return Err(Refusal::PayloadTooLarge { field, limit, got, max });
            }
        }
        Ok(())
    }
}

#[cold]
fn start_with_before(start: u64) -> Refusal {
    let message = format!("start is {start}, expected 0 or nothing beside `before`");
    Refusal::InvalidRequest { message }
}

#[cold]
const fn bad_name(field: &'static str, bytes: u64, max: u64) -> Refusal {
    let flaw = match bytes {
        0 => NameFlaw::Empty,
        _ => NameFlaw::TooLong { bytes, max },
    };
    Refusal::InvalidName { field, flaw }
}
