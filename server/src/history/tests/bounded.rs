//! What a page costs, and who waits for whom.

use std::sync::{Arc, Mutex, atomic::Ordering};

use parlor::Position;
use rusqlite::{Connection, StatementStatus};
use tokio::sync::mpsc as mailbox;

use super::{
    super::{
        Asker, Found, HistoryReach, Tally, Wanted, cursor,
        file::Opened,
        load::{Answers, Load, MAX_LOADS, Ticket},
        reader::Reader,
        turns::Turns,
    },
    kept, message, open, read, run_of, wanted, write,
};
use crate::engine::Message;

/// A history of many messages, of which some are for others only.
fn filled(name: &str) -> Opened {
    let mut opened = open(name);
    let hidden = (1..=20_000).map(|offset| message("hidden", offset).with_except_user("bob"));
    let batch = [
        run_of("t", 1, "a", 1..=50_000),
        kept("secret", 1, hidden.collect()),
        run_of("secret", 1, "a", 20_001..=20_001),
    ];
    write(&mut opened.writer, &batch, None);
    opened
}

/// How many steps SQLite takes for the rows of a page, and how many of a scan or a sort.
fn steps(connection: &Connection, wanted: &Wanted) -> (i32, i32) {
    // The same statement is found in the cache of the connection.
    let sql = cursor::QUERIES[if wanted.event.is_some() { 2 } else { 3 }];
    let status = |which| connection.prepare_cached(sql).unwrap().reset_status(which);
    let (all, scans, sorts) =
        (StatementStatus::VmStep, StatementStatus::FullscanStep, StatementStatus::Sort);
    for which in [all, scans, sorts] {
        status(which);
    }
    read(connection, wanted, HistoryReach::Topic);
    (status(all), status(scans) + status(sorts))
}

#[test]
fn a5_a_page_costs_what_it_returns_however_deep_it_is() {
    let Opened { reader, .. } = filled("cost");
    for event in ["a", ""] {
        let newest = steps(&reader, &wanted("t", 1, event, u64::MAX, 50));
        assert!(newest.0 > 50, "{} steps are counted for fifty messages", newest.0);
        assert_eq!(newest.1, 0, "no scan and no sort");
        for before in [1, 2, 51, 25_000, 50_000, 1_000_000_000_000, u64::MAX] {
            let page = wanted("t", 1, event, before, 50);
            let (all, slow) = steps(&reader, &page);
            assert_eq!(slow, 0, "{page:?}");
            assert!(all <= newest.0 + 20, "{all} steps, {} for the newest: {page:?}", newest.0);
        }
    }
}

#[test]
fn a5_what_a_page_reads_is_bounded_and_it_says_where_to_go_on() {
    let Opened { reader, .. } = filled("bounded");
    // All but one are hidden from bob, who gets there step by step.
    let mut before = Position { epoch: 1, offset: u64::MAX };
    let (mut pages, mut seen) = (0, Vec::new());
    loop {
        let page = Wanted { before, ..wanted("secret", 1, "", 0, 50) };
        let Found { messages, more } = read(&reader, &page, HistoryReach::Topic);
        seen.extend(messages.into_iter().map(|message| message.offset));
        pages += 1;
        let Some(more) = more else { break };
        assert!(more < before, "it gets on");
        before = more;
    }
    assert_eq!((pages, seen), (5, vec![20_001]), "each reads at most 4,096 rows for nothing");

    let size = message("a", 50_000).size() as u64;
    let page = |bytes, least| {
        let page = Wanted { bytes, least, ..wanted("t", 1, "a", 50_001, 50) };
        let Found { messages, more } = read(&reader, &page, HistoryReach::Topic);
        (messages.len(), more.map(|more| more.offset))
    };
    assert_eq!(page(50 * size, 0), (50, None), "as many bytes as may be");
    assert_eq!(page(50 * size - 1, 0), (49, Some(49_952)), "one less");
    assert_eq!(page(1, 1), (1, Some(50_000)), "one whatever its size");
    assert_eq!(page(1, 0), (0, Some(50_001)));
}

/// Loads that wait for their turn, and what comes of them.
struct Queued {
    turns: Arc<Turns>,
    tally: Arc<Tally>,
    answers: Arc<Answers>,
    _mailbox: (mailbox::Sender<Message>, mailbox::Receiver<Message>),
}

