//! Messages from back ends.

use std::sync::Arc;

use axum::{Json, extract::State};
use parlor::{Body, Publish};

use super::{
    asked::{Asked, invalid},
    carry_out,
    deed::By,
};
use crate::{hub::Hub, problem::Problem};

/// Sends a message to a topic, a group, a user, a client or everyone. The answer is the position of
/// one to a topic, and of others nothing.
pub(super) async fn publish(
    State(hub): State<Arc<Hub>>,
    by: By,
    Asked(publish): Asked<Publish>,
) -> Result<Json<Body>, Problem> {
    if publish.reference.is_some() {
        return Err(invalid("the body has `ref`, expected none: the request itself is answered"));
    }
    let deed = by.publishes(&publish);
    carry_out(&hub, deed, |server| async move { server.publish(publish).await }).await.map(Json)
}
