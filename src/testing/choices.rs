//! Where choices come from, and what there is to choose: names, times, payloads, rooms.
//!
//! Names come from small pools, so that events are about one another. Whoever is hostile chooses
//! something else now and then. Knows nothing of what makes sense when.

use std::{boxed::Box, format, string::String, vec, vec::Vec};

use parlor::{
    Address, Audience, ClientEvents, ClientId, ClientRooms, Config, EventDefinition, EventKind,
    EventName, Grace, GroupName, HistoryOnJoin, Json, Lifetime, Limit, MessageId, Payload,
    Position, PresenceMode, Question, RateLimit, Reason, Ref, RoomConfig, SnapshotMode,
    StoredMessage, Topic, UnlistedTopics, UserId, Who,
};

/// Clients and their users: some users have several clients, and a few clients do most.
const CLIENTS: [(&str, &str); 20] = [
    ("a1", "ann"),
    ("b1", "bob"),
    ("a1", "ann"),
    ("a2", "ann"),
    ("b1", "bob"),
    ("a1", "ann"),
    ("c1", "cy"),
    ("b1", "bob"),
    ("a1", "ann"),
    ("a2", "ann"),
    ("c1", "cy"),
    ("a1", "ann"),
    ("b2", "bob"),
    ("d1", "dee"),
    ("a3", "ann"),
    ("é", "\u{1f600}"),
    ("q\"1\\", "q\""),
    ("e1", "eve"),
    ("f1", "fay"),
    ("more-than-22-bytes-long", "more-than-22-bytes-long"),
];
pub(super) const TOPICS: [&str; 8] =
    ["room:1", "room:2", "room:1", "chat:1", "room:1", "lobby", "room:2", "\"é\n"];
const EVENTS: [&str; 4] = ["message", "typing", "message", "É\n"];
const GROUPS: [&str; 3] = ["g", "h", "é"];
/// What no well-behaved client is, or sends as the name of a message.
const STRANGERS: [&str; 7] = ["", "nobody", "*", " ", "null", "phx_join", "parlor:track"];
const TEXTS: [&str; 7] =
    ["1", r#"{"text":"hi"}"#, "1.50", r#""\u00e9""#, r#"{ "b":1,"a":2 }"#, "null", "[1,\n 2]"];
const BYTES: [&[u8]; 3] = [b"hi", b"", b"\xff\0"];
const TEXTS_FOR_PEOPLE: [&str; 3] = ["boom", "", "a \"b\"\n"];
/// By how much time goes on from event to event.
const STEPS: [u64; 10] = [0, 1, 10, 0, 5, 20, 0, 60, 2, 200];
const PAGES: [(u64, u64); 6] = [(0, 50), (0, 1), (0, 3), (1, 4), (2, 90), (3, 1)];
const ODD_PAGES: [(u64, u64); 4] =
    [(0, 1_000), (0, 1_001), (5, u64::MAX), (u64::MAX - 1, u64::MAX)];
const WINDOWS_MS: [u64; 3] = [20, 0, 50];

/// How often somebody hostile does something odd where it has a choice: once in so many times.
const ODD: usize = 40;

/// Makes choices, and knows what time it is for whoever makes them.
pub(super) struct Choices<'a> {
    draw: &'a mut dyn FnMut(usize) -> usize,
    manners: Manners,
    pub(super) now_ms: u64,
}

/// Whether only what makes sense by itself is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manners {
    Good,
    Bad,
}

impl<'a> Choices<'a> {
    /// Draws numbers below one that is given; 0 is the plainest choice.
    pub(super) fn new(draw: &'a mut dyn FnMut(usize) -> usize, manners: Manners, now: u64) -> Self {
        Self { draw, manners, now_ms: now }
    }

    pub(super) fn below(&mut self, count: usize) -> usize {
        // Drawn also if there is no choice: then what else is chosen does not depend on that.
        if count == 0 { 0 } else { (self.draw)(count).min(count - 1) }
    }

