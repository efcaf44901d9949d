//! What the tables keep, show and let go, told the time rather than waiting for it.

mod behind;
mod bounded;
mod opening;
mod watched;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use parlor::{Json, Payload, Position, StoredMessage};
use rusqlite::Connection;

use super::{
    Found, HistoryReach, HistorySync, Kept, Wanted, cursor,
    cuts::Waiting,
    file::Opened,
    table::{self, Backlog, Batch, Swept},
    writer::oldest_ms,
};

/// A file of its own for a test, which is not there.
fn file(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("parlor-history-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join(name);
    for ending in ["", "-wal", "-shm"] {
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

fn kept(topic: &str, epoch: u64, messages: Vec<StoredMessage>) -> Kept {
    let messages = messages.into_iter().map(Arc::new).collect();
    Kept { topic: topic.into(), epoch, messages }
}

/// Messages of one event name with these offsets.
fn run_of(topic: &str, epoch: u64, event: &str, offsets: impl Iterator<Item = u64>) -> Kept {
    kept(topic, epoch, offsets.map(|offset| message(event, offset)).collect())
}

/// Writes messages, of which no earlier ones are to come.
fn write(connection: &mut Connection, messages: &[Kept], max_messages: Option<u64>) -> u64 {
    let cuts = Waiting::default();
    let batch = Batch { messages, cuts: &cuts, backlog: Backlog::None };
    table::write(connection, &batch, max_messages).unwrap()
}

fn write_cuts(connection: &mut Connection, cuts: &[(&str, u64)]) {
    let by_topic = cuts.iter().map(|(topic, epoch)| ((*topic).into(), *epoch)).collect();
    let cuts = Waiting { by_topic, ..Waiting::default() };
    let batch = Batch { messages: &[], cuts: &cuts, backlog: Backlog::None };
    table::write(connection, &batch, None).unwrap();
}

/// What is wanted in the room of that epoch of messages before an offset of it, by "bob" at "c9".
fn wanted(topic: &str, epoch: u64, event: &str, before: u64, count: u64) -> Wanted {
    Wanted {
        topic: topic.into(),
        epoch,
        event: (!event.is_empty()).then(|| event.into()),
        before: Position { epoch, offset: before },
        skip: 0,
        count,
        bytes: u64::MAX,
        least: 1,
        client_id: "c9".into(),
        user_id: "bob".into(),
    }
}

fn read(connection: &Connection, wanted: &Wanted, reach: HistoryReach) -> Found {
    cursor::read(connection, wanted, reach).unwrap()
}

fn shown(connection: &Connection, wanted: &Wanted) -> Vec<StoredMessage> {
    read(connection, wanted, HistoryReach::Room).messages
}

fn offsets(connection: &Connection, wanted: &Wanted) -> Vec<u64> {
    let page = shown(connection, wanted);
    page.iter().map(|message| message.offset).collect()
}

#[test]
fn a_page_is_what_was_kept_byte_for_byte_newest_first() {
    let Opened { mut writer, reader, .. } = open("bytes");
    let text = Json::parse("{ \"a\" : 1.50,\n\"b\":\"\\u00e9\" }").unwrap();
    let null = Json::parse("null").unwrap();
    let all = [
        StoredMessage::new("e", text.clone(), "ann", 1, 10)
            .with_client_id("c1")
            .with_except_client("c2")
            .with_except_user("cid"),
        StoredMessage::new("e", Payload::bytes([0, 255, b'"']), "bob", 2, 20).with_meta(text),
        StoredMessage::new("e", null, "\u{1f600}'\"\0", 7, u64::from(u32::MAX)),
        StoredMessage::new("e", Payload::bytes([]), "x", 8, 80),
    ];
    assert_eq!(write(&mut writer, &[kept("t", 5, all.to_vec())], None), 4);
    let mut newest_first = all.to_vec();
    newest_first.reverse();
    for event in ["e", ""] {
        assert_eq!(shown(&reader, &wanted("t", 5, event, 9, 9)), newest_first);
        let second = Wanted { skip: 1, ..wanted("t", 5, event, 8, 1) };
        assert_eq!(shown(&reader, &second), newest_first[2..3]);
        for nothing in [
            wanted("t", 5, event, 1, 9),
            Wanted { skip: 4, ..wanted("t", 5, event, 9, 9) },
            wanted("t", 5, event, 9, 0),
            wanted("t", 5, "f", 9, 9),
            wanted("s", 5, event, 9, 9),
            wanted("t", 4, event, 9, 9),
        ] {
            let found = read(&reader, &nothing, HistoryReach::Room);
            assert_eq!(found, Found { messages: vec![], more: None }, "{nothing:?}");
        }
    }
}

/// Against a table that is as simple as can be.
#[test]
fn whatever_is_handed_over_twice_is_there_once() {
    let Opened { mut writer, reader, .. } = open("twice");
    let mut dumb = BTreeMap::<(String, u64), BTreeMap<u64, StoredMessage>>::new();
    let mut state = 7_u32;
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    for _ in 0..300 {
        let batch: Vec<_> = (0..random(5))
            .map(|_| {
                let (topic, epoch) = (format!("t{}", random(3)), u64::from(random(2)));
                // An offset is of one name.
                let offsets = (0..random(6)).map(|_| u64::from(random(40))).collect::<Vec<_>>();
                let named = |offset: u64| ["a", "b", "c"][usize::try_from(offset % 3).unwrap()];
                let messages: Vec<_> =
                    offsets.into_iter().map(|offset| message(named(offset), offset)).collect();
                for message in &messages {
                    let room = dumb.entry((topic.clone(), epoch)).or_default();
                    room.entry(message.offset).or_insert_with(|| message.clone());
                }
                kept(&topic, epoch, messages)
            })
            .collect();
        write(&mut writer, &batch, None);

        let (topic, epoch) = (format!("t{}", random(3)), u64::from(random(2)));
        let event = ["a", "b", "c", ""][random(4) as usize];
        let (before, skip) = (u64::from(random(45)), u64::from(random(10)));
        let count = u64::from(random(10));
        let expected: Vec<_> = dumb
            .get(&(topic.clone(), epoch))
            .into_iter()
            .flat_map(|room| room.range(..before).rev())
            .filter(|(_, message)| event.is_empty() || message.event.as_str() == event)
            .skip(usize::try_from(skip).unwrap())
            .take(usize::try_from(count).unwrap())
            .map(|(_, message)| message.clone())
            .collect();
        let asked = Wanted { skip, ..wanted(&topic, epoch, event, before, count) };
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
    write(&mut writer, &batch, None);
    let places = |wanted: &Wanted, reach| {
        let page = read(&reader, wanted, reach).messages;
        page.iter().map(|message| (message.epoch, message.offset)).collect::<Vec<_>>()
    };
    let page = |epoch, before, count, reach| places(&wanted("t", epoch, "a", before, count), reach);
    let (old, older) = (Some(8), Some(3));
    let all = [(None, 3), (None, 2), (None, 1), (old, 2), (older, 3), (older, 2), (older, 1)];
    assert_eq!(page(9, 4, 99, HistoryReach::Topic), all);
    assert_eq!(page(9, 4, 99, HistoryReach::Room), all[..3]);
    let any = places(&wanted("t", 9, "", 4, 99), HistoryReach::Topic);
    let b = [(Some(5), 2), (Some(5), 1)];
    assert_eq!(any, [&all[..4], &b, &all[4..]].concat(), "of any name");
    // Each position that was shown is one to go on from.
    for (at, (epoch, offset)) in all.into_iter().enumerate() {
        let before = Position { epoch: epoch.unwrap_or(9), offset };
        let next = Wanted { before, ..wanted("t", 9, "a", 0, 2) };
        let expected = &all[at + 1..all.len().min(at + 3)];
        assert_eq!(places(&next, HistoryReach::Topic), expected, "{before:?}");
    }
    let future = Wanted { before: Position { epoch: 99, offset: 9 }, ..wanted("t", 9, "a", 0, 9) };
    let expected = [&[(None, 4)], &all[..]].concat();
    assert_eq!(places(&future, HistoryReach::Topic), expected, "nothing of a later room");
    // A room in which nothing was said yet.
    assert_eq!(page(10, 1, 2, HistoryReach::Topic), [(Some(9), 4), (Some(9), 3)]);

    write_cuts(&mut writer, &[("t", 8), ("none", 5)]);
    write_cuts(&mut writer, &[("t", 3)]);
    assert_eq!(page(9, 4, 99, HistoryReach::Topic), all[..3], "not what was said before a cut");
    let before_cut =
        Wanted { before: Position { epoch: 8, offset: 9 }, ..wanted("t", 9, "a", 0, 9) };
    assert_eq!(places(&before_cut, HistoryReach::Topic), [], "whatever position is asked for");
    assert_eq!(page(8, 9, 99, HistoryReach::Topic), [(None, 2)], "a room has its own");
    assert_eq!(page(8, 9, 99, HistoryReach::Room), [(None, 2)]);
    write_cuts(&mut writer, &[("t", 9)]);
    assert_eq!(page(9, 4, 99, HistoryReach::Topic), all[..3]);
    assert_eq!(page(10, 1, 99, HistoryReach::Topic), []);
}

#[test]
fn a12_an_exclusion_also_holds_for_pages_of_the_file() {
    let Opened { mut writer, reader, .. } = open("excluded");
    let to = |offset: u64| match offset % 4 {
        0 => message("a", offset).with_except_user("bob"),
        1 => message("b", offset).with_except_client("c9"),
        2 => message("a", offset).with_except_user("ann").with_except_client("c8"),
        _ => message("b", offset),
    };
    write(&mut writer, &[kept("t", 1, (1..=20).map(to).collect())], None);
    let seen: Vec<_> = (1..=20).rev().filter(|offset| offset % 4 > 1).collect();
    assert_eq!(offsets(&reader, &wanted("t", 1, "", 99, 99)), seen);
    let named: Vec<_> = (1..=20).rev().filter(|offset| offset % 4 == 2).collect();
    assert_eq!(offsets(&reader, &wanted("t", 1, "a", 99, 99)), named);
    let skipped = Wanted { skip: 2, ..wanted("t", 1, "", 99, 3) };
    assert_eq!(offsets(&reader, &skipped), seen[2..5], "those that are hidden do not count");
    let ann =
        Wanted { client_id: "c8".into(), user_id: "ann".into(), ..wanted("t", 1, "", 99, 99) };
    assert_eq!(offsets(&reader, &ann).len(), 15, "all but those that exclude her");
}

#[test]
fn a_cut_is_an_epoch_that_is_known_as_long_as_there_is_something_to_cut() {
    let path = file("cut");
    let Opened { mut writer, .. } = Opened::open(&path, HistorySync::Normal).unwrap();
    write(&mut writer, &[run_of("t", 3, "a", 1..=1)], None);
    write_cuts(&mut writer, &[("t", 7), ("u", 9)]);
    drop(writer);
    for _ in 0..2 {
        let opened = Opened::open(&path, HistorySync::Normal).unwrap();
        assert_eq!(opened.last_epoch, 7, "nothing was said in the other room");
        let page = wanted("t", 8, "a", 1, 9);
        assert_eq!(read(&opened.reader, &page, HistoryReach::Topic).messages, []);
    }
}

#[test]
fn a2_a_topic_with_a_cut_and_no_messages_is_deleted_in_operation() {
    let Opened { mut writer, reader, .. } = open("emptied");
    let topics = || -> Vec<String> {
        let mut topics = reader.prepare("SELECT name FROM topic ORDER BY name").unwrap();
        topics.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    write(&mut writer, &[run_of("said", 3, "a", 1..=1)], None);
    let many: Vec<_> = (0..500).map(|number| format!("t{number}")).collect();
    let cuts: Vec<_> = many.iter().map(|topic| (topic.as_str(), 7)).chain([("said", 7)]).collect();
    write_cuts(&mut writer, &cuts);
    assert_eq!(topics().len(), 501, "messages of before may follow in the next batch");

    let waits = Batch { messages: &[], cuts: &Waiting::default(), backlog: Backlog::Some };
    table::write(&mut writer, &waits, None).unwrap();
    assert_eq!(topics().len(), 501, "and in that after it, where more waits");
    write(&mut writer, &[run_of("t7", 6, "a", 1..=1)], None);
    assert_eq!(topics(), ["said", "t7"]);
    assert_eq!(read(&reader, &wanted("t7", 8, "a", 1, 9), HistoryReach::Topic).messages, []);
    table::sweep(&writer, u64::MAX >> 1).unwrap();
    write(&mut writer, &[], None);
    assert_eq!(topics(), [""; 0]);
}

#[test]
fn a2_a_cut_of_all_topics_hides_what_was_said_before_in_each() {
    let Opened { mut writer, reader, .. } = open("cut_all");
    write(&mut writer, &[run_of("t", 3, "a", 1..=2), run_of("u", 9, "a", 1..=2)], None);
    let cuts = Waiting { of_all: Some(5), ..Waiting::default() };
    let batch = Batch { messages: &[], cuts: &cuts, backlog: Backlog::None };
    table::write(&mut writer, &batch, None).unwrap();
    let all = |topic, epoch| {
        let page = wanted(topic, epoch, "a", 1, 9);
        read(&reader, &page, HistoryReach::Topic).messages.len()
    };
    assert_eq!((all("t", 6), all("u", 10)), (0, 2));
}

#[test]
fn the_newest_of_each_name_are_kept_by_count() {
    let Opened { mut writer, reader, .. } = open("count");
    let batch =
        [run_of("t", 1, "a", 1..=5), run_of("t", 1, "b", 6..=8), run_of("s", 1, "a", 1..=9)];
    write(&mut writer, &batch, Some(5));
    let all = |topic, event| offsets(&reader, &wanted(topic, 1, event, 99, 99));
    assert_eq!(all("t", "a"), [5, 4, 3, 2, 1], "as many as may be");
    assert_eq!(all("t", "b"), [8, 7, 6]);
    assert_eq!(all("s", "a"), [9, 8, 7, 6, 5]);

    write(&mut writer, &[run_of("t", 1, "a", 9..=9)], Some(5));
    assert_eq!(all("t", "a"), [9, 5, 4, 3, 2], "one more");
    assert_eq!(all("t", "b"), [8, 7, 6], "others are not touched");
    // One that is older than all is what goes.
    write(&mut writer, &[run_of("t", 1, "a", 1..=1)], Some(5));
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
    write(&mut writer, &batch, None);
    let all = |event| offsets(&reader, &wanted("t", 1, event, 999, 99));
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
    write(&mut writer, &[run_of("t", 1, "a", 1..=9_000)], None);
    let mut steps = vec![];
    while steps.last() != Some(&Swept::All) {
        steps.push(table::sweep(&writer, 80_001).unwrap());
    }
    assert_eq!(steps, [Swept::Some, Swept::All]);
    assert_eq!(offsets(&reader, &wanted("t", 1, "a", 8_002, 9)), [8_001]);
}
