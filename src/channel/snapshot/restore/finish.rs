//! What can be told only when everything is there.

use alloc::{collections::BTreeMap, string::String};

use super::{Builder, MOST, RestoreError, Restored, check_counter, form, wrong};
use crate::{
    agenda::Due,
    channel::Channel,
    clients::{Connection, Registration},
    config::Limit,
    event::EventKind,
    footing::Seat,
    ids::ClientHandle,
    refusal::Reason,
    stats::{Counters, EventCounts, RefusalCounts},
};

impl Builder {
    /// What is there has to be there for a reason, and has to be what was saved.
    pub(super) fn finish(self, counters: form::Counters, form: &form::State) -> Restored<Channel> {
        self.check_limit_of(Limit::HistoryMessages, self.channel.rooms.history_messages())?;
        self.check_limit_of(Limit::HistoryBytes, self.channel.rooms.history_bytes())?;
        for client in &self.handles {
            self.check_client(*client).map_err(|RestoreError(what)| {
                let name = self.channel.clients.names().client(*client);
                wrong(format_args!("client {name:?} {what}"))
            })?;
        }
        self.check_rooms()?;
        check_counters(&counters)?;
        let mut present = 0;
        for room in self.rooms.values() {
            let presence = self.channel.rooms.get(*room).presence.as_ref();
            present += presence.map_or(0, |presence| u64::from(presence.meta_count()));
        }
        if counters.presence_joins.checked_sub(counters.presence_leaves) != Some(present) {
            return Err(wrong(format_args!(
                "{} presences came and {} went, expected {present} to be left",
                counters.presence_joins, counters.presence_leaves
            )));
        }
        let mut channel = self.channel;
        channel.outbox.set_counters(&counters.into());
        match first_difference(form, &channel.state()) {
            None => Ok(channel),
            Some(part) => Err(wrong(format_args!(
                "{part} are not as a channel has them: out of order, there twice, or without effect"
            ))),
        }
    }

    fn check_client(&self, client: ClientHandle) -> Restored {
        let wrong = |what: &str| Err(wrong(what));
        let (this, agenda) = (self.channel.clients.get(client), &self.channel.clock.agenda);
        let lost = this.connection == Connection::Lost;
        if lost != agenda.is_set(Due::Client(client)) {
            return wrong("is connected and has a grace, or has lost its connection without one");
        }
        if this.registration == Registration::ByJoining && this.rooms.len() == 0 {
            return wrong("is in no room, expected one as it has come by joining");
        }
        for (room, footing) in this.rooms.to_vec() {
            let held = agenda.is_set(Due::Footing { client, room });
            let detached = matches!(footing.seat(), Seat::Detached(_));
            if !footing.is_member() && footing.place().is_none() {
                return wrong("has nothing in one of its rooms");
            }
            if (detached || lost) && !held {
                return wrong("is held in a room without a grace");
            }
        }
        Ok(())
    }

    fn check_rooms(&self) -> Restored {
        for (epoch, room) in &self.rooms {
            let this = self.channel.rooms.get(*room);
            let window = this.presence.as_ref().is_some_and(|presence| presence.window.is_some());
            let is_due =
                self.channel.clock.agenda.is_set(Due::Window { epoch: *epoch, room: *room });
            if window != is_due {
                return Err(wrong(format_args!(
                    "room {:?} has a window that is never due, or the other way round",
                    this.topic
                )));
            }
            // One that was opened waits for the first who comes, however it is when they have gone.
            if this.is_deserted() && !this.persists() && !this.was_opened() {
                return Err(wrong(format_args!(
                    "room {:?} is empty, expected someone in it as it does not persist",
                    this.topic
                )));
            }
        }
        Ok(())
    }
}

/// Nothing is counted that is not known, and nothing so often that it can't be counted on.
fn check_counters(counters: &form::Counters) -> Restored {
    let form::Counters {
        events,
        refusals,
        broadcasts,
        deliveries,
        replies_ok,
        presence_joins,
        presence_leaves,
        rooms_opened,
    } = counters;
    check_counts("events", events, EventKind::ALL.map(EventKind::label))?;
    check_counts("refusals", refusals, Reason::ALL.map(Reason::label))?;
    check_counter("broadcasts", *broadcasts)?;
    check_counter("deliveries", *deliveries)?;
    check_counter("replies_ok", *replies_ok)?;
    check_counter("presence_joins", *presence_joins)?;
    check_counter("presence_leaves", *presence_leaves)?;
    check_counter("rooms_opened", *rooms_opened)
}

fn check_counts<const KINDS: usize>(
    name: &str,
    counts: &BTreeMap<String, u64>,
    labels: [&str; KINDS],
) -> Restored {
    if let Some(unknown) = counts.keys().find(|label| !labels.contains(&label.as_str())) {
        return Err(wrong(format_args!("{name} of {unknown:?} are counted, which are unknown")));
    }
    if let Some(missing) = labels.into_iter().find(|label| !counts.contains_key(*label)) {
        return Err(wrong(format_args!("{name} of {missing:?} are not counted")));
    }
    let total = counts.values().try_fold(0_u64, |total, count| total.checked_add(*count));
    match total.filter(|total| *total <= MOST) {
        Some(_) => Ok(()),
        None => Err(wrong(format_args!("there are more {name} than the {MOST} that are expected"))),
    }
}

/// Which part of two states differs.
fn first_difference(expected: &form::State, got: &form::State) -> Option<&'static str> {
    let form::State {
        node,
        crashed,
        now_ms,
        next_ref,
        next_epoch,
        counters,
        clients,
        free_handles,
        ended_handles,
        rooms,
        agenda,
        groups,
        rates,
    } = expected;
    let numbers = [*now_ms, *next_ref, *next_epoch];
    let others = [got.now_ms, got.next_ref, got.next_epoch];
    [
        ("node", *node == got.node && *crashed == got.crashed),
        ("numbers", numbers == others),
        ("counters", *counters == got.counters),
        ("clients", *clients == got.clients),
        ("free_handles", *free_handles == got.free_handles),
        ("ended_handles", *ended_handles == got.ended_handles),
        ("rooms", *rooms == got.rooms),
        ("agenda", *agenda == got.agenda),
        ("groups", *groups == got.groups),
        ("rates", *rates == got.rates),
    ]
    .into_iter()
    .find_map(|(part, is_same)| (!is_same).then_some(part))
}

impl From<form::Counters> for Counters {
    fn from(form: form::Counters) -> Self {
        let form::Counters {
            events,
            refusals,
            broadcasts,
            deliveries,
            replies_ok,
            presence_joins,
            presence_leaves,
            rooms_opened,
        } = form;
        let of = |counts: &BTreeMap<_, u64>, label| counts.get(label).copied().unwrap_or(0);
        Self {
            events: EventCounts::from_fn(|kind| of(&events, kind.label())),
            refusals: RefusalCounts::from_fn(|reason| of(&refusals, reason.label())),
            broadcasts,
            deliveries,
            replies_ok,
            presence_joins,
            presence_leaves,
            rooms_opened,
        }
    }
}
