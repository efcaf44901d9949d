//! What is made for those who test drivers: it is what it says, and catches what it has to.

mod flushing;

use std::collections::{BTreeMap, BTreeSet};

use arbitrary::{Arbitrary, Unstructured};
use parlor::{
    Channel, Config, Event, EventKind, Outbound, Refusal, Reply, Topic,
    testing::{Broken, Checker, Events, configs, hostile_events, valid_events},
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{TestError, TestRunner},
};

use super::{
    canary::{self, FLAWS, Flaw},
    harness::{Setup, Subject, line_of},
    properties::share_of_cases,
    rules::Rhythm,
};

/// Plays events, and says the first rule that what comes of them breaks. Each flush is tried twice.
fn watch<S: Subject>(mut subject: S, events: &[Event], rhythm: Rhythm) -> Result<(), Broken> {
    let mut checker = Checker::beside(subject.channel());
    for (event, is_flushed) in events.iter().zip(rhythm.flushes(events.len())) {
        subject.handle(event.clone());
        if is_flushed {
            checker.observe(event, &subject.flush())?;
            checker.observe_flush(&subject.flush())?;
        } else {
            checker.observe_event(event);
        }
    }
    checker.finish()
}

/// Events must break no rule, whenever the channel is flushed.
fn check(channel: &Channel, events: &[Event]) -> Result<(), TestCaseError> {
    let mut watched = Rhythm::ALL.map(|rhythm| watch(channel.clone(), events, rhythm)).into_iter();
    watched.try_for_each(|watched| watched).map_err(|broken| {
        let lines: Vec<_> = events.iter().map(line_of).collect();
        TestCaseError::fail(format!("{broken}\nsomewhere in these events:\n{}\n", lines.join("\n")))
    })
}

fn refusals(outbox: &[Outbound]) -> impl Iterator<Item = &Reply> {
    let replies = outbox.iter().filter_map(|outbound| {
        if let Outbound::Reply(reply) = outbound { Some(reply) } else { None }
    });
    replies.filter(|reply| reply.result.is_err())
}

/// The same values in every run.
fn samples<S: Strategy>(strategy: S, count: usize) -> impl Iterator<Item = S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(move |_| strategy.new_tree(&mut runner).expect("there are values").current())
}

proptest! {
    #![proptest_config(share_of_cases(2))]

    #[test]
    fn nothing_valid_is_refused(events in valid_events(1..200)) {
        let mut channel = Channel::single_node(Config::default());
        let mut now_ms = 0;
        for event in events {
            channel.handle(event.clone());
            let outbox = channel.flush_outbox();
            prop_assert_eq!(refusals(&outbox).next(), None, "{:?}", event);
            let told = time_of(&event).unwrap_or(now_ms);
            prop_assert!(told >= now_ms, "{event:?} after {now_ms}");
            now_ms = told;
        }
        channel.check_invariants();
    }

    #[test]
    fn valid_events_keep_every_rule(events in valid_events(1..150), config in configs()) {
        check(&Channel::single_node(config), &events)?;
    }

    #[test]
    fn hostile_events_keep_every_rule(events in hostile_events(1..150), setup in 0..Setup::all().len()) {
        let [channel, _] = Setup::all()[setup].channels();
        check(&channel, &events)?;
    }

    #[test]
    fn hostile_events_keep_every_rule_however_it_is_configured(
        events in hostile_events(1..150),
        config in configs(),
    ) {
        check(&Channel::single_node(config), &events)?;
    }

    #[test]
    fn what_a_fuzzer_makes_keeps_every_rule(
        bytes in proptest::collection::vec(any::<u8>(), 0..2_000),
        config in configs(),
    ) {
        let Events(events) = Events::arbitrary(&mut Unstructured::new(&bytes)).unwrap();
        check(&Channel::single_node(config), &events)?;
    }

    #[test]
    fn there_are_as_many_events_as_were_asked_for(
        events in (0..9_usize).prop_flat_map(|count| (Just(count), valid_events(count))),
        others in hostile_events(3..=4),
    ) {
        prop_assert_eq!(events.0, events.1.len());
        prop_assert!((3..=4).contains(&others.len()));
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "few events tell the time")]
fn time_of(event: &Event) -> Option<u64> {
    match event {
        Event::Join(join) => Some(join.now_ms),
        Event::Rejoin(rejoin) => Some(rejoin.now_ms),
        Event::Connect(connect) => Some(connect.now_ms),
        Event::Disconnect(disconnect) => Some(disconnect.now_ms),
        Event::Tick(tick) => Some(tick.now_ms),
        _ => None,
    }
}

