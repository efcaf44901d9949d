//! What the server tells of itself at `/metrics`, in the form of OpenMetrics.
//!
//! What happens often is counted by the engine ([`EngineFigures`]) and its lanes; what connections
//! come to is counted in [`Doors`]. Everything else is read when somebody asks. No label is anything
//! that a client has said: how many lines there are follows from the settings alone.

mod count;
mod doors;
mod engine;
mod families;
mod operators;
mod page;
mod process;

use std::sync::Arc;

use axum::{
    extract::State,
    http::{header, request::Parts},
    middleware::map_response,
    response::IntoResponse,
    routing::{MethodRouter, get},
};
use tracing::error;

use self::{page::Page, process::Process};
use crate::{
    hub::Hub,
    operators::{Access, for_nobody_else, may},
    problem::Problem,
    queue::{Load, Waiting},
};

pub(crate) use self::{
    doors::{Doors, Ending, NotAccepted, Open, Why},
    engine::{EngineFigures, LaneFigures, Rejoins, Sent},
    operators::Operators,
};

/// The form of the answer, by name.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) engine: Arc<EngineFigures>,
    pub(crate) lanes: Vec<Arc<LaneFigures>>,
    pub(crate) doors: Arc<Doors>,
    pub(crate) operators: Operators,
}

impl Metrics {
    pub(crate) fn new(lanes: usize) -> Self {
        let lanes = (0..lanes).map(|_| Arc::default()).collect();
        let (doors, operators) = (Arc::default(), Operators::default());
        Self { engine: Arc::default(), lanes, doors, operators }
    }
}

/// What waits for connections.
#[derive(Debug, Default, Clone, Copy)]
struct Queues {
    all: Load,
    /// What of it are answers to what clients have asked for.
    answers: Load,
    /// The most items and the most bytes that wait for one; perhaps not the same.
    most: Load,
}

/// Where it is told.
pub(crate) fn route() -> MethodRouter<Arc<Hub>> {
    get(scrape).layer(map_response(for_nobody_else))
}

/// Answers `/metrics`, for operators.
async fn scrape(State(hub): State<Arc<Hub>>, request: Parts) -> Result<impl IntoResponse, Problem> {
    may(&hub, &request, Access::Look)?;
    // Queues have locks, and the machine is asked by files.
    let read = tokio::task::spawn_blocking(move || Page::of(&hub).text()).await;
    match read {
        Ok(Ok(text)) => Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text)),
        Ok(Err(failure)) => {
            error!(%failure, "figures can't be written");
            Err(Problem::defect())
        }
        // A panic has said of itself what there is to say.
        Err(_) => Err(Problem::defect()),
    }
}

impl Page {
    /// What there is to tell at this moment.
    fn of(hub: &Hub) -> Self {
        Self {
            metrics: Arc::clone(&hub.metrics),
            started_ms: hub.clock.started_ms(),
            places: hub.connections.count(),
            max_places: hub.settings.connections.max,
            mailbox: (!hub.engine.is_closed()).then(|| hub.waiting()),
            queues: queues(hub),
            history: hub.history.clone(),
            process: Process::read(),
            log_drops: hub.settings.log_drops.as_ref().map(|drops| drops()),
        }
    }
}

/// One queue after the other is asked, so that no lane waits for more than one answer.
fn queues(hub: &Hub) -> Queues {
    let mut queues = Queues::default();
    for queue in hub.registry.queues() {
        let Waiting { live, answers } = queue.waiting();
        let (items, bytes) = (live.items + answers.items, live.bytes + answers.bytes);
        queues.all.items += items;
        queues.all.bytes += bytes;
        queues.answers.items += answers.items;
        queues.answers.bytes += answers.bytes;
        queues.most.items = queues.most.items.max(items);
        queues.most.bytes = queues.most.bytes.max(bytes);
    }
    queues
}
