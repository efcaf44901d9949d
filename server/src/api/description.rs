//! What there is to ask, as an `OpenAPI` document, for programs that make clients and tests of it.

use parlor::{Config, Limit};
use serde_json::Value;

/// All that does not depend on the settings.
const TEXT: &str = include_str!("../../assets/openapi.json");

/// The document of a server with such limits.
pub(super) fn of(config: &Config) -> String {
    let Ok(mut document) = serde_json::from_str::<Value>(TEXT) else { return TEXT.to_owned() };
    let says = [
        ("/info/version", Value::from(env!("CARGO_PKG_VERSION"))),
        ("/components/schemas/Name/maxLength", config.limit(Limit::NameBytes).into()),
        ("/components/schemas/Mark/maxLength", config.limit(Limit::RefBytes).into()),
    ];
    for (pointer, value) in says {
        if let Some(place) = document.pointer_mut(pointer) {
            *place = value;
        }
    }
    document.to_string()
}
