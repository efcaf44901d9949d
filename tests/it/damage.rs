//! Snapshots that were changed by hand, under a checksum that is right: each is refused with words
//! that say why, or makes a channel that can live with it. Knows nothing of what is in a state.

use std::iter;

use parlor::{Channel, Config};
use serde_json::{Value, json, value::RawValue};

use super::ops::Op;

/// Where everything can happen that a snapshot has to keep.
const CONFIGS: [&str; 3] = [
    r#"{"grace_ms":40,"clients_open_rooms":"on","default_room":{"presence_window_ms":20,
    "presence_of":"clients","publishers":"clients","history_for":"clients","dedupe":2,
    "history_on_join":{"total":3},"rate_limit":{"max_events":4,"window_ms":50},
    "events":[{"name":"message","history":2},{"name":"typing"},{"name":"*","history":1}]},
    "rooms":[{"pattern":"lobby"},{"pattern":"room:2","presence":"off","max_members":3}]}"#,
    r#"{"grace_ms":0,"unlisted_topics":"refuse","default_room":{"data":{"a":"b"}},"rooms":[
    {"pattern":"room:1","presence_window_ms":0,"default_subscriptions":["typing","message"]},
    {"pattern":"*","lifetime":"persistent","events":[{"name":"*","history":3}]}]}"#,
    r#"{"grace_ms":30,"limits":{"history_messages":5,"history_bytes_per_topic":90,
    "history_messages_per_topic":3,"ids_per_topic":2,"event_names_per_topic":2,
    "groups":2,"topics_per_group":2,"subscriptions_per_member":2,"topics":5,"clients":7},
    "default_room":{"dedupe":3,"history_on_join":"all","events":[{"name":"*","history":4}]}}"#,
];

/// How many kinds of channels [`channel`] makes.
pub const KINDS: u8 = 6;

/// A channel of a kind: of each configuration alone, and in a cluster.
pub fn channel(kind: u8) -> Channel {
    let config = Config::from_json(CONFIGS[usize::from(kind / 2) % CONFIGS.len()]);
    let config = config.expect("the configuration is valid");
    match kind % 2 {
        0 => Channel::single_node(config),
        _ => Channel::cluster_ready("n\"ö", "chat", config).expect("the name is valid"),
    }
}

/// A snapshot with the checksum that belongs to it.
pub fn sealed(config: &str, state: &str) -> String {
    let bytes = config.bytes().chain([b'\n']).chain(state.bytes());
    let checksum = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!(
        r#"{{"parlor_snapshot":2,"checksum":"{checksum:016x}","config":{config},"state":{state}}}"#
    )
}

/// The configuration in a snapshot, and the state; none if something in it is too deep to be read.
pub fn opened(saved: &str) -> Option<(String, Value)> {
    #[derive(serde::Deserialize)]
    struct Parts<'a> {
        #[serde(borrow)]
        config: &'a RawValue,
        #[serde(borrow)]
        state: &'a RawValue,
    }
    let Parts { config, state } = serde_json::from_str(saved).expect("it is a snapshot");
    Some((config.get().into(), serde_json::from_str(state.get()).ok()?))
}

