//! What nobody can guess.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Random bytes of the machine.
///
/// # Panics
///
/// On a machine that has none, where nothing that follows would be safe.
#[expect(clippy::expect_used, reason = "a server can't go on without")]
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("a machine has random bytes");
    bytes
}

/// A name of 128 bits.
pub(crate) fn name() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<16>())
}

/// A key for hash tables.
pub(crate) fn hash_key() -> [u64; 2] {
    [u64::from_le_bytes(bytes()), u64::from_le_bytes(bytes())]
}
