//! The events that ops stand for.

use parlor::{
    AddToGroup, Broadcast, CloseRoom, Connect, Disconnect, Event, History, Join, Kick, Leave,
    OpenRoom, Publish, Push, Query, Refuse, Rejoin, RemoveFromGroup, Subscribe, Tick, Track,
    Unsubscribe, Untrack,
};

use super::{
    Op,
    pools::{
        address, audience, before_or_none, body, client_and_user, client_name, client_or_none,
        event_name, event_or_all, event_or_none, grace, group_name, json, kind_and_reason,
        mark_text, page, person, position, question, room, style_of, text_for_people, time,
        topic_name, topic_names, topic_or_none,
    },
};

/// The event of an op, at about that time, which goes on.
pub(super) fn event(op: Op, now_ms: &mut u64) -> Event {
    match op {
        Op::Join { client, topic, user, at, meta, params, mark } => {
            join([client, topic, user, meta, params, mark], time(at, now_ms))
        }
        Op::Rejoin { client, topic, user, at, meta, since, mark } => {
            rejoin([client, topic, user, meta, since, mark], time(at, now_ms))
        }
        Op::Leave { client, topic, mark } => leave(client, topic, mark),
        Op::Broadcast { client, topic, payload, event, style, mark } => {
            broadcast([client, topic, payload, event, style, mark])
        }
        Op::Push { client, topic, payload, event, mark } => {
            push(client, topic, payload, event, mark)
        }
        Op::Crash { reason } => Event::crash(text_for_people(reason)),
        Op::Restart => Event::Restart,
        Op::Connect { client, user, at, data, mark } => {
            connect([client, user, data, mark], time(at, now_ms))
        }
        Op::Disconnect { client, at, grace: of } => {
            Disconnect::new(client_name(client), time(at, now_ms)).with_grace(grace(of)).into()
        }
        Op::Subscribe { client, topic, event, mark } => subscribe(client, topic, event, mark),
        Op::Unsubscribe { client, topic, event, mark } => unsubscribe(client, topic, event, mark),
        Op::Track { client, topic, meta, mark } => track(client, topic, meta, mark),
        Op::Untrack { client, topic, mark } => untrack(client, topic, mark),
        Op::OpenRoom { topic, config, by, mark } => open_room(topic, config, by, mark),
        Op::CloseRoom { topic, by, mark } => close_room(topic, by, mark),
        Op::History { client, topic, event, page, before, mark } => {
            history([client, topic, event, page, before, mark])
        }
        Op::Query { what, topic, client, mark } => query(what, topic, client, mark),
        Op::Publish { target, payload, event, style, mark } => {
            publish(target, payload, event, style, mark)
        }
        Op::Kick { client, topic, reason, mark } => kick(client, topic, reason, mark),
        Op::AddToGroup { group, topics, mark } => add_to_group(group, topics, mark),
        Op::RemoveFromGroup { group, topics, mark } => remove_from_group(group, topics, mark),
        Op::Refuse { client, topic, to, reason, mark } => refuse(client, topic, to, reason, mark),
        Op::Tick { at } => Tick::new(time(at, now_ms)).into(),
    }
}

fn join([client, topic, user, meta, params, mark]: [u8; 6], now_ms: u64) -> Event {
    let (client_id, user_id) = client_and_user(client, user);
    let mut join = Join::new(client_id, topic_name(topic), user_id, now_ms);
    (join.meta, join.params) = (json(meta), json(params));
    join.reference = mark_text(mark).map(Into::into);
    join.into()
}

fn rejoin([client, topic, user, meta, since, mark]: [u8; 6], now_ms: u64) -> Event {
    let (client_id, user_id) = client_and_user(client, user);
    let mut rejoin = Rejoin::new(client_id, topic_name(topic), user_id, now_ms);
    (rejoin.meta, rejoin.since) = (json(meta), position(since));
    rejoin.reference = mark_text(mark).map(Into::into);
    rejoin.into()
}

fn leave(client: u8, topic: u8, mark: u8) -> Event {
    let mut leave = Leave::new(client_name(client), topic_name(topic));
    leave.reference = mark_text(mark).map(Into::into);
    leave.into()
}

fn broadcast([client, topic, payload, event, style, mark]: [u8; 6]) -> Event {
    let client_id = client_name(client);
    let mut broadcast = Broadcast::new(client_id, topic_name(topic), body(payload))
        .with_event(event_name(event))
        .with_audience(audience(style));
    (broadcast.meta, broadcast.id) = style_of(style);
    broadcast.reference = mark_text(mark).map(Into::into);
    broadcast.into()
}

fn push(client: u8, topic: u8, payload: u8, event: u8, mark: u8) -> Event {
    let (client_id, topic) = (client_name(client), topic_name(topic));
    let mut push = Push::new(client_id, topic, event_name(event), body(payload));
    push.reference = mark_text(mark).map(Into::into);
    push.into()
}

