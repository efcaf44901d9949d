//! Channels that are saved in files, and go on from them.

use std::{fs, io::Write, path::Path};

use super::{JOIN, JOINED, LEAVE, LEFT, busy, check, file, parlor, run};

/// A place for a file of one test, where there is none.
fn no_file(name: &str) -> String {
    let path = file(name, "");
    fs::remove_file(&path).unwrap();
    path.to_str().unwrap().into()
}

#[test]
fn half_a_chat_and_the_other_half_are_the_whole() {
    let config = file(
        "half.json",
        r#"{"grace_ms":9,"default_room":{"presence_window_ms":7,"events":[{"name":"*","history":3}]}}"#,
    );
    let configured = ["--config", config.to_str().unwrap()];
    let saved = no_file("half.saved");
    let chat = busy() + &format!("{JOIN}\n{LEAVE}\n");
    let lines: Vec<_> = chat.lines().collect();
    let whole = run(&configured, &chat);
    let in_the_end = no_file("whole.saved");
    run(&[&configured[..], &["--save", &in_the_end]].concat(), &chat);

    for cut in [0, 1, 700, 1_999, lines.len()] {
        let (first, second) = lines.split_at(cut);
        let first = run(&[&configured[..], &["--save", &saved]].concat(), first.join("\n"));
        // It may be loaded from where it is saved again.
        let second = run(&["--load", &saved, "--save", &saved], second.join("\n"));
        for output in [&first, &second] {
            assert_eq!(String::from_utf8_lossy(&output.stderr), "");
            assert_eq!(output.status.code(), Some(0));
        }
        assert!([first.stdout, second.stdout].concat() == whole.stdout, "cut at {cut}");
        assert!(fs::read(&saved).unwrap() == fs::read(&in_the_end).unwrap(), "cut at {cut}");
    }
    assert!(!Path::new(&format!("{saved}.tmp")).exists());
}

#[test]
fn what_is_counted_is_counted_of_this_run() {
    let saved = no_file("counted.saved");
    check(&["--save", &saved], JOIN, (JOINED, "", 0));
    let output = run(&["--load", &saved, "--stats"], LEAVE);
    let stderr = String::from_utf8(output.stderr).unwrap();
    let numbers: Vec<_> = stderr.lines().take(2).map(str::split_whitespace).collect();
    let numbers: Vec<Vec<_>> = numbers.into_iter().map(Iterator::collect).collect();
    assert_eq!(numbers, [["events", "1"], ["leave", "1"]], "{stderr}");
}

#[test]
fn only_a_run_that_ends_saves() {
    let saved = no_file("stopped.saved");
    let output = run(&["--save", &saved], format!("{JOIN}\nnope\n{LEAVE}\n"));
    assert_eq!(output.status.code(), Some(2));
    assert!(!Path::new(&saved).exists());

    let output = run(&["--save", &saved, "--keep-going"], format!("{JOIN}\nnope\n"));
    assert_eq!(output.status.code(), Some(1));
    check(&["--load", &saved], LEAVE, (LEFT, "", 0));

    let before = fs::read(&saved).unwrap();
    let output = run(&["--load", &saved, "--save", &saved], format!("{LEAVE}\nnope\n"));
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read(&saved).unwrap(), before, "what was saved is as it was");
}

#[test]
fn nobody_reading_is_an_end_that_saves_nothing() {
    let saved = no_file("unread.saved");
    let mut child = parlor(&["--save", &saved]).spawn().unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(JOIN.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let message = format!("parlor: {saved}: can't be written: nobody reads standard output\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), message);
    assert_eq!(output.status.code(), Some(1));
    assert!(!Path::new(&saved).exists());
}

#[test]
fn what_cannot_be_saved_is_reported_after_the_output() {
    let directory = env!("CARGO_TARGET_TMPDIR");
    let missing = format!("{directory}/there is no such directory/saved");
    for path in ["", directory, "/", &missing] {
        let output = run(&["--save", path], JOIN);
        assert_eq!(String::from_utf8_lossy(&output.stdout), JOINED);
        let message = String::from_utf8(output.stderr).unwrap();
        let name = if path.is_empty() { "\"\"" } else { path };
        assert!(message.starts_with(&format!("parlor: {name}: can't be written: ")), "{message}");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[cfg(unix)]
#[test]
fn a_link_stays_and_what_is_no_file_is_not_replaced() {
    let (saved, link) = (no_file("linked.saved"), no_file("link.saved"));
    fs::write(&saved, "").unwrap();
    std::os::unix::fs::symlink(&saved, &link).unwrap();
    check(&["--save", &link], JOIN, (JOINED, "", 0));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    check(&["--load", &saved], LEAVE, (LEFT, "", 0));

    let message = "parlor: /dev/null: can't be written: it is no regular file\n";
    check(&["--save", "/dev/null"], JOIN, (JOINED, message, 1));
}

#[test]
fn what_is_wrong_with_a_saved_channel_is_told_with_its_file() {
    let saved = no_file("good.saved");
    check(&["--save", &saved], JOIN, (JOINED, "", 0));
    let good = fs::read_to_string(&saved).unwrap();
    for (content, expected) in [
        (String::new(), "expected a snapshot of a channel: EOF while parsing a value"),
        (good[..good.len() / 2].into(), "expected a snapshot of a channel: EOF while parsing"),
        (JOINED.into(), "expected a snapshot of a channel: missing field `parlor_snapshot`"),
        (
            good.replace(":2,\"checksum\"", ":3,\"checksum\""),
            "the snapshot has version 3, expected 2",
        ),
        (good.replace("\"u1\"", "\"u2\""), "the snapshot is damaged: its checksum is \""),
    ] {
        let path = file("bad.saved", content);
        let path = path.to_str().unwrap();
        let output = run(&["--load", path], LEAVE);
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.starts_with(&format!("parlor: {path}: {expected}")), "{message}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    }
    let output = run(&["--load", "there is no such file"], LEAVE);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.starts_with("parlor: there is no such file: can't be read: "), "{message}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_line_may_be_as_long_as_the_payloads_of_a_saved_configuration() {
    let config = file("longer.json", r#"{"limits":{"payload_bytes":70000}}"#);
    let saved = no_file("longer.saved");
    let arguments = ["--config", config.to_str().unwrap(), "--save", &saved];
    check(&arguments, JOIN, (JOINED, "", 0));
    let padded = format!("{}{LEAVE}", " ".repeat(16 * 70_000 - LEAVE.len()));
    check(&["--load", &saved], padded, (LEFT, "", 0));
}
