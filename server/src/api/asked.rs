//! What a request says: its path, its query, its body. What can't be read is a problem that says what
//! was expected, and where.

use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{
    body::{Body, HttpBody},
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
};
use futures_util::StreamExt;
use parlor::{Json, Limit, Reason};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::timeout;

use crate::{hub::Hub, problem::Problem, query};

/// The body of a request, which is JSON.
pub(super) struct Asked<T>(pub(super) T);

/// The name that stands in the path of a request, percent-encoded.
pub(super) struct Named(pub(super) String);

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// How many to pass over.
    #[serde(default)]
    start: u32,
    /// How many to list.
    #[serde(default = "Page::usual")]
    limit: u32,
}

impl Page {
    /// The most that a page has.
    const MAX: u32 = 1_000;

    const fn usual() -> u32 {
        100
    }

    /// That part of a list.
    pub(super) fn of<T>(self, list: impl Iterator<Item = T>) -> Vec<T> {
        list.skip(self.start as usize).take(self.limit as usize).collect()
    }
}

impl<S: Sync> FromRequestParts<S> for Page {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let expected = format!("expected `start`, and `limit` from 1 to {}", Self::MAX);
        let wrong = |flaw: String| {
            let detail = format!("{flaw}, {expected}");
            Problem::new(StatusCode::BAD_REQUEST, "invalid_query", detail)
        };
        let page = query::read::<Self>(&parts.uri).map_err(wrong)?;
        if (1..=Self::MAX).contains(&page.limit) {
            return Ok(page);
        }
        Err(wrong(format!("limit is {}", page.limit)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(name)| Self(name)).map_err(|_| {
            let detail = "the path can't be read, expected a name as percent-encoded UTF-8";
            Problem::new(StatusCode::BAD_REQUEST, "invalid_path", detail)
        })
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<Hub>> for Asked<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, hub: &Arc<Hub>) -> Result<Self, Problem> {
        check_type(request.headers())?;
        let limits = &hub.settings.connections;
        let patience = Duration::from_millis(limits.handshake_ms);
        let body = read(request.into_body(), limits.max_message_bytes);
        let bytes = timeout(patience, body).await.map_err(|_elapsed| {
            let detail = format!("the body took too long, expected it in {patience:?}");
            Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", detail)
        })??;
        // A list of fields without their names would do for serde too.
        if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
            return Err(invalid("the body is not what was expected: expected an object"));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| invalid(explain(&error, &bytes)))
    }
}

/// A body that says what it may not.
pub(super) fn invalid(detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_body", detail)
}

/// Of what is looked up and not handed in, the channel does not check the name.
pub(super) fn check_name(hub: &Hub, field: &str, name: &str) -> Result<(), Problem> {
    let (bytes, max) = (name.len() as u64, hub.settings.channel.limit(Limit::NameBytes));
    if (1..=max).contains(&bytes) {
        return Ok(());
    }
    let detail = format!("{field} has {bytes} bytes, expected 1 to {max}");
    let (status, reason) = (StatusCode::UNPROCESSABLE_ENTITY, Reason::InvalidName);
    Err(Problem::new(status, reason.label(), detail))
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let text_of = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or(""));
    let media_type = text_of(header::CONTENT_TYPE).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let encoding = text_of(header::CONTENT_ENCODING).unwrap_or("identity");
    let detail = if !essence.eq_ignore_ascii_case("application/json") {
        format!("the content type is {essence:?}, expected application/json")
    } else if !encoding.eq_ignore_ascii_case("identity") {
        format!("the content encoding is {encoding:?}, expected none")
    } else {
        return Ok(());
    };
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
}

async fn read(body: Body, max: usize) -> Result<Vec<u8>, Problem> {
    let too_large = || {
        let detail = format!("the body is too large, expected at most {max} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    };
    if body.size_hint().lower() > max as u64 {
        return Err(too_large());
    }
    let (mut bytes, mut chunks) = (Vec::new(), body.into_data_stream());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| invalid(format!("the body can't be read: {error}")))?;
        if bytes.len() + chunk.len() > max {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What is wrong with a body, and where.
fn explain(error: &serde_json::Error, bytes: &[u8]) -> String {
    if error.is_data() {
        return format!("the body is not what was expected: {error}");
    }
    // What the core says of a text that is no JSON says more.
    let text = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(wrong) => {
            let at = wrong.valid_up_to() + 1;
            return format!("the body is no text at its byte {at}, expected JSON in UTF-8");
        }
    };
    match Json::parse(text) {
        Err(wrong) => format!("the body can't be read: {wrong}"),
        Ok(_) => format!("the body is not what was expected: {error}"),
    }
}
