//! What a channel says to one connection alone, as frames.

use alloc::string::String;

use super::{
    connection::{Connection, JoinRefs, Seat, close, refusing, unmatched_topic},
    frame::{FieldTooLong, Frame, Frames},
    history, presence,
    token::{Marks, Token},
    write::{self, Head, Status},
};
use crate::{
    event::EventKind,
    ids::Topic,
    outbound::{Body, Cause, Closed, HistoryPage, Outbound, PresenceState, PushMessage, Reply},
    refusal::{Reason, Refusal},
};

impl Connection {
    /// Writes what `outbound` says to this connection, in the order of the outbox.
    ///
    /// Gives nothing for what [`shared`](super::shared) encodes, which is the same for everyone who
    /// receives it; for a [`Disconnect`](Outbound::Disconnect), which closes the connection with
    /// [`CloseCode::Disconnected`](super::CloseCode::Disconnected); for what is the driver's to do;
    /// and for replies to events that were not read from this connection.
    ///
    /// # Errors
    ///
    /// A push of bytes makes a binary frame, whose fields have at most 255 bytes.
    pub fn outgoing(&mut self, outbound: &Outbound) -> Result<Frames, FieldTooLong> {
        Ok(match outbound {
            Outbound::Reply(reply) => self.reply(reply),
            Outbound::PushMessage(push) => Frames::one(self.push(push)?),
            Outbound::PresenceState(state) => Frames::one(self.state(state)),
            Outbound::History(page) => Frames::one(self.page(page)),
            Outbound::Closed(closed) => self.closed(closed),
            Outbound::BroadcastMessage(_)
            | Outbound::PresenceDiff(_)
            | Outbound::RoomOpened(_)
            | Outbound::RoomClosed(_)
            | Outbound::Evicted(_)
            | Outbound::Disconnect(_)
            | Outbound::System(_) => Frames::none(),
        })
    }

    fn reply(&mut self, reply: &Reply) -> Frames {
        let Reply { to, client_id: _, topic, result, reference } = reply;
        let (Some(topic), Some(marks)) = (topic, reference.as_ref().and_then(Marks::unpack)) else {
            return Frames::none();
        };
        match (Way::of(*to), result) {
            (Way::In, Ok(body)) => self.joined(marks, topic, body),
            (Way::In, Err(refusal)) => self.not_joined(marks, topic, refusal),
            (Way::Out, Ok(_)) => self.left(&marks, topic),
            (Way::Out, Err(refusal)) if is_absent(refusal) => Frames::one(done(&marks, topic)),
            // The page itself is the reply.
            (Way::Back, Ok(_)) => Frames::none(),
            (Way::Within, Ok(body)) => {
                let topic = marks.topic.as_ref().unwrap_or(topic);
                Frames::one(succeeding(&marks, topic, body))
            }
            (Way::Out | Way::Back | Way::Within, Err(refusal)) => {
                Frames::one(failing(marks, topic, refusal))
            }
        }
    }

    /// The reply, and the end of an earlier join.
    fn joined(&mut self, marks: Marks, topic: &Topic, body: &Body) -> Frames {
        let reply = succeeding(&marks, topic, body);
        let Marks { join_ref, reference, topic: _ } = marks;
        let join = JoinRefs { join_ref, reference };
        let seat = self.seats.entry(topic.clone()).or_default();
        if seat.pending.as_ref() == Some(&join) {
            seat.pending = None;
        }
        let earlier = seat.joined.replace(join);
        Frames::with(reply, earlier.map(|earlier| close(&earlier, topic)))
    }

    /// The reply. An earlier join stays as it is, as it does in the channel.
    fn not_joined(&mut self, marks: Marks, topic: &Topic, refusal: &Refusal) -> Frames {
        let reply = if refusal.reason() == Reason::UnknownTopic {
            unmatched_topic(marks.reference.clone(), topic.as_str())
        } else {
            refusing(&marks, topic.as_str(), refusal)
        };
        let Marks { join_ref, reference, topic: _ } = marks;
        let join = JoinRefs { join_ref, reference };
        self.change(topic, |seat| {
            seat.pending.take_if(|pending| *pending == join);
        });
        Frames::one(reply)
    }

    /// The reply, and the end of the join.
    fn left(&mut self, marks: &Marks, topic: &Topic) -> Frames {
        let ended = self.change(topic, |seat| seat.joined.take()).flatten();
        Frames::with(done(marks, topic), ended.map(|join| close(&join, topic)))
    }

    /// Changes what it has of a topic, if anything.
    pub(super) fn change<T>(
        &mut self,
        topic: &Topic,
        change: impl FnOnce(&mut Seat) -> T,
    ) -> Option<T> {
        let seat = self.seats.get_mut(topic)?;
        let changed = change(seat);
        if seat.joined.is_none() && seat.pending.is_none() {
            self.seats.remove(topic);
        }
        Some(changed)
    }

    /// The `join_ref` of what is sent to it in a topic.
    pub(super) fn join_ref(&self, topic: &Topic) -> Token {
        let join = self.seats.get(topic).and_then(|seat| seat.joined.as_ref());
        join.map_or_else(Token::null, |join| join.mark().clone())
    }

