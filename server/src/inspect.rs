//! Looking inside a server that runs: what goes into its channels and what comes out, as it
//! happens, and what there is of rooms and clients, and how the engine does.
//!
//! Nothing here changes what a channel does, and nothing is kept that nobody looks at.

mod buffer;
mod clients;
mod engine;
mod filter;
mod head;
mod line;
mod look;
mod rooms;
mod stream;
mod tap;

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode},
    middleware::map_response,
    routing::get,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    hub::Hub,
    operators::{self, Access},
    page::Asset,
    problem::Problem,
    query,
    registry::Gate,
};

pub(crate) use self::{
    look::{Look, ask},
    tap::{Tap, Watcher},
};

/// How many may watch at once. Each costs the engine the writing of what it sees.
const WATCHERS: usize = 16;

/// Places for those who watch.
pub(crate) fn watchers() -> Arc<Gate> {
    Gate::new(WATCHERS, WATCHERS)
}

macro_rules! asset {
    ($kind:ident $file:literal) => {
        Asset::$kind(include_str!(concat!("../assets/", $file)))
    };
}

/// What the page at `/inspect` is made of: nothing that is not known to everybody.
/// What both pages use is here, since this one is there either way.
const ASSETS: [(&str, Asset); 12] = [
    ("/inspect", asset!(html "inspect.html")),
    ("/assets/clipboard.js", asset!(script "clipboard.js")),
    ("/assets/keeping.js", asset!(script "keeping.js")),
    ("/assets/inspect.css", asset!(css "inspect.css")),
    ("/assets/inspect.js", asset!(script "inspect.js")),
    ("/assets/inspect-charts.js", asset!(script "inspect-charts.js")),
    ("/assets/inspect-json.js", asset!(script "inspect-json.js")),
    ("/assets/inspect-kinds.js", asset!(script "inspect-kinds.js")),
    ("/assets/inspect-lists.js", asset!(script "inspect-lists.js")),
    ("/assets/inspect-log.js", asset!(script "inspect-log.js")),
    ("/assets/inspect-server.js", asset!(script "inspect-server.js")),
    ("/assets/inspect-table.js", asset!(script "inspect-table.js")),
];

/// The page at `/inspect`, and what it asks for.
pub(crate) fn routes() -> Router<Arc<Hub>> {
    let mut router = Router::new()
        .route("/inspect/stream", get(stream::serve))
        .route("/inspect/rooms", get(rooms::list))
        .route("/inspect/clients", get(clients::list))
        .route("/inspect/engine", get(engine::list))
        .layer(map_response(operators::for_nobody_else));
    for (path, asset) in ASSETS {
        router = router.route(path, get(async move |headers: HeaderMap| asset.answer(&headers)));
    }
    router
}

/// The most rooms or clients that are listed.
const MAX_LISTED: usize = 500;

/// How many rooms or clients are listed: as many as are asked for, if that may be.
fn listed(limit: Option<usize>) -> Result<usize, Problem> {
    let limit = limit.unwrap_or(50);
    if limit > MAX_LISTED {
        return Err(invalid(format!("limit is {limit}, expected 0 to {MAX_LISTED}")));
    }
    Ok(limit)
}

/// What a request asks for, if it may.
fn allowed<T: DeserializeOwned>(hub: &Hub, request: Request) -> Result<T, Problem> {
    let (request, _) = request.into_parts();
    operators::may(hub, &request, Access::Look)?;
    query::read(&request.uri).map_err(invalid)
}

/// What waits in queues of connections.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Waiting {
    items: usize,
    bytes: usize,
}

fn no_answer() -> Problem {
    let detail = format!("the engine does not answer, expected it to in {:?}", look::PATIENCE);
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_answer", detail)
}

fn invalid(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
}
