//! What the types promise beside their behaviour: traits, sizes, labels, handles.

use std::{fmt::Debug, mem::size_of, thread};

use parlor::{
    AddToGroup, Address, Answer, Audience, Body, Broadcast, BroadcastChange, BroadcastMessage,
    Cause, Channel, ClientEvents, ClientHandle, ClientId, ClientInfo, ClientRooms, CloseConnection,
    CloseRoom, Closed, ClusterName, Config, ConfigBuilder, ConfigError, ConfigFileError, Connect,
    Counters, Crash, Deadline, DeadlineReason, Decision, Diff, Disconnect, Edge, Entries, Entry,
    Event, EventCounts, EventDefinition, EventKind, EventName, Evicted, Few, Grace, GroupName,
    Guard, History, HistoryOnJoin, HistoryPage, Join, JoinRequest, Json, JsonError, Kick, Leave,
    Lifetime, Limit, LineError, LineReader, MessageId, Meta, More, NameFlaw, NodeId, OpenRoom,
    Outbound, PatternFlaw, Payload, Position, PresenceDiff, PresenceMode, PresenceRef,
    PresenceState, Publish, Push, PushMessage, Query, Question, RateLimit, RateLimited,
    RateLimiter, Reason, Recipients, Ref, Refusal, RefusalCounts, Refuse, Rejoin, RemoveFromGroup,
    Reply, RestoreError, RoomConfig, RoomFlaw, RoomInfo, RoomNotice, SaveError, SnapshotMode,
    Stats, StoredMessage, Subscribe, System, Target, Tick, Topic, Track, UnlistedTopics,
    Unsubscribe, Untrack, UserId, Who,
};

/// A channel where `clients` are in room:1, each as a user of its own name.
fn with_members(clients: &[&str]) -> Channel {
    let mut channel = Channel::single_node(Config::default());
    for client in clients {
        channel.handle(Join::new(*client, "room:1", *client, 0).into());
    }
    channel
}

fn ids(recipients: &Recipients) -> Vec<String> {
    recipients.ids().map(ToString::to_string).collect()
}

fn room_1() -> Topic {
    "room:1".into()
}

#[test]
fn every_public_type_is_sendable_shareable_and_clonable() {
    const fn check<T: Send + Sync + Clone + Debug + Unpin + 'static>() {}
    macro_rules! check {
        ($($name:ty)+) => {
            $(check::<$name>();)+
            /// The types above, by name.
            const NAMES: &[&str] = &[$(stringify!($name)),+];
        };
    }
    check! {
        AddToGroup Address Answer Audience Body Broadcast BroadcastChange BroadcastMessage Cause
        Channel ClientEvents ClientHandle ClientId ClientInfo ClientRooms
        CloseConnection CloseRoom Closed ClusterName Config ConfigBuilder ConfigError
        ConfigFileError Connect Counters Crash Deadline DeadlineReason Decision<Json> Diff Disconnect Edge
        Entries Entry Event EventCounts EventDefinition EventKind EventName Evicted Few<Meta>
        Grace GroupName Guard History HistoryOnJoin HistoryPage Join JoinRequest<'static> Json Kick
        Leave Lifetime Limit LineError LineReader MessageId Meta More NameFlaw NodeId
        OpenRoom Outbound PatternFlaw Payload Position PresenceDiff PresenceMode
        PresenceRef PresenceState Publish Push PushMessage Query Question RateLimit RateLimited
        RateLimiter<Topic> Reason Recipients Ref Refusal RefusalCounts Refuse Rejoin RemoveFromGroup
        Reply RestoreError RoomConfig RoomFlaw RoomInfo RoomNotice SaveError SnapshotMode
        Stats StoredMessage Subscribe System Target Tick Topic Track UnlistedTopics Unsubscribe
        Untrack UserId Who
    }
    const fn check_error<T: std::error::Error + Send + Sync + 'static>() {}
    check_error::<ConfigError>();
    check_error::<ConfigFileError>();
    check_error::<JsonError>();
    check_error::<LineError>();
    check_error::<RateLimited>();
    check_error::<Refusal>();
    check_error::<RoomFlaw>();

    let front_page = include_str!("../../src/lib.rs");
    let exports = front_page.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next());
    let names = exports.flat_map(|list| list.split(|c: char| !c.is_alphanumeric() && c != '_'));
    for name in names.filter(|name| name.starts_with(|c: char| c.is_uppercase())) {
        let is_listed = NAMES.iter().any(|listed| listed.split('<').next() == Some(name));
        // One has a check of its own, and one is a trait.
        let is_apart = ["JsonError", "ClientEvent"].contains(&name);
        assert!(is_listed || is_apart, "{name} is exported and not in the list above");
    }
}

