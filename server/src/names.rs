//! Whom and what an event is about, for routing and logs.

use parlor::{ClientId, Event, Topic};

/// The topic that an event is about, if it is about one.
pub(crate) fn topic_of(event: &Event) -> Option<&Topic> {
    match event {
        Event::Join(event) => Some(&event.topic),
        Event::Rejoin(event) => Some(&event.topic),
        Event::Leave(event) => Some(&event.topic),
        Event::Broadcast(event) => Some(&event.topic),
        Event::Push(event) => Some(&event.topic),
        Event::Subscribe(event) => Some(&event.topic),
        Event::Unsubscribe(event) => Some(&event.topic),
        Event::Track(event) => Some(&event.topic),
        Event::Untrack(event) => Some(&event.topic),
        Event::OpenRoom(event) => Some(&event.topic),
        Event::CloseRoom(event) => Some(&event.topic),
        Event::History(event) => Some(&event.topic),
        Event::Query(event) => event.topic.as_ref(),
        Event::Kick(event) => event.topic.as_ref(),
        Event::Refuse(event) => event.topic.as_ref(),
        Event::Crash(_)
        | Event::Restart
        | Event::Connect(_)
        | Event::Disconnect(_)
        | Event::Publish(_)
        | Event::AddToGroup(_)
        | Event::RemoveFromGroup(_)
        | Event::Tick(_)
        | _ => None,
    }
}

/// The client that an event is of or about.
pub(crate) fn client_of(event: &Event) -> Option<&ClientId> {
    match event {
        Event::Join(event) => Some(&event.client_id),
        Event::Rejoin(event) => Some(&event.client_id),
        Event::Leave(event) => Some(&event.client_id),
        Event::Broadcast(event) => Some(&event.client_id),
        Event::Push(event) => Some(&event.client_id),
        Event::Connect(event) => Some(&event.client_id),
        Event::Disconnect(event) => Some(&event.client_id),
        Event::Subscribe(event) => Some(&event.client_id),
        Event::Unsubscribe(event) => Some(&event.client_id),
        Event::Track(event) => Some(&event.client_id),
        Event::Untrack(event) => Some(&event.client_id),
        Event::OpenRoom(event) => event.by.as_ref(),
        Event::CloseRoom(event) => event.by.as_ref(),
        Event::History(event) => Some(&event.client_id),
        Event::Query(event) => event.client_id.as_ref(),
        Event::Kick(event) => Some(&event.client_id),
        Event::Refuse(event) => Some(&event.client_id),
        Event::Crash(_)
        | Event::Restart
        | Event::Publish(_)
        | Event::AddToGroup(_)
        | Event::RemoveFromGroup(_)
        | Event::Tick(_)
        | _ => None,
    }
}
