//! Short immutable text: inline up to 22 bytes, shared beyond.
//!
//! Names are cloned into every message that mentions them. A short one is copied as it stands,
//! without touching the heap or a reference count; a long one is shared. Knows nothing about what
//! a name means or how long it may be.

use alloc::{string::String, sync::Arc};
use core::{
    borrow::Borrow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest text, in bytes, that is kept inline.
const INLINE: usize = 22;

/// Immutable UTF-8 text of 24 bytes, compared and hashed like the `str` that it holds.
#[derive(Clone)]
pub(crate) struct Text(Repr);

#[derive(Clone)]
enum Repr {
    // Invariant: `len` is at most INLINE, `bytes[..len]` is UTF-8, and the other bytes are 0.
    Inline { len: u8, bytes: [u8; INLINE] },
    Shared(Arc<str>),
}

impl Text {
    pub(crate) fn new(text: &str) -> Self {
        let mut bytes = [0; INLINE];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(text.as_bytes());
                Self(Repr::Inline { len, bytes })
            }
            _ => Self(Repr::Shared(text.into())),
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or(bytes),
            Repr::Shared(text) => text.as_bytes(),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Inline { .. } => {
                core::str::from_utf8(self.as_bytes()).expect("inline text was copied from a str")
            }
            Repr::Shared(text) => text,
        }
    }
}

impl Default for Text {
    fn default() -> Self {
        Self(Repr::Inline { len: 0, bytes: [0; INLINE] })
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        if text.len() > INLINE { Self(Repr::Shared(text.into())) } else { Self::new(&text) }
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            // All bytes of both: a comparison of fixed length is a few instructions.
            (Repr::Inline { len, bytes }, Repr::Inline { len: other_len, bytes: other_bytes }) => {
                len == other_len && bytes == other_bytes
            }
            (Repr::Inline { .. } | Repr::Shared(_), _) => self.as_bytes() == other.as_bytes(),
        }
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

// The order of UTF-8 bytes is the order of `str`.
impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl de::Visitor<'_> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text::new(text))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Text, E> {
                Ok(text.into())
            }
        }

        deserializer.deserialize_str(TextVisitor)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn text_reads_back_on_both_sides_of_the_inline_limit() {
        for len in [0, 1, INLINE - 1, INLINE, INLINE + 1, 300] {
            let original = "é".repeat(len / 2) + &"x".repeat(len % 2);
            let text = Text::new(&original);
            assert_eq!(text.as_str(), original);
            assert_eq!(text, Text::from(original.clone()));
            assert_eq!(text.to_string(), original);
        }
    }

    #[test]
    fn text_is_as_small_as_a_string() {
        assert_eq!(size_of::<Text>(), 24);
        assert_eq!(size_of::<Option<Text>>(), 24);
    }

    #[test]
    fn order_is_that_of_str() {
        let mut words = ["b", "a", "é", "", "abcdefghijklmnopqrstuvwxyz", "ab"];
        let mut texts = words.map(Text::new);
        words.sort_unstable();
        texts.sort_unstable();
        assert_eq!(texts.each_ref().map(Text::as_str), words);
    }
}
