//! Which names stand behind handles: what turns a list of small integers back into ids.

use crate::{
    cow::CowVec,
    ids::{ClientHandle, ClientId, UserId},
};

/// The two names of a client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    pub(crate) client: ClientId,
    pub(crate) user: UserId,
}

impl Names {
    /// At least as many bytes as both take in JSON, where some characters take six. O(1) a byte.
    #[inline]
    pub(crate) fn encoded_bytes(&self) -> u64 {
        encoded_bytes(self.client.as_bytes()) + encoded_bytes(self.user.as_bytes())
    }
}

/// At least as many bytes as a text takes in JSON, without its quotes.
#[inline]
pub(crate) fn encoded_bytes(text: &[u8]) -> u64 {
    // Nearly always, and to find out takes a few instructions for many bytes.
    let is_plain = |byte: &u8| *byte >= b' ' && *byte != b'"' && *byte != b'\\';
    if text.iter().fold(true, |all, byte| all & is_plain(byte)) {
        return text.len() as u64;
    }
    encoded_bytes_of_escaped(text)
}

#[cold]
fn encoded_bytes_of_escaped(text: &[u8]) -> u64 {
    let controls = text.iter().filter(|byte| **byte < b' ').count();
    let escaped = text.iter().filter(|byte| matches!(byte, b'"' | b'\\')).count();
    (text.len() + 5 * controls + escaped) as u64
}

/// The names of every client of a channel, by handle; cheap to clone.
///
/// The names of a client that has gone stay until its handle is given out again, which is after
/// the flush that follows its end: whatever was emitted before can still be read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Directory(CowVec<Names>);

impl Directory {
    pub(crate) fn set(&mut self, handle: ClientHandle, names: Names) {
        self.0.set(handle.index(), names);
    }

    #[inline]
    pub(crate) fn names(&self, handle: ClientHandle) -> &Names {
        self.0.get(handle.index()).expect("a handle that was given out has names")
    }

    /// Whether it has no names.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it has the names of a client: a message that was not flushed has none.
    pub(crate) fn has(&self, handle: ClientHandle) -> bool {
        self.0.get(handle.index()).is_some()
    }

    #[inline]
    pub(crate) fn client(&self, handle: ClientHandle) -> &ClientId {
        &self.names(handle).client
    }

    pub(crate) fn user(&self, handle: ClientHandle) -> &UserId {
        &self.names(handle).user
    }
}
