//! How a file is opened: made, found again, converted, or refused.

use std::os::unix::fs::symlink;

use parlor::StoredMessage;
use rusqlite::Connection;

use super::{
    super::{
        HistoryReach, HistorySync, cursor,
        file::Opened,
        layout::{APPLICATION_ID, VERSION},
        table,
    },
    file, message, offsets, open, read, run_of, shown, wanted, write,
};

#[test]
fn a_file_is_found_again_as_it_was_left() {
    let path = file("again");
    let Opened { mut writer, last_epoch, .. } = Opened::open(&path, HistorySync::Full).unwrap();
    assert_eq!(last_epoch, 0);
    write(&mut writer, &[run_of("t", 7, "a", 1..=3), run_of("s", 9, "b", 1..=1)], None);
    drop(writer);
    let Opened { reader, last_epoch, .. } = Opened::open(&path, HistorySync::Normal).unwrap();
    assert_eq!(last_epoch, 9);
    assert_eq!(offsets(&reader, &wanted("t", 7, "a", 9, 9)), [3, 2, 1]);
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
fn a13_a_file_is_the_same_by_whatever_path() {
    let path = file("paths");
    let directory = path.parent().unwrap();
    let (hard, soft, dotted) = (file("paths_hard"), file("paths_soft"), directory.join("./paths"));
    let opened = Opened::open(&path, HistorySync::Normal).unwrap();
    std::fs::hard_link(&path, &hard).unwrap();
    symlink(&path, &soft).unwrap();
    for other in [&path, &hard, &soft, &dotted] {
        let refused = Opened::open(other, HistorySync::Normal).unwrap_err();
        assert_eq!(refused, "another server uses it, expected one of its own for each");
    }
    // A lock of another process is one of another descriptor.
    let lock = std::fs::File::open(&hard).unwrap();
    assert!(lock.try_lock().is_err(), "it is locked for other processes too");
    drop(opened);
    lock.try_lock().unwrap();
    for other in [&path, &hard, &soft] {
        let refused = Opened::open(other, HistorySync::Normal).unwrap_err();
        assert_eq!(refused, "another server uses it, expected one of its own for each");
    }
    drop(lock);
    Opened::open(&soft, HistorySync::Normal).unwrap();
}

#[test]
fn a5_pages_are_found_by_an_index() {
    let Opened { reader, .. } = open("plan");
    let others = [
        "SELECT id FROM message WHERE place = 1 ORDER BY epoch, offset LIMIT 4",
        "SELECT id FROM message WHERE timestamp_ms < 1 ORDER BY timestamp_ms LIMIT 2",
        table::DELETE_EMPTY,
    ];
    for sql in cursor::QUERIES.into_iter().chain(others) {
        let mut plan = reader.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let nulls = vec![rusqlite::types::Null; plan.parameter_count()];
        let steps = plan.query_map(rusqlite::params_from_iter(nulls), |row| row.get("detail"));
        let steps: Vec<String> = steps.unwrap().map(Result::unwrap).collect();
        let is_indexed = |step: &String| {
            step.starts_with("SEARCH") && step.contains("USING")
                || step.starts_with("SCAN topic USING COVERING INDEX topic_without_places")
                || step.contains("SUBQUERY")
        };
        assert!(steps.iter().all(is_indexed), "{sql}: {steps:?}");
    }
}

/// The layout of version 1, as its server made it.
const VERSION_1: &str = "
    CREATE TABLE topic (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        cut INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE place (
        id INTEGER PRIMARY KEY,
        topic INTEGER NOT NULL,
        event TEXT NOT NULL,
        held INTEGER NOT NULL DEFAULT 0,
        UNIQUE (topic, event)
    ) STRICT;
    CREATE TABLE message (
        id INTEGER PRIMARY KEY,
        place INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        offset INTEGER NOT NULL,
        timestamp_ms INTEGER NOT NULL,
        user TEXT NOT NULL,
        client TEXT,
        payload ANY NOT NULL,
        meta TEXT,
        UNIQUE (place, epoch, offset)
    ) STRICT;
    CREATE INDEX message_by_time ON message (timestamp_ms);
    CREATE TRIGGER message_comes AFTER INSERT ON message BEGIN
        UPDATE place SET held = held + 1 WHERE id = NEW.place;
    END;
    CREATE TRIGGER message_goes AFTER DELETE ON message BEGIN
        UPDATE place SET held = held - 1 WHERE id = OLD.place;
        DELETE FROM place WHERE id = OLD.place AND held = 0;
    END;
    CREATE TRIGGER place_goes AFTER DELETE ON place BEGIN
        DELETE FROM topic WHERE id = OLD.topic AND cut = 0
            AND NOT EXISTS (SELECT 1 FROM place WHERE topic = OLD.topic);
    END;
    PRAGMA application_id = 1885434476;
    PRAGMA user_version = 1;
    INSERT INTO topic VALUES (1, 't', 4), (2, 's', 0);
    INSERT INTO place (id, topic, event) VALUES (1, 2, 'a'), (2, 1, 'a'), (3, 1, 'b');
    INSERT INTO message (place, epoch, offset, timestamp_ms, user, payload) VALUES
        (1, 5, 1, 10, 'ann', '\"a 1\"'), (2, 5, 2, 20, 'ann', '\"a 2\"'),
        (3, 5, 3, 30, 'ann', '\"b 3\"'), (2, 3, 9, 90, 'ann', '\"a 9\"');
";

#[test]
fn a_file_of_version_1_is_converted() {
    let path = file("converted");
    Connection::open(&path).unwrap().execute_batch(VERSION_1).unwrap();
    for _ in 0..2 {
        let opened = Opened::open(&path, HistorySync::Normal).unwrap();
        assert_eq!(opened.last_epoch, 5);
        let page = |topic, event| shown(&opened.reader, &wanted(topic, 5, event, 99, 99));
        let messages = |said: &[(&str, u64)]| -> Vec<StoredMessage> {
            said.iter().map(|(event, offset)| message(event, *offset)).collect()
        };
        assert_eq!(page("t", ""), messages(&[("b", 3), ("a", 2)]));
        assert_eq!(page("t", "a"), messages(&[("a", 2)]));
        assert_eq!(page("s", ""), messages(&[("a", 1)]));
        let later = read(&opened.reader, &wanted("t", 6, "", 99, 99), HistoryReach::Topic);
        assert_eq!(later.messages.len(), 2, "what was cut stays so");
    }
    let mut opened = Opened::open(&path, HistorySync::Normal).unwrap();
    write(&mut opened.writer, &[run_of("s", 6, "c", 1..=2)], Some(1));
    assert_eq!(offsets(&opened.reader, &wanted("s", 6, "", 99, 99)), [2]);
    table::sweep(&opened.writer, 9_999).unwrap();
    let left = "SELECT (SELECT count(*) FROM place), group_concat(name) FROM topic";
    let left: (i64, String) =
        opened.writer.query_one(left, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(left, (0, "t".into()), "which has a cut");
    write(&mut opened.writer, &[], None);
    let topics: i64 =
        opened.writer.query_one("SELECT count(*) FROM topic", [], |row| row.get(0)).unwrap();
    assert_eq!(topics, 0);
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
    assert_eq!(refused, "its layout has version 3, expected 2 or 1");
    assert_eq!(APPLICATION_ID.to_be_bytes(), *b"parl");
}

#[test]
fn a_file_that_is_damaged_is_refused() {
    let path = file("whole");
    let Opened { mut writer, .. } = Opened::open(&path, HistorySync::Normal).unwrap();
    write(&mut writer, &[run_of("t", 1, "a", 1..=5_000)], None);
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
