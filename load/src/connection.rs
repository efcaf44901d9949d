//! One client: a WebSocket, what it says, and what it hears.

use std::{
    net::SocketAddr,
    sync::OnceLock,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use crate::dialect::{Heard, Ref, Said, Target};

/// How long anything may take that is answered, before it counts as lost.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// How often a client says that it is there, as the npm client does.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(30);

/// Nanoseconds since the generator has started: one clock for whoever says and whoever hears.
pub(crate) fn now_ns() -> u64 {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    u64::try_from(BEGAN.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// A client that is connected.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: WebSocketStream<TcpStream>,
    target: Target,
    last_ref: Ref,
    joined: Ref,
    beaten: Instant,
    /// How much it has heard about who is there.
    pub(crate) presences: u64,
}

impl Connection {
    pub(crate) async fn open(target: Target, at: SocketAddr, client: u32) -> Result<Self> {
        let opening = async {
            let stream = TcpStream::connect(at).await?;
            stream.set_nodelay(true)?;
            let config = WebSocketConfig::default().read_buffer_size(4 << 10).write_buffer_size(0);
            let url = target.url(at, client);
            let (socket, _) = client_async_with_config(url, stream, Some(config)).await?;
            let (last_ref, joined, beaten) = (0, 0, Instant::now());
            let mut this = Self { socket, target, last_ref, joined, beaten, presences: 0 };
            if let Some(greeting) = target.greeting() {
                this.send(greeting.to_owned()).await?;
                while !target.is_welcome(this.text().await?.as_str()) {}
            }
            Ok(this)
        };
        timeout(PATIENCE, opening).await.context("no connection in time")?
    }

    async fn send(&mut self, text: String) -> Result<()> {
        Ok(self.socket.send(Message::text(text)).await?)
    }

    fn next_ref(&mut self) -> Ref {
        self.last_ref += 1;
        self.last_ref
    }

    /// The next text. Can be given up waiting for without losing any.
    async fn text(&mut self) -> Result<tokio_tungstenite::tungstenite::Utf8Bytes> {
        loop {
            match self.socket.next().await.context("the server has gone")?? {
                Message::Text(text) => return Ok(text),
                Message::Close(close) => bail!("closed by the server: {close:?}"),
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Binary(_) | Message::Frame(_) => bail!("expected text, got bytes"),
            }
        }
    }

    /// What comes next, after pings have been answered. Can be given up waiting for.
    pub(crate) async fn hear(&mut self) -> Result<Heard> {
        let text = self.text().await?;
        let heard = self.target.hear(text.as_str())?;
        match heard {
            Heard::Ping => self.send(Target::PONG.to_owned()).await?,
            Heard::Presence => self.presences += 1,
            Heard::Done(_) | Heard::Said(_) | Heard::Other => {}
        }
        Ok(heard)
    }

    /// Says that it is there, if it is time to.
    pub(crate) async fn keep_alive(&mut self) -> Result<()> {
        if self.beaten.elapsed() < HEARTBEAT {
            return Ok(());
        }
        self.beaten = Instant::now();
        let reference = self.next_ref();
        match self.target.heartbeat(reference) {
            Some(beat) => self.send(beat).await,
            None => Ok(()),
        }
    }

    pub(crate) async fn say(&mut self, room: &str, said: &Said) -> Result<()> {
        let reference = self.next_ref();
        self.send(self.target.say(room, self.joined, reference, said)).await
    }

    /// Joins a room, and gives to `other` what comes before the answer.
    pub(crate) async fn join(&mut self, room: &str, other: impl FnMut(Heard)) -> Result<()> {
        let reference = self.next_ref();
        self.joined = reference;
        self.send(self.target.join(room, reference)).await?;
        self.until_done(reference, other).await
    }

    /// Leaves it.
    pub(crate) async fn leave(&mut self, room: &str, other: impl FnMut(Heard)) -> Result<()> {
        let reference = self.next_ref();
        self.send(self.target.leave(room, self.joined, reference)).await?;
        self.until_done(reference, other).await
    }

    async fn until_done(&mut self, reference: Ref, mut other: impl FnMut(Heard)) -> Result<()> {
        let answered = async {
            loop {
                let heard = self.hear().await?;
                if heard == Heard::Done(reference) {
                    return Ok(());
                }
                other(heard);
            }
        };
        timeout(PATIENCE, answered).await.context("no answer in time")?
    }

    /// Says good-bye, and waits until the server has too.
    pub(crate) async fn close(mut self) {
        if self.socket.close(None).await.is_ok() {
            let rest = async { while let Some(Ok(_)) = self.socket.next().await {} };
            timeout(Duration::from_secs(5), rest).await.ok();
        }
    }
}

/// Waits until that time of [`now_ns`].
pub(crate) async fn until_ns(due_ns: u64) {
    let left = due_ns.saturating_sub(now_ns());
    if left > 0 {
        sleep(Duration::from_nanos(left)).await;
    }
}
