//! Who a connection acts for.

use std::fmt;

use parlor::{Json, UserId};
use serde_json::{Map, Value};

use crate::random;

/// Who a connection acts for, and what is known of it.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "made here, and by who authenticates otherwise")]
pub struct Identity {
    /// The user.
    pub user_id: UserId,
    /// What its token claims.
    pub claims: Map<String, Value>,
    /// When its token expires, in seconds since 1970.
    pub expires_at: Option<u64>,
}

impl Identity {
    /// What guards see of it, as the data of its client: the claims but those of time, which
    /// differ from token to token. None if there are none.
    #[must_use]
    pub fn data(&self) -> Option<Json> {
        let mut claims = self.claims.clone();
        claims.retain(|name, _| !["exp", "iat", "nbf", "jti"].contains(&name.as_str()));
        if claims.is_empty() {
            return None;
        }
        Json::of(&claims).ok()
    }
}

/// Why a connection is refused. Its text is for logs, never for clients.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthError {
    /// What was expected.
    pub message: String,
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for AuthError {}

/// Tells who a connection acts for.
#[derive(Debug, Clone, Default)]
pub struct Authenticator(());

impl Authenticator {
    /// Takes everybody for who they say they are.
    #[must_use]
    pub const fn open() -> Self {
        Self(())
    }

    /// Whether it takes everybody for who they say they are.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        true
    }

    /// Who a connection acts for that shows `token`, and says it were `claimed_user`.
    ///
    /// # Errors
    ///
    /// Refused is a name that is too long.
    pub fn authenticate(
        &self,
        _token: Option<&str>,
        claimed_user: Option<&str>,
        _now_s: u64,
    ) -> Result<Identity, AuthError> {
        let user_id = match claimed_user {
            Some(user) if user.len() > 255 => {
                let message = format!("user_id has {} bytes, expected at most 255", user.len());
                return Err(AuthError { message });
            }
            Some(user) if !user.is_empty() => UserId::from(user),
            Some(_) | None => UserId::from(format!("guest-{}", random::name())),
        };
        Ok(Identity { user_id, claims: Map::new(), expires_at: None })
    }
}
