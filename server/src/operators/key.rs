//! The key that operators and back ends show, and whether one that is shown is it.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The key of operators and back ends.
///
/// What it is kept as does not show what it is.
///
/// ```
/// use parlor_server::OperatorKey;
///
/// assert!(OperatorKey::new("kept by those who run the server").is_err(), "it has spaces");
/// assert!(OperatorKey::new("too-short").is_err());
/// assert!(OperatorKey::new("3f1c0c2e9d7b4a55").is_ok());
/// ```
#[derive(Clone)]
pub struct OperatorKey(Hmac<Sha256>);

/// A text that is no [`OperatorKey`]; its `Display` says why, and repeats nothing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidOperatorKey {
    /// It could be guessed, or a header could not hold it.
    Length {
        /// How many bytes it has.
        bytes: usize,
    },
    /// A header could not hold it.
    Character,
}

impl OperatorKey {
    /// How many bytes it has at least.
    pub const MIN_BYTES: usize = 16;

    /// How many bytes it has at most.
    pub const MAX_BYTES: usize = 4_096;

    /// Takes a text of ASCII without spaces, such as what `openssl rand -hex 32` writes.
    ///
    /// # Errors
    ///
    /// Refused is what is too short, too long, or could not stand in a header.
    pub fn new(text: &str) -> Result<Self, InvalidOperatorKey> {
        let bytes = text.len();
        if !(Self::MIN_BYTES..=Self::MAX_BYTES).contains(&bytes) {
            return Err(InvalidOperatorKey::Length { bytes });
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidOperatorKey::Character);
        }
        Ok(Self(tag(text.as_bytes())))
    }

    /// Whether it is that one, in a time that does not tell where it differs.
    pub(super) fn is(&self, shown: &[u8]) -> bool {
        let expected = self.0.clone().finalize().into_bytes();
        tag(shown).verify(&expected).is_ok()
    }
}

/// What stands for a text, so that texts of all lengths are compared alike.
fn tag(text: &[u8]) -> Hmac<Sha256> {
    // Nothing depends on the key of the hash.
    let mut tag = <Hmac<Sha256> as Mac>::new(&hmac::digest::Key::<Hmac<Sha256>>::default());
    tag.update(text);
    tag
}

impl fmt::Debug for OperatorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OperatorKey(…)")
    }
}

impl fmt::Display for InvalidOperatorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (min, max) = (OperatorKey::MIN_BYTES, OperatorKey::MAX_BYTES);
        match self {
            Self::Length { bytes } => write!(f, "it has {bytes} bytes, expected {min} to {max}"),
            Self::Character => {
                f.write_str("it has other characters, expected ASCII without spaces")
            }
        }
    }
}

impl std::error::Error for InvalidOperatorKey {}
