//! Answers are paced by how fast a client reads, and never close the connection that has asked.

mod falling_behind;
mod large;
mod missed;

use parlor::{Address, Config, EventDefinition, Payload, Publish, RoomConfig};
use parlor_server::Settings;
use serde_json::{Value, json};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async, tungstenite::Message};

use crate::{Client, PATIENCE, Running, settings, start, until};

/// A grace that no test lives to see the end of.
const FOR_EVER: u64 = 1 << 40;

/// Rooms that remember as much as they may by default.
fn room() -> RoomConfig {
    RoomConfig::default().with_event(EventDefinition::new("*").with_history(10_000))
}

/// A server with such rooms.
fn remembering(room: RoomConfig) -> Settings {
    let channel = Config::builder().grace_ms(FOR_EVER).default_room(room).build().unwrap();
    let mut settings = Settings { channel, lanes: 2, ..settings() };
    settings.connections.events_per_window = u32::MAX;
    settings
}

/// The same where little may wait for a connection.
fn narrow(room: RoomConfig) -> Settings {
    let mut settings = remembering(room);
    settings.connections.queue_bytes = 80 << 10;
    settings.connections.queue_items = 64;
    settings
}

/// A stream to a server whose client takes as little at once as the machine allows.
async fn narrow_stream(running: &Running) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    timeout(PATIENCE, socket.connect(running.at)).await.expect("connects in time").unwrap()
}

impl Running {
    /// Connects such a client of Phoenix.
    async fn narrow_client(&self, user: &str, session: &str) -> Client {
        let query = format!("vsn=2.0.0&user_id={user}&session={session}&positions=on");
        let url = format!("ws://{}/socket/websocket?{query}", self.at);
        let stream = MaybeTlsStream::Plain(narrow_stream(self).await);
        let (socket, _): (WebSocketStream<_>, _) = client_async(url, stream).await.unwrap();
        Client::of(socket)
    }

    /// Says something in a topic, so many times, of so many bytes each.
    async fn publish(&self, topic: &str, numbers: std::ops::Range<usize>, bytes: usize) {
        let blob = "x".repeat(bytes);
        for number in numbers {
            let payload = Payload::json(json!([number, blob]).to_string()).unwrap();
            let publish = Publish::new(Address::Topic(topic.into()), "say", payload);
            self.server.publish(publish).await.unwrap();
        }
    }

    /// Has a client join a topic and lose its connection, and returns where it was then.
    async fn left_behind(&self, topics: &[String]) -> Vec<Value> {
        let mut ann = self.returning("ann", "secret").await;
        let mut positions = Vec::new();
        for topic in topics {
            let (response, _) = ann.join(topic, json!({})).await;
            positions.push(json!({"epoch": response["epoch"], "offset": response["offset"]}));
        }
        let before = self.server.connections();
        drop(ann);
        until(|| self.server.connections() < before).await;
        positions
    }

    /// Whether a connection was closed as too slow.
    async fn too_slow(&self) -> bool {
        let page = crate::metrics::scrape(self.at).await;
        page.of("parlor_connections_closed_total{protocol=\"phoenix\",code=\"4001\"}") > 0.5
    }
}

/// The number of a message, and where it stood.
fn numbered(frame: &Value) -> (u64, Value) {
    (frame[4][0].as_u64().unwrap(), frame[5].clone())
}

/// The next message of a topic; what else there is, is passed over.
async fn next_of(client: &mut Client, topic: &str) -> u64 {
    loop {
        let frame = client.next().await;
        client.heard.clear();
        if frame[2] == topic && frame[3] == "say" {
            return numbered(&frame).0;
        }
    }
}
