//! Connections byte by byte: requests written by hand, and frames of WebSocket that no library
//! would write.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::PATIENCE;

/// A connection, with what was read of it and not looked at yet.
pub struct Raw {
    pub stream: TcpStream,
    read: Vec<u8>,
}

/// What frames say in their first byte.
pub const FIN: u8 = 0x80;
pub const RSV1: u8 = 0x40;
pub const RSV2: u8 = 0x20;
pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;

/// What a server does that says nothing more.
pub const CUT: &str = "cut off";

/// A request to become a WebSocket.
pub fn upgrade(query: &str, headers: &str) -> String {
    format!(
        "GET /socket/websocket?{query} HTTP/1.1\r\nhost: chat.example\r\nconnection: upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

/// A frame as clients have to send it.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(first, payload.len() as u64);
    frame.extend(payload);
    frame
}

/// The start of a frame that is masked, by zeros.
pub fn head(first: u8, length: u64) -> Vec<u8> {
    let mut head = unmasked_head(first, length);
    if let Some(second) = head.get_mut(1) {
        *second |= 0x80;
    }
    head.extend([0; 4]);
    head
}

pub fn unmasked_head(first: u8, length: u64) -> Vec<u8> {
    let mut head = vec![first];
    if let Some(short) = u8::try_from(length).ok().filter(|short| *short < 126) {
        head.push(short);
    } else if let Ok(middle) = u16::try_from(length) {
        head.push(126);
        head.extend(middle.to_be_bytes());
    } else {
        head.push(127);
        head.extend(length.to_be_bytes());
    }
    head
}

impl Raw {
    pub async fn connect(at: SocketAddr) -> Self {
        Self::connect_from("127.0.0.1", at).await.expect("the server takes connections")
    }

    /// Connects from an address of this machine.
    pub async fn connect_from(from: &str, at: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(from.parse().expect("an address"), 0))?;
        let stream = timeout(PATIENCE, socket.connect(at)).await??;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::new() })
    }

    /// Becomes a WebSocket of that query.
    pub async fn socket(at: SocketAddr, query: &str) -> Self {
        let mut raw = Self::connect(at).await;
        raw.write(upgrade(query, "")).await;
        let answer = raw.answer().await;
        assert!(answer.starts_with("101"), "{answer}");
        raw
    }

    /// Writes what the server may not want to read to its end.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        matches!(timeout(PATIENCE, self.stream.write_all(bytes.as_ref())).await, Ok(Ok(())))
    }

    /// Reads more; false at the end.
    async fn more(&mut self) -> Result<bool, String> {
        match timeout(PATIENCE, self.stream.read_buf(&mut self.read)).await {
            Err(_elapsed) => Err(format!("nothing in {PATIENCE:?}")),
            Ok(Ok(0) | Err(_)) => Ok(false),
            Ok(Ok(_)) => Ok(true),
        }
    }

    /// The next answer to a request: the status and the body, or how there is none.
    pub async fn answer(&mut self) -> String {
        self.whole_answer().await.map_or_else(
            |none| none,
            |(head, body)| {
                let status = head.split(' ').nth(1).unwrap_or("no status").to_owned();
                format!("{status} {body}").trim().to_owned()
            },
        )
    }

    /// The next answer, head and body.
    pub async fn whole_answer(&mut self) -> Result<(String, String), String> {
        loop {
            if let Some(answer) = self.take_answer() {
                return Ok(answer);
            }
            if !self.more().await? {
                return Err(CUT.to_owned());
            }
        }
    }

    fn take_answer(&mut self) -> Option<(String, String)> {
        let end = self.read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(self.read.get(..end)?).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
        let body = String::from_utf8_lossy(self.read.get(end..end + length)?).into_owned();
        self.read.drain(..end + length);
        Some((head, body))
    }

    /// How many answers come until the connection ends, each by its status.
    pub async fn answers(&mut self) -> String {
        let mut all = Vec::new();
        loop {
            match self.whole_answer().await {
                Ok((head, _)) => all.push(head.split(' ').nth(1).unwrap_or("?").to_owned()),
                Err(end) if all.is_empty() => return end,
                Err(end) if end == CUT => return all.join(", "),
                Err(end) => return format!("{}, {end}", all.join(", ")),
            }
        }
    }

    /// What comes of an answer that does not end, up to where something stands in it.
    pub async fn until(&mut self, what: &str) -> String {
        loop {
            let text = String::from_utf8_lossy(&self.read).into_owned();
            if text.contains(what) {
                return text;
            }
            match self.more().await {
                Ok(true) => {}
                Ok(false) => return format!("{text}, and it is {CUT}"),
                Err(nothing) => return format!("{text}, and {nothing}"),
            }
        }
    }

    /// The next frame of the server: what its first byte says, and its payload.
    pub async fn frame(&mut self) -> Result<(u8, Vec<u8>), String> {
        loop {
            if let Some(frame) = self.take_frame() {
                return Ok(frame);
            }
            if !self.more().await? {
                return Err(CUT.to_owned());
            }
        }
    }

    fn take_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (first, second) = (*self.read.first()?, *self.read.get(1)?);
        let (length, start) = match second {
            126 => (u64::from(u16::from_be_bytes(self.read.get(2..4)?.try_into().ok()?)), 4),
            127 => (u64::from_be_bytes(self.read.get(2..10)?.try_into().ok()?), 10),
            short => (u64::from(short), 2),
        };
        let end = start + usize::try_from(length).ok()?;
        let payload = self.read.get(start..end)?.to_vec();
        self.read.drain(..end);
        Some((first, payload))
    }

    /// With which code and reason the WebSocket is closed; what comes before is passed over.
    pub async fn closed(&mut self) -> String {
        loop {
            match self.frame().await {
                Err(end) => return end,
                Ok((first, payload)) if first == FIN | CLOSE => {
                    let (code, reason) = payload.split_at_checked(2).unwrap_or_default();
                    let code = code.try_into().map_or(0, u16::from_be_bytes);
                    return format!("{code} {}", String::from_utf8_lossy(reason));
                }
                Ok(_) => {}
            }
        }
    }

    /// Waits until the server ends it, and passes over what it says. None if it does not.
    pub async fn ended(&mut self, patience: Duration) -> Option<()> {
        let ended = async {
            let mut some = vec![0; 16 << 10];
            while !matches!(self.stream.read(&mut some).await, Ok(0) | Err(_)) {}
        };
        timeout(patience, ended).await.ok()
    }
}
