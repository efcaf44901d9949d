//! The example of a server of one's own, run as it is.

use std::{
    net::{SocketAddr, TcpListener},
    process::{Child, Command},
};

use serde_json::json;

use crate::{Client, built};

/// The example while it runs.
struct Embedded(Child);

impl Drop for Embedded {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test]
async fn two_clients_talk_in_a_server_of_ones_own() {
    let at: SocketAddr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _embedded =
        Embedded(Command::new(built::example("embed")).arg(at.to_string()).spawn().unwrap());
    // Until it listens, nobody is there.
    let mut ann = loop {
        match Client::connect(at, "user_id=ann").await {
            Ok(ann) => break ann,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let mut bob = Client::connect(at, "user_id=bob").await.unwrap();

    ann.join("room:1", json!({})).await;
    bob.join("room:1", json!({})).await;
    ann.until("presence_diff").await;
    let (status, _) = bob.ask("room:1", "shout", json!({"text": "hi"})).await;
    assert_eq!(status, "ok");
    assert_eq!(ann.until("shout").await[4], json!({"text": "hi"}));

    drop(bob);
    ann.until_gone("bob").await;
}
