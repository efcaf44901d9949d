//! Decisions before an event goes in: schemas and rules, by topic and name of the message.
//!
//! Stands beside the channel, looks at it, and is no part of its state. It turns an event into the
//! event that goes in, and knows nothing of what the channel makes of that.

mod decision;
mod pattern;
mod request;
mod rules;
mod schema;

use alloc::{string::String, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

pub use self::{
    decision::{BroadcastChange, Decision},
    request::{ClientEvent, JoinRequest},
};

use self::{
    decision::{Denial, given, usual_reason},
    pattern::Pattern,
    rules::{Rules, unless_it_panics},
    schema::{Schemas, rewrite},
};
use crate::{
    channel::Channel,
    event::{Broadcast, Event, EventKind, Refuse},
    ids::{EventName, Topic},
    payload::Json,
    refusal::Reason,
};

/// Decides about the events of clients before they go into a [`Channel`]: schemas and closures.
///
/// [`check`](Guard::check) turns an event into the one that goes in: the same, one with another
/// payload or meta, or a [`Refuse`], which the channel makes the reply to the sender of. The
/// channel knows nothing of it, so what it does is still a function of the events that went in.
///
/// ```
/// use parlor::{Broadcast, Channel, Config, Decision, Event, Guard, Join, Json, Payload};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct ChatMessage {
///     text: String,
///     #[serde(default)]
///     urgent: bool,
/// }
///
/// let mut guard = Guard::new();
/// guard.define::<ChatMessage>("message");
/// guard.on_join("staff:*", |join, _channel| {
///     if join.params.is_some_and(|params| params.as_str() == r#""sesame""#) {
///         return Decision::Allow;
///     }
///     Decision::refuse("staff only, expected the password")
/// });
/// guard.on_broadcast("*", "message", |broadcast, channel| {
///     // Rules see what the channel knows.
///     if channel.room(&broadcast.topic).is_some_and(|room| room.size > 100) {
///         return Decision::refuse("too many listen, expected at most 100");
///     }
///     Decision::Allow
/// });
///
/// let channel = Channel::single_node(Config::default());
/// let said = Broadcast::new("c1", "chat:1", Payload::json(r#"{"text":"hi","admin":true}"#)?);
/// let clean = Payload::json(r#"{"text":"hi","urgent":false}"#)?;
/// assert_eq!(guard.check(said.into(), &channel), Broadcast::new("c1", "chat:1", clean).into());
///
/// let join = |params| Join::new("c1", "staff:1", "ann", 0).with_params(params);
/// let allowed = Event::from(join(Json::parse(r#""sesame""#)?));
/// assert_eq!(guard.check(allowed.clone(), &channel), allowed);
/// let Event::Refuse(refuse) = guard.check(join(Json::parse("1")?).into(), &channel) else {
///     panic!("it is refused")
/// };
/// assert_eq!(refuse.reason.label(), "join_denied");
/// assert_eq!(refuse.message.unwrap(), "staff only, expected the password");
/// # Ok::<(), parlor::JsonError>(())
/// ```
///
/// # What is ruled
///
/// Events that a client sends: join, rejoin, leave, broadcast, connect, subscribe, unsubscribe,
/// track, untrack, history, `open_room` and `close_room` with `by`, and query with a client. All
/// else passes untouched, and so does what the channel will refuse for its names and sizes: no rule
/// has to read it. What the channel checks later (who is a member, what a room allows, limits) it
/// checks after the guard, also of what a rule has changed.
///
/// A rule is for topics of a pattern: `chat:1` is that topic, `chat:*` are all that start with
/// `chat:`, `*` are all. What is about no topic (a connect, some queries) is a matter of `*` alone.
/// What is no pattern in a [`Config`](crate::Config) is none here: to add a rule for it panics, when
/// the guard is made, since a rule that holds for nothing would let everything pass.
///
/// First come schemas: of the params of a join, of the meta of presence, of payloads; of each at
/// most one, the narrowest. Then come all rules that match, in the order in which they were added,
/// each with what the ones before it have left. The first that refuses ends it. What a rule has
/// changed is not held against a schema again.
///
/// A refused event is one [`Event::Refuse`], with its client, topic, kind and `ref`. A refused
/// join, rejoin or connect does not tell the channel its time; a driver that ticks before it hands
/// in a batch has told it already.
///
/// # A rule that panics
///
/// It refuses that one event, for the usual reason (a schema: `validation_failed`), with a message
/// that says nothing of what is inside. Guard and channel are as they were: a rule can only look at
/// the channel, and what was changed in the event is dropped. What a closure shares with others,
/// such as what it keeps behind a lock, is its own to keep in order. This takes the feature `std`
/// and panics that unwind; without either, a panic goes through. The panic's own text goes where
/// such texts go, which is standard error unless the host says otherwise.
///
/// # Hooks
///
/// A driver has all the hooks of a chat server, since whatever happens is an event that it hands
/// in, an outbound that it performs, or a rule:
///
/// | hook | is |
/// | --- | --- |
/// | `authenticate` | before `connect`: the driver verifies what was shown, and makes the user's id of the claims (never of the token). A rule on [`Connect`](crate::Connect) then allows, refuses, or changes the `data` that [`Channel::client`] shows |
/// | `onConnected` | the ok reply to a [`Connect`](crate::Connect) that has a `ref` |
/// | `onDisconnected` | the driver's own [`Disconnect`](crate::Disconnect), of which [`Channel::topics_of`] says what it was in until it is handed in; and [`Outbound::Disconnect`](crate::Outbound::Disconnect) for whom the server puts out |
/// | `beforeJoin` | [`Guard::on_join`] |
/// | `onJoined` | the ok reply to a join or rejoin by who was not a member before |
/// | `onLeft` | the ok reply to a leave, and each recipient of a [`Closed`](crate::Closed) who is no member any more |
/// | `onCreated`, `onDeleted` | [`RoomOpened`](crate::Outbound::RoomOpened), [`RoomClosed`](crate::Outbound::RoomClosed); rooms that are declared are [`Channel::topics`] of a new channel |
/// | `beforeEach` | [`Guard::define`], then [`Guard::on_broadcast`] |
/// | `onTriggered`, `room.on` | [`BroadcastMessage`](crate::BroadcastMessage): its `event` says which |
/// | `afterEach` | the same, and `recipients.len()` |
/// | `onCleanup` | [`Evicted`](crate::Evicted) |
/// | `onLoad` | a [`HistoryPage`](crate::HistoryPage) with [`more`](crate::HistoryPage::more): the driver [completes](crate::HistoryPage::complete) it before it sends it |
///
/// ```
/// use parlor::{
///     Broadcast, Channel, CloseRoom, Config, Connect, Decision, Disconnect, Event, EventDefinition,
///     EventKind, Guard, History, Join, Json, OpenRoom, Outbound, Payload, Reply,
///     RoomConfig, StoredMessage,
/// };
///
/// let mut guard = Guard::new();
/// // authenticate: the driver has put the claims into `data`.
/// guard.on("*", |connect: &Connect, _: &Channel| match &connect.data {
///     Some(_) => Decision::Allow,
///     None => Decision::refuse("no claims, expected to log in first"),
/// });
/// // beforeJoin
/// guard.on_join("vip:*", |join, _| match join.user_id.as_str() {
///     "ann" => Decision::Allow,
///     _ => Decision::refuse("only ann may"),
/// });
/// // beforeEach
/// guard.on_broadcast("*", "*", |broadcast, _| match &broadcast.payload {
///     Payload::Json(json) if json.as_str().contains("darn") => {
///         Decision::change(Payload::json(json.as_str().replace("darn", "****")).unwrap())
///     }
///     Payload::Json(_) => Decision::Allow,
///     Payload::Bytes(_) => Decision::refuse("bytes, expected JSON"),
/// });
///
/// // All others: what happened, as the driver's loop sees it.
/// let mut hooks = Vec::new();
/// let mut channel = Channel::single_node(Config::default());
/// let mut on_event = |event: Event| {
///     let event = guard.check(event, &channel); // which is what a journal records
///     let was_member = match &event {
///         Event::Join(join) => channel.is_member(&join.client_id, &join.topic),
///         Event::Rejoin(rejoin) => channel.is_member(&rejoin.client_id, &rejoin.topic),
///         Event::Disconnect(gone) => {
///             let topics = channel.topics_of(&gone.client_id);
///             hooks.push(format!("onDisconnected {} of {topics:?}", gone.client_id));
///             false
///         }
///         _ => false,
///     };
///     channel.handle(event);
///
///     for outbound in channel.flush_outbox() {
///         match outbound {
///             Outbound::Reply(Reply { to, client_id: Some(client), topic, result: Ok(_), .. }) => {
///                 let topic = topic.unwrap_or_default();
///                 match to {
///                     EventKind::Connect => hooks.push(format!("onConnected {client}")),
///                     EventKind::Join | EventKind::Rejoin if !was_member => {
///                         hooks.push(format!("onJoined {client} {topic}"));
///                     }
///                     EventKind::Leave => hooks.push(format!("onLeft {client} {topic}")),
///                     _ => {}
///                 }
///             }
///             Outbound::Closed(closed) => {
///                 for client in closed.recipients.ids() {
///                     if !channel.is_member(client, &closed.topic) {
///                         hooks.push(format!("onLeft {client} {}", closed.topic));
///                     }
///                 }
///             }
///             Outbound::RoomOpened(room) => hooks.push(format!("onCreated {}", room.info.topic)),
///             Outbound::RoomClosed(room) => hooks.push(format!("onDeleted {}", room.info.topic)),
///             Outbound::BroadcastMessage(message) => {
///                 let Payload::Json(said) = &message.payload else { continue };
///                 hooks.push(format!("onTriggered {} {said}", message.event));
///                 hooks.push(format!("afterEach {}", message.recipients.len()));
///             }
///             Outbound::Evicted(old) => hooks.push(format!("onCleanup {}", old.messages.len())),
///             Outbound::History(mut page) => {
///                 if let Some(more) = page.more {
///                     hooks.push(format!("onLoad {} before {}", more.wanted, more.before.offset));
///                     let store: Vec<StoredMessage> = Vec::new(); // what it has, newest first
///                     page.complete(store, 1 << 20);
///                 }
///                 // Here the page is sent.
///             }
///             Outbound::Disconnect(close) => {
///                 hooks.push(format!("onDisconnected {}", close.client_id));
///             }
///             _ => {}
///         }
///     }
/// };
///
/// let said = |text: &str| Broadcast::new("c1", "vip:1", Json::of(text).unwrap());
/// let keeps_one = RoomConfig::default().with_event(EventDefinition::new("message").with_history(1));
/// on_event(OpenRoom::new("vip:1").with_config(keeps_one).into());
/// on_event(Connect::new("c1", "ann", 0).with_ref("1").into()); // refused
/// on_event(Connect::new("c1", "ann", 0).with_data(Json::of("claims")?).with_ref("2").into());
/// on_event(Join::new("c1", "vip:1", "ann", 0).into());
/// on_event(Join::new("c1", "vip:1", "ann", 1).into()); // again, which is no news
/// on_event(said("darn it").into());
/// on_event(said("sorry").into());
/// on_event(History::new("c1", "vip:1").with_event("message").into());
/// on_event(Disconnect::new("c1", 2).into());
/// on_event(CloseRoom::new("vip:1").into());
/// assert_eq!(hooks, [
///     "onCreated vip:1",
///     "onConnected c1",
///     "onJoined c1 vip:1",
///     r#"onTriggered message "**** it""#,
///     "afterEach 1",
///     r#"onTriggered message "sorry""#,
///     "afterEach 1",
///     "onCleanup 1",
///     "onLoad 49 before 2",
///     r#"onDisconnected c1 of ["vip:1"]"#,
///     "onLeft c1 vip:1",
///     "onCleanup 1",
///     "onDeleted vip:1",
/// ]);
/// # Ok::<(), parlor::JsonError>(())
/// ```
///
/// One guard does for any number of channels and threads: checking takes `&self`. A clone shares
/// the closures, and takes rules of its own.
#[derive(Debug, Default, Clone)]
pub struct Guard {
    schemas: Schemas,
    rules: Rules,
}

impl Guard {
    /// A guard that lets everything pass.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes `T` as the schema of messages of a name, in all topics: [`Guard::define_in`] `*`.
    pub fn define<T>(&mut self, event: impl Into<EventName>)
    where
        T: DeserializeOwned + Serialize + 'static,
    {
        self.define_in::<T>("*", event);
    }

    /// Takes `T` as the schema of messages of a name, in topics of a pattern; `*` are all names.
    ///
    /// What goes in is the payload read as a `T` and written again: what `T` does not have is gone,
    /// its defaults are filled in. What can't be read is refused as `validation_failed`, with what
    /// serde says of it; so are bytes. Of several that match, the one with an exact name beats
    /// those of `*`, then the exact topic beats prefixes and the longer prefix the shorter; a later
    /// one of the same pattern and name takes the place of the earlier.
    ///
    /// # Panics
    ///
    /// At a `topics` that is no pattern.
    pub fn define_in<T>(&mut self, topics: &str, event: impl Into<EventName>)
    where
        T: DeserializeOwned + Serialize + 'static,
    {
        self.define_with(topics, event, |_, _, payload| rewrite::<T>(payload).map(Some));
    }

    /// Takes a closure as the schema of messages of a name, in topics of a pattern; `*` are all
    /// names.
    ///
    /// It returns another payload, none to leave it as it is, or a text that says what was
    /// expected. It stands where a [`Guard::define_in`] would, by the same rules: a place for JSON
    /// Schema, or what else can be compiled when the program starts.
    ///
    /// ```
    /// use parlor::{Broadcast, Channel, Config, Event, Guard, Json, Payload};
    ///
    /// let mut guard = Guard::new();
    /// guard.define_with("chat:*", "message", |topic, event, payload: &Json| {
    ///     if payload.as_str().starts_with('"') {
    ///         return Ok(None);
    ///     }
    ///     Err(format!("{event} of {topic}: expected a string"))
    /// });
    ///
    /// let channel = Channel::single_node(Config::default());
    /// let broadcast = Broadcast::new("c1", "chat:1", Payload::json("5")?).with_ref("1");
    /// let Event::Refuse(refuse) = guard.check(broadcast.into(), &channel) else {
    ///     panic!("it is refused")
    /// };
    /// assert_eq!(refuse.message.unwrap(), "payload: message of chat:1: expected a string");
    /// # Ok::<(), parlor::JsonError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// At a `topics` that is no pattern.
    pub fn define_with(
        &mut self,
        topics: &str,
        event: impl Into<EventName>,
        schema: impl Fn(&Topic, &EventName, &Json) -> Result<Option<Json>, String>
        + Send
        + Sync
        + 'static,
    ) {
        self.schemas.payloads.define(Pattern::new(topics), event.into(), Arc::new(schema));
    }

    /// Takes `T` as the schema of what presence shows in topics of a pattern: the meta of join,
    /// rejoin and track.
    ///
    /// One that is absent is read as `null`: an `Option` lets it be absent. That of a join or
    /// rejoin by a member is not looked at if it is absent, since then nothing changes. Otherwise
    /// as [`Guard::define_in`].
    ///
    /// # Panics
    ///
    /// At a `topics` that is no pattern.
    pub fn define_meta<T: DeserializeOwned + Serialize>(&mut self, topics: &str) {
        self.schemas.metas.define(Pattern::new(topics), rewrite::<T>);
    }

    /// Takes `T` as the schema of the params of join and rejoin in topics of a pattern.
    ///
    /// Those that are absent are read as `null`: an `Option` lets them be absent. Otherwise as
    /// [`Guard::define_in`].
    ///
    /// # Panics
    ///
    /// At a `topics` that is no pattern.
    pub fn define_params<T: DeserializeOwned + Serialize>(&mut self, topics: &str) {
        self.schemas.params.define(Pattern::new(topics), rewrite::<T>);
    }

    /// Adds a rule about who may join or rejoin topics of a pattern. It may change the meta;
    /// `null` is none.
    ///
    /// It is asked of a member that joins again too.
    ///
    /// # Panics
    ///
    /// At a `topics` that is no pattern.
    pub fn on_join(
        &mut self,
        topics: &str,
        rule: impl Fn(&JoinRequest<'_>, &Channel) -> Decision<Json> + Send + Sync + 'static,
    ) {
        let ask = move |event: &mut Event, channel: &Channel| {
            let Some(join) = JoinRequest::of(event) else { return Ok(()) };
            let changed = rule(&join, channel).outcome()?;
            if let (Some(changed), Some(meta)) = (changed, request::presence_meta(event)) {
                *meta = given(changed);
            }
            Ok(())
        };
        self.rules.add("join and rejoin", Pattern::new(topics), Arc::new(ask));
    }

    /// Adds a rule about messages of a name in topics of a pattern; `*` are all names. It may
    /// change payload and meta.
    ///
    /// # Panics
    ///
    /// At a `topics` that is no pattern.
    pub fn on_broadcast(
        &mut self,
        topics: &str,
        event: impl Into<EventName>,
        rule: impl Fn(&Broadcast, &Channel) -> Decision<BroadcastChange> + Send + Sync + 'static,
    ) {
        let name = event.into();
        self.on(topics, move |broadcast: &Broadcast, channel: &Channel| {
            if name == "*" || broadcast.event == name {
                return rule(broadcast, channel);
            }
            Decision::Allow
        });
    }

    /// Adds a rule about events of one kind in topics of a pattern.
    ///
    /// ```
    /// use parlor::{Channel, Config, Decision, Event, Guard, Reason, Track, Untrack};
    ///
    /// let mut guard = Guard::new();
    /// guard.on("office:*", |_: &Untrack, _: &Channel| {
    ///     Decision::refuse_for(Reason::InvalidRequest, "nobody hides here")
    /// });
    ///
    /// let channel = Channel::single_node(Config::default());
    /// let hidden = guard.check(Untrack::new("c1", "office:1").into(), &channel);
    /// assert_eq!(hidden.label(), "refuse");
    /// let shown = guard.check(Track::new("c1", "office:1").into(), &channel);
    /// assert_eq!(shown.label(), "track");
    /// ```
    ///
    /// # Panics
    ///
    /// At a `topics` that is no pattern.
    pub fn on<E: ClientEvent>(
        &mut self,
        topics: &str,
        rule: impl Fn(&E, &Channel) -> Decision<E::Change> + Send + Sync + 'static,
    ) {
        let ask = move |event: &mut Event, channel: &Channel| {
            let Some(event) = E::of(event) else { return Ok(()) };
            if let Some(change) = rule(event, channel).outcome()? {
                event.apply(change);
            }
            Ok(())
        };
        self.rules.add(E::KIND.label(), Pattern::new(topics), Arc::new(ask));
    }

    /// Adds a rule about whatever clients send in topics of a pattern, join and rejoin too. It may
    /// change nothing.
    ///
    /// ```
    /// use parlor::{Channel, Config, Decision, Guard, Leave};
    ///
    /// let mut guard = Guard::new();
    /// guard.on_any("*", |event, _| Decision::refuse(format!("no {} today", event.label())));
    ///
    /// let channel = Channel::single_node(Config::default());
    /// assert_eq!(guard.check(Leave::new("c1", "room:1").into(), &channel).label(), "refuse");
    /// ```
    ///
    /// # Panics
    ///
    /// At a `topics` that is no pattern.
    pub fn on_any(
        &mut self,
        topics: &str,
        rule: impl Fn(&Event, &Channel) -> Decision + Send + Sync + 'static,
    ) {
        let ask =
            move |event: &mut Event, channel: &Channel| rule(event, channel).outcome().map(|_| ());
        self.rules.add("any", Pattern::new(topics), Arc::new(ask));
    }

    /// Hands an event in as [`check`](Guard::check) leaves it.
    ///
    /// Who keeps a journal calls `check`, records what it returns, and hands that in: replayed
    /// without the guard, it gives the same outbox.
    pub fn handle(&self, channel: &mut Channel, event: Event) {
        channel.handle(self.check(event, channel));
    }

    /// What is to go into `channel` for `event`: the same, one with another payload or meta, or a
    /// [`Refuse`]. Asks each schema and rule of its own at most once, and compares the topic with
    /// the pattern of all.
    #[must_use = "what is returned is what goes in"]
    pub fn check(&self, mut event: Event, channel: &Channel) -> Event {
        let header = event.header();
        // A refusal has been decided on already.
        let sender = header.sender.filter(|_| event.kind() != EventKind::Refuse);
        if sender.is_none() {
            return event;
        }
        let topic = header.topic.cloned();
        if !channel.admits(&event) {
            return event;
        }

        let Err(denial) = self.decide(&mut event, topic.as_ref(), channel) else { return event };

        let reason = denial.reason.unwrap_or_else(|| usual_reason(event.kind()));
        Refuse::of(&event, reason, denial.message).map_or(event, Event::Refuse)
    }

    fn decide(
        &self,
        event: &mut Event,
        topic: Option<&Topic>,
        channel: &Channel,
    ) -> Result<(), Denial> {
        if let Some(topic) = topic {
            let validated = || self.schemas.validate(event, topic, channel);
            let panicked = || Err(Denial::of_panic(Some(Reason::ValidationFailed)));
            unless_it_panics(validated).unwrap_or_else(panicked)?;
        }
        for rule in self.rules.of(topic) {
            let asked = || (rule.ask)(event, channel);
            unless_it_panics(asked).unwrap_or_else(|| Err(Denial::of_panic(None)))?;
        }
        Ok(())
    }
}
