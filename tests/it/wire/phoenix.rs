//! Phoenix Channels V2: the rules of its protocol, what was recorded of a real server, and frames
//! that nobody should send.

mod golden;
pub mod server;
mod transcript;

/// The text of a frame of a client.
fn frame(join_ref: &str, reference: &str, topic: &str, event: &str, payload: &str) -> String {
    format!("[{join_ref},{reference},\"{topic}\",\"{event}\",{payload}]")
}
