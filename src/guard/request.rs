//! What rules see of events, by kind, and what they may change in them.

use core::convert::Infallible;

use crate::{
    event::{
        Broadcast, CloseRoom, Connect, Event, EventKind, History, Join, Leave, OpenRoom, Position,
        Query, Rejoin, Subscribe, Track, Unsubscribe, Untrack,
    },
    guard::decision::{BroadcastChange, given},
    ids::{ClientId, Topic, UserId},
    payload::Json,
};

/// A join or a rejoin, for [`Guard::on_join`](crate::Guard::on_join): who may join may come back.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct JoinRequest<'a> {
    /// [`EventKind::Join`] or [`EventKind::Rejoin`].
    pub kind: EventKind,
    /// Who asks. The channel may know it already: [`Channel::client`](crate::Channel::client).
    pub client_id: &'a ClientId,
    /// What it asks to join.
    pub topic: &'a Topic,
    /// Who it acts for.
    pub user_id: &'a UserId,
    /// The driver's time in milliseconds.
    pub now_ms: u64,
    /// What its presence would show; none if it says nothing of it.
    pub meta: Option<&'a Json>,
    /// What it says to whoever decides.
    pub params: Option<&'a Json>,
    /// Up to where it has received, in a rejoin.
    pub since: Option<Position>,
}

impl<'a> JoinRequest<'a> {
    pub(super) fn of(event: &'a Event) -> Option<Self> {
        let kind = event.kind();
        let since = if let Event::Rejoin(rejoin) = event { rejoin.since } else { None };
        let (Event::Join(Join { client_id, topic, user_id, now_ms, meta, params, reference: _ })
        | Event::Rejoin(Rejoin {
            client_id,
            topic,
            user_id,
            now_ms,
            meta,
            params,
            reference: _,
            since: _,
        })) = event
        else {
            return None;
        };
        let (meta, params) = (Json::given(meta.as_ref()), Json::given(params.as_ref()));
        Some(Self { kind, client_id, topic, user_id, now_ms: *now_ms, meta, params, since })
    }
}

/// Where an event of a client keeps what its presence is to show.
pub(super) fn presence_meta(event: &mut Event) -> Option<&mut Option<Json>> {
    if let Event::Join(Join { meta, .. })
    | Event::Rejoin(Rejoin { meta, .. })
    | Event::Track(Track { meta, .. }) = event
    {
        return Some(meta);
    }
    None
}

/// Where a join or rejoin keeps what it says to whoever decides.
pub(super) fn join_params(event: &mut Event) -> Option<&mut Option<Json>> {
    if let Event::Join(Join { params, .. }) | Event::Rejoin(Rejoin { params, .. }) = event {
        return Some(params);
    }
    None
}

/// An event of a client that [`Guard::on`](crate::Guard::on) takes rules about.
///
/// Join and rejoin are not among them: [`Guard::on_join`](crate::Guard::on_join) has both. What
/// isn't in `Change` can't be changed: not who sends, nor the topic, nor the name of a message.
pub trait ClientEvent: sealed::Sealed + Sized {
    /// What a rule may change: of a broadcast its payload and meta, of a track its meta, of a
    /// connect its data ([`Json`], in which `null` is none), of all others nothing.
    type Change;

    #[doc(hidden)]
    const KIND: EventKind;

    #[doc(hidden)]
    fn of(event: &mut Event) -> Option<&mut Self>;

    #[doc(hidden)]
    fn apply(&mut self, change: Self::Change);
}

mod sealed {
    #[expect(unnameable_types, reason = "nobody else may say what is an event of a client")]
    pub trait Sealed {}
}

macro_rules! client_events {
    ($($kind:ident: $change:ty, |$event:ident, $to:ident| $apply:expr;)+) => {$(
        impl sealed::Sealed for $kind {}

        impl ClientEvent for $kind {
            type Change = $change;

            const KIND: EventKind = EventKind::$kind;

            fn of(event: &mut Event) -> Option<&mut Self> {
                if let Event::$kind(event) = event { Some(event) } else { None }
            }

            fn apply(&mut self, $to: $change) {
                let $event = self;
                $apply
            }
        }
    )+};
}

client_events! {
    Connect: Json, |connect, data| connect.data = given(data);
    Leave: Infallible, |_leave, never| match never {};
    Broadcast: BroadcastChange, |broadcast, change| change.apply(broadcast);
    Subscribe: Infallible, |_subscribe, never| match never {};
    Unsubscribe: Infallible, |_unsubscribe, never| match never {};
    Track: Json, |track, meta| track.meta = given(meta);
    Untrack: Infallible, |_untrack, never| match never {};
    OpenRoom: Infallible, |_open_room, never| match never {};
    CloseRoom: Infallible, |_close_room, never| match never {};
    History: Infallible, |_history, never| match never {};
    Query: Infallible, |_query, never| match never {};
}
