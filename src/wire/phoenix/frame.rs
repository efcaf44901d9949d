//! What is sent: frames, and how many come of one message.

use alloc::sync::Arc;
use core::{array, fmt, iter};

/// One WebSocket message. Cloning costs a reference count.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a WebSocket message is text or bytes")]
pub enum Frame {
    /// A text message.
    Text(Arc<str>),
    /// A binary message.
    Binary(Arc<[u8]>),
}

impl Frame {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The size of what it carries in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }
}

/// No, one or two frames, to be sent in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "frames are there to be sent"]
pub struct Frames([Option<Frame>; 2]);

impl Frames {
    pub(super) const fn none() -> Self {
        Self([None, None])
    }

    pub(super) const fn one(frame: Frame) -> Self {
        Self([Some(frame), None])
    }

    /// That one, and perhaps another after it.
    pub(super) const fn with(frame: Frame, then: Option<Frame>) -> Self {
        Self([Some(frame), then])
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.0, [None, None])
    }

    /// The frames, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Frame> {
        self.0.iter().flatten()
    }
}

impl From<Option<Frame>> for Frames {
    fn from(frame: Option<Frame>) -> Self {
        Self([frame, None])
    }
}

impl IntoIterator for Frames {
    type Item = Frame;
    type IntoIter = iter::Flatten<array::IntoIter<Option<Frame>, 2>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().flatten()
    }
}

/// A field is too long for a binary frame, which has one byte for its size; nothing was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldTooLong {
    /// `join_ref`, `ref`, `topic` or `event`.
    pub field: &'static str,
    /// How many bytes it has.
    pub bytes: usize,
}

impl FieldTooLong {
    /// How many bytes a field of a binary frame has at most.
    pub const MAX_BYTES: usize = u8::MAX as usize;
}

impl fmt::Display for FieldTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, bytes } = self;
        write!(
            f,
            "{field} has {bytes} bytes, expected at most {} in a binary frame",
            Self::MAX_BYTES
        )
    }
}

impl core::error::Error for FieldTooLong {}
