//! What the application that a server is a part of can do: what a channel takes from its server,
//! on whichever shards it concerns.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use parlor::{
    AddToGroup, Answer, Body, ClientId, CloseRoom, Entries, Event, GroupName, Kick, OpenRoom,
    Position, Publish, Push, Query, Question, Recipients, Refusal, RemoveFromGroup, RoomInfo,
    Stats, Topic, UserId,
};
use serde::Serialize;
use tokio::sync::oneshot;

use crate::{
    listing::List,
    placement::{self, shard_of},
    server::Server,
    shard::{Answered, Message, SERVER_REF, Served},
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
    /// once, whatever shards it takes. Says how many received it.
    ///
    /// # Errors
    ///
    /// An unknown topic, group or client is refused, and what is badly named or too large.
    pub async fn publish(&self, publish: Publish) -> Outcome<Published> {
        let publish = publish.with_ref(SERVER_REF);
        let served = Served::default();
        let once = Some(Arc::clone(&served));
        let body = match placement::of_address(&publish.target, self.shards()) {
            Some(shard) => {
                let answer = self.begin(shard, publish.into(), once).await?;
                done(answer.await.map_err(|_| OperationError::Gone)?)?
            }
            // A group is on each shard that has topics of it; another shard has nobody to serve.
            None => any(self.ask_each(&publish.into(), once).await?)?,
        };
        let position =
            if let Body::Published { position, .. } = body { Some(position) } else { None };
        let recipients = served.lock().unwrap_or_else(PoisonError::into_inner).len() as u64;
        Ok(Published { position, recipients })
    }

    /// Sends a message to one member of a topic.
    ///
    /// # Errors
    ///
    /// Refused if it is no member that has a connection.
    pub async fn push(&self, push: Push) -> Outcome<()> {
        let shard = shard_of(&push.topic, self.shards());
        self.ask(shard, push.with_ref(SERVER_REF).into()).await.map(drop)
    }

    /// Puts a client out of a topic, or of everything: then it is disconnected too.
    ///
    /// # Errors
    ///
    /// An unknown client is refused.
    pub async fn kick(&self, kick: Kick) -> Outcome<()> {
        let kick = kick.with_ref(SERVER_REF);
        if let Some(topic) = &kick.topic {
            let shard = shard_of(topic, self.shards());
            let answer = self.ask(shard, kick.into()).await.map(drop);
            self.hub().openings.touch();
            return answer;
        }
        // Also when nobody waits for it any more: one who is put out of some shards only would be
        // neither here nor there.
        let (server, client_id) = (self.clone(), kick.client_id.clone());
        let kicked = tokio::spawn(async move {
            let answers = server.ask_each(&kick.into(), None).await;
            server.hub().registry.finish(&client_id);
            server.hub().openings.touch();
            any(answers?).map(drop)
        });
        kicked.await.map_err(|_| OperationError::Gone)?
    }

    /// Opens a room.
    ///
    /// # Errors
    ///
    /// Refused if there is one, or if its configuration has a flaw.
    pub async fn open_room(&self, open: OpenRoom) -> Outcome<()> {
        let shard = shard_of(&open.topic, self.shards());
        self.ask(shard, open.with_ref(SERVER_REF).into()).await.map(drop)
    }

    /// Closes a room.
    ///
    /// # Errors
    ///
    /// Refused if there is none.
    pub async fn close_room(&self, close: CloseRoom) -> Outcome<()> {
        let shard = shard_of(&close.topic, self.shards());
        self.ask(shard, close.with_ref(SERVER_REF).into()).await.map(drop)
    }

    /// Adds topics to a group.
    ///
    /// # Errors
    ///
    /// Refused what is badly named, or past a limit; other topics may have been added then.
    pub async fn add_to_group(
        &self,
        group: impl Into<GroupName>,
        topics: impl IntoIterator<Item = Topic>,
    ) -> Outcome<()> {
        let group = group.into();
        for (shard, topics) in self.by_shard(topics) {
            let add = AddToGroup::new(group.clone(), topics).with_ref(SERVER_REF);
            self.ask(shard, add.into()).await?;
        }
        Ok(())
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
        let group = group.into();
        for (shard, topics) in self.by_shard(topics) {
            let remove = RemoveFromGroup::new(group.clone(), topics).with_ref(SERVER_REF);
            self.ask(shard, remove.into()).await?;
        }
        Ok(())
    }

    /// The rooms that there are: declared ones in the order of the configuration, then those that
    /// were opened by when that was, then those that came with who joined them, of which only those
    /// of one shard are in order.
    ///
    /// # Errors
    ///
    /// None but that the server is gone.
    pub async fn rooms(&self) -> Outcome<Vec<RoomInfo>> {
        let mut rooms = Vec::new();
        for body in self.ask_all(&query(Question::Rooms).into()).await? {
            if let Body::Answer(Answer::Rooms(some)) = body {
                rooms.extend(some);
            }
        }
        self.hub().openings.sort(&mut rooms, self.config());
        Ok(rooms)
    }

    /// The same, as it was a moment ago and for everybody who asks: that costs next to nothing. It
    /// has what the server itself did before.
    pub(crate) async fn list(&self) -> Outcome<Arc<List>> {
        let list = self.hub().listing.get(self.hub(), None).await;
        if list.is_whole {
            return Ok(list);
        }
        // Whatever is wrong with a shard, it says so itself.
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

    /// Which topics a client is a member of, shard by shard in the order in which it joined them.
    ///
    /// # Errors
    ///
    /// None but that the server is gone.
    pub async fn topics_of(&self, client_id: impl Into<ClientId>) -> Outcome<Vec<Topic>> {
        let query = query(Question::TopicsOf).with_client(client_id);
        let mut topics = Vec::new();
        for body in self.ask_all(&query.into()).await? {
            if let Body::Answer(Answer::Topics(some)) = body {
                topics.extend(some);
            }
        }
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
        // Every client is connected on every shard.
        self.hub().send(0, message).await.map_err(|_| OperationError::Gone)?;
        answered.await.map_err(|_| OperationError::Gone)
    }

    /// What each shard has counted. Every client is counted by every shard.
    ///
    /// # Errors
    ///
    /// None but that the server is gone.
    pub async fn stats(&self) -> Outcome<Vec<Stats>> {
        let mut stats = Vec::new();
        for body in self.ask_all(&query(Question::Stats).into()).await? {
            if let Body::Answer(Answer::Stats(some)) = body {
                stats.push(*some);
            }
        }
        Ok(stats)
    }

    /// Crashes all channels, as a test of what depends on them.
    ///
    /// # Errors
    ///
    /// None but that the server is gone.
    pub async fn crash(&self, reason: &str) -> Outcome<()> {
        self.tell_all(&Event::crash(reason)).await
    }

    /// Restarts channels that have crashed.
    ///
    /// # Errors
    ///
    /// None but that the server is gone.
    pub async fn restart(&self) -> Outcome<()> {
        self.tell_all(&Event::Restart).await
    }

    fn shards(&self) -> usize {
        self.hub().shards.len()
    }

    fn by_shard(&self, topics: impl IntoIterator<Item = Topic>) -> BTreeMap<usize, Vec<Topic>> {
        let mut by_shard = BTreeMap::<_, Vec<_>>::new();
        for topic in topics {
            by_shard.entry(shard_of(&topic, self.shards())).or_default().push(topic);
        }
        by_shard
    }

    async fn ask_of(&self, what: Question, topic: Topic) -> Outcome<Body> {
        let shard = shard_of(&topic, self.shards());
        self.ask(shard, query(what).with_topic(topic).into()).await
    }

    async fn ask_all(&self, event: &Event) -> Outcome<Vec<Body>> {
        self.ask_each(event, None).await?.into_iter().collect()
    }

    /// Asks all shards at once.
    async fn ask_each(&self, event: &Event, once: Option<Served>) -> Outcome<Vec<Outcome<Body>>> {
        let mut waiting = Vec::new();
        for shard in 0..self.shards() {
            waiting.push(self.begin(shard, event.clone(), once.clone()).await?);
        }
        let mut answers = Vec::new();
        for answer in waiting {
            answers.push(done(answer.await.map_err(|_| OperationError::Gone)?));
        }
        Ok(answers)
    }

    async fn tell_all(&self, event: &Event) -> Outcome<()> {
        for shard in 0..self.shards() {
            let answer = self.begin(shard, event.clone(), None).await?;
            answer.await.map_err(|_| OperationError::Gone)?;
        }
        Ok(())
    }

    async fn ask(&self, shard: usize, event: Event) -> Outcome<Body> {
        let answer = self.begin(shard, event, None).await?;
        done(answer.await.map_err(|_| OperationError::Gone)?)
    }

    async fn begin(
        &self,
        shard: usize,
        event: Event,
        once: Option<Served>,
    ) -> Outcome<oneshot::Receiver<Answered>> {
        let (answer, answered) = oneshot::channel();
        let message = Message::Operate { event, once, answer };
        self.hub().send(shard, message).await.map_err(|_| OperationError::Gone)?;
        Ok(answered)
    }
}

fn query(what: Question) -> Query {
    Query::new(what).with_ref(SERVER_REF)
}

/// What comes of what shards did: that of one which has done it, if any has.
fn any(answers: Vec<Outcome<Body>>) -> Outcome<Body> {
    let mut outcome = Err(OperationError::Gone);
    for (at, answer) in answers.into_iter().enumerate() {
        if answer.is_ok() || at == 0 {
            outcome = answer;
        }
    }
    outcome
}

fn done(answered: Answered) -> Outcome<Body> {
    match answered {
        Some(Ok(body)) => Ok(body),
        Some(Err(refusal)) => Err(OperationError::Refused(refusal)),
        None => Err(OperationError::Gone),
    }
}
