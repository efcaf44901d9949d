//! A driver in miniature: a channel with a guard, and sockets that note what they are sent.

use std::collections::BTreeMap;

use parlor::{
    Channel, ClientRooms, Config, ConfigBuilder, Disconnect, Event, Guard, HistoryPage, Outbound,
    Recipients, RoomConfig, StoredMessage, Topic, UnlistedTopics,
    wire::dialogue::{self, Connection, Incoming, Packet},
};

/// Rooms have to be there before they are joined, and clients may open them.
pub fn config() -> ConfigBuilder {
    Config::builder()
        .unlisted_topics(UnlistedTopics::Refuse)
        .clients_open_rooms(ClientRooms::On)
        .room("general", RoomConfig::default().with_name("General Chat"))
}

/// A channel, who is connected to it, and what they were sent.
pub struct World {
    pub channel: Channel,
    pub guard: Guard,
    pub now_ms: u64,
    /// The pages that the driver has not completed.
    pub loads: Vec<HistoryPage>,
    /// Which connections it was told to close.
    pub to_close: Vec<String>,
    sockets: BTreeMap<String, Socket>,
}

struct Socket {
    connection: Connection,
    received: Vec<Packet>,
}

impl World {
    pub fn new(config: ConfigBuilder) -> Self {
        Self {
            channel: Channel::single_node(config.build().unwrap()),
            guard: Guard::new(),
            now_ms: 1_000,
            loads: Vec::new(),
            to_close: Vec::new(),
            sockets: BTreeMap::new(),
        }
    }

    /// Accepts a socket of a client.
    pub fn connect(&mut self, client_id: &str, user_id: &str) {
        self.connect_as(Connection::new(client_id, user_id));
    }

    pub fn connect_as(&mut self, connection: Connection) {
        let connect = connection.connect(self.now_ms);
        let received = vec![connection.connected()];
        let client_id = connection.client_id().to_string();
        self.sockets.insert(client_id, Socket { connection, received });
        self.hand_in(connect);
    }

    /// Loses the socket of a client.
    pub fn disconnect(&mut self, client_id: &str) {
        self.sockets.remove(client_id);
        self.hand_in(Disconnect::new(client_id, self.now_ms));
    }

    /// What a client says goes in or is answered, and everyone is sent what comes of it.
    pub fn say(&mut self, client_id: &str, name: &str, argument: &str) {
        self.emit(client_id, &format!("dialogue:{name}"), Some(argument));
    }

    pub fn emit(&mut self, client_id: &str, name: &str, argument: Option<&str>) {
        if let Some(event) = self.arrive(client_id, name, argument) {
            self.hand_in(event);
        }
    }

    /// What a client says, up to the event that is to be handed in.
    pub fn arrive(&mut self, client_id: &str, name: &str, argument: Option<&str>) -> Option<Event> {
        let socket = self.sockets.get_mut(client_id).unwrap();
        match socket.connection.event(name, argument, self.now_ms) {
            Incoming::Event(event) => Some(event),
            Incoming::Packet(packet) => {
                socket.received.push(packet);
                None
            }
            Incoming::Nothing => None,
        }
    }

    pub fn connection(&self, client_id: &str) -> &Connection {
        &self.sockets[client_id].connection
    }

    pub fn hand_in(&mut self, event: impl Into<Event>) {
        self.guard.handle(&mut self.channel, event.into());
        for outbound in self.channel.flush_outbox() {
            self.perform(&outbound);
        }
    }

    /// Completes a page, and sends it.
    pub fn load(&mut self, mut page: HistoryPage, messages: Vec<StoredMessage>) {
        page.complete(messages, u64::MAX);
        self.send(&Outbound::History(page));
    }

    /// Shows an outbound to all connections, each of which has to know what is for it.
    pub fn perform(&mut self, outbound: &Outbound) {
        if let Outbound::History(page) = outbound
            && page.more.is_some_and(|more| more.wanted > 0)
        {
            self.loads.push(page.clone());
            return;
        }
        if let Outbound::Disconnect(close) = outbound {
            self.to_close.push(close.client_id.to_string());
        }
        self.send(outbound);
    }

    fn send(&mut self, outbound: &Outbound) {
        let shared = dialogue::shared(outbound);
        let recipients: Vec<_> = outbound
            .recipients()
            .into_iter()
            .flat_map(Recipients::ids)
            .map(ToString::to_string)
            .collect();
        for (client_id, socket) in &mut self.sockets {
            socket.received.extend(socket.connection.outgoing(outbound));
            if recipients.contains(client_id) {
                socket.received.extend(shared.clone());
            }
        }
    }

    /// What a client was sent since it was last asked for.
    pub fn received(&mut self, client_id: &str) -> Vec<Packet> {
        std::mem::take(&mut self.sockets.get_mut(client_id).unwrap().received)
    }

    /// What a client was sent since it was last asked for, each as the array that it receives.
    #[track_caller]
    pub fn check(&mut self, client_id: &str, expected: &[&str]) {
        let received: Vec<_> = self.received(client_id).iter().map(ToString::to_string).collect();
        assert_eq!(received, expected, "what {client_id} was sent");
    }

    /// What a client was sent since it was last asked for begins like that, one by one.
    #[track_caller]
    pub fn check_begins(&mut self, client_id: &str, expected: &[&str]) {
        let received: Vec<_> = self.received(client_id).iter().map(ToString::to_string).collect();
        let begins = received.iter().zip(expected).all(|(text, start)| text.starts_with(start));
        assert!(begins && received.len() == expected.len(), "{received:#?}, expected {expected:?}");
    }

    /// Forgets what all were sent.
    pub fn forget(&mut self) {
        self.sockets.values_mut().for_each(|socket| socket.received.clear());
    }

    pub fn subscribers(&self, topic: &str) -> Vec<String> {
        let subscribers = self.channel.subscribers(&Topic::from(topic));
        subscribers.ids().map(ToString::to_string).collect()
    }
}
