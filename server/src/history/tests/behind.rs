//! A store that can't write, or not fast enough, and one that has gone.

use std::{sync::mpsc, time::Duration};

use parlor::{
    Address, Channel, Config, EventDefinition, History as Ask, HistoryPage, Join, Json, OpenRoom,
    Outbound, Publish, Rejoin, RoomConfig,
};
use rusqlite::Connection;
use tokio::sync::mpsc as mailbox;

use super::{
    super::{Asker, History, HistorySettings, Keeper, Running, Wanted},
    file,
};
use crate::{clock::Clock, engine::Message};

/// A channel with its history, and what it is answered.
struct Teller {
    channel: Channel,
    keeper: Keeper,
    _mailbox: (mailbox::Sender<Message>, mailbox::Receiver<Message>),
    pages: Vec<HistoryPage>,
}

impl Teller {
    fn new(running: &Running) -> Self {
        let mailbox = mailbox::channel(64);
        let keeper = running.keeper(mailbox.0.downgrade());
        let room = RoomConfig::default().with_event(EventDefinition::new("*").with_history(2));
        let config = Config::builder().first_epoch(5).default_room(room).build().unwrap();
        let channel = Channel::single_node(config);
        let mut teller = Self { channel, keeper, _mailbox: mailbox, pages: Vec::new() };
        teller.hand_in(Join::new("c", "t", "u", 7));
        teller
    }

    fn hand_in(&mut self, event: impl Into<parlor::Event>) {
        self.channel.handle(event.into());
        for outbound in self.channel.flush_outbox() {
            self.keeper.take_note(&outbound, &self.channel);
            if let Outbound::History(page) = outbound {
                self.pages.push(page);
            }
        }
    }

    fn say(&mut self, numbers: impl Iterator<Item = u64>) {
        for number in numbers {
            let payload = Json::of(&number).unwrap();
            self.hand_in(Publish::new(Address::Topic("t".into()), "e", payload));
        }
    }

