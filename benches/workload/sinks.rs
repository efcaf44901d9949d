//! Where messages end up in place of sockets: a queue for each client.

use std::sync::Arc;

use parlor::{ClientHandle, Outbound, Recipients};

/// What a queue is given for one message.
pub(crate) trait Item: Clone {
    /// What stands for the message numbered `number`, made once a message.
    fn make(number: u32) -> Self;
}

/// The index sink: the number of the message.
impl Item for u32 {
    fn make(number: u32) -> Self {
        number
    }
}

/// The Arc sink: a reference to its text, of which the content does not matter here.
impl Item for Arc<str> {
    fn make(number: u32) -> Self {
        Self::from(if number.is_multiple_of(2) { "even" } else { "odd" })
    }
}

/// A queue for each client, by the index of its handle.
pub(crate) struct Queues<T> {
    queues: Vec<Vec<T>>,
    made: u32,
}

impl<T: Item> Queues<T> {
    pub(crate) fn new(clients: usize) -> Self {
        Self { queues: vec![Vec::new(); clients], made: 0 }
    }

    /// Puts a message into the queue of each recipient.
    pub(crate) fn deliver(&mut self, recipients: &Recipients) {
        let item = T::make(self.made);
        self.made += 1;
        for handle in recipients.handles() {
            self.queue(handle).push(item.clone());
        }
    }

    /// Delivers whatever has several recipients, and drops the rest.
    pub(crate) fn perform(&mut self, outbox: &[Outbound]) {
        for outbound in outbox {
            if let Some(recipients) = outbound.recipients() {
                self.deliver(recipients);
            }
        }
    }

    /// Empties the queues, and says how much was in them.
    pub(crate) fn drain(&mut self) -> usize {
        self.queues.iter_mut().map(|queue| queue.drain(..).count()).sum()
    }

    fn queue(&mut self, handle: ClientHandle) -> &mut Vec<T> {
        self.queues.get_mut(handle.index()).expect("handles are dense")
    }
}
