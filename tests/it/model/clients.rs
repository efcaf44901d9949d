//! Clients: spec sections 1, 4 and 7, "connect", "disconnect" and "kick".

use super::{
    Ask, Model, Outcome,
    lines::json,
    state::{Client, Deadline, Footing},
};

impl Model {
    /// Section 4: registers a client, or connects one again; of one that joining has registered,
    /// it is a connect from here on, and brings its data.
    pub(super) fn connect(&mut self, ask: &Ask) -> Outcome {
        self.check(ask)?;
        let (id, user) = (ask.text("client_id"), ask.text("user_id"));
        self.check_user(&id, &user)?;
        if self.find_client(&id).is_none() && self.clients.len() >= self.setup.limits.clients {
            return Err("limit_reached clients".into());
        }

        self.register(&id, &user);
        let data = ask.raw("data").to_owned();
        let client = self.client(&id);
        if !client.stays {
            (client.stays, client.data) = (true, data);
        }
        self.reply_if_asked(ask, "{}".into());
        Ok(())
    }

    /// Section 7: without grace it leaves every topic in the order in which it came there; with a
    /// grace nothing is said, and all that it has gets a deadline. Section 4: the event can skip
    /// the grace, or say that it is over.
    pub(super) fn disconnect(&mut self, ask: &Ask) {
        let id = ask.text("client_id");
        let cause = match ask.text("grace").as_str() {
            "" | "keep" if !self.is_connected(&id) => return,
            "" | "keep" => (self.setup.grace_ms == 0).then_some("disconnected"),
            "skip" => Some("disconnected"),
            "expired" => Some("expired"),
            other => panic!("{other} is not a grace"),
        };
        if self.find_client(&id).is_none() {
            return;
        }
        if let Some(cause) = cause {
            // It has no connection any more, so what its going causes is not for it.
            let now = (self.clock_ms, 0);
            self.client(&id).until.get_or_insert(now);
            self.leave_all(&id, cause, "");
            self.remove_client(&id);
            return;
        }
        for footing in self.footings_of(&id) {
            self.detach(&footing);
        }
        let until = self.next_deadline_of_grace();
        self.client(&id).until = Some(until);
    }

    /// Section 4: out of a topic, where it is a member, detached or not, or altogether; no grace.
    pub(super) fn kick(&mut self, ask: &Ask) -> Outcome {
        self.check(ask)?;
        let (id, topic, reason) = (ask.text("client_id"), ask.text("topic"), ask.text("reason"));
        if self.find_client(&id).is_none() {
            return Err("unknown_client".into());
        }
        if ask.has("topic") {
            self.check_known(ask)?;
            if !self.is_member(&id, &topic) {
                return Err("not_member".into());
            }
            self.reply_if_asked(ask, "{}".into());
            self.leave_with(&id, &topic, "kicked", &reason);
            self.client_may_go(&id);
            return Ok(());
        }

        self.reply_if_asked(ask, "{}".into());
        self.leave_all(&id, "kicked", &reason);
        if self.is_connected(&id) {
            self.say("disconnect", "client_id reason", &[json(&id), json(&reason)]);
        }
        self.remove_client(&id);
        Ok(())
    }

    /// Section 7: one topic after the other, in the order in which the client came there.
    fn leave_all(&mut self, client: &str, cause: &str, message: &str) {
        for footing in self.footings_of(client) {
            self.leave_with(client, &footing.topic, cause, message);
        }
    }

    /// Section 7: `closed` to that client if it was a member, the diff, and the end of the room.
    fn leave_with(&mut self, client: &str, topic: &str, cause: &str, message: &str) {
        let was_member = self.is_member(client, topic);
        let before = self.listed_presences(topic);
        self.end_footing(client, topic);
        if was_member {
            self.say_closed(topic, cause, message, &[client.to_owned()]);
        }
        self.announce(topic, &before, "");
        self.room_may_go(topic);
    }

    /// Sections 4 and 6: a client acts for one user.
    pub(super) fn check_user(&self, id: &str, user: &str) -> Outcome {
        match self.find_client(id) {
            Some(client) if client.user != user => Err("user_conflict".into()),
            _ => Ok(()),
        }
    }

    /// Sections 4 and 6: the client is there and connected. What it has without being a member is
    /// safe again; its memberships wait for a rejoin.
    pub(super) fn register(&mut self, id: &str, user: &str) {
        if self.find_client(id).is_none() {
            self.clients.push(Client {
                id: id.to_owned(),
                user: user.to_owned(),
                data: String::new(),
                stays: false,
                until: None,
            });
        }
        self.client(id).until = None;
        let members = self.members.clone();
        for footing in self.footings.iter_mut().filter(|footing| footing.client == id) {
            if !members.iter().any(|m| m.client == id && m.topic == footing.topic) {
                footing.until = None;
            }
        }
    }

    /// Section 7: a footing that is held, until the grace is over; one that is held already keeps
    /// its deadline.
    pub(super) fn detach(&mut self, footing: &Footing) {
        if footing.until.is_none() {
            let until = self.next_deadline_of_grace();
            self.footing(&footing.client, &footing.topic).until = Some(until);
        }
    }

    fn next_deadline_of_grace(&mut self) -> Deadline {
        self.detached += 1;
        (self.clock_ms.saturating_add(self.setup.grace_ms), self.detached)
    }

    /// Section 4: a client registered only by joining goes with its last footing.
    pub(super) fn client_may_go(&mut self, id: &str) {
        let stays = self.find_client(id).is_some_and(|client| client.stays);
        if !stays && self.footings_of(id).is_empty() {
            self.remove_client(id);
        }
    }

    /// Sections 6 and 10: rate windows go with their client.
    pub(super) fn remove_client(&mut self, id: &str) {
        self.clients.retain(|client| client.id != id);
        self.rates.retain(|rate| rate.client != id);
    }

    pub(super) fn find_client(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.id == id)
    }

    fn client(&mut self, id: &str) -> &mut Client {
        self.clients.iter_mut().find(|client| client.id == id).expect("the client is known")
    }

    /// Section 7: known, and its connection is not lost.
    pub(super) fn is_connected(&self, id: &str) -> bool {
        self.find_client(id).is_some_and(|client| client.until.is_none())
    }

    /// Section 5: recipients where no topic is involved, in connect order.
    pub(super) fn connected_clients(&self) -> Vec<String> {
        super::pick(&self.clients, |client| client.until.is_none(), |client| &client.id)
    }

    /// What the client has in rooms, in the order in which it came there.
    pub(super) fn footings_of(&self, client: &str) -> Vec<Footing> {
        let its = self.footings.iter().filter(|footing| footing.client == client);
        its.cloned().collect()
    }

    pub(super) fn footing(&mut self, client: &str, topic: &str) -> &mut Footing {
        let mut footings = self.footings.iter_mut();
        let footing = footings.find(|f| f.client == client && f.topic == topic);
        footing.expect("who is in a room has a footing there")
    }

    /// Members and presences have a footing, which keeps its place while there is either.
    pub(super) fn take_footing(&mut self, client: &str, topic: &str) {
        if self.footings_of(client).iter().all(|footing| footing.topic != topic) {
            self.footings.push(Footing {
                client: client.to_owned(),
                topic: topic.to_owned(),
                until: None,
            });
        }
        self.footing(client, topic).until = None;
    }

    /// Section 9: membership and presence end together.
    pub(super) fn end_footing(&mut self, client: &str, topic: &str) {
        self.end_meta(client, topic);
        self.members.retain(|m| m.client != client || m.topic != topic);
        self.footings.retain(|f| f.client != client || f.topic != topic);
    }
}