impl Queued {
    fn new() -> Self {
        let mailbox = mailbox::channel(1);
        let answers = Arc::new(Answers::new(mailbox.0.downgrade()));
        Self { turns: Arc::default(), tally: Arc::default(), answers, _mailbox: mailbox }
    }

    fn ask(&self, address: u8, number: u64) -> Ticket {
        let asker = Asker::Address([10, 0, 0, address].into());
        let wanted = wanted("t", 1, "a", u64::MAX, 1_000);
        let (load, ticket) = Load::new(wanted, asker, number, &self.answers, &self.tally).unwrap();
        self.turns.push(load);
        ticket
    }

    fn answered(&self) -> Vec<u64> {
        self.answers.take().into_iter().map(|answer| answer.number).collect()
    }

    fn reader(&self, opened: Opened) -> Reader {
        let Opened { reader, claim, .. } = opened;
        let (turns, tally) = (Arc::clone(&self.turns), Arc::clone(&self.tally));
        Reader::new(reader, claim, HistoryReach::Topic, turns, tally)
    }

    /// Reads until that many pages are answered.
    fn run(&self, opened: Opened, pages: u64) {
        let reader = self.reader(opened);
        let stop = reader.stop();
        std::thread::scope(|scope| {
            scope.spawn(|| reader.run());
            while self.tally.pages.load(Ordering::Relaxed) < pages {
                std::thread::yield_now();
            }
            stop.stop();
        });
    }
}

#[test]
fn a5_an_address_that_asks_for_much_keeps_no_other_waiting() {
    let queued = Queued::new();
    let hoard: Vec<_> = (0..300).map(|number| queued.ask(1, number)).collect();
    let others = [queued.ask(2, 1_000), queued.ask(3, 1_001), queued.ask(2, 1_002)];
    queued.run(filled("fair"), 303);
    let order = queued.answered();
    assert_eq!(order[..6], [0, 1_000, 1_001, 1, 1_002, 2], "addresses take turns");
    assert_eq!(order.len(), 303);
    drop((hoard, others));
}

#[test]
fn a5_a_page_that_nobody_waits_for_is_not_read() {
    let queued = Queued::new();
    let mut hoard: Vec<_> = (0..300).map(|number| queued.ask(1, number)).collect();
    hoard.drain(1..299);
    queued.run(filled("gone"), 2);
    assert_eq!(queued.answered(), [0, 299]);
    assert_eq!(queued.tally.pages.load(Ordering::Relaxed), 2);
    assert_eq!(queued.tally.loads.load(Ordering::Relaxed), 0);
}

#[test]
fn a5_the_end_interrupts_a_page_and_waits_for_none() {
    let queued = Queued::new();
    let waiting: Vec<_> = (0..300).map(|number| queued.ask(1, number)).collect();
    let mut opened = filled("stopped");
    // The server is shut down in the middle of the first page.
    let stop = Arc::new(Mutex::new(None));
    let stops = Arc::clone(&stop);
    let in_the_middle = move || {
        if let Some(stop) = Option::take(&mut *stops.lock().unwrap()) {
            super::super::Stop::stop(&stop);
        }
        false
    };
    opened.reader.progress_handler(100, Some(in_the_middle)).unwrap();
    let reader = queued.reader(opened);
    *stop.lock().unwrap() = Some(reader.stop());
    reader.run();
    let answers = queued.answers.take();
    let [answer] = &answers[..] else { panic!("{answers:?}, expected that one was begun") };
    assert_eq!(answer.number, 0);
    assert!(answer.result.is_err(), "{answer:?}");
    assert_eq!(queued.tally.pages.load(Ordering::Relaxed), 0);
    assert_eq!(queued.tally.loads.load(Ordering::Relaxed), 0, "those that waited are dropped");
    assert!(queued.tally.troubles().next().is_none(), "it is no failure");
    drop(waiting);
}

#[test]
fn a5_pages_that_are_on_their_way_are_bounded() {
    let queued = Queued::new();
    queued.tally.loads.store(MAX_LOADS - 1, Ordering::Relaxed);
    let load = || {
        let asker = Asker::User("bob".into());
        Load::new(wanted("t", 1, "a", 9, 9), asker, 1, &queued.answers, &queued.tally)
    };
    let last = load();
    assert!(last.is_some() && load().is_none());
    drop(last);
    assert!(load().is_some());
}
