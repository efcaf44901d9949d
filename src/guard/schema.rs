//! Schemas: which one holds for what, and what it makes of a text.

use alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::fmt;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    channel::Channel,
    event::{Broadcast, Event},
    guard::{
        decision::{Denial, given},
        pattern::Pattern,
        request::{JoinRequest, join_params, presence_meta},
    },
    ids::{EventName, Topic},
    payload::{Json, Payload, in_words},
};

/// The longest text of what is wrong, in characters: serde quotes what it was given.
const LONGEST: usize = 600;

/// What makes of a payload another one, none to leave it, or a text that says what was expected.
pub(super) type Check =
    dyn Fn(&Topic, &EventName, &Json) -> Result<Option<Json>, String> + Send + Sync;

/// All schemas.
#[derive(Debug, Default, Clone)]
pub(super) struct Schemas {
    pub(super) params: ByTopic,
    pub(super) metas: ByTopic,
    pub(super) payloads: ByName,
}

impl Schemas {
    /// Puts what is read and written again into `event`, or says what was expected.
    pub(super) fn validate(
        &self,
        event: &mut Event,
        topic: &Topic,
        channel: &Channel,
    ) -> Result<(), Denial> {
        if let (Some(params), Some(rewrite)) = (join_params(event), self.params.of(topic)) {
            rewrite_optional("params", params, rewrite)?;
        }
        if let Some(rewrite) = self.metas.of(topic)
            && !keeps_meta(event, channel)
            && let Some(meta) = presence_meta(event)
        {
            rewrite_optional("meta", meta, rewrite)?;
        }
        if let Event::Broadcast(Broadcast { event, payload, .. }) = event
            && let Some(check) = self.payloads.of(topic, event)
        {
            let Payload::Json(json) = payload else {
                return Err(Denial::of_schema("payload is bytes, expected JSON".into()));
            };
            let wrong = |text| Denial::of_schema(format!("payload: {text}"));
            if let Some(json) = check(topic, event, json).map_err(wrong)? {
                *payload = Payload::Json(json);
            }
        }
        Ok(())
    }
}

/// Whether it comes from a member and says nothing of its meta, which then stays what it is.
fn keeps_meta(event: &Event, channel: &Channel) -> bool {
    let Some(join) = JoinRequest::of(event) else { return false };
    join.meta.is_none() && channel.is_member(join.client_id, join.topic)
}

/// Rewrites what may be absent, which reads as `null`, as what is written as `null` is absent.
fn rewrite_optional(name: &str, field: &mut Option<Json>, rewrite: Rewrite) -> Result<(), Denial> {
    let written = if let Some(json) = Json::given(field.as_ref()) {
        rewrite(json).map_err(|text| format!("{name}: {text}"))
    } else {
        Json::of(&())
            .map_err(|error| error.to_string())
            .and_then(|null| rewrite(&null))
            .map_err(|_| format!("{name} is absent, expected one"))
    };
    *field = given(written.map_err(Denial::of_schema)?);
    Ok(())
}

/// Schemas of payloads, by the name of the message and the topic.
#[derive(Debug, Default, Clone)]
pub(super) struct ByName(Vec<Schema>);

#[derive(Clone)]
struct Schema {
    topics: Pattern,
    event: EventName,
    check: Arc<Check>,
}

impl ByName {
    pub(super) fn define(&mut self, topics: Pattern, event: EventName, check: Arc<Check>) {
        self.0.push(Schema { topics, event, check });
    }

    /// The one that holds: an exact name beats `*`, then the narrower pattern, then the later.
    pub(super) fn of(&self, topic: &Topic, event: &EventName) -> Option<&Check> {
        let matching = self.0.iter().filter(|schema| {
            (schema.event == "*" || schema.event == *event) && schema.topics.matches(Some(topic))
        });
        let narrowest = matching.max_by_key(|schema| (schema.event != "*", schema.topics.rank()));
        narrowest.map(|schema| &*schema.check)
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {:?}", self.event, self.topics)
    }
}

/// Schemas of something else that goes by topic alone.
#[derive(Default, Clone)]
pub(super) struct ByTopic(Vec<(Pattern, Rewrite)>);

/// Reads a text as a type, and writes it again.
pub(super) type Rewrite = fn(&Json) -> Result<Json, String>;

impl ByTopic {
    pub(super) fn define(&mut self, topics: Pattern, rewrite: Rewrite) {
        self.0.push((topics, rewrite));
    }

    /// The one that holds: the narrower pattern, then the later.
    pub(super) fn of(&self, topic: &Topic) -> Option<Rewrite> {
        let matching = self.0.iter().filter(|(topics, _)| topics.matches(Some(topic)));
        matching.max_by_key(|(topics, _)| topics.rank()).map(|(_, rewrite)| *rewrite)
    }
}

impl fmt::Debug for ByTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(topics, _)| topics)).finish()
    }
}

/// Reads `json` as a `T` and writes that again, or says what was expected.
pub(super) fn rewrite<T: DeserializeOwned + Serialize>(json: &Json) -> Result<Json, String> {
    let read = serde_json::from_str::<T>(json.as_str()).map_err(|error| bounded(&error))?;
    Json::of(&read).map_err(|error| error.to_string())
}

fn bounded(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let (text, place) = (error.to_string(), format!(" at line {line} column {column}"));
    let text = match text.strip_suffix(&place) {
        Some(said) => in_words(said) + &place,
        None => in_words(&text),
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
