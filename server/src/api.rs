//! For back ends: what only the server may do, over HTTP, with the key of operators.
//!
//! Everything that is asked and answered is JSON; what is not done is answered by a [`Problem`].

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{
    hub::Hub,
    operators::{self, Access},
    problem::Problem,
};

/// What there is to ask, for programs that make clients and tests of it.
const OPENAPI: &str = include_str!("../assets/openapi.json");

/// Where that is, within the routes of back ends.
const OPENAPI_PATH: &str = "/openapi.json";

/// The routes of back ends, all of which want the key.
pub(crate) fn routes(hub: &Arc<Hub>) -> Router<Arc<Hub>> {
    Router::new()
        .route(OPENAPI_PATH, get(openapi))
        .fallback(unknown)
        .layer(from_fn_with_state(Arc::clone(hub), guard))
}

/// Lets requests through that may be made.
async fn guard(State(hub): State<Arc<Hub>>, request: Request, next: Next) -> Response {
    // What can be asked is no secret, but nothing here is for everybody.
    let access = if request.uri().path() == OPENAPI_PATH { Access::KeyOrHere } else { Access::Key };
    let (request, body) = request.into_parts();
    match operators::may(&hub, &request, access) {
        Ok(()) => next.run(Request::from_parts(request, body)).await,
        Err(problem) => problem.into_response(),
    }
}

async fn openapi() -> Response {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, JSON)], OPENAPI).into_response()
}

async fn unknown(request: Request) -> Problem {
    let detail =
        format!("there is no {}, expected one of those in /api/openapi.json", request.uri().path());
    Problem::new(StatusCode::NOT_FOUND, "unknown_route", detail)
}
