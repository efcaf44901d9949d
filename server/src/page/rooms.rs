//! The rooms that there are, for the page: `/rooms.json`.
//!
//! Names and sizes of rooms are for everybody who is let in, as in the lists that Dialogue's clients
//! ask for; where there are keys for tokens, one has to be shown. So the page also learns here why
//! a connection was refused, which browsers do not tell.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use parlor::{ClientRooms, Config, RoomInfo, Topic, UnlistedTopics, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};
use tracing::debug;

use super::listening::Parted;
use crate::{auth::Identity, clock, hub::Hub, operators, problem::Problem, query};

/// How many rooms are shown; of more, those that the configuration lists, and the largest.
const MAX: usize = 200;

/// For how long a list holds, whoever asks.
const HOLDS: Duration = Duration::from_secs(1);

/// How much longer it holds for each room that there is, since making it takes longer too.
const EACH_HOLDS: Duration = Duration::from_micros(50);

/// How long the engine may take to tell the rooms, of which there may be very many.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct Asked {
    user_id: Option<String>,
}

/// The list as it was last made, and until when it holds.
type Last = Arc<Mutex<Option<(Arc<Listed>, Instant)>>>;

/// What does not depend on who asks.
struct Listed {
    rooms: Box<RawValue>,
    /// How many there are beside.
    more: usize,
    parted: Parted,
}

#[derive(Serialize)]
struct Shown<'a> {
    topic: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_members: Option<u32>,
    size: usize,
    full: bool,
    /// Whether the configuration lists it.
    declared: bool,
}

/// Who has asked, if a token said it, and the rooms.
#[derive(Serialize)]
struct Page<'a> {
    user: Option<&'a UserId>,
    rooms: &'a RawValue,
    more: usize,
    /// Whether clients may open rooms, so that nobody is offered what would be refused.
    clients_open_rooms: ClientRooms,
    /// Whether rooms that the configuration does not list are made by going there.
    unlisted_topics: UnlistedTopics,
    /// In which of them who asks can only listen.
    listen_only: Vec<&'a Topic>,
}

pub(super) fn route() -> MethodRouter<Arc<Hub>> {
    let last = Last::default();
    get(async move |State(hub): State<Arc<Hub>>, request: Parts| {
        answer(&hub, &last, &request).await
    })
    .layer(map_response(operators::for_nobody_else))
}

async fn answer(hub: &Hub, last: &Last, request: &Parts) -> Result<Response, Problem> {
    let headers = &request.headers;
    if hub.settings.origins.check(headers).is_err() {
        let detail = "origin not allowed";
        return Err(Problem::new(StatusCode::FORBIDDEN, "origin_not_allowed", detail));
    }
    let asked = query::read::<Asked>(&request.uri).map_err(|flaw| {
        let detail = format!("{flaw}, expected `user_id` at most");
        Problem::new(StatusCode::BAD_REQUEST, "invalid_query", detail)
    })?;
    let identity = identified(hub, headers, &asked)?;
    // Who waits for a list that somebody else has asked for waits no longer than that.
    let listed = timeout(PATIENCE, listed(hub, last)).await.map_err(|_elapsed| no_answer())??;
    let Listed { rooms, more, parted } = &*listed;
    let config = &hub.settings.channel;
    let page = Page {
        user: (!hub.settings.auth.is_open()).then_some(&identity.user_id),
        rooms,
        more: *more,
        clients_open_rooms: config.clients_open_rooms(),
        unlisted_topics: config.unlisted_topics(),
        listen_only: parted.listened_to(&hub.settings.rules, &identity),
    };
    Ok(axum::Json(page).into_response())
}

/// Who asks.
fn identified(hub: &Hub, headers: &HeaderMap, asked: &Asked) -> Result<Identity, Problem> {
    let auth = &hub.settings.auth;
    let token = token(headers)?;
    auth.authenticate(token, asked.user_id.as_deref(), clock::unix_s()).map_err(|error| {
        // What is wrong with a name is for who has chosen it, what is with a token is not.
        if auth.is_open() {
            return Problem::new(StatusCode::FORBIDDEN, "invalid_user", error.to_string());
        }
        debug!(%error, "rooms are not listed");
        let (reason, detail) = match token {
            Some(_) => ("invalid_token", "this token is not taken"),
            None => ("no_token", "a token is needed"),
        };
        let problem = Problem::new(StatusCode::UNAUTHORIZED, reason, detail);
        problem.with_header(header::WWW_AUTHENTICATE, CHALLENGE)
    })
}

const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer");

/// The token that is shown, if one is.
fn token(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut shown = headers.get_all(header::AUTHORIZATION).iter();
    let only = shown.next();
    if shown.next().is_some() {
        let detail = "there is more than one header `Authorization`, expected one at most";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_request", detail));
    }
    Ok(only.and_then(operators::bearer).and_then(|token| str::from_utf8(token).ok()))
}

/// The list, which is made once for all who ask at the same time.
async fn listed(hub: &Hub, last: &Last) -> Result<Arc<Listed>, Problem> {
    let mut last = last.lock().await;
    if let Some((listed, until)) = &*last
        && *until > Instant::now()
    {
        return Ok(Arc::clone(listed));
    }
    if hub.going.is_cancelled() {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "gone", "the server restarts"));
    }
    let all = hub.listing.get(hub, None).await;
    // A list with a hole would look as if its rooms were gone.
    if !all.is_whole {
        return Err(no_answer());
    }
    let mut rooms: Vec<_> = all.rooms.iter().collect();
    let kept_for = HOLDS + EACH_HOLDS * u32::try_from(rooms.len()).unwrap_or(u32::MAX);
    let declared = order(&mut rooms, &hub.settings.channel);
    let more = rooms.len().saturating_sub(MAX);
    rooms.truncate(MAX);
    let parted = Parted::of(rooms.iter().map(|room| room.topic.clone()), hub);
    let rooms = rooms.into_iter().enumerate().map(|(at, room)| shown(room, at < declared));
    let rooms =
        serde_json::value::to_raw_value(&rooms.collect::<Vec<_>>()).expect("rooms are JSON");
    let listed = Arc::new(Listed { rooms, more, parted });
    *last = Some((Arc::clone(&listed), Instant::now() + kept_for));
    Ok(listed)
}

fn no_answer() -> Problem {
    let detail = format!("the engine does not answer, expected it to in {PATIENCE:?}");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_answer", detail)
}

/// Puts rooms in an order that is the same whenever somebody looks: those that the configuration lists
/// as it does, then the others by topic, the largest of them before the rest where there are too
/// many to be shown. Gives how many the configuration lists.
fn order(rooms: &mut [&RoomInfo], config: &Config) -> usize {
    let declared = config.declared().enumerate().map(|(at, (topic, _))| (topic, at));
    let declared = declared.collect::<BTreeMap<_, _>>();
    let place = |room: &&RoomInfo| declared.get(&room.topic).copied().unwrap_or(usize::MAX);
    rooms.sort_by_cached_key(|room| (place(room), Reverse(room.size), room.topic.clone()));
    let listed = rooms.partition_point(|room| place(room) < usize::MAX);
    if let Some(others) = rooms.get_mut(listed..MAX.min(rooms.len())) {
        others.sort_by(|a, b| a.topic.cmp(&b.topic));
    }
    listed
}

fn shown(room: &RoomInfo, declared: bool) -> Shown<'_> {
    Shown {
        topic: room.topic.as_str(),
        name: room.name.as_deref(),
        description: room.description.as_deref(),
        max_members: room.max_members,
        size: room.size,
        full: room.is_full(),
        declared,
    }
}
