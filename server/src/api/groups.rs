//! Groups of topics, to which back ends may send as to one.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use parlor::Topic;
use serde::Deserialize;

use super::{
    asked::{Asked, Named, check_name},
    carry_out,
    deed::{By, Deed, shown, shown_all},
};
use crate::{hub::Hub, problem::Problem, server::Server};

/// What becomes of a group.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    #[serde(default)]
    add: Vec<Topic>,
    #[serde(default)]
    remove: Vec<Topic>,
}

/// Adds topics, then takes topics out.
pub(super) async fn change(
    State(hub): State<Arc<Hub>>,
    by: By,
    Named(group): Named,
    Asked(Change { add, remove }): Asked<Change>,
) -> Result<StatusCode, Problem> {
    check_name(&hub, "group", &group)?;
    let (added, removed) = (shown_all(&add), shown_all(&remove));
    let deed = Deed { group: shown(&group), added, removed, ..by.does("change group") };
    let change = |server: Server| async move {
        server.add_to_group(group.as_str(), add).await?;
        server.remove_from_group(group.as_str(), remove).await
    };
    carry_out(&hub, deed, change).await?;
    Ok(StatusCode::NO_CONTENT)
}
