//! Why a configuration is refused.

use alloc::string::String;
use core::fmt;

use super::{Limit, MAX_FIRST_EPOCH, RoomFlaw};

/// Why a configuration is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A limit is smaller or larger than it can be.
    LimitOutOfRange {
        /// Which one.
        limit: Limit,
        /// What it was set to.
        value: u64,
    },
    /// The first epoch is so high that the counter of epochs might run out.
    FirstEpochOutOfRange {
        /// What it was set to.
        epoch: u64,
    },
    /// The rate limit of opening rooms has a window of 0 ms.
    EmptyRateWindow,
    /// A reserved prefix that is empty would reserve every name.
    EmptyReservedPrefix,
    /// The name of a node or cluster is empty or too long.
    InvalidNodeName {
        /// `node` or `cluster`.
        of: &'static str,
        /// The name.
        name: String,
        /// The longest that a name can be, in bytes.
        max: u64,
    },
    /// The pattern of a room is neither a topic nor a prefix with a `*` at its end.
    InvalidPattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        flaw: PatternFlaw,
    },
    /// More rooms are declared than there may be topics.
    TooManyRooms {
        /// How many.
        declared: u64,
        /// [`Limit::Topics`].
        max: u64,
    },
    /// What is said of a room can't be.
    InvalidRoom {
        /// Its pattern; none for the default room.
        pattern: Option<String>,
        /// What is wrong.
        flaw: RoomFlaw,
    },
}

/// What is wrong with the pattern of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternFlaw {
    /// It has no bytes.
    Empty,
    /// It has more bytes than a name may have, a `*` at its end not counted.
    #[non_exhaustive]
    TooLong {
        /// How many it has.
        bytes: u64,
        /// How many it may have.
        max: u64,
    },
    /// It has a `*` before its end.
    Wildcard,
    /// It stands there a second time.
    Repeated,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LimitOutOfRange { limit, value } => {
                let (least, most) = limit.range().into_inner();
                write!(f, "limit {limit} is {value}, expected {least} to {most}")
            }
            Self::FirstEpochOutOfRange { epoch } => {
                write!(f, "the first epoch is {epoch}, expected at most {MAX_FIRST_EPOCH}")
            }
            Self::EmptyRateWindow => {
                f.write_str("the window of room_rate_limit is 0 ms, expected at least 1")
            }
            Self::EmptyReservedPrefix => {
                f.write_str("a reserved prefix is empty, expected at least one character")
            }
            Self::InvalidNodeName { of, name, max } => {
                write!(f, "{of} name {name:?} has {} bytes, expected 1 to {max}", name.len())
            }
            Self::InvalidPattern { pattern, flaw } => match flaw {
                PatternFlaw::Empty => {
                    f.write_str("a pattern is empty, expected a topic or a prefix and \"*\"")
                }
                PatternFlaw::TooLong { bytes, max } => {
                    write!(f, "pattern {pattern:?} has {bytes} bytes, expected at most {max}")
                }
                PatternFlaw::Wildcard => {
                    write!(
                        f,
                        "pattern {pattern:?} has \"*\" before its end, expected it there alone"
                    )
                }
                PatternFlaw::Repeated => {
                    write!(f, "pattern {pattern:?} is there already, expected each once")
                }
            },
            Self::TooManyRooms { declared, max } => {
                write!(f, "{declared} rooms are declared, expected at most {max} (limit topics)")
            }
            Self::InvalidRoom { pattern: Some(pattern), flaw } => {
                write!(f, "room {pattern:?}: {flaw}")
            }
            Self::InvalidRoom { pattern: None, flaw } => write!(f, "default room: {flaw}"),
        }
    }
}

impl core::error::Error for ConfigError {}
