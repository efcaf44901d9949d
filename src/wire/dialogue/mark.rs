//! What the codec packs into the `ref` of an event, so that its answer can be told.

use alloc::{format, string::String};

use crate::ids::Ref;

/// How long clients wait for an answer: an error that comes later would be taken for that of
/// another command.
pub(super) const PATIENCE_MS: u64 = 5_000;

/// Which command of a connection it was, and when it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) number: u64,
    pub(super) at_ms: u64,
}

impl Mark {
    const PREFIX: &'static str = "dlg:";

    /// The mark in a `ref`, if it is one of the codec's.
    pub(super) fn of(reference: Option<&Ref>) -> Option<Self> {
        let (at_ms, number) = reference?.as_str().strip_prefix(Self::PREFIX)?.split_once(':')?;
        Some(Self { number: number.parse().ok()?, at_ms: at_ms.parse().ok()? })
    }

    pub(super) fn to_text(self) -> String {
        let Self { number, at_ms } = self;
        format!("{}{at_ms}:{number}", Self::PREFIX)
    }

    /// Whether nobody waits for the answer any more.
    pub(super) const fn is_late(self, now_ms: u64) -> bool {
        now_ms >= self.at_ms.saturating_add(PATIENCE_MS)
    }
}
