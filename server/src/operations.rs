//! What the application that a server is a part of can do: what a channel takes from its server.

use std::sync::Arc;

use parlor::{
    AddToGroup, Answer, Body, ClientId, CloseRoom, Entries, Event, GroupName, Kick, OpenRoom,
    Position, Publish, Push, Query, Question, Recipients, Refusal, RemoveFromGroup, RoomInfo,
    Stats, Topic, UserId,
};
use serde::Serialize;
use tokio::sync::oneshot;

use crate::{
    engine::{Done, Message, SERVER_REF},
    listing::List,
    server::Server,
};

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperationError {
    /// The channel has refused it.
    Refused(Refusal),
    /// The server has been shut down.
    Gone,
}

impl std::fmt::Display for OperationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(refusal) => std::fmt::Display::fmt(refusal, f),
            Self::Gone => f.write_str("the server has been shut down"),
        }
    }
}

impl std::error::Error for OperationError {}

/// What became of a message that the server has sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Published {
    /// Its position in its topic; none for a message to a group, a user, a client or everyone. In
    /// JSON, `epoch` and `offset`.
    #[serde(flatten)]
    pub position: Option<Position>,
    /// How many connected clients it was sent to; 0 for a repeated `id`, which is not sent again.
    pub recipients: u64,
}

pub(crate) type Outcome<T> = Result<T, OperationError>;

impl Server {
    /// Sends a message to a topic, a group, a user, a client or everyone; each client receives it
    /// once. Says how many received it.
    ///
    /// # Errors
    ///
    /// An unknown topic, group or client is refused, and what is badly named or too large.
    pub async fn publish(&self, publish: Publish) -> Outcome<Published> {
        let done = self.carry_out(publish.with_ref(SERVER_REF)).await?;
        let recipients = done.recipients as u64;
        let body = answer_of(done)?;
        let position =
            if let Body::Published { position, .. } = body { Some(position) } else { None };
        Ok(Published { position, recipients })
    }

    /// Sends a message to one member of a topic.
    ///
    /// # Errors
    ///
    /// Refused if it is no member that has a connection.
    pub async fn push(&self, push: Push) -> Outcome<()> {
        self.ask(push.with_ref(SERVER_REF)).await.map(drop)
    }

    /// Puts a client out of a topic, or of everything: then it is disconnected too.
    ///
    /// # Errors
    ///
    /// An unknown client is refused.
    pub async fn kick(&self, kick: Kick) -> Outcome<()> {
        let kicked = self.ask(kick.with_ref(SERVER_REF)).await.map(drop);
        self.hub().openings.touch();
        kicked
    }

    /// Opens a room.
    ///
    /// # Errors
    ///
    /// Refused if there is one, or if its configuration has a flaw.
    pub async fn open_room(&self, open: OpenRoom) -> Outcome<()> {
        self.ask(open.with_ref(SERVER_REF)).await.map(drop)
    }

    /// Closes a room.
    ///
    /// # Errors
    ///
    /// Refused if there is none.
    pub async fn close_room(&self, close: CloseRoom) -> Outcome<()> {
        self.ask(close.with_ref(SERVER_REF)).await.map(drop)
    }

    /// Adds topics to a group.
    ///
    /// # Errors
    ///
    /// Refused what is badly named, or past a limit; then none are added.
    pub async fn add_to_group(
        &self,
        group: impl Into<GroupName>,
        topics: impl IntoIterator<Item = Topic>,
    ) -> Outcome<()> {
        self.ask(AddToGroup::new(group, topics).with_ref(SERVER_REF)).await.map(drop)
    }

    /// Takes topics out of a group. Those that are not in it may be listed, and the group need not
    /// be there.
    ///
    /// # Errors
    ///
    /// Refused what is badly named.
    pub async fn remove_from_group(
        &self,
        group: impl Into<GroupName>,
        topics: impl IntoIterator<Item = Topic>,
    ) -> Outcome<()> {
        self.ask(RemoveFromGroup::new(group, topics).with_ref(SERVER_REF)).await.map(drop)
    }

    /// The rooms that there are, in the order in which they were made: declared ones, as the
    /// configuration lists them, then the others.
    ///
    /// # Errors
    ///
    /// None but that the server is gone.
    pub async fn rooms(&self) -> Outcome<Vec<RoomInfo>> {
        let body = self.ask(query(Question::Rooms)).await?;
        let Body::Answer(Answer::Rooms(rooms)) = body else { return Ok(Vec::new()) };
        Ok(rooms)
    }

