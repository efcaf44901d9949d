//! What `phoenix_channels_client` (of LiveView Native) finds at a server: one line `result …` per
//! item. It takes frames of five elements and drops any other without a word.
//!
//! `parlor-strict-client ws://127.0.0.1:4000/socket/websocket`

use std::{env, error::Error, future::Future, sync::Arc, time::Duration};

use futures::SinkExt;
use phoenix_channels_client::{Channel, Client, Config, Payload};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::timeout};
use tokio_tungstenite::{connect_async, tungstenite::Message};

type Outcome = Result<(), Box<dyn Error>>;

const PATIENCE: Duration = Duration::from_secs(20);

/// For how long nothing has to come where nothing may.
const SILENCE: Duration = Duration::from_millis(500);

const TOPIC: &str = "room:strict";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let url = env::args().nth(1).ok_or("expected the URL of a server")?;
    report("replies", replies(&url)).await;
    report("broadcasts", broadcasts(&url, None)).await;
    report("binary", binary(&url)).await;
    report("presence", presence(&url)).await;
    // The reason for five elements, and the proof that this client can fail: with positions it
    // hears nothing.
    let heard = broadcasts(&url, Some("on")).await;
    let told = heard.err().map(|error| error.to_string());
    let outcome = match told.as_deref() {
        Some(DEAF) => Ok(()),
        other => Err(format!("expected {DEAF:?}, got {other:?}").into()),
    };
    report("strict", async { outcome }).await;
    Ok(())
}

async fn report(item: &str, outcome: impl Future<Output = Outcome>) {
    match outcome.await {
        Ok(()) => println!("result rust {item} ok"),
        Err(error) => println!("failed: rust {item}: {error}"),
    }
}

/// A client, and a channel that it has joined.
async fn joined(
    url: &str,
    user: &str,
    positions: Option<&str>,
) -> Result<(Client, Arc<Channel>), Box<dyn Error>> {
    let mut config = Config::new(url)?;
    config.set("user_id", user);
    if let Some(positions) = positions {
        config.set("positions", positions);
    }
    let mut client = Client::new(config)?;
    client.connect().await?;
    let channel = client.join(TOPIC, Some(PATIENCE)).await?;
    Ok((client, channel))
}

/// What a channel hears under a name.
async fn heard(
    channel: &Channel,
    event: &'static str,
) -> Result<mpsc::UnboundedReceiver<Payload>, Box<dyn Error>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    channel.on(event, move |_, payload| drop(sender.send(payload.clone()))).await?;
    Ok(receiver)
}

/// Each push is answered with its position.
async fn replies(url: &str) -> Outcome {
    let (_client, channel) = joined(url, "ann", None).await?;
    let mut last = 0;
    for number in 0..20 {
        let answer = channel.send_with_timeout("n", json!({"n": number}), Some(PATIENCE)).await?;
        let Payload::Value(Value::Object(answer)) = answer else { return Err("no object".into()) };
        let offset = answer.get("offset").and_then(Value::as_u64).ok_or("no offset")?;
        if offset <= last {
            return Err(format!("offset {offset} after {last}").into());
        }
        last = offset;
    }
    channel.leave().await;
    Ok(())
}

const DEAF: &str = "no message has come";

/// What one says, the other hears, once and in order; and so does the one itself.
async fn broadcasts(url: &str, positions: Option<&str>) -> Outcome {
    let (_one, ann) = joined(url, "ann", positions).await?;
    let (_other, bob) = joined(url, "bob", positions).await?;
    let mut hears = [heard(&ann, "m").await?, heard(&bob, "m").await?];
    for number in 0..20 {
        ann.send_with_timeout("m", json!({"n": number}), Some(PATIENCE)).await?;
    }
    let patience = if positions.is_some() { SILENCE } else { PATIENCE };
    for receiver in &mut hears {
        for number in 0..20 {
            let next = timeout(patience, receiver.recv()).await;
            let payload = next.map_err(|_| DEAF)?.ok_or(DEAF)?;
            if payload != Payload::Value(json!({"n": number})) {
                return Err(format!("got {payload}, expected message {number}").into());
            }
        }
        if timeout(SILENCE, receiver.recv()).await.is_ok() {
            return Err("a message has come twice".into());
        }
    }
    Ok(())
}

/// Bytes go as they are. The client can't send any, so they come from a socket without it.
async fn binary(url: &str) -> Outcome {
    let (_client, bob) = joined(url, "bob", None).await?;
    let mut hears = heard(&bob, "bin").await?;
    let (mut ann, _) = connect_async(format!("{url}?vsn=2.0.0&user_id=ann")).await?;
    let join = json!(["1", "1", TOPIC, "phx_join", {}]).to_string();
    ann.send(Message::Text(join)).await?;
    let sizes = [0, 1, 1, u8::try_from(TOPIC.len())?, 3];
    for byte in 0..3_u8 {
        let frame = [&sizes[..], format!("12{TOPIC}bin").as_bytes(), &[byte, 255]].concat();
        ann.send(Message::Binary(frame)).await?;
    }
    for byte in 0..3_u8 {
        let payload = timeout(PATIENCE, hears.recv()).await?.ok_or("the client has ended")?;
        if payload != Payload::Binary(vec![byte, 255]) {
            return Err(format!("got {payload}, expected bytes of {byte}").into());
        }
    }
    Ok(())
}

/// A joiner gets the list of who is present, and the others hear of it.
async fn presence(url: &str) -> Outcome {
    let (_one, ann) = joined(url, "ann", None).await?;
    let mut diffs = heard(&ann, "presence_diff").await?;
    let (_other, _bob) = joined(url, "bob", None).await?;
    loop {
        let payload = timeout(PATIENCE, diffs.recv()).await?.ok_or("the client has ended")?;
        let Payload::Value(diff) = payload else { return Err("a diff of bytes".into()) };
        if diff.pointer("/joins/bob").is_some() {
            return Ok(());
        }
    }
}
