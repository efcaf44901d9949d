//! Questions that come as events, and their answers.

use alloc::{boxed::Box, format};

use super::{Channel, openings::info};
use crate::{
    event::{Header, Query, Question},
    ids::Topic,
    outbound::{Answer, Body},
    recipients::Recipients,
    refusal::Refusal,
};

impl Channel {
    /// Answers a question.
    ///
    /// Effects: reply, asked for by a `ref` or not.
    pub(super) fn on_query(&mut self, header: Header<'_>, query: &Query) -> Result<(), Refusal> {
        let Query { what, topic, client_id, reference: _ } = query;
        let needs_topic = || topic.as_ref().ok_or_else(|| missing("topic"));
        let answer = match what {
            Question::Rooms => {
                let rooms = self.rooms.in_order().into_iter();
                Answer::Rooms(rooms.map(|room| info(self.rooms.get(room))).collect())
            }
            Question::Room => Answer::Room(self.room(needs_topic()?).map(Box::new)),
            Question::Members => Answer::Members(Box::new(self.members(needs_topic()?))),
            Question::Presences => Answer::Presences(Box::new(self.presences(needs_topic()?))),
            Question::TopicsOf => {
                let client_id = client_id.as_ref().ok_or_else(|| missing("client_id"))?;
                Answer::Topics(self.topics_of(client_id))
            }
            Question::Stats => Answer::Stats(Box::new(self.stats())),
        };

        self.outbox.reply(header, Ok(Body::Answer(answer)));
        Ok(())
    }

    /// The members of a topic, detached ones too, in join order.
    fn members(&self, topic: &Topic) -> Recipients {
        let members = self.rooms.find(topic).map(|room| self.rooms.get(room).everyone());
        Recipients::of(&members.unwrap_or_default())
    }
}

fn missing(field: &str) -> Refusal {
    Refusal::InvalidRequest {
        message: format!("missing field `{field}`, expected it with what is asked"),
    }
}
