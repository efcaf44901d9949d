//! Messages: broadcast, push and publish, and whom they reach.

use alloc::{collections::BTreeSet, sync::Arc, vec::Vec};

use super::{Channel, admission};
use crate::{
    clients::Connection,
    config::{Limit, RateLimit},
    event::{Address, Audience, Broadcast, Header, Publish, Push},
    footing::Footing,
    ids::{ClientHandle, ClientId, EventName, MessageId, Topic, UserId},
    lost::Loss,
    message::StoredMessage,
    outbound::{Body, BroadcastMessage, Excluded, Outbound, PushMessage, Target},
    payload::{Json, Payload},
    recipients::{Except, Recipients},
    refusal::Refusal,
    rooms::{Excludes, Extras, RoomNumber},
    roster::Roll,
};

/// A message to a topic, whoever sends it.
#[derive(Clone, Copy)]
struct Message<'a> {
    topic: &'a Topic,
    event: &'a EventName,
    payload: &'a Payload,
    from: &'a UserId,
    client_id: Option<&'a ClientId>,
    meta: Option<&'a Json>,
    id: Option<&'a MessageId>,
    except: Exclusion<'a>,
}

/// Who does not receive a message.
#[derive(Clone, Copy)]
struct Exclusion<'a> {
    client: Option<&'a ClientId>,
    user: Option<&'a UserId>,
    /// That client, and one of that user, if they are here: who sends knows its own already.
    handles: [Option<ClientHandle>; 2],
    /// Who these are to the message.
    excluded: Excluded,
}

impl Exclusion<'_> {
    const fn excludes(self) -> Excludes {
        match self.excluded {
            Excluded::Nobody => Excludes::Nobody,
            Excluded::Sender | Excluded::SendersUser | Excluded::Named => Excludes::Somebody,
        }
    }
}

impl Channel {
    /// Sends a client's message to a topic, under the next offset. One with an id that was sent
    /// before is not sent again.
    ///
    /// Effects: reply if asked for; `broadcast_message`; `evicted`, if history is full.
    pub(super) fn on_broadcast(
        &mut self,
        header: Header<'_>,
        broadcast: &Broadcast,
    ) -> Result<(), Refusal> {
        let Broadcast { client_id, topic, payload, event, audience, meta, id, reference: _ } =
            broadcast;
        let (client, room) = self.participant(client_id, topic, |config| config.publishers)?;
        admission::check_reserved(event, &self.config)?;
        let this = self.rooms.get(room);
        let (rate, may_keep) = (this.config.rate_limit, !this.config.events.is_empty());
        if !this.config.allows(event) {
            let (event, topic) = (event.clone(), topic.clone());
            return Err(Refusal::EventNotListed { event, topic });
        }
        let from = self.clients.names().user(client).clone();
        if self.is_repeated(header, room, &from, id.as_ref()) {
            return Ok(());
        }
        if let Some(rate) = rate {
            self.check_rate_of(client, room, rate)?;
        }
        if may_keep {
            self.check_ring(room, event)?;
        }

        if rate.is_some() {
            self.count_rate(client, room);
        }
        let nobody =
            Exclusion { client: None, user: None, handles: [None; 2], excluded: Excluded::Nobody };
        let except = match audience {
            Audience::All => nobody,
            Audience::Others => Exclusion {
                client: Some(client_id),
                handles: [Some(client), None],
                excluded: Excluded::Sender,
                ..nobody
            },
            Audience::OtherUsers => Exclusion {
                user: Some(&from),
                handles: [None, Some(client)],
                excluded: Excluded::SendersUser,
                ..nobody
            },
        };
        let message = Message {
            topic,
            event,
            payload,
            from: &from,
            client_id: Some(client_id),
            meta: Json::given(meta.as_ref()),
            id: id.as_ref(),
            except,
        };
        self.send(header, room, message);
        Ok(())
    }

    /// Sends a message from the server to one member.
    ///
    /// Effects: reply if asked for; `push_message`.
    pub(super) fn on_push(&mut self, header: Header<'_>, push: &Push) -> Result<(), Refusal> {
        let Push { client_id, topic, event, payload, reference: _ } = push;
        self.member(client_id, topic)?;

        self.reply_if_asked(header, Body::Empty {});
        self.outbox.push(Outbound::PushMessage(PushMessage {
            client_id: client_id.clone(),
            topic: Some(topic.clone()),
            event: event.clone(),
            payload: payload.clone(),
        }));
        Ok(())
    }

