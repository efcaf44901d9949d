//! The ordering rules R1 to R9, checked from outside: by what a driver and its clients see.
//!
//! Knows nothing of the model. Each rule is a function over a recording, so that a canary can show
//! that it catches what breaks it; [`observe`] keeps what some of them need.

mod observe;

use std::collections::BTreeMap;

use parlor::{
    Audience, Body, Channel, ClientId, Event, EventKind, Outbound, Position, PresenceDiff, Ref,
    Reply, Topic,
};

use self::observe::{List, Observed, Receivers, list_of, replay};
use super::harness::{Outcome, Subject, agree};

/// What a rule says of a recording.
pub type Rule = fn(&[Step]) -> Outcome;

/// Those that are about recordings, by name. R5 and R6 are about flushing.
pub const ALL: [(&str, Rule); 7] =
    [("r1", r1), ("r2", r2), ("r3", r3), ("r4", r4), ("r7", r7), ("r8", r8), ("r9", r9)];

/// One event, what was said of it, and who was present afterwards.
pub struct Step {
    pub event: Event,
    pub outbox: Vec<Outbound>,
    pub presences: BTreeMap<Topic, List>,
}

/// Plays events, with a flush after each.
pub fn record<S: Subject>(events: &[Event], mut subject: S) -> Vec<Step> {
    let presences = |channel: &Channel| {
        let topics = channel.topics().into_iter();
        topics.map(|topic| (topic.clone(), list_of(channel.presences(&topic).iter()))).collect()
    };
    let step = |event: &Event| {
        subject.handle(event.clone());
        let outbox = subject.flush();
        Step { event: event.clone(), outbox, presences: presences(subject.channel()) }
    };
    events.iter().map(step).collect()
}

/// R1: the reply to an event comes before every other effect of it; and it comes when it is due.
pub fn r1(steps: &[Step]) -> Outcome {
    for Step { event, outbox, .. } in steps {
        let replies: Vec<_> = outbox.iter().filter_map(reply).collect();
        let (sender, topic, reference) = header(event);
        let refused = replies.iter().any(|reply| reply.result.is_err());
        let always = matches!(event.kind(), EventKind::Join | EventKind::Rejoin | EventKind::Leave);
        let due = always || refused || reference.is_some();
        agree(format_args!("R1: replies to {event:?}"), replies.len(), usize::from(due))?;
        let Some(Reply { to, client_id, topic: about, reference: mark, .. }) = replies.first()
        else {
            continue;
        };
        agree(format_args!("R1: the first effect of {event:?}"), outbox[0].label(), "reply")?;
        agree("R1: what a reply answers", *to, event.kind())?;
        let to_client = sender.filter(|_| event.kind() != EventKind::Push);
        agree("R1: who a reply is for", client_id.as_ref(), to_client)?;
        agree("R1: what a reply is about", about.as_ref(), topic)?;
        agree("R1: the ref of a reply", mark.as_ref(), reference)?;
    }
    Ok(())
}

/// R2: a joiner gets reply, then `presence_state`; the others then get the diff. No diff a member
/// receives repeats or misses anything relative to its snapshot.
pub fn r2(steps: &[Step]) -> Outcome {
    let mut receivers = Receivers::default();
    for step in steps {
        let labels: Vec<_> = step.outbox.iter().map(Outbound::label).collect();
        if let Some(at) = labels.iter().position(|label| *label == "presence_state") {
            agree("R2: what comes before a snapshot", &labels[..at], &["reply"][..])?;
            let rest = labels[at + 1..].iter().filter(|label| **label != "presence_diff");
            agree("R2: what comes after a snapshot, but for a diff", rest.count(), 0)?;
        }
        let joiner = header(&step.event).0;
        for outbound in &step.outbox {
            match (outbound, joiner) {
                (Outbound::PresenceState(state), Some(joiner)) => {
                    agree("R2: whose snapshot it is", &state.client_id, joiner)?;
                    let metas = state.entries.iter().flat_map(|entry| entry.metas.to_vec());
                    let own = metas.filter(|meta| meta.client_id == *joiner).count();
                    agree("R2: how often the joiner is in its snapshot", own, 1)?;
                }
                (Outbound::PresenceDiff(diff), Some(joiner)) => {
                    let told = diff.recipients.ids().any(|id| id == joiner);
                    agree(format_args!("R2: whether {joiner} is told of itself"), told, false)?;
                }
                _ => {}
            }
        }
        receivers.see(step)?;
    }
    Ok(())
}