#[test]
fn what_is_queued_by_the_million_stays_small() {
    // Measured on 64 bits. A larger one is a decision: it costs whoever queues them.
    for (name, size, measured) in [
        ("Event", size_of::<Event>(), 224),
        ("Outbound", size_of::<Outbound>(), 256),
        ("Recipients", size_of::<Recipients>(), 72),
        // Its size in JSON is known without making the list.
        ("Entries", size_of::<Entries>(), 96),
        ("Entry", size_of::<Entry>(), 120),
        ("Meta", size_of::<Meta>(), 88),
        ("Diff", size_of::<Diff>(), 128),
        ("Refusal", size_of::<Refusal>(), 56),
        ("Payload", size_of::<Payload>(), 24),
        ("Json", size_of::<Json>(), 24),
        ("Topic", size_of::<Topic>(), 24),
        ("Option<Ref>", size_of::<Option<Ref>>(), 24),
        ("ClientHandle", size_of::<ClientHandle>(), 4),
    ] {
        assert!(size <= measured, "{name} has {size} bytes, expected at most {measured}");
    }
}

#[test]
fn a_channel_can_be_printed_at_any_time() {
    let mut channel = Channel::single_node(Config::default());
    for event in [
        Join::new("c1", "t", "ann", 0).into(),
        Broadcast::new("c1", "t", Payload::json("1").unwrap()).into(),
        Leave::new("c1", "t").into(),
        Event::crash("boom"),
    ] {
        channel.handle(event);
        assert!(format!("{channel:?}").contains("named when flushed"));
    }
    let flushed = format!("{:?}", channel.flush_outbox());
    assert!(!flushed.contains("named when flushed"), "{flushed}");
    let handle = with_members(&["c1", "c2"]).handle_of(&"c2".into());
    assert_eq!(format!("{handle:?}"), "Some(ClientHandle(1))");
}

#[test]
fn an_adapter_says_what_it_is() {
    assert_eq!(Channel::single_node(Config::default()).adapter_label(), "single_node");
    let node = Channel::cluster_ready("n1", "eu", Config::default()).unwrap();
    assert_eq!(node.adapter_label(), "cluster_ready:eu/n1");

    let config = Config::builder().limit(Limit::NameBytes, 7).build().unwrap();
    let check = |node: &str, cluster: &str, wrong_one: &str| {
        let wrong = Channel::cluster_ready(node, cluster, config.clone()).unwrap_err();
        assert_eq!(wrong.to_string(), format!("{wrong_one} bytes, expected 1 to 7"));
    };
    check("", "eu", "node name \"\" has 0");
    check("n1", "", "cluster name \"\" has 0");
    check("n1234567", "eu", "node name \"n1234567\" has 8");
    check("n1", "eurasian", "cluster name \"eurasian\" has 8");
    check("n1", "çéçé", "cluster name \"çéçé\" has 8");
    assert!(Channel::cluster_ready("n123456", "eurasia", config).is_ok());
}

#[test]
fn handles_are_dense_and_stable() {
    let mut channel = with_members(&["c0", "c1", "c2"]);
    let handle = |channel: &Channel, id: &str| channel.handle_of(&id.into());
    let index = |channel: &Channel, id: &str| handle(channel, id).map(ClientHandle::index);
    assert_eq!(["c0", "c1", "c2"].map(|id| index(&channel, id)), [Some(0), Some(1), Some(2)]);

    let before = handle(&channel, "c2");
    channel.handle(Leave::new("c0", "room:1").into());
    channel.handle(Join::new("c2", "room:2", "c2", 0).into());
    channel.handle(Leave::new("c2", "room:1").into());
    let _flushed = channel.flush_outbox();
    assert_eq!(handle(&channel, "c2"), before, "a handle lasts as long as its client");
    assert_eq!(handle(&channel, "c0"), None, "who has gone has none");

    for id in ["c1", "c2"] {
        let info = channel.client(&id.into()).unwrap();
        assert_eq!((info.client_id.as_str(), info.user_id.as_str()), (id, id));
        assert_eq!((Some(info.handle), info.topics), (handle(&channel, id), 1));
    }
    assert_eq!(channel.client(&"c0".into()), None);
    let subscribers = channel.subscribers(&room_1());
    assert!(subscribers.handles().eq(handle(&channel, "c1")), "recipients have the same handles");
}

#[test]
fn handles_are_used_again_only_after_the_flush_that_follows_the_end() {
    let mut channel = with_members(&["c0", "c1"]);
    let join = |channel: &mut Channel, id: &str| {
        channel.handle(Join::new(id, "room:1", id, 0).into());
        channel.handle_of(&id.into()).unwrap().index()
    };
    let _flushed = channel.flush_outbox();

    channel.handle(Leave::new("c0", "room:1").into());
    assert_eq!(join(&mut channel, "c2"), 2, "not before a flush");
    assert_eq!(join(&mut channel, "c0"), 3, "not even by the client that had it");
    let held = channel.flush_outbox();
    assert_eq!(join(&mut channel, "c4"), 0, "and after it, the smallest possible");
    assert_eq!(join(&mut channel, "c5"), 4);

    let diffs = held.iter().filter(|outbound| outbound.label() == "presence_diff");
    let diffs = diffs.filter_map(Outbound::recipients).map(ids);
    let expected = [vec!["c1"], vec!["c1"], vec!["c1", "c2"]];
    assert!(diffs.eq(expected), "what is held keeps the names of those whom it is for");

    channel.handle(Event::crash("boom"));
    channel.handle(Event::Restart);
    assert_eq!(join(&mut channel, "c6"), 5, "a crash ends clients like a leave does");
    let _flushed = channel.flush_outbox();
    let mut again: Vec<_> = ["d0", "d1", "d2", "d3", "d4"].map(|id| join(&mut channel, id)).into();
    again.sort_unstable();
    assert_eq!(again, [0, 1, 2, 3, 4], "handles stay dense");
    channel.check_invariants();
}

