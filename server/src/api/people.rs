//! Clients and whom they act for.

use std::sync::Arc;

use axum::{Json, extract::State};
use parlor::{ClientId, Kick, Reason, Topic, UserId};
use serde::{Deserialize, Serialize};

use super::{
    asked::{Asked, Named, check_name},
    carry_out,
    deed::{By, Deed, shown},
    look_up,
};
use crate::{hub::Hub, operations::OperationError, problem::Problem, server::Server};

/// Whom to put out, of what, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PuttingOut {
    target: Whom,
    topic: Option<Topic>,
    #[serde(default = "PuttingOut::reason")]
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Whom {
    Client(ClientId),
    User(UserId),
}

impl PuttingOut {
    fn reason() -> String {
        "put out".to_owned()
    }
}

/// Clients of one user, or who was put out.
#[derive(Serialize)]
pub(super) struct Clients {
    clients: Vec<ClientId>,
}

/// Where a client is a member.
#[derive(Serialize)]
pub(super) struct Topics {
    topics: Vec<Topic>,
}

/// Puts out a client, or all clients of a user that are there; of a user who has none, nobody.
pub(super) async fn kick(
    State(hub): State<Arc<Hub>>,
    by: By,
    Asked(PuttingOut { target, topic, reason }): Asked<PuttingOut>,
) -> Result<Json<Clients>, Problem> {
    if let Whom::User(user_id) = &target {
        check_name(&hub, "user", user_id.as_str())?;
    }
    let deed = match &target {
        Whom::Client(client) => Deed { client: shown(client.as_str()), ..by.does("kick") },
        Whom::User(user) => Deed { user: shown(user.as_str()), ..by.does("kick") },
    };
    let deed = Deed { topic: topic.as_ref().and_then(|topic| shown(topic.as_str())), ..deed };
    let put_out = |server: Server| async move {
        let kick = |client_id: &ClientId| {
            let mut kick = Kick::new(client_id, &*reason);
            kick.topic.clone_from(&topic);
            kick
        };
        let user_id = match target {
            Whom::Client(client_id) => {
                server.kick(kick(&client_id)).await?;
                return Ok(vec![client_id]);
            }
            Whom::User(user_id) => user_id,
        };
        let mut clients = Vec::new();
        for client_id in server.clients_of(user_id).await? {
            match server.kick(kick(&client_id)).await {
                Ok(()) => clients.push(client_id),
                Err(OperationError::Refused(refusal)) if is_not_there(refusal.reason()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(clients)
    };
    let clients = carry_out(&hub, deed, put_out).await?;
    Ok(Json(Clients { clients }))
}

/// One of several clients may be elsewhere, or have gone meanwhile.
fn is_not_there(reason: Reason) -> bool {
    matches!(reason, Reason::UnknownClient | Reason::NotMember)
}

pub(super) async fn clients_of(
    State(hub): State<Arc<Hub>>,
    Named(user_id): Named,
) -> Result<Json<Clients>, Problem> {
    check_name(&hub, "user", &user_id)?;
    let clients = look_up(Server::of_hub(&hub).clients_of(user_id)).await?;
    Ok(Json(Clients { clients }))
}

pub(super) async fn topics_of(
    State(hub): State<Arc<Hub>>,
    Named(client_id): Named,
) -> Result<Json<Topics>, Problem> {
    let topics = look_up(Server::of_hub(&hub).topics_of(client_id)).await?;
    Ok(Json(Topics { topics }))
}
