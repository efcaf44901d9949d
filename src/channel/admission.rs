//! What holds for every event before it is looked at: names and sizes.

use crate::{
    config::{Config, Limit},
    event::{
        AddToGroup, Address, Broadcast, CloseRoom, Connect, Event, History, Join, Kick, Leave,
        OpenRoom, Publish, Push, Query, Rejoin, RemoveFromGroup, Subscribe, Track, Unsubscribe,
        Untrack,
    },
    ids::{ClientId, EventName, MessageId, Ref, Topic},
    payload::{Json, Payload},
    refusal::{NameFlaw, Refusal},
};

/// Refuses an event with a bad name or with something too large in it: first names, then `ref` and
/// `id`, then payload, meta and params.
pub(super) fn check(event: &Event, config: &Config) -> Result<(), Refusal> {
    let check = Check { config };
    match event {
        Event::Join(Join { client_id, topic, user_id, now_ms: _, meta, params, reference })
        | Event::Rejoin(Rejoin {
            client_id,
            topic,
            user_id,
            now_ms: _,
            meta,
            params,
            reference,
            since: _,
        }) => {
            check.whom(client_id, topic)?;
            check.name("user_id", user_id.as_bytes())?;
            check.marks(reference.as_ref(), None)?;
            check.json("meta", meta.as_ref())?;
            check.json("params", params.as_ref())
        }
        Event::Leave(Leave { client_id, topic, reference }) => {
            check.whom(client_id, topic)?;
            check.marks(reference.as_ref(), None)
        }
        Event::Broadcast(Broadcast {
            client_id,
            topic,
            payload,
            event,
            audience: _,
            meta,
            id,
            reference,
        }) => {
            check.whom(client_id, topic)?;
            check.event(event)?;
            check.marks(reference.as_ref(), id.as_ref())?;
            check.payload(payload)?;
            check.json("meta", meta.as_ref())
        }
        Event::Push(Push { client_id, topic, event, payload, reference }) => {
            check.whom(client_id, topic)?;
            check.event(event)?;
            check.marks(reference.as_ref(), None)?;
            check.payload(payload)
        }
        Event::Connect(Connect { client_id, user_id, data, now_ms: _, reference }) => {
            check.client("client_id", client_id)?;
            check.name("user_id", user_id.as_bytes())?;
            check.marks(reference.as_ref(), None)?;
            check.json("data", data.as_ref())
        }
        Event::Subscribe(Subscribe { client_id, topic, event, reference })
        | Event::Unsubscribe(Unsubscribe { client_id, topic, event, reference }) => {
            check.whom(client_id, topic)?;
            check.name("event", event.as_bytes())?;
            check.marks(reference.as_ref(), None)
        }
        Event::Track(Track { client_id, topic, meta, reference }) => {
            check.whom(client_id, topic)?;
            check.marks(reference.as_ref(), None)?;
            check.json("meta", meta.as_ref())
        }
        Event::Untrack(Untrack { client_id, topic, reference }) => {
            check.whom(client_id, topic)?;
            check.marks(reference.as_ref(), None)
        }
        Event::OpenRoom(OpenRoom { topic, config: room, by, reference }) => {
            check.topic(topic)?;
            by.as_ref().map_or(Ok(()), |by| check.client("by", by))?;
            check.marks(reference.as_ref(), None)?;
            room.as_ref().map_or(Ok(()), |room| room.check(config).map_err(Into::into))
        }
        Event::CloseRoom(CloseRoom { topic, by, reference }) => {
            check.topic(topic)?;
            by.as_ref().map_or(Ok(()), |by| check.client("by", by))?;
            check.marks(reference.as_ref(), None)
        }
        Event::History(History { client_id, topic, event, start: _, end: _, reference }) => {
            check.whom(client_id, topic)?;
            event.as_ref().map_or(Ok(()), |event| check.event(event))?;
            check.marks(reference.as_ref(), None)
        }
        Event::Query(Query { what: _, topic, client_id, reference }) => {
            client_id.as_ref().map_or(Ok(()), |id| check.client("client_id", id))?;
            topic.as_ref().map_or(Ok(()), |topic| check.topic(topic))?;
            check.marks(reference.as_ref(), None)
        }
        Event::Publish(publish) => check.publish(publish),
        Event::Kick(Kick { client_id, topic, reason: _, reference }) => {
            check.client("client_id", client_id)?;
            topic.as_ref().map_or(Ok(()), |topic| check.topic(topic))?;
            check.marks(reference.as_ref(), None)
        }
        Event::AddToGroup(AddToGroup { group, topics, reference })
        | Event::RemoveFromGroup(RemoveFromGroup { group, topics, reference }) => {
            check.name("group", group.as_bytes())?;
            topics.iter().try_for_each(|topic| check.topic(topic))?;
            check.marks(reference.as_ref(), None)
        }
        Event::Crash(_)
        | Event::Restart
        | Event::Disconnect(_)
        | Event::HistoryLoaded(_)
        | Event::Refuse(_)
        | Event::Tick(_) => Ok(()),
    }
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
    fn whom(self, client_id: &ClientId, topic: &Topic) -> Result<(), Refusal> {
        self.client("client_id", client_id)?;
        self.topic(topic)
    }

    fn client(self, field: &'static str, client_id: &ClientId) -> Result<(), Refusal> {
        self.name(field, client_id.as_bytes())
    }

    fn topic(self, topic: &Topic) -> Result<(), Refusal> {
        self.name("topic", topic.as_bytes())
    }

    fn publish(self, publish: &Publish) -> Result<(), Refusal> {
        let Publish {
            target,
            event,
            payload,
            from,
            except_client,
            except_user,
            meta,
            id,
            reference,
        } = publish;
        match target {
            Address::Topic(topic) => self.topic(topic)?,
            Address::Group(group) => self.name("group", group.as_bytes())?,
            Address::User(user) => self.name("user", user.as_bytes())?,
            Address::Client(client) => self.client("client", client)?,
            Address::Everyone => {}
        }
        self.event(event)?;
        self.name("from", from.as_bytes())?;
        except_client.as_ref().map_or(Ok(()), |client| self.client("except_client", client))?;
        except_user.as_ref().map_or(Ok(()), |user| self.name("except_user", user.as_bytes()))?;
        self.marks(reference.as_ref(), id.as_ref())?;
        self.payload(payload)?;
        self.json("meta", meta.as_ref())
    }

    fn event(self, event: &EventName) -> Result<(), Refusal> {
        if event.as_bytes() == b"*" {
            return Err(Refusal::InvalidName { field: "event", flaw: NameFlaw::Wildcard });
        }
        self.name("event", event.as_bytes())
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

    fn marks(self, reference: Option<&Ref>, id: Option<&MessageId>) -> Result<(), Refusal> {
        let max = self.config.limit(Limit::RefBytes);
        let marks = [("ref", reference.map(Ref::as_bytes)), ("id", id.map(MessageId::as_bytes))];
        for (field, mark) in marks {
            let bytes = mark.map_or(0, <[u8]>::len) as u64;
            if bytes > max {
                return Err(Refusal::MarkTooLong { field, bytes, max });
            }
        }
        Ok(())
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
