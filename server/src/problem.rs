//! What a request gets that is not done: a status, and why as problem JSON (RFC 9457).
//!
//! Knows nothing about what requests are for.

use std::borrow::Cow;

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// The media type of a problem.
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Why a request is not done, as an answer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem(Box<Said>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    status: StatusCode,
    reason: &'static str,
    detail: Cow<'static, str>,
    limit: Option<&'static str>,
    header: Option<(HeaderName, HeaderValue)>,
}

/// How it is written. Its kind is told by `reason`, so the type is that of a plain status.
#[derive(Serialize)]
struct Form<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<&'static str>,
}

impl Problem {
    /// `reason` is stable and in `snake_case`, `detail` is for people: what was expected.
    pub(crate) fn new(
        status: StatusCode,
        reason: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let detail = detail.into();
        let said = Said { status, reason, detail, limit: None, header: None };
        Self(Box::new(said))
    }

    /// Something went wrong that can't.
    pub(crate) fn defect() -> Self {
        let detail = "a defect of the server: its log may say more";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "defect", detail)
    }

    /// Says which limit is reached.
    pub(crate) fn with_limit(mut self, limit: &'static str) -> Self {
        self.0.limit = Some(limit);
        self
    }

    /// Says something to programs beside it.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Said { status, reason, detail, limit, header } = *self.0;
        let form = Form {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: &detail,
            reason,
            limit,
        };
        let body = serde_json::to_vec(&form).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

#[cfg(test)]
impl Problem {
    pub(crate) fn status_and_reason(&self) -> (u16, &'static str) {
        (self.0.status.as_u16(), self.0.reason)
    }
}
