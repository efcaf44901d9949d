//! What rooms remember, what they give up, and what that means for who comes back: spec sections
//! 7 and 10.

use serde::Deserialize;

use super::{
    Ask, Model, Outcome,
    lines::{json, json_or_absent, list, object},
    state::{Loss, Message, Room},
};

/// Section 7: how far a receiver has got.
#[derive(Deserialize)]
struct Since {
    epoch: u64,
    offset: u64,
}

impl Model {
    /// Section 12: a message that would be the first held of its name, where so many names are
    /// held, is refused. What is given up at once needs no place.
    pub(super) fn check_event_names(&self, topic: &str, event: &str) -> Outcome {
        let room = self.room(topic);
        let mut names: Vec<&String> = room.history.iter().map(|held| &held.event).collect();
        names.sort_unstable();
        names.dedup();
        let is_stored = room.config.history_of(event).is_some_and(|limit| limit > 0);
        let is_held = names.iter().any(|name| *name == event);
        if is_stored && !is_held && names.len() >= self.setup.limits.event_names_per_topic {
            return Err("limit_reached event_names_per_topic".into());
        }
        Ok(())
    }

    /// Section 10: keeps a message, for which others may have to go; or gives it up at once, where
    /// none that the topic holds could make room for it.
    pub(super) fn store(&mut self, topic: &str, message: Message) {
        let Some(limit) = self.room(topic).config.history_of(&message.event) else {
            self.lose(topic, &message);
            return;
        };
        let mut evicted = Vec::new();
        if limit == 0 || !self.fits(&[], topic, &message) {
            evicted.push(message);
        } else {
            let held = &mut self.room_mut(topic).history;
            let same = held.iter().filter(|old| old.event == message.event).count();
            if same >= limit {
                let oldest = held.iter().position(|old| old.event == message.event);
                evicted.push(held.remove(oldest.expect("it was just counted")));
            }
            while !self.fits(&self.room(topic).history, topic, &message) {
                evicted.push(self.room_mut(topic).history.remove(0));
            }
            self.room_mut(topic).history.push(message);
        }
        for message in &evicted {
            self.lose(topic, message);
            self.room_mut(topic).gone.push((message.event.clone(), message.offset));
        }
        self.say_evicted(topic, evicted);
    }

    /// Section 10: whether the caps let the topic hold these and one more, with what others hold.
    fn fits(&self, held: &[Message], topic: &str, message: &Message) -> bool {
        let limits = &self.setup.limits;
        let others = self.rooms.iter().filter(|room| room.topic != topic);
        let elsewhere: Vec<&Message> = others.flat_map(|room| &room.history).collect();
        let messages = held.len() + 1;
        let bytes = held.iter().map(Message::size).sum::<usize>() + message.size();
        let bytes_elsewhere: usize = elsewhere.iter().map(|message| message.size()).sum();
        messages <= limits.history_messages_per_topic
            && bytes <= limits.history_bytes_per_topic
            && messages + elsewhere.len() <= limits.history_messages
            && bytes + bytes_elsewhere <= limits.history_bytes
    }

    /// Section 7: what is lost is told of its name alone, of the names that the configuration has,
    /// and where somebody hears by name of so many others. Where there are more, that of which the
    /// last loss is the oldest is told with all others.
    fn lose(&mut self, topic: &str, message: &Message) {
        let most = self.setup.limits.event_names_per_topic;
        let hears_by_name = self.hears_by_name(topic);
        let Room { config, lost, .. } = self.room_mut(topic);
        let loss = Loss {
            event: message.event.clone(),
            offset: message.offset,
            except_client: message.except_client.clone(),
            except_user: message.except_user.clone(),
        };
        lost.all.push(loss.clone());
        if let Some((_, losses)) = lost.singly.iter_mut().find(|(name, _)| *name == loss.event) {
            losses.push(loss);
            return;
        }
        let configured = config.names();
        if configured.contains(&loss.event) {
            lost.singly.push((loss.event.clone(), vec![loss]));
            return;
        }
        if !hears_by_name {
            lost.together_up_to = loss.offset.max(lost.together_up_to);
            lost.others.push(loss);
            return;
        }
        let mut losses = lost.others.clone();
        losses.push(loss);
        let is_other = |name: &String| !configured.contains(name);
        if lost.singly.iter().filter(|(name, _)| is_other(name)).count() >= most {
            lost.has_many_names = true;
            lost.singly.sort_by(|(one, _), (other, _)| one.cmp(other));
            let newest = |losses: &[Loss]| losses.iter().map(|loss| loss.offset).max();
            let of_others = lost.singly.iter().filter(|(name, _)| is_other(name));
            let oldest = of_others.min_by_key(|(_, losses)| newest(losses)).cloned();
            let (name, given_up) = oldest.expect("there are others");
            lost.singly.retain(|(other, _)| *other != name);
            lost.others.extend(given_up);
        }
        lost.singly.push((message.event.clone(), losses));
    }

