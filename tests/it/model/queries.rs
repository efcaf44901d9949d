//! What can be asked of the model, from outside and by the event `query`.

use super::{
    Ask, Model, Outcome,
    lines::{json, list, object},
    pick,
    state::{Footing, Room},
};

/// The queries of section 2; unknown names give empty answers.
impl Model {
    /// Section 4: read only; always answered by a reply.
    pub(super) fn query(&mut self, ask: &Ask) -> Outcome {
        self.check(ask)?;
        let (topic, client) = (ask.text("topic"), ask.text("client_id"));
        let what = ask.text("what");
        let needed = match what.as_str() {
            "room" | "members" | "presences" => "topic",
            "topics_of" => "client_id",
            _ => "what",
        };
        if !ask.has(needed) {
            return Err("invalid_request".into());
        }
        let answer = match what.as_str() {
            "rooms" => {
                let rooms = self.rooms.iter().map(|room| &room.topic);
                list(&rooms.filter_map(|topic| self.room_info(topic)).collect::<Vec<_>>())
            }
            "room" => self.room_info(&topic).unwrap_or_else(|| "null".into()),
            "members" => json(&self.members_of(&topic)),
            "presences" => self.presences(&topic),
            "topics_of" => {
                let body = object("topics", &[json(&self.topics_of(&client))]);
                self.reply(ask, body);
                return Ok(());
            }
            "stats" => self.stats(),
            other => panic!("{other} is nothing that can be asked for"),
        };
        self.reply(ask, object(&what, &[answer]));
        Ok(())
    }

    /// Section 7: between a crash and the restart.
    pub fn crashed(&self) -> bool {
        self.crashed
    }

    /// Section 1: how many pairs of client and topic there are, detached ones too.
    pub fn membership_count(&self) -> usize {
        self.members.len()
    }

    /// Section 2: how many memberships are held by the grace.
    pub fn detached(&self) -> usize {
        let attached = |room: &Room| self.attached(&room.topic).count();
        self.members.len() - self.rooms.iter().map(attached).sum::<usize>()
    }

    /// Section 2: in order of creation.
    pub fn topics(&self) -> Vec<String> {
        pick(&self.rooms, |_| true, |room| &room.topic)
    }

    /// Section 1: epoch and offset.
    pub fn position(&self, topic: &str) -> Option<(u64, u64)> {
        self.find_room(topic).map(|room| (room.epoch, room.offset))
    }

    /// Section 2: how many members there are, detached ones too.
    pub fn size(&self, topic: &str) -> usize {
        self.members_of(topic).len()
    }

    /// Section 2: attached members in join order.
    pub fn subscribers(&self, topic: &str) -> Vec<String> {
        self.attached(topic).map(|member| member.client.clone()).collect()
    }

    /// Section 2: in the order in which this client came to them, by joining or tracking.
    pub fn topics_of(&self, client: &str) -> Vec<String> {
        let is_its = |f: &&Footing| f.client == client && self.is_member(client, &f.topic);
        self.footings.iter().filter(is_its).map(|f| f.topic.clone()).collect()
    }

    /// Section 2: in the order in which the clients came to exist.
    pub fn clients_of(&self, user: &str) -> Vec<String> {
        pick(&self.clients, |client| client.user == user, |client| &client.id)
    }

    /// Section 2: each topic once, client by client.
    pub fn topics_of_user(&self, user: &str) -> Vec<String> {
        let mut topics = Vec::new();
        for client in self.clients_of(user) {
            for topic in self.topics_of(&client) {
                if !topics.contains(&topic) {
                    topics.push(topic);
                }
            }
        }
        topics
    }

    /// Section 1: whether this client is in this topic.
    pub fn is_member(&self, client: &str, topic: &str) -> bool {
        self.members.iter().any(|m| m.client == client && m.topic == topic)
    }

    /// Section 1: whether any client of this user is in this topic.
    pub fn is_user_in(&self, user: &str, topic: &str) -> bool {
        self.members.iter().any(|m| m.user == user && m.topic == topic)
    }

    /// Section 2: in the order in which it subscribed.
    pub fn subscriptions(&self, client: &str, topic: &str) -> Vec<String> {
        let mut members = self.members.iter();
        let member = members.find(|m| m.client == client && m.topic == topic);
        member.map_or_else(Vec::new, |member| member.subscriptions.clone())
    }

    /// Section 2: how many clients exist.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    /// Section 4: what a client brought when it connected, as JSON text; `""` is none.
    pub fn client_data(&self, id: &str) -> String {
        self.find_client(id).map_or_else(String::new, |client| client.data.clone())
    }

    /// Section 4: whether a client is registered, and whether its connection is there.
    pub fn client_state(&self, id: &str) -> Option<bool> {
        self.find_client(id).map(|client| client.until.is_none())
    }

    /// Section 3: the largest time that was told.
    pub fn clock_ms(&self) -> u64 {
        self.clock_ms
    }
}
