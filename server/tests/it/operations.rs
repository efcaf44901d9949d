//! What the application does that a server is a part of.

use std::sync::Arc;

use parlor::{
    Address, CloseRoom, Config, Decision, EventKind, Guard, Kick, OpenRoom, Payload, Publish, Push,
    Reason, RoomConfig, Topic,
};
use parlor_server::{OperationError, Settings};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::{Client, Running, settings, start, until};

fn notice(target: Address) -> Publish {
    Publish::new(target, "notice", Payload::json(r#"{"text":"hi"}"#).unwrap())
}

fn topics() -> [Topic; 3] {
    ["room:0", "room:1", "room:2"].map(Topic::from)
}

/// Ann in all of the topics, bob in two, and cid in one.
async fn three(running: &Running) -> [Client; 3] {
    let mut clients =
        [running.client("ann").await, running.client("bob").await, running.client("cid").await];
    for (at, client) in clients.iter_mut().enumerate() {
        for topic in &topics()[at..] {
            client.join(topic.as_str(), json!({})).await;
        }
    }
    clients
}

/// How many notices each of them has received.
async fn counts(clients: &mut [Client; 3]) -> [usize; 3] {
    let [_, _, shared] = topics();
    let mut counts = [0; 3];
    for (client, count) in clients.iter_mut().zip(&mut counts) {
        // They were there before this is asked.
        *count = client.count("notice", shared.as_str()).await;
    }
    counts
}

fn reason_of<T: std::fmt::Debug>(outcome: Result<T, OperationError>) -> Reason {
    match outcome {
        Err(OperationError::Refused(refusal)) => refusal.reason(),
        other => panic!("{other:?}, expected a refusal"),
    }
}

#[tokio::test]
async fn a_group_reaches_each_client_once() {
    let running = start(settings()).await;
    let mut clients = three(&running).await;
    let [first, second, third] = topics();
    let group = || notice(Address::Group("all".into()));
    assert_eq!(reason_of(running.server.publish(group()).await), Reason::UnknownTarget);

    running.server.add_to_group("all", [first, second.clone()]).await.unwrap();
    running.server.publish(group()).await.unwrap();
    assert_eq!(counts(&mut clients).await, [1, 1, 0]);
    running.server.add_to_group("all", [third]).await.unwrap();
    running.server.publish(group()).await.unwrap();
    assert_eq!(counts(&mut clients).await, [1, 1, 1]);
    running.server.remove_from_group("all", [second]).await.unwrap();
    running.server.publish(group()).await.unwrap();
    assert_eq!(counts(&mut clients).await, [1, 1, 1]);
}

#[tokio::test]
async fn everyone_a_user_and_a_client_are_reached_once() {
    let running = start(settings()).await;
    let mut clients = three(&running).await;
    running.server.publish(notice(Address::Everyone)).await.unwrap();
    assert_eq!(counts(&mut clients).await, [1, 1, 1]);
    running.server.publish(notice(Address::User("bob".into()))).await.unwrap();
    assert_eq!(counts(&mut clients).await, [0, 1, 0]);

    let members = running.server.members(topics()[1].clone()).await.unwrap().unwrap();
    let bob = members.ids().nth(1).unwrap().clone();
    running.server.publish(notice(Address::Client(bob.clone()))).await.unwrap();
    assert_eq!(counts(&mut clients).await, [0, 1, 0]);
    running.server.publish(notice(Address::Everyone).with_except_client(bob)).await.unwrap();
    assert_eq!(counts(&mut clients).await, [1, 0, 1]);
    let nobody = running.server.publish(notice(Address::Client("nobody".into()))).await;
    assert_eq!(reason_of(nobody), Reason::UnknownTarget);
}

#[tokio::test]
async fn a_topic_is_published_to_and_a_member_pushed_to() {
    let running = start(settings()).await;
    let mut clients = three(&running).await;
    let [first, second, third] = topics();
    running.server.publish(notice(Address::Topic(second.clone()))).await.unwrap();
    assert_eq!(counts(&mut clients).await, [1, 1, 0]);

    let members = running.server.members(third.clone()).await.unwrap().unwrap();
    let cid = members.ids().nth(2).unwrap().clone();
    let payload = || Payload::json("{}").unwrap();
    running.server.push(Push::new(&cid, &third, "notice", payload())).await.unwrap();
    assert_eq!(counts(&mut clients).await, [0, 0, 1]);
    let stranger = running.server.push(Push::new(&cid, &first, "notice", payload())).await;
    assert_eq!(reason_of(stranger), Reason::NotMember);
}

#[tokio::test]
async fn who_is_put_out_is_out_of_everything_and_disconnected() {
    let running = start(settings()).await;
    let mut clients = three(&running).await;
    let [first, _, third] = topics();
    let members = running.server.members(first).await.unwrap().unwrap();
    let ann = members.ids().next().unwrap().clone();
    assert_eq!(running.server.topics_of(ann.clone()).await.unwrap(), topics());

    running.server.kick(Kick::new(&ann, "spam")).await.unwrap();
    let [ann_socket, bob, cid] = &mut clients;
    assert_eq!(ann_socket.closed().await, (1001, "spam".to_owned()));
    bob.until_gone("ann").await;
    cid.until_gone("ann").await;
    assert_eq!(running.server.members(third).await.unwrap().unwrap().len(), 2);
    assert!(running.server.topics_of(ann.clone()).await.unwrap().is_empty());
    assert_eq!(
        reason_of(running.server.kick(Kick::new(&ann, "again")).await),
        Reason::UnknownClient
    );
}

#[tokio::test]
async fn what_the_server_asks_is_not_asked_of_the_guard() {
    let guard = || {
        let mut guard = Guard::new();
        guard.on_any("*", |event, _| {
            if event.kind() == EventKind::Query {
                return Decision::refuse("nobody asks");
            }
            Decision::Allow
        });
        guard
    };
    let running = start(Settings { guard: Arc::new(guard), ..settings() }).await;
    let _clients = three(&running).await;
    let members = running.server.members(topics()[0].clone()).await.unwrap().unwrap();
    let ann = members.ids().next().unwrap();
    assert_eq!(running.server.topics_of(ann).await.unwrap().len(), 3);
}

#[tokio::test]
async fn who_is_put_out_of_one_topic_stays_in_the_others() {
    let running = start(settings()).await;
    let mut clients = three(&running).await;
    let [first, second, _] = topics();
    let members = running.server.members(first.clone()).await.unwrap().unwrap();
    let ann = members.ids().next().unwrap();
    running.server.kick(Kick::new(ann, "spam").with_topic(&first)).await.unwrap();
    let closed = clients[0].until("phx_close").await;
    assert_eq!(closed[2], first.as_str());
    assert_eq!(clients[0].ask(second.as_str(), "say", json!({})).await.0, "ok");
}

#[tokio::test]
async fn rooms_are_listed_as_they_were_made_declared_ones_first() {
    let [first, second, third] = topics();
    let channel = Config::builder()
        .room(third.clone(), RoomConfig::default())
        .room("hall:*", RoomConfig::default().with_max_members(0))
        .room(first.clone(), RoomConfig::default())
        .build()
        .unwrap();
    let running = start(Settings { channel, ..settings() }).await;
    let mut ann = running.client("ann").await;
    ann.join("elsewhere", json!({})).await;
    running.server.open_room(OpenRoom::new(&second)).await.unwrap();
    assert_eq!(
        reason_of(running.server.open_room(OpenRoom::new(&second)).await),
        Reason::RoomExists
    );
    let (status, _) = ann.ask("hall:1", "phx_join", json!({})).await;
    assert_eq!(status, "error");

    let topics = async || {
        let rooms = running.server.rooms().await.unwrap();
        rooms.into_iter().map(|room| room.topic).collect::<Vec<_>>()
    };
    let listed = topics().await;
    assert_eq!(listed, [third, first, "elsewhere".into(), second.clone()]);
    running.server.close_room(CloseRoom::new(&second)).await.unwrap();
    assert_eq!(topics().await.len(), 3);
    assert!(running.server.room(second).await.unwrap().is_none());
}

#[tokio::test]
async fn a_crash_detaches_and_after_a_restart_clients_join_again() {
    let running = start(settings()).await;
    let mut clients = three(&running).await;
    let [_, _, shared] = topics();
    running.server.crash("boom").await.unwrap();
    for client in &mut clients {
        client.until("phx_error").await;
    }
    running.server.restart().await.unwrap();
    for client in &mut clients {
        client.join(shared.as_str(), json!({})).await;
    }
    let presences = running.server.presences(shared).await.unwrap().unwrap();
    assert_eq!(presences.meta_count(), 3);
}

#[tokio::test]
async fn when_all_have_gone_nothing_is_left() {
    let running = start(settings()).await;
    let clients = three(&running).await;
    drop(clients);
    until(|| running.server.connections() == 0).await;
    let stats = running.server.stats().await.unwrap();
    assert_eq!((stats.clients, stats.memberships, stats.topics), (0, 0, 0));
}

/// A kick is one event: a client that comes back in the same moment ends up out of everything, or a
/// member of all that it joins.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kick_against_a_return_leaves_nobody_half_out() {
    let running = start(settings()).await;
    for round in 0..20 {
        let session = format!("session{round}");
        let mut ann = running.returning("ann", &session).await;
        for topic in &topics() {
            ann.join(topic.as_str(), json!({})).await;
        }
        let members = running.server.members(topics()[0].clone()).await.unwrap().unwrap();
        let client_id = members.ids().next().unwrap().clone();
        let (server, kick) = (running.server.clone(), Kick::new(&client_id, "spam"));
        let kicking = tokio::spawn(async move { server.kick(kick).await });
        let mut again = running.returning("ann", &session).await;
        for topic in &topics() {
            again.send_raw(join(topic.as_str())).await;
        }
        let mut joined = 0;
        while joined < topics().len() {
            let message = again.message().await;
            if let Message::Close(_) = message {
                break;
            }
            joined += usize::from(message.to_text().is_ok_and(|text| text.contains("phx_reply")));
        }
        // Unknown, if it came when the client had gone.
        kicking.await.unwrap().ok();
        let is_in = running.server.topics_of(client_id.clone()).await.unwrap();
        assert!(is_in.is_empty() || is_in == topics(), "round {round}: {is_in:?}");
        running.server.kick(Kick::new(&client_id, "over")).await.ok();
        drop((ann, again));
        until(|| running.server.connections() == 0).await;
    }
}

/// A frame that joins. It is sent although the connection may have ended.
fn join(topic: &str) -> Message {
    Message::Text(json!(["1", topic, topic, "phx_join", {}]).to_string().into())
}

/// A change of a group is one event, and so is a message to it: each client gets each message once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_to_a_group_that_changes_reaches_each_client_once() {
    const MESSAGES: usize = 200;
    let running = start(settings()).await;
    let mut clients = three(&running).await;
    let [first, second, third] = topics();
    running.server.add_to_group("all", [third.clone()]).await.unwrap();
    let (server, changing) = (running.server.clone(), running.server.clone());
    let changed = tokio::spawn(async move {
        for _ in 0..MESSAGES {
            let some = [first.clone(), second.clone()];
            changing.add_to_group("all", some.clone()).await.unwrap();
            changing.remove_from_group("all", some).await.unwrap();
        }
    });
    for _ in 0..MESSAGES {
        let published = server.publish(notice(Address::Group("all".into()))).await.unwrap();
        assert_eq!(published.recipients, 3, "all three are in the last topic");
    }
    changed.await.unwrap();
    assert_eq!(counts(&mut clients).await, [MESSAGES; 3]);
}
