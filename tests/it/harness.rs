//! One vocabulary for every test: ops go to the model, to a channel, to a twin of it and to a clone,
//! and after each event all of them must have said the same and be in the same state.
//!
//! - The channel is flushed after each event, and its lines must be the model's (the text of a
//!   refusal aside). It is flushed once more, and must say nothing.
//! - The twin has another hash key, is told the events by their JSON form, and is flushed now and
//!   then; a clone is made of the twin half-way, full outbox included, and flushed at the end.
//! - Half-way, the twin is also saved, and what is restored from that is told the rest.
//! - A checker watches the channel, and knows the rules of order but not the model.
//! - What was flushed is kept unread to the end, and must then read as it did.

mod setup;
mod state;

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
};

use parlor::{
    Answer, Body, Channel, Event, Json, LineReader, Outbound, Payload, Recipients, Reply,
    testing::Checker,
};

use self::state::{Names, check_handles, check_state};
use super::{
    model::Model,
    ops::{MOST, Op},
};

pub use self::setup::Setup;

/// What is under test: a channel, or one that a canary has broken on purpose.
pub trait Subject: Clone {
    /// Takes an event in.
    fn handle(&mut self, event: Event);

    /// Gives what it has to say.
    fn flush(&mut self) -> Vec<Outbound>;

    /// Where its state can be asked for.
    fn channel(&self) -> &Channel;

    /// The same with another channel.
    fn with_channel(&self, channel: Channel) -> Self;
}

impl Subject for Channel {
    fn handle(&mut self, event: Event) {
        Self::handle(self, event);
    }

    fn flush(&mut self) -> Vec<Outbound> {
        self.flush_outbox()
    }

    fn channel(&self) -> &Channel {
        self
    }

    fn with_channel(&self, channel: Channel) -> Self {
        channel
    }
}

/// What was expected and what was got, in words.
pub type Outcome = Result<(), String>;

/// Says that `what` differs, if it does.
#[expect(clippy::needless_pass_by_value, reason = "what is compared is mostly made for it")]
pub fn agree<T: PartialEq + fmt::Debug>(what: impl fmt::Display, got: T, expected: T) -> Outcome {
    if got == expected {
        return Ok(());
    }
    Err(format!("{what}\n  expected {expected:?}\n  got      {got:?}"))
}

/// How often states are compared, in events. What is said is compared at every one.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// What concerns the names that events have mentioned since the last time.
    pub touched: usize,
    /// What concerns all names that were ever mentioned.
    pub all: usize,
}

impl Pace {
    /// For random ops.
    pub const CLOSE: Self = Self { touched: 1, all: 8 };
    /// For fuzzing, which finds more by playing more.
    pub const BRISK: Self = Self { touched: 4, all: 64 };
}

/// Plays ops to channels that have nothing wrong with them; panics with a story that can be
/// replayed by `parlor` if they disagree with the model.
///
/// The twin is flushed after those events whose place, modulo 64, is a bit that is set in `cuts`.
pub fn check(ops: &[Op], setup: &Setup, cuts: u64) {
    check_events(&Op::events(ops), setup, cuts, Pace::CLOSE);
}

/// Plays events like [`check`].
pub fn check_events(events: &[Event], setup: &Setup, cuts: u64, pace: Pace) {
    let [channel, twin] = setup.channels();
    if let Err(story) = play(events, Session::new(setup, channel, twin, cuts, pace)) {
        panic!("{story}");
    }
}

