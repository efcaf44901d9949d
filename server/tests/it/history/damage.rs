//! A file that is damaged, deleted or used by another server while a server runs.

use std::{
    fs,
    os::unix::fs::{FileExt, symlink},
    path::Path,
};

use parlor_server::{HistorySettings, Server, Settings, StartError};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{all, file, keeping, numbers, publish};
use crate::{Running, get, metrics::ask, settings, start, until};

/// What `/healthz` has that does not work.
async fn degraded(running: &Running) -> Value {
    let response = get(running.at, "/healthz").await;
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    serde_json::from_str::<Value>(body).unwrap()["degraded"].clone()
}

/// Damages what the file has of messages, but for its first pages, which are checked at the start.
fn damage(path: &Path) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    let length = file.metadata().unwrap().len();
    for page in (0..length / 4_096).skip(20) {
        file.write_all_at(&[0xa5; 4_096], page * 4_096).unwrap();
    }
}

#[tokio::test]
async fn a13_damage_is_told_to_the_client_that_asks_and_where_it_is_watched() {
    let path = file("damaged");
    let running = start(keeping(HistorySettings::new(&path))).await;
    for number in 0..3_000 {
        publish(&running, "lasting", "message", number).await;
    }
    until(|| running.server.history().unwrap().waiting_bytes == 0).await;
    Connection::open(&path).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    damage(&path);
    let mut ann = running.client("ann").await;
    ann.join("lasting", json!({})).await;
    assert_eq!(degraded(&running).await, Value::Null, "nobody has noticed");

    // Memory has the newest seven.
    let asked = json!({"event": "message", "start": 0, "end": 5});
    let (status, page) = ann.ask("lasting", "parlor:history", asked.clone()).await;
    assert_eq!((status.as_str(), page["messages"].as_array().unwrap().len()), ("ok", 5));
    let asked = json!({"event": "message", "end": 500});
    let (status, page) = ann.ask("lasting", "parlor:history", asked).await;
    assert_eq!(status, "ok", "{page}");
    let newest: Vec<_> = (2_993..3_000).rev().collect();
    assert_eq!(numbers(page["messages"].as_array().unwrap()), newest);
    let asked = json!({"event": "message", "before": page["more"], "end": 500});
    let (status, refused) = ann.ask("lasting", "parlor:history", asked).await;
    assert_eq!((status.as_str(), &refused["reason"]), ("error", &json!("unavailable")));
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains("can't be read"), "{message}");

    let mut bob = running.dialogue("bob").await;
    bob.join("lasting").await;
    let asked = json!({"roomId": "lasting", "eventName": "message", "start": 0, "end": 500});
    let told = bob.ask("dialogue:getHistory", asked, "dialogue:error").await;
    assert!(told["message"].as_str().unwrap().contains("can't be read"), "{told}");

    let said = degraded(&running).await;
    assert!(said[0].as_str().unwrap().contains("damaged"), "{said}");
    let metrics = ask(running.at, "/metrics", "host: localhost\r\n").await;
    assert!(metrics.contains("\nparlor_store_failed 1\n"), "{metrics}");
    running.shutdown().await;
}

#[tokio::test]
async fn a13_a_file_that_is_deleted_is_told_and_one_that_comes_back_is_written() {
    let path = file("deleted");
    let running = start(keeping(HistorySettings::new(&path))).await;
    let away = path.with_extension("away");
    publish(&running, "lasting", "message", 0).await;
    until(|| running.server.history().unwrap().waiting_bytes == 0).await;
    fs::rename(&path, &away).unwrap();
    for number in 1..30 {
        publish(&running, "lasting", "message", number).await;
    }
    let mut ann = running.client("ann").await;
    ann.join("lasting", json!({})).await;
    let asked = json!({"event": "message", "start": 7, "end": 50});
    let (status, refused) = ann.ask("lasting", "parlor:history", asked).await;
    assert_eq!((status.as_str(), &refused["reason"]), ("error", &json!("unavailable")));
    let said = degraded(&running).await;
    assert!(said[0].as_str().unwrap().contains("deleted or moved"), "{said}");
    let kept = running.server.history().unwrap();
    assert_eq!((kept.written, kept.lost), (1, 0), "nothing is written into nothing");

    fs::rename(&away, &path).unwrap();
    until(|| running.server.history().unwrap().waiting_bytes == 0).await;
    let shown = numbers(&all(&mut ann, "lasting", "message", 9).await);
    assert_eq!(shown, (0..30).rev().collect::<Vec<_>>());
    assert_eq!(degraded(&running).await, Value::Null);
    running.shutdown().await;
}

#[tokio::test]
async fn a13_two_servers_share_neither_a_history_nor_a_journal() {
    let path = file("shared");
    let journal = path.with_file_name("journal");
    let both = Settings {
        lanes: 2,
        journal: Some(journal.clone()),
        ..keeping(HistorySettings::new(&path))
    };
    let running = start(both.clone()).await;
    let directory = path.parent().unwrap();
    let elsewhere = file("shared_elsewhere");
    let elsewhere = elsewhere.parent().unwrap();
    fs::hard_link(&path, elsewhere.join("hard.sqlite")).unwrap();
    symlink(&path, elsewhere.join("soft.sqlite")).unwrap();
    for other in [&path, &elsewhere.join("hard.sqlite"), &elsewhere.join("soft.sqlite")] {
        let refused = Server::start(keeping(HistorySettings::new(other))).unwrap_err();
        assert!(matches!(refused, StartError::History(..)), "{refused}");
        assert!(refused.to_string().contains("another server uses it, expected"), "{refused}");
    }

    fs::hard_link(&journal, elsewhere.join("hard")).unwrap();
    symlink(&journal, elsewhere.join("soft")).unwrap();
    symlink(directory, elsewhere.join("directory")).unwrap();
    let line_count = || fs::read_to_string(&journal).unwrap().lines().count();
    let others = [
        journal.clone(),
        elsewhere.join("hard"),
        elsewhere.join("soft"),
        elsewhere.join("directory/journal"),
    ];
    for other in others {
        let alone = Settings { journal: Some(other.clone()), ..settings() };
        let refused = Server::start(alone).unwrap_err();
        assert!(matches!(refused, StartError::Journal(..)), "{other:?}: {refused}");
        assert!(refused.to_string().contains("another server writes it, expected"), "{refused}");
    }
    assert!(journal.exists(), "the journal is where it was");
    let before = line_count();
    publish(&running, "lasting", "message", 1).await;
    running.client("ann").await.join("lasting", json!({})).await;
    running.shutdown().await;
    assert!(line_count() > before, "it is written still");
    // It is free for the next one.
    start(both).await.shutdown().await;
}
