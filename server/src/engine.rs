//! The engine: a task with the channel, a guard and perhaps a journal, which nobody else touches.
//!
//! It takes what is there, up to a batch, tells the channel the time, hands each event in, and then
//! hands what the channel says to its lanes. It waits neither for a connection nor for a lane. A task,
//! and no thread, because who wakes it for a single join is then followed by it, without the machine
//! switching threads.

#[cfg(test)]
mod alone;
mod delivery;
mod encoded;
mod entering;
mod joining;
mod lane;
mod lanes;
mod paging;
mod seats;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parlor::{
    Body, Cause, Channel, ClientId, Config, Connect, Event, EventKind, Guard, Outbound, Reason,
    Recipients, Refusal, Refuse, Reply, Tick, UserId,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::yield_now,
    time::timeout,
};
use tracing::{debug, error};

use self::{lanes::Lanes, paging::Paging, seats::Seats};
use crate::{
    clock::Clock,
    history::Keeper,
    inspect::{Look, Tap, Watcher},
    journal::Journal,
    metrics::{EngineFigures, Metrics, Rejoins},
    names,
    openings::Openings,
    registry::Generation,
    settings::{Observer, Settings},
};

pub(crate) use self::seats::{Seat, Wire};

/// The `ref` of what the server asks for: it is answered at once, so one is enough.
pub(crate) const SERVER_REF: &str = "server";

/// Something for the engine.
#[derive(Debug)]
pub(crate) enum Message {
    /// A connection has come.
    Enter { connect: Box<Connect>, seat: Seat },
    /// Its client says something; perhaps with a payload that is not as it has to be.
    Event { client_id: ClientId, generation: Generation, event: Event, flaw: Option<Box<str>> },
    /// It was away, and is to be again in a room that it has not been put out of meanwhile.
    Return { client_id: ClientId, generation: Generation, event: Event },
    /// It has ended.
    Leave { client_id: ClientId, generation: Generation, way: Way },
    /// The server does something, and wants to know what came of it.
    Operate { event: Event, answer: oneshot::Sender<Done> },
    /// Pages were read, which it takes with each batch.
    PagesRead,
    /// Which clients act for a user, in the order in which they have connected.
    ClientsOf { user_id: UserId, answer: oneshot::Sender<Vec<ClientId>> },
    /// Whether a client may do something that the channel is not asked for; all that was said before
    /// is delivered by then.
    May { event: Event, answer: oneshot::Sender<bool> },
    /// Whether it is alive, and has delivered what was said before.
    Ping(oneshot::Sender<()>),
    /// Somebody watches from here on.
    Watch(Watcher),
    /// Somebody looks.
    Look(Look),
    /// It ends.
    Stop,
}

/// How a client goes whose connection has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It may come back: it keeps its place for the grace.
    Disconnected,
    /// It can't.
    Gone,
}

/// What comes of an event: of one that is not answered, nothing.
pub(crate) type Answered = Option<Result<Body, Refusal>>;

/// The result of an operation of the server.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) answered: Answered,
    /// How many clients were sent a message.
    pub(crate) recipients: usize,
}

/// What a channel says when it goes on after a crash.
const RESTART: &str = "restart";

/// How many messages are handled in one go, at most.
const BATCH: usize = 256;

/// How many of them between two deliveries, at most: in large rooms each of them can be long.
const DELIVERED: usize = 8;

/// After how long one go ends.
const LONG: Duration = Duration::from_millis(5);

/// How many may wait, before who brings more has to.
pub(crate) const MAILBOX: usize = 1_024;

/// Everything that the engine owns.
pub(crate) struct Engine {
    channel: Channel,
    guard: Guard,
    journal: Option<Journal>,
    keeper: Keeper,
    paging: Paging,
    clock: Clock,
    ticked_ms: u64,
    seats: Seats,
    rejoins: Rejoins,
    figures: Arc<EngineFigures>,
    observer: Option<Observer>,
    tap: Tap,
}

/// Whether the engine goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    On,
    End,
}

/// Who is answered by the replies that are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asker {
    Client,
    /// It asks for a page of history.
    Pager,
    /// It joins where it is a member.
    Member,
    Server,
}

