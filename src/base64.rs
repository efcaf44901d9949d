//! Base64 with padding, as in RFC 4648, section 4: how bytes stand in a line of JSON.
//!
//! Strict: what decodes encodes to the same text again, so that no two texts mean the same bytes.

use alloc::{string::String, vec::Vec};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Encodes `bytes`, padded to a multiple of four characters.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| (group << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            text.push(if place <= chunk.len() { digit(group >> (18 - 6 * place)) } else { '=' });
        }
    }
    text
}

/// Decodes `text`, or says what is wrong with it.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, &'static str> {
    if !text.len().is_multiple_of(4) {
        return Err("base64 with padding has a multiple of four characters");
    }

    let digits = text.trim_end_matches('=').as_bytes();
    if text.len() - digits.len() > 2 {
        return Err("base64 ends with at most two `=`");
    }

    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in digits.chunks(4) {
        let mut group = 0_u32;
        for digit in chunk {
            group = (group << 6) | value(*digit).ok_or("base64 has only A-Z a-z 0-9 + / and =")?;
        }
        group <<= 6 * (4 - chunk.len());
        let [_, decoded @ ..] = group.to_be_bytes();
        let (kept, dropped) = decoded.split_at_checked(chunk.len() - 1).unwrap_or_default();
        if dropped.iter().any(|byte| *byte != 0) {
            return Err("base64 has no bits beyond its last byte");
        }
        bytes.extend_from_slice(kept);
    }
    Ok(bytes)
}

/// The character for the lowest six bits of `group`.
fn digit(group: u32) -> char {
    ALPHABET.get((group & 63) as usize).copied().map_or('=', char::from)
}

fn value(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_rfc_4648_hold() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text), Ok(bytes.as_bytes().to_vec()));
        }
    }

    #[test]
    fn what_no_encoder_writes_is_refused() {
        for text in ["Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zm=v", "Zm9\n", "Zm-_"] {
            assert!(decode(text).is_err(), "{text:?} decoded to {:?}", decode(text));
        }
    }

    #[test]
    fn every_byte_comes_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        for start in 0..3 {
            assert_eq!(decode(&encode(&bytes[start..])).as_deref(), Ok(&bytes[start..]));
        }
    }
}
