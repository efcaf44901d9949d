//! The ordering rules, checked from outside by a [`Checker`] over recordings, so that a canary can
//! show that each catches what breaks it.

use std::collections::BTreeMap;

use parlor::{
    Channel, Entry, Event, Outbound, Topic,
    testing::{Broken, Checker, List, Rule},
};

use super::harness::{Outcome, Subject, agree};

/// A channel as it was made, and what happened to it.
pub struct Recording {
    start: Channel,
    steps: Vec<Step>,
}

/// One event, what was flushed after it, and who was present afterwards.
struct Step {
    event: Event,
    flushed: Option<Flushed>,
    presences: BTreeMap<Topic, List>,
}

/// What a flush gave, and what another right after it.
struct Flushed {
    outbox: Vec<Outbound>,
    again: Vec<Outbound>,
}

/// When a channel is flushed, and twice each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rhythm {
    /// After each event.
    Each,
    /// After one, then after two more, after three more, and so on, and in the end.
    Later,
}

impl Rhythm {
    pub const ALL: [Self; 2] = [Self::Each, Self::Later];

    /// Whether the channel is flushed after each of so many events.
    pub fn flushes(self, count: usize) -> impl Iterator<Item = bool> {
        let (mut since, mut length) = (0, 1);
        (1..=count).map(move |place| {
            since += 1;
            let is_due = self == Self::Each || since == length || place == count;
            if is_due {
                (since, length) = (0, length + 1);
            }
            is_due
        })
    }
}

/// Plays events.
pub fn record<S: Subject>(events: &[Event], mut subject: S, rhythm: Rhythm) -> Recording {
    let presences = |channel: &Channel| {
        let topics = channel.topics().into_iter();
        topics.map(|topic| (topic.clone(), list_of(channel.presences(&topic).iter()))).collect()
    };
    let start = subject.channel().clone();
    let step = |(event, is_due): (&Event, bool)| {
        subject.handle(event.clone());
        let flushed = is_due.then(|| Flushed { outbox: subject.flush(), again: subject.flush() });
        Step { event: event.clone(), flushed, presences: presences(subject.channel()) }
    };
    let steps = events.iter().zip(rhythm.flushes(events.len())).map(step).collect();
    Recording { start, steps }
}

/// What a rule says of a recording.
pub fn check(rule: Rule, recording: &Recording) -> Outcome {
    let mut checker = Checker::beside(&recording.start).only(&[rule]);
    let said = |broken: Broken| broken.to_string();
    for Step { event, flushed, presences } in &recording.steps {
        let Some(Flushed { outbox, again }) = flushed else {
            checker.observe_event(event);
            continue;
        };
        checker.observe(event, outbox).map_err(said)?;
        checker.observe_flush(again).map_err(said)?;
        if rule == Rule::R8 {
            check_presences(&checker, event, presences)?;
        }
    }
    checker.finish().map_err(said)
}

/// R8: what those know who have received everything is what the channel answers.
fn check_presences(checker: &Checker, event: &Event, presences: &BTreeMap<Topic, List>) -> Outcome {
    for (topic, present) in presences {
        if !checker.is_window_open(topic) {
            let what = format_args!("R8: presences of {topic} after {event:?}");
            agree(what, &present[..], checker.announced(topic))?;
        }
    }
    Ok(())
}

fn list_of(entries: impl Iterator<Item = Entry>) -> List {
    entries.map(|entry| (entry.key.clone(), entry.metas.to_vec())).collect()
}
