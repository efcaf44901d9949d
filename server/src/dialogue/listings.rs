//! The list of rooms that a client waits for.

use std::{future, mem, sync::Arc};

use parlor::Event;
use tokio::{sync::oneshot, time::Instant};

use super::told::Told;
use crate::{engine::Message, hub::Hub, listing::encode};

/// The lists that one client asks for, one after the other.
pub(super) struct Listings {
    next: Option<oneshot::Receiver<Arc<Told>>>,
    /// What the client has done until then is in its lists.
    since: Instant,
    has_done: bool,
}

impl Listings {
    pub(super) fn new() -> Self {
        Self { next: None, since: Instant::now(), has_done: false }
    }

    /// Whether it waits for none.
    pub(super) const fn is_empty(&self) -> bool {
        self.next.is_none()
    }

    /// Takes note that its client does something, which its next list is to show.
    pub(super) const fn does(&mut self) {
        self.has_done = true;
    }

    /// Asks for a list, by an event that rules may refuse.
    pub(super) fn ask(&mut self, hub: Arc<Hub>, event: Event) {
        if mem::take(&mut self.has_done) {
            self.since = Instant::now();
        }
        let (answer, answered) = oneshot::channel();
        let since = self.since;
        tokio::spawn(async move {
            // The client may have gone.
            answer.send(list(hub, event, since).await).ok();
        });
        self.next = Some(answered);
    }

    /// Waits for the list that was asked for; never done if none was.
    pub(super) async fn list(&mut self) -> Arc<Told> {
        let Some(next) = &mut self.next else { return future::pending().await };
        let list = next.await.unwrap_or_else(|_| nothing());
        self.next = None;
        list
    }
}

/// The list, when all that was said before has been delivered. A client that may not have it gets one
/// without rooms.
async fn list(hub: Arc<Hub>, event: Event, since: Instant) -> Arc<Told> {
    let (answer, may) = oneshot::channel();
    // An engine that has ended does not answer.
    hub.send(Message::May { event, answer }).await.ok();
    if may.await.unwrap_or(false) {
        hub.listing.get(&hub, Some(since)).await.encoded()
    } else {
        nothing()
    }
}

fn nothing() -> Arc<Told> {
    Arc::new(Told::text(encode(&[])))
}
