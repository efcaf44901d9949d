//! What happens by itself: spec section 4, "tick", and section 7, crash and restart.

use super::{
    Ask, Model,
    lines::json,
    state::{Deadline, Footing},
};

impl Model {
    /// Section 4: what is held expires, by deadline and order of detaching; then due windows end,
    /// by deadline and creation of their topic.
    pub(super) fn tick(&mut self) {
        self.expire();

        let clock_ms = self.clock_ms;
        let mut due: Vec<(u64, String)> = Vec::new();
        for room in &self.rooms {
            let window = room.window.iter().filter(|window| window.due_ms <= clock_ms);
            due.extend(window.map(|window| (window.due_ms, room.topic.clone())));
        }
        due.sort_by_key(|(due_ms, _)| *due_ms);
        for (_, topic) in due {
            self.end_window(&topic);
        }
    }

    /// Section 7: topic by topic: `closed`, one diff, and what a room that goes leaves. Then the
    /// clients that nothing holds any more are gone.
    fn expire(&mut self) {
        let clock_ms = self.clock_ms;
        let is_over = |until: Option<Deadline>| until.is_some_and(|(at_ms, _)| at_ms <= clock_ms);
        let mut over = self.footings.clone();
        over.retain(|footing| is_over(footing.until));
        over.sort_by_key(|footing| footing.until);
        while let Some(Footing { topic, .. }) = over.first().cloned() {
            let gone: Vec<_> = super::pick(&over, |f| f.topic == topic, |f| &f.client);
            over.retain(|footing| footing.topic != topic);
            let mut members = self.members_of(&topic);
            members.retain(|client| gone.contains(client));
            let before = self.listed_presences(&topic);
            for client in &gone {
                self.end_footing(client, &topic);
            }
            if !members.is_empty() {
                self.say_closed(&topic, "expired", "", &members);
            }
            self.announce(&topic, &before, "");
            self.room_may_go(&topic);
        }
        for client in self.clients.clone() {
            if is_over(client.until) {
                self.remove_client(&client.id);
            }
            self.client_may_go(&client.id);
        }
    }

    /// Section 7: `system`, then per topic `closed` to who was attached. With a grace all are held,
    /// without one all go, and rooms with them; there are no diffs.
    pub(super) fn crash(&mut self, ask: &Ask) {
        if self.crashed {
            return;
        }
        self.crashed = true;
        let label = json(&format!("crash: {}", ask.text("reason")));
        self.say("system", "label", &[label]);
        for topic in self.topics() {
            let attached = self.subscribers(&topic);
            self.say_closed(&topic, "crashed", "", &attached);
            if self.setup.grace_ms > 0 {
                self.hold_all(&topic);
            } else {
                self.drop_all(&topic);
            }
        }
        for client in self.clients.clone() {
            self.client_may_go(&client.id);
        }
    }

    /// Members in join order, then who is present without being one, in the order of the list.
    fn hold_all(&mut self, topic: &str) {
        let mut clients = self.members_of(topic);
        let mut present = self.present_clients(topic);
        present.retain(|client| !clients.contains(client));
        clients.append(&mut present);
        for client in clients {
            let footing = self.footing(&client, topic).clone();
            self.detach(&footing);
        }
    }

    /// A room that nobody has come to yet is none that goes with its members.
    fn drop_all(&mut self, topic: &str) {
        let here = super::pick(&self.footings, |f| f.topic == topic, |f| &f.client);
        for client in &here {
            self.end_footing(client, topic);
        }
        let room = self.room_mut(topic);
        room.users.clear();
        room.window = None;
        if room.ephemeral && !here.is_empty() {
            self.room_goes(topic);
        }
    }

    /// Section 7: a restart of what has not crashed does nothing.
    pub(super) fn restart(&mut self) {
        if self.crashed {
            self.crashed = false;
            self.say("system", "label", &[json("restart")]);
        }
    }

    /// Section 2: when the next tick is due, and what for; the grace first.
    pub fn next_deadline(&self) -> Option<(u64, &'static str)> {
        let mut due = Vec::new();
        for footing in &self.footings {
            due.extend(footing.until.map(|(at_ms, _)| (at_ms, "grace")));
        }
        for client in &self.clients {
            due.extend(client.until.map(|(at_ms, _)| (at_ms, "grace")));
        }
        for room in &self.rooms {
            due.extend(room.window.as_ref().map(|window| (window.due_ms, "presence_window")));
        }
        // The words happen to be in the order in which they come first.
        due.into_iter().min()
    }
}
