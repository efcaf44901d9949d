//! Which shard has which topic, and how the channel of a shard is configured.

use std::collections::BTreeMap;

use parlor::{Address, Config, Topic};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The number of the shard that has a topic: FNV-1a of its bytes, modulo the shards.
///
/// The same in every run and on every machine, so that the journal of a shard has all events of its
/// topics.
///
/// ```
/// assert_eq!(parlor_server::shard_of(&"room:1".into(), 1), 0);
/// assert!(parlor_server::shard_of(&"room:1".into(), 8) < 8);
/// ```
#[must_use]
pub fn shard_of(topic: &Topic, shards: usize) -> usize {
    of_name(topic.as_str(), shards)
}

fn of_name(name: &str, shards: usize) -> usize {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // The low bits of FNV-1a of short names are the weaker ones.
    let mixed = hash ^ (hash >> 32);
    usize::try_from(mixed % shards.max(1) as u64).unwrap_or_default()
}

/// The shard that publishes to an address: for a topic that which has it, for a group each of them.
/// For all else it could be any, and is always the same one, so that messages keep their order.
pub(crate) fn of_address(address: &Address, shards: usize) -> Option<usize> {
    match address {
        Address::Topic(topic) => Some(shard_of(topic, shards)),
        Address::User(user) => Some(of_name(user.as_str(), shards)),
        Address::Client(client) => Some(of_name(client.as_str(), shards)),
        Address::Everyone => Some(0),
        Address::Group(_) => None,
        other => {
            tracing::error!(?other, "no shard publishes to such an address");
            Some(0)
        }
    }
}

/// The configurations of all shards: each has the declared rooms that are its own, and all else.
pub(crate) fn configs(
    config: &Config,
    first_epoch: u64,
    shards: usize,
) -> Result<Vec<Config>, String> {
    (0..shards).map(|shard| of_shard(config, first_epoch, shard, shards)).collect()
}

#[derive(Deserialize)]
struct Pattern {
    pattern: Topic,
}

/// By way of the document, whose values are carried as they stand.
fn of_shard(
    config: &Config,
    first_epoch: u64,
    shard: usize,
    shards: usize,
) -> Result<Config, String> {
    let text = config.to_json();
    let read = |error: serde_json::Error| error.to_string();
    let mut document: BTreeMap<&str, &RawValue> = serde_json::from_str(&text).map_err(read)?;
    let rooms: Vec<&RawValue> = document
        .get("rooms")
        .map_or(Ok(Vec::new()), |rooms| serde_json::from_str(rooms.get()))
        .map_err(read)?;
    let mut own = Vec::new();
    for room in rooms {
        let Pattern { pattern } = serde_json::from_str(room.get()).map_err(read)?;
        if !config.is_declared(&pattern) || shard_of(&pattern, shards) == shard {
            own.push(room);
        }
    }
    let own = serde_json::value::to_raw_value(&own).map_err(read)?;
    let epoch = serde_json::value::to_raw_value(&first_epoch).map_err(read)?;
    document.insert("rooms", &own);
    document.insert("first_epoch", &epoch);
    // Clients compare refs too, also with those of an earlier run.
    document.insert("first_ref", &epoch);
    let document = serde_json::to_string(&document).map_err(read)?;
    Config::from_json(&document).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use parlor::RoomConfig;

    use super::*;

    #[test]
    fn topics_are_spread_evenly() {
        let mut counts = [0; 4];
        for number in 0..4_000 {
            counts[shard_of(&format!("room:{number}").as_str().into(), 4)] += 1;
        }
        assert!(counts.iter().all(|count| (800..1_200).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_declared_room_is_on_the_shard_of_its_topic_and_a_pattern_on_all() {
        let mut builder = Config::builder().room("chat:*", RoomConfig::default());
        let names: Vec<_> = (0..20).map(|number| format!("hall:{number}")).collect();
        for name in &names {
            builder = builder.room(name.as_str(), RoomConfig::default().with_max_members(5));
        }
        let config = builder.grace_ms(7).build().unwrap();
        let shards = configs(&config, 99, 3).unwrap();
        let mut found = Vec::new();
        for (number, shard) in shards.iter().enumerate() {
            assert_eq!((shard.grace_ms(), shard.first_epoch()), (7, 99));
            assert_eq!(shard.first_ref().get(), 99);
            assert!(shard.to_json().contains(r#""pattern":"chat:*""#));
            for (topic, room) in shard.declared() {
                assert_eq!((shard_of(topic, 3), room.max_members), (number, Some(5)));
                found.push(topic.as_str().to_owned());
            }
        }
        found.sort();
        let mut names = names;
        names.sort();
        assert_eq!(found, names);
    }
}
