//! Which of all that happens one who watches wants to see.

use parlor::{ClientId, EventKind, Outbound, Recipients, Topic};

use super::head::{Head, Way};

/// What is looked for: what fits all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(super) topic: Option<Topic>,
    /// Of whom it is, or for whom.
    pub(super) client: Option<ClientId>,
    /// Labels of events and of messages; none stands for all but `tick`, of which there are as many
    /// as batches.
    pub(super) kinds: Vec<&'static str>,
    pub(super) way: Option<Way>,
}

/// The labels of what comes out.
const OUTBOUND: [&str; 12] = [
    "reply",
    "push_message",
    "broadcast_message",
    "presence_state",
    "presence_diff",
    "history",
    "evicted",
    "room_opened",
    "room_closed",
    "closed",
    "disconnect",
    "system",
];

const TICK: &str = "tick";

/// A label as it is known, if it is one.
pub(super) fn label(text: &str) -> Option<&'static str> {
    let events = EventKind::ALL.into_iter().map(EventKind::label);
    events.chain(OUTBOUND).find(|label| *label == text)
}

impl Filter {
    pub(super) fn has_event(&self, head: &Head<'_>) -> bool {
        self.has(head) && self.client.as_ref().is_none_or(|client| head.client_id == Some(client))
    }

    /// Linear in the recipients, where a client is looked for.
    pub(super) fn has_outbound(&self, head: &Head<'_>, outbound: &Outbound) -> bool {
        let is_of = |client: &ClientId| {
            let mut recipients = outbound.recipients().into_iter().flat_map(Recipients::ids);
            head.client_id == Some(client)
                || outbound.client_id() == Some(client)
                || recipients.any(|recipient| recipient == client)
        };
        self.has(head) && self.client.as_ref().is_none_or(is_of)
    }

    fn has(&self, head: &Head<'_>) -> bool {
        let of_kind =
            if self.kinds.is_empty() { head.kind != TICK } else { self.kinds.contains(&head.kind) };
        of_kind
            && self.way.is_none_or(|way| way == head.way)
            && self.topic.as_ref().is_none_or(|topic| head.topic == Some(topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_knows_all_kinds() {
        let page = include_str!("../../assets/inspect-kinds.js");
        let kinds_of = |way: &str| {
            let list = page.split(&format!("  {way}: [")).nth(1).unwrap();
            let list = list.split(']').next().unwrap().split('"').skip(1).step_by(2);
            let mut kinds = list.collect::<Vec<_>>();
            kinds.sort_unstable();
            kinds
        };
        let check = |way: &str, mut expected: Vec<&str>| {
            expected.sort_unstable();
            assert_eq!(kinds_of(way), expected);
            assert!(expected.into_iter().all(|kind| label(kind) == Some(kind)));
        };
        check("in", EventKind::ALL.map(EventKind::label).to_vec());
        check("out", OUTBOUND.to_vec());
        assert_eq!(label("joint"), None);
    }
}
