//! `? <question> …`: what can be asked of a channel, each answer one line of JSON.

use parlor::{Channel, ClientInfo, Outbound};
use serde::Serialize;
use serde_json::json;

use super::{line::Line, receiver};

/// The answer to a question.
pub(super) fn answer(
    line: &mut Line<'_>,
    channel: &Channel,
    said: &[Outbound],
) -> Result<String, String> {
    match line.word("a question")? {
        "adapter_label" => written(channel.adapter_label()),
        "clients_of" => written(channel.clients_of(&line.name("a user")?)),
        "client" => {
            let client = channel.client(&line.name("a client")?);
            written(client.map(|client| {
                let ClientInfo { client_id, user_id, handle, topics, data, connected, .. } = client;
                let mut info = json!({"client_id": client_id, "handle": handle.index(),
                                      "topics": topics, "user_id": user_id});
                if let Some(data) = data {
                    info["data"] = json!(data);
                }
                if !connected {
                    info["connected"] = json!(false);
                }
                info
            }))
        }
        "clock_ms" => written(channel.clock_ms()),
        "crashed" => written(channel.crashed()),
        "groups" => written(channel.groups()),
        "is_member" => written(channel.is_member(&line.name("a client")?, &line.name("a topic")?)),
        "is_user_in" => written(channel.is_user_in(&line.name("a user")?, &line.name("a topic")?)),
        "membership_count" => written(channel.membership_count()),
        "next_deadline" => {
            let deadline = channel.next_deadline();
            let why = deadline.map(|deadline| (deadline.at_ms, deadline.why.label()));
            written(why.map(|(at_ms, why)| json!({"at_ms": at_ms, "why": why})))
        }
        "presences" => written(channel.presences(&line.name("a topic")?)),
        "room" => written(channel.room(&line.name("a topic")?)),
        "stats" => written(channel.stats()),
        "subscribers" => written(channel.subscribers(&line.name("a topic")?)),
        "subscriptions" => {
            let (client, topic) = (line.name("a client")?, line.name("a topic")?);
            written(channel.subscriptions(&client, &topic))
        }
        "topics" => written(channel.topics()),
        "topics_of" => written(channel.topics_of(&line.name("a client")?)),
        "topics_of_user" => written(channel.topics_of_user(&line.name("a user")?)),

        // What a client makes of the diffs that it received since its last snapshot.
        "replayed" => {
            let (client, topic) = (line.name("a client")?, line.name("a topic")?);
            receiver::replay(channel, said, &client, &topic)
        }
        // The same, where changes wait for the end of a window.
        "received" => {
            let (client, topic) = (line.name("a client")?, line.name("a topic")?);
            written(receiver::received(said, &client, &topic)?)
        }
        question => {
            Err(format!("unknown question {question:?}, expected one of script/questions.rs"))
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every question is answered alike")]
fn written(answer: impl Serialize) -> Result<String, String> {
    Ok(serde_json::to_string(&answer).unwrap())
}
