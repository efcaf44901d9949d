//! Every limit at its value and one past it, and every reason for which something is refused.
//!
//! A limit or a reason without a case fails its test: both are gone through by their `ALL`. What is
//! refused changes nothing that a snapshot shows, but for counters.

use parlor::{
    AddToGroup, Address, Broadcast, Channel, ClientRooms, CloseRoom, Config, ConfigBuilder,
    Connect, Event, EventDefinition, EventKind, Evicted, History, Join, Json, Kick, Leave, Limit,
    OpenRoom, Outbound, Payload, Publish, Push, Query, Question, RateLimit, Reason, Refusal,
    Refuse, Rejoin, RemoveFromGroup, RoomConfig, Subscribe, Tick, Track, Unsubscribe, Untrack, Who,
};
use serde_json::Value;

use super::damage;

/// What comes of the event that is one past a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Past {
    /// It is refused for that reason.
    Refused(Reason),
    /// It is taken, and the oldest message of that topic leaves history, alone.
    Evicts(&'static str),
    /// It is a page, and the oldest of its messages is left out.
    Shortens,
    /// It is taken, and the oldest id is forgotten: who repeats it is not told from others.
    Forgets,
}

/// What can be done up to the value of a limit.
struct Case {
    before: Vec<Event>,
    at: Event,
    past: Event,
    then: Past,
}

const REACHED: Past = Past::Refused(Reason::LimitReached);
const BAD_NAME: Past = Past::Refused(Reason::InvalidName);
const TOO_LARGE: Past = Past::Refused(Reason::PayloadTooLarge);

/// What limits are set to: of sizes, and of all else.
const LONG: u64 = 10;
const FEW: u64 = 3;

/// As many bytes as [`say`] counts in history: of its payload, event, user and client.
const SAID: u64 = 4 + 1 + 3 + 1;

fn text(start: &str, bytes: u64) -> String {
    start.to_owned() + &"x".repeat(usize::try_from(bytes).unwrap() - start.len())
}

/// A JSON text of that many bytes.
fn json(bytes: u64) -> Json {
    Json::parse(text("\"", bytes - 1) + "\"").unwrap()
}

/// A JSON text of that depth.
fn deep(depth: u64) -> Json {
    let depth = usize::try_from(depth).unwrap();
    Json::parse("[".repeat(depth) + &"]".repeat(depth)).unwrap()
}

fn join(client: impl Into<String>, topic: impl Into<String>) -> Join {
    Join::new(client.into(), topic.into(), "ann", 0)
}

fn say(topic: &str) -> Broadcast {
    Broadcast::new("c", topic, Payload::bytes(*b"1234")).with_event("e")
}

/// Nothing but the size of the event itself.
fn size<E: Into<Event>>(then: Past, value: u64, make: impl Fn(u64) -> E) -> Case {
    let before = vec![join("c", "t").into()];
    Case { before, at: make(value).into(), past: make(value + 1).into(), then }
}

/// One event after another, of which there are `there` already by the first joins.
fn count<E: Into<Event>>(then: Past, there: u64, make: impl Fn(u64) -> E) -> Case {
    let mut before = vec![join("c", "t").into()];
    before.extend((there + 1..FEW).map(|number| make(number).into()));
    Case { before, at: make(FEW).into(), past: make(FEW + 1).into(), then }
}

