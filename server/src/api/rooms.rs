//! Rooms: which there are, who is in them, and what makes them come and go.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use parlor::{ClientId, CloseRoom, Entry, OpenRoom, RoomInfo, Topic};
use serde::Serialize;

use super::{
    asked::{Asked, Named, Page, invalid},
    carry_out,
    deed::{By, Deed, shown},
    look_up,
    refused::unknown_topic,
};
use crate::{hub::Hub, operations::Outcome, problem::Problem, server::Server};

/// A part of the rooms.
#[derive(Serialize)]
pub(super) struct RoomPage {
    rooms: Vec<RoomInfo>,
    total: usize,
}

/// A part of the members of a room.
#[derive(Serialize)]
pub(super) struct MemberPage {
    members: Vec<ClientId>,
    total: usize,
}

/// A part of the presences of a room.
#[derive(Serialize)]
pub(super) struct PresencePage {
    presences: Vec<Entry>,
    /// How many users there are.
    total: usize,
    /// How many clients they have.
    clients: usize,
}

/// Which room was opened.
#[derive(Serialize)]
pub(super) struct Opened {
    topic: Topic,
}

pub(super) async fn list(
    State(hub): State<Arc<Hub>>,
    page: Page,
) -> Result<Json<RoomPage>, Problem> {
    let list = look_up(Server::of_hub(&hub).list()).await?;
    Ok(Json(RoomPage { rooms: page.of(list.rooms.iter().cloned()), total: list.rooms.len() }))
}

pub(super) async fn show(
    State(hub): State<Arc<Hub>>,
    Named(topic): Named,
) -> Result<Json<RoomInfo>, Problem> {
    let room = look_up(Server::of_hub(&hub).room(topic.as_str())).await?;
    room.map(Json).ok_or_else(|| unknown_topic(&topic))
}

pub(super) async fn members(
    State(hub): State<Arc<Hub>>,
    Named(topic): Named,
    page: Page,
) -> Result<Json<MemberPage>, Problem> {
    let server = Server::of_hub(&hub);
    let members = in_room(&server, &topic, server.members(topic.as_str())).await?;
    let (total, members) = (members.len(), page.of(members.ids().cloned()));
    Ok(Json(MemberPage { members, total }))
}

pub(super) async fn presences(
    State(hub): State<Arc<Hub>>,
    Named(topic): Named,
    page: Page,
) -> Result<Json<PresencePage>, Problem> {
    let server = Server::of_hub(&hub);
    let entries = in_room(&server, &topic, server.presences(topic.as_str())).await?;
    let (total, clients) = (entries.len(), entries.meta_count());
    Ok(Json(PresencePage { presences: page.of(entries.iter()), total, clients }))
}

pub(super) async fn open(
    State(hub): State<Arc<Hub>>,
    by: By,
    Asked(open): Asked<OpenRoom>,
) -> Result<impl IntoResponse, Problem> {
    if open.by.is_some() || open.reference.is_some() {
        return Err(invalid("the body has `by` or `ref`, expected `topic` and perhaps `config`"));
    }
    let topic = open.topic.clone();
    let deed = Deed { topic: shown(topic.as_str()), ..by.does("open room") };
    carry_out(&hub, deed, |server| async move { server.open_room(open).await }).await?;
    let location = format!("/api/rooms/{}", percent_encoded(topic.as_str()));
    let location = HeaderValue::try_from(location).ok();
    let location = location.map(|location| [(header::LOCATION, location)]);
    Ok((StatusCode::CREATED, location, Json(Opened { topic })))
}

pub(super) async fn close(
    State(hub): State<Arc<Hub>>,
    by: By,
    Named(topic): Named,
) -> Result<StatusCode, Problem> {
    let deed = Deed { topic: shown(&topic), ..by.does("close room") };
    let close = CloseRoom::new(topic);
    carry_out(&hub, deed, |server| async move { server.close_room(close).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is in a room. Where there is none, nobody is in it, but that is not what was asked.
async fn in_room<T>(
    server: &Server,
    topic: &str,
    found: impl Future<Output = Outcome<Option<T>>>,
) -> Result<T, Problem> {
    let found = async {
        match server.room(topic).await? {
            Some(_) => found.await,
            None => Ok(None),
        }
    };
    look_up(found).await?.ok_or_else(|| unknown_topic(topic))
}

/// A text as a segment of a path. Dots alone would be a step in it, at least for who does not take
/// what is encoded for that too.
fn percent_encoded(text: &str) -> String {
    let is_step = matches!(text, "." | "..");
    let encoded = text.bytes().map(|byte| match byte {
        b'.' if is_step => "%2E".to_owned(),
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    });
    encoded.collect()
}
