//! Flaws, and a channel that has one.

use parlor::{
    Audience, Body, BroadcastMessage, Channel, DeadlineReason, Event, EventName, Join, Leave,
    Outbound, Position, Rejoin, Reply, Subscribe, Target, Tick, Unsubscribe, Untrack,
    testing::Rule,
};

use crate::harness::Subject;

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
    /// The diff of a window comes before its end.
    EndsWindowsEarly,
    /// One who came in a window is not in its diff.
    LosesChanges,
    /// A snapshot in a window shows what was not announced yet.
    ShowsUnannounced,
    /// One who misses what memory has lost is said to have recovered.
    ClaimsRecovery,
    /// One who misses nothing is said not to have recovered.
    DeniesRecovery,
    /// What one has not subscribed to is replayed to it.
    ReplaysTooMuch,
    /// Nobody is told that memberships end.
    LosesClosed,
    /// A tick lets go of what is held for longer.
    ExpiresEarly,
    /// A page has its first message twice.
    RepeatsInPages,
}

/// All of them, the setups in which they show, and rules that see them from outside.
pub const FLAWS: [(Flaw, &str, &[Rule]); 27] = [
    (Flaw::DropsDiffs, "plain", &[Rule::R4, Rule::R5, Rule::R8]),
    (Flaw::RepeatsDiffs, "plain", &[Rule::R2, Rule::R5, Rule::R9]),
    (Flaw::SwapsEffects, "plain", &[Rule::R1, Rule::R5]),
    (Flaw::RepliesLast, "plain", &[Rule::R1]),
    (Flaw::EchoesToSenders, "plain", &[Rule::R3]),
    (Flaw::ForgetsSenders, "plain", &[Rule::R3]),
    (Flaw::DecidesLate, "plain", &[Rule::R5]),
    (Flaw::ReusesEpochs, "plain", &[Rule::R7]),
    (Flaw::SkipsRefs, "plain", &[Rule::R5]),
    (Flaw::CountsFromZero, "plain", &[Rule::R7]),
    (Flaw::ForgetsRejoins, "plain", &[Rule::R5]),
    (Flaw::ClockGoesBack, "plain", &[Rule::R4]),
    (Flaw::LosesRefs, "plain", &[Rule::R1]),
    (Flaw::KeepsMembers, "plain", &[Rule::R1]),
    (Flaw::AnswersLate, "plain", &[Rule::R8]),
    (Flaw::FlushesTwice, "plain", &[Rule::R6]),
    (Flaw::MixesUpWhatWaits, "plain", &[Rule::R5]),
    (Flaw::StaysCrashed, "plain", &[Rule::R5]),
    (Flaw::EndsWindowsEarly, "windows", &[Rule::R4]),
    (Flaw::LosesChanges, "windows", &[Rule::R4]),
    (Flaw::ShowsUnannounced, "windows", &[Rule::R2]),
    (Flaw::ClaimsRecovery, "grace", &[Rule::R7]),
    (Flaw::DeniesRecovery, "grace", &[Rule::R7]),
    (Flaw::ReplaysTooMuch, "history", &[Rule::R7]),
    (Flaw::LosesClosed, "grace", &[Rule::R3]),
    (Flaw::ExpiresEarly, "grace", &[Rule::R3, Rule::R4]),
    (Flaw::RepeatsInPages, "history", &[Rule::R5]),
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
    /// Whether the last that came told a position of the room as it is.
    is_told: bool,
}

