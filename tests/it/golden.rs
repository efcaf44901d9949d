//! The JSON form, to the byte: recorded traces replay for ever, so none of this may change.

mod bad_events;
mod events;
mod outbounds;

use std::fmt::Debug;

/// The tag under which something stands in JSON.
fn tag(of: &(impl serde::Serialize + Debug)) -> String {
    let value = serde_json::to_value(of).unwrap();
    let tag = value.as_str().or_else(|| value.as_object()?.keys().next().map(String::as_str));
    tag.unwrap_or_else(|| panic!("{of:?} is {value}, expected a string or an object")).to_owned()
}
