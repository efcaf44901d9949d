//! What does it cost to speak Dialogue's protocol, a packet?
//!
//! `in` reads what the client says into an event; `out` encodes what the channel says: a broadcast
//! for all of its recipients at once, the answer to a join, and a page of 50 messages. The payload
//! has 100 bytes. Not included: the channel, and Socket.IO's own framing.

#![expect(clippy::panic, reason = "a bench that is wrong should stop")]

use criterion::{Criterion, criterion_group, criterion_main};
use parlor::{
    Channel, Config, Event, EventDefinition, Outbound, RoomConfig,
    wire::dialogue::{Connection, Incoming, shared},
};

const JOIN: &str = r#"{"roomId":"general"}"#;
const GET_HISTORY: &str = r#"{"roomId":"general","eventName":"message","start":0,"end":50}"#;

fn trigger() -> String {
    let data = format!(r#"{{"text":"{}"}}"#, "x".repeat(89));
    format!(r#"{{"roomId":"general","event":"message","data":{data}}}"#)
}

fn read(connection: &mut Connection, name: &str, argument: &str) -> Event {
    match connection.event(name, Some(argument), 0) {
        Incoming::Event(event) => event,
        other @ (Incoming::Packet(_) | Incoming::Nothing) => {
            panic!("expected an event, got {other:?}")
        }
    }
}

/// What a channel says to what a client says, the last of a kind.
fn said(label: &str) -> (Connection, Outbound) {
    let room = RoomConfig::default().with_event(EventDefinition::new("message").with_history(50));
    let config = Config::builder().room("general", room).build();
    let mut channel = Channel::single_node(config.expect("the configuration is valid"));
    let mut connection = Connection::new("c1", "ann");
    channel.handle(connection.connect(0));
    channel.handle(read(&mut connection, "dialogue:join", JOIN));
    for _ in 0..50 {
        channel.handle(read(&mut connection, "dialogue:trigger", &trigger()));
    }
    channel.handle(read(&mut connection, "dialogue:getHistory", GET_HISTORY));
    let mut outbox: Vec<_> = channel.flush_outbox().into_iter().collect();
    outbox.retain(|outbound| outbound.label() == label);
    // Without a mark of its own, a page is sent at once, however often.
    let mut last = outbox.swap_remove(0);
    if let Outbound::History(page) = &mut last {
        page.reference = None;
    }
    (connection, last)
}

fn incoming(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dialogue_in");
    let trigger = trigger();
    for (name, argument) in [("dialogue:trigger", &*trigger), ("dialogue:join", JOIN)] {
        let mut connection = Connection::new("c1", "ann");
        group.bench_function(name, |bencher| {
            bencher.iter(|| read(&mut connection, name, argument));
        });
    }
    group.finish();
}

fn outgoing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dialogue_out");
    let (_, broadcast) = said("broadcast_message");
    group.bench_function("broadcast_message", |bencher| bencher.iter(|| shared(&broadcast)));
    for label in ["reply", "history"] {
        let (mut connection, outbound) = said(label);
        assert_eq!(connection.outgoing(&outbound).len(), 1, "{label} is for the client");
        group.bench_function(label, |bencher| bencher.iter(|| connection.outgoing(&outbound)));
    }
    group.finish();
}

criterion_group!(benches, incoming, outgoing);
criterion_main!(benches);