impl Engine {
    pub(crate) fn new(
        config: Config,
        journal: Option<Journal>,
        keeper: Keeper,
        clock: Clock,
        (openings, metrics): (&Arc<Openings>, &Metrics),
        settings: &Settings,
    ) -> Self {
        let channel = Channel::single_node(config);
        let figures = Arc::clone(&metrics.engine);
        figures.publish(&channel.stats());
        Self {
            channel,
            guard: (settings.guard)(),
            journal,
            keeper,
            paging: Paging::default(),
            clock,
            ticked_ms: 0,
            seats: Seats::new(Arc::clone(openings), Lanes::new(&metrics.lanes)),
            rejoins: Rejoins::default(),
            figures,
            observer: settings.observer.clone(),
            tap: Tap::new(clock),
        }
    }

    /// What the lanes that run beside it do, for a task each.
    pub(crate) fn lanes(&self) -> impl Iterator<Item = impl Future<Output = ()> + use<>> {
        self.seats.lanes.tasks()
    }

    /// Runs until it is told to stop, or nobody is left who could tell it anything.
    pub(crate) async fn run(mut self, mut mailbox: mpsc::Receiver<Message>) {
        loop {
            let first = match self.channel.next_deadline() {
                Some(deadline) => timeout(self.clock.until(deadline.at_ms), mailbox.recv()).await,
                None => Ok(mailbox.recv().await),
            };
            let first = match first {
                // Who looks changes nothing, so the channel is not told the time for it.
                Ok(Some(Message::Look(look))) if !self.is_due() => {
                    look.at(&self.channel);
                    continue;
                }
                other => other,
            };
            let began = Instant::now();
            self.tick();
            let mut course = match first {
                Ok(Some(message)) => self.take(message),
                Ok(None) => Course::End,
                Err(_elapsed) => Course::On,
            };
            for taken in 1..BATCH {
                if course == Course::End {
                    break;
                }
                if taken % DELIVERED == 0 {
                    self.deliver();
                    self.seats.lanes.flush();
                    if began.elapsed() > LONG {
                        break;
                    }
                }
                let Ok(message) = mailbox.try_recv() else { break };
                course = self.take(message);
            }
            self.take_pages();
            self.settle();
            self.figures.batch(began, &self.channel.stats());
            if course == Course::End {
                return self.seats.lanes.finish();
            }
            if self.seats.lanes.is_broken() {
                // Connections that were not sent everything end with it.
                return;
            }
            if !mailbox.is_empty() {
                // Connections that share its thread go on too.
                yield_now().await;
            }
        }
    }

    /// Tells the channel the time, if that has changed or something is due.
    fn tick(&mut self) {
        let now_ms = self.clock.now_ms();
        if now_ms > self.ticked_ms || self.is_due() {
            self.ticked_ms = now_ms;
            self.hand_in(Tick::new(now_ms).into());
            self.show();
        }
    }

    fn is_due(&self) -> bool {
        let due = self.channel.next_deadline();
        due.is_some_and(|due| due.at_ms <= self.clock.now_ms())
    }

    /// Who watches sees right behind an event what it has brought about.
    fn show(&mut self) {
        if self.tap.is_watched() {
            self.deliver();
        }
    }

    fn take(&mut self, message: Message) -> Course {
        match message {
            Message::Enter { connect, seat } => self.enter(*connect, seat),
            Message::Event { client_id, generation, event, flaw } => {
                // What an earlier connection has said is not what the client says.
                if self.seats.is_taken_by(&client_id, generation) {
                    let began = self.figures.begin();
                    if let Event::History(asked) = event {
                        self.ask_for_page(asked);
                    } else if let Event::Join(join) = &event
                        && self.channel.is_member(&client_id, &join.topic)
                    {
                        self.join_again(event);
                    } else {
                        self.hurry_before(&event);
                        self.hand_in_with(event, flaw);
                    }
                    self.figures.done(began);
                }
            }
            Message::Return { client_id, generation, event } => {
                if self.seats.is_taken_by(&client_id, generation) {
                    self.come_back(&client_id, event);
                }
            }
            Message::Leave { client_id, generation, way } => {
                self.leave(&client_id, generation, way);
            }
            Message::Operate { event, answer } => {
                self.deliver();
                // The guard is about what clients do, also where the server asks for one.
                self.put_in(event);
                let done = self.deliver_for(Asker::Server);
                self.seats.lanes.when_passed(answer, done);
            }
            Message::PagesRead => {}
            Message::ClientsOf { user_id, answer } => {
                answer.send(self.channel.clients_of(&user_id)).ok();
            }
            Message::May { event, answer } => {
                self.deliver();
                let checked = self.guard.check(event, &self.channel);
                let may = !matches!(checked, Event::Refuse(_));
                self.seats.lanes.when_passed(answer, may);
            }
            Message::Ping(answer) => {
                self.deliver();
                self.seats.lanes.when_passed(answer, ());
            }
            Message::Watch(watcher) => {
                self.deliver();
                self.tap.add(watcher);
            }
            Message::Look(look) => look.at(&self.channel),
            Message::Stop => return Course::End,
        }
        self.show();
        Course::On
    }

