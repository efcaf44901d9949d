//! Compares what a channel and the model answer when they are asked.

use std::collections::{BTreeMap, BTreeSet};

use parlor::{Address, Channel, ClientId, Event, Json, Outbound, Topic, UserId};

use super::{super::model::Model, Outcome, agree, recipients};

/// Names to ask for.
#[derive(Debug, Default)]
pub struct Names {
    clients: BTreeSet<ClientId>,
    topics: BTreeSet<Topic>,
    users: BTreeSet<UserId>,
}

impl Names {
    /// Adds those that an event mentions.
    pub fn add(&mut self, event: &Event) {
        match event {
            Event::Join(join) => {
                self.client(&join.client_id);
                self.topic(&join.topic);
                self.user(&join.user_id);
            }
            Event::Rejoin(rejoin) => {
                self.client(&rejoin.client_id);
                self.topic(&rejoin.topic);
                self.user(&rejoin.user_id);
            }
            Event::Connect(connect) => {
                self.client(&connect.client_id);
                self.user(&connect.user_id);
            }
            Event::Leave(leave) => self.whom(&leave.client_id, &leave.topic),
            Event::Broadcast(broadcast) => self.whom(&broadcast.client_id, &broadcast.topic),
            Event::Push(push) => self.whom(&push.client_id, &push.topic),
            Event::Subscribe(subscribe) => self.whom(&subscribe.client_id, &subscribe.topic),
            Event::Unsubscribe(event) => self.whom(&event.client_id, &event.topic),
            Event::Track(track) => self.whom(&track.client_id, &track.topic),
            Event::Untrack(untrack) => self.whom(&untrack.client_id, &untrack.topic),
            Event::History(history) => self.whom(&history.client_id, &history.topic),
            Event::Disconnect(disconnect) => self.client(&disconnect.client_id),
            Event::OpenRoom(open) => {
                self.topic(&open.topic);
                open.by.iter().for_each(|client| self.client(client));
            }
            Event::CloseRoom(close) => {
                self.topic(&close.topic);
                close.by.iter().for_each(|client| self.client(client));
            }
            Event::Query(query) => {
                query.topic.iter().for_each(|topic| self.topic(topic));
                query.client_id.iter().for_each(|client| self.client(client));
            }
            Event::Kick(kick) => {
                self.client(&kick.client_id);
                kick.topic.iter().for_each(|topic| self.topic(topic));
            }
            Event::Refuse(refuse) => {
                self.client(&refuse.client_id);
                refuse.topic.iter().for_each(|topic| self.topic(topic));
            }
            Event::Publish(publish) => match &publish.target {
                Address::Topic(topic) => self.topic(topic),
                Address::User(user) => self.user(user),
                Address::Client(client) => self.client(client),
                Address::Group(_) | Address::Everyone => {}
                other => unreachable!("{other:?} is no target that tests know"),
            },
            Event::AddToGroup(add) => add.topics.iter().for_each(|topic| self.topic(topic)),
            Event::RemoveFromGroup(remove) => {
                remove.topics.iter().for_each(|topic| self.topic(topic));
            }
            Event::Crash(_) | Event::Restart | Event::Tick(_) => {}
            other => unreachable!("{} is no event that tests know", other.label()),
        }
    }

    fn whom(&mut self, client: &ClientId, topic: &Topic) {
        self.client(client);
        self.topic(topic);
    }

    fn client(&mut self, client: &ClientId) {
        if !self.clients.contains(client) {
            self.clients.insert(client.clone());
        }
    }

    fn topic(&mut self, topic: &Topic) {
        if !self.topics.contains(topic) {
            self.topics.insert(topic.clone());
        }
    }

    fn user(&mut self, user: &UserId) {
        if !self.users.contains(user) {
            self.users.insert(user.clone());
        }
    }
}

/// Asks both for everything that concerns `names`, and for what concerns no name.
pub fn check_state(channel: &Channel, model: &Model, names: &Names) -> Outcome {
    agree("crashed", channel.crashed(), model.crashed())?;
    agree("clock_ms", channel.clock_ms(), model.clock_ms())?;
    agree("membership_count", channel.membership_count(), model.membership_count())?;
    agree("topics", &texts(&channel.topics()), &model.topics())?;
    let due = channel.next_deadline().map(|due| (due.at_ms, due.why.label()));
    agree("what is due next", due, model.next_deadline())?;
    let groups = channel.groups();
    let groups = groups.iter().map(|(group, topics)| (group.as_str().into(), texts(topics)));
    agree("groups", groups.collect::<Vec<_>>(), model.groups())?;
    let stats = serde_json::to_string(&channel.stats()).map_err(|error| error.to_string())?;
    agree("stats", stats, model.stats())?;

    for topic in &names.topics {
        check_topic(channel, model, topic)?;
    }
    names.clients.iter().try_for_each(|client| check_client(channel, model, client, names))?;
    names.users.iter().try_for_each(|user| check_user(channel, model, user, names))
}

