//! Rooms that were opened: what is said in one is shown in no later room of its name.

use parlor::OpenRoom;
use parlor_server::HistorySettings;
use serde_json::{Value, json};

use super::{all, file, keeping, page, publish};
use crate::{Running, start, until};

async fn written(running: &Running) {
    until(|| running.server.history().unwrap().waiting_bytes == 0).await;
}

#[tokio::test]
async fn a2_an_opened_room_is_shown_in_no_later_one_also_if_its_cut_had_nothing_to_cut() {
    let history = HistorySettings::new(file("opened"));
    let running = start(keeping(history.clone())).await;
    running.server.open_room(OpenRoom::new("tea")).await.unwrap();
    written(&running).await;
    // With this, the file lets go of topics without messages.
    publish(&running, "lasting", "message", 0).await;
    written(&running).await;
    for number in 0..20 {
        publish(&running, "tea", "message", number).await;
    }
    let mut ann = running.client("ann").await;
    ann.join("tea", json!({})).await;
    assert_eq!(all(&mut ann, "tea", "message", 9).await.len(), 20);
    // Nobody closes it: it goes with the process.
    running.shutdown().await;

    let running = start(keeping(history)).await;
    let mut ann = running.client("ann").await;
    ann.join("tea", json!({})).await;
    assert_eq!(page(&mut ann, "tea", "message", 0, 50).await, [Value::Null; 0]);
    running.shutdown().await;
}