/// How often each kind of event is there, and each thing that comes of it.
fn met(sequences: impl Iterator<Item = Vec<Event>>) -> BTreeMap<String, usize> {
    let mut met = BTreeMap::new();
    for events in sequences {
        let mut channel = Channel::single_node(Config::default());
        for event in events {
            let label = event.label();
            channel.handle(event);
            *met.entry(label.to_owned()).or_default() += 1;
            for outbound in channel.flush_outbox() {
                *met.entry(format!("{label}: {}", outbound.label())).or_default() += 1;
                for refusal in refusals(std::slice::from_ref(&outbound)) {
                    let reason = refusal.result.as_ref().map_err(Refusal::reason);
                    *met.entry(reason.unwrap_err().to_string()).or_default() += 1;
                }
            }
        }
    }
    met
}

#[test]
fn valid_events_are_of_every_kind_but_refusals_and_lead_to_something() {
    let met = met(samples(valid_events(1..150), 64));
    for kind in EventKind::ALL.into_iter().filter(|kind| *kind != EventKind::Refuse) {
        assert!(met.get(kind.label()).is_some_and(|times| *times >= 3), "{kind}: {met:#?}");
    }
    for what in [
        "join: presence_state",
        "rejoin: presence_diff",
        "rejoin: broadcast_message",
        "broadcast: broadcast_message",
        "broadcast: evicted",
        "publish: broadcast_message",
        "history: history",
        "close_room: closed",
        "kick: disconnect",
        "tick: presence_diff",
        "untrack: presence_diff",
    ] {
        assert!(met.contains_key(what), "{what}: {met:#?}");
    }
}

#[test]
fn hostile_events_are_of_every_kind_and_mostly_about_something() {
    let bytes = proptest::collection::vec(any::<u8>(), 1..2_000);
    let fuzzed = samples(bytes, 128).map(|bytes| {
        let Events(events) = Events::arbitrary(&mut Unstructured::new(&bytes)).unwrap();
        events
    });
    for met in [met(samples(hostile_events(1..150), 128)), met(fuzzed)] {
        for kind in EventKind::ALL {
            assert!(met.get(kind.label()).is_some_and(|times| *times >= 5), "{kind}: {met:#?}");
        }
        for reason in ["invalid_name", "payload_too_large", "unknown_topic", "event_not_allowed"] {
            assert!(met.contains_key(reason), "{reason}: {met:#?}");
        }
        assert!(met["broadcast: broadcast_message"] * 8 > met["broadcast"], "{met:#?}");
    }
}

/// Found by what a fuzzer makes: the checker took a declared room that was closed and opened again
/// for one that persists.
#[test]
fn a_declared_room_that_is_opened_again_goes_as_its_configuration_says() {
    let config = r#"{"rooms":[{"pattern":"lobby"}]}"#;
    let channel = Channel::single_node(Config::from_json(config).unwrap());
    let ways = [
        r#"{"open_room":{"topic":"lobby","config":{"lifetime":"ephemeral"}}}"#,
        r#"{"open_room":{"topic":"lobby","config":{"lifetime":"persistent"}}}"#,
        r#"{"join":{"client_id":"b1","topic":"lobby","user_id":"bob","now_ms":0}}"#,
    ];
    for (way, epoch) in ways.into_iter().zip([3, 2, 2]) {
        let lines = [
            r#"{"close_room":{"topic":"lobby"}}"#,
            way,
            r#"{"join":{"client_id":"a1","topic":"lobby","user_id":"ann","now_ms":1}}"#,
            r#"{"leave":{"client_id":"b1","topic":"lobby"}}"#,
            r#"{"leave":{"client_id":"a1","topic":"lobby"}}"#,
            r#"{"join":{"client_id":"c1","topic":"lobby","user_id":"cy","now_ms":2}}"#,
        ];
        let events = lines.map(|line| serde_json::from_str(line).unwrap());
        check(&channel, &events).unwrap();
        let mut channel = channel.clone();
        for event in events {
            channel.handle(event);
        }
        let room = channel.room(&Topic::from("lobby")).unwrap();
        assert_eq!(room.position.epoch, epoch, "{way}");
    }
}