/// The value that a limit is set to, and what can be done up to there.
fn cases(limit: Limit) -> (u64, Vec<Case>) {
    match limit {
        Limit::NameBytes => (LONG, names()),
        Limit::RefBytes => (LONG, marks()),
        Limit::PayloadBytes => (LONG, payloads(LONG, json)),
        Limit::PayloadDepth => {
            let mut cases = payloads(FEW, deep);
            cases.extend(presences(FEW, deep));
            (FEW, cases)
        }
        Limit::MetaBytes => {
            let mut cases = presences(LONG, json);
            cases.push(size(TOO_LARGE, LONG, |bytes| {
                let room = RoomConfig::default().with_description(text("", bytes));
                OpenRoom::new("u").with_config(room)
            }));
            (LONG, cases)
        }
        // Those of another client of the user count, and those that the server opens do not.
        Limit::RoomsPerUser => {
            let open = |number| {
                let client = if number % 2 == 0 { "c" } else { "d" };
                OpenRoom::new(format!("u{number}")).with_by(client)
            };
            let mut case = count(REACHED, 0, open);
            let config = RoomConfig::default().with_owner("ann");
            case.before.splice(
                0..0,
                [join("d", "t").into(), OpenRoom::new("s").with_config(config).into()],
            );
            (FEW, vec![case])
        }
        Limit::TopicsPerClient => (FEW, topics_per_client()),
        Limit::MembersPerTopic => (FEW, members_per_topic()),
        Limit::Topics => (FEW, topics()),
        Limit::Clients => (FEW, clients()),
        Limit::Groups => {
            let groups = |number| AddToGroup::new(format!("g{number}"), ["t"]);
            (FEW, vec![count(REACHED, 0, groups)])
        }
        Limit::TopicsPerGroup => {
            let one_more = |number| AddToGroup::new("g", [format!("t{number}")]);
            let all_at_once =
                |number| AddToGroup::new("g", (0..number).map(|topic| format!("t{topic}")));
            (FEW, vec![count(REACHED, 0, one_more), size(REACHED, FEW, all_at_once)])
        }
        // There is `*` from the start.
        Limit::SubscriptionsPerMember => {
            let names = |number| Subscribe::new("c", "t", format!("e{number}"));
            (FEW, vec![count(REACHED, 1, names), opened(subscriptions)])
        }
        Limit::EventNamesPerTopic => (FEW, event_names_per_topic()),
        Limit::PageLength => (FEW, page_length()),
        Limit::PageBytes => (FEW * SAID, vec![page_bytes()]),
        Limit::IdsPerTopic => {
            let ids = |number| say("t").with_id(format!("id{number}"));
            (FEW, vec![count(Past::Forgets, 0, ids)])
        }
        Limit::HistoryMessagesPerTopic => (FEW, vec![count(Past::Evicts("t"), 0, |_| say("t"))]),
        Limit::HistoryMessages => (FEW, history_of_two_topics()),
        Limit::HistoryBytesPerTopic => {
            (FEW * SAID, vec![count(Past::Evicts("t"), 0, |_| say("t"))])
        }
        Limit::HistoryBytes => (FEW * SAID, history_of_two_topics()),
        limit => panic!("limit {limit} has no case, expected one"),
    }
}

fn page(length: u64) -> History {
    History::new("c", "t").with_page(0, length)
}

/// How long a page is, and how far one by index reaches past memory, which holds nothing.
fn page_length() -> Vec<Case> {
    let far = |start| History::new("c", "t").with_event("e").with_page(start, start + 1);
    vec![size(REACHED, FEW, page), size(REACHED, FEW, far)]
}

fn page_bytes() -> Case {
    let mut case = size(Past::Shortens, FEW, page);
    case.before.extend((0..=FEW).map(|_| say("t").into()));
    case
}

/// Every field that holds a name: first those that may hold one that nobody knows.
fn names() -> Vec<Case> {
    let case = |make: fn(String) -> Event| size(BAD_NAME, LONG, move |bytes| make(text("", bytes)));
    vec![
        case(|name| join(name, "t").into()),
        case(|name| join("d", name).into()),
        case(|name| Join::new("d", "t", name, 0).into()),
        case(|name| Connect::new("d", name, 0).into()),
        case(|name| say("t").with_event(name).into()),
        case(|name| Push::new("c", "t", name, Payload::bytes(*b"")).into()),
        case(|name| Subscribe::new("c", "t", name).into()),
        case(|name| History::new("c", "t").with_event(name).into()),
        case(|name| AddToGroup::new(name, ["t"]).into()),
        case(|name| AddToGroup::new("g", [name]).into()),
        case(|name| OpenRoom::new(name).into()),
        case(|name| OpenRoom::new("u").with_config(RoomConfig::default().with_name(name)).into()),
        case(|name| publish(Address::Topic("t".into())).with_from(name).into()),
        case(|name| publish(Address::Topic("t".into())).with_except_client(name).into()),
        case(|name| publish(Address::Topic("t".into())).with_except_user(name).into()),
        case(|name| publish(Address::User(name.into())).into()),
        case(|name| Query::new(Question::Room).with_topic(name).into()),
        case(|name| Query::new(Question::TopicsOf).with_client(name).into()),
    ]
    .into_iter()
    .chain(names_that_are_known())
    .collect()
}

