//! What the tables keep, show and let go, told the time rather than waiting for it.

mod behind;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use parlor::{EventName, Json, Payload, Position, StoredMessage, Topic};
use rusqlite::Connection;

use super::{
    Cut, Entry, HistoryReach, HistorySync, Kept, Wanted,
    file::{APPLICATION_ID, Opened, VERSION},
    table::{self, Swept},
    writer::oldest_ms,
};

/// A file of its own for a test, which is not there.
fn file(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("parlor-history-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join(name);
    for ending in ["", "-wal", "-shm", ".lock"] {
        std::fs::remove_file(super::beside(&file, ending)).ok();
    }
    file
}

fn open(name: &str) -> Opened {
    Opened::open(&file(name), HistorySync::Normal).unwrap()
}

fn message(event: &str, offset: u64) -> StoredMessage {
    let payload = Json::of(&format!("{event} {offset}")).unwrap();
    StoredMessage::new(event, payload, "ann", offset, offset * 10)
}

fn kept(topic: &str, epoch: u64, messages: Vec<StoredMessage>) -> Entry {
    let messages = messages.into_iter().map(Arc::new).collect();
    Entry::Kept(Kept { topic: topic.into(), epoch, messages })
}

/// Messages of one event name with these offsets.
fn run_of(topic: &str, epoch: u64, event: &str, offsets: impl Iterator<Item = u64>) -> Entry {
    kept(topic, epoch, offsets.map(|offset| message(event, offset)).collect())
}

/// A page as a channel asks for it.
#[derive(Debug)]
struct Asked {
    topic: Topic,
    epoch: u64,
    event: EventName,
    before: u64,
    start: u64,
    end: u64,
}

fn load(topic: &str, epoch: u64, event: &str, before: u64, start: u64, end: u64) -> Asked {
    Asked { topic: topic.into(), epoch, event: event.into(), before, start, end }
}

fn shown(connection: &Connection, asked: &Asked) -> Vec<StoredMessage> {
    page_of(connection, asked, HistoryReach::Room)
}

fn page_of(connection: &Connection, asked: &Asked, reach: HistoryReach) -> Vec<StoredMessage> {
    let Asked { topic, epoch, event, before, start, end } = asked;
    let before = Position { epoch: *epoch, offset: *before };
    let count = if end > start { *end } else { 0 };
    let wanted = Wanted { topic, epoch: *epoch, event, before, count };
    let mut page = table::page(connection, wanted, reach).unwrap();
    page.drain(..page.len().min(usize::try_from(*start).unwrap()));
    page
}

fn offsets(connection: &Connection, asked: &Asked) -> Vec<u64> {
    let page = shown(connection, asked);
    page.iter().map(|message| message.offset).collect()
}

#[test]
fn a_page_is_what_was_kept_byte_for_byte_newest_first() {
    let Opened { mut writer, reader, .. } = open("bytes");
    let text = Json::parse("{ \"a\" : 1.50,\n\"b\":\"\\u00e9\" }").unwrap();
    let all = [
        StoredMessage::new("e", text.clone(), "ann", 1, 10).with_client_id("c1"),
        StoredMessage::new("e", Payload::bytes([0, 255, b'"']), "bob", 2, 20).with_meta(text),
        StoredMessage::new(
            "e",
            Json::parse("null").unwrap(),
            "\u{1f600}'\"\0",
            7,
            u64::from(u32::MAX),
        ),
        StoredMessage::new("e", Payload::bytes([]), "x", 8, 80),
    ];
    let written = table::write(&mut writer, &[kept("t", 5, all.to_vec())], None).unwrap();
    assert_eq!(written, 4);
    let mut newest_first = all.to_vec();
    newest_first.reverse();
    assert_eq!(shown(&reader, &load("t", 5, "e", 9, 0, 9)), newest_first);
    assert_eq!(shown(&reader, &load("t", 5, "e", 8, 1, 2)), newest_first[2..3]);
    for nothing in [
        load("t", 5, "e", 1, 0, 9),
        load("t", 5, "e", 9, 4, 9),
        load("t", 5, "e", 9, 3, 3),
        load("t", 5, "f", 9, 0, 9),
        load("s", 5, "e", 9, 0, 9),
        load("t", 4, "e", 9, 0, 9),
    ] {
        assert_eq!(shown(&reader, &nothing), [], "{nothing:?}");
    }
}

/// Against a table that is as simple as can be.
#[test]
fn whatever_is_handed_over_twice_is_there_once() {
    let Opened { mut writer, reader, .. } = open("twice");
    let mut dumb = BTreeMap::<(String, u64, String), BTreeMap<u64, StoredMessage>>::new();
    let mut state = 7_u32;
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    for _ in 0..300 {
        let batch: Vec<_> = (0..random(5))
            .map(|_| {
                let (topic, epoch) = (format!("t{}", random(3)), u64::from(random(2)));
                let messages: Vec<_> = (0..random(6))
                    .map(|_| {
                        let event = ["a", "b", "c"][random(3) as usize];
                        message(event, u64::from(random(40)))
                    })
                    .collect();
                for message in &messages {
                    let place = (topic.clone(), epoch, message.event.as_str().to_owned());
                    let place = dumb.entry(place).or_default();
                    place.entry(message.offset).or_insert_with(|| message.clone());
                }
                kept(&topic, epoch, messages)
            })
            .collect();
        table::write(&mut writer, &batch, None).unwrap();

        let (topic, epoch) = (format!("t{}", random(3)), u64::from(random(2)));
        let event = ["a", "b", "c"][random(3) as usize];
        let (before, start) = (u64::from(random(45)), u64::from(random(10)));
        let end = start + u64::from(random(10));
        let expected: Vec<_> = dumb
            .get(&(topic.clone(), epoch, event.to_owned()))
            .into_iter()
            .flat_map(|place| place.range(..before).rev())
            .skip(usize::try_from(start).unwrap())
            .take(usize::try_from(end - start).unwrap())
            .map(|(_, message)| message.clone())
            .collect();
        let asked = load(&topic, epoch, event, before, start, end);
        assert_eq!(shown(&reader, &asked), expected, "{asked:?}");
    }
    let held: u32 = reader.query_one("SELECT sum(held) FROM place", [], |row| row.get(0)).unwrap();
    assert_eq!(held as usize, dumb.values().map(BTreeMap::len).sum::<usize>());
}

#[test]
fn a_page_goes_on_with_the_rooms_before_newest_first() {
    let Opened { mut writer, reader, .. } = open("earlier");
    let batch = [
        run_of("t", 3, "a", 1..=3),
        run_of("t", 5, "b", 1..=2),
        run_of("t", 8, "a", 2..=2),
        run_of("t", 9, "a", 1..=4),
        run_of("s", 9, "a", 1..=9),
        run_of("t", 11, "a", 1..=9),
    ];
    table::write(&mut writer, &batch, None).unwrap();
    let page = |epoch, before, start, end, reach| {
        let load = load("t", epoch, "a", before, start, end);
        let page = page_of(&reader, &load, reach);
        page.iter().map(|message| (message.epoch, message.offset)).collect::<Vec<_>>()
    };
    let (old, older) = (Some(8), Some(3));
    let all = [(None, 3), (None, 2), (None, 1), (old, 2), (older, 3), (older, 2), (older, 1)];
    assert_eq!(page(9, 4, 0, 99, HistoryReach::Topic), all);
    assert_eq!(page(9, 4, 0, 99, HistoryReach::Room), all[..3]);
    for start in 0..9 {
        for end in start..9 {
            let expected = &all[start.min(7)..end.min(7)];
            let page = page(9, 4, start as u64, end as u64, HistoryReach::Topic);
            assert_eq!(page, expected, "{start}..{end}");
        }
    }
    // A room in which nothing was said yet.
    assert_eq!(page(10, 1, 0, 2, HistoryReach::Topic), [(Some(9), 4), (Some(9), 3)]);

    table::write(&mut writer, &[cut("t", 8), cut("t", 3), cut("none", 5)], None).unwrap();
    assert_eq!(page(9, 4, 0, 99, HistoryReach::Topic), all[..3], "not what was said before a cut");
    assert_eq!(page(8, 9, 0, 99, HistoryReach::Topic), [(None, 2)], "a room has its own");
    assert_eq!(page(8, 9, 0, 99, HistoryReach::Room), [(None, 2)]);
    table::write(&mut writer, &[cut("t", 9)], None).unwrap();
    assert_eq!(page(9, 4, 0, 99, HistoryReach::Topic), all[..3]);
    assert_eq!(page(10, 1, 0, 99, HistoryReach::Topic), []);
}

fn cut(topic: &str, epoch: u64) -> Entry {
    Entry::Cut(Cut { topic: topic.into(), epoch })
}

#[test]
fn a_cut_is_an_epoch_that_is_known_as_long_as_there_is_something_to_cut() {
    let path = file("cut");
    let Opened { mut writer, .. } = Opened::open(&path, HistorySync::Normal).unwrap();
    let batch = [run_of("t", 3, "a", 1..=1), cut("t", 7), cut("u", 9)];
    table::write(&mut writer, &batch, None).unwrap();
    drop(writer);
    for _ in 0..2 {
        let opened = Opened::open(&path, HistorySync::Normal).unwrap();
        assert_eq!(opened.last_epoch, 7, "nothing was said in the other room");
        let page = load("t", 8, "a", 1, 0, 9);
        assert_eq!(page_of(&opened.reader, &page, HistoryReach::Topic), []);
    }
}

#[test]
fn the_newest_of_each_name_are_kept_by_count() {
    let Opened { mut writer, reader, .. } = open("count");
    let batch =
        [run_of("t", 1, "a", 1..=5), run_of("t", 1, "b", 6..=8), run_of("s", 1, "a", 1..=9)];
    table::write(&mut writer, &batch, Some(5)).unwrap();
    let all = |topic, event| offsets(&reader, &load(topic, 1, event, 99, 0, 99));
    assert_eq!(all("t", "a"), [5, 4, 3, 2, 1], "as many as may be");
    assert_eq!(all("t", "b"), [8, 7, 6]);
    assert_eq!(all("s", "a"), [9, 8, 7, 6, 5]);

    table::write(&mut writer, &[run_of("t", 1, "a", 9..=9)], Some(5)).unwrap();
    assert_eq!(all("t", "a"), [9, 5, 4, 3, 2], "one more");
    assert_eq!(all("t", "b"), [8, 7, 6], "others are not touched");
    // One that is older than all is what goes.
    table::write(&mut writer, &[run_of("t", 1, "a", 1..=1)], Some(5)).unwrap();
    assert_eq!(all("t", "a"), [9, 5, 4, 3, 2]);

    table::trim_all(&writer, 2).unwrap();
    assert_eq!((all("t", "a"), all("t", "b")), (vec![9, 5], vec![8, 7]), "less than before");
    assert_eq!(all("s", "a"), [9, 8]);
}

#[test]
fn messages_are_kept_up_to_their_age() {
    let Opened { mut writer, reader, .. } = open("age");
    // Sent at 10, 20, … 90 ms and 3,000 ms.
    let batch = [run_of("t", 1, "a", 1..=9), run_of("t", 1, "b", 300..=300)];
    table::write(&mut writer, &batch, None).unwrap();
    let all = |event| offsets(&reader, &load("t", 1, event, 999, 0, 99));
    let sweep = |now_ms| table::sweep(&writer, oldest_ms(now_ms, 2)).unwrap();

    for now_ms in [0, 1_999, 2_010] {
        assert_eq!(sweep(now_ms), Swept::All);
        assert_eq!(all("a").len(), 9, "at {now_ms}: what is two seconds old may stay");
    }
    sweep(2_011);
    assert_eq!(all("a"), [9, 8, 7, 6, 5, 4, 3, 2], "what is older may not");
    sweep(2_055);
    assert_eq!(all("a"), [9, 8, 7, 6]);
    sweep(2_091);
    assert_eq!((all("a"), all("b")), (vec![], vec![300]));

    let count = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        reader.query_one(&sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!((count("topic"), count("place"), count("message")), (1, 1, 1));
    sweep(9_999);
    assert_eq!((count("topic"), count("place"), count("message")), (0, 0, 0), "nothing is left");
}

#[test]
fn what_is_old_goes_in_steps_so_that_others_get_their_turn() {
    let Opened { mut writer, reader, .. } = open("steps");
    table::write(&mut writer, &[run_of("t", 1, "a", 1..=9_000)], None).unwrap();
    let mut steps = vec![];
    while steps.last() != Some(&Swept::All) {
        steps.push(table::sweep(&writer, 80_001).unwrap());
    }
    assert_eq!(steps, [Swept::Some, Swept::All]);
    assert_eq!(offsets(&reader, &load("t", 1, "a", 99_999, 999, 1_001)), [8_001]);
}

#[test]
fn a_file_is_found_again_as_it_was_left() {
    let path = file("again");
    let Opened { mut writer, last_epoch, .. } = Opened::open(&path, HistorySync::Full).unwrap();
    assert_eq!(last_epoch, 0);
    table::write(&mut writer, &[run_of("t", 7, "a", 1..=3), run_of("s", 9, "b", 1..=1)], None)
        .unwrap();
    drop(writer);
    let Opened { reader, last_epoch, .. } = Opened::open(&path, HistorySync::Normal).unwrap();
    assert_eq!(last_epoch, 9);
    assert_eq!(offsets(&reader, &load("t", 7, "a", 9, 0, 9)), [3, 2, 1]);
}

#[test]
fn only_one_server_at_a_time_uses_a_file() {
    let path = file("lock");
    let opened = Opened::open(&path, HistorySync::Normal).unwrap();
    let refused = Opened::open(&path, HistorySync::Normal).unwrap_err();
    assert_eq!(refused, "another server uses it, expected one of its own for each");
    drop(opened);
    Opened::open(&path, HistorySync::Normal).unwrap();
}

#[test]
fn pages_are_found_by_an_index() {
    let Opened { reader, .. } = open("plan");
    for sql in [
        "SELECT id FROM message WHERE place = 1 AND epoch >= 2 AND (epoch, offset) < (3, 4) ORDER BY epoch DESC, offset DESC LIMIT 4 OFFSET 5",
        "SELECT id FROM message WHERE place = 1 ORDER BY epoch, offset LIMIT 4",
        "SELECT id FROM message WHERE timestamp_ms < 1 ORDER BY timestamp_ms LIMIT 2",
    ] {
        let mut plan = reader.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps: Vec<String> =
            plan.query_map([], |row| row.get("detail")).unwrap().map(Result::unwrap).collect();
        let [step] = &steps[..] else { panic!("{steps:?}, expected one step without sorting") };
        assert!(step.starts_with("SEARCH message USING COVERING INDEX"), "{step}");
    }
}

#[test]
fn what_is_no_history_is_refused_and_left_alone() {
    let check = |name: &str, bytes: &[u8], expected: &str| {
        let path = file(name);
        std::fs::write(&path, bytes).unwrap();
        let refused = Opened::open(&path, HistorySync::Normal).map(|_| ()).unwrap_err();
        assert!(refused.contains(expected), "{name}: {refused}");
        assert!(refused.contains("expected a history"), "{name}: {refused}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{name} is as it was");
    };
    check("text", b"dear diary", "it is no file of SQLite");
    check("long_text", &[b'x'; 9_999], "it is no file of SQLite");
    check("beginning", b"SQLite format 3\0 and nothing more", "not a database");

    let other = file("other");
    let connection = Connection::open(&other).unwrap();
    connection.execute_batch("CREATE TABLE friends (name)").unwrap();
    drop(connection);
    let bytes = std::fs::read(&other).unwrap();
    check("other_tables", &bytes, "its application_id is 0, expected 1885434476");
    let connection = Connection::open(&other).unwrap();
    connection.execute_batch("DROP TABLE friends; PRAGMA application_id = 42").unwrap();
    drop(connection);
    let bytes = std::fs::read(&other).unwrap();
    check("other_id", &bytes, "its application_id is 42, expected 1885434476");

    let path = file("version");
    drop(Opened::open(&path, HistorySync::Normal).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", VERSION + 1).unwrap();
    drop(connection);
    let refused = Opened::open(&path, HistorySync::Normal).map(|_| ()).unwrap_err();
    assert_eq!(refused, "its layout has version 2, expected 1");
    assert_eq!(APPLICATION_ID.to_be_bytes(), *b"parl");
}

#[test]
fn a_file_that_is_damaged_is_refused() {
    let path = file("whole");
    let Opened { mut writer, .. } = Opened::open(&path, HistorySync::Normal).unwrap();
    table::write(&mut writer, &[run_of("t", 1, "a", 1..=5_000)], None).unwrap();
    writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(writer);
    let whole = std::fs::read(&path).unwrap();
    let check = |name: &str, bytes: &[u8]| {
        let path = file(name);
        std::fs::write(&path, bytes).unwrap();
        let refused = Opened::open(&path, HistorySync::Normal).map(|_| ()).unwrap_err();
        assert!(refused.contains("expected a history that is whole"), "{name}: {refused}");
    };
    check("cut_off", &whole[..whole.len() / 2]);
    for page in 0..8 {
        let mut damaged = whole.clone();
        damaged[page * 4_096 + 16 * usize::from(page == 0)..][..4_000].fill(0xa5);
        check(&format!("page_{page}"), &damaged);
    }
}

#[test]
fn where_nothing_can_be_written_that_is_said() {
    let missing = file("none").join("history");
    let refused = Opened::open(&missing, HistorySync::Normal).map(|_| ()).unwrap_err();
    assert!(refused.contains("expected a directory in which files can be made"), "{refused}");
    let directory = std::env::temp_dir();
    let refused = Opened::open(&directory, HistorySync::Normal).map(|_| ()).unwrap_err();
    assert_eq!(refused, "it is no file, expected a history of parlor-server, or no file");
}
