//! Tokens as the server wants them, and as it must not take them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// What the server verifies tokens by, which no outsider knows.
pub const SECRET: &str = "what only the server and who signs for it know";

/// The key of operators and back ends, which no outsider knows either.
pub const KEY: &str = "k-of-those-who-run-the-server";

/// What an outsider signs by.
pub const OTHER: &str = "what an outsider has made up and signs its own by";

pub fn now_s() -> u64 {
    jsonwebtoken::get_current_timestamp()
}

/// Base64 as tokens have it.
pub fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token with any header, signed by HMAC-SHA256 whatever the header says.
pub fn signed(header: &Value, claims: &Value, secret: impl AsRef<[u8]>) -> String {
    let said = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_ref()).unwrap();
    mac.update(said.as_bytes());
    format!("{said}.{}", encoded(mac.finalize().into_bytes()))
}

pub fn hs256(claims: &Value) -> String {
    signed(&json!({"alg": "HS256", "typ": "JWT"}), claims, SECRET)
}

/// A token of a user who has no more to show than who it is.
pub fn of(user: &str) -> String {
    hs256(&claims(user))
}

pub fn claims(user: &str) -> Value {
    json!({"sub": user, "exp": now_s() + 3_600})
}

/// The claims of a user, with these in their place; those that are `null` are left out.
pub fn claims_but(user: &str, others: &Value) -> Value {
    let mut claims = claims(user);
    for (claim, value) in others.as_object().unwrap() {
        claims[claim] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}