fn connect([client, user, data, mark]: [u8; 4], now_ms: u64) -> Event {
    let (client_id, user_id) = client_and_user(client, user);
    let mut connect = Connect::new(client_id, user_id, now_ms);
    connect.data = json(data);
    connect.reference = mark_text(mark).map(Into::into);
    connect.into()
}

fn subscribe(client: u8, topic: u8, event: u8, mark: u8) -> Event {
    let event = event_or_all(event);
    let mut subscribe = Subscribe::new(client_name(client), topic_name(topic), event);
    subscribe.reference = mark_text(mark).map(Into::into);
    subscribe.into()
}

fn unsubscribe(client: u8, topic: u8, event: u8, mark: u8) -> Event {
    let event = event_or_all(event);
    let mut unsubscribe = Unsubscribe::new(client_name(client), topic_name(topic), event);
    unsubscribe.reference = mark_text(mark).map(Into::into);
    unsubscribe.into()
}

fn track(client: u8, topic: u8, meta: u8, mark: u8) -> Event {
    let mut track = Track::new(client_name(client), topic_name(topic));
    track.meta = json(meta);
    track.reference = mark_text(mark).map(Into::into);
    track.into()
}

fn untrack(client: u8, topic: u8, mark: u8) -> Event {
    let mut untrack = Untrack::new(client_name(client), topic_name(topic));
    untrack.reference = mark_text(mark).map(Into::into);
    untrack.into()
}

fn open_room(topic: u8, config: u8, by: u8, mark: u8) -> Event {
    let mut open = OpenRoom::new(topic_name(topic));
    (open.config, open.by) = (room(config).map(Box::new), client_or_none(by).map(Into::into));
    open.reference = mark_text(mark).map(Into::into);
    open.into()
}

fn close_room(topic: u8, by: u8, mark: u8) -> Event {
    let mut close = CloseRoom::new(topic_name(topic));
    close.by = client_or_none(by).map(Into::into);
    close.reference = mark_text(mark).map(Into::into);
    close.into()
}

fn history([client, topic, event, range, before, mark]: [u8; 6]) -> Event {
    let mut history = History::new(client_name(client), topic_name(topic));
    (history.start, history.end) = page(range);
    history.before = before_or_none(before);
    if history.before.is_some() && !before.is_multiple_of(16) {
        history.start = 0;
    }
    history.event = event_or_none(event).map(Into::into);
    history.reference = mark_text(mark).map(Into::into);
    history.into()
}

fn query(what: u8, topic: u8, client: u8, mark: u8) -> Event {
    let mut query = Query::new(question(what));
    query.topic = topic_or_none(topic).map(Into::into);
    query.client_id = person(client).map(Into::into);
    query.reference = mark_text(mark).map(Into::into);
    query.into()
}

/// The style says from whom, but for whom, with which meta and id.
fn publish(target: u8, payload: u8, event: u8, style: u8, mark: u8) -> Event {
    let mut publish = Publish::new(address(target), event_name(event), body(payload));
    (publish.meta, publish.id) = style_of(style);
    if style % 4 == 1 {
        publish.from = client_and_user(style / 4, style / 4).1.into();
    }
    publish.except_client = client_or_none(style.rotate_left(2)).map(Into::into);
    if style % 8 == 2 {
        publish.except_user = Some(client_and_user(style / 8, style / 8).1.into());
    }
    publish.reference = mark_text(mark).map(Into::into);
    publish.into()
}

fn kick(client: u8, topic: u8, reason: u8, mark: u8) -> Event {
    let mut kick = Kick::new(client_name(client), text_for_people(reason));
    kick.topic = topic_or_none(topic).map(Into::into);
    kick.reference = mark_text(mark).map(Into::into);
    kick.into()
}

fn add_to_group(group: u8, topics: u8, mark: u8) -> Event {
    let mut add = AddToGroup::new(group_name(group), topic_names(topics));
    add.reference = mark_text(mark).map(Into::into);
    add.into()
}

fn remove_from_group(group: u8, topics: u8, mark: u8) -> Event {
    let mut remove = RemoveFromGroup::new(group_name(group), topic_names(topics));
    remove.reference = mark_text(mark).map(Into::into);
    remove.into()
}

fn refuse(client: u8, topic: u8, to: u8, reason: u8, mark: u8) -> Event {
    let (kind, why) = kind_and_reason(to, reason);
    let mut refuse = Refuse::new(client_name(client), kind, why);
    refuse.topic = topic_or_none(topic).map(Into::into);
    refuse.message = reason.is_multiple_of(2).then(|| text_for_people(reason).to_owned());
    refuse.reference = mark_text(mark).map(Into::into);
    refuse.into()
}
