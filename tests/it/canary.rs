//! Channels that are broken on purpose: the net must have no hole through which they slip.

use parlor::{
    Audience, Body, Broadcast, BroadcastMessage, Channel, Event, Join, Leave, Outbound, Payload,
    Position, Reply, Target, testing::Rule,
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

use super::{
    harness::{Pace, Session, Setup, Subject, check_held, hash, play, said},
    ops::Op,
    properties::ops,
    rules::{self, record},
};

/// What is wrong with a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Every fifth diff is lost.
    DropsDiffs,
    /// Every fifth diff is said twice.
    RepeatsDiffs,
    /// The first two effects of an event change places.
    SwapsEffects,
    /// Replies come after all other effects.
    RepliesLast,
    /// A sender that wants only others to hear it hears itself.
    EchoesToSenders,
    /// Only others hear what everyone should.
    ForgetsSenders,
    /// Who receives a broadcast is decided when it is flushed.
    DecidesLate,
    /// A room that exists again has the epoch that it had.
    ReusesEpochs,
    /// Presence refs skip a number now and then.
    SkipsRefs,
    /// Offsets begin at 0.
    CountsFromZero,
    /// A second rejoin with the same meta is said to be a first.
    ForgetsRejoins,
    /// The clock goes back.
    ClockGoesBack,
    /// A `ref` is not given back.
    LosesRefs,
    /// A leave of one who stays in other rooms is not done.
    KeepsMembers,
    /// Queries answer what held before the last event.
    AnswersLate,
    /// A second flush gives the last message again.
    FlushesTwice,
    /// What is said when two events are flushed together comes in another order.
    MixesUpWhatWaits,
    /// A restart is not done.
    StaysCrashed,
}

/// All of them, and the rules that see them from outside.
pub const FLAWS: [(Flaw, &[Rule]); 18] = [
    (Flaw::DropsDiffs, &[Rule::R4, Rule::R8]),
    (Flaw::RepeatsDiffs, &[Rule::R2, Rule::R9]),
    (Flaw::SwapsEffects, &[Rule::R1]),
    (Flaw::RepliesLast, &[Rule::R1]),
    (Flaw::EchoesToSenders, &[Rule::R3]),
    (Flaw::ForgetsSenders, &[Rule::R3]),
    (Flaw::DecidesLate, &[]),
    (Flaw::ReusesEpochs, &[Rule::R7]),
    (Flaw::SkipsRefs, &[]),
    (Flaw::CountsFromZero, &[Rule::R7]),
    (Flaw::ForgetsRejoins, &[]),
    (Flaw::ClockGoesBack, &[]),
    (Flaw::LosesRefs, &[Rule::R1]),
    (Flaw::KeepsMembers, &[]),
    (Flaw::AnswersLate, &[Rule::R8]),
    (Flaw::FlushesTwice, &[]),
    (Flaw::MixesUpWhatWaits, &[]),
    (Flaw::StaysCrashed, &[]),
];

/// A channel with a flaw, or none.
#[derive(Clone)]
pub struct Broken {
    channel: Channel,
    before: Option<Channel>,
    flaw: Option<Flaw>,
    events: usize,
    diffs: usize,
    last: Option<Outbound>,
}

impl Broken {
    pub const fn new(channel: Channel, flaw: Option<Flaw>) -> Self {
        Self { channel, before: None, flaw, events: 0, diffs: 0, last: None }
    }

    /// Spoils what goes in.
    fn spoil_event(&mut self, event: Event) -> Option<Event> {
        let Some(flaw) = self.flaw else { return Some(event) };
        Some(match (flaw, event) {
            (Flaw::EchoesToSenders, Event::Broadcast(sent))
                if sent.audience == Audience::Others =>
            {
                sent.with_audience(Audience::All).into()
            }
            (Flaw::ForgetsSenders, Event::Broadcast(sent)) if sent.audience == Audience::All => {
                sent.with_audience(Audience::Others).into()
            }
            (Flaw::ClockGoesBack, Event::Join(mut join)) => {
                join.now_ms /= 2;
                join.into()
            }
            (Flaw::LosesRefs, Event::Leave(leave)) => {
                Leave::new(leave.client_id, leave.topic).into()
            }
            (Flaw::KeepsMembers, Event::Leave(leave))
                if self.channel.topics_of(&leave.client_id).len() > 1 =>
            {
                return None;
            }
            (Flaw::StaysCrashed, Event::Restart) => return None,
            (Flaw::SkipsRefs, event) if self.events.is_multiple_of(7) => {
                // One who comes and goes unseen takes a ref; one in a room that stays, no epoch.
                if let Some(topic) = self.channel.topics().first() {
                    self.channel.handle(Join::new("ghost", topic, "ghost", 0).into());
                    self.channel.handle(Leave::new("ghost", topic).into());
                    let _unseen = self.channel.flush_outbox();
                }
                event
            }
            (_, event) => event,
        })
    }

