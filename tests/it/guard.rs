//! What a guard lets in, changes and refuses.

mod harm;

use std::fmt::Debug;

use parlor::{
    AddToGroup, Audience, Broadcast, BroadcastChange, Channel, CloseRoom, Config, Connect,
    Decision, Disconnect, Event, EventKind, Guard, History, Join, Json, Kick, Leave, Limit,
    OpenRoom, Outbound, Payload, Position, Publish, Push, Query, Question, Reason, Refuse, Rejoin,
    RemoveFromGroup, RoomConfig, Subscribe, Tick, Topic, Track, Unsubscribe, Untrack,
};
use serde::{Deserialize, Deserializer, Serialize};

/// A message with a default and a coercion.
#[derive(Debug, Serialize, Deserialize)]
struct ChatMessage {
    text: String,
    #[serde(default = "one", deserialize_with = "number")]
    copies: u32,
}

fn one() -> u32 {
    1
}

/// A number, or a string of one.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u32),
        Text(String),
    }
    match Either::deserialize(deserializer)? {
        Either::Number(number) => Ok(number),
        Either::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Shown {
    name: String,
}

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

fn payload(text: &str) -> Payload {
    Payload::json(text).unwrap()
}

fn channel() -> Channel {
    Channel::single_node(Config::default())
}

/// A channel with `c1` of ann in `room:1`.
fn channel_with_member() -> Channel {
    let mut channel = channel();
    channel.handle(Join::new("c1", "room:1", "ann", 0).with_meta(json("1")).into());
    let _greetings = channel.flush_outbox();
    channel
}

fn said(text: &str) -> Broadcast {
    Broadcast::new("c1", "room:1", payload(text)).with_ref("7")
}

fn join() -> Join {
    Join::new("c1", "room:1", "ann", 5).with_ref("7")
}

fn rejoin() -> Rejoin {
    Rejoin::new("c1", "room:1", "ann", 5).with_ref("7")
}

/// One of each kind that a client sends.
fn of_clients() -> Vec<Event> {
    vec![
        join().into(),
        rejoin().with_since(Position { epoch: 1, offset: 2 }).into(),
        Leave::new("c1", "room:1").with_ref("7").into(),
        said("1").with_id("i").with_audience(Audience::Others).into(),
        Connect::new("c1", "ann", 5).with_ref("7").into(),
        Subscribe::new("c1", "room:1", "e").with_ref("7").into(),
        Unsubscribe::new("c1", "room:1", "e").with_ref("7").into(),
        Track::new("c1", "room:1").with_ref("7").into(),
        Untrack::new("c1", "room:1").with_ref("7").into(),
        OpenRoom::new("room:1")
            .with_by("c1")
            .with_config(RoomConfig::default())
            .with_ref("7")
            .into(),
        CloseRoom::new("room:1").with_by("c1").with_ref("7").into(),
        History::new("c1", "room:1").with_ref("7").into(),
        Query::new(Question::Room).with_client("c1").with_topic("room:1").with_ref("7").into(),
    ]
}

/// One of each kind that comes from the server.
fn of_server() -> Vec<Event> {
    vec![
        Push::new("c1", "room:1", "e", payload("1")).with_ref("7").into(),
        Event::crash("boom"),
        Event::Restart,
        Disconnect::new("c1", 5).into(),
        OpenRoom::new("room:1").with_ref("7").into(),
        CloseRoom::new("room:1").into(),
        Query::new(Question::Stats).into(),
        Query::new(Question::Room).with_topic("room:1").into(),
        Publish::new(parlor::Address::Topic(Topic::from("room:1")), "message", payload("1")).into(),
        Kick::new("c1", "enough").with_topic("room:1").into(),
        AddToGroup::new("g", ["room:1"]).into(),
        RemoveFromGroup::new("g", ["room:1"]).into(),
        Refuse::new("c1", EventKind::Broadcast, Reason::RateLimited).with_topic("room:1").into(),
        Tick::new(5).into(),
    ]
}

/// Refuses all that can be refused.
fn deaf() -> Guard {
    let mut guard = Guard::new();
    guard.define::<()>("*");
    guard.on_any("*", |_, _| Decision::refuse("no"));
    guard
}

/// That `event` goes in as `expected`.
#[track_caller]
fn check(guard: &Guard, event: impl Into<Event>, expected: impl Into<Event>) {
    assert_eq!(guard.check(event.into(), &channel()), expected.into());
}

/// That `event` is refused for that reason, with that message.
#[track_caller]
fn check_refused(guard: &Guard, event: impl Into<Event>, reason: Reason, message: &str) {
    let event = event.into();
    let kind = event.kind();
    let expected = Refuse::new("c1", kind, reason)
        .with_topic("room:1")
        .with_message(message)
        .with_ref("7")
        .into();
    assert_eq!(guard.check(event, &channel()), expected);
}

fn lines(outbox: &[Outbound]) -> String {
    outbox.iter().map(|outbound| serde_json::to_string(outbound).unwrap() + "\n").collect()
}

#[test]
fn a_guard_is_for_any_thread_and_says_what_it_rules() {
    fn shared<T: Send + Sync + Debug + Default + 'static>(_: &T) {}

    let mut guard = Guard::new();
    shared(&guard);
    guard.define_in::<ChatMessage>("chat:*", "message");
    guard.on_join("vip", |_, _| Decision::Allow);
    guard.on("*", |_: &Leave, _: &Channel| Decision::Allow);
    let text = format!("{guard:?}");
    for about in ["message in chat:*", "join and rejoin in vip", "leave in *"] {
        assert!(text.contains(about), "{text}");
    }
}

#[test]
fn without_rules_everything_passes() {
    let guard = Guard::new();
    for event in of_clients().into_iter().chain(of_server()) {
        check(&guard, event.clone(), event);
    }
}

#[test]
fn what_comes_from_the_server_is_never_ruled() {
    for event in of_server() {
        check(&deaf(), event.clone(), event);
    }
}

#[test]
fn there_is_an_event_of_each_kind_here() {
    let events: Vec<Event> = of_clients().into_iter().chain(of_server()).collect();
    for kind in EventKind::ALL {
        assert!(events.iter().any(|event| event.kind() == kind), "{kind}");
    }
}

#[test]
fn a_refusal_keeps_client_topic_kind_and_ref() {
    for event in of_clients() {
        let (kind, refused) = (event.kind(), deaf().check(event, &channel()));
        let Event::Refuse(refuse) = refused else { panic!("{kind} passes: {refused:?}") };
        assert_eq!((refuse.client_id, refuse.to), ("c1".into(), kind));
        assert_eq!(refuse.topic.is_none(), kind == EventKind::Connect, "{kind}");
        assert_eq!(refuse.reference, Some("7".into()), "{kind}");
    }
}

#[test]
fn the_usual_reason_goes_by_kind() {
    let mut guard = Guard::new();
    guard.on_any("*", |_, _| Decision::refuse("no"));
    for event in of_clients() {
        let usual = match event.label() {
            "join" | "rejoin" => Reason::JoinDenied,
            "broadcast" => Reason::ValidationFailed,
            _ => Reason::PermissionDenied,
        };
        let Event::Refuse(refuse) = guard.check(event, &channel()) else { panic!("it passes") };
        assert_eq!((refuse.reason, refuse.message), (usual, Some("no".into())), "{}", refuse.to);
    }
}

#[test]
fn a_rule_may_name_another_reason_and_say_nothing() {
    let mut guard = Guard::new();
    guard.on_join("*", |_, _| Decision::refuse_for(Reason::RoomFull, "full"));
    guard.on("*", |_: &Leave, _: &Channel| Decision::Refuse { reason: None, message: None });
    check_refused(&guard, join(), Reason::RoomFull, "full");
    let silent = Refuse::new("c1", EventKind::Leave, Reason::PermissionDenied);
    check(&guard, Leave::new("c1", "room:1"), silent.with_topic("room:1"));
}

#[test]
fn a_schema_drops_unknown_keys_fills_in_defaults_and_coerces() {
    let mut guard = Guard::new();
    guard.define::<ChatMessage>("message");
    for (sent, goes_in) in [
        (r#"{"text":"hi","copies":2}"#, r#"{"text":"hi","copies":2}"#),
        (r#"{ "text" : "hi" }"#, r#"{"text":"hi","copies":1}"#),
        (r#"{"copies":"3","text":"hi","admin":true}"#, r#"{"text":"hi","copies":3}"#),
    ] {
        check(&guard, said(sent), said(goes_in));
    }
}

#[test]
fn a_schema_refuses_with_what_serde_says() {
    let mut guard = Guard::new();
    guard.define::<ChatMessage>("message");
    for (sent, message) in [
        ("{}", "payload: missing field `text` at line 1 column 2"),
        (
            r#"{"text":5}"#,
            "payload: invalid type: integer `5`, expected a string at line 1 column 9",
        ),
        ("null", "payload: invalid type: null, expected an object at line 1 column 4"),
    ] {
        check_refused(&guard, said(sent), Reason::ValidationFailed, message);
    }
    let bytes = Broadcast::new("c1", "room:1", Payload::bytes(*b"{}")).with_ref("7");
    let expected = "payload is bytes, expected JSON";
    check_refused(&guard, bytes, Reason::ValidationFailed, expected);
}

#[test]
fn what_serde_quotes_is_cut_short() {
    #[derive(Serialize, Deserialize)]
    enum Colour {
        Red,
    }

    let mut guard = Guard::new();
    guard.define::<Colour>("message");
    let long = said(&format!("\"{}\"", "é".repeat(20_000)));
    let Event::Refuse(refuse) = guard.check(long.into(), &channel()) else { panic!("it passes") };
    assert_eq!(refuse.message.unwrap().chars().count(), "payload: ".len() + 601);
}

#[test]
fn a_schema_holds_for_its_topics_and_name_alone() {
    let mut guard = Guard::new();
    guard.define_in::<u32>("room:*", "count");
    check(&guard, said("\"one\""), said("\"one\""));
    let elsewhere = Broadcast::new("c1", "hall", payload("\"one\"")).with_event("count");
    check(&guard, elsewhere.clone(), elsewhere);
    let expected = "payload: invalid type: string \"one\", expected a whole number \
                    from 0 to 4294967295 at line 1 column 5";
    let counted = said("\"one\"").with_event("count");
    check_refused(&guard, counted, Reason::ValidationFailed, expected);
}

#[test]
fn the_narrowest_schema_holds_alone() {
    fn mark(guard: &mut Guard, topics: &str, event: &str, mark: &'static str) {
        guard.define_with(topics, event, move |_, _, _| Ok(Some(json(mark))));
    }

    // From the narrowest to the widest, and each way round.
    let places = [
        ("room:1", "message"),
        ("room:*", "message"),
        ("r*", "message"),
        ("*", "message"),
        ("room:1", "*"),
        ("room:*", "*"),
        ("*", "*"),
    ];
    for (narrow, wide) in places.iter().zip(places.iter().skip(1)) {
        for order in [[(narrow, "1"), (wide, "2")], [(wide, "2"), (narrow, "1")]] {
            let mut guard = Guard::new();
            for ((topics, event), text) in order {
                mark(&mut guard, topics, event, text);
            }
            check(&guard, said("0"), said("1"));
        }
    }

    let mut guard = Guard::new();
    mark(&mut guard, "room:*", "message", "1");
    mark(&mut guard, "room:*", "message", "2");
    check(&guard, said("0"), said("2"));
}

#[test]
fn a_schema_by_closure_leaves_changes_or_refuses() {
    let mut guard = Guard::new();
    guard.define_with("*", "message", |topic, event, payload| match payload.as_str() {
        "0" => Ok(None),
        "1" => Ok(Some(json("2"))),
        _ => Err(format!("{event} of {topic} is odd, expected 0 or 1")),
    });
    check(&guard, said("0"), said("0"));
    check(&guard, said("1"), said("2"));
    let expected = "payload: message of room:1 is odd, expected 0 or 1";
    check_refused(&guard, said("3"), Reason::ValidationFailed, expected);
}

#[test]
fn the_meta_of_presence_has_a_schema() {
    let mut guard = Guard::new();
    guard.define_meta::<Shown>("room:*");
    let (sent, clean) = (json(r#"{"name":"Ann","x":1}"#), json(r#"{"name":"Ann"}"#));
    let track = || Track::new("c1", "room:1").with_ref("7");
    check(&guard, join().with_meta(sent.clone()), join().with_meta(clean.clone()));
    check(&guard, rejoin().with_meta(sent.clone()), rejoin().with_meta(clean.clone()));
    check(&guard, track().with_meta(sent.clone()), track().with_meta(clean));

    let wrong = json("{}");
    let expected = "meta: missing field `name` at line 1 column 2";
    let refused = Reason::ValidationFailed;
    check_refused(&guard, join().with_meta(wrong.clone()), refused, expected);
    check_refused(&guard, rejoin().with_meta(wrong.clone()), refused, expected);
    check_refused(&guard, track().with_meta(wrong), refused, expected);

    let absent = "meta is absent, expected one";
    check_refused(&guard, join(), refused, absent);
    check_refused(&guard, join().with_meta(json("null")), refused, absent);
    check_refused(&guard, rejoin(), refused, absent);
    check_refused(&guard, track(), refused, absent);

    // What travels beside a payload is another meta.
    check(&guard, said("1").with_meta(sent.clone()), said("1").with_meta(sent));
}

#[test]
fn the_meta_of_a_member_that_comes_back_may_be_absent() {
    let mut guard = Guard::new();
    guard.define_meta::<Shown>("*");
    let channel = channel_with_member();
    for event in [Event::from(join()), rejoin().into()] {
        assert_eq!(guard.check(event.clone(), &channel), event);
    }
    let other = Rejoin::new("c2", "room:1", "ann", 5).into();
    assert_eq!(guard.check(other, &channel).label(), "refuse");
}

#[test]
fn an_option_lets_meta_and_params_be_absent() {
    let mut guard = Guard::new();
    guard.define_meta::<Option<Shown>>("*");
    guard.define_params::<Option<u32>>("*");
    check(&guard, join(), join());
    check(&guard, join().with_meta(json("null")), join());
    check(&guard, rejoin().with_params(json("null")), rejoin());
    check(&guard, Track::new("c1", "room:1"), Track::new("c1", "room:1"));
}

#[test]
fn params_have_a_schema_which_join_rules_can_rely_on() {
    let mut guard = Guard::new();
    guard.on_join("*", |join, _| match join.params.map(Json::as_str) {
        Some(r#"{"name":"Ann"}"#) => Decision::Allow,
        params => Decision::refuse(format!("{params:?}")),
    });
    guard.define_params::<Shown>("*");
    let (sent, clean) = (json(r#"{ "name": "Ann", "x": 1 }"#), json(r#"{"name":"Ann"}"#));
    check(&guard, join().with_params(sent.clone()), join().with_params(clean.clone()));
    check(&guard, rejoin().with_params(sent), rejoin().with_params(clean));
    let expected = "params is absent, expected one";
    check_refused(&guard, join(), Reason::ValidationFailed, expected);
    let expected = "params: invalid type: integer `1`, expected an object at line 1 column 1";
    let wrong = rejoin().with_params(json("1"));
    check_refused(&guard, wrong, Reason::ValidationFailed, expected);
}

#[test]
fn join_rules_run_for_a_rejoin_too() {
    let mut guard = Guard::new();
    guard.on_join("room:*", |join, _| match join.user_id.as_str() {
        "ann" => Decision::Change(json(&format!("\"{}\"", join.kind))),
        _ => Decision::refuse("only ann may"),
    });
    check(&guard, join(), join().with_meta(json("\"join\"")));
    let since = Position { epoch: 1, offset: 2 };
    let back = || rejoin().with_since(since);
    check(&guard, back(), back().with_meta(json("\"rejoin\"")));

    let bob = Join::new("c1", "room:1", "bob", 5).with_ref("7");
    check_refused(&guard, bob, Reason::JoinDenied, "only ann may");
    let bob = Rejoin::new("c1", "room:1", "bob", 5).with_ref("7");
    check_refused(&guard, bob, Reason::JoinDenied, "only ann may");
    check(&guard, Join::new("c1", "hall", "bob", 5), Join::new("c1", "hall", "bob", 5));
}

#[test]
fn a_meta_that_is_changed_to_null_is_gone() {
    let mut guard = Guard::new();
    guard.on_join("*", |_, _| Decision::Change(json("null")));
    guard.on("*", |_: &Track, _: &Channel| Decision::Change(json("null")));
    guard.on_broadcast("*", "*", |_, _| Decision::Change(BroadcastChange::meta(json("null"))));
    check(&guard, join().with_meta(json("1")), join());
    check(&guard, Track::new("c1", "room:1").with_meta(json("1")), Track::new("c1", "room:1"));
    check(&guard, said("1").with_meta(json("1")), said("1"));
}

#[test]
fn broadcast_rules_go_by_topic_and_name() {
    let mut guard = Guard::new();
    guard.on_broadcast("room:1", "typing", |_, _| Decision::change(json("1")));
    guard.on_broadcast("hall", "*", |_, _| {
        Decision::Change(BroadcastChange::payload(json("2")).with_meta(json("3")))
    });
    check(&guard, said("0"), said("0"));
    check(&guard, said("0").with_event("typing"), said("1").with_event("typing"));
    let in_hall = |text| Broadcast::new("c1", "hall", payload(text));
    check(&guard, in_hall("0"), in_hall("2").with_meta(json("3")));
}

#[test]
fn bytes_may_take_the_place_of_json() {
    let mut guard = Guard::new();
    guard.define::<u32>("*");
    guard.on_broadcast("*", "*", |_, _| Decision::change(Payload::bytes(*b"x")));
    check(&guard, said("1"), Broadcast::new("c1", "room:1", Payload::bytes(*b"x")).with_ref("7"));
}

#[test]
fn rules_run_in_order_after_the_schema_until_one_refuses() {
    let mut guard = Guard::new();
    let add = |guard: &mut Guard, digit: char| {
        guard.on_broadcast("*", "*", move |broadcast, _| {
            let Payload::Json(before) = &broadcast.payload else { return Decision::Allow };
            Decision::change(json(&format!("{before}{digit}")))
        });
    };
    add(&mut guard, '1');
    add(&mut guard, '2');
    guard.define_with("*", "*", |_, _, _| Ok(Some(json("9"))));
    check(&guard, said("0"), said("912"));
    guard.on_broadcast("room:1", "*", |broadcast, _| {
        Decision::refuse(format!("{:?}", broadcast.payload))
    });
    guard.on_any("*", |_, _| panic!("nobody is asked after a refusal"));
    check_refused(&guard, said("0"), Reason::ValidationFailed, "Json(Json(912))");
}

#[test]
fn each_kind_can_be_ruled() {
    macro_rules! refuse {
        ($guard:ident: $($kind:ident)+) => {$(
            $guard.on("*", |_: &parlor::$kind, _: &Channel| Decision::refuse(stringify!($kind)));
        )+};
    }
    let mut guard = Guard::new();
    refuse! { guard: Leave Broadcast Connect Subscribe Unsubscribe Track Untrack OpenRoom CloseRoom
    History Query }
    guard.on_join("*", |join, _| {
        Decision::refuse(if join.kind == EventKind::Join { "Join" } else { "Rejoin" })
    });
    for event in of_clients() {
        let label = event.label().replace('_', "");
        let Event::Refuse(refuse) = guard.check(event, &channel()) else { panic!("{label}") };
        assert_eq!(refuse.message.unwrap().to_lowercase(), label);
    }
}

#[test]
fn the_data_of_a_connect_can_be_changed() {
    let mut guard = Guard::new();
    guard.on("*", |connect: &Connect, _: &Channel| match &connect.data {
        Some(_) => Decision::Change(json("2")),
        None => Decision::Allow,
    });
    guard.on("room:*", |_: &Connect, _: &Channel| Decision::refuse("a connect has no topic"));
    let connect = || Connect::new("c1", "ann", 5);
    check(&guard, connect(), connect());
    check(&guard, connect().with_data(json("1")), connect().with_data(json("2")));
}

#[test]
fn rules_see_the_channel() {
    let mut guard = Guard::new();
    guard.on_join("*", |join, channel| match channel.room(join.topic) {
        Some(room) if room.size >= 1 => Decision::refuse("there is one already"),
        _ => Decision::Allow,
    });
    let event: Event = Join::new("c2", "room:1", "bob", 5).into();
    assert_eq!(guard.check(event.clone(), &channel()), event);
    assert_eq!(guard.check(event, &channel_with_member()).label(), "refuse");
}

#[test]
fn what_the_channel_refuses_for_its_form_is_shown_to_no_rule() {
    let limits = Config::builder()
        .limit(Limit::PayloadBytes, 10)
        .limit(Limit::MetaBytes, 10)
        .limit(Limit::PayloadDepth, 2);
    let channel = Channel::single_node(limits.build().unwrap());
    let mut guard = Guard::new();
    guard.define_with("*", "*", |_, _, _| panic!("nobody has to read it"));
    guard.on_any("*", |_, _| panic!("nobody has to read it"));
    for event in [
        said("12345678901").into(),
        said("[[[]]]").into(),
        join().with_meta(json("12345678901")).into(),
        Broadcast::new("", "room:1", payload("1")).into(),
        Event::from(Leave::new("c1", "")),
    ] {
        assert_eq!(guard.check(event.clone(), &channel), event);
    }
}

#[test]
fn a_meta_that_a_rule_makes_too_large_is_refused() {
    let limits = Config::builder().limit(Limit::MetaBytes, 4).build().unwrap();
    let mut channel = Channel::single_node(limits);
    let mut guard = Guard::new();
    guard.on_join("*", |_, _| Decision::Change(json("12345")));
    guard.handle(&mut channel, join().into());
    let outbox = channel.flush_outbox();
    let [Outbound::Reply(reply)] = outbox.as_slice() else { panic!("{outbox:?}") };
    let refusal = reply.result.as_ref().unwrap_err();
    assert_eq!(
        (refusal.reason(), refusal.limit()),
        (Reason::PayloadTooLarge, Some(Limit::MetaBytes))
    );
}

#[test]
fn a_crashed_channel_is_guarded_too() {
    let mut channel = channel();
    channel.handle(Event::crash("boom"));
    assert_eq!(deaf().check(join().into(), &channel).label(), "refuse");
}

#[test]
fn the_sender_of_what_is_refused_gets_the_reply() {
    let mut channel = channel_with_member();
    deaf().handle(&mut channel, said("1").into());
    assert_eq!(
        lines(&channel.flush_outbox()),
        concat!(
            r#"{"reply":{"to":"broadcast","client_id":"c1","topic":"room:1","status":"error","#,
            r#""payload":{"reason":"validation_failed","#,
            r#""message":"payload: invalid type: integer `1`, expected null at line 1 column 1"},"#,
            r#""ref":"7"}}"#,
            "\n"
        )
    );
}

#[test]
fn refusal_without_ref_names_event_and_topic() {
    let mut guard = Guard::new();
    guard.define::<u32>("count");
    let said = Broadcast::new("c1", "hall", payload("[]")).with_event("count");
    let refused = |said: Broadcast| {
        let checked = guard.check(said.into(), &channel());
        let Event::Refuse(refuse) = checked else {
            panic!("{checked:?}, expected a refusal");
        };
        refuse.message.unwrap()
    };
    let with_ref = refused(said.clone().with_ref("7"));
    assert!(with_ref.starts_with("payload: invalid type"), "{with_ref}");
    assert_eq!(refused(said), format!("event \"count\" in \"hall\": {with_ref}"));
}
