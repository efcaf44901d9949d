//! What can be known of a channel by watching it: who is a member where, and what each of them
//! believes about presence.

use std::collections::BTreeMap;

use parlor::{ClientId, Diff, Edge, Entry, Event, Meta, Outbound, Reply, Topic, UserId};

use super::{Outcome, Step, agree, header};

/// Who is present: users and their metas, as a client would keep them.
pub type List = Vec<(UserId, Vec<Meta>)>;

/// Makes a list of entries.
pub fn list_of(entries: impl Iterator<Item = Entry>) -> List {
    entries.map(|entry| (entry.key.clone(), entry.metas.to_vec())).collect()
}

/// Members and their users, in join order.
type Members = Vec<(ClientId, UserId)>;

/// Who is a member where, by events and replies.
#[derive(Default)]
pub struct Observed {
    members: BTreeMap<Topic, Members>,
    closed: BTreeMap<Topic, Members>,
}

impl Observed {
    /// The members of the topic that an event is about.
    pub fn members(&self, event: &Event) -> Members {
        header(event).1.and_then(|topic| self.members.get(topic)).cloned().unwrap_or_default()
    }

    /// Those whose membership of a topic ended by its last `closed`.
    pub fn closed(&self, topic: &Topic) -> Vec<&ClientId> {
        self.closed.get(topic).into_iter().flatten().map(|(id, _)| id).collect()
    }

    /// Takes in one step.
    pub fn see(&mut self, step: &Step) {
        for outbound in &step.outbox {
            match outbound {
                Outbound::Reply(Reply { result: Ok(_), .. }) => self.admit(&step.event),
                Outbound::Closed(closed) => {
                    let members = self.members.remove(&closed.topic).unwrap_or_default();
                    self.closed.insert(closed.topic.clone(), members);
                }
                Outbound::Reply(_)
                | Outbound::PushMessage(_)
                | Outbound::BroadcastMessage(_)
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

    /// Takes in an event that was not refused.
    fn admit(&mut self, event: &Event) {
        let (client, topic, user) = match event {
            Event::Join(join) => (&join.client_id, &join.topic, Some(&join.user_id)),
            Event::Rejoin(rejoin) => (&rejoin.client_id, &rejoin.topic, Some(&rejoin.user_id)),
            Event::Leave(leave) => (&leave.client_id, &leave.topic, None),
            Event::Broadcast(_) | Event::Push(_) | Event::Crash(_) | Event::Restart => return,
            other => unreachable!("{} is no event that tests know", other.label()),
        };
        let members = self.members.entry(topic.clone()).or_default();
        let there = members.iter().position(|(id, _)| id == client);
        match (user, there) {
            (Some(user), None) => members.push((client.clone(), user.clone())),
            (None, Some(at)) => drop(members.remove(at)),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
}

/// What each member believes about who is present: its snapshot, and the diffs that it received.
#[derive(Default)]
pub struct Receivers(BTreeMap<(ClientId, Topic), List>);

impl Receivers {
    pub fn lists(&self) -> impl Iterator<Item = (&(ClientId, Topic), &List)> {
        self.0.iter()
    }

    /// Lets those whom it concerns take in what was said.
    pub fn see(&mut self, step: &Step) -> Outcome {
        for outbound in &step.outbox {
            match outbound {
                Outbound::PresenceState(state) => {
                    let key = (state.client_id.clone(), state.topic.clone());
                    self.0.insert(key, list_of(state.entries.iter()));
                }
                Outbound::PresenceDiff(diff) => {
                    for id in diff.recipients.ids() {
                        let list = self.0.get_mut(&(id.clone(), diff.topic.clone()));
                        let list = list.ok_or_else(|| format!("R2: {id} has no snapshot"))?;
                        replay(list, &diff.diff).map_err(|what| format!("R2: {id}: {what}"))?;
                    }
                }
                Outbound::Closed(closed) => {
                    self.0.retain(|(_, topic), _| *topic != closed.topic);
                }
                Outbound::Reply(Reply { result: Ok(_), .. }) => {
                    if let Event::Leave(leave) = &step.event {
                        self.0.remove(&(leave.client_id.clone(), leave.topic.clone()));
                    }
                }
                Outbound::Reply(_)
                | Outbound::PushMessage(_)
                | Outbound::BroadcastMessage(_)
                | Outbound::History(_)
                | Outbound::Evicted(_)
                | Outbound::LoadHistory(_)
                | Outbound::RoomOpened(_)
                | Outbound::RoomClosed(_)
                | Outbound::Disconnect(_)
                | Outbound::System(_) => {}
            }
        }
        Ok(())
    }
}

/// Replays a diff as R8 says: a join whose `prev_ref` is listed takes that meta's place, others go
/// to the end; metas in `leaves` go by `ref`; an entry without metas goes. What repeats or misses
/// something is an error.
pub fn replay(list: &mut List, diff: &Diff) -> Outcome {
    let mut replaced = Vec::new();
    for Entry { key, metas, edge, .. } in diff.joins() {
        let known = list.iter().any(|(user, _)| user == key);
        agree(format_args!("whether {key} comes first"), *edge == Edge::First, !known)?;
        for meta in metas {
            let own = metas_of(list, key);
            agree(format_args!("whether {meta:?} is news"), own.contains(meta), false)?;
            let known = |known: &&mut Meta| Some(&known.reference) == meta.prev_ref.as_ref();
            if let Some(before) = own.iter_mut().find(known) {
                replaced.push(std::mem::replace(before, meta.clone()));
            } else {
                own.push(meta.clone());
            }
        }
    }
    for Entry { key, metas, edge, .. } in diff.leaves() {
        for meta in metas {
            if let Some(at) = replaced.iter().position(|replaced| replaced == meta) {
                replaced.remove(at);
                continue;
            }
            let own = metas_of(list, key);
            let at = own.iter().position(|known| known == meta);
            own.remove(at.ok_or_else(|| format!("{meta:?} leaves unseen"))?);
        }
        list.retain(|(_, metas)| !metas.is_empty());
        let known = list.iter().any(|(user, _)| user == key);
        agree(format_args!("whether {key} goes last"), *edge == Edge::Last, !known)?;
    }
    agree("metas that were replaced and did not leave", replaced.len(), 0)
}

/// The metas of a user, whose entry is made at the end if there is none.
fn metas_of<'a>(list: &'a mut List, key: &UserId) -> &'a mut Vec<Meta> {
    let at = list.iter().position(|(user, _)| user == key).unwrap_or_else(|| {
        list.push((key.clone(), Vec::new()));
        list.len() - 1
    });
    &mut list[at].1
}
