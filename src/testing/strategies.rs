//! Sequences of events, and configurations, as strategies that shrink step by step.
//!
//! A value is made of choices, and shrunk by leaving out steps and by making plainer choices in
//! those that stay. What is left is made into events again, so it is still what it claims to be.

use std::{vec, vec::Vec};

use parlor::{Config, Event};
use proptest::{
    collection::SizeRange,
    prelude::RngExt,
    strategy::{NewTree, Strategy, ValueTree},
    test_runner::TestRunner,
};

use super::{
    anything,
    choices::{Choices, Manners},
    valid::World,
};

/// Sequences that well-behaved clients and servers send.
///
/// A client joins before it broadcasts and leaves what it has joined, rooms are closed that were
/// opened, times go up. A channel of the [default](Config::default) configuration refuses nothing
/// of it. Under another one an event may be refused for what that says, such as that a room is
/// full. There are all kinds of events but [`Refuse`](parlor::Refuse), which is about clients that
/// behave less well.
///
/// `size` is how many events there are: `50`, `1..100`.
///
/// ```
/// use parlor::{Channel, Config, Outbound, testing};
/// use proptest::prelude::*;
///
/// proptest!(|(events in testing::valid_events(1..100))| {
///     let mut channel = Channel::single_node(Config::default());
///     for event in events {
///         channel.handle(event);
///         for outbound in channel.flush_outbox() {
///             let Outbound::Reply(reply) = outbound else { continue };
///             prop_assert!(reply.result.is_ok());
///         }
///     }
/// });
/// ```
pub fn valid_events(size: impl Into<SizeRange>) -> impl Strategy<Value = Vec<Event>> {
    let told = Told { size: size.into(), manners: Manners::Good };
    told.prop_map(|steps| events(Manners::Good, &steps))
}

/// Sequences of anything at all, mostly about the same few clients and topics.
///
/// Bad names, payloads that are too large, times that jump back, clients and topics that nobody
/// knows, reserved event names, rooms that make no sense, answers to what was never asked. A
/// channel must get through it, and keep its rules.
///
/// `size` is how many events there are: `50`, `1..100`.
pub fn hostile_events(size: impl Into<SizeRange>) -> impl Strategy<Value = Vec<Event>> {
    let told = Told { size: size.into(), manners: Manners::Bad };
    told.prop_map(|steps| events(Manners::Bad, &steps))
}

/// Configurations, with rooms of all sorts and limits that few events can reach.
pub fn configs() -> impl Strategy<Value = Config> {
    Configured.prop_map(|steps| steps.first().map_or_else(Config::default, config))
}

/// What is chosen for one event or configuration, in order.
type Step = Vec<usize>;

/// The choices that a sequence of events is made of.
#[derive(Debug, Clone)]
struct Told {
    size: SizeRange,
    manners: Manners,
}

/// The choices that a configuration is made of.
#[derive(Debug, Clone)]
struct Configured;

impl Strategy for Told {
    type Tree = Chosen;
    type Value = Vec<Step>;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let (least, most) = (self.size.start(), self.size.end_incl());
        let length = runner.rng().random_range(least..=most);
        let mut story = Story::new(self.manners);
        let told = |_| recorded(runner, |draw| drop(story.next(draw)));
        Ok(Chosen::new((0..length).map(told).collect(), least))
    }
}

impl Strategy for Configured {
    type Tree = Chosen;
    type Value = Vec<Step>;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let step = recorded(runner, |draw| drop(Choices::new(draw, Manners::Bad, 0).config()));
        Ok(Chosen::new(vec![step], 1))
    }
}

/// Draws at random what is asked for, and writes it down.
fn recorded(runner: &mut TestRunner, ask: impl FnOnce(&mut dyn FnMut(usize) -> usize)) -> Step {
    let mut step = Step::new();
    ask(&mut |count| {
        let choice = runner.rng().random_range(0..count);
        step.push(choice);
        choice
    });
    step
}

/// Reads what was written down. Where there is no more, all is as plain as it can be.
fn read(step: &Step) -> impl FnMut(usize) -> usize {
    let mut chosen = step.iter();
    move |count| chosen.next().map_or(0, |choice| choice % count)
}

fn events(manners: Manners, steps: &[Step]) -> Vec<Event> {
    let mut story = Story::new(manners);
    steps.iter().map(|step| story.next(&mut read(step))).collect()
}

fn config(step: &Step) -> Config {
    Choices::new(&mut read(step), Manners::Bad, 0).config()
}

/// What has to be known to go on with a sequence.
struct Story {
    manners: Manners,
    now_ms: u64,
    world: World,
}

impl Story {
    fn new(manners: Manners) -> Self {
        Self { manners, now_ms: 0, world: World::default() }
    }

