//! With which codes connections are closed.

use std::{borrow::Cow, time::Duration};

use axum::extract::ws::CloseFrame;

use crate::queue::Load;

/// Why a connection is closed: a code for programs, and a reason for people.
///
/// Never 1000: many Phoenix clients stay away for good when they see it. The table of codes is on
/// the front page of the crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: Cow<'static, str>,
    pub(crate) after: After,
}

/// What the client is to do then, where a protocol can tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    ComeBack,
    StayAway,
}

/// What a WebSocket can carry of a reason.
const MAX_REASON: usize = 123;

impl Close {
    pub(crate) fn new(code: u16, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { code, reason: reason.into(), after: After::ComeBack }
    }

    const fn of(code: u16, reason: &'static str) -> Self {
        Self { code, reason: Cow::Borrowed(reason), after: After::ComeBack }
    }

    /// The server has put the client out.
    pub(crate) fn put_out(reason: &str) -> Self {
        Self { after: After::StayAway, ..Self::new(1001, reason.to_owned()) }
    }

    pub(crate) fn idle(idle_ms: u64) -> Self {
        Self::new(1001, format!("idle for {idle_ms} ms"))
    }

    pub(crate) const fn protocol() -> Self {
        Self::of(1002, "no websocket frame")
    }

    pub(crate) const fn no_utf8() -> Self {
        Self::of(1007, "text is no UTF-8")
    }

    pub(crate) const fn expired() -> Self {
        Self::of(1008, "token expired")
    }

    pub(crate) fn too_many_messages(max: u32, window_ms: u64) -> Self {
        Self::new(1008, format!("too many messages, expected at most {max} in {window_ms} ms"))
    }

    pub(crate) fn too_large(max: usize) -> Self {
        Self::new(1009, format!("message too large, expected at most {max} bytes"))
    }

    pub(crate) const fn broken() -> Self {
        Self::of(1011, "internal error")
    }

    pub(crate) const fn restarting() -> Self {
        Self::of(1012, "server restarts")
    }

    /// It does not say what it should.
    pub(crate) fn malformed(flaw: impl Into<Cow<'static, str>>) -> Self {
        Self::new(1008, flaw)
    }

    /// It does not say who it is.
    pub(crate) fn silent(handshake_ms: u64) -> Self {
        Self::new(1008, format!("expected to be told who connects within {handshake_ms} ms"))
    }

    /// The channel takes no more clients.
    pub(crate) fn no_room(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(1013, reason)
    }

    pub(crate) const fn taken_over() -> Self {
        let reason = Cow::Borrowed("a newer connection has taken over");
        Self { code: 4000, reason, after: After::StayAway }
    }

    /// More live messages wait than may.
    pub(crate) fn too_slow(waiting: Load, max: Load) -> Self {
        Self::new(
            4001,
            if waiting.items >= max.items {
                format!("too slow, more than {} messages wait", max.items)
            } else {
                format!("too slow, more than {} bytes of messages wait", max.bytes)
            },
        )
    }

    /// The client takes nothing of what is sent to it.
    pub(crate) fn stalled(patience: Duration) -> Self {
        Self::new(4001, format!("too slow, nothing was taken for {} ms", patience.as_millis()))
    }

    /// The client has come back before the server knew that it was away: when it reconnects, it is
    /// again who it was.
    pub(crate) const fn lost_another() -> Self {
        Self::of(4002, "an earlier connection was lost, expected to reconnect in its place")
    }

    /// As the WebSocket says it, shortened to what fits.
    pub(crate) fn frame(&self) -> CloseFrame {
        let mut end = self.reason.len().min(MAX_REASON);
        while !self.reason.is_char_boundary(end) {
            end -= 1;
        }
        CloseFrame { code: self.code, reason: self.reason.get(..end).unwrap_or_default().into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let close = Close::put_out(&"ö".repeat(100));
        assert_eq!(close.frame().reason.len(), 122);
    }
}
