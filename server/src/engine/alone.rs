//! The engine and its lanes alone, without sockets: what a broadcast costs the engine, and how soon it
//! is in all queues.
//!
//! ```text
//! cargo test --release --workspace --lib -- --ignored --nocapture engine_alone
//! ```

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use parlor::{Broadcast, Config, Connect, Join, Payload, PresenceMode, RoomConfig};
use tokio::{runtime::Builder, sync::oneshot};

use super::{DELIVERED, Engine, Message, Seat, Wire};
use crate::{
    clock::Clock, history::Keeper, metrics::Metrics, openings::Openings, queue::Queue,
    settings::Settings,
};

const CONNECTIONS: usize = 10_000;

/// How many deliveries are under way at most: less than what would have the engine help its lanes.
const ROUND: usize = 50_000;
const ROUNDS: usize = 40;

/// An engine whose connections nobody serves.
struct Alone {
    engine: Engine,
    queues: Vec<Arc<Queue>>,
}

impl Alone {
    fn new(lanes: usize, members: usize) -> (Self, Metrics) {
        Self::of(CONNECTIONS, lanes, members)
    }

    /// All connections are members of one room each, of so many members.
    fn of(connections: usize, lanes: usize, members: usize) -> (Self, Metrics) {
        let room = RoomConfig::default().with_presence(PresenceMode::Off);
        let channel = Config::builder().default_room(room).build().unwrap();
        let (settings, metrics) = (Settings::default(), Metrics::new(lanes));
        let parts = (&Arc::new(Openings::default()), &metrics);
        let engine =
            Engine::new(channel, None, Keeper::default(), Clock::start(), parts, &settings);
        let mut alone = Self { engine, queues: Vec::new() };
        for number in 0..connections {
            let client_id = id(number);
            let queue = Arc::new(Queue::new(usize::MAX, usize::MAX));
            alone.queues.push(Arc::clone(&queue));
            let wire = Wire::Phoenix;
            let (generation, address, held) = (1, None, Vec::new());
            let seat =
                Seat { client_id: client_id.clone(), generation, queue, wire, address, held };
            let connect = Box::new(Connect::new(&client_id, "ann", 0));
            alone.engine.take(Message::Enter { connect, seat });
            let topic = format!("room:{}", number / members);
            let event = Join::new(&client_id, topic, "ann", 0).into();
            alone.engine.take(Message::Event { client_id, generation, event, flaw: None });
        }
        alone.engine.settle();
        (alone, metrics)
    }

    /// Has it say so many things, each in another room; returns how long the engine ran for it.
    fn say(&mut self, many: usize, members: usize) -> Duration {
        let rooms = CONNECTIONS / members;
        let messages: Vec<_> = (0..many)
            .map(|number| {
                let room = number % rooms;
                let client_id = id(room * members);
                let payload = Payload::json(r#"{"text":"hello, all of you"}"#).unwrap();
                let event = Broadcast::new(&client_id, format!("room:{room}"), payload).into();
                Message::Event { client_id, generation: 1, event, flaw: None }
            })
            .collect();
        let began = thread_time();
        for (number, message) in messages.into_iter().enumerate() {
            self.engine.take(message);
            if number % DELIVERED == 0 {
                self.engine.settle();
            }
        }
        self.engine.settle();
        thread_time().saturating_sub(began)
    }

    fn until_passed(&mut self) {
        let (answer, passed) = oneshot::channel();
        self.engine.take(Message::Ping(answer));
        self.engine.settle();
        passed.blocking_recv().unwrap();
    }

    fn empty(&self) -> usize {
        let mut items = Vec::new();
        for queue in &self.queues {
            let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
            while queue.poll_take(context, &mut items).is_ready() {}
        }
        items.len()
    }
}

/// How long this thread has run: with fewer cores than threads, it waits for the others in between.
fn thread_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

/// What is long by nature: how long each keeps the engine from its mailbox.
#[test]
#[ignore = "it measures, and asserts only that all is delivered"]
#[expect(clippy::print_stdout, reason = "it shows what it measures")]
fn engine_alone_what_is_long() {
    const MANY: usize = 100_000;
    let timed = |what: &str, act: &mut dyn FnMut()| {
        let began = Instant::now();
        act();
        println!("{what:<60}{:>9.1} ms", began.elapsed().as_secs_f64() * 1e3);
    };
    let (mut alone, _metrics) = Alone::of(MANY, 1, MANY);
    alone.empty();
    let text = || Payload::json("1").unwrap();
    timed("a broadcast to 100,000 members", &mut || {
        let said = Broadcast::new(id(0), "room:0", text()).into();
        let (client_id, generation) = (id(0), 1);
        alone.engine.take(Message::Event { client_id, generation, event: said, flaw: None });
        alone.engine.settle();
    });
    alone.empty();
    timed("a room of 100,000 members is closed", &mut || {
        let (answer, _done) = oneshot::channel();
        let event = parlor::CloseRoom::new("room:0").with_ref("1").into();
        alone.engine.take(Message::Operate { event, answer });
        alone.engine.settle();
    });
    assert_eq!(alone.empty(), 2 * MANY, "each is told that it is out, and that the room has gone");
    let (mut alone, _metrics) = Alone::of(MANY, 1, 1);
    alone.empty();
    timed("the topics of 100,000 rooms", &mut || {
        assert_eq!(alone.engine.channel.topics().len(), MANY);
    });
    let topics = alone.engine.channel.topics();
    timed("what 500 of 100,000 rooms are like", &mut || {
        let some = topics.iter().take(500).filter_map(|topic| alone.engine.channel.room(topic));
        assert_eq!(some.count(), 500);
    });
    timed("a crash with 100,000 rooms", &mut || {
        let (answer, _done) = oneshot::channel();
        alone.engine.take(Message::Operate { event: parlor::Event::crash("boom"), answer });
        alone.engine.settle();
    });
}

fn id(number: usize) -> parlor::ClientId {
    format!("client:{number}").into()
}

#[test]
#[ignore = "it measures, and asserts only that all is delivered"]
#[expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "it shows what it measures")]
fn engine_alone() {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    println!("{CONNECTIONS} connections, {cores} cores; ns of a broadcast");
    println!(
        "{:>8}{:>8}{:>16}{:>16}{:>16}",
        "members", "lanes", "engine", "in all queues", "per delivery"
    );
    for members in [10, 100, 10_000] {
        for lanes in [1, 2, 4] {
            let (mut alone, _metrics) = Alone::new(lanes, members);
            let runtime = Builder::new_multi_thread().worker_threads(lanes).build().unwrap();
            for lane in alone.engine.lanes() {
                runtime.spawn(lane);
            }
            alone.until_passed();
            alone.empty();
            let many = ROUND / members;
            let (mut engine, mut all) = (Duration::ZERO, Duration::ZERO);
            for _ in 0..ROUNDS {
                let began = Instant::now();
                engine += alone.say(many, members);
                alone.until_passed();
                all += began.elapsed();
                assert_eq!(alone.empty(), many * members, "each is delivered");
            }
            let each = |all: Duration| all.as_nanos() as f64 / (many * ROUNDS) as f64;
            println!(
                "{members:>8}{lanes:>8}{:>16.0}{:>16.0}{:>16.1}",
                each(engine),
                each(all),
                each(all) / members as f64,
            );
        }
    }
}
