//! The names that events and messages are made of, each a type of its own.
//!
//! Any text makes a name; whether it is acceptable (not empty, not too long, not reserved) is
//! decided where an event is handled, so that a bad name gets a reply and not a panic.

use alloc::string::String;
use core::{borrow::Borrow, fmt, num::NonZeroU32};

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// The name of a message whose sender gives none.
pub(crate) const DEFAULT_EVENT: &str = "message";

macro_rules! names {
    ($($(#[$doc:meta])+ $name:ident;)+) => {$(
        $(#[$doc])+
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Text);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            pub(crate) fn as_bytes(&self) -> &[u8] {
                self.0.as_bytes()
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(Text::new(name))
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(Text::from(name))
            }
        }

        impl From<&Self> for $name {
            fn from(name: &Self) -> Self {
                name.clone()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_bytes() == other.as_bytes()
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.as_bytes() == other.as_bytes()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )+};
}

names! {
    /// One session of a user, under an opaque id that the host gives.
    ///
    /// It outlives a lost connection: the driver gives a returning connection its old id.
    ClientId;

    /// The name of a room: what clients join and messages are sent to.
    Topic;

    /// Who a client acts for; one user may have many clients.
    ///
    /// Everybody who sees a presence or a message sees it: it must not be made of a secret, such as
    /// a session token.
    UserId;

    /// The name inside a message, such as `message` or `typing`.
    ///
    /// [`Event`](crate::Event), by contrast, always means what goes into a channel.
    EventName;

    /// The name of a group of topics, to which the server may send as to one.
    GroupName;

    /// A sender's own mark on an event, given back in its reply and never interpreted.
    Ref;

    /// A sender's own id for a message, by which a repeat of it can be told.
    MessageId;

    /// One driver process in a cluster.
    NodeId;

    /// The name that nodes of one cluster share.
    ClusterName;
}

/// A small integer that stands for a connected client while it lives.
///
/// Handles are dense from 0, so that a driver can keep its sockets in an array and index it by
/// [`ClientHandle::index`] in place of hashing a name a recipient. A handle is given to another
/// client only after the flush that follows the end of the client that had it.
///
/// It is for fan-out. A [`Reply`](crate::Reply) names its client by id, since it may go to one that
/// the channel does not know: a first join that is refused, or the last leave. So a driver keeps a
/// table of its connections by id too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientHandle(NonZeroU32);

impl ClientHandle {
    /// Before all others.
    pub(crate) const FIRST: Self = Self(NonZeroU32::MIN);

    // The lowest bit is always 1, so that an `Option` of it is no larger; limits keep the number
    // below 2^31.
    #[inline]
    pub(crate) fn new(index: u32) -> Self {
        Self(NonZeroU32::MIN | (index << 1))
    }

    /// The place in a driver's array.
    #[must_use]
    #[inline]
    pub const fn index(self) -> usize {
        self.get() as usize
    }

    #[inline]
    pub(crate) const fn get(self) -> u32 {
        self.0.get() >> 1
    }
}

impl fmt::Debug for ClientHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientHandle").field(&self.index()).finish()
    }
}