/// Plays any bytes: one for the setup, eight for the cuts, the rest as ops.
pub fn check_bytes(bytes: &[u8]) {
    let (setup, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let (cuts, ops) = rest.split_at_checked(8).unwrap_or((&[], rest));
    let cuts = cuts.iter().fold(0, |cuts, byte| cuts << 8 | u64::from(*byte));
    let setups = Setup::all();
    let events = Op::events(&Op::decode(ops));
    check_events(&events, &setups[usize::from(*setup) % setups.len()], cuts, Pace::BRISK);
}

/// Reads any bytes as lines, whole and cut, and plays the events among them.
pub fn check_lines(bytes: &[u8]) {
    let whole = read_in_chunks(bytes, bytes.len().max(1));
    let size = 1 + bytes.last().map_or(0, |byte| usize::from(byte % 32));
    assert_eq!(read_in_chunks(bytes, size), whole, "chunks of {size} bytes make no difference");

    // What they say in one line: a line break in a token's place is a space by then.
    let again = |event| serde_json::from_str(&line_of(&event)).expect("what was written is read");
    let events: Vec<_> = whole.into_iter().flatten().take(MOST).map(again).collect();
    for setup in [Setup::plain(), Setup::tiny()] {
        check_events(&events, &setup, 1, Pace::BRISK);
    }
}

/// What bytes read as when they arrive in chunks; of what is no event, why.
fn read_in_chunks(bytes: &[u8], size: usize) -> Vec<Result<Event, String>> {
    let mut reader = LineReader::default();
    let mut read = Vec::new();
    for mut chunk in bytes.chunks(size) {
        while let Some(result) = reader.read(&mut chunk) {
            read.push(result);
        }
    }
    read.extend(reader.finish());
    read.into_iter().map(|result| result.map_err(|error| error.to_string())).collect()
}

/// Plays events to a session; tells the whole story if something is wrong, also after a panic.
pub fn play<S: Subject>(events: &[Event], session: Session<S>) -> Outcome {
    let (mut played, setup) = (0, session.setup);
    let playing = AssertUnwindSafe(|| {
        let mut session = session;
        for event in events {
            played += 1;
            if played == events.len().div_ceil(2) {
                session.fork()?;
            }
            session.step(event)?;
        }
        session.finish()
    });
    let outcome = catch_unwind(playing).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("a panic: {}", text.unwrap_or("without a text")))
    });
    outcome.map_err(|what| {
        let lines: Vec<_> = events.iter().take(played).map(line_of).collect();
        format!("{setup}: {what}\nafter the last of these events:\n{}\n", lines.join("\n"))
    })
}

/// A model and the channels that have to agree with it.
pub struct Session<S> {
    setup: &'static str,
    model: Model,
    channel: S,
    checker: Checker,
    twin: Lagging<S>,
    /// The clone, and what was restored: made half-way, flushed at the end.
    late: Vec<Lagging<S>>,
    cuts: u64,
    pace: Pace,
    steps: usize,
    touched: Names,
    all: Names,
    held: Vec<(Outbound, u64)>,
}

/// A channel that is flushed later than it could be, and what it then has to say.
#[derive(Clone)]
struct Lagging<S> {
    who: &'static str,
    subject: S,
    due: Vec<String>,
}

impl<S: Subject> Session<S> {
    pub fn new(setup: &Setup, channel: S, twin: S, cuts: u64, pace: Pace) -> Self {
        Self {
            setup: setup.name,
            model: Model::new(setup.model.clone()),
            checker: Checker::beside(channel.channel()),
            channel,
            twin: Lagging::new("the twin", twin),
            late: Vec::new(),
            cuts,
            pace,
            steps: 0,
            touched: Names::default(),
            all: Names::default(),
            held: Vec::new(),
        }
    }

    /// Makes a clone of the twin, and restores it from what it is saved as; they go on from here.
    pub fn fork(&mut self) -> Outcome {
        let clone = Lagging { who: "the clone", ..self.twin.clone() };
        self.twin.flush(&self.all)?;
        let saved = self.twin.subject.channel().save().map_err(|error| error.to_string())?;
        let restored = Channel::restore(&saved, [3, 5]).map_err(|error| error.to_string())?;
        let again = restored.save().map_err(|error| error.to_string())?;
        agree("what is saved of what was restored", again, saved)?;
        let restored = self.twin.subject.with_channel(restored);
        self.late = vec![clone, Lagging::new("what was restored", restored)];
        Ok(())
    }

