//! What back ends do. Every answer is held against the `OpenAPI` document.

mod document;
mod hostile;
pub mod logged;
mod people;
mod publish;
mod rooms;

use std::net::SocketAddr;

use parlor_server::{OperatorKey, Settings};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{Dialogue, PATIENCE, Running, operators::KEY, settings, start};

/// A server with a key.
async fn serve(settings: Settings) -> Running {
    start(Settings { operator_key: Some(OperatorKey::new(KEY).unwrap()), ..settings }).await
}

async fn usual() -> Running {
    serve(settings()).await
}

/// What a request is answered.
#[derive(Debug)]
struct Answer {
    status: u16,
    /// Names are in lower case.
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails unless it was refused so; what is said of it is returned.
    #[track_caller]
    fn refused(&self, status: u16, reason: &str) -> String {
        assert_eq!(self.status, status, "{self:?}");
        let problem = self.json();
        assert_eq!(problem["reason"], reason, "{problem}");
        problem["detail"].as_str().unwrap().to_owned()
    }

    /// Fails unless it was done; what was answered is returned.
    #[track_caller]
    fn done(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()
    }
}

impl Running {
    /// Asks with the key, and holds the answer against the document.
    async fn ask(&self, method: &str, path: &str, body: Option<&str>) -> Answer {
        let key = format!("authorization: Bearer {KEY}");
        let mut headers = vec!["host: parlor.example", &key];
        if body.is_some() {
            headers.push("content-type: application/json");
        }
        self.ask_with(method, path, &headers, body.unwrap_or_default().as_bytes()).await
    }

    /// Asks with such headers, and holds the answer against the document.
    async fn ask_with(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Answer {
        let length = format!("content-length: {}", body.len());
        let mut lines = vec![format!("{method} {path} HTTP/1.1")];
        lines.extend(headers.iter().map(|header| (*header).to_owned()));
        lines.extend([length, "connection: close".to_owned()]);
        let head = lines.join("\r\n") + "\r\n\r\n";
        let answer = raw(self.at, &[head.as_bytes(), body].concat()).await;
        document::check(method, path, &answer);
        answer
    }

    async fn get(&self, path: &str) -> Value {
        self.ask("GET", path, None).await.done()
    }

    async fn post(&self, path: &str, body: &str) -> Answer {
        self.ask("POST", path, Some(body)).await
    }
}

/// Sends bytes, and reads one answer to them until the connection is closed.
async fn raw(at: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(at).await.unwrap();
    // What is refused by its head alone may not be read to its end.
    stream.write_all(request).await.ok();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    timeout(PATIENCE, read).await.expect("answers in time").ok();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("there is an answer");
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_ascii_lowercase(), value.to_owned())
    });
    Answer { status, headers: headers.collect(), body: body.to_owned() }
}

/// What a client of Dialogue has heard of an event, by the time it has the answer to a question.
async fn heard(client: &mut Dialogue, event: &str) -> Vec<Value> {
    client.send_raw(r#"42["dialogue:listRooms"]"#).await;
    let mut heard = Vec::new();
    loop {
        let (name, argument) = client.next().await;
        if name == "dialogue:rooms" {
            return heard;
        }
        // What is for no topic is an event of its own.
        if name == event || argument["event"] == event {
            heard.push(argument);
        }
    }
}