/// R3: recipients are in join order, each once, and whom the event meant when it was handled.
pub fn r3(steps: &[Step]) -> Outcome {
    let mut observed = Observed::default();
    for step in steps {
        let before = observed.members(&step.event);
        observed.see(step);
        let after = observed.members(&step.event);
        let sender = header(&step.event).0;
        for outbound in &step.outbox {
            let (expected, recipients): (Vec<_>, _) = match outbound {
                Outbound::BroadcastMessage(message) => {
                    let own = after.iter().find(|(id, _)| Some(id) == sender);
                    let own = own.ok_or("R3: a broadcast of one who is no member")?;
                    let hears = |(id, user): &&(ClientId, _)| {
                        let audience = audience(&step.event);
                        (audience != Audience::Others || *id != own.0)
                            && (audience != Audience::OtherUsers || *user != own.1)
                    };
                    (after.iter().filter(hears).map(|(id, _)| id).collect(), &message.recipients)
                }
                Outbound::PresenceDiff(diff) => {
                    let others = after.iter().filter(|(id, _)| Some(id) != sender);
                    (others.map(|(id, _)| id).collect::<Vec<_>>(), &diff.recipients)
                }
                Outbound::Closed(closed) => (observed.closed(&closed.topic), &closed.recipients),
                Outbound::Reply(_)
                | Outbound::PushMessage(_)
                | Outbound::PresenceState(_)
                | Outbound::History(_)
                | Outbound::Evicted(_)
                | Outbound::LoadHistory(_)
                | Outbound::RoomOpened(_)
                | Outbound::RoomClosed(_)
                | Outbound::Disconnect(_)
                | Outbound::System(_) => continue,
            };
            let got: Vec<_> = recipients.ids().collect();
            agree(format_args!("R3: recipients, {before:?} before"), got, expected)?;
        }
    }
    Ok(())
}

/// R4: each presence change is announced where it happens, and nothing else is.
pub fn r4(steps: &[Step]) -> Outcome {
    let mut lists = BTreeMap::<Topic, List>::new();
    for step in steps {
        for diff in step.outbox.iter().filter_map(diff) {
            let list = lists.entry(diff.topic.clone()).or_default();
            replay(list, &diff.diff).map_err(|what| format!("R4: {what}"))?;
        }
        if matches!(step.event, Event::Crash(_)) {
            lists.clear();
        }
        lists.retain(|_, list| !list.is_empty());
        let mut present = step.presences.clone();
        present.retain(|_, list| !list.is_empty());
        agree(format_args!("R4: presences after {:?}", step.event), &present, &lists)?;
    }
    Ok(())
}

