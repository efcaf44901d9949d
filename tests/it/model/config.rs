//! The configuration of rooms as the model reads it: spec section 6, in its JSON form.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Limits, Model, Outcome, lines::json};

/// Section 6, `RoomConfig`. What is absent, or null, is as the specification has it by default.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoomConfig {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) data: Option<Box<RawValue>>,
    pub(super) max_members: Option<u64>,
    client_events: Option<String>,
    events: Option<Vec<Definition>>,
    default_subscriptions: Option<Vec<String>>,
    pub(super) owner: Option<String>,
    pub(super) lifetime: Option<String>,
    presence: Option<String>,
    presence_snapshot: Option<String>,
    pub(super) presence_window_ms: Option<u64>,
    presence_of: Option<String>,
    publishers: Option<String>,
    pub(super) history_on_join: Option<OnJoin>,
    history_for: Option<String>,
    pub(super) rate_limit: Option<RateLimit>,
    dedupe: Option<usize>,
}

/// Section 6: what is known of one event name, or of `*`, all others.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    name: String,
    #[serde(rename = "description")]
    _description: Option<String>,
    history: Option<usize>,
}

/// Section 10: how much of the history a joiner gets.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OnJoin {
    All,
    PerEvent(usize),
    Total(usize),
}

/// Section 12: so many events in a window.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimit {
    pub(super) max_events: u64,
    pub(super) window_ms: u64,
}

/// Whether an optional word is this one, rather than absent or another.
fn is(word: Option<&String>, this: &str) -> bool {
    word.is_some_and(|word| word == this)
}

impl RoomConfig {
    /// Section 6: from the JSON form.
    pub(super) fn read(text: &str) -> Self {
        serde_json::from_str(text).expect("it is the configuration of a room")
    }

    pub(super) fn has_presence(&self) -> bool {
        !is(self.presence.as_ref(), "off")
    }

    pub(super) fn has_snapshot(&self) -> bool {
        self.has_presence() && !is(self.presence_snapshot.as_ref(), "off")
    }

    pub(super) fn clients_may_be_tracked(&self) -> bool {
        is(self.presence_of.as_ref(), "clients")
    }

    pub(super) fn clients_may_publish(&self) -> bool {
        is(self.publishers.as_ref(), "clients")
    }

    pub(super) fn clients_may_read(&self) -> bool {
        is(self.history_for.as_ref(), "clients")
    }

    pub(super) fn dedupe(&self) -> usize {
        self.dedupe.unwrap_or(0)
    }

    /// Section 6: what a member is subscribed to when it comes.
    pub(super) fn default_subscriptions(&self) -> Vec<String> {
        self.default_subscriptions.clone().unwrap_or_else(|| vec!["*".into()])
    }

    fn definitions(&self) -> &[Definition] {
        self.events.as_deref().unwrap_or_default()
    }

    /// Section 6: a definition of that exact name beats `*`.
    fn definition(&self, event: &str) -> Option<&Definition> {
        let named = |name: &str| self.definitions().iter().find(|of| of.name == name);
        named(event).or_else(|| named("*"))
    }

    /// Section 6: whether clients may send this. Where only what is listed may be sent, `*` lists
    /// every name.
    pub(super) fn lets_clients_send(&self, event: &str) -> bool {
        match self.client_events.as_deref() {
            None | Some("any") => true,
            Some("listed") => self.definition(event).is_some(),
            _ => false,
        }
    }

    /// Section 10: how many messages of this event name are kept; of some there is no history.
    pub(super) fn history_of(&self, event: &str) -> Option<usize> {
        self.definition(event).and_then(|definition| definition.history)
    }

    /// Section 10: whether messages of that name, or of any, are kept.
    pub(super) fn keeps(&self, event: &str) -> bool {
        if event.is_empty() {
            self.definitions().iter().any(|of| of.history.is_some())
        } else {
            self.history_of(event).is_some()
        }
    }

