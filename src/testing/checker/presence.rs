//! R2, R4, R8 and R9: what is said of presence, to whom it is news, and whether it is true.

use std::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use parlor::{Answer, Body, ClientId, Event, Outbound, PresenceDiff, Query, Reply, Topic};

use super::{
    Findings, Rule,
    header::Header,
    moves::Moves,
    replay::{list_of, replay},
    rooms::Room,
    state::State,
};

/// R2: a joiner gets reply, snapshot, then history or what it missed; the others then get the diff.
pub(super) fn check_joiner(
    event: &Event,
    outbox: &[Outbound],
    state: &State,
    moves: &Moves,
    findings: &mut Findings,
) {
    let snapshots = outbox.iter().filter(|outbound| outbound.label() == "presence_state").count();
    let (Event::Join(_) | Event::Rejoin(_)) = event else {
        findings.agree(Rule::R2, format_args!("snapshots after {event:?}"), snapshots, 0);
        return;
    };
    if moves.is_repeated {
        let what = format_args!("effects of {event:?}, a join of a member");
        findings.agree(Rule::R2, what, outbox.len(), 1);
        return;
    }

    let Header { sender: Some(joiner), topic: Some(topic), .. } = Header::of(event) else { return };
    let mut phases = Vec::new();
    for outbound in outbox {
        let (phase, whose) = match outbound {
            Outbound::Reply(_) => (0, None),
            Outbound::PresenceState(state) => (1, Some(&state.client_id)),
            Outbound::History(page) => (2, Some(&page.client_id)),
            Outbound::BroadcastMessage(_) => (2, None),
            Outbound::PresenceDiff(_) => (3, None),
            Outbound::PushMessage(_)
            | Outbound::Evicted(_)
            | Outbound::RoomOpened(_)
            | Outbound::RoomClosed(_)
            | Outbound::Closed(_)
            | Outbound::Disconnect(_)
            | Outbound::System(_) => {
                let label = outbound.label();
                findings.add(Rule::R2, format_args!("{label} after {event:?}, expected none"));
                continue;
            }
        };
        if whose.is_some_and(|client| client != joiner) {
            findings.add(Rule::R2, format_args!("{outbound:?} of {event:?}, expected its own"));
        }
        phases.push(phase);
    }
    if !phases.is_sorted() {
        let labels: Vec<_> = outbox.iter().map(Outbound::label).collect();
        let order = "reply, presence_state, history or messages, presence_diff";
        findings.add(Rule::R2, format_args!("the order is {labels:?}, expected {order}"));
    }
    let due = usize::from(state.room(topic).is_some_and(Room::has_snapshot));
    findings.agree(Rule::R2, format_args!("snapshots after {event:?}"), snapshots, due);
}

/// R2, R4, R8 and R9: lets everyone take in what was said, and compares it with what is true.
pub(super) fn check_diffs(
    event: &Event,
    outbox: &[Outbound],
    state: &mut State,
    mut moves: Moves,
    findings: &mut Findings,
) {
    let mut diffs = BTreeMap::<_, usize>::new();
    let mut newly_informed = BTreeSet::new();
    for outbound in outbox {
        match outbound {
            Outbound::PresenceState(snapshot) => {
                newly_informed.insert(snapshot.client_id.clone());
                if let Some(room) = state.rooms.get_mut(&snapshot.topic) {
                    room.informed.insert(snapshot.client_id.clone());
                }
            }
            Outbound::PresenceDiff(diff) => {
                *diffs.entry(&diff.topic).or_default() += 1;
                let clock_ms = state.clock_ms;
                findings.agree(Rule::R4, "the time of a diff", diff.timestamp_ms, clock_ms);
                let is_end = moves.ended.contains(&diff.topic);
                let live = state.rooms.get_mut(&diff.topic);
                let Some(room) = live.or_else(|| moves.gone.get_mut(&diff.topic)) else {
                    findings.add(Rule::R4, format_args!("{diff:?} is of no room"));
                    continue;
                };
                if room.config.presence_window_ms.is_some() && !is_end {
                    findings.add(Rule::R4, format_args!("{diff:?} before the window has ended"));
                }
                take_in(room, diff, &newly_informed, findings);
            }
            _ => {}
        }
    }
    for (topic, count) in diffs {
        findings.agree(Rule::R9, format_args!("diffs of {topic} by {event:?}"), count, 1);
    }
    check_snapshots(outbox, state, findings);
    if let Event::Query(query) = event {
        check_answer(query, outbox, state, findings);
    }
    for (topic, room) in &mut state.rooms {
        if std::mem::take(&mut room.has_changed) && room.due_ms.is_none() {
            check_truth(event, topic, room, findings);
        }
    }
    if !moves.is_silent {
        moves.gone.iter().for_each(|(topic, room)| check_truth(event, topic, room, findings));
    }
}

