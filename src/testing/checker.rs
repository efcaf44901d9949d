//! Watches what goes into a channel and what comes out, and says which rule of order is broken.
//!
//! It sees what a driver sees: each event, what was flushed after it, and the configuration. From
//! these it knows who is a member where, what each of them hears, and who is present; it asks the
//! channel nothing. It does not check what is refused and why, but that a refusal changes nothing.
//!
//! R5 and R6 are about flushing: for these it has a channel of its own, which is told the same.

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
mod twin;

use std::{
    fmt,
    string::{String, ToString},
    vec::Vec,
};

use parlor::{Channel, Config, Event, Meta, Outbound, Topic, UserId};

use self::{moves::Moves, state::State, twin::Twin};

/// Watches the events and the outbox of one channel, from its start.
///
/// Give it each event that goes in (with a guard, the one that the guard made of it), and what was
/// flushed. A driver that flushes after each event says both at once by
/// [`observe`](Checker::observe); one that flushes now and then, or more than once, says what
/// happens by [`observe_event`](Checker::observe_event) and
/// [`observe_flush`](Checker::observe_flush). In the end, [`finish`](Checker::finish).
///
/// ```
/// use parlor::testing::{Checker, Rule};
/// use parlor::{Channel, Config, Join};
///
/// let mut channel = Channel::single_node(Config::default());
/// let mut checker = Checker::beside(&channel);
///
/// // Two events, and one flush.
/// for (client, user) in [("c1", "ann"), ("c2", "bob")] {
///     let event = Join::new(client, "room:1", user, 0).into();
///     checker.observe_event(&event);
///     channel.handle(event);
/// }
/// let sent = channel.flush_outbox();
/// checker.observe_flush(&sent)?;
///
/// // A driver that sends the last message once more.
/// let broken = checker.observe_flush(&sent[sent.len() - 1..]).unwrap_err();
/// assert_eq!(broken.rule, Rule::R6);
///
/// checker.finish()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Checker {
    state: State,
    twin: Twin,
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
    /// Flushing after each event, or once after several, gives the same sequence.
    R5,
    /// Flushing twice gives nothing the second time.
    R6,
    /// From a join or rejoin to the next, a receiver sees a topic's broadcasts in offset order, and
    /// who is said to have recovered has missed nothing, and who has missed nothing is said to.
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
    /// Watches a channel of a single node that was just made with this configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self::beside(&Channel::single_node(config.clone()))
    }

    /// Watches a channel that was just made; one of a cluster, of which a configuration says
    /// nothing, too.
    #[must_use]
    pub fn beside(channel: &Channel) -> Self {
        let twin = Twin::new(channel.clone());
        Self { state: State::new(channel.config()), twin, rules: Rule::ALL.to_vec() }
    }

    /// The same, for some rules only.
    #[must_use]
    pub fn only(self, rules: &[Rule]) -> Self {
        Self { rules: rules.to_vec(), ..self }
    }

    /// Takes in one event and what was flushed after it.
    ///
    /// # Errors
    ///
    /// The first rule that they break. What is said of later events is then of little use. R5 is
    /// looked at now and then, after more and more events, and in the end.
    pub fn observe(&mut self, event: &Event, outbox: &[Outbound]) -> Result<(), Broken> {
        if self.twin.is_waiting() {
            self.observe_event(event);
            return self.observe_flush(outbox);
        }
        let mut findings = Findings::default();
        self.check(event, outbox, &mut findings);
        self.twin.follow(event, outbox, &mut findings);
        self.verdict(findings)
    }

    /// Takes in one event, after which nothing was flushed yet.
    pub fn observe_event(&mut self, event: &Event) {
        self.twin.lead(event);
    }

    /// Takes in a flush: what waited since the last one, or if there was no event since then,
    /// nothing.
    ///
    /// # Errors
    ///
    /// The first rule that it breaks: R5 if it is not what flushing after each event would have
    /// given.
    pub fn observe_flush(&mut self, outbox: &[Outbound]) -> Result<(), Broken> {
        let mut findings = Findings::default();
        for (event, outbox) in self.twin.catch_up(outbox, &mut findings) {
            self.check(&event, &outbox, &mut findings);
        }
        self.verdict(findings)
    }

    /// Takes in that nothing more is flushed.
    ///
    /// # Errors
    ///
    /// R5, if all that was flushed is not what the events had to say.
    pub fn finish(self) -> Result<(), Broken> {
        let Self { twin, rules, .. } = self;
        let mut findings = Findings::default();
        twin.finish(&mut findings);
        findings.verdict(&rules)
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

    /// What the rules about single events say of one.
    fn check(&mut self, event: &Event, outbox: &[Outbound], findings: &mut Findings) {
        self.state.hear(event);
        replies::check(event, outbox, findings);
        if replies::is_refused(outbox) {
            return;
        }

        let moves = Moves::of(event, outbox, &mut self.state);
        presence::check_joiner(event, outbox, &self.state, &moves, findings);
        recipients::check(event, outbox, &self.state, &moves, findings);
        order::check(event, outbox, &mut self.state, findings);
        presence::check_diffs(event, outbox, &mut self.state, moves, findings);
        self.state.forget(event);
    }

    fn verdict(&self, findings: Findings) -> Result<(), Broken> {
        findings.verdict(&self.rules)
    }
}

impl Rule {
    /// Every rule, in the order of declaration.
    pub const ALL: [Self; 9] =
        [Self::R1, Self::R2, Self::R3, Self::R4, Self::R5, Self::R6, Self::R7, Self::R8, Self::R9];

    /// Its name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::R1 => "R1",
            Self::R2 => "R2",
            Self::R3 => "R3",
            Self::R4 => "R4",
            Self::R5 => "R5",
            Self::R6 => "R6",
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
    /// The first of them that is about one of those rules.
    fn verdict(self, rules: &[Rule]) -> Result<(), Broken> {
        let broken = self.0.into_iter().find(|broken| rules.contains(&broken.rule));
        broken.map_or(Ok(()), Err)
    }

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
