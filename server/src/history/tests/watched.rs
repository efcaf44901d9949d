//! A file that is not what was opened any more.

use std::{fs, path::Path};

use super::{
    super::{HistorySync, file::Opened},
    file, run_of, write,
};

/// Opens a file that has something in it, and checks what is said of it after something was done to
/// it.
fn check(name: &str, does: impl Fn(&Path), expected: Option<&str>) {
    let path = file(name);
    let mut opened = Opened::open(&path, HistorySync::Normal).unwrap();
    write(&mut opened.writer, &[run_of("t", 1, "a", 1..=500)], None);
    opened.writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    assert_eq!(opened.watch.look(), Ok(()), "{name}");
    does(&path);
    let said = opened.watch.look();
    match expected {
        None => assert_eq!(said, Ok(()), "{name}"),
        Some(expected) => {
            let said = said.unwrap_err();
            assert!(said.contains(expected) && said.contains(", expected"), "{name}: {said}");
            assert!(opened.watch.look().is_err(), "{name}: it stays so");
        }
    }
}

#[test]
fn a13_a_file_that_goes_is_noticed() {
    check("untouched", |_| {}, None);
    check("deleted", |path| fs::remove_file(path).unwrap(), Some("deleted or moved"));
    let moves = |path: &Path| fs::rename(path, file("elsewhere")).unwrap();
    check("moved", moves, Some("deleted or moved"));
    let copies = |path: &Path| {
        let copy = file("copy");
        fs::copy(path, &copy).unwrap();
        fs::rename(copy, path).unwrap();
    };
    check("replaced", copies, Some("replaced"));
    let truncates = |to: u64| {
        move |path: &Path| {
            fs::OpenOptions::new().write(true).open(path).unwrap().set_len(to).unwrap();
        }
    };
    check("emptied", truncates(0), Some("truncated"));
    check("halved", truncates(8_192), Some("truncated"));
    let log = |path: &Path| fs::remove_file(super::super::beside(path, "-wal")).unwrap();
    check("without_log", log, Some("(-wal)"));
}

#[test]
fn a_file_that_comes_back_is_the_one_that_was_opened() {
    let (path, elsewhere) = (file("back"), file("away"));
    let mut opened = Opened::open(&path, HistorySync::Normal).unwrap();
    fs::rename(&path, &elsewhere).unwrap();
    assert!(opened.watch.look().is_err());
    fs::rename(&elsewhere, &path).unwrap();
    assert_eq!(opened.watch.look(), Ok(()));
}

#[test]
fn a_file_that_is_compacted_is_not_truncated() {
    let path = file("compacted");
    let mut opened = Opened::open(&path, HistorySync::Normal).unwrap();
    write(&mut opened.writer, &[run_of("t", 1, "a", 1..=5_000)], None);
    opened.writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    assert_eq!(opened.watch.look(), Ok(()));
    opened.writer.execute_batch("DELETE FROM message; VACUUM").unwrap();
    opened.writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    assert_eq!(opened.watch.look(), Ok(()));
    let length = fs::metadata(&path).unwrap().len();
    assert!(length < 100_000, "it did become shorter: {length}");
}
