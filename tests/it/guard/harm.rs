//! A guard does no harm: not by rules that panic, and not to replays.

use std::panic;

use parlor::{
    Channel, ClientRooms, Config, Connect, Decision, Event, EventDefinition, EventKind, Guard,
    History, Join, Leave, OpenRoom, Query, Question, Reason, Refuse, Rejoin, RoomConfig, Tick,
    Track,
};
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    ChatMessage, Shown, channel_with_member, check_refused, join, json, lines, rejoin, said,
};

const PANICKED: &str = "a rule of the server failed, expected it to decide";

#[test]
fn a_rule_that_panics_refuses_that_event_and_all_goes_on() {
    let mut guard = Guard::new();
    guard.on_broadcast("*", "*", |_, _| Decision::change(json("\"changed\"")));
    guard.on_broadcast("*", "bad", |_, _| panic!("secret"));
    let mut guarded = channel_with_member();
    let mut other = channel_with_member();

    let refused = guard.check(said("1").with_event("bad").into(), &guarded);
    let expected = Refuse::new("c1", EventKind::Broadcast, Reason::ValidationFailed);
    let expected = expected.with_topic("room:1").with_message(PANICKED).with_ref("7");
    assert_eq!(refused, expected.into());

    guarded.check_invariants();
    guard.handle(&mut guarded, said("1").into());
    other.handle(said("\"changed\"").into());
    assert_eq!(guarded.flush_outbox(), other.flush_outbox());
}

#[test]
fn every_place_where_a_rule_can_panic_is_covered() {
    #[derive(Serialize)]
    struct Bomb;

    impl<'de> Deserialize<'de> for Bomb {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("secret")
        }
    }

    /// Panics when it is dropped, as well.
    struct Twice;

    impl Drop for Twice {
        fn drop(&mut self) {
            panic!("secret")
        }
    }

    fn check(add: impl Fn(&mut Guard), event: impl Into<Event>, reason: Reason) {
        let mut guard = Guard::new();
        add(&mut guard);
        check_refused(&guard, event, reason, PANICKED);
    }

    let invalid = Reason::ValidationFailed;
    check(|guard| guard.define::<Bomb>("*"), said("1"), invalid);
    check(|guard| guard.define_with("*", "*", |_, _, _| panic!("secret")), said("1"), invalid);
    check(|guard| guard.define_meta::<Bomb>("*"), join(), invalid);
    check(|guard| guard.define_params::<Bomb>("*"), rejoin(), invalid);
    check(|guard| guard.on_join("*", |_, _| panic!("secret")), rejoin(), Reason::JoinDenied);
    check(
        |guard| guard.on("*", |_: &Leave, _: &Channel| panic!("secret")),
        Leave::new("c1", "room:1").with_ref("7"),
        Reason::PermissionDenied,
    );
    check(|guard| guard.on_join("*", |_, _| panic::panic_any(Twice)), join(), Reason::JoinDenied);
}

/// Keeps two messages of a name, and lets clients open rooms.
fn with_history() -> Channel {
    let room = RoomConfig::default().with_event(EventDefinition::new("*").with_history(2));
    let config = Config::builder().clients_open_rooms(ClientRooms::On).default_room(room);
    Channel::single_node(config.build().unwrap())
}

#[test]
fn a_journal_of_what_went_in_replays_without_a_guard() {
    let mut guard = Guard::new();
    guard.define::<ChatMessage>("message");
    guard.define_meta::<Option<Shown>>("*");
    guard.on_join("*", |join, channel| match channel.room(join.topic) {
        Some(room) if room.size >= 2 => Decision::refuse("two is company"),
        _ => Decision::Allow,
    });
    guard.on_broadcast("*", "typing", |_, _| Decision::change(json("true")));
    guard.on("*", |_: &Connect, _: &Channel| Decision::Change(json("\"checked\"")));
    guard.on("*", |open: &OpenRoom, _: &Channel| match &open.config {
        Some(_) => Decision::Allow,
        None => Decision::refuse("a room has a name here"),
    });
    guard.on_any("quiet", |_, _| panic!("secret"));

    let named = RoomConfig::default().with_name("Hall");
    let sent: Vec<Event> = vec![
        Connect::new("c1", "ann", 0).with_ref("1").into(),
        OpenRoom::new("hall").with_by("c1").into(),
        OpenRoom::new("hall").with_by("c1").with_config(named).into(),
        Join::new("c1", "room:1", "ann", 0).with_meta(json(r#"{"name":"Ann","x":1}"#)).into(),
        Join::new("c2", "room:1", "bob", 1).into(),
        Join::new("c3", "room:1", "eve", 2).with_ref("2").into(),
        said(r#"{"text":"hi","admin":true}"#).into(),
        said("5").into(),
        said("1").with_event("typing").into(),
        Track::new("c2", "room:1").with_meta(json(r#"{"name":"Bob","x":1}"#)).into(),
        Track::new("c2", "room:1").with_meta(json("1")).into(),
        History::new("c2", "room:1").with_event("message").into(),
        Query::new(Question::Rooms).with_client("c2").into(),
        Join::new("c1", "quiet", "ann", 3).into(),
        Event::crash("boom"),
        said("5").into(),
        Event::Restart,
        Rejoin::new("c3", "room:1", "eve", 4).into(),
        Tick::new(5).into(),
    ];
    let mut guarded = with_history();
    let mut journal = String::new();
    for event in sent {
        let event = guard.check(event, &guarded);
        journal.push_str(&serde_json::to_string(&event).unwrap());
        journal.push('\n');
        guarded.handle(event);
    }
    guarded.check_invariants();

    let mut replayed = with_history();
    for line in journal.lines() {
        replayed.handle(serde_json::from_str(line).unwrap());
    }
    let refused = |line: &&str| line.starts_with(r#"{"refuse""#);
    assert_eq!(journal.lines().filter(refused).count(), 6, "{journal}");
    let (out, again) = (lines(&guarded.flush_outbox()), lines(&replayed.flush_outbox()));
    assert_eq!(out, again);
    for clean in [r#"{"text":"hi","copies":1}"#, r#""data":{"name":"Bob"}"#, r#""payload":true"#] {
        assert!(out.contains(clean), "{clean} in {out}");
    }
    let data = guarded.client(&"c1".into()).and_then(|client| client.data);
    assert_eq!(data, replayed.client(&"c1".into()).and_then(|client| client.data));
}