    /// Section 6: whether somebody may be subscribed to less than everything.
    fn hears_by_name(&self, topic: &str) -> bool {
        let has_all = |names: &[String]| names.iter().any(|name| name == "*");
        let mut members = self.members.iter().filter(|member| member.topic == topic);
        members.any(|member| !has_all(&member.subscriptions))
            || self.room(topic).config.default_subscriptions() != ["*"]
    }

    /// Section 6: a room that goes gives up all.
    pub(super) fn evict_all(&mut self, topic: &str) {
        let all = std::mem::take(&mut self.room_mut(topic).history);
        self.say_evicted(topic, all);
    }

    /// Section 5: one message an event name, oldest first, also among the names.
    fn say_evicted(&mut self, topic: &str, mut evicted: Vec<Message>) {
        evicted.sort_by_key(|message| message.offset);
        let epoch = json(&self.room(topic).epoch);
        while let Some(oldest) = evicted.first() {
            let event = oldest.event.clone();
            let same = evicted.iter().filter(|message| message.event == event);
            let texts: Vec<String> = same.map(Message::line).collect();
            evicted.retain(|message| message.event != event);
            let values = [json(topic), epoch.clone(), json(&event), list(&texts)];
            self.say("evicted", "topic epoch event messages", &values);
        }
    }

    /// Section 7: the offset that can be gone on from: same epoch, not from the future.
    pub(super) fn usable_since(&self, ask: &Ask) -> Option<u64> {
        let raw = ask.raw("since");
        if raw.is_empty() {
            return None;
        }
        let since: Since = serde_json::from_str(raw).expect("it is a position");
        let room = self.room(&ask.text("topic"));
        (since.epoch == room.epoch && since.offset <= room.offset).then_some(since.offset)
    }

    /// Section 7: whether nothing is missing that the client should have received. That is told
    /// exactly, but where names could not be told apart; and never without being so.
    pub(super) fn has_all_since(&self, client: &str, topic: &str, since: u64) -> bool {
        let subscriptions = self.subscriptions(client, topic);
        let user = &self.find_client(client).expect("it is known").user;
        let hears = |event: &str| subscriptions.iter().any(|name| name == "*" || name == event);
        let is_missing = |loss: &&Loss| {
            loss.offset > since && loss.except_client != client && loss.except_user != *user
        };
        let lost = &self.room(topic).lost;
        let has_all = !lost.all.iter().filter(is_missing).any(|loss| hears(&loss.event));

        let configured = self.room(topic).config.names();
        let of_name = |event: &String| {
            let singly = lost.singly.iter().find(|(name, _)| name == event);
            match singly {
                Some((_, losses)) => losses.as_slice(),
                None if configured.contains(event) => &[],
                None => &lost.others,
            }
        };
        let told = if subscriptions.iter().any(|name| name == "*") {
            has_all
        } else {
            !subscriptions.iter().flat_map(of_name).any(|loss| is_missing(&loss))
        };
        assert!(has_all || !told, "what is told to be all is all");
        let is_exact = since >= lost.together_up_to && !lost.has_many_names
            || subscriptions.iter().all(|name| configured.contains(name));
        assert!(has_all == told || !is_exact, "a gap is told without need");
        told
    }

    /// Section 7: what it has missed, each message to it alone.
    pub(super) fn say_missed(&mut self, client: &str, topic: &str, since: u64) {
        let mut members = self.attached(topic);
        let member = members.find(|member| member.client == client).expect("it is attached");
        let mut missed = self.room(topic).history.clone();
        missed.retain(|message| {
            message.offset > since
                && member.is_subscribed(&message.event)
                && message.is_for(client, &member.user)
        });
        drop(members);
        for message in missed {
            self.say_broadcast(topic, &message, &[client.to_owned()], true);
        }
    }

    pub(super) fn history_messages(&self) -> usize {
        self.rooms.iter().map(|room| room.history.len()).sum()
    }

    pub(super) fn history_bytes(&self) -> usize {
        self.rooms.iter().flat_map(|room| &room.history).map(Message::size).sum()
    }
}

impl Message {
    /// Section 10: payload, meta, event and sender, in bytes.
    pub(super) fn size(&self) -> usize {
        let base64 = self.payload_base64.trim_end_matches('=').len() * 3 / 4;
        let texts = [&self.payload, &self.meta, &self.event, &self.from, &self.client];
        let base64 = base64 + self.except_client.len() + self.except_user.len();
        base64 + texts.iter().map(|text| text.len()).sum::<usize>()
    }

    /// Section 8: whom it is not for, as it stands with a message.
    pub(super) fn exceptions(&self) -> [String; 2] {
        [json_or_absent(&self.except_client), json_or_absent(&self.except_user)]
    }

    /// Section 10: as it stands in a page.
    pub(super) fn line(&self) -> String {
        let [event, payload, base64, from, client, time, meta] = self.texts();
        let offset = json(&self.offset);
        let [no_client, no_user] = self.exceptions();
        let values = [event, payload, base64, from, client, offset, time, meta, no_client, no_user];
        let names = "event payload payload_base64 from client_id offset timestamp_ms meta \
                     except_client except_user";
        object(names, &values)
    }
}
