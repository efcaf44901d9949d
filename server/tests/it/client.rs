//! A server in this process, and Phoenix clients as plain as can be.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use parlor_server::{Server, Settings};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, protocol::CloseFrame},
};

/// How long anything may take before a test fails: far longer than it does.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server that listens.
pub(crate) struct Running {
    pub(crate) server: Server,
    pub(crate) at: SocketAddr,
    task: JoinHandle<()>,
}

/// Starts a server at a port that is free.
pub(crate) async fn start(settings: Settings) -> Running {
    start_at("127.0.0.1:0".parse().unwrap(), settings).await
}

pub(crate) async fn start_at(at: SocketAddr, settings: Settings) -> Running {
    let listener = TcpListener::bind(at).await.unwrap();
    let at = listener.local_addr().unwrap();
    let server = Server::start(settings).unwrap();
    let task = tokio::spawn({
        let server = server.clone();
        async move { server.serve(listener).await }
    });
    Running { server, at, task }
}

impl Running {
    /// Connects a client that can't come back.
    pub(crate) async fn client(&self, user: &str) -> Client {
        self.connect(&format!("user_id={user}")).await.unwrap()
    }

    /// Connects a client that can.
    pub(crate) async fn returning(&self, user: &str, session: &str) -> Client {
        self.connect(&format!("user_id={user}&session={session}")).await.unwrap()
    }

    /// Connects with such a query.
    pub(crate) async fn connect(&self, query: &str) -> Result<Client, Error> {
        let url = format!("ws://{}/socket/websocket?vsn=2.0.0&{query}", self.at);
        let connected = timeout(PATIENCE, connect_async(url)).await.expect("connects in time");
        connected.map(|(socket, _)| Client { socket, last_ref: 0 })
    }

    pub(crate) async fn shutdown(self) {
        timeout(PATIENCE, self.server.shutdown()).await.expect("shuts down in time");
        timeout(PATIENCE, self.task).await.expect("stops listening").unwrap();
    }
}

/// A client with a socket.
pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_ref: u32,
}

impl Client {
    /// Sends a frame, and returns its ref.
    pub(crate) async fn send(&mut self, topic: &str, event: &str, payload: Value) -> String {
        self.last_ref += 1;
        let reference = self.last_ref.to_string();
        let join_ref = (event == "phx_join").then(|| reference.clone());
        let frame = json!([join_ref, reference, topic, event, payload]).to_string();
        self.send_raw(Message::Text(frame.into())).await;
        reference
    }

    pub(crate) async fn send_raw(&mut self, message: Message) {
        timeout(PATIENCE, self.socket.send(message)).await.expect("sends in time").unwrap();
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            match self.message().await {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}, expected a text frame"),
            }
        }
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Message {
        let next = timeout(PATIENCE, self.socket.next()).await.expect("something comes in time");
        next.expect("the connection lives").expect("frames are well formed")
    }

    /// The next frame of that event; what comes before is passed over.
    pub(crate) async fn until(&mut self, event: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame[3] == event {
                return frame;
            }
        }
    }

    /// The answer to a frame, status and response; what comes before it is passed over.
    pub(crate) async fn reply(&mut self, reference: &str) -> (String, Value) {
        loop {
            let frame = self.next().await;
            if frame[3] == "phx_reply" && frame[1] == reference {
                let status = frame[4]["status"].as_str().unwrap().to_owned();
                return (status, frame[4]["response"].clone());
            }
        }
    }

    /// Sends a frame and waits for its answer.
    pub(crate) async fn ask(
        &mut self,
        topic: &str,
        event: &str,
        payload: Value,
    ) -> (String, Value) {
        let reference = self.send(topic, event, payload).await;
        self.reply(&reference).await
    }

    /// Joins a topic, and returns the response and who is present.
    pub(crate) async fn join(&mut self, topic: &str, params: Value) -> (Value, Value) {
        let (status, response) = self.ask(topic, "phx_join", params).await;
        assert_eq!(status, "ok", "{response}");
        let state = self.until("presence_state").await;
        (response, state[4].clone())
    }

    /// How the connection is closed; what comes before is passed over.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(close) = self.message().await {
                let CloseFrame { code, reason } = close.expect("a close has a code");
                return (code.into(), reason.to_string());
            }
        }
    }

    /// Waits until another client has gone, by the presence diff that says so.
    pub(crate) async fn until_gone(&mut self, user: &str) {
        loop {
            let diff = self.until("presence_diff").await;
            if diff[4]["leaves"].get(user).is_some() {
                return;
            }
        }
    }
}
