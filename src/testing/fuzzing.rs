//! Events and what they are made of, from the bytes of a fuzzer.

use std::vec::Vec;

use arbitrary::{Arbitrary, Result, Unstructured};
use parlor::{
    AddToGroup, Address, Audience, Broadcast, ClientId, CloseRoom, Config, Connect, Crash,
    Disconnect, Event, EventKind, EventName, Grace, GroupName, History, Join, Json, Kick, Leave,
    OpenRoom, Payload, Position, Publish, Push, Query, Question, Reason, Refuse, Rejoin,
    RemoveFromGroup, RoomConfig, StoredMessage, Subscribe, Tick, Topic, Track, Unsubscribe,
    Untrack, UserId,
};

use super::{
    Events, anything,
    choices::{Choices, Manners},
};

/// As many events as say something; more only cost.
const MOST: usize = 200;

/// Lets bytes choose. Where there are no more, all is as plain as it can be.
fn choose<T>(
    bytes: &mut Unstructured<'_>,
    now_ms: &mut u64,
    make: impl FnOnce(&mut Choices<'_>) -> T,
) -> T {
    let mut draw = |count: usize| {
        let most = u32::try_from(count - 1).unwrap_or(u32::MAX);
        bytes.int_in_range(0..=most).map_or(0, |choice| choice as usize)
    };
    let mut choices = Choices::new(&mut draw, Manners::Bad, *now_ms);
    let chosen = make(&mut choices);
    *now_ms = choices.now_ms;
    chosen
}

macro_rules! arbitrary {
    ($($type:ty: $make:path;)+) => {$(
        impl<'a> Arbitrary<'a> for $type {
            fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
                Ok(choose(bytes, &mut 0, |choices| $make(choices)))
            }
        }
    )+};
}

arbitrary! {
    Event: anything::event;
    Join: anything::join;
    Rejoin: anything::rejoin;
    Leave: anything::leave;
    Broadcast: anything::broadcast;
    Push: anything::push;
    Crash: anything::crash;
    Connect: anything::connect;
    Disconnect: anything::disconnect;
    Subscribe: anything::subscribe;
    Unsubscribe: anything::unsubscribe;
    Track: anything::track;
    Untrack: anything::untrack;
    OpenRoom: anything::open_room;
    CloseRoom: anything::close_room;
    History: anything::history;
    Query: anything::query;
    Publish: anything::publish;
    Kick: anything::kick;
    AddToGroup: anything::add_to_group;
    RemoveFromGroup: anything::remove_from_group;
    Refuse: anything::refuse;
    Tick: anything::tick;
    ClientId: Choices::client;
    UserId: Choices::user;
    Topic: Choices::topic;
    EventName: Choices::event_name;
    GroupName: Choices::group;
    Json: Choices::json;
    Payload: Choices::payload;
    Address: Choices::address;
    Audience: Choices::audience;
    Grace: Choices::grace;
    Position: Choices::position;
    StoredMessage: Choices::stored;
    RoomConfig: Choices::room;
    Config: Choices::config;
    EventKind: Choices::kind;
    Question: Choices::question;
    Reason: Choices::reason;
}

impl<'a> Arbitrary<'a> for Events {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let (mut now_ms, mut events) = (0, Vec::new());
        while !bytes.is_empty() && events.len() < MOST {
            events.push(choose(bytes, &mut now_ms, anything::event));
        }
        Ok(Self(events))
    }
}
