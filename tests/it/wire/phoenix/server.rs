//! A server without sockets: a channel, and a connection for each of its clients.

use std::collections::BTreeMap;

use parlor::{
    Channel, Config, Event, Outbound,
    wire::phoenix::{Connection, Frame, Incoming, Malformed, Positions, shared},
};

/// What a client receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub to: String,
    pub frame: Frame,
}

#[derive(Debug)]
pub struct Server {
    pub channel: Channel,
    pub connections: BTreeMap<String, Connection>,
    pub positions: Positions,
    pub now_ms: u64,
    sent: Vec<Sent>,
}

impl Server {
    pub fn new(config: Config) -> Self {
        Self {
            channel: Channel::single_node(config),
            connections: BTreeMap::new(),
            positions: Positions::Sent,
            now_ms: 0,
            sent: Vec::new(),
        }
    }

    /// A connection of a client of that name, in place of the one that it had.
    pub fn connect(&mut self, client: &str, user: &str) {
        self.connections.insert(client.to_owned(), Connection::new(client, user));
    }

    pub fn connection(&mut self, client: &str) -> &mut Connection {
        self.connections.get_mut(client).expect("the client has connected")
    }

    /// Reads a frame of a client, and sends the answer if it is one.
    pub fn read(&mut self, client: &str, frame: &Frame) -> Result<Option<Event>, Malformed> {
        let now_ms = self.now_ms;
        let connection = self.connection(client);
        let incoming = match frame {
            Frame::Text(text) => connection.text(text, now_ms)?,
            Frame::Binary(bytes) => connection.binary(bytes, now_ms)?,
        };
        Ok(match incoming {
            Incoming::Event(event) => Some(event),
            Incoming::Answer(frames) => {
                self.send(client, frames);
                None
            }
            Incoming::Nothing => None,
        })
    }

    /// Hands in an event, and sends what comes of it.
    pub fn handle(&mut self, event: impl Into<Event>) {
        self.channel.handle(event.into());
        for mut outbound in self.channel.flush_outbox() {
            if let Outbound::History(page) = &mut outbound {
                page.end_at_memory();
            }
            self.perform(&outbound);
        }
    }

    /// Sends frames.
    pub fn send(&mut self, client: &str, frames: impl IntoIterator<Item = Frame>) {
        let to = |frame| Sent { to: client.to_owned(), frame };
        self.sent.extend(frames.into_iter().map(to));
    }

    /// What was sent since.
    pub fn flush(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    /// Reads a text frame, hands in what it is, and gives what its client receives.
    pub fn text(&mut self, client: &str, text: &str) -> Vec<String> {
        if let Some(event) = self.read(client, &Frame::Text(text.into())).unwrap() {
            self.handle(event);
        }
        self.received(client)
    }

    /// What a client has received since, in text; others have received it too.
    pub fn received(&mut self, client: &str) -> Vec<String> {
        let (its, others) = self.flush().into_iter().partition(|sent| sent.to == client);
        self.sent = others;
        let text = |sent: Sent| sent.frame.as_text().expect("it is sent in text").to_owned();
        Vec::into_iter(its).map(text).collect()
    }

    fn perform(&mut self, outbound: &Outbound) {
        // What a driver would write to its log, and go on.
        let shared = shared(outbound, self.positions).unwrap_or_default();
        for client in recipients(outbound) {
            let Some(connection) = self.connections.get_mut(&client) else { continue };
            if let Some(frames) = &shared {
                self.send(&client, frames.clone());
            } else {
                let frames = connection.outgoing(outbound).unwrap_or_default();
                self.send(&client, frames);
            }
        }
        if let Outbound::Disconnect(closing) = outbound {
            self.connections.remove(closing.client_id.as_str());
        }
    }
}

fn recipients(outbound: &Outbound) -> Vec<String> {
    let several = match outbound {
        Outbound::BroadcastMessage(message) => &message.recipients,
        Outbound::PresenceDiff(diff) => &diff.recipients,
        Outbound::RoomOpened(notice) | Outbound::RoomClosed(notice) => &notice.recipients,
        Outbound::Closed(closed) => &closed.recipients,
        Outbound::Reply(reply) => {
            return reply.client_id.iter().map(ToString::to_string).collect();
        }
        Outbound::PushMessage(push) => return vec![push.client_id.to_string()],
        Outbound::PresenceState(state) => return vec![state.client_id.to_string()],
        Outbound::History(page) => return vec![page.client_id.to_string()],
        Outbound::Evicted(_) | Outbound::Disconnect(_) | Outbound::System(_) => return Vec::new(),
    };
    several.ids().map(ToString::to_string).collect()
}
