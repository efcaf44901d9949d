//! A chat over TCP in which `nc` is a client: a driver with nothing but the standard library.
//!
//! `cargo run --example tcp_chat`, then `nc 127.0.0.1 4000` in as many terminals as you like.
//!
//! The duties of a driver, each marked where it is met:
//!
//! 1. Give each connection a client id of its own, and say which user it acts for.
//! 2. Own the clock, and tell the time in events.
//! 3. Hand events in one after the other, whatever threads they come from.
//! 4. Flush after each event (or each batch), and perform every outbound, in order.
//! 5. Never wait for a client: bound what waits for it, and cut off who doesn't read.
//! 6. Take a client that has gone out of all its topics.
//! 7. Bound and clean what comes from outside.
#![expect(clippy::disallowed_types, clippy::print_stdout, reason = "a driver has clock and output")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::{env, thread, time::Instant};

use parlor::{
    Broadcast, Channel, ClientHandle, ClientId, Config, Edge, Entries, Entry, Event, Join, Json,
    Leave, Outbound, Payload, Reply, Topic,
};

const HELP: &str = "/join ROOM, /leave, /who, /quit; all else is said to the room joined last\n";
const LOBBY: &str = "lobby";
const LONGEST_LINE: u64 = 4_096; // bytes; a longer one becomes several messages
const LONGEST_QUEUE: usize = 1_024; // lines that may wait for a client

/// What a connection does, for the one loop that has the channel.
type Input = (ClientId, Said);

enum Said {
    Name(String, Peer),
    Line(String),
    NoMore,
}

/// The way to a connection: its queue, and its socket to cut it off.
struct Peer(mpsc::SyncSender<Arc<str>>, TcpStream);

struct Chat {
    channel: Channel,
    peers: Vec<Option<Peer>>, // by handle, so that a recipient costs no search for its name
    started: Instant,
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(env::args().nth(1).as_deref().unwrap_or("127.0.0.1:4000"))?;
    println!("listening on {}", listener.local_addr()?);
    let (inputs, inbox) = mpsc::sync_channel(LONGEST_QUEUE);
    thread::spawn(move || {
        for (number, socket) in listener.incoming().enumerate() {
            let (inputs, client) = (inputs.clone(), ClientId::from(format!("c{number}"))); // duty 1
            thread::spawn(move || socket.and_then(|socket| listen(&client, socket, &inputs)));
        }
    });
    let channel = Channel::single_node(Config::default());
    let mut chat = Chat { channel, peers: Vec::new(), started: Instant::now() };
    for (client, said) in inbox {
        chat.hear(&client, said); // duty 3
    }
    Ok(())
}

