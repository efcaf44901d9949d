//! Whether a client that comes back is told the truth about what it missed, in the configuration
//! that docs/wire.md recommends.

use parlor::{
    Audience, Body, Broadcast, Channel, Config, Disconnect, Join, Outbound, Payload, Position,
    Rejoin, Subscribe, Unsubscribe,
};

/// What docs/wire.md recommends, as its settings become a configuration of the core.
fn recommended() -> Channel {
    let page = include_str!("../../docs/wire.md");
    assert!(page.contains("[default_room]\n  events = [{name = \"*\", history = 100}]\n"));
    let config = r#"{"grace_ms":30000,"default_room":{"events":[{"name":"*","history":100}]}}"#;
    let mut channel = Channel::single_node(Config::from_json(config).unwrap());
    for (client, user) in [("a", "ann"), ("b", "bob")] {
        channel.handle(Join::new(client, "t", user, 0).into());
    }
    channel
}

fn say(channel: &mut Channel, client: &str, event: &str, audience: Audience) {
    let payload = Payload::json("1").unwrap();
    let message = Broadcast::new(client, "t", payload).with_event(event).with_audience(audience);
    channel.handle(message.into());
}

/// Loses the connection of `a`, lets things happen, and returns whether `a` has recovered when it
/// comes back, and what it is sent again.
fn come_back(channel: &mut Channel, meanwhile: impl FnOnce(&mut Channel)) -> (bool, Vec<u64>) {
    let offset = channel.room(&"t".into()).unwrap().position.offset;
    channel.handle(Disconnect::new("a", 1).into());
    meanwhile(channel);
    let _earlier = channel.flush_outbox();
    let rejoin = Rejoin::new("a", "t", "ann", 2);
    channel.handle(rejoin.with_since(Position { epoch: 1, offset }).into());
    let outbox = channel.flush_outbox();
    let Some(Outbound::Reply(reply)) = outbox.first() else { panic!("{outbox:?}") };
    let Ok(Body::Rejoined { recovered, .. }) = &reply.result else { panic!("{reply:?}") };
    let replayed = outbox.iter().filter_map(|outbound| {
        let Outbound::BroadcastMessage(message) = outbound else { return None };
        message.position().filter(|_| message.replayed)
    });
    (*recovered, replayed.map(|position| position.offset).collect())
}

fn subscribe_to_messages(channel: &mut Channel) {
    channel.handle(Subscribe::new("a", "t", "message").into());
    channel.handle(Unsubscribe::new("a", "t", "*").into());
}

#[test]
fn a10_a_flood_of_another_name_makes_no_gap() {
    let mut channel = recommended();
    subscribe_to_messages(&mut channel);
    let flood = |channel: &mut Channel| {
        say(channel, "b", "message", Audience::All);
        (0..500).for_each(|_| say(channel, "b", "cursor", Audience::All));
    };
    assert_eq!(come_back(&mut channel, flood), (true, vec![1]));
    assert_eq!(come_back(&mut channel, flood), (true, vec![502]));
}

#[test]
fn a10_a_gap_of_the_name_itself_is_one() {
    let mut channel = recommended();
    subscribe_to_messages(&mut channel);
    let many = |count: u64| {
        move |channel: &mut Channel| {
            (0..count).for_each(|_| say(channel, "b", "message", Audience::All));
        }
    };
    assert_eq!(come_back(&mut channel, many(100)), (true, (1..=100).collect()));
    assert_eq!(come_back(&mut channel, many(101)), (false, (102..=201).collect()));
}

#[test]
fn a10_what_excluded_the_client_makes_no_gap() {
    let mut channel = recommended();
    channel.handle(Join::new("a2", "t", "ann", 0).into());
    let to_others = |channel: &mut Channel| {
        (0..150).for_each(|_| say(channel, "a2", "message", Audience::OtherUsers));
    };
    assert_eq!(come_back(&mut channel, to_others), (true, vec![]));
    let to_others = |channel: &mut Channel| {
        (0..150).for_each(|_| say(channel, "a2", "message", Audience::Others));
    };
    assert_eq!(come_back(&mut channel, to_others), (false, (201..=300).collect()));
}

#[test]
fn a10_names_without_a_definition_are_told_apart_up_to_the_limit() {
    let flood = |names: usize| {
        move |channel: &mut Channel| {
            for number in 0..names * 102 {
                say(channel, "b", &format!("e{}", number % names), Audience::All);
            }
        }
    };
    // Each name is kept by itself, so no more names than the limit are accepted at once.
    let mut channel = recommended();
    subscribe_to_messages(&mut channel);
    assert_eq!(come_back(&mut channel, flood(100)), (true, vec![]));
}
