//! For back ends: what only the server may do, over HTTP, with the key of operators.
//!
//! Everything that is asked and answered is JSON; what is not done is answered by a [`Problem`]. All
//! of it is described in `assets/openapi.json`, which the tests compare with what is here.

mod asked;
mod deed;
mod description;
mod groups;
mod people;
mod publish;
mod refused;
mod rooms;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{OriginalUri, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{any, get, patch, post},
};
use bytes::Bytes;
use tokio::time::timeout;

use self::deed::Deed;
use crate::{
    hub::Hub,
    operations::Outcome,
    operators::{self, Access},
    problem::Problem,
    server::Server,
};

/// Where what there is to ask is described.
const DESCRIPTION: &str = "/api/openapi.json";

/// The routes of back ends, all of which want the key.
pub(crate) fn routes(hub: &Arc<Hub>) -> Router<Arc<Hub>> {
    let description = Bytes::from(description::of(&hub.settings.channel));
    let described = async move || {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, JSON)], description)
    };
    let routes = Router::new()
        .route("/openapi.json", get(described))
        .route("/publish", post(publish::publish))
        .route("/kick", post(people::kick))
        .route("/rooms", get(rooms::list).post(rooms::open))
        .route("/rooms/{topic}", get(rooms::show).delete(rooms::close))
        .route("/rooms/{topic}/members", get(rooms::members))
        .route("/rooms/{topic}/presences", get(rooms::presences))
        .route("/groups/{group}", patch(groups::change))
        .route("/users/{user}/clients", get(people::clients_of))
        .route("/clients/{client}/topics", get(people::topics_of))
        .fallback(unknown)
        .method_not_allowed_fallback(other_method);
    // What is nested does not have the path that ends where it begins.
    Router::new()
        .nest("/api", routes)
        .route("/api/", any(unknown))
        .layer(from_fn_with_state(Arc::clone(hub), guard))
}

/// Lets requests through that may be made.
async fn guard(State(hub): State<Arc<Hub>>, request: Request, next: Next) -> Response {
    // What can be asked is no secret, but nothing here is for everybody.
    let access = if request.uri().path() == DESCRIPTION { Access::Look } else { Access::Key };
    let (request, body) = request.into_parts();
    let response = match operators::may(&hub, &request, access) {
        Ok(()) if hub.going.is_cancelled() => refused::gone().into_response(),
        Ok(()) => next.run(Request::from_parts(request, body)).await,
        Err(problem) => problem.into_response(),
    };
    operators::for_nobody_else(response).await
}

async fn unknown(OriginalUri(uri): OriginalUri) -> Problem {
    let detail = format!("there is no {}, expected what is in /api/openapi.json", uri.path());
    Problem::new(StatusCode::NOT_FOUND, "unknown_route", detail)
}

/// Which methods there are is in the header `Allow`.
async fn other_method(OriginalUri(uri): OriginalUri, request: Request) -> Problem {
    let (method, path) = (request.method(), uri.path());
    let detail = format!("{method} is not for {path}, expected a method that `Allow` names");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

/// The engine's time limit for a look-up, whose answer may be large.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks something up, and gives up when the engine does not answer in time: nobody is helped by requests
/// that wait for it, and there can be only so many.
async fn look_up<T>(looking: impl Future<Output = Outcome<T>>) -> Result<T, Problem> {
    Ok(timeout(PATIENCE, looking).await.map_err(|_elapsed| refused::no_answer(PATIENCE))??)
}

/// Does something to the end, also when nobody waits for it any more, so that the log has it.
async fn carry_out<T: Send + 'static, F>(
    hub: &Arc<Hub>,
    deed: Deed,
    operation: impl FnOnce(Server) -> F,
) -> Result<T, Problem>
where
    F: Future<Output = Outcome<T>> + Send + 'static,
{
    let operation = operation(Server::of_hub(hub));
    let done = hub.tasks.spawn(async move {
        let outcome = operation.await;
        deed.log(&outcome);
        outcome
    });
    let outcome = done.await;
    Ok(outcome.map_err(|_panicked| Problem::defect())??)
}
