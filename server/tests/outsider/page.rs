//! A Phoenix client that says what it likes. Answers are short texts, so that a table can show them.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message},
};

use super::{
    PATIENCE,
    raw::{CUT, Raw},
    tokens,
};

pub struct Page {
    socket: WebSocketStream<TcpStream>,
    last_ref: u32,
    /// What it has heard of rooms, but for answers to itself.
    pub heard: Vec<Value>,
}

impl Page {
    /// Connects with such a query; or the status and reason of the refusal.
    pub async fn open(at: SocketAddr, query: &str) -> Result<Self, String> {
        Self::open_from("127.0.0.1", at, query).await
    }

    /// Connects from an address of this machine.
    pub async fn open_from(from: &str, at: SocketAddr, query: &str) -> Result<Self, String> {
        let raw = Raw::connect_from(from, at).await.map_err(|error| error.to_string())?;
        let url = format!("ws://chat.example/socket/websocket?vsn=2.0.0&{query}");
        let connected = timeout(PATIENCE, client_async(url, raw.stream)).await;
        match connected.map_err(|_| "no answer to the handshake".to_owned())? {
            Ok((socket, _)) => Ok(Self { socket, last_ref: 0, heard: Vec::new() }),
            Err(Error::Http(response)) => Err(response.status().as_u16().to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Connects a user who has a good token, and nothing more to show.
    pub async fn of(user: &str, at: SocketAddr) -> Self {
        Self::open(at, &format!("token={}", tokens::of(user))).await.unwrap()
    }

    pub async fn send_raw(&mut self, message: Message) -> Result<(), String> {
        let sent = timeout(PATIENCE, self.socket.send(message)).await;
        sent.map_err(|_| "nothing is read".to_owned())?.map_err(|error| error.to_string())
    }

    pub async fn send(&mut self, topic: &str, event: &str, payload: Value) -> String {
        self.last_ref += 1;
        let reference = self.last_ref.to_string();
        let join_ref = (event == "phx_join").then(|| reference.clone());
        let frame = json!([join_ref, reference, topic, event, payload]).to_string();
        self.send_raw(Message::Text(frame.into())).await.ok();
        reference
    }

    /// The next text, or how the connection is closed.
    pub async fn next(&mut self) -> Result<Value, String> {
        loop {
            let next = timeout(PATIENCE, self.socket.next()).await;
            match next.map_err(|_| format!("nothing in {PATIENCE:?}"))? {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text).map_err(|error| error.to_string());
                }
                Some(Ok(Message::Close(Some(close)))) => {
                    self.socket.flush().await.ok();
                    return Err(format!("{} {}", u16::from(close.code), close.reason));
                }
                Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(None) | Message::Frame(_)) | Err(_)) | None => {
                    return Err(CUT.to_owned());
                }
            }
        }
    }

    /// The answer to a frame: `ok`, or why not.
    pub async fn answer(&mut self, reference: &Value) -> String {
        loop {
            let frame = match self.next().await {
                Ok(frame) => frame,
                Err(end) => return end,
            };
            if frame[3] == "phx_reply" && frame[1] == *reference {
                let reason = frame[4]["response"]["reason"].as_str();
                return reason
                    .or_else(|| frame[4]["status"].as_str())
                    .unwrap_or_default()
                    .to_owned();
            }
            self.heard.push(frame);
        }
    }

    /// Sends a frame and waits for its answer.
    pub async fn ask(&mut self, topic: &str, event: &str, payload: Value) -> String {
        let reference = self.send(topic, event, payload).await;
        self.answer(&json!(reference)).await
    }

    /// Sends a text as it is, and waits for the answer to that ref or for the end.
    pub async fn ask_raw(&mut self, reference: &Value, text: String) -> String {
        self.send_raw(Message::Text(text.into())).await.ok();
        self.answer(reference).await
    }

    /// How the connection is closed.
    pub async fn closed(&mut self) -> String {
        loop {
            if let Err(end) = self.next().await {
                return end;
            }
        }
    }

    /// What it has heard in a room by the time it has the answer to something else.
    pub async fn heard_in(&mut self, topic: &str) -> usize {
        self.ask("phoenix", "heartbeat", json!({})).await;
        self.heard.iter().filter(|frame| frame[2] == topic).count()
    }
}
