//! Settings each of which can be, but not both.

use parlor::Limit;

use super::{Settings, connections::AROUND_PAYLOAD_BYTES, error::Wrong};

/// Refuses settings that can't work together, and names both places.
pub(crate) fn check(settings: &Settings) -> Result<(), Wrong> {
    let queue_bytes = settings.connections.queue_bytes;
    let payload_bytes = settings.channel.limit(Limit::PayloadBytes);
    let payload = usize::try_from(payload_bytes).unwrap_or(usize::MAX);
    let least = payload.saturating_add(AROUND_PAYLOAD_BYTES);
    if queue_bytes < least {
        let message = format!(
            "{queue_bytes} bytes have no room for a message with a payload of limits.payload_bytes \
             ({payload_bytes}), expected at least {least}"
        );
        return Err(Wrong::new("connections.queue_bytes", message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a1_a_queue_without_room_for_one_message_is_refused_and_both_places_are_named() {
        let settings = |queue: usize| {
            Settings::from_toml(&format!(
                "[connections]\nqueue_bytes = {queue}\n[limits]\npayload_bytes = 100_000\n"
            ))
        };
        let least = 100_000 + AROUND_PAYLOAD_BYTES;
        settings(least).unwrap();
        assert_eq!(
            settings(least - 1).unwrap_err().to_string(),
            "line 2: connections.queue_bytes: 108191 bytes have no room for a message with a \
             payload of limits.payload_bytes (100000), expected at least 108192"
        );
    }
}
