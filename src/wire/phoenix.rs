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
//!         match phoenix::shared(&outbound, phoenix::Positions::Withheld)? {
//!             Some(same) if matches!(outbound, Outbound::BroadcastMessage(_)) => sent.extend(same),
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
//!     r#"[null,null,"room:1","shout",{"text":"hi"}]"#,
//!     r#"[null,"5","phoenix","phx_reply",{"status":"ok","response":{}}]"#,
//! ]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a server does with a connection
//!
//! - Before it accepts one, [`check_version`]; and if a client offers subprotocols, it selects
//!   `phoenix`. Then it makes a [`Connection`] of a client's id and user, and tells the channel of it
//!   by [`Connect`](crate::Connect).
//! - Each [`Event`](crate::Event) that was read has to go in, or a guard's refusal of it, since
//!   joins wait for their replies. What is said then goes out in the order of the outbox.
//! - [`Malformed`] says with which code the connection is to be closed, and so does [`CloseCode`]
//!   of other ends. After a [`Disconnect`](crate::Outbound::Disconnect) it is
//!   [`CloseCode::Disconnected`].
//! - When a socket is lost or silent (clients send a heartbeat every 30 s) its `Connection` is
//!   dropped, and the channel is told by [`Disconnect`](crate::Disconnect). A client that comes back
//!   gets a new one, of its old client id.
//!
//! # What frames become
//!
//! | frame | becomes |
//! | --- | --- |
//! | `heartbeat` on `phoenix` | an answer; all else on that topic is an unmatched topic |
//! | `phx_join` | [`Rejoin`](crate::Rejoin) with the params `meta` and `since`, and all of them as `params` |
//! | `phx_leave` | [`Leave`](crate::Leave), also of a topic that this connection has not joined, where its client may be held from an earlier one |
//! | `parlor:track` `{meta?}` | [`Track`](crate::Track) |
//! | `parlor:untrack` `{}` | [`Untrack`](crate::Untrack) |
//! | `parlor:subscribe`, `parlor:unsubscribe` `{event}` | [`Subscribe`](crate::Subscribe), [`Unsubscribe`](crate::Unsubscribe) |
//! | `parlor:history` `{event?, before?, start?, end?}` | [`History`](crate::History); `before` is a position as the client got it |
//! | `parlor:open_room` `{topic?, config?}` | [`OpenRoom`](crate::OpenRoom), of the frame's topic or another |
//! | `parlor:close_room` `{topic?}` | [`CloseRoom`](crate::CloseRoom), likewise |
//! | `access_token` | an answer: Supabase's clients push their token under this name, and nobody else may see it |
//! | anything else | [`Broadcast`](crate::Broadcast) to all members, its sender too, with the payload as it is, or the bytes of a binary frame |
//!
//! `since` is a position as the client got it. Params and `parlor:` payloads that can't be read are
//! refused with `invalid_request`, and so is an unknown member of a `parlor:` payload.
//! Frames of a join that is over are passed over in silence; those of a topic that was not joined
//! go in, since rooms may be open to non-members.
//!
//! A host that answers some messages itself, in place of handing them in, does so by [`answer`].
//!
//! An event's `ref` holds the two refs of its reply as JSON, and where it is about another topic
//! the frame's: `"28" "29"`. [`Limit::RefBytes`](crate::Limit::RefBytes) bounds it, so with 255
//! bytes refs have some 120 each; a client that exceeds it gets `limit_reached`.
//!
//! # What outbounds become
//!
//! | outbound | becomes |
//! | --- | --- |
//! | `reply` | `phx_reply`. To a join that takes an earlier one's place or to a leave, `phx_close` of what has ended comes after it |
//! | `push_message` | a push; a broadcast of a topic's own on `parlor` if it belongs to none |
//! | `broadcast_message` | a broadcast, binary if its payload is bytes; on `parlor` if it was not sent to a topic; with its [position](Positions) if the connection asked for it |
//! | `presence_state`, `presence_diff` | those; see below |
//! | `history` | the reply to `parlor:history`; of a join, a push of that name. `{event?, epoch, before?, start, end, messages, more?}`; see below |
//! | `room_opened`, `room_closed` | `parlor:room_opened`, `parlor:room_closed` on `parlor`, with what the room is like |
//! | `closed` | `phx_error` if crashed, so that clients rejoin, or expired; `phx_close` if kicked or the room is closed, so that they don't; nothing if disconnected, as the connection is gone |
//! | `disconnect` | nothing: the connection is closed |
//! | `evicted`, `system` | nothing: they are the driver's |
//!
//! A refusal is a reply of status `error` with its `reason` and `message`. `unknown_topic`, and
//! `not_member` or `unknown_client` of anything but a join, are Phoenix's `unmatched topic`; a leave
//! of what is not there is `ok`.
//!
//! The topic `parlor` ([`OWN_TOPIC`]) is for what belongs to no topic. A client joins it like
//! another, and the connection answers; no room is made of it.
//!
//! # Pages of history
//!
//! Messages of a page are `{event, payload, from, epoch?, offset, timestamp_ms, meta?}`, newest first,
//! with `payload_base64` for bytes. `epoch` is there if it is not the page's own: the message was
//! sent in an earlier room of that name. `{before: position, end: 50}` asks for the 50 newest messages
//! that are older than a position, so messages that are sent meanwhile shift nothing. A page that is
//! not full has `more`, a position to give as the next `before`, if there may be older messages. A
//! full page goes on before its last message, at `{epoch, offset}` with the page's `epoch` if the
//! message has none.
//!
//! # Presence
//!
//! A meta is what its client shows, the members of an object or else a member `data`, with
//! `phx_ref`, and after a change `phx_ref_prev`. Client ids and times are not in it: who wants them
//! shown puts them there, as a guard can. Members that are named like refs are left out. Presence
//! clients need a room that [sends snapshots](crate::RoomConfig::with_presence_snapshot).
//!
//! # Positions, and coming back without a gap
//!
//! A broadcast has the five elements of V2, since strict clients drop or fail on anything else. A
//! connection that asks for [`Positions`] also gets the position of each broadcast in its topic:
//!
//! | payload | frames |
//! | --- | --- |
//! | JSON | `[null,null,"room:1","shout",{"text":"hi"},{"epoch":1,"offset":1}]`: the position is a sixth element |
//! | bytes | `[null,null,"room:1","parlor:position",{"epoch":1,"offset":2}]`, then the binary frame, which is that of V2. Between the two comes no other broadcast of the topic |
//!
//! npm's client ignores both and shows both to a `decode` hook. A client keeps the position of the
//! last broadcast of each topic and gives it back as the join param `since`; the reply and the
//! missed messages then close the gap. Two rules keep messages from showing twice. A position counts
//! once its message has arrived, so `parlor:position` counts with the binary frame after it. A
//! broadcast at or below the last position of the same epoch is dropped: it was sent to an earlier
//! join of the topic, and is sent again to this one.
//!
//! With `recovered: false`, a part of what was missed may still come behind the reply. So the position
//! of the reply does not count while its epoch is that of `since`: each broadcast moves the position,
//! as ever. Moved at once, it would leave out the rest if the connection is lost in between. With
//! another epoch nothing is sent again, and the position of the reply counts.
//!
//! A position is opaque: a client compares `epoch` and `offset`, and gives back the whole object as
//! it got it, since fields may be added to it. Fields that are not known here are ignored.
//!
//! `server/tests/clients/recover.mjs` of the repository does all of this for npm's
//! client. That the page is the same client when it comes back, so that nobody sees it leave, is its
//! server's business: see `docs/wire.md` of the repository.
//!
//! # Where it differs from Phoenix
//!
//! | | what | why |
//! | --- | --- | --- |
//! | D1 | replies to joins, and to messages, carry `epoch` and `offset`; those to joins `rejoined` and `recovered` too | see above |
//! | D2 | broadcasts have a position, where the connection [asks for it](Positions) | see above |
//! | D3 | who joins does not get the diff of its own join | its `presence_state` has it |
//! | D4 | what is refused has a `reason` and a `message` | as all that is refused here |
//! | D5 | a leave is answered before the join that follows it | a channel takes events in their order |
//! | D6 | `phx_close` of a kick or a closed room has its `reason`, and the kick's `message` | clients can show it |
//! | D7 | a crash ends all joins with `phx_error` | it is the channel's, not a topic's |
//! | D8 | a join of what is joined leaves the presence as it is, also one that was ended, unless its `meta` is another; if it is refused, the earlier join goes on | a join is a rejoin |
//! | D9 | the reply to a message comes before the message | rule R1 |
//!
//! Version 1 of the protocol is not spoken. Frames of which a ref is neither string nor number nor
//! null are malformed. Phoenix has no topic `parlor`.

mod connection;
mod fan_out;
mod frame;
mod history;
mod outgoing;
mod pacing;
mod position;
mod presence;
mod pushes;
mod read;
mod token;
mod write;

use core::fmt;

pub use self::{
    connection::{Connection, Incoming},
    fan_out::{Positions, shared},
    frame::{FieldTooLong, Frame, Frames},
    pacing::StatePiece,
    read::Malformed,
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
