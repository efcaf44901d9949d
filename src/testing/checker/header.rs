//! What a reply repeats of its event.

use parlor::{
    AddToGroup, Address, Broadcast, ClientId, CloseRoom, Connect, Event, EventKind, History, Join,
    Kick, Leave, OpenRoom, Publish, Push, Query, Ref, Refuse, Rejoin, RemoveFromGroup, Subscribe,
    Topic, Track, Unsubscribe, Untrack,
};

/// What a reply repeats of its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub(super) kind: EventKind,
    /// The client that sent it; none if the server did.
    pub(super) sender: Option<&'a ClientId>,
    pub(super) topic: Option<&'a Topic>,
    pub(super) reference: Option<&'a Ref>,
}

impl<'a> Header<'a> {
    pub(super) fn of(event: &'a Event) -> Self {
        let (sender, topic, reference) = match event {
            Event::Join(Join { client_id, topic, reference, .. })
            | Event::Rejoin(Rejoin { client_id, topic, reference, .. })
            | Event::Leave(Leave { client_id, topic, reference, .. })
            | Event::Broadcast(Broadcast { client_id, topic, reference, .. })
            | Event::Subscribe(Subscribe { client_id, topic, reference, .. })
            | Event::Unsubscribe(Unsubscribe { client_id, topic, reference, .. })
            | Event::Track(Track { client_id, topic, reference, .. })
            | Event::Untrack(Untrack { client_id, topic, reference, .. })
            | Event::History(History { client_id, topic, reference, .. }) => {
                (Some(client_id), Some(topic), reference)
            }
            Event::Connect(Connect { client_id, reference, .. }) => {
                (Some(client_id), None, reference)
            }
            Event::OpenRoom(OpenRoom { topic, by, reference, .. })
            | Event::CloseRoom(CloseRoom { topic, by, reference, .. }) => {
                (by.as_ref(), Some(topic), reference)
            }
            Event::Query(Query { topic, client_id, reference, .. }) => {
                (client_id.as_ref(), topic.as_ref(), reference)
            }
            Event::Refuse(Refuse { client_id, topic, reference, .. }) => {
                (Some(client_id), topic.as_ref(), reference)
            }
            Event::Push(Push { topic, reference, .. }) => (None, Some(topic), reference),
            Event::Publish(publish) => {
                let Publish { target, reference, .. } = &**publish;
                let topic = if let Address::Topic(topic) = target { Some(topic) } else { None };
                (None, topic, reference)
            }
            Event::Kick(Kick { topic, reference, .. }) => (None, topic.as_ref(), reference),
            Event::AddToGroup(AddToGroup { reference, .. })
            | Event::RemoveFromGroup(RemoveFromGroup { reference, .. }) => (None, None, reference),
            // The others have no reply.
            _ => (None, None, &None),
        };
        let kind = if let Event::Refuse(refuse) = event { refuse.to } else { event.kind() };
        Self { kind, sender, topic, reference: reference.as_ref() }
    }
}
