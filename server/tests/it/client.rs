//! A server in this process, and Phoenix clients as plain as can be.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use parlor_server::{SameMachine, Server, Settings};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, protocol::CloseFrame},
};

/// How long anything may take before a test fails: far longer than it does.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Settings of a server with more lanes than clients need, which does not wait long for who goes.
pub fn settings() -> Settings {
    let same_machine = SameMachine::On;
    let mut settings = Settings { lanes: 3, same_machine, ..Settings::default() };
    // Many a test ends with clients that do not read any more.
    settings.connections.close_ms = 1_000;
    settings
}

/// Waits until something is so that nobody tells of.
pub async fn until(is_so: impl Fn() -> bool) {
    let reached = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, reached).await.expect("it comes to be so in time");
}

/// What a server answers to a plain request.
pub async fn get(at: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    timeout(PATIENCE, read).await.expect("answers in time").unwrap();
    answer
}

/// A server that listens.
pub struct Running {
    pub server: Server,
    pub at: SocketAddr,
    pub task: JoinHandle<()>,
}

/// Starts a server at a port that is free.
pub async fn start(settings: Settings) -> Running {
    start_at("127.0.0.1:0".parse().unwrap(), settings).await
}

pub async fn start_at(at: SocketAddr, settings: Settings) -> Running {
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
    pub async fn client(&self, user: &str) -> Client {
        self.connect(&format!("user_id={user}")).await.unwrap()
    }

    /// Connects a client that can.
    pub async fn returning(&self, user: &str, session: &str) -> Client {
        self.connect(&format!("user_id={user}&session={session}")).await.unwrap()
    }

    /// Connects with such a query.
    pub async fn connect(&self, query: &str) -> Result<Client, Error> {
        Client::connect(self.at, query).await
    }

    pub async fn shutdown(self) {
        timeout(PATIENCE, self.server.shutdown()).await.expect("shuts down in time");
        timeout(PATIENCE, self.task).await.expect("stops listening").unwrap();
    }
}

/// A client with a socket.
pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// All frames of text so far.
    pub heard: Vec<Value>,
    last_ref: u32,
}

impl Client {
    /// Connects to a server with such a query.
    pub async fn connect(at: SocketAddr, query: &str) -> Result<Self, Error> {
        let url = format!("ws://{at}/socket/websocket?vsn=2.0.0&{query}");
        let connected = timeout(PATIENCE, connect_async(url)).await.expect("connects in time");
        connected.map(|(socket, _)| Self::of(socket))
    }

    /// One that is connected by that.
    pub const fn of(socket: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Self {
        Self { socket, heard: Vec::new(), last_ref: 0 }
    }

    /// Sends a frame, and returns its ref.
    pub async fn send(&mut self, topic: &str, event: &str, payload: Value) -> String {
        self.last_ref += 1;
        let reference = self.last_ref.to_string();
        let join_ref = (event == "phx_join").then(|| reference.clone());
        let frame = json!([join_ref, reference, topic, event, payload]).to_string();
        self.send_raw(Message::Text(frame.into())).await;
        reference
    }

    pub async fn send_raw(&mut self, message: Message) {
        timeout(PATIENCE, self.socket.send(message)).await.expect("sends in time").unwrap();
    }

    /// The next frame that is text.
    pub async fn next(&mut self) -> Value {
        loop {
            match self.message().await {
                Message::Text(text) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    self.heard.push(frame.clone());
                    return frame;
                }
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {}
                other @ (Message::Close(_) | Message::Frame(_)) => {
                    panic!("{other:?}, expected a text frame")
                }
            }
        }
    }

    /// The next message.
    pub async fn message(&mut self) -> Message {
        let next = timeout(PATIENCE, self.socket.next()).await.expect("something comes in time");
        next.expect("the connection lives").expect("frames are well formed")
    }

    /// The next frame of that event; what comes before is passed over.
    pub async fn until(&mut self, event: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame[3] == event {
                return frame;
            }
        }
    }

    /// The answer to a frame, status and response; what comes before it is passed over.
    pub async fn reply(&mut self, reference: &str) -> (String, Value) {
        loop {
            let frame = self.next().await;
            if frame[3] == "phx_reply" && frame[1] == reference {
                let status = frame[4]["status"].as_str().unwrap().to_owned();
                return (status, frame[4]["response"].clone());
            }
        }
    }

    /// Sends a frame and waits for its answer.
    pub async fn ask(&mut self, topic: &str, event: &str, payload: Value) -> (String, Value) {
        let reference = self.send(topic, event, payload).await;
        self.reply(&reference).await
    }

    /// Says something in a topic, and hears it itself: that and nothing else comes.
    pub async fn say(&mut self, topic: &str, payload: Value) -> Value {
        let reference = self.send(topic, "say", payload.clone()).await;
        let reply = self.next().await;
        assert_eq!((&reply[1], &reply[4]["status"]), (&json!(reference), &json!("ok")), "{reply}");
        let heard = self.next().await;
        assert_eq!((&heard[3], &heard[4]), (&json!("say"), &payload), "{heard}");
        reply[4]["response"].clone()
    }

    /// Joins a topic, and returns the response and who is present.
    pub async fn join(&mut self, topic: &str, params: Value) -> (Value, Value) {
        let (status, response) = self.ask(topic, "phx_join", params).await;
        assert_eq!(status, "ok", "{response}");
        let state = self.until("presence_state").await;
        (response, state[4].clone())
    }

    /// How the connection is closed; what comes before is passed over.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(close) = self.message().await {
                let CloseFrame { code, reason } = close.expect("a close has a code");
                // Sends the answer, if anybody still wants it.
                self.socket.flush().await.ok();
                return (code.into(), reason.to_string());
            }
        }
    }

    /// How many frames of an event wait for it, by the time it has the answer to another one.
    pub async fn count(&mut self, event: &str, topic: &str) -> usize {
        let reference = self.send(topic, "fence", json!({})).await;
        let mut count = 0;
        loop {
            let frame = self.next().await;
            count += usize::from(frame[3] == event);
            if frame[1] == reference {
                return count;
            }
        }
    }

    /// Waits until another client has gone, by the presence diff that says so.
    pub async fn until_gone(&mut self, user: &str) {
        loop {
            let diff = self.until("presence_diff").await;
            if diff[4]["leaves"].get(user).is_some() {
                return;
            }
        }
    }
}
