//! A server that is killed in the middle of it, again and again, and its history.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    Client,
    history::{all, file, numbers, page},
};

const TOPICS: [&str; 3] = ["lasting", "room:1", "room:2"];
const EVENTS: [&str; 2] = ["message", "note"];

const SETTINGS: &str = r#"
    [connections]
    events_per_window = 1_000_000

    [[rooms]]
    pattern = "lasting"
    events = [{name = "*", history = 5}]

    [default_room]
    events = [{name = "*", history = 3}]
"#;

/// What the file has: topic and event name, with epochs and offsets in order, and the numbers.
type Content = BTreeMap<(String, String), Vec<((i64, i64), usize)>>;

/// Starts the program, and waits until it listens.
fn serve(history: &Path) -> (Child, SocketAddr) {
    let settings = history.with_file_name("settings.toml");
    std::fs::write(&settings, SETTINGS).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_parlor-server"));
    program.args(["--listen", "127.0.0.1:0", "--lanes", "2", "--config"]).arg(settings);
    program.arg("--history").arg(history);
    let mut program = program.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(program.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((_, at)) = line.split_once("health: http://") {
            let at = at.trim_end_matches("/healthz").parse().unwrap();
            return (program, at);
        }
        said.push(line);
    }
    program.wait().unwrap();
    panic!("{said:?}, expected a server")
}

/// What the file has, which has to be whole: each room's messages from the first one on, none of
/// them twice.
fn content(history: &Path) -> Content {
    let file = Connection::open(history).unwrap();
    let check: String = file.query_one("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let sql = "
        SELECT topic.name, event, epoch, offset, payload, held FROM message
        JOIN place ON place.id = message.place JOIN topic ON topic.id = place.topic
        ORDER BY epoch, offset";
    let mut rows = file.prepare(sql).unwrap();
    let mut rows = rows.query([]).unwrap();
    let (mut content, mut held) = (Content::new(), BTreeMap::new());
    let mut rooms = BTreeMap::<(String, i64), Vec<i64>>::new();
    while let Some(row) = rows.next().unwrap() {
        let place: (String, String) = (row.get(0).unwrap(), row.get(1).unwrap());
        let (epoch, offset) = (row.get(2).unwrap(), row.get(3).unwrap());
        let payload: String = row.get(4).unwrap();
        let payload: Value = serde_json::from_str(&payload).unwrap();
        rooms.entry((place.0.clone(), epoch)).or_default().push(offset);
        held.insert(place.clone(), row.get::<_, i64>(5).unwrap());
        let number = payload["number"].as_u64().unwrap().try_into().unwrap();
        content.entry(place).or_default().push(((epoch, offset), number));
    }
    for ((topic, epoch), offsets) in rooms {
        let from_the_first: Vec<_> = (1..).take(offsets.len()).collect();
        assert_eq!(offsets, from_the_first, "{topic} in {epoch} has neither holes nor doubles");
    }
    for (place, messages) in &content {
        assert_eq!(usize::try_from(held[place]), Ok(messages.len()), "{place:?} is counted");
        let numbers: Vec<_> = messages.iter().map(|(_, number)| *number).collect();
        assert!(numbers.is_sorted_by(|one, next| one < next), "{place:?} is in order: {numbers:?}");
    }
    content
}

/// Not to be foreseen, but the same again for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }
}

async fn enter(at: SocketAddr) -> Client {
    let mut client = Client::connect(at, "user_id=ann").await.unwrap();
    for topic in TOPICS {
        client.join(topic, json!({})).await;
    }
    client
}

/// Says something, without waiting for an answer.
async fn say(client: &mut Client, chance: &mut Chance, number: usize) -> String {
    let (topic, event) = (TOPICS[chance.below(3)], EVENTS[chance.below(2)]);
    let filling = "x".repeat(chance.below(2_000));
    client.send(topic, event, json!({"number": number, "filling": filling})).await
}

/// A seed of its own, or that of a run to be repeated: `PARLOR_SEED`.
#[expect(clippy::disallowed_methods, reason = "the run to be repeated is named outside")]
fn seed() -> u64 {
    if let Ok(seed) = std::env::var("PARLOR_SEED") {
        return seed.parse().unwrap();
    }
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).unwrap();
    u64::from_le_bytes(seed)
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a run that fails can be repeated by its seed")]
async fn a_history_survives_kill_9_whole() {
    let history = file("killed");
    let seed = seed();
    eprintln!("PARLOR_SEED={seed}");
    let mut chance = Chance(seed);
    let (mut number, mut before) = (0, Content::new());
    for round in 0..8 {
        let (mut program, at) = serve(&history);
        let mut ann = enter(at).await;
        // It goes on with what the file has, of all runs so far.
        for topic in TOPICS {
            for event in EVENTS {
                let place = (topic.to_owned(), event.to_owned());
                let expected = before.get(&place).into_iter().flatten().rev();
                let expected: Vec<_> = expected.map(|(_, number)| *number).collect();
                let length = 20 + chance.below(50);
                let shown = all(&mut ann, topic, event, length).await;
                assert_eq!(numbers(&shown), expected, "{place:?} in round {round}");
            }
        }

        for _ in 0..20 + chance.below(200) {
            number += 1;
            let reference = say(&mut ann, &mut chance, number).await;
            if chance.below(3) == 0 {
                assert_eq!(ann.reply(&reference).await.0, "ok");
            }
        }
        // What a page has shown from beyond memory is in the file.
        let topic = TOPICS[chance.below(3)];
        let shown = page(&mut ann, topic, "message", 6, 999).await;
        for _ in 0..chance.below(100) {
            number += 1;
            say(&mut ann, &mut chance, number).await;
        }
        program.kill().unwrap();
        program.wait().unwrap();

        let after = content(&history);
        for (place, messages) in &before {
            let kept = &after[place][..messages.len()];
            assert_eq!(kept, messages, "{place:?} has what it had before round {round}");
        }
        let place = (topic.to_owned(), "message".to_owned());
        let in_file: Vec<_> = after.get(&place).into_iter().flatten().map(|(_, n)| *n).collect();
        for number in numbers(&shown) {
            assert!(in_file.contains(&number), "{number} was shown in {topic}, {in_file:?}");
        }
        before = after;
    }
    let count: usize = before.values().map(Vec::len).sum();
    assert!(count > number / 2, "{count} of {number} were kept");
}
