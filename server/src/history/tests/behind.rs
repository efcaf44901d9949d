//! A store that can't write, or not fast enough, and one that has gone.

use std::{sync::mpsc, time::Duration};

use parlor::{
    Address, Channel, Config, EventDefinition, History as Ask, HistoryPage, Join, Json, OpenRoom,
    Outbound, Publish, Rejoin, RoomConfig, Since,
};
use rusqlite::Connection;
use tokio::sync::mpsc as mailbox;

use super::{
    super::{History, HistorySettings, Keeper, Running},
    file,
};
use crate::{clock::Clock, shard::Message};

/// A channel with its history, and what it is answered.
struct Shard {
    channel: Channel,
    keeper: Keeper,
    mailbox: mailbox::Receiver<Message>,
    _kept: mailbox::Sender<Message>,
    pages: Vec<HistoryPage>,
}

impl Shard {
    fn new(running: &Running) -> Self {
        let (kept, mailbox) = mailbox::channel(64);
        Self::with(running.keeper(kept.downgrade(), &Config::default()), mailbox, kept)
    }

    fn with(
        keeper: Keeper,
        mailbox: mailbox::Receiver<Message>,
        kept: mailbox::Sender<Message>,
    ) -> Self {
        let room = RoomConfig::default().with_event(EventDefinition::new("*").with_history(2));
        let config = Config::builder().first_epoch(5).default_room(room).build().unwrap();
        let channel = Channel::single_node(config);
        let mut shard = Self { channel, keeper, mailbox, _kept: kept, pages: Vec::new() };
        shard.hand_in(Join::new("c", "t", "u", 7));
        shard
    }

    fn hand_in(&mut self, event: impl Into<parlor::Event>) {
        self.channel.handle(event.into());
        loop {
            let flushed = self.channel.flush_outbox();
            if flushed.is_empty() {
                return;
            }
            for outbound in flushed {
                self.keeper.take_note(&outbound, &self.channel);
                if let Outbound::History(page) = outbound {
                    self.pages.extend(self.keeper.complete(page));
                }
            }
        }
    }

    fn say(&mut self, numbers: impl Iterator<Item = u64>) {
        for number in numbers {
            let payload = Json::of(&number).unwrap();
            self.hand_in(Publish::new(Address::Topic("t".into()), "e", payload));
        }
    }

    /// The next page that had to be read.
    fn answer(&mut self) -> HistoryPage {
        match self.mailbox.blocking_recv() {
            Some(Message::Loaded(loaded)) => loaded.page,
            other => panic!("{other:?}, expected a page"),
        }
    }

    /// All messages by their offsets.
    fn page(&mut self) -> Vec<u64> {
        self.hand_in(Ask::new("c", "t").with_event("e").with_page(0, 99));
        if self.pages.is_empty() {
            let page = self.answer();
            self.pages.push(page);
        }
        let page = self.pages.remove(0);
        page.messages.iter().map(|message| message.offset).collect()
    }
}

