//! What is recorded replays, byte for byte.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
};

use parlor::{
    Address, Channel, Config, EventDefinition, Kick, LineReader, Outbound, Payload, Publish,
    RoomConfig, Topic,
};
use parlor_server::{HistorySettings, Settings};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::{Client, Running, built, settings, start, until};

/// What the channel has said, a line each.
type Lines = Arc<Mutex<String>>;

fn recording(directory: &str) -> (Settings, Lines, PathBuf) {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(directory);
    fs::remove_dir_all(&directory).ok();
    fs::create_dir_all(&directory).unwrap();
    let journal = directory.join("journal");
    let room = RoomConfig::default()
        .with_event(EventDefinition::new("*").with_history(3))
        .with_presence_window_ms(5);
    let channel = Config::builder()
        .grace_ms(1)
        .room("hall", RoomConfig::default().with_max_members(2))
        .room("windows:*", room)
        .build()
        .unwrap();
    let lines = Lines::default();
    let written = Arc::clone(&lines);
    let observer = move |outbound: &Outbound| {
        let mut lines = written.lock().unwrap();
        *lines += &serde_json::to_string(outbound).unwrap();
        lines.push('\n');
    };
    let settings = Settings {
        channel,
        journal: Some(journal.clone()),
        observer: Some(Arc::new(observer)),
        ..settings()
    };
    (settings, lines, journal)
}

/// Something of everything that happens to a server.
async fn incident(running: &Running) {
    let topics: Vec<_> = (0..9).map(|number| format!("room:{number}")).collect();
    let mut clients = Vec::new();
    for user in ["ann", "ann", "bob", "cid"] {
        let mut client = running.returning(user, &format!("session{}", clients.len())).await;
        for topic in topics.iter().map(String::as_str).chain(["hall", "windows:1"]) {
            client.ask(topic, "phx_join", json!({"meta": {"of": user}})).await;
        }
        clients.push(client);
    }
    let [ann, _, bob, cid] = &mut clients[..] else { panic!("there are four") };
    for topic in &topics {
        ann.ask(topic, "say", json!("ünï")).await;
        bob.ask(topic, "parlor:track", json!({"meta": {"away": true}})).await;
        bob.ask(topic, "phx_leave", json!({})).await;
    }
    say_what_is_hard_to_record(cid).await;
    operate(running, &topics).await;

    let second = running.returning("ann", "session1").await;
    drop(clients.remove(0));
    running.server.crash("boom").await.unwrap();
    running.server.restart().await.unwrap();
    drop((clients, second));
    until(|| running.server.connections() == 0).await;
}

async fn say_what_is_hard_to_record(cid: &mut Client) {
    // A line can't have these breaks; what it has instead is what goes in.
    let join_ref = cid.send("room:0", "phx_join", json!({})).await;
    for (number, between) in ["\n", " ", "\r\n"].into_iter().enumerate() {
        let meta = format!(r#"{{"meta":{{"a":{between}1}}}}"#);
        let track = format!(r#"["{join_ref}","t{number}","room:0","parlor:track",{meta}]"#);
        cid.send_raw(Message::Text(track.into())).await;
        let (status, response) = cid.reply(&format!("t{number}")).await;
        assert_eq!(status, "ok", "{response}");
    }
    let bytes = [&[0, 0, 1, 6, 3][..], b"9room:1bin", &[0, 255]].concat();
    cid.send_raw(Message::Binary(bytes.into())).await;
    cid.reply("9").await;
    for number in 0..5 {
        cid.ask("windows:1", "say", json!(number)).await;
    }
    cid.ask("windows:1", "parlor:history", json!({"event": "say", "end": 9})).await;
    cid.ask("nowhere", "say", json!({})).await;
}

async fn operate(running: &Running, topics: &[String]) {
    let group = topics.iter().map(|topic| Topic::from(topic.as_str()));
    running.server.add_to_group("all", group).await.unwrap();
    let payload = || Payload::json("{}").unwrap();
    for target in [Address::Group("all".into()), Address::Everyone, Address::User("ann".into())] {
        running.server.publish(Publish::new(target, "notice", payload())).await.unwrap();
    }
    let members = running.server.members("room:1").await.unwrap().unwrap();
    let last = members.ids().last().unwrap().clone();
    running.server.kick(Kick::new(last, "spam")).await.unwrap();
}

fn replayed(config: &Path, journal: &Path) -> String {
    let config = Config::from_json(&fs::read_to_string(config).unwrap()).unwrap();
    let mut channel = Channel::single_node(config);
    let bytes = fs::read(journal).unwrap();
    let mut rest = &bytes[..];
    let mut reader = LineReader::default();
    let mut lines = String::new();
    while let Some(event) = reader.read(&mut rest) {
        channel.handle(event.unwrap());
        for outbound in channel.flush_outbox() {
            lines += &serde_json::to_string(&outbound).unwrap();
            lines.push('\n');
        }
    }
    lines
}

fn config_of(journal: &Path) -> PathBuf {
    PathBuf::from(format!("{}.config.json", journal.display()))
}

#[tokio::test]
async fn a_journal_replays_what_was_said_byte_for_byte() {
    let (settings, lines, journal) = recording("replays");
    let running = start(settings).await;
    incident(&running).await;
    running.shutdown().await;

    let lines = lines.lock().unwrap();
    let config = config_of(&journal);
    assert!(lines.lines().count() > 150, "much has happened");
    assert_eq!(replayed(&config, &journal), *lines);
    // The program does what the library does.
    let parlor = built::build("parlor", &["--bin", "parlor", "--example", "embed"]);
    let output = Command::new(parlor).arg("--config").args([config, journal]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), *lines, "{:?}", output.status);
}

#[tokio::test]
async fn a_journal_replays_without_the_history_that_completed_its_pages() {
    let (settings, lines, journal) = recording("replays_history");
    let file = journal.with_file_name("history.sqlite");
    let running = start(Settings { history: Some(HistorySettings::new(file)), ..settings }).await;
    incident(&running).await;
    let read = running.server.history().unwrap();
    running.shutdown().await;

    let lines = lines.lock().unwrap();
    assert_eq!(replayed(&config_of(&journal), &journal), *lines);
    // Five were said in a room that remembers three: the others came from the file, and what came
    // from there is no event.
    assert!(read.pages > 0, "{read:?}");
    let recorded = fs::read_to_string(journal).unwrap();
    assert!(recorded.lines().any(|line| line.starts_with("{\"history\"")));
    assert_eq!(recorded.matches("\"offset\"").count(), 0, "no message is recorded twice");
}

#[tokio::test]
async fn a_journal_from_before_is_kept() {
    let (settings, _, journal) = recording("kept");
    let running = start(settings.clone()).await;
    let first = fs::read_to_string(config_of(&journal)).unwrap();
    running.shutdown().await;
    let running = start(settings).await;
    running.shutdown().await;
    let names: Vec<_> = fs::read_dir(journal.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.display().to_string().contains("journal.config.json.before-"))
        .collect();
    let [kept] = &names[..] else { panic!("{names:?}, expected one") };
    assert_eq!(fs::read_to_string(kept).unwrap(), first);
}
