//! `GET /inspect/stream`: what happens, as server-sent events.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use parlor::{ClientId, Topic};
use serde::Deserialize;
use serde_json::json;
use tokio::{select, time::sleep};

use super::{
    buffer::{Buffer, Waiting},
    filter::{self, Filter},
    head::Way,
    line::Payloads,
    tap::Watcher,
};
use crate::{engine::Message, hub::Hub, problem::Problem, registry::Place};

/// What can be asked for. What is misspelt is refused: who looks for nothing would take silence for
/// an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    topic: Option<Topic>,
    client: Option<ClientId>,
    /// Labels, with commas between them.
    kind: Option<String>,
    way: Option<Way>,
    /// `0`: not what is said, only about what it is.
    payloads: Option<u8>,
}

/// How often one hears that nothing happens, so that nobody in between takes it for dead.
const SILENCE: Duration = Duration::from_secs(15);

/// How long to wait for an engine that does not answer, before the answer begins.
const PATIENCE: Duration = Duration::from_secs(2);

/// Shows what happens from here on, until who watches goes or the server does.
pub(super) async fn serve(
    State(hub): State<Arc<Hub>>,
    request: Request,
) -> Result<Response, Problem> {
    let params: Params = super::allowed(&hub, request)?;
    let (filter, payloads) = params.read().map_err(super::invalid)?;
    let place = hub.watchers.enter(None).map_err(|_| {
        let detail = "as many watch as may, expected one of them to go";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_watchers", detail)
    })?;

    let buffer = Arc::new(Buffer::default());
    let watcher = Watcher { filter, payloads, buffer: Arc::downgrade(&buffer) };
    // An engine that has ended has nothing to show.
    tokio::time::timeout(PATIENCE, hub.send(Message::Watch(watcher))).await.ok();
    // Whatever happens after the answer is shown.
    hub.answers(PATIENCE).await;

    let first = event("watching", &json!({}));
    let watching = Watching { hub, buffer, _place: place, next: Next::First(first) };
    Ok(answer(watching))
}

impl Params {
    fn read(self) -> Result<(Filter, Payloads), String> {
        let Self { topic, client, kind, way, payloads } = self;
        if topic.as_ref().is_some_and(|topic| topic.as_str().is_empty())
            || client.as_ref().is_some_and(|client| client.as_str().is_empty())
        {
            return Err("an empty name is nobody's, expected one, or no `topic` or `client`".into());
        }
        let kinds = kind.iter().flat_map(|kinds| kinds.split(',')).filter(|kind| !kind.is_empty());
        let known = |kind| filter::label(kind).ok_or_else(|| unknown(kind));
        let mut kinds = kinds.map(known).collect::<Result<Vec<_>, _>>()?;
        // However often one is named, the engine looks for it once.
        kinds.sort_unstable();
        kinds.dedup();
        let payloads = match payloads {
            None | Some(1) => Payloads::Shown,
            Some(0) => Payloads::Hidden,
            Some(other) => return Err(format!("payloads is {other}, expected 0 or 1")),
        };
        Ok((Filter { topic, client, kinds, way }, payloads))
    }
}

fn unknown(kind: &str) -> String {
    format!("{kind:?} is no kind, expected the label of an event or of a message, such as join")
}

/// One who watches, as long as the answer is read.
struct Watching {
    hub: Arc<Hub>,
    buffer: Arc<Buffer>,
    _place: Place,
    next: Next,
}

enum Next {
    First(Bytes),
    Lines,
    Nothing,
}

fn answer(watching: Watching) -> Response {
    const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
    let chunks = stream::unfold(watching, |mut watching| async {
        let chunk = watching.next().await?;
        Some((Ok::<_, Infallible>(chunk), watching))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        // A proxy is not to wait until there is more.
        (BUFFERING, "no"),
    ];
    (headers, Body::from_stream(chunks)).into_response()
}

impl Watching {
    async fn next(&mut self) -> Option<Bytes> {
        match std::mem::replace(&mut self.next, Next::Lines) {
            Next::First(first) => Some(first),
            Next::Lines => Some(self.lines().await),
            Next::Nothing => None,
        }
    }

    async fn lines(&mut self) -> Bytes {
        select! {
            biased;
            waiting = self.buffer.take() => lines(&waiting),
            () = self.hub.going.cancelled() => {
                self.next = Next::Nothing;
                event("end", &json!({ "reason": "the server goes" }))
            }
            () = sleep(SILENCE) => Bytes::from_static(b": nothing happens\n\n"),
        }
    }
}

fn lines(waiting: &[Waiting]) -> Bytes {
    let mut chunk = Vec::new();
    for waiting in waiting {
        match waiting {
            Waiting::Line(line) => {
                chunk.extend_from_slice(b"data: ");
                chunk.extend_from_slice(line);
                chunk.extend_from_slice(b"\n\n");
            }
            Waiting::Skipped(lines) => {
                chunk.extend_from_slice(&event("skipped", &json!({ "lines": lines })));
            }
        }
    }
    chunk.into()
}

fn event(name: &str, data: &serde_json::Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_looked_for_once_however_often_it_is_named() {
        let kind = Some(format!("{}leave", "join,".repeat(10_000)));
        let (filter, _) = Params { kind, ..Params::default() }.read().unwrap();
        assert_eq!(filter.kinds, ["join", "leave"]);
    }
}