fn check_topic(channel: &Channel, model: &Model, topic: &Topic) -> Outcome {
    let members = model.subscribers(topic.as_str());
    let room = channel.room(topic);
    let position = room.as_ref().map(|room| (room.position.epoch, room.position.offset));
    agree(format_args!("position of {topic}"), position, model.position(topic.as_str()))?;
    agree(
        format_args!("size of {topic}"),
        room.as_ref().map_or(0, |room| room.size),
        model.size(topic.as_str()),
    )?;
    let info = room.as_ref().map(|room| serde_json::to_string(room).expect("it is written"));
    agree(format_args!("room({topic})"), info, model.room_info(topic.as_str()))?;
    agree(
        format_args!("topic of the room of {topic}"),
        room.as_ref().map(|room| room.topic.as_str()),
        position.map(|_| topic.as_str()),
    )?;

    let subscribers = channel.subscribers(topic);
    agree(format_args!("length of subscribers({topic})"), subscribers.len(), members.len())?;
    let ids: Vec<_> = subscribers.ids().map(|id| id.as_str().to_owned()).collect();
    agree(format_args!("subscribers({topic})"), ids, members)?;

    let presences = channel.presences(topic);
    let entries = serde_json::to_string(&presences).map_err(|error| error.to_string())?;
    agree(format_args!("presences({topic})"), entries, model.presences(topic.as_str()))?;
    agree(format_args!("length of presences({topic})"), presences.len(), presences.iter().count())?;
    let metas: usize = presences.iter().map(|entry| entry.metas.len()).sum();
    agree(format_args!("metas of presences({topic})"), presences.meta_count(), metas)
}

fn check_user(channel: &Channel, model: &Model, user: &UserId, names: &Names) -> Outcome {
    let [clients, topics] = [model.clients_of(user.as_str()), model.topics_of_user(user.as_str())];
    agree(format_args!("clients_of({user})"), texts(&channel.clients_of(user)), clients)?;
    agree(format_args!("topics_of_user({user})"), &texts(&channel.topics_of_user(user)), &topics)?;
    names.topics.iter().try_for_each(|topic| {
        let expected = topics.iter().any(|name| topic == name.as_str());
        let got = channel.is_user_in(user, topic);
        agree(format_args!("is_user_in({user}, {topic})"), got, expected)
    })
}

fn check_client(channel: &Channel, model: &Model, client: &ClientId, names: &Names) -> Outcome {
    let topics = model.topics_of(client.as_str());
    for topic in &names.topics {
        let expected = topics.iter().any(|name| topic == name.as_str());
        let got = channel.is_member(client, topic);
        agree(format_args!("is_member({client}, {topic})"), got, expected)?;
        let expected = model.subscriptions(client.as_str(), topic.as_str());
        let got = texts(&channel.subscriptions(client, topic));
        agree(format_args!("subscriptions({client}, {topic})"), got, expected)?;
    }
    agree(format_args!("topics_of({client})"), &texts(&channel.topics_of(client)), &topics)?;
    let info = channel.client(client);
    let handle = channel.handle_of(client);
    agree(format_args!("handle_of({client})"), handle, info.as_ref().map(|info| info.handle))?;
    let connected = info.as_ref().map(|info| info.connected);
    agree(format_args!("connection of {client}"), connected, model.client_state(client.as_str()))?;
    let Some(info) = info else { return Ok(()) };
    agree(format_args!("count of topics of {client}"), info.topics, topics.len())?;
    // In the model, a `null` that an event had was absent.
    let data = info.data.as_ref().map_or("", Json::as_str).replace(['\n', '\r'], " ");
    let data = if data == "null" { String::new() } else { data };
    agree(format_args!("data of {client}"), data, model.client_data(client.as_str()))?;
    agree(format_args!("id of {client}"), &info.client_id, client)?;
    let clients = model.clients_of(info.user_id.as_str());
    agree(format_args!("user of {client}"), clients.iter().any(|id| client == id.as_str()), true)
}

/// Handles must be dense enough to index by and stand for one client each; those in what was just
/// flushed must not stand for another by now.
pub fn check_handles(channel: &Channel, flushed: &[Outbound], names: &Names) -> Outcome {
    let mut live = BTreeMap::new();
    for client in &names.clients {
        let Some(handle) = channel.handle_of(client) else { continue };
        let other = live.insert(handle, client);
        agree(format_args!("who else has the handle of {client}"), other, None)?;
    }
    for recipients in flushed.iter().filter_map(recipients) {
        for (handle, id) in recipients.handles().zip(recipients.ids()) {
            let holder = live.get(&handle).copied().unwrap_or(id);
            agree(format_args!("who has handle {handle:?}, flushed for {id}"), holder, id)?;
        }
    }
    Ok(())
}

fn texts<T: AsRef<str>>(names: &[T]) -> Vec<String> {
    names.iter().map(|name| name.as_ref().to_owned()).collect()
}
