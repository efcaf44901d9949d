//! For drivers that send no faster than their clients read: a presence state in pieces, and the end
//! of a membership that has fallen behind.

use super::{
    connection::Connection,
    frame::{Frame, Frames},
    outgoing::{ending, pushed},
    presence, write,
};
use crate::{ids::Topic, outbound::PresenceState};

/// A part of a presence state, as [`Connection::state_piece`] writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatePiece {
    /// What is to be sent.
    pub frame: Frame,
    /// The `first` of the next piece; none if this is the last.
    pub next: Option<usize>,
}

impl Connection {
    /// Writes the part of a presence state that begins with the meta at index `first`, and ends with
    /// the one that makes it `max_bytes` long or longer.
    ///
    /// The first piece is a `presence_state`, each other one a `presence_diff` with joins alone. A
    /// client that has received all pieces has the whole list, in its order. Costs O(n) of the list
    /// for finding `first`, and the memory of one piece.
    ///
    /// ```
    /// use parlor::{Channel, Config, Join, Outbound, wire::phoenix};
    ///
    /// let mut channel = Channel::single_node(Config::default());
    /// channel.handle(Join::new("c1", "room", "ann", 0).into());
    /// channel.handle(Join::new("c2", "room", "bob", 0).into());
    /// let connection = phoenix::Connection::new("c2", "bob");
    /// let mut frames = Vec::new();
    /// for outbound in channel.flush_outbox() {
    ///     let Outbound::PresenceState(state) = outbound else { continue };
    ///     let mut first = (state.client_id.as_str() == "c2").then_some(0);
    ///     while let Some(from) = first {
    ///         let piece = connection.state_piece(&state, from, 1);
    ///         frames.extend(piece.frame.as_text().map(String::from));
    ///         first = piece.next;
    ///     }
    /// }
    /// assert_eq!(frames, [
    ///     r#"[null,null,"room","presence_state",{"ann":{"metas":[{"phx_ref":"1"}]}}]"#,
    ///     r#"[null,null,"room","presence_diff",{"joins":{"bob":{"metas":[{"phx_ref":"2"}]}},"leaves":{}}]"#,
    /// ]);
    /// ```
    #[must_use]
    pub fn state_piece(&self, state: &PresenceState, first: usize, max_bytes: usize) -> StatePiece {
        let PresenceState { client_id: _, topic, entries } = state;
        let join_ref = self.join_ref(topic);
        let metas = entries.meta_count();
        let size = metas.saturating_sub(first).saturating_mul(presence::META_SIZE).min(max_bytes);
        let mut written = 0;
        let frame = if first == 0 {
            write::text(pushed(&join_ref, topic, "presence_state"), size, |out| {
                written = presence::first_keys(out, entries.iter(), max_bytes);
            })
        } else {
            write::text(pushed(&join_ref, topic, "presence_diff"), size, |out| {
                out.push_str("{\"joins\":");
                written = presence::first_keys(out, entries.iter_from(first), max_bytes);
                out.push_str(",\"leaves\":{}}");
            })
        };
        let next = first.saturating_add(written);
        StatePiece { frame, next: (next < metas).then_some(next) }
    }

    /// Ends the join of a topic by `phx_error`, so that its client joins again: for a driver that
    /// can't hold what the client would have to be sent. In the channel its client stays a member.
    ///
    /// Gives nothing where the connection has joined nothing.
    pub fn interrupt(&mut self, topic: &Topic, reason: &str) -> Frames {
        let Some(join) = self.change(topic, |seat| seat.joined.take()).flatten() else {
            return Frames::none();
        };
        Frames::one(write::ending(&join.join_ref, topic.as_str(), "phx_error", |out| {
            ending(out, reason, None);
        }))
    }

    /// Forgets the join that was read last and was not answered: for a driver that has not handed it
    /// in, since its client has given it up.
    pub fn withdraw_join(&mut self, topic: &Topic) {
        self.change(topic, |seat| seat.pending = None);
    }
}
