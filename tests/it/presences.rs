//! Presence in numbers: what is counted, and that nothing is lost however much waits.

use parlor::{Channel, ClientId, Config, Join, Outbound};

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