    /// Lets one event happen to all.
    pub fn step(&mut self, event: &Event) -> Outcome {
        let line = line_of(event);
        let read = check_form(event, &line)?;
        self.touched.add(event);
        self.all.add(event);

        let expected = self.model.apply(&line);
        self.channel.handle(event.clone());
        let flushed = self.channel.flush();
        let got: Vec<_> = flushed.iter().map(said).collect();
        agree(format_args!("what is said of {line}"), &got, &expected)?;
        self.checker.observe(event, &flushed).map_err(|broken| broken.to_string())?;
        let again = self.channel.flush();
        self.checker.observe_flush(&again).map_err(|broken| broken.to_string())?;
        for outbound in flushed {
            let line = said(&outbound);
            check_outbound(&outbound, &line)?;
            self.held.push((outbound, hash(&line)));
        }

        for lagging in self.late.iter_mut().chain([&mut self.twin]) {
            lagging.subject.handle(read.clone());
            lagging.due.extend_from_slice(&expected);
        }
        self.cuts = self.cuts.rotate_right(1);
        if self.cuts & 1 == 1 {
            self.twin.flush(&self.all)?;
        }
        self.steps += 1;
        self.compare()
    }

    /// Lets everyone say what they have not said, and looks at everything once more.
    pub fn finish(mut self) -> Outcome {
        self.twin.flush(&self.all)?;
        for lagging in self.late.iter_mut().chain([&mut self.twin]) {
            lagging.flush(&self.all)?;
            lagging.subject.channel().check_invariants();
            check_state(lagging.subject.channel(), &self.model, &self.all)?;
        }
        self.checker.finish().map_err(|broken| broken.to_string())?;
        self.channel.channel().check_invariants();
        check_state(self.channel.channel(), &self.model, &self.all)?;
        check_held(&self.held)
    }

    /// Compares the states, where the pace says so.
    fn compare(&mut self) -> Outcome {
        let channel = self.channel.channel();
        if self.steps.is_multiple_of(self.pace.touched) {
            channel.check_invariants();
            check_state(channel, &self.model, &self.touched)?;
            self.touched = Names::default();
        }
        if self.steps.is_multiple_of(self.pace.all) {
            check_state(channel, &self.model, &self.all)?;
            check_handles(channel, &[], &self.all)?;
        }
        Ok(())
    }
}

impl<S: Subject> Lagging<S> {
    const fn new(who: &'static str, subject: S) -> Self {
        Self { who, subject, due: Vec::new() }
    }

    /// Lets it say what it has not said, which must be what was due.
    fn flush(&mut self, names: &Names) -> Outcome {
        let flushed = self.subject.flush();
        let got: Vec<_> = flushed.iter().map(said).collect();
        let who = self.who;
        for (got, due) in got.iter().zip(&self.due) {
            agree(format_args!("R5: what {who} says when flushed later"), got, due)?;
        }
        let what = format_args!("R5: how much {who} says when flushed later");
        agree(what, got.len(), self.due.len())?;
        self.due.clear();
        check_handles(self.subject.channel(), &flushed, names)
    }
}

/// What was flushed must still read as it did then.
pub fn check_held(held: &[(Outbound, u64)]) -> Outcome {
    held.iter().enumerate().try_for_each(|(place, (outbound, hash_then))| {
        let line = said(outbound);
        agree(format_args!("the hash of message {place}, {line}"), hash(&line), *hash_then)
    })
}

/// Stands for a line that need not be kept.
pub fn hash(line: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    hasher.finish()
}

/// An event as one line.
pub fn line_of(event: &Event) -> String {
    serde_json::to_string(event).expect("an event is written")
}

