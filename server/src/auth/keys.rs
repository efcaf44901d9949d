//! The keys that tokens are verified by. Each verifies by its own algorithm and no other, so a
//! token's header chooses among keys, never how a key is used.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    crypto::{CryptoProvider, rust_crypto},
    errors::{Error, ErrorKind},
};
use serde_json::{Map, Value};

use super::AuthError;

/// The longest token that is looked at.
pub(super) const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The least bytes of a secret, which are those of what it signs by: RFC 7518, 3.2.
const MIN_SECRET_BYTES: usize = 32;

/// The least bytes of an RSA modulus: RFC 7518, 3.3.
const MIN_MODULUS_BYTES: usize = 256;

/// The provider of what is cryptography.
const CRYPTO: &CryptoProvider = &rust_crypto::DEFAULT_PROVIDER;

/// What tokens are verified by, and what they have to say.
#[derive(Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "made by a struct update of the default")]
pub struct AuthSettings {
    /// The secret of HS256, of 32 bytes at least.
    pub hs256_secret: Option<Vec<u8>>,
    /// The public key of RS256, as PEM, of 2048 bits at least.
    pub rs256_public_key: Option<Vec<u8>>,
    /// The public key of ES256, as PEM, on the curve P-256.
    pub es256_public_key: Option<Vec<u8>>,
    /// Of which a token's `aud` has to name one. If there is none, a token must have no `aud`.
    pub audience: Vec<String>,
    /// Of which a token's `iss` has to be one, if there is any.
    pub issuer: Vec<String>,
    /// For how many seconds clocks may differ: `exp` and `nbf` hold that much longer.
    pub leeway_s: u64,
}

/// A key that can't be used, or is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyError {
    /// The field of [`AuthSettings`].
    pub key: &'static str,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl KeyError {
    pub(super) fn new(key: &'static str, message: impl Into<String>) -> Self {
        Self { key, message: message.into() }
    }
}

/// Keys, each with the one way in which it verifies.
pub(super) struct Keys(Vec<(Algorithm, DecodingKey)>);

impl Keys {
    pub(super) fn new(settings: &AuthSettings) -> Result<Self, KeyError> {
        // Another crate may have switched on another provider: then there is none by default, and
        // verifying would panic. One that the host has installed stays.
        let _installed_by_others = CRYPTO.install_default();

        let mut keys = Vec::new();
        if let Some(secret) = &settings.hs256_secret {
            keys.push((Algorithm::HS256, secret_key(secret)?));
        }
        if let Some(pem) = &settings.rs256_public_key {
            keys.push((Algorithm::RS256, rsa_key(pem)?));
        }
        if let Some(pem) = &settings.es256_public_key {
            keys.push((Algorithm::ES256, ec_key(pem)?));
        }
        Ok(Self(keys))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What they verify by, for people.
    pub(super) fn algorithms(&self) -> String {
        let names = self.0.iter().map(|(algorithm, _)| format!("{algorithm:?}"));
        names.collect::<Vec<_>>().join(" or ")
    }

    /// What a token says that is signed by one of the keys. When it is valid is not looked at.
    pub(super) fn verify(&self, token: &str) -> Result<Map<String, Value>, AuthError> {
        // Looked at only then: what is no token at all fails too.
        self.verified(token).map_err(|error| if is_jwt(token) { error } else { AuthError::NoJwt })
    }

    fn verified(&self, token: &str) -> Result<Map<String, Value>, AuthError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| self.other_algorithm())?;
        // What is critical has to be understood, and nothing is: RFC 7515, 4.1.11.
        if header.crit.is_some() {
            return Err(AuthError::Malformed);
        }
        let key = self.0.iter().find(|(algorithm, _)| *algorithm == header.alg);
        let (algorithm, key) = key.ok_or_else(|| self.other_algorithm())?;

        let mut validation = Validation::new(*algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        let decoded = jsonwebtoken::decode(token, key, &validation);
        Ok(decoded.map_err(|error| self.explain(&error))?.claims)
    }

