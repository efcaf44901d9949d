//! What back ends do, as lines of the log: what, to whom, and who has asked for it.
//!
//! Never what is said, nor the key.

use std::{convert::Infallible, net::IpAddr, sync::Arc};

use axum::{extract::FromRequestParts, http::request::Parts};
use parlor::{Address, Publish, Topic};
use tracing::info;

use crate::{
    hub::Hub,
    operations::{OperationError, Outcome},
    peers,
};

/// Of longer names, only the beginning is in the log: what is refused may be of any length.
const MAX_BYTES: usize = 256;

/// From where a request is.
#[derive(Debug, Clone, Copy)]
pub(super) struct By(Option<IpAddr>);

/// What a back end does.
#[derive(Debug, Default)]
pub(super) struct Deed {
    pub(super) what: &'static str,
    pub(super) peer: Option<IpAddr>,
    pub(super) topic: Option<String>,
    pub(super) group: Option<String>,
    pub(super) user: Option<String>,
    pub(super) client: Option<String>,
    /// The name of a message.
    pub(super) event: Option<String>,
    /// Who is shown as its sender.
    pub(super) from: Option<String>,
    /// The topics that a group gets.
    pub(super) added: Option<String>,
    /// The topics that it loses.
    pub(super) removed: Option<String>,
}

impl FromRequestParts<Arc<Hub>> for By {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, hub: &Arc<Hub>) -> Result<Self, Infallible> {
        Ok(Self(peers::address(&hub.settings, &parts.headers, &parts.extensions)))
    }
}

impl By {
    pub(super) fn does(self, what: &'static str) -> Deed {
        Deed { what, peer: self.0, ..Deed::default() }
    }

    pub(super) fn publishes(self, publish: &Publish) -> Deed {
        let deed = match &publish.target {
            Address::Topic(topic) => Deed { topic: shown(topic.as_str()), ..self.does("publish") },
            Address::Group(group) => Deed { group: shown(group.as_str()), ..self.does("publish") },
            Address::User(user) => Deed { user: shown(user.as_str()), ..self.does("publish") },
            Address::Client(client) => {
                Deed { client: shown(client.as_str()), ..self.does("publish") }
            }
            Address::Everyone | _ => self.does("publish to everyone"),
        };
        let (event, from) = (shown(publish.event.as_str()), shown(publish.from.as_str()));
        Deed { event, from, ..deed }
    }
}

impl Deed {
    /// Leaves the line, once it is known what has come of it.
    pub(super) fn log<T>(self, outcome: &Outcome<T>) {
        let Self { what, peer, topic, group, user, client, event, from, added, removed } = self;
        let peer = peer.map(tracing::field::display);
        let refused = match outcome {
            Ok(_) => None,
            Err(OperationError::Refused(refusal)) => Some(refusal.reason().label()),
            Err(OperationError::Gone) => Some("gone"),
        };
        info!(
            peer,
            what,
            topic,
            group,
            user,
            client,
            event,
            from,
            added,
            removed,
            refused,
            "asked by a back end"
        );
    }
}

/// A name, as it stands in the log.
pub(super) fn shown(name: &str) -> Option<String> {
    let end = name.floor_char_boundary(MAX_BYTES);
    let (start, rest) = name.split_at_checked(end)?;
    Some(if rest.is_empty() { start.to_owned() } else { format!("{start}…") })
}

/// Topics, of which there may be none.
pub(super) fn shown_all(topics: &[Topic]) -> Option<String> {
    let all = topics.iter().map(Topic::as_str).collect::<Vec<_>>().join(" ");
    if all.is_empty() { None } else { shown(&all) }
}
