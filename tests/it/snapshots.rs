//! Channels that are saved and restored go on as if nothing had been; what no channel has saved is
//! refused.

mod damaged;

use std::collections::BTreeSet;

use parlor::{Channel, Config, Event, EventName, Outbound, Topic};
use proptest::{collection::vec, prelude::*};
use serde_json::Value;

use super::{
    damage::{self, KINDS},
    harness::{Setup, line_of},
    ops::{GOOD, Op},
    properties::{ops, share_of_cases},
};

/// All names that events mention, whatever of.
fn names(events: &[Event]) -> Vec<String> {
    let mut names = BTreeSet::new();
    for event in events {
        // A payload may be deeper than can be read so; its event has no names of its own.
        let mut open = vec![serde_json::from_str(&line_of(event)).unwrap_or_default()];
        while let Some(value) = open.pop() {
            match value {
                Value::String(name) => drop(names.insert(name)),
                Value::Array(values) => open.extend(values),
                Value::Object(fields) => open.extend(fields.into_iter().map(|(_, value)| value)),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
    }
    names.into_iter().collect()
}

/// All that can be asked of a channel.
fn answers(channel: &Channel, names: &[String]) -> Vec<String> {
    let mut answers = vec![
        format!("{} {}", channel.adapter_label(), channel.config().to_json()),
        format!("{} {} {:?}", channel.crashed(), channel.clock_ms(), channel.next_deadline()),
        format!("{:?} {}", channel.stats(), channel.membership_count()),
        format!("{:?} {:?}", channel.topics(), channel.groups()),
    ];
    for topic in channel.topics() {
        let (subscribers, presences) = (channel.subscribers(&topic), channel.presences(&topic));
        let handles: Vec<_> = subscribers.handles().collect();
        answers.push(format!("{:?} {subscribers:?} {handles:?}", channel.room(&topic)));
        let counts = [presences.len(), presences.meta_count()];
        answers.push(format!("{:?} {counts:?}", presences.iter().collect::<Vec<_>>()));
        for name in names {
            let client = name.as_str().into();
            let in_it = [
                channel.is_member(&client, &topic),
                channel.is_user_in(&name.as_str().into(), &topic),
            ];
            let subscriptions = channel.subscriptions(&client, &topic);
            answers.push(format!("{name:?} in {topic:?}: {in_it:?} {subscriptions:?}"));
        }
    }
    for name in names {
        let (client, user) = (name.as_str().into(), name.as_str().into());
        let handle = channel.handle_of(&client);
        let of_client = (channel.client(&client), channel.topics_of(&client));
        let of_user = (channel.clients_of(&user), channel.topics_of_user(&user));
        answers.push(format!("{name:?}: {handle:?} {of_client:?} {of_user:?}"));
    }
    answers
}

fn lines(outbox: &[Outbound]) -> Vec<String> {
    outbox.iter().map(|message| serde_json::to_string(message).expect("it is written")).collect()
}

/// The channel that a text stands for, which must be the same for all who look.
fn restored(channel: &Channel, saved: &str, key: u64, names: &[String]) -> Channel {
    let restored = Channel::restore(saved, [key, !key]).unwrap_or_else(|error| {
        panic!("what was saved is restored: {error}");
    });
    restored.check_invariants();
    assert_eq!(restored.save().as_deref(), Ok(saved), "what was restored is saved the same");
    assert_eq!(answers(&restored, names), answers(channel, names));
    restored
}

/// Plays events to a channel and to the last that was restored of it. Bits of `cuts`, in turn, say
/// after which events both are flushed, and at which of those the next one is restored.
fn check(events: &[Event], mut channel: Channel, cuts: u64) {
    let names = names(events);
    let saved = channel.save().expect("nothing was said yet");
    let mut twin = restored(&channel, &saved, 1, &names);
    let mut cuts = (0..).zip((0_u32..).map(|at| cuts.rotate_right(at) & 1 == 1));
    for event in events {
        channel.handle(event.clone());
        twin.handle(event.clone());
        let Some((key, is_cut)) = cuts.next() else { continue };
        if !is_cut {
            continue;
        }
        // Without anything to say there is nothing to flush, and handles wait on.
        if let Err(error) = channel.save() {
            let (said, twin_said) = (channel.flush_outbox(), twin.flush_outbox());
            assert_eq!(error.messages, said.len());
            assert_eq!(lines(&said), lines(&twin_said), "after {}", line_of(event));
            assert_eq!(said, twin_said);
        }
        let saved = channel.save().expect("it was flushed");
        assert_eq!(twin.save().as_ref(), Ok(&saved), "both are the same");
        if key % 3 != 1 {
            twin = restored(&channel, &saved, key, &names);
        }
    }
    assert_eq!(lines(&channel.flush_outbox()), lines(&twin.flush_outbox()));
    let saved = channel.save().expect("it was flushed");
    assert_eq!(twin.save().as_ref(), Ok(&saved), "both are the same");
    twin.check_invariants();
    let _last = restored(&channel, &saved, 2, &names);
}

proptest! {
    #![proptest_config(share_of_cases(8))]

    #[test]
    fn restored_channels_go_on_like_those_that_were_saved(
        ops in ops(),
        cuts: u64,
        kind in 0..KINDS,
    ) {
        check(&Op::events(&ops), damage::channel(kind), cuts);
    }

    #[test]
    fn channels_of_every_setup_can_be_saved(ops in ops(), cuts: u64, setup: usize) {
        let setups = Setup::all();
        let [channel, _] = setups[setup % setups.len()].channels();
        check(&Op::events(&ops), channel, cuts);
    }

    #[test]
    fn what_was_changed_is_refused_or_survived(
        bytes in vec(prop_oneof![8 => 0..GOOD, 1 => any::<u8>()], 100..900),
    ) {
        damage::check_bytes(&bytes);
    }
}

fn events(lines: &str) -> Vec<Event> {
    let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(read).collect()
}

fn told(channel: &mut Channel, lines: &str) {
    for event in events(lines) {
        channel.handle(event);
    }
}

/// What is said of some events.
fn said(channel: &mut Channel, lines_of_events: &str) -> Vec<String> {
    told(channel, lines_of_events);
    lines(&channel.flush_outbox())
}

/// A channel with this configuration after these events, flushed.
fn after(config: &str, lines: &str) -> Channel {
    let config = Config::from_json(config).unwrap_or_else(|error| panic!("{error}"));
    let mut channel = Channel::single_node(config);
    told(&mut channel, lines);
    let _outbox = channel.flush_outbox();
    channel
}

/// Saves a channel, and lets both go on; returns what both say.
fn both(channel: &mut Channel, lines: &str) -> Vec<String> {
    let saved = channel.save().expect("it was flushed");
    let names = names(&events(lines));
    let mut twin = restored(channel, &saved, 7, &names);
    let (expected, got) = (said(channel, lines), said(&mut twin, lines));
    assert_eq!(got, expected);
    assert_eq!(answers(&twin, &names), answers(channel, &names));
    let saved = channel.save().expect("it was flushed");
    assert_eq!(twin.save(), Ok(saved));
    expected
}

fn check_says(channel: &mut Channel, lines: &str, parts: &[&str]) {
    let said = both(channel, lines).join("\n");
    for part in parts {
        assert!(said.contains(part), "{part} is in\n{said}");
    }
}

const GRACE: &str = r#"{"grace_ms":100}"#;
const ANN_AND_BOB: &str = r#"
    {"join":{"client_id":"a","topic":"t","user_id":"ann","now_ms":1,"meta":{"x":1}}}
    {"join":{"client_id":"b","topic":"t","user_id":"bob","now_ms":2}}
"#;

#[test]
fn a_full_outbox_is_not_saved() {
    let mut channel = Channel::single_node(Config::default());
    told(&mut channel, ANN_AND_BOB);
    let error = channel.save().unwrap_err();
    let expected = "the outbox has 6 messages, expected it to be flushed first";
    assert_eq!((error.messages, error.to_string().as_str()), (6, expected));
}

#[test]
fn detached_members_keep_their_place_and_their_grace() {
    let mut channel = after(GRACE, ANN_AND_BOB);
    told(&mut channel, r#"{"disconnect":{"client_id":"a","now_ms":10}}"#);
    assert_eq!(channel.stats().detached, 1);
    check_says(
        &mut channel.clone(),
        r#"{"rejoin":{"client_id":"a","topic":"t","user_id":"ann","now_ms":50}}
        {"push":{"client_id":"a","topic":"t","event":"e","payload":1}}
        {"publish":{"target":"everyone","event":"e","payload":1}}"#,
        &[r#""rejoined":true"#, r#""recipients":["a","b"]"#],
    );
    check_says(&mut channel, r#"{"tick":{"now_ms":110}}"#, &[r#""cause":"expired""#, "\"last\""]);
}

#[test]
fn a_client_that_has_only_connected_is_there_and_expires() {
    let mut channel = after(
        GRACE,
        r#"{"connect":{"client_id":"a","user_id":"ann","data":{"k":[1,2]},"now_ms":1}}
        {"connect":{"client_id":"b","user_id":"ann","now_ms":1}}
        {"disconnect":{"client_id":"a","now_ms":3}}"#,
    );
    let both_say = both(&mut channel, r#"{"tick":{"now_ms":102}}"#);
    assert_eq!(both_say, [""; 0]);
    assert!(channel.client(&"a".into()).is_some());
    both(&mut channel, r#"{"tick":{"now_ms":103}}"#);
    assert!(channel.client(&"a".into()).is_none() && channel.client(&"b".into()).is_some());
}

#[test]
fn a_history_knows_from_where_on_it_has_everything() {
    let mut channel = after(
        r#"{"default_room":{"events":[{"name":"*","history":2}]}}"#,
        r#"{"join":{"client_id":"a","topic":"t","user_id":"ann","now_ms":1}}
        {"broadcast":{"client_id":"a","topic":"t","event":"e","payload":1}}
        {"broadcast":{"client_id":"a","topic":"t","event":"f","payload":2}}
        {"broadcast":{"client_id":"a","topic":"t","event":"e","payload":3}}
        {"broadcast":{"client_id":"a","topic":"t","event":"e","payload":4}}"#,
    );
    let of_any = r#"{"history":{"client_id":"a","topic":"t","end":9}}"#;
    check_says(
        &mut channel,
        of_any,
        &[r#""offset":2"#, r#""more":{"before":{"epoch":1,"offset":2},"wanted":6}"#],
    );
    let of_one = r#"{"history":{"client_id":"a","topic":"t","event":"f","end":9}}"#;
    let more = r#""more":{"before":{"epoch":1,"offset":2},"wanted":8}"#;
    check_says(&mut channel, of_one, &[r#""offset":2"#, more]);
}

/// Everything that can happen in a window, with a list that was announced before.
const WINDOW: &str = r#"{"grace_ms":50,"default_room":{"presence_window_ms":10}}"#;
const IN_A_WINDOW: &str = r#"
    {"join":{"client_id":"a","topic":"t","user_id":"ann","now_ms":0,"meta":1}}
    {"join":{"client_id":"a2","topic":"t","user_id":"ann","now_ms":0}}
    {"join":{"client_id":"b","topic":"t","user_id":"bob","now_ms":0,"meta":[1]}}
    {"join":{"client_id":"c","topic":"t","user_id":"cy","now_ms":0}}
    {"join":{"client_id":"d","topic":"t","user_id":"dee","now_ms":0}}
    {"tick":{"now_ms":20}}
    {"leave":{"client_id":"b","topic":"t"}}
    {"track":{"client_id":"a","topic":"t","meta":2}}
    {"leave":{"client_id":"a2","topic":"t"}}
    {"untrack":{"client_id":"c","topic":"t"}}
    {"track":{"client_id":"c","topic":"t","meta":"back"}}
    {"join":{"client_id":"e","topic":"t","user_id":"eve","now_ms":21}}
    {"join":{"client_id":"f","topic":"t","user_id":"fay","now_ms":21}}
    {"leave":{"client_id":"f","topic":"t"}}
    {"track":{"client_id":"d","topic":"t","meta":1}}
    {"leave":{"client_id":"d","topic":"t"}}
    {"disconnect":{"client_id":"e","now_ms":22}}
"#;

#[test]
fn a_running_window_ends_as_it_would_have() {
    let mut channel = after(WINDOW, IN_A_WINDOW);
    check_says(
        &mut channel.clone(),
        r#"{"join":{"client_id":"g","topic":"t","user_id":"gus","now_ms":23}}
        {"join":{"client_id":"b","topic":"t","user_id":"bob","now_ms":23,"meta":[1]}}
        {"track":{"client_id":"a","topic":"t","meta":3}}
        {"tick":{"now_ms":40}}"#,
        // Who joins is told what was announced, with those who have gone since.
        &[
            r#"presence_state":{"client_id":"g","topic":"t","entries":[{"key":"ann","metas":[{"ref":"1""#,
        ],
    );
    let diffs = both(&mut channel, r#"{"tick":{"now_ms":40}}"#);
    assert_eq!(diffs.len(), 1);
    let diff: Value = serde_json::from_str(&diffs[0]).unwrap();
    let keys = |side: &str| -> Vec<String> {
        let entries = diff["presence_diff"]["diff"][side].as_array().unwrap();
        entries.iter().map(|entry| entry["key"].as_str().unwrap().into()).collect()
    };
    assert_eq!(
        (keys("joins"), keys("leaves")),
        (
            ["ann", "cy", "eve"].map(String::from).to_vec(),
            ["ann", "bob", "cy", "dee"].map(String::from).to_vec(),
        )
    );
}

#[test]
fn a_channel_that_has_crashed_is_restarted() {
    let mut channel = after(GRACE, ANN_AND_BOB);
    let _said = said(&mut channel, r#"{"crash":{"reason":"boom"}}"#);
    check_says(
        &mut channel,
        r#"{"broadcast":{"client_id":"a","topic":"t","payload":1}}
        "restart"
        {"rejoin":{"client_id":"b","topic":"t","user_id":"bob","now_ms":50}}
        {"tick":{"now_ms":102}}"#,
        &[r#""reason":"crashed""#, r#""rejoined":true"#, r#""cause":"expired""#],
    );
}

#[test]
fn rates_and_ids_are_remembered() {
    let mut channel = after(
        r#"{"default_room":{"dedupe":2,"rate_limit":{"max_events":3,"window_ms":100}}}"#,
        r#"{"join":{"client_id":"a","topic":"t","user_id":"ann","now_ms":1}}
        {"broadcast":{"client_id":"a","topic":"t","payload":1,"id":"x"}}
        {"broadcast":{"client_id":"a","topic":"t","payload":2,"id":"y"}}"#,
    );
    check_says(
        &mut channel,
        r#"{"broadcast":{"client_id":"a","topic":"t","payload":1,"id":"x","ref":"again"}}
        {"broadcast":{"client_id":"a","topic":"t","payload":3,"id":"z"}}
        {"broadcast":{"client_id":"a","topic":"t","payload":4}}
        {"tick":{"now_ms":101}}
        {"broadcast":{"client_id":"a","topic":"t","payload":5}}"#,
        &[r#""offset":1},"ref":"again""#, r#""retry_after_ms":100"#, r#""payload":5"#],
    );
}

#[test]
fn groups_and_subscriptions_keep_their_order() {
    let mut channel = after(
        r#"{"default_room":{"default_subscriptions":["m","n"]}}"#,
        r#"{"join":{"client_id":"a","topic":"t","user_id":"ann","now_ms":1}}
        {"join":{"client_id":"b","topic":"s","user_id":"bob","now_ms":1}}
        {"subscribe":{"client_id":"a","topic":"t","event":"b"}}
        {"subscribe":{"client_id":"a","topic":"t","event":"*"}}
        {"unsubscribe":{"client_id":"a","topic":"t","event":"m"}}
        {"add_to_group":{"group":"z","topics":["t","none","s"]}}
        {"add_to_group":{"group":"a","topics":["s"]}}"#,
    );
    let subscriptions = channel.subscriptions(&"a".into(), &"t".into());
    assert!(subscriptions.iter().eq(&["n", "b", "*"].map(EventName::from)));
    check_says(
        &mut channel,
        r#"{"publish":{"target":{"group":"z"},"event":"m","payload":1}}
        {"remove_from_group":{"group":"z","topics":["t"]}}
        {"add_to_group":{"group":"z","topics":["t"]}}"#,
        &[r#""recipients":["a","b"]"#],
    );
    assert_eq!(channel.groups()[0].1, ["none", "s", "t"].map(Topic::from));
}

#[test]
fn what_history_holds_and_has_lost_is_told_apart() {
    let mut channel = after(
        r#"{"grace_ms":100,"limits":{"history_messages_per_topic":2},
        "default_room":{"events":[{"name":"m","history":2},{"name":"n"},{"name":"*","history":1}]}}"#,
        r#"{"join":{"client_id":"a","topic":"t","user_id":"ann","now_ms":1}}
        {"broadcast":{"client_id":"a","topic":"t","payload":1,"event":"m"}}
        {"broadcast":{"client_id":"a","topic":"t","payload":2,"event":"n"}}
        {"broadcast":{"client_id":"a","topic":"t","payload":3,"event":"o"}}
        {"broadcast":{"client_id":"a","topic":"t","payload_base64":"AAE=","event":"p"}}
        {"broadcast":{"client_id":"a","topic":"t","payload":null,"event":"m","audience":"others"}}
        {"join":{"client_id":"b","topic":"t","user_id":"bob","now_ms":1}}
        {"subscribe":{"client_id":"b","topic":"t","event":"m"}}
        {"unsubscribe":{"client_id":"b","topic":"t","event":"*"}}
        {"disconnect":{"client_id":"b","now_ms":2}}
        {"disconnect":{"client_id":"a","now_ms":2}}"#,
    );
    for offset in 0..6 {
        let since = format!(r#""now_ms":3,"since":{{"epoch":1,"offset":{offset}}}}}}}"#);
        let rejoins = ["a", "b"].map(|client| {
            let user = if client == "a" { "ann" } else { "bob" };
            format!(r#"{{"rejoin":{{"client_id":"{client}","topic":"t","user_id":"{user}",{since}"#)
        });
        let mut channel = channel.clone();
        let recovered = [
            ("a", offset >= 3),
            ("b", offset >= 1),
        ].map(|(client, recovered)| {
            format!(r#""client_id":"{client}","topic":"t","status":"ok","payload":{{"epoch":1,"offset":5,"rejoined":true,"recovered":{recovered}}}"#)
        });
        check_says(&mut channel, &rejoins.join("\n"), &[&recovered[0], &recovered[1]]);
    }
    check_says(&mut channel, r#"{"tick":{"now_ms":102}}"#, &[r#""evicted""#, "AAE="]);
}

#[test]
fn handles_are_given_out_again_after_the_flush_that_they_wait_for() {
    let connects = (0..40).map(|number| {
        let user = number % 7;
        format!(r#"{{"connect":{{"client_id":"c{number}","user_id":"u{user}","now_ms":1}}}}"#)
    });
    let joins = connects.collect::<Vec<_>>().join("\n");
    let mut channel = after("{}", &joins);
    // Nothing is said of these, so nothing is to be flushed: their handles wait.
    for number in [3, 1, 39, 38] {
        told(&mut channel, &format!(r#"{{"disconnect":{{"client_id":"c{number}","now_ms":2}}}}"#));
    }
    let connect = r#"{"connect":{"client_id":"x","user_id":"u1","now_ms":3}}
        {"connect":{"client_id":"y","user_id":"u2","now_ms":3}}"#;
    let handle = |channel: &Channel, id: &str| channel.handle_of(&id.into()).unwrap().index();
    let mut unflushed = channel.clone();
    both(&mut unflushed, connect);
    assert_eq!(["x", "y"].map(|id| handle(&unflushed, id)), [40, 41]);
    let _nothing = channel.flush_outbox();
    both(&mut channel, connect);
    assert_eq!(["x", "y"].map(|id| handle(&channel, id)), [3, 1]);
}

#[test]
fn a_node_of_a_cluster_stays_that_node() {
    let config = Config::builder().incarnation(9).build().unwrap();
    let mut channel = Channel::cluster_ready("n1", "chat", config).unwrap();
    let _said = said(&mut channel, ANN_AND_BOB);
    assert_eq!(channel.adapter_label(), "cluster_ready:chat/n1");
    check_says(&mut channel, r#"{"track":{"client_id":"a","topic":"t"}}"#, &["n1.9.3"]);
}

/// Whether a meta is the same is told by its bytes, also of those that a line would not have.
#[test]
fn what_stands_on_several_lines_is_the_same_afterwards() {
    let meta = parlor::Json::parse("[1,\r\n 2]").unwrap();
    let config = r#"{"default_room":{"events":[{"name":"*","history":5}]}}"#;
    let mut channel = after(config, ANN_AND_BOB);
    let track = || Event::from(parlor::Track::new("a", "t").with_meta(meta.clone()));
    channel.handle(track());
    let payload = parlor::Payload::from(meta.clone());
    let broadcast = parlor::Broadcast::new("a", "t", payload.clone()).with_meta(meta.clone());
    channel.handle(broadcast.into());
    let _outbox = channel.flush_outbox();
    let saved = channel.save().unwrap();
    let mut twin = restored(&channel, &saved, 3, &[]);
    twin.handle(track());
    assert_eq!(twin.flush_outbox(), []);
    twin.handle(parlor::History::new("b", "t").into());
    let outbox = twin.flush_outbox();
    let [Outbound::History(page)] = &outbox[..] else { panic!("{outbox:?}") };
    assert_eq!((&page.messages[0].payload, &page.messages[0].meta), (&payload, &Some(meta)));
}
