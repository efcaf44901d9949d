//! Who comes back as whom: the client ids of connections that were lost, with their rooms.
//!
//! Dialogue's client connects again after a lost connection and takes itself for a member still, and
//! says nothing by which it could be told from others of its user. So a new connection is taken for
//! that of its user's clients which has lost its own last; if its page gives a session, which it
//! draws at random and keeps, for that of the session and no other, at once.
//!
//! A connection can be dead long before the server notices, and its client may be back by then, as
//! another one. When a silent connection is found dead, the newest client of its user that came
//! during the silence and is in no room is taken for it: it is asked to reconnect, and then is the
//! client that was lost. A page that was opened meanwhile joins rooms, and is left alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use parlor::{ClientId, UserId};

use super::rooms::Rooms;

/// By what a client is known when it comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    ByUser,
    BySession,
}

/// The clients that have connections, and those that have lost theirs not long ago.
#[derive(Debug)]
pub(crate) struct Returns {
    state: Mutex<State>,
    grace_ms: u64,
}

#[derive(Debug, Default)]
struct State {
    clients: BTreeMap<ClientId, Client>,
    /// Of those that are known by their users, who have lost their connections; the last one last.
    lost: BTreeMap<UserId, Vec<ClientId>>,
    /// Of those that are known by their users, who have connections, with the times at which these
    /// came; the last one last.
    connected: BTreeMap<UserId, Vec<(u64, ClientId)>>,
    /// Who has lost a connection, by until when it is waited for: each once, however often it comes
    /// and goes.
    due: BTreeSet<(u64, ClientId)>,
}

#[derive(Debug)]
struct Client {
    user_id: UserId,
    known: Known,
    rooms: Rooms,
    /// Until when it is waited for, if it has no connection.
    until_ms: Option<u64>,
}

impl Returns {
    /// Clients are waited for as long as they keep their places.
    pub(crate) fn new(grace_ms: u64) -> Self {
        Self { state: Mutex::default(), grace_ms }
    }

    /// The client of a user that has lost its connection last. It is not lost any more.
    pub(super) fn found(&self, user_id: &UserId, now_ms: u64) -> Option<ClientId> {
        let mut state = self.lock();
        state.forget_late(now_ms);
        let client_id = state.lost.get(user_id)?.last()?.clone();
        state.find(&client_id);
        Some(client_id)
    }

    /// A connection of a client has come. Returns the rooms that the client had.
    pub(super) fn enter(
        &self,
        client_id: &ClientId,
        user_id: &UserId,
        known: Known,
        now_ms: u64,
    ) -> Rooms {
        let mut state = self.lock();
        state.find(client_id);
        state.is_away(client_id, user_id);
        if known == Known::ByUser {
            let connected = state.connected.entry(user_id.clone()).or_default();
            connected.push((now_ms, client_id.clone()));
        }
        let before = state.clients.remove(client_id);
        let rooms = before.map_or_else(Rooms::default, |before| before.rooms.copied());
        let (user_id, until_ms) = (user_id.clone(), None);
        let client = Client { user_id, known, rooms: rooms.clone(), until_ms };
        state.clients.insert(client_id.clone(), client);
        rooms
    }

    /// A connection was lost, whose client may come back. If it was silent for so long before, returns
    /// the client as which it seems to have come back already.
    pub(super) fn lose(
        &self,
        client_id: &ClientId,
        rooms: &Rooms,
        now_ms: u64,
        silent_ms: Option<u64>,
    ) -> Option<ClientId> {
        if rooms.is_empty() || self.grace_ms == 0 {
            self.forget(client_id, rooms);
            return None;
        }
        let mut state = self.lock();
        state.forget_late(now_ms);
        let client = state.clients.get_mut(client_id)?;
        if !client.rooms.is(rooms) {
            return None;
        }
        let user_id = client.user_id.clone();
        let until_ms = now_ms.saturating_add(self.grace_ms);
        let earlier = client.until_ms.replace(until_ms);
        let by_user = (client.known == Known::ByUser).then(|| client.user_id.clone());
        if let Some(earlier) = earlier {
            state.due.remove(&(earlier, client_id.clone()));
        }
        state.due.insert((until_ms, client_id.clone()));
        state.is_away(client_id, &user_id);
        let user_id = by_user?;
        state.lost.entry(user_id.clone()).or_default().push(client_id.clone());
        state.heir(&user_id, now_ms.saturating_sub(silent_ms?))
    }

