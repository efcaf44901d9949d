//! What stands in the query of a request.

use std::error::Error;

use axum::{extract::Query, http::Uri};
use serde::de::DeserializeOwned;

/// Reads a query; of one that can't be read, what is wrong with it.
pub(crate) fn read<T: DeserializeOwned>(uri: &Uri) -> Result<T, String> {
    let read = Query::try_from_uri(uri).map(|Query(asked)| asked);
    read.map_err(|rejection| {
        let flaw = rejection.source().map(ToString::to_string).unwrap_or_default();
        format!("the query can't be read ({flaw})")
    })
}
