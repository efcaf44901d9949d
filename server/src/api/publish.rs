//! Messages from back ends.

use std::sync::Arc;

use axum::{Json, extract::State};
use parlor::Publish;

use super::{
    asked::{Asked, invalid},
    carry_out,
    deed::By,
};
use crate::{hub::Hub, operations::Published, problem::Problem};

/// Sends a message to a topic, a group, a user, a client or everyone. The answer says how many clients
/// it was sent to, and where a message to a topic stands in it.
pub(super) async fn publish(
    State(hub): State<Arc<Hub>>,
    by: By,
    Asked(publish): Asked<Publish>,
) -> Result<Json<Published>, Problem> {
    if publish.reference.is_some() {
        return Err(invalid("the body has `ref`, expected none: the request itself is answered"));
    }
    let deed = by.publishes(&publish);
    carry_out(&hub, deed, |server| async move { server.publish(publish).await }).await.map(Json)
}
