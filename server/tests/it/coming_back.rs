//! Connections that are lost, and clients who come back.

use futures_util::future::join_all;
use jsonwebtoken::{EncodingKey, Header, encode};
use parlor::{Config, EventDefinition, RoomConfig};
use parlor_server::{AuthSettings, Authenticator, Settings};
use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use crate::{Client, Running, settings, start, start_at, until};

/// A grace that no test lives to see the end of.
const FOR_EVER: u64 = 1 << 40;

fn with_history(grace_ms: u64) -> Settings {
    let room = RoomConfig::default().with_event(EventDefinition::new("*").with_history(100));
    let channel = Config::builder().grace_ms(grace_ms).room("room:*", room).build().unwrap();
    Settings { channel, ..settings() }
}

async fn two(running: &Running) -> [Client; 2] {
    let mut ann = running.returning("ann", "secret").await;
    let mut bob = running.client("bob").await;
    ann.join("room:1", json!({})).await;
    bob.join("room:1", json!({})).await;
    ann.until("presence_diff").await;
    [ann, bob]
}

#[tokio::test]
async fn who_comes_back_in_time_gets_what_it_has_missed_and_nobody_notices() {
    let running = start(with_history(FOR_EVER)).await;
    let [ann, mut bob] = two(&running).await;
    let response = bob.say("room:1", json!(0)).await;
    drop(ann);
    until(|| running.server.connections() == 1).await;
    for number in 1..=3 {
        bob.say("room:1", json!(number)).await;
    }

    let mut ann = running.returning("ann", "secret").await;
    let since = json!({"since": {"epoch": response["epoch"], "offset": response["offset"]}});
    let (response, state) = ann.join("room:1", since).await;
    assert_eq!((&response["rejoined"], &response["recovered"]), (&json!(true), &json!(true)));
    assert_eq!(state["ann"]["metas"].as_array().unwrap().len(), 1);
    for number in 1..=3 {
        assert_eq!(ann.until("say").await[4], number);
    }
    ann.say("room:1", json!(4)).await;
    assert_eq!(bob.next().await[4], 4, "and there was no diff");
}

#[tokio::test]
async fn who_does_not_come_back_in_time_has_gone() {
    let running = start(with_history(1)).await;
    let [ann, mut bob] = two(&running).await;
    drop(ann);
    bob.until_gone("ann").await;
}

#[tokio::test]
async fn who_can_not_come_back_goes_at_once() {
    let running = start(with_history(FOR_EVER)).await;
    let [mut ann, bob] = two(&running).await;
    drop(bob);
    ann.until_gone("bob").await;
}

#[tokio::test]
async fn a_newer_connection_takes_over_and_the_end_of_the_old_one_does_not_hurt_it() {
    let running = start(with_history(FOR_EVER)).await;
    let [mut old, mut bob] = two(&running).await;
    let mut new = running.returning("ann", "secret").await;
    let (response, state) = new.join("room:1", json!({})).await;
    assert_eq!(response["rejoined"], true);
    assert_eq!(state["ann"]["metas"].as_array().unwrap().len(), 1);
    assert_eq!(old.closed().await.0, 4000);
    drop(old);
    until(|| running.server.connections() == 2).await;

    let members = running.server.members("room:1").await.unwrap().unwrap();
    assert_eq!(members.len(), 2);
    let (status, _) = new.ask("room:1", "say", json!("still here")).await;
    assert_eq!(status, "ok");
    let frame = bob.next().await;
    assert_eq!(frame[4], "still here", "nobody has noticed");
    bob.ask("room:1", "say", json!("good")).await;
    assert_eq!(new.until("say").await[4], "still here");
    assert_eq!(new.until("say").await[4], "good");
}

#[tokio::test]
async fn two_pages_with_one_session_do_not_take_over_from_each_other_for_ever() {
    let running = start(with_history(FOR_EVER)).await;
    let mut last = running.returning("ann", "secret").await;
    let (mut takeovers, mut refused) = (0, 0);
    while refused < 2 {
        match running.connect("user_id=ann&session=secret").await {
            Ok(newer) => {
                assert_eq!(last.closed().await.0, 4000);
                last = newer;
                takeovers += 1;
                // As many as fit into several windows, should this take as long.
                assert!(takeovers < 1_000, "it is refused");
            }
            Err(Error::Http(response)) => {
                assert_eq!(response.status(), 429);
                refused += 1;
            }
            Err(other) => panic!("{other}, expected a refusal"),
        }
    }
    assert!(takeovers >= 10, "{takeovers} takeovers");
    let (status, _) = last.ask("room:1", "phx_join", json!({})).await;
    assert_eq!(status, "ok", "who was there stays");
    running.returning("ann", "another").await;
    running.returning("bob", "secret").await;

    // Who comes when the other has gone takes over from nobody.
    drop(last);
    until(|| running.server.connections() == 0).await;
    running.returning("ann", "secret").await;
}

