//! Presence: spec section 9. What is announced is always the difference of two lists.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    Ask, Model, Outcome, RoomConfig,
    lines::{json, list, object, on_one_line},
    state::{Listed, Meta, Window},
};

impl Model {
    /// Section 4: the first track is a join, a later one with other bytes a change, with the same
    /// bytes nothing.
    pub(super) fn track(&mut self, ask: &Ask) -> Outcome {
        self.check_standing(ask, RoomConfig::clients_may_be_tracked)?;
        let (client, topic) = (ask.text("client_id"), ask.text("topic"));
        if !self.room(&topic).config.has_presence() {
            return Err("permission_denied".into());
        }
        self.check_rate(&client, &topic)?;
        let footings = self.footings_of(&client);
        if footings.iter().all(|footing| footing.topic != topic) {
            if footings.len() >= self.setup.limits.topics_per_client {
                return Err("limit_reached topics_per_client".into());
            }
            let metas = self.metas.iter().filter(|meta| meta.topic == topic).count();
            if metas >= self.setup.limits.members_per_topic {
                return Err("limit_reached members_per_topic".into());
            }
        }

        self.count_rate(&client, &topic);
        self.take_footing(&client, &topic);
        let before = self.listed_presences(&topic);
        self.be_present(&client, &topic, ask.raw("meta"));
        self.reply_if_asked(ask, "{}".into());
        self.announce(&topic, &before, "");
        Ok(())
    }

    /// Section 4: untrack of the untracked is ok. Whoever is no member has nothing left there.
    pub(super) fn untrack(&mut self, ask: &Ask) -> Outcome {
        self.check_standing(ask, RoomConfig::clients_may_be_tracked)?;
        let (client, topic) = (ask.text("client_id"), ask.text("topic"));
        self.reply_if_asked(ask, "{}".into());
        if !self.is_tracked(&client, &topic) {
            return Ok(());
        }

        let before = self.listed_presences(&topic);
        if self.is_member(&client, &topic) {
            self.end_meta(&client, &topic);
        } else {
            self.end_footing(&client, &topic);
        }
        self.announce(&topic, &before, "");
        self.room_may_go(&topic);
        self.client_may_go(&client);
        Ok(())
    }

