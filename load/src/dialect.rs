//! What each server is spoken to in: how a client says that it joins, leaves and says something,
//! and what it hears.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A server that can be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Target {
    /// parlor-server, by the Phoenix protocol
    Parlor,
    /// socket.io on Node, by Socket.IO over WebSocket
    Socketio,
    /// a minimal broadcast server of axum and tokio, by plain JSON
    Axum,
}

/// A number that a client gives to what it asks for, by which the answer is told.
pub(crate) type Ref = u32;

/// What is said in a room. The same bytes for every server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    /// Who says it: a number that no other membership has.
    pub(crate) by: u32,
    /// How many it has said before.
    pub(crate) number: u32,
    /// When the first of them was due, in nanoseconds of the generator's clock.
    pub(crate) began_ns: u64,
    /// When this one was due.
    pub(crate) due_ns: u64,
}

/// What a client hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// What it asked for is done.
    Done(Ref),
    Said(Said),
    /// Something about who is there.
    Presence,
    /// The server asks whether it is there.
    Ping,
    /// Nothing that matters.
    Other,
}

impl Target {
    pub(crate) const ALL: [Self; 3] = [Self::Parlor, Self::Socketio, Self::Axum];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Parlor => "parlor",
            Self::Socketio => "socket.io",
            Self::Axum => "axum",
        }
    }

    /// Whether its rooms can show who is there.
    pub(crate) const fn has_presence(self) -> bool {
        match self {
            Self::Parlor => true,
            Self::Socketio | Self::Axum => false,
        }
    }

    /// Where a client's WebSocket is.
    pub(crate) fn url(self, at: SocketAddr, client: u32) -> String {
        match self {
            Self::Parlor => format!("ws://{at}/socket/websocket?vsn=2.0.0&user_id=u{client}"),
            Self::Socketio => format!("ws://{at}/socket.io/?EIO=4&transport=websocket"),
            Self::Axum => format!("ws://{at}/ws"),
        }
    }

    /// What a client sends before anything else, if it does.
    pub(crate) const fn greeting(self) -> Option<&'static str> {
        match self {
            Self::Socketio => Some("40"),
            Self::Parlor | Self::Axum => None,
        }
    }

    /// Whether this is what the server says when the greeting is done with.
    pub(crate) fn is_welcome(self, text: &str) -> bool {
        self == Self::Socketio && text.starts_with("40")
    }

    /// What a client sends from time to time of its own accord, so that it is not thought gone.
    pub(crate) fn heartbeat(self, reference: Ref) -> Option<String> {
        (self == Self::Parlor)
            .then(|| format!(r#"[null,"{reference}","phoenix","heartbeat",{{}}]"#))
    }

    /// What it answers to [`Heard::Ping`].
    pub(crate) const PONG: &str = "3";

    pub(crate) fn join(self, room: &str, reference: Ref) -> String {
        match self {
            Self::Parlor => format!(r#"["{reference}","{reference}","{room}","phx_join",{{}}]"#),
            Self::Socketio => format!(r#"42{reference}["join","{room}"]"#),
            Self::Axum => format!(r#"{{"join":"{room}","ref":{reference}}}"#),
        }
    }

    /// `joined` is the number by which it has joined.
    pub(crate) fn leave(self, room: &str, joined: Ref, reference: Ref) -> String {
        match self {
            Self::Parlor => format!(r#"["{joined}","{reference}","{room}","phx_leave",{{}}]"#),
            Self::Socketio => format!(r#"42{reference}["leave","{room}"]"#),
            Self::Axum => format!(r#"{{"leave":"{room}","ref":{reference}}}"#),
        }
    }

    pub(crate) fn say(self, room: &str, joined: Ref, reference: Ref, said: &Said) -> String {
        let Said { by, number, began_ns, due_ns } = said;
        let payload = format!(
            r#"{{"by":{by},"number":{number},"began_ns":{began_ns},"due_ns":{due_ns},"text":"{TEXT}"}}"#
        );
        match self {
            Self::Parlor => {
                format!(r#"["{joined}","{reference}","{room}","message",{payload}]"#)
            }
            Self::Socketio => format!(r#"42["message","{room}",{payload}]"#),
            Self::Axum => format!(r#"{{"say":"{room}","payload":{payload}}}"#),
        }
    }

    /// What a text of the server means.
    pub(crate) fn hear(self, text: &str) -> Result<Heard> {
        let heard = match self {
            Self::Parlor => hear_phoenix(text),
            Self::Socketio => hear_socketio(text),
            Self::Axum => hear_plain(text),
        };
        heard.with_context(|| format!("expected a frame of {}, got {text}", self.name()))
    }
}

/// What people say is about so long.
const TEXT: &str = "The quick brown fox jumps over the lazy dog, again.";

fn hear_phoenix(text: &str) -> Result<Heard> {
    #[derive(Deserialize)]
    struct Answer<'text> {
        status: &'text str,
    }

    let parts: Vec<&RawValue> = serde_json::from_str(text)?;
    let [_, reference, _, event, payload, ..] = &*parts else { bail!("too few parts") };
    match event.get() {
        r#""message""# => Ok(Heard::Said(serde_json::from_str(payload.get())?)),
        r#""phx_reply""# => {
            let answer: Answer<'_> = serde_json::from_str(payload.get())?;
            if answer.status != "ok" {
                bail!("refused");
            }
            Ok(Heard::Done(serde_json::from_str::<&str>(reference.get())?.parse()?))
        }
        r#""presence_state""# | r#""presence_diff""# => Ok(Heard::Presence),
        r#""phx_close""# => Ok(Heard::Other),
        _ => bail!("unexpected event"),
    }
}

fn hear_socketio(text: &str) -> Result<Heard> {
    if let Some(event) = text.strip_prefix("42") {
        let (name, _room, said): (&str, &str, Said) = serde_json::from_str(event)?;
        if name != "message" {
            bail!("unexpected event");
        }
        return Ok(Heard::Said(said));
    }
    if let Some(answer) = text.strip_prefix("43") {
        let (reference, answer) = answer.split_at(answer.find('[').context("no answer")?);
        if answer != r#"["ok"]"# {
            bail!("refused");
        }
        return Ok(Heard::Done(reference.parse()?));
    }
    match text.as_bytes().first() {
        Some(b'2') => Ok(Heard::Ping),
        Some(b'0') => Ok(Heard::Other),
        _ => bail!("unexpected packet"),
    }
}

fn hear_plain(text: &str) -> Result<Heard> {
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Plain {
        Done(Ref),
        Said { payload: Said },
    }

    Ok(match serde_json::from_str(text)? {
        Plain::Done(reference) => Heard::Done(reference),
        Plain::Said { payload } => Heard::Said(payload),
    })
}
