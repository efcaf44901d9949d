//! The first epoch of a server, by which no position of an earlier run is taken for one of this run.
//!
//! An epoch is `second of the start << 20 | 20 random bits`, and each room takes the next one of its
//! channel, which counts up and never back. So two rooms of one run never share an epoch, and a
//! run that starts `n` seconds after another is past all epochs of that one unless the channel has opened
//! more than `(n - 1) * 2^20` rooms in that time, which is more than a million per second.
//!
//! What is left is a start within one second of another, by a clock that went back, stands still, or
//! begins at the same time at each boot. Then the random bits decide: a topic gets an epoch that it had
//! before with a probability of at most 2^-20 for each such start before.
//!
//! A store knows the epochs of the messages in it, and counts as a clock: the start is at least one
//! second later than all of them. So an epoch of a stored message never comes again.

/// How many random bits an epoch begins with.
const RANDOM_BITS: u32 = 20;

/// The largest number that JavaScript has exactly, which epochs must not exceed.
const MAX_EPOCH: u64 = (1 << 53) - 1;

/// The last second that an epoch can begin with, in the year 2242. It leaves 2^40 epochs.
const MAX_SECOND: u64 = (MAX_EPOCH >> RANDOM_BITS) - (1 << 20);

/// The first epoch of a run that starts at that second since 1970, with such random bits, and with a
/// store whose messages all have lower epochs than `next`: 0 without a store. None if there are no
/// epochs left above those of the store.
pub(crate) fn first(unix_s: u64, random: u32, next: u64) -> Option<u64> {
    let after_store = (next >> RANDOM_BITS) + 1;
    if after_store > MAX_SECOND {
        return None;
    }
    let second = unix_s.clamp(1, MAX_SECOND).max(after_store);
    let random = u64::from(random) & ((1 << RANDOM_BITS) - 1);
    Some(second << RANDOM_BITS | random)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use parlor::{Channel, Config, Join, Position, Rejoin};

    use super::*;

    /// A clock that goes on, goes back, stands still, repeats itself, and begins in 1970.
    const SECONDS: [u64; 12] = [
        1_795_000_000,
        1_795_000_001,
        1_795_000_060,
        1_794_000_000,
        1_795_000_001,
        1_795_000_001,
        1_795_000_001,
        0,
        0,
        1_795_000_000,
        u64::MAX,
        u64::MAX,
    ];

    /// Opens rooms in a run, and returns the epoch of each.
    fn open(first: u64, topics: &[String]) -> BTreeMap<String, u64> {
        let config = Config::builder().first_epoch(first).build().unwrap();
        let mut channel = Channel::single_node(config);
        let epochs = topics.iter().map(|topic| {
            channel.handle(Join::new("c", topic.as_str(), "u", 0).into());
            let room = channel.room(&topic.as_str().into()).unwrap();
            (topic.clone(), room.position.epoch)
        });
        epochs.collect()
    }

    #[test]
    fn a4_no_topic_gets_an_epoch_twice_whatever_the_clock_does() {
        let topics: Vec<_> = (0..100).map(|number| format!("room:{number}")).collect();
        let mut known = BTreeSet::new();
        for (start, unix_s) in SECONDS.into_iter().enumerate() {
            // Bits that are further apart than there are rooms, and perhaps more than 20 of them.
            let random = u32::MAX - 1_000 * u32::try_from(start).unwrap();
            let first = first(unix_s, random, 0).unwrap();
            // Each run opens its rooms in another order.
            let mut topics = topics.clone();
            topics.rotate_left(start * 7);
            for (topic, epoch) in open(first, &topics) {
                assert!(epoch <= MAX_EPOCH, "{epoch}");
                assert!(known.insert((topic.clone(), epoch)), "{topic} has {epoch} again");
            }
        }
    }

    #[test]
    fn a4_of_all_random_bits_one_repeats_the_epoch_of_a_topic() {
        let (earlier, place_then, place_now) = (first(9, 77, 0).unwrap(), 5, 3);
        let repeats = (0..1 << RANDOM_BITS)
            .filter(|random| first(9, *random, 0).unwrap() + place_now == earlier + place_then);
        assert_eq!(repeats.count(), 1, "of 2^20");
    }

    #[test]
    fn a4_with_a_store_no_clock_repeats_an_epoch() {
        let mut next = 0;
        for unix_s in SECONDS.into_iter().filter(|unix_s| *unix_s < u64::MAX) {
            // The same bits each time.
            let first = first(unix_s, 5, next).unwrap();
            assert!(first >= next, "{first} is not past {next}");
            next = first + 3_000_000;
        }
        assert_eq!(first(1, 0, 1_795_000_000_123), Some(1_711_846 << 20), "milliseconds of before");
        for too_high in [MAX_EPOCH, u64::MAX] {
            assert_eq!(first(1, 0, too_high), None);
        }
    }

    #[test]
    fn an_epoch_is_exact_in_javascript_to_the_last_room() {
        let last = first(u64::MAX, u32::MAX, 0).unwrap();
        assert!(last + (1 << 40) <= MAX_EPOCH, "{last}");
        assert_eq!(MAX_EPOCH, 9_007_199_254_740_991);
    }

    #[test]
    fn a_position_of_an_earlier_run_recovers_nothing() {
        let stands_still = [3, 1 << 10].map(|random| first(7, random, 0).unwrap());
        let [earlier, later] = stands_still.map(|first| open(first, &["room:1".to_owned()]));
        let config = Config::builder().first_epoch(later["room:1"]).build().unwrap();
        let mut channel = Channel::single_node(config);
        let position = Position { epoch: earlier["room:1"], offset: 0 };
        let rejoin = Rejoin::new("c", "room:1", "u", 0).with_since(position);
        channel.handle(rejoin.into());
        let reply = serde_json::to_value(&channel.flush_outbox()[0]).unwrap();
        assert_eq!(reply["reply"]["payload"]["recovered"], false, "{reply}");
    }
}