/// R7: a receiver sees a topic's broadcasts in offset order, and from the position in its reply on
/// each one that it was not left out of.
pub fn r7(steps: &[Step]) -> Outcome {
    let mut rooms = BTreeMap::<Topic, Position>::new();
    let mut attached = BTreeMap::<(ClientId, Topic), Position>::new();
    let mut last_epoch = None;
    for Step { event, outbox, .. } in steps {
        for outbound in outbox {
            match outbound {
                Outbound::Reply(Reply {
                    client_id: Some(client),
                    topic: Some(topic),
                    result,
                    ..
                }) => {
                    let Ok(Body::Joined { position: at, .. } | Body::Rejoined { position: at, .. }) =
                        result
                    else {
                        if let (Ok(_), Event::Leave(_)) = (result, event) {
                            attached.remove(&(client.clone(), topic.clone()));
                            if !attached.keys().any(|(_, other)| other == topic) {
                                rooms.remove(topic);
                            }
                        }
                        continue;
                    };
                    if let Some(known) = rooms.get(topic) {
                        agree(format_args!("R7: the position of {topic}"), at, known)?;
                    } else {
                        agree("R7: the offset of a new room", at.offset, 0)?;
                        agree("R7: a new epoch is higher", Some(at.epoch) > last_epoch, true)?;
                        last_epoch = Some(at.epoch);
                        rooms.insert(topic.clone(), *at);
                    }
                    attached.insert((client.clone(), topic.clone()), *at);
                }
                Outbound::BroadcastMessage(message) => {
                    let (Some(at), Some(topic)) = (message.position(), message.topic()) else {
                        return Err(format!("R7: {message:?} is for no topic"));
                    };
                    let Some(known) = rooms.get_mut(topic) else {
                        return Err(format!("R7: {message:?} is in no room"));
                    };
                    known.offset += 1;
                    agree(format_args!("R7: the position of {message:?}"), at, *known)?;
                    for id in message.recipients.ids() {
                        let key = (id.clone(), topic.clone());
                        let Some(seen) = attached.get_mut(&key) else {
                            return Err(format!("R7: {id} receives {message:?} unattached"));
                        };
                        let in_order = seen.epoch == at.epoch && seen.offset < at.offset;
                        agree(format_args!("R7: {at:?} after {seen:?} at {id}"), in_order, true)?;
                        *seen = at;
                    }
                }
                Outbound::Closed(closed) => {
                    rooms.remove(&closed.topic);
                    attached.retain(|(_, topic), _| *topic != closed.topic);
                }
                Outbound::Reply(_)
                | Outbound::PushMessage(_)
                | Outbound::PresenceState(_)
                | Outbound::PresenceDiff(_)
                | Outbound::History(_)
                | Outbound::Evicted(_)
                | Outbound::LoadHistory(_)
                | Outbound::RoomOpened(_)
                | Outbound::RoomClosed(_)
                | Outbound::Disconnect(_)
                | Outbound::System(_) => {}
            }
        }
    }
    Ok(())
}

/// R8: replaying the diffs a member received over its snapshot gives `presences(topic)`.
pub fn r8(steps: &[Step]) -> Outcome {
    let mut receivers = Receivers::default();
    for step in steps {
        receivers.see(step)?;
        for ((client, topic), list) in receivers.lists() {
            let present = step.presences.get(topic);
            agree(format_args!("R8: what {client} knows of {topic}"), Some(list), present)?;
        }
    }
    Ok(())
}

/// R9: one event causes at most one diff a topic.
pub fn r9(steps: &[Step]) -> Outcome {
    for Step { event, outbox, .. } in steps {
        let mut topics: Vec<_> = outbox.iter().filter_map(diff).map(|diff| &diff.topic).collect();
        let count = topics.len();
        topics.sort();
        topics.dedup();
        agree(format_args!("R9: diffs of {event:?}"), count, topics.len())?;
    }
    Ok(())
}

fn reply(outbound: &Outbound) -> Option<&Reply> {
    if let Outbound::Reply(reply) = outbound { Some(reply) } else { None }
}

fn diff(outbound: &Outbound) -> Option<&PresenceDiff> {
    if let Outbound::PresenceDiff(diff) = outbound { Some(diff) } else { None }
}

/// Client, topic and ref of an event.
fn header(event: &Event) -> (Option<&ClientId>, Option<&Topic>, Option<&Ref>) {
    let (client, topic, reference) = match event {
        Event::Join(join) => (&join.client_id, &join.topic, &join.reference),
        Event::Rejoin(rejoin) => (&rejoin.client_id, &rejoin.topic, &rejoin.reference),
        Event::Leave(leave) => (&leave.client_id, &leave.topic, &leave.reference),
        Event::Broadcast(sent) => (&sent.client_id, &sent.topic, &sent.reference),
        Event::Push(push) => (&push.client_id, &push.topic, &push.reference),
        Event::Crash(_) | Event::Restart => return (None, None, None),
        other => unreachable!("{} is no event that tests know", other.label()),
    };
    (Some(client), Some(topic), reference.as_ref())
}

const fn audience(event: &Event) -> Audience {
    if let Event::Broadcast(sent) = event { sent.audience } else { Audience::All }
}
