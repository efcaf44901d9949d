//! What a receiver makes of what it was sent: the replay that rule R8 describes, from JSON alone.

use parlor::{Channel, ClientId, Outbound, Topic};
use serde_json::{Value, json};

/// Replays the diffs that `client` received in `topic` over its last snapshot, and returns the
/// list; fails if it is not what the channel lists.
pub(super) fn replay(
    channel: &Channel,
    said: &[Outbound],
    client: &ClientId,
    topic: &Topic,
) -> Result<String, String> {
    let list = received(said, client, topic)?;
    let listed = value(&channel.presences(topic));
    if list != listed {
        return Err(format!("replayed, it is {list}, expected {listed}"));
    }
    Ok(serde_json::to_string(&channel.presences(topic)).unwrap())
}

/// Replays the diffs that `client` received in `topic` over its last snapshot.
pub(super) fn received(
    said: &[Outbound],
    client: &ClientId,
    topic: &Topic,
) -> Result<Value, String> {
    let mut list = None;
    for outbound in said {
        if let Outbound::PresenceState(state) = outbound
            && (&state.client_id, &state.topic) == (client, topic)
        {
            list = Some(value(&state.entries));
        }
        if let Outbound::PresenceDiff(diff) = outbound
            && diff.topic == *topic
            && diff.recipients.ids().any(|id| id == client)
        {
            let list = list.as_mut().ok_or("a diff came before any snapshot")?;
            apply(list, &value(&diff.diff));
        }
    }

    list.ok_or_else(|| format!("{client} has no snapshot of {topic}"))
}

/// A join whose `prev_ref` is listed takes that meta's place, others go to the end; metas in
/// `leaves` go by `ref`; an entry without metas goes.
fn apply(list: &mut Value, diff: &Value) {
    let list = list.as_array_mut().unwrap();
    for joined in diff["joins"].as_array().unwrap() {
        let at = list.iter().position(|entry| entry["key"] == joined["key"]);
        let at = at.unwrap_or_else(|| {
            list.push(json!({"key": joined["key"], "metas": []}));
            list.len() - 1
        });
        let metas = list[at]["metas"].as_array_mut().unwrap();
        for meta in joined["metas"].as_array().unwrap() {
            let previous = meta.get("prev_ref");
            match metas.iter_mut().find(|listed| listed.get("ref") == previous) {
                Some(listed) => *listed = meta.clone(),
                None => metas.push(meta.clone()),
            }
        }
    }
    for left in diff["leaves"].as_array().unwrap() {
        let gone: Vec<_> =
            left["metas"].as_array().unwrap().iter().map(|meta| &meta["ref"]).collect();
        for entry in list.iter_mut().filter(|entry| entry["key"] == left["key"]) {
            entry["metas"].as_array_mut().unwrap().retain(|meta| !gone.contains(&&meta["ref"]));
        }
    }
    list.retain(|entry| entry["metas"] != json!([]));
}

fn value(of: &impl serde::Serialize) -> Value {
    serde_json::to_value(of).unwrap()
}