    /// Sends a message from the server: to a topic like a broadcast, to others without an offset.
    ///
    /// Effects: reply if asked for; `broadcast_message`; to a topic `evicted`, if history is full.
    pub(super) fn on_publish(
        &mut self,
        header: Header<'_>,
        publish: &Publish,
    ) -> Result<(), Refusal> {
        let Publish {
            target,
            event,
            payload,
            from,
            except_client,
            except_user,
            meta,
            id,
            reference: _,
        } = publish;
        let meta = Json::given(meta.as_ref());
        let (client, user) = (except_client.as_ref(), except_user.as_ref());
        let handles = [
            client.and_then(|client| self.clients.find(client)),
            user.and_then(|user| self.clients.find_user(user)),
        ];
        let excluded = Excluded::of(client, user, None, from);
        let except = Exclusion { client, user, handles, excluded };
        if let Address::Topic(topic) = target {
            let room = self.find_room(topic)?;
            if self.is_repeated(header, room, from, id.as_ref()) {
                return Ok(());
            }
            self.check_ring(room, event)?;
            let (client_id, id) = (None, id.as_ref());
            let message = Message { topic, event, payload, from, client_id, meta, id, except };
            self.send(header, room, message);
            return Ok(());
        }
        let recipients = self.addressees(target, event, except)?;

        self.reply_if_asked(header, Body::Empty {});
        self.outbox.push(Outbound::BroadcastMessage(BroadcastMessage {
            target: Target::Published(target.clone()),
            event: event.clone(),
            payload: payload.clone(),
            from: from.clone(),
            client_id: None,
            timestamp_ms: self.clock.now_ms,
            meta: meta.cloned(),
            replayed: false,
            recipients,
            excluded,
            excluded_names: excluded.names(client, user),
        }));
        Ok(())
    }

    /// Sends a message to a topic: reply if asked for, the message, what history gives up for it.
    fn send(&mut self, header: Header<'_>, room: RoomNumber, message: Message<'_>) {
        let Message { topic, event, payload, from, client_id, meta, id, except } = message;
        let Exclusion { client, user, excluded, .. } = except;
        let excepted = self.except(room, event, except);
        let this = self.rooms.get_mut(room);
        this.tell_losses_apart(except.excludes());
        this.position.offset += 1;
        let (position, members, dedupe) = (this.position, this.members(), this.config.dedupe);
        if let (Some(id), 1..) = (id, dedupe) {
            let cap = self.config.limit(Limit::IdsPerTopic);
            let extras: &mut Extras = this.extras.get_or_insert_default();
            extras.ids.remember(from, id, position.offset, dedupe.into(), cap);
        }
        let evicted = this.history.is_some().then(|| self.keep(room, message, position.offset));

        if header.reference.is_some() {
            self.outbox.reply(header, Ok(Body::Published { position }));
        }
        let timestamp_ms = self.clock.now_ms;
        let mut recipients = Some(Recipients::new(members, excepted));
        self.outbox.push_with(|| {
            // Before the others: what may allocate among them would have them made elsewhere.
            let excluded_names = excluded.names(client, user);
            Outbound::BroadcastMessage(BroadcastMessage {
                target: Target::Topic { topic: topic.clone(), position },
                event: event.clone(),
                payload: payload.clone(),
                from: from.clone(),
                client_id: client_id.cloned(),
                timestamp_ms,
                meta: meta.cloned(),
                replayed: false,
                recipients: recipients.take().unwrap_or_else(Recipients::none),
                excluded,
                excluded_names,
            })
        });
        if let Some(evicted) = evicted {
            self.say_evicted(room, evicted);
        }
    }

    /// Puts a message into the history of its room, and returns what leaves it for that.
    fn keep(
        &mut self,
        room: RoomNumber,
        message: Message<'_>,
        offset: u64,
    ) -> Vec<Arc<StoredMessage>> {
        let Message { topic: _, event, payload, from, client_id, meta, id: _, except } = message;
        let Some(last) = self.rooms.get(room).config.history_of(event) else {
            let (except_client, except_user) = (except.client, except.user);
            let loss = Loss { event, offset, except_client, except_user };
            self.rooms.lose(room, loss, &self.config);
            return Vec::new();
        };
        let (event, payload, from) = (event.clone(), payload.clone(), from.clone());
        let mut stored = StoredMessage::new(event, payload, from, offset, self.clock.now_ms);
        (stored.client_id, stored.meta) = (client_id.cloned(), meta.cloned());
        (stored.except_client, stored.except_user) = (except.client.cloned(), except.user.cloned());
        self.rooms.store(room, stored, last.into(), &self.config)
    }

    /// Whether a message was sent before; if so, its sender gets the position that it got then.
    #[inline]
    fn is_repeated(
        &mut self,
        header: Header<'_>,
        room: RoomNumber,
        from: &UserId,
        id: Option<&MessageId>,
    ) -> bool {
        let Some(id) = id else { return false };
        let this = self.rooms.get(room);
        let Some(extras) = &this.extras else { return false };
        let Some(offset) = extras.ids.find(from, id) else { return false };
        let position = crate::event::Position { offset, ..this.position };
        self.reply_if_asked(header, Body::Published { position });
        true
    }

