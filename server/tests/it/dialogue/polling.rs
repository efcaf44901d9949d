//! Clients that poll.

use parlor::{Address, Config, EventDefinition, Payload, Publish, RoomConfig};
use parlor_server::Settings;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::Dialogue;
use crate::{PATIENCE, Running, get, settings, start};

/// A client that polls, each time by a connection of its own.
pub struct Poller<'a> {
    running: &'a Running,
    path: String,
    /// How often it was pinged.
    pings: usize,
}

impl<'a> Poller<'a> {
    pub async fn open(running: &'a Running) -> Self {
        let path = "/socket.io/?EIO=4&transport=polling".to_owned();
        let answer = get(running.at, &path).await;
        let open: Value = serde_json::from_str(body(&answer).strip_prefix('0').unwrap()).unwrap();
        let path = format!("{path}&sid={}", open["sid"].as_str().unwrap());
        Self { running, path, pings: 0 }
    }

    /// Opens the WebSocket that its transport is to become.
    pub async fn upgrade(&self) -> Dialogue {
        let path = self.path.replace("transport=polling", "transport=websocket");
        Dialogue::open(&format!("ws://{}{path}", self.running.at)).await
    }

    /// Polls until it was asked whether it lives, which comes at the beginning.
    pub async fn pinged(&mut self) {
        while self.pings == 0 {
            self.poll().await;
        }
    }

    pub async fn post(&self, packets: &[&str]) {
        let body = packets.join("\x1e");
        let mut stream = TcpStream::connect(self.running.at).await.unwrap();
        let (path, length) = (&self.path, body.len());
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\
             content-type: text/plain\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all((head + &body).as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("in time").unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Polls until there are as many events as wanted.
    pub async fn events(&mut self, wanted: usize) -> Vec<(String, Value)> {
        let mut events = Vec::new();
        while events.len() < wanted {
            events.extend(self.poll().await);
        }
        events
    }

    /// Waits for what comes next, and answers pings.
    async fn poll(&mut self) -> Vec<(String, Value)> {
        let answer = get(self.running.at, &self.path).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let mut events = Vec::new();
        for packet in body(&answer).split('\x1e') {
            if packet == "2" {
                self.pings += 1;
                self.post(&["3"]).await;
            } else if let Some(array) = packet.strip_prefix("42") {
                events.push(serde_json::from_str(array).unwrap());
            }
        }
        events
    }
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test]
async fn one_that_polls_says_and_hears_the_same() {
    let running = start(settings()).await;
    let mut bob = running.dialogue("bob").await;
    bob.join("any").await;
    let mut ann = Poller::open(&running).await;
    ann.post(&[
        r#"40{"userId":"ann"}"#,
        r#"42["dialogue:join",{"roomId":"any"}]"#,
        r#"42["dialogue:trigger",{"roomId":"any","event":"e","data":1}]"#,
        r#"42["dialogue:trigger",{"roomId":"any","event":"e","data":2}]"#,
    ])
    .await;
    let events = ann.events(4).await;
    let names: Vec<_> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["dialogue:connected", "dialogue:joined", "dialogue:event", "dialogue:event"]
    );
    assert_eq!([&events[2].1["data"], &events[3].1["data"]], [&json!(1), &json!(2)]);
    assert_eq!([bob.hear("any", "e").await, bob.hear("any", "e").await], [1, 2]);
    for n in 0..100 {
        bob.trigger("any", "e", json!(n)).await;
    }
    let data = ann.events(100).await.into_iter().map(|(_, message)| message["data"].clone());
    assert!(data.eq((0..100).map(|n| json!(n))));
}

#[tokio::test]
async fn what_no_client_asks_is_no_connection() {
    let running = start(settings()).await;
    for (query, code) in [
        ("", 400),
        ("?EIO=3&transport=polling", 400),
        ("?EIO=4&transport=carrier-pigeon", 400),
        ("?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAA", 400),
    ] {
        let answer = get(running.at, &format!("/socket.io/{query}")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {code}")), "{query}: {answer}");
    }
    assert_eq!(running.server.connections(), 0);
}

#[tokio::test]
async fn what_is_said_has_to_arrive_in_time() {
    let mut settings = settings();
    // The request before it has to arrive within that too.
    settings.connections.handshake_ms = 1_000;
    let running = start(settings).await;
    let poller = Poller::open(&running).await;
    let mut stream = TcpStream::connect(running.at).await.unwrap();
    let head = format!("POST {} HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\n4", poller.path);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("in time").unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    running.shutdown().await;
}

#[tokio::test]
async fn one_that_polls_is_told_that_the_server_restarts() {
    let running = start(settings()).await;
    let mut bob = running.dialogue("bob").await;
    bob.join("any").await;
    let mut ann = Poller::open(&running).await;
    ann.post(&[r#"40{"userId":"ann"}"#, r#"42["dialogue:join",{"roomId":"any"}]"#]).await;
    ann.events(2).await;
    // The first ping comes at the beginning, but not always with what else comes then.
    ann.pinged().await;
    // It waits for what comes, as clients do. That the server has its request is known by the answer
    // to one that came with it.
    let mut stream = TcpStream::connect(running.at).await.unwrap();
    let requests = format!(
        "GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n\
         GET {} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n",
        ann.path
    );
    stream.write_all(requests.as_bytes()).await.unwrap();
    let mut answers = vec![0; 12];
    timeout(PATIENCE, stream.read_exact(&mut answers)).await.expect("in time").unwrap();
    assert_eq!(answers, b"HTTP/1.1 200");
    running.server.shutdown().await;
    timeout(PATIENCE, stream.read_to_end(&mut answers)).await.expect("in time").unwrap();
    let answers = String::from_utf8(answers).unwrap();
    assert!(answers.contains("parlor:closing"), "{answers:?}");
}

#[tokio::test]
async fn a1_one_that_polls_gets_all_that_it_has_missed() {
    let room = RoomConfig::default().with_event(EventDefinition::new("*").with_history(10_000));
    let channel = Config::builder().grace_ms(1 << 40).default_room(room).build().unwrap();
    let mut settings = Settings { channel, ..settings() };
    settings.connections.queue_bytes = 80 << 10;
    let running = start(settings).await;
    let enter = r#"40{"userId":"ann","session":"s"}"#;
    let mut ann = Poller::open(&running).await;
    ann.post(&[enter, r#"42["dialogue:join",{"roomId":"any"}]"#]).await;
    ann.events(2).await;
    // It polls no more, and is cut off.
    let (many, blob) = (300, "x".repeat(20_000));
    for number in 0..many {
        let payload = Payload::json(json!([number, blob]).to_string()).unwrap();
        let publish = Publish::new(Address::Topic("any".into()), "e", payload);
        running.server.publish(publish).await.unwrap();
    }

    let mut ann = Poller::open(&running).await;
    ann.post(&[enter]).await;
    let mut next = None;
    while next != Some(many) {
        for (_, message) in
            ann.poll().await.into_iter().filter(|(name, _)| name == "dialogue:event")
        {
            let number = message["data"][0].as_u64().unwrap();
            assert_eq!(next.unwrap_or(number), number, "in order, and none is missing");
            next = Some(number + 1);
        }
    }
}
