//! Phoenix Channels V2: the rules of its protocol, what was recorded of a real server, and frames
//! that nobody should send.

mod binary;
mod golden;
pub mod hostile;
mod presence;
mod properties;
mod pushes;
mod rules;
pub mod server;
mod transcript;

use parlor::Config;

use self::server::Server;

/// A server, and a client `A` of `ann` and a client `B` of `bob` that are connected to it.
fn server(config: Config) -> Server {
    let mut server = Server::new(config);
    server.connect("A", "ann");
    server.connect("B", "bob");
    server
}

/// What a reply to a first join says.
const JOINED: &str = r#"{"epoch":1,"offset":0,"rejoined":false,"recovered":false}"#;

/// An ok reply.
fn ok(join_ref: &str, reference: &str, topic: &str, response: &str) -> String {
    let reply = format!(r#"{{"status":"ok","response":{response}}}"#);
    format!(r#"[{join_ref},{reference},"{topic}","phx_reply",{reply}]"#)
}

/// An error reply that has a reason alone.
fn error(join_ref: &str, reference: &str, topic: &str, reason: &str) -> String {
    let reply = format!(r#"{{"status":"error","response":{{"reason":"{reason}"}}}}"#);
    format!(r#"[{join_ref},{reference},"{topic}","phx_reply",{reply}]"#)
}
