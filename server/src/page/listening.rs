//! In which rooms somebody can only listen, as far as that is known before they say a word: by the
//! configuration, and by rules. What a guard of somebody's own refuses is known when it does.

use parlor::{Config, EventName, Topic};

use crate::{
    auth::Identity,
    hub::Hub,
    rules::{Rules, claims_in},
};

/// As what people's words are sent by the page.
const MESSAGE: &str = "message";

/// Topics, parted by whether configurations let clients say something there.
#[derive(Debug, Default)]
pub(super) struct Parted {
    silent: Vec<Topic>,
    others: Vec<Topic>,
}

impl Parted {
    pub(super) fn of(topics: impl Iterator<Item = Topic>, hub: &Hub) -> Self {
        let (silent, others) = topics.partition(|topic| is_silent(topic, hub));
        Self { silent, others }
    }

    /// Those in which this one can only listen.
    pub(super) fn listened_to(&self, rules: &Rules, identity: &Identity) -> Vec<&Topic> {
        let mut all = self.silent.iter().collect::<Vec<_>>();
        if !rules.is_empty() {
            let claims = identity.data().map(|data| claims_in(&data)).unwrap_or_default();
            let message = EventName::from(MESSAGE);
            let refused = |topic: &&Topic| !rules.let_send(&message, topic, &claims);
            all.extend(self.others.iter().filter(refused));
        }
        all
    }
}

/// Whether the room lets no client say anything. One that was opened may be another than the
/// configuration says.
fn is_silent(topic: &Topic, hub: &Hub) -> bool {
    let config = &hub.settings.channel;
    let room = config.room_for(topic);
    let refuses = room.is_some_and(|room| !room.allows(&EventName::from(MESSAGE)));
    is_reserved(config) || (refuses && !hub.openings.has(topic))
}

fn is_reserved(config: &Config) -> bool {
    config.reserved().iter().any(|prefix| MESSAGE.starts_with(prefix.as_str()))
}
