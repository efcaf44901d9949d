//! One who watches, as plain as can be.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpSocket,
    time::timeout,
};

use crate::PATIENCE;

/// A stream of events, as it comes.
pub struct Watching(BufReader<tokio::net::TcpStream>);

impl Watching {
    /// Watches from the same machine. What happens after this is shown.
    pub async fn open(at: SocketAddr, query: &str) -> Self {
        let asked = Self::ask(at, &format!("/inspect/stream{query}"), &[super::HERE]).await;
        let mut watching = asked.unwrap_or_else(|(status, said)| panic!("{status}: {said}"));
        assert_eq!(watching.next().await.unwrap().0, "watching");
        watching
    }

    /// What comes of a request, or how it is refused: the status, and what is said.
    pub async fn ask(at: SocketAddr, path: &str, headers: &[&str]) -> Result<Self, (u16, String)> {
        let socket = TcpSocket::new_v4().unwrap();
        // A reader that is slow is to be noticed soon.
        socket.set_recv_buffer_size(4 << 10).unwrap();
        let mut stream = socket.connect(at).await.unwrap();
        let headers = headers.iter().flat_map(|header| [*header, "\r\n"]).collect::<String>();
        // Of this version, so that the answer is not in chunks.
        let request = format!("GET {path} HTTP/1.0\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut watching = Self(BufReader::new(stream));
        let first = watching.text().await.unwrap();
        let status = first.split(' ').nth(1).unwrap().parse().unwrap();
        while watching.text().await.is_some_and(|header| !header.is_empty()) {}
        if status == 200 {
            return Ok(watching);
        }
        let mut said = String::new();
        timeout(PATIENCE, watching.0.read_to_string(&mut said)).await.unwrap().unwrap();
        Err((status, said))
    }

    /// The next line of what happens.
    pub async fn line(&mut self) -> Value {
        let (event, data) = self.next().await.expect("there is more to come");
        assert_eq!(event, "message", "{data}");
        data
    }

    /// What comes next, and what kind of news it is; none when it is over.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        let (mut event, mut data) = ("message".to_owned(), None);
        loop {
            let line = self.text().await?;
            if let Some(name) = line.strip_prefix("event: ") {
                name.clone_into(&mut event);
            } else if let Some(text) = line.strip_prefix("data: ") {
                data = Some(serde_json::from_str(text).unwrap());
            } else if line.is_empty()
                && let Some(data) = data.take()
            {
                return Some((event, data));
            }
        }
    }

    async fn text(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(PATIENCE, self.0.read_line(&mut line)).await.expect("comes in time");
        (read.unwrap() > 0).then(|| line.trim_end().to_owned())
    }
}
