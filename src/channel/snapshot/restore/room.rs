//! Who and what is in a room. Its errors leave out which room that is.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};
use core::num::NonZeroU64;

use super::{Builder, Restored, form, number, wrong};
use crate::{
    channel::node::Phase,
    clients::Connection,
    config::Limit,
    few::Few,
    footing::{Footing, Seat},
    history::History,
    ids::{EventName, MessageId, UserId},
    lost::{Lost, Mark, Marks, Whom},
    presence::{Edge, Entries, Entry, Meta, PresenceRef, Record, Window},
    rooms::{Extras, RoomNumber},
};

/// Where a meta stands in a list: that of its entry, and its own in it.
type Standing = (NonZeroU64, NonZeroU64);

/// Which entry is whose: each is one user's, and each user has one.
#[derive(Default)]
struct Owners {
    users: BTreeMap<NonZeroU64, UserId>,
    entries: BTreeMap<UserId, NonZeroU64>,
}

impl Owners {
    /// Notes an entry, and returns whether it is new.
    fn note(&mut self, user: &UserId, entry: NonZeroU64) -> Restored<bool> {
        match (self.users.get(&entry), self.entries.get(user)) {
            (None, None) => {
                self.users.insert(entry, user.clone());
                self.entries.insert(user.clone(), entry);
                Ok(true)
            }
            (Some(known), Some(_)) if known == user => Ok(false),
            _ => Err(wrong(format_args!("entry {entry} is not user {user:?}'s alone"))),
        }
    }
}

impl Builder {
    /// Puts into a room who and what is in it.
    pub(super) fn fill(&mut self, room: RoomNumber, form: form::Room) -> Restored {
        let form::Room {
            topic: _,
            epoch: _,
            offset,
            config: _,
            origin: _,
            members,
            presences,
            window,
            joined,
            subscriptions,
            ids,
            history,
        } = form;
        self.members(room, members)?;
        let mut owners = Owners::default();
        let mut last = None;
        for presence in presences {
            let (record, edge) = self.record(room, presence, &mut owners)?;
            if last.is_some_and(|last| record.standing() <= last) {
                return Err(wrong("presences are out of order"));
            }
            last = Some(record.standing());
            self.track(room, &record, edge)?;
        }
        if let Some(window) = window {
            self.window(room, window, owners)?;
        }
        self.joined(room, joined)?;
        self.subscriptions(room, subscriptions)?;
        self.ids(room, &ids, offset)?;
        self.history(room, history, offset)
    }

    fn members(&mut self, room: RoomNumber, members: Vec<(u32, bool)>) -> Restored {
        self.check_limit(Limit::MembersPerTopic, members.len())?;
        let max = self.channel.rooms.get(room).config.max_members;
        if let Some(max) = max.filter(|max| members.len() as u64 > u64::from(*max)) {
            let got = members.len();
            return Err(wrong(format_args!("it has {got} members, expected at most {max}")));
        }
        for (client, attached) in members {
            let client = self.find_client(client)?;
            let this = self.channel.clients.get(client);
            if this.rooms.get(room).is_none_or(Footing::is_member) {
                return Err(wrong("a member is there twice, or does not know its room"));
            }
            let may_hear = this.connection == Connection::Connected
                && self.channel.node.phase == Phase::Running;
            if attached && !may_hear {
                return Err(wrong("a member is attached that has no connection or has crashed"));
            }
            self.channel.make_room(room);
            let mut seat = self.channel.rooms.admit(room, client);
            if let (false, Seat::Attached(place)) = (attached, seat) {
                seat = self.channel.rooms.detach(room, place);
            }
            self.channel.clients.get_mut(client).footing(room).set_seat(seat);
        }
        Ok(())
    }

