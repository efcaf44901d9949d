//! Any event at all, of any kind: what a channel has to withstand.
//!
//! Each is mostly about clients and topics that others are about too. Knows nothing of what came
//! before but the time.

use parlor::{
    AddToGroup, Broadcast, CloseRoom, Connect, Crash, Disconnect, Event, EventKind, History, Join,
    Kick, Leave, OpenRoom, Publish, Push, Query, Refuse, Rejoin, RemoveFromGroup, Subscribe, Tick,
    Track, Unsubscribe, Untrack,
};

use super::choices::Choices;

/// How often each kind comes; what makes others possible comes more often.
const WEIGHTS: [(EventKind, usize); EventKind::ALL.len()] = [
    (EventKind::Join, 60),
    (EventKind::Broadcast, 30),
    (EventKind::Leave, 12),
    (EventKind::Rejoin, 16),
    (EventKind::Connect, 14),
    (EventKind::Disconnect, 6),
    (EventKind::Tick, 14),
    (EventKind::Track, 10),
    (EventKind::Untrack, 6),
    (EventKind::Subscribe, 8),
    (EventKind::Unsubscribe, 6),
    (EventKind::Publish, 14),
    (EventKind::Push, 6),
    (EventKind::History, 14),
    (EventKind::OpenRoom, 12),
    (EventKind::CloseRoom, 4),
    (EventKind::AddToGroup, 8),
    (EventKind::RemoveFromGroup, 4),
    (EventKind::Query, 5),
    (EventKind::Kick, 3),
    (EventKind::Refuse, 3),
    (EventKind::Restart, 20),
    (EventKind::Crash, 1),
];

pub(super) fn weighted_kind(choices: &mut Choices<'_>) -> EventKind {
    let all = WEIGHTS.iter().map(|(_, weight)| weight).sum();
    let mut at = choices.below(all);
    for (kind, weight) in WEIGHTS {
        if at < weight {
            return kind;
        }
        at -= weight;
    }
    EventKind::Join
}

pub(super) fn event(choices: &mut Choices<'_>) -> Event {
    match weighted_kind(choices) {
        EventKind::Join => join(choices).into(),
        EventKind::Rejoin => rejoin(choices).into(),
        EventKind::Leave => leave(choices).into(),
        EventKind::Broadcast => broadcast(choices).into(),
        EventKind::Push => push(choices).into(),
        EventKind::Crash => crash(choices).into(),
        EventKind::Restart => Event::Restart,
        EventKind::Connect => connect(choices).into(),
        EventKind::Disconnect => disconnect(choices).into(),
        EventKind::Subscribe => subscribe(choices).into(),
        EventKind::Unsubscribe => unsubscribe(choices).into(),
        EventKind::Track => track(choices).into(),
        EventKind::Untrack => untrack(choices).into(),
        EventKind::OpenRoom => open_room(choices).into(),
        EventKind::CloseRoom => close_room(choices).into(),
        EventKind::History => history(choices).into(),
        EventKind::Query => query(choices).into(),
        EventKind::Publish => publish(choices).into(),
        EventKind::Kick => kick(choices).into(),
        EventKind::AddToGroup => add_to_group(choices).into(),
        EventKind::RemoveFromGroup => remove_from_group(choices).into(),
        EventKind::Refuse => refuse(choices).into(),
        EventKind::Tick => tick(choices).into(),
    }
}

pub(super) fn join(choices: &mut Choices<'_>) -> Join {
    let (client_id, user_id) = choices.client_and_user();
    Join {
        client_id,
        topic: choices.topic(),
        user_id,
        now_ms: choices.time(),
        meta: choices.maybe(Choices::meta),
        params: choices.maybe(Choices::json),
        reference: choices.reference(),
    }
}

pub(super) fn rejoin(choices: &mut Choices<'_>) -> Rejoin {
    let (client_id, user_id) = choices.client_and_user();
    Rejoin {
        client_id,
        topic: choices.topic(),
        user_id,
        now_ms: choices.time(),
        meta: choices.maybe(Choices::meta),
        params: choices.maybe(Choices::json),
        reference: choices.reference(),
        since: choices.maybe(Choices::position),
    }
}

pub(super) fn leave(choices: &mut Choices<'_>) -> Leave {
    Leave { client_id: choices.client(), topic: choices.topic(), reference: choices.reference() }
}

pub(super) fn broadcast(choices: &mut Choices<'_>) -> Broadcast {
    Broadcast {
        client_id: choices.client(),
        topic: choices.topic(),
        payload: choices.payload(),
        event: choices.event_name(),
        audience: choices.audience(),
        meta: choices.maybe(Choices::json),
        id: choices.id(),
        reference: choices.reference(),
    }
}

