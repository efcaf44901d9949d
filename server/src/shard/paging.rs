//! Clients ask for pages of history, each for no more at once than leaves some to others.

use parlor::{EventKind, History, Reason, Refuse};

use super::Shard;
use crate::history::Share;

impl Shard {
    /// A client asks for a page, which may have to be read from a file for it.
    pub(super) fn ask_for_page(&mut self, asked: History) {
        let address = self.seats.of_client(&asked.client_id).and_then(|seat| seat.address);
        match self.keeper.ask(address) {
            Share::Left => {
                self.hand_in(asked.into());
                // What comes of it is known to be asked for by that address.
                self.deliver();
            }
            Share::Taken => {
                let message = "as many pages as may be are being read for this address, \
                               expected fewer at once";
                let refuse = Refuse::new(asked.client_id, EventKind::History, Reason::LimitReached);
                let mut refuse = refuse.with_topic(asked.topic).with_message(message);
                refuse.reference = asked.reference;
                self.hand_in(refuse.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;
    use parlor::{Config, Connect, EventDefinition, Join, Outbound, RoomConfig};

    use super::*;
    use crate::{
        clock::Clock,
        history::Keeper,
        queue::{Item, Queue},
        settings::Settings,
        shard::{Seat, Wire},
    };

    /// Asks for so many pages, and returns for each why it is refused, if it is.
    fn ask(shard: &mut Shard, client: &str, queue: &Queue, pages: usize) -> Vec<Option<Reason>> {
        for number in 0..pages {
            let asked = History::new(client, "t").with_event("e");
            shard.ask_for_page(asked.with_ref(number.to_string()));
        }
        shard.deliver();
        let mut items = Vec::new();
        while queue.take(&mut items).now_or_never().is_some() {}
        let replies = items.iter().filter_map(|item| {
            let Item::Outbound(outbound) = item else { return None };
            let Outbound::Reply(reply) = &**outbound else { return None };
            let is_asked_for = reply.to == EventKind::History;
            is_asked_for.then(|| reply.result.as_ref().err().map(parlor::Refusal::reason))
        });
        replies.collect()
    }

    #[test]
    fn one_address_leaves_pages_to_another() {
        let room = RoomConfig::default().with_event(EventDefinition::new("e").with_history(1));
        let channel = Config::builder().default_room(room).build();
        let settings = Settings { channel: channel.unwrap(), ..Settings::default() };
        let (keeper, _unread) = Keeper::that_nobody_reads(4);
        let beside = (&Arc::default(), &Arc::default());
        let config = settings.channel.clone();
        let mut shard = Shard::new(0, config, None, keeper, Clock::start(), beside, &settings);
        let mut enter = |client: &str, last: u8| {
            let queue = Arc::new(Queue::new(99, 1 << 20));
            let (address, wire) = (Some([10, 0, 0, last].into()), Wire::Phoenix);
            let (client_id, held) = (client.into(), Vec::new());
            let seat =
                Seat { client_id, generation: 1, queue: Arc::clone(&queue), wire, address, held };
            shard.enter(Connect::new(client, "ann", 0), seat);
            shard.hand_in(Join::new(client, "t", "ann", 0).into());
            queue
        };
        let (first, second) = (enter("c1", 1), enter("c2", 2));

        let no = Some(Reason::LimitReached);
        assert_eq!(ask(&mut shard, "c1", &first, 4), [None, None, no, no]);
        assert_eq!(ask(&mut shard, "c2", &second, 2), [None, no]);
        shard.keeper.answered(1);
        assert_eq!(ask(&mut shard, "c1", &first, 2), [None, no]);
    }
}