    /// What is recorded of a presence, and whether its user comes with it.
    fn record(
        &mut self,
        room: RoomNumber,
        presence: form::Presence,
        owners: &mut Owners,
    ) -> Restored<(Record, Edge)> {
        let form::Presence { client, reference, online_at_ms, entry, place, prev_ref, data } =
            presence;
        self.check_meta(data.as_ref())?;
        let client = self.find_client(client)?;
        let waits = self.channel.rooms.get(room).config.presence_window_ms.is_some();
        let names = self.channel.clients.names().names(client);
        let record = Record {
            client,
            reference: self.reference(reference)?,
            online_at_ms,
            entry: number("an entry", entry)?,
            place: number("a place", place)?,
            prev_ref: prev_ref.map(|number| self.reference(number)).transpose()?,
            data: data.map(|form::Verbatim(data)| data),
            is_moved: false,
            names: waits.then(|| Arc::new(names.clone())),
        };
        check_refs(record.standing(), record.reference, record.prev_ref)?;
        if !self.refs.insert(reference) {
            return Err(wrong(format_args!("ref {reference} is there twice")));
        }
        let is_new = owners.note(self.channel.clients.names().user(client), record.entry)?;
        Ok((record, if is_new { Edge::First } else { Edge::None }))
    }

    fn track(&mut self, room: RoomNumber, record: &Record, edge: Edge) -> Restored {
        let client = record.client;
        let footing = self.channel.clients.get(client).rooms.get(room);
        if footing.is_none_or(|footing| footing.place().is_some()) {
            return Err(wrong("a presence is there twice, or its client does not know it"));
        }
        if self.channel.rooms.get(room).presence.is_none() {
            return Err(wrong("there is a presence, expected none as presence is off"));
        }
        self.channel.make_room(room);
        self.channel.clients.arrive(client, room, record.entry);
        if let Some(presence) = &mut self.channel.rooms.get_mut(room).presence {
            let place = presence.track(record, edge, self.channel.clients.name_bytes(client));
            self.channel.clients.get_mut(client).footing(room).set_place(place);
        }
        Ok(())
    }

    /// Opens the window of a room whose list is there: what was announced is what is in the list
    /// with a ref below the horizon, and what has gone.
    fn window(&mut self, room: RoomNumber, window: form::Window, mut owners: Owners) -> Restored {
        let form::Window { horizon, gone } = window;
        let this = self.channel.rooms.get(room);
        let Some(presence) =
            this.presence.as_ref().filter(|_| this.config.presence_window_ms.is_some())
        else {
            return Err(wrong("there is a window, expected none where changes don't wait"));
        };
        let horizon = number("a horizon", horizon)?;
        if horizon > self.channel.node.upcoming_ref() {
            return Err(wrong(format_args!("the horizon {horizon} is past the next ref")));
        }
        let mut opened = Window::new(horizon, Entries::none());
        let mut announced = BTreeMap::new();
        let mut changed = BTreeMap::new();
        let mut present = BTreeSet::new();
        for record in presence.records() {
            let names = self.channel.clients.names().names(record.client);
            present.insert(names.user.clone());
            if !opened.knows(record.reference) {
                opened.note_news(record.reference, record.client);
                if opened.knows(record.place) {
                    changed.insert(record.standing(), record.prev_ref);
                } else if record.prev_ref.is_some() {
                    return Err(wrong("what was not announced has no ref before"));
                }
                continue;
            }
            let (user, standing) = (names.user.clone(), record.standing());
            let meta = record.to_meta(
                record.data.clone(),
                names.client.clone(),
                self.channel.node.origin(),
            );
            announced.insert(standing, (user, meta));
        }
        let mut last = None;
        for form::Gone { entry, place, user, meta } in gone {
            let standing = (number("an entry", entry)?, number("a place", place)?);
            let meta = self.meta(meta)?;
            let reference = meta.reference.number();
            check_refs(standing, reference, meta.prev_ref.as_ref().map(PresenceRef::number))?;
            owners.note(&user, standing.0)?;
            if let Some(before) = changed.remove(&standing)
                && before != Some(reference)
            {
                return Err(wrong(format_args!("ref {reference} was not before what came for it")));
            }
            if !opened.knows(reference) || last.is_some_and(|last| standing <= last) {
                return Err(wrong("what has gone is out of order, or was not announced"));
            }
            last = Some(standing);
            if !present.contains(&user) {
                opened.gone_users.insert(user.clone(), standing.0);
            }
            opened.gone.insert(standing, (user.clone(), meta.clone()));
            if !self.refs.insert(reference.get())
                || announced.insert(standing, (user, meta)).is_some()
            {
                return Err(wrong(format_args!("ref {reference} is there twice")));
            }
        }
        if !changed.is_empty() {
            return Err(wrong("a change has nothing before it"));
        }
        opened.announced = Entries::listed(entries(announced));
        if let Some(presence) = &mut self.channel.rooms.get_mut(room).presence {
            presence.window = Some(Box::new(opened));
        }
        Ok(())
    }

