//! The ordering rules, checked from outside by a [`Checker`] over recordings, so that a canary can
//! show that each catches what breaks it.

use std::collections::BTreeMap;

use parlor::{
    Channel, Config, Entry, Event, Outbound, Topic,
    testing::{Checker, List, Rule},
};

use super::harness::{Outcome, Subject, agree};

/// Events and what was said of them, and how the channel was configured.
pub struct Recording {
    config: Config,
    steps: Vec<Step>,
}

/// One event, what was said of it, and who was present afterwards.
struct Step {
    event: Event,
    outbox: Vec<Outbound>,
    presences: BTreeMap<Topic, List>,
}

/// Plays events, with a flush after each.
pub fn record<S: Subject>(events: &[Event], mut subject: S) -> Recording {
    let presences = |channel: &Channel| {
        let topics = channel.topics().into_iter();
        topics.map(|topic| (topic.clone(), list_of(channel.presences(&topic).iter()))).collect()
    };
    let config = subject.channel().config().clone();
    let step = |event: &Event| {
        subject.handle(event.clone());
        let outbox = subject.flush();
        Step { event: event.clone(), outbox, presences: presences(subject.channel()) }
    };
    Recording { config, steps: events.iter().map(step).collect() }
}

/// What a rule says of a recording.
pub fn check(rule: Rule, recording: &Recording) -> Outcome {
    let mut checker = Checker::of(&recording.config, &[rule]);
    for Step { event, outbox, presences } in &recording.steps {
        checker.observe(event, outbox).map_err(|broken| broken.to_string())?;
        if rule == Rule::R8 {
            check_presences(&checker, event, presences)?;
        }
    }
    Ok(())
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
