//! Phoenix Channels V2, so that clients made for Phoenix work: what their frames say becomes
//! events, and what a channel says becomes frames.
//!
//! A driver keeps a [`Connection`] for each of its sockets. A frame that comes in is read by
//! [`Connection::text`] or [`Connection::binary`], and is then an event, an answer, or nothing. Of
//! what the channel says, [`shared`] encodes what is the same for all its recipients, once, and
//! [`Connection::outgoing`] what is for one alone:
//!
//! ```
//! use parlor::{Channel, Config, Outbound, wire::phoenix};
//!
//! let mut channel = Channel::single_node(Config::default());
//! let mut connection = phoenix::Connection::new("c1", "ann");
//! let mut sent = Vec::new();
//!
//! let frames = [
//!     r#"["3","3","room:1","phx_join",{"meta":{"away":false}}]"#,
//!     r#"["3","4","room:1","shout",{"text":"hi"}]"#,
//!     r#"[null,"5","phoenix","heartbeat",{}]"#,
//! ];
//! for frame in frames {
//!     match connection.text(frame, 0)? {
//!         phoenix::Incoming::Event(event) => channel.handle(event),
//!         phoenix::Incoming::Answer(frames) => sent.extend(frames),
//!         phoenix::Incoming::Nothing => {}
//!     }
//!     for outbound in channel.flush_outbox() {
//!         // With more sockets, to each of the recipients that `outbound` names.
//!         match phoenix::shared(&outbound, phoenix::Positions::Sent)? {
//!             Some(frame) if matches!(outbound, Outbound::BroadcastMessage(_)) => sent.push(frame),
//!             Some(_) => {}
//!             None => sent.extend(connection.outgoing(&outbound)?),
//!         }
//!     }
//! }
//! let sent: Vec<_> = sent.iter().filter_map(phoenix::Frame::as_text).collect();
//! assert_eq!(sent, [
//!     r#"["3","3","room:1","phx_reply",{"status":"ok","response":{"epoch":1,"offset":0,"rejoined":false,"recovered":false}}]"#,
//!     r#"["3",null,"room:1","presence_state",{"ann":{"metas":[{"away":false,"phx_ref":"1"}]}}]"#,
//!     r#"["3","4","room:1","phx_reply",{"status":"ok","response":{"epoch":1,"offset":1}}]"#,
//!     r#"[null,null,"room:1","shout",{"text":"hi"},{"epoch":1,"offset":1}]"#,
//!     r#"[null,"5","phoenix","phx_reply",{"status":"ok","response":{}}]"#,
//! ]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod connection;
mod frame;
mod history;
mod outgoing;
mod presence;
mod pushes;
mod read;
mod shared;
mod token;
mod write;

use core::fmt;

pub use self::{
    connection::{Connection, Incoming},
    frame::{FieldTooLong, Frame, Frames},
    read::Malformed,
    shared::{Positions, shared},
    write::Status,
};

use self::token::Marks;
use crate::{
    ids::{Ref, Topic},
    payload::Payload,
};

/// The topic of heartbeats, which nobody joins.
const HEARTBEATS: &str = "phoenix";

/// The topic of a connection itself: see [`Connection`].
pub const OWN_TOPIC: &str = "parlor";

/// Why a connection is closed, as the number that WebSocket has for it.
///
/// 1000 is none of them: many releases of the npm client stay away for good when they see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseCode {
    /// 1001: the server has put the client out, as by
    /// [`Outbound::Disconnect`](crate::Outbound::Disconnect). Clients reconnect; one that must not
    /// is refused then.
    Disconnected,
    /// 1007: what was sent is no JSON or no UTF-8.
    InvalidData,
    /// 1008: what was sent is no frame of the protocol.
    ProtocolError,
    /// 1012: the server restarts, or drains its connections for it.
    Restarting,
}

impl CloseCode {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Disconnected => 1001,
            Self::InvalidData => 1007,
            Self::ProtocolError => 1008,
            Self::Restarting => 1012,
        }
    }
}

/// Whether the protocol's version, the query parameter `vsn`, is one that is spoken here: 2.0.x.
///
/// # Errors
///
/// Any other is refused, and so is none at all, which means 1.0.0: a server answers the request
/// with status 403.
///
/// ```
/// use parlor::wire::phoenix::check_version;
///
/// assert!(check_version(Some("2.0.0")).is_ok());
/// let refused = check_version(None).unwrap_err();
/// assert_eq!(refused.to_string(), "vsn is absent, which means 1.0.0, expected 2.0.x");
/// ```
pub fn check_version(vsn: Option<&str>) -> Result<(), UnsupportedVersion> {
    let Some(given) = vsn else { return Err(UnsupportedVersion { is_given: false }) };
    let is_number = |part: &str| {
        let is_short = part.len() == 1 || !part.starts_with('0');
        is_short && !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    match given.strip_prefix("2.0.") {
        Some(patch) if is_number(patch) => Ok(()),
        Some(_) | None => Err(UnsupportedVersion { is_given: true }),
    }
}

/// The version of the protocol that a client asks for is not spoken here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsupportedVersion {
    is_given: bool,
}

impl fmt::Display for UnsupportedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what =
            if self.is_given { "vsn is another" } else { "vsn is absent, which means 1.0.0" };
        write!(f, "{what}, expected 2.0.x")
    }
}

impl core::error::Error for UnsupportedVersion {}

/// The reply to an event that a host answers itself, without handing it in.
///
/// `reference` is that of the event, as [`Connection::text`] has made it; none if it was made
/// otherwise. Not for joins and leaves, which a connection has to know of.
///
/// # Errors
///
/// A response of bytes makes a binary frame, whose fields have at most 255 bytes.
pub fn answer(
    reference: &Ref,
    topic: &Topic,
    status: Status,
    response: &Payload,
) -> Result<Option<Frame>, FieldTooLong> {
    let Some(marks) = Marks::unpack(reference) else { return Ok(None) };
    let topic = marks.topic.as_ref().unwrap_or(topic);
    write::answer(&marks, topic.as_str(), status, response).map(Some)
}
