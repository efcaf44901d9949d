//! What can be asked of the model.

use super::{Member, Model, entry, pick};

/// The queries of section 2; unknown names give empty answers.
impl Model {
    /// Section 7: between a crash and the restart.
    pub fn crashed(&self) -> bool {
        self.crashed
    }

    /// Section 1: how many pairs of client and topic there are.
    pub fn membership_count(&self) -> usize {
        self.members.len()
    }

    /// Section 2: in order of creation.
    pub fn topics(&self) -> Vec<String> {
        pick(&self.rooms, |_| true, |r| &r.topic)
    }

    /// Section 1: epoch and offset.
    pub fn position(&self, topic: &str) -> Option<(u64, u64)> {
        let room = self.rooms.iter().find(|r| r.topic == topic);
        room.map(|r| (r.epoch, r.offset))
    }

    /// Section 2: in join order.
    pub fn subscribers(&self, topic: &str) -> Vec<String> {
        pick(&self.members, |m| m.topic == topic, |m| &m.client)
    }

    /// Section 2: the JSON text of the list; entries by first join, metas by join.
    pub fn presences(&self, topic: &str) -> String {
        let here: Vec<&Member> = self.members.iter().filter(|m| m.topic == topic).collect();
        let room = self.rooms.iter().find(|r| r.topic == topic && self.setup.presence);
        let mut entries = Vec::new();
        for user in room.iter().flat_map(|r| &r.users) {
            let mut metas = here.clone();
            metas.retain(|m| m.user == *user);
            entries.push(entry(&metas, ""));
        }
        format!("[{}]", entries.join(","))
    }

    /// Section 2: in the order in which this client joined them.
    pub fn topics_of(&self, client: &str) -> Vec<String> {
        pick(&self.members, |m| m.client == client, |m| &m.topic)
    }

    /// Section 2: in the order in which the clients came to exist.
    pub fn clients_of(&self, user: &str) -> Vec<String> {
        pick(&self.clients, |(_, of)| of == user, |(id, _)| id)
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
        self.topics_of(client).iter().any(|t| t == topic)
    }

    /// Section 1: whether any client of this user is in this topic.
    pub fn is_user_in(&self, user: &str, topic: &str) -> bool {
        self.topics_of_user(user).iter().any(|t| t == topic)
    }

    /// Section 2: how many clients exist.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    /// Section 3: the largest time that a join or rejoin has told.
    pub fn clock_ms(&self) -> u64 {
        self.clock_ms
    }
}
