//! What clients set in a room: subscriptions, and presence apart from membership.

use super::{Channel, departure::Parted};
use crate::{
    agenda::Due,
    config::{Limit, PresenceMode},
    event::{Header, Subscribe, Track, Unsubscribe, Untrack},
    footing::Footing,
    ids::ClientHandle,
    outbound::Body,
    payload::Json,
    recipients::Recipients,
    refusal::Refusal,
    rooms::{Extras, RoomNumber},
};

impl Channel {
    /// Lets a member hear messages of a name, or with `*` of all.
    ///
    /// Effects: reply if asked for.
    pub(super) fn on_subscribe(
        &mut self,
        header: Header<'_>,
        subscribe: &Subscribe,
    ) -> Result<(), Refusal> {
        let Subscribe { client_id, topic, event, reference: _ } = subscribe;
        let member = self.member(client_id, topic)?;
        self.check_rate(member.client, member.room)?;
        let subscriptions = self.rooms.get(member.room).subscriptions();
        // Without a record it has one, which is `*`.
        let (count, has) = subscriptions.map_or((1, event == "*"), |subscriptions| {
            (subscriptions.count(member.client), subscriptions.has(member.client, event))
        });
        if !has {
            self.check_limit(Limit::SubscriptionsPerMember, count as u64)?;
        }

        self.count_rate(member.client, member.room);
        self.extras(member.room).subscriptions.subscribe(member.client, event);
        self.reply_if_asked(header, Body::Empty {});
        Ok(())
    }

    /// Ends a subscription of a member.
    ///
    /// Effects: reply if asked for.
    pub(super) fn on_unsubscribe(
        &mut self,
        header: Header<'_>,
        unsubscribe: &Unsubscribe,
    ) -> Result<(), Refusal> {
        let Unsubscribe { client_id, topic, event, reference: _ } = unsubscribe;
        let member = self.member(client_id, topic)?;

        self.extras(member.room).subscriptions.unsubscribe(member.client, event);
        self.reply_if_asked(header, Body::Empty {});
        Ok(())
    }

    /// Shows that a client is present, or something else of it.
    ///
    /// Effects: reply if asked for; a diff to all members, its own client too, unless it shows the
    /// same already.
    pub(super) fn on_track(&mut self, header: Header<'_>, track: &Track) -> Result<(), Refusal> {
        let Track { client_id, topic, meta, reference: _ } = track;
        let (client, room) = self.participant(client_id, topic, |config| config.presence_of)?;
        if self.rooms.get(room).config.presence == PresenceMode::Off {
            let expected = "the room has presence off";
            return Err(Refusal::PermissionDenied { expected });
        }
        self.check_rate(client, room)?;
        self.check_presences(client, room)?;

        self.count_rate(client, room);
        if self.clients.get(client).rooms.get(room).is_none() {
            self.clients.get_mut(client).rooms.set(room, Footing::NONE);
        }
        self.clock.agenda.cancel(Due::Footing { client, room });
        let data = Json::given(meta.as_ref());
        if self.clients.get_mut(client).footing(room).is_member() {
            self.keep_joined(client, room, data);
        }
        let news = self.show(client, room, data);
        self.reply_if_asked(header, Body::Empty {});
        if let Some(news) = news {
            self.say_news(room, news, Recipients::all(self.rooms.get(room).members()));
        }
        Ok(())
    }

    /// Shows a client as present no more.
    ///
    /// Effects: reply if asked for; a diff to all members, its own client too, if it was tracked;
    /// what a room that goes leaves.
    pub(super) fn on_untrack(
        &mut self,
        header: Header<'_>,
        untrack: &Untrack,
    ) -> Result<(), Refusal> {
        let Untrack { client_id, topic, reference: _ } = untrack;
        let (client, room) = self.participant(client_id, topic, |config| config.presence_of)?;

        let Some(footing) = self.clients.get(client).rooms.get(room) else {
            self.reply_if_asked(header, Body::Empty {});
            return Ok(());
        };
        let gone = if footing.is_member() {
            let gone = footing.place().and_then(|place| {
                self.keep_joined_as_shown(client, room);
                self.vanish(client, room, place)
            });
            self.clients.get_mut(client).footing(room).clear_place();
            gone
        } else {
            let Parted { seat: _, gone } = self.part(client, room);
            gone
        };
        self.reply_if_asked(header, Body::Empty {});
        if let Some(gone) = gone {
            self.say_gone(room, gone);
        }
        self.settle(room);
        self.retire(client);
        Ok(())
    }

    /// Refuses one more presence of who is no member where there are too many.
    fn check_presences(&self, client: ClientHandle, room: RoomNumber) -> Result<(), Refusal> {
        let rooms = &self.clients.get(client).rooms;
        if rooms.get(room).is_some() {
            return Ok(());
        }
        self.check_limit(Limit::TopicsPerClient, rooms.len() as u64)?;
        let presence = self.rooms.get(room).presence.as_ref();
        let metas = presence.map_or(0, |presence| presence.meta_count());
        self.check_limit(Limit::MembersPerTopic, metas.into())
    }

    pub(super) fn extras(&mut self, room: RoomNumber) -> &mut Extras {
        self.rooms.get_mut(room).extras.get_or_insert_default()
    }
}
