//! R7: offsets, as replies tell them and as receivers see them, and what one that comes has missed.

use std::vec::Vec;

use parlor::{
    Address, Body, BroadcastMessage, ClientId, Event, Outbound, Position, Rejoin, Reply, Topic,
};

use super::{
    Findings, Rule,
    recipients::exclusions,
    rooms::{Room, Sent},
    state::State,
};

pub(super) fn check(
    event: &Event,
    outbox: &[Outbound],
    state: &mut State,
    findings: &mut Findings,
) {
    let messages: Vec<_> = outbox
        .iter()
        .filter_map(|outbound| {
            if let Outbound::BroadcastMessage(message) = outbound { Some(message) } else { None }
        })
        .collect();
    match event {
        Event::Broadcast(sent) => {
            let may_repeat = sent.id.is_some();
            check_sent(event, &sent.topic, may_repeat, &messages, outbox, state, findings);
        }
        Event::Publish(published) => {
            if let Address::Topic(topic) = &published.target {
                let may_repeat = published.id.is_some();
                check_sent(event, topic, may_repeat, &messages, outbox, state, findings);
            } else {
                findings.agree(Rule::R7, format_args!("messages of {event:?}"), messages.len(), 1);
                let positions = messages.iter().filter_map(|message| message.position()).count();
                findings.agree(Rule::R7, "positions outside of topics", positions, 0);
            }
        }
        Event::Join(join) => {
            let of = (&join.client_id, &join.topic);
            check_come(event, of, None, &messages, outbox, state, findings);
        }
        Event::Rejoin(Rejoin { client_id, topic, since, .. }) => {
            let of = (client_id, topic);
            check_come(event, of, *since, &messages, outbox, state, findings);
        }
        _ => findings.agree(Rule::R7, format_args!("messages of {event:?}"), messages.len(), 0),
    }
}

/// A message has the next offset, which all who receive it have not seen.
fn check_sent(
    event: &Event,
    topic: &Topic,
    may_repeat: bool,
    messages: &[&BroadcastMessage],
    outbox: &[Outbound],
    state: &mut State,
    findings: &mut Findings,
) {
    let (except_client, except_user) = exclusions(event, state);
    let Some(room) = state.rooms.get_mut(topic) else { return };
    let told = told_position(outbox);
    let [message] = messages else {
        let is_repeat = messages.is_empty() && may_repeat && room.config.dedupe > 0;
        let is_known = told.is_none_or(|told| {
            told.epoch == room.position.epoch && (1..=room.position.offset).contains(&told.offset)
        });
        if !is_repeat || !is_known {
            let count = messages.len();
            findings.add(Rule::R7, format_args!("{count} messages of {event:?}, expected 1"));
        }
        return;
    };
    let at = room.position;
    findings.agree(
        Rule::R7,
        format_args!("where it goes, {event:?}"),
        message.topic(),
        Some(topic),
    );
    let position = message.position();
    findings.agree(Rule::R7, format_args!("the position of {event:?}"), position, Some(at));
    let told = told.unwrap_or(at);
    findings.agree(Rule::R7, format_args!("the position told of {event:?}"), told, at);
    for id in message.recipients.ids() {
        if let Some(member) = room.member_mut(id) {
            if member.seen >= at.offset {
                findings.add(Rule::R7, format_args!("{id} sees {at:?} after {}", member.seen));
            }
            member.seen = at.offset;
        }
    }
    room.sent.push(Sent { message: (*message).clone(), except_client, except_user });
}

/// One that comes is told where the topic is, and sees what it missed, in order.
fn check_come(
    event: &Event,
    (client, topic): (&ClientId, &Topic),
    since: Option<Position>,
    messages: &[&BroadcastMessage],
    outbox: &[Outbound],
    state: &mut State,
    findings: &mut Findings,
) {
    let Some(room) = state.rooms.get_mut(topic) else { return };
    let at = room.position;
    let told = told_position(outbox);
    findings.agree(Rule::R7, format_args!("the position told of {event:?}"), told, Some(at));
    let usable = since.filter(|since| since.epoch == at.epoch && since.offset <= at.offset);
    let Some(since) = usable else {
        findings.agree(Rule::R7, format_args!("what is replayed by {event:?}"), messages.len(), 0);
        if is_recovered(outbox) {
            findings.add(Rule::R7, format_args!("recovered by {event:?}, expected not"));
        }
        set_seen(room, client);
        return;
    };

    let mut seen = since.offset;
    for message in messages {
        let offset = message.position().map_or(0, |position| position.offset);
        if offset <= seen {
            findings
                .add(Rule::R7, format_args!("{client} sees {offset} after {seen} by {event:?}"));
        }
        seen = offset;
        if !missed_by(room, client, since.offset).any(|sent| is_same(&sent.message, message)) {
            findings.add(Rule::R7, format_args!("{message:?} was not missed by {client}"));
        }
    }
    let [due, sent] =
        [missed_by(room, client, since.offset).count(), sent_past(room, since.offset)];
    let hears_all = room.member(client).is_some_and(|member| member.hears(&"*".into()));
    let what = format_args!("what is replayed by {event:?}");
    if is_recovered(outbox) {
        findings.agree(Rule::R7, what, messages.len(), due);
    } else if messages.len() == sent || (messages.len() == due && hears_all) {
        // Nothing is missing. Whoever lacks `*` may be told so without need.
        findings.add(Rule::R7, format_args!("not recovered by {event:?}, expected it"));
    }
    set_seen(room, client);
}

/// The position in a reply.
fn told_position(outbox: &[Outbound]) -> Option<Position> {
    outbox.iter().find_map(|outbound| match outbound {
        Outbound::Reply(Reply {
            result:
                Ok(
                    Body::Joined { position, .. }
                    | Body::Rejoined { position, .. }
                    | Body::Published { position, .. },
                ),
            ..
        }) => Some(*position),
        _ => None,
    })
}

fn is_recovered(outbox: &[Outbound]) -> bool {
    outbox.iter().any(|outbound| {
        matches!(
            outbound,
            Outbound::Reply(Reply { result: Ok(Body::Rejoined { recovered: true, .. }), .. })
        )
    })
}

/// What a member should have received past an offset.
fn missed_by<'a>(
    room: &'a Room,
    client: &'a ClientId,
    since: u64,
) -> impl Iterator<Item = &'a Sent> {
    let member = room.member(client);
    room.sent.iter().filter(move |sent| {
        let Sent { message, except_client, except_user } = sent;
        message.position().is_some_and(|position| position.offset > since)
            && member.is_some_and(|member| {
                member.hears(&message.event)
                    && except_client.as_ref() != Some(&member.client)
                    && except_user.as_ref() != Some(&member.user)
            })
    })
}

/// How many messages were sent past an offset.
fn sent_past(room: &Room, since: u64) -> usize {
    let positions = room.sent.iter().filter_map(|sent| sent.message.position());
    positions.filter(|position| position.offset > since).count()
}

/// Whether a message that is sent again is the same but for its recipients.
fn is_same(sent: &BroadcastMessage, replayed: &BroadcastMessage) -> bool {
    let mut sent = sent.clone();
    sent.replayed = true;
    sent.recipients = replayed.recipients.clone();
    sent == *replayed
}

fn set_seen(room: &mut Room, client: &ClientId) {
    let offset = room.position.offset;
    room.member_mut(client).into_iter().for_each(|member| member.seen = offset);
}