    /// Hands an event in as the guard leaves it.
    fn hand_in(&mut self, event: Event) {
        self.hand_in_with(event, None);
    }

    /// Hands in an event together with the flaw of its payload, if it has one. Only clients that may send
    /// learn of the flaw, and only where the channel would not refuse names or sizes anyway.
    fn hand_in_with(&mut self, event: Event, flaw: Option<Box<str>>) {
        let flaw = flaw.filter(|_| self.channel.admits(&event));
        let mut event = self.guard.check(event, &self.channel);
        if let (Some(flaw), Event::Broadcast(_)) = (flaw, &event)
            && let Some(refuse) = Refuse::of(&event, Reason::ValidationFailed, Some(flaw.into()))
        {
            event = refuse.into();
        }
        self.put_in(event);
    }

    /// Records an event, and hands it in.
    fn put_in(&mut self, mut event: Event) {
        log(&event);
        if let Some(journal) = &mut self.journal {
            match journal.record(&event) {
                Ok(read) => event = read,
                Err(failure) => self.end_journal(&failure),
            }
        }
        self.tap.event(&event, &self.channel);
        self.rejoins.ask(&event);
        self.channel.handle(event);
    }

    /// Sends what there is to send, and lets the machine have what was recorded.
    fn settle(&mut self) {
        self.deliver();
        self.seats.lanes.flush();
        if let Some(journal) = &mut self.journal
            && let Err(failure) = journal.flush()
        {
            self.end_journal(&failure);
        }
    }

    /// A journal with a hole would not replay: it ends where it could not be written.
    fn end_journal(&mut self, failure: &std::io::Error) {
        if let Some(journal) = self.journal.take() {
            let path = journal.path().display().to_string();
            error!(path, %failure, "journal ends, as it can't be written");
            self.figures.journal_fails();
        }
    }

    fn deliver(&mut self) {
        self.deliver_for(Asker::Client);
    }

    /// Sends what the channel says, and returns what it answered to the server.
    fn deliver_for(&mut self, asker: Asker) -> Done {
        let mut done = Done { answered: None, recipients: 0 };
        for outbound in self.channel.flush_outbox() {
            self.tap.outbound(&outbound, &self.channel);
            if let Some(observer) = &self.observer {
                observer(&outbound);
            }
            self.keeper.take_note(&outbound, &self.channel);
            if let Outbound::Reply(reply) = &outbound {
                self.rejoins.answer(reply, &self.figures);
            }
            if let Outbound::System(system) = &outbound
                && system.label == RESTART
            {
                self.seats.lanes.restarted();
            }
            if let Outbound::Closed(closed) = &outbound {
                self.hurry_closed(closed);
                // After a crash, whoever was a member is to be one again.
                if closed.cause != Cause::Crashed {
                    self.seats.forget_held(closed.recipients.ids(), &closed.topic);
                }
            }
            if let Outbound::Disconnect(close) = &outbound {
                self.paging.forget(&close.client_id);
            }
            match (asker, outbound) {
                (Asker::Server, Outbound::Reply(reply)) => done.answered = Some(reply.result),
                (Asker::Pager, Outbound::History(page)) => self.send_page(page),
                (Asker::Member, Outbound::Reply(reply)) if is_still(&reply) => {
                    self.seats.reply_alone(reply);
                }
                (Asker::Client | Asker::Pager | Asker::Member | Asker::Server, other) => {
                    if let Outbound::BroadcastMessage(_) = &other {
                        done.recipients += other.recipients().map_or(0, Recipients::len);
                    }
                    self.seats.deliver(other);
                }
            }
        }
        self.seats.complete();
        done
    }
}

fn log(event: &Event) {
    if matches!(event, Event::Tick(_)) {
        return;
    }
    let client = names::client_of(event).map(ClientId::as_str);
    let topic = names::topic_of(event).map(parlor::Topic::as_str);
    let event = event.label();
    debug!(client, topic, event, "event");
}

/// Whether it answers the join of a client that was there, of which nothing comes.
const fn is_still(reply: &Reply) -> bool {
    matches!(reply, Reply { to: EventKind::Join, result: Ok(Body::Joined { .. }), .. })
}
