//! Clients of Dialogue over Socket.IO, as plain as can be. Those that people use are in `clients`.

mod coming_back;
mod going;
mod half_open;
mod paced;
mod polling;
mod refused;
mod talking;
mod upgrading;

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message},
};

use crate::{PATIENCE, Running};

/// A client with a socket.
pub struct Dialogue {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub client_id: String,
}

impl Running {
    /// Connects a transport that nobody has connected by.
    pub async fn transport(&self) -> Dialogue {
        Dialogue::transport(self.at).await
    }

    /// Connects with such an object; the answer is the user, or why it is refused.
    pub async fn dialogue_with(&self, auth: Value) -> (Dialogue, Result<String, String>) {
        Dialogue::connect(self.at, auth).await
    }

    /// Connects for a user.
    pub async fn dialogue(&self, user: &str) -> Dialogue {
        let (client, entered) = self.dialogue_with(json!({"userId": user})).await;
        assert_eq!(entered.unwrap(), user);
        client
    }
}

impl Dialogue {
    /// Opens a WebSocket on which nothing was said yet.
    async fn open(url: &str) -> Self {
        let connected = timeout(PATIENCE, connect_async(url)).await.expect("connects in time");
        Self { socket: connected.unwrap().0, client_id: String::new() }
    }

    /// Connects a transport to a server, or to what stands before one.
    async fn transport(at: SocketAddr) -> Self {
        let url = format!("ws://{at}/socket.io/?EIO=4&transport=websocket");
        let mut client = Self::open(&url).await;
        let open = client.packet().await.expect("it is opened");
        assert!(open.starts_with("0{"), "{open}");
        client
    }

    async fn connect(at: SocketAddr, auth: Value) -> (Self, Result<String, String>) {
        let mut client = Self::transport(at).await;
        client.send_raw(&format!("40{auth}")).await;
        let answer = client.packet().await.expect("it is answered");
        if let Some(refused) = answer.strip_prefix("44") {
            let refused: Value = serde_json::from_str(refused).unwrap();
            return (client, Err(refused["message"].as_str().unwrap().to_owned()));
        }
        let sid: Value = serde_json::from_str(answer.strip_prefix("40").unwrap()).unwrap();
        let (name, connected) = client.next().await;
        assert_eq!(name, "dialogue:connected");
        client.client_id = connected["clientId"].as_str().unwrap().into();
        assert!(client.client_id.len() >= 21 && sid["sid"] != connected["clientId"]);
        let user = connected["userId"].as_str().unwrap().to_owned();
        (client, Ok(user))
    }

    /// Sends a message of Engine.IO.
    pub async fn send_raw(&mut self, text: &str) {
        self.send(Message::Text(text.to_owned().into())).await;
    }

    async fn send(&mut self, message: Message) {
        timeout(PATIENCE, self.socket.send(message)).await.expect("sends in time").unwrap();
    }

    /// Emits an event.
    pub async fn emit(&mut self, name: &str, argument: Value) {
        self.send_raw(&format!("42{}", json!([name, argument]))).await;
    }

    pub async fn trigger(&mut self, room: &str, event: &str, data: Value) {
        let trigger = json!({"roomId": room, "event": event, "data": data});
        self.emit("dialogue:trigger", trigger).await;
    }

    /// The next packet but those by which the server sees that it lives; none at the end.
    pub async fn packet(&mut self) -> Option<String> {
        loop {
            let next =
                timeout(PATIENCE, self.socket.next()).await.expect("something comes in time");
            match next {
                Some(Ok(Message::Text(text))) if text.as_str() == "2" => {
                    // The connection may have been closed since.
                    self.socket.send(Message::Text("3".into())).await.ok();
                }
                Some(Ok(Message::Text(text))) => return Some(text.as_str().to_owned()),
                Some(Ok(Message::Close(_)) | Err(Error::Protocol(_) | Error::Io(_))) | None => {
                    return None;
                }
                other => panic!("{other:?}, expected text"),
            }
        }
    }

    /// The next event.
    pub async fn next(&mut self) -> (String, Value) {
        let packet = self.packet().await.expect("the connection lives");
        let array =
            packet.strip_prefix("42").unwrap_or_else(|| panic!("{packet}, expected an event"));
        let (name, argument): (String, Value) = serde_json::from_str(array).unwrap();
        (name, argument)
    }

    /// Emits an event, and what has come until the answer to it, that included.
    pub async fn ask(&mut self, name: &str, argument: Value, answer: &str) -> Value {
        self.emit(name, argument).await;
        let (name, argument) = self.next().await;
        assert_eq!(name, answer, "{argument}");
        argument
    }

    pub async fn join(&mut self, room: &str) {
        let joined = self.ask("dialogue:join", json!({"roomId": room}), "dialogue:joined").await;
        assert_eq!(joined["roomId"], room);
    }

    /// The data of the next message, which has to be the next event.
    pub async fn hear(&mut self, room: &str, event: &str) -> Value {
        let (name, message) = self.next().await;
        assert_eq!(
            (name.as_str(), &message["event"]),
            ("dialogue:event", &json!(event)),
            "{message}"
        );
        assert_eq!(message["roomId"], room);
        message["data"].clone()
    }

    /// The ids of the rooms that there are. Nothing else may come before.
    pub async fn rooms(&mut self) -> Vec<String> {
        self.send_raw(r#"42["dialogue:listRooms"]"#).await;
        let (name, rooms) = self.next().await;
        assert_eq!(name, "dialogue:rooms", "{rooms}");
        let ids = rooms.as_array().unwrap().iter();
        ids.map(|room| room["id"].as_str().unwrap().to_owned()).collect()
    }

    /// How the connection ends: the code, and whether the client is told to stay away.
    pub async fn closed(&mut self) -> (u64, bool) {
        let mut code = 0;
        let mut is_put_out = false;
        while let Some(packet) = self.packet().await {
            if let Some(array) = packet.strip_prefix(r#"42["parlor:closing","#) {
                let closing: Value =
                    serde_json::from_str(array.strip_suffix(']').unwrap()).unwrap();
                assert!(!closing["reason"].as_str().unwrap().is_empty());
                code = closing["code"].as_u64().unwrap();
            }
            if packet == "41" {
                is_put_out = true;
                // As a client with nothing else to do.
                self.socket.close(None).await.ok();
            }
        }
        (code, is_put_out)
    }

    /// Loses the connection without a word.
    pub fn lose(self) {
        drop(self);
    }
}