/// Fields that hold the name of something that has to be there: so it is, with a name that is as
/// long as it may be.
fn names_that_are_known() -> Vec<Case> {
    let case = |make: fn(String) -> Event| {
        let mut case = size(BAD_NAME, LONG, move |bytes| make(text("", bytes)));
        let name = || text("", LONG);
        case.before.extend([
            join(name(), "t").into(),
            join("c", name()).into(),
            AddToGroup::new(name(), [name()]).into(),
        ]);
        case
    };
    vec![
        case(|name| Rejoin::new(name, "t", "ann", 0).into()),
        case(|name| Rejoin::new("c", name, "ann", 0).into()),
        case(|name| Leave::new(name, "t").into()),
        case(|name| Leave::new("c", name).into()),
        case(|name| Broadcast::new(name, "t", bytes()).into()),
        case(|name| Broadcast::new("c", name, bytes()).into()),
        case(|name| Push::new(name, "t", "e", bytes()).into()),
        case(|name| Push::new("c", name, "e", bytes()).into()),
        case(|name| Subscribe::new(name, "t", "e").into()),
        case(|name| Subscribe::new("c", name, "e").into()),
        case(|name| Unsubscribe::new(name, "t", "e").into()),
        case(|name| Unsubscribe::new("c", name, "e").into()),
        case(|name| Unsubscribe::new("c", "t", name).into()),
        case(|name| Track::new(name, "t").into()),
        case(|name| Track::new("c", name).into()),
        case(|name| Untrack::new(name, "t").into()),
        case(|name| Untrack::new("c", name).into()),
        case(|name| History::new(name, "t").into()),
        case(|name| History::new("c", name).into()),
        case(|name| CloseRoom::new(name).into()),
        case(|name| Kick::new(name, "").into()),
        case(|name| Kick::new("c", "").with_topic(name).into()),
        case(|name| RemoveFromGroup::new(name, ["t"]).into()),
        case(|name| RemoveFromGroup::new(text("", LONG), [name]).into()),
        case(|name| publish(Address::Topic(name.into())).into()),
        case(|name| publish(Address::Group(name.into())).into()),
        case(|name| publish(Address::Client(name.into())).into()),
    ]
}

fn publish(target: Address) -> Publish {
    Publish::new(target, "e", Payload::bytes(*b"1234"))
}

fn marks() -> Vec<Case> {
    vec![
        size(REACHED, LONG, |bytes| say("t").with_ref(text("", bytes))),
        size(REACHED, LONG, |bytes| say("t").with_id(text("", bytes))),
        size(REACHED, LONG, |bytes| join("d", "t").with_ref(text("", bytes))),
        size(REACHED, LONG, |bytes| Kick::new("c", "").with_ref(text("", bytes))),
    ]
}

/// Every field that holds JSON, but for those that hold what a presence shows.
fn payloads(value: u64, json: fn(u64) -> Json) -> Vec<Case> {
    let case = |make: fn(Json) -> Event| size(TOO_LARGE, value, move |size| make(json(size)));
    vec![
        case(|json| Broadcast::new("c", "t", json).into()),
        case(|json| say("t").with_meta(json).into()),
        case(|json| Push::new("c", "t", "e", json).into()),
        case(|json| Publish::new(Address::Everyone, "e", json).into()),
        case(|json| join("d", "t").with_params(json).into()),
        case(|json| Connect::new("d", "ann", 0).with_data(json).into()),
        case(|json| OpenRoom::new("u").with_config(RoomConfig::default().with_data(json)).into()),
    ]
}

/// Every field that holds what a presence shows.
fn presences(value: u64, json: fn(u64) -> Json) -> Vec<Case> {
    let case = |make: fn(Json) -> Event| size(TOO_LARGE, value, move |size| make(json(size)));
    vec![
        case(|json| join("d", "t").with_meta(json).into()),
        case(|json| Rejoin::new("c", "t", "ann", 0).with_meta(json).into()),
        case(|json| Rejoin::new("d", "t", "ann", 0).with_meta(json).into()),
        case(|json| Track::new("c", "t").with_meta(json).into()),
    ]
}