    /// A connection has ended, whose client does not come back.
    pub(super) fn forget(&self, client_id: &ClientId, rooms: &Rooms) {
        let mut state = self.lock();
        if state.clients.get(client_id).is_some_and(|client| client.rooms.is(rooms))
            && let Some(client) = state.clients.remove(client_id)
        {
            state.is_away(client_id, &client.user_id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A client is not lost any more.
    fn find(&mut self, client_id: &ClientId) {
        let Some(client) = self.clients.get_mut(client_id) else { return };
        if let Some(until_ms) = client.until_ms.take() {
            self.due.remove(&(until_ms, client_id.clone()));
        }
        if let Some(lost) = self.lost.get_mut(&client.user_id) {
            lost.retain(|lost| lost != client_id);
            if lost.is_empty() {
                self.lost.remove(&client.user_id);
            }
        }
    }

    /// A client has no connection.
    fn is_away(&mut self, client_id: &ClientId, user_id: &UserId) {
        if let Some(connected) = self.connected.get_mut(user_id) {
            connected.retain(|(_, connected)| connected != client_id);
            if connected.is_empty() {
                self.connected.remove(user_id);
            }
        }
    }

    /// The newest client of a user that has come since then and is in no room, as one that takes
    /// itself for a member still. Each is given once.
    fn heir(&mut self, user_id: &UserId, since_ms: u64) -> Option<ClientId> {
        let mut newest = self.connected.get(user_id)?.iter().rev();
        let (_, heir) = newest.find(|(came_ms, client_id)| {
            let client = self.clients.get(client_id);
            *came_ms >= since_ms && client.is_some_and(|client| client.rooms.are_untouched())
        })?;
        let heir = heir.clone();
        self.is_away(&heir, user_id);
        Some(heir)
    }

    /// Forgets who was waited for long enough.
    fn forget_late(&mut self, now_ms: u64) {
        while self.due.first().is_some_and(|(until_ms, _)| *until_ms <= now_ms)
            && let Some((_, client_id)) = self.due.pop_first()
        {
            self.find(&client_id);
            self.clients.remove(&client_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use parlor::{Outbound, Topic};

    use super::*;

    /// The rooms of one that has joined one.
    fn joined(returns: &Returns, client_id: &str, known: Known) -> Rooms {
        joined_at(0, returns, client_id, known)
    }

    fn joined_at(now_ms: u64, returns: &Returns, client_id: &str, known: Known) -> Rooms {
        let rooms = returns.enter(&client_id.into(), &"ann".into(), known, now_ms);
        let mut channel = parlor::Channel::single_node(parlor::Config::default());
        channel.handle(parlor::Join::new(client_id, "any", "ann", 0).into());
        for outbound in channel.flush_outbox() {
            if let Outbound::Reply(reply) = outbound {
                rooms.answered(&reply);
            }
        }
        rooms
    }

    fn check(returns: &Returns, now_ms: u64, expected: Option<&str>) {
        assert_eq!(returns.found(&"ann".into(), now_ms), expected.map(Into::into), "at {now_ms}");
    }

    #[test]
    fn the_last_one_comes_back_first_and_each_once() {
        let returns = Returns::new(100);
        for id in ["a", "b"] {
            let rooms = joined(&returns, id, Known::ByUser);
            assert_eq!(returns.lose(&id.into(), &rooms, 10, None), None);
        }
        assert_eq!(returns.found(&"bob".into(), 10), None);
        check(&returns, 10, Some("b"));
        check(&returns, 10, Some("a"));
        check(&returns, 10, None);
        let topics = |rooms: &Rooms| rooms.all().into_iter().map(|room| room.0).collect::<Vec<_>>();
        let rooms = returns.enter(&"a".into(), &"ann".into(), Known::ByUser, 0);
        assert_eq!(topics(&rooms), [Topic::from("any")]);
    }

    #[test]
    fn nobody_is_waited_for_longer_than_the_grace() {
        let returns = Returns::new(100);
        let rooms = joined(&returns, "a", Known::ByUser);
        assert_eq!(returns.lose(&"a".into(), &rooms, 10, None), None);
        check(&returns, 109, Some("a"));
        let rooms = joined(&returns, "a", Known::ByUser);
        assert_eq!(returns.lose(&"a".into(), &rooms, 109, None), None);
        assert_eq!(returns.lock().due.len(), 1, "once, however often it comes and goes");
        // The first loss is over, the second one is not.
        check(&returns, 110, Some("a"));
        let rooms = joined(&returns, "a", Known::ByUser);
        assert_eq!(returns.lose(&"a".into(), &rooms, 110, None), None);
        check(&returns, 210, None);
        assert!(returns.lock().clients.is_empty() && returns.lock().due.is_empty());
    }

    #[test]
    fn a_connection_that_was_taken_over_from_loses_nothing() {
        let returns = Returns::new(100);
        let old = joined(&returns, "a", Known::BySession);
        let new = returns.enter(&"a".into(), &"ann".into(), Known::BySession, 0);
        assert_eq!(new.all(), old.all());
        assert_eq!(returns.lose(&"a".into(), &old, 10, None), None);
        returns.forget(&"a".into(), &old);
        assert_eq!(returns.lock().clients.len(), 1);
        assert_eq!(returns.lose(&"a".into(), &new, 10, None), None);
        check(&returns, 10, None);
        let back = returns.enter(&"a".into(), &"ann".into(), Known::BySession, 0);
        assert_eq!(back.all(), old.all());
    }

    #[test]
    fn one_without_rooms_or_a_grace_is_not_waited_for() {
        let returns = Returns::new(100);
        let rooms = returns.enter(&"a".into(), &"ann".into(), Known::ByUser, 0);
        assert_eq!(returns.lose(&"a".into(), &rooms, 10, None), None);
        check(&returns, 10, None);
        let returns = Returns::new(0);
        let rooms = joined(&returns, "a", Known::ByUser);
        assert_eq!(returns.lose(&"a".into(), &rooms, 10, None), None);
        check(&returns, 10, None);
    }

    #[test]
    fn a7_who_comes_during_a_silence_and_is_in_no_room_is_the_silent_one() {
        let returns = Returns::new(100);
        let enter =
            |id: &str, now_ms| returns.enter(&id.into(), &"ann".into(), Known::ByUser, now_ms);
        let silent = joined(&returns, "silent", Known::ByUser);
        let lose = |now_ms| returns.lose(&"silent".into(), &silent, now_ms, Some(40));
        let _before = enter("before", 59);
        let _first = enter("first", 60);
        let _last = enter("last", 70);
        joined_at(90, &returns, "tab in a room", Known::ByUser);
        let _session = returns.enter(&"session".into(), &"ann".into(), Known::BySession, 80);
        returns.enter(&"bob".into(), &"bob".into(), Known::ByUser, 80);
        assert_eq!(lose(100), Some("last".into()));
        assert_eq!(lose(100), Some("first".into()), "each once");
        assert_eq!(lose(100), None, "who came before the silence is another tab");
        check(&returns, 100, Some("silent"));

        let noticed = joined(&returns, "noticed", Known::ByUser);
        let _new = enter("new", 100);
        assert_eq!(returns.lose(&"noticed".into(), &noticed, 100, None), None, "it was not silent");
    }

    #[test]
    fn nothing_is_kept_of_who_has_gone() {
        let returns = Returns::new(100);
        for known in [Known::ByUser, Known::BySession] {
            let rooms = joined(&returns, "a", known);
            returns.forget(&"a".into(), &rooms);
            let rooms = joined(&returns, "a", known);
            assert_eq!(returns.lose(&"a".into(), &rooms, 10, None), None);
            assert!(returns.lock().connected.is_empty());
            check(&returns, 110, None);
            let state = returns.lock();
            assert!(state.clients.is_empty() && state.lost.is_empty() && state.due.is_empty());
        }
    }
}
