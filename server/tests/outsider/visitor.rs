//! A client of Dialogue that says what it likes, over WebSocket.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use super::{
    PATIENCE,
    raw::{CUT, Raw},
    tokens,
};

/// The session of the next one.
static NEXT: AtomicUsize = AtomicUsize::new(1);

pub struct Visitor {
    socket: WebSocketStream<TcpStream>,
    pub client_id: String,
}

impl Visitor {
    /// Connects a transport by which nobody has said who it is.
    pub async fn transport(at: SocketAddr) -> Self {
        let raw = Raw::connect(at).await;
        let url = "ws://chat.example/socket.io/?EIO=4&transport=websocket";
        let connected = timeout(PATIENCE, client_async(url, raw.stream)).await;
        let (socket, _) = connected.expect("connects in time").unwrap();
        let mut visitor = Self { socket, client_id: String::new() };
        let open = visitor.packet().await.unwrap();
        assert!(open.starts_with("0{"), "{open}");
        visitor
    }

    /// Says who it is; the answer is the user as whom it is in, or why it is not.
    pub async fn enter(&mut self, auth: &Value) -> String {
        self.send(&format!("40{auth}")).await;
        let answer = match self.packet().await {
            Ok(answer) => answer,
            Err(end) => return end,
        };
        if let Some(refused) = answer.strip_prefix("44") {
            let refused: Value = serde_json::from_str(refused).unwrap();
            return refused["message"].as_str().unwrap().to_owned();
        }
        if let Some(closing) = answer.strip_prefix(r#"42["parlor:closing","#) {
            return closing.trim_end_matches(']').to_owned();
        }
        let (name, connected) = self.next().await.unwrap();
        assert_eq!(name, "dialogue:connected");
        connected["clientId"].as_str().unwrap().clone_into(&mut self.client_id);
        format!("in as {}", connected["userId"].as_str().unwrap())
    }

    /// Connects a client that never was, of a user, by a token with those claims.
    pub async fn with(claims: &Value, at: SocketAddr) -> Self {
        let mut visitor = Self::transport(at).await;
        // Without a session it would be whoever of its user has lost a connection last.
        let session = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        let auth = json!({"token": tokens::hs256(claims), "session": session});
        let entered = visitor.enter(&auth).await;
        assert!(entered.starts_with("in as "), "{entered}");
        visitor
    }

    pub async fn of(user: &str, at: SocketAddr) -> Self {
        Self::with(&tokens::claims(user), at).await
    }

    pub async fn send(&mut self, text: &str) {
        self.send_raw(Message::Text(text.into())).await;
    }

    pub async fn send_raw(&mut self, message: Message) {
        timeout(PATIENCE, self.socket.send(message)).await.ok();
    }

    pub async fn emit(&mut self, name: &str, argument: &Value) {
        self.send(&format!("42{}", json!([name, argument]))).await;
    }

    /// The next packet, or that there is none any more. Pings are answered.
    pub async fn packet(&mut self) -> Result<String, String> {
        loop {
            let next = timeout(PATIENCE, self.socket.next()).await;
            match next.map_err(|_| format!("nothing in {PATIENCE:?}"))? {
                Some(Ok(Message::Text(text))) if text.as_str() == "2" => self.send("3").await,
                // That is how Engine.IO closes.
                Some(Ok(Message::Text(text))) if text.as_str() == "1" => return Err(CUT.to_owned()),
                Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_) | Message::Frame(_)) | Err(_)) | None => {
                    return Err(CUT.to_owned());
                }
            }
        }
    }

    /// The next event.
    pub async fn next(&mut self) -> Result<(String, Value), String> {
        let packet = self.packet().await?;
        let array = packet.strip_prefix("42").ok_or_else(|| packet.clone())?;
        let read: Result<(String, Value), _> = serde_json::from_str(array);
        read.map_err(|_| packet)
    }

    /// Emits an event, and says what has come of it by the time that another one is answered: the
    /// codes of errors and the names of events.
    pub async fn ask(&mut self, name: &str, argument: &Value) -> String {
        self.emit(name, argument).await;
        self.so_far().await
    }

    /// What has come by the time that something else is answered.
    pub async fn so_far(&mut self) -> String {
        self.send(r#"42["dialogue:listRooms"]"#).await;
        let mut came = Vec::new();
        loop {
            match self.next().await {
                Ok((name, _)) if name == "dialogue:rooms" => break,
                Ok((name, error)) if name == "dialogue:error" => {
                    came.push(error["code"].as_str().unwrap_or("no code").to_owned());
                }
                Ok((name, closing)) if name == "parlor:closing" => {
                    came.push(format!("{} {}", closing["code"], closing["reason"]));
                    break;
                }
                Ok((name, _)) => came.push(name),
                Err(end) => {
                    came.push(end);
                    break;
                }
            }
        }
        if came.is_empty() { "nothing".to_owned() } else { came.join(", ") }
    }

    /// With which code it is closed.
    pub async fn closed(&mut self) -> String {
        loop {
            match self.next().await {
                Ok((name, closing)) if name == "parlor:closing" => {
                    return closing["code"].to_string();
                }
                Ok(_) => {}
                Err(end) => return end,
            }
        }
    }
}