    /// One of those that there are.
    pub(super) fn of<T: Clone>(&mut self, pool: &[T]) -> Option<T> {
        let place = self.below(pool.len());
        pool.get(place).cloned()
    }

    /// One of a pool that is never empty.
    pub(super) fn one<T: Clone, const N: usize>(&mut self, pool: &[T; N]) -> T {
        self.of(pool).expect("a pool has something in it")
    }

    /// Once in `times` times.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) + 1 == times
    }

    /// Half of the time.
    pub(super) fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.once_in(2).then(|| make(self))
    }

    fn seldom<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.once_in(5).then(|| make(self))
    }

    fn is_odd(&mut self) -> bool {
        self.manners == Manners::Bad && self.once_in(ODD)
    }

    fn name(&mut self, pool: &[&str]) -> String {
        if self.is_odd() {
            return match self.below(STRANGERS.len() + 2) {
                0 => "x".repeat(256),
                1 => "x".repeat(255),
                place => STRANGERS.get(place - 2).copied().unwrap_or_default().into(),
            };
        }
        self.of(pool).unwrap_or_default().into()
    }

    pub(super) fn client(&mut self) -> ClientId {
        self.name(&CLIENTS.map(|(client, _)| client)).into()
    }

    pub(super) fn user(&mut self) -> UserId {
        self.name(&CLIENTS.map(|(_, user)| user)).into()
    }

    /// A client and who it acts for, which is mostly the same.
    pub(super) fn client_and_user(&mut self) -> (ClientId, UserId) {
        if self.is_odd() {
            return (self.client(), self.user());
        }
        let (client, user) = self.one(&CLIENTS);
        (client.into(), user.into())
    }

    pub(super) fn topic(&mut self) -> Topic {
        self.name(&TOPICS).into()
    }

    pub(super) fn topics(&mut self) -> Vec<Topic> {
        let count = self.one(&[1, 2, 3]) - usize::from(self.is_odd());
        (0..count).map(|_| self.topic()).collect()
    }

    pub(super) fn group(&mut self) -> GroupName {
        self.name(&GROUPS).into()
    }

    pub(super) fn event_name(&mut self) -> EventName {
        self.name(&EVENTS).into()
    }

    /// What a member can subscribe to.
    pub(super) fn event_or_all(&mut self) -> EventName {
        if self.once_in(4) { "*".into() } else { self.event_name() }
    }

    pub(super) fn mark(&mut self) -> String {
        if self.is_odd() { "y".repeat(255 + self.below(2)) } else { self.one(&["1", "2"]).into() }
    }

    pub(super) fn reference(&mut self) -> Option<Ref> {
        self.maybe(|choices| choices.mark().into())
    }

    pub(super) fn id(&mut self) -> Option<MessageId> {
        self.seldom(|choices| choices.mark().into())
    }

    pub(super) fn json(&mut self) -> Json {
        self.json_around(65_534)
    }

    /// What a presence shows.
    pub(super) fn meta(&mut self) -> Json {
        self.json_around(4_094)
    }

    /// If odd, as deep or as long as it may be, or one past that.
    fn json_around(&mut self, bytes: usize) -> Json {
        let text = if self.is_odd() {
            let (small, large) = (self.below(2) + 128, self.below(2) + bytes);
            let nested = "[".repeat(small) + &"]".repeat(small);
            let sized = format!("\"{}\"", "z".repeat(large));
            self.one(&[nested, sized])
        } else {
            self.one(&TEXTS).into()
        };
        Json::parse(text).expect("what is written here is JSON")
    }

    pub(super) fn payload(&mut self) -> Payload {
        if self.once_in(4) { Payload::bytes(self.one(&BYTES)) } else { self.json().into() }
    }

    pub(super) fn grace(&mut self) -> Grace {
        self.one(&[Grace::Keep, Grace::Keep, Grace::Skip, Grace::Expired])
    }

    pub(super) fn audience(&mut self) -> Audience {
        self.one(&[Audience::All, Audience::Others, Audience::OtherUsers])
    }

    pub(super) fn text(&mut self) -> String {
        self.one(&TEXTS_FOR_PEOPLE).into()
    }

    /// A little later than before, or as late; if hostile, seldom earlier or at the end of time.
    pub(super) fn time(&mut self) -> u64 {
        if self.is_odd() {
            return match self.below(16) {
                15 => u64::MAX,
                back => self.now_ms.saturating_sub(back as u64 * 20),
            };
        }
        self.now_ms = self.now_ms.saturating_add(self.one(&STEPS));
        self.now_ms
    }

    /// Before a position, from where to where.
    pub(super) fn page(&mut self) -> (Option<Position>, u64, u64) {
        let before = self.maybe(Self::position);
        if self.is_odd() {
            let (start, end) = self.one(&ODD_PAGES);
            return (before, start, end);
        }
        let (start, end) = self.one(&PAGES);
        (before, if before.is_some() { 0 } else { start }, end)
    }

    pub(super) fn position(&mut self) -> Position {
        if self.is_odd() {
            return Position { epoch: u64::MAX, offset: u64::MAX };
        }
        Position { epoch: self.below(3) as u64 + 1, offset: self.below(6) as u64 }
    }

    pub(super) fn address(&mut self) -> Address {
        match self.below(8) {
            0..=3 => Address::Topic(self.topic()),
            4 => Address::Group(self.group()),
            5 => Address::User(self.user()),
            6 => Address::Client(self.client()),
            _ => Address::Everyone,
        }
    }

    pub(super) fn question(&mut self) -> Question {
        use Question::{Members, Presences, Room, Rooms, Stats, TopicsOf};
        self.one(&[Presences, Members, Room, Rooms, TopicsOf, Stats])
    }

    pub(super) fn kind(&mut self) -> EventKind {
        self.one(&EventKind::ALL)
    }

    pub(super) fn reason(&mut self) -> Reason {
        self.one(&Reason::ALL)
    }

    /// One that a driver has kept.
    pub(super) fn stored(&mut self) -> StoredMessage {
        let (client_id, from) = self.client_and_user();
        StoredMessage {
            event: self.event_name(),
            payload: self.payload(),
            from,
            client_id: self.maybe(|_| client_id),
            epoch: self.seldom(|choices| choices.below(3) as u64),
            offset: self.below(4) as u64 + 1,
            timestamp_ms: self.below(9) as u64,
            meta: self.seldom(Self::json),
            except_client: self.seldom(Self::client),
            except_user: self.seldom(Self::user),
        }
    }

    /// Mostly as rooms are by default, with a few deviations. One of good manners lets all do what
    /// they do, but for broadcasts of names that are not listed.
    pub(super) fn room(&mut self) -> RoomConfig {
        let is_tight = self.manners == Manners::Bad;
        let name = if self.is_odd() { String::new() } else { "N".into() };
        let mut events = self.events();
        if self.is_odd() {
            events.extend(events.clone());
        }
        RoomConfig {
            name: self.seldom(|_| name),
            description: self.seldom(Self::text),
            data: self.seldom(Self::json),
            max_members: self
                .seldom(|choices| if is_tight { choices.one(&[2, 3, 1, 0]) } else { 100 }),
            client_events: match (self.below(8), is_tight) {
                (7, true) => ClientEvents::None,
                (5 | 6, _) => ClientEvents::Listed,
                _ => ClientEvents::Any,
            },
            events,
            default_subscriptions: match self.below(8) {
                6 => vec!["typing".into()],
                7 => Vec::new(),
                _ => vec!["*".into()],
            },
            owner: self.seldom(Self::user),
            lifetime: self
                .seldom(|choices| choices.one(&[Lifetime::Ephemeral, Lifetime::Persistent])),
            presence: if self.once_in(10) { PresenceMode::Off } else { PresenceMode::On },
            presence_snapshot: if self.once_in(10) { SnapshotMode::Off } else { SnapshotMode::On },
            presence_window_ms: self.seldom(|choices| choices.one(&WINDOWS_MS)),
            presence_of: self.who(),
            publishers: self.who(),
            history_on_join: self.maybe(|choices| {
                let all = HistoryOnJoin::All;
                choices.one(&[all, HistoryOnJoin::PerEvent(1), HistoryOnJoin::Total(2)])
            }),
            history_for: self.who(),
            rate_limit: self.seldom(|choices| {
                let window_ms = if choices.is_odd() { 0 } else { 50 };
                RateLimit::new(if is_tight { 2 } else { u32::MAX }, window_ms)
            }),
            dedupe: self.seldom(|choices| choices.one(&[2, 1])).unwrap_or(0),
        }
    }

    fn events(&mut self) -> Vec<EventDefinition> {
        let kept = |choices: &mut Self, name| {
            EventDefinition::new(name).with_history(choices.one(&[2, 3, 1, 0]))
        };
        match self.below(5) {
            2 => vec![kept(self, "message"), EventDefinition::new("typing")],
            3 => vec![kept(self, "*")],
            4 => vec![kept(self, "*"), kept(self, "message"), EventDefinition::new("typing")],
            _ => Vec::new(),
        }
    }

    fn who(&mut self) -> Who {
        if self.once_in(5) { Who::Clients } else { Who::Members }
    }

    /// A room as it can be configured: without what makes no sense.
    fn sane_room(&mut self) -> RoomConfig {
        let manners = std::mem::replace(&mut self.manners, Manners::Good);
        let mut room = self.room();
        self.manners = manners;
        if self.once_in(6) {
            room.max_members = Some(self.one(&[2, 3, 1, 0]));
        }
        if self.once_in(6) {
            room.rate_limit = Some(RateLimit::new(2, 50));
        }
        room
    }

    /// A configuration of a channel, with limits that few events can reach.
    pub(super) fn config(&mut self) -> Config {
        const TIGHT: [(Limit, u64); 15] = [
            (Limit::MembersPerTopic, 3),
            (Limit::TopicsPerClient, 2),
            (Limit::Topics, 3),
            (Limit::Clients, 4),
            (Limit::SubscriptionsPerMember, 2),
            (Limit::PageLength, 50),
            (Limit::PageBytes, 30),
            (Limit::MetaBytes, 10),
            (Limit::Groups, 1),
            (Limit::TopicsPerGroup, 2),
            (Limit::IdsPerTopic, 2),
            (Limit::HistoryMessagesPerTopic, 2),
            (Limit::HistoryMessages, 3),
            (Limit::HistoryBytesPerTopic, 40),
            (Limit::HistoryBytes, 60),
        ];
        let mut config = Config::builder()
            .grace_ms(self.one(&[0, 30, 100]))
            .clients_open_rooms(self.one(&[ClientRooms::Off, ClientRooms::On]));
        for (limit, value) in TIGHT {
            if self.once_in(8) {
                config = config.limit(limit, value);
            }
        }
        if self.once_in(2) {
            config = config.default_room(self.sane_room());
        }
        if self.once_in(2) {
            let mut lobby = self.sane_room();
            // One that is declared persists.
            lobby.lifetime = lobby.lifetime.filter(|lifetime| *lifetime == Lifetime::Persistent);
            config = config.room("lobby", lobby);
        }
        if self.once_in(2) {
            config = config.room("chat:*", self.sane_room());
        }
        if self.once_in(8) {
            config = config.room("room:*", self.sane_room());
            config = config.unlisted_topics(UnlistedTopics::Refuse);
        }
        config.build().expect("rooms that make sense fit into every limit that is set here")
    }

    pub(super) fn boxed_room(&mut self) -> Option<Box<RoomConfig>> {
        self.maybe(|choices| Box::new(choices.room()))
    }
}
