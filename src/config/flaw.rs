//! What can be wrong with how a room is configured, and what was expected.

use alloc::{collections::BTreeSet, format, string::String};
use core::fmt;

use super::{Config, Limit, RoomConfig, room::is_wildcard};
use crate::ids::EventName;

/// What is wrong with a [`RoomConfig`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomFlaw {
    /// Its name is empty or too long.
    #[non_exhaustive]
    InvalidName {
        /// How many bytes it has.
        bytes: u64,
        /// How many it may have; it must have one.
        max: u64,
    },
    /// Its description or data is too large, or its data too deep.
    #[non_exhaustive]
    TooLarge {
        /// `description` or `data`.
        field: &'static str,
        /// [`Limit::MetaBytes`], [`Limit::PayloadBytes`] or [`Limit::PayloadDepth`].
        limit: Limit,
        /// How large or deep it is.
        got: u64,
        /// How large or deep it may be.
        max: u64,
    },
    /// It contradicts itself, or says something that means nothing.
    #[non_exhaustive]
    Inconsistent {
        /// Where: `events[1].name`.
        field: String,
        /// What is wrong there, and what was expected.
        wrong: String,
    },
}

impl RoomFlaw {
    /// Where it is, as a path from the configuration of the room: `events[1].name`.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::InvalidName { .. } => "name",
            Self::TooLarge { field, .. } => field,
            Self::Inconsistent { field, .. } => field,
        }
    }

    pub(super) fn inconsistent(field: impl Into<String>, wrong: impl Into<String>) -> Self {
        Self::Inconsistent { field: field.into(), wrong: wrong.into() }
    }
}

impl fmt::Display for RoomFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidName { bytes, max } => {
                write!(f, "name has {bytes} bytes, expected 1 to {max}")
            }
            Self::TooLarge { field, limit, got, max } => {
                let unit = if *limit == Limit::PayloadDepth { "levels" } else { "bytes" };
                write!(f, "{field} has {got} {unit}, expected at most {max}")
            }
            Self::Inconsistent { field, wrong } => write!(f, "{field} {wrong}"),
        }
    }
}

impl core::error::Error for RoomFlaw {}

impl RoomConfig {
    /// Checks it against the limits of the channel: first its name, then sizes, then whether it
    /// makes sense.
    pub(crate) fn check(&self, config: &Config) -> Result<(), RoomFlaw> {
        let Self {
            name,
            description,
            data,
            max_members: _,
            client_events: _,
            events,
            default_subscriptions,
            owner,
            lifetime: _,
            presence: _,
            presence_snapshot: _,
            presence_window_ms: _,
            presence_of: _,
            publishers: _,
            history_on_join: _,
            history_for: _,
            rate_limit,
            dedupe: _,
        } = self;
        let check = Check { config };

        if let Some(name) = name {
            let (bytes, max) = (name.len() as u64, config.limit(Limit::NameBytes));
            if !(1..=max).contains(&bytes) {
                return Err(RoomFlaw::InvalidName { bytes, max });
            }
        }
        if let Some(description) = description {
            check.size("description", Limit::MetaBytes, description.len() as u64)?;
        }
        if let Some(data) = data {
            check.size("data", Limit::PayloadBytes, data.as_str().len() as u64)?;
            check.size("data", Limit::PayloadDepth, u64::from(data.depth()))?;
        }

        check.count("events", Limit::EventNamesPerTopic, events.len())?;
        check.names(events.iter().map(|event| &event.name), |at| format!("events[{at}].name"))?;

        let subscribed = default_subscriptions;
        check.count("default_subscriptions", Limit::SubscriptionsPerMember, subscribed.len())?;
        check.names(subscribed.iter(), |at| format!("default_subscriptions[{at}]"))?;
        if subscribed.len() > 1 && subscribed.iter().any(is_wildcard) {
            let wrong = "has \"*\" beside other names, expected it alone or names without it";
            return Err(RoomFlaw::inconsistent("default_subscriptions", wrong));
        }

        if let Some(owner) = owner {
            check.name(owner.as_bytes(), || "owner".into())?;
        }
        if rate_limit.is_some_and(|rate_limit| rate_limit.window_ms == 0) {
            return Err(RoomFlaw::inconsistent(
                "rate_limit.window_ms",
                "is 0, expected at least 1",
            ));
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Check<'a> {
    config: &'a Config,
}

impl Check<'_> {
    fn size(self, field: &'static str, limit: Limit, got: u64) -> Result<(), RoomFlaw> {
        let max = self.config.limit(limit);
        if got > max { Err(RoomFlaw::TooLarge { field, limit, got, max }) } else { Ok(()) }
    }

    fn count(self, field: &str, limit: Limit, got: usize) -> Result<(), RoomFlaw> {
        let max = self.config.limit(limit);
        if got as u64 > max {
            let wrong = format!("has {got} names, expected at most {max} (limit {limit})");
            return Err(RoomFlaw::inconsistent(field, wrong));
        }
        Ok(())
    }

    /// Checks names of which each may stand there once; `field` says where one stands.
    fn names<'a>(
        self,
        names: impl Iterator<Item = &'a EventName>,
        field: impl Fn(usize) -> String,
    ) -> Result<(), RoomFlaw> {
        let mut met = BTreeSet::new();
        for (at, name) in names.enumerate() {
            self.name(name.as_bytes(), || field(at))?;
            if !met.insert(name) {
                let wrong = format!("is {name:?} again, expected each name once");
                return Err(RoomFlaw::inconsistent(field(at), wrong));
            }
        }
        Ok(())
    }

    fn name(self, name: &[u8], field: impl Fn() -> String) -> Result<(), RoomFlaw> {
        let (bytes, max) = (name.len() as u64, self.config.limit(Limit::NameBytes));
        if (1..=max).contains(&bytes) {
            return Ok(());
        }
        Err(RoomFlaw::inconsistent(field(), format!("has {bytes} bytes, expected 1 to {max}")))
    }
}