    fn meta(&self, meta: form::Meta) -> Restored<Meta> {
        let form::Meta { reference, prev_ref, client_id, online_at_ms, data } = meta;
        let name = |given| -> Restored<PresenceRef> {
            let origin = self.channel.node.origin().cloned();
            Ok(PresenceRef::new(self.reference(given)?, origin))
        };
        let (reference, prev_ref) = (name(reference)?, prev_ref.map(name).transpose()?);
        self.check_meta(data.as_ref())?;
        let data = data.map(|form::Verbatim(data)| data);
        Ok(Meta { reference, prev_ref, client_id, online_at_ms, data })
    }

    fn check_meta(&self, data: Option<&form::Verbatim>) -> Restored {
        let bytes = data.map_or(0, |form::Verbatim(data)| data.as_str().len());
        self.check_limit(Limit::MetaBytes, bytes)
    }

    /// A ref that was given.
    fn reference(&self, given: u64) -> Restored<NonZeroU64> {
        let next = self.channel.node.upcoming_ref();
        let unknown =
            || wrong(format_args!("a ref is {given}, expected 1 or more, and below {next}"));
        NonZeroU64::new(given).filter(|number| *number < next).ok_or_else(unknown)
    }

    /// What members joined with whose presence shows something else.
    fn joined(&mut self, room: RoomNumber, joined: Vec<(u32, Option<form::Verbatim>)>) -> Restored {
        for (client, meta) in joined {
            self.check_meta(meta.as_ref())?;
            let client = self.find_client(client)?;
            let this = self.channel.rooms.get(room);
            let footing = self.channel.clients.get(client).rooms.get(room);
            let (Some(footing), Some(presence)) =
                (footing.filter(|footing| footing.is_member()), &this.presence)
            else {
                return Err(wrong("a joined meta is of no member, or presence is off"));
            };
            let meta = meta.map(|form::Verbatim(meta)| meta);
            if footing.place().is_some_and(|place| presence.record(place).data == meta) {
                return Err(wrong("a joined meta is what is shown, expected something else"));
            }
            self.extras(room).joined.insert(client, meta);
        }
        Ok(())
    }

    fn subscriptions(
        &mut self,
        room: RoomNumber,
        subscriptions: Vec<(u32, Vec<EventName>)>,
    ) -> Restored {
        for (client, names) in subscriptions {
            self.check_limit(Limit::SubscriptionsPerMember, names.len())?;
            let client = self.find_client(client)?;
            let footing = self.channel.clients.get(client).rooms.get(room);
            if !footing.is_some_and(Footing::is_member) {
                return Err(wrong("who is no member has subscriptions"));
            }
            self.extras(room).subscriptions.set(client, &names);
        }
        Ok(())
    }

    fn ids(&mut self, room: RoomNumber, ids: &[(UserId, MessageId, u64)], latest: u64) -> Restored {
        if ids.is_empty() {
            return Ok(());
        }
        let per_user = self.channel.rooms.get(room).config.dedupe.into();
        let cap = self.channel.config.limit(Limit::IdsPerTopic);
        let remembered = &mut self.extras(room).ids;
        for (user, id, offset) in ids {
            if !(1..=latest).contains(offset) {
                return Err(wrong(format_args!(
                    "an id has offset {offset}, expected 1 to {latest}"
                )));
            }
            remembered.remember(user, id, *offset, per_user, cap);
        }
        if remembered.iter().count() != ids.len() {
            return Err(wrong("its ids are out of order, there twice, or too many"));
        }
        Ok(())
    }