    /// Refuses a message that needs to be kept under a name of its own where there are enough.
    fn check_ring(&self, room: RoomNumber, event: &EventName) -> Result<(), Refusal> {
        let (limit, max) =
            (Limit::EventNamesPerTopic, self.config.limit(Limit::EventNamesPerTopic));
        if self.rooms.lacks_ring(room, event, max) {
            return Err(Refusal::LimitReached { limit, max });
        }
        Ok(())
    }

    /// Which attached members of a room do not receive a message of that name.
    fn except(&self, room: RoomNumber, event: &EventName, except: Exclusion<'_>) -> Except {
        let this = self.rooms.get(room);
        let subscriptions =
            this.subscriptions().filter(|subscriptions| !subscriptions.all_hear_all());
        let is_attached = |client: &ClientHandle| {
            let footing = self.clients.get(*client).rooms.get(room);
            footing.is_some_and(Footing::is_attached)
        };
        if let (None, [client, None]) = (subscriptions, except.handles) {
            return client.filter(is_attached).map_or(Except::Nobody, Except::One);
        }
        let excluded = self.excluded(except).filter(is_attached);
        match subscriptions {
            None => Except::of(excluded),
            Some(subscriptions) => {
                let deaf = subscriptions.deaf(event).filter(is_attached);
                Except::of(deaf.chain(excluded))
            }
        }
    }

    /// Which clients are left out; those that are there.
    fn excluded(&self, except: Exclusion<'_>) -> impl Iterator<Item = ClientHandle> {
        let [client, of_user] = except.handles;
        let of_user = of_user.map(|client| self.clients.of_same_user(client));
        client.into_iter().chain(of_user.into_iter().flatten())
    }

    /// Who is reached by a message that is not for a topic.
    fn addressees(
        &mut self,
        target: &Address,
        event: &EventName,
        except: Exclusion<'_>,
    ) -> Result<Recipients, Refusal> {
        let excluded: BTreeSet<_> = self.excluded(except).collect();
        let receives =
            |client: &ClientHandle| self.is_connected(*client) && !excluded.contains(client);
        let clients: Vec<_> = match target {
            Address::Everyone => {
                let connected = |client: &ClientHandle| self.is_connected(*client);
                let except = Except::of(excluded.iter().copied().filter(connected));
                let everyone: Roll = self.clients.everyone();
                return Ok(Recipients::new(everyone, except));
            }
            Address::Topic(topic) => {
                return Err(Refusal::UnknownTopic { topic: topic.clone() });
            }
            Address::Group(group) => {
                let unknown =
                    || Refusal::UnknownTarget { what: "group", name: group.as_str().into() };
                let topics = self.groups.get(group).ok_or_else(unknown)?;
                let rooms = topics.filter_map(|topic| self.rooms.find(topic));
                let mut seen = BTreeSet::new();
                let members = rooms.flat_map(|room| {
                    let this = self.rooms.get(room);
                    let hears = move |client: &ClientHandle| this.hears(*client, event);
                    this.attached().filter(hears)
                });
                members.filter(|client| seen.insert(*client)).filter(receives).collect()
            }
            Address::User(user) => self.clients_of_user(user).filter(receives).collect(),
            Address::Client(client) => {
                let unknown =
                    || Refusal::UnknownTarget { what: "client", name: client.as_str().into() };
                let client = self.clients.find(client).ok_or_else(unknown)?;
                [client].into_iter().filter(receives).collect()
            }
        };
        Ok(Recipients::of(&clients))
    }

    pub(super) fn is_connected(&self, client: ClientHandle) -> bool {
        self.clients.get(client).connection == Connection::Connected
    }

    /// Refuses a client that has done too much in a room of late.
    #[inline]
    pub(super) fn check_rate(&self, client: ClientHandle, room: RoomNumber) -> Result<(), Refusal> {
        match self.rooms.get(room).config.rate_limit {
            None => Ok(()),
            Some(rate) => self.check_rate_of(client, room, rate),
        }
    }

    pub(super) fn check_rate_of(
        &self,
        client: ClientHandle,
        room: RoomNumber,
        rate: RateLimit,
    ) -> Result<(), Refusal> {
        let (max, window_ms, now_ms) = (rate.max_events, rate.window_ms, self.clock.now_ms);
        let checked = self.rooms.rates.check(client, room, max, window_ms, now_ms);
        checked.map_err(|retry_after_ms| Refusal::RateLimited { retry_after_ms })
    }

    /// Counts what a client does in a room.
    #[inline]
    pub(super) fn count_rate(&mut self, client: ClientHandle, room: RoomNumber) {
        if let Some(rate) = self.rooms.get(room).config.rate_limit {
            self.rooms.rates.count(client, room, rate.window_ms, self.clock.now_ms);
        }
    }
}