/// Reads what a connection says until it ends.
fn listen(id: &ClientId, socket: TcpStream, inputs: &mpsc::SyncSender<Input>) -> io::Result<()> {
    let (queue, lines) = mpsc::sync_channel(LONGEST_QUEUE);
    let mut writer = socket.try_clone()?;
    thread::spawn(move || {
        lines.into_iter().try_for_each(|line: Arc<str>| writer.write_all(line.as_bytes())).ok();
        writer.shutdown(Shutdown::Both) // nobody adds to the queue any more, or nobody reads it
    });
    queue.try_send(format!("{HELP}Your name?\n").into()).ok();

    let peer = Peer(queue, socket.try_clone()?);
    let mut reader = BufReader::new(socket);
    let Some(name) = read_line(&mut reader) else { return Ok(()) };
    let mut said = Said::Name(name.chars().take(20).collect(), peer);
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

impl Chat {
    fn hear(&mut self, client: &ClientId, said: Said) {
        match said {
            Said::Name(name, peer) => {
                self.channel.handle(Join::new(client, LOBBY, name, self.now_ms()).into());
                // It has a handle from its first join on. If that is refused, the peer is dropped.
                if let Some(handle) = self.channel.handle_of(client) {
                    *self.peer(handle) = Some(peer);
                }
                self.perform();
            }
            Said::Line(line) => self.obey(client, &line),
            Said::NoMore => {
                for topic in self.channel.topics_of(client) {
                    self.hand_in(Leave::new(client, topic)); // duty 6
                }
            }
        }
    }

    fn obey(&mut self, client: &ClientId, line: &str) {
        let Some(known) = self.channel.client(client) else { return };
        let Some(room) = self.channel.topics_of(client).pop() else { return };
        let here = format!("in {room}: {}\n", names(&self.channel.presences(&room)));
        match line.split_once(' ').unwrap_or((line, "")) {
            ("/join", room) => {
                self.hand_in(Join::new(client, room.trim(), &known.user_id, self.now_ms()));
            }
            ("/leave", _) if known.topics > 1 => self.hand_in(Leave::new(client, room)),
            // Its queue ends, then its socket, and then it leaves its last room.
            ("/leave" | "/quit", _) => *self.peer(known.handle) = None,
            ("/who", _) => self.tell(known.handle, &here.into()),
            (command, _) if command.starts_with('/') => self.tell(known.handle, &HELP.into()),
            _ => {
                let text = Json::of(line).expect("text can be written as JSON");
                self.hand_in(Broadcast::new(client, room, text));
            }
        }
    }

    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis().try_into().unwrap_or(u64::MAX) // duty 2
    }

    fn hand_in(&mut self, event: impl Into<Event>) {
        self.channel.handle(event.into());
        self.perform();
    }

    fn perform(&mut self) {
        for outbound in self.channel.flush_outbox() {
            self.send(outbound); // duty 4
        }
    }

    fn send(&mut self, outbound: Outbound) {
        let one = |client| self.channel.handle_of(client).into_iter().collect();
        let (to, line): (Vec<ClientHandle>, String) = match outbound {
            Outbound::Reply(Reply { client_id: Some(client), result: Err(refusal), .. }) => {
                (one(&client), format!("! {refusal}\n"))
            }
            Outbound::PresenceState(state) => {
                let line = format!("you are in {} with {}\n", state.topic, names(&state.entries));
                (one(&state.client_id), line)
            }
            Outbound::PresenceDiff(change) => {
                let say = |entry: &Entry| match entry.edge {
                    Edge::First => format!("* {} comes to {}\n", entry.key, change.topic),
                    Edge::Last => format!("* {} leaves {}\n", entry.key, change.topic),
                    Edge::None => String::new(), // a user with another connection here
                };
                let changes = change.diff.joins().iter().chain(change.diff.leaves());
                (change.recipients.handles().collect(), changes.map(say).collect())
            }
            Outbound::BroadcastMessage(message) => {
                let Payload::Json(json) = &message.payload else { return };
                let text: String = serde_json::from_str(json.as_str()).unwrap_or_default();
                let topic = message.topic().map_or("", Topic::as_str);
                let line = format!("{topic} <{}> {text}\n", message.from);
                (message.recipients.handles().collect(), line)
            }
            // Answers that need no words, and what comes of events that are not handed in here.
            Outbound::Reply(_)
            | Outbound::PushMessage(_)
            | Outbound::Closed(_)
            | Outbound::System(_) => return,
        };
        let line = line.into();
        for to in to {
            self.tell(to, &line);
        }
    }

    /// Puts a line in a client's queue; if that is full the client is cut off: duty 5.
    fn tell(&mut self, to: ClientHandle, line: &Arc<str>) {
        let place = self.peer(to);
        if let Some(Peer(queue, socket)) = place
            && queue.try_send(Arc::clone(line)).is_err()
        {
            socket.shutdown(Shutdown::Both).ok();
            *place = None;
        }
    }

    fn peer(&mut self, handle: ClientHandle) -> &mut Option<Peer> {
        let place = handle.index();
        self.peers.resize_with(self.peers.len().max(place + 1), || None);
        self.peers.get_mut(place).expect("there is a place for every handle")
    }
}

fn names(entries: &Entries) -> String {
    let names: Vec<_> = entries.iter().map(|entry| entry.key.to_string()).collect();
    names.join(", ")
}
