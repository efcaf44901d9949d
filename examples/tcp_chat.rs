//! A chat over TCP in which `nc` is a client: a driver with nothing but the standard library.
//!
//! `cargo run --example tcp_chat`, then `nc 127.0.0.1 4000` in as many terminals as you like.
//!
//! The duties of a driver, each marked where it is met:
//!
//! 1. Give each connection a client id of its own, and say which user it acts for.
//! 2. Own the clock, and tell the time in events.
//! 3. Hand events in one after the other, whatever threads they come from.
//! 4. Flush after each event (or each batch), and perform every outbound, in order: replies go by
//!    client id, fan-out by handle.
//! 5. Never wait for a client: bound what waits for it, and cut off who doesn't read.
//! 6. Take a client that has gone out of all its topics, and let go of its connection.
//! 7. Bound and clean what comes from outside.
#![expect(clippy::disallowed_types, clippy::print_stdout, reason = "a driver has all this")]

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use std::{env, thread};

use parlor::{
    Broadcast, Channel, ClientHandle, ClientId, Config, Edge, Entries, Entry, Event, EventKind,
    Join, Json, Leave, Outbound, Payload, Recipients, Reply, Topic,
};

const HELP: &str = "/join ROOM, /leave, /who, /quit; all else is said to the last ROOM\n";
const LOBBY: &str = "lobby";
const LONGEST_LINE: u64 = 4_096; // bytes; a longer one becomes several messages
const LONGEST_QUEUE: usize = 1_024; // lines that may wait for a client
const LONGEST_WAIT: Duration = Duration::from_secs(60); // until a client reads the next one

/// What a connection does, for the one loop that has the channel.
type Input = (ClientId, Said);

enum Said {
    Name(String, Peer),
    Line(String),
    NoMore,
}

/// The way to a connection, which ends when what is in its queue is written and nobody has this.
struct Peer {
    queue: mpsc::SyncSender<Arc<str>>,
    socket: TcpStream,
}

struct Chat {
    channel: Channel,
    /// By id, for answers: the channel may know no handle of a client that it refuses or that has
    /// just left. And the room that the client talks to.
    clients: BTreeMap<ClientId, (Arc<Peer>, Topic)>,
    /// By handle, for fan-out: a recipient costs no search for its name.
    peers: Vec<Option<Arc<Peer>>>,
    started: Instant,
}

fn main() -> Result<(), String> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:4000".to_owned());
    let cannot = |error| format!("can't listen on {address}: {error}");
    let listener = TcpListener::bind(&address).map_err(cannot)?;
    println!("listening on {}", listener.local_addr().map_err(cannot)?);
    let (inputs, inbox) = mpsc::sync_channel(LONGEST_QUEUE);
    thread::spawn(move || {
        for (number, socket) in listener.incoming().enumerate() {
            let (inputs, client) = (inputs.clone(), ClientId::from(format!("c{number}"))); // duty 1
            thread::spawn(move || socket.and_then(|socket| listen(&client, socket, &inputs)));
        }
    });
    // Drawn anew at each start, so that nobody can prepare rooms whose names collide: duty 7.
    let key = [(); 2].map(|()| RandomState::new().build_hasher().finish());
    let config = Config::builder().hash_key(key).build().map_err(|error| error.to_string())?;
    let channel = Channel::single_node(config);
    let (clients, peers, started) = (BTreeMap::new(), Vec::new(), Instant::now());
    let mut chat = Chat { channel, clients, peers, started };
    for (client, said) in inbox {
        match said {
            Said::Name(name, peer) => chat.welcome(&client, &name, peer), // duty 3
            Said::Line(line) => chat.obey(&client, &line),
            Said::NoMore => chat.part_with(&client),
        }
    }
    Ok(())
}

/// Reads what a connection says until it ends.
fn listen(id: &ClientId, socket: TcpStream, inputs: &mpsc::SyncSender<Input>) -> io::Result<()> {
    let (queue, lines) = mpsc::sync_channel(LONGEST_QUEUE);
    let mut writer = socket.try_clone()?;
    writer.set_write_timeout(Some(LONGEST_WAIT))?;
    thread::spawn(move || {
        lines.into_iter().try_for_each(|line: Arc<str>| writer.write_all(line.as_bytes())).ok();
        writer.shutdown(Shutdown::Both) // nobody adds to the queue any more, or nobody reads it
    });
    queue.try_send(format!("{HELP}Your name?\n").into()).ok();

    let peer = Peer { queue, socket: socket.try_clone()? };
    let mut reader = BufReader::new(socket);
    let Some(name) = read_line(&mut reader) else { return Ok(()) };
    let mut said = Said::Name(name, peer);
    while inputs.send((id.clone(), said)).is_ok() {
        said = read_line(&mut reader).map_or(Said::NoMore, Said::Line);
        if matches!(said, Said::NoMore) {
            return inputs.send((id.clone(), said)).map_err(io::Error::other);
        }
    }
    Ok(())
}

/// The next line that says something, without what could move the cursors of others: duty 7.
fn read_line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = Vec::new();
    while reader.take(LONGEST_LINE).read_until(b'\n', &mut line).ok()? > 0 {
        let text = String::from_utf8_lossy(&line).replace(char::is_control, " ");
        if !text.trim().is_empty() {
            return Some(text.trim().to_owned());
        }
        line.clear();
    }
    None
}

impl Peer {
    /// Puts a line in its queue; if that is full the client is cut off, which ends its thread: duty 5.
    fn tell(&self, line: Arc<str>) {
        if self.queue.try_send(line).is_err() {
            self.socket.shutdown(Shutdown::Both).ok();
        }
    }
}

