//! What was recorded once: chats, and what fuzzing starts from.

use std::{
    fs,
    hash::{DefaultHasher, Hasher},
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
};

use parlor::{Channel, Event, EventKind};

use super::{
    damage,
    harness::{Pace, Setup, check_bytes, check_events, check_lines},
};

/// Where the recording of real chats lies, beside the repository or further up; it is no part of it.
const REAL_CHATS: &str = "shared/traces/ubuntu-irc-test.ndjson.gz";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Reads a recording: an event a line.
fn events(lines: &str) -> Vec<Event> {
    let read = |(number, line)| {
        let event = serde_json::from_str(line);
        event.unwrap_or_else(|error| panic!("line {}: {error}: {line}", number + 1))
    };
    lines.lines().enumerate().map(read).collect()
}

/// What a channel writes, in bytes: how many there are, and their hash.
#[derive(Debug, Default, PartialEq)]
struct Written {
    bytes: u64,
    hash: u64,
}

struct Measure(u64, DefaultHasher);

impl Write for Measure {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        self.1.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written(events: &[Event], mut channel: Channel) -> Written {
    let mut measure = Measure(0, DefaultHasher::new());
    for event in events {
        channel.handle(event.clone());
        for outbound in channel.flush_outbox() {
            serde_json::to_writer(&mut measure, &outbound).expect("a message is written");
        }
    }
    Written { bytes: measure.0, hash: measure.1.finish() }
}

/// Replays to all that have to agree, and twice more to compare the bytes.
fn check_recording(events: &[Event], setup: &Setup, pace: Pace) -> Written {
    check_events(events, setup, 0x8000_0000_0000_0001, pace);
    let [first, second] = setup.channels().map(|channel| written(events, channel));
    assert_eq!(first, second, "two runs write the same bytes");
    first
}

#[test]
fn recorded_chat_agrees_with_the_model() {
    let path = root().ancestors().take(5).map(|parent| parent.join(REAL_CHATS));
    let Some(path) = path.into_iter().find(|path| path.exists()) else {
        // Past the capture of tests' output, so that it is seen.
        let skipped = format!("SKIPPED: {REAL_CHATS} is not here, no real chat was replayed\n");
        io::stderr().write_all(skipped.as_bytes()).expect("stderr is there");
        return;
    };
    let gunzip = Command::new("gzip").arg("-dc").arg(&path).output().expect("gzip runs");
    assert!(gunzip.status.success(), "gzip -dc {} fails", path.display());
    let events = events(&String::from_utf8(gunzip.stdout).expect("it is text"));
    assert_eq!(events.len(), 16_463, "the recording is whole");

    let written = check_recording(&events, &Setup::plain(), Pace { touched: 100, all: 8_000 });
    assert!(written.bytes > 0);
}

#[test]
fn a_day_in_the_office_agrees_with_the_model() {
    let events = events(include_str!("recordings/a-day-in-the-office.ndjson"));
    let mut kinds: Vec<_> = events.iter().map(Event::kind).collect();
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds, EventKind::ALL, "it has events of every kind");
    for setup in Setup::all() {
        let _written = check_recording(&events, &setup, Pace::CLOSE);
    }
}

/// The committed files in a directory, by name; what a fuzzer found is named by a hash.
fn seeds(target: &str) -> Vec<PathBuf> {
    let directory = root().join("fuzz/corpus").join(target);
    let entries = fs::read_dir(&directory).expect("the directory of seeds is there");
    let mut seeds: Vec<_> = entries.map(|entry| entry.expect("it is read").path()).collect();
    seeds.retain(|path| path.file_name().is_some_and(|name| name.len() < 40));
    seeds.sort();
    assert!(seeds.len() > 5, "{} has seeds", directory.display());
    seeds
}

#[test]
fn the_ops_that_fuzzing_starts_from_agree_with_the_model() {
    for path in seeds("ops") {
        check_bytes(&fs::read(&path).expect("a seed is read"));
    }
}

#[test]
fn the_lines_that_fuzzing_starts_from_agree_with_the_model() {
    for path in seeds("json") {
        check_lines(&fs::read(&path).expect("a seed is read"));
    }
}

#[test]
fn the_snapshots_that_fuzzing_starts_from_are_refused_or_survived() {
    for path in seeds("snapshot") {
        damage::check_bytes(&fs::read(&path).expect("a seed is read"));
    }
}
