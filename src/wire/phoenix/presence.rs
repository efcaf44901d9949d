//! Presence as Phoenix's clients read it: `{key: {"metas": [{…, "phx_ref": …}]}}`.
//!
//! A meta is the members of its data, if that is an object, and its refs. Members that are named
//! like refs are left out: a client that could forge them could hide others.

use alloc::{borrow::Borrow, string::String, vec::Vec};
use core::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::write;
use crate::{
    payload::Json,
    presence::{Entry, Meta},
};

/// About how long a meta is with its key.
pub(super) const META_SIZE: usize = 64;

/// The member under which data stands that is no object.
const DATA: &str = "data";

/// Writes entries as an object by key.
pub(super) fn keys(out: &mut String, entries: impl IntoIterator<Item: Borrow<Entry>>) {
    out.push('{');
    let mut is_first = true;
    for entry in entries {
        let Entry { key, metas, edge: _ } = entry.borrow();
        separate(out, &mut is_first);
        write::quote(out, key.as_str());
        out.push_str(":{\"metas\":[");
        let mut is_first = true;
        for meta in metas {
            separate(out, &mut is_first);
            write_meta(out, meta);
        }
        out.push_str("]}");
    }
    out.push('}');
}

/// Writes the first metas of `entries` as an object by key, and stops behind the one with which
/// `out` has `max_bytes`. Returns how many were written; at least one, if there is any.
pub(super) fn first_keys(
    out: &mut String,
    entries: impl IntoIterator<Item = Entry>,
    max_bytes: usize,
) -> usize {
    let mut written = 0;
    out.push('{');
    let mut is_first_entry = true;
    for Entry { key, metas, edge: _ } in entries {
        if written > 0 && out.len() >= max_bytes {
            break;
        }
        separate(out, &mut is_first_entry);
        write::quote(out, key.as_str());
        out.push_str(":{\"metas\":[");
        let mut is_first = true;
        for meta in &metas {
            if !is_first && out.len() >= max_bytes {
                break;
            }
            separate(out, &mut is_first);
            write_meta(out, meta);
            written += 1;
        }
        out.push_str("]}");
    }
    out.push('}');
    written
}

fn separate(out: &mut String, is_first: &mut bool) {
    if !core::mem::take(is_first) {
        out.push(',');
    }
}

fn write_meta(out: &mut String, meta: &Meta) {
    let Meta { reference, prev_ref, client_id: _, online_at_ms: _, data } = meta;
    out.push('{');
    if let Some(data) = Json::given(data.as_ref()) {
        write_data(out, data.as_str());
    }
    write_ref(out, "phx_ref", reference);
    if let Some(prev_ref) = prev_ref {
        out.push(',');
        write_ref(out, "phx_ref_prev", prev_ref);
    }
    out.push('}');
}

/// Refs are numbers, or numbers after the name of a node, which may be any text.
fn write_ref(out: &mut String, name: &str, reference: &impl fmt::Display) {
    write::quote(out, name);
    out.push(':');
    write::quote_display(out, reference);
}

/// Writes what data says, and a comma if that is anything.
fn write_data(out: &mut String, data: &str) {
    let Some(members) = data.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        write_member(out, DATA, data);
        return;
    };
    // A name can be written in other ways only with a backslash.
    if members.contains("phx_ref") || members.contains('\\') {
        write_other_members(out, data);
    } else if !members.trim_ascii().is_empty() {
        out.push_str(members);
        out.push(',');
    }
}

fn write_other_members(out: &mut String, data: &str) {
    let Members(members) = serde_json::from_str(data).expect("data was checked to be JSON");
    for (name, value) in members {
        if name != "phx_ref" && name != "phx_ref_prev" {
            write_member(out, &name, value.get());
        }
    }
}

fn write_member(out: &mut String, name: &str, json: &str) {
    write::quote(out, name);
    out.push(':');
    out.push_str(json);
    out.push(',');
}

/// The members of an object in their order, also those that it has twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}