    fn next(&mut self, draw: &mut dyn FnMut(usize) -> usize) -> Event {
        let mut choices = Choices::new(draw, self.manners, self.now_ms);
        let event = match self.manners {
            Manners::Good => self.world.next(&mut choices),
            Manners::Bad => anything::event(&mut choices),
        };
        self.now_ms = choices.now_ms;
        event
    }
}

/// Choices that can be shrunk.
#[derive(Debug, Clone)]
struct Chosen {
    least: usize,
    steps: Vec<Step>,
    /// What they were before they were last shrunk.
    before: Option<Vec<Step>>,
    shrinking: Shrinking,
    /// Whether a choice was made plainer since steps were last left out.
    is_plainer: bool,
}

/// How they are shrunk next.
#[derive(Debug, Clone, Copy)]
enum Shrinking {
    /// By leaving out some steps from one on; fewer and fewer at once.
    Leave { count: usize, at: usize },
    /// By making one choice plainer.
    Plain { step: usize, choice: usize, by: Plainer },
}

#[derive(Debug, Clone, Copy)]
enum Plainer {
    Wholly,
    ByHalf,
    ByOne,
}

impl ValueTree for Chosen {
    type Value = Vec<Step>;

    fn current(&self) -> Vec<Step> {
        self.steps.clone()
    }

    fn simplify(&mut self) -> bool {
        let has_done = self.before.take().is_some();
        self.is_plainer |= has_done && matches!(self.shrinking, Shrinking::Plain { .. });
        loop {
            let tried = match self.shrinking {
                Shrinking::Leave { count: 0, .. } => {
                    self.shrinking = Shrinking::FIRST_CHOICE;
                    continue;
                }
                Shrinking::Leave { count, at } if at >= self.steps.len() => {
                    self.shrinking = Shrinking::Leave { count: count / 2, at: 0 };
                    continue;
                }
                Shrinking::Leave { count, at } => self.without(at, count),
                Shrinking::Plain { step, choice, by } => {
                    let Some(choices) = self.steps.get(step) else {
                        if !std::mem::take(&mut self.is_plainer) {
                            return false;
                        }
                        // What is plainer may make some other step needless.
                        self.shrinking = Shrinking::Leave { count: 1, at: 0 };
                        continue;
                    };
                    if choice >= choices.len() {
                        let (step, choice) = (step + 1, 0);
                        self.shrinking = Shrinking::Plain { step, choice, by: Plainer::Wholly };
                        continue;
                    }
                    self.plainer(step, choice, by)
                }
            };
            if let Some(steps) = tried {
                self.before = Some(std::mem::replace(&mut self.steps, steps));
                return true;
            }
            self.shrinking = self.shrinking.next();
        }
    }

    /// What was tried did not do: it is undone, and the next thing tried.
    fn complicate(&mut self) -> bool {
        let Some(before) = self.before.take() else { return false };
        self.steps = before;
        self.shrinking = self.shrinking.next();
        self.simplify()
    }
}

impl Chosen {
    fn new(steps: Vec<Step>, least: usize) -> Self {
        let shrinking = Shrinking::Leave { count: steps.len().div_ceil(2), at: 0 };
        Self { least, steps, before: None, shrinking, is_plainer: false }
    }

    /// What is left without some steps, if that is enough.
    fn without(&self, at: usize, count: usize) -> Option<Vec<Step>> {
        let (head, rest) = self.steps.split_at_checked(at)?;
        let left: Vec<_> = head.iter().chain(rest.iter().skip(count)).cloned().collect();
        (left.len() >= self.least).then_some(left)
    }

    fn plainer(&self, step: usize, choice: usize, by: Plainer) -> Option<Vec<Step>> {
        let chosen = *self.steps.get(step)?.get(choice)?;
        let plainer = match by {
            Plainer::Wholly => 0,
            Plainer::ByHalf => chosen / 2,
            Plainer::ByOne => chosen.saturating_sub(1),
        };
        if plainer == chosen {
            return None;
        }
        let mut steps = self.steps.clone();
        *steps.get_mut(step)?.get_mut(choice)? = plainer;
        Some(steps)
    }
}

impl Shrinking {
    const FIRST_CHOICE: Self = Self::Plain { step: 0, choice: 0, by: Plainer::Wholly };

    /// What to try when this did not do.
    const fn next(self) -> Self {
        match self {
            Self::Leave { count, at } => Self::Leave { count, at: at + count },
            Self::Plain { step, choice, by: Plainer::Wholly } => {
                Self::Plain { step, choice, by: Plainer::ByHalf }
            }
            Self::Plain { step, choice, by: Plainer::ByHalf } => {
                Self::Plain { step, choice, by: Plainer::ByOne }
            }
            Self::Plain { step, choice, by: Plainer::ByOne } => {
                Self::Plain { step, choice: choice + 1, by: Plainer::Wholly }
            }
        }
    }
}