/// A message as one line, in which `…` stands for the text of a refusal, as in the model's.
pub fn said(outbound: &Outbound) -> String {
    let line = serde_json::to_string(outbound).expect("a message is written");
    let Outbound::Reply(Reply { result: Err(refusal), .. }) = outbound else { return line };
    let message = serde_json::to_string(&refusal.to_string()).expect("a text is written");
    let [message, masked] = [message.as_str(), "\"…\""].map(|text| format!("\"message\":{text}"));
    assert_eq!(line.matches(&message).count(), 1, "{line} has its text {message} once");
    line.replacen(&message, &masked, 1)
}

/// The JSON form of an event must read as the event that it was written from.
fn check_form(event: &Event, line: &str) -> Result<Event, String> {
    let read: Event = serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
    if is_plain(event) {
        agree("an event that was written and read", &read, event)?;
    }
    let again = line_of(&read);
    let read_again: Event = serde_json::from_str(&again).map_err(|error| error.to_string())?;
    agree("an event that was read, written and read", &read_again, &read)?;
    let tag = format!("\"{}\"", event.label());
    agree("the tag of an event", line.trim_start_matches('{').starts_with(&tag), true)?;
    agree("the lines of an event", line.lines().count(), 1)?;
    Ok(read)
}

/// Whether an event says what its line says: there, a line break between tokens is a space, and a
/// `null` that is no payload is nothing.
fn is_plain(event: &Event) -> bool {
    let one_line = |json: &Json| !json.as_str().contains(['\n', '\r']);
    let plain = |json: &Option<Json>| {
        json.as_ref().is_none_or(|json| one_line(json) && json.as_str() != "null")
    };
    let payload = |payload: &Payload| match payload {
        Payload::Json(json) => one_line(json),
        Payload::Bytes(_) => true,
    };
    match event {
        Event::Join(join) => plain(&join.meta) && plain(&join.params),
        Event::Rejoin(rejoin) => plain(&rejoin.meta) && plain(&rejoin.params),
        Event::Broadcast(broadcast) => payload(&broadcast.payload) && plain(&broadcast.meta),
        Event::Push(push) => payload(&push.payload),
        Event::Connect(connect) => plain(&connect.data),
        Event::Track(track) => plain(&track.meta),
        Event::OpenRoom(open) => open.config.as_ref().is_none_or(|room| plain(&room.data)),
        Event::Publish(publish) => payload(&publish.payload) && plain(&publish.meta),
        Event::Leave(_)
        | Event::Crash(_)
        | Event::Restart
        | Event::Disconnect(_)
        | Event::Subscribe(_)
        | Event::Unsubscribe(_)
        | Event::Untrack(_)
        | Event::CloseRoom(_)
        | Event::History(_)
        | Event::Query(_)
        | Event::Kick(_)
        | Event::AddToGroup(_)
        | Event::RemoveFromGroup(_)
        | Event::Refuse(_)
        | Event::Tick(_) => true,
        other => unreachable!("{} is no event that tests know", other.label()),
    }
}

/// What must hold of a message whatever it says.
fn check_outbound(outbound: &Outbound, line: &str) -> Outcome {
    let tag = format!("{{\"{}\":", outbound.label());
    agree("the tag of a message", line.starts_with(&tag), true)?;
    agree("the lines of a message", line.lines().count(), 1)?;
    let Some(recipients) = recipients(outbound) else { return Ok(()) };
    agree(format_args!("the length of {line}"), recipients.len(), recipients.ids().count())?;
    agree(format_args!("the handles of {line}"), recipients.len(), recipients.handles().count())?;
    agree(
        format_args!("emptiness of {line}"),
        recipients.is_empty(),
        recipients.ids().next().is_none(),
    )
}

/// The clients that it lists.
pub fn recipients(outbound: &Outbound) -> Option<&Recipients> {
    if let Outbound::Reply(Reply { result: Ok(Body::Answer(Answer::Members(members))), .. }) =
        outbound
    {
        return Some(members);
    }
    outbound.recipients()
}
