//! Lists of rooms that clients ask for, put together of what each shard has.

use std::collections::BTreeMap;

use parlor::{Answer, Body, EventKind, Ref, Reply, RoomInfo};

/// The lists that one client waits for.
#[derive(Debug, Default)]
pub(super) struct Listings {
    open: BTreeMap<Ref, Listing>,
}

#[derive(Debug)]
struct Listing {
    /// How many shards have not answered.
    left: usize,
    rooms: Vec<RoomInfo>,
}

/// What becomes of a reply.
#[derive(Debug)]
pub(super) enum Listed {
    /// It is no part of a list.
    No,
    /// More is to come.
    InPart,
    /// That was all.
    All(Box<Reply>, Vec<RoomInfo>),
}

impl Listings {
    /// Whether it waits for none.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes note that as many shards are asked.
    pub(super) fn ask(&mut self, reference: Ref, shards: usize) {
        self.open.insert(reference, Listing { left: shards, rooms: Vec::new() });
    }

    /// Takes the answer of a shard.
    pub(super) fn take(&mut self, reply: &Reply) -> Listed {
        let reference = reply.reference.as_ref().filter(|_| reply.to == EventKind::Query);
        let Some((reference, listing)) =
            reference.and_then(|reference| Some((reference, self.open.get_mut(reference)?)))
        else {
            return Listed::No;
        };
        listing.left -= 1;
        // One that refuses has none to show.
        if let Ok(Body::Answer(Answer::Rooms(rooms))) = &reply.result {
            listing.rooms.extend(rooms.iter().cloned());
        }
        if listing.left > 0 {
            return Listed::InPart;
        }
        let rooms = self.open.remove(reference).map(|listing| listing.rooms);
        Listed::All(Box::new(reply.clone()), rooms.unwrap_or_default())
    }
}