/// A history whose file somebody else keeps from being written.
fn held_up(name: &str, max_waiting_bytes: u64) -> (Running, Connection) {
    let settings = HistorySettings { max_waiting_bytes, ..HistorySettings::new(file(name)) };
    let history = History::open(&settings).unwrap();
    history.opened.writer.busy_timeout(Duration::ZERO).unwrap();
    let other = Connection::open(&settings.file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    (history.start(Clock::start()).unwrap(), other)
}

fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

fn end(running: Running, shard: Shard) {
    drop(shard);
    let Running { threads, commands, .. } = running;
    drop(commands);
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn what_cannot_be_written_waits_and_pages_are_what_memory_has() {
    let (running, other) = held_up("held_up", 1 << 20);
    let mut shard = Shard::new(&running);
    shard.say(0..9);
    assert_eq!(shard.page(), [9, 8], "not one with a hole");
    assert_eq!(running.tally.stats().failed_pages, 1);
    assert_eq!(running.tally.stats().written, 0);
    assert!(running.tally.stats().waiting_bytes > 9 * 256);

    other.execute_batch("ROLLBACK").unwrap();
    until(|| running.tally.stats().waiting_bytes == 0);
    assert_eq!(shard.page(), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!((running.tally.stats().written, running.tally.stats().lost), (9, 0));
    end(running, shard);
}

#[test]
fn what_does_not_fit_is_kept_when_memory_lets_it_go_or_lost_and_counted() {
    // There is room for three.
    let (running, other) = held_up("full", 3 * 256 + 100);
    let mut shard = Shard::new(&running);
    shard.say(0..9);
    let stats = running.tally.stats();
    assert_eq!(stats.lost, 4, "three did fit, and two are in memory");
    other.execute_batch("ROLLBACK").unwrap();
    until(|| running.tally.stats().waiting_bytes == 0);
    assert_eq!(shard.page(), [9, 8, 3, 2, 1], "memory, and what did fit");
    for number in 9..11 {
        shard.say(number..=number);
        until(|| running.tally.stats().waiting_bytes == 0);
    }
    assert_eq!(shard.page(), [11, 10, 9, 8, 3, 2, 1], "what memory let go later is there");
    end(running, shard);
}

#[test]
fn what_is_said_once_more_to_one_who_missed_it_is_not_written_again() {
    let history = History::open(&HistorySettings::new(file("since"))).unwrap();
    let running = history.start(Clock::start()).unwrap();
    let mut shard = Shard::new(&running);
    shard.say(0..2);
    until(|| running.tally.stats().waiting_bytes == 0);
    let Keeper(Some(hands)) = &mut shard.keeper else { panic!("there is a history") };
    let (commands, received) = mpsc::channel();
    hands.commands = commands;
    let since = Since::from(parlor::Position { epoch: 5, offset: 0 });
    shard.hand_in(Rejoin::new("c", "t", "u", 8).with_since(since));
    assert!(received.try_recv().is_err(), "nothing is handed over");
    shard.say(2..3);
    assert!(received.try_recv().is_ok() && received.try_recv().is_err(), "what is new is, once");
    end(running, shard);
}

#[test]
fn a_room_that_is_opened_shows_nothing_from_before_and_nothing_of_it_is_shown_after() {
    let history = History::open(&HistorySettings::new(file("opened"))).unwrap();
    let running = history.start(Clock::start()).unwrap();
    let mut shard = Shard::new(&running);
    shard.say(0..4);
    shard.hand_in(parlor::Leave::new("c", "t"));
    // Everybody had gone.
    shard.hand_in(Join::new("c", "t", "u", 7));
    assert_eq!(shard.page(), [4, 3, 2, 1], "of the room before");
    shard.hand_in(parlor::Leave::new("c", "t"));

    shard.hand_in(OpenRoom::new("t"));
    shard.hand_in(Join::new("c", "t", "u", 7));
    assert_eq!(shard.page(), [0; 0]);
    shard.say(0..6);
    assert_eq!(shard.page(), [6, 5, 4, 3, 2, 1]);
    shard.hand_in(parlor::CloseRoom::new("t"));
    shard.hand_in(Join::new("c", "t", "u", 7));
    shard.say(0..3);
    assert_eq!(shard.page(), [3, 2, 1]);
    end(running, shard);
}

#[test]
fn a_store_that_has_gone_fails_at_once() {
    let history = History::open(&HistorySettings::new(file("gone"))).unwrap();
    let running = history.start(Clock::start()).unwrap();
    let mut shard = Shard::new(&running);
    let Keeper(Some(hands)) = &mut shard.keeper else { panic!("there is a history") };
    hands.commands = mpsc::channel().0;
    shard.say(0..5);
    assert_eq!(shard.page(), [5, 4], "what memory has");
    assert!(running.tally.stats().lost >= 5);
    assert_eq!(running.tally.stats().waiting_bytes, 0);
    end(running, shard);
}