#[test]
fn a_clone_goes_its_own_way() {
    let clients: Vec<_> = (0..40).map(|n| format!("c{n}")).collect();
    let clients: Vec<_> = clients.iter().map(String::as_str).collect();
    let mut one = with_members(&clients);
    let mut other = one.clone();
    assert_eq!(one.flush_outbox(), other.flush_outbox(), "the outbox is cloned too");

    let before = one.subscribers(&room_1());
    for client in &clients[..30] {
        one.handle(Leave::new(*client, "room:1").into());
        one.check_invariants();
        other.check_invariants();
    }
    for n in 40..60 {
        other.handle(Join::new(format!("c{n}"), "room:1", "late", 7).into());
        other.check_invariants();
        one.check_invariants();
    }
    other.handle(Rejoin::new("c0", "room:1", "c0", 8).with_meta(Json::parse("1").unwrap()).into());

    assert_eq!(ids(&one.subscribers(&room_1())), &clients[30..]);
    let late: Vec<_> = (0..60).map(|n| format!("c{n}")).collect();
    assert_eq!(ids(&other.subscribers(&room_1())), late);
    assert_eq!(ids(&before), clients, "what was taken before is as it was");
    let counts = |channel: &Channel| {
        let presences = channel.presences(&room_1());
        (presences.len(), presences.meta_count(), channel.clock_ms(), channel.stats().clients)
    };
    assert_eq!((counts(&one), counts(&other)), ((10, 10, 0, 10), (41, 60, 8, 60)));
}

#[test]
fn what_was_flushed_is_read_on_other_threads_while_the_channel_goes_on() {
    let mut channel = with_members(&["c0", "c1", "c2"]);
    let mut readers = Vec::new();
    for round in 0..200_u32 {
        let (comer, goer) = (format!("x{round}"), format!("x{}", round.saturating_sub(5)));
        channel.handle(Join::new(comer, "room:1", "x", 0).into());
        channel.handle(Broadcast::new("c1", "room:1", Json::of(&round).unwrap()).into());
        let (subscribers, entries) = (channel.subscribers(&room_1()), channel.presences(&room_1()));
        let expected = (ids(&subscribers), serde_json::to_string(&entries).unwrap());
        let flushed = channel.flush_outbox();
        readers.push(thread::spawn(move || {
            let said = serde_json::to_string(&flushed).unwrap();
            assert!(said.contains(r#""broadcast_message""#), "{said}");
            for _ in 0..20 {
                let read = (ids(&subscribers), serde_json::to_string(&entries).unwrap());
                assert_eq!(read, expected);
                assert_eq!(serde_json::to_string(&flushed).unwrap(), said);
            }
        }));
        channel.handle(Leave::new(goer, "room:1").into());
        channel.handle(
            Rejoin::new("c0", "room:1", "c0", 0).with_meta(Json::of(&round).unwrap()).into(),
        );
    }
    for reader in readers {
        reader.join().unwrap();
    }
}

#[test]
fn json_is_equal_byte_for_byte() {
    let json = |text: &str| Json::parse(text).unwrap();
    assert_eq!(json("[1]"), json("[1]"));
    assert_ne!(json("[1]"), json("[ 1]"), "spaces count");
    assert_ne!(json("1.50"), json("1.5"), "so do digits");
    assert_ne!(json(r#""é""#), json(r#""\u00e9""#), "and how a character is written");
    assert_eq!(Json::of(&[1]).unwrap(), json("[1]"));
    assert_eq!(json("[ 1 ]").to_string(), "[ 1 ]");
    assert_eq!(format!("{:?}", json("[1]")), "Json([1])");
    let wrong = Json::parse("[1").unwrap_err().to_string();
    assert!(wrong.starts_with("expected one JSON value: the text ends inside a list"), "{wrong}");
    assert_ne!(Payload::json("\"a\"").unwrap(), Payload::bytes(*b"\"a\""), "bytes are no JSON");
}

#[test]
fn names_compare_like_their_text() {
    let long = "x".repeat(300);
    for name in ["", "c1", "room:1", "é", long.as_str()] {
        let topic = Topic::from(name);
        assert_eq!(topic, Topic::from(name.to_owned()));
        assert_eq!((topic.as_str(), topic.to_string().as_str()), (name, name));
        assert!(topic == *name && topic == name);
        assert_eq!(format!("{topic:?}"), format!("{name:?}"));
    }
    let mut sorted = ["b", long.as_str(), "a"].map(Topic::from);
    sorted.sort_unstable();
    assert_eq!(sorted, ["a", "b", &long], "in the order of their text, short and long");
}