pub(super) fn push(choices: &mut Choices<'_>) -> Push {
    Push {
        client_id: choices.client(),
        topic: choices.topic(),
        event: choices.event_name(),
        payload: choices.payload(),
        reference: choices.reference(),
    }
}

pub(super) fn crash(choices: &mut Choices<'_>) -> Crash {
    Crash { reason: choices.text() }
}

pub(super) fn connect(choices: &mut Choices<'_>) -> Connect {
    let (client_id, user_id) = choices.client_and_user();
    Connect {
        client_id,
        user_id,
        data: choices.maybe(Choices::json),
        now_ms: choices.time(),
        reference: choices.reference(),
    }
}

pub(super) fn disconnect(choices: &mut Choices<'_>) -> Disconnect {
    Disconnect { client_id: choices.client(), now_ms: choices.time(), grace: choices.grace() }
}

pub(super) fn subscribe(choices: &mut Choices<'_>) -> Subscribe {
    Subscribe {
        client_id: choices.client(),
        topic: choices.topic(),
        event: choices.event_or_all(),
        reference: choices.reference(),
    }
}

pub(super) fn unsubscribe(choices: &mut Choices<'_>) -> Unsubscribe {
    Unsubscribe {
        client_id: choices.client(),
        topic: choices.topic(),
        event: choices.event_or_all(),
        reference: choices.reference(),
    }
}

pub(super) fn track(choices: &mut Choices<'_>) -> Track {
    Track {
        client_id: choices.client(),
        topic: choices.topic(),
        meta: choices.maybe(Choices::meta),
        reference: choices.reference(),
    }
}

pub(super) fn untrack(choices: &mut Choices<'_>) -> Untrack {
    Untrack { client_id: choices.client(), topic: choices.topic(), reference: choices.reference() }
}

pub(super) fn open_room(choices: &mut Choices<'_>) -> OpenRoom {
    OpenRoom {
        topic: choices.topic(),
        by: choices.maybe(Choices::client),
        reference: choices.reference(),
        config: choices.boxed_room(),
    }
}

pub(super) fn close_room(choices: &mut Choices<'_>) -> CloseRoom {
    CloseRoom {
        topic: choices.topic(),
        by: choices.maybe(Choices::client),
        reference: choices.reference(),
    }
}

pub(super) fn history(choices: &mut Choices<'_>) -> History {
    let (before, start, end) = choices.page();
    History {
        client_id: choices.client(),
        topic: choices.topic(),
        event: choices.maybe(Choices::event_name),
        before,
        start,
        end,
        reference: choices.reference(),
    }
}

pub(super) fn query(choices: &mut Choices<'_>) -> Query {
    Query {
        what: choices.question(),
        topic: choices.maybe(Choices::topic),
        client_id: choices.maybe(Choices::client),
        reference: choices.reference(),
    }
}

pub(super) fn publish(choices: &mut Choices<'_>) -> Publish {
    Publish {
        target: choices.address(),
        event: choices.event_name(),
        payload: choices.payload(),
        from: choices.maybe(Choices::user).unwrap_or_else(|| Publish::DEFAULT_FROM.into()),
        except_client: choices.maybe(Choices::client),
        except_user: choices.maybe(Choices::user),
        meta: choices.maybe(Choices::json),
        id: choices.id(),
        reference: choices.reference(),
    }
}

pub(super) fn kick(choices: &mut Choices<'_>) -> Kick {
    Kick {
        client_id: choices.client(),
        topic: choices.maybe(Choices::topic),
        reason: choices.text(),
        reference: choices.reference(),
    }
}

pub(super) fn add_to_group(choices: &mut Choices<'_>) -> AddToGroup {
    AddToGroup { group: choices.group(), topics: choices.topics(), reference: choices.reference() }
}

pub(super) fn remove_from_group(choices: &mut Choices<'_>) -> RemoveFromGroup {
    RemoveFromGroup {
        group: choices.group(),
        topics: choices.topics(),
        reference: choices.reference(),
    }
}

pub(super) fn refuse(choices: &mut Choices<'_>) -> Refuse {
    Refuse {
        client_id: choices.client(),
        topic: choices.maybe(Choices::topic),
        to: choices.kind(),
        reason: choices.reason(),
        message: choices.maybe(Choices::text),
        reference: choices.reference(),
    }
}

pub(super) fn tick(choices: &mut Choices<'_>) -> Tick {
    Tick { now_ms: choices.time() }
}
