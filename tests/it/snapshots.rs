//! Channels that are saved and restored go on as if nothing had been; what no channel has saved is
//! refused.

use std::collections::BTreeSet;

use parlor::{Channel, Config, Event, Outbound, Topic};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use super::{
    damage::{self, CHANGES, KINDS, change, opened, places, sealed, survive},
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
fn a_page_that_is_held_is_completed() {
    let mut channel = after(
        r#"{"default_room":{"events":[{"name":"*","history":1}]}}"#,
        r#"{"join":{"client_id":"a","topic":"t","user_id":"ann","now_ms":1}}
        {"broadcast":{"client_id":"a","topic":"t","payload":1}}
        {"broadcast":{"client_id":"a","topic":"t","payload":2}}
        {"history":{"client_id":"a","topic":"t","event":"message","end":9,"ref":"r"}}
        {"broadcast":{"client_id":"a","topic":"t","payload":3}}"#,
    );
    let loaded = r#"{"history_loaded":{"request":1,"messages":[
        {"event":"message","payload":1,"from":"ann","offset":1,"timestamp_ms":1}]}}"#;
    let loaded = loaded.replace('\n', " ");
    check_says(&mut channel.clone(), &loaded, &[r#""offset":2"#, r#""offset":1"#, r#""ref":"r""#]);
    let none: [&str; 0] = [];
    assert_eq!(both(&mut channel, r#"{"history_loaded":{"request":2,"messages":[]}}"#), none);
    let next = r#"{"history":{"client_id":"a","topic":"t","event":"message","end":9}}"#;
    check_says(&mut channel, next, &[r#""load_history":{"request":2"#]);
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
    assert!(subscriptions.iter().map(|name| name.as_str()).eq(["n", "b", "*"]));
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
    let joins: String = (0..40)
        .map(|number| {
            format!("{{\"connect\":{{\"client_id\":\"c{number}\",\"user_id\":\"u{}\",\"now_ms\":1}}}}\n", number % 7)
        })
        .collect();
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

/// A snapshot that has everything.
fn everything() -> String {
    let mut channel = after(
        r#"{"grace_ms":50,"clients_open_rooms":"on","rooms":[{"pattern":"lobby"}],"default_room":
        {"presence_window_ms":10,"presence_of":"clients","dedupe":3,"history_for":"clients",
        "rate_limit":{"max_events":9,"window_ms":100},
        "events":[{"name":"m","history":2},{"name":"*","history":1}]}}"#,
        IN_A_WINDOW,
    );
    told(
        &mut channel,
        r#"{"connect":{"client_id":"x","user_id":"xi","data":{"k":1},"now_ms":24}}
        {"connect":{"client_id":"y","user_id":"xi","now_ms":24}}
        {"track":{"client_id":"x","topic":"t","meta":"x"}}
        {"open_room":{"topic":"own","by":"x","config":{"name":"Own","data":[1]}}}
        {"join":{"client_id":"a","topic":"own","user_id":"ann","now_ms":24}}
        {"join":{"client_id":"c","topic":"lobby","user_id":"cy","now_ms":24}}
        {"subscribe":{"client_id":"a","topic":"own","event":"q"}}
        {"unsubscribe":{"client_id":"a","topic":"own","event":"*"}}
        {"subscribe":{"client_id":"c","topic":"t","event":"q"}}
        {"broadcast":{"client_id":"a","topic":"t","payload":1,"event":"m","id":"1"}}
        {"broadcast":{"client_id":"a","topic":"t","payload":2,"event":"m","id":"2"}}
        {"broadcast":{"client_id":"c","topic":"t","payload":3,"event":"m","meta":{"z":1}}}
        {"broadcast":{"client_id":"c","topic":"t","payload":4,"event":"q","id":"1"}}
        {"broadcast":{"client_id":"c","topic":"t","payload":5,"event":"r","audience":"others"}}
        {"publish":{"target":{"topic":"t"},"event":"r","payload":"","except_user":"bob"}}
        {"history":{"client_id":"a","topic":"t","event":"m","end":7,"ref":"r"}}
        {"history":{"client_id":"c","topic":"t","event":"r","start":1,"end":7}}
        {"add_to_group":{"group":"g","topics":["t","own"]}}
        {"add_to_group":{"group":"h","topics":["none"]}}
        {"disconnect":{"client_id":"x","now_ms":25}}"#,
    );
    let _outbox = channel.flush_outbox();
    for client in ["p", "q"] {
        told(
            &mut channel,
            &format!(
                r#"{{"connect":{{"client_id":"{client}","user_id":"u","now_ms":26}}}}
                {{"kick":{{"client_id":"{client}","reason":"x"}}}}"#
            ),
        );
    }
    let _outbox = channel.flush_outbox();
    told(&mut channel, r#"{"connect":{"client_id":"z","user_id":"xi","now_ms":26}}"#);
    channel.save().unwrap()
}

/// Ops that bring about a little of everything.
fn some_ops() -> Vec<Op> {
    let mut state = 11_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from(state >> 24).expect("eight bits are left") % GOOD
    };
    (0..60).map(|_| Op::of_kind(next(), &mut next)).collect()
}

#[test]
fn a_snapshot_that_ends_too_early_is_refused() {
    let saved = everything();
    assert!(Channel::restore(&saved, [1, 2]).is_ok());
    assert!(Channel::restore(&format!("\n{saved} \n"), [1, 2]).is_ok());
    for (end, _) in saved.char_indices() {
        let error = Channel::restore(&saved[..end], [1, 2]).unwrap_err().to_string();
        assert!(error.starts_with("expected a snapshot of a channel: EOF while"), "{error}");
    }
}

#[test]
fn a_snapshot_of_which_a_byte_is_another_is_refused() {
    let saved = everything();
    let start = saved.find("\"config\"").expect("it has a configuration") + 9;
    for at in 0..saved.len() {
        for flip in [1_u8, 32, 16] {
            let mut bytes = saved.clone().into_bytes();
            bytes[at] ^= flip;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            // The checksum is of what is in the envelope; a space between its fields is none.
            match Channel::restore(&text, [1, 2]) {
                Ok(_) => panic!("byte {at} is {:?}", &text[at..=at]),
                Err(error) if at > start => {
                    let error = error.to_string();
                    let expected =
                        ["expected a snapshot of a channel: ", "the snapshot is damaged: "];
                    assert!(expected.iter().any(|start| error.starts_with(start)), "{error}");
                }
                Err(_) => {}
            }
        }
    }
}

#[test]
fn what_is_no_snapshot_or_of_another_version_is_refused() {
    let saved = everything();
    let edited = |from: &str, to: &str| saved.replacen(from, to, 1);
    let no_snapshot = |what: &str| format!("expected a snapshot of a channel: {what}");
    let other_version = |version| format!("the snapshot has version {version}, expected 1");
    for (text, expected) in [
        (String::new(), no_snapshot("EOF while parsing a value at line 1 column 0")),
        ("{}".into(), no_snapshot("missing field `parlor_snapshot` at line 1 column 2")),
        (
            "[]".into(),
            no_snapshot(
                "invalid length 0, expected struct Version with 1 element at line 1 column 2",
            ),
        ),
        ("nope".into(), no_snapshot("expected ident at line 1 column 2")),
        (format!("{saved}{saved}"), no_snapshot("trailing characters")),
        (r#"{"rooms":[],"limits":{}}"#.into(), no_snapshot("missing field `parlor_snapshot`")),
        (edited(":1,", ":2,"), other_version("2")),
        (edited(":1,", ":0,"), other_version("0")),
        (r#"{"parlor_snapshot":7,"whatever":[]}"#.into(), other_version("7")),
        (edited(":1,", ":1.5,"), no_snapshot("invalid type: floating point `1.5`, expected u64")),
        (edited("{", "{\"more\":1,"), no_snapshot("unknown field `more`, expected one of")),
        (
            edited("\"checksum\":\"", "\"checksum\":\"0"),
            "the snapshot is damaged: its checksum is \"0".into(),
        ),
        (
            edited("\"grace_ms\":50", "\"grace_ms\":51"),
            "the snapshot is damaged: its checksum".into(),
        ),
        (sealed(r#"{"grace_ms":-1}"#, "{}"), "config: line 1, column 14: grace_ms: ".into()),
        (sealed("{}", "{}"), "state: missing field `crashed`".into()),
        (sealed("{}", "1"), "state: invalid type: integer `1`, expected struct State".into()),
        (
            sealed("{}", r#"{"more":1}"#),
            "state: unknown field `more`, expected one of `node`".into(),
        ),
    ] {
        let error = Channel::restore(&text, [1, 2]).unwrap_err().to_string();
        assert!(error.starts_with(&expected), "{error}\n{expected}");
    }
}

/// Everything that a snapshot has, changed in every way that is known, one at a time.
#[test]
fn every_single_change_is_refused_or_survived() {
    let saved = everything();
    let (config, state) = opened(&saved).expect("it can be read");
    let (ops, places) = (some_ops(), places(&state));
    let (mut refused, mut survived) = (0, 0);
    for place in &places {
        for kind in 0..CHANGES {
            let mut changed = state.clone();
            change(&mut changed, place, kind);
            if changed == state {
                continue;
            }
            match survive(&sealed(&config, &changed.to_string()), &ops) {
                Ok(()) => survived += 1,
                Err(error) => {
                    refused += 1;
                    assert!(error.starts_with("state: ") && error.len() > 16, "{error}");
                }
            }
        }
    }
    assert!(refused > 4 * survived && survived > 100, "{refused} {survived}");
}

#[test]
fn what_does_not_fit_together_is_refused_with_what_it_is() {
    let (config, state) = opened(&everything()).expect("it can be read");
    let mut missed = Vec::new();
    let mut check = |place: &str, value: Value, expected: &str| {
        let mut changed = state.clone();
        let at = changed.pointer_mut(place).unwrap_or_else(|| panic!("{place}: {state:#}"));
        *at = value;
        match survive(&sealed(&config, &changed.to_string()), &some_ops()) {
            Err(error) if error.contains(expected) => {}
            outcome => missed.push(format!("{place}: {outcome:?}, expected {expected}")),
        }
    };
    let found = |list: &str, has: &dyn Fn(&Value) -> bool| -> usize {
        state[list].as_array().unwrap().iter().position(has).unwrap()
    };
    let room = |topic: &str| found("rooms", &|room| room["topic"] == topic);
    let client = |id: &str| found("clients", &|client| client["id"] == id);
    let (t, lobby, own) = (room("t"), room("lobby"), room("own"));
    let at = |path: &str| {
        path.replace("{t}", &t.to_string())
            .replace("{lobby}", &lobby.to_string())
            .replace("{own}", &own.to_string())
    };
    let most = "expected at most 13835058055282163709";

    check("/next_epoch", json!(u64::MAX), most);
    check("/next_epoch", json!(1), "has an epoch out of order");
    check("/next_ref", json!(u64::MAX), most);
    check("/next_ref", json!(0), "next_ref is 0, expected 1 or more");
    check("/next_ref", json!(2), "expected 1 or more, and below 2");
    check("/last_request", json!(u64::MAX), most);
    check("/last_request", json!(1), "page 2 is out of order, or was never asked for");
    check(&at("/rooms/{t}/offset"), json!(u64::MAX), most);
    check("/counters/deliveries", json!(u64::MAX), most);
    check("/counters/events/join", json!(u64::MAX), "more events than the 13835058055282163709");
    check("/counters/presence_leaves", json!(1 << 20), "expected 6 to be left");
    check("/counters/presence_joins", json!(1 << 20), "expected 6 to be left");
    check("/counters/events", json!({"nod": 1}), "events of \"nod\" are counted");
    check("/counters/refusals", json!({}), "are not counted");

    check("/clients/0/id", state["clients"][1]["id"].clone(), "is there twice");
    check("/clients/0/id", json!(""), "the name of a client has 0 bytes, expected 1 to 255");
    check("/clients/0/user", json!("x".repeat(256)), "the name of a user has 256 bytes");
    check("/clients/0/handle", json!(u32::MAX), "as each has one from 0 up");
    check(
        "/clients/0/handle",
        json!(1_u64 << 32),
        "invalid value: integer `4294967296`, expected u32",
    );
    check("/clients/0/rooms", json!([99]), "there is no room of epoch 99");
    check("/clients/0/rooms", json!([]), "does not know its room");
    check(
        &format!("/clients/{}/connected", client("x")),
        json!(true),
        "has lost its connection without",
    );
    check(
        &format!("/clients/{}/connected", client("z")),
        json!(false),
        "has lost its connection without",
    );
    check(
        &format!("/clients/{}/connected", client("a")),
        json!(false),
        "no connection or has crashed",
    );
    check(
        &format!("/clients/{}/rooms", client("z")),
        json!([2]),
        "has nothing in one of its rooms",
    );
    check(
        &format!("/clients/{}/registered", client("z")),
        json!(false),
        "is in no room, expected one",
    );
    check("/crashed", json!(true), "no connection or has crashed");
    check("/free_handles", json!([]), "as each has one from 0 up");
    check("/free_handles", json!([u32::MAX]), "as each has one from 0 up");
    check("/node", json!({"name":"","cluster":"c"}), "node name \"\" has 0 bytes");

    check("/rooms/1/topic", json!(""), "the name of a topic has 0 bytes");
    check("/rooms/1/topic", state["rooms"][0]["topic"].clone(), "is there twice");
    check("/rooms/1/epoch", json!(1), "has an epoch out of order");
    check(&at("/rooms/{t}/origin"), json!("declared"), "expected the configuration to declare it");
    check(&at("/rooms/{own}/origin"), json!("joined"), "has a configuration of its own");
    check(&at("/rooms/{own}/config/name"), json!(""), "name has 0 bytes");
    check(&at("/rooms/{own}/config"), json!({"max_members":0}), "");
    check(&at("/rooms/{own}/config"), json!({"presence":"off"}), "");
    check(&at("/rooms/{t}/members"), json!([[77, true]]), "there is no client 77");
    check(&at("/rooms/{t}/members"), json!([[u32::MAX, true]]), "there is no client 4294967295");
    check(&at("/rooms/{t}/members/0/1"), json!(false), "is held in a room without a grace");
    check(
        &at("/rooms/{t}/members/1"),
        state["rooms"][t]["members"][0].clone(),
        "a member is there twice",
    );
    check(&at("/rooms/{t}/members"), json!([]), "");

    check(&at("/rooms/{t}/presences/0/ref"), json!(0), "a ref is 0, expected 1 or more");
    check(&at("/rooms/{t}/presences/0/ref"), state["next_ref"].clone(), "and below");
    check(&at("/rooms/{t}/presences/0/entry"), json!(u64::MAX), most);
    check(&at("/rooms/{t}/presences/0/place"), json!(0), "a place is 0");
    check(&at("/rooms/{t}/presences/0/client"), json!(55), "there is no client 55");
    check(&at("/rooms/{t}/presences/0/prev_ref"), json!(9), "does not fit its entry");
    check(
        &at("/rooms/{t}/presences/1"),
        state["rooms"][t]["presences"][0].clone(),
        "is there twice",
    );
    check(&at("/rooms/{t}/window"), Value::Null, "has a window that is never due");
    check(&at("/rooms/{t}/window/horizon"), json!(0), "a horizon is 0");
    check(&at("/rooms/{t}/window/horizon"), json!(1 << 30), "is past the next ref");
    check(&at("/rooms/{t}/window/horizon"), json!(1), "");
    check(&at("/rooms/{t}/window/gone"), json!([]), "a change has nothing before it");
    check(&at("/rooms/{t}/window/gone/0/user"), json!("eve"), "is not user \"eve\"'s alone");
    check(&at("/rooms/{t}/subscriptions/0/0"), json!(77), "there is no client 77");
    check(&at("/rooms/{t}/ids/0/2"), json!(0), "an id has offset 0, expected 1 to 6");
    check(&at("/rooms/{t}/ids/0/2"), json!(u64::MAX), "an id has offset 18446744073709551615");
    check(
        &at("/rooms/{t}/ids/1/2"),
        json!(1),
        "its ids are out of order, there twice, or too many",
    );
    check(&at("/rooms/{t}/history"), Value::Null, "its history is missing");
    check(
        &at("/rooms/{t}/history/lost"),
        json!([["m", 9]]),
        "offset 9 is lost, expected at most 6",
    );
    check(&at("/rooms/{t}/history/lost"), json!([["z", 1]]), "what is lost of a name");
    check(&at("/rooms/{t}/history/lost_others"), json!(u64::MAX), "is lost, expected at most 6");
    check(
        &at("/rooms/{t}/history/messages/0/message/offset"),
        json!(u64::MAX),
        "offsets out of order",
    );
    check(
        &at("/rooms/{t}/history/messages/0/message/event"),
        json!("q"),
        "2 messages \"q\" are kept, expected at most 1",
    );

    let due =
        |kind: &str| found("agenda", &|due| due[0][kind].is_u64() || due[0][kind].is_object());
    check("/agenda", json!([]), "");
    check(
        &format!("/agenda/{}/1", due("window")),
        json!(u64::MAX),
        "something is due at 18446744073709551615",
    );
    check(
        &format!("/agenda/{}/1", due("client")),
        json!(u64::MAX),
        "something is due at 18446744073709551615",
    );
    check(
        &format!("/agenda/{}/0/window", due("window")),
        json!(50),
        "there is no room of epoch 50",
    );
    check(
        &format!("/agenda/{}/0/client", due("client")),
        json!(u32::MAX),
        "there is no client 4294967295",
    );
    check("/agenda/0", state["agenda"][1].clone(), "something is due twice");

    check("/groups/1/0", json!("g"), "group \"g\" is there twice");
    check("/groups/1/1", json!([]), "group \"h\" is empty");
    check("/groups/0/1", json!(["t", "t"]), "groups are not as a channel has them");
    check("/pages/0/client", json!(99), "there is no client 99");
    check("/pages/0/request", json!(0), "page 0 is out of order");
    check("/pages/1/request", json!(1), "page 1 is out of order");
    check("/pages/0/epoch", json!(99), "page 1 is of a room that never was");
    check("/pages/0/asked", json!(u64::MAX), "has more messages than were asked for");
    check("/pages/0/event", json!("o"), "has messages of another name");
    check("/rates/0/client", json!(99), "there is no client 99");
    check("/rates/0/count", json!(u32::MAX), "a rate of 4294967295 ends at");
    check("/rates/0/ends_at_ms", json!(u64::MAX), "ends at 18446744073709551615");
    check("/rates/0/ends_at_ms", json!(1), "rates are not as a channel has them");
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn a_snapshot_that_exceeds_its_limits_is_refused() {
    let (config, state) = opened(&everything()).expect("it can be read");
    let check = |limit: &str, value: u64| {
        let mut config: Value = serde_json::from_str(&config).unwrap();
        config["limits"][limit] = json!(value);
        let outcome = survive(&sealed(&config.to_string(), &state.to_string()), &[]);
        let error = outcome.expect_err(limit);
        assert!(error.contains(&format!("limit {limit} is exceeded by")), "{error}");
    };
    check("clients", 3);
    check("topics", 1 + 1);
    check("topics_per_client", 1);
    check("members_per_topic", 1);
    check("groups", 1);
    check("topics_per_group", 1);
    check("open_pages", 1);
    check("history_messages", 2);
    check("history_bytes", 9);
    check("history_messages_per_topic", 2);
    check("history_bytes_per_topic", 9);
}
