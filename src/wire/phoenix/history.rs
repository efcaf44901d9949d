//! Pages of history as an object: what the JSON form of the crate has of each message, but for
//! the client that sent it and for whom it excludes.

use alloc::string::String;

use super::write;
use crate::{
    base64,
    message::StoredMessage,
    outbound::HistoryPage,
    payload::{Json, Payload},
};

/// About how long a message is beside what it carries.
const MESSAGE_SIZE: usize = 120;

/// About how long a page is.
pub(super) fn size(page: &HistoryPage) -> usize {
    page.messages.iter().map(|message| message.size() + MESSAGE_SIZE).sum()
}

/// Writes a page, newest first.
pub(super) fn page(out: &mut String, page: &HistoryPage) {
    let HistoryPage {
        client_id: _,
        topic: _,
        epoch,
        event,
        before,
        start,
        end,
        messages,
        more,
        shortened: _,
        reference: _,
    } = page;
    out.push('{');
    if let Some(event) = event {
        out.push_str("\"event\":");
        write::quote(out, event.as_str());
        out.push(',');
    }
    out.push_str("\"epoch\":");
    write::number(out, *epoch);
    if let Some(before) = before {
        out.push_str(",\"before\":");
        write::position(out, *before);
    }
    out.push_str(",\"start\":");
    write::number(out, *start);
    out.push_str(",\"end\":");
    write::number(out, *end);
    out.push_str(",\"messages\":[");
    for (at, message) in messages.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        stored(out, message);
    }
    out.push(']');
    if let Some(more) = more {
        out.push_str(",\"more\":");
        write::position(out, more.before);
    }
    out.push('}');
}

fn stored(out: &mut String, message: &StoredMessage) {
    let StoredMessage {
        event,
        payload,
        from,
        client_id: _,
        epoch,
        offset,
        timestamp_ms,
        meta,
        except_client: _,
        except_user: _,
    } = message;
    out.push_str("{\"event\":");
    write::quote(out, event.as_str());
    match payload {
        Payload::Json(json) => {
            out.push_str(",\"payload\":");
            out.push_str(json.as_str());
        }
        Payload::Bytes(bytes) => {
            out.push_str(",\"payload_base64\":");
            write::quote(out, &base64::encode(bytes));
        }
    }
    out.push_str(",\"from\":");
    write::quote(out, from.as_str());
    if let Some(epoch) = epoch {
        out.push_str(",\"epoch\":");
        write::number(out, *epoch);
    }
    out.push_str(",\"offset\":");
    write::number(out, *offset);
    out.push_str(",\"timestamp_ms\":");
    write::number(out, *timestamp_ms);
    if let Some(meta) = Json::given(meta.as_ref()) {
        out.push_str(",\"meta\":");
        out.push_str(meta.as_str());
    }
    out.push('}');
}
