//! What befalls the channel itself: crash, restart and time; and refusals that were decided before.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};

use super::{Channel, attendance::Turn, departure::Parted, node::Phase};
use crate::{
    agenda::Due,
    event::{Crash, Header, Refuse},
    footing::{Footing, Seat},
    ids::ClientHandle,
    outbound::{Cause, Outbound, System},
    presence::leaves,
    recipients::Recipients,
    refusal::Refusal,
    rooms::RoomNumber,
};

/// What ends in a room by one tick.
#[derive(Default)]
struct Expired {
    /// The memberships: where they stood in join order, and whose they were.
    members: Vec<(u32, ClientHandle)>,
    gone: Vec<Turn>,
}

impl Channel {
    /// Detaches every member, or without a grace ends every membership, and lets nobody in until a
    /// restart.
    ///
    /// Effects: `system`; then, a topic after the other in the order of their creation, `closed`
    /// and what a room that goes leaves. Those who go together cause no diffs. Epochs, refs and the
    /// clock go on. A second crash does nothing.
    #[expect(clippy::unnecessary_wraps, reason = "every event is handled alike")]
    pub(super) fn on_crash(&mut self, crash: &Crash) -> Result<(), Refusal> {
        let Crash { reason } = crash;
        if self.node.phase == Phase::Crashed {
            return Ok(());
        }

        self.node.phase = Phase::Crashed;
        let label = format!("crash: {reason}");
        self.outbox.push(Outbound::System(System { label }));
        let mut cleared = BTreeSet::new();
        for room in self.rooms.in_order() {
            let members = self.rooms.get(room).members();
            self.say_closed(room, Cause::Crashed, None, Recipients::all(members));
            if self.config.grace_ms() > 0 {
                for client in self.footings(room) {
                    self.detach(client, room);
                }
                continue;
            }
            // A room that was opened and waits for its first member goes on waiting.
            let gone = self.clear(room);
            if !gone.is_empty() && !self.rooms.get(room).persists() {
                self.dissolve(room, self.notice(room));
            }
            // Not `append`, which goes through all that are there.
            cleared.extend(gone);
        }
        for client in cleared {
            self.retire(client);
        }
        Ok(())
    }

    /// Lets clients in again. Does nothing unless the channel has crashed.
    ///
    /// Effects: `system`.
    #[expect(clippy::unnecessary_wraps, reason = "every event is handled alike")]
    pub(super) fn on_restart(&mut self) -> Result<(), Refusal> {
        if self.node.phase == Phase::Crashed {
            self.node.phase = Phase::Running;
            self.outbox.push(Outbound::System(System { label: String::from("restart") }));
        }
        Ok(())
    }

    /// Lets happen what is due: graces that run out, then windows that end.
    ///
    /// Effects, a topic after the other in the order in which they come up: `closed`, one diff,
    /// what a room that goes leaves; then the diffs of windows by their deadlines.
    #[expect(clippy::unnecessary_wraps, reason = "every event is handled alike")]
    pub(super) fn on_tick(&mut self) -> Result<(), Refusal> {
        self.expire();
        self.rooms.rates.drop_what_is_over(self.clock.now_ms);
        for due in self.clock.agenda.take_due_windows(self.clock.now_ms) {
            if let Due::Window { room, epoch: _ } = due {
                self.end_window(room);
            }
        }
        Ok(())
    }

    /// Answers what was refused before it went in.
    ///
    /// Effects: reply.
    #[expect(clippy::unnecessary_wraps, reason = "every event is handled alike")]
    pub(super) fn on_refuse(&mut self, header: Header<'_>, refuse: &Refuse) -> Result<(), Refusal> {
        let Refuse { client_id: _, topic: _, to: _, reason, message, reference: _ } = refuse;
        let refusal = Refusal::Denied { reason: *reason, message: message.clone() };
        self.outbox.reply(header, Err(refusal));
        Ok(())
    }

    /// Ends what is held whose grace has run out.
    fn expire(&mut self) {
        let mut rooms: Vec<RoomNumber> = Vec::new();
        let mut expired: BTreeMap<RoomNumber, Expired> = BTreeMap::new();
        let mut clients = Vec::new();
        for due in self.clock.agenda.take_due_graces(self.clock.now_ms) {
            match due {
                Due::Footing { client, room } => {
                    let standing = self.standing(client, room);
                    let Parted { seat: _, gone } = self.part(client, room);
                    let of_room = expired.entry(room).or_insert_with(|| {
                        rooms.push(room);
                        Expired::default()
                    });
                    of_room.members.extend(standing.map(|standing| (standing, client)));
                    of_room.gone.extend(gone);
                    clients.push(client);
                }
                Due::Client(client) => clients.push(client),
                Due::Window { .. } => {}
            }
        }

        for room in rooms {
            let Expired { mut members, gone } = expired.remove(&room).unwrap_or_default();
            members.sort_unstable();
            let members: Vec<_> = members.into_iter().map(|(_, client)| client).collect();
            if !members.is_empty() {
                self.say_closed(room, Cause::Expired, None, Recipients::of(&members));
            }
            if !gone.is_empty() {
                let gone = gone.into_iter().map(|turn| self.gone(turn)).collect();
                self.say_diff(room, leaves(gone));
            }
            self.settle(room);
        }
        clients.sort_unstable();
        clients.dedup();
        for client in clients {
            self.end_if_over(client);
        }
    }

    /// Ends a client whose own grace has run out, or that has nothing left to stay for.
    fn end_if_over(&mut self, client: ClientHandle) {
        let held = self.is_connected(client) || self.clock.agenda.is_set(Due::Client(client));
        if held || self.clients.get(client).rooms.len() > 0 {
            self.retire(client);
        } else {
            self.end_client(client);
        }
    }

    /// Where a client stands in the join order of a room, if it is a member.
    fn standing(&self, client: ClientHandle, room: RoomNumber) -> Option<u32> {
        let footing = self.clients.get(client).rooms.get(room)?;
        match footing.seat() {
            Seat::None => None,
            Seat::Attached(seat) | Seat::Detached(seat) => {
                Some(self.rooms.get(room).standing(seat))
            }
        }
    }

    /// Everyone who has anything in a room: members in join order, then who is present alone in the
    /// order of the list.
    fn footings(&self, room: RoomNumber) -> Vec<ClientHandle> {
        let this = self.rooms.get(room);
        let mut clients = this.everyone();
        if let Some(presence) = &this.presence {
            let is_stranger = |client: &ClientHandle| {
                let footing = self.clients.get(*client).rooms.get(room);
                !footing.is_some_and(Footing::is_member)
            };
            let present = presence.records().into_iter().map(|record| record.client);
            clients.extend(present.filter(is_stranger));
        }
        clients
    }
}