    /// Section 7: the names that are told by themselves whatever others there are.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.definitions().iter().map(|of| of.name.clone()).collect();
        names.extend(self.default_subscriptions());
        names.retain(|name| name != "*");
        names
    }

    /// Section 6: what an `open_room` brings is checked like any input: name, sizes, then sense.
    pub(super) fn check(&self, model: &Model) -> Outcome {
        let limits = &model.setup.limits;
        let is_name = |name: &String| !name.is_empty() && name.len() <= limits.name_bytes;
        if self.name.as_ref().is_some_and(|name| !is_name(name)) {
            return Err("invalid_name".into());
        }
        if self.description.as_ref().is_some_and(|text| text.len() > limits.meta_bytes) {
            return Err("payload_too_large meta_bytes".into());
        }
        model.check_size("payload_bytes", self.data.as_ref().map_or("", |data| data.get()))?;
        if self.makes_sense(limits, is_name) { Ok(()) } else { Err("invalid_request".into()) }
    }

    fn makes_sense(&self, limits: &Limits, is_name: impl Fn(&String) -> bool) -> bool {
        let events: Vec<String> = self.definitions().iter().map(|of| of.name.clone()).collect();
        let subscriptions = self.default_subscriptions();
        let once = |names: &[String]| {
            names.iter().all(|name| names.iter().filter(|other| *other == name).count() == 1)
        };
        let is_mixed = subscriptions.len() > 1 && subscriptions.iter().any(|name| name == "*");
        events.iter().all(&is_name)
            && once(&events)
            && events.len() <= limits.event_names_per_topic
            && subscriptions.iter().all(&is_name)
            && once(&subscriptions)
            && !is_mixed
            && subscriptions.len() <= limits.subscriptions_per_member
            && self.owner.as_ref().is_none_or(&is_name)
            && self.rate_limit.is_none_or(|rate| rate.window_ms > 0)
    }

    /// Section 6: whether it says what is not a client's to say. What is said as it would be
    /// without saying it is not said.
    pub(super) fn says_more_than_a_client_may(&self) -> bool {
        let default =
            |word: &Option<String>, default: &str| word.as_ref().is_none_or(|word| word == default);
        !(default(&self.client_events, "any")
            && self.definitions().is_empty()
            && self.default_subscriptions() == ["*"]
            && self.owner.is_none()
            && self.lifetime.is_none()
            && default(&self.presence, "on")
            && default(&self.presence_snapshot, "on")
            && self.presence_window_ms.is_none()
            && default(&self.presence_of, "members")
            && default(&self.publishers, "members")
            && self.history_on_join.is_none()
            && default(&self.history_for, "members")
            && self.rate_limit.is_none()
            && self.dedupe() == 0)
    }

    /// Section 6: with what a client says over it, and the client's user as the owner.
    pub(super) fn opened_by(self, user: &str, said: Self) -> Self {
        Self {
            name: said.name.or(self.name),
            description: said.description.or(self.description),
            data: said.data.or(self.data),
            max_members: said.max_members.or(self.max_members),
            owner: Some(user.to_owned()),
            ..self
        }
    }

    /// Section 6: whether so many members are all that there may be.
    pub(super) fn is_full(&self, size: usize) -> bool {
        self.max_members.is_some_and(|most| size as u64 >= most)
    }

    /// Section 4, "Bodies": the name as JSON text.
    pub(super) fn name_json(&self) -> String {
        self.name.as_ref().map_or_else(String::new, json)
    }
}

impl Model {
    /// Section 6: exact names beat prefixes, the longer prefix wins.
    pub(super) fn listed(&self, topic: &str) -> Option<&RoomConfig> {
        let mut longest: Option<(&str, &RoomConfig)> = None;
        for (pattern, config) in &self.patterns {
            let Some(prefix) = pattern.strip_suffix('*') else {
                if pattern == topic {
                    return Some(config);
                }
                continue;
            };
            let is_longer = longest.is_none_or(|(other, _)| prefix.len() > other.len());
            if topic.starts_with(prefix) && is_longer {
                longest = Some((prefix, config));
            }
        }
        longest.map(|(_, config)| config)
    }

    /// Section 6: an exact name is a declared room.
    pub(super) fn is_declared(&self, topic: &str) -> bool {
        self.patterns.iter().any(|(pattern, _)| !pattern.ends_with('*') && pattern == topic)
    }
}