    /// Also where a header names an algorithm that nobody knows: `none` is one.
    fn other_algorithm(&self) -> AuthError {
        AuthError::Algorithm { expected: self.algorithms() }
    }

    fn explain(&self, error: &Error) -> AuthError {
        if matches!(error.kind(), ErrorKind::InvalidSignature) {
            AuthError::Signature
        } else if matches!(error.kind(), ErrorKind::InvalidAlgorithm) {
            self.other_algorithm()
        } else {
            AuthError::Malformed
        }
    }
}

/// Whether a text has the parts of a token: header and claims, which are objects, and a signature,
/// whatever that is.
fn is_jwt(token: &str) -> bool {
    let is_object = |part: &str| {
        let json = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
        serde_json::from_slice::<Map<String, Value>>(&json).is_ok()
    };
    match *token.split('.').collect::<Vec<_>>() {
        [header, claims, _signature] => is_object(header) && is_object(claims),
        _ => false,
    }
}

fn secret_key(secret: &[u8]) -> Result<DecodingKey, KeyError> {
    let wrong = |message: String| KeyError::new("hs256_secret", message);
    // A public key as a secret is one that everybody has.
    if secret.trim_ascii_start().starts_with(b"-----BEGIN") {
        return Err(wrong("this is a PEM key, expected a secret that nobody else knows".into()));
    }
    if secret.len() < MIN_SECRET_BYTES {
        let bytes = secret.len();
        return Err(wrong(format!("it has {bytes} bytes, expected {MIN_SECRET_BYTES} at least")));
    }
    Ok(DecodingKey::from_secret(secret))
}

fn rsa_key(pem: &[u8]) -> Result<DecodingKey, KeyError> {
    const KEY: &str = "rs256_public_key";
    let key = public_key(KEY, Algorithm::RS256, pem, DecodingKey::from_rsa_pem)?;
    let parts =
        key.try_get_as_bytes().and_then(CRYPTO.key_utils.rsa_pub_components_from_public_key);
    let modulus = parts.map_or(0, |(modulus, _)| modulus.len());
    if modulus < MIN_MODULUS_BYTES {
        let (bits, least) = (modulus * 8, MIN_MODULUS_BYTES * 8);
        return Err(KeyError::new(KEY, format!("it has {bits} bits, expected {least} at least")));
    }
    Ok(key)
}

fn ec_key(pem: &[u8]) -> Result<DecodingKey, KeyError> {
    public_key("es256_public_key", Algorithm::ES256, pem, DecodingKey::from_ec_pem)
}

/// Reads a key, and tries whether it can verify: a key on another curve can't.
fn public_key(
    name: &'static str,
    algorithm: Algorithm,
    pem: &[u8],
    read: fn(&[u8]) -> Result<DecodingKey, Error>,
) -> Result<DecodingKey, KeyError> {
    let expected = match name {
        "rs256_public_key" => "an RSA public key",
        _ => "an EC public key on the curve P-256",
    };
    if pem.windows(8).any(|bytes| bytes == b"PRIVATE ") {
        let message = format!(
            "this is a private key, which a server must not have, expected {expected} as PEM"
        );
        return Err(KeyError::new(name, message));
    }
    let key = read(pem)
        .ok()
        .filter(|key| (CRYPTO.verifier_factory)(&algorithm, key).is_ok())
        .ok_or_else(|| {
            KeyError::new(name, format!("this is no such key, expected {expected} as PEM"))
        })?;
    Ok(key)
}

impl fmt::Debug for AuthSettings {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hs256_secret, rs256_public_key, es256_public_key, audience, issuer, leeway_s } =
            self;
        f.debug_struct("AuthSettings")
            .field("hs256_secret", &hs256_secret.as_ref().map(|_| "…"))
            .field("rs256_public_key", &rs256_public_key.is_some())
            .field("es256_public_key", &es256_public_key.is_some())
            .field("audience", audience)
            .field("issuer", issuer)
            .field("leeway_s", leeway_s)
            .finish()
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

impl std::error::Error for KeyError {}