#[test]
fn configurations_differ() {
    let configs: Vec<_> = samples(configs(), 64).collect();
    let plain = configs.iter().filter(|config| **config == Config::default()).count();
    assert!(plain < 8, "{plain} of 64 are as by default");
    assert!(configs.iter().any(|config| config.grace_ms() > 0));
    assert!(configs.iter().any(|config| config.declared().next().is_some()));
}

/// In how many sequences each flaw is caught, at the latest.
const SEQUENCES: usize = 800;

fn is_caught(setup: &str, flaw: Option<Flaw>, sequences: impl Iterator<Item = Vec<Event>>) -> bool {
    sequences.into_iter().any(|events| {
        Rhythm::ALL.into_iter().any(|rhythm| {
            let [channel, _] = Setup::of(setup).channels();
            watch(canary::Broken::new(channel, flaw), &events, rhythm).is_err()
        })
    })
}

#[test]
fn the_checker_catches_what_breaks_a_rule_and_nothing_else() {
    for setup in FLAWS.iter().map(|(_, setup, _)| *setup).collect::<BTreeSet<_>>() {
        assert!(!is_caught(setup, None, samples(valid_events(1..150), SEQUENCES / 5)));
        assert!(!is_caught(setup, None, samples(hostile_events(1..150), SEQUENCES / 5)));
    }
    // What a channel says when it is asked is not in its outbox.
    for (flaw, setup, _) in FLAWS.iter().filter(|(flaw, ..)| *flaw != Flaw::AnswersLate) {
        let valid = is_caught(setup, Some(*flaw), samples(valid_events(1..150), SEQUENCES));
        assert!(valid, "{flaw:?} slips through valid events");
        let hostile = is_caught(setup, Some(*flaw), samples(hostile_events(1..150), SEQUENCES));
        assert!(hostile, "{flaw:?} slips through hostile events");
    }
}

/// What a strategy shrinks to if a channel has a flaw.
fn shrunk(flaw: Flaw, strategy: &impl Strategy<Value = Vec<Event>>) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let failed = runner.run(strategy, |events| {
        let channel = Channel::single_node(Config::default());
        let watched = watch(canary::Broken::new(channel, Some(flaw)), &events, Rhythm::Each);
        watched.map_err(|broken| TestCaseError::fail(broken.to_string()))
    });
    let Err(TestError::Fail(_, events)) = failed else {
        panic!("the flaw is found: {failed:?}");
    };
    events.iter().map(line_of).collect()
}

#[test]
fn what_shrinks_is_short_and_still_makes_sense() {
    let join = r#"{"join":{"client_id":"a1","topic":"room:1","user_id":"ann","now_ms":0}}"#;
    assert_eq!(shrunk(Flaw::RepliesLast, &valid_events(1..100)), [join]);
    assert_eq!(shrunk(Flaw::RepliesLast, &hostile_events(1..100)), [join]);

    let broadcast =
        r#"{"broadcast":{"client_id":"a1","topic":"room:1","payload":1,"audience":"others"}}"#;
    assert_eq!(shrunk(Flaw::EchoesToSenders, &valid_events(1..100)), [join, broadcast]);
    let hostile = shrunk(Flaw::EchoesToSenders, &hostile_events(1..100));
    let kinds: Vec<_> = hostile.iter().map(|line| &line[..6]).collect();
    assert_eq!(kinds, [&join[..6], &broadcast[..6]]);
}
