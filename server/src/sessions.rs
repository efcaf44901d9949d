//! How a client that comes back is known again: its session becomes its id.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use parlor::{ClientId, UserId};
use sha2::Sha256;

use crate::random;

/// Whether somebody may come back as a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Return {
    /// Who knows its session.
    Possible,
    /// Nobody.
    Impossible,
}

/// Makes ids of clients.
pub(crate) struct Sessions {
    key: [u8; 32],
}

impl Sessions {
    /// How long a session may be.
    pub(crate) const MAX_BYTES: usize = 255;

    pub(crate) fn new(key: Option<[u8; 32]>) -> Self {
        Self { key: key.unwrap_or_else(random::bytes) }
    }

    /// The id of a client. With a session, the same for the same user and session, and nobody who
    /// knows only the id, which all see, can tell the session; without, one that never was.
    pub(crate) fn client_id(&self, user_id: &UserId, session: Option<&str>) -> (ClientId, Return) {
        let Some(session) = session else {
            return (ClientId::from(random::name()), Return::Impossible);
        };
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            unreachable!("a key may have any length")
        };
        // The length first, so that no two pairs read the same.
        mac.update(&(user_id.as_str().len() as u64).to_le_bytes());
        mac.update(user_id.as_str().as_bytes());
        mac.update(session.as_bytes());
        let hash = mac.finalize().into_bytes();
        let half = hash.get(..16).unwrap_or_default();
        (ClientId::from(URL_SAFE_NO_PAD.encode(half)), Return::Possible)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sessions: &Sessions, user: &str, session: &str) -> ClientId {
        sessions.client_id(&user.into(), Some(session)).0
    }

    #[test]
    fn a_session_is_the_same_client_for_the_same_user_and_key_alone() {
        let sessions = Sessions::new(Some([7; 32]));
        let id = check(&sessions, "ann", "secret");
        assert_eq!(id, check(&Sessions::new(Some([7; 32])), "ann", "secret"));
        assert_eq!(id.as_str().len(), 22);
        let others = [
            check(&sessions, "anns", "ecret"),
            check(&sessions, "bob", "secret"),
            check(&sessions, "ann", "other"),
            check(&Sessions::new(Some([8; 32])), "ann", "secret"),
            check(&Sessions::new(None), "ann", "secret"),
        ];
        assert!(!others.contains(&id));
    }

    #[test]
    fn without_a_session_every_client_is_new() {
        let sessions = Sessions::new(None);
        let (one, way) = sessions.client_id(&"ann".into(), None);
        assert_eq!(way, Return::Impossible);
        assert_ne!(one, sessions.client_id(&"ann".into(), None).0);
    }
}
