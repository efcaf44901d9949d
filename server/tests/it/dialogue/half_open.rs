//! A7: connections that are dead before the server knows, of clients that give no session.

use std::{net::SocketAddr, sync::Arc};

use parlor::{Config, EventDefinition, RoomConfig};
use parlor_server::Settings;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

use super::{Dialogue, polling::Poller};
use crate::{Running, settings, start};

/// A server that asks clients often whether they live, and whose rooms remember what was said.
async fn asking() -> Running {
    let room = RoomConfig::default().with_event(EventDefinition::new("*").with_history(100));
    let channel = Config::builder().grace_ms(Settings::GRACE_MS).default_room(room);
    let mut settings = Settings { channel: channel.build().unwrap(), ..settings() };
    settings.connections.idle_ms = 1_800;
    start(settings).await
}

/// A line to a server that can be held: then nothing passes, and neither side is told.
struct Line {
    at: SocketAddr,
    held: Arc<watch::Sender<bool>>,
}

impl Line {
    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let held = Arc::new(watch::Sender::new(false));
        let holds = Arc::clone(&held);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (of_client, to_client) = client.into_split();
                let server = TcpStream::connect(server).await.unwrap();
                let (of_server, to_server) = server.into_split();
                tokio::spawn(pass(of_client, to_server, holds.subscribe()));
                tokio::spawn(pass(of_server, to_client, holds.subscribe()));
            }
        });
        Self { at, held }
    }

    fn hold(&self) {
        self.held.send_replace(true);
    }
}

/// Passes on what comes, until the line is held. The halves stay open then.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut held: watch::Receiver<bool>) {
    let mut buffer = vec![0; 4_096];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read.unwrap_or(0),
            _ = held.changed() => return std::future::pending().await,
        };
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// Connects a client of ann over a line.
async fn over(line: &Line) -> Dialogue {
    let (client, entered) = Dialogue::connect(line.at, json!({"userId": "ann"})).await;
    assert_eq!(entered.unwrap(), "ann");
    client
}

/// What bob says reaches a client.
async fn hears(bob: &mut Dialogue, client: &mut Dialogue, data: &str) {
    bob.trigger("any", "e", json!(data)).await;
    // Bob has to read, as he is asked whether he lives.
    assert_eq!(bob.hear("any", "e").await, data);
    loop {
        let (name, message) = client.next().await;
        assert_eq!((name.as_str(), &message["roomId"]), ("dialogue:event", &json!("any")));
        if message["data"] == data {
            return;
        }
    }
}

/// Bob, who is in the room, and lives on while others are waited for.
async fn bob(running: &Running) -> Dialogue {
    let mut bob = running.dialogue("bob").await;
    bob.join("any").await;
    bob
}

#[tokio::test]
async fn a7_who_is_back_before_the_server_knows_is_taken_back_when_it_does() {
    let running = asking().await;
    let line = Line::to(running.at).await;
    let mut first = over(&line).await;
    first.join("any").await;
    line.hold();

    // It has connected again, and takes itself for a member still.
    let mut second = running.dialogue("ann").await;
    assert_ne!(second.client_id, first.client_id, "the first one seems to live");
    assert_eq!(second.closed().await, (4002, false), "it is asked to reconnect");
    let mut third = running.dialogue("ann").await;
    assert_eq!(third.client_id, first.client_id);
    let mut bob = bob(&running).await;
    hears(&mut bob, &mut third, "back").await;
    assert_eq!(running.server.members("any").await.unwrap().unwrap().ids().count(), 2);
}

#[tokio::test]
async fn a7_a_client_that_polled_and_is_silent_comes_back_the_same_way() {
    let running = asking().await;
    let mut first = Poller::open(&running).await;
    first.post(&[r#"40{"userId":"ann"}"#, r#"42["dialogue:join",{"roomId":"any"}]"#]).await;
    first.events(2).await;

    let mut second = running.dialogue("ann").await;
    assert_eq!(second.closed().await, (4002, false));
    let mut third = running.dialogue("ann").await;
    let mut bob = bob(&running).await;
    hears(&mut bob, &mut third, "back").await;
    assert_eq!(running.server.members("any").await.unwrap().unwrap().ids().count(), 2);
}

#[tokio::test]
async fn a7_tabs_of_one_user_take_nothing_from_each_other() {
    let running = asking().await;
    let line = Line::to(running.at).await;
    let mut dead = over(&line).await;
    dead.join("any").await;
    let mut tab = running.dialogue("ann").await;
    tab.join("any").await;
    line.hold();

    // A tab in a room lives on when the other is found dead, and stays who it was. That the dead one
    // was found is seen by who comes back as it.
    let mut bob = bob(&running).await;
    loop {
        hears(&mut bob, &mut tab, "to the tab").await;
        let other = running.dialogue("ann").await;
        if other.client_id == dead.client_id {
            break;
        }
        other.lose();
        // Bob may not say more than so much.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    hears(&mut bob, &mut tab, "still").await;
}
