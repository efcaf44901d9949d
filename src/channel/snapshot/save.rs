//! From a channel to its form.

use alloc::{sync::Arc, vec::Vec};

use super::form;
use crate::{
    agenda::Due,
    channel::{Channel, node::Phase},
    clients::{Connection, Registration},
    event::EventKind,
    footing::Seat,
    history::History,
    ids::ClientHandle,
    lost::Marks,
    message::StoredMessage,
    presence::{Meta, Presence, Record, Window},
    rate,
    refusal::Reason,
    rooms::{NO_ROOM, Origin, RoomNumber},
    stats::Counters,
};

impl Channel {
    pub(super) fn state(&self) -> form::State {
        let rooms = self.rooms.in_order();
        let (free_handles, ended_handles) = self.clients.spare_handles();
        form::State {
            node: self
                .node
                .of_which()
                .map(|(name, cluster)| form::Node { name: name.clone(), cluster: cluster.clone() }),
            crashed: self.node.phase == Phase::Crashed,
            now_ms: self.clock.now_ms,
            next_ref: self.node.upcoming_ref().get(),
            next_epoch: self.rooms.next_epoch(),
            counters: self.outbox.counters().into(),
            clients: self
                .clients
                .in_order()
                .into_iter()
                .map(|client| self.client_form(client))
                .collect(),
            free_handles,
            ended_handles,
            rooms: rooms.into_iter().map(|room| self.room_form(room)).collect(),
            agenda: self.clock.agenda.iter().map(|(due, at)| (self.due_form(due), at)).collect(),
            groups: self.groups(),
            rates: self.rates_form(),
        }
    }

    fn epoch(&self, room: RoomNumber) -> u64 {
        self.rooms.get(room).position.epoch
    }

    fn client_form(&self, client: ClientHandle) -> form::Client {
        let (this, names) = (self.clients.get(client), self.clients.names().names(client));
        form::Client {
            handle: client.get(),
            id: names.client.clone(),
            user: names.user.clone(),
            registered: this.registration == Registration::ByConnecting,
            connected: this.connection == Connection::Connected,
            data: self.clients.data(client).cloned().map(form::Verbatim),
            rooms: self.rooms_with(client).into_iter().map(|room| self.epoch(room)).collect(),
        }
    }

    fn room_form(&self, number: RoomNumber) -> form::Room {
        let room = self.rooms.get(number);
        let is_attached = |client: ClientHandle| {
            let footing = self.clients.get(client).rooms.get(number);
            footing.is_some_and(|footing| matches!(footing.seat(), Seat::Attached(_)))
        };
        let members = room.everyone().into_iter();
        let presence = room.presence.as_deref();
        let extras = room.extras.as_deref();
        form::Room {
            topic: room.topic.clone(),
            epoch: room.position.epoch,
            offset: room.position.offset,
            config: (!Arc::ptr_eq(&room.config, self.config.room_to_open(&room.topic)))
                .then(|| (*room.config).clone()),
            origin: match room.origin {
                Origin::Joined => form::Origin::Joined,
                Origin::Opened => form::Origin::Opened,
                Origin::OpenedByClient => form::Origin::OpenedByClient,
                Origin::Declared => form::Origin::Declared,
            },
            members: members.map(|client| (client.get(), is_attached(client))).collect(),
            presences: presence.map(presences_form).unwrap_or_default(),
            window: presence.and_then(|presence| presence.window.as_deref()).map(window_form),
            joined: extras.map_or_else(Vec::new, |extras| {
                let joined = extras.joined.iter();
                joined
                    .map(|(client, meta)| (client.get(), meta.clone().map(form::Verbatim)))
                    .collect()
            }),
            subscriptions: extras.map_or_else(Vec::new, |extras| {
                let subscriptions = extras.subscriptions.iter();
                subscriptions.map(|(client, names)| (client.get(), names.to_vec())).collect()
            }),
            ids: extras.map_or_else(Vec::new, |extras| {
                let ids = extras.ids.iter();
                ids.map(|(user, id, offset)| (user.clone(), id.clone(), offset)).collect()
            }),
            history: room.history.as_deref().map(history_form),
        }
    }