fn topics_per_client() -> Vec<Case> {
    // By a presence too, in topics that others have made.
    let mut present = count(REACHED, 1, |number| Track::new("c", format!("t{number}")));
    let others = (2..=FEW + 1).map(|number| join("d", format!("t{number}")).into());
    present.before.splice(0..0, others);
    vec![count(REACHED, 1, |number| join("c", format!("t{number}"))), present]
}

fn members_per_topic() -> Vec<Case> {
    let mut present = count(REACHED, 1, |number| Track::new(format!("c{number}"), "t"));
    let others = (2..=FEW + 1).map(|number| Connect::new(format!("c{number}"), "ann", 0).into());
    present.before.splice(0..0, others);
    vec![count(REACHED, 1, |number| join(format!("c{number}"), "t")), present]
}

fn topics() -> Vec<Case> {
    vec![
        count(REACHED, 1, |number| join("c", format!("t{number}"))),
        count(REACHED, 1, |number| OpenRoom::new(format!("t{number}"))),
    ]
}

fn clients() -> Vec<Case> {
    vec![
        count(REACHED, 1, |number| join(format!("c{number}"), "t")),
        count(REACHED, 1, |number| Connect::new(format!("c{number}"), "ann", 0)),
    ]
}

/// A room that is opened with so much of something in its configuration.
fn opened(with: fn(RoomConfig, u64) -> RoomConfig) -> Case {
    size(Past::Refused(Reason::InvalidRequest), FEW, move |count| {
        OpenRoom::new("u").with_config(with(RoomConfig::default(), count))
    })
}

fn subscriptions(room: RoomConfig, count: u64) -> RoomConfig {
    room.with_default_subscriptions((0..count).map(|number| format!("e{number}")))
}

fn event_names_per_topic() -> Vec<Case> {
    let defined = |room: RoomConfig, count| {
        (0..count)
            .fold(room, |room, number| room.with_event(EventDefinition::new(format!("e{number}"))))
    };
    vec![
        count(REACHED, 0, |number| say("t").with_event(format!("e{number}"))),
        count(REACHED, 0, |number| {
            let topic = Address::Topic("t".into());
            Publish::new(topic, format!("e{number}"), Payload::bytes(*b"1"))
        }),
        opened(defined),
    ]
}

fn history_of_two_topics() -> Vec<Case> {
    let same = count(Past::Evicts("t"), 0, |_| say("t"));
    // What another topic holds stays: so the message itself is not kept.
    let mut other = count(Past::Evicts("u"), 0, |_| say("t"));
    other.before.push(join("c", "u").into());
    other.past = say("u").into();
    vec![same, other]
}

/// What is left to say when an event was handled: why it was refused, if it was.
fn refusal(outbox: &[Outbound]) -> Option<&Refusal> {
    outbox.iter().find_map(|outbound| {
        let Outbound::Reply(reply) = outbound else { return None };
        reply.result.as_ref().err()
    })
}

fn handle(channel: &mut Channel, event: &Event) -> Vec<Outbound> {
    channel.handle(event.clone());
    channel.check_invariants();
    channel.flush_outbox()
}

fn config(limit: Option<(Limit, u64)>) -> Config {
    let room = RoomConfig::default()
        .with_presence_of(Who::Clients)
        .with_dedupe(100)
        .with_event(EventDefinition::new("*").with_history(100));
    let builder = Config::builder().default_room(room).clients_open_rooms(ClientRooms::On);
    limit
        .into_iter()
        .fold(builder, |builder, (limit, value)| builder.limit(limit, value))
        .build()
        .unwrap()
}

/// What leaves history: topics and offsets.
fn evicted(outbox: &[Outbound]) -> Vec<(&str, u64)> {
    let evicted = outbox.iter().filter_map(|outbound| {
        let Outbound::Evicted(Evicted { topic, messages, .. }) = outbound else { return None };
        Some(messages.iter().map(|message| (topic.as_str(), message.offset)))
    });
    evicted.flatten().collect()
}

/// All that a channel is, but for what it counts.
fn uncounted(channel: &Channel) -> Value {
    let (_, mut state) = damage::opened(&channel.save().unwrap()).unwrap();
    state.as_object_mut().unwrap().remove("counters").expect("there are counters");
    state
}