    fn push(&self, push: &PushMessage) -> Result<Frame, FieldTooLong> {
        let PushMessage { client_id: _, topic, event, payload } = push;
        match topic {
            Some(topic) => {
                write::push(&self.join_ref(topic), topic.as_str(), event.as_str(), payload)
            }
            None => write::push(&Token::null(), super::OWN_TOPIC, event.as_str(), payload),
        }
    }

    fn state(&self, state: &PresenceState) -> Frame {
        let PresenceState { client_id: _, topic, entries } = state;
        let join_ref = self.join_ref(topic);
        let size = entries.meta_count().saturating_mul(presence::META_SIZE);
        write::text(pushed(&join_ref, topic, "presence_state"), size, |out| {
            presence::keys(out, entries.iter());
        })
    }

    fn page(&self, page: &HistoryPage) -> Frame {
        let HistoryPage { topic, reference, .. } = page;
        let size = history::size(page);
        if let Some(marks) = reference.as_ref().and_then(Marks::unpack) {
            return write::reply(&marks, topic.as_str(), Status::Ok, size, |out| {
                history::page(out, page);
            });
        }
        let join_ref = self.join_ref(topic);
        write::text(pushed(&join_ref, topic, "parlor:history"), size, |out| {
            history::page(out, page);
        })
    }

    fn closed(&mut self, closed: &Closed) -> Frames {
        let Closed { topic, cause, message, recipients: _ } = closed;
        let Some(join) = self.change(topic, |seat| seat.joined.take()).flatten() else {
            return Frames::none();
        };
        let ending = |event, reason: &str| {
            write::ending(&join.join_ref, topic.as_str(), event, |out| {
                ending(out, reason, message.as_deref());
            })
        };
        match cause {
            Cause::Crashed => Frames::one(ending("phx_error", "channel_crash")),
            Cause::Expired => Frames::one(ending("phx_error", cause.label())),
            Cause::Kicked | Cause::RoomClosed => Frames::one(ending("phx_close", cause.label())),
            Cause::Disconnected => Frames::none(),
        }
    }
}

pub(super) fn pushed<'a>(join_ref: &'a Token, topic: &'a Topic, event: &'a str) -> Head<'a> {
    Head { join_ref: Some(join_ref), reference: None, topic: topic.as_str(), event }
}

/// Where an event leads, as far as its reply depends on it.
#[derive(Clone, Copy)]
enum Way {
    /// Into a topic.
    In,
    /// Out of it.
    Out,
    /// Back in its history.
    Back,
    /// Nowhere.
    Within,
}

impl Way {
    const fn of(kind: EventKind) -> Self {
        match kind {
            EventKind::Join | EventKind::Rejoin => Self::In,
            EventKind::Leave => Self::Out,
            EventKind::History => Self::Back,
            EventKind::Broadcast
            | EventKind::Push
            | EventKind::Crash
            | EventKind::Restart
            | EventKind::Connect
            | EventKind::Disconnect
            | EventKind::Subscribe
            | EventKind::Unsubscribe
            | EventKind::Track
            | EventKind::Untrack
            | EventKind::OpenRoom
            | EventKind::CloseRoom
            | EventKind::Query
            | EventKind::Publish
            | EventKind::Kick
            | EventKind::AddToGroup
            | EventKind::RemoveFromGroup
            | EventKind::Refuse
            | EventKind::Tick => Self::Within,
        }
    }
}

/// Whether what an event is about is not there.
fn is_absent(refusal: &Refusal) -> bool {
    match refusal.reason() {
        Reason::UnknownTopic | Reason::NotMember | Reason::UnknownClient => true,
        Reason::Crashed
        | Reason::InvalidName
        | Reason::RoomFull
        | Reason::JoinDenied
        | Reason::EventNotAllowed
        | Reason::ValidationFailed
        | Reason::RateLimited
        | Reason::InvalidRequest
        | Reason::RoomExists
        | Reason::PermissionDenied
        | Reason::UserConflict
        | Reason::UnknownTarget
        | Reason::PayloadTooLarge
        | Reason::LimitReached
        | Reason::Unavailable => false,
    }
}

fn failing(marks: Marks, topic: &Topic, refusal: &Refusal) -> Frame {
    match &marks.topic {
        Some(topic) => refusing(&marks, topic.as_str(), refusal),
        None if is_absent(refusal) => unmatched_topic(marks.reference, topic.as_str()),
        None => refusing(&marks, topic.as_str(), refusal),
    }
}

fn done(marks: &Marks, topic: &Topic) -> Frame {
    write::reply(marks, topic.as_str(), Status::Ok, 2, |out| out.push_str("{}"))
}

fn succeeding(marks: &Marks, topic: &Topic, body: &Body) -> Frame {
    write::reply(marks, topic.as_str(), Status::Ok, 64, |out| match body {
        Body::Empty {} => out.push_str("{}"),
        Body::Published { position } => write::position(out, *position),
        Body::Joined { .. } | Body::Rejoined { .. } | Body::Answer(_) => write::json(out, body),
    })
}

pub(super) fn ending(out: &mut String, reason: &str, message: Option<&str>) {
    out.push_str("{\"reason\":");
    write::quote(out, reason);
    if let Some(message) = message {
        out.push_str(",\"message\":");
        write::quote(out, message);
    }
    out.push('}');
}