    fn history(&mut self, room: RoomNumber, form: Option<form::History>, latest: u64) -> Restored {
        let this = self.channel.rooms.get(room);
        let config = Arc::clone(&this.config);
        let Some(form) = form else {
            let keeps = this.history.is_some();
            return if keeps { Err(wrong("its history is missing")) } else { Ok(()) };
        };
        let form::History { messages, whole_from, gaps, lost, lost_others } = form;
        let whole = gaps.iter().map(|(_, offset)| *offset);
        if whole.chain([whole_from]).any(|offset| offset > latest + 1) {
            return Err(wrong(format_args!(
                "it is whole from a later offset, expected at most {}",
                latest + 1
            )));
        }
        let singly = lost.into_iter().map(|(event, form)| Ok((event, marks(form, latest)?)));
        let singly = singly.collect::<Restored<Vec<_>>>()?;
        let lost = Lost::restored(singly, marks(lost_others, latest)?, &config);
        self.check_limit(Limit::EventNamesPerTopic, lost.unconfigured())?;
        let mut held = BTreeMap::<_, u32>::new();
        for form::Kept(message) in &messages {
            *held.entry(message.event.clone()).or_default() += 1;
        }
        self.check_limit(Limit::EventNamesPerTopic, held.len())?;
        for (event, count) in held {
            let max = config.history_of(&event).unwrap_or(0);
            if count > max {
                return Err(wrong(format_args!(
                    "{count} messages {event:?} are kept, expected at most {max}"
                )));
            }
        }
        let messages = messages.into_iter().map(|form::Kept(message)| message);
        let mut history = History::restored(messages, lost)
            .filter(|history| history.since(latest).next().is_none())
            .ok_or_else(|| wrong("its history has offsets out of order"))?;
        history.set_gaps(whole_from, gaps);
        self.check_limit_of(Limit::HistoryMessagesPerTopic, history.len())?;
        self.check_limit_of(Limit::HistoryBytesPerTopic, history.bytes())?;
        self.channel.rooms.set_history(room, history);
        Ok(())
    }

    fn extras(&mut self, room: RoomNumber) -> &mut Extras {
        self.channel.rooms.get_mut(room).extras.get_or_insert_default()
    }
}

/// What is missing up to the latest offset.
fn marks(form: form::Marks, latest: u64) -> Restored<Marks> {
    let form::Marks { for_all, for_some } = form;
    let for_some = for_some.into_iter().map(|form| {
        let form::Mark { offset, except_client, except_user } = form;
        let except = Whom::of(except_client.as_ref(), except_user.as_ref())?;
        Some(Mark { offset, except })
    });
    let for_some = for_some.collect::<Option<_>>();
    let for_some = for_some.ok_or_else(|| wrong("what is lost for some excludes nobody"))?;
    let marks = Marks { for_all, for_some };
    if marks.newest() > latest {
        let offset = marks.newest();
        return Err(wrong(format_args!("offset {offset} is lost, expected at most {latest}")));
    }
    if marks.are_sound() {
        return Ok(marks);
    }
    Err(wrong("what is lost is out of order, or remembered without need"))
}

/// A meta comes with its user or later, and is changed under later refs.
fn check_refs(
    (entry, place): Standing,
    reference: NonZeroU64,
    prev_ref: Option<NonZeroU64>,
) -> Restored {
    let fits = match prev_ref {
        None => place == reference,
        Some(prev_ref) => place <= prev_ref && prev_ref < reference,
    };
    if entry <= place && fits {
        return Ok(());
    }
    Err(wrong(format_args!(
        "ref {reference} does not fit its entry {entry}, its place {place} and the ref before it"
    )))
}

/// Metas in their order as entries.
fn entries(metas: BTreeMap<Standing, (UserId, Meta)>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut last = None;
    for ((entry, _), (user, meta)) in metas {
        match entries.last_mut() {
            Some(known) if last == Some(entry) => known.metas.push(meta),
            _ => entries.push(Entry::new(user, Few::one(meta))),
        }
        last = Some(entry);
    }
    entries
}