    fn due_form(&self, due: Due) -> form::Due {
        match due {
            Due::Footing { client, room } => {
                form::Due::Footing { client: client.get(), epoch: self.epoch(room) }
            }
            Due::Client(client) => form::Due::Client(client.get()),
            Due::Window { epoch, room: _ } => form::Due::Window(epoch),
        }
    }

    fn rates_form(&self) -> Vec<form::Rate> {
        // Those that are over go by and by, and nobody can tell when.
        let is_open = |window: &rate::Window| self.clock.now_ms < window.ends_at_ms;
        let rates = self.rooms.rates.iter().filter(|(_, _, window)| is_open(window));
        let rates = rates.map(|(client, room, window)| form::Rate {
            client: client.get(),
            epoch: (room != NO_ROOM).then(|| self.epoch(room)),
            ends_at_ms: window.ends_at_ms,
            count: window.count,
        });
        let mut rates: Vec<_> = rates.collect();
        // Numbers of rooms are nobody's business.
        rates.sort_by_key(|rate| (rate.client, rate.epoch));
        rates
    }
}

fn presences_form(presence: &Presence) -> Vec<form::Presence> {
    let of = |record: Record| form::Presence {
        client: record.client.get(),
        reference: record.reference.get(),
        online_at_ms: record.online_at_ms,
        entry: record.entry.get(),
        place: record.place.get(),
        prev_ref: record.prev_ref.map(Into::into),
        data: record.data.map(form::Verbatim),
    };
    presence.records().into_iter().map(of).collect()
}

fn meta_form(meta: &Meta) -> form::Meta {
    form::Meta {
        reference: meta.reference.number().get(),
        prev_ref: meta.prev_ref.as_ref().map(|reference| reference.number().get()),
        client_id: meta.client_id.clone(),
        online_at_ms: meta.online_at_ms,
        data: meta.data.clone().map(form::Verbatim),
    }
}

fn window_form(window: &Window) -> form::Window {
    // The rest follows from the list.
    let Window { horizon, announced: _, gone, gone_users: _, news: _ } = window;
    let gone = gone.iter().map(|((entry, place), (user, meta))| form::Gone {
        entry: entry.get(),
        place: place.get(),
        user: user.clone(),
        meta: meta_form(meta),
    });
    form::Window { horizon: horizon.get(), gone: gone.collect() }
}

fn history_form(history: &History) -> form::History {
    let (lost, lost_others) = history.lost().parts();
    form::History {
        messages: history
            .since(0)
            .map(|message| form::Kept(StoredMessage::clone(message)))
            .collect(),
        whole_from: history.whole_from(),
        gaps: history.gaps().map(|(event, offset)| (event.clone(), offset)).collect(),
        lost: lost.map(|(event, marks)| (event.clone(), marks_form(marks))).collect(),
        lost_others: marks_form(lost_others),
    }
}

fn marks_form(marks: &Marks) -> form::Marks {
    let Marks { for_all, for_some } = marks;
    let for_some = for_some.iter().map(|mark| form::Mark {
        offset: mark.offset,
        except_client: mark.except.client().cloned(),
        except_user: mark.except.user().cloned(),
    });
    form::Marks { for_all: *for_all, for_some: for_some.collect() }
}

impl From<&Counters> for form::Counters {
    fn from(counters: &Counters) -> Self {
        let Counters {
            events,
            broadcasts,
            deliveries,
            replies_ok,
            refusals,
            presence_joins,
            presence_leaves,
            rooms_opened,
        } = counters;
        let events = EventKind::ALL.map(|kind| (kind.label().into(), events.of(kind)));
        let refusals = Reason::ALL.map(|reason| (reason.label().into(), refusals.of(reason)));
        Self {
            events: events.into(),
            refusals: refusals.into(),
            broadcasts: *broadcasts,
            deliveries: *deliveries,
            replies_ok: *replies_ok,
            presence_joins: *presence_joins,
            presence_leaves: *presence_leaves,
            rooms_opened: *rooms_opened,
        }
    }
}