    /// The same, as it was a moment ago and for everybody who asks: that costs next to nothing. It
    /// has what the server itself did before.
    pub(crate) async fn list(&self) -> Outcome<Arc<List>> {
        let list = self.hub().listing.get(self.hub(), None).await;
        if list.is_whole {
            return Ok(list);
        }
        // Whatever is wrong with the engine, it says so itself.
        self.rooms().await.map(|rooms| Arc::new(List::of(rooms)))
    }

    /// What a room is like, if there is one.
    ///
    /// # Errors
    ///
    /// None but that the server is gone.
    pub async fn room(&self, topic: impl Into<Topic>) -> Outcome<Option<RoomInfo>> {
        let body = self.ask_of(Question::Room, topic.into()).await?;
        let Body::Answer(Answer::Room(room)) = body else { return Ok(None) };
        Ok(room.map(|room| *room))
    }

    /// Who is a member of a topic, in join order.
    ///
    /// # Errors
    ///
    /// None but that the server is gone.
    pub async fn members(&self, topic: impl Into<Topic>) -> Outcome<Option<Recipients>> {
        let body = self.ask_of(Question::Members, topic.into()).await?;
        let Body::Answer(Answer::Members(members)) = body else { return Ok(None) };
        Ok(Some(*members))
    }

    /// Who is present in a topic.
    ///
    /// # Errors
    ///
    /// None but that the server is gone.
    pub async fn presences(&self, topic: impl Into<Topic>) -> Outcome<Option<Entries>> {
        let body = self.ask_of(Question::Presences, topic.into()).await?;
        let Body::Answer(Answer::Presences(entries)) = body else { return Ok(None) };
        Ok(Some(*entries))
    }

    /// Which topics a client is a member of, in the order in which it joined them.
    ///
    /// # Errors
    ///
    /// None but that the server is gone.
    pub async fn topics_of(&self, client_id: impl Into<ClientId>) -> Outcome<Vec<Topic>> {
        let body = self.ask(query(Question::TopicsOf).with_client(client_id)).await?;
        let Body::Answer(Answer::Topics(topics)) = body else { return Ok(Vec::new()) };
        Ok(topics)
    }

    /// Which clients act for a user, in the order in which they have connected; those that have lost
    /// their connection too, for the grace.
    ///
    /// # Errors
    ///
    /// None but that the server is gone.
    pub async fn clients_of(&self, user_id: impl Into<UserId>) -> Outcome<Vec<ClientId>> {
        let (answer, answered) = oneshot::channel();
        let message = Message::ClientsOf { user_id: user_id.into(), answer };
        self.hub().send(message).await.map_err(|_| OperationError::Gone)?;
        answered.await.map_err(|_| OperationError::Gone)
    }

    /// What the channel has counted.
    ///
    /// # Errors
    ///
    /// None but that the server is gone.
    pub async fn stats(&self) -> Outcome<Stats> {
        let body = self.ask(query(Question::Stats)).await?;
        let Body::Answer(Answer::Stats(stats)) = body else { return Err(OperationError::Gone) };
        Ok(*stats)
    }

    /// Crashes the channel, as a test of what depends on it.
    ///
    /// # Errors
    ///
    /// None but that the server is gone.
    pub async fn crash(&self, reason: &str) -> Outcome<()> {
        self.carry_out(Event::crash(reason)).await.map(drop)
    }

    /// Restarts a channel that has crashed.
    ///
    /// # Errors
    ///
    /// None but that the server is gone.
    pub async fn restart(&self) -> Outcome<()> {
        self.carry_out(Event::Restart).await.map(drop)
    }

    async fn ask_of(&self, what: Question, topic: Topic) -> Outcome<Body> {
        self.ask(query(what).with_topic(topic)).await
    }

    async fn ask(&self, event: impl Into<Event>) -> Outcome<Body> {
        answer_of(self.carry_out(event).await?)
    }

    async fn carry_out(&self, event: impl Into<Event>) -> Outcome<Done> {
        let (answer, done) = oneshot::channel();
        let message = Message::Operate { event: event.into(), answer };
        self.hub().send(message).await.map_err(|_| OperationError::Gone)?;
        done.await.map_err(|_| OperationError::Gone)
    }
}

fn query(what: Question) -> Query {
    Query::new(what).with_ref(SERVER_REF)
}

fn answer_of(done: Done) -> Outcome<Body> {
    match done.answered {
        Some(Ok(body)) => Ok(body),
        Some(Err(refusal)) => Err(OperationError::Refused(refusal)),
        None => Err(OperationError::Gone),
    }
}