/// The places of everything in a state, as JSON pointers.
pub fn places(state: &Value) -> Vec<String> {
    let mut places = Vec::new();
    let mut open = vec![(String::new(), state)];
    while let Some((place, value)) = open.pop() {
        match value {
            Value::Array(values) => {
                let inner = values.iter().enumerate();
                open.extend(inner.map(|(at, value)| (format!("{place}/{at}"), value)));
            }
            Value::Object(fields) => {
                let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
                let inner = fields.iter();
                open.extend(
                    inner.map(|(name, value)| (format!("{place}/{}", escaped(name)), value)),
                );
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        places.push(place);
    }
    places
}

/// How many kinds of changes [`change`] makes.
pub const CHANGES: u8 = 18;

/// Changes what is at a place; there may be nothing that can be changed so.
pub fn change(state: &mut Value, place: &str, kind: u8) {
    let Some(value) = state.pointer_mut(place) else { return };
    let number = value.as_u64();
    match (kind % CHANGES, value) {
        (0, value) => *value = json!(0),
        (1, value) => *value = json!(1),
        (2, value) => *value = json!(u64::MAX),
        (3, value) => *value = json!(u32::MAX),
        (4, value) => *value = json!(""),
        (5, value) => *value = Value::Null,
        (6, value) => *value = json!([]),
        (7, value) => *value = json!(-1),
        (8, Value::Bool(value)) => *value = !*value,
        (9, value) => *value = json!(number.map_or(u64::MAX - 1, |number| number.wrapping_add(1))),
        (10, value) => *value = json!(number.map_or(1 << 31, |number| number.wrapping_sub(1))),
        (11, Value::Array(values)) => values.extend_from_within(..values.len().min(1)),
        (12, Value::Array(values)) => values.reverse(),
        (13, Value::Array(values)) => drop(values.pop()),
        (14, Value::Array(values)) if !values.is_empty() => values.rotate_left(1),
        (15, Value::Object(fields)) => {
            let first = fields.keys().next().cloned();
            first.map(|first| fields.remove(&first));
        }
        (16, Value::Object(fields)) => drop(fields.insert("more".into(), json!(1))),
        (17, Value::Array(values)) => values.extend(values.last().cloned()),
        _ => {}
    }
}

/// Lets a snapshot be restored, whatever it says. One that is refused says why; one that is not is
/// a snapshot of the channel that it makes, which takes whatever comes.
pub fn survive(snapshot: &str, ops: &[Op]) -> Result<(), String> {
    let mut channel = match Channel::restore(snapshot, [3, 4]) {
        Ok(channel) => channel,
        Err(error) => return Err(error.to_string()),
    };
    channel.check_invariants();
    let saved = channel.save().expect("there is nothing to flush");
    let mut again = Channel::restore(&saved, [5, 6]).expect("what was saved is restored");
    assert_eq!(again.save().as_ref(), Ok(&saved), "what was restored is what was saved");
    for (step, event) in (0..).zip(Op::events(ops)) {
        channel.handle(event.clone());
        again.handle(event.clone());
        let [said, said_again] = [&mut channel, &mut again].map(lines);
        assert_eq!(said, said_again, "both go on alike: {event:?}");
        if step % 8 == 0 {
            channel.check_invariants();
        }
    }
    channel.check_invariants();
    let saved = channel.save().expect("there is nothing to flush");
    assert_eq!(again.save().as_ref(), Ok(&saved), "both are the same in the end");
    let last = Channel::restore(&saved, [7, 8]).expect("a channel that lives can be saved");
    assert_eq!(last.save(), Ok(saved), "what was restored is what was saved");
    Ok(())
}

/// What a channel has to say, each message as one line.
fn lines(channel: &mut Channel) -> Vec<String> {
    let line = |outbound| serde_json::to_string(outbound).expect("a message is written");
    channel.flush_outbox().iter().map(line).collect()
}

/// Any bytes as ops, changes of a snapshot, and ops: one for the kind of channel, one for how much
/// is ops, up to four changes of three bytes each, the rest.
pub fn check_bytes(bytes: &[u8]) {
    let mut rest = bytes.iter().copied();
    let (kind, size) = (rest.next().unwrap_or(0), rest.next().unwrap_or(0));
    let before: Vec<_> = rest.by_ref().take(usize::from(size) * 2).collect();
    let mut channel = channel(kind % KINDS);
    for event in Op::events(&Op::decode(&before)) {
        channel.handle(event);
    }
    let _outbox = channel.flush_outbox();
    let saved = channel.save().expect("there is nothing to flush");

    let Some((config, original)) = opened(&saved) else {
        return survive(&saved, &[]).expect("what was not changed is restored");
    };
    let mut state = original.clone();
    for _ in 0..rest.next().unwrap_or(0) % 5 {
        let [place, more, change_kind] = [(); 3].map(|()| rest.next().unwrap_or(0));
        let places = places(&state);
        let place = usize::from(place) | usize::from(more) << 8;
        change(&mut state, &places[place % places.len()], change_kind);
    }
    let after: Vec<_> = rest.chain(iter::repeat_n(0, 8)).collect();
    let outcome = survive(&sealed(&config, &state.to_string()), &Op::decode(&after));
    if let Err(error) = outcome {
        assert!(error.starts_with("state: ") && error.len() > 16, "{error}");
        assert_ne!(state, original, "what was not changed is restored: {error}");
    }
}