    /// Section 9: starts a presence, or changes one that has other data (`""` is none).
    ///
    /// A change gives a new ref and keeps place and `online_at_ms`. In a window, what was not
    /// announced, or has changed since, just has other data; with the data that was announced, it is
    /// what was announced.
    pub(super) fn be_present(&mut self, client: &str, topic: &str, data: &str) {
        if !self.room(topic).config.has_presence() {
            return;
        }
        let mut metas = self.metas.iter();
        let Some(place) = metas.position(|m| m.client == client && m.topic == topic) else {
            return self.start_meta(client, topic, data);
        };
        let mut meta = Meta::clone(&self.metas[place]);
        if meta.data == data {
            return;
        }
        let window = &self.room(topic).window;
        let mut announced = window.iter().flat_map(|window| &window.announced).flat_map(|of| &of.1);
        if let Some(before) =
            announced.find(|before| before.r#ref == meta.prev_ref && before.data == data)
        {
            let before = Rc::clone(before);
            self.metas[place] = before;
            return;
        }
        data.clone_into(&mut meta.data);
        let window = &self.room(topic).window;
        if window.as_ref().is_none_or(|window| has_ref(&window.announced, &meta.r#ref)) {
            meta.prev_ref = std::mem::replace(&mut meta.r#ref, self.take_ref());
        }
        self.metas[place] = Rc::new(meta);
    }

    fn start_meta(&mut self, client: &str, topic: &str, data: &str) {
        let user = self.find_client(client).expect("the client is known").user.clone();
        let r#ref = self.take_ref();
        let online_at_ms = self.clock_ms;
        let users = &mut self.room_mut(topic).users;
        if !users.contains(&user) {
            users.push(user.clone());
        }
        self.metas.push(Rc::new(Meta {
            client: client.to_owned(),
            user,
            topic: topic.to_owned(),
            r#ref,
            prev_ref: String::new(),
            online_at_ms,
            data: data.to_owned(),
        }));
        self.counters.presence_joins += 1;
    }

    /// Section 9: ends a presence if there is one.
    pub(super) fn end_meta(&mut self, client: &str, topic: &str) {
        let is_it = |m: &Meta| m.client == client && m.topic == topic;
        self.counters.presence_leaves += self.metas.iter().filter(|m| is_it(m)).count() as u64;
        self.metas.retain(|m| !is_it(m));
    }

    pub(super) fn is_tracked(&self, client: &str, topic: &str) -> bool {
        self.metas.iter().any(|m| m.client == client && m.topic == topic)
    }

    /// Section 9: the list as it is.
    pub(super) fn listed_presences(&self, topic: &str) -> Listed {
        let mut here: BTreeMap<&String, Vec<Rc<Meta>>> = BTreeMap::new();
        for meta in self.metas.iter().filter(|meta| meta.topic == topic) {
            here.entry(&meta.user).or_default().push(Rc::clone(meta));
        }
        let mut list = Vec::new();
        for user in self.find_room(topic).iter().flat_map(|room| &room.users) {
            list.extend(here.remove(user).map(|metas| (user.clone(), metas)));
        }
        list
    }

    /// R4: announces what has changed since the list was so, or leaves it to the window.
    pub(super) fn announce(&mut self, topic: &str, before: &Listed, except: &str) {
        let diff = self.changes(topic, before);
        self.say_diff(topic, diff, except);
    }

    /// Section 9: what has changed since the list was so; in a room with windows it is kept for
    /// the end of the window, which the first change opens.
    pub(super) fn changes(&mut self, topic: &str, before: &Listed) -> Option<String> {
        let mut diff = difference(before, &self.listed_presences(topic));
        if let Some(window_ms) = self.room(topic).config.presence_window_ms {
            let due_ms = self.clock_ms.saturating_add(window_ms);
            let room = self.room_mut(topic);
            if diff.take().is_some() && room.window.is_none() {
                room.window = Some(Window { due_ms, announced: before.clone() });
            }
        }
        self.forget_users(topic);
        diff
    }

    /// Section 9: a user keeps its place while it is in the list, or in the one that was announced.
    fn forget_users(&mut self, topic: &str) {
        let list = self.listed_presences(topic);
        let room = self.room_mut(topic);
        let announced = room.window.iter().flat_map(|window| &window.announced);
        let listed: BTreeSet<&String> = list.iter().chain(announced).map(|(of, _)| of).collect();
        room.users.retain(|user| listed.contains(user));
    }

    /// Section 9: at the end of a window its changes are announced, if there are any.
    pub(super) fn end_window(&mut self, topic: &str) {
        let Some(window) = self.room_mut(topic).window.take() else { return };
        let diff = difference(&window.announced, &self.listed_presences(topic));
        self.forget_users(topic);
        self.say_diff(topic, diff, "");
    }

    /// Sections 5 and 9: to all attached members, but for one.
    pub(super) fn say_diff(&mut self, topic: &str, diff: Option<String>, except: &str) {
        let Some(diff) = diff else { return };
        let mut recipients = self.subscribers(topic);
        recipients.retain(|client| client != except);
        let values = [json(topic), diff, json(&self.clock_ms), json(&recipients)];
        self.say("presence_diff", "topic diff timestamp_ms recipients", &values);
    }

    /// Sections 5 and 9: the list as last announced.
    pub(super) fn say_presence_state(&mut self, client: &str, topic: &str) {
        let listed = match &self.room(topic).window {
            Some(window) => window.announced.clone(),
            None => self.listed_presences(topic),
        };
        let values = [json(client), json(topic), entries(&listed)];
        self.say("presence_state", "client_id topic entries", &values);
    }

    /// Section 2: the JSON text of the list; entries by first join, metas by join.
    pub fn presences(&self, topic: &str) -> String {
        entries(&self.listed_presences(topic))
    }

    /// Section 9: refs come from one counter of the channel, after the origin if there is one.
    fn take_ref(&mut self) -> String {
        let count = self.next_ref;
        self.next_ref += 1;
        match &self.setup.origin {
            Some(origin) => json(&format!("{origin}.{count}")),
            None => json(&count.to_string()),
        }
    }

    /// Section 9: who is present, client by client, in the order of the list.
    pub(super) fn present_clients(&self, topic: &str) -> Vec<String> {
        let listed = self.listed_presences(topic);
        let metas = listed.iter().flat_map(|(_, metas)| metas);
        metas.map(|meta| meta.client.clone()).collect()
    }
}

fn has_ref(listed: &Listed, of: &str) -> bool {
    listed.iter().any(|(_, metas)| metas.iter().any(|meta| meta.r#ref == of))
}

/// Section 1: `joins` and `leaves` by ref, each in the order of its list; nothing if both are empty.
fn difference(before: &Listed, after: &Listed) -> Option<String> {
    let joins = only_in(after, before, "first");
    let leaves = only_in(before, after, "last");
    if joins.is_empty() && leaves.is_empty() {
        return None;
    }
    Some(object("joins leaves", &[list(&joins), list(&leaves)]))
}

/// The entries of one list with the metas that the other has not; marked where the other has not
/// the user either.
fn only_in(one: &Listed, other: &Listed, mark: &str) -> Vec<String> {
    let users: BTreeSet<&String> = other.iter().map(|(user, _)| user).collect();
    let metas = other.iter().flat_map(|(_, metas)| metas);
    let refs: BTreeSet<&String> = metas.map(|meta| &meta.r#ref).collect();
    let mut found = Vec::new();
    for (user, metas) in one {
        let mut metas = metas.clone();
        metas.retain(|meta| !refs.contains(&meta.r#ref));
        if !metas.is_empty() {
            found.push(entry(user, &metas, if users.contains(user) { "" } else { mark }));
        }
    }
    found
}

fn entries(listed: &Listed) -> String {
    let texts: Vec<_> = listed.iter().map(|(user, metas)| entry(user, metas, "")).collect();
    list(&texts)
}

/// Section 9: one user's entry with these metas, marked `first`, `last` or (`""`) not at all.
fn entry(user: &str, metas: &[Rc<Meta>], mark: &str) -> String {
    let mut texts = Vec::new();
    for m in metas {
        let (client, time) = (json(&m.client), json(&m.online_at_ms));
        let (new, old, data) = (m.r#ref.clone(), m.prev_ref.clone(), on_one_line(&m.data));
        let names = "ref prev_ref client_id online_at_ms data";
        texts.push(object(names, &[new, old, client, time, data]));
    }
    object(&format!("key metas {mark}"), &[json(user), list(&texts), json(&true)])
}
