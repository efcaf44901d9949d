//! R3: recipients are in join order, each once, and those whom the event meant when it was handled.

use std::{collections::BTreeSet, vec::Vec};

use parlor::{
    Address, Audience, BroadcastMessage, ClientId, Event, GroupName, Outbound, Topic, UserId,
};

use super::{Findings, Rule, header::Header, moves::Moves, rooms::Room, state::State};

pub(super) fn check(
    event: &Event,
    outbox: &[Outbound],
    state: &State,
    moves: &Moves,
    findings: &mut Findings,
) {
    let mut closed = BTreeSet::new();
    for outbound in outbox {
        let (expected, recipients) = match outbound {
            Outbound::BroadcastMessage(message) => {
                (of_message(event, message, state), &message.recipients)
            }
            Outbound::PresenceDiff(diff) => (of_diff(event, &diff.topic, state), &diff.recipients),
            Outbound::Closed(notice) => {
                let Some((cause, members)) = moves.closed.get(&notice.topic) else {
                    findings.add(Rule::R3, format_args!("{notice:?}, expected none"));
                    continue;
                };
                findings.agree(Rule::R3, "why it is closed", Some(notice.cause), *cause);
                if !closed.insert(&notice.topic) {
                    findings.add(Rule::R3, format_args!("{notice:?}, a second time"));
                }
                (members.iter().collect(), &notice.recipients)
            }
            Outbound::RoomOpened(notice) | Outbound::RoomClosed(notice) => {
                (moves.connected.iter().collect(), &notice.recipients)
            }
            Outbound::Reply(_)
            | Outbound::PushMessage(_)
            | Outbound::PresenceState(_)
            | Outbound::History(_)
            | Outbound::Evicted(_)
            | Outbound::Disconnect(_)
            | Outbound::System(_) => continue,
        };
        let got: Vec<_> = recipients.ids().collect();
        let label = outbound.label();
        findings.agree(Rule::R3, format_args!("recipients of {label}, {event:?}"), got, expected);
    }
    if let Some(topic) = moves.closed.keys().find(|topic| !closed.contains(topic)) {
        findings.add(Rule::R3, format_args!("nobody is told that {topic} is closed by {event:?}"));
    }
}

/// All who are attached, but for one who has just come and knows by a snapshot.
fn of_diff<'a>(event: &'a Event, topic: &Topic, state: &'a State) -> Vec<&'a ClientId> {
    let joiner = match event {
        Event::Join(_) | Event::Rejoin(_) => Header::of(event).sender,
        _ => None,
    };
    let members = state.room(topic).into_iter().flat_map(Room::attached);
    members.map(|member| &member.client).filter(|client| Some(*client) != joiner).collect()
}

fn of_message<'a>(
    event: &'a Event,
    message: &BroadcastMessage,
    state: &'a State,
) -> Vec<&'a ClientId> {
    let mut recipients = match event {
        Event::Broadcast(sent) => of_topic(&sent.topic, message, state),
        Event::Publish(published) => match &published.target {
            Address::Topic(topic) => of_topic(topic, message, state),
            Address::Group(group) => of_group(group, message, state),
            address => state
                .connected()
                .filter(|client| match address {
                    Address::User(user) => client.user == *user,
                    Address::Client(id) => client.id == *id,
                    _ => true,
                })
                .map(|client| &client.id)
                .collect(),
        },
        // What one that comes has missed is for itself alone.
        _ => return Header::of(event).sender.into_iter().collect(),
    };
    let (except_client, except_user) = exclusions(event, state);
    recipients.retain(|id| {
        except_client.as_ref() != Some(*id)
            && (except_user.is_none() || except_user.as_ref() != state.user_of(id))
    });
    recipients
}

fn of_topic<'a>(topic: &Topic, message: &BroadcastMessage, state: &'a State) -> Vec<&'a ClientId> {
    let members = state.room(topic).into_iter().flat_map(Room::attached);
    let hearing = members.filter(|member| member.hears(&message.event));
    hearing.map(|member| &member.client).collect()
}

/// Each once, where it first hears it.
fn of_group<'a>(
    group: &GroupName,
    message: &BroadcastMessage,
    state: &'a State,
) -> Vec<&'a ClientId> {
    let groups = state.groups.iter().filter(|(name, _)| name == group);
    let mut recipients = Vec::new();
    for topic in groups.flat_map(|(_, topics)| topics) {
        for client in of_topic(topic, message, state) {
            if !recipients.contains(&client) {
                recipients.push(client);
            }
        }
    }
    recipients
}

/// The client and the user whom a sender leaves out.
pub(super) fn exclusions(event: &Event, state: &State) -> (Option<ClientId>, Option<UserId>) {
    match event {
        Event::Broadcast(sent) => match sent.audience {
            Audience::Others => (Some(sent.client_id.clone()), None),
            Audience::OtherUsers => (None, state.user_of(&sent.client_id).cloned()),
            _ => (None, None),
        },
        Event::Publish(published) => {
            (published.except_client.clone(), published.except_user.clone())
        }
        _ => (None, None),
    }
}