impl Broken {
    pub const fn new(channel: Channel, flaw: Option<Flaw>) -> Self {
        Self { channel, before: None, flaw, events: 0, diffs: 0, last: None, is_told: false }
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
            (Flaw::LosesChanges, Event::Tick(tick)) => {
                self.hide_one_who_came(&tick);
                tick.into()
            }
            (Flaw::ExpiresEarly, Event::Tick(tick)) => {
                let due = self.due_for(DeadlineReason::Grace).unwrap_or(0);
                Tick::new(tick.now_ms.max(due)).into()
            }
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

    /// When the next thing is due, if it is due for that.
    fn due_for(&self, why: DeadlineReason) -> Option<u64> {
        let due = self.channel.next_deadline().filter(|due| due.why == why);
        due.map(|due| due.at_ms)
    }

    /// Lets somebody go whom a tick would announce.
    fn hide_one_who_came(&mut self, tick: &Tick) {
        let mut clone = self.channel.clone();
        let _before = clone.flush_outbox();
        clone.handle(tick.clone().into());
        for outbound in clone.flush_outbox() {
            if let Outbound::PresenceDiff(diff) = outbound
                && let Some(meta) = diff.diff.joins().last().and_then(|entry| entry.metas.last())
                && diff.recipients.ids().any(|id| *id == meta.client_id)
            {
                self.channel.handle(Untrack::new(&meta.client_id, &diff.topic).into());
                return;
            }
        }
    }

    /// Lets a client come back as if it had subscribed to everything, where that gives it more.
    fn come_back_to_everything(&mut self, rejoin: Rejoin) {
        let replayed = |mut channel: Channel, before: Option<Subscribe>| {
            if let Some(before) = before {
                channel.handle(before.into());
            }
            let _before = channel.flush_outbox();
            channel.handle(rejoin.clone().into());
            let said = channel.flush_outbox();
            said.iter().filter(|said| matches!(said, Outbound::BroadcastMessage(_))).count()
        };
        let Rejoin { client_id, topic, .. } = &rejoin;
        let all = || Subscribe::new(client_id, topic, EventName::from("*"));
        let more = replayed(self.channel.clone(), Some(all()));
        if more > replayed(self.channel.clone(), None) {
            let Subscribe { client_id, topic, event, .. } = all();
            self.channel.handle(all().into());
            self.channel.handle(rejoin.into());
            self.channel.handle(Unsubscribe::new(client_id, topic, event).into());
        } else {
            self.channel.handle(rejoin.into());
        }
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
            (Some(Flaw::LosesClosed), _) => {
                outbox.retain(|outbound| !matches!(outbound, Outbound::Closed(_)));
            }
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
            (
                Some(flaw @ (Flaw::ClaimsRecovery | Flaw::DeniesRecovery)),
                Outbound::Reply(Reply { result: Ok(Body::Rejoined { recovered, .. }), .. }),
            ) if self.is_told => *recovered = flaw == Flaw::ClaimsRecovery,
            (Some(Flaw::ShowsUnannounced), Outbound::PresenceState(state)) => {
                state.entries = self.channel.presences(&state.topic);
            }
            (Some(Flaw::RepeatsInPages), Outbound::History(page)) => {
                page.messages.extend_from_within(..page.messages.len().min(1));
            }
            _ => {}
        }
    }
}

impl Subject for Broken {
    fn handle(&mut self, event: Event) {
        self.before = (self.flaw == Some(Flaw::AnswersLate)).then(|| self.channel.clone());
        self.events += 1;
        if let Event::Rejoin(rejoin) = &event {
            self.is_told = is_told(&self.channel, rejoin);
        } else if let Event::Join(_) = &event {
            self.is_told = false;
        }
        match (self.flaw, self.spoil_event(event)) {
            (_, None) => {}
            (Some(Flaw::ReplaysTooMuch), Some(Event::Rejoin(rejoin))) => {
                self.come_back_to_everything(rejoin);
            }
            (_, Some(event)) => self.channel.handle(event),
        }
        if self.flaw == Some(Flaw::EndsWindowsEarly)
            && let Some(at_ms) = self.due_for(DeadlineReason::PresenceWindow)
        {
            self.channel.handle(Tick::new(at_ms).into());
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

/// The position of a message to a topic; others have none.
const fn position_of(message: &mut BroadcastMessage) -> Option<&mut Position> {
    if let Target::Topic { position, .. } = &mut message.target { Some(position) } else { None }
}

/// Whether a rejoin tells a position of the room as it is.
fn is_told(channel: &Channel, rejoin: &Rejoin) -> bool {
    let at = channel.room(&rejoin.topic).map(|room| room.position);
    matches!((&rejoin.since, at), (Some(since), Some(at))
        if since.epoch == at.epoch && since.offset <= at.offset)
}
