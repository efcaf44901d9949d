//! A look at the channel of a shard, from the shard's own task.

use std::{fmt, time::Duration};

use parlor::Channel;
use tokio::{sync::oneshot, time::timeout};

use crate::{hub::Hub, shard::Message};

/// Looks at a channel, and changes nothing: it is no event, so no journal has it.
pub(crate) struct Look(Box<dyn FnOnce(&Channel) + Send + Sync>);

/// How long a shard may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

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

/// What is to be seen on each shard; nothing of one that does not answer in time.
pub(super) async fn each<T: Send + 'static>(
    hub: &Hub,
    look: impl Fn(&Channel) -> T + Clone + Send + Sync + 'static,
) -> Vec<Option<T>> {
    let asked = (0..hub.shards.len()).map(|shard| ask(hub, shard, look.clone()));
    futures_util::future::join_all(asked).await
}

/// What shards have told, in their order, and which of them have told nothing.
pub(super) fn told<T>(seen: Vec<Option<T>>) -> (Vec<T>, Vec<usize>) {
    let silent = seen.iter().enumerate().filter(|(_, told)| told.is_none());
    let silent = silent.map(|(shard, _)| shard).collect();
    (seen.into_iter().flatten().collect(), silent)
}

/// What is to be seen on one shard; nothing if it does not answer in time.
pub(crate) async fn ask<T: Send + 'static>(
    hub: &Hub,
    shard: usize,
    look: impl FnOnce(&Channel) -> T + Send + Sync + 'static,
) -> Option<T> {
    let (answer, answered) = oneshot::channel();
    let look = Look(Box::new(move |channel| {
        // Who asked may have gone.
        answer.send(look(channel)).ok();
    }));
    let seen = async {
        hub.send(shard, Message::Look(look)).await.ok()?;
        answered.await.ok()
    };
    timeout(PATIENCE, seen).await.ok().flatten()
}
