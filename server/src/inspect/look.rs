//! A look at the channel, from the engine's own task.

use std::{fmt, time::Duration};

use parlor::Channel;
use tokio::{sync::oneshot, time::timeout};

use crate::{engine::Message, hub::Hub};

/// Looks at a channel, and changes nothing: it is no event, so no journal has it.
pub(crate) struct Look(Box<dyn FnOnce(&Channel) + Send + Sync>);

/// How long the engine may take to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

impl Look {
    pub(crate) fn at(self, channel: &Channel) {
        (self.0)(channel);
    }
}

impl fmt::Debug for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Look")
    }
}

/// What is to be seen; nothing if the engine does not answer in time.
pub(crate) async fn ask<T: Send + 'static>(
    hub: &Hub,
    look: impl FnOnce(&Channel) -> T + Send + Sync + 'static,
) -> Option<T> {
    let (answer, answered) = oneshot::channel();
    let look = Look(Box::new(move |channel| {
        // Who asked may have gone.
        answer.send(look(channel)).ok();
    }));
    let seen = async {
        hub.send(Message::Look(look)).await.ok()?;
        answered.await.ok()
    };
    timeout(PATIENCE, seen).await.ok().flatten()
}
