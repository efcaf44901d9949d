//! What the model has counted: spec section 2, `stats`.

use super::{
    Model,
    lines::{json, object},
};

const EVENTS: &str = "join rejoin leave broadcast push crash restart connect disconnect \
    subscribe unsubscribe track untrack open_room close_room history query publish kick \
    add_to_group remove_from_group refuse tick";

const REASONS: &str = "crashed invalid_name unknown_topic room_full join_denied not_member \
    event_not_allowed validation_failed rate_limited invalid_request room_exists \
    permission_denied user_conflict unknown_client unknown_target payload_too_large limit_reached \
    unavailable";

/// Section 2: the counters; names stand as often as they were counted.
#[derive(Default)]
pub(super) struct Counters {
    events: Vec<String>,
    refusals: Vec<String>,
    pub(super) broadcasts: u64,
    pub(super) deliveries: u64,
    pub(super) replies_ok: u64,
    pub(super) presence_joins: u64,
    pub(super) presence_leaves: u64,
    pub(super) rooms_opened: u64,
}

impl Counters {
    pub(super) fn count_event(&mut self, label: &str) {
        self.events.push(label.to_owned());
    }

    pub(super) fn count_refusal(&mut self, reason: &str) {
        self.refusals.push(reason.to_owned());
    }
}

/// How often each of these was counted, as an object.
fn counts(names: &str, counted: &[String]) -> String {
    let count = |name| json(&counted.iter().filter(|other| *other == name).count());
    object(names, &names.split_whitespace().map(count).collect::<Vec<_>>())
}

impl Model {
    /// Section 2: counters and gauges; an event is counted when it comes, a reply when it is said.
    pub fn stats(&self) -> String {
        let Counters { events, refusals, .. } = &self.counters;
        let counters = &self.counters;
        let names = "events broadcasts deliveries replies_ok refusals presence_joins \
                     presence_leaves rooms_opened topics clients memberships detached \
                     history_messages history_bytes";
        let values = [
            counts(EVENTS, events),
            json(&counters.broadcasts),
            json(&counters.deliveries),
            json(&counters.replies_ok),
            counts(REASONS, refusals),
            json(&counters.presence_joins),
            json(&counters.presence_leaves),
            json(&counters.rooms_opened),
            json(&self.rooms.len()),
            json(&self.clients()),
            json(&self.membership_count()),
            json(&self.detached()),
            json(&self.history_messages()),
            json(&self.history_bytes()),
        ];
        object(names, &values)
    }
}