/// Lets the members of a room take in a diff: all that know what was announced before have to get
/// it, but for those who know it by a snapshot.
fn take_in(
    room: &mut Room,
    diff: &PresenceDiff,
    newly_informed: &BTreeSet<ClientId>,
    findings: &mut Findings,
) {
    if diff.diff.joins().is_empty() && diff.diff.leaves().is_empty() {
        findings.add(Rule::R4, format_args!("{diff:?} says nothing"));
    }
    room.has_changed = true;
    if let Err(what) = replay(&mut room.announced, &diff.diff) {
        findings.add(Rule::R2, format_args!("{what}, in {diff:?}"));
    }
    let told: BTreeSet<_> = diff.recipients.ids().collect();
    for id in &told {
        if room.has_snapshot() && !room.informed.contains(*id) {
            findings.add(Rule::R2, format_args!("{id} gets {diff:?} without a snapshot"));
        }
        if newly_informed.contains(*id) {
            findings.add(Rule::R2, format_args!("{id} gets {diff:?}, which its snapshot has"));
        }
    }
    let mut informed = room.informed.iter();
    if let Some(id) = informed.find(|id| !told.contains(id) && !newly_informed.contains(*id)) {
        findings.add(Rule::R8, format_args!("{id} does not get {diff:?}"));
    }
}

/// R2: what a snapshot says is what diffs have said to the others.
fn check_snapshots(outbox: &[Outbound], state: &State, findings: &mut Findings) {
    for outbound in outbox {
        if let Outbound::PresenceState(snapshot) = outbound
            && let Some(room) = state.room(&snapshot.topic)
        {
            let (got, topic) = (list_of(snapshot.entries.iter()), &snapshot.topic);
            let what = format_args!("the snapshot of {topic}");
            findings.agree(Rule::R2, what, &got, &room.announced);
        }
    }
}

/// R8: who is present when somebody asks is who was announced.
fn check_answer(query: &Query, outbox: &[Outbound], state: &State, findings: &mut Findings) {
    for outbound in outbox {
        if let Outbound::Reply(Reply { result: Ok(Body::Answer(answer)), .. }) = outbound
            && let Answer::Presences(entries) = answer
            && let Some(topic) = &query.topic
        {
            let room = state.room(topic);
            if room.is_none_or(|room| room.due_ms.is_none()) {
                let announced = room.map(|room| room.announced.clone()).unwrap_or_default();
                let what = format_args!("who is present in {topic}");
                findings.agree(Rule::R8, what, list_of(entries.iter()), announced);
            }
        }
    }
}

/// R4: who was announced is who is present.
fn check_truth(event: &Event, topic: &Topic, room: &Room, findings: &mut Findings) {
    let announced = room.announced.iter().map(|(user, metas)| {
        let metas = metas.iter();
        (user, metas.map(|meta| (&meta.client_id, meta.online_at_ms, &meta.data)).collect())
    });
    let present = room.present.iter().map(|(user, metas)| {
        let metas = metas.iter();
        (user, metas.map(|shown| (&shown.client, shown.online_at_ms, &shown.data)).collect())
    });
    let [announced, present]: [Vec<(_, Vec<_>)>; 2] = [announced.collect(), present.collect()];
    let what = format_args!("who was announced in {topic} after {event:?}");
    findings.agree(Rule::R4, what, announced, present);
}