impl Chat {
    /// Joins the lobby, and lets go of a client that is refused there once it has been told why.
    fn welcome(&mut self, client: &ClientId, name: &str, peer: Peer) {
        let peer = Arc::new(peer);
        self.clients.insert(client.clone(), (Arc::clone(&peer), LOBBY.into()));
        self.hand_in(Join::new(client, LOBBY, name, self.now_ms()));
        match self.channel.handle_of(client) {
            Some(handle) => *self.peer(handle) = Some(peer),
            None => drop(self.clients.remove(client)),
        }
    }

    fn obey(&mut self, client: &ClientId, line: &str) {
        let Some((peer, room)) = self.clients.get(client).cloned() else { return };
        let Some(known) = self.channel.client(client) else { return };
        match line.split_once(' ').unwrap_or((line, "")) {
            ("/join", room) if self.channel.is_member(client, &room.trim().into()) => {
                self.turn(client, room.trim().into());
            }
            ("/join", room) => {
                self.hand_in(Join::new(client, room.trim(), &known.user_id, self.now_ms()));
            }
            ("/leave", _) if known.topics > 1 => {
                self.hand_in(Leave::new(client, room));
                let last = self.channel.topics_of(client).pop();
                self.turn(client, last.expect("it was in more than one room"));
            }
            ("/leave" | "/quit", _) => self.part_with(client),
            ("/who", _) => {
                let names = names(&self.channel.presences(&room));
                peer.tell(format!("in {room}: {names}\n").into());
            }
            (command, _) if command.starts_with('/') => peer.tell(HELP.into()),
            _ => {
                let text = Json::of(line).expect("text can be written as JSON");
                self.hand_in(Broadcast::new(client, room, text));
            }
        }
    }

    /// Takes a client out of all its rooms and lets go of its connection: duty 6.
    fn part_with(&mut self, client: &ClientId) {
        if let Some(handle) = self.channel.handle_of(client) {
            *self.peer(handle) = None;
        }
        for topic in self.channel.topics_of(client) {
            self.hand_in(Leave::new(client, topic));
        }
        self.clients.remove(client);
    }

    /// Makes `room` the one that a client talks to.
    fn turn(&mut self, client: &ClientId, room: Topic) {
        if let Some((peer, talks_to)) = self.clients.get_mut(client) {
            peer.tell(format!("you talk to {room}\n").into());
            *talks_to = room;
        }
    }

    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis().try_into().unwrap_or(u64::MAX) // duty 2
    }

    fn hand_in(&mut self, event: impl Into<Event>) {
        self.channel.handle(event.into());
        for outbound in self.channel.flush_outbox() {
            self.send(outbound); // duty 4
        }
    }

    fn send(&mut self, outbound: Outbound) {
        match outbound {
            Outbound::Reply(Reply { client_id: Some(client), result: Err(refusal), .. }) => {
                self.answer(&client, format!("! {refusal}\n"));
            }
            Outbound::Reply(Reply {
                to: EventKind::Leave, client_id: Some(client), topic, ..
            }) => {
                let room = topic.expect("a leave has a topic");
                self.answer(&client, format!("you have left {room}\n"));
            }
            Outbound::PresenceState(state) => {
                let line = format!("you are in {} with {}\n", state.topic, names(&state.entries));
                self.answer(&state.client_id, line);
                if let Some((_, talks_to)) = self.clients.get_mut(&state.client_id) {
                    *talks_to = state.topic;
                }
            }
            Outbound::PresenceDiff(change) => {
                let say = |entry: &Entry| match entry.edge {
                    Edge::First => format!("* {} comes to {}\n", entry.key, change.topic),
                    Edge::Last => format!("* {} leaves {}\n", entry.key, change.topic),
                    Edge::None => String::new(), // a user with another connection here
                };
                let changes = change.diff.joins().iter().chain(change.diff.leaves());
                self.fan_out(&change.recipients, changes.map(say).collect());
            }
            Outbound::BroadcastMessage(message) => {
                let Payload::Json(json) = &message.payload else { return };
                let text: String = serde_json::from_str(json.as_str()).unwrap_or_default();
                let topic = message.topic().map_or("", Topic::as_str);
                let line = format!("{topic} <{}> {text}\n", message.from);
                self.fan_out(&message.recipients, line);
            }
            // Answers that need no words, and what comes of events that are not handed in here.
            Outbound::Reply(_)
            | Outbound::PushMessage(_)
            | Outbound::History(_)
            | Outbound::Evicted(_)
            | Outbound::RoomOpened(_)
            | Outbound::RoomClosed(_)
            | Outbound::Closed(_)
            | Outbound::Disconnect(_)
            | Outbound::System(_) => {}
        }
    }

    fn answer(&self, client: &ClientId, line: String) {
        if let Some((peer, _)) = self.clients.get(client) {
            peer.tell(line.into());
        }
    }

    fn fan_out(&mut self, recipients: &Recipients, line: String) {
        let line = Arc::<str>::from(line);
        for handle in recipients.handles() {
            if let Some(peer) = self.peer(handle) {
                peer.tell(Arc::clone(&line));
            }
        }
    }

    fn peer(&mut self, handle: ClientHandle) -> &mut Option<Arc<Peer>> {
        let place = handle.index();
        self.peers.resize(self.peers.len().max(place + 1), None);
        self.peers.get_mut(place).expect("there is a place for every handle")
    }
}

fn names(entries: &Entries) -> String {
    let names: Vec<_> = entries.iter().map(|entry| entry.key.to_string()).collect();
    names.join(", ")
}
