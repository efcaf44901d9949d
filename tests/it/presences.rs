//! Presence in numbers: what is counted, and that nothing is lost however much waits.

use parlor::{
    Channel, ClientId, Config, Event, Join, Json, Leave, Outbound, PresenceDiff, RoomConfig, Tick,
    Track, Untrack,
};

#[test]
fn users_and_clients_are_counted_apart() {
    let mut channel = Channel::single_node(Config::default());
    for (client, user) in [("a1", "ann"), ("a2", "ann"), ("b1", "bob")] {
        channel.handle(Join::new(client, "room:1", user, 0).into());
    }

    let presences = channel.presences(&"room:1".into());
    assert_eq!((presences.len(), presences.meta_count()), (2, 3));
    assert!(channel.presences(&"room:2".into()).is_empty());
}

#[test]
fn no_change_is_lost_however_many_wait() {
    const COMERS: usize = 150;
    let mut channel = Channel::single_node(Config::default());
    let watcher = ClientId::from("watcher");
    channel.handle(Join::new(watcher.clone(), "room:1", "watcher", 0).into());
    for number in 0..COMERS {
        let (client, user) = (format!("c{number}"), format!("u{number}"));
        channel.handle(Join::new(client, "room:1", user, 0).into());
    }

    let mut heard = Vec::new();
    for outbound in channel.flush_outbox() {
        if let Outbound::PresenceDiff(diff) = outbound
            && diff.recipients.ids().any(|id| *id == watcher)
        {
            let joins = diff.diff.joins().iter();
            heard.push(joins.map(|entry| entry.key.to_string()).collect::<Vec<_>>());
        }
    }
    let expected: Vec<_> = (0..COMERS).map(|number| vec![format!("u{number}")]).collect();
    assert_eq!(heard, expected, "each who came is in a diff of its own, in order");
}

/// What a list or a diff says of its size, and how many bytes it has.
fn check_size(says: u64, value: &impl serde::Serialize, metas: usize) {
    let bytes = serde_json::to_string(value).unwrap().len();
    let says = usize::try_from(says).unwrap();
    assert!(says >= bytes, "it has {bytes} bytes and says {says}");
    let most = bytes + 40 + metas * 200;
    assert!(says <= most, "it has {bytes} bytes and says {says}, expected at most {most}");
}

#[test]
fn a2_presences_tell_their_size_without_being_made() {
    let meta = |bytes: usize| Json::parse(format!("\"{}\"", "x".repeat(bytes - 2))).unwrap();
    let odd = "\u{1}\"\\".repeat(20);
    for window_ms in [None, Some(9)] {
        let mut room = RoomConfig::default();
        room.presence_window_ms = window_ms;
        let config = Config::builder().default_room(room).build().unwrap();
        let mut channel = Channel::cluster_ready("node", "chat", config).unwrap();
        let topic = "room:1".into();
        channel.handle(Join::new("a1", "room:1", "ann", 0).with_meta(meta(4_000)).into());
        channel.handle(Join::new("a2", "room:1", "ann", u64::MAX / 2).into());
        channel.handle(Join::new(&*odd, "room:1", &*odd, 7).with_meta(meta(9)).into());
        for event in [
            Event::from(Track::new("a1", "room:1").with_meta(meta(3_000))),
            Untrack::new("a2", "room:1").into(),
            Track::new("a2", "room:1").with_meta(meta(2_000)).into(),
            Track::new("a1", "room:1").into(),
            Tick::new(u64::MAX).into(),
            Leave::new("a2", "room:1").into(),
            Leave::new(&*odd, "room:1").into(),
            Tick::new(u64::MAX).into(),
            Leave::new("a1", "room:1").into(),
        ] {
            channel.handle(event);
            channel.check_invariants();
            let entries = channel.presences(&topic);
            check_size(entries.encoded_bytes(), &entries, entries.meta_count());
        }
        for outbound in channel.flush_outbox() {
            if let Outbound::PresenceState(state) = outbound {
                let entries = state.entries;
                check_size(entries.encoded_bytes(), &entries, entries.meta_count());
            } else if let Outbound::PresenceDiff(PresenceDiff { diff, .. }) = outbound {
                let entries = diff.joins().iter().chain(diff.leaves());
                let metas = entries.map(|entry| entry.metas.len()).sum();
                check_size(diff.encoded_bytes(), &diff, metas);
            }
        }
    }
}
