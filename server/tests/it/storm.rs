//! Clients who come, go, are cut off and come back at random: in the end everybody sees who is there.

use std::collections::{BTreeMap, BTreeSet};

use parlor::Config;
use parlor_server::Settings;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{Client, PATIENCE, Running, settings, start, until};

const USERS: usize = 8;
const TOPICS: usize = 5;
const STEPS: usize = 400;

/// A grace that no test lives to see the end of.
const FOR_EVER: u64 = 1 << 40;

/// Who is present where: user, and the refs of its metas.
type View = BTreeMap<String, BTreeSet<String>>;

/// One who may be connected, and what it has joined since it came.
#[derive(Default)]
struct Player {
    client: Option<Client>,
    joined: BTreeSet<String>,
}

struct Storm {
    running: Running,
    players: Vec<Player>,
    random: u32,
    /// How many lists were looked at.
    views: usize,
}

impl Storm {
    fn below(&mut self, below: usize) -> usize {
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.random >> 16) as usize % below
    }

    async fn step(&mut self) {
        let (number, topic) = (self.below(USERS), format!("room:{}", self.below(TOPICS)));
        let what = self.below(20);
        let Player { client, joined } = &mut self.players[number];
        let Some(connected) = client else {
            // Two users have two clients each, which come back as themselves.
            let user = format!("user{}", number % (USERS - 2));
            *client = Some(self.running.returning(&user, &format!("session{number}")).await);
            return;
        };
        match what {
            0..10 => {
                connected.join(&topic, json!({"meta": {"by": number}})).await;
                joined.insert(topic);
            }
            10..13 => {
                connected.ask(&topic, "phx_leave", json!({})).await;
                joined.remove(&topic);
            }
            13..16 => {
                connected.ask(&topic, "parlor:track", json!({"meta": {"at": number}})).await;
            }
            16..18 => {
                connected.ask(&topic, "say", json!(number)).await;
            }
            18 => {
                // Without a word. What it had joined waits for it.
                *client = None;
                joined.clear();
            }
            19 => {
                let user = format!("user{}", number % (USERS - 2));
                let newer = self.running.returning(&user, &format!("session{number}")).await;
                assert_eq!(connected.closed().await.0, 4000);
                *client = Some(newer);
                joined.clear();
            }
            20.. => unreachable!("it is below twenty"),
        }
    }

    /// Waits until the server has noticed who has gone, and, where they are not waited for, nobody
    /// is waited for.
    async fn settle(&self, grace_ms: u64) {
        let connected = self.players.iter().filter(|player| player.client.is_some()).count();
        let server = &self.running.server;
        until(|| server.connections() == connected).await;
        let all_gone = async {
            while server.stats().await.unwrap().detached > 0 {
                tokio::task::yield_now().await;
            }
        };
        if grace_ms < FOR_EVER {
            timeout(PATIENCE, all_gone).await.expect("nobody is waited for in the end");
        }
    }

    /// Everybody who is connected sees who is there, wherever it has joined.
    async fn check(&mut self) {
        let mut truth = BTreeMap::new();
        for topic in (0..TOPICS).map(|number| format!("room:{number}")) {
            let entries = self.running.server.presences(topic.as_str()).await.unwrap().unwrap();
            let entries = serde_json::to_value(&entries).unwrap();
            let view = entries.as_array().unwrap().iter().map(|entry| {
                let refs = entry["metas"].as_array().unwrap().iter().map(|meta| &meta["ref"]);
                (text(&entry["key"]), refs.map(text).collect())
            });
            truth.insert(topic, view.collect::<View>());
        }
        for Player { client, joined } in &mut self.players {
            let Some(client) = client else { continue };
            for topic in &*joined {
                client.ask(topic, "say", json!("fence")).await;
                assert_eq!(view_of(&client.heard, topic), truth[topic], "{topic}");
                self.views += 1;
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What a client makes of what it has heard, by the rules of Phoenix.
fn view_of(heard: &[Value], topic: &str) -> View {
    let refs = |entry: &Value| {
        let metas = entry["metas"].as_array().unwrap().iter();
        metas.map(|meta| text(&meta["phx_ref"])).collect::<BTreeSet<_>>()
    };
    let mut view = View::new();
    for frame in heard.iter().filter(|frame| frame[2] == topic) {
        let payload = &frame[4];
        if frame[3] == "presence_state" {
            let all = payload.as_object().unwrap().iter();
            view = all.map(|(key, entry)| (key.clone(), refs(entry))).collect();
        } else if frame[3] == "presence_diff" {
            for (key, entry) in payload["joins"].as_object().unwrap() {
                let new = refs(entry);
                let known = view.entry(key.clone()).or_default();
                assert!(known.is_disjoint(&new), "{key} comes twice");
                known.extend(new);
            }
            for (key, entry) in payload["leaves"].as_object().unwrap() {
                let known = view.get_mut(key).expect("who leaves was there");
                for gone in refs(entry) {
                    assert!(known.remove(&gone), "{key} leaves twice");
                }
                if known.is_empty() {
                    view.remove(key);
                }
            }
        }
    }
    view
}

#[tokio::test]
async fn whatever_happens_all_see_who_is_there() {
    for seed in 0..4 {
        // A grace that hardly anybody comes back in, and one that all do.
        let grace_ms = if seed % 2 == 0 { 1 } else { FOR_EVER };
        let channel = Config::builder().grace_ms(grace_ms).build().unwrap();
        let mut limits = settings().connections;
        limits.events_per_window = u32::MAX;
        let settings = Settings { channel, connections: limits, ..settings() };
        let players = (0..USERS).map(|_| Player::default()).collect();
        let mut storm = Storm { running: start(settings).await, players, random: seed, views: 0 };
        for _ in 0..4 {
            for _ in 0..STEPS / 4 {
                storm.step().await;
            }
            storm.settle(grace_ms).await;
            storm.check().await;
        }
        assert!(storm.views > 20, "seed {seed}: {} lists were looked at", storm.views);
    }
}
