//! Channels that are broken on purpose: the net must have no hole through which they slip.

mod broken;

use std::collections::BTreeSet;

use parlor::{Broadcast, Event, Join, Outbound, Payload, testing::Rule};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

use super::{
    harness::{Pace, Session, Setup, check_held, hash, play, said},
    ops::Op,
    properties::ops,
    rules::{self, Rhythm, record},
};

pub use self::broken::{Broken, FLAWS, Flaw};

/// The same random ops in every run, for a number of cases.
fn cases(count: usize) -> impl Iterator<Item = Vec<Event>> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(move |_| {
        let ops = ops().new_tree(&mut runner).expect("ops are made").current();
        Op::events(&ops)
    })
}

/// In how many cases each flaw is caught, at the latest.
const CASES: usize = 200;

/// What the comparison says of a flaw of the channel or of its twin, if it catches it.
fn catch(setup: &str, of_channel: Option<Flaw>, of_twin: Option<Flaw>) -> Option<String> {
    let setup = Setup::of(setup);
    let count = if of_channel.or(of_twin).is_some() { CASES } else { CASES / 5 };
    cases(count).find_map(|events| {
        let [channel, twin] = setup.channels();
        let (channel, twin) = (Broken::new(channel, of_channel), Broken::new(twin, of_twin));
        let cuts = 0x0123_4567_89ab_cdef;
        play(&events, Session::new(&setup, channel, twin, cuts, Pace::CLOSE)).err()
    })
}

/// The setups in which flaws show.
fn setups() -> BTreeSet<&'static str> {
    FLAWS.iter().map(|(_, setup, _)| *setup).collect()
}

#[test]
fn a_channel_without_a_flaw_is_not_caught() {
    for setup in setups() {
        if let Some(story) = catch(setup, None, None) {
            panic!("{story}");
        }
        for (events, rhythm) in cases(CASES / 5).zip(Rhythm::ALL.into_iter().cycle()) {
            let [channel, _] = Setup::of(setup).channels();
            let steps = record(&events, Broken::new(channel, None), rhythm);
            for rule in Rule::ALL {
                assert_eq!(rules::check(rule, &steps), Ok(()));
            }
        }
    }
}

#[test]
fn a_broken_channel_is_caught() {
    // One of them shows only in what waits, and the channel is flushed after each event.
    for (flaw, setup, _) in FLAWS.iter().filter(|(flaw, ..)| *flaw != Flaw::MixesUpWhatWaits) {
        assert!(catch(setup, Some(*flaw), None).is_some(), "{flaw:?} slips through");
    }
}

#[test]
fn a_broken_twin_is_caught() {
    for (flaw, setup, _) in &FLAWS {
        assert!(catch(setup, None, Some(*flaw)).is_some(), "{flaw:?} slips through");
    }
}

#[test]
fn each_rule_catches_what_breaks_it() {
    for rule in Rule::ALL {
        let mut breaking = FLAWS.iter().filter(|(.., rules)| rules.contains(&rule)).peekable();
        assert!(breaking.peek().is_some(), "some flaw breaks {rule:?}");
        for (flaw, setup, _) in breaking {
            let caught = cases(CASES).any(|events| {
                Rhythm::ALL.into_iter().any(|rhythm| {
                    let [channel, _] = Setup::of(setup).channels();
                    let broken = Broken::new(channel, Some(*flaw));
                    let said = rules::check(rule, &record(&events, broken, rhythm));
                    said.is_err_and(|said| said.starts_with(rule.label()))
                })
            });
            assert!(caught, "{flaw:?} slips through {rule:?}");
        }
    }
}

#[test]
fn every_flaw_is_seen_by_a_rule() {
    for (flaw, _, rules) in FLAWS {
        assert!(!rules.is_empty(), "{flaw:?}");
    }
}

#[test]
fn a_message_that_changes_after_its_flush_is_caught() {
    let [mut channel, _] = Setup::plain().channels();
    channel.handle(Join::new("a1", "t", "ann", 0).into());
    channel.handle(Broadcast::new("a1", "t", Payload::bytes(*b"hi")).into());
    let outbox = channel.flush_outbox();
    let mut held: Vec<_> =
        outbox.into_iter().map(|outbound| (hash(&said(&outbound)), outbound)).collect();
    let held_as = |held: &[(u64, Outbound)]| {
        let pairs = held.iter().map(|(hash, outbound)| (outbound.clone(), *hash));
        check_held(&pairs.collect::<Vec<_>>())
    };
    assert_eq!(held_as(&held), Ok(()));

    channel.handle(Join::new("b1", "t", "bob", 0).into());
    let Some((_, Outbound::BroadcastMessage(message))) = held.last_mut() else {
        panic!("the last message is the broadcast");
    };
    message.recipients = channel.subscribers(&"t".into());
    assert!(held_as(&held).is_err());
}
