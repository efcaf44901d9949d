//! A channel as text: saved between flushes, and restored to go on as if nothing had been.
//!
//! One JSON object: what it is, its version, the configuration, the state, and a checksum of both,
//! so that a file that was cut short or changed by hand is refused and not half believed.

mod form;
mod restore;
mod save;

use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
};
use core::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use self::form::State;
use super::Channel;
use crate::config::Config;

/// The version of the form that is written, and the only one that is read.
const VERSION: u64 = 2;

/// What is around the state.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    parlor_snapshot: u64,
    checksum: String,
    #[serde(borrow)]
    config: &'a RawValue,
    #[serde(borrow)]
    state: &'a RawValue,
}

/// The version alone, whatever else there is.
#[derive(Deserialize)]
struct Version {
    parlor_snapshot: u64,
}

impl Channel {
    /// The channel as text: a JSON object, from which [`Channel::restore`] makes a channel that
    /// goes on event for event and byte for byte. Its configuration is part of it, the key of its
    /// hash tables is not. Linear in all that there is.
    ///
    /// Metas and payloads stand in it byte for byte, so it has line breaks where they have; the data
    /// of rooms is written as in any line, in which a line break is a space.
    ///
    /// # Errors
    ///
    /// What was not flushed would be lost: an outbox that is not empty is refused.
    ///
    /// ```
    /// use parlor::{Channel, Config, Join};
    ///
    /// let mut channel = Channel::single_node(Config::default());
    /// channel.handle(Join::new("c1", "room:1", "ann", 0).into());
    /// assert_eq!(
    ///     channel.save().unwrap_err().to_string(),
    ///     "the outbox has 3 messages, expected it to be flushed first",
    /// );
    ///
    /// let _greetings = channel.flush_outbox();
    /// let saved = channel.save()?;
    /// let restored = Channel::restore(&saved, [1, 2])?;
    /// assert!(restored.is_member(&"c1".into(), &"room:1".into()));
    /// assert_eq!(restored.save()?, saved);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save(&self) -> Result<String, SaveError> {
        match self.outbox.len() {
            0 => {}
            messages => return Err(SaveError { messages }),
        }
        let config = raw(self.config.to_json());
        let state = raw(written(&self.state()));
        let envelope = Envelope {
            parlor_snapshot: VERSION,
            checksum: checksum(&config, &state),
            config: &config,
            state: &state,
        };
        Ok(written(&envelope))
    }

    /// The channel that was saved as this text, with another key for its hash tables. Costs n log n
    /// in all that there is.
    ///
    /// # Errors
    ///
    /// A text that is no snapshot, one of another version, and one that is damaged or does not fit
    /// together are refused, with what is wrong with it.
    pub fn restore(saved: &str, hash_key: [u64; 2]) -> Result<Self, RestoreError> {
        let no_snapshot = |error: serde_json::Error| {
            RestoreError(format!("expected a snapshot of a channel: {error}"))
        };
        let Version { parlor_snapshot: version } =
            serde_json::from_str(saved).map_err(no_snapshot)?;
        if version != VERSION {
            return Err(RestoreError(format!(
                "the snapshot has version {version}, expected {VERSION}"
            )));
        }
        let envelope: Envelope<'_> = serde_json::from_str(saved).map_err(no_snapshot)?;
        let expected = checksum(envelope.config, envelope.state);
        if envelope.checksum != expected {
            let got = envelope.checksum;
            return Err(RestoreError(format!(
                "the snapshot is damaged: its checksum is {got:?}, expected {expected:?}"
            )));
        }
        let config = Config::from_json(envelope.config.get())
            .map_err(|error| RestoreError(format!("config: {error}")))?;
        let state: State = serde_json::from_str(envelope.state.get())
            .map_err(|error| RestoreError(format!("state: {error}")))?;
        Self::from_state(config.with_hash_key(hash_key), state)
    }
}

fn written(form: &impl Serialize) -> String {
    serde_json::to_string(form).expect("a form has no keys but texts")
}

fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).expect("what was written is JSON")
}

/// FNV-1a, which tells accidents, not malice: who can write a snapshot can write another.
fn checksum(config: &RawValue, state: &RawValue) -> String {
    let bytes = config.get().bytes().chain([b'\n']).chain(state.get().bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// Why a channel is not saved: there is something to flush.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SaveError {
    /// How many messages the outbox has.
    pub messages: usize,
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { messages } = self;
        write!(f, "the outbox has {messages} messages, expected it to be flushed first")
    }
}

impl core::error::Error for SaveError {}

/// Why a text is not restored. Its `Display` says what is wrong with it, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreError(String);

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for RestoreError {}

impl From<&str> for RestoreError {
    fn from(wrong: &str) -> Self {
        Self(wrong.to_string())
    }
}
