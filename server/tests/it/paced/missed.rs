//! A client that has missed a lot comes back, however much it is.

use super::*;

/// A client comes back to a room in which so many messages of so many bytes were said.
async fn check(settings: Settings, many: usize, bytes: usize) {
    let running = start(settings).await;
    let since = running.left_behind(&["room:1".into()]).await.remove(0);
    running.publish("room:1", 0..many, bytes).await;

    let mut ann = running.returning("ann", "secret").await;
    let (response, _) = ann.join("room:1", json!({"since": since})).await;
    assert_eq!(response["recovered"], true, "{many} of {bytes}");
    for number in 0..many {
        assert_eq!(next_of(&mut ann, "room:1").await, number as u64, "{many} of {bytes}");
    }
    ann.say("room:1", json!("and it goes on")).await;
    assert!(!running.too_slow().await);
}

#[tokio::test]
async fn a1_two_hundred_messages_of_twenty_kilobytes_come_back() {
    check(remembering(room()), 200, 20_000).await;
}

#[tokio::test]
async fn a1_two_hundred_messages_of_twenty_one_kilobytes_come_back() {
    check(remembering(room()), 200, 21_000).await;
}

#[tokio::test]
async fn a1_all_that_a_room_may_remember_by_default_comes_back() {
    check(remembering(room()), 250, 65_000).await;
}

#[tokio::test]
async fn a1_four_thousand_and_more_small_messages_come_back() {
    check(remembering(room()), 4_000, 0).await;
    check(remembering(room()), 4_400, 0).await;
}

#[tokio::test]
async fn a1_ten_thousand_small_messages_come_back() {
    check(remembering(room()), 10_000, 0).await;
}

#[tokio::test]
async fn a1_messages_come_back_past_both_bounds_of_a_small_queue() {
    check(narrow(room()), 63, 10).await;
    check(narrow(room()), 65, 10).await;
    check(narrow(room()), 40, 2_000).await;
}

/// Clients take the answer to a request for a page for a sign that all that was missed has come.
#[tokio::test]
async fn a_page_comes_behind_what_was_missed_in_its_room() {
    const MANY: usize = 60;
    for (asked, status) in [(json!({"end": 1}), "ok"), (json!({"event": ""}), "error")] {
        // Less than what lets requests wait, and more than the machine holds for a narrow client.
        let running = start(remembering(room())).await;
        let since = running.left_behind(&["room:1".into()]).await.remove(0);
        running.publish("room:1", 0..MANY, 50_000).await;

        let mut ann = running.narrow_client("ann", "secret").await;
        ann.send("room:1", "phx_join", json!({"since": since})).await;
        assert_eq!(next_of(&mut ann, "room:1").await, 0);
        let page = ann.send("room:1", "parlor:history", asked.clone()).await;
        let mut number = 1;
        loop {
            let frame = ann.next().await;
            ann.heard.clear();
            if frame[3] == "say" {
                assert_eq!(numbered(&frame).0, number as u64);
                number += 1;
            } else if frame[1] == page {
                assert_eq!((number, &frame[4]["status"]), (MANY, &json!(status)), "{asked}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a1_sixty_rooms_come_back_while_more_is_said_in_all_of_them() {
    let running = start(narrow(room())).await;
    let topics: Vec<_> = (0..60).map(|room| format!("room:{room}")).collect();
    let positions = running.left_behind(&topics).await;
    for topic in &topics {
        running.publish(topic, 0..10, 5_000).await;
    }

    let mut ann = running.narrow_client("ann", "secret").await;
    for (topic, since) in topics.iter().zip(positions) {
        ann.send(topic, "phx_join", json!({"since": since})).await;
    }
    let beat = ann.send("phoenix", "heartbeat", json!({})).await;
    let (mut heard, mut joined, mut beaten) = (vec![0; topics.len()], 0, None);
    let mut saying = (10..12).flat_map(|number| topics.iter().map(move |topic| (topic, number)));
    for read in 0.. {
        if heard.iter().all(|heard| *heard == 12) && joined == topics.len() {
            break;
        }
        // More is said all the while.
        if read % 4 == 0
            && let Some((topic, number)) = saying.next()
        {
            running.publish(topic, number..number + 1, 100).await;
        }
        let frame = ann.next().await;
        ann.heard.clear();
        if frame[2] == "phoenix" {
            assert_eq!(frame[1], beat);
            beaten = Some(joined);
        } else if frame[3] == "phx_reply" {
            assert_eq!(frame[4]["response"]["recovered"], true, "{frame}");
            joined += 1;
        } else if frame[3] == "say" {
            let at = topics.iter().position(|topic| frame[2] == **topic).unwrap();
            assert_eq!(numbered(&frame).0, heard[at], "in {}", topics[at]);
            heard[at] += 1;
        }
    }
    assert!(beaten.expect("the heartbeat is answered") < topics.len(), "while rooms come back");
    assert!(!running.too_slow().await);
}