#[tokio::test]
async fn until_it_joins_again_who_has_taken_over_hears_nothing() {
    let running = start(with_history(FOR_EVER)).await;
    let [mut old, mut bob] = two(&running).await;
    let mut new = running.returning("ann", "secret").await;
    old.closed().await;
    let (_, response) = bob.ask("room:1", "say", json!(1)).await;
    let before = json!({"epoch": response["epoch"], "offset": 0});
    let reference = new.send("room:1", "phx_join", json!({"since": before})).await;
    let first = new.next().await;
    assert_eq!((&first[3], &first[1]), (&json!("phx_reply"), &json!(reference)));
    assert_eq!(new.until("say").await[4], 1);
    assert_eq!(new.count("say", "room:1").await, 0, "and once only");
}

#[tokio::test]
async fn a_session_is_that_of_its_user_alone() {
    let running = start(with_history(FOR_EVER)).await;
    let [mut ann, _bob] = two(&running).await;
    let mut eve = running.returning("eve", "secret").await;
    let (response, state) = eve.join("room:1", json!({})).await;
    assert_eq!(response["rejoined"], false);
    assert_eq!(state.as_object().unwrap().len(), 3);
    let (status, _) = ann.ask("room:1", "say", json!("still here")).await;
    assert_eq!(status, "ok");
}

#[tokio::test]
async fn with_the_same_key_a_client_is_the_same_after_a_restart() {
    let with_key = || Settings { session_key: Some([7; 32]), ..with_history(FOR_EVER) };
    let first = start(with_key()).await;
    let [mut ann, bob] = two(&first).await;
    drop(bob);
    let id_of = async |running: &Running| {
        running.server.members("room:1").await.unwrap().unwrap().ids().next().cloned()
    };
    let before = id_of(&first).await;
    tokio::join!(first.shutdown(), ann.closed());
    let second = start(with_key()).await;
    let mut ann = second.returning("ann", "secret").await;
    ann.join("room:1", json!({})).await;
    assert_eq!(id_of(&second).await, before);
}

#[tokio::test]
async fn after_a_restart_a_hundred_clients_are_back_and_nobody_twice() {
    let running = start(with_history(FOR_EVER)).await;
    let at = running.at;
    let all = async |running: &Running| {
        let come = async |number| {
            let (user, session) = (format!("user{number}"), format!("session{number}"));
            let mut client = running.returning(&user, &session).await;
            client.join("room:1", json!({})).await;
            client
        };
        join_all((0..100).map(come)).await
    };
    let mut clients = all(&running).await;
    let closed = join_all(clients.iter_mut().map(Client::closed));
    let ((), closed) = tokio::join!(running.shutdown(), closed);
    assert!(closed.iter().all(|(code, _)| *code == 1012));

    let running = start_at(at, with_history(FOR_EVER)).await;
    let mut clients = all(&running).await;
    let presences = running.server.presences("room:1").await.unwrap().unwrap();
    assert_eq!((presences.len(), presences.meta_count()), (100, 100));
    let (status, _) = clients[0].ask("room:1", "say", json!("all there")).await;
    assert_eq!(status, "ok");
    for client in &mut clients {
        assert_eq!(client.until("say").await[4], "all there");
    }
}

#[tokio::test]
async fn who_comes_back_with_other_claims_starts_anew() {
    const SECRET: &[u8] = b"thirty-two bytes of a test secret";
    let keys = AuthSettings { hs256_secret: Some(SECRET.into()), ..AuthSettings::default() };
    let auth = Authenticator::new(&keys).unwrap();
    let running = start(Settings { auth, ..with_history(FOR_EVER) }).await;
    let of_role = |role: &str, exp: u64| {
        let claims = json!({"sub": "ann", "exp": exp, "role": role});
        let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET));
        format!("session=secret&token={}", token.unwrap())
    };
    let admin = of_role("admin", 4_000_000_000);
    let mut ann = running.connect(&admin).await.unwrap();
    let (response, _) = ann.join("room:1", json!({})).await;
    assert_eq!(response["rejoined"], false);
    for (role, exp, expected) in [
        ("admin", 4_000_000_001, true),
        ("guest", 4_000_000_001, false),
        ("guest", 4_000_000_002, true),
    ] {
        let mut again = running.connect(&of_role(role, exp)).await.unwrap();
        let (response, state) = again.join("room:1", json!({})).await;
        assert_eq!(response["rejoined"], expected, "{role}");
        assert_eq!(state["ann"]["metas"].as_array().unwrap().len(), 1);
        assert_eq!(ann.closed().await.0, 4000);
        ann = again;
    }
}
