//! What an event or a message is about: what it is found by, and shown by in one row.

use parlor::{Address, ClientId, Event, EventName, Outbound, Topic, UserId};
use serde::{Deserialize, Serialize};

use crate::names;

/// Whether something goes into a channel or comes out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Way {
    In,
    Out,
}

/// What it is about.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Head<'a> {
    pub(super) way: Way,
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) topic: Option<&'a Topic>,
    /// Whose event it is, or who has sent the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<&'a ClientId>,
    /// The name of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a EventName>,
    /// The user that it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a UserId>,
    /// What a reply answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    answers: Option<&'static str>,
    /// Why that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'static str>,
}

impl<'a> Head<'a> {
    pub(super) fn of_event(event: &'a Event) -> Self {
        let (mut topic, mut client_id) = (names::topic_of(event), names::client_of(event));
        if let Event::Publish(publish) = event {
            if let Address::Topic(target) = &publish.target {
                topic = Some(target);
            } else if let Address::Client(target) = &publish.target {
                client_id = Some(target);
            }
        }
        let (event_name, user_id) = name_and_user(event);
        Self {
            way: Way::In,
            kind: event.label(),
            topic,
            client_id,
            event: event_name,
            user_id,
            answers: None,
            refused: None,
        }
    }

    pub(super) fn of_outbound(outbound: &'a Outbound) -> Self {
        let mut head = Self {
            way: Way::Out,
            kind: outbound.label(),
            topic: None,
            client_id: None,
            event: None,
            user_id: None,
            answers: None,
            refused: None,
        };
        match outbound {
            Outbound::Reply(reply) => {
                head.topic = reply.topic.as_ref();
                head.answers = Some(reply.to.label());
                head.refused = reply.result.as_ref().err().map(|refusal| refusal.reason().label());
            }
            Outbound::PushMessage(push) => {
                (head.topic, head.event) = (push.topic.as_ref(), Some(&push.event));
            }
            Outbound::BroadcastMessage(message) => {
                (head.topic, head.event) = (message.topic(), Some(&message.event));
                (head.client_id, head.user_id) = (message.client_id.as_ref(), Some(&message.from));
            }
            Outbound::PresenceState(state) => head.topic = Some(&state.topic),
            Outbound::PresenceDiff(diff) => head.topic = Some(&diff.topic),
            Outbound::History(page) => {
                (head.topic, head.event) = (Some(&page.topic), page.event.as_ref());
            }
            Outbound::Evicted(evicted) => {
                (head.topic, head.event) = (Some(&evicted.topic), Some(&evicted.event));
            }
            Outbound::RoomOpened(notice) | Outbound::RoomClosed(notice) => {
                head.topic = Some(&notice.info.topic);
            }
            Outbound::Closed(closed) => head.topic = Some(&closed.topic),
            Outbound::Disconnect(_) | Outbound::System(_) => {}
        }
        head
    }
}

/// The name of the message that an event is about, and the user that it is of.
fn name_and_user(event: &Event) -> (Option<&EventName>, Option<&UserId>) {
    match event {
        Event::Join(event) => (None, Some(&event.user_id)),
        Event::Rejoin(event) => (None, Some(&event.user_id)),
        Event::Connect(event) => (None, Some(&event.user_id)),
        Event::Broadcast(event) => (Some(&event.event), None),
        Event::Push(event) => (Some(&event.event), None),
        Event::Publish(event) => (Some(&event.event), Some(&event.from)),
        Event::Subscribe(event) => (Some(&event.event), None),
        Event::Unsubscribe(event) => (Some(&event.event), None),
        Event::History(event) => (event.event.as_ref(), None),
        Event::Leave(_)
        | Event::Crash(_)
        | Event::Restart
        | Event::Disconnect(_)
        | Event::Track(_)
        | Event::Untrack(_)
        | Event::OpenRoom(_)
        | Event::CloseRoom(_)
        | Event::Query(_)
        | Event::Kick(_)
        | Event::AddToGroup(_)
        | Event::RemoveFromGroup(_)
        | Event::Refuse(_)
        | Event::Tick(_)
        | _ => (None, None),
    }
}
