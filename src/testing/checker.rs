//! Watches what goes into a channel and what comes out, and says which rule of order is broken.
//!
//! It sees what a driver sees: each event, what was flushed after it, and the configuration. From
//! these it knows who is a member where, what each of them hears, and who is present; it asks the
//! channel nothing. It does not check what is refused and why, but that a refusal changes nothing.
//!
//! R5 and R6 are about flushing, which it does not see.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "most rules are about a few events; `moves` knows all of them"
)]

mod header;
mod moves;
mod order;
mod presence;
mod recipients;
mod replay;
mod replies;
mod rooms;
mod state;

use std::{
    fmt,
    string::{String, ToString},
    vec::Vec,
};

use parlor::{Config, Event, Meta, Outbound, Topic, UserId};

use self::{moves::Moves, state::State};

/// Watches the events and the outbox of one channel, from its start.
///
/// Give it each event with what was flushed after it; the channel has to be flushed after each.
#[derive(Debug, Clone)]
pub struct Checker {
    state: State,
    rules: Vec<Rule>,
}

/// A rule of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// The reply to an event comes before every other effect of it, and a page of history follows
    /// its reply. A refusal is a reply and nothing else.
    R1,
    /// A joiner gets reply, snapshot, then history or what it missed; the others then get the diff.
    /// No diff repeats or misses anything relative to a snapshot.
    R2,
    /// Recipients are in join order (connect order where no topic is involved), and those whom the
    /// event meant.
    R3,
    /// Each presence change is announced where it happens, or at the end of its window.
    R4,
    /// From a join or rejoin to the next, a receiver sees a topic's broadcasts in offset order, and
    /// who is said to have recovered has missed nothing.
    R7,
    /// Replaying the diffs that a member received over its snapshot gives who is present.
    R8,
    /// One event causes at most one diff a topic.
    R9,
}

/// A rule was broken. Its `Display` names the rule and says what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broken {
    /// Which rule.
    pub rule: Rule,
    /// What was expected, and what was got.
    pub what: String,
}

/// Who is present: users and their metas, as a client would keep them.
pub type List = Vec<(UserId, Vec<Meta>)>;

/// What was found to be broken by one event.
#[derive(Debug, Default)]
struct Findings(Vec<Broken>);

impl Checker {
    /// Watches a channel that was just made with this configuration, for all rules.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self::of(config, &Rule::ALL)
    }

    /// The same, for some rules only.
    #[must_use]
    pub fn of(config: &Config, rules: &[Rule]) -> Self {
        Self { state: State::new(config), rules: rules.to_vec() }
    }

    /// Takes in one event and what was flushed after it.
    ///
    /// # Errors
    ///
    /// The first rule that they break. What is said of later events is then of little use.
    pub fn observe(&mut self, event: &Event, outbox: &[Outbound]) -> Result<(), Broken> {
        let mut findings = Findings::default();
        self.state.hear(event);
        replies::check(event, outbox, &mut findings);
        if replies::is_refused(outbox) {
            return self.verdict(findings);
        }

        let moves = Moves::of(event, outbox, &mut self.state);
        presence::check_joiner(event, outbox, &self.state, &moves, &mut findings);
        recipients::check(event, outbox, &self.state, &moves, &mut findings);
        order::check(event, outbox, &mut self.state, &mut findings);
        presence::check_diffs(event, outbox, &mut self.state, moves, &mut findings);
        self.state.forget(event);
        self.verdict(findings)
    }

    /// Who is present in a topic, as was last announced.
    #[must_use]
    pub fn announced(&self, topic: &Topic) -> &[(UserId, Vec<Meta>)] {
        self.state.room(topic).map_or(&[], |room| &room.announced)
    }

    /// Whether presence has changed in a topic since it was last announced, which only a window
    /// allows.
    #[must_use]
    pub fn is_window_open(&self, topic: &Topic) -> bool {
        self.state.room(topic).is_some_and(|room| room.due_ms.is_some())
    }

    fn verdict(&self, findings: Findings) -> Result<(), Broken> {
        let broken = findings.0.into_iter().find(|broken| self.rules.contains(&broken.rule));
        broken.map_or(Ok(()), Err)
    }
}

impl Rule {
    /// Every rule that can be seen from outside, in the order of declaration.
    pub const ALL: [Self; 7] =
        [Self::R1, Self::R2, Self::R3, Self::R4, Self::R7, Self::R8, Self::R9];

    /// Its name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::R1 => "R1",
            Self::R2 => "R2",
            Self::R3 => "R3",
            Self::R4 => "R4",
            Self::R7 => "R7",
            Self::R8 => "R8",
            Self::R9 => "R9",
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, what } = self;
        write!(f, "{}: {what}", rule.label())
    }
}

impl std::error::Error for Broken {}

impl Findings {
    fn add(&mut self, rule: Rule, what: impl fmt::Display) {
        self.0.push(Broken { rule, what: what.to_string() });
    }

    /// Finds a rule broken if what was got is not what was expected.
    #[expect(clippy::needless_pass_by_value, reason = "what is compared is mostly made for it")]
    fn agree<T: PartialEq + fmt::Debug>(
        &mut self,
        rule: Rule,
        what: impl fmt::Display,
        got: T,
        expected: T,
    ) {
        if got != expected {
            self.add(rule, format_args!("{what}: expected {expected:?}, got {got:?}"));
        }
    }
}