    /// Spoils what comes out.
    fn spoil_outbox(&mut self, mut outbox: Vec<Outbound>) -> Vec<Outbound> {
        let is_diff = |outbound: &Outbound| matches!(outbound, Outbound::PresenceDiff(_));
        let is_reply = |outbound: &Outbound| matches!(outbound, Outbound::Reply(_));
        let fifth = outbox.iter().position(is_diff).filter(|_| {
            self.diffs += 1;
            self.diffs.is_multiple_of(5)
        });
        let replies = outbox.iter().filter(|outbound| is_reply(outbound)).count();
        match (self.flaw, fifth) {
            (Some(Flaw::DropsDiffs), Some(at)) => drop(outbox.remove(at)),
            (Some(Flaw::RepeatsDiffs), Some(at)) => outbox.insert(at, outbox[at].clone()),
            (Some(Flaw::SwapsEffects), _) if outbox.len() > 1 => outbox.swap(0, 1),
            (Some(Flaw::RepliesLast), _) => outbox.sort_by_key(is_reply),
            (Some(Flaw::MixesUpWhatWaits), _) if replies > 1 => outbox.reverse(),
            (Some(Flaw::FlushesTwice), _) if outbox.is_empty() => outbox.extend(self.last.take()),
            _ => outbox.iter_mut().for_each(|outbound| self.spoil(outbound)),
        }
        self.last = outbox.last().cloned();
        outbox
    }

    /// Spoils one message.
    fn spoil(&self, outbound: &mut Outbound) {
        match (self.flaw, outbound) {
            (Some(Flaw::DecidesLate), Outbound::BroadcastMessage(message)) => {
                if let Some(topic) = message.topic() {
                    message.recipients = self.channel.subscribers(topic);
                }
            }
            (Some(Flaw::ReusesEpochs), Outbound::BroadcastMessage(message)) => {
                if let Some(position) = position_of(message) {
                    position.epoch = 1;
                }
            }
            (
                Some(Flaw::ReusesEpochs),
                Outbound::Reply(Reply { result: Ok(Body::Joined { position, .. }), .. }),
            ) => {
                position.epoch = 1;
            }
            (Some(Flaw::CountsFromZero), Outbound::BroadcastMessage(message)) => {
                if let Some(position) = position_of(message) {
                    position.offset -= 1;
                }
            }
            (
                Some(Flaw::ForgetsRejoins),
                Outbound::Reply(Reply { result: Ok(Body::Rejoined { rejoined, .. }), .. }),
            ) => *rejoined = false,
            _ => {}
        }
    }
}

impl Subject for Broken {
    fn handle(&mut self, event: Event) {
        self.before = (self.flaw == Some(Flaw::AnswersLate)).then(|| self.channel.clone());
        self.events += 1;
        if let Some(event) = self.spoil_event(event) {
            self.channel.handle(event);
        }
    }

    fn flush(&mut self) -> Vec<Outbound> {
        let outbox = self.channel.flush_outbox();
        self.spoil_outbox(outbox)
    }

    fn channel(&self) -> &Channel {
        self.before.as_ref().unwrap_or(&self.channel)
    }

    fn with_channel(&self, channel: Channel) -> Self {
        Self { channel, ..self.clone() }
    }
}

/// The same random ops in every run, for a number of cases.
fn cases(count: usize) -> impl Iterator<Item = Vec<Event>> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(move |_| {
        let ops = ops().new_tree(&mut runner).expect("ops are made").current();
        Op::events(&ops)
    })
}

/// In how many cases this is caught.
const CASES: usize = 40;

/// What the comparison says of a flaw of the channel or of its twin, if it catches it.
fn catch(of_channel: Option<Flaw>, of_twin: Option<Flaw>) -> Option<String> {
    let setup = Setup::plain();
    cases(CASES).find_map(|events| {
        let [channel, twin] = setup.channels();
        let (channel, twin) = (Broken::new(channel, of_channel), Broken::new(twin, of_twin));
        let cuts = 0x0123_4567_89ab_cdef;
        play(&events, Session::new(&setup, channel, twin, cuts, Pace::CLOSE)).err()
    })
}

fn is_caught(of_channel: Option<Flaw>, of_twin: Option<Flaw>) -> bool {
    catch(of_channel, of_twin).is_some()
}

#[test]
fn a_channel_without_a_flaw_is_not_caught() {
    if let Some(story) = catch(None, None) {
        panic!("{story}");
    }
    for events in cases(CASES) {
        let [channel, _] = Setup::plain().channels();
        let steps = record(&events, Broken::new(channel, None));
        for rule in Rule::ALL {
            assert_eq!(rules::check(rule, &steps), Ok(()));
        }
    }
}

#[test]
fn a_broken_channel_is_caught() {
    // One of them shows only in what waits, and the channel is flushed after each event.
    for (flaw, _) in FLAWS.iter().filter(|(flaw, _)| *flaw != Flaw::MixesUpWhatWaits) {
        assert!(is_caught(Some(*flaw), None), "{flaw:?} slips through");
    }
}

#[test]
fn a_broken_twin_is_caught() {
    for (flaw, _) in &FLAWS {
        assert!(is_caught(None, Some(*flaw)), "{flaw:?} slips through");
    }
}

#[test]
fn each_rule_catches_what_breaks_it() {
    for rule in Rule::ALL {
        let breaking = FLAWS.iter().filter(|(_, rules)| rules.contains(&rule));
        let breaking: Vec<_> = breaking.map(|(flaw, _)| *flaw).collect();
        assert!(!breaking.is_empty(), "some flaw breaks {rule:?}");
        for flaw in breaking {
            let caught = cases(CASES).any(|events| {
                let [channel, _] = Setup::plain().channels();
                rules::check(rule, &record(&events, Broken::new(channel, Some(flaw)))).is_err()
            });
            assert!(caught, "{flaw:?} slips through {rule:?}");
        }
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

/// The position of a message to a topic; others have none.
const fn position_of(message: &mut BroadcastMessage) -> Option<&mut Position> {
    if let Target::Topic { position, .. } = &mut message.target { Some(position) } else { None }
}
