//! Clients that are slow, loud, silent or broken: they are closed, and disturb nobody.

use parlor_server::{ConnectionLimits, Settings};
use serde_json::json;
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame, FrameHeader,
        coding::{Data, OpCode},
    },
};

use crate::{PATIENCE, Running, settings, start};

async fn limited(limit: impl FnOnce(&mut ConnectionLimits)) -> Running {
    let mut settings = settings();
    limit(&mut settings.connections);
    start(settings).await
}

#[tokio::test]
async fn who_does_not_read_is_closed_with_a_reason_and_nobody_else_is() {
    let running = limited(|limits| {
        limits.queue_items = 16;
        limits.close_ms = 600_000;
        limits.idle_ms = 600_000;
        limits.events_per_window = u32::MAX;
    })
    .await;
    let mut slow = running.client("slow").await;
    slow.join("room:1", json!({})).await;
    let mut other = running.client("other").await;
    other.join("room:1", json!({})).await;
    let mut loud = running.client("loud").await;
    loud.join("room:1", json!({})).await;

    let blob = "x".repeat(60_000);
    let mut said = 0;
    'talking: loop {
        let reference = loud.send("room:1", "say", json!([said, &blob])).await;
        let heard = other.until("say").await;
        assert_eq!(heard[4][0], said);
        said += 1;
        loop {
            let frame = loud.next().await;
            if frame[4]["leaves"].get("slow").is_some() {
                break 'talking;
            }
            if frame[1] == reference {
                break;
            }
        }
    }
    let (code, reason) = slow.closed().await;
    assert_eq!((code, reason.starts_with("too slow")), (4001, true), "{reason}");
    let (status, _) = other.ask("room:1", "say", json!([said])).await;
    assert_eq!(status, "ok");
}

#[tokio::test]
async fn what_is_no_frame_closes_its_connection_alone() {
    let running = start(Settings { lanes: 1, ..settings() }).await;
    let mut bystander = running.client("bystander").await;
    bystander.join("room:1", json!({})).await;

    let text = |text: &str| Message::Text(text.into());
    let raw = |header: FrameHeader, payload: &'static [u8]| {
        Message::Frame(Frame::from_payload(header, payload.into()))
    };
    let header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
    let long = format!(r#"["1","1","room:1","phx_join",{{"x":{}}}]"#, "[".repeat(50_000));
    for (message, expected) in [
        (text("hello"), 1007),
        (text(""), 1007),
        (text(&long), 1007),
        (text("{}"), 1008),
        (text(r#"["1","2","room:1","say"]"#), 1008),
        (text(r#"["1","2",5,"say",{}]"#), 1008),
        (Message::Binary(vec![0, 1].into()), 1008),
        (Message::Binary(vec![7, 0, 0, 0, 0].into()), 1008),
        (raw(header.clone(), b"\xff\xfe"), 1007),
        (raw(FrameHeader { rsv1: true, ..header }, b"[]"), 1002),
    ] {
        let shown = format!("{message:.80}");
        let mut client = running.client("eve").await;
        client.join("room:1", json!({})).await;
        client.send_raw(message).await;
        assert_eq!(client.closed().await.0, expected, "{shown}");
        bystander.until_gone("eve").await;
    }
    let (status, _) = bystander.ask("room:1", "say", json!({})).await;
    assert_eq!(status, "ok");
}

#[tokio::test]
async fn a_message_may_be_as_long_as_is_said_and_no_longer() {
    let running = limited(|limits| limits.max_message_bytes = 1_000).await;
    let of_length = |length: usize| {
        let frame = r#"[null,"1","phoenix","heartbeat",""]"#;
        let text = "x".repeat(length - frame.len());
        Message::Text(format!(r#"[null,"1","phoenix","heartbeat","{text}"]"#).into())
    };
    let mut client = running.client("ann").await;
    client.send_raw(of_length(1_000)).await;
    assert_eq!(client.reply("1").await.0, "ok");
    client.send_raw(of_length(1_001)).await;
    let (code, reason) = client.closed().await;
    assert_eq!((code, &*reason), (1009, "message too large, expected at most 1000 bytes"));
}

#[tokio::test]
async fn ten_megabytes_close_the_connection_that_sends_them() {
    let running = start(settings()).await;
    let mut bystander = running.client("bystander").await;
    bystander.join("room:1", json!({})).await;
    let mut client = running.client("eve").await;
    client.join("room:1", json!({})).await;
    // Whether it can be sent to its end is not said, and matters to nobody.
    let huge = Message::Text("x".repeat(10 << 20).into());
    let sent = futures_util::SinkExt::send(&mut client.socket, huge);
    tokio::select! {
        _ = sent => {}
        () = bystander.until_gone("eve") => {}
    }
    let (status, _) = bystander.ask("room:1", "say", json!({})).await;
    assert_eq!(status, "ok");
}

#[tokio::test]
async fn who_says_too_much_is_closed() {
    let running = limited(|limits| {
        limits.events_per_window = 5;
        limits.window_ms = 1 << 40;
    })
    .await;
    let mut client = running.client("ann").await;
    for _ in 0..5 {
        assert_eq!(client.ask("phoenix", "heartbeat", json!({})).await.0, "ok");
    }
    client.send("phoenix", "heartbeat", json!({})).await;
    let (code, reason) = client.closed().await;
    assert_eq!(code, 1008);
    assert!(reason.starts_with("too many messages, expected at most 5"), "{reason}");
}

#[tokio::test]
async fn who_says_nothing_is_closed() {
    let running = limited(|limits| limits.idle_ms = 20).await;
    let mut client = running.client("ann").await;
    assert_eq!(client.closed().await, (1001, "idle for 20 ms".to_owned()));
}

#[tokio::test]
async fn who_does_not_say_what_it_wants_is_dropped() {
    let running = limited(|limits| limits.handshake_ms = 20).await;
    let mut stream = TcpStream::connect(running.at).await.unwrap();
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer));
    // However it ends, it ends.
    drop(read.await.expect("the connection is dropped"));
}

#[tokio::test]
async fn a_connection_joins_as_many_topics_as_it_may() {
    let running = limited(|limits| limits.max_topics = 2).await;
    let mut client = running.client("ann").await;
    client.join("room:1", json!({})).await;
    client.join("room:2", json!({})).await;
    let refused = client.ask("room:3", "phx_join", json!({})).await;
    assert_eq!(refused, ("error".to_owned(), json!({"reason": "too many channels joined"})));
}
