//! Crash and restart.

use alloc::{format, string::String};

use super::{Channel, Phase};
use crate::{
    event::Crash,
    outbound::{Cause, Closed, Outbound, System},
    recipients::{Except, Recipients},
    refusal::Refusal,
};

impl Channel {
    /// Ends every membership, and lets nobody in until a restart.
    ///
    /// Effects: `system`; then a `closed` a topic, in the order of their creation. Those who go
    /// together cause no diffs. Epochs, refs and the clock go on. A second crash does nothing.
    #[expect(clippy::unnecessary_wraps, reason = "every event is handled alike")]
    pub(super) fn on_crash(&mut self, crash: &Crash) -> Result<(), Refusal> {
        let Crash { reason } = crash;
        if self.phase == Phase::Crashed {
            return Ok(());
        }

        self.phase = Phase::Crashed;
        let label = format!("crash: {reason}");
        self.outbox.push(Outbound::System(System { label }));
        for number in self.rooms.in_order() {
            let room = self.rooms.get(number);
            let present = room.presence.as_ref().map_or(0, |presence| presence.meta_count());
            self.outbox.count_presence_leaves(u64::from(present));
            self.outbox.push(Outbound::Closed(Closed {
                topic: room.topic.clone(),
                cause: Cause::Crashed,
                message: None,
                recipients: Recipients::new(room.members(), Except::Nobody),
            }));
        }
        self.rooms.remove_all();
        self.clients.end_all();
        Ok(())
    }

    /// Lets clients in again. Does nothing unless the channel has crashed.
    ///
    /// Effects: `system`.
    #[expect(clippy::unnecessary_wraps, reason = "every event is handled alike")]
    pub(super) fn on_restart(&mut self) -> Result<(), Refusal> {
        if self.phase == Phase::Crashed {
            self.phase = Phase::Running;
            self.outbox.push(Outbound::System(System { label: String::from("restart") }));
        }
        Ok(())
    }
}
