//! What does it cost to read and to write a frame of Phoenix Channels?
//!
//! Ids and topics are 16-character strings, the payload is a JSON text of 128 bytes (or as many
//! bytes), refs have four digits. *In* is from the frame to the event, *out* from the outbound to
//! the frame, *echo* from the frame through a channel to the two frames that the sender gets. The
//! throughput is in bytes of frames. Not included: sockets, and what the channel itself does (but
//! for *echo*).

#![expect(clippy::indexing_slicing, clippy::panic, reason = "a bench that is wrong should stop")]

mod workload;

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use parlor::{
    Channel, Outbound, Payload, PresenceMode,
    wire::phoenix::{Connection, Frame, Frames, Incoming, Positions, shared},
};

use self::workload::{Person, broadcast, channel, full_room, join, payload, people, topics};

/// A client that has joined a topic, and the channel that it did so in.
struct World {
    person: Person,
    topic: String,
    channel: Channel,
    connection: Connection,
    payload: Payload,
}

impl World {
    fn new(presence: PresenceMode) -> Self {
        let person = people(1).remove(0);
        let connection = Connection::new(&person.client, &person.user);
        let topic = topics(1).remove(0).to_string();
        let channel = channel(presence);
        let mut world = Self { person, topic, channel, connection, payload: payload() };
        let frame = world.text("1000", "phx_join", "{}");
        drop(world.echo(&frame));
        world
    }

    fn text(&self, reference: &str, event: &str, payload: &str) -> String {
        format!(r#"["1000","{reference}","{}","{event}",{payload}]"#, self.topic)
    }

    fn message(&self) -> String {
        let Payload::Json(json) = &self.payload else { panic!("the payload is JSON") };
        self.text("1001", "message", json.as_str())
    }

    fn binary(&self) -> Vec<u8> {
        let mut frame = vec![0, 4, 4, 16, 7];
        frame.extend(format!("10001001{}message", self.topic).bytes());
        frame.extend([7; 128]);
        frame
    }

    /// What the client gets for a frame.
    fn echo(&mut self, frame: &str) -> Vec<Frame> {
        let read = self.connection.text(frame, 1).expect("it is a frame");
        let Incoming::Event(event) = read else { panic!("it is an event") };
        self.channel.handle(event);
        let mut frames = Vec::with_capacity(2);
        for outbound in self.channel.flush_outbox() {
            match shared(&outbound, Positions::Sent).expect("names are short") {
                Some(shared) => frames.extend(shared),
                None => frames.extend(self.outgoing(&outbound)),
            }
        }
        frames
    }

    fn outgoing(&mut self, outbound: &Outbound) -> Frames {
        self.connection.outgoing(outbound).expect("names are short")
    }
}

fn reading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("phoenix/in");
    let mut world = World::new(PresenceMode::Off);
    let texts = [
        ("message", world.message()),
        ("join", world.text("1002", "phx_join", r#"{"meta":{"away":false}}"#)),
        ("heartbeat", r#"[null,"1003","phoenix","heartbeat",{}]"#.to_owned()),
        ("stale", world.message().replacen("1000", "999", 1)),
    ];
    for (name, text) in &texts {
        group.throughput(Throughput::Bytes(text.len() as u64));
        let connection = world.connection.clone();
        group.bench_function(BenchmarkId::new("text", name), |bencher| {
            let mut connection = connection.clone();
            bencher.iter(|| connection.text(black_box(text), 1));
        });
    }
    let binary = world.binary();
    group.throughput(Throughput::Bytes(binary.len() as u64));
    group.bench_function(BenchmarkId::new("binary", "message"), |bencher| {
        bencher.iter(|| world.connection.binary(black_box(&binary), 1));
    });
    group.finish();
}

fn writing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("phoenix/out");
    let mut world = World::new(PresenceMode::Off);
    let frame = world.message();
    let read = world.connection.text(&frame, 1).expect("it is a frame");
    let Incoming::Event(event) = read else { panic!("it is an event") };
    world.channel.handle(event);
    let bytes = Payload::bytes([7; 128]);
    broadcast(&mut world.channel, &world.person, &world.topic.as_str().into(), &bytes);
    let outbox = world.channel.flush_outbox();
    let [reply, text, binary] = &outbox[..] else { panic!("a reply and two messages") };

    let frames = world.outgoing(reply);
    group.throughput(Throughput::Bytes(frames.iter().map(|frame| frame.size() as u64).sum()));
    group.bench_function("reply", |bencher| {
        bencher.iter(|| world.connection.outgoing(black_box(reply)));
    });
    for (name, message) in [("broadcast_text", text), ("broadcast_binary", binary)] {
        once(&mut group, name, message);
    }

    let [person, other] = &people(2)[..] else { panic!("two people") };
    let topic = topics(1).remove(0);
    let mut channel = full_room(std::slice::from_ref(person), &topic, PresenceMode::On);
    join(&mut channel, other, &topic);
    let outbox = channel.flush_outbox();
    let diff = outbox.iter().find(|outbound| matches!(outbound, Outbound::PresenceDiff(_)));
    once(&mut group, "presence_diff", diff.expect("the other hears of it"));
    group.finish();
}

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

fn once(group: &mut Group<'_>, name: &str, outbound: &Outbound) {
    let encode = || shared(black_box(outbound), Positions::Sent).expect("names are short");
    let frames = encode().expect("it is shared");
    group.throughput(Throughput::Bytes(frames.iter().map(|frame| frame.size() as u64).sum()));
    group.bench_function(name, |bencher| bencher.iter(encode));
}

/// The list that a joiner gets, by the number of those who are there.
fn snapshots(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("phoenix/presence_state");
    for size in [10, 1_000] {
        let (people, topic) = (people(size), topics(1).remove(0));
        let mut channel = full_room(&people[1..], &topic, PresenceMode::On);
        let first = people.first().expect("there is one");
        join(&mut channel, first, &topic);
        let outbox = channel.flush_outbox();
        let state = outbox.iter().find(|outbound| matches!(outbound, Outbound::PresenceState(_)));
        let state = state.expect("a joiner gets it");
        let mut connection = Connection::new(&first.client, &first.user);
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| connection.outgoing(black_box(state)));
        });
    }
    group.finish();
}

fn echo(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("phoenix/echo");
    let mut world = World::new(PresenceMode::Off);
    let frame = world.message();
    group.throughput(Throughput::Elements(1));
    group.bench_function("message", |bencher| bencher.iter(|| world.echo(black_box(&frame))));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(12)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1_200));
    targets = reading, writing, snapshots, echo
}
criterion_main!(benches);