    /// All messages by their offsets: those of memory, and what the file has beside them.
    fn page(&mut self) -> Vec<u64> {
        self.hand_in(Ask::new("c", "t").with_event("e").with_page(0, 99));
        let page = self.pages.remove(0);
        let mut offsets: Vec<_> = page.messages.iter().map(|message| message.offset).collect();
        let more = page.more.expect("it goes on in the file");
        let wanted = Wanted {
            topic: page.topic,
            epoch: page.epoch,
            event: page.event,
            before: more.before,
            skip: 0,
            count: more.wanted,
            bytes: u64::MAX,
            least: 0,
            client_id: "c".into(),
            user_id: "u".into(),
        };
        let Ok(_ticket) = self.keeper.load(wanted, Asker::User("u".into()), 1) else {
            return offsets;
        };
        let answer = loop {
            if let Some(answer) = self.keeper.answers().pop() {
                break answer;
            }
            std::thread::yield_now();
        };
        let found = answer.result.map(|found| found.messages).unwrap_or_default();
        offsets.extend(found.iter().map(|message| message.offset));
        offsets
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

fn end(running: Running, teller: Teller) {
    drop(teller);
    let Running { threads, commands, stop, .. } = running;
    drop(commands);
    stop.stop();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn what_cannot_be_written_waits_and_no_page_is_read() {
    let (running, other) = held_up("held_up", 1 << 20);
    let mut teller = Teller::new(&running);
    teller.say(0..9);
    assert_eq!(teller.page(), [9, 8], "not one with a hole");
    assert_eq!(running.tally.stats().failed_pages, 1);
    assert!(running.tally.troubles().next().is_some());
    assert_eq!(running.tally.stats().written, 0);
    assert!(running.tally.stats().waiting_bytes > 9 * 256);

    other.execute_batch("ROLLBACK").unwrap();
    until(|| running.tally.stats().waiting_bytes == 0);
    assert_eq!(teller.page(), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!((running.tally.stats().written, running.tally.stats().lost), (9, 0));
    assert!(running.tally.troubles().next().is_none());
    end(running, teller);
}

#[test]
fn what_does_not_fit_is_kept_when_memory_lets_it_go_or_lost_and_counted() {
    // There is room for three.
    let (running, other) = held_up("full", (3 * 256 + 100) * 8 / 7);
    let mut teller = Teller::new(&running);
    teller.say(0..9);
    let stats = running.tally.stats();
    assert_eq!(stats.lost, 4, "three did fit, and two are in memory");
    other.execute_batch("ROLLBACK").unwrap();
    until(|| running.tally.stats().waiting_bytes == 0);
    assert_eq!(teller.page(), [9, 8, 3, 2, 1], "memory, and what did fit");
    for number in 9..11 {
        teller.say(number..=number);
        until(|| running.tally.stats().waiting_bytes == 0);
    }
    assert_eq!(teller.page(), [11, 10, 9, 8, 3, 2, 1], "what memory let go later is there");
    end(running, teller);
}

#[test]
fn what_is_said_once_more_to_one_who_missed_it_is_not_written_again() {
    let history = History::open(&HistorySettings::new(file("since"))).unwrap();
    let running = history.start(Clock::start()).unwrap();
    let mut teller = Teller::new(&running);
    teller.say(0..2);
    until(|| running.tally.stats().waiting_bytes == 0);
    let Keeper(Some(hands)) = &mut teller.keeper else { panic!("there is a history") };
    let (commands, received) = mpsc::channel();
    hands.commands = commands;
    let since = parlor::Position { epoch: 5, offset: 0 };
    teller.hand_in(Rejoin::new("c", "t", "u", 8).with_since(since));
    assert!(received.try_recv().is_err(), "nothing is handed over");
    teller.say(2..3);
    assert!(received.try_recv().is_ok() && received.try_recv().is_err(), "what is new is, once");
    end(running, teller);
}

#[test]
fn a_room_that_is_opened_shows_nothing_from_before_and_nothing_of_it_is_shown_after() {
    let history = History::open(&HistorySettings::new(file("opened"))).unwrap();
    let running = history.start(Clock::start()).unwrap();
    let mut teller = Teller::new(&running);
    teller.say(0..4);
    teller.hand_in(parlor::Leave::new("c", "t"));
    // Everybody had gone.
    teller.hand_in(Join::new("c", "t", "u", 7));
    assert_eq!(teller.page(), [4, 3, 2, 1], "of the room before");
    teller.hand_in(parlor::Leave::new("c", "t"));

    teller.hand_in(OpenRoom::new("t"));
    teller.hand_in(Join::new("c", "t", "u", 7));
    assert_eq!(teller.page(), [0; 0]);
    teller.say(0..6);
    assert_eq!(teller.page(), [6, 5, 4, 3, 2, 1]);
    teller.hand_in(parlor::CloseRoom::new("t"));
    teller.hand_in(Join::new("c", "t", "u", 7));
    teller.say(0..3);
    assert_eq!(teller.page(), [3, 2, 1]);
    end(running, teller);
}

#[test]
fn a2_cuts_that_wait_are_bounded() {
    let (running, other) = held_up("cuts", 8 * 4_096);
    let mut teller = Teller::new(&running);
    teller.say(0..4);
    teller.hand_in(parlor::CloseRoom::new("t"));
    let mut seen = 0;
    for number in 0..200 {
        let topic = format!("room:{number}");
        teller.hand_in(OpenRoom::new(topic.as_str()));
        teller.hand_in(parlor::CloseRoom::new(topic.as_str()));
        seen = running.tally.stats().waiting_bytes.max(seen);
    }
    assert!(seen > 4_000 && seen < 8 * 4_096, "{seen}");
    other.execute_batch("ROLLBACK").unwrap();
    until(|| running.tally.stats().waiting_bytes == 0);
    teller.hand_in(Join::new("c", "t", "u", 7));
    teller.say(4..5);
    assert_eq!(teller.page(), [1], "nothing of before the room was closed");
    let topics: i64 = other.query_one("SELECT count(*) FROM topic", [], |row| row.get(0)).unwrap();
    assert_eq!(topics, 1, "those that had no messages are not there");
    end(running, teller);
}

#[test]
fn a_store_that_has_gone_fails_at_once() {
    let history = History::open(&HistorySettings::new(file("gone"))).unwrap();
    let running = history.start(Clock::start()).unwrap();
    let mut teller = Teller::new(&running);
    let Keeper(Some(hands)) = &mut teller.keeper else { panic!("there is a history") };
    hands.commands = mpsc::channel().0;
    teller.say(0..5);
    assert_eq!(teller.page(), [5, 4], "what memory has");
    assert!(running.tally.stats().lost >= 5);
    assert_eq!(running.tally.stats().waiting_bytes, 0);
    end(running, teller);
}
