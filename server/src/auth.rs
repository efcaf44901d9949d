//! Who a connection is: by a signed token where there are keys, by its own word where there are none.
//!
//! Knows neither sockets nor clocks: the token and the time are handed in. A user is what a token's
//! `sub` says or what a client claims, never anything made of the token's text, and no error
//! repeats any of it.

mod claims;
mod error;
mod keys;

use std::{fmt, sync::Arc};

use parlor::{Json, UserId};
use serde_json::{Map, Value};

pub use self::{
    error::AuthError,
    keys::{AuthSettings, KeyError},
};

use self::{
    claims::Expected,
    keys::{Keys, MAX_TOKEN_BYTES},
};

use crate::random;

/// The sender of what the server itself says, which no client can claim to be.
const SERVER: &str = "system";

/// The longest name unless the limits of the channel say otherwise.
const NAME_BYTES: u64 = 255;

/// The claims of time, and of the token itself: they differ from one token of a user to the next.
const TOKENS_OWN: [&str; 4] = ["exp", "iat", "nbf", "jti"];

/// Decides who a connection is.
#[derive(Clone)]
pub struct Authenticator {
    mode: Mode,
    max_name_bytes: u64,
}

#[derive(Clone)]
enum Mode {
    Open,
    Tokens(Arc<Tokens>),
}

struct Tokens {
    keys: Keys,
    expected: Expected,
}

/// Who a connection is, and what it may show for it.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made here, and by who authenticates otherwise")]
pub struct Identity {
    /// Who it acts for.
    pub user_id: UserId,
    /// What the token says; nothing where there are no keys.
    pub claims: Map<String, Value>,
    /// From which second of Unix time on the token is refused. A connection ends then; without a
    /// token it does not.
    pub expires_at: Option<u64>,
}

impl Identity {
    /// What guards see of it, as the data of its client: the claims but those of the token itself,
    /// which differ from token to token. None if there are none.
    #[must_use]
    pub fn data(&self) -> Option<Json> {
        let mut claims = self.claims.clone();
        claims.retain(|name, _| !TOKENS_OWN.contains(&name.as_str()));
        if claims.is_empty() { None } else { Json::of(&claims).ok() }
    }
}

impl Authenticator {
    /// Lets everybody in, as whom they say they are.
    #[must_use]
    pub const fn open() -> Self {
        Self { mode: Mode::Open, max_name_bytes: NAME_BYTES }
    }

    /// Lets in who has a token signed by one of the keys; everybody if there is no key.
    ///
    /// # Errors
    ///
    /// Refused are keys that are none, or too weak for their algorithm, and what is said of tokens
    /// where there is no key to verify them.
    pub fn new(settings: &AuthSettings) -> Result<Self, KeyError> {
        let keys = Keys::new(settings)?;
        let expected = Expected::new(settings);
        let mode = if keys.is_empty() {
            expected.nothing()?;
            Mode::Open
        } else {
            Mode::Tokens(Arc::new(Tokens { keys, expected }))
        };
        Ok(Self { mode, max_name_bytes: NAME_BYTES })
    }

    /// With the longest that the name of a user may be, which is 255 bytes by default: the limit
    /// [`NameBytes`](parlor::Limit::NameBytes) of the channel.
    #[must_use]
    pub const fn with_max_name_bytes(mut self, bytes: u64) -> Self {
        self.max_name_bytes = bytes;
        self
    }

    /// Whether everybody is let in. Whoever runs the server ought to be told.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self.mode {
            Mode::Open => true,
            Mode::Tokens(_) => false,
        }
    }

    /// Decides who a connection is at `now_s`, in seconds of Unix time.
    ///
    /// With keys the user is the token's `sub`, and what the client claims does not matter. Without
    /// keys it is what the client claims, or a guest with a random name if it claims nothing; a
    /// token does not matter then.
    ///
    /// # Errors
    ///
    /// Refused is a token that is absent, too long, not signed by a key of the settings in the way
    /// of that key, expired, not valid yet, for others, or without a `sub` that can be a user; and a
    /// claimed user that can't be one.
    pub fn authenticate(
        &self,
        token: Option<&str>,
        claimed_user: Option<&str>,
        now_s: u64,
    ) -> Result<Identity, AuthError> {
        match &self.mode {
            Mode::Open => self.claimed(claimed_user),
            Mode::Tokens(tokens) => self.verified(tokens, token, now_s),
        }
    }

    fn verified(
        &self,
        tokens: &Tokens,
        token: Option<&str>,
        now_s: u64,
    ) -> Result<Identity, AuthError> {
        let token = token.filter(|token| !token.is_empty()).ok_or(AuthError::NoToken)?;
        if token.len() > MAX_TOKEN_BYTES {
            return Err(AuthError::TokenTooLong { max: MAX_TOKEN_BYTES });
        }

        let claims = tokens.keys.verify(token)?;

        let expires_at = tokens.expected.check(&claims, now_s)?;
        let sub = claims.get("sub");
        let Some(Value::String(user)) = sub else {
            return Err(AuthError::unfit_claim("sub", sub, "the user as text"));
        };
        let user_id = self.user(user)?;
        Ok(Identity { user_id, claims, expires_at: Some(expires_at) })
    }

    fn claimed(&self, user: Option<&str>) -> Result<Identity, AuthError> {
        let user_id = match user {
            Some(user) if !user.is_empty() => self.user(user)?,
            Some(_) | None => format!("guest-{}", random::name()).into(),
        };
        Ok(Identity { user_id, claims: Map::new(), expires_at: None })
    }

    fn user(&self, user: &str) -> Result<UserId, AuthError> {
        if user == SERVER {
            return Err(AuthError::ReservedUser { user: SERVER });
        }
        let bytes = user.len() as u64;
        if bytes == 0 || bytes > self.max_name_bytes {
            return Err(AuthError::UserLength { bytes, max: self.max_name_bytes });
        }
        Ok(user.into())
    }
}

impl Default for Authenticator {
    fn default() -> Self {
        Self::open()
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.mode {
            Mode::Open => f.write_str("Open"),
            Mode::Tokens(tokens) => write!(f, "Tokens by {}", tokens.keys.algorithms()),
        }
    }
}

impl fmt::Debug for Identity {
    /// Without the values of claims, which are nobody's business but the user's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user_id, claims, expires_at } = self;
        f.debug_struct("Identity")
            .field("user_id", user_id)
            .field("claims", &claims.keys().collect::<Vec<_>>())
            .field("expires_at", expires_at)
            .finish()
    }
}
