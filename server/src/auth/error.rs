//! Why somebody is not let in. Says what was expected, and nothing of what was shown.

use std::fmt;

use serde_json::Value;

/// Why somebody is not let in. May be shown to them: it repeats nothing of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthError {
    /// There is none.
    NoToken,
    /// It is longer than any that is looked at.
    TokenTooLong {
        /// How many bytes it may have.
        max: usize,
    },
    /// It is no JSON Web Token at all.
    NoJwt,
    /// It is not one that this server understands.
    Malformed,
    /// It says that it is signed in another way than there is a key for.
    Algorithm {
        /// The ways that there are keys for.
        expected: String,
    },
    /// It is not signed by the key.
    Signature,
    /// Its `exp` is past.
    Expired,
    /// Its `nbf` is to come.
    NotYet,
    /// A claim is absent.
    Missing {
        /// Which one.
        claim: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// A claim is not what it has to be.
    Claim {
        /// Which one.
        claim: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// The user has no name, or one that is too long.
    UserLength {
        /// How many bytes it has.
        bytes: u64,
        /// How many it may have.
        max: u64,
    },
    /// A client claims to be somebody who speaks for the server.
    ReservedUser {
        /// Whom.
        user: &'static str,
    },
}

impl AuthError {
    /// What is wrong with a claim that does not fit: it may be absent.
    pub(super) const fn unfit_claim(
        claim: &'static str,
        value: Option<&Value>,
        expected: &'static str,
    ) -> Self {
        match value {
            None => Self::Missing { claim, expected },
            Some(_) => Self::wrong_claim(claim, expected),
        }
    }

    pub(super) const fn wrong_claim(claim: &'static str, expected: &'static str) -> Self {
        Self::Claim { claim, expected }
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoToken => f.write_str("there is no token, expected a JSON Web Token"),
            Self::TokenTooLong { max } => {
                write!(f, "the token is too long, expected {max} bytes at most")
            }
            Self::NoJwt => f.write_str(
                "this is no JSON Web Token, expected header, claims and signature in base64url",
            ),
            Self::Malformed => f.write_str("the token can't be read, expected a JSON Web Token"),
            Self::Algorithm { expected } => {
                write!(f, "the token is signed in another way, expected {expected}")
            }
            Self::Signature => f.write_str("the token is not signed by the key that was expected"),
            Self::Expired => f.write_str("the token has expired, expected one that is valid"),
            Self::NotYet => f.write_str("the token is not valid yet, expected one that is"),
            Self::Missing { claim, expected } => {
                write!(f, "the token's claim `{claim}` is missing, expected {expected}")
            }
            Self::Claim { claim, expected } => {
                write!(f, "the token's claim `{claim}` does not fit, expected {expected}")
            }
            Self::UserLength { bytes, max } => {
                write!(f, "the user has {bytes} bytes, expected 1 to {max}")
            }
            Self::ReservedUser { user } => {
                write!(f, "the user is {user:?}, expected one who is not the server")
            }
        }
    }
}

impl std::error::Error for AuthError {}
