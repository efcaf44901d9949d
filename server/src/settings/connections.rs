//! What connections may take: how many there are, how much waits for each, how fast it may speak.

use super::{error::Wrong, table::Table};

/// The least that a message may have for what is around its payload.
pub(super) const AROUND_PAYLOAD_BYTES: usize = 8 * 1024;

/// The largest message by default, if payloads are not larger.
const MESSAGE_BYTES: usize = 128 * 1024;

/// What connections may take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by a struct update of the default")]
pub struct ConnectionLimits {
    /// How many there may be; one more is refused with status 503.
    pub max: usize,
    /// How many of one address; one more is refused with status 429. In IPv6, an address is the
    /// first 64 bits.
    pub max_per_ip: usize,
    /// How many live messages may wait for a connection to take them. Answers to what the client
    /// itself has asked for do not count: they go out as it reads.
    pub queue_items: usize,
    /// How many bytes live messages may have together. While as many bytes of answers wait, or
    /// [`queue_items`](Self::queue_items) of them, no more requests with large answers are handed
    /// over.
    pub queue_bytes: usize,
    /// How long a message of a client may be. In settings that do not say it, payloads of the size
    /// that the channel allows fit.
    pub max_message_bytes: usize,
    /// How long a request may take to arrive.
    pub handshake_ms: u64,
    /// For how long a client may be silent, or take nothing of what is sent to it.
    pub idle_ms: u64,
    /// How many messages a client may send in a window.
    pub events_per_window: u32,
    /// How long that window is.
    pub window_ms: u64,
    /// How many topics a client may join.
    pub max_topics: usize,
    /// How long a connection that is closed may take to say good-bye.
    pub close_ms: u64,
    /// How long all may take together when the server goes.
    pub drain_ms: u64,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max: 16_384,
            max_per_ip: 1_024,
            queue_items: 4_096,
            queue_bytes: 4 << 20,
            max_message_bytes: MESSAGE_BYTES,
            handshake_ms: 10_000,
            idle_ms: 60_000,
            events_per_window: 1_000,
            window_ms: 10_000,
            max_topics: 100,
            close_ms: 5_000,
            drain_ms: 10_000,
        }
    }
}

impl ConnectionLimits {
    /// The default, with messages that are large enough for such payloads.
    pub(super) fn for_payloads(bytes: u64) -> Self {
        let payload = usize::try_from(bytes).unwrap_or(usize::MAX);
        let message = payload.saturating_add(AROUND_PAYLOAD_BYTES).max(MESSAGE_BYTES);
        Self { max_message_bytes: message, ..Self::default() }
    }

    /// Reads `[connections]`.
    pub(super) fn read(mut table: Table, payload_bytes: u64) -> Result<Self, Wrong> {
        let Self {
            max,
            max_per_ip,
            queue_items,
            queue_bytes,
            max_message_bytes,
            handshake_ms,
            idle_ms,
            events_per_window,
            window_ms,
            max_topics,
            close_ms,
            drain_ms,
        } = Self::for_payloads(payload_bytes);
        let limits = Self {
            max: count(&mut table, "max", max)?,
            max_per_ip: count(&mut table, "max_per_ip", max_per_ip)?,
            queue_items: count(&mut table, "queue_items", queue_items)?,
            queue_bytes: size(&mut table, "queue_bytes", queue_bytes)?,
            max_message_bytes: size(&mut table, "max_message_bytes", max_message_bytes)?,
            handshake_ms: time(&mut table, "handshake_ms", handshake_ms)?,
            idle_ms: time(&mut table, "idle_ms", idle_ms)?,
            events_per_window: table
                .number("events_per_window", 1..=u64::from(u32::MAX))?
                .and_then(|number| u32::try_from(number).ok())
                .unwrap_or(events_per_window),
            window_ms: time(&mut table, "window_ms", window_ms)?,
            max_topics: count(&mut table, "max_topics", max_topics)?,
            close_ms: time(&mut table, "close_ms", close_ms)?,
            drain_ms: time(&mut table, "drain_ms", drain_ms)?,
        };
        table.finish()?;
        Ok(limits)
    }
}

fn count(table: &mut Table, key: &'static str, default: usize) -> Result<usize, Wrong> {
    let number = table.number(key, 1..=10_000_000)?;
    Ok(number.and_then(|number| usize::try_from(number).ok()).unwrap_or(default))
}

/// A message of less than this has no room for its names.
fn size(table: &mut Table, key: &'static str, default: usize) -> Result<usize, Wrong> {
    let number = table.number(key, 1_024..=1 << 30)?;
    Ok(number.and_then(|number| usize::try_from(number).ok()).unwrap_or(default))
}

/// Up to a day.
fn time(table: &mut Table, key: &'static str, default: u64) -> Result<u64, Wrong> {
    Ok(table.number(key, 1..=86_400_000)?.unwrap_or(default))
}