/// What a refusal says is the most.
fn most(refusal: &Refusal) -> Option<u64> {
    let text = refusal.to_string();
    let (_, most) = text.split_once("at most ")?;
    most.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn is_sent(outbox: &[Outbound]) -> bool {
    outbox.iter().any(|outbound| matches!(outbound, Outbound::BroadcastMessage(_)))
}

fn is_shortened(outbox: &[Outbound]) -> bool {
    outbox.iter().any(|outbound| matches!(outbound, Outbound::History(page) if page.shortened))
}

fn check(limit: Limit, value: u64, case: Case) {
    let Case { before, at, past, then } = case;
    let mut channel = Channel::single_node(config(Some((limit, value))));
    for event in before.iter().chain([&at]) {
        let outbox = handle(&mut channel, event);
        assert_eq!(refusal(&outbox), None, "{limit} {value}: {event:?}");
        assert_eq!(evicted(&outbox), [], "{limit} {value}: {event:?}");
        assert!(!is_shortened(&outbox), "{limit} {value}: {event:?}");
    }
    let first = say("t").with_id("id1").into();
    if then == Past::Forgets {
        assert!(!is_sent(&handle(&mut channel, &first)), "it is remembered");
    }

    let state = uncounted(&channel);
    let outbox = handle(&mut channel, &past);

    match then {
        Past::Refused(reason) => {
            let refusal = refusal(&outbox).unwrap_or_else(|| panic!("{limit}: {past:?}"));
            assert_eq!(refusal.reason(), reason, "{limit}: {past:?}: {refusal}");
            assert_eq!(most(refusal), Some(value), "{refusal}");
            if matches!(reason, Reason::LimitReached | Reason::PayloadTooLarge) {
                assert_eq!(refusal.limit(), Some(limit), "{past:?}");
            }
            assert_eq!(outbox.len(), 1, "what is refused says nothing else: {outbox:?}");
            assert_eq!(uncounted(&channel), state, "what is refused changes nothing: {past:?}");
        }
        Past::Evicts(topic) => {
            assert_eq!(refusal(&outbox), None, "{limit}: {past:?}");
            assert_eq!(evicted(&outbox), [(topic, 1)], "{limit}: {past:?}");
        }
        Past::Shortens => {
            let [Outbound::History(page)] = &outbox[..] else { panic!("{outbox:?}") };
            assert!(page.shortened, "{page:?}");
            assert_eq!(page.messages.len() as u64, page.end - 1, "{page:?}");
        }
        Past::Forgets => {
            assert_eq!(refusal(&outbox), None, "{limit}: {past:?}");
            assert_eq!(evicted(&outbox), [], "{limit}: {past:?}");
        }
    }
    if then == Past::Forgets {
        assert!(is_sent(&handle(&mut channel, &first)), "it is forgotten");
    }
}

#[test]
fn every_limit_holds_at_its_value_and_not_past_it() {
    for limit in Limit::ALL {
        let (value, cases) = cases(limit);
        for case in cases {
            check(limit, value, case);
        }
    }
}

#[test]
fn every_limit_can_be_set_from_its_least_to_its_most() {
    for limit in Limit::ALL {
        let (least, most) = limit.range().into_inner();
        let built = |value| Config::builder().limit(limit, value).build();
        for value in [least, limit.default_value(), most] {
            assert_eq!(built(value).unwrap().limit(limit), value, "{limit}");
        }
        let outside = [least.checked_sub(1), most.checked_add(1)];
        for value in outside.into_iter().flatten() {
            let wrong = built(value).unwrap_err().to_string();
            assert_eq!(wrong, format!("limit {limit} is {value}, expected {least} to {most}"));
        }
    }
}

/// Events of which the last is refused for that reason, in a channel of that configuration.
fn refused(reason: Reason) -> (ConfigBuilder, Vec<Event>) {
    let room = |room: RoomConfig| Config::builder().default_room(room);
    let plain = Config::builder;
    let default = RoomConfig::default;
    let joined = || Event::from(join("c", "t"));
    match reason {
        Reason::Crashed => (plain(), vec![Event::crash("boom"), joined()]),
        Reason::InvalidName => (plain(), vec![join("", "t").into()]),
        Reason::UnknownTopic => {
            (plain(), vec![Connect::new("c", "ann", 0).into(), say("t").into()])
        }
        Reason::RoomFull => {
            (room(default().with_max_members(1)), vec![joined(), join("d", "t").into()])
        }
        Reason::JoinDenied | Reason::ValidationFailed | Reason::Unavailable => {
            (plain(), vec![Refuse::new("c", EventKind::Join, reason).into()])
        }
        Reason::NotMember => {
            let connect = Connect::new("d", "bob", 0).into();
            (plain(), vec![joined(), connect, Push::new("d", "t", "e", bytes()).into()])
        }
        Reason::EventNotAllowed => (plain(), vec![joined(), say("t").with_event("phx_x").into()]),
        Reason::RateLimited => {
            let limited = default().with_rate_limit(RateLimit::new(1, 10));
            (room(limited), vec![joined(), say("t").into(), say("t").into()])
        }
        Reason::InvalidRequest => (plain(), vec![Query::new(Question::Room).into()]),
        Reason::RoomExists => (plain(), vec![joined(), OpenRoom::new("t").into()]),
        Reason::PermissionDenied => {
            (plain(), vec![joined(), OpenRoom::new("u").with_by("c").into()])
        }
        Reason::UserConflict => (plain(), vec![joined(), Join::new("c", "t", "bob", 0).into()]),
        Reason::UnknownClient => (plain(), vec![joined(), Kick::new("d", "").into()]),
        Reason::UnknownTarget => (plain(), vec![publish(Address::Group("g".into())).into()]),
        Reason::PayloadTooLarge => {
            let small = plain().limit(Limit::PayloadBytes, 3);
            (small, vec![joined(), say("t").into()])
        }
        Reason::LimitReached => {
            (plain().limit(Limit::Clients, 1), vec![joined(), join("d", "t").into()])
        }
        reason => panic!("reason {reason} has no case, expected one"),
    }
}

fn bytes() -> Payload {
    Payload::bytes(*b"1234")
}

#[test]
fn something_is_refused_for_every_reason() {
    for reason in Reason::ALL {
        let (config, events) = refused(reason);
        let mut channel = Channel::single_node(config.build().unwrap());
        let (last, before) = events.split_last().unwrap();
        for event in before {
            let outbox = handle(&mut channel, event);
            assert_eq!(refusal(&outbox), None, "{reason}: {event:?}");
        }
        let state = uncounted(&channel);
        let outbox = handle(&mut channel, last);
        assert_eq!(outbox.len(), 1, "what is refused says nothing else: {outbox:?}");
        assert_eq!(uncounted(&channel), state, "what is refused changes nothing: {last:?}");
        assert_eq!(refusal(&outbox).map(Refusal::reason), Some(reason), "{last:?}");
        assert_eq!(channel.stats().counters.refusals.of(reason), 1, "it is counted");
    }
}

/// A client that opens rooms as fast as it can, with as much in them as it can, for an hour.
#[test]
fn a2_nine_hundred_rooms_in_a_row_are_few_rooms_and_small_notices() {
    const BYSTANDERS: usize = 30;
    let config = Config::builder().clients_open_rooms(ClientRooms::On).build().unwrap();
    let mut channel = Channel::single_node(config);
    for number in 0..BYSTANDERS {
        handle(&mut channel, &Connect::new(format!("b{number}"), "bob", 0).into());
    }
    handle(&mut channel, &Connect::new("c", "ann", 0).into());

    let (mut opened, mut bytes) = (0, 0);
    let mut storm = |channel: &mut Channel, start: u64| {
        for number in 0..900 {
            handle(channel, &Tick::new(start + number * 2).into());
            let room = RoomConfig::default()
                .with_name(text("", 255))
                .with_description(text("", 4_096))
                .with_data(json(65_536));
            let open = OpenRoom::new(format!("r{start}-{number}")).with_by("c").with_config(room);
            for outbound in handle(channel, &open.into()) {
                if let Outbound::RoomOpened(notice) = &outbound {
                    assert_eq!(notice.recipients.len(), BYSTANDERS + 1);
                    opened += 1;
                    bytes += serde_json::to_string(&notice.info).unwrap().len();
                }
            }
        }
        (opened, bytes)
    };
    let (opened, bytes) = storm(&mut channel, 0);
    assert_eq!(opened, 10, "1.8 s are one window");
    assert!(bytes < 10 * 5_000, "notices have {bytes} bytes");

    for minute in 1..60 {
        storm(&mut channel, minute * 60_000);
    }
    assert_eq!(channel.stats().topics, 20, "a user has so many at most");
}
